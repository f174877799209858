"""What all kernels share of Adam: its constants, and the learning rate of each step."""

import numpy as np
from jaxtyping import Float

from tms_engine.experiment import Experiment

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def learning_rates(
    experiment: Experiment, first_step: int, n_steps: int
) -> Float[np.ndarray, "{n_steps} instances"]:
    """Learning rate of each step and instance: the schedule falls from 1 at step 0 to 0 at the last step."""
    done = np.minimum(np.arange(first_step, first_step + n_steps) / experiment.steps, 1.0)
    factors = {
        "constant": np.ones(n_steps),
        "linear": 1 - done,
        "cosine": 0.5 * (1 + np.cos(np.pi * done)),
    }
    return np.outer(factors[experiment.schedule], experiment.per_instance("learning_rate"))
