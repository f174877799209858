"""What sweeps are in a directory of runs, by looks that read no shard; and their removal."""

import contextlib
import os
import time
from pathlib import Path
from typing import NamedTuple

from tms_engine.errors import InputError
from tms_engine.files import cannot, is_dead_part, remove_dead_parts
from tms_engine.runs.beacon import Progress, read_progress
from tms_engine.runs.follow import SILENT_AFTER
from tms_engine.runs.listing import Prunable, bytes_in, directories
from tms_engine.runs.lock import is_locked, last_written
from tms_engine.runs.places import LOCK, PROGRESS
from tms_engine.sweeps.directory import (
    CSV,
    JOBS,
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


class ListedSweep(NamedTuple):
    """A directory of a sweep.

    path      where it is
    grid      what it is; None where that cannot be read
    finished  shards of which there is a file
    running   what those who train it say of themselves
    written   when a shard was finished, or somebody gave a sign of life, in seconds since 1970
    bytes     what it takes on disk
    problem   why it is no sweep, "" if it is one
    """

    path: Path
    grid: Grid | None
    finished: int
    running: tuple[Progress, ...]
    written: float
    bytes: int
    problem: str

    def __str__(self) -> str:
        """Its state in a few words."""
        if self.problem or self.grid is None:
            return self.problem
        if self.running:
            holder = self.running[0].holder
            more = f", and {len(self.running) - 1:,} jobs more" if len(self.running) > 1 else ""
            return f"running{f': {holder}' if holder else ''}{more}"
        if self.finished < self.grid.n_shards:
            return "stopped"
        return "finished" if os.path.exists(self.path / TABLE) else "finished, without its table"


def list_sweeps(directory: str | Path) -> list[ListedSweep]:
    """The sweeps in a directory, the newest first. Raises InputError if it cannot be read."""
    found = [_listed(path) for path in directories(Path(directory)) if is_sweep(path)]
    return sorted(found, key=lambda listed: (-listed.written, listed.path.name))


def prunable_of_sweeps(directory: str | Path) -> list[Prunable]:
    """What killed processes have left of files in the sweeps of a directory. Raises InputError if it cannot
    be read."""
    found = []
    for path in directories(Path(directory)):
        if is_sweep(path):
            with contextlib.suppress(OSError):
                found += [
                    Prunable(part, "its writer was killed")
                    for part in (path / SHARDS).iterdir()
                    if is_dead_part(part)
                ]
    return sorted(found)


def remove_sweep(path: str | Path) -> list[Path]:
    """Remove a sweep that nobody trains: its files and its directory; what is left in it, which is no
    sweep's.

    Raises InputError if it is no sweep, InUse if a process trains it.
    """
    path = Path(path)
    if not is_sweep(path):
        raise InputError(f"{path} is not a sweep")
    with hold_job(path, Job(), "tms runs"):
        try:
            for name in (SPEC, TABLE, CSV):  # what is left of a sweep that is half removed is none
                (path / name).unlink(missing_ok=True)
            for shard in (path / SHARDS).glob("*.safetensors"):
                shard.unlink()
            for place in (path, path / SHARDS):
                remove_dead_parts(place)
            for job in [*map(str, jobs_of(path)), "table"]:
                (path / JOBS / job / PROGRESS).unlink(missing_ok=True)
                if job != str(Job()):  # the own lock goes when it is let go
                    (path / JOBS / job / LOCK).unlink(missing_ok=True)
        except OSError as error:
            raise cannot(f"remove {path}", error) from None
    for place in (*_inside(path / JOBS), path / JOBS, path / SHARDS, path):
        with contextlib.suppress(OSError):
            place.rmdir()
    return _inside(path)


def _inside(path: Path) -> list[Path]:
    try:
        return sorted(path.iterdir())
    except OSError:
        return []


def _listed(path: Path) -> ListedSweep:
    grid, finished, problem = None, 0, ""
    try:
        grid = read_grid(path)
        finished = len(present(path, grid))
    except InputError as error:
        problem = str(error)
    signs = [path / SPEC, path / TABLE, path / SHARDS]
    running = []
    for job in jobs_of(path):
        place = path / JOBS / str(job)
        signs.append(place / PROGRESS)
        progress = read_progress(place)
        if progress is not None and progress.state == "running" and _lives(place, progress):
            running.append(progress)
    written = max((found[1] / 1e9 for found in map(last_written, signs) if found), default=0.0)
    size = bytes_in(path, path / SHARDS)
    return ListedSweep(path, grid, finished, tuple(running), written, size, problem)


def _lives(place: Path, progress: Progress) -> bool:
    """Whether who says that it trains a job does: by its lock here, by its heartbeat elsewhere."""
    if progress.holder is None or progress.holder.is_here:
        return bool(is_locked(place))
    beat = last_written(place / PROGRESS)
    return beat is not None and abs(time.time() - beat[1] / 1e9) < SILENT_AFTER
