"""An extra feature: m + 1 features in m dimensions, where the last one matters more or less than the others.

What becomes of it at a density and an importance: at the minimum of the exact loss, and by the best of the
pure strategies. (Paper, "Superposition as a phase change".) For one and two dimensions, with a bias.
"""

import numpy as np

from tms_engine.analysis import phases
from tms_engine.analysis.optimum import minimum, summed_loss
from tms_engine.analysis.strategies import State, pure_strategies, states_of
from tms_engine.analysis.theory import Strategy, pure_strategy_sums

_OF_STRATEGY: dict[Strategy, State] = {
    "dedicate first": "not represented",
    "dedicate second": "dedicated",
    "antipodal": "in superposition",
}


def optimal_states(m: int, p: float, ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least summed loss at density p and each of these importances of the extra feature, and its state.

    One hidden dimension, or two, where the starts are the pure strategies.
    """
    if m == 1:
        found = phases.optimum(p, ratio)
        return found.loss, states_of(found.weights[..., None])
    weights, biases = _starts(m, p)
    some, many = len(ratio), len(weights)
    importance = np.ones((some, many, m + 1))
    importance[..., -1] = ratio[:, None]
    ends = minimum(
        np.tile(weights, (some, 1, 1)), np.tile(biases, (some, 1)), importance.reshape(-1, m + 1), p
    )
    best = ends.loss.reshape(some, many).argmin(1) + np.arange(some) * many
    return ends.loss[best], states_of(ends.weights[best])


def _starts(m: int, p: float) -> tuple[np.ndarray, np.ndarray]:
    """The pure strategies with arms of 1 and of .8, shifted a little, so that descent leaves saddles."""
    generator = np.random.default_rng(0)
    weights, biases = [], []
    for strategy in pure_strategies(m):
        for length in (1.0, 0.8):
            shift = 0.02 * generator.standard_normal(strategy.weights.shape)
            weights.append(length * strategy.weights + shift)
            biases.append(_bias(strategy.dropped, m, p) + (1 - length) * p)
    return np.array(weights), np.array(biases)


def _bias(dropped: int | None, m: int, p: float) -> np.ndarray:
    """0, but the mean for a feature that is dropped."""
    return np.where(np.arange(m + 1) == dropped, p / 2, 0.0)


def pure_states(m: int, p: float, ratio: np.ndarray) -> np.ndarray:
    """What the best pure strategy does with the extra feature, for each importance of it."""
    if m == 1:
        sums = pure_strategy_sums(p, ratio)
        losses = [np.broadcast_to(sums[name], ratio.shape) for name in sums]
        return np.array([_OF_STRATEGY[name] for name in sums])[np.argmin(losses, 0)]
    strategies = pure_strategies(m)
    importance = np.ones((len(ratio), m + 1))
    importance[:, -1] = ratio
    losses = [
        summed_loss(
            np.tile(strategy.weights, (len(ratio), 1, 1)),
            np.tile(_bias(strategy.dropped, m, p), (len(ratio), 1)),
            importance,
            p,
        )
        for strategy in strategies
    ]
    return np.array([strategy.extra for strategy in strategies])[np.argmin(losses, 0)]
