"""Each feature active alone, with probability p = 1 − S: the seed's data, and the paper's."""

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from tms_engine.arrays import Array
from tms_engine.data import LawParameters
from tms_engine.data.stream import active, magnitude


def sample(
    word: Int64[Array, "*lead instances rows features"], parameters: LawParameters
) -> Float32[Array, "*lead instances rows features"]:
    """Uniform on (0, 1) where active, else 0."""
    x = magnitude(word)
    x *= active(word, parameters.density)
    return x


def probabilities(
    active: Bool[np.ndarray, "sets features"], parameters: LawParameters
) -> Float64[np.ndarray, " sets"]:
    """Of exactly these features being active: p^k (1 − p)^(n − k) for k of n."""
    k = active.sum(1)
    return np.power(float(parameters.density), k) * np.power(
        1 - float(parameters.density), active.shape[1] - k
    )
