"""The activation cloud: a fixed sample of inputs, pushed through today's weights and projected to 3D.

The sample stays the same while the weights learn, so its points flow instead of flickering. Sampling,
encoding and projection run on the device, on the CPU with numpy; only a point's coordinates are copied.
"""

import numpy as np
from jaxtyping import Float, Float32

from tms_engine import sampling
from tms_engine.arrays import Array, placed_like, to_host
from tms_engine.data.stream import CLOUD
from tms_engine.experiment import Experiment
from tms_engine.models import model
from tms_engine.models.layers import encode_linearly, forward, row_blocks, row_losses
from tms_engine.training.state import Snapshot

# Entries of the weights and of a sample, and multiplications, with which a cloud is drawn in some
# milliseconds; and rows below which it is no cloud.
_WEIGHTS, _ENTRIES, _PRODUCTS = 1 << 21, 1 << 22, 1 << 25
_LEAST_ROWS = 16


def cloud_sample(
    experiment: Experiment, instance: int, rows: int, device: str, n_active: int | None = None
) -> Float[Array, "{rows} features"]:
    """Inputs of one instance: as the experiment has them, or with exactly `n_active` features active.

    Samples with different numbers of active features are independent of each other.
    """
    if n_active is None:
        return sampling.fresh(experiment, instance, rows, CLOUD, device)
    alone = experiment.alone(instance).replace(features="n_active", n_active=n_active)
    return sampling.fresh(alone, 0, rows, CLOUD + 1 + n_active, device)


def most_rows(experiment: Experiment, projects_errors: bool = False) -> int:
    """Rows of a cloud that are drawn in a moment; 0 where not even a few are.

    With `projects_errors`, rows of which the reconstruction errors are wanted, too.
    """
    n, m = experiment.n_features, experiment.n_hidden
    if n * m > _WEIGHTS:
        return 0
    linear = model(experiment.model).encode is encode_linearly
    whole = projects_errors or not linear
    rows = min(_ENTRIES // n, _PRODUCTS // (n * m) if whole else _ENTRIES)
    return rows if rows >= _LEAST_ROWS else 0


@np.errstate(over="ignore", invalid="ignore")  # weights may be about to diverge
def project(
    x: Float[Array, "rows features"],
    snapshot: Snapshot,
    instance: int,
    basis: Float32[np.ndarray, "hidden 3"],
) -> Float32[np.ndarray, "rows 3"]:
    """Hidden activations h of one instance in the coordinates of a basis of `projection.py`."""
    parameters, onto = _of_instance(snapshot, instance, x), placed_like(x, basis)
    encode = model(snapshot.experiment.model).encode
    if encode is encode_linearly:  # (xW)B = x(WB), whose rows cost 3 multiplications a feature instead of m
        return to_host(x @ (parameters["W"][0] @ onto))
    blocks = row_blocks(x, len(basis))
    return np.concatenate([to_host(encode(parameters, rows[None])[0] @ onto) for rows in blocks])


@np.errstate(over="ignore", invalid="ignore")  # weights may be about to diverge
def reconstruction_errors(
    x: Float[Array, "rows features"], snapshot: Snapshot, instance: int
) -> Float32[np.ndarray, " rows"]:
    """Mean over features of the squared error in each row, every feature as important."""
    parameters, trained = _of_instance(snapshot, instance, x), model(snapshot.experiment.model)
    blocks = (rows[None] for rows in row_blocks(x, snapshot.experiment.n_hidden))
    errors = [
        row_losses(trained.target(rows), forward(trained, parameters, rows).reconstruction, None)[0]
        for rows in blocks
    ]
    return np.concatenate([to_host(rows) for rows in errors])


def _of_instance(
    snapshot: Snapshot, instance: int, x: Float[Array, "..."]
) -> dict[str, Float[Array, "1 ..."]]:
    """The parameters of one instance, where the sample lies."""
    return {
        name: placed_like(x, value[instance : instance + 1]) for name, value in snapshot.parameters.items()
    }
