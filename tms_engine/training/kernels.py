"""What a kernel is, and which one serves an experiment on a device."""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from tms_engine.device import check_memory, resolve_device
from tms_engine.experiment import Experiment
from tms_engine.training.state import State
from tms_engine.training.torch_kernel import TorchKernel


@runtime_checkable
class Kernel(Protocol):
    """Code that trains. It holds a run's state where it likes it best and gives it back on request.

    All kernels agree with `autoencoder.py`: given the same batches, each takes the same step. Live
    changes arrive as another `experiment`; the fields that cannot be changed live are the run's own.
    """

    def state(self) -> State:
        """A copy of the state on the host."""
        ...

    def advance(self, experiment: Experiment, n_steps: int) -> Float32[np.ndarray, "{n_steps} instances"]:
        """Take steps on data that depend only on (seed, instance, step); returns their batch losses.

        An instance whose loss, weights or moments are no longer finite stops: it keeps its last finite
        weights, its `diverged_at` is set, and its losses are NaN from then on.
        """
        ...

    def train_on(
        self, experiment: Experiment, batches: Float[Tensor, "steps instances batch features"]
    ) -> Float32[np.ndarray, "steps instances"]:
        """The same on given batches, one a step."""
        ...


class Choice(NamedTuple):
    kernel: str
    device: torch.device


def choose(experiment: Experiment) -> Choice:
    """Kernel and device for an experiment. Raises InputError if the device is not there or too small."""
    device = resolve_device(experiment.device)
    check_memory(experiment, device)
    return Choice("torch", device)


def start(choice: Choice, state: State) -> Kernel:
    """The chosen kernel, holding this state."""
    return TorchKernel(state, choice.device)
