"""The keys that mean something of their own in a pane, as its bindings, from the one table."""

from textual.binding import Binding, BindingType

from tms_tui.keys import KEYS, Pane


def pane_bindings(pane: Pane) -> list[BindingType]:
    """Bindings of a pane's keys to the app's actions."""
    return [Binding(key.keys, f"app.{key.action}", key.help, show=False) for key in KEYS if key.pane == pane]
