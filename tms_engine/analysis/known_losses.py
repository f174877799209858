"""Losses that theory knows for an experiment: what its models would lose if they had learned this or that.

Arms have length 1 and there is no bias, unless a name says "best"; features that are dropped have their best
bias where the model has one. Losses are means over the features, as those that are shown.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from tms_engine.analysis import theory
from tms_engine.analysis.exact import MOST_FEATURES
from tms_engine.analysis.exact import refusal as _not_exact
from tms_engine.experiment import Experiment

# Lengths of arms that are tried, and starts of the search for the optimum of up to so many features.
_LENGTHS = np.linspace(0.4, 1.3, 181)
_STARTS, _SEARCHED = 24, 3
_POLYGONS = {3: "triangle", 4: "square", 5: "pentagon", 6: "hexagon", 7: "heptagon", 8: "octagon"}


class Level(NamedTuple):
    """A loss, and what a model that has it has learned."""

    name: str
    loss: float


def refusal(experiment: Experiment) -> str:
    """Why no level is known for these models; nothing where some are."""
    if experiment.model != "tied_relu":
        return f"theory's levels are known for the model tied_relu, not for {experiment.model}"
    if experiment.features != "bernoulli":
        return f"theory's levels are known for Bernoulli features, not for {experiment.features}"
    why = _not_exact(experiment.replace(n_features=min(experiment.n_features, MOST_FEATURES)))
    return f"theory has no levels here: {why}" if why else ""


def levels(experiment: Experiment, instance: int = 0) -> list[Level]:
    """What is known for one instance, the highest loss first. Where `refusal` is not empty there is nothing.

    Searching the optimum of up to three features takes about a tenth of a second, and longer the first time.
    """
    if refusal(experiment):
        return []
    n, m, bias = experiment.n_features, experiment.n_hidden, experiment.bias
    p = 1 - experiment.of_instance("sparsity", instance)
    importance = np.asarray(experiment.feature_importance()[instance], np.float64)
    order = -np.sort(-importance)
    nothing = theory.loss_of_dedicated(p, order, 0, bias)
    found = [Level("nothing learned", nothing)]
    if m < n:
        found.append(Level(f"{m} features alone", theory.loss_of_dedicated(p, order, m, bias)))
    if n >= 2 * m or n == 2:
        digons = min(m, n // 2)
        rest = theory.loss_of_dedicated(p, order, 2 * digons, bias)
        pairs = sum(theory.digon_sum(p, order[2 * k], order[2 * k + 1]) for k in range(digons))
        found.append(Level("a digon" if digons == 1 else f"{digons} digons", rest + pairs / n))
    if m == 2 and n in _POLYGONS:
        found.append(Level(f"best {_POLYGONS[n]}", _polygon(n, importance, p, bias)))
    if n <= _SEARCHED and m < n and bias:
        found.append(Level("optimum", _optimum(n, m, importance, p)))
    return sorted(found, key=lambda level: -level.loss)


def _polygon(n: int, importance: Float64[np.ndarray, " features"], p: float, bias: bool) -> float:
    """A regular polygon of all features, its arms (and its biases, if there are any) at their best."""
    from tms_engine.analysis.optimum import minimum, summed_loss

    angles = 2 * np.pi * np.arange(n) / n
    shape = np.stack([np.cos(angles), np.sin(angles)], -1)
    many = _LENGTHS[:, None, None] * shape
    each = np.broadcast_to(importance, (len(many), n))
    losses = summed_loss(many, np.zeros((len(many), n)), each, p)
    if not bias:
        return float(losses.min()) / n
    best = many[[int(losses.argmin())]]
    return float(minimum(best, np.zeros((1, n)), each[:1], p).loss[0]) / n


def _optimum(n: int, m: int, importance: Float64[np.ndarray, " features"], p: float) -> float:
    """The least loss that descent from several starts, always the same ones, ends in."""
    from tms_engine.analysis.optimum import minimum

    starts = np.random.default_rng(0).normal(0, 0.7, (_STARTS, n, m))
    each = np.broadcast_to(importance, (_STARTS, n))
    return float(minimum(starts, np.full((_STARTS, n), p / 4), each, p).loss.min()) / n
