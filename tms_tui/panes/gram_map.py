"""W Wᵀ as a heat map."""

from typing import Any

import numpy as np
from jaxtyping import Float
from textual.strip import Strip
from textual.widget import Widget

from tms_tui.drawing.heat_map import draw_heat_map
from tms_tui.drawing.modes import Mode
from tms_tui.panes.cells_to_strips import cells_to_strips


class GramMap(Widget, can_focus=True):
    """Shows a Gram matrix (features, features), a selected feature marked at the edges."""

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)
        self.mode = mode
        self._gram: Float[np.ndarray, "features features"] = np.zeros((0, 0))
        self._lit: int | None = None
        self._drawn: tuple[object, ...] = ()
        self._strips: list[Strip] = []

    def show(self, gram: Float[np.ndarray, "features features"], lit: int | None) -> None:
        if gram is not self._gram or lit != self._lit:
            self._gram, self._lit = gram, lit
            self._drawn = ()
            self.refresh()

    def render_line(self, y: int) -> Strip:
        ground = self.background_colors[1].rgb
        wanted = (self.size, ground)
        if wanted != self._drawn:
            width, height = self.size
            cells = draw_heat_map(self._gram, height, width, self.mode, ground, self._lit)
            self._strips = cells_to_strips(cells, self.visual_style.rich_style)
            self._drawn = wanted
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)
