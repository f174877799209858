"""Small tied ReLU models at their best: the exact expected loss as a function of weights and biases, and its
minima from given starts.

For any n and m that `exact.py` knows; features are Bernoulli(p) · Uniform(0, 1), or exactly one is active.
`phases.py` has two features in one dimension, where no start has to be chosen. Losses are **sums** over the
features of importance · E(x̂ − x)².
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from tms_engine.analysis.exact import active_sets
from tms_engine.experiment import Experiment

# Steps of the search, at most; the share of the loss below which what a step can still gain ends it; and the
# difference of two places that a derivative is taken over: the losses are exact to about 1e-13.
_ITERATIONS, _GAIN, _APART = 200, 1e-11, 1e-5
# Halvings of a step before a search is at its end, and the share of the expected descent that is enough.
_HALVINGS, _ENOUGH = 25, 1e-4


class Minimum(NamedTuple):
    """Local minima, one a problem.

    loss     the summed loss
    weights  (problems, features, hidden)
    bias     (problems, features)
    """

    loss: Float64[np.ndarray, " problems"]
    weights: Float64[np.ndarray, "problems features hidden"]
    bias: Float64[np.ndarray, "problems features"]


def summed_loss(
    weights: Float[np.ndarray, "problems features hidden"],
    bias: Float[np.ndarray, "problems features"],
    importance: Float[np.ndarray, "problems features"],
    p: float | None,
) -> Float64[np.ndarray, " problems"]:
    """The expected loss of each problem, summed over its features; p None: exactly one feature is active."""
    from tms_engine.analysis.exact_loops import expected_errors

    doubles = np.asarray(weights, np.float64)
    active, probability = _sets(doubles.shape[1], p)
    matrices = np.ascontiguousarray(doubles @ doubles.swapaxes(1, 2))
    errors = np.empty(np.shape(bias))
    biases = np.ascontiguousarray(bias, np.float64)
    expected_errors(matrices, biases, True, active, probability, errors)
    return np.asarray((errors * importance).sum(1))


def _sets(n: int, p: float | None) -> tuple[np.ndarray, np.ndarray]:
    if p is None:
        return active_sets(Experiment(n_features=n, features="n_active", n_active=1), 0.0)
    return active_sets(Experiment(n_features=n, sparsity=max(1 - p, 0.0)), p)


def minimum(
    weights: Float[np.ndarray, "problems features hidden"],
    bias: Float[np.ndarray, "problems features"],
    importance: Float[np.ndarray, "problems features"],
    p: float | None,
) -> Minimum:
    """The local minimum that descent from each start ends in: no loss ever rises.

    Quasi-Newton steps (Broyden, Fletcher, Goldfarb and Shanno), halved until they descend. A start that is
    symmetrical stays so: shift it a little to leave a saddle.
    """
    n_problems, n, m = weights.shape
    x = np.concatenate([np.reshape(weights, (n_problems, n * m)), bias], 1).astype(np.float64)

    def losses(at: np.ndarray, of: np.ndarray) -> np.ndarray:
        return summed_loss(at[:, : n * m].reshape(-1, n, m), at[:, n * m :], importance[of], p)

    def gradients(at: np.ndarray, of: np.ndarray) -> np.ndarray:
        shifts = _APART * np.concatenate([np.eye(x.shape[1]), -np.eye(x.shape[1])])
        places = (at[:, None] + shifts).reshape(-1, x.shape[1])
        values = losses(places, np.repeat(of, len(shifts))).reshape(len(at), 2, -1)
        return np.asarray((values[:, 0] - values[:, 1]) / (2 * _APART))

    everyone = np.arange(n_problems)
    loss, slope = losses(x, everyone), gradients(x, everyone)
    inverse = np.tile(np.eye(x.shape[1]), (n_problems, 1, 1))
    active = everyone
    for _ in range(_ITERATIONS):
        step = -np.einsum("kij,kj->ki", inverse[active], slope[active])
        descent = (step * slope[active]).sum(1)
        lost = descent >= 0  # rounding: from the beginning
        inverse[active[lost]] = np.eye(x.shape[1])
        step[lost], descent[lost] = -slope[active[lost]], -np.square(slope[active[lost]]).sum(1)
        gains = -descent > _GAIN * loss[active]
        active, step, descent = active[gains], step[gains], descent[gains]
        if not len(active):
            break
        share, waits = np.ones(len(active)), np.ones(len(active), bool)
        new_loss = loss[active].copy()
        for _ in range(_HALVINGS):
            tried = losses(x[active[waits]] + share[waits, None] * step[waits], active[waits])
            good = tried < loss[active[waits]] + _ENOUGH * share[waits] * descent[waits]
            new_loss[waits] = np.where(good, tried, new_loss[waits])
            share[waits] = np.where(good, share[waits], share[waits] / 2)
            waits[waits] = ~good
            if not waits.any():
                break
        moved = ~waits
        active, change = active[moved], share[moved, None] * step[moved]
        if not len(active):
            break
        before = slope[active]
        x[active] += change
        loss[active] = new_loss[moved]
        slope[active] = gradients(x[active], active)
        inverse[active] = _update(inverse[active], change, slope[active] - before)
    return Minimum(loss, x[:, : n * m].reshape(-1, n, m), x[:, n * m :])


def _update(inverse: np.ndarray, change: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """The inverse Hessians after a step, where the slope turned the right way."""
    along = (change * turned).sum(1)
    fit = along > 1e-14
    ratio = np.where(fit, 1 / np.where(fit, along, 1), 0)
    applied = np.einsum("kij,kj->ki", inverse, turned)
    twice = 1 + ratio * (turned * applied).sum(1)
    outer = np.einsum("ki,kj->kij", change, applied)
    return np.asarray(
        inverse
        + (ratio * twice)[:, None, None] * np.einsum("ki,kj->kij", change, change)
        - ratio[:, None, None] * (outer + outer.swapaxes(1, 2))
    )
