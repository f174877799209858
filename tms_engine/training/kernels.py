"""What a kernel is, and which one serves an experiment on a device.

Only the kernel that is chosen is imported: torch alone takes over a second.
"""

from typing import Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from tms_engine.device import check_memory, resolve_device
from tms_engine.errors import InputError
from tms_engine.experiment import Experiment
from tms_engine.training.state import State

Name = Literal["torch", "numba", "triton"]

_ABOUT: dict[Name, str] = {
    "torch": "autograd, for any model on any device",
    "numba": "compiled for the CPU, walks from one active feature to the next",
    "triton": "compiled for the GPU, takes many steps in one launch",
}
# The kernel made for a kind of device. torch's serves all.
_MADE_FOR: dict[str, Name] = {"cpu": "numba", "cuda": "triton"}


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
        self, experiment: Experiment, batches: Float32[np.ndarray, "steps instances batch features"]
    ) -> Float32[np.ndarray, "steps instances"]:
        """The same on given batches, one a step."""
        ...


@runtime_checkable
class CompiledKernel(Kernel, Protocol):
    """A kernel that is compiled when it first takes a step, which may take seconds."""

    def prepare(self, experiment: Experiment) -> None:
        """Compile it now, if it is not."""
        ...


class Choice(NamedTuple):
    kernel: Name
    device: str
    reason: str  # one line


def choose(experiment: Experiment) -> Choice:
    """Kernel and device for an experiment.

    Raises InputError if the device is not there or too small, or if the kernel asked for cannot train this
    experiment on it.
    """
    asked = experiment.kernel
    # numba's device is known: there is no need to look for another, least of all with torch.
    name = "cpu" if (asked, experiment.device) == ("numba", "auto") else experiment.device
    device = resolve_device(name)
    check_memory(experiment, device)
    if asked != "auto":
        refusal = _refusal(asked, experiment, device)
        if refusal:
            raise InputError(f"kernel {asked} cannot train this on {device}, because {refusal}", "kernel")
        return Choice(asked, device, f"{asked}: {_ABOUT[asked]}, as asked for")
    made = _MADE_FOR.get(_kind(device))
    refusal = _refusal(made, experiment, device) if made else f"no other is made for {device}"
    if not made or refusal:
        because = f"{made} cannot, because {refusal}" if made else refusal
        return Choice("torch", device, f"torch: {_ABOUT['torch']}; {because}")
    return Choice(made, device, f"{made}: {_ABOUT[made]}")


def choose_again(experiment: Experiment, kernel: Name, device: str | None) -> Choice:
    """Kernel and device to go on with a run that `kernel` has trained: the same kernel, for the same bits.

    Given a `device`, for a run that has moved: the same kernel if it serves there, else the best that does.
    Raises InputError as `choose` does.
    """
    try:
        return choose(experiment.replace(kernel=kernel, device=device or experiment.device))
    except InputError as error:
        if error.field != "kernel":
            raise
        if device is None:
            raise InputError(
                f"{error}, and it trained the run so far; name a device, and the best kernel there goes on",
                "device",
            ) from None
    return choose(experiment.replace(kernel="auto", device=device))


def start(choice: Choice, state: State) -> Kernel:
    """The chosen kernel, holding this state."""
    if choice.kernel == "numba":
        from tms_engine.training.numba_kernel import NumbaKernel

        return NumbaKernel(state)
    if choice.kernel == "triton":
        from tms_engine.training.triton_kernel import TritonKernel

        return TritonKernel(state, choice.device)
    from tms_engine.training.torch_kernel import TorchKernel

    return TorchKernel(state, choice.device)


def _kind(device: str) -> str:
    """cuda of cuda:1."""
    return device.split(":")[0]


def _refusal(name: Name, experiment: Experiment, device: str) -> str:
    """Why a kernel cannot train an experiment on a device; "" if it can."""
    if name == "torch":
        return ""
    if _MADE_FOR.get(_kind(device)) != name:
        needed = next(kind for kind, made in _MADE_FOR.items() if made == name)
        return f"it is made for {needed} alone: use device {needed}, or kernel auto"
    try:
        if name == "numba":
            from tms_engine.training.numba_kernel import serves
        else:
            from tms_engine.training.triton_kernel import serves
    except (ImportError, OSError) as error:  # not installed, or not for this machine
        return f"it cannot be imported here ({error}): use kernel auto"
    return serves(experiment)
