"""Sets of neighbours of which the others may be active only if the first is: parents and children.

The first fires with probability p = 1 − S; each other follows, by itself, with probability
q = `follow_probability`. A child is active with probability pq, never without its parent; two children of one
parent together with probability pq². (Chanin et al. 2024, "A is for Absorption", on what dictionaries make of
such features.)
"""

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from tms_engine.arrays import Array, placed_like
from tms_engine.data import LawParameters
from tms_engine.data.correlated import check, sets_of
from tms_engine.data.stream import active, magnitude, thresholds, upper

__all__ = ["check", "probabilities", "sample"]


def sample(
    word: Int64[Array, "*lead instances rows features"], parameters: LawParameters
) -> Float32[Array, "*lead instances rows features"]:
    """A set fires by its first member's word, a child follows by its own."""
    sets = sets_of(word.shape[-1], parameters.set_size)
    follows = upper(word) < placed_like(word, thresholds(np.array([parameters.follow_probability])))
    x = magnitude(word)
    x *= active(word[..., placed_like(word, sets.first)], parameters.density)
    x *= follows | placed_like(word, sets.place == 0)
    return x


def probabilities(
    active: Bool[np.ndarray, "sets features"], parameters: LawParameters
) -> Float64[np.ndarray, " sets"]:
    """p of each first that is active, q of each other that follows it; 0 where one is active without its
    first."""
    sets, p = sets_of(active.shape[1], parameters.set_size), float(parameters.density)
    q, child = parameters.follow_probability, sets.place > 0
    of_children = np.where(active[:, sets.first], np.where(active, q, 1 - q), ~active)
    return np.where(child, of_children, np.where(active, p, 1 - p)).prod(1)
