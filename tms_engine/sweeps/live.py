"""What becomes of a sweep that another process trains: its rows as they are finished.

Loads neither torch nor polars.
"""

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool

from tms_engine.errors import InputError
from tms_engine.runs.beacon import read_progress
from tms_engine.runs.follow import SILENT_AFTER
from tms_engine.runs.lock import is_locked, last_written
from tms_engine.runs.places import PROGRESS
from tms_engine.sweeps.directory import JOBS, jobs_of, present, read_grid, shard_path
from tms_engine.sweeps.grid import coordinates_of
from tms_engine.sweeps.shards import COLUMNS, read_shard


class Followed(NamedTuple):
    """A sweep as far as it is.

    n_models     models in all
    n_finished   those whose rows are here
    fraction     n_finished / n_models
    is_running   whether a process trains it now
    time_left    seconds, as those that train it have it; None where nobody does, or it is not known yet
    finished     bool (models,): of which rows there is something
    columns      name to (models,): loss, standard_error, represented, total_dimensionality, residual, name
                 (a place in `names`), diverged_at; NaN, or −1 for whole numbers, where a row is not finished
    names        of the polytopes
    coordinates  axis, and `number`, to (models,): numbers, or text
    news         the rows that were not finished at the last look
    """

    n_models: int
    n_finished: int
    fraction: float
    is_running: bool
    time_left: float | None
    finished: Bool[np.ndarray, " models"]
    columns: dict[str, np.ndarray]
    names: tuple[str, ...]
    coordinates: dict[str, np.ndarray]
    news: tuple[range, ...]


class Follower:
    """Follows the directory of a sweep: `poll` it about once a second, from one thread at a time.

    spec   the sweep: spec.base, spec.coordinates, spec.values(axis)

    The arrays that `poll` gives are filled further by the next one. Raises InputError if there is no sweep.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._grid = read_grid(path)
        self.spec = self._grid.spec
        n = self._grid.n_models
        self._coordinates = coordinates_of(self._grid, range(n))
        self._columns: dict[str, np.ndarray] = {
            name: np.full(n, np.nan if np.issubdtype(kind, np.floating) else -1, kind)
            for name, kind in COLUMNS.items()
        }
        self._finished = np.zeros(n, bool)
        self._names: dict[str, int] = {}
        self._seen: set[int] = set()
        self._beats: dict[str, tuple[Any, float]] = {}

    def poll(self) -> Followed:
        """The sweep now: reads the shards that were finished since the last look.

        A damaged one is not finished: it is trained again when the sweep goes on. Raises InputError if the
        directory is gone.
        """
        if not self.path.is_dir():
            raise InputError(f"{self.path} is gone")
        running, time_left = self._running()  # before the shards: of a sweep that has ended all are seen
        news = []
        for shard in present(self.path, self._grid):
            if shard not in self._seen:
                try:
                    found = read_shard(shard_path(self.path, shard), self._grid, shard)
                except InputError:
                    continue
                self._seen.add(shard)
                news.append(found.rows)
                here = slice(found.rows.start, found.rows.stop)
                codes = np.array([self._names.setdefault(name, len(self._names)) for name in found.names])
                for name, column in self._columns.items():
                    values = found.columns[name]
                    column[here] = codes[values] if name == "name" else values
                self._finished[here] = True
        n_finished = int(self._finished.sum())
        return Followed(
            n_models=self._grid.n_models,
            n_finished=n_finished,
            fraction=n_finished / self._grid.n_models,
            is_running=running,
            time_left=time_left,
            finished=self._finished,
            columns=self._columns,
            names=tuple(self._names),
            coordinates=self._coordinates,
            news=tuple(news),
        )

    def _running(self) -> tuple[bool, float | None]:
        """Whether a job is being trained, and the longest time that one of them has left."""
        running, left = False, []
        for job in jobs_of(self.path):
            place = self.path / JOBS / str(job)
            progress = read_progress(place)
            if (
                progress is None
                or progress.state != "running"
                or not (is_locked(place) or self._beats_now(place))
            ):
                continue
            running = True
            if progress.rate > 0:
                left.append((progress.steps - progress.step) / progress.rate)
        return running, max(left, default=None)

    def _beats_now(self, place: Path) -> bool:
        """Whether the heartbeat of a job, whose lock cannot be seen from here, has changed of late."""
        beat, now = last_written(place / PROGRESS), time.monotonic()
        before, changed_at = self._beats.get(place.name, (beat, -SILENT_AFTER))
        if beat != before:
            changed_at = now
        self._beats[place.name] = beat, changed_at
        return now - changed_at < SILENT_AFTER


def follow(path: str | Path) -> Follower:
    """Follow the sweep in a directory, as other processes train it. Raises InputError if there is none."""
    return Follower(path)
