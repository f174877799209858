"""`tms paper`: one of the paper's experiments, trained, as a table and a figure."""

import argparse
import shlex
import textwrap
from pathlib import Path

from tms_engine import process
from tms_engine.commands.progress import say, show_models, time_text
from tms_engine.errors import InputError
from tms_engine.paper import EXPERIMENTS

_WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="an experiment; --list has their names")
    parser.add_argument("--list", action="store_true", help="the experiments, and how long they take")
    parser.add_argument("--quick", action="store_true", help="a smaller experiment of the same kind")
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="a directory, new or of this experiment, which goes on "
        "(default: paper-NAME in $TMS_RUNS, or in runs)",
    )


def run(options: argparse.Namespace) -> int:
    if options.list:
        if options.name is not None:
            raise InputError(f"give NAME, to train it, or --list, not both: {options.name} and --list")
        print(listing())
        return 0
    if options.name is None:
        raise InputError("say which experiment of the paper: " + ", ".join(EXPERIMENTS))
    name, quick = options.name, options.quick
    from tms_engine.paper import experiment

    module = experiment(name)
    from tms_engine.paper.reproduce import reproduce
    from tms_engine.runs import runs_directory

    called = f"{name}-quick" if quick else name
    out = Path(options.out) if options.out is not None else runs_directory() / f"paper-{called}"
    entry = EXPERIMENTS[name]
    minutes = entry.quick if quick else entry.minutes
    scaled = f" ({module.QUICK})" if quick else ""
    say(f"{name}: {entry.help}{scaled}; about {time_text(60 * minutes)} on two cores, into {out}")
    again = f"tms paper {name}{' --quick' if quick else ''} --out {shlex.quote(str(out))}"
    stopped = f"interrupted; what is finished is kept; go on with: {again}"
    with process.stop_on_signals(say) as stop:
        try:
            with stop.at_once(stopped), show_models() as show:
                result = reproduce(name, out, quick=quick, on_progress=show)
        except KeyboardInterrupt:
            say(stopped)
            return stop.exit_code
    for title, text in (("paper", module.PAPER), ("departs", module.DEPARTS)):
        print(_paragraph(title, text))
    for path in result.paths:
        print(f"{'file':8} {out / path.name}")
    say(f"took {time_text(result.seconds)}")
    return 0


def _paragraph(title: str, text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=f"{title:8} ", subsequent_indent=9 * " ")


def listing() -> str:
    """The experiments, with how long they take on two cores."""
    lines = [("NAME", "TIME", "--quick", "")]
    for name, entry in EXPERIMENTS.items():
        lines.append((name, time_text(60 * entry.minutes), time_text(60 * entry.quick), entry.help))
    widths = [max(len(line[k]) for line in lines) for k in range(3)]
    return "\n".join(
        f"{line[0]:{widths[0]}}  {line[1]:>{widths[1]}}  {line[2]:>{widths[2]}}  {line[3]}".rstrip()
        for line in lines
    )
