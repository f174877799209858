"""Messages and effects of the screen of settings."""

from tms_tui.record import Record
from tms_tui.settings import Settings

# Of keys.


class ChooseSetting(Record):
    """The row below (1) or above (−1)."""

    direction: int


class ChangeSetting(Record):
    """The next value of the chosen setting (1), or the one before (−1)."""

    direction: int


class DefaultSetting(Record):
    """The default of the chosen setting."""


class ToggleProjector(Record):
    """Large print, or small, for this start."""


# Of the mouse.


class PointAtSetting(Record):
    """A row was clicked; and on its value, in which direction it is changed: −1, 1, or 0 beside it."""

    row: int
    direction: int


# Of the shell.


class SettingsKept(Record):
    """settings.toml was written: what it says now, and the names that were written; or why it was not."""

    kept: Settings
    names: frozenset[str]
    error: str


# Effects.


class TakeTheme(Record):
    theme: str
