"""When a model changes: kept steps chosen by how far its weights have moved, not by equal numbers of steps.

A model folds in the first hundreds of ten thousand steps, and then hardly moves. To watch it, steps have to
be dense where it moves.
"""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Float64, Int64

from tms_engine.analysis.geometry import REPRESENTED_NORM
from tms_engine.models import model

if TYPE_CHECKING:
    from tms_engine.training.run import Run

# Features that are looked at, and their weights: the way of a large model is that of a part of it.
_MOST_WEIGHTS = 1 << 12
# Part of the way that stands still: rests between two changes are seen, but briefly.
_REST = 0.25


def path_length(weights: Sequence[Float[np.ndarray, "features hidden"]]) -> Float64[np.ndarray, " steps"]:
    """How far the weights have moved until each of these steps, ‖ΔW‖ added up; 0 at the first."""
    moved = [
        float(np.linalg.norm(np.nan_to_num(after.astype(np.float64) - before)))
        for before, after in itertools.pairwise(weights)
    ]
    return np.concatenate([[0.0], np.cumsum(moved)])


def evenly_changing(
    steps: Sequence[int], weights: Sequence[Float[np.ndarray, "features hidden"]], count: int
) -> Int64[np.ndarray, " {count}"]:
    """Places of `count` steps among these, from the first to the last, between which about as much changes.

    What changes is the way of the weights, and to a quarter the logarithm of the steps, so that rests are not
    passed over. A place occurs twice where there are fewer steps than are asked for.
    """
    way = path_length(weights)
    time = np.log1p(np.asarray(steps, np.float64) - steps[0])
    progress = (1 - _REST) * way / max(way[-1], 1e-300) + _REST * time / max(time[-1], 1e-300)
    wanted = np.linspace(0, progress[-1], count)
    after = np.clip(np.searchsorted(progress, wanted), 0, len(progress) - 1)
    before = np.maximum(after - 1, 0)
    nearer_before = wanted - progress[before] < progress[after] - wanted
    return np.where(nearer_before, before, after)


def kept_weights(
    run: "Run", instance: int = 0
) -> tuple[list[int], list[Float[np.ndarray, "features hidden"]]]:
    """The steps of which a run has the weights, its last one among them, and those of one instance then.

    Of a large model they are those of some features, evenly spaced.
    """
    kept = {at.step: at.parameters for at in run.history.kept} | {run.state.step: run.state.parameters}
    directions = model(run.experiment.model).directions
    weights = []
    for parameters in kept.values():
        alone = {name: value[instance : instance + 1] for name, value in parameters.items()}
        weights.append(directions(alone)[0])
    n, m = weights[0].shape
    some = max(1, -(-n * m // _MOST_WEIGHTS))
    return list(kept), [w[::some] for w in weights]


def representation_changes(
    steps: Sequence[int], weights: Sequence[Float[np.ndarray, "features hidden"]]
) -> list[tuple[int, int, bool]]:
    """When features become represented (‖W‖ above one half) or are no longer: (step, feature, which of both).

    A norm has to pass one half by a tenth: one that stays near to it is not told each time.
    """
    found: list[tuple[int, int, bool]] = []
    if not len(steps):
        return found
    norms = np.linalg.norm(np.stack(weights).astype(np.float64), axis=-1)
    now = norms[0] > REPRESENTED_NORM
    for step, norm in zip(steps, norms, strict=True):
        then = np.where(now, norm > 0.9 * REPRESENTED_NORM, norm > 1.1 * REPRESENTED_NORM)
        found += [(step, int(j), bool(then[j])) for j in np.flatnonzero(then != now)]
        now = then
    return found
