"""Sets of neighbours that fire together, with probability p = 1 − S.

Magnitudes within a set are independent (paper, "Correlated and anticorrelated features"). Two features of a
set have E[x_j x_k] = p/4, of different sets p²/4. Sets may differ in size; one of a single feature is free.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from tms_engine.arrays import Array, placed_like
from tms_engine.data import LawParameters
from tms_engine.data.stream import active, magnitude
from tms_engine.errors import InputError


class Sets(NamedTuple):
    """For each feature: its set's number, that set's first and last member, and its own place in it."""

    number: Int64[np.ndarray, " features"]
    first: Int64[np.ndarray, " features"]
    last: Int64[np.ndarray, " features"]
    place: Int64[np.ndarray, " features"]


@lru_cache(maxsize=8)
def sets_of(n_features: int, set_size: int | tuple[int, ...]) -> Sets:
    """The sets of so many features: all of one size, or of these sizes."""
    sizes = [set_size] * (n_features // set_size) if isinstance(set_size, int) else set_size
    number = np.repeat(np.arange(len(sizes)), sizes)
    ends = np.cumsum(sizes)
    first = (ends - sizes)[number]
    return Sets(number, first, ends[number] - 1, np.arange(n_features) - first)


def check(n_features: int, parameters: LawParameters) -> None:
    size = parameters.set_size
    if isinstance(size, int):
        if n_features % size:
            raise InputError(f"set_size {size} does not divide n_features {n_features}", "set_size")
    elif sum(size) != n_features:
        raise InputError(
            f"set_size has sizes that come to {sum(size)}, but n_features is {n_features}", "set_size"
        )


def sample(
    word: Int64[Array, "*lead instances rows features"], parameters: LawParameters
) -> Float32[Array, "*lead instances rows features"]:
    """A set fires by its first member's word."""
    sets = sets_of(word.shape[-1], parameters.set_size)
    x = magnitude(word)
    x *= active(word[..., placed_like(word, sets.first)], parameters.density)
    return x


def probabilities(
    active: Bool[np.ndarray, "sets features"], parameters: LawParameters
) -> Float64[np.ndarray, " sets"]:
    """p for each set that is whole, 1 − p for each that is empty, 0 where one is neither."""
    p, (members, sizes) = float(parameters.density), active_members(active, parameters)
    return np.select([members == 0, members == sizes], [1 - p, p], 0.0).prod(1)


def active_members(
    active: Bool[np.ndarray, "sets features"], parameters: LawParameters
) -> tuple[Int64[np.ndarray, "sets units"], Int64[np.ndarray, " units"]]:
    """How many of each unit, a set of the law's, are among these active features; and its size."""
    number = sets_of(active.shape[1], parameters.set_size).number
    belongs = (number[:, None] == np.arange(number[-1] + 1)).astype(np.int64)
    return active.astype(np.int64) @ belongs, belongs.sum(0)
