"""A wall: many small scenes side by side under one camera, each with lines of text above it.

All scenes are drawn in one pass: their segments are placed on one tile, and their marks then moved to where
each tile is. So 64 tiles cost little more than one scene with as many segments.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from tms_engine.analysis.projection import Camera
from tms_tui.drawing import canvas
from tms_tui.drawing.canvas import Grid
from tms_tui.drawing.cells import RGB, Cells, blank, write
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.scene import Ink, paint, seen_lines

# The least of a tile, in cells without its gap; and from how many rows on it has a second line of text.
_LEAST_ROWS, _LEAST_COLUMNS, _TWO_LINES = 5, 10, 6
# Rows and columns of a tile that shows most names whole; and how many such are better than more without.
_READABLE, _MANY = (8, 17), 12
# A tile wider than so many times its rows wastes the rest.
_WIDEST = 3


class WallGrid(NamedTuple):
    """How tiles are laid out.

    across  tiles side by side
    down    rows of tiles that there is room for
    width   cells of a tile, without the blank column behind it
    height  rows of a tile, with its lines of text
    lines   of text above each scene
    """

    across: int
    down: int
    width: int
    height: int
    lines: int

    @property
    def room(self) -> int:
        """How many tiles there is room for."""
        return self.across * self.down

    def corner(self, place: int) -> tuple[int, int]:
        """Row and column of a tile's first cell."""
        return place // self.across * self.height, place % self.across * (self.width + 1)


class Tile(NamedTuple):
    """The texts of a tile, each of them with its colour; lines that there is no room for are left out."""

    lines: tuple[tuple[str, RGB], ...]
    chosen: bool = False


class WallScene(NamedTuple):
    """Vectors of several instances: as many of each, in the same colours."""

    segments: Float32[np.ndarray, "tiles vectors 2 3"]
    colors: Float32[np.ndarray, "vectors 3"]
    strengths: Float32[np.ndarray, "vectors"]
    radius: float  # of the part around the origin that each tile has room for
    flat: bool  # one or two hidden dimensions: nothing to turn


def fit(n_tiles: int, rows: int, columns: int) -> WallGrid:
    """The layout with the largest tiles of which all fit, or, of too many, with as many as are readable."""
    best, size = None, 0.0
    for across in range(1, max(1, min(n_tiles, (columns + 1) // (_LEAST_COLUMNS + 1))) + 1):
        down = -(-n_tiles // across)
        width, height = (columns + 1) // across - 1, rows // down
        lines = 2 if height >= _TWO_LINES else 1
        room = min(width / 2, height - lines)
        if height >= _LEAST_ROWS and width >= _LEAST_COLUMNS and room > size:
            best, size = WallGrid(across, down, width, height, lines), room
    if best is not None:
        width = min(best.width, max(_WIDEST * (best.height - best.lines), 30))
        return best._replace(width=width)
    across, down, lines = (columns + 1) // (_READABLE[1] + 1), rows // _READABLE[0], 2
    if across * down < _MANY:
        across, down, lines = (columns + 1) // (_LEAST_COLUMNS + 3), rows // (_LEAST_ROWS + 1), 1
    across, down = max(1, across), max(1, down)
    return WallGrid(across, down, max(1, (columns + 1) // across - 1), max(1, rows // down), lines)


def draw_wall(
    scene: WallScene,
    tiles: Sequence[Tile],
    grid: WallGrid,
    camera: Camera,
    rows: int,
    columns: int,
    mode: Mode,
    accent: RGB,
    background: RGB = (0, 0, 0),
) -> Cells:
    """The scenes as the camera sees each of them, from the top left on, in the order of the tiles."""
    inner = grid.height - grid.lines
    if rows < 1 or columns < 1:
        return blank(max(rows, 0), max(columns, 0), background if mode == "blocks" else None)
    if len(scene.segments) and inner > 0:
        picture = _scenes(scene, grid, camera, rows, columns, mode, background)
    else:
        picture = blank(rows, columns, background if mode == "blocks" else None)
    for place, tile in enumerate(tiles):
        top, left = grid.corner(place)
        for line, (text, color) in enumerate(tile.lines[: grid.lines]):
            write(picture, top + line, left, text[: grid.width], color, background)
        if tile.chosen:
            _frame(picture, top, left, grid, mode, accent, background)
    return picture


def _scenes(
    scene: WallScene, grid: WallGrid, camera: Camera, rows: int, columns: int, mode: Mode, background: RGB
) -> Cells:
    n_tiles, n_vectors = scene.segments.shape[:2]
    whole = canvas.grid(rows, columns, mode)
    tile = Grid(grid.height - grid.lines, grid.width, whole.down, whole.across)
    with np.errstate(all="ignore"):  # what is not finite, or overflows, is left out further on
        placed = seen_lines(scene.segments.reshape(-1, 2, 3), camera, scene.radius, tile)
        marks = canvas.mark_lines(placed, tile, thickness=2 if mode == "braille" and tile.rows > 9 else 1)
        slopes = canvas.ascii_line_glyphs(placed)
    corners = np.array([grid.corner(place) for place in range(n_tiles)], np.int32)
    of = corners[marks.source // n_vectors] if len(marks.source) else np.zeros((0, 2), np.int32)
    x = marks.x + of[:, 1] * whole.across
    y = marks.y + (of[:, 0] + grid.lines) * whole.down
    seen = (x < whole.width) & (y < whole.height)
    lines = canvas.Marks(x[seen], y[seen], marks.depth[seen], marks.source[seen])
    nothing = np.zeros(0, np.int32)
    none = canvas.Marks(nothing, nothing, np.zeros(0, np.float32), nothing)
    colors, strengths = np.tile(scene.colors, (n_tiles, 1)), np.tile(scene.strengths, n_tiles)
    ink = Ink(np.zeros((0, 3), np.float32), colors, strengths, slopes, np.zeros(0, np.float32))
    quiet = np.zeros((rows, columns), bool)
    return paint(ink, none, lines, none, quiet, whole, mode, background)


def _frame(
    picture: Cells, top: int, left: int, grid: WallGrid, mode: Mode, color: RGB, background: RGB
) -> None:
    """Corners around the scene of the tile that is chosen."""
    first, last, right = top + grid.lines, top + grid.height - 1, left + grid.width - 1
    corners = "++++" if mode == "ascii" else "┌┐└┘"
    places = ((first, left), (first, right), (last, left), (last, right))
    for (row, column), corner in zip(places, corners, strict=True):
        write(picture, row, column, corner, color, background)
