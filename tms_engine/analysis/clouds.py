"""The activation cloud: a fixed sample of inputs, pushed through today's weights and projected to 3D.

The sample stays the same while the weights learn, so its points flow instead of flickering. Sampling,
encoding and projection run on the device, on the CPU with numpy; only a point's coordinates are copied.
"""

import numpy as np
from jaxtyping import Float, Float32

from tms_engine import data as features
from tms_engine.arrays import Array, beside, to_host
from tms_engine.experiment import Experiment
from tms_engine.models.tied_relu import forward, row_blocks, row_losses


def cloud_sample(
    experiment: Experiment, instance: int, rows: int, device: str, n_active: int | None = None
) -> Float[Array, "{rows} features"]:
    """Inputs of one instance: as the experiment has them, or with exactly `n_active` features active."""
    if n_active is not None:
        experiment = experiment.replace(features="n_active", n_active=n_active)
    return features.fresh(experiment, instance, rows, features.CLOUD, device)


@np.errstate(over="ignore", invalid="ignore")  # weights may be about to diverge
def project(
    x: Float[Array, "rows features"],
    weights: Float32[np.ndarray, "features hidden"],
    basis: Float32[np.ndarray, "hidden 3"],
) -> Float32[np.ndarray, "rows 3"]:
    """Hidden activations h = x W of one instance in the coordinates of a basis of `projection.py`."""
    w, b = beside(x, weights), beside(x, basis)
    return np.concatenate([to_host(rows @ w @ b) for rows in row_blocks(x, w)])


@np.errstate(over="ignore", invalid="ignore")  # weights may be about to diverge
def reconstruction_errors(
    x: Float[Array, "rows features"],
    weights: Float32[np.ndarray, "features hidden"],
    bias: Float32[np.ndarray, " features"] | None,
) -> Float32[np.ndarray, " rows"]:
    """Mean over features of (x̂ − x)² in each row, every feature as important."""
    w, b = beside(x, weights), None if bias is None else beside(x, bias)[None]
    blocks = (rows[None] for rows in row_blocks(x, w))
    errors = [row_losses(rows, forward(rows, w[None], b).reconstruction, None)[0] for rows in blocks]
    return np.concatenate([to_host(rows) for rows in errors])
