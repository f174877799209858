"""A square matrix as a heat map: red is positive, blue negative, the background colour zero.

Values are square: a character cell is about twice as high as wide, so half blocks show two, and where each
value has room for it, its number is written. A matrix larger than the picture is shown by the strongest value
in each patch. Around it stand the names of rows and columns, and the scale of its colours.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from tms_engine.digits import short
from tms_tui.drawing.canvas import FULL, UPPER
from tms_tui.drawing.cells import BLANK, RGB, Cells, blank, write
from tms_tui.drawing.contrast import is_dark
from tms_tui.drawing.modes import Mode

# Ends of the diverging map: matplotlib's RdBu_r at its strongest, a little lighter.
_NEGATIVE = np.array([58, 132, 214], np.float64)
_POSITIVE = np.array([214, 72, 62], np.float64)
_NEUTRAL = np.array([140, 140, 140], np.float64)

# The same with few colours: shares of the scale from which on a value is some, and much; and their colours,
# of negative ones and of positive ones.
_SIZES = (0.1, 0.5)
_ENDS_OF_16 = (((0, 0, 170), (85, 85, 255)), ((170, 0, 0), (255, 85, 85)))
_ENDS_OF_8 = (((0, 0, 170), (0, 170, 170)), ((170, 0, 0), (170, 85, 0)))

# Denser with the size of the value, one row for each sign.
_ASCII = {1: " .:+#", -1: " .:=%"}

# Columns that a number needs, and rows: with those, its block is square.
_NUMBER_WIDTH, _NUMBER_HEIGHT = 4, 2
# Least rows and columns with names around the map, and with the scale below it; half of the scale's colours.
_NAMED, _SCALED, _HALF_SCALE = (5, 12), (9, 14), 6

_Colors = Callable[[np.ndarray, float, RGB], np.ndarray]


class Plan(NamedTuple):
    """Where the values of a matrix stand in a picture.

    top, left   the first cell of the map
    rows        int (pixels, 2): which rows of the matrix a pixel stands for, end excluded; columns likewise
    down        pixels in a cell: two rows of half blocks, or one
    names       columns of the names at the left, with the mark behind them; 0 for none
    scale       whether there is a scale below
    numbers     whether numbers are written
    """

    top: int
    left: int
    rows: Int[np.ndarray, "pixel_rows 2"]
    columns: Int[np.ndarray, "pixel_columns 2"]
    down: int
    names: int
    scale: bool
    numbers: bool

    @property
    def height(self) -> int:
        """Of the map, in cells."""
        return -(-len(self.rows) // self.down)

    @property
    def patch(self) -> tuple[int, int]:
        """The most rows and columns of the matrix of which a cell shows one value."""
        rows, columns = (int(np.diff(spans).max(initial=0)) for spans in (self.rows, self.columns))
        if max(rows, columns) <= 1:
            return 1, 1
        return max(end - first for first, end in map(self.rows_of, range(self.height))), columns

    def rows_of(self, y: int) -> tuple[int, int]:
        """Rows of the matrix, end excluded, in a row of cells of the map."""
        pixels = self.rows[y * self.down : (y + 1) * self.down]
        return int(pixels[0, 0]), int(pixels[-1, 1])

    def at(self, row: int, column: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Rows and columns of the matrix under a cell of the picture; None beside the map."""
        y, x = row - self.top, column - self.left
        if not (0 <= y < self.height and 0 <= x < len(self.columns)):
            return None
        first, end = self.columns[x].tolist()
        return self.rows_of(y), (first, end)

    def middle(self, row: int, column: int) -> tuple[int, int]:
        """Row and column of the cell in the middle of a value that has one or more of its own."""
        y, x = (np.flatnonzero(spans[:, 0] == k) for spans, k in ((self.rows, row), (self.columns, column)))
        return self.top + int(y[len(y) // 2]) // self.down, self.left + int(x[len(x) // 2])


def plan(n: int, height: int, width: int, mode: Mode, longest: int = 1, marked: bool = False) -> Plan:
    """The largest square map of an n × n matrix, n at least 1, with all that there is room for beside it.

    `longest` is the length of the longest name; without names, `marked` asks for a margin of one cell.
    """
    names = longest + 1 if height >= _NAMED[0] and width >= _NAMED[1] + longest else 0
    scale = bool(names) and height >= _SCALED[0] and width >= _SCALED[1] + names
    margin = 1 if marked and height > 1 and width > 2 else 0
    above, before = (1, names) if names else (margin, margin)
    room, across = height - above - scale, width - before
    tall = min(room // n, across // n // 2)
    numbers = tall >= _NUMBER_HEIGHT and 2 * tall >= _NUMBER_WIDTH
    if numbers or mode == "ascii":
        down = 1
        if tall:
            rows, columns = n * tall, 2 * n * tall
        else:
            rows = min(room, across // 2) or min(room, across)
            columns = min(2 * rows, across)
    else:
        down = 2
        pixels = min(2 * room, across)
        rows = columns = max(1, pixels // n) * n if pixels >= n else pixels
    rows, columns = max(rows, 1), max(columns, 1)
    of_map = -(-rows // down)
    top = above + max(0, (room - of_map) // 2)
    left = before + max(0, (across - columns) // 2)
    return Plan(top, left, _spans(n, rows), _spans(n, columns), down, names, scale, numbers)


def _spans(n: int, pixels: int) -> Int[np.ndarray, "pixels 2"]:
    """Which of n values each pixel stands for: several, or the same as its neighbour."""
    first = np.arange(pixels) * n // pixels
    end = np.maximum(np.append(first[1:], n), first + 1)
    return np.stack([first, end if pixels < n else first + 1], -1)


def strongest(
    values: Float[np.ndarray, "rows columns"], rows: tuple[int, int], columns: tuple[int, int]
) -> tuple[int, int]:
    """Row and column of the value farthest from 0 in a patch, end excluded."""
    patch = np.abs(np.nan_to_num(values[slice(*rows), slice(*columns)]))
    row, column = divmod(int(patch.argmax()), patch.shape[1])
    return rows[0] + row, columns[0] + column


def draw_heat_map(
    values: Float[np.ndarray, "rows columns"],
    height: int,
    width: int,
    mode: Mode,
    ground: RGB,
    chosen: Sequence[int] = (),
    n_colors: int = 1 << 24,
    names: Sequence[str] | None = None,
    cursor: tuple[int, int] | None = None,
) -> Cells:
    """A picture of `height` × `width` cells of a square matrix; rows and columns `chosen` are marked.

    With 16 colours or fewer there are three sizes of a value of each sign: none, some, much. `names` are
    those of rows and columns, their numbers unless given; the value at `cursor`, (row, column), has brackets.
    """
    n = len(values)
    if n == 0 or height < 1 or width < 1:
        return blank(max(height, 0), max(width, 0))
    values = np.nan_to_num(values)
    colors: _Colors = partial(_few_colors, n_colors) if n_colors <= 16 else _colors
    scale = max(1.0, float(np.abs(values).max()))
    names = list(map(str, range(n))) if names is None else names
    placed = plan(n, height, width, mode, max(map(len, names)), bool(chosen))
    picture = blank(height, width)
    inner = _map(values, scale, placed, mode, ground, colors)
    room = height - placed.top, width - placed.left
    rows, columns = map(min, inner.glyphs.shape, room)
    inside = slice(rows), slice(columns)
    here = slice(placed.top, placed.top + rows), slice(placed.left, placed.left + columns)
    picture.glyphs[here], picture.foreground[here] = inner.glyphs[inside], inner.foreground[inside]
    if inner.background is not None:
        background = np.broadcast_to(np.array(ground, np.uint8), (height, width, 3)).copy()
        background[here] = inner.background[inside]
        picture = picture._replace(background=background)
    _write_names(picture, placed, names, chosen, cursor, mode, ground)
    if placed.scale:
        _draw_scale(picture, placed, scale, mode, ground, colors)
    if cursor is not None:
        _draw_cursor(picture, placed, cursor, ground)
    return picture


def _map(
    values: Float[np.ndarray, "rows columns"],
    scale: float,
    placed: Plan,
    mode: Mode,
    ground: RGB,
    colors: _Colors,
) -> Cells:
    pixels = _strongest_of(_strongest_of(values, placed.rows).T, placed.columns).T
    if placed.numbers and mode != "ascii":
        return _with_numbers(values, pixels, placed, colors(pixels, scale, ground))
    if mode == "ascii":
        cells = _ascii(pixels, scale)
        return _with_numbers(values, pixels, placed, None) if placed.numbers else cells
    if len(pixels) % 2:
        pixels = np.concatenate([pixels, np.zeros((1, pixels.shape[1]))])
    shades = colors(pixels, scale, ground)
    shape = len(pixels) // 2, pixels.shape[1]
    return Cells(np.full(shape, UPPER, np.uint32), shades[0::2].copy(), shades[1::2].copy())


def _strongest_of(
    matrix: Float[np.ndarray, "values others"], spans: Int[np.ndarray, "pixels 2"]
) -> Float[np.ndarray, "pixels others"]:
    """The strongest value of each span of rows."""
    first = spans[:, 0]
    if len(spans) >= len(matrix):
        return matrix[first]
    high = np.maximum.reduceat(matrix, first, axis=0)
    low = np.minimum.reduceat(matrix, first, axis=0)
    return np.where(high >= -low, high, low)


def _colors(values: Float[np.ndarray, "*shape"], scale: float, ground: RGB) -> UInt8[np.ndarray, "*shape 3"]:
    """From the background at 0 to the end of the map on the side of the value's sign."""
    strength = np.sqrt(np.clip(np.abs(values) / scale, 0, 1))[..., None]
    ends = np.where(values[..., None] > 0, _POSITIVE, _NEGATIVE)
    mixed = np.array(ground) + strength * (ends - np.array(ground))
    # 24 levels a channel: neighbours share a style more often, without a visible difference.
    return (np.round(mixed / 255 * 23) * (255 / 23)).astype(np.uint8)


def _few_colors(
    n_colors: int, values: Float[np.ndarray, "*shape"], scale: float, ground: RGB
) -> UInt8[np.ndarray, "*shape 3"]:
    """The background, red or blue, and from half the scale on a bright one; of 8 colours, another hue."""
    size = np.searchsorted(_SIZES, np.abs(values) / scale)
    ends = np.array([[ground, *row] for row in (_ENDS_OF_8 if n_colors <= 8 else _ENDS_OF_16)])
    return ends[(values > 0).astype(np.intp), size].astype(np.uint8)


def _ascii(pixels: Float[np.ndarray, "rows columns"], scale: float) -> Cells:
    level = np.ceil(4 * np.sqrt(np.clip(np.abs(pixels) / scale, 0, 1))).astype(int)
    level[np.abs(pixels) < 0.02 * scale] = 0
    ramps = np.array([[ord(c) for c in _ASCII[1]], [ord(c) for c in _ASCII[-1]]], np.uint32)
    glyphs = ramps[(pixels < 0).astype(int), level]
    colors = np.where(pixels[..., None] > 0, _POSITIVE, _NEGATIVE).astype(np.uint8)
    return Cells(glyphs, colors, None)


def _with_numbers(
    values: Float[np.ndarray, "rows columns"],
    pixels: Float[np.ndarray, "pixel_rows pixel_columns"],
    placed: Plan,
    background: UInt8[np.ndarray, "pixel_rows pixel_columns 3"] | None,
) -> Cells:
    """A block of cells a value, with the number in its middle; without backgrounds, signs have colours."""
    n = len(values)
    tall, wide = len(placed.rows) // n, len(placed.columns) // n
    glyphs = np.full(pixels.shape, BLANK, np.uint32)
    for (j, k), value in np.ndenumerate(values):
        text = written(float(value), wide if background is not None else wide - 1)
        # In the middle, or at the right where there is no room on both sides.
        row, column = j * tall + (tall - 1) // 2, k * wide + (wide - len(text) + 1) // 2
        glyphs[row, column : column + len(text)] = [ord(c) for c in text]
    if background is None:
        signs = np.sign(np.round(pixels, 2))[..., None]
        colors = np.select([signs > 0, signs < 0], [_POSITIVE, _NEGATIVE], _NEUTRAL)
        return Cells(glyphs, colors.astype(np.uint8), None)
    light = background.astype(int).sum(-1, keepdims=True) > 380
    foreground = np.where(light, 20, 235).astype(np.uint8) * np.ones(3, np.uint8)
    return Cells(glyphs, foreground, background)


def written(value: float, cells: int) -> str:
    """A value in at most so many characters, with up to two decimals; "" where not even its digits fit."""
    for decimals in (2, 1, 0):
        text = f"{value:.{decimals}f}"
        text = "0" if not float(text) else text.replace("0.", ".", 1) if abs(float(text)) < 1 else text
        if len(text) <= cells:
            return text
    return ""


def _write_names(
    picture: Cells,
    placed: Plan,
    names: Sequence[str],
    chosen: Sequence[int],
    cursor: tuple[int, int] | None,
    mode: Mode,
    ground: RGB,
) -> None:
    """Names of rows and columns as there is room, first those that are chosen or read, which are marked."""
    bright, faint = ((255, 255, 255), (150, 150, 150)) if is_dark(ground) else ((0, 0, 0), (105, 105, 105))
    down, right = ("v", ">") if mode == "ascii" else ("▾", "▸")
    height, width = picture.glyphs.shape
    rows, columns = (_middles(spans, len(names)) for spans in (placed.rows, placed.columns))
    rows = rows // placed.down
    of_rows, of_columns = ([*chosen, at] for at in cursor) if cursor else (list(chosen), list(chosen))
    if not placed.names:
        for place in chosen if placed.top and placed.left else ():
            write(picture, placed.top - 1, placed.left + int(columns[place]), down, bright, ground)
            write(picture, placed.top + int(rows[place]), placed.left - 1, right, bright, ground)
        return
    longest = placed.names - 1
    taken = np.zeros(height, bool)
    for place, told in _by_turns(rows, of_rows, 1):
        y = placed.top + int(rows[place])
        if y < height and not taken[y]:
            taken[y] = True
            name = names[place].rjust(longest)
            write(picture, y, placed.left - placed.names, name, bright if told else faint, ground)
            if place in chosen:
                write(picture, y, placed.left - 1, right, bright, ground)
    along = np.zeros(width + 2, bool)
    for place, told in _by_turns(columns, of_columns, longest + 1):
        text = names[place]
        x = placed.left + int(columns[place]) - (len(text) - 1) // 2
        here = slice(max(x - 1, 0), x + len(text) + 1)
        if x + len(text) <= width and not along[here].any():
            along[x : x + len(text)] = True
            write(picture, placed.top - 1, x, text, bright if told else faint, ground)


def _middles(spans: Int[np.ndarray, "pixels 2"], n: int) -> Int[np.ndarray, " values"]:
    """The pixel in the middle of those that stand for each value."""
    values = np.arange(n)
    first = np.searchsorted(spans[:, 1], values, "right")
    last = np.searchsorted(spans[:, 0], values, "right") - 1
    return (first + last) // 2


def _by_turns(places: Int[np.ndarray, " values"], told: Sequence[int], apart: int) -> list[tuple[int, bool]]:
    """Values in the order in which their names are written, and whether they are told of: these first, then
    every so many that names so many pixels long stand apart."""
    n = len(places)
    width = (int(places[-1]) - int(places[0])) / max(n - 1, 1)
    step = next(s for e in range(10) for s in (10**e, 2 * 10**e, 5 * 10**e) if s * width >= apart or s >= n)
    return [(place, True) for place in dict.fromkeys(told)] + [(place, False) for place in range(0, n, step)]


def _draw_scale(picture: Cells, placed: Plan, scale: float, mode: Mode, ground: RGB, colors: _Colors) -> None:
    """The colours from one end to the other, and the values of the ends and of the middle."""
    text: RGB = (205, 205, 205) if is_dark(ground) else (50, 50, 50)
    end = short(scale).removesuffix(".00")
    height, width = picture.glyphs.shape
    # As many colours as there is room for, beside "-1 " and " 0 " and " 1".
    half = min(_HALF_SCALE, (width - 2 * len(end) - 6) // 2)
    if half < 2:
        return
    row = min(placed.top + placed.height + 1, height - 1)
    values = scale * (np.arange(1, half + 1) / half)
    whole = 2 * len(end) + 6 + 2 * half
    x = min(max(0, placed.left + (len(placed.columns) - whole) // 2), width - whole)
    write(picture, row, x, f"-{end} {' ' * half} 0 {' ' * half} {end}", text, ground)
    before = x + len(end) + 2
    signed = np.concatenate([-values[::-1], values])
    where = row, np.concatenate([before + np.arange(half), before + half + 3 + np.arange(half)])
    if mode == "ascii":
        drawn = _ascii(signed[None], scale)
        picture.glyphs[where], picture.foreground[where] = drawn.glyphs[0], drawn.foreground[0]
    else:
        picture.glyphs[where], picture.foreground[where] = FULL, colors(signed, scale, ground)


def _draw_cursor(picture: Cells, placed: Plan, cursor: tuple[int, int], ground: RGB) -> None:
    """Brackets around a value; a cross where it has but one cell."""
    ys = np.flatnonzero(_holds(placed.rows, cursor[0])) // placed.down + placed.top
    xs = np.flatnonzero(_holds(placed.columns, cursor[1])) + placed.left
    height, width = picture.glyphs.shape
    if not len(ys) or not len(xs) or ys[0] >= height or xs[-1] >= width:
        return
    y = int(ys[-1] if placed.numbers else ys[len(ys) // 2])
    for x, glyph in ((xs[0], "["), (xs[-1], "]")) if len(xs) > 1 else ((xs[0], "x"),):
        if picture.background is not None:
            # The upper half of a cell is its foreground: the value's colour where both halves are its own.
            if picture.glyphs[y, x] == UPPER:
                picture.background[y, x] = picture.foreground[y, x]
            light = int(picture.background[y, x].astype(int).sum()) > 380
        else:
            light = not is_dark(ground)
        picture.glyphs[y, x] = ord(glyph)
        picture.foreground[y, x] = 0 if light else 255


def _holds(spans: Int[np.ndarray, "pixels 2"], value: int) -> Bool[np.ndarray, " pixels"]:
    return (spans[:, 0] <= value) & (value < spans[:, 1])
