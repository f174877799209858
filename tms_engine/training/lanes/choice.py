"""What the lanes kernel serves, where it is the faster one, and what it takes. Loads no library."""

import math
from typing import Any

from tms_engine.experiment import Experiment

LANES = 16

MODELS = {"tied_relu": True, "linear": False}  # whether there is a ReLU
# Numbers of a model beyond which its code takes over a second to compile.
_MOST_PARAMETERS = 128
# Rows of a batch beyond which the table of how many are empty no longer stays in a core's cache.
_MOST_ROWS = 4096


def refusal(experiment: Experiment) -> str:
    """Why this kernel cannot train an experiment, "" if it can."""
    if experiment.model not in MODELS:
        return f"it has no model {experiment.model}"
    if experiment.features not in ("bernoulli", "at_least_one"):
        return f"it has no draw for {experiment.features} data"
    if experiment.dataset_rows is not None:
        return "it has no draw for a fixed data set"
    if experiment.n_features * experiment.n_hidden > _MOST_PARAMETERS:
        return f"it has models of up to {_MOST_PARAMETERS} weights"
    if experiment.batch_size > _MOST_ROWS:
        return f"it has batches of up to {_MOST_ROWS:,} rows"
    return ""


def working_bytes(experiment: Experiment) -> int:
    """Bytes that this kernel holds: the state, a copy while that is packed, and what it draws by."""
    n, instances = experiment.n_features, experiment.n_instances + LANES
    numbers = n * (experiment.n_hidden + 1) + LANES
    # Sorted by density, most groups have one of their own, and a few are of two.
    densities = len(set(experiment.sparsity)) if isinstance(experiment.sparsity, tuple) else 1
    if experiment.differs("relative_density"):
        densities = instances
    drawn = min(instances, 2 * densities * LANES)
    table = min(experiment.batch_size, 14 * int(experiment.batch_size**0.5)) + 8 * n
    return 4 * instances * (5 * numbers + 4 * n + 16) + 12 * drawn * table


def side_by_side_from(experiment: Experiment) -> int:
    """Instances from which they stand side by side, for fewer are faster alone: as measured.

    A step of LANES models costs as much where some of its lanes are empty. The less there is to do in a step,
    the more of the step of a model alone is what a step of LANES models has to do only once.
    """
    if experiment.n_instances >= LANES:
        return LANES
    filled = sum(1 - _empty(experiment, i) for i in range(experiment.n_instances)) / experiment.n_instances
    work = experiment.batch_size * filled * experiment.n_features * experiment.n_hidden
    return min(LANES, 4 + int(work / 100))


def _empty(experiment: Experiment, instance: int) -> float:
    """The probability of a row without an active feature."""
    if experiment.features == "at_least_one":
        return 0.0
    sparsity = experiment.of_instance("sparsity", instance)
    own: Any = experiment.relative_density
    if own is None:
        return sparsity**experiment.n_features
    own = own[instance] if experiment.differs("relative_density") else own
    return math.prod(max(0.0, 1 - (1 - sparsity) * relative) for relative in own)
