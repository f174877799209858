"""Pure strategies: which features are dropped, alone, and paired, with arms of length 1 and the best bias.

For n = 2, m = 1 they are those of `theory.pure_strategy_sums`; here they are for n = m + 1, where one feature
too many has to be dropped, or shares: a digon with another one, or a polygon of three in two dimensions.
"""

from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float64

from tms_engine.analysis.geometry import REPRESENTED_NORM, interference, norms

State = Literal["not represented", "in superposition", "dedicated"]
STATES: tuple[State, ...] = get_args(State)

# Σ (Ŵ_j · W_k)² over the represented features from which a feature shares its direction with them.
SHARES = 0.1


class Strategy(NamedTuple):
    """A pure strategy.

    extra    what it does with the last feature
    weights  (features, hidden)
    dropped  the feature that is dropped, whose best bias is its mean; None for none
    """

    extra: State
    weights: Float64[np.ndarray, "features hidden"]
    dropped: int | None


def pure_strategies(n_hidden: int) -> list[Strategy]:
    """Those of n_hidden + 1 features in one or two dimensions."""
    m = n_hidden
    n, found = m + 1, []
    for j in range(n):
        weights = np.zeros((n, m))
        weights[[k for k in range(n) if k != j]] = np.eye(m)
        found.append(Strategy("not represented" if j == n - 1 else "dedicated", weights, j))
    for j in range(n):
        for k in range(j + 1, n):
            weights = np.zeros((n, m))
            others = [i for i in range(n) if i not in (j, k)]
            weights[j, 0], weights[k, 0] = 1, -1
            weights[others] = np.eye(m)[1:]
            found.append(Strategy("in superposition" if k == n - 1 else "dedicated", weights, None))
    if m == 2:
        angles = 2 * np.pi * np.arange(3) / 3
        triangle = np.stack([np.cos(angles), np.sin(angles)], -1)
        found.append(Strategy("in superposition", triangle, None))
    return found


def states_of(weights: np.ndarray, feature: int = -1) -> np.ndarray:
    """What models (models, features, hidden) do with a feature, the last one: names as in State."""
    lengths = norms(weights)
    represented = np.where((lengths > REPRESENTED_NORM)[..., None], weights, 0)
    length, shared = lengths[:, feature], interference(represented)[:, feature]
    return np.select(
        [length <= REPRESENTED_NORM, shared > SHARES],
        ["not represented", "in superposition"],
        "dedicated",
    )
