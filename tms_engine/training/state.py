"""What a run is at one step, as plain arrays on the host."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from tms_engine import process
from tms_engine.errors import InputError
from tms_engine.experiment import Experiment
from tms_engine.models import Sizes, model
from tms_engine.models.layers import regular_polygon

# Instances after whose first weights other threads have a turn: some milliseconds.
_TURN = 256

# Parameters by the names that the model gives them, each (instances, ...).
Parameters = dict[str, Float32[np.ndarray, "instances ..."]]


class State(NamedTuple):
    """All that the next step depends on, beside the experiment. No generator: data have no state.

    step            steps taken
    parameters      by the model's names, each float32 (instances, ...)
    first_moments   Adam's m, of the same names and shapes
    second_moments  Adam's v, likewise
    diverged_at     int64 (instances,): the step at which the loss was not finite; −1 while it was
    """

    step: int
    parameters: Parameters
    first_moments: Parameters
    second_moments: Parameters
    diverged_at: Int64[np.ndarray, " instances"]


class Change(NamedTuple):
    """A live change: from `step` on, `field` of the experiment has `value`."""

    step: int
    field: str
    value: Any


# A drift of the sparsity is a change of the density by less than so much of it, every so many steps.
_GENTLE, DRIFT_EVERY = 1.12, 100


def is_gentle(before: Any, after: Any) -> bool:
    """Whether a change of the sparsity is so small that it is part of a drift: the loss hardly jumps."""
    was, now = 1 - np.asarray(before, np.float64), 1 - np.asarray(after, np.float64)
    return bool(((was < _GENTLE * now) & (now < _GENTLE * was)).all())


def drift_of(experiment: Experiment, changes: Sequence[Change]) -> tuple[int, ...]:
    """The steps of the live changes that are parts of a drift, of a run that was started so."""
    sparsity, steps = experiment.sparsity, []
    sudden = {change.step for change in changes if change.field not in ("sparsity", "steps")}
    for change in changes:
        if change.field == "sparsity":
            if is_gentle(sparsity, change.value) and change.step not in sudden:
                steps.append(change.step)
            sparsity = change.value
    return tuple(steps)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A run at one step, whole: what is drawn, measured or shown of it. Its arrays are read-only.

    step        steps taken
    experiment  in force at that step: as started, with the live changes made until then
    parameters  by the model's names, each float32 (instances, ...): "W" is (instances, features, hidden) and
                "b" (instances, features) in a tied model
    losses      float32 (instances,): mean batch loss over about the 100 steps before, NaN where none was
                finite. A batch loss is the mean over rows and features of importance · (x̂ − x)²
    diverged    places (from 0) of the instances that had stopped, because they were no longer finite
    """

    step: int
    experiment: Experiment
    parameters: Parameters
    losses: Float32[np.ndarray, " instances"]
    diverged: tuple[int, ...] = ()

    @cached_property
    def weights(self) -> Float32[np.ndarray, "instances features hidden"]:
        """The feature directions, float32 (instances, features, hidden): W of a tied model."""
        return model(self.experiment.model).directions(self.parameters)

    @property
    def bias(self) -> Float32[np.ndarray, "instances features"] | None:
        """b, float32 (instances, features), or None for a model without one."""
        return self.parameters.get("b")

    @property
    def loss(self) -> float:
        """Mean of `losses` over the instances that have not diverged; NaN if there are none, or at step 0."""
        alive = np.delete(self.losses, list(self.diverged))
        return float(alive.mean()) if len(alive) else float("nan")


def initial_parameters(experiment: Experiment) -> Parameters:
    """Parameters before the first step, as the model starts them.

    An instance has a generator of its own, from (random seed, instance number): the same weights whatever
    stands beside it. Only their scale may depend on the number of instances, with the notebook's joint
    Xavier; a shard (`Experiment.select`) keeps that of the whole.
    """
    sizes = Sizes(experiment.n_features, experiment.n_hidden, experiment.bias, experiment.first_std)
    start = model(experiment.model).parameters
    corners = experiment.corners
    whole: Parameters = {}
    for i, number in enumerate(experiment.numbers().tolist()):
        if i % _TURN == 0:
            process.let_others_run()
        first = start(sizes, np.random.default_rng([experiment.seed, number]))
        if corners:
            if "W" not in first or first["W"].shape != (sizes.n_features, sizes.n_hidden):
                raise InputError(
                    f"init {experiment.init} is for models with one W (features, hidden), which "
                    f"{experiment.model} has not",
                    "init",
                )
            first["W"] = first["W"] + regular_polygon(corners, sizes)
        for name, value in first.items():
            if i == 0:
                whole[name] = np.empty((experiment.n_instances, *value.shape), np.float32)
            whole[name][i] = value
    return whole


def initial_state(experiment: Experiment) -> State:
    """Step 0: moments at rest, everything finite."""
    return at_rest(initial_parameters(experiment))


def at_rest(parameters: Parameters, step: int = 0) -> State:
    """These parameters, with moments of 0 and everything finite."""
    return State(
        step=step,
        parameters=parameters,
        first_moments={name: np.zeros_like(value) for name, value in parameters.items()},
        second_moments={name: np.zeros_like(value) for name, value in parameters.items()},
        diverged_at=np.full(len(next(iter(parameters.values()))), -1, np.int64),
    )


def make_read_only(*arrays: Any) -> None:
    """Keep numpy arrays from being written to."""
    for array in arrays:
        array.flags.writeable = False
