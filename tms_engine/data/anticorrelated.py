"""Sets of neighbours that fire with probability p = 1 − S: exactly one member, chosen evenly.

(Paper, "Correlated and anticorrelated features".) In a set of k each feature is active with probability p/k,
and no two are together. Sets may differ in size; one of a single feature is free.
"""

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from tms_engine.arrays import Array, placed_like
from tms_engine.data import LawParameters
from tms_engine.data.correlated import active_members, check, sets_of
from tms_engine.data.stream import active, magnitude, upper

__all__ = ["check", "probabilities", "sample"]


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


def probabilities(
    active: Bool[np.ndarray, "sets features"], parameters: LawParameters
) -> Float64[np.ndarray, " sets"]:
    """p / size for each set with one active member, 1 − p for each that is empty, 0 where one has more."""
    p, (members, sizes) = float(parameters.density), active_members(active, parameters)
    return np.where(members == 0, 1 - p, np.where(members == 1, p / sizes, 0.0)).prod(1)
