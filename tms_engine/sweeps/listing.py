"""What is in a directory: runs and sweeps, in one list; looked at again and again at little cost.

A look at what has not changed since is a few stats, so thousands of runs on a file server can be listed while
some of them train. Sweeps are renamed and removed here, runs in runs/listing.py. Loads neither torch nor
polars.
"""

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tms_engine.errors import InputError, quoted
from tms_engine.files import cannot, is_dead_part, remove_dead_parts
from tms_engine.runs import listing as of_runs
from tms_engine.runs.listing import Listed, Prunable
from tms_engine.runs.lock import InUse, hold, last_written
from tms_engine.runs.places import FIGURES, LOCK, PROGRESS, STATE
from tms_engine.sweeps.directory import (
    CSV,
    JOBS,
    PARTS,
    SHARDS,
    SPEC,
    TABLE,
    Job,
    hold_job,
    is_sweep,
    jobs_of,
    present,
    read_grid,
)
from tms_engine.sweeps.grid import Grid
from tms_engine.sweeps.live import Trainers, Watch

SweepState = Literal["running", "finished", "stopped", "died"]


class ListedSweep(NamedTuple):
    """A directory that is a sweep's.

    path        where it is
    grid        its models; None where that cannot be read
    state       running: a process trains it; finished: all its models are there; died: who trained it ended
                without a word; stopped: it can be gone on with
    trainers    who trains it
    n_finished  models that are there
    written     when a shard was finished last, or it was begun, in seconds since 1970
    bytes       what it takes on disk
    problem     why it cannot be read, "" if it can
    """

    path: Path
    grid: Grid | None
    state: SweepState
    trainers: Trainers
    n_finished: int
    written: float
    bytes: int
    problem: str


Entry = Listed | ListedSweep

_NOBODY = Trainers(False, None, None, False)


class Lister:
    """Lists what is in a directory: `poll` it now and then, from one thread at a time."""

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self._known: dict[Path, tuple[Any, Entry | None]] = {}
        self._watches: dict[Path, Watch] = {}
        self._grids: dict[Path, tuple[Any, Grid]] = {}

    def poll(self, seconds: float = float("inf")) -> tuple[list[Entry], bool]:
        """What is there, the newest first, and whether that is all.

        A look ends after so many seconds, the newest first; the next one goes on. Raises InputError if the
        directory cannot be read.
        """
        until = time.monotonic() + seconds
        paths = sorted(of_runs.directories(self.directory), key=_changed, reverse=True)
        known: dict[Path, tuple[Any, Entry | None]] = {}
        complete, looked = True, False
        for path in paths:
            before = self._known.get(path)
            if looked and before is None and time.monotonic() > until:
                complete = False
                continue
            signature = _signature(path)
            if before and before[0] == signature and not _moves(before[1]):
                known[path] = before
            else:
                known[path] = signature, self._look(path)
                looked = True
        self._known = known
        found = [entry for _, entry in known.values() if entry is not None]
        return sorted(found, key=lambda entry: (-entry.written, entry.path.name)), complete

    def _look(self, path: Path) -> Entry | None:
        if os.path.lexists(path / SPEC):
            return self._sweep(path)
        return of_runs.listed(path) if of_runs.is_runs(path) else None

    def _sweep(self, path: Path) -> ListedSweep:
        grid, problem = None, ""
        try:
            grid = self._grid(path)
        except InputError as error:
            problem = str(error)
        shards = present(path, grid) if grid else []
        n_finished = sum(len(grid.rows(shard)) for shard in shards) if grid else 0
        trainers = self._watches.setdefault(path, Watch(path)).look() if grid else _NOBODY
        state: SweepState = "stopped"
        if trainers.is_running:
            state = "running"
        elif grid and n_finished == grid.n_models:
            state = "finished"
        elif trainers.died:
            state = "died"
        times = [last_written(place) for place in (path / SPEC, path / SHARDS, path / TABLE)]
        written = max((at[1] / 1e9 for at in times if at), default=0.0)
        return ListedSweep(path, grid, state, trainers, n_finished, written, _bytes(path), problem)

    def _grid(self, path: Path) -> Grid:
        written = last_written(path / SPEC)
        known = self._grids.get(path)
        if known is None or known[0] != written:
            known = self._grids[path] = written, read_grid(path)
        return known[1]


def list_all(directory: str | Path) -> list[Entry]:
    """The runs and sweeps in a directory, the newest first. Raises InputError if it cannot be read."""
    return Lister(directory).poll()[0]


def list_one(path: str | Path) -> Entry | None:
    """What a directory is itself: a run, a sweep, or neither."""
    path = Path(path)
    return Lister(path.parent)._look(path) if path.is_dir() else None


def _changed(path: Path) -> float:
    found = last_written(path)
    return found[1] if found else 0.0


def _signature(path: Path) -> Any:
    """Another value whenever something of a run or a sweep has changed."""
    names = (".", STATE, PROGRESS, LOCK, FIGURES, SPEC, SHARDS, JOBS, TABLE)
    places = [path / name for name in names] + (_places(path / JOBS) if is_sweep(path) else [])
    return tuple(map(last_written, places))


def _moves(entry: Entry | None) -> bool:
    """Whether time alone may change it: what a process trains falls silent, or dies."""
    if entry is None:
        return False
    if isinstance(entry, ListedSweep):
        return entry.state == "running"
    return bool(entry.status and entry.status.is_running)


def _bytes(path: Path) -> int:
    total = 0
    for place in (path, path / SHARDS):
        with contextlib.suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def prunable_of_sweeps(directory: str | Path) -> list[Prunable]:
    """What killed processes have left of files in the sweeps of a directory. Raises InputError if it cannot
    be read."""
    found = []
    for path in of_runs.directories(Path(directory)):
        if is_sweep(path):
            with contextlib.suppress(OSError):
                found += [
                    Prunable(part, "its writer was killed")
                    for part in (path / SHARDS).iterdir()
                    if is_dead_part(part)
                ]
    return sorted(found)


# What changes a directory as a whole. Never one that a process holds.


def rename(path: str | Path, name: str) -> Path:
    """Give a run or a sweep another name, in the directory where it is; the new path.

    Raises InputError if the name is taken, or none for a directory, or if it is neither a run nor a sweep;
    InUse if a process holds it.
    """
    path = Path(path)
    target = path.parent / check_name(name, path)
    with _held(path):
        check_name(name, path)
        try:
            os.rename(path, target)
        except OSError as error:
            raise cannot(f"rename {path}", error) from None
        for lock in (target / LOCK, target / JOBS / str(Job()) / LOCK):  # ours
            with contextlib.suppress(OSError):
                lock.unlink()
    return target


def remove(path: str | Path) -> list[Path]:
    """Remove a run or a sweep that no process holds; returns what is left in its directory, which is no part
    of it.

    Raises InputError if it is neither, InUse if a process holds it.
    """
    path = Path(path)
    if not is_sweep(path):
        return of_runs.remove_run(path)
    with _held(path):
        try:
            (path / SPEC).unlink()  # the first: what is left of one that is half removed is none
            for shard in list((path / SHARDS).iterdir()) if (path / SHARDS).is_dir() else ():
                if re.fullmatch(r"\d{6,10}\.safetensors", shard.name):
                    shard.unlink()
            for name in (TABLE, CSV):
                (path / name).unlink(missing_ok=True)
            for place in (path, path / SHARDS):
                remove_dead_parts(place)
            for job in jobs_of(path):
                (path / JOBS / str(job) / PROGRESS).unlink(missing_ok=True)
            shutil.rmtree(path / PARTS, ignore_errors=True)
        except OSError as error:
            raise cannot(f"remove {path}", error) from None
    for place in (*_places(path / JOBS), path / JOBS, path / SHARDS, path):
        with contextlib.suppress(OSError):
            place.rmdir()
    return sorted(path.iterdir()) if path.is_dir() else []


def _places(directory: Path) -> list[Path]:
    try:
        return [place for place in directory.iterdir() if place.is_dir()]
    except OSError:
        return []


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold a run or a sweep. Raises InputError if it is neither, InUse."""
    if is_sweep(path):
        trainers = Watch(path).look()
        if trainers.is_running:
            raise InUse(path, trainers.holder)
        with hold_job(path, Job(), "tms runs"):
            yield
    elif of_runs.is_runs(path):
        with hold(path, "tms runs"):
            yield
    else:
        raise InputError(f"{path} is neither a run nor a sweep")


def check_name(text: str, path: Path) -> str:
    """Another name for a run or a sweep, to be in the directory where it is. Raises InputError."""
    name = text.strip()
    if not name or name in (".", "..") or any(sign in name for sign in ("/", os.sep, "\0")):
        raise InputError(f"a name should be that of a directory, without a slash, not {quoted(text)}")
    if name.startswith("."):
        raise InputError(f"a name should not begin with a dot: {quoted(name)} would be hidden")
    if os.path.lexists(path.parent / name):
        raise InputError(f"{path.parent / name} is there already: choose another name")
    return name
