"""A shard: some models of a sweep, trained together, and what is known of them; as bytes of one file too.

The file is a safetensors file of columns, and of the last states where these are kept. Its metadata say which
rows of which sweep it has, and a hash of each array, so that a file cut short or damaged is known as such.
"""

import hashlib
import json
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tms_engine import plugins, process
from tms_engine.analysis import geometry
from tms_engine.analysis.evaluation import evaluate
from tms_engine.analysis.polytopes import name_instances
from tms_engine.errors import InputError
from tms_engine.runs.tensors import read_few_tensors, read_tensors, tensor_pieces
from tms_engine.runs.training import take_steps
from tms_engine.sweeps.grid import Grid, experiment_of, make_grid
from tms_engine.sweeps.spec import spec_from
from tms_engine.training.run import Run
from tms_engine.training.state import State
from tms_engine.training.trainer import Trainer

FORMAT = "tms sweep 1"

# Columns of every shard, and what stands where a model has no such number.
COLUMNS: dict[str, type] = {
    "loss": np.float64,
    "standard_error": np.float64,
    "represented": np.int32,
    "total_dimensionality": np.float64,
    "name": np.int32,
    "residual": np.float64,
    "diverged_at": np.int64,
}
# With per_feature: (models, features).
FEATURE_COLUMNS = ("norm", "dimensionality")
_STATE = "state."


class Shard(NamedTuple):
    """What is known of the models of a shard.

    rows     which rows of the table
    columns  name to (models,), or (models, features) for those of every feature; `name` is a place in `names`
    names    of the polytopes
    kernel   that has trained it
    seconds  that it took
    state    the last state, where weights are kept
    """

    rows: range
    columns: dict[str, np.ndarray]
    names: tuple[str, ...]
    kernel: str
    seconds: float
    state: State | None = None


def train_shard(
    grid: Grid,
    shard: int,
    *,
    device: str | None = None,
    on_progress: Callable[[Trainer], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Shard | None:
    """Train the models of a shard and measure them; None if it was stopped before it was finished.

    Raises InputError if they cannot be trained here.
    """
    began = time.monotonic()
    rows = grid.rows(shard)
    experiment = experiment_of(grid, rows).replace(keep=0)
    if device is not None:
        experiment = experiment.replace(device=device)
    trainer = Trainer(experiment)
    take_steps(trainer, on_progress=on_progress, should_stop=should_stop)
    if not (trainer.finished or trainer.all_diverged):
        return None
    run = trainer.run()
    columns, names = measure(run, grid.spec.per_feature)
    state = run.state if grid.spec.weights else None
    return Shard(rows, columns, names, trainer.kernel, time.monotonic() - began, state)


def measure(run: Run, per_feature: bool = False) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """The columns of the models of a run, and the names of their polytopes."""
    weights = run.weights
    evaluation = evaluate(run)
    named = name_instances(weights)
    columns = {
        "loss": evaluation.loss,
        "standard_error": evaluation.standard_error,
        "represented": geometry.represented(weights).sum(-1),
        "total_dimensionality": geometry.dimensionality(weights).sum(-1),
        "name": named.which,
        "residual": named.residual,
        "diverged_at": run.state.diverged_at,
    }
    columns = {name: np.asarray(value, COLUMNS[name]) for name, value in columns.items()}
    if per_feature:
        columns["norm"] = geometry.norms(weights)
        columns["dimensionality"] = geometry.dimensionality(weights)
    return columns, named.names


def shard_bytes(grid: Grid, shard: Shard) -> bytes:
    """A shard as the content of its file."""
    arrays = dict(shard.columns)
    if shard.state is not None:
        arrays |= {f"{_STATE}{name}": value for name, value in shard.state.parameters.items()}
        arrays |= {f"{_STATE}adam.m.{name}": value for name, value in shard.state.first_moments.items()}
        arrays |= {f"{_STATE}adam.v.{name}": value for name, value in shard.state.second_moments.items()}
        arrays[f"{_STATE}step"] = np.array([shard.state.step], np.int64)
    metadata = {
        "format": FORMAT,
        "sweep": grid.spec.identity,
        "rows": f"{shard.rows.start}:{shard.rows.stop}",
        "names": json.dumps(shard.names),
        "kernel": shard.kernel,
        "seconds": f"{shard.seconds:.3f}",
        "sha256": json.dumps({name: _hash(array) for name, array in arrays.items()}),
    }
    return b"".join(tensor_pieces(arrays, metadata))


def read_shard(path: Path, grid: Grid, shard: int, *, state: bool = False) -> Shard:
    """A shard from its file, checked; with `state`, also the last states.

    Raises InputError for a file that is cut short, damaged or of another sweep.
    """
    wanted = _columns(grid)
    if state:
        arrays, metadata = read_tensors(path)
    else:
        arrays, metadata = read_few_tensors(path, wanted)
    rows = grid.rows(shard)
    try:
        of = metadata["format"], metadata["sweep"], metadata["rows"]
        if of != (FORMAT, grid.spec.identity, f"{rows.start}:{rows.stop}"):
            raise ValueError("it is of another sweep")
        hashes, names = json.loads(metadata["sha256"]), tuple(map(str, json.loads(metadata["names"])))
        for name, array in arrays.items():
            if hashes[name] != _hash(array):
                raise ValueError(f"its {name} is damaged")
        for name in wanted:
            if len(arrays[name]) != len(rows):
                raise ValueError(f"its {name} has another length")
        columns = {name: arrays[name] for name in wanted}
        found = Shard(rows, columns, names, metadata["kernel"], float(metadata["seconds"]))
        return found._replace(state=_state(arrays, columns["diverged_at"])) if state else found
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged, or no shard of this sweep: {error}") from None


def _columns(grid: Grid) -> tuple[str, ...]:
    return (*COLUMNS, *(FEATURE_COLUMNS if grid.spec.per_feature else ()))


def _state(arrays: dict[str, np.ndarray], diverged_at: np.ndarray) -> State:
    """The last states in a file's arrays. Raises KeyError if there are none."""
    step = int(arrays[f"{_STATE}step"][0])
    by_kind: dict[str, dict[str, np.ndarray]] = {"": {}, "adam.m.": {}, "adam.v.": {}}
    for name, array in arrays.items():
        if name.startswith(_STATE) and name != f"{_STATE}step":
            own = name.removeprefix(_STATE)
            kind = own[:7] if own[:7] in by_kind else ""
            by_kind[kind][own.removeprefix(kind)] = array
    return State(step, by_kind[""], by_kind["adam.m."], by_kind["adam.v."], diverged_at.copy())


def _hash(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data).hexdigest()


# In other processes, which know nothing but what they are told: text and numbers.


def run_shard(spec: str, shard: int, modules: tuple[str, ...] = (), threads: int | None = None) -> bytes:
    """Train a shard of a sweep given as JSON; the content of its file. What an executor carries.

    `modules` register the laws and models of the sweep; `threads` are those of a core that kernels may use.
    Raises InputError, with one sentence, if this worker cannot.
    """
    plugins.load(modules)
    grid = _grid(spec)
    with process.threads(threads or process.kernel_threads()):
        trained = train_shard(grid, shard, device=process.worker_device())
    assert trained is not None
    return shard_bytes(grid, trained)


@lru_cache(maxsize=2)
def _grid(spec: str) -> Grid:
    return make_grid(spec_from(json.loads(spec), "the sweep"))
