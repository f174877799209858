"""The grid of a sweep: which model a row of the table is, and which rows are trained in one piece.

Models that differ only in what Experiment takes per instance (sparsity, importance …) may share a batch, and
are a family; families are trained one after the other. Rows are numbered family by family, and within one in
the order of the axes, the seeds fastest. A shard is a span of rows of one family. Everything is worked out
from row numbers: a sweep of a hundred million models takes no more memory here than one of a hundred.
"""

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int64

from tms_engine.data import law
from tms_engine.errors import InputError
from tms_engine.experiment import PER_FEATURE, Experiment
from tms_engine.sweeps.spec import DENSITY, IN_A_BATCH, Spec, sparsity_of
from tms_engine.training import kernels
from tms_engine.training.memory import parameter_bytes

# Seconds of one core that a shard should take: what a kill can cost, and how often a table grows.
_SHARD_SECONDS = 8.0
# A shard has at least so many models, unless they take long, for kernels train many small ones at once;
# their states have at most so many bytes. A sweep has so many shards if it has models for them, to be seen
# filling, and about so many at most, each a file.
_LEAST_MODELS, _SHARD_BYTES, _SOME_SHARDS, _MANY_SHARDS = 64, 1 << 24, 32, 20_000
# What a step takes once, however many models there are, may be this part of what the models of a shard take.
_ONCE = 1 / 8
_MOST_FAMILIES = 10_000


class Family(NamedTuple):
    """The models that may share a batch.

    fields     what they have in common and other families have not
    places     for each group of axes, the places of its points that this family has
    first      their first row
    n_models   how many rows
    """

    fields: dict[str, Any]
    places: tuple[Int64[np.ndarray, " points"], ...]
    first: int
    n_models: int

    @property
    def n_points(self) -> int:
        return math.prod(map(len, self.places))


class Grid(NamedTuple):
    """A sweep's families and shards. `edges[k]` is the first row of shard k; the last one is n_models."""

    spec: Spec
    families: tuple[Family, ...]
    edges: tuple[int, ...]

    @property
    def n_models(self) -> int:
        return self.edges[-1]

    @property
    def n_shards(self) -> int:
        return len(self.edges) - 1

    def rows(self, shard: int) -> range:
        """The rows of a shard."""
        return range(self.edges[shard], self.edges[shard + 1])

    def family_of(self, row: int) -> Family:
        return self.families[bisect.bisect_right([f.first for f in self.families], row) - 1]


def make_grid(spec: Spec) -> Grid:
    """The grid of a sweep, with the sizes of its shards in `spec.shard_models`.

    Every field of every model is checked. Raises InputError for one that cannot be run.
    """
    families = _families(spec)
    sizes = _sizes(spec, families)
    edges = [0]
    for family, size in zip(families, sizes, strict=True):
        pieces = -(-family.n_models // size)
        if len(edges) + pieces > 100 * _MANY_SHARDS:
            raise InputError("this sweep comes to over two million shards: give it a larger shard_models")
        edges += [family.first + family.n_models * (k + 1) // pieces for k in range(pieces)]
    return Grid(replace(spec, shard_models=sizes), families, tuple(edges))


def _families(spec: Spec) -> tuple[Family, ...]:
    """By what cannot differ within a batch, in the order of the axes."""
    outer = [_by_outer(group.names, group.values) for group in spec.groups]
    if math.prod(map(len, outer)) > _MOST_FAMILIES:
        names = [name for group in spec.groups for name in group.names if not _in_a_batch(name)]
        raise InputError(
            f"{', '.join(names)} come to over {_MOST_FAMILIES:,} combinations, and models of different "
            "ones share no batch: fewer values",
            names[0],
        )
    families, first = [], 0
    for combination in itertools.product(*(found.items() for found in outer)):
        fields = {name: value for shared, _ in combination for name, value in shared}
        places = tuple(np.array(points, np.int64) for _, points in combination)
        n_models = math.prod(map(len, places)) * spec.n_seeds
        families.append(Family(fields, places, first, n_models))
        first += n_models
        _check(spec, families[-1])
    return tuple(families)


def _by_outer(names: Sequence[str], values: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], list[int]]:
    """The points of a group by the fields that models of one batch share."""
    found: dict[tuple[Any, ...], list[int]] = {}
    outer = [k for k, name in enumerate(names) if not _in_a_batch(name)]
    for place, point in enumerate(values):
        # With the name, for True is 1 to Python.
        found.setdefault(tuple((names[k], point[k]) for k in outer), []).append(place)
    return found


def _in_a_batch(name: str) -> bool:
    return name == DENSITY or name in IN_A_BATCH


def _check(spec: Spec, family: Family) -> None:
    """Raise InputError if a model of a family cannot be run: the axes one by one, for they are crossed."""
    base = _shared(spec, family)
    for group, places in zip(spec.groups, family.places, strict=True):
        if any(map(_in_a_batch, group.names)):
            points = [group.values[place] for place in places]
            base.replace(n_instances=len(points), **_fields(group.names, points))


def _shared(spec: Spec, family: Family) -> Experiment:
    """The experiment of a family, without what its models differ in."""
    free: dict[str, Any] = {name: None for name in PER_FEATURE if name in spec.coordinates}
    shared = spec.base.replace(**free, **family.fields)
    # The scale of the notebook's first weights is that of the base's instances, not of a shard's.
    std = {"init_std": shared.first_std} if shared.init == "joint_xavier" else {}
    return shared.replace(n_instances=1, **std)


def _fields(names: Sequence[str], points: Sequence[tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """The per-instance fields of models at these points of a group."""
    fields: dict[str, tuple[Any, ...]] = {}
    for k, name in enumerate(names):
        if name == DENSITY:
            fields["sparsity"] = tuple(sparsity_of(point[k]) for point in points)
        elif name in IN_A_BATCH:
            fields[name] = tuple(point[k] for point in points)
    return fields


class _Places(NamedTuple):
    """Where rows of one family are: the place in each group, and the seed."""

    groups: tuple[Int64[np.ndarray, " rows"], ...]
    seeds: Int64[np.ndarray, " rows"]
    points: Int64[np.ndarray, " rows"]  # number of the point in the sweep


def _places(spec: Spec, family: Family, rows: Int64[np.ndarray, " rows"]) -> _Places:
    within, seeds = np.divmod(rows - family.first, spec.n_seeds)
    left, groups = within, []
    for places in reversed(family.places):
        left, place = np.divmod(left, len(places))
        groups.append(places[place])
    return _Places(tuple(reversed(groups)), seeds, family.first // spec.n_seeds + within)


def places_of(grid: Grid) -> tuple[Int64[np.ndarray, " points"], ...]:
    """For each group of axes, the place in it of every point, in the order of the rows."""
    found = []
    for family in grid.families:
        rows = family.first + np.arange(family.n_points) * grid.spec.n_seeds
        found.append(_places(grid.spec, family, rows).groups)
    return tuple(np.concatenate(of_group) for of_group in zip(*found, strict=True))


def experiment_of(grid: Grid, rows: Sequence[int]) -> Experiment:
    """The experiment whose instances are these models, in this order.

    Raises InputError if they are of several families, or not there.
    """
    family = _family_of_all(grid, rows)
    at = _places(grid.spec, family, np.asarray(rows, np.int64))
    fields: dict[str, Any] = {}
    for group, places in zip(grid.spec.groups, at.groups, strict=True):
        fields |= _fields(group.names, [group.values[place] for place in places])
    fields = {name: _one_or_all(value) for name, value in fields.items()}
    numbers = _numbers(grid.spec, at)
    return _shared(grid.spec, family).replace(n_instances=len(rows), instances=numbers.tolist(), **fields)


def _one_or_all(values: tuple[Any, ...]) -> Any:
    return values[0] if all(value == values[0] for value in values[1:]) else values


def _numbers(spec: Spec, at: _Places) -> Int64[np.ndarray, " rows"]:
    if isinstance(spec.seeds, tuple):
        return np.array(spec.seeds, np.int64)[at.seeds]
    return at.seeds if spec.paired else at.points * spec.n_seeds + at.seeds


def _family_of_all(grid: Grid, rows: Sequence[int]) -> Family:
    if not len(rows):
        raise InputError("at least one row of the table is needed")
    for row in (min(rows), max(rows)):
        if not 0 <= row < grid.n_models:
            raise InputError(f"row should be from 0 to {grid.n_models - 1}, not {row}")
    family = grid.family_of(min(rows))
    if max(rows) >= family.first + family.n_models:
        names = [name for name in grid.spec.coordinates if not _in_a_batch(name)]
        raise InputError(f"models of one run have the same {', '.join(names)}: ask for fewer rows at once")
    return family


def coordinates_of(grid: Grid, rows: range) -> dict[str, Any]:
    """Of each row of a span, within a family or across several: its coordinates, and its `number`.

    A coordinate is an array of numbers, or a list of names, or of lists as text: "1,0.5".
    """
    pieces: list[dict[str, Any]] = []
    for family in grid.families:
        first, last = max(rows.start, family.first), min(rows.stop, family.first + family.n_models)
        if first >= last:
            continue
        at = _places(grid.spec, family, np.arange(first, last))
        piece: dict[str, Any] = {}
        for group, places in zip(grid.spec.groups, at.groups, strict=True):
            for k, name in enumerate(group.names):
                piece[name] = _column([point[k] for point in group.values])[places]
        piece["number"] = _numbers(grid.spec, at)
        pieces.append(piece)
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}


def _column(values: list[Any]) -> np.ndarray:
    """Values of an axis as an array: of numbers, of truth values or of text."""
    if any(isinstance(value, tuple | str) for value in values):
        return np.array([told(value) for value in values], object)
    if any(value is None for value in values):
        return np.array([math.nan if value is None else value for value in values], np.float64)
    return np.array(values)


def told(value: Any) -> str:
    """A value of an axis as an option takes it: "1,0.5"."""
    return (
        ",".join(f"{v:g}" if float(f"{v:g}") == v else repr(v) for v in value)
        if isinstance(value, tuple)
        else str(value)
    )


def most_features(grid: Grid) -> int:
    """Features of the models that have most of them."""
    varied = [family.fields.get("n_features", 0) for family in grid.families]
    return max(varied) or grid.spec.base.n_features


def largest_shards(grid: Grid) -> list[int]:
    """A shard of each family: the first, for no other has more models."""
    return [bisect.bisect_right(grid.edges, family.first) - 1 for family in grid.families]


# Sizes of shards.


def _sizes(spec: Spec, families: tuple[Family, ...]) -> tuple[int, ...]:
    """Models of a shard, for each family: as the spec says, or by what they cost."""
    given = spec.shard_models
    if given:
        if len(given) not in (1, len(families)):
            raise InputError(
                f"shard_models should be one number, or {len(families)}, one a family", "shard_models"
            )
        return given * len(families) if len(given) == 1 else given
    n_models = sum(family.n_models for family in families)
    return tuple(min(_size(spec, family, n_models), family.n_models) for family in families)


def _size(spec: Spec, family: Family, n_models: int) -> int:
    experiment = _shared(spec, family).replace(keep=0)
    density = np.mean(1 - np.array(_sparsities(spec, family)))
    once, each = _costs_of_a_step(experiment, float(density))
    of_time = _SHARD_SECONDS / (each * experiment.steps)
    of_memory = max(1, _SHARD_BYTES // parameter_bytes(experiment))
    few = _LEAST_MODELS if of_time > _LEAST_MODELS / 8 else min(once / (_ONCE * each), _LEAST_MODELS)
    wanted = max(min(of_time, n_models / _SOME_SHARDS), few, n_models / _MANY_SHARDS)
    return int(min(max(1, wanted), of_memory, 1 << 20))


def _sparsities(spec: Spec, family: Family) -> list[float]:
    for group, places in zip(spec.groups, family.places, strict=True):
        fields = _fields(group.names, [group.values[place] for place in places])
        if "sparsity" in fields:
            return list(fields["sparsity"])
    return [float(_shared(spec, family).per_instance("sparsity")[0])]


def seconds_of_a_step(experiment: Experiment, density: float, n_models: int) -> float:
    """About what a step of so many models takes on one core, by the kernel that serves them on a CPU.

    Within a factor of three of what benchmarks/README.md has. For the sizes of shards and the time that is
    left.
    """
    once, each = _costs_of_a_step(experiment, density)
    return once + n_models * each


def _costs_of_a_step(experiment: Experiment, density: float) -> tuple[float, float]:
    """Seconds that a step takes once, for all models of a shard, and those of each model."""
    n, m = experiment.n_features, experiment.n_hidden
    if law(experiment.features).fires == "n_active":
        density = min(1.0, experiment.n_active / n)
    empty = 0 if experiment.features == "at_least_one" else (1 - min(density, 1)) ** n
    rows = experiment.batch_size * (1 - empty)  # in which something is active
    kernel = kernels.usual_on_a_cpu(experiment)
    if kernel == "lanes":
        return 0.0, 3e-8 + rows * 6e-10 * n * m
    walk = 4e-7 + rows * (3.5e-8 + 5e-10 * n * m)
    return (0.0, walk) if kernel == "numba" else (3e-4, 4 * walk)


def seconds_of(grid: Grid) -> list[float]:
    """About what each shard takes on one core."""
    found = []
    starts = [family.first for family in grid.families]
    costs = []
    for family in grid.families:
        experiment = _shared(grid.spec, family)
        density = float(np.mean(1 - np.array(_sparsities(grid.spec, family))))
        costs.append([experiment.steps * cost for cost in _costs_of_a_step(experiment, density)])
    for k in range(grid.n_shards):
        rows = grid.rows(k)
        once, each = costs[bisect.bisect_right(starts, rows.start) - 1]
        found.append(once + len(rows) * each)
    return found
