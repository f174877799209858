"""CellsWidget: what the panes that draw with Cells share.

Drawn by Textual's Line API from strips that are made when the content, the size or the colours have changed,
and only when a line is asked for: a hidden pane costs nothing, and one that does not change writes nothing to
the terminal.
"""

from typing import Any

from rich.style import Style
from textual.filter import ANSIToTruecolor
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
        wanted = (self.size, base, self.mode)
        if wanted != self._strips_for:
            self._strips = self._draw_strips(base) if self._content is not None else []
            self._strips_for = wanted
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, base)

    def render_lines(self, crop: Region) -> list[Strip]:
        """As Textual has it, which works out the border, the same for all lines, and much more for each."""
        styles, (width, height) = self.styles, self.outer_size
        first, last = styles.gutter.top, height - styles.gutter.bottom  # lines within the border
        begin, end = max(crop.y, first + 1), min(crop.bottom, last)
        is_plain = not (styles.padding or styles.tint.a) and self.opacity == 1 and styles.text_opacity == 1
        if end - begin < 2 or not is_plain or crop.column_span != (0, width):
            return super().render_lines(crop)
        above = super().render_lines(Region(0, crop.y, width, begin - crop.y))
        below = super().render_lines(Region(0, end, width, crop.bottom - end))
        sample = above[-1] if begin > crop.y else super().render_lines(Region(0, first, width, 1))[0]
        segments = list(sample)
        left = segments[:1] if styles.border_left[0] else []
        right = segments[-1:] if styles.border_right[0] else []
        last_line = self.render_line(end - 1 - first)
        lines = self._strips[begin - first : end - first]
        lines += [last_line] * (end - begin - len(lines))  # nothing has been drawn yet
        strips = [Strip([*left, *line, *right], width) for line in lines]
        ground = self.background_colors[1]
        for line_filter in self.get_line_filters():
            if not isinstance(line_filter, ANSIToTruecolor):  # all colours of cells are that
                strips = [strip.apply_filter(line_filter, ground) for strip in strips]
        return above + strips + below

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
