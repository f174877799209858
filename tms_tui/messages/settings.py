"""Messages and effects of the screen of settings."""

from dataclasses import dataclass

from tms_tui.settings import Settings

# Of keys.


@dataclass(frozen=True)
class ChooseSetting:
    """The row below (1) or above (−1)."""

    direction: int


@dataclass(frozen=True)
class ChangeSetting:
    """The next value of the chosen setting (1), or the one before (−1)."""

    direction: int


@dataclass(frozen=True)
class DefaultSetting:
    """The default of the chosen setting."""


@dataclass(frozen=True)
class ToggleProjector:
    """Large print, or small, for this start."""


# Of the mouse.


@dataclass(frozen=True)
class PointAtSetting:
    """A row was clicked; and on its value, in which direction it is changed: −1, 1, or 0 beside it."""

    row: int
    direction: int


# Of the shell.


@dataclass(frozen=True)
class SettingsKept:
    """settings.toml was written: what it says now, and the names that were written; or why it was not."""

    kept: Settings
    names: frozenset[str]
    error: str


# Effects.


@dataclass(frozen=True)
class TakeTheme:
    theme: str
