"""Phases: the diagram of a sweep, the cell that the cursor is at, and what the colours mean."""

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget

from tms_tui.drawing.modes import Mode
from tms_tui.model import Model
from tms_tui.panes.pane_keys import screen_bindings
from tms_tui.panes.phase_cell import PhaseCell
from tms_tui.panes.phase_map import PhaseView
from tms_tui.panes.run_bar import Progress
from tms_tui.panes.sweep_title import about_sweep, phase_of_sweep, progress_of_sweep
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

    def head_of(self, model: Model) -> tuple[Content, Content, Progress]:
        state = model.phases
        if state.path is None or state.shape is None or state.seen is None:
            return about_sweep(model), Content(""), Progress(0.0, False, ("no sweep",))
        return about_sweep(model), phase_of_sweep(model), progress_of_sweep(model)

    def body(self) -> Iterator[Widget]:
        yield from self.panes.values()


SCREEN = Phases
