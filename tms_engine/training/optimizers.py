"""What all kernels share of the optimisers: their constants, and what a step needs beside its gradient.

adam   weight decay is added to the gradient (L2)
adamw  weight decay pulls the parameters themselves (decoupled; Loshchilov and Hutter 2019)
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from tms_engine.experiment import Experiment

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class AdamSteps(NamedTuple):
    """A step is p ← decay · p − scale · m / (√v / root + ε), with moments m and v of gradient + l2 · p.

    In double precision, as torch.optim has Adam's corrections for moments that start at 0.
    """

    scales: Float64[np.ndarray, "steps instances"]  # learning rate / (1 − β₁ᵗ)
    roots: Float64[np.ndarray, " steps"]  # √(1 − β₂ᵗ)
    decays: Float64[np.ndarray, "steps instances"]  # 1 − learning rate · decoupled weight decay
    l2: float


def weight_decays(experiment: Experiment) -> tuple[float, float]:
    """(L2, decoupled): where the optimiser puts the experiment's weight decay."""
    decay = experiment.weight_decay
    return (0.0, decay) if experiment.optimizer == "adamw" else (decay, 0.0)


def adam_steps(experiment: Experiment, first_step: int, n_steps: int) -> AdamSteps:
    """What the steps from `first_step` on need; infinite where an instance will diverge at once."""
    l2, decoupled = weight_decays(experiment)
    rates = learning_rates(experiment, first_step, n_steps)
    times = np.arange(first_step + 1, first_step + n_steps + 1)
    with np.errstate(over="ignore"):
        return AdamSteps(
            scales=rates / (1 - BETA1**times)[:, None],
            roots=np.sqrt(1 - BETA2**times),
            decays=1 - rates * decoupled,
            l2=l2,
        )


def learning_rates(
    experiment: Experiment, first_step: int, n_steps: int
) -> Float[np.ndarray, "{n_steps} instances"]:
    """Learning rate of each step and instance."""
    factors = schedule_factors(experiment, first_step, n_steps)
    return np.outer(factors, experiment.per_instance("learning_rate"))


def schedule_factors(
    experiment: Experiment, first_step: int, n_steps: int
) -> Float64[np.ndarray, " {n_steps}"]:
    """What part of the learning rate each step has: the schedule falls from 1 at step 0 to 0 after the last.

    `cosine` is half a period, as torch's CosineAnnealingLR and most others have it; `quarter_cosine` is a
    quarter, which stays higher and ends with a slope: the paper's notebook has it, and ARENA after it. (The
    notebook is at 0 in the last step already: it divides by T − 1.)
    """
    done = np.minimum(np.arange(first_step, first_step + n_steps) / experiment.steps, 1.0)
    factors = {
        "constant": np.ones(n_steps),
        "linear": 1 - done,
        "cosine": 0.5 * (1 + np.cos(np.pi * done)),
        "quarter_cosine": np.cos(0.5 * np.pi * done),
    }
    return factors[experiment.schedule]
