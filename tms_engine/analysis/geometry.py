"""What the weights look like as directions: norms, Gram, dimensionality, interference.

Functions of W (instances, features, hidden) alone. A feature that is not represented at all (‖W_j‖ = 0)
has no direction: its cosines, dimensionality and interference are 0, not NaN. All is computed in double
precision: the weights of an instance that diverged are finite, and their squares should be too.
"""

import numpy as np
from jaxtyping import Bool, Float, Float64

# A feature is represented when its direction is longer than this (DESIGN: "above one half").
REPRESENTED_NORM = 0.5


def norms(
    weights: Float[np.ndarray, "instances features hidden"],
) -> Float64[np.ndarray, "instances features"]:
    """‖W_j‖."""
    return np.linalg.norm(weights.astype(np.float64), axis=-1)


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
    along = _directions(weights) @ np.swapaxes(weights, -1, -2)
    others = ~np.eye(weights.shape[-2], dtype=bool)
    return np.square(along).sum(-1, where=others)


def dimensionality(
    weights: Float[np.ndarray, "instances features hidden"],
) -> Float64[np.ndarray, "instances features"]:
    """D_j = ‖W_j‖² / Σ_k (Ŵ_j · W_k)²: the fraction of a dimension that feature j has (paper, "geometry").

    1 for a feature alone in its dimension, ½ in a digon, ⅜ in a square antiprism and in a cube.
    """
    squared = np.square(norms(weights))
    total = squared + interference(weights)
    return np.divide(squared, total, out=np.zeros_like(squared), where=total != 0)
