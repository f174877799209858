"""`tms train`: train an experiment and save the run."""

import argparse
import time
from pathlib import Path

from tms_engine.commands import options as common
from tms_engine.commands.progress import add_output, train_to_the_end
from tms_engine.files import new_directory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "preset", nargs="?", default="gist", metavar="PRESET", help="where to start from (default: gist)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="a new directory (default: runs/PRESET-TIME)")
    add_output(parser)
    common.add_plugins(parser)
    common.add_experiment(parser)


def run(options: argparse.Namespace) -> int:
    experiment, name = common.experiment_from(options)

    from tms_engine.runs import save_run, start
    from tms_engine.training.trainer import Trainer

    if options.out:
        return train_to_the_end(start(experiment, options.out), options.out, options)
    trainer = Trainer(experiment)  # before a directory is made: it may refuse
    out = new_directory(Path("runs"), f"{name}-{time.strftime('%Y%m%d-%H%M%S')}")
    save_run(trainer.run(), out, evaluated=False)
    return train_to_the_end(trainer, out, options)
