"""Phases: the diagram of a sweep, the cell that the cursor is at, and what the colours mean."""

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from tms_tui.drawing.modes import Mode
from tms_tui.panes.pane_keys import screen_bindings
from tms_tui.panes.phase_cell import PhaseCell
from tms_tui.panes.phase_map import PhaseView
from tms_tui.screens.full_screen import FullScreen


class Phases(FullScreen):
    """A sweep of a grid."""

    FULL = "phases"
    FIRST = "phases"
    BINDINGS: ClassVar[list[BindingType]] = screen_bindings("phases")
    DEFAULT_CSS = """
    Phases {
        #phases { width: 1fr; height: 1fr; }
        #cell { width: 34; height: 100%; padding: 0 1; text-wrap: nowrap; text-overflow: clip; }
        &.-narrow #cell { width: 28; }
        &.-wide #cell { width: 44; }
    }
    """

    def __init__(self, mode: Mode, colors: int) -> None:
        super().__init__(mode, colors)
        self.panes = {
            "phases": PhaseView(mode, id="phases", classes="pane"),
            "cell": PhaseCell(mode, id="cell", classes="pane"),
        }
        self.moving = frozenset(self.panes)

    def body(self) -> Iterator[Widget]:
        yield from self.panes.values()


SCREEN = Phases
