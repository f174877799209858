"""Sets of set_size neighbours that fire together, with probability p = 1 − S.

Magnitudes within a set are independent (paper, "Correlated and anticorrelated features").
"""

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from tms_engine.arrays import Array
from tms_engine.data import LawParameters
from tms_engine.data.stream import active, magnitude
from tms_engine.errors import InputError


def check(n_features: int, parameters: LawParameters) -> None:
    if n_features % parameters.set_size:
        raise InputError(
            f"set_size {parameters.set_size} does not divide n_features {n_features}", "set_size"
        )


def sample(
    word: Int64[Array, "*lead instances rows features"], parameters: LawParameters
) -> Float32[Array, "*lead instances rows features"]:
    """A set fires by its first member's word."""
    members, fires = in_sets(word, parameters)
    return (magnitude(members) * fires).reshape(word.shape)


def in_sets(
    word: Int64[Array, "*lead instances rows features"], parameters: LawParameters
) -> tuple[Int64[Array, "*lead instances rows sets members"], Bool[Array, "*lead instances rows sets 1"]]:
    """The words by set, and which sets fire."""
    members = word.reshape(*word.shape[:-1], -1, parameters.set_size)
    return members, active(members[..., 0], parameters.density)[..., None]


def probabilities(
    active: Bool[np.ndarray, "sets features"], parameters: LawParameters
) -> Float64[np.ndarray, " sets"]:
    """p for each set that is whole, 1 − p for each that is empty, 0 where one is neither."""
    size, p = parameters.set_size, float(parameters.density)
    members = active.reshape(len(active), -1, size).sum(2)
    return np.select([members == 0, members == size], [1 - p, p], 0.0).prod(1)
