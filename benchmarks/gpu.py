"""What a step costs on a CUDA GPU: the Triton kernel, the torch kernel there, and numba on the machine's CPU.

    python benchmarks/gpu.py [ROUNDS]

All three train the same experiments in one process and take turns, a block of about .3 s each a round. The
table gives the median time of a step of all instances, and the largest relative difference between Triton's
losses and torch's in the first 20 steps: they see the same data.
"""

import statistics
import sys
import time

import numpy as np
import torch

from tms_engine import Experiment, Trainer
from tms_engine.errors import InputError

_BLOCK = 0.3  # seconds
_KERNELS = ("triton", "torch", "numba")

SETTINGS = {
    "8 → 3, batch 32, p .05": Experiment(),
    "8 → 3, batch 32, dense": Experiment(sparsity=0.0),
    "20 → 5, batch 1024, p .1": Experiment(n_features=20, n_hidden=5, batch_size=1024, sparsity=0.9),
    "2 → 1, batch 1024, p .3": Experiment(n_features=2, n_hidden=1, batch_size=1024, sparsity=0.7, bias=True),
    "64 → 20, batch 1024, p .01": Experiment(n_features=64, n_hidden=20, batch_size=1024, sparsity=0.99),
    "400 → 30, batch 1024, p .01": Experiment(n_features=400, n_hidden=30, batch_size=1024, sparsity=0.99),
}
POPULATIONS = {"8 → 3, batch 32, p .05": (1, 128, 1024, 16_384), "2 → 1, batch 1024, p .3": (1, 1600)}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}\n")
    print(
        "| setting | instances | triton µs | torch µs | numba µs | torch / triton | numba / triton | losses |"
    )
    print("| --- " * 8 + "|")
    for name, experiment in SETTINGS.items():
        for n_instances in POPULATIONS.get(name, (1, 128)):
            print(
                row(name, experiment.replace(n_instances=n_instances, steps=10**9, keep=0), rounds),
                flush=True,
            )


def row(name: str, experiment: Experiment, rounds: int) -> str:
    trainers = {kernel: trainer(experiment, kernel) for kernel in _KERNELS}
    blocks = {kernel: block(t) for kernel, t in trainers.items() if t is not None}
    times: dict[str, list[float]] = {kernel: [] for kernel in blocks}
    for _ in range(rounds):
        for kernel, steps in blocks.items():
            began = time.perf_counter()
            trainers[kernel].advance(steps)
            times[kernel].append((time.perf_counter() - began) / steps * 1e6)
    cost = {kernel: statistics.median(values) for kernel, values in times.items()}
    cells = [f"{cost[k]:.3g}" if k in cost else "–" for k in _KERNELS]
    cells += [
        f"{cost[k] / cost['triton']:.3g}" if {k, "triton"} <= cost.keys() else "–" for k in ("torch", "numba")
    ]
    return f"| {' | '.join((name, f'{experiment.n_instances:,}', *cells, agreement(experiment)))} |"


def trainer(experiment: Experiment, kernel: str) -> Trainer | None:
    device = "cpu" if kernel == "numba" else "cuda"
    try:
        made = Trainer(experiment.replace(kernel=kernel, device=device))
    except InputError:
        return None
    made.prepare()
    return made


def block(made: Trainer) -> int:
    """Steps that take about _BLOCK seconds."""
    steps = 1
    while True:
        began = time.perf_counter()
        made.advance(steps)
        taken = time.perf_counter() - began
        if taken > _BLOCK / 4 or steps >= 10**6:
            return max(1, int(steps * _BLOCK / taken))
        steps *= 4


def agreement(experiment: Experiment) -> str:
    losses = []
    for kernel in ("triton", "torch"):
        made = trainer(experiment, kernel)
        if made is None:
            return "–"
        losses.append(made._kernel.advance(made.current, 20))
    return f"{np.max(np.abs(losses[0] - losses[1]) / np.maximum(losses[1], 1e-12)):.1e}"


if __name__ == "__main__":
    main()
