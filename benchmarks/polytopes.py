"""What naming a million models costs, on one core: trained ones, and the dearest, which are nearly solids.

    python benchmarks/polytopes.py [INSTANCES]

Trained models are 256 of each setting, turned and moved by 1 % of noise for each of the million. The name of
one by itself (`polytopes`) and the edges of its hull are what a live title and a drawing cost.
"""

import sys
import time
from collections.abc import Callable

import numpy as np

from tms_engine import Experiment, hull_edges, name_instances, polytopes, train
from tms_engine.analysis.polytopes import ideals

SIZES = [(8, 3), (6, 3), (5, 2)]


def seconds(call: Callable[[], object]) -> float:
    """Processor seconds: the same beside other work."""
    began = time.process_time()
    call()
    return time.process_time() - began


def population(some: np.ndarray, instances: int, noise: float = 0.01) -> np.ndarray:
    """As many as asked for, from some, each in a rotation of its own and with noise."""
    rng = np.random.default_rng(0)
    m = some.shape[2]
    axes = np.linalg.qr(rng.standard_normal((1000, m, m)))[0]
    many = some[rng.integers(0, len(some), instances)] @ axes[rng.integers(0, 1000, instances)]
    return (many + noise * rng.standard_normal(many.shape)).astype(np.float32)


def main() -> None:
    instances = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    first = seconds(lambda: name_instances(np.ones((1, 8, 3))))
    print(f"first call, compiled or from the disk: {first:.1f} s")
    settings = {
        f"{n} in {m}, trained": train(
            Experiment(n_features=n, n_hidden=m, n_instances=256, steps=5000, sparsity=0.95)
        ).weights
        for n, m in SIZES
    }
    settings["8 in 3, at random"] = np.random.default_rng(1).standard_normal((4096, 8, 3))
    solids = np.stack([ideals.solid(place) for place in range(3)])
    rng = np.random.default_rng(2)
    settings["8 in 3, some 15° off a solid"] = (
        solids[rng.integers(0, 3, 4096)] + rng.standard_normal((4096, 8, 3)) * 0.22
    )
    print(f"\n{instances:,} instances{'':>20}{'seconds':>8}{'µs each':>9}  names")
    for label, some in settings.items():
        weights = population(some, instances)
        began = time.process_time()
        names = name_instances(weights)
        taken = time.process_time() - began
        shares = zip(names.names[:3], (names.counts()[:3] / instances).tolist(), strict=True)
        most = ", ".join(f"{name} {share:.0%}" for name, share in shares)
        print(f"{label:<36}{taken:8.1f}{taken / instances * 1e6:9.1f}  {most}", flush=True)
    one = settings["8 in 3, trained"]
    for label, call in {"polytopes": polytopes, "hull_edges": hull_edges}.items():
        taken = seconds(lambda call=call: [call(w) for w in one])
        print(f"{label} of one, 8 in 3: {taken / len(one) * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
