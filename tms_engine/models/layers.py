"""What the models are made of, for arrays of numpy or torch, and the loss that they share."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from tms_engine.arrays import Array, library_of
from tms_engine.models import Model, Sizes

# Multiplications in a product of matrices beyond which OpenBLAS, numpy's, wakes its threads.
_ONE_THREAD = 1 << 18


class Output(NamedTuple):
    reconstruction: Float[Array, "instances batch features"]  # x̂
    hidden: Float[Array, "instances batch hidden"]  # h


def forward(
    model: Model, parameters: dict[str, Float[Array, "..."]], x: Float[Array, "instances batch features"]
) -> Output:
    """Encode and reconstruct."""
    hidden = model.encode(parameters, x)
    return Output(model.decode(parameters, hidden), hidden)


def weights_and_bias(sizes: Sizes, generator: np.random.Generator) -> dict[str, Float32[np.ndarray, "..."]]:
    """W (features, hidden), normal with the wanted deviation, and b (features) = 0 where there is a bias."""
    weights = generator.standard_normal((sizes.n_features, sizes.n_hidden)) * sizes.std
    return {"W": weights.astype(np.float32)} | zero_bias(sizes)


def zero_bias(sizes: Sizes) -> dict[str, Float32[np.ndarray, " features"]]:
    """b (features) = 0 where there is a bias."""
    return {"b": np.zeros(sizes.n_features, np.float32)} if sizes.bias else {}


def encode_linearly(
    parameters: dict[str, Any], x: Float[Array, "instances batch features"]
) -> Float[Array, "instances batch hidden"]:
    """h = xW."""
    return x @ parameters["W"]


def decode_linearly(
    parameters: dict[str, Any], hidden: Float[Array, "instances batch hidden"]
) -> Float[Array, "instances batch features"]:
    """hWᵀ + b."""
    return add_bias(hidden @ parameters["W"].mT, parameters)


def tied_matrix(parameters: dict[str, Any]) -> Float[Array, "instances features features"]:
    """W Wᵀ: what x is multiplied by."""
    return parameters["W"] @ parameters["W"].mT


def add_bias(
    linear: Float[Array, "instances batch features"], parameters: dict[str, Any]
) -> Float[Array, "instances batch features"]:
    """linear + b, or linear alone for a model without a bias."""
    return linear + parameters["b"][:, None, :] if "b" in parameters else linear


def relu(linear: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """torch's own for tensors: its gradient at 0 is 0, and that of a maximum would be a half."""
    return np.maximum(linear, 0) if isinstance(linear, np.ndarray) else library_of(linear).relu(linear)


def row_losses(
    target: Float[Array, "instances batch features"],
    reconstruction: Float[Array, "instances batch features"],
    importance: Float[Array, "instances features"] | None,
) -> Float[Array, "instances batch"]:
    """Loss of each row: the mean over features of importance · (x̂ − x)². No importance means 1 for all.

    A batch's loss is the mean of its rows'. (The seed prints that divided by the batch size once more.)
    """
    errors = (reconstruction - target) ** 2
    if importance is not None:
        errors = errors * importance[:, None, :]
    return errors.mean(-1)


def rows_at_once(n_features: int, n_hidden: int) -> int:
    """Rows of numpy's that go through a model at once: each product stays in a core's cache, on one thread.

    More threads gain little on arrays of this size, and where another program has the core, all of them wait
    for the one without.
    """
    size = n_features * n_hidden
    small = size <= _ONE_THREAD // 16  # else a piece would be a few rows
    return _ONE_THREAD // size if small else 1 << 62


def row_blocks(x: Float[Array, "rows features"], n_hidden: int) -> Iterator[Float[Array, "_ features"]]:
    """The rows of `x` in pieces, where it is numpy's, in order; a device takes them whole."""
    at_once = rows_at_once(x.shape[1], n_hidden) if isinstance(x, np.ndarray) else len(x)
    for first in range(0, len(x), max(1, at_once)):
        yield x[first : first + at_once]
