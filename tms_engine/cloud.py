"""The activation cloud: a fixed sample of inputs, pushed through today's weights and projected to 3D.

The sample stays the same while the weights learn, so its points flow instead of flickering. Sampling,
encoding and projection run on the device; only the three coordinates of a point are copied.
"""

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from tms_engine import features
from tms_engine.autoencoder import forward, row_losses
from tms_engine.experiment import Experiment


def cloud_sample(
    experiment: Experiment, instance: int, rows: int, device: torch.device, n_active: int | None = None
) -> Float[Tensor, "{rows} features"]:
    """Inputs of one instance: as the experiment has them, or with exactly `n_active` features active."""
    if n_active is not None:
        experiment = experiment.replace(features="n_active", n_active=n_active)
    return features.fresh(experiment, instance, rows, features.CLOUD, device)


def project(
    x: Float[Tensor, "rows features"],
    weights: Float32[np.ndarray, "features hidden"],
    basis: Float32[np.ndarray, "hidden 3"],
) -> Float32[np.ndarray, "rows 3"]:
    """Hidden activations h = x W of one instance in the coordinates of a basis of `projection.py`."""
    hidden = x @ torch.tensor(weights, device=x.device)
    return (hidden @ torch.tensor(basis, device=x.device)).cpu().numpy()


def reconstruction_errors(
    x: Float[Tensor, "rows features"],
    weights: Float32[np.ndarray, "features hidden"],
    bias: Float32[np.ndarray, " features"] | None,
) -> Float32[np.ndarray, " rows"]:
    """Mean over features of (x̂ − x)² in each row, every feature as important."""
    b = None if bias is None else torch.tensor(bias, device=x.device)[None]
    output = forward(x[None], torch.tensor(weights, device=x.device)[None], b)
    return row_losses(x[None], output.reconstruction, None)[0].cpu().numpy()
