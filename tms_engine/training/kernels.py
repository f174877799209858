"""What a kernel is, and which one serves an experiment on a device.

Only the kernel that is chosen is imported: torch alone takes over a second.
"""

import warnings
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from tms_engine import sampling
from tms_engine.data import law
from tms_engine.device import needs_torch, resolve_device
from tms_engine.errors import InputError
from tms_engine.experiment import Experiment
from tms_engine.models import model
from tms_engine.training.memory import check_memory
from tms_engine.training.run import KernelName
from tms_engine.training.state import State

_ABOUT: dict[KernelName, str] = {
    "torch": "autograd, for any model on any device",
    "lanes": "small models on the CPU, 16 numbers in each of its instructions",
    "numba": "compiled for the CPU, walks from one active feature to the next",
    "triton": "compiled for the GPU, takes many steps in one launch",
}
# The kind of device that a kernel is made for, those to be preferred first; torch's serves all.
_HOMES: dict[KernelName, str] = {"lanes": "cpu", "numba": "cpu", "triton": "cuda"}


@runtime_checkable
class Kernel(Protocol):
    """Code that trains. It holds a run's state in the memory and the layout that it needs.

    All kernels agree with the definitions in `models/`: given the same batches, each takes the same step.
    Live changes arrive as another `experiment`; the fields that cannot be changed live are the run's own.
    """

    def state(self) -> State:
        """A copy of the state on the host."""
        ...

    def n_diverged(self) -> int:
        """How many instances have stopped."""
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

    def compiled(self, experiment: Experiment) -> bool:
        """Whether all that the experiment needs is compiled."""
        ...

    def prepare(self, experiment: Experiment) -> None:
        """Compile it now, if it is not."""
        ...


class Choice(NamedTuple):
    kernel: KernelName
    device: str
    reason: str  # one line


def choose(experiment: Experiment) -> Choice:
    """Kernel and device for an experiment.

    Raises InputError if the device is not there, if the kernel asked for cannot train this experiment on it,
    or if there is too little memory for it.
    """
    return _with_memory(experiment, _choose(experiment))


def _choose(experiment: Experiment) -> Choice:
    asked = experiment.kernel
    device = _device(experiment)
    if asked != "auto":
        refusal = _refusal(asked, experiment, device)
        if refusal:
            instead = "kernel auto" if _is_home(asked, device) else f"device {_HOMES[asked]} or kernel auto"
            raise InputError(
                f"kernel {asked} cannot train this on {device}, because {refusal}: use {instead}", "kernel"
            )
        return Choice(asked, device, f"{asked}: {_ABOUT[asked]}, as asked for")
    because = [] if any(_is_home(name, device) for name in _HOMES) else [f"no other is made for {device}"]
    for name in _HOMES:
        if not _is_home(name, device):
            continue
        if refusal := _refusal(name, experiment, device):
            because.append(f"{name} cannot, because {refusal}")
        elif slow := _slowness(name, experiment):
            because.append(f"{name} would be slower, because {slow}")
        else:
            return Choice(name, device, "; ".join([f"{name}: {_ABOUT[name]}", *because]))
    return Choice("torch", device, "; ".join([f"torch: {_ABOUT['torch']}", *because]))


def choose_again(experiment: Experiment, kernel: KernelName, device: str | None) -> Choice:
    """Kernel and device to go on with a run that `kernel` has trained: the same kernel, for the same bits.

    Given a `device`, for a run that has moved: the same kernel if it serves there, else the best that does.
    Raises InputError as `choose` does.
    """
    experiment = experiment.replace(kernel=kernel, device=device or experiment.device)
    here = _device(experiment)
    refusal = _refusal(kernel, experiment, here)
    if not refusal:
        again = Choice(kernel, here, f"{kernel}: {_ABOUT[kernel]}; it has trained this run so far")
        return _with_memory(experiment, again)
    if device is None:
        raise InputError(
            f"kernel {kernel}, which trained this run, cannot go on with it on {here}, because {refusal}: "
            "name a device, and the kernel that is best there goes on",
            "device",
        )
    return choose(experiment.replace(kernel="auto"))


def library(experiment: Experiment) -> Literal["torch", "numba", "llvmlite"]:
    """Which library will be loaded to train an experiment. Loads none."""
    asked = experiment.kernel
    if asked in ("torch", "triton") or (asked == "auto" and needs_torch(experiment.device)):
        return "torch"
    kernel = usual_on_a_cpu(experiment)
    return "llvmlite" if kernel == "lanes" else "numba" if kernel == "numba" else "torch"


def start(choice: Choice, state: State, experiment: Experiment) -> tuple[Choice, Kernel]:
    """The chosen kernel, holding this state; torch's, with a warning, if triton's fails its self-check."""
    if choice.kernel == "lanes":
        from tms_engine.training.lanes.kernel import LanesKernel

        return choice, LanesKernel(state, experiment)
    if choice.kernel == "numba":
        from tms_engine.training.numba.kernel import NumbaKernel

        return choice, NumbaKernel(state)
    if choice.kernel == "triton":
        from tms_engine.training.triton.kernel import TritonKernel, trouble

        # GPUs, drivers and versions of Triton are too many to have been tested on all of them.
        found = trouble(experiment, state, choice.device)
        if not found:
            return choice, TritonKernel(state, choice.device)
        warnings.warn(f"the torch kernel trains instead of triton's, for {found}", stacklevel=2)
        choice = Choice("torch", choice.device, f"torch: {_ABOUT['torch']}; triton cannot, for {found}")
        _with_memory(experiment, choice)
    from tms_engine.training.torch_kernel import TorchKernel

    return choice, TorchKernel(state, choice.device)


def _device(experiment: Experiment) -> str:
    """The device that an experiment asks for. Raises InputError if it is not there."""
    # Theirs is known: there is no need to look for another, least of all with torch.
    known = experiment.device == "auto" and experiment.kernel in ("lanes", "numba")
    return resolve_device("cpu" if known else experiment.device)


def _with_memory(experiment: Experiment, choice: Choice) -> Choice:
    """The choice, if there is enough memory for it. Raises InputError if there is not."""
    check_memory(experiment, choice.kernel, choice.device)
    return choice


def _is_home(name: KernelName, device: str) -> bool:
    """Whether a kernel is made for a device: cuda's for cuda:1."""
    return device.split(":")[0] == _HOMES[name]


def _slowness(name: KernelName, experiment: Experiment) -> str:
    """Why another kernel is expected to train an experiment faster than this one; "" if none is."""
    if name != "triton":
        return ""
    from tms_engine.training.triton.kernel import slowness

    return slowness(experiment)


def usual_on_a_cpu(experiment: Experiment) -> KernelName:
    """The kernel that trains an experiment on a usual CPU: by its fields alone, the same on every machine.

    For plans that several machines share; `choose` says which one trains here.
    """
    from tms_engine.training.lanes.choice import refusal

    asked = experiment.kernel
    if asked in ("auto", "lanes") and not refusal(experiment):
        return "lanes"
    drawn = law(experiment.features).compiled is not None and not sampling.beyond_one_draw(experiment)
    if drawn and asked in ("auto", "numba") and model(experiment.model).compiled:
        return "numba"
    return "torch"


def _refusal(name: KernelName, experiment: Experiment, device: str) -> str:
    """Why a kernel cannot train an experiment on a device; "" if it can."""
    if name == "torch":
        return ""
    if not _is_home(name, device):
        return f"it is made for {_HOMES[name]} alone"
    try:
        if name == "lanes":  # it has models and draws of its own
            from tms_engine.training.lanes.kernel import refusal as lanes_refusal

            return lanes_refusal(experiment)
        if not model(experiment.model).compiled:
            return f"it has no model {experiment.model}"
        if law(experiment.features).compiled is None:
            return f"it has no draw for {experiment.features} data"
        if unusual := sampling.beyond_one_draw(experiment):
            return f"it has no draw for {unusual}"
        if name == "numba":
            from tms_engine.training.numba.kernel import refusal as numba_refusal

            return numba_refusal(experiment)
        from tms_engine.training.triton.kernel import refusal as triton_refusal

        return triton_refusal(experiment)
    except (ImportError, OSError) as error:  # not installed, or not for this machine
        return f"it cannot be imported here ({error})"
