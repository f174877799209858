"""D over the steps of a run: the paper's "energy levels", on which features stay and between which they jump
("Superposition and Learning Dynamics").
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from tms_engine.analysis import geometry
from tms_engine.models import model
from tms_engine.training.history import Kept
from tms_engine.training.run import Run

# Weights of which D is worked out over steps, and multiplications that it may take.
_WEIGHTS, _PRODUCTS = 1 << 20, 1 << 24


class OverSteps(NamedTuple):
    """D of some features at some of the steps whose weights are kept.

    steps           int64 (steps,), ascending
    dimensionality  float64 (steps, some)
    """

    steps: Int64[np.ndarray, " steps"]
    dimensionality: Float64[np.ndarray, "steps some"]


def over_steps(run: Run, instance: int, features: Sequence[int], points: int) -> OverSteps:
    """D of some features of an instance over its kept steps, as many as a line of so many points shows.

    The points are even in log(1 + step); the latest step of each is taken, fewer where that would take long,
    and none of a model of over a million weights.
    """
    kept = [*run.history.kept, Kept(run.state.step, run.state.parameters)]
    some = np.array(features, np.int64)
    n, m = run.experiment.n_features, run.experiment.n_hidden
    if n * m > _WEIGHTS:
        return OverSteps(np.zeros(0, np.int64), np.zeros((0, len(some))))
    steps = np.array([one.step for one in kept], np.int64)
    place = np.log1p(steps) / np.log1p(max(int(steps[-1]), 1)) * points
    latest = np.flatnonzero(np.diff(np.floor(place), append=np.inf) > 0)
    most = max(2, _PRODUCTS // max(1, len(some) * n * m))
    if len(latest) > most:
        latest = latest[np.linspace(0, len(latest) - 1, most).round().astype(np.intp)]
    directions = model(run.experiment.model).directions
    with np.errstate(all="ignore"):
        weights = np.stack([np.asarray(directions(kept[i].parameters)[instance]) for i in latest])
        return OverSteps(steps[latest], geometry.dimensionality_of(weights, some))
