"""A film of how a model learns: the turning space with the hull of its features, the loss, and D over steps.

Its steps are dense where the weights move (`analysis/changes.py`), so that the fold is seen.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64
from matplotlib.collections import LineCollection
from matplotlib.ticker import NullFormatter
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from tms_engine import digits
from tms_engine.analysis import geometry
from tms_engine.analysis.changes import evenly_changing
from tms_engine.analysis.evaluation import check_instance
from tms_engine.analysis.polytopes import Polytopes, hull_edges, polytopes
from tms_engine.analysis.projection import HOME, Camera, basis_for
from tms_engine.analysis.smoothing import loss_sums, smoothed
from tms_engine.errors import InputError
from tms_engine.figures.captions import describe
from tms_engine.figures.colors import feature_colors, on_white
from tms_engine.figures.dimensionality import draw_solids
from tms_engine.figures.movies import Picture, check_movie, movie_figure, picture_of, save_movie
from tms_engine.figures.panels import MOST_FEATURES, coordinates, own_style, scene
from tms_engine.training.run import Run
from tms_engine.training.state import Snapshot

# Vectors with a number, and features whose hull is drawn.
_LABELLED, _HULLED = 20, 64
# Losses that are written at their axis, at most.
_MOST_TICKS = 6


class Reel(NamedTuple):
    """What is filmed of one instance, picture by picture.

    shown   a snapshot a picture, the first steps first
    tips    float32 (pictures, features, 3): where the vectors end, in the space that is shown
    levels  float64 (pictures, features): D
    camera  where it is seen from first
    turn    degrees that it turns until the last
    """

    shown: tuple[Snapshot, ...]
    tips: Float32[np.ndarray, "pictures features 3"]
    levels: Float64[np.ndarray, "pictures features"]
    camera: Camera
    turn: float


def film(
    run: Run,
    instance: int = 0,
    *,
    frames: int = 120,
    first: int = 0,
    last: int | None = None,
    camera: Camera = HOME,
    turn: float = 120.0,
    size: tuple[int, int] = (960, 540),
) -> Iterator[Picture]:
    """The pictures of a film of one instance, from step `first` to `last` (None: the run's last), as RGB.

    Each is `size` = (width, height) pixels. Hidden space turns by `turn` degrees on the whole. Raises
    InputError for an instance that is not there, and for a run of which fewer than two steps are kept there.
    """
    check_instance(run, instance)
    reel = _reel(run, instance, frames, first, last, camera, turn)
    with own_style():
        stage = _Stage(run, instance, reel, size)
    for k in range(len(reel.shown)):
        with own_style():  # not over a yield: it is the process's
            picture = stage.picture(k)
        yield picture


def save_film(
    run: Run,
    path: str | Path,
    instance: int = 0,
    *,
    fps: int = 15,
    on_frame: Callable[[int, int], None] | None = None,
    frames: int = 120,
    **view: Any,
) -> Path:
    """Write a film as a file: .gif, or .mp4 where ffmpeg is installed. `view` as in `film`.

    `on_frame` is told how many pictures of how many are drawn. Raises InputError for another suffix, without
    ffmpeg, for a name that is taken, and where the file cannot be written; then there is no part of it.
    """
    check_movie(path, frames, fps)
    return save_movie(film(run, instance, frames=frames, **view), path, frames, fps, on_frame)


def _reel(
    run: Run, instance: int, frames: int, first: int, last: int | None, camera: Camera, turn: float
) -> Reel:
    end = run.state.step if last is None else last
    steps = [step for step in (*run.history.steps, run.state.step) if first <= step <= end]
    steps = list(dict.fromkeys(steps))
    if len(steps) < 2:
        raise InputError(
            f"of steps {first:,} to {end:,} the weights of {len(steps)} are kept, and a film needs two: "
            "train with a larger keep, or name other steps"
        )
    weights = [run.at(step).weights[instance][:MOST_FEATURES] for step in steps]
    places = evenly_changing(steps, weights, frames)
    shown = tuple(run.at(steps[k]) for k in places)
    basis = basis_for(weights[-1])  # one for the whole film, or it would turn by itself
    with np.errstate(all="ignore"):
        tips = np.stack([weights[k] @ basis for k in places])
        levels = np.stack([geometry.dimensionality(weights[k][None])[0] for k in places])
    tips = np.where(np.isfinite(tips), tips, np.nan).astype(np.float32)
    return Reel(shown, tips, levels.astype(np.float64), camera, turn)


class _Stage:
    """The figure, made once; each picture moves what moves."""

    def __init__(self, run: Run, instance: int, reel: Reel, size: tuple[int, int]) -> None:
        self._reel, self._instance = reel, instance
        self._named: Polytopes | None = None
        self._figure = movie_figure(size)
        n, m = reel.shown[0].experiment.n_features, reel.shown[0].experiment.n_hidden
        self._colors = on_white(feature_colors(reel.tips.shape[1]))
        self._reach = reaches(reel.tips)
        self._draw_space(n, m)
        self._steps = np.array([snapshot.step for snapshot in reel.shown])
        self._draw_loss(run)
        self._draw_levels()

    def picture(self, k: int) -> Picture:
        self._show_space(k)
        snapshot, now = self._reel.shown[k], max(int(self._steps[k]), 1)
        for line in self._now:
            line.set_xdata([now, now])
        for j, line in enumerate(self._levels):
            line.set_data(np.maximum(self._steps[: k + 1], 1), self._reel.levels[: k + 1, j])
        self._dots.set_offsets(
            np.stack([np.full(len(self._levels), now), self._reel.levels[k, : len(self._levels)]], 1)
        )
        density = snapshot.experiment.per_instance("sparsity")[self._instance]
        self._about.set_text(f"step {snapshot.step:,}    S = {digits.sparsity(density)}")
        return picture_of(self._figure)

    def _draw_space(self, n: int, m: int) -> None:
        figure, reel = self._figure, self._reel
        camera = dataclasses.replace(reel.camera, zoom=1.5 * reel.camera.zoom)
        space = scene((figure, 1, 2, 1), m, 1.0, camera)
        space.set_position((0.01, 0.01, 0.53, 0.86))
        space.set_axis_off()
        self._space, self._flat = space, m < 3
        for axis in np.eye(min(m, 3), 3):  # of length 1, which the scale is seen by
            space.plot(*self._axes_of(np.stack([-axis, axis])), color="0.8", lw=0.8)
        figure.text(0.02, 0.95, describe(reel.shown[0]), fontsize=12, va="center")
        self._name = figure.text(0.02, 0.895, "", fontsize=13, fontweight="bold", va="center")
        self._about = figure.text(0.54, 0.95, "", fontsize=11, va="center", ha="right")
        many = n > 50
        self._vectors = [
            space.plot(*self._axes_of(np.zeros((2, 3))), color=color, lw=0.8 if many else 2)[0]
            for color in self._colors
        ]
        depth: dict[str, Any] = {} if self._flat else {"depthshade": False}
        at = self._axes_of(np.zeros((len(self._colors), 3)))
        self._tips = space.scatter(*at, c=self._colors, s=6 if many else 24, **depth)
        self._labels = []
        if n <= _LABELLED:
            where = (0.0,) * (2 if self._flat else 3)
            self._labels = [
                space.text(*where, str(j), color=0.75 * color, fontsize=10, ha="center", va="center",
                    fontweight="bold") for j, color in enumerate(self._colors)
            ]  # fmt: skip
        kind: Any = LineCollection if self._flat else Line3DCollection
        nothing = np.zeros((1, 2, 2 if self._flat else 3))
        self._hull = kind(nothing, colors="0.55", linewidths=1.2)
        space.add_collection(self._hull, autolim=False)
        self._hulled = n <= _HULLED and m <= 3

    def _axes_of(self, points: Float[np.ndarray, "rows 3"]) -> tuple[Float[np.ndarray, " rows"], ...]:
        return coordinates(points, self._space)

    def _show_space(self, k: int) -> None:
        reel, weights = self._reel, self._reel.shown[k].weights[self._instance]
        tips, reach = reel.tips[k], self._reach[k]
        self._space.set(xlim=(-reach, reach), ylim=(-reach, reach))
        if not self._flat:
            self._space.set(zlim=(-reach, reach))
        if not self._flat:
            share = k / max(1, len(reel.shown) - 1)
            self._space.view_init(
                elev=reel.camera.pitch, azim=reel.camera.yaw + share * reel.turn, roll=reel.camera.roll
            )
        for line, tip in zip(self._vectors, tips, strict=True):
            ends = self._axes_of(np.stack([np.zeros(3, np.float32), tip]))
            (line.set_data if self._flat else line.set_data_3d)(*ends)
        if self._flat:
            self._tips.set_offsets(tips[:, :2])
        else:
            self._tips._offsets3d = tuple(np.nan_to_num(tips).T)
        for label, tip in zip(self._labels, tips, strict=False):
            at = tuple(float(c[0]) for c in self._axes_of(1.1 * tip[None]))
            (label.set_position if self._flat else label.set_position_3d)(at)
            label.set_visible(bool(np.isfinite(tip).all()))
        self._named = polytopes(weights, before=self._named)
        self._name.set_text(self._named.title)
        if self._hulled:
            edges = _edges(tips, weights)
            ends = tips[edges]
            self._hull.set_segments(ends[..., :2] if self._flat else ends)

    def _draw_loss(self, run: Run) -> None:
        plot = self._figure.add_axes((0.62, 0.56, 0.23, 0.36))
        curve = run.history.loss_curve()
        last = max(int(self._steps[-1]), 2)
        changes = [change.step for change in run.changes]
        smooth = smoothed(curve.start, curve.end, *loss_sums(curve), changes, last)[:, self._instance]
        middle = (curve.start + curve.end + 1) / 2
        good = np.isfinite(smooth) & (smooth > 0)
        plot.plot(middle[good], smooth[good], color="tab:blue", lw=1.5)
        plot.set(
            xscale="log", yscale="log" if good.any() else "linear", xlim=(1, last), ylabel="loss, smoothed"
        )
        plot.yaxis.set_minor_formatter(NullFormatter())
        ticks = loss_ticks(*plot.get_ylim())
        plot.set_yticks(ticks, [f"{tick:.6g}" for tick in ticks])
        plot.grid(alpha=0.3)
        self._now = [plot.axvline(1, color="tab:red", lw=1)]
        for step in changes:
            plot.axvline(max(step, 1), color="0.5", lw=0.8, ls="--")

    def _draw_levels(self) -> None:
        plot = self._figure.add_axes((0.62, 0.1, 0.23, 0.38))
        draw_solids(plot, apart=0.055, size=6.5)
        plot.set(
            xscale="log", xlim=(1, max(int(self._steps[-1]), 2)), ylim=(0, 1.08), xlabel="step",
            ylabel="dimensionality D",
        )  # fmt: skip
        many = len(self._colors) > 50
        self._levels = [plot.plot([], [], color=color, lw=0.5 if many else 1.3)[0] for color in self._colors]
        self._dots = plot.scatter(
            np.ones(len(self._colors)), np.zeros(len(self._colors)), c=self._colors, s=8, zorder=3
        )
        self._now.append(plot.axvline(1, color="tab:red", lw=1))


def loss_ticks(low: float, high: float) -> list[float]:
    """Values to be written at an axis from `low` to `high`: at least two, also where no power of ten lies
    between them, and at most six."""
    if low > 0:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for digits_ in ((1,), (1, 2, 5), range(1, 10)):
            found = [float(f"{d}e{k}") for k in decades for d in digits_ if low <= float(f"{d}e{k}") <= high]
            if len(found) >= 2:
                return found[:: -(-len(found) // _MOST_TICKS)]
    for step in (1.0, 0.5, 0.2, 0.1):  # of the power of ten below their distance
        step *= 10.0 ** math.floor(math.log10(high - low))
        found = [float(f"{k * step:.6g}") for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
        if len(found) >= 2:
            break
    return found[:: -(-len(found) // _MOST_TICKS)]


def reaches(tips: Float32[np.ndarray, "pictures features 3"]) -> Float64[np.ndarray, " pictures"]:
    """How far the space goes in each picture: as far as the vectors then, but moving smoothly."""
    lengths = np.nan_to_num(np.linalg.norm(tips.astype(np.float64), axis=-1)).max(1, initial=0.1)
    width = max(1, len(lengths) // 8)
    padded = np.pad(lengths, width, mode="edge")
    return 1.05 * np.convolve(padded, np.ones(2 * width + 1) / (2 * width + 1), mode="valid")


def _edges(
    tips: Float32[np.ndarray, "features 3"], weights: Float32[np.ndarray, "features hidden"]
) -> Int64[np.ndarray, "edges 2"]:
    """The edges of the hull of the represented features, by their numbers."""
    represented = np.flatnonzero(geometry.represented(weights[None])[0])
    represented = represented[np.isfinite(weights[represented]).all(-1)]
    if len(represented) < 2:
        return np.zeros((0, 2), np.int64)
    found: Int64[np.ndarray, "edges 2"] = represented[hull_edges(weights[represented].astype(np.float64))]
    return found
