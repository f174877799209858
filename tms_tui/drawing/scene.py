"""A scene in three dimensions and its picture: what the space view shows.

The nearest mark at a place gives it its colour, and the farther it is, the closer that is to the background.
Vectors stand before points of like depth, or a dense cloud would hide them; guides (axes, the sphere) and the
edges at the back of a solid stand behind everything. Of a cloud with several points a cell, nearness tells
nothing: there the shade is how many points a cell has, and the colour is the mean of theirs.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int, UInt8, UInt32

from tms_engine.analysis.projection import EYE, Camera, rotation, view
from tms_tui.drawing import canvas
from tms_tui.drawing.canvas import Grid, Marks
from tms_tui.drawing.cells import BLANK, RGB, Cells, blank, write
from tms_tui.drawing.contrast import GAP, TEXT_GAP, as_bytes, coarse, guide_colors, legible, shown
from tms_tui.drawing.large import large_lines
from tms_tui.drawing.modes import Mode

# How far, in radii, a point has to be before a vector to hide it.
AHEAD = 0.8

# How far from the background's colour a guide's is: the more of a cell a mark fills, the less.
GUIDE: dict[Mode, float] = {"braille": 0.3, "blocks": 0.2, "ascii": 0.45}

# Strength of the vectors of the features that are not selected, if one is.
UNSELECTED = 0.45

# With more vectors than this, their numbers would hide them: only the nearest have theirs, so many.
MOST_NUMBERS, NEAREST = 40, 12

# Points for each cell from which on a cloud is dense; shades of it, from the fewest points in a cell to the
# most.
DENSE = 2.5
DENSITY = np.array([0.3, 0.44, 0.58, 0.72, 0.86, 1.0], np.float32)

# How far beside its vector a point is drawn, in widths of a cell, and how far apart such points are spread.
BESIDE, SPREAD = 2.0, 0.5

# Cells of a row, from the tip of a vector or from its number, within which a place is at it.
NEAR_TIP = 2.5

# The same from a line: about half a cell, which is twice as high as wide.
NEAR_LINE = 1.1

# Edges of a solid: colour and strength of those in front, of those at the back as guides are.
_EDGE, _FRONT = (0.62, 0.62, 0.62), 0.8
_BACK: dict[Mode, float] = {"braille": 0.5, "blocks": 0.4, "ascii": 0.7}

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
    rank: int = 0
    """Those of lower rank are written first; then those that are nearer."""


class Numbers(NamedTuple):
    """Numbers of so many features that only the nearest are written."""

    positions: Float32[np.ndarray, "features 3"]
    numbers: Int[np.ndarray, " features"]
    colors: Float32[np.ndarray, "features 3"]


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
    edges: Float32[np.ndarray, "edges 2 3"] = np.zeros((0, 2, 3), np.float32)
    """Edges of a solid."""
    normals: Float32[np.ndarray, "edges 2 3"] = np.zeros((0, 2, 3), np.float32)
    """Outward normals of the two faces that meet in each; it is at the back if both look away. 0: none."""
    trails: Float32[np.ndarray, "trails 2 3"] = np.zeros((0, 2, 3), np.float32)
    """Segments of where tips have been: thin."""
    trail_colors: Float32[np.ndarray, "trails 3"] = np.zeros((0, 3), np.float32)
    """RGB from 0 to 1."""
    trail_strengths: Float32[np.ndarray, " trails"] = np.zeros(0, np.float32)
    """As `strengths`."""
    beside: Int[np.ndarray, " points"] | None = None
    """The segment on which each point lies, and beside which it is drawn; −1, or None for all: on none."""
    numbers: Numbers | None = None
    """Labels of which only the nearest are written."""


def _strengths(scene: Scene) -> Float32[np.ndarray, "segments"]:
    return np.ones(len(scene.segments), np.float32) if scene.strengths is None else scene.strengths


def merge(scenes: Sequence[Scene]) -> Scene:
    """All scenes in one. Only one of them may have points beside segments, and those have to be its first."""
    everything = [Scene(), *scenes]
    beside = next((s.beside for s in everything if s.beside is not None), None)
    return Scene(
        np.concatenate([s.points for s in everything]),
        np.concatenate([s.point_colors for s in everything]),
        np.concatenate([s.segments for s in everything]),
        np.concatenate([s.segment_colors for s in everything]),
        tuple(label for s in everything for label in s.labels),
        np.concatenate([_strengths(s) for s in everything]),
        np.concatenate([s.guides for s in everything]),
        np.concatenate([s.edges for s in everything]),
        np.concatenate([s.normals for s in everything]),
        np.concatenate([s.trails for s in everything]),
        np.concatenate([s.trail_colors for s in everything]),
        np.concatenate([s.trail_strengths for s in everything]),
        beside,
        next((s.numbers for s in everything if s.numbers is not None), None),
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
    features, only the selected one has its number, or the nearest ones. `names` are the numbers, where they
    are not the places.
    """
    starts = np.zeros_like(tips) if origins is None else origins
    numbers = _beyond(starts, tips)
    strengths = np.full(len(tips), 1 if selected is None else UNSELECTED, np.float32)
    if selected is not None:
        strengths[selected] = 1
    # Numbers fade by half as much as lines.
    named = [j for j in range(len(tips)) if len(tips) <= MOST_NUMBERS or j == selected]
    nearest = None
    if not named and len(tips):
        nearest = Numbers(numbers, np.arange(len(tips)) if names is None else np.asarray(names), colors)
    return Scene(
        segments=np.stack([starts, tips], 1),
        segment_colors=colors,
        labels=tuple(
            Label(
                numbers[j],
                str(names[j] if names else j),
                colors[j],
                float(1 + strengths[j]) / 2,
                rank=-1 if j == selected else 0,
            )
            for j in named
        ),
        strengths=strengths,
        numbers=nearest,
    )


def _beyond(
    starts: Float32[np.ndarray, "features 3"], tips: Float32[np.ndarray, "features 3"]
) -> Float32[np.ndarray, "features 3"]:
    """Where numbers stand: a little beyond the tips, so that they do not cover them."""
    arrows = tips - starts
    of_each = lengths(arrows)[:, None]
    reach = of_each[np.isfinite(of_each)].max(initial=0)
    return (tips + 0.09 * reach * (arrows / np.maximum(of_each, 1e-9))).astype(np.float32)


def nearest_tip(
    scene: Scene, camera: Camera, radius: float, rows: int, columns: int, row: int, column: int
) -> int | None:
    """The vector at whose tip, or number, a cell of the picture is; None if it is at none."""
    with np.errstate(all="ignore"):
        starts, tips = scene.segments[:, 0], scene.segments[:, 1]
        ends = np.stack([tips, _beyond(starts, tips)])
        placed = canvas.on_grid(view(ends, camera, radius), Grid(rows, columns, 1, 1))
        # A cell is twice as high as wide.
        away = np.hypot(placed[..., 0] - (column + 0.5), 2 * (placed[..., 1] - (row + 0.5)))
    far = np.where(np.isfinite(away), away, np.inf).min(0, initial=np.inf)
    nearest = int(far.argmin()) if len(far) else -1
    return nearest if nearest >= 0 and far[nearest] <= NEAR_TIP else None


def nearest_line(
    lines: Float32[np.ndarray, "lines 2 3"],
    camera: Camera,
    radius: float,
    rows: int,
    columns: int,
    row: int,
    column: int,
) -> int | None:
    """The line that runs through a cell of the picture, of several the nearest; None if there is none."""
    if not len(lines):
        return None
    with np.errstate(all="ignore"):
        cell = np.array([1.0, 2.0])  # as large as it is seen
        placed = seen_lines(lines, camera, radius, Grid(rows, columns, 1, 1))[..., :2] * cell
        at = np.array([column + 0.5, row + 0.5]) * cell
        start, along = placed[:, 0], placed[:, 1] - placed[:, 0]
        length = np.einsum("ij,ij->i", along, along)
        share = np.clip(np.einsum("ij,ij->i", at - start, along) / np.maximum(length, 1e-9), 0, 1)
        away = np.linalg.norm(start + share[:, None] * along - at, axis=1)
    away = np.where(np.isfinite(away), away, np.inf)
    nearest = int(away.argmin())
    return nearest if away[nearest] <= NEAR_LINE else None


def placed_tips(
    scene: Scene, camera: Camera, radius: float, rows: int, columns: int
) -> list[tuple[int, int, int]]:
    """The vectors whose tips are in sight, with the row and the column of each."""
    with np.errstate(all="ignore"):
        seen = view(scene.segments[:, 1], camera, radius)
        placed = np.floor(canvas.on_grid(seen, Grid(rows, columns, 1, 1)))
    x, y = placed[:, 0], placed[:, 1]
    inside = np.flatnonzero((x >= 0) & (x < columns) & (y >= 0) & (y < rows))
    return [(int(k), int(y[k]), int(x[k])) for k in inside]


def edges_scene(
    tips: Float32[np.ndarray, "features 3"],
    edges: Int[np.ndarray, "edges 2"],
    sides: Int[np.ndarray, "sided 2"],
    facets: Int[np.ndarray, "facets 3"],
) -> Scene:
    """Edges between tips, by their places, with the facets that meet in each and three corners of each facet.

    Without facets an edge is at the back if its middle is farther away than the origin.
    """
    ends = tips[edges]
    if not len(edges):
        return Scene()
    if not len(sides):
        middles = np.repeat(ends.mean(1, keepdims=True), 2, axis=1)
        return Scene(edges=ends, normals=middles)
    corners = tips[facets]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outward = ((corners.mean(1) - tips[np.unique(edges)].mean(0)) * normals).sum(-1, keepdims=True)
    return Scene(edges=ends, normals=(normals * np.where(outward < 0, -1, 1))[sides].astype(np.float32))


def trails_scene(
    tips: Float32[np.ndarray, "steps features 3"], colors: Float32[np.ndarray, "features 3"]
) -> Scene:
    """Where tips have been, from the first step to the last, stronger the later."""
    steps, n = tips.shape[:2]
    if steps < 2:
        return Scene()
    segments = np.stack([tips[:-1], tips[1:]], 2).reshape(-1, 2, 3)
    strengths = np.repeat(np.linspace(0.45, 0.9, steps - 1, dtype=np.float32), n)
    return Scene(trails=segments, trail_colors=np.tile(colors, (steps - 1, 1)), trail_strengths=strengths)


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
        Label(end * np.float32(1.06), name, NEUTRAL, rank=1) for end, name in zip(ends, names, strict=False)
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
    large: bool = False,
) -> Cells:
    """The scene as the camera sees it.

    A scene within `radius` of the origin fills the shorter side of the picture at zoom 1. `background` is the
    widget's own: colours are kept off it and fade towards it. `large`: thick strokes, and labels in large
    print.
    """
    if rows < 1 or columns < 1:
        return blank(max(rows, 0), max(columns, 0), background if mode == "blocks" else None)
    grid = canvas.grid(rows, columns, mode)
    # What is not finite, or overflows, is left out further on.
    with np.errstate(all="ignore"):
        placed = seen_lines(scene.segments, camera, radius, grid)
        in_sight = canvas.on_grid(view(scene.points, camera, radius), grid)
        if scene.beside is not None:
            _move_beside(in_sight, placed, scene.beside, grid)
        points = canvas.mark_points(in_sight, grid)
        thickness = (2 if mode == "braille" else 1) * (2 if large else 1)
        lines = canvas.mark_lines(placed, grid, thickness=thickness)
        slopes = canvas.ascii_line_glyphs(placed)
        placed_guides = seen_lines(scene.guides, camera, radius, grid)
        guides = canvas.mark_lines(placed_guides, grid, every=1 if mode == "ascii" else 2)
        colors, strengths = scene.segment_colors, _strengths(scene)
        faint = np.full(len(scene.guides), GUIDE[mode], np.float32)
        if len(scene.edges) or len(scene.trails):
            front = at_front(scene, camera, radius)
            thin = seen_lines(np.concatenate([scene.trails, scene.edges[front]]), camera, radius, grid)
            lines = _beneath(lines, len(placed), canvas.mark_lines(thin, grid))
            slopes = np.concatenate([slopes, _thin_glyphs(len(scene.trails), len(thin))])
            gray = np.tile(np.array(_EDGE, np.float32), (int(front.sum()), 1))
            colors = np.concatenate([colors, scene.trail_colors, gray])
            shares = np.full(len(gray), _FRONT, np.float32)
            strengths = np.concatenate([strengths, scene.trail_strengths, shares])
            at_back = canvas.mark_lines(seen_lines(scene.edges[~front], camera, radius, grid), grid, every=3)
            guides = _joined(guides, len(faint), at_back)
            faint = np.append(faint, np.full(len(front) - len(gray), _BACK[mode], np.float32))
        labels = scene.labels
        if scene.numbers is not None:
            labels += _nearest(scene.numbers, camera, radius, grid)
        texts = _place_labels(labels, camera, radius, rows, columns, mode if large else None)
    quiet = np.zeros((rows, columns), bool)
    for row, column, lines_of_text, _ in texts:
        below = slice(max(row, 0), max(row + len(lines_of_text), 0))
        quiet[below, max(column - 1, 0) : max(column + len(lines_of_text[0]) + 1, 0)] = True
    ink = Ink(scene.point_colors, colors, strengths, slopes, faint)
    picture = paint(ink, points, lines, guides, quiet, grid, mode, background)
    if texts:
        colors = np.array([label.color for *_, label in texts], np.float32)
        strengths = np.array([label.strength for *_, label in texts], np.float32)
        # Numbers do not fade with depth, so that they stay readable.
        faded = shown(colors, np.ones(len(texts), np.float32), background, TEXT_GAP, strengths)
        inks = as_bytes(legible(faded / 255, background)).tolist()
        for (row, column, lines_of_text, _), (r, g, b) in zip(texts, inks, strict=True):
            for down, text in enumerate(lines_of_text):
                write(picture, row + down, column, text, (r, g, b), background)
    return picture


def at_front(scene: Scene, camera: Camera, radius: float) -> Bool[np.ndarray, " edges"]:
    """Which edges are not hidden by the solid: those of which a face looks towards the eye."""
    towards = rotation(camera)[2].astype(np.float32)
    to_eye = EYE * radius * towards - scene.edges[:, :1] if camera.perspective else towards
    looks = (scene.normals * to_eye).sum(-1)
    return (looks > 0).any(1) | (scene.normals == 0).all((1, 2))


def _beneath(above: Marks, n_above: int, below: Marks) -> Marks:
    """Lines, and thin ones that are hidden by those at like depth."""
    return _joined(above, n_above, below._replace(depth=below.depth - np.float32(AHEAD / 2)))


def _joined(first: Marks, n_first: int, second: Marks) -> Marks:
    """Marks of `n_first` sources, and those of others, whose sources count on."""
    second = second._replace(source=second.source + n_first)
    return Marks(*(np.concatenate(pair) for pair in zip(first, second, strict=True)))


def _thin_glyphs(n_trails: int, n_thin: int) -> UInt32[np.ndarray, " thin"]:
    """In ASCII, characters of their own for trails and edges, which are no vectors."""
    glyphs = np.full(n_thin, canvas.ASCII_EDGE, np.uint32)
    glyphs[:n_trails] = canvas.ASCII_TRAIL
    return glyphs


def _move_beside(
    placed: Float32[np.ndarray, "points 3"],
    segments: Float32[np.ndarray, "segments 2 3"],
    beside: Int[np.ndarray, " points"],
    grid: Grid,
) -> None:
    """Move points off the segment on which they lie, on the screen, and spread them a little."""
    moved = np.flatnonzero(beside >= 0)
    # Sub-cells for the width of a cell, to the right and down: a cell is twice as high as wide.
    width = np.array([grid.across, grid.down / 2], np.float32)
    run = (segments[:, 1, :2] - segments[:, 0, :2]) / width
    length = np.sqrt(np.square(run).sum(-1, keepdims=True))
    along = np.where(length > 1e-3, run / np.maximum(length, 1e-3), np.array([1, 0], np.float32))
    off = np.stack([-along[:, 1], along[:, 0]], -1) * width
    # Of horizontal ones, as all are in one hidden dimension, below; else it changes sides as it turns.
    off[(np.abs(along[:, 1]) < 1e-3) & (off[:, 1] < 0)] *= -1
    spread = (moved * 5 % 7 - 3) * np.float32(SPREAD / 3)
    placed[moved, :2] += off[beside[moved]] * (np.float32(BESIDE) + spread)[:, None]


def _nearest(numbers: Numbers, camera: Camera, radius: float, grid: Grid) -> tuple[Label, ...]:
    """The numbers of the NEAREST features that are in sight."""
    seen = view(numbers.positions, camera, radius)
    wide = grid.width / grid.across / (2 * grid.height / grid.down)  # as a share of the height
    in_sight = (np.abs(seen[:, 0]) < max(wide, 1)) & (np.abs(seen[:, 1]) < max(1 / wide, 1))
    depth = np.where(in_sight, seen[:, 2], -np.inf)
    first = np.argsort(-depth, kind="stable")[:NEAREST]
    return tuple(
        Label(numbers.positions[j], str(numbers.numbers[j]), numbers.colors[j])
        for j in first[np.isfinite(depth[first])]
    )


# Where a label may be moved, if its place is taken, in widths and heights of itself: the nearest first.
_MOVES = (
    (0, 0), (0, 1), (0, -1), (-1, 0), (1, 0), (-1, 1), (1, 1), (-1, -1), (1, -1),
    (0, 2), (0, -2), (-2, 0), (2, 0),
)  # fmt: skip


def _place_labels(
    labels: Sequence[Label], camera: Camera, radius: float, rows: int, columns: int, large: Mode | None = None
) -> list[tuple[int, int, list[str], Label]]:
    """First row, first column and lines of labels in sight, by rank and nearness; `large`: in large print.

    One whose place is taken moves a little; where that is taken too, as among very many, it is left out.
    """
    if not labels:
        return []
    positions = np.array([label.position for label in labels], np.float32)
    placed = canvas.on_grid(view(positions, camera, radius), Grid(rows, columns, 1, 1))
    order = np.lexsort((-placed[:, 2], np.array([label.rank for label in labels])))
    texts: list[tuple[int, int, list[str], Label]] = []
    taken: set[tuple[int, int]] = set()
    for i in order.tolist():
        label, (x, y, _) = labels[i], placed[i].tolist()
        lines = [label.text] if large is None else large_lines(label.text, large)
        size, high = len(lines[0]), len(lines)
        if not (0 <= y < rows and -size <= x < columns + size):  # outside, or NaN
            continue
        for down, right in _MOVES:
            row = int(y) - (high - 1) // 2 + down * high
            column = math.floor(x) - (size - 1) // 2 + right * (size + 1)
            if (down or right) and not (0 <= row <= rows - high and 0 <= column <= columns - size):
                continue
            place = [(row + i, k) for i in range(high) for k in range(column - 1, column + size + 1)]
            if taken.isdisjoint(place):
                taken.update((r, k) for r, k in place if column <= k < column + size)
                texts.append((row, column, lines, label))
                break
    return texts


class Ink(NamedTuple):
    """Colours of what is drawn, by the sources of its marks."""

    points: Float32[np.ndarray, "points 3"]
    lines: Float32[np.ndarray, "lines 3"]
    strengths: Float32[np.ndarray, " lines"]
    glyphs: UInt32[np.ndarray, " lines"]
    faint: Float32[np.ndarray, " guides"]


def paint(
    ink: Ink,
    points: Marks,
    lines: Marks,
    guides: Marks,
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
    is_dense = len(ink.points) > DENSE * n_places
    if mode != "blocks" and not is_dense:
        # Points in two neighbouring cells, a square on the screen, share the nearer's colour. In a dense
        # cloud that makes a frame a third smaller.
        pair = at_point // columns * columns + at_point % columns // 2
        point = point[canvas.nearest(pair, points.depth[point], n_places)[pair]]

    gap = TEXT_GAP if mode == "ascii" else GAP
    color = np.zeros((n_places, 3), np.uint8)
    if is_dense:
        pair = place[0] // columns * columns + place[0] % columns // 2
        wanted = at_point // columns * columns + at_point % columns // 2
        color[at_point] = _dense_colors(ink.points[points.source], pair, wanted, background, gap)
    else:
        color[at_point] = shown(
            coarse(ink.points[points.source[point]]), points.depth[point], background, gap
        )
    vector = lines.source[line]
    color[at_line] = shown(ink.lines[vector], lines.depth[line], background, gap, ink.strengths[vector])
    color[at_guide] = guide_colors(guides.depth[guide], background, ink.faint[guides.source[guide]])

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
    glyphs[at_line] = ink.glyphs[vector]
    glyphs[at_guide] = canvas.ASCII_GUIDE
    return Cells(glyphs.reshape(shape), color.reshape(*shape, 3), None)


def _dense_colors(
    colors: Float32[np.ndarray, "marks 3"],
    place: Int[np.ndarray, " marks"],
    wanted: Int[np.ndarray, " places"],
    background: RGB,
    gap: float,
) -> UInt8[np.ndarray, "places 3"]:
    """Colours of the `wanted` places of a dense cloud: the mean of their points', stronger the more there
    are.
    """
    if not len(wanted):
        return np.zeros((0, 3), np.uint8)
    size = int(place.max()) + 1
    counts = np.bincount(place, minlength=size)
    sums = np.stack([np.bincount(place, colors[:, channel], size) for channel in range(3)], -1)
    mean = (sums[wanted] / counts[wanted, None]).astype(np.float32)
    # By doublings, up to what all but a few places have: the origin alone may have two thirds of the points.
    many = max(float(np.quantile(counts[counts > 0], 0.97)), 2.0)
    share = np.clip(np.log(counts[wanted]) / np.log(many), 0, 1)
    strength = DENSITY[np.round(share * (len(DENSITY) - 1)).astype(np.intp)]
    return shown(coarse(mean), np.ones(len(wanted), np.float32), background, gap, strength)


def _blocks(
    pixels: UInt8[np.ndarray, "rows 2 columns 3"], is_set: Bool[np.ndarray, "rows 2 columns"], background: RGB
) -> Cells:
    """Half blocks from pixels. A cell has a background of its own only where both of its pixels are set."""
    upper, lower = is_set[:, 0], is_set[:, 1]
    same = (pixels[:, 0] == pixels[:, 1]).all(-1)
    foreground = np.where(upper[..., None], pixels[:, 0], pixels[:, 1])
    own = np.where((upper & lower & ~same)[..., None], pixels[:, 1], np.array(background, np.uint8))
    return Cells(canvas.block_glyphs(upper, lower, same), foreground, own)
