"""What a population costs from the command line: trained, evaluated to the exact loss, named and ranked.

    python benchmarks/population.py [--instances 1024] [--steps 10000]

Each is a process of its own, start included: `tms train`, which evaluates and names, and `tms show`, which
ranks. Then what evaluating and naming take by themselves, an instance, on one core. `user` is the time of all
cores together; on a machine that others use, it is the figure to compare.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--instances", type=int, default=1024)
    parser.add_argument("--steps", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        run = Path(directory) / "run"
        train = ["train", "--n-instances", options.instances, "--steps", options.steps, "--out", run]
        for command in (train, ["show", run, "--top", 5]):
            print(f"tms {command[0]:6}  {_timed([sys.executable, '-m', 'tms_engine', *map(str, command)])}")
    _analysis()


def _timed(command: list[str]) -> str:
    """Wall and user seconds of a process, and the most memory of any process until now."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    user = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"{wall:6.1f} s wall  {user:6.1f} s user  {after.ru_maxrss / 1024:6.0f} MB"


def _analysis() -> None:
    from tms_engine import Experiment, Run, evaluate
    from tms_engine.analysis.polytopes import name_instances

    for n, m in ((2, 1), (5, 2), (8, 3)):
        weights = np.random.default_rng(0).standard_normal((1000, n, m)).astype(np.float32)
        run = Run.from_weights(weights, experiment=Experiment(n_features=n, n_hidden=m, n_instances=1000))
        evaluate(run), name_instances(weights)  # compiled, or loaded
        began = time.process_time()
        evaluate(run)
        middle = time.process_time()
        name_instances(weights)
        ended = time.process_time()
        loss, name = 1000 * (middle - began), 1000 * (ended - middle)
        print(f"{n} → {m}: exact loss {loss:.0f} µs, name {name:.0f} µs an instance")


if __name__ == "__main__":
    main()
