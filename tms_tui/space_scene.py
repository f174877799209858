"""space_scene: from a snapshot and view options to what the space shows, as points, vectors and guides.

The samples are fixed, so the points of a cloud flow as the weights learn. Sampling, encoding and projection
are the engine's and run on its device.
"""

import dataclasses
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Float64, Int, Int64, UInt8

from tms_engine import digits
from tms_engine.analysis import projection
from tms_engine.analysis.projection import Camera
from tms_engine.arrays import Array, to_host
from tms_engine.experiment import Experiment
from tms_engine.figures import colors
from tms_engine.training.state import Snapshot
from tms_tui.drawing.ascii import ascii_text
from tms_tui.drawing.cells import RGB, Cells, arranged, blank, paste, write
from tms_tui.drawing.contrast import GAP, TEXT_GAP, coarse, is_dark
from tms_tui.drawing.contrast import shown as as_shown
from tms_tui.drawing.few_colors import feature_palette
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.palettes import FeaturePalette
from tms_tui.drawing.scene import (
    Scene,
    axes_scene,
    draw_scene,
    edges_scene,
    flat_camera,
    lengths,
    merge,
    nearest_line,
    nearest_tip,
    placed_tips,
    sphere_scene,
    stacked_origins,
    trails_scene,
    weights_scene,
)
from tms_tui.memo import Memo
from tms_tui.reading import Thing
from tms_tui.view_options import Data, ViewOptions

if TYPE_CHECKING:
    from tms_engine.analysis.polytopes import SolidEdges

# Vectors that are drawn, and their weights. A picture has no room for more.
_MOST_VECTORS, _MOST_WEIGHTS = 1 << 11, 1 << 20

# Samples that are kept: three clouds of two models that are compared, and one more.
_KEPT_SAMPLES = 7


class Panel(NamedTuple):
    """One scene of the space view. Several stand beside each other, under one camera."""

    title: str
    scene: Scene
    features: Int64[np.ndarray, " vectors"] | None = None
    """Whose vectors its segments are; None: of another model than that which is shown."""
    edges: Int64[np.ndarray, "edges 2"] | None = None
    """Between which features its edges are."""


class Scale(NamedTuple):
    """What the colours of points stand for: from 0, at the dark end of viridis, to `most`."""

    name: str
    most: float


class Trail(NamedTuple):
    """The weights of one instance at the steps up to the one that is shown, from which its tips have come."""

    weights: tuple[Float32[np.ndarray, "features hidden"], ...]
    since: int  # the step of the first ones


class Seen(NamedTuple):
    """A model as it lies beside another: turned, and in the other's colours.

    turn     from its hidden space to the other's
    partner  for each of its features that of the other whose colour it has; −1: its own
    """

    turn: Float64[np.ndarray, "hidden other_hidden"]
    partner: Int64[np.ndarray, " features"]


class SpaceScene(NamedTuple):
    """All that the space view draws, for any camera."""

    panels: tuple[Panel, ...]
    radius: float  # of the part around the origin that the view has room for
    flat: bool  # one or two hidden dimensions: nothing to turn
    scale: Scale | None = None

    def camera(self, camera: Camera) -> Camera:
        """The camera to draw it from: a flat scene is always seen straight from above."""
        return flat_camera(camera.zoom) if self.flat else camera


class Sample(NamedTuple):
    """Fixed inputs of a cloud."""

    x: Float32[Array, "rows features"]  # on the device that encodes them
    inputs: Float32[np.ndarray, "rows features"]  # the same on the host


def space_scene(
    shown: Snapshot,
    options: ViewOptions,
    device: str,
    memo: Memo,
    edges: "SolidEdges | None" = None,
    trail: Trail | None = None,
) -> SpaceScene:
    """The scene of one instance at the step that is shown. It does not depend on the camera.

    `edges` are those of its solid, `trail` where its tips have been; None: not drawn.
    """
    return memo(_space_scene, shown, options.of_scene, device, memo, edges, trail)


def compared_scenes(
    before: "tuple[Snapshot, int, Seen, SolidEdges | None]",
    now: "tuple[Snapshot, int, SolidEdges | None, Trail | None]",
    titles: tuple[str, str],
    options: ViewOptions,
    device: str,
    memo: Memo,
) -> SpaceScene:
    """Two models side by side under one camera and in one scale: the earlier one, turned, and the present.

    Each is a snapshot, an instance of it, and what `space_scene` has of it.
    """
    shown, instance, seen, edges = before
    here = dataclasses.replace(options.of_scene, instance=now[1])
    there = dataclasses.replace(options.of_scene, instance=instance)
    onto = memo.latest(2, basis_of, here, now[0].weights[now[1]])
    basis = memo.latest(2, _turned, seen.turn, onto)
    scene_a = memo.latest(2, _space_scene, shown, there, device, memo, edges, None, basis, seen.partner)
    scene_b = memo.latest(2, _space_scene, now[0], here, device, memo, now[2], now[3], onto, None)
    return memo(_beside_each_other, scene_a, scene_b, titles)


def _turned(
    turn: Float64[np.ndarray, "hidden other"], onto: Float32[np.ndarray, "other 3"]
) -> Float32[np.ndarray, "hidden 3"]:
    return (turn @ onto).astype(np.float32)


def _beside_each_other(a: SpaceScene, b: SpaceScene, titles: tuple[str, str]) -> SpaceScene:
    panels = [
        panel._replace(
            title=f"{title} {panel.title}".strip(), features=panel.features if scene is b else None
        )
        for title, scene in zip(titles, (a, b), strict=True)
        for panel in scene.panels
    ]
    scale = b.scale if a.scale is None or b.scale is None else max(a.scale, b.scale, key=lambda s: s.most)
    return SpaceScene(tuple(panels), max(a.radius, b.radius), a.flat and b.flat, scale)


@np.errstate(over="ignore", invalid="ignore")  # of a diverged instance; what is not finite is not drawn
def _space_scene(
    shown: Snapshot,
    options: ViewOptions,
    device: str,
    memo: Memo,
    edges: "SolidEdges | None",
    trail: Trail | None,
    basis: Float32[np.ndarray, "hidden 3"] | None = None,
    partner: Int64[np.ndarray, " features"] | None = None,
) -> SpaceScene:
    experiment, instance = shown.experiment, options.instance
    w = shown.weights[instance]
    n, m = w.shape
    if basis is None:
        basis = basis_of(options, w)
    chosen = options.feature if options.feature is None or options.feature < n else None
    some = _features(n, m, chosen)
    tips = (w if len(some) == n else w[some]) @ basis
    reach = max(1.0, 1.12 * _length(tips))
    # With one hidden dimension all vectors lie on one line and would hide each other: each gets a height.
    origins = stacked_origins(n, reach) if m == 1 else None
    selected = None if chosen is None else int(np.searchsorted(some, chosen))
    starts = np.zeros((len(some), 3), np.float32) if origins is None else origins[some]
    colored = some if partner is None else np.where(partner[some] >= 0, partner[some], some)
    of_vectors = feature_colors(options.palette, colored)
    vectors = weights_scene(starts + tips, of_vectors, selected, starts, some.tolist())
    between = None
    if len(some) == n and m > 1 and edges is not None:
        vectors = merge((vectors, edges_scene(tips, *edges)))
        between = edges.edges
    if trail is not None and len(some) == n:
        ways = np.stack([starts + earlier @ basis for earlier in (*trail.weights, w)])
        vectors = merge((vectors, trails_scene(ways, of_vectors)))
    clouds = []
    rows = cloud_rows(experiment, options)
    for title, n_active in _clouds_of(options.data, n) if rows else ():
        from tms_engine.analysis.clouds import project

        sample = memo.latest(_KEPT_SAMPLES, _sample, experiment, instance, rows, device, n_active)
        points = project(sample.x, shown, instance, basis)
        beside = None
        if n_active == 1 or m == 1:
            # They lie on their feature's vector, which would hide them.
            strongest = sample.inputs.argmax(-1)
            place = np.searchsorted(some, strongest)
            beside = np.where(some[np.minimum(place, len(some) - 1)] == strongest, place, -1)
            if origins is not None:
                points += origins[strongest]
        clouds.append((title, points, sample, beside))
        # All but a few points are in view, and a few more outside where three clouds share the width; those
        # are cut off at the edge.
        most = 0.995 if options.data != "1, 2, 3 active" else 0.97
        reach = max(reach, 1.05 * _quantile(lengths(points), most))
    radius = float(np.ceil(10 * reach)) / 10  # in steps, so that the scale does not change with every update
    guides = _guides(options, m, radius)
    if not clouds:
        return SpaceScene((Panel("", merge((guides, vectors)), some, between),), radius, flat=m < 3)
    numbers = memo.latest(2, _palette_of, n, partner)
    palette = memo.latest(2, feature_colors, options.palette, numbers)
    inks, scale = _colors(options, [sample for *_, sample, _ in clouds], shown, palette, memo)
    panels = tuple(
        Panel(title, merge((Scene(points, ink, beside=beside), vectors, guides)), some, between)
        for (title, points, _, beside), ink in zip(clouds, inks, strict=True)
    )
    return SpaceScene(panels, radius, flat=m < 3, scale=scale)


def _palette_of(n: int, partner: Int64[np.ndarray, " features"] | None) -> Int64[np.ndarray, " features"]:
    """The numbers whose colours the features have."""
    own = np.arange(n)
    return own if partner is None else np.where(partner >= 0, partner, own)


def n_vectors(n_features: int, n_hidden: int) -> int:
    """How many features have their vectors drawn, beside the selected one."""
    return min(n_features, _MOST_VECTORS, max(1, _MOST_WEIGHTS // n_hidden))


def _features(n: int, m: int, selected: int | None) -> Int64[np.ndarray, " some"]:
    """The features whose vectors are drawn, ascending: all, or some, evenly spaced, and the selected one."""
    count = n_vectors(n, m)
    some = np.arange(count) * n // count
    return some if selected is None or count == n else np.union1d(some, [selected])


def cloud_rows(experiment: Experiment, options: ViewOptions) -> int:
    """Points of the cloud: fewer than were chosen where they would take long, and 0 where there is none."""
    from tms_engine.analysis.clouds import most_rows

    return min(options.points, most_rows(experiment, options.coloring == "error"))


def _sample(experiment: Experiment, instance: int, rows: int, device: str, n_active: int | None) -> Sample:
    """Inputs of one instance: as it is trained on, or with exactly `n_active` active."""
    from tms_engine.analysis.clouds import cloud_sample

    x = cloud_sample(experiment, instance, rows, device, n_active)
    return Sample(x, to_host(x))


def _clouds_of(data: Data, n_features: int) -> list[tuple[str, int | None]]:
    """Titles of the clouds that `data` stands for, and the number of active features where it is fixed."""
    if data == "none":
        return []
    if data == "trained":
        return [("", None)]
    if data == "1, 2, 3 active":
        return [(f"{k} active", k) for k in (1, 2, 3) if k <= n_features]
    return [("", min(int(data[0]), n_features))]


def feature_colors(
    palette: FeaturePalette, features: int | Int[np.ndarray, " features"]
) -> Float32[np.ndarray, "features 3"]:
    """RGB of so many features, or of those with these numbers, 0 to 1."""
    if palette == "terminal":
        terminals = feature_palette()
        number = np.arange(features) if isinstance(features, int) else features
        return terminals[number % len(terminals)]
    return colors.feature_colors(features, colors.SAFE if palette == "safe" else colors.TABLEAU)


def basis_of(
    options: ViewOptions, weights: Float32[np.ndarray, "features hidden"]
) -> Float32[np.ndarray, "hidden 3"]:
    """The basis in which one instance's hidden space is shown."""
    m = weights.shape[1]
    if m > 3 and options.projection == "grand tour":
        return projection.tour_basis(m, options.tour_time)
    return projection.basis_for(weights, axes_of(options, m))


def axes_of(options: ViewOptions, n_hidden: int) -> tuple[int, ...] | None:
    """The hidden dimensions that were chosen to be shown, where there are more than 3; else None."""
    if n_hidden <= 3 or options.projection != "axes":
        return None
    return tuple(dict.fromkeys(axis % n_hidden for axis in options.axes))


def _guides(options: ViewOptions, n_hidden: int, radius: float) -> Scene:
    dims = min(n_hidden, 3)
    if options.guides == "nothing":
        return merge(())
    axes = axes_scene(dims, _axis_names(options, n_hidden), 0.95 * radius)
    return axes if options.guides == "axes" else merge((axes, sphere_scene(dims)))


def _axis_names(options: ViewOptions, n_hidden: int) -> tuple[str, ...]:
    if n_hidden <= 3:
        return ("X", "Y", "Z")[:n_hidden]
    chosen = axes_of(options, n_hidden)
    if chosen is not None:
        return tuple(map(str, chosen))
    return ("PC 1", "PC 2", "PC 3") if options.projection == "PCA" else ("", "", "")


def _length(points: Float32[np.ndarray, "rows 3"]) -> float:
    """The greatest finite length; 0 if there is none."""
    found = lengths(points)
    return float(found[np.isfinite(found)].max(initial=0))


def _quantile(values: Float[np.ndarray, " rows"], q: float) -> float:
    """A quantile of the finite values, 0 if there are none."""
    quantile = float(np.quantile(values, q))
    if math.isfinite(quantile):
        return quantile
    finite = values[np.isfinite(values)]
    return float(np.quantile(finite, q)) if len(finite) else 0.0


def _colors(
    options: ViewOptions,
    samples: list[Sample],
    shown: Snapshot,
    palette: Float32[np.ndarray, "features 3"],
    memo: Memo,
) -> tuple[list[Float32[np.ndarray, "rows 3"]], Scale | None]:
    """RGB of the points of each cloud, and what they stand for where that is a number."""
    if options.coloring == "one feature":
        chosen = min(options.feature or 0, len(palette) - 1)
        return [colors.viridis(sample.inputs[:, chosen]) for sample in samples], Scale(f"x{chosen}", 1.0)
    if options.coloring == "strongest feature":
        return [colors.strongest(sample.inputs, palette) for sample in samples], None
    if options.coloring == "error":
        from tms_engine.analysis.clouds import reconstruction_errors

        errors = [reconstruction_errors(sample.x, shown, options.instance) for sample in samples]
        # The 99th percentile is at the bright end: most rows are far below the worst. It is that of the
        # cloud with the largest errors, so that clouds beside each other can be compared.
        most = max(*(_quantile(each, 0.99) for each in errors), 1e-12)
        relative = [np.clip(np.nan_to_num(np.sqrt(each / most), nan=1.0), 0, 1) for each in errors]
        return [colors.viridis(each) for each in relative], Scale("error", most)
    return [memo.latest(_KEPT_SAMPLES, colors.mix, sample.inputs, palette) for sample in samples], None


def draw_space(
    scene: SpaceScene,
    camera: Camera,
    height: int,
    width: int,
    mode: Mode,
    ground: RGB,
    has_colors: bool = True,
    large: bool = False,
) -> Cells:
    """All panels as the camera sees them, with their titles, and what colours stand for on the last row."""
    panels, radius = scene.panels, scene.radius
    if len(panels) == 1 and not panels[0].title and scene.scale is None:
        return draw_scene(panels[0].scene, camera, radius, height, width, mode, ground, large)
    picture = blank(height, width, ground if mode == "blocks" else None)
    for panel, (top, left, tall, wide) in _placed(scene, height, width, has_colors):
        paste(picture, draw_scene(panel.scene, camera, radius, tall, wide, mode, ground, large), top, left)
        if panel.title and top:
            title = ascii_text(panel.title) if mode == "ascii" else panel.title
            ink = 255 if is_dark(ground) else 0
            write(picture, top - 1, left, title.center(wide)[:wide], (ink, ink, ink), ground)
    if _has_bar(scene, height, has_colors) and scene.scale is not None:
        _write_scale(picture, scene.scale, height - 1, width, mode, ground)
    return picture


def _has_bar(scene: SpaceScene, height: int, has_colors: bool) -> bool:
    """Whether what the colours stand for has the last row."""
    return scene.scale is not None and height > 4 and has_colors


def _placed(
    scene: SpaceScene, height: int, width: int, has_colors: bool
) -> list[tuple[Panel, tuple[int, int, int, int]]]:
    """The panels, each with the place of its picture: top, left, rows, columns. Above each is its title."""
    height -= _has_bar(scene, height, has_colors)
    down, across = arranged(len(scene.panels), height, width)
    rows, columns = _shares(height, down), _shares(width, across)
    made = []
    for i, panel in enumerate(scene.panels):
        (top, tall), (left, wide) = rows[i // across], columns[i % across]
        titled = int(bool(panel.title) and tall > 2)
        made.append((panel, (top + titled, left, tall - titled, wide)))
    return made


def thing_at(
    scene: SpaceScene, camera: Camera, row: int, column: int, height: int, width: int, has_colors: bool = True
) -> Thing:
    """What a cell of the picture has: a tip, an edge, a trail; or else the space itself."""
    for panel, (top, left, tall, wide) in _placed(scene, height, width, has_colors):
        if not (top <= row < top + tall and left <= column < left + wide):
            continue
        if panel.features is None:
            return Thing("A and B")
        drawn, place = panel.scene, (camera, scene.radius, tall, wide, row - top, column - left)
        tip = nearest_tip(drawn, *place)
        if tip is not None:
            return Thing("norm", int(panel.features[tip]))
        edge = None if panel.edges is None else nearest_line(drawn.edges, *place)
        if panel.edges is not None and edge is not None:
            start, end = panel.edges[edge].tolist()
            return Thing("edges", start, end)
        way = nearest_line(drawn.trails, *place)
        if way is not None:
            return Thing("trails", int(panel.features[way % len(panel.features)]))
    return Thing("space")


def tips_of(
    scene: SpaceScene, camera: Camera, height: int, width: int, has_colors: bool = True
) -> list[tuple[int, int, int]]:
    """Features, and the rows and columns of the tips of their vectors in the first picture that has them."""
    for panel, (top, left, tall, wide) in _placed(scene, height, width, has_colors):
        if panel.features is not None:
            found = placed_tips(panel.scene, camera, scene.radius, tall, wide)
            return [(int(panel.features[k]), top + row, left + column) for k, row, column in found]
    return []


def space_pixels(
    scene: SpaceScene,
    camera: Camera,
    height: int,
    width: int,
    cell: tuple[int, int],
    ground: RGB,
    large: bool = False,
) -> "UInt8[np.ndarray, 'height width 3']":
    """The same as a picture, for cells of so many pixels across and down: panels, without their titles."""
    from tms_tui.drawing.pixels import draw_pixels

    (across_px, down_px), panels = cell, scene.panels
    picture = np.full((height * down_px, width * across_px, 3), ground, np.uint8)
    down, across = arranged(len(panels), height, width)
    rows, columns = _shares(height, down), _shares(width, across)
    for i, panel in enumerate(panels):
        (top, tall), (left, wide) = rows[i // across], columns[i % across]
        if tall < 1 or wide < 1:
            continue
        part = draw_pixels(panel.scene, camera, scene.radius, (tall, wide), cell, ground, large)
        picture[top * down_px : (top + tall) * down_px, left * across_px : (left + wide) * across_px] = part
    return picture


def _shares(size: int, count: int) -> list[tuple[int, int]]:
    """Where each of so many panels begins and how long it is, with a blank cell between two."""
    sizes = [max((size - (count - 1) + i) // count, 0) for i in range(count)]
    return [(sum(sizes[:i]) + i, each) for i, each in enumerate(sizes)]


# Cells of the bar of colours.
_BAR = 16


def _write_scale(picture: Cells, scale: Scale, row: int, width: int, mode: Mode, ground: RGB) -> None:
    """A bar of viridis with its ends, as points have its colours."""
    first, last = f" {scale.name} 0 ", f" {digits.number(scale.most, 2)}"
    length = min(_BAR, width - len(first) - len(last))
    if length < 2:
        return
    quiet = (170, 170, 170) if is_dark(ground) else (85, 85, 85)
    write(picture, row, 0, first, quiet, ground)
    write(picture, row, len(first) + length, last, quiet, ground)
    ramp = coarse(colors.viridis(np.linspace(0, 1, length)))
    inks = as_shown(ramp, np.ones(length, np.float32), ground, TEXT_GAP if mode == "ascii" else GAP)
    for i, (r, g, b) in enumerate(inks.tolist()):
        write(picture, row, len(first) + i, "#" if mode == "ascii" else "█", (r, g, b), ground)
