"""Sets of set_size neighbours that fire with probability p = 1 − S: exactly one member, chosen evenly.

(Paper, "Correlated and anticorrelated features".)
"""

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from tms_engine.arrays import Array, library_of
from tms_engine.data import LawParameters
from tms_engine.data.correlated import check, in_sets
from tms_engine.data.stream import magnitude, upper

__all__ = ["check", "probabilities", "sample"]


def sample(
    word: Int64[Array, "*lead instances rows features"], parameters: LawParameters
) -> Float32[Array, "*lead instances rows features"]:
    """A set fires by its first member's word; its last member's chooses which one."""
    members, fires = in_sets(word, parameters)
    chosen = (upper(members[..., -1:]) * parameters.set_size) >> 32
    member = library_of(word).arange(parameters.set_size, device=word.device)
    return (magnitude(members) * (fires & (member == chosen))).reshape(word.shape)


def probabilities(
    active: Bool[np.ndarray, "sets features"], parameters: LawParameters
) -> Float64[np.ndarray, " sets"]:
    """p / set_size for each set with one active member, 1 − p for each that is empty, 0 where one has
    more."""
    size, p = parameters.set_size, float(parameters.density)
    members = active.reshape(len(active), -1, size).sum(2)
    return np.select([members == 0, members == 1], [1 - p, p / size], 0.0).prod(1)
