"""Cells: a picture in characters, which everything in this package draws and a widget turns into strips.

No Textual and no rich here: a picture is three numpy arrays, drawn and tested without a terminal.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8, UInt32

RGB = tuple[int, int, int]

BLANK = 32


class Cells(NamedTuple):
    """A picture in characters, one a cell."""

    glyphs: UInt32[np.ndarray, "rows columns"]
    """Code points, each one cell wide; 32 is blank."""
    foreground: UInt8[np.ndarray, "rows columns 3"]
    """RGB; irrelevant where the glyph is blank."""
    background: UInt8[np.ndarray, "rows columns 3"] | None
    """RGB; None: the widget's own everywhere."""


def blank(rows: int, columns: int, background: RGB | None = None) -> Cells:
    """An empty picture, on a background if one is given."""
    own = None if background is None else np.full((rows, columns, 3), background, np.uint8)
    glyphs = np.full((rows, columns), BLANK, np.uint32)
    return Cells(glyphs, np.zeros((rows, columns, 3), np.uint8), own)


def code_points(text: str) -> UInt32[np.ndarray, "characters"]:
    """The code points of a text."""
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def write(cells: Cells, row: int, column: int, text: str, color: RGB, background: RGB = (0, 0, 0)) -> None:
    """Writes a text into the picture's arrays; what falls outside of the picture is cut off.

    Every character of the text has to be one cell wide. `background` is for a picture that has its own.
    """
    rows, columns = cells.glyphs.shape
    first, last = max(column, 0), min(column + len(text), columns)
    if 0 <= row < rows and first < last:
        cells.glyphs[row, first:last] = code_points(text)[first - column : last - column]
        cells.foreground[row, first:last] = color
        if cells.background is not None:
            cells.background[row, first:last] = background


def arranged(count: int, rows: int, columns: int) -> tuple[int, int]:
    """In how many rows and columns `count` pictures stand, so that each is as large as possible.

    A picture has room for a circle; cells are twice as high as wide. Side by side where that is as good.
    """

    def size(across: int) -> float:
        down = -(-count // across)
        return min((columns - (across - 1)) / across, 2 * (rows - (down - 1)) / down)

    across = max((a for a in range(count, 0, -1) if count % a == 0), key=size)
    return count // across, across


def paste(picture: Cells, part: Cells, row: int, column: int) -> None:
    """Put a part into a picture's arrays, within its borders."""
    here = slice(row, row + part.glyphs.shape[0]), slice(column, column + part.glyphs.shape[1])
    picture.glyphs[here], picture.foreground[here] = part.glyphs, part.foreground
    if picture.background is not None and part.background is not None:
        picture.background[here] = part.background
