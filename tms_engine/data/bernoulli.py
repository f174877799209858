"""Each feature active alone, with probability p = 1 − S: the seed's data, and the paper's.

With `relative_density` feature j has a probability of its own (paper, "Non-uniform superposition").
"""

from jaxtyping import Float32, Int64

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
