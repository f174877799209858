"""Two features in one dimension: the exact expected loss, and the weights and biases that make it least.

The model is `models/tied_relu.py` with n = 2, m = 1 and a bias; features are Bernoulli(p) · Uniform(0, 1),
importance is (1, r), and losses are sums over the two features. (Paper, "Demonstrating superposition", the
phase diagram.)

Feature i is reconstructed as ReLU(s) with s = α x_i + β x_j + b_i, α = w_i² and β = w_i w_j. On the region
s > 0 the squared error is (s − x_i)², outside it is x_i², so that

    E (ReLU(s) − x_i)² = p/3 + θᵀ A θ − 2 cᵀ θ,   θ = (α, β, b_i),

where A and c hold the moments of (x_i, x_j, 1) over the region. These are integrals of polynomials over an
interval, or over a polygon in the unit square, on each of whose pieces Gauss's rule with two nodes is exact.
The region moves with θ, but on its boundary s = 0 the integrand s² − 2 s x_i is 0: the gradient is
2 (A θ − c).

The minimum is global. r multiplies one of two terms that do not depend on it, and each has a bias of its
own. So both terms, at their best biases, are tabulated over all (w_1, w_2) once for a density, which gives a
start in each kind of solution for every r. Each start is refined in all four unknowns, and the best is taken.
"""

from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from tms_engine import process
from tms_engine.analysis.geometry import REPRESENTED_NORM
from tms_engine.analysis.theory import pure_strategy_boundary
from tms_engine.errors import InputError

Phase = Literal["dedicate first", "dedicate second", "antipodal", "aligned", "none"]

# Arms that are tried: w_1 ≥ 0, and w_2 of either sign. At an optimum none is longer than about 1.1.
_ARMS = np.linspace(0, 1.2, 25)
_OTHER_ARMS = np.linspace(-1.2, 1.2, 49)
_BIASES = np.linspace(-0.5, 1.0, 31)
# Nodes and weights of Gauss's rule with two nodes on (0, 1): exact for polynomials of degree 3.
_NODES = 0.5 + np.array([-1, 1]) / np.sqrt(12)
# Newton's iterations, and the change of the arms and biases at which they end.
_ITERATIONS, _CLOSE = 40, 1e-6


class Optimum(NamedTuple):
    """The least expected loss of n = 2, m = 1, and where it is; leading axes are those of p and r.

    loss     summed over the two features, feature 1 weighing 1 and feature 2 weighing r
    weights  (w_1, w_2); the sign of both together is free, and w_1 ≥ 0
    bias     (b_1, b_2)
    """

    loss: Float64[np.ndarray, "*shape"]
    weights: Float64[np.ndarray, "*shape 2"]
    bias: Float64[np.ndarray, "*shape 2"]


def expected_loss(weights: ArrayLike, bias: ArrayLike, p: ArrayLike, r: ArrayLike) -> np.ndarray:
    """Exact expected loss, summed over the two features, of weights (..., 2) and biases (..., 2)."""
    w, b, weight = np.asarray(weights, np.float64), np.asarray(bias, np.float64), np.asarray(r, np.float64)
    first, second = w[..., 0], w[..., 1]
    one = _error(p, first**2, first * second, b[..., 0])[0]
    return np.asarray(one + weight * _error(p, second**2, first * second, b[..., 1])[0])


def optimum(p: ArrayLike, r: ArrayLike) -> Optimum:
    """The global minimum at densities p (0 < p ≤ 1) and relative importances r of feature 2 (r > 0).

    p and r are numbers or arrays that broadcast; a diagram of 40 × 40 takes a few seconds the first time,
    and nothing when it is asked for again. Raises InputError for other p and r.
    """
    densities, ratios = np.broadcast_arrays(np.asarray(p, np.float64), np.asarray(r, np.float64))
    if not ((densities > 0) & (densities <= 1)).all():
        raise InputError("a density p should be above 0 and at most 1")
    if not ((ratios > 0) & np.isfinite(ratios)).all():
        raise InputError("a relative importance r should be above 0")
    shape = densities.shape
    loss, weights, bias = _optimum(densities.tobytes(), ratios.tobytes())
    return Optimum(loss.reshape(shape), weights.reshape(*shape, 2), bias.reshape(*shape, 2))


def phase_of(weights: ArrayLike) -> np.ndarray:
    """The phase that weights (..., 2) are in, as an array of the names in `Phase`.

    A feature is represented when its arm is longer than one half. Both: antipodal on opposite sides, else
    aligned; one: the dimension is dedicated to it.
    """
    first, second = np.moveaxis(np.asarray(weights, np.float64), -1, 0)
    one, other = np.abs(first) > REPRESENTED_NORM, np.abs(second) > REPRESENTED_NORM
    names = [
        (one & other & (first * second < 0), "antipodal"),
        (one & other, "aligned"),
        (one, "dedicate first"),
        (other, "dedicate second"),
    ]
    return np.select([holds for holds, _ in names], [name for _, name in names], "none")


def phase(p: ArrayLike, r: ArrayLike) -> np.ndarray:
    """The phase of the optimum at p and r, as an array of the names in `Phase`."""
    return phase_of(optimum(p, r).weights)


def superposition_boundary(p: float) -> float:
    """The least r ≤ 1 at which both features are represented at density p, to three digits; infinity: none.

    By symmetry there is superposition up to the inverse of that.
    """
    if phase(p, 1.0) != "antipodal":
        return float("inf")
    low, high = 0.01 * min(pure_strategy_boundary(p), 1.0), 1.0
    while high / low > 1.001:
        tried = np.geomspace(low, high, 40)
        holds = np.append(phase(p, tried[1:-1]) == "antipodal", True)
        first = int(holds.argmax())
        low, high = float(tried[first]), float(tried[first + 1])
    return high


# The error of one feature.

# Settings from which on it takes seconds: in the app a whole diagram is worked out beside its screen.
_MANY = 1000


def _moments(p: np.ndarray, alpha: np.ndarray, beta: np.ndarray, b: np.ndarray) -> tuple[Any, ...]:
    """Over the region α x + β y + b > 0: moments (xx, xy, x, yy, y, 1). α is at least 0."""
    q = 1 - p
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # Both inactive; x alone, active above −b/α; y alone, active on one side of −b/β.
        always = np.where(b > 0, 1.0, 0.0)
        from_x = np.where(alpha > 0, np.clip(-b / alpha, 0, 1), 1 - always)
        root = np.where(beta != 0, np.clip(-b / beta, 0, 1), 0.0)
        from_y = np.where(beta > 0, root, np.where(beta < 0, 0.0, 1 - always))
        to_y = np.where(beta < 0, root, 1.0)
        # Both active: pieces of x between the places where s = 0 leaves the square below and above.
        edges = np.sort(
            np.stack([from_x, np.where(alpha > 0, np.clip(-(b + beta) / alpha, 0, 1), from_x)]), axis=0
        )
    one_x, one_y = p * q, p * q
    xx = one_x * (1 - from_x**3) / 3
    x1 = one_x * (1 - from_x**2) / 2
    yy = one_y * (to_y**3 - from_y**3) / 3
    y1 = one_y * (to_y**2 - from_y**2) / 2
    one = q * q * always + one_x * (1 - from_x) + one_y * (to_y - from_y)
    xy = np.zeros_like(one)
    begin = np.zeros_like(from_x)
    for end in (edges[0], edges[1], np.ones_like(from_x)):
        if from_x.size > _MANY:
            process.let_others_run()
        for node in _NODES:
            x = begin + (end - begin) * node
            weight = p * p * (end - begin) / 2
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                level = alpha * x + b
                root = np.where(beta != 0, np.clip(-level / beta, 0, 1), 0.0)
            low = np.where(beta > 0, root, np.where((beta == 0) & (level <= 0), 1.0, 0.0))
            high = np.where(beta < 0, root, 1.0)
            length, square = weight * (high - low), weight * (high**2 - low**2) / 2
            xx = xx + length * x * x
            xy = xy + square * x
            x1 = x1 + length * x
            yy = yy + weight * (high**3 - low**3) / 3
            y1 = y1 + square
            one = one + length
        begin = end
    return xx, xy, x1, yy, y1, one


def _error(
    density: ArrayLike, own: ArrayLike, product: ArrayLike, shift: ArrayLike
) -> tuple[Any, Any, Any, Any]:
    """E (ReLU(α x + β y + b) − x)², and its derivatives by α, β and b."""
    arguments = (np.asarray(value, np.float64) for value in (density, own, product, shift))
    p, alpha, beta, b = np.broadcast_arrays(*arguments)
    xx, xy, x, yy, y, one = _moments(p, alpha, beta, b)
    by_alpha = alpha * xx + beta * xy + b * x - xx
    by_beta = alpha * xy + beta * yy + b * y - xy
    by_b = alpha * x + beta * y + b * one - x
    value = p / 3 + alpha * (by_alpha - xx) + beta * (by_beta - xy) + b * (by_b - x)
    return value, 2 * by_alpha, 2 * by_beta, 2 * by_b


# The minimum.


@lru_cache(maxsize=64)
def _optimum(p_bytes: bytes, r_bytes: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    p, r = np.frombuffer(p_bytes), np.frombuffer(r_bytes)
    densities, place = np.unique(p, return_inverse=True)
    begin = np.empty((len(p), 6, 4))
    for k, density in enumerate(densities):
        begin[place == k] = _starts(float(density), r[place == k])
    found = _refine(begin.reshape(-1, 4), np.repeat(p, 6), np.repeat(r, 6)).reshape(-1, 6, 4)
    losses = expected_loss(found[..., :2], found[..., 2:], p[:, None], r[:, None])
    best = losses.argmin(1)
    chosen = found[np.arange(len(p)), best]
    chosen[:, :2] *= np.where(chosen[:, :1] < 0, -1, 1)
    result = losses[np.arange(len(p)), best], chosen[:, :2], chosen[:, 2:]
    for array in result:
        array.flags.writeable = False
    return result


def _starts(p: float, r: np.ndarray) -> np.ndarray:
    """(w_1, w_2, b_1, b_2) for each r: the dimension dedicated to either feature, and the best of the table.

    The best with equal and with opposite signs, and with either arm the longer.
    """
    first, second = np.meshgrid(_ARMS, _OTHER_ARMS, indexing="ij")
    product = first * second
    errors, biases = zip(
        *(_best_biases(p, own.ravel() ** 2, product.ravel()) for own in (first, second)), strict=True
    )
    total = errors[0] + r[:, None] * errors[1]
    longer = first.ravel() >= np.abs(second.ravel())
    starts = np.empty((len(r), 6, 4))
    starts[:, 4:] = [1, 0, 0, p / 2], [0, 1, p / 2, 0]
    for k, kind in enumerate((longer, ~longer)):
        for sign, side in enumerate((second.ravel() <= 0, second.ravel() >= 0)):
            best = np.where(kind & side, total, np.inf).argmin(1)
            columns = (first.ravel(), second.ravel(), biases[0], biases[1])
            starts[:, 2 * k + sign] = np.stack([column[best] for column in columns], -1)
    return starts


def _best_biases(p: float, alpha: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least error over the biases that are tried, and the bias."""
    errors = _error(p, alpha[:, None], beta[:, None], _BIASES)[0]
    best = errors.argmin(1)
    return errors[np.arange(len(best)), best], _BIASES[best]


def _refine(start: np.ndarray, p: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Local minima of the loss from (problems, 4) starts, by Newton's method; no loss ever rises.

    The Hessian is that of the gradient's differences, with its negative curvatures turned round and damping
    added while a step does not lower the loss.
    """
    found, damping = start.copy(), np.full(len(start), 1e-3)
    active = np.arange(len(start))
    loss, gradient = _loss_and_gradient(found, p, r)
    for _ in range(_ITERATIONS):
        x, at_p, at_r = found[active], p[active], r[active]
        hessian = np.empty((len(active), 4, 4))
        for k in range(4):
            shift = 1e-5 * np.eye(4)[k]
            above, below = (_loss_and_gradient(x + s, at_p, at_r)[1] for s in (shift, -shift))
            hessian[:, k] = (above - below) / 2e-5
        curvature, axes = np.linalg.eigh((hessian + hessian.swapaxes(1, 2)) / 2)
        along = np.einsum("nki,nk->ni", axes, gradient[active])
        scaled = along / (np.abs(curvature) + damping[active, None] * at_p[:, None])
        tried = x - np.einsum("nki,ni->nk", axes, scaled)
        new_loss, new_gradient = _loss_and_gradient(tried, at_p, at_r)
        better = new_loss < loss[active]
        damping[active] = np.where(better, damping[active] / 10, damping[active] * 10)
        moved = np.abs(tried - x).max(1)
        taken = active[better]
        found[taken], loss[taken], gradient[taken] = tried[better], new_loss[better], new_gradient[better]
        active = active[moved > _CLOSE]
        if not len(active):
            break
    return found


def _loss_and_gradient(x: np.ndarray, p: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of (problems, 4) unknowns w_1, w_2, b_1, b_2."""
    first, second, b_1, b_2 = x.T
    one, by_own_1, by_product_1, by_b_1 = _error(p, first**2, first * second, b_1)
    two, by_own_2, by_product_2, by_b_2 = _error(p, second**2, first * second, b_2)
    by_product = by_product_1 + r * by_product_2
    gradient = [
        2 * first * by_own_1 + second * by_product,
        2 * second * r * by_own_2 + first * by_product,
        by_b_1,
        r * by_b_2,
    ]
    return one + r * two, np.stack(gradient, -1)
