"""Run directories: train into one, save, load, resume.

    RUN/experiment.json       the experiment as it was started
    RUN/state.safetensors     parameters by name, Adam's moments, step; as metadata the changes, the kernel
    RUN/history.safetensors   loss envelope, and parameters at earlier steps
    RUN/summary.json          the run in numbers
    RUN/figures/              what `tms figures` draws

A save is whole or not at all, whenever the process is killed. Each file is written beside its place and
moved there, and the moving of state.safetensors is the moment at which the new save counts: it names,
by hash, the history that belongs to it, which is found under its name or, if the process ended between
the two moves, still as history.safetensors.next.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as safetensors_bytes

from tms_engine.analysis.evaluation import is_evaluated, summarize
from tms_engine.errors import InputError
from tms_engine.experiment import Experiment
from tms_engine.files import cannot, claim, reason, write_atomically, write_durably
from tms_engine.training.history import History
from tms_engine.training.run import KernelName, Run, check_parameters
from tms_engine.training.state import Change, Parameters, State, initial_parameters
from tms_engine.training.trainer import Trainer

FORMAT = "tms-engine run 2"
_FORMATS = ("tms-engine run 1", FORMAT)  # that can be read

# Seconds of training that a kill -9 can cost, and between two calls of `on_progress`.
SAVE_EVERY = 30.0
_PROGRESS_EVERY = 0.1


def train(
    experiment: Experiment,
    out: str | Path | None = None,
    *,
    callback: Callable[[Trainer], object] | None = None,
    every: int = 1000,
    on_progress: Callable[[Trainer], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Run:
    """Train an experiment to its last step, and save it to `out` if that is given.

    callback     called with the Trainer before the first step and then after each `every` steps; where it
                 returns True, training stops early (its `snapshot()` has the losses and the parameters)
    on_progress  called with the Trainer about ten times a second
    should_stop  asked about ten times a second, and training stops where it says True

    Raises InputError if the experiment cannot run here, or if `out` is not a new or empty directory that can
    be written.
    """
    trainer = Trainer(experiment) if out is None else start(experiment, out)
    return train_on(
        trainer, out, callback=callback, every=every, on_progress=on_progress, should_stop=should_stop
    )


def start(experiment: Experiment, out: str | Path) -> Trainer:
    """A trainer at step 0, saved in a new directory. Raises InputError as `train` does."""
    trainer = Trainer(experiment)
    claim(Path(out), f", or `tms resume {out}` to go on")
    save_run(trainer.run(), out, evaluated=False)
    return trainer


def train_on(
    trainer: Trainer,
    out: str | Path | None = None,
    *,
    callback: Callable[[Trainer], object] | None = None,
    every: int = 1000,
    on_progress: Callable[[Trainer], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Run:
    """Like `train`, for a trainer that has begun; `out` is a run directory of its own run."""
    if every < 1:
        raise InputError(f"every should be at least 1 step, not {every}")
    chunk, saved, told = 1, time.monotonic(), -1
    while not (should_stop and should_stop()):
        if callback and trainer.step % every == 0 and trainer.step != told:
            told = trainer.step
            if callback(trainer) is True:
                break
        if trainer.finished or trainer.all_diverged:
            break
        began = time.monotonic()
        due = every - trainer.step % every if callback else chunk
        trainer.advance(min(chunk, due, trainer.current.steps - trainer.step))
        now = time.monotonic()
        # Twice as many steps, until a chunk takes about the time between two looks at it.
        chunk = max(1, min(2 * chunk, int(chunk * _PROGRESS_EVERY / max(now - began, 1e-4))))
        if on_progress:
            on_progress(trainer)
        if out is not None and now - saved > SAVE_EVERY:
            save_run(trainer.run(), out, evaluated=False)
            saved = time.monotonic()
    run = trainer.run()
    if out is not None:
        save_run(run, out)
    return run


def save_run(run: Run, out: str | Path, *, evaluated: bool = True) -> None:
    """Write a run to its directory, making it if need be. Raises InputError if it cannot be written.

    Without `evaluated`, the summary has no losses on fresh data, which take time; `tms show` works them out.
    """
    out = Path(out)
    history = safetensors_bytes(run.history.to_arrays(), {"format": FORMAT})
    metadata = {
        "format": FORMAT,
        "kernel": run.kernel,
        "changes": json.dumps(run.changes),
        "history_sha256": hashlib.sha256(history).hexdigest(),
    }
    state = safetensors_bytes(_state_arrays(run.state), metadata)
    summary = json.dumps(summarize(run, evaluated), indent=2, allow_nan=False) + "\n"
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / "experiment.json", run.experiment.to_json().encode())
        write_durably(out / "history.safetensors.next", history)
        write_durably(out / "summary.json.next", summary.encode())
        write_atomically(out / "state.safetensors", state)
        os.replace(out / "history.safetensors.next", out / "history.safetensors")
        os.replace(out / "summary.json.next", out / "summary.json")
    except OSError as error:
        raise cannot(f"write the run to {out}", error) from None


def load_run(path: str | Path) -> Run:
    """Read a run directory. Raises InputError, naming the file, if it is not whole or not a run's."""
    path = Path(path)
    if not path.is_dir():
        raise InputError(f"there is no run directory {path}")
    for name in ("experiment.json", "state.safetensors"):
        if not (path / name).is_file():
            raise InputError(f"{path} is not a run: it has no {name}")
    experiment = Experiment.from_file(path / "experiment.json")
    arrays, metadata = _read(path / "state.safetensors")
    try:
        changes = tuple(
            Change(step, field, _as_tuples(value)) for step, field, value in json.loads(metadata["changes"])
        )
        state = _state(arrays, experiment)
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{path / 'state.safetensors'} does not fit {path / 'experiment.json'}: {reason(error)}"
        ) from None
    history = _read_history(path, metadata.get("history_sha256", ""))
    kernel = metadata.get("kernel", "torch")  # of all runs from before there were others
    if kernel not in get_args(KernelName):
        raise InputError(f"{path} was trained by a kernel that this version of tms does not have: {kernel}")
    run = Run(experiment, changes, state, history, cast(KernelName, kernel))
    if run.history.step != state.step:
        raise InputError(f"{path / 'history.safetensors'} does not reach the step of state.safetensors")
    return run


def load_summary(path: str | Path) -> dict[str, Any] | None:
    """The summary of a run directory, as `summarize` made it; None where it is not of the saved step.

    That is so where it cannot be read, was saved without losses on fresh data or with those of an earlier
    version, or a crash came between.
    """
    path = Path(path)
    try:
        summary = json.loads((path / "summary.json").read_text(encoding="utf-8"))
        with safe_open(path / "state.safetensors", framework="numpy") as file:
            step = int(file.get_tensor("step")[0])
        return summary if summary["step"] == step and is_evaluated(summary) else None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        return None


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Arrays and metadata of one of our safetensors files, or InputError."""
    try:
        with safe_open(path, framework="numpy") as file:
            metadata: dict[str, str] = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is damaged or no safetensors file: {reason(error)}") from None
    if metadata.get("format") not in _FORMATS:
        raise InputError(f"{path} is a safetensors file, but not one that this version of tms wrote")
    return arrays, metadata


def _read_history(path: Path, sha256: str) -> History:
    for name in ("history.safetensors", "history.safetensors.next"):
        file = path / name
        if file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == sha256:
            return History.from_arrays(_read(file)[0])
    raise InputError(f"{path / 'history.safetensors'} is missing, damaged or of another run")


def _as_tuples(value: Any) -> Any:
    """JSON's lists as the tuples that they were."""
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value


def _state_arrays(state: State) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = dict(state.parameters)
    arrays |= {f"adam.m.{name}": value for name, value in state.first_moments.items()}
    arrays |= {f"adam.v.{name}": value for name, value in state.second_moments.items()}
    arrays |= {"step": np.array([state.step], np.int64), "diverged_at": state.diverged_at}
    return arrays


def _state(arrays: dict[str, np.ndarray], experiment: Experiment) -> State:
    """The inverse of `_state_arrays`. Raises KeyError or ValueError where it does not fit the experiment."""
    names = initial_parameters(experiment.alone(0))

    def fitting(prefix: str) -> Parameters:
        found = {name: arrays[prefix + name] for name in names}
        check_parameters(found, experiment, prefix)
        return found

    if arrays["diverged_at"].shape != (experiment.n_instances,):
        raise ValueError(f"diverged_at is {arrays['diverged_at'].shape}, not ({experiment.n_instances},)")
    return State(
        step=int(arrays["step"][0]),
        parameters=fitting(""),
        first_moments=fitting("adam.m."),
        second_moments=fitting("adam.v."),
        diverged_at=arrays["diverged_at"],
    )
