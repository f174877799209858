"""A matrix as a heat map of half blocks: red is positive, blue negative, the background colour zero.

Two values a cell, one above the other; where there is room for it, each value has a cell row of its own and
its number is written. A matrix larger than the picture is shown by the strongest value in each patch.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float, UInt8

from tms_tui.drawing.cells import BLANK, Cells, blank
from tms_tui.drawing.modes import Mode

# Ends of the diverging map: matplotlib's RdBu_r at its strongest, a little lighter.
_NEGATIVE = np.array([58, 132, 214], np.float64)
_POSITIVE = np.array([214, 72, 62], np.float64)

# The same with few colours: shares of the scale from which on a value is some, and much; and their colours,
# of negative ones and of positive ones.
_SIZES = (0.1, 0.5)
_ENDS_OF_16 = (((0, 0, 170), (85, 85, 255)), ((170, 0, 0), (255, 85, 85)))
_ENDS_OF_8 = (((0, 0, 170), (0, 170, 170)), ((170, 0, 0), (170, 85, 0)))

_UPPER_HALF = ord("▀")
# Denser with the size of the value, one row for each sign.
_ASCII = {1: " .:+#", -1: " .:=%"}

_NUMBER_WIDTH = 5


def draw_heat_map(
    values: Float[np.ndarray, "rows columns"],
    height: int,
    width: int,
    mode: Mode,
    ground: tuple[int, int, int],
    selected: int | None = None,
    n_colors: int = 1 << 24,
) -> Cells:
    """A picture `height` × `width` cells of a square matrix; row and column `selected` have marks.

    With 16 colours or fewer there are three sizes of a value of each sign: none, some, much.
    """
    n = len(values)
    if n == 0 or height < 1 or width < 1:
        return blank(max(height, 0), max(width, 0))
    values = np.nan_to_num(values)
    colors = partial(_few_colors, n_colors) if n_colors <= 16 else _colors
    scale = max(1.0, float(np.abs(values).max()))
    margin = 1 if selected is not None and height > 1 and width > 2 else 0
    inner_height, inner_width = height - margin, width - margin
    picture = blank(height, width)
    if n <= inner_height and n * _NUMBER_WIDTH <= inner_width:
        inner = _numbers(values, scale, inner_height, inner_width, mode, ground, colors)
    elif mode == "ascii":
        inner = _ascii(values, scale, inner_height, inner_width)
    else:
        inner = _half_blocks(values, scale, inner_height, inner_width, ground, colors)
    rows, columns = inner.glyphs.shape
    top, left = margin + (inner_height - rows) // 2, margin + (inner_width - columns) // 2
    here = slice(top, top + rows), slice(left, left + columns)
    picture.glyphs[here], picture.foreground[here] = inner.glyphs, inner.foreground
    background = None
    if inner.background is not None:
        background = np.broadcast_to(np.array(ground, np.uint8), (height, width, 3)).copy()
        background[here] = inner.background
    if margin and selected is not None:
        y = top + min(rows - 1, int((selected + 0.5) * rows / n))
        x = left + min(columns - 1, int((selected + 0.5) * columns / n))
        down, right = ("v", ">") if mode == "ascii" else ("▾", "▸")
        picture.glyphs[top - 1, x], picture.glyphs[y, left - 1] = ord(down), ord(right)
        picture.foreground[top - 1, x] = picture.foreground[y, left - 1] = 255 - np.array(ground, np.uint8)
    return Cells(picture.glyphs, picture.foreground, background)


def _colors(
    values: Float[np.ndarray, "*shape"], scale: float, ground: tuple[int, int, int]
) -> UInt8[np.ndarray, "*shape 3"]:
    """From the background at 0 to the end of the map on the side of the value's sign."""
    strength = np.sqrt(np.clip(np.abs(values) / scale, 0, 1))[..., None]
    ends = np.where(values[..., None] > 0, _POSITIVE, _NEGATIVE)
    mixed = np.array(ground) + strength * (ends - np.array(ground))
    # 24 levels a channel: neighbours share a style more often, without a visible difference.
    return (np.round(mixed / 255 * 23) * (255 / 23)).astype(np.uint8)


def _few_colors(
    n_colors: int, values: Float[np.ndarray, "*shape"], scale: float, ground: tuple[int, int, int]
) -> UInt8[np.ndarray, "*shape 3"]:
    """The background, red or blue, and from half the scale on a bright one; of 8 colours, another hue."""
    size = np.searchsorted(_SIZES, np.abs(values) / scale)
    ends = np.array([[ground, *row] for row in (_ENDS_OF_8 if n_colors <= 8 else _ENDS_OF_16)])
    return ends[(values > 0).astype(np.intp), size].astype(np.uint8)


_Colors = Callable[[np.ndarray, float, tuple[int, int, int]], np.ndarray]


def _fit(values: Float[np.ndarray, "rows columns"], height: int, width: int) -> Float[np.ndarray, "h w"]:
    """The matrix stretched by whole factors to at most height × width, or its strongest value a patch."""
    n = len(values)

    def edges(size: int) -> np.ndarray:
        return np.arange(size) * n // size

    factor = min(height // n, width // n)
    if factor >= 1:  # a pixel is about as high as wide, so values are square
        height = width = n * factor
    if height >= n and width >= n:
        return values[edges(height)][:, edges(width)]

    def strongest(matrix: np.ndarray, size: int) -> np.ndarray:
        """Along the first axis."""
        if size >= n:
            return matrix[edges(size)]
        high = np.maximum.reduceat(matrix, edges(size), axis=0)
        low = np.minimum.reduceat(matrix, edges(size), axis=0)
        return np.where(high >= -low, high, low)

    return strongest(strongest(values, height).T, width).T


def _half_blocks(
    values: Float[np.ndarray, "rows columns"],
    scale: float,
    height: int,
    width: int,
    ground: tuple[int, int, int],
    color: "_Colors",
) -> Cells:
    pixels = _fit(values, 2 * height, width)
    if len(pixels) % 2:
        pixels = np.concatenate([pixels, np.zeros((1, pixels.shape[1]))])
    colors = color(pixels, scale, ground)
    shape = (len(pixels) // 2, pixels.shape[1])
    return Cells(np.full(shape, _UPPER_HALF, np.uint32), colors[0::2].copy(), colors[1::2].copy())


def _ascii(values: Float[np.ndarray, "rows columns"], scale: float, height: int, width: int) -> Cells:
    pixels = _fit(values, height, width)
    level = np.ceil(4 * np.sqrt(np.clip(np.abs(pixels) / scale, 0, 1))).astype(int)
    level[np.abs(pixels) < 0.02 * scale] = 0
    ramps = np.array([[ord(c) for c in _ASCII[1]], [ord(c) for c in _ASCII[-1]]], np.uint32)
    glyphs = ramps[(pixels < 0).astype(int), level]
    colors = np.where(pixels[..., None] > 0, _POSITIVE, _NEGATIVE).astype(np.uint8)
    return Cells(glyphs, colors, None)


def _numbers(
    values: Float[np.ndarray, "rows columns"],
    scale: float,
    height: int,
    width: int,
    mode: Mode,
    ground: tuple[int, int, int],
    color: "_Colors",
) -> Cells:
    """A block of cells a value, with the number in its middle."""
    n = len(values)
    tall, wide = height // n, width // n
    blocks = np.repeat(np.repeat(values, tall, 0), wide, 1)
    background = color(blocks, scale, ground)
    glyphs = np.full(blocks.shape, BLANK, np.uint32)
    for (j, k), value in np.ndenumerate(values):
        text = f"{value:.2f}".replace("0.", ".") if abs(value) < 9.995 else f"{value:.0f}"
        text = "0" if text in (".00", "-.00") else text
        text = text[:wide]
        row, column = j * tall + (tall - 1) // 2, k * wide + (wide - len(text)) // 2
        glyphs[row, column : column + len(text)] = [ord(c) for c in text]
    light = background.astype(int).sum(-1, keepdims=True) > 380
    foreground = np.where(light, 20, 235).astype(np.uint8) * np.ones(3, np.uint8)
    return Cells(glyphs, foreground, None if mode == "ascii" else background)
