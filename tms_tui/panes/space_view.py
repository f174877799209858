"""The space: weight vectors and activation clouds in 3D, turned by keys, dragging and the wheel.

Drawn by the Line API from strips that are made when the picture, the size or the theme has changed, and
then only when a line is asked for: a picture that nobody sees costs nothing, and one that stands still
writes nothing to the terminal.
"""

import textwrap
from dataclasses import dataclass
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tms_tui.drawing.cells import hstack
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.scene import draw_scene
from tms_tui.panes.cells_to_strips import cells_to_strips
from tms_tui.space_scene import Picture


class SpaceView(Widget, can_focus=True):
    """Shows a Picture; reports how a mouse turns and zooms it."""

    DEFAULT_CSS = "SpaceView { min-width: 10; min-height: 4; }"

    @dataclass
    class Turned(Message):
        """The mouse dragged by so many cells."""

        right: int
        down: int

    @dataclass
    class Zoomed(Message):
        """The wheel turned: 1 is nearer, −1 farther."""

        direction: int

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)
        self.mode = mode
        self._picture: Picture | None = None
        self._waiting = "loading"
        self._drawn: tuple[object, ...] = ()
        self._strips: list[Strip] = []
        self._dragged_from: tuple[int, int] | None = None

    def show(self, picture: Picture | None, waiting: str = "") -> None:
        """Draw this from now on; without a picture, say what is awaited."""
        if picture is not self._picture or waiting != self._waiting:
            self._picture, self._waiting = picture, waiting
            self._drawn = ()
            self.refresh(Region(0, 0, *self.size))  # without the border

    def render_line(self, y: int) -> Strip:
        ground = self.background_colors[1].rgb
        wanted = (self.size, ground)
        if wanted != self._drawn:
            self._strips = self._draw(self.size, ground)
            self._drawn = wanted
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)

    def _draw(self, size: Size, ground: tuple[int, int, int]) -> list[Strip]:
        width, height = size
        base = self.visual_style.rich_style
        if self._picture is None:
            said = textwrap.wrap(self._waiting, max(1, width - 4))[:height]
            above = (height - len(said)) // 2
            text = [""] * above + said + [""] * (height - above - len(said))
            return [Strip([Segment(line.center(width), base)]) for line in text]
        count = len(self._picture.panels)
        gap = 1 if count > 1 else 0
        columns = [(width - gap * (count - 1) + i) // count for i in range(count)]
        pictures = [
            draw_scene(
                panel.scene, self._picture.camera, self._picture.radius, height, wide, self.mode, ground
            )
            for panel, wide in zip(self._picture.panels, columns, strict=True)
        ]
        lines = cells_to_strips(hstack(pictures, ground), base)
        if count > 1 and height:
            titles = (" " * gap).join(
                panel.title.center(wide)[:wide]
                for panel, wide in zip(self._picture.panels, columns, strict=True)
            )
            lines[0] = Strip([Segment(titles.ljust(width), base + Style(bold=True))])
        return lines

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.capture_mouse()
        # Deltas are not to be relied on (a pilot sends none): positions are.
        self._dragged_from = (event.screen_x, event.screen_y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged_from:
            x, y = self._dragged_from
            self._dragged_from = (event.screen_x, event.screen_y)
            if (event.screen_x, event.screen_y) != (x, y):
                self.post_message(self.Turned(event.screen_x - x, event.screen_y - y))

    def on_mouse_up(self, _: events.MouseUp) -> None:
        self.release_mouse()
        self._dragged_from = None

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.post_message(self.Zoomed(1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.post_message(self.Zoomed(-1))
