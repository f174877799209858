"""What the figures of a population share: its records at a step, and words for them."""

from typing import NamedTuple

import numpy as np

from tms_engine.analysis.evaluation import evaluate, instances_of
from tms_engine.analysis.population import Record, records
from tms_engine.digits import how_exact
from tms_engine.figures.captions import describe
from tms_engine.training.run import Run
from tms_engine.training.state import Snapshot


class Survey(NamedTuple):
    """All instances of a run at a step.

    rows   their records, as `population.records` has them
    how    how their losses were worked out
    """

    snapshot: Snapshot
    rows: list[Record]
    how: str


def survey(run: Run, step: int | None) -> Survey:
    """Evaluate and name all instances at the kept step nearest to `step`."""
    snapshot = run.at(step)
    diverged_at = np.where(run.state.diverged_at <= snapshot.step, run.state.diverged_at, -1)
    with np.errstate(all="ignore"):  # weights of a user's own may be anything
        evaluation = evaluate(snapshot)
        instances = instances_of(snapshot, evaluation, diverged_at)
    return Survey(snapshot, records(instances, snapshot.experiment), how_exact(evaluation.rows))


def about(snapshot: Snapshot) -> str:
    """The sizes of the models, and how many there are."""
    return f"{describe(snapshot)}, {snapshot.experiment.n_instances:,} instances, step {snapshot.step:,}"
