"""The full screens: one table, and a file each beside it, with its class as SCREEN. Other files are dialogs.

To add one: its name in messages/screens.py, its file, one line in the table, its panes' keys in keys.py.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from tms_tui.messages import FullScreenName

if TYPE_CHECKING:
    from tms_tui.screens.full_screen import FullScreen

FULL_SCREENS: dict[FullScreenName, str] = {
    "dashboard": "dashboard",
    "population": "population",
    "phases": "phases",
    "runs": "runs",
    "settings": "settings",
}


def full_screen_class(name: FullScreenName) -> "type[FullScreen]":
    """The class of a full screen, which is loaded when it is first shown."""
    found: type[FullScreen] = import_module(f"tms_tui.screens.{FULL_SCREENS[name]}").SCREEN
    return found
