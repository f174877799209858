"""Names for the geometry of an instance (stub)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int64


class Names(NamedTuple):
    names: tuple[str, ...]
    index: Int64[np.ndarray, " instances"]
    residual: Float64[np.ndarray, " instances"]
    represented: Int64[np.ndarray, " instances"]


class Part(NamedTuple):
    name: str
    features: tuple[int, ...]
    dimension: int
    residual: float


class Polytopes(NamedTuple):
    name: str
    residual: float
    parts: tuple[Part, ...]


def name_instances(weights: Float[np.ndarray, "instances features hidden"]) -> Names:
    raise NotImplementedError


def polytopes(weights: Float[np.ndarray, "features hidden"], before: Polytopes | None = None) -> Polytopes:
    raise NotImplementedError
