"""CellsWidget: what the panes that draw with Cells share.

Drawn by Textual's Line API from strips that are made when the content, the size or the colours have changed,
and only when a line is asked for: a hidden pane costs nothing, and one that does not change writes nothing to
the terminal.
"""

from typing import Any

from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tms_tui.abilities import TRUECOLOR
from tms_tui.drawing.cells import RGB, Cells
from tms_tui.drawing.few_colors import of_16
from tms_tui.drawing.modes import Mode
from tms_tui.memo import same
from tms_tui.panes.cells_to_strips import cells_to_strips


class CellsWidget(Widget):
    """Shows content that a subclass draws. Content is compared as Memo compares arguments."""

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)
        self.mode = mode
        self._content: tuple[Any, ...] | None = None
        self._strips: list[Strip] = []
        self._strips_for: tuple[object, ...] | None = None

    @property
    def n_colors(self) -> int:
        """How many colours the terminal has."""
        return int(getattr(self.app, "n_colors", TRUECOLOR))

    def _set_content(self, *content: Any) -> None:
        """Draw this from now on."""
        before = self._content
        if before is None or not all(map(same, before, content)):
            self._content, self._strips_for = content, None
            self.refresh(Region(0, 0, *self.size))  # without the border

    def render_line(self, y: int) -> Strip:
        base = self.visual_style.rich_style
        wanted = (self.size, base)
        if wanted != self._strips_for:
            self._strips = self._draw_strips(base) if self._content is not None else []
            self._strips_for = wanted
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, base)

    def _draw_strips(self, base: Style) -> list[Strip]:
        width, height = self.size
        ground: RGB = self.background_colors[1].rgb
        cells = self.draw(height, width, ground)
        if self.n_colors <= 16:
            cells = cells._replace(
                foreground=of_16(cells.foreground),
                background=None if cells.background is None else of_16(cells.background),
            )
        return cells_to_strips(cells, base)

    def draw(self, height: int, width: int, ground: RGB) -> Cells:
        """The content in so many cells, on a background."""
        raise NotImplementedError
