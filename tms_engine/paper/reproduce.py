"""Trains an experiment of the paper into a directory, and writes its table and its figure there.

    DIR/paper.json       which experiment it is
    DIR/models/NAME/     the directories of its sweeps and runs
    DIR/table.parquet    a row a model, or a feature of a model; table.csv too
    DIR/NAME.png         the figure

Whatever ends it, it goes on where it was: sweeps lose the shard under way, runs a few seconds.
"""

import contextlib
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tms_engine.errors import InputError
from tms_engine.experiment import Experiment
from tms_engine.files import cannot, make_directory, read_small, write_atomically, write_new
from tms_engine.paper import experiment as module_of
from tms_engine.paper.plan import Plan, Trained
from tms_engine.runs import hold, load_run, train, train_on
from tms_engine.runs.places import absolute
from tms_engine.sweeps.directory import Job, hold_job
from tms_engine.sweeps.grid import seconds_of, seconds_of_a_step
from tms_engine.sweeps.sweep import Progress, Sweep, load_sweep, prepare, train_job
from tms_engine.training.run import Run
from tms_engine.training.trainer import Trainer

if TYPE_CHECKING:
    import polars as pl

_ABOUT, _MODELS, _TABLE, _CSV = "paper.json", "models", "table.parquet", "table.csv"
_MOST_BYTES = 1 << 20
_DOING = "tms paper"
# Dots per inch of the figure.
_DPI = 150

Tell = Callable[[Progress], None]


class Result(NamedTuple):
    """What came of an experiment: its table, the paths of the files, and the seconds that this call took."""

    table: "pl.DataFrame"
    paths: tuple[Path, ...]
    seconds: float


def reproduce(name: str, out: str | Path, *, quick: bool = False, on_progress: Tell | None = None) -> Result:
    """Train what is not yet trained of an experiment of the paper, and write table and figure.

    out          a new or empty directory, or one of this experiment, which goes on where it was
    quick        a smaller experiment of the same kind, as its QUICK says
    on_progress  called about ten times a second, with how far all of its models are

    Raises InputError for an unknown name, for a directory that has something else, and if it cannot be
    trained here; InUse if another process trains it.
    """
    began = time.monotonic()
    module = module_of(name)
    plan: Plan = module.plan(quick)
    place = absolute(out)
    _take(place, out, name, quick)
    trained = _train(plan, place / _MODELS, quick, on_progress)
    table: pl.DataFrame = module.table(trained)
    paths = _write_tables(place, table)
    paths += (_write_figure(place / f"{name}.png", module, table),)
    return Result(table, paths, time.monotonic() - began)


def _take(place: Path, out: str | Path, name: str, quick: bool) -> None:
    """Make a directory for an experiment, or take the one that has it.

    Raises InputError, and changes nothing, if something else is there.
    """
    about = place / _ABOUT
    try:
        make_directory(place)
        if not about.exists():
            if any(not entry.name.endswith(".part") for entry in place.iterdir()):
                raise InputError(
                    f"{out} is not empty, and has no experiment of the paper: choose a new directory"
                )
            with contextlib.suppress(FileExistsError):
                write_new(about, (json.dumps({"experiment": name, "quick": quick}) + "\n").encode())
        found = json.loads(read_small(about, _MOST_BYTES))
        there = str(found["experiment"]), bool(found["quick"])
    except InputError:
        raise
    except OSError as error:
        raise cannot(f"write to {out}", error) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{about} is damaged: choose a new directory") from None
    if there != (name, quick):
        raise InputError(f"{out} has {_called(*there)}, not {_called(name, quick)}: choose a new directory")


def _called(name: str, quick: bool) -> str:
    return f"{name} --quick" if quick else name


# Training.


def _train(plan: Plan, models: Path, quick: bool, on_progress: Tell | None) -> Trained:
    """Train what is missing, one sweep or run after the other."""
    watch = _Watch(plan, on_progress)
    sweeps: dict[str, Sweep] = {}
    runs: dict[str, Run] = {}
    for name, sweep in plan.sweeps.items():
        path = models / name
        grid = prepare(path, sweep.grid, local=True)
        with watch.part(name, grid.n_models) as show, hold_job(path, Job(), _DOING) as lock:
            train_job(path, grid, Job(), lock, on_progress=show)
        sweeps[name] = load_sweep(path)
    for name, wanted in plan.runs.items():
        with watch.part(name, wanted.n_instances) as show:
            runs[name] = _train_run(wanted, models / name, show)
    return Trained(sweeps, runs, quick)


def _train_run(wanted: Experiment, path: Path, show: Tell) -> Run:
    """A run trained to its end: from its start, or from where it was saved."""

    def tell(trainer: Trainer) -> None:
        show(Progress(wanted.n_instances, 0, trainer.step / wanted.steps, None))

    if not os.path.isfile(path / "experiment.json"):
        return train(wanted, path, on_progress=tell)
    run = load_run(path)
    places = {"device": wanted.device, "kernel": wanted.kernel}
    if run.experiment.replace(**places) != wanted:
        raise InputError(f"{path} has another run than this experiment's: choose a new directory")
    if run.state.step >= wanted.steps:
        return run
    with hold(path, _DOING) as lock:
        return train_on(Trainer.resume(load_run(path)), lock, on_progress=tell)


class _Watch:
    """How far all parts are, from how far one is."""

    def __init__(self, plan: Plan, tell: Tell | None) -> None:
        self._costs = {name: sum(seconds_of(sweep.grid)) for name, sweep in plan.sweeps.items()}
        self._costs |= {name: _seconds_of_run(run) for name, run in plan.runs.items()}
        self._models = sum(sweep.n_models for sweep in plan.sweeps.values())
        self._models += sum(run.n_instances for run in plan.runs.values())
        self._tell = tell
        self._cost = self._new = 0.0
        self._finished = 0
        self._began = time.monotonic()

    @contextlib.contextmanager
    def part(self, name: str, n_models: int) -> Iterator[Tell]:
        """A function that is told how far one part is."""
        first: float | None = None

        def show(progress: Progress) -> None:
            nonlocal first
            cost = progress.fraction * self._costs[name]
            if first is None:  # what was trained before says nothing of the rate
                first = cost
            self._show(self._cost + cost, self._new + cost - first, self._finished + progress.n_finished)

        yield show
        self._cost += self._costs[name]
        self._new += self._costs[name] - (self._costs[name] if first is None else first)
        self._finished += n_models

    def _show(self, cost: float, new: float, n_finished: int) -> None:
        if self._tell:
            whole = sum(self._costs.values())
            seconds = time.monotonic() - self._began
            left = (whole - cost) / new * seconds if new > 0 else None
            self._tell(Progress(self._models, n_finished, min(cost / whole, 1.0), left))


def _seconds_of_run(run: Experiment) -> float:
    """About what a run takes on one core."""
    density = float((1 - run.per_instance("sparsity")).mean())
    return run.steps * seconds_of_a_step(run, density, run.n_instances)


# Files.


def _write_tables(place: Path, table: "pl.DataFrame") -> tuple[Path, ...]:
    parquet = io.BytesIO()
    table.write_parquet(parquet)
    written = {_TABLE: parquet.getvalue(), _CSV: table.write_csv().encode()}
    for name, content in written.items():
        _write(place / name, content)
    return tuple(place / name for name in written)


def _write_figure(path: Path, module: object, table: "pl.DataFrame") -> Path:
    from tms_engine.figures.panels import own_style

    content = io.BytesIO()
    with own_style():
        figure = module.figure(table)  # type: ignore[attr-defined]
        figure.savefig(content, format="png", dpi=_DPI, metadata={"Software": "tms_engine"})
    _write(path, content.getvalue())
    return path


def _write(path: Path, content: bytes) -> None:
    try:
        write_atomically(path, content)
    except OSError as error:
        raise cannot(f"write {path}", error) from None
