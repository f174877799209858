"""Energy levels: D over the steps, and what digons and single features cost, by a closed form.

The paper's features jump between "energy levels" while they learn ("Superposition and Learning Dynamics");
`over_steps` shows it. The levels of the loss are those of pure strategies of orthogonal parts: k of the m
dimensions hold a digon each, the other m − k a single feature, and the rest is dropped. Arms have length 1;
b is 0 for what is represented and, where the model has a bias, p/2 for what is dropped. A trained model may
lie below a level: its arms and biases are free, and polygons and solids share dimensions otherwise.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from tms_engine.analysis import geometry, theory
from tms_engine.analysis.polytopes import ideals
from tms_engine.analysis.polytopes.words import Shape, whole_name
from tms_engine.experiment import Experiment
from tms_engine.models import model
from tms_engine.training.history import Kept
from tms_engine.training.run import Run

# Weights of which D is worked out over steps, and multiplications that it may take.
_WEIGHTS, _PRODUCTS = 1 << 20, 1 << 24


class Level(NamedTuple):
    """A pure strategy: its name, as "two digons and a single", and its loss, a mean over features."""

    name: str
    loss: float


def levels(experiment: Experiment, instance: int = 0) -> list[Level]:
    """The levels of an instance's loss, the lowest first; none where the closed form does not hold.

    It holds for the model tied_relu and the data law bernoulli, with uniform magnitudes and one density for
    all features. The features that are dropped are the least important ones, and of the others the least
    important ones share.
    """
    holds = (
        experiment.model == "tied_relu"
        and experiment.features == "bernoulli"
        and experiment.magnitudes == "uniform"
        and experiment.relative_density is None
        and not experiment.unit_rows
        and not experiment.dataset_rows
    )
    if not holds:
        return []
    n, m = experiment.n_features, experiment.n_hidden
    p = 1 - float(experiment.of_instance("sparsity", instance))
    importance = np.sort(experiment.alone(instance).feature_importance()[0].astype(np.float64))[::-1]
    dropped = theory.loss_of_best_constant(p) if experiment.bias else theory.loss_of_nothing(p)
    found = []
    singles = min(n, m)
    for digons in range(min(m, n - m) + 1 if n > m else 1):
        alone = singles - digons
        kept = alone + 2 * digons
        total = theory.digon_sum(p, float(importance[alone:kept].sum()), 0.0)
        total += float(importance[kept:].sum()) * dropped
        shapes = [Shape(ideals.SIMPLEX, 2, 1)] * digons + [Shape(ideals.SIMPLEX, 1, 1)] * alone
        found.append(Level(whole_name(shapes), total / n))
    return sorted(found, key=lambda level: level.loss)


def near(found: list[Level], loss: float) -> tuple[Level | None, Level | None]:
    """The highest level at or below a loss, and the lowest above it; None where there is none."""
    below = [level for level in found if level.loss <= loss]
    above = [level for level in found if level.loss > loss]
    return (below[-1] if below else None), (above[0] if above else None)


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
