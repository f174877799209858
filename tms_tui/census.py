"""Census: what every instance of a population has become at one step, in arrays."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64


class Census(NamedTuple):
    """All instances at one step. Arrays are read-only.

    step            the step
    names           the names that occur, the most frequent first
    which           int64 (instances,): the place of each instance's name in `names`
    residual        float64 (instances,): degrees to the ideal; NaN where there is none
    represented     int64 (instances,): features with ‖W_j‖ above one half
    dimensionality  float32 (instances, features): D, of all features or, of many, of some, evenly spaced
    total           float64 (instances,): ΣD of all features
    """

    step: int
    names: tuple[str, ...]
    which: Int64[np.ndarray, " instances"]
    residual: Float64[np.ndarray, " instances"]
    represented: Int64[np.ndarray, " instances"]
    dimensionality: Float32[np.ndarray, "instances features"]
    total: Float64[np.ndarray, " instances"]

    def name(self, instance: int) -> str:
        """The name of one instance."""
        return self.names[self.which[instance]]
