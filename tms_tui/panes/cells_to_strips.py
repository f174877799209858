"""Cells to Textual's strips: neighbouring cells of one style are one segment, and styles are cached."""

from functools import lru_cache

import numpy as np
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tms_tui.drawing.cells import BLANK, Cells

_OWN = 1 << 24  # in place of a colour: the widget's own


@lru_cache(maxsize=1 << 14)
def _style(base: Style, foreground: int, background: int) -> Style:
    return base + Style(color=_color(foreground), bgcolor=_color(background))


def _color(packed: int) -> Color | None:
    return None if packed == _OWN else Color.from_rgb(packed >> 16, packed >> 8 & 255, packed & 255)


def _packed(colors: np.ndarray) -> np.ndarray:
    """RGB, (rows, columns, 3), as one number a cell."""
    wide = colors.astype(np.int64)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def cells_to_strips(cells: Cells, base: Style) -> list[Strip]:
    """One strip a row, each as long as the picture is wide. `base` is the widget's own style.

    A blank cell takes the colour of the cells before it (leading ones, of the first that is not blank), for
    every change of style costs about 40 bytes of output.
    """
    rows, columns = cells.glyphs.shape
    if not cells.glyphs.size:
        return [Strip([], 0) for _ in range(rows)]
    seen = cells.glyphs != BLANK
    # The cell whose colour each cell has: itself, or the last that is not blank.
    column = np.arange(columns)
    source = np.maximum.accumulate(np.where(seen, column, -1), axis=1)
    source = np.where(source < 0, seen.argmax(1)[:, None], source)
    style = np.take_along_axis(_packed(cells.foreground), source, 1)
    style[~seen.any(1)] = _OWN
    style = style << 32 | (_OWN if cells.background is None else _packed(cells.background))

    starts = np.ones((rows, columns), bool)
    starts[:, 1:] = style[:, 1:] != style[:, :-1]
    begin = np.flatnonzero(starts)
    ends = [*begin[1:].tolist(), rows * columns]
    keys = style.ravel()[begin].tolist()
    text = cells.glyphs.astype("<u4").tobytes().decode("utf-32-le")
    styles = {key: _style(base, key >> 32, key & 0xFFFFFFFF) for key in set(keys)}
    segments = [
        Segment(text[start:end], styles[key])
        for start, end, key in zip(begin.tolist(), ends, keys, strict=True)
    ]
    row_ends = np.cumsum(starts.sum(1)).tolist()
    row_starts = [0, *row_ends[:-1]]
    return [Strip(segments[first:last], columns) for first, last in zip(row_starts, row_ends, strict=True)]
