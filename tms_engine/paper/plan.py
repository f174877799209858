"""What an experiment of the paper trains, and the settings of its notebook."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tms_engine.experiment import Experiment
from tms_engine.sweeps.sweep import Sweep
from tms_engine.training.run import Run

# The notebook's `optimize`, with its defaults: a constant rate (it has decays, and uses none), and W drawn by
# Xavier's rule for all instances in one tensor, so that a base has the notebook's n_instances.
NOTEBOOK: dict[str, Any] = {
    "bias": True,
    "init": "joint_xavier",
    "batch_size": 1024,
    "steps": 10_000,
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "weight_decay": 0.01,
    "schedule": "constant",
}


class Plan(NamedTuple):
    """What is trained, by names that are those of directories.

    sweeps  with `weights=True` where the table needs them
    runs    single experiments whose history the table needs
    """

    sweeps: Mapping[str, Sweep] = {}
    runs: Mapping[str, Experiment] = {}


class Trained(NamedTuple):
    """What has been trained, by the names of the plan."""

    sweeps: Mapping[str, Sweep]
    runs: Mapping[str, Run]
    quick: bool


def notebook(**fields: Any) -> Experiment:
    """An experiment with the notebook's settings but for these fields."""
    return Experiment(**{**NOTEBOOK, **fields})
