"""`tms runs`: what is in the directory of runs, and the removal of what is of no use there."""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tms_engine.commands.progress import say, warn
from tms_engine.commands.text import headline, sweep_headline
from tms_engine.digits import number

if TYPE_CHECKING:
    from tms_engine.sweeps.listing import Entry


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
    parser.add_argument(
        "--rename", nargs=2, metavar=("RUN", "NAME"), help="give a run or a sweep another name, where it is"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before removing")


def run(options: argparse.Namespace) -> int:
    from tms_engine.runs import runs_directory
    from tms_engine.sweeps.listing import list_all, rename

    directory = options.directory or runs_directory()
    if options.rename:
        print(printable(rename(options.rename[0], options.rename[1])))
        return 0
    if options.prune or options.remove:
        return _remove(directory, options)
    # The directory that nobody has named need not be there yet.
    is_missing = options.directory is None and not os.path.exists(directory)
    listed = [] if is_missing else list_all(directory)
    if options.json:
        print(json.dumps([_record(one) for one in listed], indent=2))
    elif listed:
        now = time.time()
        print(_table([row(one, now)._asdict() for one in listed]))
    else:
        say(f"no runs in {directory}")
    return 0


def _remove(directory: Path, options: argparse.Namespace) -> int:
    """Say what would be removed, ask, and remove it."""
    from tms_engine.runs import prunable, prune, state_directory
    from tms_engine.sweeps.directory import is_sweep
    from tms_engine.sweeps.listing import prunable_of_sweeps, remove

    places = [directory, state_directory() / "sessions"] if options.prune else []
    places = [place for place in places if os.path.exists(place)]
    items = [item for place in places for item in (*prunable(place), *prunable_of_sweeps(place))]
    if not items and not options.remove:
        say(f"nothing to remove in {directory}")
        return 0
    tell = say if options.yes else warn  # what the question is about
    for path in options.remove:
        what = "the sweep, and all its models" if is_sweep(path) else "the run, and its figures"
        tell(f"remove {printable(path)}: {what}")
    for item in items:
        tell(f"remove {printable(item.path)}: {item.why}")
    if not options.yes and not _agreed():
        warn("nothing was removed; --yes removes it without asking")
        return 0
    for path in options.remove:
        left = remove(path)
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


class Row(NamedTuple):
    """A run or a sweep as a line of a table. Of a sweep, the steps are its models."""

    name: str
    experiment: str
    step: str
    loss: str
    age: str
    size: str
    state: str


def row(entry: "Entry", now: float) -> Row:
    """A run or a sweep in words; `now` in seconds since 1970."""
    from tms_engine.runs import Listed

    if isinstance(entry, Listed):
        status = entry.status
        experiment = headline(entry.experiment) if entry.experiment else ""
        step = "" if status is None else f"{max(0, status.step):,} of {status.steps:,}"
        loss = number(status.loss) if status and status.loss is not None else ""
        state = entry.problem or str(status)
    else:
        experiment = f"sweep of {sweep_headline(entry.grid)}" if entry.grid else "sweep"
        step = f"{entry.n_finished:,} of {entry.grid.n_models:,}" if entry.grid else ""
        by = f": {entry.trainers.holder}" if entry.state in ("running", "died") else ""
        loss, state = "", entry.problem or f"{entry.state}{by}"
    return Row(
        printable(Path(entry.path.name)),
        experiment,
        step,
        loss,
        age(now - entry.written),
        size(entry.bytes),
        state,
    )


def _record(entry: "Entry") -> dict[str, Any]:
    from tms_engine.runs import Listed

    if not isinstance(entry, Listed):
        holder = entry.trainers.holder
        return {
            "sweep": str(entry.path),
            "state": "damaged" if entry.problem else entry.state,
            "problem": entry.problem,
            "models": entry.grid.n_models if entry.grid else None,
            "finished": entry.n_finished,
            "axes": {name: len(entry.grid.spec.values(name)) for name in entry.grid.spec.coordinates}
            if entry.grid
            else None,
            "holder": holder._asdict() if holder else None,
            "written": entry.written,
            "bytes": entry.bytes,
        }
    status = entry.status
    return {
        "run": str(entry.path),
        "experiment": entry.experiment.model_dump(mode="json") if entry.experiment else None,
        "state": status.state if status else "damaged",
        "problem": entry.problem,
        "step": status.step if status else None,
        "steps": status.steps if status else None,
        "loss": status.loss if status else None,
        "rate": status.rate if status else None,
        "holder": status.holder._asdict() if status and status.holder else None,
        "written": entry.written,
        "bytes": entry.bytes,
    }


def age(seconds: float) -> str:
    """A time that has passed, in its largest unit: 5 s, 3 min."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def size(n_bytes: int) -> str:
    """A size in kB, MB or GB."""
    for unit, length in (("GB", 10**9), ("MB", 10**6)):
        if n_bytes >= length:
            return f"{n_bytes / length:,.1f} {unit}"
    return f"{n_bytes / 1000:,.0f} kB"


def _table(rows: list[dict[str, str]]) -> str:
    """Rows under their names; text to the left, numbers to the right."""
    right = ("step", "loss", "age", "size")
    widths = {key: max(len(key), *(len(row[key]) for row in rows)) for key in rows[0]}

    def line(row: dict[str, str]) -> str:
        cells = (
            f"{cell:>{widths[key]}}" if key in right else f"{cell:<{widths[key]}}"
            for key, cell in row.items()
        )
        return "  ".join(cells).rstrip()

    return "\n".join(map(line, [{key: key for key in rows[0]}, *rows]))
