"""`tms figures`: draw a run's figures."""

import argparse
from pathlib import Path

from tms_engine.commands import options as common
from tms_engine.commands.progress import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_run(parser)
    parser.add_argument("--dpi", default="300", metavar="N", help="dots per inch (default: 300)")
    parser.add_argument("--html", action="store_true", help="interactive twins too (needs the extra html)")
    parser.add_argument("--instance", default="0", metavar="I", help="which instance (default: 0)")
    parser.add_argument("--axes", metavar="A,B,C", help="hidden dimensions to draw (default: all 3, or PCA)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to (default: RUN/figures)")
    common.add_plugins(parser)


def run(options: argparse.Namespace) -> int:
    from tms_engine.runs import load_run

    run = load_run(options.run)
    directory = options.out or options.run / "figures"
    axes = common.whole_numbers(options.axes, "axes") if options.axes else None
    say(f"drawing step {run.state.step:,} at {options.dpi} dpi")

    from tms_engine.figures import save_figures

    instance = common.whole_number(options.instance, "instance")
    dpi = common.whole_number(options.dpi, "dpi")
    save_figures(run, directory, instance=instance, dpi=dpi, axes=axes, on_saved=_tell)
    if options.html:
        from tms_engine.figures.html import save_html

        save_html(run, directory, instance=instance, axes=axes, on_saved=_tell)
    return 0


def _tell(path: Path) -> None:
    print(path, flush=True)
