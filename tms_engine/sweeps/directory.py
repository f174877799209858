"""The directory of a sweep, whose files say how far it is.

    DIR/sweep.json          the sweep: what was asked for, and the sizes of its shards
    DIR/shards/000000.safetensors, …   finished shards, each written whole or not at all
    DIR/jobs/K-of-N/        lock and heartbeat of the process that trains every Nth shard, from the Kth
    DIR/table.parquet       a row a model, once all are finished; table.csv where it is asked for

Several processes may train one sweep: those whose jobs have no shard in common.
"""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tms_engine.errors import InputError, quoted
from tms_engine.experiment import whole_number
from tms_engine.files import (
    cannot,
    make_directory,
    read_small,
    remove_dead_parts,
    write_atomically,
    write_new,
)
from tms_engine.runs.lock import Holder, InUse, RunLock, as_holder, hold, is_locked, read_json
from tms_engine.runs.places import LOCK, SWEEP, absolute
from tms_engine.sweeps.grid import Grid, make_grid
from tms_engine.sweeps.shards import read_shard
from tms_engine.sweeps.spec import Spec, spec_from

SPEC, SHARDS, JOBS, TABLE, CSV = SWEEP, "shards", "jobs", "table.parquet", "table.csv"
# Pieces of a table that is being written.
PARTS = "table.parts"
_MOST_BYTES = 1 << 28
# Bytes that a model may take in a shard's file, in the table, and for each feature in either.
_SHARD_ROW, _TABLE_ROW, _FEATURE = 56, 64, 16


class Job(NamedTuple):
    """Every `of`th shard, from number `k` on; k counts from 1."""

    k: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.k}-of-{self.of}"

    def has(self, shard: int) -> bool:
        return shard % self.of == self.k - 1

    def meets(self, other: "Job") -> bool:
        """Whether a shard may be of both."""
        return self.of != other.of or self.k == other.k


def job_from(text: str) -> Job:
    """ "3/16" as a job. Raises InputError."""
    k, slash, of = text.partition("/")
    try:
        job = Job(whole_number(k), whole_number(of)) if slash else None
    except ValueError:
        job = None
    if job is None or not 1 <= job.k <= job.of:
        raise InputError(f"shard should be K/N, the Kth of N jobs, as in 3/16, not {quoted(text)}")
    return job


def is_sweep(path: str | Path) -> bool:
    """Whether a directory is a sweep's."""
    return os.path.isfile(Path(path) / SPEC)


def read_grid(path: str | Path) -> Grid:
    """The grid of the sweep in a directory. Raises InputError if there is none."""
    place = absolute(path) / SPEC
    if not os.path.lexists(place):
        raise InputError(f"{path} is no directory of a sweep: it has no {SPEC}")
    try:
        record = json.loads(read_small(place, _MOST_BYTES))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{place} is not valid JSON: {error}") from None
    return make_grid(spec_from(record, place))


def begin(path: str | Path, grid: Grid, *, sizes_given: bool) -> Grid:
    """Make a directory for a sweep, or take the one that has it; the grid with the shards that it has there.

    Raises InputError, and changes nothing, if something else is there, or another sweep.
    """
    directory = absolute(path)
    try:
        if not os.path.lexists(directory / SPEC):
            make_directory(directory)
            others = [entry.name for entry in directory.iterdir() if entry.name not in (SHARDS, JOBS, SPEC)]
            if any(not name.endswith(".part") for name in others):
                raise InputError(f"{path} is not empty, and no sweep's: choose a new directory")
            with contextlib.suppress(FileExistsError):
                write_new(directory / SPEC, grid.spec.to_json().encode())
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise cannot(f"write to {path}", error) from None
    found = read_grid(path)
    if found.spec.identity != grid.spec.identity:
        raise InputError(
            f"{path} has another sweep, with {_difference(found.spec, grid.spec)}: choose a new directory"
        )
    if sizes_given and found.edges != grid.edges:
        raise InputError(
            f"{path} has this sweep in other shards: leave out shard_models, or choose a new directory"
        )
    return elsewhere(found, grid.spec.base.device, grid.spec.base.kernel)


def elsewhere(grid: Grid, device: str, kernel: str) -> Grid:
    """The grid, to be trained on this device by this kernel, where these are not varied."""
    base = grid.spec.base.replace(device=device, kernel=kernel)
    return grid._replace(spec=replace(grid.spec, base=base))


def _difference(there: Spec, asked: Spec) -> str:
    """In what two sweeps differ, in a few words."""
    for name, value in there.base:
        if value != getattr(asked.base, name):
            return f"{name} {quoted(value)}, not {quoted(getattr(asked.base, name))}"
    if there.coordinates != asked.coordinates:
        return f"axes {', '.join(there.coordinates) or 'none'}, not {', '.join(asked.coordinates) or 'none'}"
    for name in there.coordinates:
        if there.values(name) != asked.values(name):
            return f"other values of {name}"
    for name in ("seeds", "paired", "per_feature", "weights"):
        if getattr(there, name) != getattr(asked, name):
            return f"{name} {getattr(there, name)}, not {getattr(asked, name)}"
    return "axes that go in step otherwise"


@contextlib.contextmanager
def hold_job(path: str | Path, job: Job, doing: str) -> Iterator[RunLock]:
    """Hold the shards of a job against other processes.

    Raises InUse if one of them is training some of these.
    """
    jobs = absolute(path) / JOBS
    try:
        make_directory(jobs)
    except (OSError, ValueError) as error:
        raise cannot(f"write to {path}", error) from None
    try:
        lock = hold(jobs / str(job), doing)
    except InUse as error:
        raise InUse(path, error.holder) from None
    # Each looks at the others when it holds its own: of two who meet, one sees the other at least.
    with lock:
        for other in jobs_of(path):
            if other != job and other.meets(job) and is_locked(jobs / str(other)):
                raise InUse(path, holder_of(path, other), f", as job {other.k}/{other.of}")
        yield lock


def jobs_of(path: str | Path) -> list[Job]:
    """The jobs that train a sweep, or have."""
    found = []
    with contextlib.suppress(OSError):
        for entry in sorted((absolute(path) / JOBS).iterdir()):
            named = re.fullmatch(r"([1-9]\d{0,8})-of-([1-9]\d{0,8})", entry.name)
            if named:
                found.append(Job(int(named[1]), int(named[2])))
    return found


def holder_of(path: str | Path, job: Job) -> Holder | None:
    return as_holder(read_json(absolute(path) / JOBS / str(job) / LOCK))


def shard_path(path: str | Path, shard: int) -> Path:
    return Path(path) / SHARDS / f"{shard:06d}.safetensors"


def present(path: str | Path, grid: Grid) -> list[int]:
    """The shards of which there is a file, by their names alone."""
    found = []
    with contextlib.suppress(OSError), os.scandir(Path(path) / SHARDS) as entries:
        for entry in entries:
            named = re.fullmatch(r"(\d{6,10})\.safetensors", entry.name)
            if named and int(named[1]) < grid.n_shards:
                found.append(int(named[1]))
    return sorted(found)


def finished(path: str | Path, grid: Grid) -> tuple[list[int], list[int]]:
    """The shards that are whole, and those of which there is a damaged file: these have to be trained again.

    Raises InputError for a file of another sweep's, which no one has to lose.
    """
    whole, damaged = [], []
    for shard in present(path, grid):
        try:
            read_shard(shard_path(path, shard), grid, shard)
            whole.append(shard)
        except InputError:
            damaged.append(shard)
    return whole, damaged


def write_shard(path: str | Path, grid: Grid, shard: int, content: bytes) -> None:
    """Keep a finished shard. Raises InputError if it cannot be written."""
    place = shard_path(absolute(path), shard)
    try:
        make_directory(place.parent)
        write_atomically(place, content)
    except (OSError, ValueError) as error:
        raise cannot(f"write to {path}", error) from None


def remove_leftovers(path: str | Path) -> None:
    """What killed processes have left of files that they were writing."""
    remove_dead_parts(Path(path))
    remove_dead_parts(Path(path) / SHARDS)


def bytes_of(grid: Grid) -> int:
    """What a sweep takes on disk, its table included."""
    from tms_engine.sweeps.grid import experiment_of, largest_shards
    from tms_engine.training.memory import parameter_bytes

    a_row = _SHARD_ROW + _TABLE_ROW + 8 * len(grid.spec.coordinates)
    total = a_row * grid.n_models + 1024 * grid.n_shards
    if grid.spec.per_feature or grid.spec.weights:
        for family, shard in zip(grid.families, largest_shards(grid), strict=True):
            one = experiment_of(grid, grid.rows(shard)[:1])
            total += family.n_models * (2 * _FEATURE * one.n_features if grid.spec.per_feature else 0)
            total += family.n_models * (3 * parameter_bytes(one) if grid.spec.weights else 0)
    return total


def check_disk(path: str | Path, grid: Grid) -> None:
    """Raise InputError if the disk has no room for a sweep."""
    place = absolute(path)
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        free = shutil.disk_usage(place).free
    except OSError:
        return
    # What is there already has its room.
    left = bytes_of(grid) * (1 - len(present(path, grid)) / max(grid.n_shards, 1))
    if left > free:
        raise InputError(
            f"{grid.n_models:,} models take about {left / 2**30:,.1f} GiB on disk, and {place} has "
            f"{free / 2**30:,.1f} free: fewer values or seeds"
        )
