"""What the screen of settings shows beside the settings: where each comes from, and what it needs."""

from dataclasses import dataclass, replace
from typing import Any

from tms_tui.abilities import Characters, Images
from tms_tui.settings import Settings

# The rows of the screen: the settings that last, and what only the environment sets.
ROWS = (
    "theme", "render", "palette", "pace", "fps", "low_bandwidth", "turning", "sides", "projector", "colors",
)  # fmt: skip

_SETTINGS = Settings()
_NO_IMAGES = Images(None, "there is no terminal")
_BRAILLE = Characters("braille", "as it is everywhere by default")


@dataclass(frozen=True)
class SettingsState:
    """Where the settings come from.

    kept      those of settings.toml, with the defaults for what it does not set
    names     those that settings.toml sets
    given     names and values of the command line, for this start
    path      of settings.toml; "" where there is no home directory
    theme     that is shown
    themes    that there are
    auto      the characters that `render = "auto"` takes here
    only_ascii   whether the terminal's encoding has nothing else
    colors    how many colours there are, and why
    images    how pictures are sent, or why not
    row       the one that is chosen
    trouble   why the settings could not be written, as it was said last
    """

    kept: Settings = _SETTINGS
    names: frozenset[str] = frozenset()
    given: tuple[tuple[str, Any], ...] = ()
    path: str = ""
    theme: str = "tms-dark"
    themes: tuple[str, ...] = ("tms-dark", "tms-light")
    auto: Characters = _BRAILLE
    only_ascii: bool = False
    colors: str = ""
    images: Images = _NO_IMAGES
    row: int = 0
    trouble: str = ""

    @property
    def chosen(self) -> str:
        return ROWS[self.row]

    def no_longer_given(self, name: str) -> "SettingsState":
        """A setting was changed, and is no longer that of the command line."""
        return replace(self, given=tuple(pair for pair in self.given if pair[0] != name))
