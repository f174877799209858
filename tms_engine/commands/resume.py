"""`tms resume`: go on with a run, or extend or change it."""

import argparse

from tms_engine.commands import options as common
from tms_engine.commands.progress import add_output, train_to_the_end
from tms_engine.errors import InputError
from tms_engine.experiment import LIVE_FIELDS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_run(parser)
    parser.add_argument("--device", metavar="DEVICE", help="train on another device than before")
    add_output(parser)
    common.add_plugins(parser)
    changes = parser.add_argument_group("changes, from this step on")
    for name in LIVE_FIELDS:
        common.add_field(changes, name)


def run(options: argparse.Namespace) -> int:
    from tms_engine.runs import hold, load_run
    from tms_engine.training.trainer import Trainer

    load_run(options.run)  # before it is held: what is no run is left alone
    with hold(options.run, "tms resume") as lock:
        trainer = Trainer.resume(load_run(options.run), options.device)
        changes = {name: value for name, value in vars(options).items() if name in LIVE_FIELDS}
        trainer.change(**changes)
        if trainer.finished:
            raise InputError(
                f"{options.run} has taken all its {trainer.step:,} steps: "
                f"give it more with --steps {2 * trainer.step}"
            )
        return train_to_the_end(trainer, lock, options, is_saved=not changes)
