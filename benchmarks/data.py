"""What data and colours cost: ours beside the seed's loops over rows, interleaved in one process.

    python benchmarks/data.py

The seed's two functions are written as there, on 10,000 rows of 8 features.
"""

import statistics
import time
from collections.abc import Callable

import matplotlib as mpl
import numpy as np

from tms_engine import Experiment, sampling
from tms_engine.data import stream
from tms_engine.figures.colors import feature_colors, mix

ROWS = 10_000
CPU = "cpu"


def seeds_two_active() -> np.ndarray:
    data = np.random.rand(ROWS, 8)  # noqa: NPY002 (the seed's)
    for i in range(ROWS):
        data[i, np.random.choice(8, 6, replace=False)] = 0  # noqa: NPY002
    return data


def our_two_active() -> np.ndarray:
    return sampling.fresh(Experiment(features="n_active", n_active=2), 0, ROWS, stream.CLOUD, CPU)


X = our_two_active()
COLOURS = np.array([mpl.colors.to_rgb(c) for c in list(mpl.colors.TABLEAU_COLORS.values())[:8]])


def seeds_colours() -> np.ndarray:
    def color(row: np.ndarray) -> np.ndarray:
        return np.clip(np.array([COLOURS[i] * mag for i, mag in enumerate(row)]).sum(axis=0), 0, 1)

    return np.array([color(row) for row in X])


def our_colours() -> np.ndarray:
    return mix(X, feature_colors(8))


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def main() -> None:
    pairs = {
        "exactly 2 of 8 active, 10,000 rows": (seeds_two_active, our_two_active),
        "colours of 10,000 rows": (seeds_colours, our_colours),
    }
    print(f"{'':36}{'seed':>10}{'ours':>10}{'ratio':>8}")
    for name, (theirs, ours) in pairs.items():
        ours()
        # Ours 20 times for each of the seed's: medians of interleaved repeats.
        times = [(seconds(theirs), statistics.median(seconds(ours) for _ in range(20))) for _ in range(9)]
        seed, mine = (1e3 * statistics.median(t) for t in zip(*times, strict=True))
        print(f"{name:36}{seed:7.1f} ms{mine:7.2f} ms{seed / mine:7.0f}×")


if __name__ == "__main__":
    main()
