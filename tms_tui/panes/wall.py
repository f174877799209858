"""The wall: the spaces of all instances side by side, under one camera."""

from typing import Any

from tms_tui.drawing.cells import RGB, Cells, blank
from tms_tui.drawing.modes import Mode
from tms_tui.memo import Memo
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.cells_widget import CellsWidget


class Wall(Pane, CellsWidget, can_focus=True):
    """As many spaces as fit."""

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(mode, **options)

    def title_of(self, model: Model) -> str:
        return f"Wall {model.symbols.dash} {model.experiment.n_instances:,} instances"

    def show_model(self, model: Model, memo: Memo) -> None:
        self._set_content(model.shown)

    def draw(self, height: int, width: int, ground: RGB) -> Cells:
        return blank(height, width)
