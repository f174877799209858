"""CensusTaker: names and dimensionalities of all instances, worked out in pieces between chunks of training.

While a run trains, names are steady: an instance keeps its name until another is nearer by a margin
(`polytopes(before=…)`). At rest they are those that `tms show` prints.
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from tms_engine.experiment import Experiment
from tms_engine.training.state import Snapshot, make_read_only
from tms_tui.census import Census

if TYPE_CHECKING:
    from tms_engine.analysis.polytopes import Polytopes

# While it trains: least seconds between the beginnings of two, the share of the time that they may take, and
# the seconds that they take at once. At rest: seconds to take at once.
_EVERY, _SHARE, _BURST, _IDLE_BURST = 0.4, 0.1, 0.004, 0.02
# The longest pause for the sake of that share: what is compiled first takes seconds, and only once.
_LONGEST_PAUSE = 5.0
# Seconds that a piece should take.
_PIECE = 0.002
# Entries of D that are kept, and features of an instance at least.
_ENTRIES, _LEAST_FEATURES = 1 << 22, 8
# Names that are held on to at once. Where more change, the population does, and nothing flickers.
_MOST_HELD = 256


class _Before(NamedTuple):
    """The census before, the weights that it was taken of, and what was held on to of instances in it."""

    census: Census
    weights: Float32[np.ndarray, "instances features hidden"]
    held: "dict[int, Polytopes]"


class CensusTaker:
    """Works when it is told to, a little at a time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.census: Census | None = None
        self._before: _Before | None = None
        self._taken: tuple[int, Experiment, bool] | None = None  # of what the latest is
        self._under_way: tuple[tuple[int, Experiment, bool], Iterator[_Before | None]] | None = None
        self._on_at = -math.inf  # when to go on
        self._next_at = -math.inf  # when to begin the next

    def work(self, snapshot: Snapshot, resting: bool) -> float:
        """Work out a piece. Returns the seconds until more is due; math.inf: not before another snapshot."""
        key = (snapshot.step, snapshot.experiment, resting)
        if self._taken is not None and _same(self._taken, key):
            return math.inf
        now = self._clock()
        if resting:
            if self._under_way is None or not _same(self._under_way[0], key):
                self._under_way = key, _taking(snapshot, None)
            self._go_on(_IDLE_BURST)
            return 0.0
        if self._under_way is None:
            if now < self._next_at:
                return self._next_at - now
            self._next_at = now + _EVERY
            self._under_way = key, _taking(snapshot, self._before)
        if now >= self._on_at:
            self._on_at = now + min(self._go_on(_BURST) / _SHARE, _LONGEST_PAUSE)
        return max(0.0, (self._on_at if self._under_way else self._next_at) - now)

    def _go_on(self, seconds: float) -> float:
        """Work for so long, or to the end of the census; returns the seconds that it took."""
        assert self._under_way is not None
        key, pieces = self._under_way
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            done = next(pieces)
            if done is not None:
                self._before, self.census, self._taken, self._under_way = done, done.census, key, None
                break
        return time.perf_counter() - began


def _same(one: tuple[int, Experiment, bool], other: tuple[int, Experiment, bool]) -> bool:
    same_experiment = one[1] is other[1] or one[1] == other[1]
    return one[0] == other[0] and one[2] == other[2] and same_experiment


def _taking(snapshot: Snapshot, before: _Before | None) -> Iterator[_Before | None]:
    """The census of a snapshot in short pieces: gives None after each, and at last the census.

    With the one before, names are held on to.
    """
    from tms_engine.analysis import geometry
    from tms_engine.analysis.polytopes import name_instances

    weights = snapshot.weights
    n_instances, n, _ = weights.shape
    kept = min(n, max(_LEAST_FEATURES, _ENTRIES // n_instances))
    features = np.arange(kept) * n // kept
    found: dict[str, int] = {}
    which, represented = np.zeros(n_instances, np.int64), np.zeros(n_instances, np.int64)
    residual, total = np.full(n_instances, np.nan), np.full(n_instances, np.nan)
    each = np.zeros((n_instances, kept), np.float32)
    first, some = 0, 1
    while first < n_instances:
        began = time.perf_counter()
        here = slice(first, first + some)
        named = name_instances(weights[here])
        places = np.array([found.setdefault(name, len(found)) for name in named.names], np.int64)
        which[here], residual[here] = places[named.which], named.residual
        represented[here] = named.represented
        with np.errstate(over="ignore", invalid="ignore"):  # of diverged instances
            dimensionality = geometry.dimensionality(weights[here])
            total[here], each[here] = dimensionality.sum(-1), dimensionality[:, features]
        first += some
        seconds = time.perf_counter() - began
        some = max(1, min(2 * some, int(some * _PIECE / max(seconds, 1e-9))))
        yield None
    held: dict[int, Polytopes] = {}
    if before is not None and before.weights.shape == weights.shape:
        changed = _changed(list(found), which, before.census)
        if len(changed) <= _MOST_HELD:
            for instance in changed.tolist():
                kept_name = _held(weights, instance, before)
                if kept_name is not None:
                    held[instance] = kept_name
                    which[instance] = found.setdefault(kept_name.name, len(found))
                    residual[instance] = kept_name.residual
                yield None
    occurring, which = _by_frequency(list(found), which)
    census = Census(snapshot.step, occurring, which, residual, represented, each, total)
    make_read_only(which, residual, represented, each, total)
    yield _Before(census, weights, held)


def _changed(
    names: list[str], which: Int64[np.ndarray, " instances"], before: Census
) -> Int64[np.ndarray, " some"]:
    """The instances whose names are others than before."""
    earlier = {name: place for place, name in enumerate(before.names)}
    as_before = np.array([earlier.get(name, -1) for name in names], np.int64)
    return np.flatnonzero(as_before[which] != before.which)


def _held(
    weights: Float32[np.ndarray, "instances features hidden"], instance: int, before: _Before
) -> "Polytopes | None":
    """What an instance was before, fitted to its weights of now; None where its name is another now."""
    from tms_engine.analysis.polytopes import polytopes

    earlier = before.held.get(instance) or polytopes(before.weights[instance])
    name = before.census.name(instance)
    if earlier.name != name:
        return None
    now = polytopes(weights[instance], before=earlier)
    return now if now.name == name else None


def _by_frequency(
    names: list[str], which: Int64[np.ndarray, " instances"]
) -> tuple[tuple[str, ...], Int64[np.ndarray, " instances"]]:
    """The names that occur, the most frequent first, and the places of the instances' names among them."""
    counts = np.bincount(which, minlength=len(names))
    order = sorted((k for k in range(len(names)) if counts[k]), key=lambda k: (-counts[k], names[k]))
    places = np.zeros(len(names), np.int64)
    places[order] = np.arange(len(order))
    return tuple(names[k] for k in order), places[which]
