"""`tms train`: train an experiment and save the run."""

import argparse

from tms_engine.commands import options as common
from tms_engine.commands.progress import add_output, train_to_the_end
from tms_engine.files import dated_name

_DOING = "tms train"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "preset", nargs="?", default="gist", metavar="PRESET", help="where to start from (default: gist)"
    )
    parser.add_argument(
        "--out", metavar="DIR", help="a new directory (default: PRESET-TIME in $TMS_RUNS, or in runs)"
    )
    common.add_changes(parser)
    add_output(parser)
    common.add_plugins(parser)
    common.add_experiment(parser)


def run(options: argparse.Namespace) -> int:
    experiment, name = common.experiment_from(options)
    planned = common.changes_from(options)

    from tms_engine.runs import claim_new, runs_directory, start
    from tms_engine.training.trainer import Trainer

    trainer = Trainer(experiment, planned)  # before a directory is made: it may refuse
    if options.out is not None:
        lock = start(trainer, options.out, _DOING)
    else:
        new = claim_new(runs_directory(), dated_name(name), _DOING)
        lock = start(trainer, new)
    with lock:
        return train_to_the_end(trainer, lock, options)
