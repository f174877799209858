"""A scene in three dimensions and its picture: what the space view shows.

The nearest mark at a place gives it its colour, and the farther it is, the closer that is to the background.
Vectors stand before points of like depth, or a dense cloud would hide them; guides (axes, the sphere) stand
behind everything.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, UInt8, UInt32

from tms_engine.analysis.projection import EYE, Camera, view
from tms_tui.drawing import canvas
from tms_tui.drawing.canvas import Grid, Marks
from tms_tui.drawing.cells import BLANK, RGB, Cells, blank, write
from tms_tui.drawing.contrast import GAP, TEXT_GAP, as_bytes, coarse, guide_colors, legible, shown
from tms_tui.drawing.modes import Mode

# How far, in radii, a point has to be before a vector to hide it.
AHEAD = 0.8

# How far from the background's colour a guide's is: the more of a cell a mark fills, the less.
GUIDE: dict[Mode, float] = {"braille": 0.3, "blocks": 0.2, "ascii": 0.45}

# Strength of the vectors of the features that are not selected, if one is.
UNSELECTED = 0.45

# With more vectors than this, their numbers would hide them.
MOST_NUMBERS = 40

# In perspective, segments are cut this far (in radii) before the eye.
_NEAR = EYE - 0.05

NEUTRAL = (0.5, 0.5, 0.5)


class Label(NamedTuple):
    """A text at a point of the scene. Each character has to be one cell wide."""

    position: Float[np.ndarray, "3"] | tuple[float, float, float]
    text: str
    color: Float[np.ndarray, "3"] | tuple[float, float, float]
    """RGB from 0 to 1."""
    strength: float = 1.0
    """What is left of the colour, the rest being the background's."""


class Scene(NamedTuple):
    """Points, vectors, guides and labels, in the coordinates of a basis of tms_engine.analysis.projection.

    What has a coordinate that is not finite is not drawn.
    """

    points: Float32[np.ndarray, "points 3"] = np.zeros((0, 3), np.float32)
    point_colors: Float32[np.ndarray, "points 3"] = np.zeros((0, 3), np.float32)
    """RGB from 0 to 1."""
    segments: Float32[np.ndarray, "segments 2 3"] = np.zeros((0, 2, 3), np.float32)
    segment_colors: Float32[np.ndarray, "segments 3"] = np.zeros((0, 3), np.float32)
    """RGB from 0 to 1."""
    labels: tuple[Label, ...] = ()
    strengths: Float32[np.ndarray, "segments"] | None = None
    """What is left of each segment's colour, the rest being the background's; None: all of it."""
    guides: Float32[np.ndarray, "guides 2 3"] = np.zeros((0, 2, 3), np.float32)
    """Segments that only help the eye: thin, faint, behind all else, and without a colour of their own."""


def _strengths(scene: Scene) -> Float32[np.ndarray, "segments"]:
    return np.ones(len(scene.segments), np.float32) if scene.strengths is None else scene.strengths


def merge(scenes: Sequence[Scene]) -> Scene:
    """All scenes in one."""
    everything = [Scene(), *scenes]
    return Scene(
        np.concatenate([s.points for s in everything]),
        np.concatenate([s.point_colors for s in everything]),
        np.concatenate([s.segments for s in everything]),
        np.concatenate([s.segment_colors for s in everything]),
        tuple(label for s in everything for label in s.labels),
        np.concatenate([_strengths(s) for s in everything]),
        np.concatenate([s.guides for s in everything]),
    )


def lengths(points: Float32[np.ndarray, "rows 3"]) -> Float64[np.ndarray, " rows"]:
    """Distances from the origin. Squares are of double precision, where those of 1e20 are finite."""
    return np.sqrt(np.einsum("ij,ij->i", points, points, dtype=np.float64))


def weights_scene(
    tips: Float32[np.ndarray, "features 3"],
    colors: Float32[np.ndarray, "features 3"],
    selected: int | None = None,
    origins: Float32[np.ndarray, "features 3"] | None = None,
    names: Sequence[int] | None = None,
) -> Scene:
    """Weight vectors as lines from the origin (or from their own), each with its feature's number at its tip.

    If a feature is selected (its place in `tips`), the others fade to UNSELECTED. Of more than MOST_NUMBERS
    features, only the selected one has its number. `names` are the numbers, where they are not the places.
    """
    starts = np.zeros_like(tips) if origins is None else origins
    strengths = np.full(len(tips), 1 if selected is None else UNSELECTED, np.float32)
    if selected is not None:
        strengths[selected] = 1
    arrows = tips - starts
    of_each = lengths(arrows)[:, None]
    reach = of_each[np.isfinite(of_each)].max(initial=0)
    # A little beyond the tip, so that the number does not cover it. Numbers fade by half as much as lines.
    numbers = tips + 0.09 * reach * (arrows / np.maximum(of_each, 1e-9))
    named = [j for j in range(len(tips)) if len(tips) <= MOST_NUMBERS or j == selected]
    return Scene(
        segments=np.stack([starts, tips], 1),
        segment_colors=colors,
        labels=tuple(
            Label(numbers[j], str(names[j] if names else j), colors[j], float(1 + strengths[j]) / 2)
            for j in named
        ),
        strengths=strengths,
    )


def stacked_origins(n_features: int, reach: float) -> Float32[np.ndarray, "features 3"]:
    """Origins one above the other, feature 0 on top, from y = reach/2 to −reach/2.

    With a single hidden dimension all vectors lie on one line, so each is drawn at a height of its own.
    """
    origins = np.zeros((n_features, 3), np.float32)
    if n_features > 1:
        origins[:, 1] = np.linspace(reach / 2, -reach / 2, n_features)
    return origins


def axes_scene(n_dims: int, names: Sequence[str], reach: float) -> Scene:
    """The first `n_dims` (1 to 3) axes as guides from −reach to reach, each named at its positive end."""
    ends = np.eye(3, dtype=np.float32)[:n_dims] * np.float32(reach)
    labels = tuple(
        Label(end * np.float32(1.06), name, NEUTRAL) for end, name in zip(ends, names, strict=False)
    )
    return Scene(guides=np.stack([-ends, ends], 1), labels=labels)


def sphere_scene(n_dims: int, n_sides: int = 72) -> Scene:
    """Length one, as guides: two ticks for 1 dimension, a circle for 2, three great circles for 3."""
    if n_dims == 1:
        ticks = [[[x, -0.05, 0], [x, 0.05, 0]] for x in (-1, 1)]
        return Scene(guides=np.array(ticks, np.float32))
    turn = np.linspace(0, 2 * np.pi, n_sides + 1)
    planes = [(0, 1)] if n_dims == 2 else [(0, 1), (1, 2), (2, 0)]
    circles = np.zeros((len(planes), n_sides + 1, 3), np.float32)
    for circle, (right, up) in zip(circles, planes, strict=True):
        circle[:, right], circle[:, up] = np.cos(turn), np.sin(turn)
    return Scene(guides=np.stack([circles[:, :-1], circles[:, 1:]], 2).reshape(-1, 2, 3))


def flat_camera(zoom: float = 1.0) -> Camera:
    """Looks down the z axis, x to the right and y up: the view of one or two hidden dimensions."""
    return Camera(yaw=-90, pitch=90, zoom=zoom)


def seen_lines(
    segments: Float32[np.ndarray, "segments 2 3"], camera: Camera, radius: float, grid: Grid
) -> Float32[np.ndarray, "segments 2 3"]:
    """Segments on the grid; in perspective without the parts that are level with the eye or behind it."""
    seen = view(segments, camera, radius)
    if camera.perspective and (seen[..., 2] > _NEAR).any():
        depth = seen[..., 2]
        # Depth is linear along a segment, and the end that is too near moves to where it has _NEAR.
        share = np.clip((_NEAR - depth) / (depth[:, ::-1] - depth), 0, 1)
        moved = segments + share[..., None] * (segments[:, ::-1] - segments)
        cut = np.where((depth > _NEAR)[..., None], moved, segments)
        seen = view(cut.astype(np.float32), camera, radius)
        seen[(depth > _NEAR).all(1)] = np.nan
    return canvas.on_grid(seen, grid)


def draw_scene(
    scene: Scene,
    camera: Camera,
    radius: float,
    rows: int,
    columns: int,
    mode: Mode,
    background: RGB = (0, 0, 0),
) -> Cells:
    """The scene as the camera sees it.

    A scene within `radius` of the origin fills the shorter side of the picture at zoom 1. `background` is the
    widget's own: colours are kept off it and fade towards it.
    """
    if rows < 1 or columns < 1:
        return blank(max(rows, 0), max(columns, 0), background if mode == "blocks" else None)
    grid = canvas.grid(rows, columns, mode)
    # What is not finite, or overflows, is left out further on.
    with np.errstate(all="ignore"):
        points = canvas.mark_points(canvas.on_grid(view(scene.points, camera, radius), grid), grid)
        placed = seen_lines(scene.segments, camera, radius, grid)
        lines = canvas.mark_lines(placed, grid, thickness=2 if mode == "braille" else 1)
        placed_guides = seen_lines(scene.guides, camera, radius, grid)
        guides = canvas.mark_lines(placed_guides, grid, every=1 if mode == "ascii" else 2)
        slopes = canvas.ascii_line_glyphs(placed)
        texts = _place_labels(scene.labels, camera, radius, rows, columns)
    quiet = np.zeros((rows, columns), bool)
    for row, column, text, _ in texts:
        quiet[row, max(column - 1, 0) : max(column + len(text) + 1, 0)] = True
    picture = paint(scene, points, lines, guides, slopes, quiet, grid, mode, background)
    if texts:
        colors = np.array([label.color for *_, label in texts], np.float32)
        strengths = np.array([label.strength for *_, label in texts], np.float32)
        # Numbers do not fade with depth, so that they stay readable.
        faded = shown(colors, np.ones(len(texts), np.float32), background, TEXT_GAP, strengths)
        inks = as_bytes(legible(faded / 255, background)).tolist()
        for (row, column, text, _), (r, g, b) in zip(texts, inks, strict=True):
            write(picture, row, column, text, (r, g, b), background)
    return picture


def _place_labels(
    labels: Sequence[Label], camera: Camera, radius: float, rows: int, columns: int
) -> list[tuple[int, int, str, Label]]:
    """Row, first column and text of labels in sight, nearest first, without those that would cut a nearer."""
    if not labels:
        return []
    positions = np.array([label.position for label in labels], np.float32)
    placed = canvas.on_grid(view(positions, camera, radius), Grid(rows, columns, 1, 1))
    texts: list[tuple[int, int, str, Label]] = []
    taken: set[tuple[int, int]] = set()
    for i in np.argsort(-placed[:, 2], kind="stable"):
        label, (x, y, _) = labels[i], placed[i]
        if not (0 <= y < rows and -len(label.text) <= x < columns + len(label.text)):  # outside, or NaN
            continue
        row, column = int(y), int(np.floor(x)) - (len(label.text) - 1) // 2
        span = range(column, column + len(label.text))
        if taken.isdisjoint((row, k) for k in range(span.start - 1, span.stop + 1)):
            taken.update((row, k) for k in span)
            texts.append((row, column, label.text, label))
    return texts


def paint(
    scene: Scene,
    points: Marks,
    lines: Marks,
    guides: Marks,
    slopes: UInt32[np.ndarray, "segments"],
    quiet: Bool[np.ndarray, "rows columns"],
    grid: Grid,
    mode: Mode,
    background: RGB,
) -> Cells:
    """Marks to characters: one colour a cell, or a pixel in blocks. No points in `quiet` cells."""
    fine = Grid(grid.height, grid.width, 1, 1) if mode == "blocks" else grid
    columns, n_places = fine.columns, fine.rows * fine.columns
    place = [canvas.cells_of(marks, fine) for marks in (points, lines, guides)]
    front = canvas.nearest(
        np.concatenate(place[:2]), np.concatenate([points.depth, lines.depth + np.float32(AHEAD)]), n_places
    )
    behind = canvas.nearest(place[2], guides.depth, n_places)
    n_points = len(points.x)
    hidden = np.repeat(quiet, fine.rows // grid.rows, axis=0)
    if mode != "braille":
        # A vector no wider than a point is lost among points, unless there is a gap between.
        vectors = (front >= n_points).reshape(fine.rows, columns)
        hidden |= canvas.neighbours(vectors, vertically=mode == "blocks")
    front[hidden.ravel() & (front < n_points)] = -1
    behind[hidden.ravel()] = -1
    at_point = np.flatnonzero((front >= 0) & (front < n_points))
    at_line = np.flatnonzero(front >= n_points)
    at_guide = np.flatnonzero((front < 0) & (behind >= 0))
    point, line, guide = front[at_point], front[at_line] - n_points, behind[at_guide]
    if mode != "blocks":
        # Points in two neighbouring cells, a square on the screen, share the nearer's colour. In a dense
        # cloud that makes a frame a third smaller.
        pair = at_point // columns * columns + at_point % columns // 2
        point = point[canvas.nearest(pair, points.depth[point], n_places)[pair]]

    gap = TEXT_GAP if mode == "ascii" else GAP
    color = np.zeros((n_places, 3), np.uint8)
    color[at_point] = shown(
        coarse(scene.point_colors[points.source[point]]), points.depth[point], background, gap
    )
    vector = lines.source[line]
    color[at_line] = shown(
        scene.segment_colors[vector], lines.depth[line], background, gap, _strengths(scene)[vector]
    )
    color[at_guide] = guide_colors(guides.depth[guide], background, GUIDE[mode])

    shape = (grid.rows, grid.columns)
    if mode == "blocks":
        is_set = np.zeros(n_places, bool)
        for at in (at_point, at_line, at_guide):
            is_set[at] = True
        pixels = color.reshape(grid.rows, 2, grid.columns, 3)
        return _blocks(pixels, is_set.reshape(grid.rows, 2, grid.columns), background)
    if mode == "braille":
        # A vector's cells show the vector alone: dots of points around it would make it ragged.
        bits = np.zeros(n_places, np.uint8)
        line_bits = canvas.dots(lines, grid)
        bits[at_point] = (canvas.dots(points, grid) | line_bits)[at_point]
        bits[at_line] = line_bits[at_line]
        bits[at_guide] = canvas.dots(guides, grid)[at_guide]
        return Cells(canvas.braille_glyphs(bits).reshape(shape), color.reshape(*shape, 3), None)
    glyphs = np.full(n_places, BLANK, np.uint32)
    counts = np.bincount(place[0], minlength=n_places)[at_point]
    glyphs[at_point] = canvas.ascii_point_glyphs(counts, points.depth[front[at_point]])
    glyphs[at_line] = slopes[vector]
    glyphs[at_guide] = canvas.ASCII_GUIDE
    return Cells(glyphs.reshape(shape), color.reshape(*shape, 3), None)


def _blocks(
    pixels: UInt8[np.ndarray, "rows 2 columns 3"], is_set: Bool[np.ndarray, "rows 2 columns"], background: RGB
) -> Cells:
    """Half blocks from pixels. A cell has a background of its own only where both of its pixels are set."""
    upper, lower = is_set[:, 0], is_set[:, 1]
    same = (pixels[:, 0] == pixels[:, 1]).all(-1)
    foreground = np.where(upper[..., None], pixels[:, 0], pixels[:, 1])
    own = np.where((upper & lower & ~same)[..., None], pixels[:, 1], np.array(background, np.uint8))
    return Cells(canvas.block_glyphs(upper, lower, same), foreground, own)
