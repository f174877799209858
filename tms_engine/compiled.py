"""Compile what training, losses and names need, and keep it on disk: `python -m tms_engine.compiled`.

It takes half a minute of one core, once on a machine. The app has another process do it, since a thread that
compiles holds up all others that have something to compile; the project's check runs it beside the linters.
"""

from typing import Any

from tms_engine.analysis.evaluation import evaluate
from tms_engine.analysis.polytopes import name_instances
from tms_engine.experiment import Experiment
from tms_engine.training.trainer import Trainer

# Experiments whose kernels and data compile differently.
_KINDS: tuple[dict[str, Any], ...] = ({}, {"kernel": "numba"}, {"kernel": "numba", "features": "correlated"})


def main() -> None:
    for fields in _KINDS:
        trainer = Trainer(Experiment(n_instances=4, steps=20, **fields))
        trainer.advance(20)
        run = trainer.run()
        evaluate(run)
        name_instances(run.weights)


if __name__ == "__main__":
    main()
