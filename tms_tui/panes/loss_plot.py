"""The loss against steps. The mouse moves a cursor over it: the plot follows by itself and says so."""

from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from tms_tui.drawing.cells import RGB, Cells, blank
from tms_tui.drawing.loss_chart import LossChart, draw_loss, step_at
from tms_tui.drawing.modes import Mode
from tms_tui.memo import Memo
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.cells_widget import CellsWidget
from tms_tui.panes.pane_keys import pane_bindings


def loss_title(model: Model) -> str:
    return f"Batch loss {model.symbols.dash} {'log' if model.options.log else 'linear'}"


def loss_chart(model: Model, memo: Memo) -> LossChart | None:
    """The chart. None while there is no curve: the first paint need not wait for plotext."""
    view, options = model.view, model.options
    if view.curve is None:
        return None
    cursor = options.cursor if options.step is None else options.step
    return memo(
        LossChart,
        view.curve,
        view.steps,
        options.log,
        view.changes,
        view.diverged_at,
        cursor,
        options.instance,
        model.chart_colors,
    )


class LossPlot(Pane, CellsWidget, can_focus=True):
    """Shows a LossChart. While the mouse is over it, its cursor is shown instead of the chart's own."""

    BINDINGS: ClassVar[list[BindingType]] = pane_bindings("loss")
    DEFAULT_CSS = "LossPlot { min-width: 10; min-height: 3; }"

    @dataclass
    class Cursor(Message):
        """The mouse is over this step; None: over none any more."""

        step: int | None

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(mode, **options)
        self._chart: LossChart | None = None
        self._pointed: int | None = None

    def title_of(self, model: Model) -> str:
        return loss_title(model)

    def show_model(self, model: Model, memo: Memo) -> None:
        self.show(loss_chart(model, memo))

    def show(self, chart: LossChart | None) -> None:
        """Draw this from now on; None: nothing."""
        self._chart = chart
        self._set_content(chart, self._pointed)

    def draw(self, height: int, width: int, ground: RGB) -> Cells:
        chart, pointed = self._chart, self._pointed
        if chart is None:
            return blank(height, width)
        return draw_loss(
            chart if pointed is None else chart._replace(cursor=pointed), height, width, self.mode
        )

    def on_mouse_move(self, event: events.MouseMove) -> None:
        offset = event.get_content_offset(self)
        if offset is None or self._chart is None:
            self._point(None)
        else:
            self._point(step_at(self._chart, offset.x, self.size.height, self.size.width, self.mode))

    def on_leave(self) -> None:
        self._point(None)

    def _point(self, step: int | None) -> None:
        if step != self._pointed:
            self._pointed = step
            self._set_content(self._chart, step)
            self.post_message(self.Cursor(step))


PANE = LossPlot
