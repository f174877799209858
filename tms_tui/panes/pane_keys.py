"""The keys that have a meaning of their own in a pane, as its bindings, from the one table."""

from textual.binding import Binding, BindingType

from tms_tui.keys import KEYS, Pane


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
