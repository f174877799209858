"""A film of a sweep: its phase layout, or the row of its polytopes, as it fills.

A sweep keeps no history, so its models are trained again, to the same bits, and shown over their steps; where
that would take long, what is finished is shown in the order in which it was. Cells have the colour of the
best model's name; or, of one feature, that of the paper's phase diagrams: white where it is not represented,
blue where it has a dimension of its own, red where it shares one, the mean of all models but the worst.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator, NullFormatter

from tms_engine.analysis import geometry
from tms_engine.analysis.changes import evenly_changing
from tms_engine.analysis.polytopes import hull_edges, name_instances
from tms_engine.analysis.projection import HOME, Camera, basis_for, view
from tms_engine.analysis.strategies import STATES, states_of
from tms_engine.errors import InputError
from tms_engine.figures.colors import OF_STATE, feature_colors, on_white, phase_colors
from tms_engine.figures.film import reaches
from tms_engine.figures.movies import Picture, check_movie, movie_figure, picture_of, save_movie
from tms_engine.figures.panels import own_style
from tms_engine.runs.training import train
from tms_engine.sweeps.diagram import Axis, axes_of, point_places
from tms_engine.sweeps.directory import read_grid, shard_path
from tms_engine.sweeps.grid import Grid, experiment_of
from tms_engine.sweeps.live import Followed, follow
from tms_engine.sweeps.shards import Shard, read_shard
from tms_engine.sweeps.spec import DENSITY
from tms_engine.sweeps.sweep import load_sweep, rows_with
from tms_engine.training.trainer import Trainer

Over = Literal["steps", "shards"]

# Cells of a diagram: of more there would be several to a pixel.
_MOST_CELLS = 250_000
# Seconds of training up to which a sweep is trained again without being asked to.
_TRAINED_AGAIN = 120.0
# Models by whose movement the steps are chosen, and how many of their steps are kept.
_PILOTS, _PILOT_STEPS = 32, 1_000
# Names, and panels, that are shown; features in a panel.
_NAMES, _PANELS, _FEATURES = 9, 8, 64
_OTHERS, _NOTHING = "other names", np.array([0.9, 0.9, 0.9])
_DIVERGED, _DIVERGED_COLOR = "diverged", np.array([0.35, 0.35, 0.35])


class Side(NamedTuple):
    """An axis as it is drawn: its values in words, and the place of each model among them."""

    name: str
    title: str
    labels: tuple[str, ...]
    places: Int64[np.ndarray, " models"]


class Layout(NamedTuple):
    """Which models are shown, and where.

    sides  the one that runs to the right, and the one that runs up if there are two
    cell  of each model, row by row from below; −1 for one that is not shown, or not finished
    best  the row of the best model of each cell; −1 where none is finished
    kept  whose mean a cell shows: all models but the worst
    """

    sides: tuple[Side, ...]
    cell: Int64[np.ndarray, " models"]
    best: Int64[np.ndarray, " cells"]
    kept: Bool[np.ndarray, " models"]


class SweepReel(NamedTuple):
    """What is filmed of a sweep, picture by picture.

    over       what runs along: steps of training, or shards in the order in which they were finished
    about      the sweep, and what the colours are of, in words
    when       of each picture, in words
    along      of each picture: the step, or the percentage of the steps where models differ in them; or how
               many shards are finished
    colors     float32 (pictures, cells, 3)
    states     int (pictures, cells): a place in `names`, or −1 where nothing is known
    names      of states, with `palette`, their colours
    panels     cells whose best models are drawn, one axis only, and float32 (pictures, features, 3) of each:
               where its vectors end, NaN before they are known
    hulled     whether the edges of their hulls are drawn: in up to three hidden dimensions
    differing  models that have not ended as in the table: another device, or other versions of libraries
    """

    over: Over
    about: tuple[str, str]
    when: tuple[str, ...]
    along: Float64[np.ndarray, " pictures"]
    sides: tuple[Side, ...]
    colors: Float32[np.ndarray, "pictures cells 3"]
    states: Int64[np.ndarray, "pictures cells"]
    names: tuple[str, ...]
    palette: Float64[np.ndarray, "names 3"]
    panels: tuple[tuple[int, Float32[np.ndarray, "pictures _ 3"]], ...]
    hulled: bool
    differing: int


def sweep_reel(
    path: str | Path,
    *,
    frames: int = 120,
    over: Over | None = None,
    color: int | Literal["name"] | None = None,
    at: Mapping[str, Any] | None = None,
    on_trained: Callable[[int, int], None] | None = None,
) -> SweepReel:
    """What a film of the sweep in a directory shows, of `frames` pictures.

    over   "steps": the models are trained again; "shards": what is kept, as it was finished. None: steps if
           that takes two minutes at most, as the shards say
    color  "name", or the number of a feature; None: the last feature of models of up to 3, else names
    at     values of the axes that are not shown, as of `Sweep.select`

    `on_trained` is told how many models of how many are trained again. Raises InputError if there is no
    sweep, if none of its models is finished, and if it has not one or two axes that differ.
    """
    follower = follow(path)
    now, grid = follower.poll(), read_grid(path)
    if not now.n_finished:
        raise InputError(f"none of the models in {path} is finished yet: nothing is to be filmed")
    layout = _layout(path, grid, now, at or {})
    shards = [(k, found) for k, found in _finished(path, grid) if (layout.cell[_span(found)] >= 0).any()]
    chosen = color_of(grid, color)
    if over is None:
        over = "steps" if seconds_again(layout, shards, chosen) <= _TRAINED_AGAIN else "shards"
    if over == "steps":
        return _over_steps(grid, now, layout, [found for _, found in shards], frames, chosen, on_trained)
    return _over_shards(Path(path), grid, now, layout, shards, frames, chosen, color is not None)


def sweep_film(reel: SweepReel, size: tuple[int, int] = (960, 540)) -> Iterator[Picture]:
    """The pictures of a film of a sweep, as RGB of `size` = (width, height) pixels."""
    with own_style():
        stage = _Stage(reel, size)
    for k in range(len(reel.along)):
        with own_style():  # not over a yield: it is the process's
            picture = stage.picture(k)
        yield picture


def save_sweep_film(
    reel: SweepReel,
    path: str | Path,
    *,
    fps: int = 15,
    size: tuple[int, int] = (960, 540),
    on_frame: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a film of a sweep as a file, as `film.save_film` does."""
    frames = len(reel.along)
    check_movie(path, frames, fps)
    return save_movie(sweep_film(reel, size), path, frames, fps, on_frame)


def color_of(grid: Grid, color: int | Literal["name"] | None) -> int | None:
    """The feature that colours are of, None for names. Raises InputError for one that not all models have."""
    fewest = min(family.fields.get("n_features", grid.spec.base.n_features) for family in grid.families)
    if color is None:
        return fewest - 1 if fewest <= 3 and "n_features" not in grid.spec.coordinates else None
    if color == "name":
        return None
    if not 0 <= color < fewest:
        raise InputError(f"color should be name, or a feature from 0 to {fewest - 1}, not {color}")
    return color


def seconds_again(layout: Layout, shards: Sequence[tuple[int, Shard]], feature: int | None) -> float:
    """About what training the models that are shown again takes here, if they were trained here."""
    total = 0.0
    for _, found in shards:
        total += found.seconds * len(_needed(layout, found, feature)) / len(found.rows)
    return total


def _finished(path: str | Path, grid: Grid) -> list[tuple[int, Shard]]:
    """The whole shards, in the order in which they were finished."""
    found = []
    for k in range(grid.n_shards):
        place = shard_path(path, k)
        try:
            found.append((place.stat().st_mtime_ns, k, read_shard(place, grid, k)))
        except (OSError, InputError):  # not there, or damaged: to be trained again
            continue
    return [(k, shard) for _, k, shard in sorted(found, key=lambda one: one[:2])]


def _span(shard: Shard) -> slice:
    return slice(shard.rows.start, shard.rows.stop)


def _needed(layout: Layout, shard: Shard, feature: int | None) -> Int64[np.ndarray, " rows"]:
    """The models of a shard that have to be trained again: those that a cell's colour is of."""
    shown = layout.kept if feature is not None else np.isin(np.arange(len(layout.cell)), layout.best)
    return np.flatnonzero(shown[_span(shard)]) + shard.rows.start


# Which model is where.


def _layout(path: str | Path, grid: Grid, now: Followed, at: Mapping[str, Any]) -> Layout:
    shown = np.ones(now.n_models, bool)
    for name, wanted in at.items():
        shown &= rows_with(now.coordinates, grid.spec, name, wanted)
    if not shown.any():
        raise InputError(f"no model in {path} has all of these values: {', '.join(at)}")
    sides = _sides(grid, shown)
    if len(sides) > 2:
        named, last = ", ".join(side.name for side in sides[:-1]), sides[-1].name
        raise InputError(
            f"{path} has {len(sides)} axes, {named} and {last}, and a film shows two: fix the others, as "
            f"with --at {last}={now.coordinates[last][0]}"
        )
    if not sides:
        raise InputError(
            f"all models that are asked for in {path} have the same settings: a film needs one axis or two"
        )
    n_cells = math.prod(len(side.labels) for side in sides)
    if n_cells > _MOST_CELLS:
        raise InputError(
            f"a diagram of {n_cells:,} cells cannot be seen; at most {_MOST_CELLS:,}: fix an axis"
        )
    cell = sides[0].places + (sides[1].places * len(sides[0].labels) if len(sides) == 2 else 0)
    cell = np.where(shown & now.finished, cell, -1)
    best, kept = _best(cell, now.columns["loss"], n_cells)
    return Layout(sides, cell, best, kept)


def _best(
    cell: Int64[np.ndarray, " models"], loss: Float64[np.ndarray, " models"], n_cells: int
) -> tuple[Int64[np.ndarray, " cells"], Bool[np.ndarray, " models"]]:
    """The row of the best model of each cell, and all models but the worst of a cell of several."""
    rows = np.flatnonzero(cell >= 0)
    order = rows[np.lexsort((rows, np.where(np.isfinite(loss[rows]), loss[rows], np.inf), cell[rows]))]
    first = np.r_[True, cell[order][1:] != cell[order][:-1]]
    last = np.r_[first[1:], True]
    best = np.full(n_cells, -1)
    best[cell[order[first]]] = order[first]
    kept = np.zeros(len(cell), bool)
    kept[order[first | ~last]] = True
    return best, kept


def _sides(grid: Grid, shown: Bool[np.ndarray, " models"]) -> tuple[Side, ...]:
    """The axes that differ among what is shown: sparsity or density runs up, as in the paper."""
    found = []
    point = np.arange(len(shown)) // grid.spec.n_seeds
    for axis, of_points in zip(axes_of(grid.spec), point_places(grid), strict=True):
        places = of_points[point]
        there = np.unique(places[shown])
        if len(there) > 1:
            found.append(_side(axis, places, there))
    if len(found) == 2:
        up = [side.name in ("sparsity", DENSITY) for side in found]
        if up[0] or not up[1]:
            found.reverse()
        if found[1].name == "sparsity":  # the densest on top
            labels = found[1].labels[::-1]
            found[1] = found[1]._replace(labels=labels, places=len(labels) - 1 - found[1].places)
    return tuple(found)


def _side(axis: Axis, places: Int64[np.ndarray, " models"], there: Int64[np.ndarray, " some"]) -> Side:
    """An axis with the values at these places alone, numbers in their order."""
    numbers = axis.numbers()
    order = there if numbers is None else there[np.argsort(numbers[there], kind="stable")]
    rank = np.zeros(len(axis.values), np.int64)
    rank[order] = np.arange(len(order))
    labels = tuple(axis.told(int(place)) for place in order)
    return Side(axis.names[0], axis.label.replace("_", " "), labels, rank[places])


# Over steps.


def _over_steps(
    grid: Grid,
    now: Followed,
    layout: Layout,
    shards: Sequence[Shard],
    frames: int,
    feature: int | None,
    on_trained: Callable[[int, int], None] | None,
) -> SweepReel:
    parts = _moments(grid, layout, shards, frames).tolist()
    states = np.full((frames, len(layout.best)), -1)
    sums = np.zeros((frames, len(layout.best), 3), np.float32)
    names: dict[str, int] = {} if feature is None else {name: k for k, name in enumerate(STATES)}
    panels = _panel_cells(layout)
    vectors: dict[int, list[np.ndarray]] = {cell: [] for cell in panels}
    is_best = np.zeros(now.n_models, bool)
    is_best[layout.best[layout.best >= 0]] = True
    needed = [_needed(layout, found, feature) for found in shards]
    total, trained, differing = sum(map(len, needed)), 0, 0
    for found, rows in zip(shards, needed, strict=True):
        if not len(rows):
            continue
        experiment = experiment_of(grid, rows.tolist()).replace(keep=0, kernel=found.kernel)
        trainer = Trainer(experiment)
        best, cell = is_best[rows], layout.cell[rows]
        for k, part in enumerate(parts):
            trainer.advance(max(0, round(part * experiment.steps) - trainer.step))
            snapshot = trainer.snapshot()
            weights = snapshot.weights
            said = _said(weights[best], feature)
            codes = np.array([names.setdefault(name, len(names)) for name in said.names])
            states[k, cell[best]] = codes[said.which]
            if feature is not None:
                norm, shared = (of(weights)[:, feature] for of in (geometry.norms, geometry.interference))
                np.add.at(sums[k], cell, np.stack([norm, shared, np.ones(len(rows))], -1))
            for place in np.flatnonzero(best & np.isin(cell, panels)):
                vectors[int(cell[place])].append(weights[place][:_FEATURES].copy())
        differing += _differing(now, rows, trainer)
        trained += len(rows)
        if on_trained is not None:
            on_trained(trained, total)
    steps = _steps_of(grid)
    when = tuple(
        f"step {round(part * steps):,}" if steps else f"{100 * part:.3g} % of the steps" for part in parts
    )
    least, most = (1.0, float(steps)) if steps else (0.1, 100.0)
    along = np.array([max(least, part * most) for part in parts])
    return _reel(
        "steps", grid, now, layout, feature, when, along, states, tuple(names), sums,
        tuple((cell, _tips(vectors[cell])) for cell in panels if len(vectors[cell]) == frames), differing,
    )  # fmt: skip


class _Said(NamedTuple):
    names: tuple[str, ...]
    which: Int64[np.ndarray, " models"]


def _said(weights: Float32[np.ndarray, "models features hidden"], feature: int | None) -> _Said:
    """What becomes of models, in words: their names, or the state of a feature."""
    with np.errstate(all="ignore"):  # diverged ones
        if feature is None:
            named = name_instances(weights)
            return _Said(named.names, named.which)
        states = states_of(weights, feature)
    return _Said(STATES, np.array([STATES.index(state) for state in states.tolist()], np.int64))


def _moments(
    grid: Grid, layout: Layout, shards: Sequence[Shard], frames: int
) -> Float64[np.ndarray, " pictures"]:
    """Parts of the way to the last step, dense where some of the best models move."""
    of_family: dict[tuple[int, str], list[int]] = {}
    for found in shards:
        first = grid.family_of(found.rows.start).first
        of_family.setdefault((first, found.kernel), []).extend(_needed(layout, found, None).tolist())
    (_, kernel), rows = max(of_family.items(), key=lambda item: len(item[1]))
    some = rows[:: -(-len(rows) // _PILOTS)]
    run = train(experiment_of(grid, some).replace(keep=_PILOT_STEPS, kernel=kernel))
    steps = list(dict.fromkeys([*run.history.steps, run.state.step]))
    if len(steps) < 2:
        return np.linspace(0, 1, frames)
    weights = [run.at(step).weights.reshape(-1, run.weights.shape[-1]) for step in steps]
    places = evenly_changing(steps, weights, frames)
    return np.array(steps, np.float64)[places] / steps[-1]


def _differing(now: Followed, rows: Int64[np.ndarray, " rows"], trainer: Trainer) -> int:
    """How many of these models have not ended as the table has it."""
    weights = trainer.snapshot().weights
    here = geometry.dimensionality(weights).sum(-1), geometry.represented(weights).sum(-1)
    there = now.columns["total_dimensionality"][rows], now.columns["represented"][rows]
    same = np.isclose(here[0], there[0], rtol=1e-12, equal_nan=True) & (here[1] == there[1])
    return int((~same).sum())


def _steps_of(grid: Grid) -> int:
    """The steps of all models; 0 if they differ."""
    return 0 if "steps" in grid.spec.coordinates else grid.spec.base.steps


# Over shards.


def _over_shards(
    path: Path,
    grid: Grid,
    now: Followed,
    layout: Layout,
    shards: Sequence[tuple[int, Shard]],
    frames: int,
    feature: int | None,
    asked: bool,
) -> SweepReel:
    """The cells as they are at the end, each from when the last of its models was finished."""
    kept = grid.spec.weights
    if feature is not None and not kept:
        if asked:
            raise InputError(
                f"{path} keeps no weights, of which the colours of a feature are: color name, or over steps"
            )
        feature = None
    order = np.full(now.n_models, -1)
    for place, (_, found) in enumerate(shards):
        order[_span(found)] = place
    shown = np.flatnonzero(layout.cell >= 0)
    there = np.full(len(layout.best), -1)
    np.maximum.at(there, layout.cell[shown], order[shown])
    last, sums = np.full(len(layout.best), -1), np.zeros((len(layout.best), 3), np.float32)
    filled = layout.best >= 0
    best = layout.best[filled]
    names: tuple[str, ...] = now.names
    tips: dict[int, np.ndarray] = {}
    panels = _panel_cells(layout)
    if feature is None:
        last[filled] = now.columns["name"][best]
    else:
        names = STATES
    if kept:
        sweep = load_sweep(path)
        for _, found in shards:
            rows = _needed(layout, found, feature)
            if not len(rows) or (feature is None and not panels):
                continue
            weights, cell = sweep.weights(rows.tolist()), layout.cell[rows]
            is_best = np.isin(rows, best)
            if feature is not None:
                last[cell[is_best]] = _said(weights[is_best], feature).which
                norm, shared = (of(weights)[:, feature] for of in (geometry.norms, geometry.interference))
                np.add.at(sums, cell, np.stack([norm, shared, np.ones(len(rows))], -1))
            for drawn in np.flatnonzero(is_best & np.isin(cell, panels)):
                tips[int(cell[drawn])] = _tips([weights[drawn][:_FEATURES]])[0]
    done = np.round(np.linspace(0, len(shards), frames)).astype(int)
    visible = (there >= 0) & (there < done[:, None])
    states = np.where(visible, last, -1)
    seen = tuple(
        (cell, np.where(visible[:, cell, None, None], tips[cell], np.nan).astype(np.float32))
        for cell in panels
        if cell in tips
    )
    when = tuple(f"{n:,} of {grid.n_shards:,} shards finished" for n in done)
    over_time = np.where(visible[..., None], sums, 0).astype(np.float32)
    return _reel(
        "shards",
        grid,
        now,
        layout,
        feature,
        when,
        done.astype(np.float64),
        states,
        names,
        over_time,
        seen,
        0,
    )


# What is shown.


def _reel(
    over: Over,
    grid: Grid,
    now: Followed,
    layout: Layout,
    feature: int | None,
    when: tuple[str, ...],
    along: Float64[np.ndarray, " pictures"],
    states: Int64[np.ndarray, "pictures cells"],
    names: tuple[str, ...],
    sums: Float32[np.ndarray, "pictures cells 3"],
    panels: tuple[tuple[int, Float32[np.ndarray, "pictures _ 3"]], ...],
    differing: int,
) -> SweepReel:
    """With colours; cells whose best model has diverged are said to be so throughout."""
    if feature is None:
        states, names = _most_frequent(states, names)
        palette = np.concatenate([on_white(feature_colors(_NAMES)), [[0.5, 0.5, 0.5]]])
        palette = palette[: len(names)].astype(np.float64)
        if names and names[-1] == _OTHERS:
            palette[-1] = 0.5
    else:
        palette = np.array([phase_colors(*OF_STATE[name]) for name in names])
    best = layout.best
    diverged = (best >= 0) & (now.columns["diverged_at"][best] >= 0)
    if diverged.any():
        states = np.where(diverged & (states >= 0), len(names), states)
        names, palette = (*names, _DIVERGED), np.concatenate([palette, [_DIVERGED_COLOR]])
    with_nothing = np.concatenate([palette, [_NOTHING]])
    colors = with_nothing[states]
    if feature is not None:
        count = np.maximum(sums[..., 2:], 1)
        mean = phase_colors(*np.moveaxis(sums[..., :2] / count, -1, 0))
        colors = np.where(((states >= 0) & ~diverged)[..., None], np.nan_to_num(mean, nan=0.35), colors)
    return SweepReel(
        over, _about(grid, layout, feature), when, along, layout.sides, colors.astype(np.float32), states,
        names, palette, panels, _most_hidden(grid) <= 3, differing,
    )  # fmt: skip


def _most_frequent(
    states: Int64[np.ndarray, "pictures cells"], names: tuple[str, ...]
) -> tuple[Int64[np.ndarray, "pictures cells"], tuple[str, ...]]:
    """The names in the order of how many cells have them at the end, the rest as one."""
    counts = [np.bincount(of[of >= 0], minlength=len(names)) for of in (states[-1], states.ravel())]
    seen = np.flatnonzero(counts[1]).tolist()
    order = sorted(seen, key=lambda k: (-counts[0][k], -counts[1][k], names[k]))
    few = order if len(order) <= _NAMES else order[: _NAMES - 1]
    renumbered = np.full(len(names) + 1, len(few))
    renumbered[few] = np.arange(len(few))
    renumbered[-1] = -1  # of what is not known
    told = tuple(names[k] for k in few)
    return renumbered[states], told if len(few) == len(order) else (*told, _OTHERS)


def _about(grid: Grid, layout: Layout, feature: int | None) -> tuple[str, str]:
    base, varied = grid.spec.base, grid.spec.coordinates
    sizes = [
        f"{letter} = {getattr(base, name)}"
        for letter, name in (("n", "n_features"), ("m", "n_hidden"))
        if name not in varied
    ]
    shape = " × ".join(str(len(side.labels)) for side in reversed(layout.sides))
    seeds = grid.spec.n_seeds
    of = "" if seeds == 1 else f" × {seeds:,} seeds"
    if feature is None:
        colored = "name" if seeds == 1 else f"name of the best of {seeds:,}"
    else:
        mean = "" if seeds == 1 else ", mean of all but the worst model"
        colored = f"feature {feature}{mean}"
    return f"{', '.join([*sizes, ''])}{shape}{of}", colored


def _most_hidden(grid: Grid) -> int:
    return max(family.fields.get("n_hidden", grid.spec.base.n_hidden) for family in grid.families)


def _panel_cells(layout: Layout) -> list[int]:
    """Cells whose polytopes are drawn: of one axis, evenly spaced."""
    if len(layout.sides) > 1:
        return []
    n = len(layout.best)
    places = np.unique(np.round(np.linspace(0, n - 1, min(n, _PANELS))).astype(int))
    return [int(k) for k in places if layout.best[k] >= 0]


def _tips(
    weights: Sequence[Float32[np.ndarray, "features hidden"]],
) -> Float32[np.ndarray, "pictures features 3"]:
    """Where vectors end, in the space of the last picture."""
    tips = np.stack(weights) @ basis_for(weights[-1])
    return np.where(np.isfinite(tips), tips, np.nan).astype(np.float32)


class _Stage:
    """The figure, made once; each picture moves what moves. Lengths are in parts of the figure."""

    def __init__(self, reel: SweepReel, size: tuple[int, int]) -> None:
        self._reel = reel
        self._figure = movie_figure(size)
        self._figure.text(0.03, 0.955, reel.about[0], fontsize=12, va="center")
        self._when = self._figure.text(0.97, 0.955, "", fontsize=11, va="center", ha="right")
        self._shares = np.stack([(reel.states == k).mean(1) for k in range(len(reel.names))], 1)
        self._panels: list[_PanelStage] = []
        if len(reel.sides) == 2:
            self._draw_diagram((0.09, 0.12, 0.47, 0.78))
            self._draw_legend(0.62, 0.9, reel.about[1])
            self._draw_shares((0.67, 0.12, 0.3, 0.66 - 0.048 * len(reel.names)))
        else:
            self._draw_diagram((0.03, 0.4 if reel.panels else 0.55, 0.94, 0.08 if reel.panels else 0.3))
            self._draw_legend(0.03, 0.28 if reel.panels else 0.4, reel.about[1], columns=2)
            self._draw_shares((0.67, 0.12, 0.3, 0.15 if reel.panels else 0.28))
            n = max(1, len(reel.panels))
            reach = reaches(np.concatenate([tips for _, tips in reel.panels], 1)) if reel.panels else None
            self._panels = [
                _PanelStage(self._figure, (0.03 + 0.94 * k / n, 0.5, 0.94 / n, 0.37), reel, k, reach)
                for k in range(len(reel.panels))
            ]

    def picture(self, k: int) -> Picture:
        reel = self._reel
        self._image.set_data(self._cells(k))
        self._when.set_text(reel.when[k])
        for line, text, name, share in zip(self._lines, self._texts, reel.names, self._shares.T, strict=True):
            line.set_data(reel.along[: k + 1], 100 * share[: k + 1])
            text.set_text(f"{name}  {_percent(share[k])}")
        for panel in self._panels:
            panel.show(k)
        return picture_of(self._figure)

    def _cells(self, k: int) -> Float32[np.ndarray, "rows columns 3"]:
        colors = self._reel.colors[k]
        return colors.reshape(-1, len(self._reel.sides[0].labels), 3)

    def _draw_diagram(self, place: tuple[float, float, float, float]) -> None:
        plot = self._figure.add_axes(place)
        self._image = plot.imshow(self._cells(0), origin="lower", aspect="auto", interpolation="nearest")
        across = self._reel.sides[0]
        wide = max(map(len, across.labels))
        _tick(plot.xaxis, across, int(place[2] * 100 / max(4, wide)))
        if len(self._reel.sides) == 2:
            _tick(plot.yaxis, self._reel.sides[1], 8)
        else:
            plot.set_yticks([])

    def _draw_legend(self, left: float, top: float, title: str, columns: int = 1) -> None:
        figure, reel = self._figure, self._reel
        figure.text(left, top, title, fontsize=9, va="center", color="0.3")
        rows = -(-len(reel.names) // columns)
        self._texts = []
        for k, color in enumerate(reel.palette):
            column, row = divmod(k, rows)
            x, y = left + 0.31 * column, top - 0.048 * (row + 1)
            figure.text(
                x,
                y,
                "   ",
                fontsize=8,
                va="center",
                bbox={"facecolor": color, "edgecolor": "0.6", "pad": 1.5},
            )
            self._texts.append(figure.text(x + 0.025, y, "", fontsize=9, va="center"))

    def _draw_shares(self, place: tuple[float, float, float, float]) -> None:
        reel = self._reel
        plot = self._figure.add_axes(place)
        light = reel.palette.min(1, initial=1) > 0.9
        self._lines = [
            plot.plot([], [], color=np.where(pale, 0.7, color), lw=1.6, ls="--" if pale else "-")[0]
            for color, pale in zip(reel.palette, light, strict=True)
        ]
        first, last = float(reel.along[0]), float(reel.along[-1])
        plot.set(ylim=(-3, 103), ylabel="% of cells", xlim=(first, max(last, first + 1)))
        if reel.over == "steps":
            plot.set(xscale="log", xlabel="step" if reel.when[0].startswith("step") else "% of the steps")
            plot.xaxis.set_minor_formatter(NullFormatter())
        else:
            plot.set(xlabel="shards finished")
            plot.xaxis.set_major_locator(MaxNLocator(integer=True))
        plot.grid(alpha=0.3)
        plot.tick_params(labelsize=8)


class _PanelStage:
    """One model's vectors, flat as they are seen, with the edges of its hull and its name."""

    def __init__(
        self,
        figure: Any,
        place: tuple[float, float, float, float],
        reel: SweepReel,
        panel: int,
        reach: Any,
    ) -> None:
        self._reel, (self._cell, self._tips) = reel, reel.panels[panel]
        self._reach = reach
        self._plot = plot = figure.add_axes(place)
        plot.set(aspect="equal", box_aspect=1)
        plot.set_axis_off()
        plot.set_title(reel.sides[0].labels[self._cell], fontsize=9)
        self._name = plot.text(0.5, -0.02, "", fontsize=8, ha="center", va="top", transform=plot.transAxes)
        self._colors = on_white(feature_colors(self._tips.shape[1]))
        self._hull = plot.add_collection(LineCollection([], colors="0.6", linewidths=0.9))
        self._rays = plot.add_collection(LineCollection([], colors=self._colors, linewidths=1.4))
        self._dots = plot.scatter(*np.full((2, len(self._colors)), np.nan), c=self._colors, s=9, zorder=3)
        self._flat = not np.nan_to_num(self._tips[..., 2]).any()

    def show(self, k: int) -> None:
        tips, reach = self._tips[k], 1.05 * self._reach[k]
        self._plot.set(xlim=(-reach, reach), ylim=(-reach, reach))
        share = k / max(1, len(self._tips) - 1)
        camera = Camera(HOME.yaw + 120 * share, HOME.pitch)
        seen = tips[:, :2] if self._flat else view(tips, camera)[:, :2]
        known = bool(np.isfinite(tips).all())
        self._rays.set_segments(np.stack([np.zeros_like(seen), seen], 1) if known else [])
        self._dots.set_offsets(seen)
        which = np.flatnonzero(
            known & self._reel.hulled & (np.linalg.norm(tips, axis=1) > geometry.REPRESENTED_NORM)
        )
        edges = which[hull_edges(tips[which].astype(np.float64))] if len(which) > 1 else np.empty((0, 2), int)
        self._hull.set_segments(list(seen[edges]))
        state = self._reel.states[k, self._cell]
        self._name.set_text(self._reel.names[state] if state >= 0 else "")


def _tick(axis: Any, of: Side, most: int) -> None:
    """The first value, and others evenly apart."""
    n = len(of.labels)
    places = np.arange(0, n, max(1, -(-(n - 1) // max(1, most - 1))))
    axis.set_ticks(places, [of.labels[k] for k in places], fontsize=8)
    axis.set_label_text(of.title, fontsize=9)


def _percent(share: float) -> str:
    return "under 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"
