"""What becomes of a sweep that another process trains: its rows as they are finished.

Loads neither torch nor polars.
"""

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool

from tms_engine.analysis.geometry import dimensionality, norms
from tms_engine.errors import InputError
from tms_engine.models import model
from tms_engine.runs.beacon import read_progress
from tms_engine.runs.follow import SILENT_AFTER
from tms_engine.runs.lock import Holder, is_locked, last_written
from tms_engine.runs.places import PROGRESS
from tms_engine.sweeps.directory import JOBS, jobs_of, present, read_grid, shard_path
from tms_engine.sweeps.grid import coordinates_of, experiment_of, most_features
from tms_engine.sweeps.shards import COLUMNS, FEATURE_COLUMNS, Shard, read_shard


class Followed(NamedTuple):
    """A sweep as far as it is.

    n_models     models in all
    n_finished   those whose rows are here
    fraction     n_finished / n_models
    is_running   whether a process trains it now
    time_left    seconds, as those that train it have it; None where nobody does, or it is not known yet
    holder       who trains it, or did last; None where nobody has
    died         whether one of these has ended without a word
    finished     bool (models,): of which rows there is something
    columns      name to (models,): loss, standard_error, represented, total_dimensionality, residual, name
                 (a place in `names`), diverged_at; NaN, or −1 for whole numbers, where a row is not finished.
                 With `features`, norm and dimensionality too, (models, features)
    names        of the polytopes
    coordinates  axis, and `number`, to (models,): numbers, or text
    news         the rows that were not finished at the last look
    """

    n_models: int
    n_finished: int
    fraction: float
    is_running: bool
    time_left: float | None
    holder: Holder | None
    died: bool
    finished: Bool[np.ndarray, " models"]
    columns: dict[str, np.ndarray]
    names: tuple[str, ...]
    coordinates: dict[str, np.ndarray]
    news: tuple[range, ...]


class Trainers(NamedTuple):
    """Who trains a sweep: see `Followed`."""

    is_running: bool
    time_left: float | None
    holder: Holder | None
    died: bool


class Watch:
    """Looks who trains the sweep in a directory; from one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._beats: dict[str, tuple[Any, float]] = {}

    def look(self) -> Trainers:
        """By the locks and heartbeats of its jobs; the longest time that one of them has left."""
        running, died, left = False, False, []
        holder, seen = None, -1.0
        for job in jobs_of(self._path):
            place = self._path / JOBS / str(job)
            progress = read_progress(place)
            if progress is None:
                continue
            if progress.state == "running":
                if not (is_locked(place) or self._beats_now(place)):
                    died = True
                else:
                    running = True
                    if progress.rate > 0:
                        left.append((progress.steps - progress.step) / progress.rate)
            at = progress.time + (1e12 if progress.state == "running" else 0)
            if at > seen:
                holder, seen = progress.holder, at
        return Trainers(running, max(left, default=None), holder, died and not running)

    def _beats_now(self, place: Path) -> bool:
        """Whether the heartbeat of a job, whose lock cannot be seen from here, has changed of late."""
        beat, now = last_written(place / PROGRESS), time.monotonic()
        before, changed_at = self._beats.get(place.name, (beat, -SILENT_AFTER))
        if beat != before:
            changed_at = now
        self._beats[place.name] = beat, changed_at
        return now - changed_at < SILENT_AFTER


class Follower:
    """Follows the directory of a sweep: `poll` it about once a second, from one thread at a time.

    spec        the sweep: spec.base, spec.coordinates, spec.values(axis)
    n_features  with `features`, how many have their columns; 0 where the sweep keeps neither them nor weights

    With `features`, norm and dimensionality of every feature are columns, where the sweep has them, or has
    weights, from which they are worked out.

    The arrays that `poll` gives are filled further by the next one. Raises InputError if there is no sweep.
    """

    def __init__(self, path: str | Path, *, features: bool = False) -> None:
        self.path = Path(path)
        self.grid = read_grid(path)
        self.spec = self.grid.spec
        n = self.grid.n_models
        self._coordinates = coordinates_of(self.grid, range(n))
        self._columns: dict[str, np.ndarray] = {
            name: np.full(n, np.nan if np.issubdtype(kind, np.floating) else -1, kind)
            for name, kind in COLUMNS.items()
        }
        self.n_features = (
            most_features(self.grid) if features and (self.spec.per_feature or self.spec.weights) else 0
        )
        if self.n_features:
            for name in FEATURE_COLUMNS:
                self._columns[name] = np.full((n, self.n_features), np.nan)
        self._finished = np.zeros(n, bool)
        self._names: dict[str, int] = {}
        self._seen: set[int] = set()
        self._watch = Watch(self.path)

    def poll(self) -> Followed:
        """The sweep now: reads the shards that were finished since the last look.

        A damaged one is not finished: it is trained again when the sweep goes on. Raises InputError if the
        directory is gone.
        """
        if not self.path.is_dir():
            raise InputError(f"{self.path} is gone")
        trainers = self._watch.look()  # before the shards: of a sweep that has ended all are seen
        news = []
        for shard in present(self.path, self.grid):
            if shard not in self._seen:
                try:
                    found = self._read(shard)
                except InputError:
                    continue
                self._seen.add(shard)
                news.append(found.rows)
                self._take(found)
        n_finished = int(self._finished.sum())
        return Followed(
            n_models=self.grid.n_models,
            n_finished=n_finished,
            fraction=n_finished / self.grid.n_models,
            is_running=trainers.is_running,
            time_left=trainers.time_left,
            holder=trainers.holder,
            died=trainers.died,
            finished=self._finished,
            columns=self._columns,
            names=tuple(self._names),
            coordinates=self._coordinates,
            news=tuple(news),
        )

    def _read(self, shard: int) -> Shard:
        needs_weights = bool(self.n_features) and not self.spec.per_feature
        found = read_shard(shard_path(self.path, shard), self.grid, shard, state=needs_weights)
        if not needs_weights:
            return found
        assert found.state is not None
        directions = model(experiment_of(self.grid, found.rows[:1]).model).directions(found.state.parameters)
        own = {"norm": norms(directions), "dimensionality": dimensionality(directions)}
        return found._replace(columns={**found.columns, **own}, state=None)

    def _take(self, found: Shard) -> None:
        here = slice(found.rows.start, found.rows.stop)
        codes = np.array([self._names.setdefault(name, len(self._names)) for name in found.names], int)
        for name, column in self._columns.items():
            values = found.columns[name]
            if name == "name":
                column[here] = np.where(values >= 0, codes[values], -1) if len(codes) else -1
            elif values.ndim > 1:
                column[here, : values.shape[1]] = values
            else:
                column[here] = values
        self._finished[here] = True


def follow(path: str | Path, *, features: bool = False) -> Follower:
    """Follow the sweep in a directory, as other processes train it. Raises InputError if there is none."""
    return Follower(path, features=features)
