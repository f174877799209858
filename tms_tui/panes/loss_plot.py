"""The loss against steps. The mouse moves a cursor over it: the plot follows by itself and says so."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int64
from textual import events
from textual.binding import BindingType
from textual.geometry import Offset
from textual.message import Message

from tms_engine.training.history import LossCurve
from tms_tui.drawing.cells import RGB, Cells, blank
from tms_tui.drawing.loss_chart import LossChart, draw_loss, step_at
from tms_tui.drawing.modes import Mode
from tms_tui.memo import Memo
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.cells_widget import CellsWidget
from tms_tui.panes.pane_keys import pane_bindings
from tms_tui.panes.pointing import Pointing
from tms_tui.reading import Thing

# Instances whose losses are drawn: more would hold up a frame.
_MOST_INSTANCES = 1 << 12


def loss_title(model: Model) -> str:
    title = f"Batch loss {model.symbols.dash} {'log' if model.options.log else 'linear'}"
    instances = model.view.experiment.n_instances
    few = "" if instances <= _MOST_INSTANCES else f", {_MOST_INSTANCES:,} of {instances:,} instances"
    return title + few


def loss_chart(model: Model, memo: Memo) -> LossChart | None:
    """The chart. None while there is no curve: the first paint need not wait for plotext."""
    view, options = model.view, model.options
    if view.curve is None:
        return None
    cursor = options.cursor if options.step is None else options.step
    curve, diverged_at, instance = memo(_of_some, view.curve, view.diverged_at, options.instance)
    return memo(
        LossChart,
        curve,
        view.steps,
        options.log,
        view.changes,
        diverged_at,
        cursor,
        instance,
        model.chart_colors,
    )


def _of_some(
    curve: LossCurve, diverged_at: Int64[np.ndarray, " instances"], instance: int
) -> tuple[LossCurve, tuple[int, ...], int]:
    """The losses of so many instances as can be drawn, the selected one among them, and its place."""
    n_instances = curve.mean.shape[1]
    if n_instances <= _MOST_INSTANCES:
        return curve, tuple(diverged_at.tolist()), instance
    some = np.arange(_MOST_INSTANCES) * n_instances // _MOST_INSTANCES
    place = int(np.searchsorted(some, instance, "right")) - 1
    some[place] = instance
    few = curve._replace(low=curve.low[:, some], mean=curve.mean[:, some], high=curve.high[:, some])
    return few, tuple(diverged_at[some].tolist()), place


class LossPlot(Pane, Pointing, CellsWidget, can_focus=True):
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

    def thing_at(self, offset: Offset) -> Thing | None:
        return Thing("loss")

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
