"""Runs: what is in a directory, one line each, and what the chosen one looks like."""

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget

from tms_tui.drawing.modes import Mode
from tms_tui.panes.pane_keys import screen_bindings
from tms_tui.panes.run_preview import RunAbout, RunPreview
from tms_tui.panes.runs_table import RunsTable
from tms_tui.screens.full_screen import FullScreen


class Runs(FullScreen):
    """A directory of runs and sweeps."""

    FULL = "runs"
    FIRST = "runs"
    BINDINGS: ClassVar[list[BindingType]] = screen_bindings("runs")
    DEFAULT_CSS = """
    Runs {
        #runs { width: 1fr; height: 1fr; }
        #look { width: 44; height: 100%; }
        #preview { height: 1fr; }
        #run { height: 9; padding: 0 1; }
        &.-narrow #look { width: 30; }
        &.-wide #look { width: 64; }
        &.-short #run { height: 8; }
    }
    """

    def __init__(self, mode: Mode, colors: int) -> None:
        super().__init__(mode, colors)
        self.panes = {
            "runs": RunsTable(mode, id="runs", classes="pane"),
            "preview": RunPreview(mode, id="preview", classes="pane"),
            "run": RunAbout(mode, id="run", classes="pane"),
        }
        self.moving = frozenset(self.panes)

    def body(self) -> Iterator[Widget]:
        yield self.panes["runs"]
        with Vertical(id="look"):
            yield self.panes["preview"]
            yield self.panes["run"]

    @property
    def page(self) -> int:  # type: ignore[override]
        return max(self.panes["runs"].size.height - 1, 1)


SCREEN = Runs
