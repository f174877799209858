"""Cells: a picture in characters, which everything in this package draws and a widget turns into strips.

No Textual and no rich here: a picture is three numpy arrays, drawn and tested without a terminal.
"""

from collections.abc import Sequence
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


def hstack(pictures: Sequence[Cells], background: RGB = (0, 0, 0)) -> Cells:
    """Pictures of one height side by side, with a blank column between two.

    `background` is the colour of that column, and of pictures without one of their own beside others that
    have one. Raises ValueError for no pictures or for unequal heights.
    """
    own = background if any(picture.background is not None for picture in pictures) else None
    parts: list[Cells] = []
    for picture in pictures:
        rows, columns = picture.glyphs.shape
        if parts:
            parts.append(blank(rows, 1, own))
        parts.append(
            picture
            if picture.background is not None
            else picture._replace(background=blank(rows, columns, own)[2])
        )
    glyphs = np.concatenate([part.glyphs for part in parts], axis=1)
    foreground = np.concatenate([part.foreground for part in parts], axis=1)
    if own is None:
        return Cells(glyphs, foreground, None)
    return Cells(
        glyphs, foreground, np.concatenate([p.background for p in parts if p.background is not None], 1)
    )
