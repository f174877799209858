"""Each feature active alone, with probability p = 1 − S: the seed's data, and the paper's.

With `relative_density` feature j has a probability of its own (paper, "Non-uniform superposition").
"""

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from tms_engine.arrays import Array
from tms_engine.data import LawParameters
from tms_engine.data.stream import active, magnitude


def sample(
    word: Int64[Array, "*lead instances rows features"], parameters: LawParameters
) -> Float32[Array, "*lead instances rows features"]:
    """Uniform on (0, 1) where active, else 0."""
    own = parameters.feature_density
    x = magnitude(word)
    x *= active(word, parameters.density if own is None else own)
    return x


def probabilities(
    active: Bool[np.ndarray, "sets features"], parameters: LawParameters
) -> Float64[np.ndarray, " sets"]:
    """Of exactly these features being active: Π p_j of these times Π (1 − p_j) of the others."""
    own = parameters.feature_density
    p = np.asarray(parameters.density if own is None else own, np.float64)
    return np.where(active, p, 1 - p).prod(1)
