"""The device that a name ("auto", "cpu", "cuda", "cuda:1", "mps") stands for on this machine.

A device is a string here. torch is imported only if there may be a GPU.
"""

import ctypes
import os
import sys
from pathlib import Path

from tms_engine.errors import InputError
from tms_engine.experiment import Experiment, check_device_name
from tms_engine.process import make_mkl_reproducible

make_mkl_reproducible()


def resolve_device(name: str) -> str:
    """The device that an experiment asks for. Raises InputError if this machine, or this torch, has none."""
    if name == "cpu:0":  # the CPU with torch's arrays, for `evaluate`
        return name
    try:
        check_device_name(name)
    except ValueError as error:
        raise InputError(f"device {error}", "device") from None
    if not needs_torch(name):
        return "cpu"
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return "cuda:0"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    if name.startswith("cuda"):
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if count == 0:
            raise InputError(f"device {name} asked for, but torch sees no CUDA GPU here: use cpu", "device")
        if int(name.partition(":")[2] or 0) >= count:
            there = f"cuda:0 to cuda:{count - 1}" if count > 1 else "cuda:0"
            raise InputError(f"device {name} asked for, but torch sees only {there} here", "device")
    if name == "mps" and not torch.backends.mps.is_available():
        raise InputError("device mps asked for, but torch sees no Apple GPU here: use cpu", "device")
    return name


def needs_torch(name: str) -> bool:
    """Whether torch has to be loaded to know what device this is."""
    return name != "cpu" and (name != "auto" or _may_have_gpu())


def _may_have_gpu() -> bool:
    """Whether a GPU's driver is here, so that loading torch to ask what it sees is worth its second."""
    if sys.platform == "darwin":
        return True
    if Path("/dev/kfd").exists():  # AMD's, whose GPUs torch calls CUDA's too
        return True
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def check_memory(experiment: Experiment, device: str) -> None:
    """Raise InputError if training needs more memory than the device has."""
    needed = _training_bytes(experiment)
    if device.startswith("cuda"):
        import torch

        total = torch.cuda.get_device_properties(device).total_memory
    else:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > total:
        raise InputError(
            f"n_features {experiment.n_features} with batch_size {experiment.batch_size} and n_instances "
            f"{experiment.n_instances} needs about {needed / 2**30:,.0f} GiB, and {device} has "
            f"{total / 2**30:,.0f}: make one of them smaller",
            "n_features",
        )


def _training_bytes(experiment: Experiment) -> int:
    """Bytes that a step of training holds at once, roughly: what autograd keeps, the parameters, W Wᵀ."""
    n, m, rows = experiment.n_features, experiment.n_hidden, experiment.n_instances * experiment.batch_size
    batch = rows * (8 * n + 2 * m) * 4  # words, x, x̂ and four intermediates of its size; h and its gradient
    parameters = experiment.n_instances * n * m * 4 * 8  # W, gradient, two moments, their successors
    gram = experiment.n_instances * n * n * 4 * 3  # geometry's W Wᵀ, squared and summed
    return batch + parameters + gram
