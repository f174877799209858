"""Closed forms: losses that can be derived with a pencil. (`phases.py` has what takes a computer.)

Throughout, features are Bernoulli(p) · Uniform(0, 1) with p = 1 − S, independent, so that E[x] = p/2 and
E[x²] = p/3. `importance` is (features,). Losses are means over features unless a name says `sum`;
"exact" means for the model of `models/tied_relu.py`, with the weights that the docstring names.
"""

from typing import Any, Literal

import numpy as np
from jaxtyping import Float

# Dimensionality of every feature where n vectors of one length form a tight frame, Σ_j W_jᵀ W_j ∝ 1: then
# Σ_k (Ŵ_j · Ŵ_k)² = n / m, so D = m / n, and all dimensions are shared out, ΣD = m. Regular polygons and
# Platonic solids are tight frames. An antiprism is one only if it is stretched to that: with all edges
# equal, D is .366 and ΣD 2.93.
DIMENSIONALITY = {
    "alone": 1.0,
    "tetrahedron": 3 / 4,
    "triangle": 2 / 3,
    "digon": 1 / 2,  # and the octahedron: three digons
    "pentagon": 2 / 5,
    "square antiprism": 3 / 8,  # as a tight frame; and the cube, so D alone cannot name a solid
    "hexagon": 1 / 3,
}

Strategy = Literal["dedicate first", "dedicate second", "antipodal"]


def mean_feature(p: float) -> float:
    """E[x] = p · ½."""
    return p / 2


def mean_squared_feature(p: float) -> float:
    """E[x²] = p ∫₀¹ u² du = p/3."""
    return p / 3


def loss_of_nothing(p: float) -> float:
    """W = 0, b = 0, importance 1: x̂ = 0, so every feature costs E[x²] = p/3."""
    return p / 3


def loss_of_best_constant(p: float) -> float:
    """W = 0, b = p/2, importance 1: the best constant is the mean, and what is left is Var x = p/3 − p²/4."""
    return p / 3 - p**2 / 4


def loss_of_dedicated(
    p: float, importance: Float[np.ndarray, " features"], n_dedicated: int, bias: bool
) -> float:
    """The first `n_dedicated` features have an orthogonal unit vector each, the others none.

    Dedicated features are reconstructed exactly and b is 0 for them. A dropped one costs importance times
    E[x²] = p/3 without a bias, Var x = p/3 − p²/4 with the best one, b = p/2.
    """
    dropped = float(importance[n_dedicated:].sum())
    each = loss_of_best_constant(p) if bias else loss_of_nothing(p)
    return dropped * each / len(importance)


def digon_sum(p: float, importance_i: Any, importance_j: Any) -> Any:
    """Two features on one dimension, W = (1, −1), b = 0: what both add to the summed loss.

    With x_i = a alone active, x̂ = (a, 0) is exact. With both active, a > c, x̂ = (a − c, 0): feature i is
    off by c and feature j by c. Likewise for a < c, so each has the squared error min(a, c)², and
    E[min²] = ∫₀¹ u² · 2(1 − u) du = 1/6, with probability p².
    """
    return (importance_i + importance_j) * p**2 / 6


def loss_of_digons(p: float, n_features: int, n_digons: int) -> float:
    """`n_digons` antipodal pairs on orthogonal dimensions, the other features dropped; importance 1, no bias.

    Three digons are an octahedron. The pairs do not touch each other, so their losses add up.
    """
    dropped = n_features - 2 * n_digons
    return (n_digons * digon_sum(p, 1, 1) + dropped * loss_of_nothing(p)) / n_features


def one_active_loss(weights: Float[np.ndarray, "features hidden"]) -> float:
    """Exact loss of any W without a bias, importance 1, over rows with exactly one active feature.

    With x = a e_j, x̂_k = a · ReLU(G_jk) for G = W Wᵀ (the diagonal is never negative), so the summed error
    is a² [(1 − G_jj)² + Σ_{k≠j} ReLU(G_jk)²]; E[a²] = 1/3, and j is every feature equally often.
    """
    n = len(weights)
    errors = np.maximum(weights @ weights.T, 0) - np.eye(n)
    return float(np.square(errors).sum() / (3 * n * n))


def pure_strategy_sums(p: float, r: Any) -> dict[Strategy, Any]:
    """n = 2, m = 1, importance (1, r), with a bias: the summed loss of each pure strategy.

    Dedicate the dimension to one feature, and the other, dropped, costs its variance (bias p/2); or share
    it as a digon with arms of ±1 and no bias. (Paper, "Demonstrating superposition", the phase diagram.)
    Shorter arms and positive biases do better than this digon, the more so the denser the features are:
    see `phases.optimum`.
    """
    return {
        "dedicate first": r * loss_of_best_constant(p),
        "dedicate second": loss_of_best_constant(p),
        "antipodal": digon_sum(p, 1, r),
    }


def best_pure_strategy(p: float, r: float) -> Strategy:
    """The best of the pure strategies at density p and relative importance r of the second feature."""
    sums = pure_strategy_sums(p, r)
    return min(sums, key=lambda strategy: sums[strategy])


def pure_strategy_boundary(p: float) -> float:
    """The least r ≤ 1 at which the pure digon beats dropping the second feature: 2p / (4 − 5p).

    (1 + r) p²/6 < r (p/3 − p²/4)  ⇔  r > 2p / (4 − 5p), for p < 4/5. By symmetry the digon wins up to the
    inverse of that. Above p = 4/7 this exceeds 1, and infinity is returned. Superposition itself goes
    further: `phases.superposition_boundary`.
    """
    r = 2 * p / (4 - 5 * p) if p < 4 / 5 else float("inf")
    return r if r <= 1 else float("inf")
