"""A phase diagram in characters: a block of one colour for each cell, theory's boundaries over them, axes.

Cells are as large as fits, all of one size; where there is no room for one character each in width, or for
half a one in height, every so manieth is shown. In ASCII a letter or a shade stands in each cell.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from tms_tui.drawing import canvas
from tms_tui.drawing.canvas import Grid
from tms_tui.drawing.cells import BLANK, RGB, Cells, blank, write
from tms_tui.drawing.contrast import LUMA, as_bytes, is_dark
from tms_tui.drawing.modes import Mode

_UPPER_HALF = ord("▀")
# What is left of the step from the background to its opposite where nothing is known.
_UNKNOWN = 0.10
# Characters above and below the cells: the name of the vertical axis; ticks, and the horizontal one's name.
_ABOVE, _BELOW = 1, 2
_LONGEST_LABEL = 8


class Side(NamedTuple):
    """An axis: its name, and the value at each place in the order in which they are drawn."""

    name: str
    labels: tuple[str, ...]


class PhaseMap(NamedTuple):
    """What is drawn. Rows from top to bottom, columns from left to right.

    colors   RGB from 0 to 1, NaN where nothing is known
    letters  code points that stand for the colours in ASCII, 32 where nothing is known
    solid    solid lines: `boundaries` of states; None: no line
    dashed   the same of dashed lines
    cursor   row and column
    """

    colors: Float[np.ndarray, "rows columns 3"]
    letters: Int[np.ndarray, "rows columns"]
    down: Side
    across: Side
    solid: Float32[np.ndarray, "solid 2 2"] | None
    dashed: Float32[np.ndarray, "dashed 2 2"] | None
    cursor: tuple[int, int]


class Frame(NamedTuple):
    """Where the cells are in a picture.

    top, left     of the first one, in characters
    tall, wide    of one: in half characters, and in characters; 0: less than one
    rows, columns of the part of the picture that they take, in characters
    """

    top: int
    left: int
    tall: int
    wide: int
    rows: int
    columns: int


def frame(chart: PhaseMap, height: int, width: int, mode: Mode) -> Frame:
    """How a diagram is laid out in so many characters."""
    n_rows, n_columns = chart.letters.shape
    left = min(max(map(len, chart.down.labels), default=0), _LONGEST_LABEL) + 2
    room_down, room_across = max(height - _ABOVE - _BELOW, 1), max(width - left, 1)
    wide = room_across // n_columns
    tall = 2 * (room_down // n_rows)  # whole characters, in which a line can be drawn
    if not tall and mode != "ascii":
        tall = 2 * room_down // n_rows
    rows = -(-n_rows * tall // 2) if tall else min(room_down, n_rows)
    columns = n_columns * wide if wide else min(room_across, n_columns)
    return Frame(_ABOVE, left, tall, wide, rows, columns)


def cell_at(chart: PhaseMap, x: int, y: int, height: int, width: int, mode: Mode) -> tuple[int, int] | None:
    """Row and column of the cell at a character of the picture; None where there is none."""
    at = frame(chart, height, width, mode)
    row, column = y - at.top, x - at.left
    if not (0 <= row < at.rows and 0 <= column < at.columns):
        return None
    n_rows, n_columns = chart.letters.shape
    return (
        min(2 * row // at.tall if at.tall else row * n_rows // at.rows, n_rows - 1),
        min(column // at.wide if at.wide else column * n_columns // at.columns, n_columns - 1),
    )


def draw_phase_map(
    chart: PhaseMap, height: int, width: int, mode: Mode, ground: RGB, text: RGB, mark: RGB
) -> Cells:
    """A picture of so many characters, on a background; `text` is the colour of the axes, `mark` of the
    cursor on them.
    """
    picture = blank(max(height, 0), max(width, 0), None if mode == "ascii" else ground)
    if height < 2 or width < 4 or not chart.letters.size:
        return picture
    at = frame(chart, height, width, mode)
    inner = _ascii(chart, at, ground) if mode == "ascii" else _blocks(chart, at, ground)
    _draw_lines(inner, chart, at, mode)
    _draw_cursor(inner, chart, at, mode)
    rows, columns = min(at.rows, height - at.top), min(at.columns, width - at.left)
    here = slice(at.top, at.top + rows), slice(at.left, at.left + columns)
    picture.glyphs[here], picture.foreground[here] = (
        inner.glyphs[:rows, :columns],
        inner.foreground[:rows, :columns],
    )
    if picture.background is not None and inner.background is not None:
        picture.background[here] = inner.background[:rows, :columns]
    _draw_axes(picture, chart, at, mode, ground, text, mark)
    return picture


def _indices(n: int, size: int, shown: int) -> Int[np.ndarray, " shown"]:
    """The place that each of `shown` pixels has, `size` of them to a place; 0: fewer pixels than places."""
    return np.arange(shown) // size if size else np.arange(shown) * n // shown


def _pixels(chart: PhaseMap, at: Frame) -> tuple[np.ndarray, np.ndarray]:
    """The rows and columns of the cells that pixels show: two rows of pixels a character."""
    n_rows, n_columns = chart.letters.shape
    down = _indices(n_rows, at.tall, 2 * at.rows) if at.tall else np.repeat(_indices(n_rows, 0, at.rows), 2)
    return np.minimum(down, n_rows), _indices(n_columns, at.wide, at.columns)


def known_colors(colors: Float[np.ndarray, "*shape 3"], ground: RGB) -> UInt8[np.ndarray, "*shape 3"]:
    """Colours as bytes; of what is not known, nearly that of the background."""
    behind = np.array(ground, np.float64) / 255
    opposite = 1.0 if is_dark(ground) else 0.0
    faint = behind + _UNKNOWN * (opposite - behind)
    return as_bytes(np.where(np.isfinite(colors), colors, faint))


def _blocks(chart: PhaseMap, at: Frame, ground: RGB) -> Cells:
    down, across = _pixels(chart, at)
    n_rows = len(chart.letters)
    colors = known_colors(chart.colors, ground)
    # A row of the background's own below the last one, where that ends in the middle of a character.
    colors = np.concatenate([colors, np.full((1, *colors.shape[1:]), ground, np.uint8)])
    pixels = colors[np.minimum(down, n_rows)][:, across]
    upper, lower = pixels[0::2].copy(), pixels[1::2].copy()
    same = (upper == lower).all(-1)
    glyphs = np.where(same, np.uint32(BLANK), np.uint32(_UPPER_HALF)).astype(np.uint32)
    return Cells(glyphs, upper, np.where(same[..., None], upper, lower))


def _ascii(chart: PhaseMap, at: Frame, ground: RGB) -> Cells:
    down, across = _pixels(chart, at)
    down = np.minimum(down[0::2], len(chart.letters) - 1)
    glyphs = chart.letters[down][:, across].astype(np.uint32)
    return Cells(glyphs, known_colors(chart.colors, ground)[down][:, across], None)


def _draw_lines(inner: Cells, chart: PhaseMap, at: Frame, mode: Mode) -> None:
    """Boundaries, dashed ones first, in the colour that stands out from the cell behind."""
    if not (at.wide and at.tall):
        return
    fine = Grid(at.rows, at.columns, 4, 2) if mode == "braille" else Grid(at.rows, at.columns, 1, 1)
    for found, every, plain in ((chart.dashed, 3, ","), (chart.solid, 1, "o")):
        if found is None or not len(found):
            continue
        scale = np.array([at.wide * fine.across, at.tall / 2 * fine.down, 1], np.float32)
        placed = np.concatenate([found, np.zeros((*found.shape[:2], 1))], -1).astype(np.float32) * scale
        marks = canvas.mark_lines(placed, fine, every=every if mode == "braille" else 1)
        if not len(marks.x):
            continue
        place = np.unique(canvas.cells_of(marks, fine))
        rows, columns = np.divmod(place, at.columns)
        if mode == "braille":
            bits = canvas.dots(marks, fine)[place]
            glyphs = inner.glyphs[rows, columns]
            before = np.where(glyphs >= canvas.BRAILLE, glyphs, canvas.BRAILLE)
            before = np.where(before < canvas.BRAILLE + 256, before - canvas.BRAILLE, 0)
            inner.glyphs[rows, columns] = canvas.BRAILLE + (bits | before.astype(np.uint32))
        else:
            inner.glyphs[rows, columns] = ord(plain)
        if inner.background is not None:
            inner.foreground[rows, columns] = _standing_out(inner.background[rows, columns])


def _standing_out(behind: UInt8[np.ndarray, "*shape 3"]) -> UInt8[np.ndarray, "*shape 3"]:
    """Black or white, whichever is farther."""
    luma = behind.astype(np.float32) @ LUMA
    return np.where(luma > 127.5, 0, 255).astype(np.uint8)[..., None] * np.ones(3, np.uint8)


def boundaries(states: Int[np.ndarray, "rows columns"]) -> Float32[np.ndarray, "segments 2 2"]:
    """The borders between regions of one state, as segments (x, y) in the units of cells, y down.

    By marching squares on the centres of the cells: a border runs through the middle between two that differ.
    No border to what is not known (below 0).
    """
    found = [_contour(states == state, states >= 0) for state in np.unique(states[states >= 0]).tolist()[1:]]
    return np.concatenate(found) if found else np.zeros((0, 2, 2), np.float32)


def _contour(
    inside: Bool[np.ndarray, "rows columns"], known: Bool[np.ndarray, "rows columns"]
) -> Float32[np.ndarray, "segments 2 2"]:
    """The border of a region, in segments."""
    a, b, c, d = inside[:-1, :-1], inside[:-1, 1:], inside[1:, 1:], inside[1:, :-1]
    whole = known[:-1, :-1] & known[:-1, 1:] & known[1:, 1:] & known[1:, :-1]
    # Middles of the sides of the square between four centres: above, right, below, left.
    middle = np.array([[1.0, 0.5], [1.5, 1.0], [1.0, 1.5], [0.5, 1.0]], np.float32)
    crossed = np.stack([a != b, b != c, c != d, d != a]) & whole
    count = crossed.sum(0)
    pairs = []
    for one, other in itertools.combinations(range(4), 2):
        joined = crossed[one] & crossed[other] & (count == 2)
        if (one, other) in ((0, 3), (1, 2)):  # of a saddle, two corners are cut off
            joined |= count == 4
        y, x = np.nonzero(joined)
        corner = np.stack([x, y], -1).astype(np.float32)
        pairs.append(np.stack([corner + middle[one], corner + middle[other]], 1))
    return np.concatenate(pairs)


def _draw_cursor(inner: Cells, chart: PhaseMap, at: Frame, mode: Mode) -> None:
    row, column = middle_of(chart, at, *chart.cursor)
    if not (0 <= row < at.rows and 0 <= column < at.columns):
        return
    glyphs = ("[", "@", "]") if mode == "ascii" else ("[", "●", "]")
    for shift, glyph in zip((-1, 0, 1), glyphs, strict=True):
        x = column + shift
        if (shift and at.wide < 3) or not 0 <= x < at.columns:
            continue
        if inner.background is not None:
            if inner.glyphs[row, x] == _UPPER_HALF and chart.cursor[0] * at.tall % 2 == 0:
                inner.background[row, x] = inner.foreground[row, x]
            inner.foreground[row, x] = _standing_out(inner.background[row, x])
        inner.glyphs[row, x] = ord(glyph)


def middle_of(chart: PhaseMap, at: Frame, row: int, column: int) -> tuple[int, int]:
    """Row and column of the character in the middle of a cell."""
    n_rows, n_columns = chart.letters.shape
    y = (row * at.tall + (at.tall - 1) // 2) // 2 if at.tall else row * at.rows // n_rows
    x = column * at.wide + (at.wide - 1) // 2 if at.wide else column * at.columns // n_columns
    return y, x


def _draw_axes(
    picture: Cells, chart: PhaseMap, at: Frame, mode: Mode, ground: RGB, text: RGB, mark: RGB
) -> None:
    """Names, values where they do not touch, and where the cursor is."""
    write(picture, 0, 0, chart.down.name, text, ground)
    taken = -2
    row_of_cursor, column_of_cursor = middle_of(chart, at, *chart.cursor)
    for k, label in enumerate(chart.down.labels):
        y, _ = middle_of(chart, at, k, 0)
        is_cursor = k == chart.cursor[0]
        if (y > taken + 1 and abs(y - row_of_cursor) > 1) or is_cursor or not k:
            shown = label[:_LONGEST_LABEL]
            column = at.left - 2 - len(shown)
            write(picture, at.top + y, column, shown, mark if is_cursor else text, ground)
            taken = max(taken, y)
    pointer, below = (">", "^") if mode == "ascii" else ("▸", "▴")
    write(picture, at.top + row_of_cursor, at.left - 1, pointer, mark, ground)
    y = at.top + at.rows
    at_cursor = chart.across.labels[chart.cursor[1]]
    own = range(*_span(at_cursor, at.left + column_of_cursor, at, picture))
    taken = -2
    for k, label in enumerate(chart.across.labels):
        _, x = middle_of(chart, at, 0, k)
        first, last = _span(label, at.left + x, at, picture)
        if k != chart.cursor[1] and (
            first <= taken + 1 or not own or (first <= own.stop and last >= own.start)
        ):
            continue
        write(picture, y, first, label, mark if k == chart.cursor[1] else text, ground)
        taken = max(taken, last)
    write(picture, y + 1, at.left, _fitting(chart.across.name, at.columns), text, ground)
    if y + 1 < len(picture.glyphs):
        write(picture, y + 1, at.left + column_of_cursor, below, mark, ground) if column_of_cursor > len(
            chart.across.name
        ) else None


def _span(label: str, x: int, at: Frame, picture: Cells) -> tuple[int, int]:
    """First column of a label under a cell, and the one behind it."""
    first = max(at.left - 1, min(x - (len(label) - 1) // 2, picture.glyphs.shape[1] - len(label)))
    return first, first + len(label)


def _fitting(text: str, columns: int) -> str:
    return text[: max(columns, 0)]


# One axis: a strip of cells, and curves below it.


class Curve(NamedTuple):
    """A number at each cell of a strip; NaN where it is not known."""

    name: str
    values: Float[np.ndarray, " columns"]
    color: RGB
    least: str  # as text, and the greatest
    most: str


def draw_strip(
    chart: PhaseMap,
    curves: Sequence[Curve],
    height: int,
    width: int,
    mode: Mode,
    ground: RGB,
    text: RGB,
    mark: RGB,
) -> Cells:
    """A diagram of one row, and curves over the same columns."""
    tall = min(max(height // 4, 1), 4) + _ABOVE + _BELOW
    strip = draw_phase_map(chart, min(tall, height), width, mode, ground, text, mark)
    picture = blank(max(height, 0), max(width, 0), None if mode == "ascii" else ground)
    for ours, theirs in zip(picture, strip, strict=True):
        if ours is not None and theirs is not None:
            ours[: len(strip.glyphs)] = theirs
    at = frame(chart, min(tall, height), width, mode)
    left = height - tall
    each = left // max(len(curves), 1)
    if each < 3 or not at.wide:
        return picture
    for k, curve in enumerate(curves):
        _draw_curve(picture, curve, chart, at, tall + k * each, each, mode, ground, text, mark)
    return picture


def _draw_curve(
    picture: Cells,
    curve: Curve,
    chart: PhaseMap,
    at: Frame,
    top: int,
    height: int,
    mode: Mode,
    ground: RGB,
    text: RGB,
    mark: RGB,
) -> None:
    """A name line, and a line through the values, from the least to the greatest."""
    write(picture, top, at.left, _fitting(curve.name, at.columns), text, ground)
    rows = height - 1
    fine = canvas.grid(rows, at.columns, mode)
    values = np.asarray(curve.values, np.float64)
    known = np.isfinite(values)
    if not known.any():
        return
    low, high = values[known].min(), values[known].max()
    share = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    x = (np.arange(len(values)) + 0.5) * at.wide * fine.across
    y = (1 - share) * (fine.height - 1) + 0.5
    points = np.stack([x, y, np.zeros(len(x))], -1).astype(np.float32)
    last = np.where(known[1:] & known[:-1])[0]
    segments = np.concatenate(
        [np.stack([points[last], points[last + 1]], 1), np.stack([points, points], 1)[known]]
    )
    marks = canvas.mark_lines(segments, fine)
    place = np.unique(canvas.cells_of(marks, fine))
    down, across = np.divmod(place, at.columns)
    here = down + top + 1, across + at.left
    if mode == "braille":
        picture.glyphs[here] = canvas.braille_glyphs(canvas.dots(marks, fine))[place]
    elif mode == "blocks":
        half = np.zeros((2, rows * at.columns), bool)
        half[marks.y % 2, canvas.cells_of(marks, fine)] = True
        picture.glyphs[here] = canvas.block_glyphs(half[:1], half[1:], np.ones_like(half[:1]))[0, place]
    else:
        picture.glyphs[here] = ord("*")
    picture.foreground[here] = curve.color
    for label, y_of in ((curve.most, top + 1), (curve.least, top + rows)):
        shown = label[: at.left - 2]
        write(picture, y_of, at.left - 2 - len(shown), shown, text, ground)
