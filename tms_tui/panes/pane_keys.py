"""The keys of a pane, and those of a full screen, as bindings, from the one table."""

from textual.binding import Binding, BindingType

from tms_tui.keys import KEYS, Pane, shared_keys
from tms_tui.messages import FullScreenName


def press(index: int) -> str:
    """The Textual action of a key: the app sends the message that the table of keys has at this place."""
    return f"app.press({index})"


def pane_bindings(pane: Pane) -> list[BindingType]:
    """Bindings of a pane's keys."""
    return [
        Binding(key.keys, press(index), key.help, show=False)
        for index, key in enumerate(KEYS)
        if key.pane == pane
    ]


def screen_bindings(screen: FullScreenName) -> list[BindingType]:
    """Bindings of a full screen: of the keys that work in all its panes, but on no other screen."""
    return [
        Binding(key.keys, press(index), key.help, show=False)
        for index, key in shared_keys(screen)
        if key.pane or key.only
    ]
