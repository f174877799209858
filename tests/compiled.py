"""Compile what tests train and name with, and keep it on disk: `python -m tests.compiled`.

Compilers take half a minute of one core. The project's check runs this beside the linters, so that no worker
and no process of a test has to.
"""

import numpy as np

from tms_engine import Experiment, Trainer, evaluate
from tms_engine.analysis import polytopes


def main() -> None:
    for fields in ({}, {"kernel": "numba"}, {"kernel": "numba", "features": "correlated"}):
        trainer = Trainer(Experiment(n_instances=4, steps=20, **fields))
        trainer.advance(20)
    evaluate(trainer.run())
    polytopes.name_instances(np.asarray(trainer.run().weights))


if __name__ == "__main__":
    main()
