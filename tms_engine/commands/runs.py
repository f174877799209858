"""`tms runs`: the runs and sweeps in a directory, and the removal of what is of no use there."""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tms_engine.commands.progress import say, warn
from tms_engine.commands.text import headline, sweep_headline
from tms_engine.digits import number

if TYPE_CHECKING:
    from tms_engine.runs import Listed
    from tms_engine.sweeps.listing import ListedSweep


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "directory", nargs="?", type=Path, metavar="DIR", help="where to look (default: $TMS_RUNS, or runs)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument(
        "--prune",
        action="store_true",
        help="remove directories in which nothing was saved, and what killed processes have left of files",
    )
    parser.add_argument(
        "--remove",
        action="append",
        default=[],
        type=Path,
        metavar="RUN",
        help="remove this run or sweep; repeatable",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before removing")


def run(options: argparse.Namespace) -> int:
    from tms_engine.runs import list_runs, runs_directory
    from tms_engine.sweeps.listing import list_sweeps

    directory = options.directory or runs_directory()
    if options.prune or options.remove:
        return _remove(directory, options)
    # The directory that nobody has named need not be there yet.
    is_missing = options.directory is None and not os.path.exists(directory)
    runs, sweeps = ([], []) if is_missing else (list_runs(directory), list_sweeps(directory))
    if options.json:
        records = [(one.written, _record(one)) for one in runs]
        records += [(one.written, _sweep_record(one)) for one in sweeps]
        print(json.dumps(_newest_first(records), indent=2))
    elif runs or sweeps:
        rows = [(one.written, _row(one)) for one in runs]
        rows += [(one.written, _sweep_row(one)) for one in sweeps]
        print(_table(_newest_first(rows)))
    else:
        say(f"no runs in {directory}")
    return 0


def _newest_first(rows: list[tuple[float, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [row for _, row in sorted(rows, key=lambda row: -row[0])]


def _remove(directory: Path, options: argparse.Namespace) -> int:
    """Say what would be removed, ask, and remove it."""
    from tms_engine.runs import prunable, prune, remove_run, state_directory
    from tms_engine.sweeps.directory import is_sweep
    from tms_engine.sweeps.listing import prunable_of_sweeps, remove_sweep

    places = [directory, state_directory() / "sessions"] if options.prune else []
    places = [place for place in places if os.path.exists(place)]
    items = [item for place in places for item in (*prunable(place), *prunable_of_sweeps(place))]
    if not items and not options.remove:
        say(f"nothing to remove in {directory}")
        return 0
    tell = say if options.yes else warn  # what the question is about
    for path in options.remove:
        what = "the sweep, and its table" if is_sweep(path) else "the run, and its figures"
        tell(f"remove {printable(path)}: {what}")
    for item in items:
        tell(f"remove {printable(item.path)}: {item.why}")
    if not options.yes and not _agreed():
        warn("nothing was removed; --yes removes it without asking")
        return 0
    for path in options.remove:
        left = (remove_sweep if is_sweep(path) else remove_run)(path)
        print(printable(path))
        if left:
            warn(f"left in {printable(path)}: {', '.join(printable(Path(one.name)) for one in left)}")
    for path in prune(items):
        print(printable(path))
    return 0


def _agreed() -> bool:
    if not (sys.stdin and sys.stdin.isatty()):
        return False
    print("Remove this? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def printable(path: Path) -> str:
    """A path without what would steer the terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(path))


def _row(listed: "Listed") -> dict[str, str]:
    status = listed.status
    step = "" if status is None else f"{max(0, status.step):,} of {status.steps:,}"
    return {
        "name": printable(Path(listed.path.name)),
        "experiment": headline(listed.experiment) if listed.experiment else "",
        "step": step,
        "batch loss": number(status.loss) if status and status.loss is not None else "",
        "age": _age(time.time() - listed.written),
        "size": _size(listed.bytes),
        "state": listed.problem or str(status),
    }


def _record(listed: "Listed") -> dict[str, Any]:
    status = listed.status
    return {
        "run": str(listed.path),
        "experiment": listed.experiment.model_dump(mode="json") if listed.experiment else None,
        "state": status.state if status else "damaged",
        "problem": listed.problem,
        "step": status.step if status else None,
        "steps": status.steps if status else None,
        "loss": status.loss if status else None,
        "rate": status.rate if status else None,
        "holder": status.holder._asdict() if status and status.holder else None,
        "written": listed.written,
        "bytes": listed.bytes,
    }


def _sweep_row(listed: "ListedSweep") -> dict[str, str]:
    grid = listed.grid
    return {
        "name": printable(Path(listed.path.name)),
        "experiment": sweep_headline(grid) if grid else "",
        "step": f"{listed.finished:,} of {grid.n_shards:,} shards" if grid else "",
        "batch loss": "",
        "age": _age(time.time() - listed.written),
        "size": _size(listed.bytes),
        "state": str(listed),
    }


def _sweep_record(listed: "ListedSweep") -> dict[str, Any]:
    grid = listed.grid
    state = "damaged" if grid is None else "running" if listed.running else str(listed).split(",", 1)[0]
    return {
        "sweep": str(listed.path),
        "spec": json.loads(grid.spec.to_json()) if grid else None,
        "state": state,
        "problem": listed.problem,
        "models": grid.n_models if grid else None,
        "shards": grid.n_shards if grid else None,
        "finished_shards": listed.finished if grid else None,
        "holders": [one.holder._asdict() for one in listed.running if one.holder],
        "written": listed.written,
        "bytes": listed.bytes,
    }


def _age(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _size(n_bytes: int) -> str:
    for unit, length in (("GB", 10**9), ("MB", 10**6)):
        if n_bytes >= length:
            return f"{n_bytes / length:,.1f} {unit}"
    return f"{n_bytes / 1000:,.0f} kB"


def _table(rows: list[dict[str, str]]) -> str:
    """Rows under their names; text to the left, numbers to the right."""
    right = ("step", "batch loss", "age", "size")
    widths = {key: max(len(key), *(len(row[key]) for row in rows)) for key in rows[0]}

    def line(row: dict[str, str]) -> str:
        cells = (
            f"{cell:>{widths[key]}}" if key in right else f"{cell:<{widths[key]}}"
            for key, cell in row.items()
        )
        return "  ".join(cells).rstrip()

    return "\n".join(map(line, [{key: key for key in rows[0]}, *rows]))
