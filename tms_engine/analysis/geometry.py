"""What the weights look like as directions: norms, Gram, dimensionality, interference.

Functions of W (instances, features, hidden) alone. A feature that is not represented at all (‖W_j‖ = 0)
has no direction: its cosines, dimensionality and interference are 0, not NaN. All is computed in double
precision: the weights of an instance that diverged are finite, and their squares should be too.

`gram` and `cosines` are (features, features) for each instance. The others never hold as much at once, and
cost n · m · min(n, m) multiplications an instance where n is large.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

# A feature is represented when its direction is longer than this (DESIGN: "above one half").
REPRESENTED_NORM = 0.5

# Entries of an intermediate result that are made at once.
_ENTRIES = 1 << 22
# With more features than this, and than hidden dimensions, sums over pairs of features go by way of WᵀW.
_PAIRED = 1 << 9


def norms(
    weights: Float[np.ndarray, "instances features hidden"],
) -> Float64[np.ndarray, "instances features"]:
    """‖W_j‖."""
    lengths = np.empty(weights.shape[:2])
    for block in _blocks(weights):
        some = weights[block].astype(np.float64)
        lengths[block] = np.sqrt(np.einsum("ijd,ijd->ij", some, some))
    return lengths


def represented(
    weights: Float[np.ndarray, "instances features hidden"],
) -> Bool[np.ndarray, "instances features"]:
    """Whether ‖W_j‖ is above one half."""
    return norms(weights) > REPRESENTED_NORM


def gram(
    weights: Float[np.ndarray, "instances features hidden"],
) -> Float64[np.ndarray, "instances features features"]:
    """W Wᵀ: entry (j, k) is what feature j, active at 1, adds to feature k before the ReLU."""
    doubles = weights.astype(np.float64)
    return doubles @ np.swapaxes(doubles, -1, -2)


def _directions(
    weights: Float[np.ndarray, "instances features hidden"],
) -> Float64[np.ndarray, "instances features hidden"]:
    """Ŵ_j, or 0 where ‖W_j‖ = 0."""
    lengths = norms(weights)[..., None]
    return np.divide(weights, lengths, out=np.zeros(weights.shape), where=lengths != 0)


def cosines(
    weights: Float[np.ndarray, "instances features hidden"],
) -> Float64[np.ndarray, "instances features features"]:
    """Ŵ_j · Ŵ_k."""
    return gram(_directions(weights))


def interference(
    weights: Float[np.ndarray, "instances features hidden"],
) -> Float64[np.ndarray, "instances features"]:
    """Σ_{k≠j} (Ŵ_j · W_k)²: how much of the other features lies along feature j (paper, "superposition")."""
    n, m = weights.shape[1:]
    total = np.empty(weights.shape[:2])
    some = max(1, _ENTRIES // max(1, n * max(m, min(n, _PAIRED))))
    for first in range(0, len(weights), some):
        here = slice(first, first + some)
        total[here] = _by_moments(weights[here]) if n > max(m, _PAIRED) else _by_pairs(weights[here])
    return total


def _by_pairs(
    weights: Float[np.ndarray, "instances features hidden"],
) -> Float64[np.ndarray, "instances features"]:
    """Interference as it is defined, some features at a time."""
    n = weights.shape[1]
    directions, total = _directions(weights), np.empty(weights.shape[:2])
    across = np.swapaxes(weights, -1, -2).astype(np.float64)
    some = max(1, _ENTRIES // max(1, n * len(weights)))
    for first in range(0, n, some):
        here = np.arange(first, min(first + some, n))
        along = directions[:, here] @ across
        along[:, here - first, here] = 0
        total[:, here] = np.square(along).sum(-1)
    return total


def _by_moments(
    weights: Float[np.ndarray, "instances features hidden"],
) -> Float64[np.ndarray, "instances features"]:
    """Interference from Σ_k (Ŵ_j · W_k)² = Ŵ_j (WᵀW) Ŵ_jᵀ, less feature j's own ‖W_j‖²."""
    doubles = weights.astype(np.float64)
    moments = np.swapaxes(doubles, -1, -2) @ doubles
    directions = _directions(weights)
    total = np.einsum("ijd,ijd->ij", directions @ moments, directions)
    return np.maximum(total - np.square(norms(weights)), 0)


def dimensionality(
    weights: Float[np.ndarray, "instances features hidden"],
) -> Float64[np.ndarray, "instances features"]:
    """D_j = ‖W_j‖² / Σ_k (Ŵ_j · W_k)²: the fraction of a dimension that feature j has (paper, "geometry").

    1 for a feature alone in its dimension, ½ in a digon, ⅜ in a cube and in a square antiprism that is
    stretched to a tight frame.
    """
    squared = np.square(norms(weights))
    total = squared + interference(weights)
    return np.divide(squared, total, out=np.zeros_like(squared), where=total != 0)


class Alone(NamedTuple):
    """One feature among the others.

    norm       ‖W_j‖
    dimension  D_j
    others     1/D_j − 1 = Σ_{k≠j} (Ŵ_j · W_k)² / ‖W_j‖²: with how many others, of its own length, it shares
               its direction: 0 alone, 1 in a digon, ½ in a triangle, 3/2 in a pentagon. 0 where ‖W_j‖ = 0
    rival      the feature k ≠ j of the greatest |W_j · W_k|; −1 where all are 0
    product    W_j · W_k of that one, the entry (j, k) of W Wᵀ
    """

    norm: float
    dimension: float
    others: float
    rival: int
    product: float


def feature(weights: Float[np.ndarray, "features hidden"], j: int) -> Alone:
    """What one feature of one instance is among the others: its length, its share, its strongest rival."""
    doubles = weights.astype(np.float64)
    products = doubles @ doubles[j]
    squared = float(products[j])
    products[j] = 0
    rival = int(np.abs(products).argmax())
    if not products[rival]:
        rival = -1
    others = float(np.square(products / squared).sum()) if squared else 0.0
    dimension = 1 / (1 + others) if squared else 0.0
    return Alone(math.sqrt(squared), dimension, others, rival, float(products[rival]) if rival >= 0 else 0.0)


class Pair(NamedTuple):
    """Two features: W_j · W_k, the entry of W Wᵀ; the cosine of their angle; the angle in degrees. Cosine and
    angle are NaN where one of them has no direction."""

    product: float
    cosine: float
    degrees: float


def pair(weights: Float[np.ndarray, "features hidden"], j: int, k: int) -> Pair:
    """How two features of one instance stand to each other."""
    one, other = weights[j].astype(np.float64), weights[k].astype(np.float64)
    product, lengths = float(one @ other), float(np.linalg.norm(one) * np.linalg.norm(other))
    if not lengths:
        return Pair(product, math.nan, math.nan)
    cosine = 1.0 if j == k else min(max(product / lengths, -1.0), 1.0)
    return Pair(product, cosine, math.degrees(math.acos(cosine)))


def dimensionality_of(
    weights: Float[np.ndarray, "instances features hidden"], features: Int[np.ndarray, " some"]
) -> Float64[np.ndarray, "instances some"]:
    """D of some features, among all."""
    doubles = weights.astype(np.float64)
    some = doubles[:, features]
    squared = np.square(some).sum(-1)
    along = np.square(some @ np.swapaxes(doubles, -1, -2)).sum(-1)
    return np.divide(np.square(squared), along, out=np.zeros_like(squared), where=along != 0)


def _blocks(
    weights: Float[np.ndarray, "instances features hidden"],
) -> Iterator[tuple[slice, slice]]:
    """Instances and features, in pieces of at most _ENTRIES weights."""
    _, n, m = weights.shape
    features = max(1, _ENTRIES // max(1, m))
    instances = max(1, _ENTRIES // max(1, m * min(n, features)))
    for i in range(0, len(weights), instances):
        for j in range(0, n, features):
            yield slice(i, i + instances), slice(j, j + features)
