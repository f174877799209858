"""The device that a name ("auto", "cpu", "cuda", "cuda:1", "mps") stands for on this machine.

A device is a string here. torch is imported only if there may be a GPU.
"""

import ctypes
import math
import os
import sys
from pathlib import Path

from tms_engine.errors import InputError
from tms_engine.experiment import check_device_name
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


def free_memory(device: str) -> float:
    """Bytes that can still be taken on a device; inf where that is not known."""
    if device.startswith("cuda"):
        import torch

        return float(torch.cuda.mem_get_info(device)[0])
    return min(_of_the_machine(), _of_the_group(), _of_the_process())


def _of_the_machine() -> float:
    """What the system would give without swapping; all that there is, where it does not say."""
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return 1024.0 * int(line.split()[1])
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return math.inf


def _of_the_group() -> float:
    """What a container or a job of a scheduler may still take (control groups, version 2)."""
    left = math.inf
    for line in _lines("/proc/self/cgroup"):
        if line.startswith("0::"):
            group = Path("/sys/fs/cgroup", line[3:].strip("/"))
            for place in (group, *group.parents[: len(group.parts) - 4]):
                most, used = _lines(f"{place}/memory.max"), _lines(f"{place}/memory.current")
                if most and used and most[0] != "max":
                    cache = [
                        row.split()[1] for row in _lines(f"{place}/memory.stat") if "inactive_file" in row
                    ]
                    left = min(left, float(most[0]) - float(used[0]) + sum(map(float, cache[:1])))
    return left


def _of_the_process() -> float:
    """What `ulimit -v` leaves."""
    try:
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
    except ImportError:  # Windows
        return math.inf
    used = _lines("/proc/self/statm")
    if most == resource.RLIM_INFINITY or not used:
        return math.inf
    return most - float(used[0].split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _lines(path: str) -> list[str]:
    """The lines of one of the system's files; none where it is not there."""
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
