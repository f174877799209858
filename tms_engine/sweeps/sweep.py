"""Sweep: many models over a grid, trained shard by shard, with one table of what they have become."""

import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32

from tms_engine import plugins
from tms_engine.errors import InputError, quoted
from tms_engine.experiment import PER_FEATURE, Experiment
from tms_engine.runs.beacon import Beacon, Word
from tms_engine.runs.training import train as train_run
from tms_engine.sweeps import directory, executors, table
from tms_engine.sweeps.directory import Job
from tms_engine.sweeps.grid import Grid, experiment_of, largest_shards, make_grid, seconds_of, told
from tms_engine.sweeps.shards import read_shard, run_shard, shard_bytes, train_shard
from tms_engine.sweeps.spec import DENSITY, Axes, Spec, make_spec
from tms_engine.training import kernels
from tms_engine.training.history import History, Kept
from tms_engine.training.run import Run, bytes_of, new_id
from tms_engine.training.state import State
from tms_engine.training.trainer import Trainer

if TYPE_CHECKING:
    import polars as pl

# Seconds between two looks at what other processes have finished, and at whether to stop.
_LOOK_EVERY = 0.1
# How near a coordinate has to be to what `select` asks for.
_NEAR = 1e-6


class Progress(NamedTuple):
    """How far a sweep is, or the part of it that one process trains.

    n_models    models to train in all
    n_finished  those in finished shards
    fraction    of the work that is done, from 0 to 1, with what is done of shards under way
    time_left   seconds, at the rate so far; None before that is known
    """

    n_models: int
    n_finished: int
    fraction: float
    time_left: float | None


class Sweep:
    """Models over a grid: a base, axes over fields of Experiment, and several models a point.

    base     an Experiment, or a preset's name. Where it has lists of a value per instance, these become axes
             that go in step: Sweep("phase-2-1", seeds=10) has 100 points
    axes     field to values: a list, an array, or text: "0,0.5", "0:0.99:32" (first:last:count, with both
             ends), "log:1:0.01:40". Any field but n_instances and instances, and "density", 1 − S
    zipped   groups of axes that go in step, as [("n_features", "n_hidden")]; all others are crossed
    seeds    models a point, with the instance numbers 0 to seeds − 1; or these numbers
    paired   whether the numbers are the same at every point. Then models with one number start from the same
             random words and see the same ones, and differ only in what is varied; else all are independent
    per_feature  whether the table has norm and D of every feature
    weights  whether the last state of every model is kept, for `run`
    shard_models  models that are trained in one piece (default: by what they cost)

    Models that differ only in sparsity, density, importance, importance_decay and learning_rate share
    batches; the others are trained one after the other. Each model has the bits of its experiment by itself
    (on the same kernel), however they are divided.

    Raises InputError for what cannot be run.
    """

    def __init__(
        self,
        base: Experiment | str,
        axes: Axes | None = None,
        *,
        zipped: Iterable[Sequence[str]] = (),
        seeds: int | Iterable[int] = 1,
        paired: bool = True,
        per_feature: bool = False,
        weights: bool = False,
        shard_models: int | None = None,
    ) -> None:
        spec = make_spec(
            base,
            axes,
            zipped=zipped,
            seeds=seeds,
            paired=paired,
            per_feature=per_feature,
            weights=weights,
            shard_models=shard_models,
        )
        self._begin(make_grid(spec), sizes_given=shard_models is not None)

    @classmethod
    def of_grid(cls, grid: Grid, path: Path | None = None, *, sizes_given: bool = False) -> "Sweep":
        """The sweep of a grid, in the directory where it has one."""
        sweep = cls.__new__(cls)
        sweep._begin(grid, sizes_given)
        sweep._path = path
        return sweep

    def _begin(self, grid: Grid, sizes_given: bool) -> None:
        self.grid = grid
        self._sizes_given = sizes_given
        self._path: Path | None = None

    @property
    def n_models(self) -> int:
        """Models in all: points × seeds."""
        return self.grid.n_models

    @property
    def n_shards(self) -> int:
        """Pieces in which they are trained."""
        return self.grid.n_shards

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the axes."""
        return self.grid.spec.coordinates

    @property
    def directory(self) -> Path | None:
        """Where the sweep is kept, once it has a directory."""
        return self._path

    def values(self, axis: str) -> tuple[Any, ...]:
        """The values of an axis, at each of its points. Raises InputError if there is none of this name."""
        return self.grid.spec.values(axis)

    def train(
        self,
        out: str | Path | None = None,
        *,
        executor: Executor | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> "pl.DataFrame":
        """Train what is not yet trained, and return the table, sorted by `row`.

        out          a new or empty directory, or one of this sweep, which goes on where it was; None: one
                     that is removed with the Sweep
        executor     what carries the shards: None, this process on all its cores; any of concurrent.futures,
                     `sweeps.processes()`, `sweeps.devices()` or `sweeps.dask(address)`
        on_progress  called about ten times a second
        should_stop  asked about ten times a second; where it says True, what is finished is returned

        Columns: row; the coordinates by their axes' names (an importance as text, "1,0.5"); number, the
        instance number; loss and standard_error, on fresh data; represented; total_dimensionality, ΣD; name
        and residual (degrees) of the polytope; diverged_at, the step, or null; trained_by, the kernel. With
        `per_feature`, norm_0 … and dimensionality_0 ….

        Raises InputError if a model cannot be trained here, if memory or disk have no room for all of them,
        or if the directory has something else; InUse if another process trains it.
        """
        table.check_memory(self.grid)
        place = Path(out) if out is not None else self._path or self._temporary()
        self.grid = prepare(place, self.grid, local=executor is None, sizes_given=self._sizes_given)
        self._path = place
        with directory.hold_job(place, Job(), "a script") as lock:
            train_job(place, self.grid, Job(), lock, executor, on_progress, should_stop)
        if not missing(place, self.grid):
            table.write_table(place, self.grid)
        return self.table()

    def table(self) -> "pl.DataFrame":
        """The table of the models that are finished: see `train`."""
        table.check_memory(self.grid)
        place = self._place()
        return table.frame(
            self.grid,
            (
                read_shard(directory.shard_path(place, k), self.grid, k)
                for k in directory.present(place, self.grid)
            ),
        )

    def select(self, **coordinates: Any) -> "pl.DataFrame":
        """The rows of the table with these coordinates, each a value or several: select(sparsity=0.9).

        Also by `number`; and by density where sparsity is the axis, and the other way round. Raises
        InputError, which names the nearest value, if an axis has no such value, or for what is no axis.
        """
        found = self.table()
        if not len(found):
            raise InputError("none of the models of this sweep is trained yet")
        for name, wanted in coordinates.items():
            columns = {axis: found[axis].to_numpy() for axis in (*self.coordinates, "number")}
            found = found.filter(rows_with(columns, self.grid.spec, name, wanted))
        return found

    def experiment(self, rows: Any) -> Experiment:
        """The experiment of these models, which are its instances. `rows` as in `run`."""
        return experiment_of(self.grid, _rows(rows))

    def run(self, rows: Any, *, history: bool = False) -> Run:
        """These models as a Run, to draw, save, open in the app or train on; they are its instances.

        rows     a number, several, a row of the table as a dict, or a DataFrame with a column `row`
        history  whether the weights over time are wanted too

        What was kept is read; else, or for the history, they are trained again, to the same bits. Raises
        InputError if they differ in more than what instances may differ in, or cannot be trained here.
        """
        numbers = _rows(rows)
        experiment = experiment_of(self.grid, numbers)
        kernel = self._trained_by(numbers)
        if self.grid.spec.weights and not history and kernel:
            return _run_of(experiment, self._states(numbers), kernel)
        run = train_run(experiment.replace(kernel=kernel) if kernel else experiment)
        return run._replace(experiment=experiment)

    def weights(self, rows: Any = None) -> Float32[np.ndarray, "models features hidden"]:
        """The feature directions of these models, or of all: (models, features, hidden). See `run`."""
        return self.run(range(self.n_models) if rows is None else rows).weights

    def _temporary(self) -> Path:
        """A directory that is removed with this object, or at the end of the process."""
        place = tempfile.mkdtemp(prefix="tms-sweep-")
        weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)
        return Path(place)

    def _place(self) -> Path:
        if self._path is None:
            raise InputError("this sweep is not trained yet: `train` does that")
        return self._path

    def _shards_of(self, rows: Sequence[int]) -> dict[int, list[int]]:
        """The shards that have these rows, and for each the places in `rows`."""
        shards = np.searchsorted(self.grid.edges, np.asarray(rows), side="right") - 1
        found: dict[int, list[int]] = {}
        for place, shard in enumerate(shards.tolist()):
            found.setdefault(shard, []).append(place)
        return found

    def _trained_by(self, rows: Sequence[int]) -> str:
        """The kernel that has trained these models; "" if they are not trained, or not all by the same."""
        if self._path is None:
            return ""
        kernels_ = set()
        for shard in self._shards_of(rows):
            path = directory.shard_path(self._path, shard)
            if not path.exists():
                return ""
            kernels_.add(read_shard(path, self.grid, shard).kernel)
        return kernels_.pop() if len(kernels_) == 1 else ""

    def _states(self, rows: Sequence[int]) -> State:
        """The last states of these models, in this order."""
        whole: State | None = None
        for shard, places in self._shards_of(rows).items():
            found = read_shard(directory.shard_path(self._place(), shard), self.grid, shard, state=True)
            assert found.state is not None
            within = np.asarray(rows)[places] - found.rows.start
            if whole is None:
                whole = _empty_like(found.state, len(rows))
            for ours, theirs in zip(whole[1:4], found.state[1:4], strict=True):
                for name, value in theirs.items():
                    ours[name][places] = value[within]
            whole.diverged_at[places] = found.state.diverged_at[within]
        assert whole is not None
        return whole


def _several(name: str, wanted: Any) -> list[Any]:
    """One value or several, as a list; a value a feature is a list itself, or text."""
    if name in PER_FEATURE and not isinstance(wanted, str):
        many = list(wanted)
        return (
            [tuple(map(float, value)) for value in many]
            if isinstance(many[0], Sequence)
            else [tuple(map(float, many))]
        )
    return list(wanted) if isinstance(wanted, Iterable) and not isinstance(wanted, str) else [wanted]


def _rows(rows: Any) -> list[int]:
    """Row numbers, from what a user has of them."""
    if hasattr(rows, "get_column"):  # a DataFrame of polars
        rows = rows.get_column("row").to_list()
    elif isinstance(rows, Mapping):
        rows = [rows["row"]] if "row" in rows else None
    try:
        many = list(rows) if isinstance(rows, Iterable) and not isinstance(rows, str) else [rows]
        return [range(2**62)[row] for row in many if row >= 0 or _negative(row)]
    except (TypeError, IndexError):
        raise InputError(
            f"rows should be numbers, a row of the table or a DataFrame of such rows, not {quoted(rows)}"
        ) from None


def _negative(row: int) -> bool:
    raise InputError(f"row should be at least 0, not {row}")


def _empty_like(state: State, n: int) -> State:
    one, first, second = (
        {name: np.empty((n, *value.shape[1:]), value.dtype) for name, value in named.items()}
        for named in state[1:4]
    )
    return State(state.step, one, first, second, np.empty(n, np.int64))


def _run_of(experiment: Experiment, state: State, kernel: Any) -> Run:
    """A run at its last step, of which nothing earlier is known."""
    history = History(experiment.n_instances, experiment.keep, bytes_of(state.parameters))
    history.skip_to(state.step)
    history.add_kept(Kept(state.step, state.parameters))
    return Run(experiment, (), state, history, kernel, id=new_id())


def load_sweep(path: str | Path) -> Sweep:
    """The sweep in a directory, as far as it is. Raises InputError if there is none."""
    return Sweep.of_grid(directory.read_grid(path), Path(path))


def rows_with(
    columns: Mapping[str, np.ndarray], spec: Spec, name: str, wanted: Any
) -> Bool[np.ndarray, " models"]:
    """Which models have one of the wanted values of an axis, or of `number`: see `Sweep.select`.

    `columns` has an array of each. Raises InputError.
    """
    other = {"sparsity": DENSITY, DENSITY: "sparsity"}.get(name, name)
    axis = other if name not in spec.coordinates and other in spec.coordinates else name
    if axis != "number":
        spec.values(axis)  # or there is none
    column = columns[axis]
    if column.dtype == object or name in PER_FEATURE:
        texts = {told(w) if isinstance(w, tuple) else str(w) for w in _several(name, wanted)}
        for text in texts - set(column.tolist()):
            raise InputError(f"{name} has no value {quoted(text)} in this table", name)
        return np.isin(column.astype(str), list(texts))
    values = (1 - column if axis != name else column).astype(np.float64)
    mask = np.zeros(len(values), bool)
    for value in _several(name, wanted):
        if value is None and np.isnan(values).any():
            mask |= np.isnan(values)
            continue
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise InputError(f"{name} should be a number, not {quoted(value)}", name) from None
        near = np.abs(values - number) <= _NEAR * max(abs(number), _NEAR)
        if not near.any():
            nearest = values[np.nanargmin(np.abs(values - number))]
            raise InputError(
                f"{name} has no value {number:g} in this table; the nearest is {nearest:.6g}", name
            )
        mask |= near
    return mask


# What trains, in this process or by an executor.


def prepare(path: Path, grid: Grid, *, local: bool, sizes_given: bool = False, make: bool = True) -> Grid:
    """Check that a sweep can be trained, and, with `make`, make its directory, or take the one that it has.

    Raises InputError, before anything is computed, if a family of models cannot be trained here (with
    `local`), if memory or disk have no room, or if the directory has something else.
    """
    if local:
        for shard in largest_shards(grid):
            kernels.choose(experiment_of(grid, grid.rows(shard)).replace(keep=0))
    directory.check_disk(path, grid)
    return directory.begin(path, grid, sizes_given=sizes_given) if make else grid


def missing(path: Path, grid: Grid) -> list[int]:
    """The shards of which there is no whole file."""
    whole, _ = directory.finished(path, grid)
    return sorted(set(range(grid.n_shards)) - set(whole))


def train_job(
    path: Path,
    grid: Grid,
    job: Job,
    lock: Any,
    executor: Executor | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> bool:
    """Train the shards of a job that is held which are not finished; whether all are now.

    Raises InputError for what a worker cannot do. What was finished before that, or before any interruption,
    is kept.
    """
    directory.remove_leftovers(path)
    own = [shard for shard in range(grid.n_shards) if job.has(shard)]
    whole = set(directory.finished(path, grid)[0])
    due = [shard for shard in own if shard not in whole]
    watch = _Watch(grid, own, due, lock, on_progress)
    word: Word = "stopped"
    try:
        if executor is None:
            done = _train_here(path, grid, due, watch, should_stop)
        else:
            done = _train_there(path, grid, due, executor, watch, should_stop)
        word = "finished" if done else "stopped"
        return done
    finally:
        watch.end(word)


class _Watch:
    """Counts what is finished, and tells the heartbeat and whoever asks."""

    def __init__(
        self,
        grid: Grid,
        own: list[int],
        due: list[int],
        lock: Any,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        costs = seconds_of(grid)
        self._grid, self._costs, self._tell = grid, costs, on_progress
        self._whole_cost = sum(costs[shard] for shard in own)
        self._cost_before = self._whole_cost - sum(costs[shard] for shard in due)
        self._cost = self._cost_before
        self._n_models = sum(len(grid.rows(shard)) for shard in own)
        self._n_finished = self._n_models - sum(len(grid.rows(shard)) for shard in due)
        self._began, self._is_first = time.monotonic(), True
        self._beacon = Beacon(lock, grid.spec.identity, self._n_finished, self._n_models)
        self.show()

    def finished(self, shard: int) -> None:
        self._cost += self._costs[shard]
        if self._is_first:  # the rate is that of the others: this one has waited for compilers too
            self._is_first, self._cost_before, self._began = False, self._cost, time.monotonic()
        self._n_finished += len(self._grid.rows(shard))
        self.show()

    def show(self, shard: int | None = None, part: float = 0.0) -> None:
        """`part` is what is done of a shard that is under way."""
        cost = self._cost + (part * self._costs[shard] if shard is not None else 0.0)
        done, left = cost - self._cost_before, self._whole_cost - cost
        seconds = time.monotonic() - self._began
        time_left = left / done * seconds if done > 0 else None
        models_left = self._n_models - self._n_finished
        rate = models_left / time_left if time_left else 0.0
        self._beacon.show(self._n_finished, self._n_models, None, rate)
        if self._tell:
            fraction = cost / self._whole_cost if self._whole_cost else 1.0
            self._tell(Progress(self._n_models, self._n_finished, min(fraction, 1.0), time_left))

    def end(self, word: Word) -> None:
        self._beacon.show(self._n_finished, self._n_models)
        self._beacon.end(word)


def _train_here(
    path: Path, grid: Grid, due: list[int], watch: _Watch, should_stop: Callable[[], bool] | None
) -> bool:
    for shard in due:

        def show(trainer: Trainer, shard: int = shard) -> None:
            watch.show(shard, trainer.step / trainer.current.steps)

        trained = train_shard(grid, shard, on_progress=show, should_stop=should_stop)
        if trained is None:
            return False
        _keep(path, grid, shard, shard_bytes(grid, trained))
        watch.finished(shard)
    return True


def _train_there(
    path: Path,
    grid: Grid,
    due: list[int],
    executor: Executor,
    watch: _Watch,
    should_stop: Callable[[], bool] | None,
) -> bool:
    spec, modules, threads = grid.spec.to_json(), plugins.loaded(), executors.threads_of(executor)
    waiting, under_way = iter(due), dict[Future[bytes], int]()
    left = len(due)
    try:
        while left:
            if should_stop and should_stop():
                return False
            while len(under_way) < executors.at_once(executor) and (shard := next(waiting, None)) is not None:
                with executors.told_in_one_sentence(shard):
                    under_way[executor.submit(run_shard, spec, shard, modules, threads)] = shard
            ended, _ = wait(under_way, _LOOK_EVERY, FIRST_COMPLETED)
            for future in ended:
                shard = under_way.pop(future)
                with executors.told_in_one_sentence(shard):
                    content = future.result()
                _keep(path, grid, shard, content)
                watch.finished(shard)
                left -= 1
            watch.show()
        return True
    finally:
        for future in under_way:
            future.cancel()


def _keep(path: Path, grid: Grid, shard: int, content: bytes) -> None:
    """Write a finished shard, and hold it to what it should be."""
    directory.write_shard(path, grid, shard, content)
    read_shard(directory.shard_path(path, shard), grid, shard)


def merge(path: str | Path, csv: bool = False) -> Grid:
    """Write the table of a sweep; the grid. Raises InputError if not all of its shards are finished."""
    grid = directory.read_grid(path)
    lacking = missing(Path(path), grid)
    if lacking:
        raise InputError(
            f"{len(lacking):,} of {grid.n_shards:,} shards of {path} are not finished: "
            f"`tms sweep {path}` trains them"
        )
    table.write_table(Path(path), grid, csv)
    return grid
