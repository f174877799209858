"""From hidden dimensions to three, and from three to the screen: pure functions for figures and screens.

The camera's angles are matplotlib's (yaw is its azim, pitch its elev, roll its roll, in degrees), so that
a figure can be made from where the app looks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Complex, Float, Float64, Int

from tms_engine.errors import InputError

# Distance of the eye from the origin in perspective, in radii of the scene.
EYE = 3.0

# Multiplications that principal components may take, and the dimensions of the largest tour.
_PCA_COST = 1 << 23
_TOURED = 64


def identity_basis(n_hidden: int) -> Float[np.ndarray, "hidden 3"]:
    """Hidden dimensions 0, 1, 2 as they are; with fewer than 3, the rest of space stays empty."""
    return np.eye(n_hidden, 3, dtype=np.float32)


def axes_basis(n_hidden: int, axes: Sequence[int]) -> Float[np.ndarray, "hidden 3"]:
    """Up to 3 chosen hidden dimensions, the first to the right. Raises InputError if one is not there."""
    if not 1 <= len(axes) <= 3 or len(set(axes)) < len(axes) or not all(0 <= a < n_hidden for a in axes):
        raise InputError(
            f"axes should be 1 to 3 different hidden dimensions from 0 to {n_hidden - 1}, not {list(axes)}"
        )
    basis = np.zeros((n_hidden, 3), np.float32)
    basis[list(axes), range(len(axes))] = 1
    return basis


def pca_features(n_features: int, n_hidden: int) -> int:
    """How many features `pca_basis` looks at: all, but of very many only so many that it stays fast."""
    by_moments = _PCA_COST // n_hidden**2  # the smaller of WᵀW and W Wᵀ is taken
    return min(
        n_features, by_moments if by_moments >= n_hidden else max(3, math.isqrt(_PCA_COST // n_hidden))
    )


def pca_basis(weights: Float[np.ndarray, "features hidden"]) -> Float[np.ndarray, "hidden 3"]:
    """The 3 orthonormal directions in hidden space along which the weight vectors are longest.

    Principal components about the origin, not about the mean: the origin, from which the vectors are
    drawn, stays where it is. Each direction's largest coordinate is positive, so that it does not flip
    from one step to the next. Of `pca_features` features, evenly spaced. Weights that are not
    finite give the identity.
    """
    n, m = weights.shape
    some = weights[_evenly(pca_features(n, m), n)] if n else weights
    if not np.isfinite(some).all():
        return identity_basis(m)
    wide = some.astype(np.float64)
    if len(some) < m and m**3 > _PCA_COST:
        directions = _principal_rows(wide)
    else:
        # Of WᵀW, which is small, rather than of W itself: 30 times as fast at 400 features in 30 dimensions.
        directions = np.linalg.eigh(wide.T @ wide)[1].T[::-1][:3]
    largest = np.abs(directions).argmax(-1)
    directions = directions * np.sign(np.take_along_axis(directions, largest[:, None], -1))
    basis = np.zeros((m, 3), np.float32)
    basis[:, : len(directions)] = directions.T
    return basis


def _evenly(some: int, n: int) -> Int[np.ndarray, "{some}"]:
    """`some` of the numbers from 0 to n − 1, evenly spaced."""
    return np.arange(some) * n // some


def _principal_rows(wide: Float64[np.ndarray, "rows hidden"]) -> Float64[np.ndarray, "3 hidden"]:
    """The first 3 principal directions, from W Wᵀ: for fewer rows than hidden dimensions."""
    lengths, combinations = np.linalg.eigh(wide @ wide.T)
    # Where the rows have fewer than 3 dimensions, the coordinate axes fill up.
    found = combinations.T[::-1][:3][lengths[::-1][:3] > 1e-12 * max(lengths[-1], 1e-300)] @ wide
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-300)
    if len(found) == 3:
        return found
    axes = np.eye(3, wide.shape[1])
    return np.linalg.qr(np.concatenate([found, axes[: 3 - len(found)]]).T)[0].T


def tour_basis(n_hidden: int, time: float) -> Float[np.ndarray, "hidden 3"]:
    """A grand tour (Asimov 1985): an orthonormal basis that wanders smoothly through all dimensions.

    It is exp(time · A) of the identity's first three columns, for a fixed skew-symmetric A whose planes turn
    at incommensurate speeds of about one radian a unit of time. More than 64 dimensions are toured in 64
    groups, each along the diagonal of its dimensions.
    """
    if n_hidden < 2:
        return identity_basis(n_hidden)
    n = min(n_hidden, _TOURED)
    speeds, planes = _planes(n)
    turned = ((planes * np.exp(-1j * speeds * time)) @ planes[:3].conj().T).real
    basis = np.zeros((n, 3))
    basis[:, : turned.shape[1]] = turned
    if n == n_hidden:
        return basis.astype(np.float32)
    group = np.arange(n_hidden) % n
    return (basis[group] / np.sqrt(np.bincount(group))[group, None]).astype(np.float32)


@lru_cache(maxsize=4)
def _planes(n: int) -> tuple[Float64[np.ndarray, " n"], Complex[np.ndarray, "n n"]]:
    """Speeds and planes of the tour of n dimensions."""
    upper = np.triu(np.random.default_rng(0).standard_normal((n, n)), 1)
    speeds, planes = np.linalg.eigh(1j * (upper - upper.T) / np.sqrt(n))
    return speeds, planes


def basis_for(
    weights: Float[np.ndarray, "features hidden"], axes: Sequence[int] | None = None
) -> Float[np.ndarray, "hidden 3"]:
    """The basis to draw one instance in: chosen axes, else the identity up to 3 dimensions, else PCA."""
    m = weights.shape[-1]
    if axes is not None:
        return axes_basis(m, axes)
    return identity_basis(m) if m <= 3 else pca_basis(weights)


@dataclass(frozen=True)
class Camera:
    """Where the scene is seen from.

    yaw          degrees about the vertical axis (matplotlib's azim)
    pitch        degrees of the eye above the horizontal plane (its elev)
    roll         degrees about the line of sight
    zoom         a factor
    perspective  whether what is near is drawn larger
    """

    yaw: float = -60.0
    pitch: float = 30.0
    roll: float = 0.0
    zoom: float = 1.0
    perspective: bool = False


HOME = Camera()


def rotation(camera: Camera) -> Float[np.ndarray, "3 3"]:
    """Rows are the screen's axes in the scene: right, up, and towards the eye."""
    yaw, pitch, roll = np.deg2rad([camera.yaw, camera.pitch, camera.roll])
    right = np.array([-np.sin(yaw), np.cos(yaw), 0])
    up = np.array([-np.sin(pitch) * np.cos(yaw), -np.sin(pitch) * np.sin(yaw), np.cos(pitch)])
    towards = np.array([np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), np.sin(pitch)])
    rolled_right = np.cos(roll) * right - np.sin(roll) * up
    rolled_up = np.sin(roll) * right + np.cos(roll) * up
    return np.stack([rolled_right, rolled_up, towards])


def view(
    points: Float[np.ndarray, "*shape 3"], camera: Camera, radius: float = 1.0
) -> Float[np.ndarray, "*shape 3"]:
    """Points of the scene as the camera sees them: x to the right, y up, z towards the eye.

    A scene within `radius` of the origin fills x and y from −1 to 1 at zoom 1 in orthographic projection.
    In perspective the eye is EYE radii from the origin; a point level with it or behind it has x = y = NaN.
    """
    seen = points @ (rotation(camera).T / radius).astype(points.dtype)
    scale: Any = camera.zoom
    if camera.perspective:
        distance = EYE - seen[..., 2:]
        ahead = distance > 0
        scale = np.divide(camera.zoom * EYE, distance, out=np.full_like(distance, np.nan), where=ahead)
    seen[..., :2] *= scale
    return seen
