"""The model: h = x W, x̂ = ReLU(h Wᵀ + b), and its loss. The definition all kernels must agree with.

Row j of W is the direction of feature j in the hidden space. Every array has an instance axis; read
the lines below for one instance by leaving it out.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from tms_engine.experiment import Experiment


class Output(NamedTuple):
    reconstruction: Float[Tensor, "instances batch features"]  # x̂
    hidden: Float[Tensor, "instances batch hidden"]  # h


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
    x: Float[Tensor, "instances batch features"],
    weights: Float[Tensor, "instances features hidden"],
    bias: Float[Tensor, "instances features"] | None,
) -> Output:
    """Encode and reconstruct."""
    hidden = x @ weights
    linear = hidden @ weights.mT
    if bias is not None:
        linear = linear + bias[:, None, :]
    return Output(torch.relu(linear), hidden)


def row_losses(
    x: Float[Tensor, "instances batch features"],
    reconstruction: Float[Tensor, "instances batch features"],
    importance: Float[Tensor, "instances features"] | None,
) -> Float[Tensor, "instances batch"]:
    """Loss of each row: the mean over features of importance · (x̂ − x)². No importance means 1 for all.

    A batch's loss is the mean of its rows'. (The seed prints that divided by the batch size once more.)
    """
    errors = (reconstruction - x).square()
    if importance is not None:
        errors = errors * importance[:, None, :]
    return errors.mean(-1)
