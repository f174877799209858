"""The names of files in a run directory, and where runs are kept unless a user says otherwise."""

import os
from pathlib import Path

from tms_engine.errors import InputError

EXPERIMENT, STATE, HISTORY, SUMMARY = (
    "experiment.json",
    "state.safetensors",
    "history.safetensors",
    "summary.json",
)
LOCK, PROGRESS, FIGURES = ".lock", "progress.json", "figures"
# The file of a directory that is a sweep's.
SWEEP = "sweep.json"


def next_of(path: Path) -> Path:
    """Where a file is until the save to which it belongs counts."""
    return path.with_name(f"{path.name}.next")


def runs_directory() -> Path:
    """Where runs go that are given no directory: $TMS_RUNS, or runs in the current directory."""
    return Path(os.environ.get("TMS_RUNS") or "runs")


def state_directory() -> Path:
    """Where what lasts between sessions is kept for this user, an absolute path. Nothing is made."""
    from platformdirs import user_state_path

    return user_state_path("tms-tui", appauthor=False)


def absolute(path: str | Path) -> Path:
    """A directory's path from the root, links not followed: it holds if the current directory changes.

    Raises InputError where there is no path, or no current directory any more.
    """
    if not os.fspath(path):
        raise InputError("the name of a run's directory should not be empty")
    try:
        return Path(os.path.abspath(path))
    except OSError:
        raise InputError(
            f"{path} is relative to the current directory, which has been removed: change to another"
        ) from None
