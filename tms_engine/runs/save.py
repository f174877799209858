"""Writing run directories: whole or not at all, never over another run.

The files are written beside their places, as NAME.next, and synced. Then state.safetensors is moved to its
place: that is the moment at which the new save counts. It names the history that belongs to it by hash, and
holds the experiment, so that both are found, under their names or, if the process ended before they were
moved as well, still as NAME.next.
"""

import contextlib
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tms_engine.analysis.evaluation import summarize
from tms_engine.errors import InputError
from tms_engine.files import (
    cannot,
    make_directory,
    reason,
    remove_dead_parts,
    write_atomically,
    write_durably,
)
from tms_engine.runs.load import FORMAT, peek, saved_id, saved_metadata
from tms_engine.runs.lock import SAVING, claim_new, hold, holds
from tms_engine.runs.places import EXPERIMENT, HISTORY, STATE, SUMMARY, absolute, next_of, state_directory
from tms_engine.runs.tensors import tensor_pieces
from tms_engine.training.run import Run, new_id
from tms_engine.training.state import State

Pieces = Sequence[bytes | memoryview]

# Instances whose numbers are written a line each.
_INDENTED = 100


def save_run(run: Run, out: str | Path, *, evaluated: bool = True, overwrite: bool = False) -> None:
    """Write a run to its directory, making it if need be, and holding it meanwhile if this process does not.

    Without `evaluated`, the summary has no losses on fresh data, which take time; `tms show` works them out.
    Raises InputError if it cannot be written, or if another run is saved there, unless `overwrite`; InUse if
    another process holds it. What was saved there is then as it was.
    """
    history = tensor_pieces(run.history.to_arrays(), {"format": FORMAT})
    history_hash = hashlib.sha256()
    for piece in history:
        history_hash.update(piece)
    experiment = run.experiment.to_json().encode()
    loss = run.at().loss
    metadata = {
        "format": FORMAT,
        "id": run.id or new_id(),
        "kernel": run.kernel,
        "experiment": experiment.decode(),
        "changes": json.dumps(run.changes),
        "planned": json.dumps(run.planned),
        "steps": str(run.current.steps),
        "loss": repr(loss) if math.isfinite(loss) else "",
        "history_sha256": history_hash.hexdigest(),
    }
    state = tensor_pieces(_state_arrays(run.state), metadata)
    summary = [_summary_text(summarize(run, evaluated))]
    with contextlib.nullcontext() if holds(out) else hold(out, SAVING):
        if not overwrite:
            _check_is_own(run, Path(out))
        beside: dict[str, Pieces] = {EXPERIMENT: [experiment], HISTORY: history, SUMMARY: summary}
        try:
            _write(absolute(out), state, metadata["history_sha256"], beside)
        except OSError as error:
            raise cannot(f"write the run to {out}", error) from None


def save_somewhere(run: Run, name: str, doing: str = "a script") -> Path:
    """Save a run that has no other place, as NAME or NAME-2 … in the first of these that takes it: this
    user's state directory, the directory for temporary files, the current directory, the home. Returns where
    it is.

    Raises InputError, with what was tried, if none does.
    """
    refused = []
    for base in _last_resorts():
        try:
            with claim_new(base, name, doing) as lock:
                save_run(run, lock.directory, evaluated=False)
                return lock.directory
        except InputError as error:
            refused.append(str(error))
    raise InputError("; ".join(refused))


def _last_resorts() -> list[Path]:
    places: tuple[Callable[[], Path], ...] = (
        lambda: state_directory() / "rescued",
        lambda: Path(tempfile.gettempdir()),
        Path.cwd,
        Path.home,
    )
    bases = []
    for place in places:
        with contextlib.suppress(OSError, RuntimeError):
            bases.append(place())
    return list(dict.fromkeys(bases))


def save_summary(summary: dict[str, Any], out: str | Path) -> bool:
    """Give a run that is saved the summary of its step, as `summarize` made it; False if that cannot be."""
    try:
        directory = absolute(out)
        if peek(directory).step != summary["step"]:
            return False
        write_atomically(directory / SUMMARY, _summary_text(summary))
    except (InputError, OSError):
        return False
    return True


def _summary_text(summary: dict[str, Any]) -> bytes:
    """As JSON; of many instances with a line each. Indented, a hundred thousand took half a minute; and no
    other thread runs within one call of the encoder.
    """
    rows = summary["instances"]
    if len(rows) <= _INDENTED:
        return (json.dumps(summary, indent=2, allow_nan=False) + "\n").encode()
    before, after = json.dumps({**summary, "instances": []}, indent=2, allow_nan=False).split(
        '"instances": []'
    )
    lines = ",\n    ".join(json.dumps(row, allow_nan=False) for row in rows)
    return f'{before}"instances": [\n    {lines}\n  ]{after}\n'.encode()


def _check_is_own(run: Run, out: Path) -> None:
    """Raise InputError if a save would replace what is not this run."""
    try:
        found = saved_id(absolute(out))
    except InputError as error:
        raise InputError(f"{out} holds what is no whole run, and is left as it is: {reason(error)}") from None
    if found == "":
        raise InputError(f"{out} holds files with the names of a run's, and is left as it is")
    if found not in (None, run.id):
        raise InputError(f"{out} holds another run: choose another directory")


def _write(directory: Path, state: Pieces, sha256: str, beside: dict[str, Pieces]) -> None:
    """Save a state, which names a history by its hash, and the files that belong to it. Raises OSError."""
    make_directory(directory)
    remove_dead_parts(directory)
    _finish_last_save(directory)
    nexts = {name: next_of(directory / name) for name in beside}
    try:
        for name, content in beside.items():
            write_durably(nexts[name], *content)
        write_atomically(directory / STATE, *state)
    except OSError:
        if saved_metadata(directory).get("history_sha256") != sha256:  # or it counts, though it is not synced
            for path in nexts.values():
                with contextlib.suppress(OSError):
                    path.unlink()
        raise
    for name, path in nexts.items():
        os.replace(path, directory / name)


def _finish_last_save(directory: Path) -> None:
    """Move what belongs to a save that was killed between its moves, before it is written over."""
    metadata = saved_metadata(directory)
    for name in (HISTORY, EXPERIMENT):
        path = next_of(directory / name)
        with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
            if name == HISTORY:
                belongs = hashlib.file_digest(file, "sha256").hexdigest() == metadata.get("history_sha256")
            else:
                belongs = file.read() == metadata.get("experiment", "").encode()
            if belongs:
                os.replace(path, directory / name)


def _state_arrays(state: State) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = dict(state.parameters)
    arrays |= {f"adam.m.{name}": value for name, value in state.first_moments.items()}
    arrays |= {f"adam.v.{name}": value for name, value in state.second_moments.items()}
    arrays |= {"step": np.array([state.step], np.int64), "diverged_at": state.diverged_at}
    return arrays
