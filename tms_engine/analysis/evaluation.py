"""What a run has learned, in numbers: its loss on fresh data, and a summary.

Costs are linear in the number of instances.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

from tms_engine import sampling
from tms_engine.analysis import geometry
from tms_engine.arrays import placed_like, to_host
from tms_engine.data.stream import EVALUATION
from tms_engine.device import resolve_device
from tms_engine.errors import InputError
from tms_engine.models import model
from tms_engine.models.layers import forward, row_losses, rows_at_once
from tms_engine.training.run import Run
from tms_engine.training.state import Snapshot

# Rows that an instance is evaluated on unless told, and features × rows over all instances, beyond which they
# are fewer, down to the least.
ROWS = 1 << 17
_ENTRIES = 1 << 26
_LEAST_ROWS = 1 << 6
# Features × rows that one stream of words gives, and features × rows × instances of a piece: what stays in a
# processor's cache, and what a GPU takes at once.
_STREAM_ENTRIES = 1 << 20
_PIECE_ENTRIES, _DEVICE_PIECE_ENTRIES = 1 << 14, 1 << 22


class Evaluation(NamedTuple):
    """Loss on data that training never saw.

    loss            float64 (instances,): mean over rows and features of importance · (x̂ − x)²
    standard_error  float64 (instances,): of the loss, from the spread of the losses of its rows
    rows            rows of each instance
    """

    loss: Float64[np.ndarray, " instances"]
    standard_error: Float64[np.ndarray, " instances"]
    rows: int


@np.errstate(over="ignore", invalid="ignore")  # a diverged instance may well lose infinitely much
def evaluate(run: Run | Snapshot, rows: int | None = None, device: str | None = None) -> Evaluation:
    """Loss of each instance on `rows` fresh rows of its own, under the experiment in force at its step.

    The rows are the same at every call. Without `rows` they are 131,072, fewer where that would be slow;
    without a `device` they are evaluated where the run was trained, or can be (a snapshot: on the CPU).
    """
    snapshot = run.at() if isinstance(run, Run) else run
    where = resolve_device(device or (run.device if isinstance(run, Run) else "cpu"))
    n, n_instances = snapshot.experiment.n_features, snapshot.experiment.n_instances
    if rows is None:
        rows = min(ROWS, max(_LEAST_ROWS, _ENTRIES // (n * n_instances)))
    total, total_of_squares = np.zeros(n_instances), np.zeros(n_instances)
    for here, losses in _losses(snapshot, rows, where):
        total[here] += losses.sum(1)
        total_of_squares[here] += np.square(losses).sum(1)
    mean = total / rows
    variance = np.maximum(total_of_squares / rows - mean**2, 0) * (rows / max(rows - 1, 1))
    return Evaluation(mean, np.sqrt(variance / rows), rows)


def _losses(
    snapshot: Snapshot, rows: int, device: str
) -> Iterator[tuple[slice, Float64[np.ndarray, "some block"]]]:
    """The losses of fresh rows, in blocks of rows of some instances."""
    experiment, trained = snapshot.experiment, model(snapshot.experiment.model)
    numbers, parameters = experiment.numbers(), sampling.law_parameters(experiment)
    importance = experiment.feature_importance().astype(np.float32)
    entries = _PIECE_ENTRIES if device == "cpu" else _DEVICE_PIECE_ENTRIES
    n, m = experiment.n_features, experiment.n_hidden
    width = max(n, m)
    block = max(1, _STREAM_ENTRIES // n)
    piece = min(rows, block, max(1, entries // width))
    if device == "cpu":
        piece = min(piece, rows_at_once(n, m))
    some = max(1, entries // (width * piece))
    for first in range(0, experiment.n_instances, some):
        here = slice(first, first + some)
        law = parameters._replace(density=parameters.density[here])
        for row in itertools.chain.from_iterable(
            range(start, min(start + block, rows), piece) for start in range(0, rows, block)
        ):
            k, within = divmod(row, block)
            size = min(piece, block - within, rows - row)
            x = sampling.fresh_rows(experiment, numbers[here], law, size, EVALUATION + k, device, within)
            weights = {name: placed_like(x, value[here]) for name, value in snapshot.parameters.items()}
            reconstruction = forward(trained, weights, x).reconstruction
            losses = row_losses(trained.target(x), reconstruction, placed_like(x, importance[here]))
            yield here, to_host(losses).astype(np.float64)


def summarize(run: Run, evaluated: bool = True) -> dict[str, Any]:
    """The run in numbers, as JSON can hold them (None where a number is not finite).

    Without `evaluated` the losses on fresh data are left out, as None: they cost the most.
    """
    snapshot = run.at()
    n_instances = snapshot.experiment.n_instances
    unknown = Evaluation(np.full(n_instances, np.nan), np.full(n_instances, np.nan), 0)
    evaluation = evaluate(run) if evaluated else unknown
    weights = snapshot.weights
    diverged = run.state.diverged_at >= 0
    alive = evaluation.loss[~diverged]
    columns = {
        "number": snapshot.experiment.numbers().tolist(),
        "loss": _finite(evaluation.loss),
        "standard_error": _finite(evaluation.standard_error),
        "training_loss": _finite(snapshot.losses),
        "represented": geometry.represented(weights).sum(-1).tolist(),
        "total_dimensionality": _finite(geometry.dimensionality(weights).sum(-1)),
        "total_squared_norm": _finite(np.square(weights.astype(np.float64)).sum((-1, -2))),
        "diverged_at": [at if at >= 0 else None for at in run.state.diverged_at.tolist()],
    }
    return {
        "step": run.state.step,
        "steps": snapshot.experiment.steps,
        "loss": _number(alive.mean()) if len(alive) else None,
        "evaluation_rows": evaluation.rows,
        "diverged": [int(i) for i in np.flatnonzero(diverged)],
        "instances": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)],
        "changes": [change._asdict() for change in run.changes],
    }


def features_of(run: Run, instance: int) -> list[dict[str, Any]]:
    """The features of one instance, a record each, None where a number is not finite.

    Raises InputError if there is no such instance.
    """
    check_instance(run, instance)
    snapshot = run.at()
    weights = snapshot.weights[instance : instance + 1]
    columns: dict[str, Any] = {
        "norm": geometry.norms(weights)[0],
        "dimensionality": geometry.dimensionality(weights)[0],
        "interference": geometry.interference(weights)[0],
    }
    if snapshot.bias is not None:
        columns["bias"] = snapshot.bias[instance]
    importance = snapshot.experiment.feature_importance()[instance]
    if np.any(importance != 1):
        columns["importance"] = importance
    columns["represented"] = geometry.represented(weights)[0]
    return [
        {"feature": j, **dict(zip(columns, row, strict=True))}
        for j, row in enumerate(zip(*map(_finite, columns.values()), strict=True))
    ]


def check_instance(run: Run, instance: int) -> None:
    """Raise InputError if the run has no such instance."""
    if not 0 <= instance < run.experiment.n_instances:
        raise InputError(f"instance should be from 0 to {run.experiment.n_instances - 1}, not {instance}")


def _finite(values: np.ndarray) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
