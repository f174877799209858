"""The ladder of dimensionalities: features on the scale of D, with the values that solids have; D over steps.

Now: a row a feature, or the number of features at each D where there are more features than rows. Over the
steps: a line a feature, on an axis even in log(1 + step), where the first steps, the busiest, have room.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tms_engine.analysis.theory import DIMENSIONALITY
from tms_tui.drawing.canvas import (
    ascii_line_glyphs,
    block_glyphs,
    braille_glyphs,
    cells_of,
    dots,
    grid,
    mark_lines,
    nearest,
)
from tms_tui.drawing.cells import BLANK, RGB, Cells, blank, write
from tms_tui.drawing.contrast import TEXT_GAP, as_bytes, legible, readable
from tms_tui.drawing.modes import Mode

# The values that are marked, and the order in which their names are written where they are close.
LEVELS = tuple(sorted(set(DIMENSIONALITY.values())))
_TOLD = (1, 1 / 2, 2 / 3, 3 / 4, 2 / 5, 1 / 3, 3 / 8)
_SIGNS = {"1/3": "⅓", "3/8": "⅜", "2/5": "⅖", "1/2": "½", "2/3": "⅔", "3/4": "¾"}
# A feature so near to a level is on it.
_ON_LEVEL = 0.0125
# Columns from which on the value is written behind each row, and what it takes.
_WITH_VALUE, _VALUE = 36, 5
_EIGHTHS = " ▁▂▃▄▅▆▇█"


class LadderColors(NamedTuple):
    line: RGB  # bars
    axis: RGB  # of the levels
    text: RGB


class Ladder(NamedTuple):
    """D now.

    features  their numbers, ascending; D of each, 0 to 1, NaN where it is not known
    colors    RGB of each, 0 to 1
    chosen    places of the chosen ones
    """

    features: Int[np.ndarray, " features"]
    dimensionality: Float[np.ndarray, " features"]
    colors: Float[np.ndarray, "features 3"]
    chosen: tuple[int, ...] = ()


class Lines(NamedTuple):
    """D over steps, of some features, likewise."""

    steps: Int[np.ndarray, " steps"]
    dimensionality: Float[np.ndarray, "steps some"]
    features: Int[np.ndarray, " some"]
    colors: Float[np.ndarray, "some 3"]
    chosen: tuple[int, ...] = ()


def sign_of(level: float, mode: Mode) -> str:
    """A level as a fraction: ⅜, or 3/8 in ASCII."""
    fraction = Fraction(level).limit_denominator(12)
    text = str(fraction)
    return text if mode == "ascii" else _SIGNS.get(text, text)


def draw_ladder(
    ladder: Ladder, height: int, width: int, mode: Mode, ground: RGB, colors: LadderColors
) -> Cells:
    """D now, in so many cells."""
    picture = blank(max(height, 0), max(width, 0))
    n = len(ladder.features)
    if height < 2 or width < 12 or not n:
        return picture
    rows = height - 1
    each = n <= rows
    before = len(str(int(ladder.features[-1]))) + 3 if each else 1
    after = _VALUE if each and width >= _WITH_VALUE else 1
    across = width - before - after
    _draw_levels(picture, ladder.dimensionality, before, across, mode, colors, 1 + n if each else height)
    known = np.isfinite(ladder.dimensionality)
    column = np.zeros(n, np.int64)
    column[known] = np.clip(ladder.dimensionality[known] * (across - 1) + 0.5, 0, across - 1).astype(np.int64)
    if not each:
        _draw_counts(picture, before + column[known], rows, mode, colors.line)
        for place in ladder.chosen:
            if known[place]:
                mark = "v" if mode == "ascii" else "▾"
                write(picture, 0, before + int(column[place]), mark, _legible(ladder.colors[place], ground))
        return picture
    dot = "*" if mode == "ascii" else "●"
    mark = ">" if mode == "ascii" else "▸"
    digits = before - 3
    for row in range(n):
        own, y = _legible(ladder.colors[row], ground), row + 1
        is_chosen = row in ladder.chosen
        write(picture, y, 0, mark if is_chosen else " ", colors.text)
        write(picture, y, 1, f"{int(ladder.features[row]):>{digits}}", own)
        if not known[row]:
            continue
        if is_chosen:
            write(picture, y, before, ("-" if mode == "ascii" else "─") * int(column[row]), own)
        write(picture, y, before + int(column[row]), dot, own)
        if after > 1:
            value = f"{ladder.dimensionality[row]:.2f}".removeprefix("0")
            write(picture, y, width - 1 - len(value), value, colors.text)
    return picture


def row_at(ladder: Ladder, row: int, height: int) -> int | None:
    """The place of the feature in a row of the picture; None where a row is none's."""
    n = len(ladder.features)
    return row - 1 if n <= height - 1 and 1 <= row <= n else None


def _draw_levels(
    picture: Cells,
    values: Float[np.ndarray, " features"],
    before: int,
    across: int,
    mode: Mode,
    colors: LadderColors,
    end: int,
) -> None:
    """Upright lines at the levels, and their names above; bright where a feature is on the level."""
    taken = np.zeros(picture.glyphs.shape[1] + 2, bool)
    for level in _TOLD:
        x = before + int(level * (across - 1) + 0.5)
        picture.glyphs[1:end, x] = ord(":" if mode == "ascii" else "┊")
        picture.foreground[1:end, x] = colors.axis
        name = sign_of(level, mode)
        first = min(x - (len(name) - 1) // 2, picture.glyphs.shape[1] - len(name))
        # Signs of one character may be neighbours; longer ones stand apart.
        margin = int(len(name) > 1)
        if not taken[max(first - margin, 0) : first + len(name) + margin].any():
            taken[first : first + len(name)] = True
            on_it = bool((np.abs(values - level) < _ON_LEVEL).any())
            write(picture, 0, first, name, colors.line if on_it else colors.text)


def _draw_counts(
    picture: Cells, columns: Int[np.ndarray, " features"], rows: int, mode: Mode, color: RGB
) -> None:
    """A bar for each column, as high as the number of features in it."""
    counts = np.bincount(columns, minlength=picture.glyphs.shape[1])
    eighths = np.ceil(counts / max(1, counts.max()) * rows * 8).astype(int)
    for x in np.flatnonzero(counts):
        for row in range(rows):
            level = min(max(int(eighths[x]) - 8 * row, 0), 8)
            if level:
                sign = ("." if level < 4 else "#") if mode == "ascii" else _EIGHTHS[level]
                write(picture, rows - row, int(x), sign, color)


def draw_lines(lines: Lines, height: int, width: int, mode: Mode, ground: RGB, colors: LadderColors) -> Cells:
    """D over steps, in so many cells."""
    picture = blank(max(height, 0), max(width, 0))
    before = 4 if mode == "ascii" else 2
    if height < 4 or width < before + 8 or not len(lines.steps):
        return picture
    canvas = grid(height - 1, width - before, mode)
    end = max(int(lines.steps[-1]), 1)
    x = np.log1p(lines.steps) / np.log1p(end) * (canvas.width - 1)
    y = (1 - np.clip(lines.dimensionality, 0, 1)) * (canvas.height - 1)
    if len(x) == 1:
        x, y = np.append(x, canvas.width - 1.0), np.repeat(y, 2, 0)
    inside = slice(0, canvas.rows), slice(before, None)
    glyphs, foreground = picture.glyphs[inside], picture.foreground[inside]
    # The levels, behind the lines.
    at_levels = (1 - np.array(LEVELS)) * (canvas.height - 1)
    guides = _placed([0, canvas.width - 1], np.repeat(at_levels[None], 2, 0))
    _lay(
        glyphs,
        foreground,
        guides,
        np.full((len(LEVELS), 3), colors.axis, np.uint8),
        canvas,
        mode,
        every=4 if mode == "braille" else 2,
    )
    # One colour a cell: the chosen ones lie on top.
    depth = np.zeros(len(lines.features))
    depth[list(lines.chosen)] = 1
    segments = _placed(x, y, depth)
    own = as_bytes(readable(lines.colors, ground, TEXT_GAP))
    _lay(glyphs, foreground, segments, np.repeat(own, len(x) - 1, 0), canvas, mode)
    for level in _TOLD:
        row = int((1 - level) * (canvas.height - 1) + 0.5) // canvas.down
        if picture.glyphs[row, 0] == BLANK:
            write(picture, row, 0, sign_of(level, mode), colors.text)
    _write_steps(picture, end, before, canvas.columns, colors.text)
    return picture


def _placed(
    x: Float[np.ndarray, " steps"] | list[int],
    y: Float[np.ndarray, "steps lines"],
    depth: Float[np.ndarray, " lines"] | None = None,
) -> Float[np.ndarray, "segments 2 3"]:
    """The segments of lines, one line after the other."""
    points = np.empty((y.shape[1], len(x), 3))
    points[..., 0], points[..., 1], points[..., 2] = x, y.T, 0 if depth is None else depth[:, None]
    return np.stack([points[:, :-1], points[:, 1:]], 2).reshape(-1, 2, 3)


def _lay(glyphs, foreground, segments, colors, canvas, mode: Mode, every: int = 1) -> None:  # type: ignore[no-untyped-def]
    """Draw segments over a picture's cells."""
    marks = mark_lines(segments + np.array([0.5, 0.5, 0]), canvas, every=every)
    if not len(marks.x):
        return
    top = nearest(cells_of(marks, canvas), marks.depth, canvas.rows * canvas.columns)
    seen = (top >= 0).reshape(canvas.rows, canvas.columns)
    source = marks.source[np.maximum(top, 0)].reshape(seen.shape)
    if mode == "braille":
        drawn = braille_glyphs(dots(marks, canvas)).reshape(seen.shape)
    elif mode == "blocks":
        plane = np.zeros((canvas.height, canvas.width), bool)
        plane[marks.y, marks.x] = True
        drawn = block_glyphs(plane[0::2], plane[1::2], np.ones_like(seen))
    else:
        drawn = (
            ascii_line_glyphs(segments.astype(np.float32))[source]
            if every == 1
            else np.full(seen.shape, ord("."))
        )
    glyphs[seen], foreground[seen] = drawn[seen], colors[source][seen]


def _write_steps(picture: Cells, end: int, before: int, across: int, color: RGB) -> None:
    """Steps below the axis: the last one, and powers of ten where there is room."""
    row, free = len(picture.glyphs) - 1, np.ones(picture.glyphs.shape[1] + 1, bool)
    write(picture, row, 0, "step"[: before + 2], color)
    free[: before + 3] = False
    ticks = [end, *(10**e for e in range(len(str(end)) - 1, -1, -1))]
    for tick in dict.fromkeys(ticks):
        text = f"{tick:,}"
        at = before + int(np.log1p(tick) / np.log1p(end) * (across - 1))
        first = min(at - (len(text) - 1) // 2, before + across - len(text))
        if first > 0 and free[first - 1 : first + len(text) + 1].all():
            free[first : first + len(text)] = False
            write(picture, row, first, text, color)


def _legible(color: Float[np.ndarray, "3"], ground: RGB) -> RGB:
    r, g, b = as_bytes(legible(color[None], ground))[0].tolist()
    return r, g, b
