"""The wall: the spaces of as many instances as fit, side by side, under one camera, live.

They stand in the order of the table. Each has what it differs in and its name above it.
"""

import textwrap
from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Offset

from tms_tui.drawing.ascii import ascii_text
from tms_tui.drawing.cells import RGB, Cells, blank, write
from tms_tui.drawing.loss_chart import ChartColors
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.scene import flat_camera
from tms_tui.drawing.symbols import symbols
from tms_tui.drawing.wall import Tile, WallGrid, draw_wall, fit
from tms_tui.memo import Memo
from tms_tui.messages import Drag
from tms_tui.messages.finding import GoToInstance
from tms_tui.messages.population import MoveOnWall, OpenInstance, SelectInstance
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.cells_widget import CellsWidget
from tms_tui.panes.jumps import Jump
from tms_tui.panes.pane_keys import pane_bindings
from tms_tui.panes.pointing import Pointing
from tms_tui.panes.population_text import heading, name_of, what_varies
from tms_tui.panes.text import cut
from tms_tui.panes.told import Told
from tms_tui.population import Rows
from tms_tui.reading import Thing
from tms_tui.view import loading
from tms_tui.wall_scene import wall_scene


class Wall(Pane, Pointing, CellsWidget, can_focus=True):
    """Shows a window on the order of instances that holds the selected one."""

    BINDINGS: ClassVar[list[BindingType]] = pane_bindings("wall")

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(mode, **options)
        self.grid = WallGrid(1, 1, 1, 1, 1)
        self._first = 0  # row of tiles at the top
        self._shown: tuple[Model, Memo] | None = None
        self._instances: tuple[int, ...] = ()
        self._dragged_from: tuple[int, int] | None = None
        self._dragged = False

    def title_of(self, model: Model) -> str:
        state, n = model.population, model.experiment.n_instances
        title = f"Wall {model.symbols.dash} {n:,} instance{'s' * (n > 1)}"
        if 0 < len(self._instances) < n:
            first = self._first * self.grid.across + 1
            title += f", {first:,} to {first + len(self._instances) - 1:,}"
        if state.sort != "number":
            title += f", by {heading(state.sort)}{' backwards' if state.backwards else ''}"
        if model.options.step is not None:
            title += f", at step {model.options.step:,}"
        m = model.experiment.n_hidden
        return title + (f", {model.options.projection}" if m > 3 else "")

    def on_resize(self) -> None:
        if self._shown is not None:
            self.show_model(*self._shown)

    def show_model(self, model: Model, memo: Memo) -> None:
        self._shown = model, memo
        columns, rows = self.size
        state, shown = model.population, model.shown
        if shown is None or state.rows is None or state.order is None or state.place is None:
            what = model.view.error or loading(model.view) + model.symbols.ellipsis
            self._set_content(what, model.chart_colors.text)
            return
        if not columns or not rows:
            return
        self.grid = memo(fit, len(state.order), rows, columns)
        selected = int(state.place[model.options.instance]) // self.grid.across
        rows_of_tiles = -(-len(state.order) // self.grid.across)
        last = max(0, rows_of_tiles - self.grid.down)
        self._first = min(max(self._first, selected - self.grid.down + 1), selected, last)
        start = self._first * self.grid.across
        self._instances = tuple(state.order[start : start + self.grid.room].tolist())
        scene = memo(wall_scene, shown, model.options.of_scene, self._instances)
        colors, selected = model.chart_colors, model.options.instance
        tiles = memo(_tiles, state.rows, self._instances, selected, self.grid, model.mode, colors)
        camera = flat_camera(model.options.camera.zoom) if scene.flat else model.options.camera
        self._set_content(scene, tiles, self.grid, camera, model.chart_colors.line)

    def draw(self, height: int, width: int, ground: RGB) -> Cells:
        assert self._content is not None
        if len(self._content) == 2:
            return _said(self._content[0], height, width, self._content[1])
        scene, tiles, grid, camera, accent = self._content
        return draw_wall(scene, tiles, grid, camera, height, width, self.mode, accent, ground)

    def _instance_at(self, x: int, y: int) -> int | None:
        column, row = x // (self.grid.width + 1), y // self.grid.height
        place = row * self.grid.across + column
        inside = 0 <= column < self.grid.across and 0 <= place < len(self._instances)
        return self._instances[place] if inside else None

    def thing_at(self, offset: Offset) -> Thing | None:
        return Thing("wall", instance=self._instance_at(offset.x, offset.y))

    def jumps(self) -> list[Jump]:
        grid = self.grid
        return [
            Jump(place % grid.across * (grid.width + 1), place // grid.across * grid.height, GoToInstance(i))
            for place, i in enumerate(self._instances)
        ]

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.capture_mouse()
        self._dragged_from, self._dragged = (event.screen_x, event.screen_y), False

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged_from:
            x, y = self._dragged_from
            if (event.screen_x, event.screen_y) != (x, y):
                self._dragged_from, self._dragged = (event.screen_x, event.screen_y), True
                self.post_message(Told(Drag(event.screen_x - x, event.screen_y - y)))

    def on_mouse_up(self, _: events.MouseUp) -> None:
        self.release_mouse()
        self._dragged_from = None

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        instance = None if at is None or self._dragged else self._instance_at(at.x, at.y)
        if instance is not None:
            self.post_message(Told(SelectInstance(instance)))
            if event.chain > 1:
                self.post_message(Told(OpenInstance()))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.post_message(Told(MoveOnWall(0, 1)))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.post_message(Told(MoveOnWall(0, -1)))


PANE = Wall


def _said(text: str, height: int, width: int, color: RGB) -> Cells:
    """A sentence in the middle of a picture."""
    picture = blank(height, width)
    lines = textwrap.wrap(text, max(1, width - 4))[:height]
    for row, line in enumerate(lines, (height - len(lines)) // 2):
        write(picture, row, (width - len(line)) // 2, line, color)
    return picture


def _tiles(
    rows: Rows, instances: tuple[int, ...], selected: int, grid: WallGrid, mode: Mode, colors: ChartColors
) -> tuple[Tile, ...]:
    """The texts of the tiles: what an instance differs in or its number, and its name."""
    named_as, signs = int(rows.which[selected]), symbols(mode)
    made = []
    for i in instances:
        chosen, name = i == selected, name_of(rows, i)
        about = what_varies(rows, i) or f"{rows.number[i]}"
        if chosen:
            about = f"{signs.pointer} {about}"
        texts = [about, name] if grid.lines > 1 else [f"{about} {name}"]
        if mode == "ascii":
            texts = list(map(ascii_text, texts))
        alike = rows.which[i] == named_as >= 0
        strong = colors.line if chosen else colors.text if alike else colors.axis
        ink = colors.mark if rows.diverged[i] else strong
        inks = (colors.line if chosen else colors.axis, ink) if grid.lines > 1 else (ink,)
        cut_off = [cut(text, grid.width, signs.ellipsis.strip()) for text in texts]
        made.append(Tile(tuple(zip(cut_off, inks, strict=True)), chosen))
    return tuple(made)
