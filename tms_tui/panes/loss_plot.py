"""The loss against steps. The mouse reads a point of it: the plot follows by itself and says so.

Drawn by the Line API from strips that are made anew only when the chart, the size or the pointer changed,
so a paused run costs nothing.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tms_tui.drawing.loss_chart import LossChart, draw_loss, same, step_at
from tms_tui.drawing.modes import Mode
from tms_tui.panes.cells_to_strips import cells_to_strips
from tms_tui.panes.pane_keys import pane_bindings


class LossPlot(Widget, can_focus=True):
    """Shows a LossChart. While the mouse is over it, its cursor goes before the chart's own."""

    BINDINGS: ClassVar[list[BindingType]] = pane_bindings("loss")
    DEFAULT_CSS = "LossPlot { min-width: 10; min-height: 3; }"

    @dataclass
    class Cursor(Message):
        """The mouse reads this step; None: it reads none any more."""

        step: int | None

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)
        self.mode = mode
        self._chart: LossChart | None = None
        self._pointed: int | None = None
        self._drawn: LossChart | None = None
        self._drawn_for: tuple[Size, Mode, Style] | None = None
        self._strips: list[Strip] = []

    def show(self, chart: LossChart | None) -> None:
        """Draw this from now on; None: nothing."""
        if not same(chart, self._chart):
            self._chart = chart
            self.refresh()

    def render_line(self, y: int) -> Strip:
        chart = self._chart
        if chart is not None and self._pointed is not None:
            chart = chart._replace(cursor=self._pointed)
        base = self.visual_style.rich_style
        wanted_for = (self.size, self.mode, base)
        if chart is None:
            return Strip.blank(self.size.width, base)
        if not (same(chart, self._drawn) and wanted_for == self._drawn_for):
            self._strips = cells_to_strips(
                draw_loss(chart, self.size.height, self.size.width, self.mode), base
            )
            self._drawn, self._drawn_for = chart, wanted_for
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, base)

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
            self.post_message(self.Cursor(step))
            self.refresh()
