"""Where points and lines fall on a grid finer than cells, and the characters that show it.

Each cell has `down` × `across` sub-cells: a braille character has 4 × 2 dots, a half block 2 × 1 pixels, an
ASCII character is one. A mark is a sub-cell that something covers, at a depth. Nothing here loops over marks.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8, UInt32

from tms_tui.drawing.cells import BLANK
from tms_tui.drawing.modes import Mode

# Bit of a braille character's code point for each of its dots, row by row (Unicode, Braille Patterns).
_BIT = np.array([0, 3, 1, 4, 2, 5, 6, 7], np.int32)
BRAILLE = 0x2800
UPPER, LOWER, FULL = 0x2580, 0x2584, 0x2588

# From one far point in a cell to many near ones; lines by their slope; guides lighter than any point.
ASCII_POINTS = np.array([ord(c) for c in ":+*#@"], np.uint32)
ASCII_LINES = np.array([ord(c) for c in "-/|\\"], np.uint32)
ASCII_GUIDE = ord(".")
ASCII_EDGE, ASCII_TRAIL = ord("o"), ord("~")

# Resolution of depth in levels per radius, and its range in radii from the origin.
_DEPTHS = np.float32(1 << 12)
_DEEP = np.float32(1 << 10)
# Ends of segments are rounded to this fraction of a sub-cell.
_FINE = 1 << 12


class Grid(NamedTuple):
    """A picture's cells and what each is divided into."""

    rows: int
    columns: int
    down: int
    across: int

    @property
    def height(self) -> int:
        return self.rows * self.down

    @property
    def width(self) -> int:
        return self.columns * self.across


def grid(rows: int, columns: int, mode: Mode) -> Grid:
    """The finest grid a mode has."""
    down, across = {"braille": (4, 2), "blocks": (2, 1), "ascii": (1, 1)}[mode]
    return Grid(rows, columns, down, across)


class Marks(NamedTuple):
    """Sub-cells that something covers."""

    x: Int[np.ndarray, "marks"]
    """Sub-cell from the left, inside of the grid."""
    y: Int[np.ndarray, "marks"]
    """Sub-cell from the top, inside of the grid."""
    depth: Float[np.ndarray, "marks"]
    """Towards the eye, in radii."""
    source: Int[np.ndarray, "marks"]
    """Index of the point or segment it belongs to."""


def on_grid(seen: Float[np.ndarray, "*shape 3"], grid: Grid) -> Float[np.ndarray, "*shape 3"]:
    """What the camera sees, in sub-cells from the top left corner; depth stays.

    x and y from −1 to 1 fill the shorter side of the picture; cells are twice as high as wide.
    """
    half = min(grid.columns, 2 * grid.rows) / 2
    scale = np.array([half * grid.across, -half / 2 * grid.down, 1], seen.dtype)
    return seen * scale + np.array([grid.width / 2, grid.height / 2, 0], seen.dtype)


def mark_points(placed: Float[np.ndarray, "points 3"], grid: Grid) -> Marks:
    """One mark for each point that is on the grid. A point that is not finite has none."""
    x, y, depth = np.ascontiguousarray(placed.T)
    source = np.flatnonzero((x >= 0) & (x < grid.width) & (y >= 0) & (y < grid.height))
    return Marks(x[source].astype(np.int32), y[source].astype(np.int32), depth[source], source)


def clip(
    ends: Float[np.ndarray, "segments 2 3"], grid: Grid
) -> tuple[Float[np.ndarray, "kept 2 3"], Int[np.ndarray, "kept"]]:
    """The part of each segment that is on the grid (Liang and Barsky), and which segments have one."""
    source = np.flatnonzero(np.isfinite(ends).all((1, 2)))
    start = ends[source, 0].astype(np.float64)
    run = ends[source, 1] - start
    enter, leave = np.zeros(len(source)), np.ones(len(source))
    keep = np.ones(len(source), bool)
    for axis, size in ((0, grid.width), (1, grid.height)):
        step, at = run[:, axis], start[:, axis]
        moves = step != 0
        keep &= moves | ((at >= 0) & (at < size))
        safe = np.where(moves, step, 1)
        one, other = -at / safe, (size - at) / safe
        enter = np.where(moves, np.maximum(enter, np.minimum(one, other)), enter)
        leave = np.where(moves, np.minimum(leave, np.maximum(one, other)), leave)
    keep &= enter <= leave
    share = np.stack([enter, leave], 1)[keep, :, None]
    return start[keep, None] + share * run[keep, None], source[keep]


def mark_lines(
    placed: Float[np.ndarray, "segments 2 3"], grid: Grid, thickness: int = 1, every: int = 1
) -> Marks:
    """Marks along segments: `thickness` a step along the longer axis, so neither gaps nor doubles.

    With `every` n, only where the sub-cell along that axis is a multiple of n: a pattern fixed to the grid,
    that goes on from one segment to the next and does not crawl as a line turns.
    """
    ends, source = clip(placed, grid)
    # In integers: with floats, a diagonal through corners of sub-cells is rounded to either side.
    fine = np.rint(ends[..., :2] * _FINE).astype(np.int64)
    run = fine[:, 1] - fine[:, 0]
    steep = (np.abs(run[:, 1]) > np.abs(run[:, 0])).astype(np.intp)
    each = np.arange(len(ends))
    sizes = np.array([grid.width, grid.height])
    long = np.clip(fine[each, :, steep] // _FINE, 0, sizes[steep, None] - 1)
    steps = np.abs(long[:, 1] - long[:, 0]) + 1
    of = np.repeat(each, steps)
    step = np.arange(len(of)) - np.repeat(np.cumsum(steps) - steps, steps)
    along = long[of, 0] + step * np.sign(long[of, 1] - long[of, 0])
    # Twice the distance along the segment to the middle of the sub-cell, and twice its whole length. On a
    # segment of length 0 the middle is half way.
    length = run[each, steep][of]
    gone = ((2 * along + 1) * _FINE - 2 * fine[of, 0, steep[of]]) * np.sign(length)
    whole = np.where(length == 0, 2, 2 * np.abs(length))
    gone = np.where(length == 0, 1, np.clip(gone, 0, whole))
    side = 1 - steep[of]
    middle = fine[of, 0, side] * whole + gone * run[of, side] - (thickness - 1) * _FINE * (whole // 2)
    across = (middle // (whole * _FINE))[:, None] + np.arange(thickness)
    depth = ends[of, 0, 2] + gone / whole * (ends[of, 1, 2] - ends[of, 0, 2])
    along, depth, of, steep_of = (np.repeat(a, thickness) for a in (along, depth, of, steep[of]))
    across = across.ravel()
    x, y = np.where(steep_of, across, along), np.where(steep_of, along, across)
    kept = (x >= 0) & (x < grid.width) & (y >= 0) & (y < grid.height) & (along % every == 0)
    return Marks(
        x[kept].astype(np.int32),
        y[kept].astype(np.int32),
        depth[kept].astype(np.float32),
        source[of[kept]].astype(np.int32),
    )


def cells_of(marks: Marks, grid: Grid) -> Int[np.ndarray, "marks"]:
    """The cell each mark is in, counted row by row."""
    return marks.y // grid.down * grid.columns + marks.x // grid.across


def nearest(
    place: Int[np.ndarray, "marks"], depth: Float[np.ndarray, "marks"], n_places: int
) -> Int[np.ndarray, "{n_places}"]:
    """Index of the mark nearest to the eye at each place, the later of two as near; −1 where none is."""
    level = ((np.clip(depth, -_DEEP, _DEEP) + _DEEP) * _DEPTHS).astype(np.int64)
    best = np.full(n_places, -1, np.int64)
    np.maximum.at(best, place, (level << 32) | np.arange(len(place)))
    return np.where(best < 0, -1, best & 0xFFFFFFFF)


def neighbours(here: Bool[np.ndarray, "rows columns"], vertically: bool) -> Bool[np.ndarray, "rows columns"]:
    """Places next to those given, on their row, and if wanted in their column."""
    out = np.zeros_like(here)
    out[:, 1:] |= here[:, :-1]
    out[:, :-1] |= here[:, 1:]
    if vertically:
        out[1:] |= here[:-1]
        out[:-1] |= here[1:]
    return out


def dots(marks: Marks, grid: Grid) -> UInt8[np.ndarray, "cells"]:
    """For each cell, the dots of a braille character that marks cover, as bits of its code point."""
    plane = np.zeros(grid.rows * grid.columns * 8, bool)
    plane[cells_of(marks, grid) * 8 + _BIT[marks.y % 4 * 2 + marks.x % 2]] = True
    return np.packbits(plane, bitorder="little")


def pack_dots(plane: Bool[np.ndarray, "dot_rows dot_columns"]) -> UInt8[np.ndarray, "rows columns"]:
    """The same from a whole plane of dots, (4 rows, 2 columns) to a cell."""
    rows, columns = plane.shape[0] // 4, plane.shape[1] // 2
    in_cells = plane.reshape(rows, 4, columns, 2).transpose(0, 2, 1, 3).reshape(rows, columns, 8)
    by_bit = np.zeros_like(in_cells)
    by_bit[..., _BIT] = in_cells
    return np.packbits(by_bit, axis=-1, bitorder="little")[..., 0]


def braille_glyphs(dots: UInt8[np.ndarray, "*cells"]) -> UInt32[np.ndarray, "*cells"]:
    """Braille characters, blank where no dot is set."""
    return np.where(dots == 0, np.uint32(BLANK), dots + np.uint32(BRAILLE))


def block_glyphs(
    upper: Bool[np.ndarray, "rows columns"],
    lower: Bool[np.ndarray, "rows columns"],
    same: Bool[np.ndarray, "rows columns"],
) -> UInt32[np.ndarray, "rows columns"]:
    """Half blocks for the pixels that are set; one full block where both are and have the same colour."""
    one = np.where(upper, np.where(lower & same, FULL, UPPER), LOWER)
    return np.where(upper | lower, one, BLANK).astype(np.uint32)


# By which of upper left, upper right, lower left, lower right are set, as bits.
_QUADRANTS = np.array([ord(c) for c in " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"], np.uint32)


def quadrant_glyphs(plane: Bool[np.ndarray, "dot_rows dot_columns"]) -> UInt32[np.ndarray, "rows columns"]:
    """Blocks for a plane of quarters of cells, (2 rows, 2 columns) to a cell."""
    bits = plane.astype(np.intp)
    return _QUADRANTS[bits[::2, ::2] | bits[::2, 1::2] << 1 | bits[1::2, ::2] << 2 | bits[1::2, 1::2] << 3]


def ascii_point_glyphs(
    counts: Int[np.ndarray, "cells"], depth: Float[np.ndarray, "cells"]
) -> UInt32[np.ndarray, "cells"]:
    """Characters that get denser with the number of points in a cell (by doublings) and with nearness."""
    weight = np.log2(np.maximum(counts, 1)) / 2 + np.clip(depth + 1, 0, 2)
    return ASCII_POINTS[np.clip(weight, 0, len(ASCII_POINTS) - 1).astype(np.intp)]


def ascii_line_glyphs(placed: Float32[np.ndarray, "segments 2 3"]) -> UInt32[np.ndarray, "segments"]:
    """The character for each segment's slope, from its ends in cells (y down)."""
    run = placed[:, 1, :2] - placed[:, 0, :2]
    eighths = np.arctan2(-run[:, 1], run[:, 0]) / (np.pi / 4)
    return ASCII_LINES[np.where(np.isfinite(eighths), np.round(eighths), 0).astype(np.intp) % 4]
