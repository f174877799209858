"""The model: h = x W, x̂ = ReLU(h Wᵀ + b), and its loss. The definition all kernels must agree with.

Row j of W is the direction of feature j in the hidden space. Every array has an instance axis; read
the lines below for one instance by leaving it out. `forward` and `row_losses` take arrays of numpy or of
torch; through torch's, autograd finds its way.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from tms_engine.arrays import Array, library_of
from tms_engine.experiment import Experiment

# Multiplications in a product of matrices beyond which OpenBLAS, numpy's, wakes its threads.
_ONE_THREAD = 1 << 18


class Output(NamedTuple):
    reconstruction: Float[Array, "instances batch features"]  # x̂
    hidden: Float[Array, "instances batch hidden"]  # h


def initial_parameters(experiment: Experiment) -> dict[str, Float32[np.ndarray, "instances ..."]]:
    """W (instances, features, hidden) and, with a bias, b (instances, features) before the first step.

    Instance i has a generator of its own, from (seed, i): the same weights whatever stands beside it.
    Xavier's standard deviation √(2 / (n + m)) is that of one instance, whatever their number.
    """
    n, m = experiment.n_features, experiment.n_hidden
    std = 1.0 if experiment.init == "normal" else (2 / (n + m)) ** 0.5
    generators = [np.random.default_rng([experiment.seed, i]) for i in range(experiment.n_instances)]
    weights = np.stack([g.standard_normal((n, m)) for g in generators]) * std
    parameters = {"W": weights.astype(np.float32)}
    if experiment.bias:
        parameters["b"] = np.zeros((experiment.n_instances, n), np.float32)
    return parameters


def forward(
    x: Float[Array, "instances batch features"],
    weights: Float[Array, "instances features hidden"],
    bias: Float[Array, "instances features"] | None,
) -> Output:
    """Encode and reconstruct."""
    hidden = x @ weights
    linear = hidden @ weights.mT
    if bias is not None:
        linear = linear + bias[:, None, :]
    return Output(_relu(linear), hidden)


def _relu(linear: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """torch's own for tensors: its gradient at 0 is 0, and that of a maximum would be a half."""
    return np.maximum(linear, 0) if isinstance(linear, np.ndarray) else library_of(linear).relu(linear)


def row_losses(
    x: Float[Array, "instances batch features"],
    reconstruction: Float[Array, "instances batch features"],
    importance: Float[Array, "instances features"] | None,
) -> Float[Array, "instances batch"]:
    """Loss of each row: the mean over features of importance · (x̂ − x)². No importance means 1 for all.

    A batch's loss is the mean of its rows'. (The seed prints that divided by the batch size once more.)
    """
    errors = (reconstruction - x) ** 2
    if importance is not None:
        errors = errors * importance[:, None, :]
    return errors.mean(-1)


def row_blocks(
    x: Float[Array, "rows features"], weights: Float[Array, "features hidden"]
) -> Iterator[Float[Array, "_ features"]]:
    """The rows of `x` in pieces, where it is numpy's, in order; a device takes them whole.

    They are so small that each product stays in a core's cache and on one thread. More threads gain little
    on arrays of this size, and where another program has the core, all of them wait for the one without.
    """
    size = weights.shape[0] * weights.shape[1]
    small = isinstance(x, np.ndarray) and size <= _ONE_THREAD // 16  # else a piece would be a few rows
    rows = _ONE_THREAD // size if small else max(1, len(x))
    for first in range(0, len(x), rows):
        yield x[first : first + rows]
