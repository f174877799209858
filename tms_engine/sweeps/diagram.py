"""The diagram of a sweep: its axes, what is known of each point of its grid, and theory where there is one.

A point is what its models have in common; the models differ in their seeds. Points are numbered as the rows
of the table are, so that point k has the rows from k · seeds on. Loads neither torch nor polars.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from tms_engine import digits
from tms_engine.analysis.strategies import STATES
from tms_engine.experiment import PER_FEATURE, Experiment
from tms_engine.runs.lock import Holder
from tms_engine.sweeps.grid import Grid, places_of, told
from tms_engine.sweeps.live import Follower
from tms_engine.sweeps.spec import DENSITY, Group, Spec

# What theory has an answer to depends on these fields; whatever else is varied, it is the same.
_OF_THE_TASK = (
    "n_features", "n_hidden", "model", "bias", "features", "sparsity", DENSITY, "n_active", "set_size",
    "follow_probability", "relative_density", "magnitudes", "unit_rows", "dataset_rows", "importance",
    "importance_decay",
)  # fmt: skip
# Of which these have to be as they are unless a user says otherwise.
_USUAL = ("model", "features", "relative_density", "magnitudes", "unit_rows", "dataset_rows")


class Axis(NamedTuple):
    """A direction of the grid of a sweep.

    names   what changes along it: one field, or several that go in step
    values  the value of each, at each place
    """

    names: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]

    @property
    def label(self) -> str:
        """What changes along it, in words."""
        if self.names == ("importance",) and self._of_last() is not None:
            return f"importance of feature {len(self.values[0][0]) - 1}"
        return ", ".join(self.names)

    def told(self, place: int) -> str:
        """The value at a place, as an option takes it, numbers to three digits; of S, to three of 1 − S."""
        numbers = self.numbers()
        if numbers is not None:
            return _short(self.names[0], float(numbers[place]))
        each = zip(self.names, self.values[place], strict=True)
        return ", ".join(_short(name, v) if isinstance(v, float) else told(v) for name, v in each)

    def numbers(self) -> Float64[np.ndarray, " places"] | None:
        """The values as numbers; None where they are none, or of several fields.

        Of lists that differ only in their last number, that one.
        """
        if len(self.names) > 1:
            return None
        last = self._of_last() if self.names[0] in PER_FEATURE else [value for (value,) in self.values]
        if last is None or not all(type(value) in (int, float) for value in last):
            return None
        return np.array(last, np.float64)

    def _of_last(self) -> list[Any] | None:
        lists = [value for (value,) in self.values]
        if not all(isinstance(one, tuple) and one for one in lists):
            return None
        return [one[-1] for one in lists] if len({one[:-1] for one in lists}) == 1 else None


def _short(name: str, value: float) -> str:
    if name == "sparsity":
        return digits.sparsity(value)
    if value.is_integer() and abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.3g}" if value == 0 or 1e-4 <= abs(value) < 1e6 else digits.number(value, 3)


def axes_of(spec: Spec) -> tuple[Axis, ...]:
    """The directions of the grid. Fields that go in step are one, unless they form a grid themselves."""
    return tuple(Axis(names, values) for group in spec.groups for names, values in _parts(group))


def _parts(group: Group) -> list[tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]]:
    each = [tuple(dict.fromkeys(point[k] for point in group.values)) for k in range(len(group.names))]
    if math.prod(map(len, each)) != len(group.values):
        return [(group.names, group.values)]
    return [((name,), tuple((v,) for v in values)) for name, values in zip(group.names, each, strict=True)]


def point_places(grid: Grid) -> Int64[np.ndarray, "axes points"]:
    """Where each point of the grid is along each of its axes."""
    spec = grid.spec
    in_groups = places_of(grid)
    found = []
    for group, places in zip(spec.groups, in_groups, strict=True):
        for names, values in _parts(group):
            at = {value: place for place, value in enumerate(values)}
            columns = [group.names.index(name) for name in names]
            of_group = np.array([at[tuple(point[k] for k in columns)] for point in group.values])
            found.append(of_group[places])
    return np.array(found, np.int64).reshape(len(found), spec.n_models // spec.n_seeds)


@dataclass(frozen=True, eq=False)
class Points:
    """What is known of the points of a sweep; −1 and NaN where nothing is.

    finished    models of each that are finished
    diverged    those of them that have diverged
    best        the row of the one with the least loss, and of that one:
    loss, standard_error, represented, total_dimensionality, residual
    name        of its polytope: a place in `names`
    norm, dimensionality  of each feature; None where the sweep does not tell
    mean_norm, mean_interference  of each feature, means over the models but the worst, as in the paper
    """

    finished: Int32[np.ndarray, " points"]
    diverged: Int32[np.ndarray, " points"]
    best: Int64[np.ndarray, " points"]
    loss: Float64[np.ndarray, " points"]
    standard_error: Float64[np.ndarray, " points"]
    represented: Float64[np.ndarray, " points"]
    total_dimensionality: Float64[np.ndarray, " points"]
    residual: Float64[np.ndarray, " points"]
    name: Int64[np.ndarray, " points"]
    norm: Float32[np.ndarray, "points features"] | None
    dimensionality: Float32[np.ndarray, "points features"] | None
    mean_norm: Float32[np.ndarray, "points features"] | None
    mean_interference: Float32[np.ndarray, "points features"] | None


class Seen(NamedTuple):
    """A sweep at one moment. Nothing of it changes later.

    n_models, n_finished
    is_running, time_left, holder, died   as `live.Followed` has them
    points  what is known
    names   of polytopes
    """

    n_models: int
    n_finished: int
    is_running: bool
    time_left: float | None
    holder: Holder | None
    died: bool
    points: Points
    names: tuple[str, ...]


class Diagram:
    """The diagram of the sweep in a directory, followed: `poll` it, from one thread at a time.

    spec    the sweep
    axes    its directions
    places  where each point is along them: (axes, points)

    Raises InputError if there is no sweep.
    """

    def __init__(self, path: str | Path) -> None:
        self._follower = Follower(path, features=True)
        self.grid = self._follower.grid
        self.spec = self.grid.spec
        self.axes = axes_of(self.spec)
        self.places = point_places(self.grid)
        self._points = _unknown(self.places.shape[1], self._follower.n_features)

    def poll(self) -> Seen:
        """The sweep now. Raises InputError if the directory is gone."""
        found = self._follower.poll()
        if found.news:
            self._points = _copied(self._points)
            for rows in found.news:
                self._take(rows, found.columns, found.finished)
        return Seen(
            n_models=found.n_models,
            n_finished=found.n_finished,
            is_running=found.is_running,
            time_left=found.time_left,
            holder=found.holder,
            died=found.died,
            points=self._points,
            names=found.names,
        )

    def rows(self, point: int) -> range:
        """The models of a point."""
        seeds = self.spec.n_seeds
        return range(point * seeds, (point + 1) * seeds)

    def _take(self, rows: range, columns: dict[str, np.ndarray], finished: np.ndarray) -> None:
        """Take in what is known of the points of these rows."""
        seeds = self.spec.n_seeds
        first, last = rows.start // seeds, -(-rows.stop // seeds)
        here, own = slice(first, last), slice(first * seeds, last * seeds)
        shape = (last - first, seeds)
        is_there = finished[own].reshape(shape)
        loss = columns["loss"][own].reshape(shape)
        known = np.where(is_there & np.isfinite(loss), loss, np.inf)
        order = known.argsort(1, kind="stable")
        # Of a point all of whose models have diverged, the first that is finished.
        none = ~np.isfinite(known).any(1)
        best = np.where(none, is_there.argmax(1), order[:, 0]) + seeds * np.arange(first, last)
        some = is_there.any(1)
        points = self._points
        points.finished[here] = is_there.sum(1)
        points.diverged[here] = (columns["diverged_at"][own].reshape(shape) >= 0).sum(1)
        points.best[here] = np.where(some, best, -1)
        for name in ("loss", "standard_error", "represented", "total_dimensionality", "residual", "name"):
            getattr(points, name)[here] = np.where(some, columns[name][best], getattr(points, name)[here])
        if points.norm is None:
            return
        assert points.dimensionality is not None
        assert points.mean_norm is not None
        assert points.mean_interference is not None
        norm, dims = columns["norm"], columns["dimensionality"]
        points.norm[here], points.dimensionality[here] = norm[best], dims[best]
        lengths = norm[own].reshape(*shape, -1)
        shared = interference_of(lengths, dims[own].reshape(*shape, -1))
        # All that are there but the worst, where there are two or more.
        rank = order.argsort(1)
        n_kept = np.maximum(np.minimum(np.isfinite(known).sum(1), is_there.sum(1) - 1), 1)
        kept = (rank < n_kept[:, None])[..., None] & is_there[..., None]
        count = np.maximum(kept.sum(1), 1)
        points.mean_norm[here] = np.where(kept, lengths, 0).sum(1) / count
        points.mean_interference[here] = np.where(kept, shared, 0).sum(1) / count
        points.mean_norm[first:last][~some] = np.nan


def interference_of(norm: np.ndarray, dimensionality: np.ndarray) -> np.ndarray:
    """Σ_{k≠j} (Ŵ_j · W_k)² from ‖W_j‖ and D_j = ‖W_j‖² / (‖W_j‖² + that sum); 0 where there is no D."""
    squared = np.square(norm)
    safe = np.where(dimensionality > 0, dimensionality, 1)
    return np.maximum(squared / safe - squared, 0)


def _unknown(n: int, n_features: int) -> Points:
    kinds: dict[str, type] = {"finished": np.int32, "diverged": np.int32, "best": np.int64, "name": np.int64}
    start = {"best": -1, "name": -1, "finished": 0, "diverged": 0}
    made: dict[str, Any] = {}
    for field in fields(Points):
        if field.name in _OF_FEATURES:
            made[field.name] = np.full((n, n_features), np.nan, np.float32) if n_features else None
        else:
            made[field.name] = np.full(n, start.get(field.name, np.nan), kinds.get(field.name, np.float64))
    return Points(**made)


_OF_FEATURES = ("norm", "dimensionality", "mean_norm", "mean_interference")


def _copied(points: Points) -> Points:
    copies: dict[str, Any] = {name: None if v is None else v.copy() for name, v in vars(points).items()}
    return Points(**copies)


# Theory.


class TheoryOf(NamedTuple):
    """What theory can be asked about a sweep: its axes of density and of the extra feature's importance.

    n_hidden        1 or 2, and one feature more
    density, ratio  numbers of the axes; and the values there: (places,)
    """

    n_hidden: int
    density_axis: int
    ratio_axis: int
    density: Float64[np.ndarray, " densities"]
    ratio: Float64[np.ndarray, " ratios"]


def theory_of(spec: Spec) -> TheoryOf | None:
    """Whether there is a theory of a sweep: m + 1 features in m = 1 or 2 dimensions, with a bias, of which
    the density and the last feature's importance, relative to that of the others, are varied.
    """
    base, axes = spec.base, axes_of(spec)
    m = base.n_hidden
    if not (m in (1, 2) and base.n_features == m + 1 and _is_usual(base)):
        return None
    of_task = [k for k, axis in enumerate(axes) if any(name in _OF_THE_TASK for name in axis.names)]
    by_name = {axes[k].names: k for k in of_task}
    dense = next((by_name[(name,)] for name in (DENSITY, "sparsity") if (name,) in by_name), None)
    weighs = next(
        (by_name[(name,)] for name in ("importance", "importance_decay") if (name,) in by_name), None
    )
    if len(of_task) != 2 or dense is None or weighs is None:
        return None
    values = axes[dense].numbers()
    assert values is not None
    density = values if axes[dense].names == (DENSITY,) else 1 - values
    ratio = _ratios(base, axes[weighs])
    if ratio is None or not ((density > 0) & (density <= 1)).all() or not (ratio > 0).all():
        return None
    return TheoryOf(m, dense, weighs, density, ratio)


def _is_usual(base: Experiment) -> bool:
    """Whether the exact loss is that of theory: tied ReLU with a bias, independent features from 0 to 1."""
    plain = Experiment()
    return base.bias and all(getattr(base, name) == getattr(plain, name) for name in _USUAL)


def _ratios(base: Experiment, axis: Axis) -> np.ndarray | None:
    """The last feature's importance, relative to that of the others; None where those differ."""
    decays = [base.importance_decay] * len(axis.values)
    lists: list[Any] = [base.importance] * len(axis.values)
    if axis.names == ("importance",):
        lists = [value for (value,) in axis.values]
    else:
        decays = [value for (value,) in axis.values]
    found = []
    for given, decay in zip(lists, decays, strict=True):
        if isinstance(decay, tuple):
            return None
        weights = np.ones(base.n_features) if given is None else np.asarray(given, np.float64)
        if weights.shape != (base.n_features,):
            return None
        weights = weights * decay ** np.arange(base.n_features)
        if weights[0] <= 0 or not np.allclose(weights[:-1], weights[0]):
            return None
        found.append(weights[-1] / weights[0])
    return np.array(found)


class Theory(NamedTuple):
    """What becomes of the extra feature: places in STATES, by density and ratio; −1 where not known yet.

    optimum  at the minimum of the exact loss
    pure     by the best pure strategy
    """

    optimum: Int64[np.ndarray, "densities ratios"]
    pure: Int64[np.ndarray, "densities ratios"]


def theory(of: TheoryOf) -> Iterator[Theory]:
    """Theory, a density more each time: the whole takes some seconds to a minute."""
    from tms_engine.analysis.extra import optimal_states, pure_states

    pure = np.array([_codes(pure_states(of.n_hidden, float(p), of.ratio)) for p in of.density])
    optimum = np.full(pure.shape, -1)
    yield Theory(optimum, pure)
    for k, p in enumerate(of.density):
        optimum = optimum.copy()
        optimum[k] = _codes(optimal_states(of.n_hidden, float(p), of.ratio)[1])
        yield Theory(optimum, pure)


def _codes(states: np.ndarray) -> np.ndarray:
    return np.array([STATES.index(state) for state in states.tolist()])
