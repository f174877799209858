"""What a run is at one step, as plain arrays on the host."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

# Parameters by name: W (instances, features, hidden) and, with a bias, b (instances, features).
Parameters = dict[str, Float32[np.ndarray, "instances ..."]]


class State(NamedTuple):
    """All that the next step depends on, beside the experiment. No generator: data have no state."""

    step: int  # steps taken
    parameters: Parameters
    first_moments: Parameters  # Adam's m
    second_moments: Parameters  # Adam's v
    diverged_at: Int64[np.ndarray, " instances"]  # the step that was not finite; −1 while all were

    @property
    def weights(self) -> Float32[np.ndarray, "instances features hidden"]:
        return self.parameters["W"]

    @property
    def bias(self) -> Float32[np.ndarray, "instances features"] | None:
        return self.parameters.get("b")


def initial_state(parameters: Parameters) -> State:
    """Step 0: moments at rest, everything finite."""
    zeros = {name: np.zeros_like(value) for name, value in parameters.items()}
    n_instances = len(parameters["W"])
    return State(
        step=0,
        parameters=parameters,
        first_moments=zeros,
        second_moments={name: np.zeros_like(value) for name, value in parameters.items()},
        diverged_at=np.full(n_instances, -1, np.int64),
    )


class Change(NamedTuple):
    """A live change: from `step` on, `field` of the experiment has `value`."""

    step: int
    field: str
    value: float | int | tuple[float, ...]
