"""What a step of one of many tiny models costs: ours beside JAX, occhio's ModelGrid and our walk.

    python benchmarks/lanes.py [ROUNDS]   a table of settings, all ways in turns in one process
    python benchmarks/lanes.py phases     the phase diagram of n = 2, m = 1, 40 × 40 × 10 models
    python benchmarks/lanes.py one        one model of the seed beside the same in C (needs cc)

Times are of processor (user and system, of all threads), the least of the rounds, since cores that are shared
make wall times depend on who else is there. Adam at .01, a bias where the way has one. Each model has data of
its own. JAX comes with the extra `bench`, occhio from PyPI; without them their columns stay empty.
"""

import contextlib
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from training import Jax
from training import Setting as SettingOfTraining

from tms_engine import Experiment, Trainer


class Setting(NamedTuple):
    n_features: int
    n_hidden: int
    batch_size: int
    density: float
    n_instances: int

    def experiment(self, **fields: Any) -> Experiment:
        n, m, batch, density, instances = self
        return Experiment(
            n_features=n, n_hidden=m, batch_size=batch, sparsity=1 - density, n_instances=instances,
            steps=10**9, keep=0, device="cpu", **fields,
        )  # fmt: skip


SETTINGS = (
    Setting(2, 1, 1024, 0.3, 256),
    Setting(2, 1, 1024, 0.03, 256),
    Setting(2, 1, 32, 0.3, 1024),
    Setting(2, 1, 32, 0.03, 1024),
    Setting(5, 2, 1024, 0.05, 256),
    Setting(8, 3, 32, 0.05, 1024),
)
# Seconds of processor that a block of steps should take.
BLOCK = 0.5


def engine(setting: Setting, kernel: str) -> Callable[[int], None]:
    return Trainer(setting.experiment(kernel=kernel)).advance


def jax_scan(setting: Setting) -> Callable[[int], None]:
    return Jax(SettingOfTraining(*setting, check_steps=0, tolerance=0)).advance


def occhio_grid(setting: Setting) -> Callable[[int], None]:
    import torch
    from occhio.autoencoder import TiedLinearRelu
    from occhio.distributions.sparse import SparseUniform
    from occhio.model_grid import Axis, ModelGrid
    from occhio.toy_model import ToyModel

    n, m, batch, density, instances = setting

    def create_model(params: dict[str, Any]) -> Any:
        generator = torch.Generator("cpu")
        generator.manual_seed(int(params["seed"]))
        return ToyModel(
            distribution=SparseUniform(n, density, generator=generator),
            ae=TiedLinearRelu(n, m, generator=generator),
            importances=torch.ones(n),
        )

    grid = ModelGrid(create_model, axes=[Axis("seed", torch.arange(instances))])

    def advance(n_steps: int) -> None:
        with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
            grid.fit(n_steps, batch_size=batch, learning_rate=0.01, weight_decay=0.0)

    return advance


WAYS: dict[str, Callable[[Setting], Callable[[int], None]]] = {
    "ours": lambda setting: engine(setting, "auto"),
    "walk": lambda setting: engine(setting, "numba"),
    "jax": jax_scan,
    "occhio": occhio_grid,
}


def spent(advance: Callable[[int], None], n_steps: int) -> float:
    began = time.process_time()
    advance(n_steps)
    return time.process_time() - began


def compare(setting: Setting, rounds: int) -> None:
    advances, steps = {}, {}
    for way, start in WAYS.items():
        if way in ("jax", "occhio") and not importlib.util.find_spec(way):
            continue
        advance = start(setting)
        advance(2)
        n = 2
        while (seconds := spent(advance, n)) < BLOCK / 4:
            n = max(2 * n, int(n * BLOCK / 2 / max(seconds, 1e-3)))
        n = max(2, int(n * BLOCK / seconds))
        advance(n)  # JAX compiles each length anew
        advances[way], steps[way] = advance, n
    least = dict.fromkeys(advances, float("inf"))
    for _ in range(rounds):
        for way, advance in advances.items():
            us = 1e6 * spent(advance, steps[way]) / steps[way] / setting.n_instances
            least[way] = min(least[way], us)
    ours = least["ours"]
    cells = [f"{least[way]:,.3g}" if way in least else "–" for way in WAYS]
    ratios = [f"**{least[way] / ours:,.0f}×**" if way in least else "–" for way in WAYS if way != "ours"]
    name = "({}, {}, {}, {:g}, {})".format(*setting)
    print(f"| {name} | {' | '.join(cells)} | {' | '.join(ratios)} |", flush=True)


def phases() -> None:
    """The whole diagram, as the paper has it (batch 1024) and with the seed's batch."""
    densities, importances = np.geomspace(0.01, 1, 40), np.geomspace(0.1, 10, 40)
    cells = np.array([(1 - p, r) for p in densities for r in importances]).repeat(10, axis=0)
    for batch in (32, 1024):
        experiment = Experiment(
            n_features=2, n_hidden=1, n_instances=len(cells), sparsity=cells[:, 0], bias=True,
            importance_decay=cells[:, 1], batch_size=batch, steps=10_000, keep=0, device="cpu",
        )  # fmt: skip
        wall, processor = time.perf_counter(), time.process_time()
        trainer = Trainer(experiment)
        while not trainer.finished:
            trainer.advance(100)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        ns = 1e9 * processor / len(cells) / 10_000
        print(f"batch {batch}: {len(cells):,} models × 10,000 steps in {wall:.1f} s", end="", flush=True)
        print(f", {processor:.1f} s of processor, {ns:.0f} ns a step of one ({trainer.kernel})", flush=True)


def one(rounds: int = 7) -> None:
    """One model at the seed's setting, beside the walk in C."""
    experiment = Experiment(keep=0, steps=10**9, device="cpu")
    ours, walk = (Trainer(experiment.replace(kernel=kernel)).advance for kernel in ("auto", "numba"))
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory) / "one_model"
        source = Path(__file__).with_name("one_model.c")
        flags = ["-O3", "-march=native", "-ffast-math"]
        subprocess.run(["cc", *flags, "-o", program, source, "-lm"], check=True)
        steps, times = 300_000, []
        for advance in (ours, walk):
            advance(1000)
        for _ in range(rounds):
            done = subprocess.run([program, "0.05", str(steps)], capture_output=True, text=True, check=True)
            mine = [1e9 * spent(advance, steps) / steps for advance in (ours, walk)]
            times.append([*mine, float(done.stdout.split()[0])])
    least = np.min(times, 0)
    print("ns a step: ours {:.0f}, our walk {:.0f}, C {:.0f}".format(*least), end="")
    print("; to C {:.2f}, {:.2f}".format(*least[:2] / least[2]))


def main() -> None:
    if sys.argv[1:] == ["phases"]:
        phases()
    elif sys.argv[1:] == ["one"]:
        one()
    else:
        rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; least of {rounds} rounds", end="")
        print("; µs of processor\n\n| (n, m, batch, p, instances) | ours | our walk | JAX | occhio ", end="")
        print("| to the walk | to JAX | to occhio |\n|---|---|---|---|---|---|---|---|")
        for setting in SETTINGS:
            compare(setting, rounds)


if __name__ == "__main__":
    main()
