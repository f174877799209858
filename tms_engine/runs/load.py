"""Reading run directories, which another process may be writing, and to which anything may have happened.

Everything is checked here, once: what `load_run` gives can be trained, measured and drawn. Damage is one
sentence, and no file makes a reader hang or take much more memory than it has bytes.
"""

import contextlib
import hashlib
import json
import math
import os
import time
from pathlib import Path
from typing import Any, NamedTuple, cast, get_args

import numpy as np

from tms_engine.errors import InputError
from tms_engine.experiment import LIVE_FIELDS, Experiment, parse_fields
from tms_engine.files import cannot, read_small, reason
from tms_engine.runs.lock import last_written
from tms_engine.runs.places import EXPERIMENT, HISTORY, STATE, SUMMARY, next_of
from tms_engine.runs.tensors import read_few_tensors, read_tensors
from tms_engine.training.history import History
from tms_engine.training.run import KernelName, Run, check_parameters, planned_changes
from tms_engine.training.state import Change, Parameters, State, initial_parameters

FORMAT = "tms-engine run 2"
_FORMATS = ("tms-engine run 1", FORMAT)  # that can be read

# Bytes of an experiment, of a summary, and multiplications of a forward pass beyond which the parameters of
# a model are compared with the size of their file before they are made, to see whether they fit.
_MOST_EXPERIMENT, _MOST_SUMMARY, _LARGE = 1 << 26, 1 << 28, 1 << 24
# How often a run is read again that another process has saved meanwhile.
_TRIES = 50


def load_run(path: str | Path) -> Run:
    """Read a run directory, also while another process saves to it.

    Raises InputError, naming the file, if it is not whole or not a run's.
    """
    path = Path(path)
    for attempt in range(_TRIES):
        before = _last_saved(path)
        try:
            return _load(path)
        except InputError:
            if _last_saved(path) == before or attempt == _TRIES - 1:
                raise
            time.sleep(0.01)
    raise AssertionError("the last attempt has returned or raised")


class Peek(NamedTuple):
    """What a look into a saved run says, without its weights.

    id          its identity, `Run.id`
    step        at which it was saved
    steps       to take in all
    n_changes   live changes made
    n_instances, n_diverged
    loss        mean batch loss of the latest steps; None where it was not finite, or an earlier version saved
    """

    id: str
    step: int
    steps: int
    n_changes: int
    n_instances: int
    n_diverged: int
    loss: float | None


def peek(path: str | Path) -> Peek:
    """Look into a run directory: some kilobytes are read. Raises InputError as `load_run` does."""
    path = Path(path)
    _check_is_run(path)
    arrays, metadata = read_few_tensors(path / STATE, ("step", "diverged_at"))
    _check_format(path / STATE, metadata)
    try:
        step, diverged_at = _step(arrays["step"]), arrays["diverged_at"]
        changes = _parse_changes(metadata["changes"])
        loss = float(metadata.get("loss") or "nan")
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{path / STATE} is damaged: {reason(error)}") from None
    written = metadata.get("steps", "")
    if written.isascii() and written.isdigit() and len(written) < 16:
        steps = int(written)
    else:  # an earlier version's
        steps = read_experiment(path).steps
        for _, field, value in changes:
            if field == "steps" and type(value) is int:
                steps = value
    return Peek(
        id=_id(path, metadata),
        step=step,
        steps=steps,
        n_changes=len(changes),
        n_instances=diverged_at.size,
        n_diverged=int((diverged_at >= 0).sum()),
        loss=loss if math.isfinite(loss) else None,
    )


def read_experiment(path: Path) -> Experiment:
    """The experiment of a run directory, as it was started. Raises InputError, naming the file."""
    return _experiment(path, saved_metadata(path))[0]


def _experiment(path: Path, metadata: dict[str, str]) -> tuple[Experiment, bool]:
    """The experiment in a run directory, and whether it is the one of the saved state.

    A user may have given it another device or kernel, for another machine.
    """
    text = metadata.get("experiment")
    if text is None:  # an earlier version's
        return _read_experiment(path / EXPERIMENT), True
    saved = _parse_experiment(text.encode(), path / STATE)
    found, error = None, None
    for file in (path / EXPERIMENT, next_of(path / EXPERIMENT)):
        try:
            found = _read_experiment(file)
        except InputError as mistake:
            error = error or mistake
            continue
        if found.replace(device=saved.device, kernel=saved.kernel) == saved:
            return found, True
    if found is None:
        raise error or AssertionError
    return found, False


def _read_experiment(file: Path) -> Experiment:
    return _parse_experiment(read_small(file, _MOST_EXPERIMENT), file)


def _parse_experiment(text: bytes, file: Path) -> Experiment:
    try:
        fields = parse_fields(text, file, "JSON")
        if isinstance(fields.get("instances"), str):  # as on a command line: few bytes for many numbers
            raise InputError("instances should be a list of numbers", "instances")
        return Experiment(**fields)
    except InputError as error:
        sentence = str(error)
        raise InputError(sentence if str(file) in sentence else f"{file}: {sentence}", error.field) from None
    except (MemoryError, RecursionError, TypeError, OverflowError):
        raise InputError(f"{file} holds no experiment") from None


def load_summary(path: str | Path) -> dict[str, Any] | None:
    """The summary of a run directory, as `summarize` made it; None where it is not of the saved step.

    That is so where it cannot be read, was saved without losses on fresh data or with those that an earlier
    version worked out, or a crash came between.
    """
    from tms_engine.analysis.evaluation import is_evaluated  # following a run does without it

    path = Path(path)
    try:
        summary = json.loads(read_small(path / SUMMARY, _MOST_SUMMARY))
        check_summary(summary)
        arrays, _ = read_few_tensors(path / STATE, ("step", "diverged_at"))
        if len(summary["instances"]) != arrays["diverged_at"].size:
            return None
        step = _step(arrays["step"])
    except (InputError, OSError, ValueError, RecursionError, MemoryError):
        return None
    return summary if summary["step"] == step and is_evaluated(summary) else None


def check_summary(summary: Any) -> None:
    """Raise ValueError unless this has the fields of a summary, of the types that `summarize` gives them.

    Fields that are not known here are let through.
    """
    _check_fields(summary, {"step": int, "steps": int, "evaluation_rows": int, "loss": float})
    diverged, instances, changes = (summary.get(name) for name in ("diverged", "instances", "changes"))
    if not (isinstance(diverged, list) and isinstance(instances, list) and isinstance(changes, list)):
        raise ValueError("a summary lists its instances")
    if not instances or not all(type(i) is int and 0 <= i < len(instances) for i in diverged):
        raise ValueError("a summary names the instances that have diverged")
    for instance in instances:
        _check_fields(instance, _OF_AN_INSTANCE)
        name = instance.get("name", 0)
        if name is not None and not (isinstance(name, str) and name.isprintable()):
            raise ValueError("the name of a geometry can be printed")
        if not set(instances[0]) == set(instance):
            raise ValueError("the instances of a summary have the same fields")
    for change in changes:
        _check_fields(change, {"step": int})
        if change.get("field") not in LIVE_FIELDS or not _is_numbers(change.get("value")):
            raise ValueError("a change has a field and a value")


def _is_numbers(value: Any) -> bool:
    """Whether this is a number, None, or a list of such, or of such lists."""
    if isinstance(value, list):
        return all(_is_numbers(one) for one in value)
    return value is None or type(value) in (int, float)


_OF_AN_INSTANCE: dict[str, type] = {
    "number": int,
    "loss": float,
    "standard_error": float,
    "rank": float,
    "among": int,
    "to_best": float,
    "to_best_error": float,
    "residual": float,
    "represented": int,
    "total_dimensionality": float,
    "total_squared_norm": float,
    "diverged_at": float,
}


def _check_fields(record: Any, fields: dict[str, type]) -> None:
    """Whole numbers, and others, which may also be None; what is nested is not looked at."""
    if not isinstance(record, dict):
        raise ValueError("no record")
    for name, kind in fields.items():
        value: Any = record.get(name, "")
        if kind is int and not (type(value) is int and 0 <= value < 2**62):
            raise ValueError(f"{name} should be a whole number")
        if kind is float and not (value is None or (type(value) in (int, float) and abs(value) < 1e300)):
            raise ValueError(f"{name} should be a number")


def saved_id(path: Path) -> str | None:
    """The identity of the run that is saved in a directory; None where none is, "" where there are files with
    the names of a run's, but no state. Raises InputError where that is damaged.
    """
    if not os.path.lexists(path / STATE):
        ours = [name for name in (EXPERIMENT, HISTORY) if os.path.lexists(path / name)]
        return "" if ours else None
    _, metadata = read_few_tensors(path / STATE, ())
    _check_format(path / STATE, metadata)
    return _id(path, metadata)


def saved_metadata(path: Path) -> dict[str, str]:
    """The metadata of the saved state; none where none can be read."""
    with contextlib.suppress(InputError):
        return read_few_tensors(path / STATE, ())[1]
    return {}


def _last_saved(path: Path) -> tuple[object, ...]:
    """Another value whenever a save has moved a file."""
    names = (STATE, HISTORY, EXPERIMENT)
    return tuple(last_written(place) for name in names for place in (path / name, next_of(path / name)))


def _check_is_run(path: Path) -> None:
    try:
        is_there = path.is_dir()
        has_experiment = any(place.exists() for place in (path / EXPERIMENT, next_of(path / EXPERIMENT)))
        has_state = (path / STATE).exists()
    except (OSError, ValueError) as error:
        raise cannot(f"read {path}", error) from None
    if not is_there:
        raise InputError(f"there is no run directory {path}")
    if not has_experiment or not has_state:
        raise InputError(f"{path} is not a run: it has no {STATE if has_experiment else EXPERIMENT}")


def _load(path: Path) -> Run:
    _check_is_run(path)
    arrays, metadata = read_tensors(path / STATE)
    _check_format(path / STATE, metadata)
    experiment, is_saved_one = _experiment(path, metadata)
    try:
        state = _state(arrays, experiment, (path / STATE).stat().st_size)
        changes = _changes(_parse_changes(metadata["changes"]), experiment, state.step)
        now = experiment.replace(**{change.field: change.value for change in changes})
        planned = planned_changes(now, _parse_planned(metadata), state.step)
    except (KeyError, ValueError, TypeError, OSError, RecursionError, OverflowError) as error:
        raise InputError(f"{path / STATE} does not fit {path / EXPERIMENT}: {reason(error)}") from None
    if not is_saved_one:
        raise InputError(f"{path / EXPERIMENT} is another run's than {path / STATE}, or was changed")
    history = _read_history(path, metadata.get("history_sha256", ""), state)
    kernel = metadata.get("kernel", "torch")  # of all runs from before there were others
    if kernel not in get_args(KernelName):
        raise InputError(
            f"{path} was trained by a kernel that this version of tms does not have: {kernel[:20]!r}"
        )
    return Run(experiment, changes, state, history, cast(KernelName, kernel), _id(path, metadata), planned)


def _check_format(path: Path, metadata: dict[str, str]) -> None:
    if metadata.get("format") not in _FORMATS:
        raise InputError(f"{path} is a safetensors file, but not one that this version of tms wrote")


def _id(path: Path, metadata: dict[str, str]) -> str:
    """The identity that was saved; of a run of an earlier version's, one that its experiment gives it."""
    if metadata.get("id"):
        return metadata["id"][:64]
    return hashlib.sha256(read_small(path / EXPERIMENT, _MOST_EXPERIMENT)).hexdigest()[:16]


def _parse_changes(text: str) -> list[tuple[Any, Any, Any]]:
    """Raises ValueError, TypeError or RecursionError."""
    return [(step, field, value) for step, field, value in json.loads(text)]


def _parse_planned(metadata: dict[str, str]) -> list[tuple[int, str, Any]]:
    """Raises as `_parse_changes`."""
    planned = _parse_changes(metadata.get("planned", "[]"))
    for step, field, _ in planned:
        if type(step) is not int or type(field) is not str:
            raise ValueError("a change is planned without a step or a field")
    return planned


def _changes(parsed: list[tuple[Any, Any, Any]], experiment: Experiment, last: int) -> tuple[Change, ...]:
    """The live changes of a run. Raises ValueError or TypeError where they can be none of this run's."""
    changes: list[Change] = []
    for step, field, value in parsed:
        if field not in LIVE_FIELDS:
            raise ValueError(f"it has changed {str(field)[:20]!r}, which does not change while a run trains")
        if type(step) is not int or not 0 <= step <= last or (changes and step < changes[-1].step):
            raise ValueError(f"it has changed {field} at a step that it has not reached in this order")
        changes.append(Change(step, field, getattr(experiment.replace(**{field: value}), field)))
    return tuple(changes)


def _step(array: np.ndarray) -> int:
    if array.dtype != np.int64 or array.shape != (1,) or not 0 <= array[0] < 2**60:
        raise ValueError("its step is no number of steps")
    return int(array[0])


def _read_history(path: Path, sha256: str, state: State) -> History:
    for file in (path / HISTORY, next_of(path / HISTORY)):
        try:
            arrays, metadata = read_tensors(file, sha256 or "none")
            break
        except InputError:
            continue
    else:
        raise InputError(f"{path / HISTORY} is missing, damaged or of another run")
    _check_format(file, metadata)
    try:
        history = History.from_arrays(arrays)
        history.check(state.parameters, state.step)
    except (KeyError, ValueError, TypeError, IndexError, OverflowError, MemoryError) as error:
        raise InputError(f"{file} does not fit {path / STATE}: {reason(error)}") from None
    return history


def _state(arrays: dict[str, np.ndarray], experiment: Experiment, size: int) -> State:
    """The state in a file of this size. Raises KeyError or ValueError where it is not the experiment's."""
    n_instances, n, m = experiment.n_instances, experiment.n_features, experiment.n_hidden
    diverged_at = arrays["diverged_at"]
    if diverged_at.shape != (n_instances,) or diverged_at.dtype != np.int64:
        raise ValueError(
            f"diverged_at is {diverged_at.dtype} {diverged_at.shape}, not int64 ({n_instances},)"
        )
    if n * m > max(_LARGE, size):  # to see which parameters the model has, one instance's are made
        raise ValueError(
            f"{n} features and {m} hidden dimensions are more than a file of {size:,} bytes holds"
        )
    wanted = initial_parameters(experiment.alone(0))

    def fitting(prefix: str) -> Parameters:
        found = {name: arrays[prefix + name] for name in wanted}
        check_parameters(found, experiment, prefix)
        return found

    return State(
        step=_step(arrays["step"]),
        parameters=fitting(""),
        first_moments=fitting("adam.m."),
        second_moments=fitting("adam.v."),
        diverged_at=diverged_at,
    )
