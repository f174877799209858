"""The panes of the dashboard: one table, and a file a pane beside it, with its widget as PANE.

To add one: its file, one line in the table, its tests; and a line in keys.py for the key that focuses it.
Other files here are what panes share, the title line, the run bar and the key bar.
"""

from importlib import import_module
from typing import Any, Literal, NamedTuple

from tms_tui.memo import Memo
from tms_tui.model import Model
from tms_tui.panes.jumps import Jump

# Side by side: the body, which is drawn every frame, and the side column, with the middle and the low row at
# its lower end. Of these two rows, `reading.shown_panes` says which panes there is room for.
Place = Literal["body", "side", "middle", "low"]


class Entry(NamedTuple):
    """Where a pane is, before it is loaded."""

    file: str
    place: Place


PANES: dict[str, Entry] = {
    "space": Entry("space_view", "body"),
    "loss": Entry("loss_plot", "side"),
    "features": Entry("features_table", "middle"),
    "ladder": Entry("ladder", "middle"),
    "gram": Entry("gram_map", "low"),
    "numbers": Entry("numbers", "low"),
}


class Pane:
    """What the widget of a pane has, beside a `__init__(mode, **options)`."""

    def jumps(self) -> list[Jump]:
        """The places of its content to jump to."""
        return []

    def title_of(self, model: Model) -> str:
        """What stands in its border."""
        raise NotImplementedError

    def show_model(self, model: Model, memo: Memo) -> None:
        """Show a Model; the same one again costs next to nothing."""
        raise NotImplementedError


def pane_class(name: str) -> Any:
    """The widget of a pane of the table, a `Pane`."""
    return import_module(f"tms_tui.panes.{PANES[name].file}").PANE
