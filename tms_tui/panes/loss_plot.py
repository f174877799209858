"""The loss against steps. A click looks at a step, and so does dragging along the timeline below it.

The wheel zooms where the mouse is: over the losses' axis in the loss, elsewhere in steps. Where a part is
shown, dragging moves it. The step under the mouse is read meanwhile; only this pane shows that.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Offset
from textual.message import Message

from tms_tui.drawing.cells import RGB, Cells, blank
from tms_tui.drawing.loss_chart import LossChart, Place, Window, draw_loss, place_at
from tms_tui.drawing.modes import Mode
from tms_tui.loss_scene import MOST_INSTANCES, loss_scene
from tms_tui.memo import Memo
from tms_tui.messages import LookAgain, LookAt, PanLoss, ZoomLoss
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.cells_widget import CellsWidget
from tms_tui.panes.pane_keys import pane_bindings
from tms_tui.panes.pointing import Pointing
from tms_tui.reading import Thing


def loss_title(model: Model) -> str:
    title = f"Batch loss {model.symbols.dash} {'log' if model.options.log else 'linear'}"
    look, instances = model.loss, model.view.experiment.n_instances
    parts = ["log steps"] if look.log_steps else []
    parts += ["a part"] if look.window != Window() else []
    parts += [{"instances": "each instance", "theory": "theory", "run": "another run"}.get(look.overlay, "")]
    parts += [] if instances <= MOST_INSTANCES else [f"{MOST_INSTANCES:,} of {instances:,} instances"]
    return ", ".join([title, *filter(None, parts)])


class LossPlot(Pane, Pointing, CellsWidget, can_focus=True):
    """Shows a LossChart, and reports what the mouse asks for."""

    BINDINGS: ClassVar[list[BindingType]] = pane_bindings("loss")
    DEFAULT_CSS = "LossPlot { min-width: 10; min-height: 3; }"

    @dataclass
    class Asked(Message):
        """What the mouse asks the app for."""

        message: LookAt | LookAgain | ZoomLoss | PanLoss

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(mode, **options)
        self._chart: LossChart | None = None
        self._pointed: int | None = None
        # Where the mouse was pressed: what it drags, and the cell that it has been followed to.
        self._dragged: tuple[str, int, int] | None = None
        # The step that was looked at, and whether it trained: now, and before each of the last two clicks.
        self._now: tuple[int | None, bool] = (None, False)
        self._before: list[tuple[int | None, bool]] = []

    def title_of(self, model: Model) -> str:
        return loss_title(model)

    def show_model(self, model: Model, memo: Memo) -> None:
        self._now = model.options.step, model.view.phase == "training"
        self.show(loss_scene(model, memo))

    def show(self, chart: LossChart | None) -> None:
        """Draw this from now on; None: nothing."""
        self._chart = chart
        self._set_content(chart, self._pointed)

    def draw(self, height: int, width: int, ground: RGB) -> Cells:
        chart = self._chart
        if chart is None:
            return blank(height, width)
        return draw_loss(chart._replace(pointed=self._pointed), height, width, self.mode)

    def _place(self, event: events.MouseEvent) -> Place | None:
        offset = event.get_content_offset_capture(self)
        width, height = self.size
        if self._chart is None or not width or not height:
            return None
        # While it is dragged the mouse may leave the pane: then it is at the edge.
        held = self._dragged is not None
        x, y = (min(max(offset.x, 0), width - 1), min(max(offset.y, 0), height - 1)) if held else offset
        return place_at(self._chart, y, x, height, width, self.mode)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        place = self._place(event)
        if place is None or place.part == "losses" or self._chart is None:
            return
        self.capture_mouse()
        self._before = [*self._before[-1:], self._now]
        is_part = self._chart.window != Window()
        what = "part" if is_part and place.part == "canvas" else "cursor"
        self._dragged = (what, event.screen_x, event.screen_y)
        self.post_message(self.Asked(LookAt(place.step)))

    def thing_at(self, offset: Offset) -> Thing | None:
        return Thing("loss")

    def on_mouse_move(self, event: events.MouseMove) -> None:
        place = self._place(event)
        self._point(None if place is None or place.part == "losses" else place.step)
        if self._dragged is None or place is None:
            return
        what, x, y = self._dragged
        if (x, y) == (event.screen_x, event.screen_y):
            return
        self._dragged = (what, event.screen_x, event.screen_y)
        if what == "cursor":
            self.post_message(self.Asked(LookAt(place.step)))
        else:
            right, up = (x - event.screen_x) / self.size.width, (event.screen_y - y) / self.size.height
            self.post_message(self.Asked(PanLoss(right, up)))

    def on_mouse_up(self, _: events.MouseUp) -> None:
        self.release_mouse()
        self._dragged = None

    def on_click(self, event: events.Click) -> None:
        """A double click maximises, as in every pane: the step that its first click has chosen is left."""
        if event.chain == 2 and self._before:
            self.post_message(self.Asked(LookAgain(*self._before[0])))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._zoom(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._zoom(event, -1)

    def _zoom(self, event: events.MouseEvent, direction: int) -> None:
        event.stop()
        place = self._place(event)
        if place is not None:
            axis: Any = "losses" if place.part == "losses" else "steps"
            self.post_message(self.Asked(ZoomLoss(axis, direction, float(place.step), place.loss)))

    def on_leave(self) -> None:
        self._point(None)

    def _point(self, step: int | None) -> None:
        if step != self._pointed:
            self._pointed = step
            self._set_content(self._chart, step)


PANE = LossPlot
