"""Sets of neighbours that fire with probability p = 1 − S: exactly one member, chosen evenly.

(Paper, "Correlated and anticorrelated features".) In a set of k each feature is active with probability p/k,
and no two are together. Sets may differ in size; one of a single feature is free.
"""

from jaxtyping import Float32, Int64

from tms_engine.arrays import Array, placed_like
from tms_engine.data import LawParameters
from tms_engine.data.correlated import check, sets_of
from tms_engine.data.stream import active, magnitude, upper

__all__ = ["check", "sample"]


def sample(
    word: Int64[Array, "*lead instances rows features"], parameters: LawParameters
) -> Float32[Array, "*lead instances rows features"]:
    """A set fires by its first member's word; its last member's chooses which one."""
    sets = sets_of(word.shape[-1], parameters.set_size)
    first, last, place = (placed_like(word, values) for values in (sets.first, sets.last, sets.place))
    chosen = (upper(word[..., last]) * (last - first + 1)) >> 32
    x = magnitude(word)
    x *= active(word[..., first], parameters.density) & (chosen == place)
    return x
