"""`tms sweep`: train many models over a grid, and write one table of them."""

import argparse
import contextlib
import json
import os
import shlex
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tms_engine import process
from tms_engine.commands import options as common
from tms_engine.commands.progress import say, show_models
from tms_engine.commands.text import how_many, sweep_headline
from tms_engine.digits import number
from tms_engine.errors import InputError
from tms_engine.experiment import read_fields
from tms_engine.files import dated_name, names
from tms_engine.presets import PRESETS
from tms_engine.runs.places import SWEEP
from tms_engine.sweeps.spec import (
    DENSITY,
    OWN,
    PLACES,
    Spec,
    axis_values,
    is_axis,
    make_spec,
    naming,
    settings_from,
)

if TYPE_CHECKING:
    from tms_engine.sweeps.directory import Job
    from tms_engine.sweeps.grid import Grid

_DOING = "tms sweep"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "%(prog)s [options] [SPEC|PRESET|DIR]"
    parser.add_argument(
        "spec",
        nargs="?",
        metavar="SPEC|PRESET|DIR",
        help="a file of a sweep (.toml, .json), a preset (default: gist), or a sweep to go on with",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="a directory, new or of this sweep (default: NAME-TIME in $TMS_RUNS, or in runs)",
    )
    parser.add_argument(
        "--merge", metavar="DIR", help="write the table of a sweep that jobs have trained, and no more"
    )
    parser.add_argument("--json", action="store_true", help="what is printed at the end as JSON")
    parser.add_argument("--csv", action="store_true", help="the table as table.csv too")
    common.add_plugins(parser)
    grid = parser.add_argument_group("grid")
    grid.add_argument("--seeds", default=argparse.SUPPRESS, metavar="N", help="models a point (default: 1)")
    grid.add_argument(
        "--zip",
        action="append",
        default=[],
        metavar="AXIS,AXIS",
        help="axes that go in step, as many values each; repeatable",
    )
    grid.add_argument(
        "--independent",
        action="store_true",
        help="every model has an instance number of its own (default: each point has the same ones)",
    )
    grid.add_argument(
        "--weights", action="store_true", help="keep the last weights and moments of every model"
    )
    grid.add_argument("--per-feature", action="store_true", help="norm and D of every feature in the table")
    grid.add_argument(
        "--shard-models", default=None, metavar="N", help="models trained in one piece (default: by cost)"
    )
    where = parser.add_argument_group("where it is trained (default: in this process, on all its cores)")
    where.add_argument(
        "--workers",
        metavar="N",
        help="in N processes, which share the cores: the faster way for many small models",
    )
    where.add_argument("--devices", metavar="cuda:0,...|all", help="in one process for each of these GPUs")
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="by the workers of a Dask cluster, as tcp://host:8786"
    )
    where.add_argument(
        "--shard", metavar="K/N", help="every Nth shard, from the Kth: one of N jobs, as under SLURM"
    )
    common.add_axes(parser, OWN)
    for name in OWN:  # to say what it is here
        parser.add_argument(f"--{name.replace('_', '-')}", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    if options.merge is not None:
        return _merge(options)
    if sum(given is not None for given in (options.workers, options.devices, options.scheduler)) > 1:
        raise InputError("give one of --workers, --devices and --scheduler")
    for name in OWN:
        if hasattr(options, name):
            raise InputError(f"--seeds says how many models each point has, not --{name.replace('_', '-')}")
    goes_on = options.spec is not None and _is_directory(options.spec)
    spec, name = (None, "") if goes_on else _spec(options)

    from tms_engine.runs import runs_directory
    from tms_engine.sweeps.directory import Job, elsewhere, job_from, read_grid
    from tms_engine.sweeps.grid import make_grid
    from tms_engine.sweeps.sweep import prepare

    job = Job() if options.shard is None else job_from(options.shard)
    if job.of > 1 and options.out is None and not goes_on:
        raise InputError("--shard needs --out DIR: its jobs have one directory")
    if spec is None:
        _check_goes_on(options)
        grid = read_grid(options.spec)
        places = {name: given for name, given in common.given_fields(options).items() if name in PLACES}
        there = grid.spec.base.replace(**places)
        grid = elsewhere(grid, there.device, there.kernel)
        path: Path | None = Path(options.spec)
    else:
        grid = make_grid(spec)
        path = None if options.out is None else Path(options.out)
    with _workers(options) as executor:
        if path is None:
            prepare(runs_directory(), grid, local=executor is None, make=False)
            path = _new_directory(name)
        grid = prepare(
            path,
            grid,
            local=executor is None,
            sizes_given=spec is not None and options.shard_models is not None,
        )
        return _train(path, grid, job, executor, options)


def _is_directory(text: str) -> bool:
    """Whether a sweep is to go on: a directory, but for one that is no sweep's and called as a preset."""
    return os.path.isdir(text) and (text not in PRESETS or os.path.isfile(Path(text) / SWEEP))


def _check_goes_on(options: argparse.Namespace) -> None:
    """Raise InputError for what a sweep that goes on has been told already."""
    fields = [name for name in common.given_fields(options) if name not in PLACES]
    given = [*fields, *(name for name in (DENSITY, "seeds") if hasattr(options, name))]
    given += [
        name
        for name in ("zip", "independent", "weights", "per_feature", "shard_models", "out")
        if getattr(options, name)
    ]
    if given:
        option = given[0].replace("_", "-")
        raise InputError(f"--{option} belongs to a new sweep: {options.spec} goes on as it is")


def _spec(options: argparse.Namespace) -> tuple[Spec, str]:
    """The sweep of a command line, and a name for it: options over the file, or the preset."""
    text = options.spec or "gist"
    settings: dict[str, Any] = {}
    if Path(text).suffix.lower() in (".toml", ".json") or os.path.isfile(text):
        record = read_fields(text)
        with naming(text):
            settings = settings_from(record)
            base = common.preset_from(settings.pop("preset", "gist"))
            axes, fixed = settings.pop("axes", {}), settings.pop("base", {})
            base.replace(**fixed)
            for axis, values in axes.items():
                axis_values(axis, values)
        name = Path(text).stem
    else:
        base, axes, fixed, name = common.preset_from(text), {}, {}, text
    if os.environ.get("TMS_DEVICE"):
        fixed = {"device": os.environ["TMS_DEVICE"], **fixed}
    for field, value in _given(options).items():
        axes, fixed = ({k: v for k, v in where.items() if k != field} for where in (axes, fixed))
        if isinstance(value, str) and (is_axis(field, value) or field == DENSITY):
            axes[field] = value
        else:
            fixed[field] = value
    if options.zip:
        settings["zipped"] = [names_.split(",") for names_ in options.zip]
    if hasattr(options, "seeds"):
        settings["seeds"] = options.seeds
    if options.independent:
        settings["paired"] = False
    settings |= {name: True for name in ("weights", "per_feature") if getattr(options, name)}
    if options.shard_models is not None:
        settings["shard_models"] = options.shard_models
    return make_spec(base.replace(**fixed), axes, **settings), name


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The fields, and density, that the command line sets, in its order."""
    fields = common.given_fields(options)
    return {name: value for name, value in vars(options).items() if name in fields or name == DENSITY}


def _new_directory(name: str) -> Path:
    from tms_engine.files import cannot
    from tms_engine.runs import runs_directory

    base = runs_directory()
    try:
        base.mkdir(parents=True, exist_ok=True)
        for path in names(base, dated_name(name)):
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                return path
    except OSError as error:
        raise cannot(f"write to {base}", error) from None
    raise AssertionError("there is always another name")


@contextlib.contextmanager
def _workers(options: argparse.Namespace) -> Iterator[Executor | None]:
    """What carries the shards; what is under way when this is left is ended."""
    from tms_engine.sweeps import dask, devices, processes

    executor: Executor | None = None
    if options.workers is not None:
        executor = processes(common.whole_number(options.workers, "workers"))
    elif options.devices is not None:
        executor = devices([name.strip() for name in options.devices.split(",")])
    elif options.scheduler is not None:
        executor = dask(options.scheduler)
    try:
        yield executor
    finally:
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)


def _train(
    path: Path, grid: "Grid", job: "Job", executor: Executor | None, options: argparse.Namespace
) -> int:
    from tms_engine.sweeps.directory import hold_job
    from tms_engine.sweeps.sweep import missing, train_job
    from tms_engine.sweeps.table import write_table

    quoted = shlex.quote(str(path))
    of = f", job {job.k} of {job.of}" if job.of > 1 else ""
    say(f"sweep of {sweep_headline(grid)}, in {how_many(grid.n_shards, 'shard')}{of}, into {path}")
    again = f"tms sweep {quoted}" + (f" --shard {job.k}/{job.of}" if job.of > 1 else "")
    stopped = f"interrupted; what is finished is kept; go on with: {again}"
    with process.stop_on_signals(say) as stop:
        try:
            with stop.at_once(stopped), hold_job(path, job, _DOING) as lock:
                with show_models() as show:
                    train_job(path, grid, job, lock, executor, show)
                if job.of > 1:
                    say(f"job {job.k} of {job.of} is finished; when all are: tms sweep --merge {quoted}")
                    return 0
                if missing(path, grid):
                    raise InputError(f"shards in {path} were damaged meanwhile: {again} trains them again")
                write_table(path, grid, options.csv)
        except KeyboardInterrupt:
            say(stopped)
            return stop.exit_code
    return _report(path, grid, options)


def _merge(options: argparse.Namespace) -> int:
    from tms_engine.sweeps import merge

    path = Path(options.merge)
    return _report(path, merge(path, options.csv), options)


def _report(path: Path, grid: "Grid", options: argparse.Namespace) -> int:
    """What the table has, in a few numbers."""
    import polars as pl

    from tms_engine.sweeps.directory import CSV, TABLE

    table = pl.scan_parquet(path / TABLE)
    alive = pl.col("diverged_at").is_null()
    numbers = (
        table.select(
            (~alive).sum().alias("diverged"),
            pl.col("loss").filter(alive).min().alias("least_loss"),
            pl.col("loss").filter(alive).max().alias("largest_loss"),
        )
        .collect()
        .row(0, named=True)
    )
    counted = table.group_by("name").len().sort("len", "name", descending=[True, False]).collect()
    found = {
        "sweep": str(path),
        "models": grid.n_models,
        **numbers,
        "names": {name: n for name, n in counted.iter_rows() if name},
        "table": str(path / TABLE),
    }
    if options.csv:
        found["csv"] = str(path / CSV)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        print(_text(grid, found))
    say(f"saved to {path}")
    return 1 if numbers["diverged"] == grid.n_models else 0


def _text(grid: "Grid", found: dict[str, Any]) -> str:
    lines = [f"models    {sweep_headline(grid)}"]
    if found["least_loss"] is not None:
        lines.append(
            f"loss      {number(found['least_loss'])} to {number(found['largest_loss'])}, on fresh data"
        )
    if found["diverged"]:
        lines.append(f"diverged  {found['diverged']:,}")
    most = list(found["names"].items())
    if most:
        more = f", and {how_many(len(most) - 5, 'other name')}" if len(most) > 5 else ""
        lines.append("names     " + ", ".join(f"{name} {n:,}" for name, n in most[:5]) + more)
    lines.append(f"table     {found['table']}" + (f", {found['csv']}" if "csv" in found else ""))
    return "\n".join(lines)
