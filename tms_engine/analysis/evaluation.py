"""What a run has learned, in numbers: its loss on fresh data, places by it, and a summary.

Of small models the expected loss is exact (`exact.py`), and nothing is drawn. Every other model of a data law
is evaluated on the same rows (`strata.py`). So two models that differ little are told apart, with an error
far below that of either loss. Which it is, and the number of rows, depend on what the model is alone: its
loss is the same number by itself, among others, in the app and on the command line.

Costs are linear in the number of instances.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64

from tms_engine import sampling
from tms_engine.analysis import exact, geometry
from tms_engine.analysis.polytopes import name_instances
from tms_engine.analysis.strata import by_density, pieces, strata
from tms_engine.arrays import (
    Array,
    different_rows,
    library_of,
    placed_like,
    places_of_each,
    single,
    to_host,
)
from tms_engine.device import resolve_device
from tms_engine.digits import how_exact
from tms_engine.errors import InputError
from tms_engine.experiment import PER_FEATURE, Experiment
from tms_engine.models import model
from tms_engine.models.layers import forward, row_blocks, row_losses
from tms_engine.training.run import Run
from tms_engine.training.state import Snapshot

# Of how losses are worked out. A summary that was saved by another method is made anew.
METHOD = 3

# Rows that are drawn for an instance unless told; fewer, down to the least, where they come to more entries
# than these, or to more multiplications.
ROWS = 1 << 13
_LEAST_ROWS, _ENTRIES, _MULTIPLICATIONS = 1 << 7, 1 << 25, 1 << 30
# Independent parts of the rows, from whose spread the standard errors are; fewer, down to the least, where a
# row of each has more entries than these.
PARTS, _LEAST_PARTS, _PART_ENTRIES = 64, 8, 1 << 21
# Features × rows × instances of a piece: what stays in a processor's cache, and what a GPU takes at once.
_PIECE_ENTRIES, _DEVICE_PIECE_ENTRIES = 1 << 14, 1 << 22


class Evaluation(NamedTuple):
    """Loss on data that training never saw.

    loss            float64 (instances,): the mean over rows and features of importance · (x̂ − x)²
    standard_error  float64 (instances,): of the loss, from the spread of its parts; 0 where it is exact rows
    rows that were drawn for each instance; 0 where the losses are exact, to 1e-6 of themselves parts
    float64 (instances, parts): the loss by each of the independent parts of the rows, which
                    are the same for all instances; `loss` is their mean (and the only part where it is exact)
    """

    loss: Float64[np.ndarray, " instances"]
    standard_error: Float64[np.ndarray, " instances"]
    rows: int
    parts: Float64[np.ndarray, "instances parts"]


class FeatureLosses(NamedTuple):
    """Where the loss of one instance comes from.

    loss            float64 (features,): importance · E[(x̂_j − x_j)²]; their mean is the loss of the instance
    standard_error  float64 (features,): of these; 0 where they are exact
    rows            rows that were drawn; 0 where they are exact
    """

    loss: Float64[np.ndarray, " features"]
    standard_error: Float64[np.ndarray, " features"]
    rows: int


class Comparison(NamedTuple):
    """Places by loss, the best first, among the instances that have the same sparsity and importances.

    Losses at other sparsities or importances are of another task, and are not compared. Diverged instances
    have no place.

    rank     int64 (instances,): from 1; 0 where there is none
    among    int64 (instances,): how many are compared, itself included
    to_best  float64 (instances,): its loss less that of the best of them; NaN where there is no rank
    error    float64 (instances,): standard error of that difference, far below that of either loss, since
             both are of the same rows; 0 where losses are exact
    """

    rank: Int64[np.ndarray, " instances"]
    among: Int64[np.ndarray, " instances"]
    to_best: Float64[np.ndarray, " instances"]
    error: Float64[np.ndarray, " instances"]


def evaluate(
    run: Run | Snapshot, rows: int | None = None, device: str | None = None, *, sample: int = 0
) -> Evaluation:
    """Loss of each instance on data that training never saw, under the experiment in force at its step.

    It is the exact expectation where that is known: for up to 8 features of tied_relu, linear and untied
    models with a data law of the package (`exact.refusal` says why it is not). Else, and where `rows` or a
    `sample` are asked for, it is that of fresh rows. These are the same at every call, and for every run of
    the same data law, whatever its random seed; `sample` is the number of an independent sample of them.
    `rows` are drawn for each instance (a multiple of the parts), by default 8,192, fewer for large models.
    Without a `device` they are evaluated where the run was trained, or can be (a snapshot: on the CPU).
    """
    *_, evaluation = evaluating(run, rows, device, sample=sample)
    assert evaluation is not None
    return evaluation


def evaluating(
    run: Run | Snapshot, rows: int | None = None, device: str | None = None, *, sample: int = 0
) -> Iterator[Evaluation | None]:
    """`evaluate` in short pieces: gives None after each, and at last the Evaluation."""
    snapshot = run.at() if isinstance(run, Run) else run
    where = resolve_device(device or (run.device if isinstance(run, Run) else "cpu"))
    if rows is None and sample == 0 and not exact.refusal(snapshot.experiment):
        yield from _exactly(snapshot)
    else:
        yield from _by_rows(snapshot, rows, where, sample)


def _by_rows(snapshot: Snapshot, rows: int | None, where: str, sample: int) -> Iterator[Evaluation | None]:
    """`evaluating`, on rows that are drawn."""
    experiment = snapshot.experiment
    wanted = max(1, default_rows(experiment) if rows is None else rows)
    width = max(experiment.n_features, experiment.n_hidden)
    entries = _PIECE_ENTRIES if where == "cpu" else _DEVICE_PIECE_ENTRIES
    parts = _parts(experiment, wanted)
    at_once = max(1, entries // (width * parts)) * parts  # rows: so that a piece has whole parts
    importance = single(experiment.feature_importance())
    total, drawn = np.zeros((experiment.n_instances, parts)), 0
    for density, places in by_density(experiment):
        own = experiment if experiment.relative_density is None else experiment.alone(int(places[0]))
        layers = strata(experiment, density, wanted, parts)
        drawn = max(drawn, sum(stratum.rows for stratum in layers if not stratum.exact))
        for stratum in layers:
            share = stratum.probability / stratum.rows
            for x in pieces(own, density, stratum, at_once, where, sample):
                some = max(1, entries // (width * len(x)))
                for here in (places[first : first + some] for first in range(0, len(places), some)):
                    losses = _row_losses(snapshot, here, x, importance[here])
                    if stratum.exact:
                        total[here] += share * losses.sum(1, keepdims=True)
                    else:
                        total[here] += share * parts * losses.reshape(len(here), -1, parts).sum(1)
                    yield None
    with np.errstate(over="ignore", invalid="ignore"):  # a diverged instance may lose infinitely much
        yield Evaluation(total.mean(1), _error_of_mean(total) if drawn else 0 * total[:, 0], drawn, total)


def _exactly(snapshot: Snapshot) -> Iterator[Evaluation | None]:
    """`evaluating`, where the expected loss is known."""
    experiment = snapshot.experiment
    importance = experiment.feature_importance()
    of_features = np.empty(importance.shape)
    for density, places in by_density(experiment):
        yield from exact.expected_losses(snapshot, density, places, importance[places], of_features)
    with np.errstate(over="ignore", invalid="ignore"):
        losses = of_features.mean(1)
    yield Evaluation(losses, np.zeros_like(losses), 0, losses[:, None])


def feature_losses(run: Run | Snapshot, instance: int) -> FeatureLosses:
    """The loss of each feature of one instance, worked out as `evaluate` works out the instance's.

    Raises InputError if there is no such instance.
    """
    snapshot = run.at() if isinstance(run, Run) else run
    check_instance(snapshot, instance)
    experiment = snapshot.experiment.alone(instance)
    parameters = {name: value[instance : instance + 1] for name, value in snapshot.parameters.items()}
    alone = Snapshot(snapshot.step, experiment, parameters, snapshot.losses[instance : instance + 1])
    importance, n = experiment.feature_importance(), experiment.n_features
    if not exact.refusal(experiment):
        losses = np.empty((1, n))
        (density, places), *_ = by_density(experiment)
        for _ in exact.expected_losses(alone, density, places, importance, losses):
            pass
        return FeatureLosses(losses[0], np.zeros(n), 0)
    width, (density, _), *_ = max(n, experiment.n_hidden), *by_density(experiment)
    wanted, parts = default_rows(experiment), _parts(experiment)
    total, drawn = np.zeros((n, parts)), 0
    for stratum in strata(experiment, density, wanted, parts):
        drawn += 0 if stratum.exact else stratum.rows
        share = stratum.probability / stratum.rows
        for x in pieces(
            experiment, density, stratum, max(1, _PIECE_ENTRIES // (width * parts)) * parts, "cpu", 0
        ):
            errors = _errors(alone, x, importance[0])
            if stratum.exact:
                total += share * errors.sum(0)[:, None]
            else:
                total += share * parts * errors.reshape(-1, parts, n).sum(0).T
    with np.errstate(over="ignore", invalid="ignore"):
        return FeatureLosses(total.mean(1), _error_of_mean(total) if drawn else np.zeros(n), drawn)


def _errors(
    alone: Snapshot, x: Float32[np.ndarray, "rows features"], importance: Float64[np.ndarray, " features"]
) -> Float64[np.ndarray, "rows features"]:
    """Importance · (x̂_j − x_j)² of the only instance, in each row."""
    trained = model(alone.experiment.model)
    with np.errstate(over="ignore", invalid="ignore"):
        blocks = [
            (trained.target(rows[None]) - forward(trained, alone.parameters, rows[None]).reconstruction)[0]
            for rows in row_blocks(x, alone.experiment.n_hidden)
        ]
        return np.square(np.concatenate(blocks).astype(np.float64)) * importance


def _parts(experiment: Experiment, rows: int | None = None) -> int:
    """Independent parts of the rows that are drawn, so many in all."""
    width = max(experiment.n_features, experiment.n_hidden)
    most = (default_rows(experiment) if rows is None else rows) // 2
    return max(1, min(PARTS, max(_LEAST_PARTS, _PART_ENTRIES // width), most))


def default_rows(experiment: Experiment) -> int:
    """Rows that `evaluate` draws for an instance of this experiment."""
    n, m = experiment.n_features, experiment.n_hidden
    most = min(_ENTRIES // max(n, m), _MULTIPLICATIONS // (n * m))
    return min(ROWS, max(_LEAST_ROWS, most // PARTS * PARTS))


def _row_losses(
    snapshot: Snapshot,
    here: Int64[np.ndarray, " block"],
    x: Float32[Array, "rows features"],
    importance: Float32[np.ndarray, "block features"],
) -> Float64[np.ndarray, "block rows"]:
    """The loss of each row in some of the instances."""
    trained, importances = model(snapshot.experiment.model), placed_like(x, importance)
    weights = {name: placed_like(x, value[here]) for name, value in snapshot.parameters.items()}
    losses = []
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in row_blocks(x, snapshot.experiment.n_hidden):
            shared = library_of(x).broadcast_to(rows, (len(here), *rows.shape))
            reconstruction = forward(trained, weights, shared).reconstruction
            losses.append(to_host(row_losses(trained.target(shared), reconstruction, importances)))
    return np.concatenate(losses, 1).astype(np.float64)


def _error_of_mean(parts: Float64[np.ndarray, "some parts"]) -> Float64[np.ndarray, " some"]:
    """Standard error of the mean of independent parts; NaN where there is one."""
    if parts.shape[1] < 2:
        return np.full(len(parts), np.nan)
    with np.errstate(over="ignore", invalid="ignore"):
        return parts.std(1, ddof=1) / math.sqrt(parts.shape[1])


def compare(snapshot: Snapshot, evaluation: Evaluation) -> Comparison:
    """The places of a snapshot's instances by their losses on fresh data."""
    loss, n_instances = evaluation.loss, len(evaluation.loss)
    alive = np.isfinite(loss)
    alive[list(snapshot.diverged)] = False
    rank, among = np.zeros(n_instances, np.int64), np.zeros(n_instances, np.int64)
    to_best, error = np.full(n_instances, np.nan), np.full(n_instances, np.nan)
    for places in comparable(snapshot.experiment):
        some = places[alive[places]]
        if len(some):
            order = some[np.argsort(loss[some], kind="stable")]
            rank[order], among[order] = np.arange(1, len(order) + 1), len(order)
            to_best[order] = loss[order] - loss[order[0]]
            differences = evaluation.parts[order] - evaluation.parts[order[0]]
            error[order] = _error_of_mean(differences) if evaluation.rows else 0
    return Comparison(rank, among, to_best, error)


def comparable(experiment: Experiment) -> list[Int64[np.ndarray, " some"]]:
    """The places of the instances that have the same data and importances, by groups."""
    varied = [
        name for name in ("sparsity", "importance_decay") if isinstance(getattr(experiment, name), tuple)
    ]
    if sampling.fires(experiment) == "n_active" and "sparsity" in varied:
        varied.remove("sparsity")
    columns = [experiment.per_instance(name)[:, None] for name in varied]
    lists = [getattr(experiment, name) for name in PER_FEATURE if experiment.differs(name)]
    columns += [np.array(values, np.float64) for values in lists]
    if not columns:
        return [np.arange(experiment.n_instances)]
    return places_of_each(different_rows(np.concatenate(columns, 1))[1])


def summarize(run: Run, evaluated: bool = True) -> dict[str, Any]:
    """The run in numbers, as JSON can hold them (None where a number is not finite).

    Without `evaluated` the losses on fresh data and the names of the geometry are left out, as None: they
    cost the most.
    """
    snapshot = run.at()
    evaluation = evaluate(run) if evaluated else None
    diverged = run.state.diverged_at >= 0
    alive = np.empty(0) if evaluation is None else evaluation.loss[~diverged & np.isfinite(evaluation.loss)]
    return {
        "step": run.state.step,
        "steps": snapshot.experiment.steps,
        "loss": _number(alive.mean()) if len(alive) else None,
        "evaluation": None if evaluation is None else how_exact(evaluation.rows),
        "evaluation_rows": 0 if evaluation is None else evaluation.rows,
        "evaluation_method": None if evaluation is None else METHOD,
        "diverged": [int(i) for i in np.flatnonzero(diverged)],
        "instances": instances_of(snapshot, evaluation, run.state.diverged_at),
        "changes": [change._asdict() for change in run.changes],
    }


def instances_of(
    snapshot: Snapshot, evaluation: Evaluation | None, diverged_at: Int64[np.ndarray, " instances"]
) -> list[dict[str, Any]]:
    """A record for each instance, as a summary has them; without an evaluation, and names, they are None."""
    weights, n_instances = snapshot.weights, snapshot.experiment.n_instances
    names = None if evaluation is None else name_instances(weights)
    unknown = np.full(n_instances, np.nan)
    comparison = Comparison(
        np.zeros(n_instances, np.int64), np.zeros(n_instances, np.int64), unknown, unknown
    )
    if evaluation is not None:
        comparison = compare(snapshot, evaluation)
    columns = {
        "number": snapshot.experiment.numbers().tolist(),
        "loss": _finite(unknown if evaluation is None else evaluation.loss),
        "standard_error": _finite(unknown if evaluation is None else evaluation.standard_error),
        "rank": [rank or None for rank in comparison.rank.tolist()],
        "among": comparison.among.tolist(),
        "to_best": _finite(comparison.to_best),
        "to_best_error": _finite(comparison.error),
        "training_loss": _finite(snapshot.losses),
        "represented": geometry.represented(weights).sum(-1).tolist(),
        "total_dimensionality": _finite(geometry.dimensionality(weights).sum(-1)),
        "name": [None] * n_instances if names is None else [names.names[k] for k in names.which],
        "residual": _finite(unknown if names is None else names.residual),
        "total_squared_norm": _finite(np.square(weights.astype(np.float64)).sum((-1, -2))),
        "diverged_at": [at if at >= 0 else None for at in diverged_at.tolist()],
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def is_evaluated(summary: dict[str, Any]) -> bool:
    """Whether a summary has losses on fresh data, by the method of now."""
    return summary.get("evaluation_method") == METHOD


def features_of(run: Run, instance: int) -> list[dict[str, Any]]:
    """The features of one instance, a record each, None where a number is not finite.

    `loss` is importance · E[(x̂_j − x_j)²], as `feature_losses` has it: their mean is the loss of the
    instance. Raises InputError if there is no such instance.
    """
    check_instance(run, instance)
    snapshot = run.at()
    weights, losses = snapshot.weights[instance : instance + 1], feature_losses(snapshot, instance)
    columns: dict[str, Any] = {"loss": losses.loss}
    if losses.rows:
        columns["standard_error"] = losses.standard_error
    columns |= {
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


def check_instance(run: Run | Snapshot, instance: int) -> None:
    """Raise InputError if the run has no such instance."""
    if not 0 <= instance < run.experiment.n_instances:
        raise InputError(f"instance should be from 0 to {run.experiment.n_instances - 1}, not {instance}")


def _finite(values: np.ndarray) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
