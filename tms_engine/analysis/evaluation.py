"""What a run has learned, in numbers: its loss on fresh data, and a summary."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

from tms_engine import data as features
from tms_engine.analysis import geometry
from tms_engine.arrays import beside, to_host
from tms_engine.device import resolve_device
from tms_engine.errors import InputError
from tms_engine.experiment import Experiment
from tms_engine.models.tied_relu import forward, row_blocks, row_losses
from tms_engine.training.state import State
from tms_engine.training.trainer import Run

# Rows an instance is evaluated on unless told, and features × rows over all instances at most.
ROWS = 1 << 17
_ENTRIES = 1 << 26
_BLOCK_ENTRIES = 1 << 20


class Evaluation(NamedTuple):
    """Loss on data that training never saw."""

    loss: Float64[np.ndarray, " instances"]
    standard_error: Float64[np.ndarray, " instances"]  # of the loss, from the spread of its rows
    rows: int  # rows of each instance


@np.errstate(over="ignore", invalid="ignore")  # a diverged instance may well lose infinitely much
def evaluate(run: Run, rows: int | None = None, device: str | None = None) -> Evaluation:
    """Loss of each instance on `rows` fresh rows of its own, under the experiment now in force.

    The rows are the same at every call. Without `rows` they are 131,072, fewer where that would be slow;
    without a `device` they are evaluated where the run was trained, or can be.
    """
    experiment, where = run.current, resolve_device(device or run.device)
    n, n_instances = experiment.n_features, experiment.n_instances
    if rows is None:
        rows = min(ROWS, max(4096, _ENTRIES // (n * n_instances)))
    total, total_of_squares = np.zeros(n_instances), np.zeros(n_instances)
    for i in range(n_instances):
        for losses in _losses(experiment, run.state, i, rows, where):
            total[i] += losses.sum()
            total_of_squares[i] += np.square(losses).sum()
    mean = total / rows
    variance = np.maximum(total_of_squares / rows - mean**2, 0) * (rows / max(rows - 1, 1))
    return Evaluation(mean, np.sqrt(variance / rows), rows)


def _losses(
    experiment: Experiment, state: State, instance: int, rows: int, device: str
) -> Iterator[Float64[np.ndarray, " block"]]:
    """The losses of an instance's fresh rows, in blocks."""
    importance = experiment.importance()[instance].astype(np.float32)
    block = max(1, _BLOCK_ENTRIES // experiment.n_features)
    for k, first in enumerate(range(0, rows, block)):
        x = features.fresh(experiment, instance, min(block, rows - first), features.EVALUATION + k, device)
        weights = beside(x, state.weights[instance])
        bias = None if state.bias is None else beside(x, state.bias[instance])[None]
        for part in row_blocks(x, weights):
            reconstruction = forward(part[None], weights[None], bias).reconstruction
            losses = row_losses(part[None], reconstruction, beside(x, importance)[None])[0]
            yield to_host(losses).astype(np.float64)


def summarize(run: Run) -> dict[str, Any]:
    """The run in numbers, as JSON can hold them (None where a number is not finite)."""
    evaluation = evaluate(run)
    weights = run.state.weights
    dimensionality = geometry.dimensionality(weights)
    diverged = run.state.diverged_at >= 0
    alive = evaluation.loss[~diverged]
    return {
        "step": run.state.step,
        "steps": run.current.steps,
        "loss": _number(alive.mean()) if len(alive) else None,
        "evaluation_rows": evaluation.rows,
        "diverged": [int(i) for i in np.flatnonzero(diverged)],
        "instances": [
            {
                "loss": _number(evaluation.loss[i]),
                "standard_error": _number(evaluation.standard_error[i]),
                "training_loss": _number(run.history.recent_loss()[i]),
                "represented": int(geometry.represented(weights)[i].sum()),
                "total_dimensionality": _number(dimensionality[i].sum()),
                "total_squared_norm": _number(np.square(weights[i]).sum()),
                "diverged_at": int(run.state.diverged_at[i]) if diverged[i] else None,
            }
            for i in range(len(weights))
        ],
        "changes": [change._asdict() for change in run.changes],
    }


def features_of(run: Run, instance: int) -> list[dict[str, Any]]:
    """The features of one instance, a record each. Raises InputError if there is no such instance."""
    check_instance(run, instance)
    weights = run.state.weights
    columns: dict[str, Any] = {
        "norm": geometry.norms(weights)[instance],
        "dimensionality": geometry.dimensionality(weights)[instance],
        "interference": geometry.interference(weights)[instance],
    }
    if run.state.bias is not None:
        columns["bias"] = run.state.bias[instance]
    importance = run.current.importance()[instance]
    if np.any(importance != 1):
        columns["importance"] = importance
    columns["represented"] = geometry.represented(weights)[instance]
    return [
        {"feature": j, **{name: values[j].item() for name, values in columns.items()}}
        for j in range(weights.shape[1])
    ]


def check_instance(run: Run, instance: int) -> None:
    """Raise InputError if the run has no such instance."""
    if not 0 <= instance < run.experiment.n_instances:
        raise InputError(f"instance should be from 0 to {run.experiment.n_instances - 1}, not {instance}")


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
