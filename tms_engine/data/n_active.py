"""Exactly n_active features in each row, every choice of them equally likely (the seed's last figure)."""

import math

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from tms_engine.arrays import Array
from tms_engine.data import LawParameters
from tms_engine.data.stream import magnitude
from tms_engine.errors import InputError


def check(n_features: int, parameters: LawParameters) -> None:
    if parameters.n_active > n_features:
        raise InputError(
            f"n_active is {parameters.n_active} but there are only {n_features} features", "n_active"
        )


def sample(
    word: Int64[Array, "*lead features"], parameters: LawParameters
) -> Float32[Array, "*lead features"]:
    """The active ones are those with the largest words. (No two in a row are equal, see `stream.words`.)"""
    x = magnitude(word)
    x *= largest(word, parameters.n_active)
    return x


def largest(word: Int64[Array, "*lead features"], k: int) -> Bool[Array, "*lead features"]:
    """Whether each word is among the k largest of its row."""
    if k == 0:
        return word != word
    if isinstance(word, np.ndarray):
        place = word.shape[-1] - k
        return word >= np.partition(word, place)[..., place, None]
    return word >= word.topk(k, sorted=False).values.amin(-1, keepdim=True)


def probabilities(
    active: Bool[np.ndarray, "sets features"], parameters: LawParameters
) -> Float64[np.ndarray, " sets"]:
    """1 over the number of choices for n_active features, 0 for others."""
    choices = math.comb(active.shape[1], parameters.n_active)
    return np.where(active.sum(1) == parameters.n_active, 1 / choices, 0.0)
