"""Whether a run fits into memory, before any is taken: what its kernel, its history and its copies need."""

from tms_engine.device import free_memory
from tms_engine.errors import InputError
from tms_engine.experiment import Experiment
from tms_engine.models import Sizes, model
from tms_engine.training.history import history_bytes
from tms_engine.training.run import KernelName

# Copies of the parameters on the host: the state that starts (3); a run to look at, and the next one while it
# is made (6); three snapshots, of which a screen may hold the older two; a save, as arrays and as bytes (6).
_COPIES = 18
# Of what is kept over time, and of the envelope: the history, and a save's arrays and bytes.
_SAVED = 3
# Of an instance: its numbers as a record and as JSON; its values in each field that is a list.
_SUMMARY, _LISTED = 2000, 200
# Directions, products and their likes, of one instance in double precision, and blocks of them.
_MEASURES, _BLOCKS = 4, 1 << 27

_SIZES = ("n_features", "n_hidden", "n_instances", "batch_size")


def check_memory(experiment: Experiment, kernel: KernelName, device: str) -> None:
    """Raise InputError if a run needs more memory than there is: with its history, its saves and a screen."""
    parameters = parameter_bytes(experiment)
    on_device = _kernel_bytes(experiment, kernel, parameters)
    on_host = _host_bytes(experiment, parameters)
    if device == "cpu":
        _compare(experiment, on_device + on_host, "this machine", free_memory("cpu"))
    else:
        _compare(experiment, on_device, device, free_memory(device))
        _compare(experiment, on_host, "this machine", free_memory("cpu"))


def parameter_bytes(experiment: Experiment) -> int:
    """What the parameters of all instances take, without making any."""
    import numpy as np

    # Of a tiny model: how many numbers there are for each entry of W, biases rounded up.
    tiny = model(experiment.model).parameters(Sizes(8, 8, experiment.bias, 1.0), np.random.default_rng(0))
    numbers = sum(np.asarray(value).size for value in tiny.values())
    return 4 * experiment.n_instances * -(-numbers * experiment.n_features * experiment.n_hidden // 64)


def _kernel_bytes(experiment: Experiment, kernel: KernelName, parameters: int) -> int:
    if kernel == "lanes":
        from tms_engine.training.lanes.choice import working_bytes as lanes_bytes

        return lanes_bytes(experiment)
    if kernel == "numba":
        from tms_engine.training.numba.kernel import working_bytes

        return working_bytes(experiment)
    if kernel == "triton":
        return 6 * parameters  # the state, a copy for the self-check; batches are drawn on the chip
    # torch: the state, gradients and what Adam makes; a batch with all that autograd keeps of it.
    rows = experiment.n_instances * experiment.batch_size
    held = experiment.n_instances * (experiment.dataset_rows or 0)
    return (
        10 * parameters
        + 8 * held * experiment.n_features
        + rows * (64 * experiment.n_features + 16 * experiment.n_hidden)
    )


def _host_bytes(experiment: Experiment, parameters: int) -> int:
    instances, n = experiment.n_instances, experiment.n_features
    envelope, kept = history_bytes(instances, experiment.keep, parameters)
    lists = sum(isinstance(value, tuple) for _, value in experiment)
    of_one = 8 * n * experiment.n_hidden
    return (
        _COPIES * parameters
        + _SAVED * (envelope + kept)
        + instances * (_SUMMARY + _LISTED * lists + 24 * n)
        + _MEASURES * of_one
        + _BLOCKS
    )


def _compare(experiment: Experiment, needed: int, where: str, free: float) -> None:
    if needed <= free:
        return
    sizes = [f"{name} {getattr(experiment, name):,}" for name in _SIZES]
    largest = max(_SIZES, key=lambda name: int(getattr(experiment, name)))
    raise InputError(
        f"{', '.join(sizes[:-1])} and {sizes[-1]} need about {_gib(needed)} GiB of memory, and {where} has "
        f"{_gib(free)} free: make one of them smaller",
        largest,
    )


def _gib(size: float) -> str:
    return f"{size / 2**30:,.1f}" if size < 10 * 2**30 else f"{size / 2**30:,.0f}"
