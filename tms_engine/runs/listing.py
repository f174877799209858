"""What is in a directory of runs, by looks that load no weights; and what of it is of no use to anybody.

Whatever is found, of whoever's making, is listed or passed over, and breaks nothing.
"""

import contextlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tms_engine.errors import InputError
from tms_engine.experiment import Experiment
from tms_engine.files import cannot, is_dead_part, remove_dead_parts
from tms_engine.runs.follow import Status, status_of
from tms_engine.runs.load import read_experiment
from tms_engine.runs.lock import hold, is_locked, last_written
from tms_engine.runs.places import EXPERIMENT, FIGURES, HISTORY, LOCK, PROGRESS, STATE, SUMMARY, next_of

# Files of a directory that are counted for its size, at most.
_MOST_FILES = 10_000
# Seconds after which a directory in which nothing was ever saved is taken for abandoned.
_ABANDONED_AFTER = 60.0

_NEXT = tuple(next_of(Path(name)).name for name in (EXPERIMENT, HISTORY, SUMMARY))
_OURS = (STATE, HISTORY, SUMMARY, PROGRESS, EXPERIMENT, *_NEXT)


class Listed(NamedTuple):
    """A directory that is a run's, or was to be.

    path        where it is
    experiment  as it was started; None where that cannot be read
    status      what is going on; None where that cannot be read
    written     when it was saved last or gave a sign of life, in seconds since 1970
    bytes       what it takes on disk, figures included
    problem     why it is no whole run, "" if it is one
    """

    path: Path
    experiment: Experiment | None
    status: Status | None
    written: float
    bytes: int
    problem: str


class Prunable(NamedTuple):
    """What can be removed without loss: a directory in which nothing was saved, or files that a killed
    process was writing; and why, in a few words.
    """

    path: Path
    why: str


def list_runs(directory: str | Path) -> list[Listed]:
    """The runs in a directory, the newest first. Raises InputError if it cannot be read."""
    found = [listed(path) for path in directories(Path(directory)) if is_runs(path)]
    return sorted(found, key=lambda one: (-one.written, one.path.name))


def prunable(directory: str | Path) -> list[Prunable]:
    """What a directory of runs holds that is of no use. Raises InputError if it cannot be read."""
    found = []
    for path in directories(Path(directory)):
        if _is_abandoned(path):
            found.append(Prunable(path, "nothing was saved in it"))
            continue
        for place in (path, path / FIGURES):
            with contextlib.suppress(OSError):
                found += [
                    Prunable(part, "its writer was killed") for part in place.iterdir() if is_dead_part(part)
                ]
    return sorted(found)


def prune(items: list[Prunable]) -> list[Path]:
    """Remove what `prunable` found, where it is still so; what was removed."""
    return [item.path for item in items if _prune(item.path)]


def remove_run(path: str | Path) -> list[Path]:
    """Remove a run that no process holds: the files of a run, and its directory; returns what is left in it,
    which is no run's.

    Raises InputError if it is no run, InUse if a process holds it.
    """
    path = Path(path)
    if not is_runs(path):
        raise InputError(f"{path} is not a run")
    with hold(path, "tms runs"):
        try:
            for name in _OURS:  # the state first: what is left of a run that is half removed is none
                (path / name).unlink(missing_ok=True)
            _remove_figures(path / FIGURES)
            remove_dead_parts(path)
        except OSError as error:
            raise cannot(f"remove {path}", error) from None
    with contextlib.suppress(OSError):
        path.rmdir()
        return []
    return sorted(path.iterdir())


def directories(directory: Path) -> Iterator[Path]:
    """The directories in a directory, by name. Raises InputError if it cannot be read."""
    try:
        with os.scandir(directory) as entries:
            paths = [Path(entry.path) for entry in entries]
    except (OSError, ValueError) as error:
        raise cannot(f"read {directory}", error) from None
    for path in sorted(paths):
        with contextlib.suppress(OSError):  # a loop of links
            if path.is_dir():
                yield path


def is_runs(path: Path) -> bool:
    """Whether this has the files of a run, or of one that was begun."""
    return any(os.path.lexists(path / name) for name in (STATE, EXPERIMENT, LOCK, PROGRESS, *_NEXT))


def listed(path: Path) -> Listed:
    """What is known of a directory of a run's."""
    experiment, status, problem = None, None, ""
    try:
        status = status_of(path)
        experiment = read_experiment(path) if status.saved >= 0 else None
    except InputError as error:
        problem = "nothing was saved in it" if last_written(path / STATE) is None else str(error)
    return Listed(path, experiment, status, _written(path, status), bytes_in(path, path / FIGURES), problem)


def _written(path: Path, status: Status | None) -> float:
    if status:
        return status.seen
    found = last_written(path)
    return found[1] / 1e9 if found else 0.0


def bytes_in(*places: Path) -> int:
    """Sizes of the files in these directories, of ten thousand at most; links are not followed."""
    total, left = 0, _MOST_FILES
    for place in places:
        with contextlib.suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                left -= 1
                if left < 0:
                    return total
                found = entry.stat(follow_symlinks=False)
                total += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return total


def _is_abandoned(path: Path) -> bool:
    """Whether nothing is in a directory but what a process left that ended before its first save."""
    try:
        if path.is_symlink() or time.time() - path.stat().st_mtime < _ABANDONED_AFTER:
            return False
        return not is_locked(path) and all(
            entry.name in (LOCK, PROGRESS, *_NEXT) or is_dead_part(entry) for entry in path.iterdir()
        )
    except OSError:
        return False


def _prune(path: Path) -> bool:
    try:
        if is_dead_part(path):
            path.unlink()
            return True
        if not _is_abandoned(path):
            return False
        with hold(path, "tms runs"):
            for entry in list(path.iterdir()):
                if entry.name in (PROGRESS, *_NEXT) or is_dead_part(entry):
                    entry.unlink()
        path.rmdir()
        return True
    except (OSError, InputError):
        return False


def _remove_figures(figures: Path) -> None:
    """Remove the figures in a directory, and it if nothing else is in it."""
    if figures.is_symlink() or not figures.is_dir():
        return
    for entry in list(figures.iterdir()):
        if entry.suffix in (".png", ".html", ".part") and not entry.is_dir():
            entry.unlink()
    with contextlib.suppress(OSError):
        figures.rmdir()
