"""What a step of training costs: ours beside the seed's loop, the torch kernel and a scan jitted by JAX.

    python benchmarks/training.py [ROUNDS]

Each way of training runs in a process of its own, so that its peak memory is its own; the processes take
turns, one block of steps each a round, and the medians over the rounds are compared. All start from the
same weights and train with the seed's hyper-parameters (Adam at .01, no bias) on data of their own. The
same loss has to be reached by all, on fresh data and after as many steps: where it is not, the row says so
and does not count. Without JAX (the extra `bench`) its column stays empty.
"""

import importlib.util
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from tms_engine import Experiment


class Setting(NamedTuple):
    n_features: int
    n_hidden: int
    batch_size: int
    density: float
    n_instances: int
    check_steps: int  # after which the losses are compared
    tolerance: float  # relative; the spread from seed to seed is about 2 % for one small model

    def experiment(self, kernel: str) -> Experiment:
        return Experiment(
            n_features=self.n_features,
            n_hidden=self.n_hidden,
            batch_size=self.batch_size,
            sparsity=1 - self.density,
            n_instances=self.n_instances,
            steps=10**9,
            keep=0,  # weights over time are no part of a step
            device="cpu",
            kernel=kernel,
        )


SETTINGS = (
    Setting(8, 3, 32, 0.05, 1, 10_000, 0.05),
    Setting(8, 3, 32, 1.0, 1, 10_000, 0.05),
    Setting(8, 3, 32, 0.05, 128, 10_000, 0.03),
    Setting(20, 5, 1024, 0.1, 1, 2000, 0.05),
    Setting(80, 20, 1024, 0.01, 1, 2000, 0.05),
    Setting(400, 30, 1024, 0.01, 1, 500, 0.05),
)
WAYS = ("seed", "torch", "jax", "ours")
# Seconds that a block of steps should take.
BLOCK = 0.4


class Way(Protocol):
    """A training under way."""

    models: int  # trained side by side: the seed knows only one

    def advance(self, n_steps: int) -> None: ...

    def weights(self) -> np.ndarray:
        """(models, features, hidden)"""
        ...


def initial_weights(setting: Setting) -> np.ndarray:
    from tms_engine import Trainer

    return Trainer(setting.experiment("torch")).run().weights


class Seed:
    """The seed's training loop, written as there (but for printing)."""

    models = 1

    def __init__(self, setting: Setting) -> None:
        import torch

        self.setting, self.torch = setting, torch
        weights = torch.nn.Parameter(torch.tensor(initial_weights(setting)[0]))

        class Autoencoder(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.W = weights

            def forward(self, x):
                h = x @ self.W
                return torch.relu(h @ self.W.T), h

        self.model = Autoencoder()
        self.criterion = torch.nn.MSELoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.01)

    def advance(self, n_steps: int) -> None:
        _, _, batch, density, *_ = self.setting
        for _ in range(n_steps):
            values = np.random.rand(batch, self.setting.n_features)  # noqa: NPY002 (the seed's)
            mask = np.random.binomial(1, density, values.shape)  # noqa: NPY002
            data = self.torch.tensor(values * mask, dtype=self.torch.float32)
            self.optimizer.zero_grad()
            output, _ = self.model(data)
            loss = self.criterion(output, data)
            loss.backward()
            self.optimizer.step()
            loss.item()

    def weights(self) -> np.ndarray:
        return self.model.W.detach().numpy()[None]


class Engine:
    """The engine's Trainer with one of its kernels."""

    def __init__(self, setting: Setting, kernel: str) -> None:
        from tms_engine import Trainer

        self.models = setting.n_instances
        self.trainer = Trainer(setting.experiment(kernel))

    def advance(self, n_steps: int) -> None:
        self.trainer.advance(n_steps)

    def weights(self) -> np.ndarray:
        return self.trainer.run().weights


class Jax:
    """The same in JAX: data, gradient and Adam in one scan, jitted, instances by vmap."""

    def __init__(self, setting: Setting) -> None:
        import jax
        import jax.numpy as jnp

        n, _, batch, density, self.models, *_ = setting

        def loss(w, x):
            return jnp.mean(jnp.square(jax.nn.relu(x @ w @ w.T) - x))

        def step(state, _):
            w, first, second, t, key = state
            key, values, active = jax.random.split(key, 3)
            x = jax.random.uniform(values, (batch, n))
            x = x * jax.random.bernoulli(active, density, (batch, n))
            value, gradient = jax.value_and_grad(loss)(w, x)
            t = t + 1
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * jnp.square(gradient)
            update = (first / (1 - 0.9**t)) / (jnp.sqrt(second / (1 - 0.999**t)) + 1e-8)
            return (w - 0.01 * update, first, second, t, key), value

        def scan(state, n_steps):
            return jax.lax.scan(step, state, None, length=n_steps)

        many = jax.vmap(scan, in_axes=((0, 0, 0, None, 0), None), out_axes=((0, 0, 0, None, 0), 0))
        self.scan = jax.jit(many if self.models > 1 else scan, static_argnums=1, donate_argnums=0)
        w = jnp.array(initial_weights(setting))
        keys = jax.random.split(jax.random.key(0), self.models)
        if self.models == 1:
            w, keys = w[0], keys[0]
        self.state = (w, jnp.zeros_like(w), jnp.zeros_like(w), jnp.float32(0), keys)

    def advance(self, n_steps: int) -> None:
        self.state, losses = self.scan(self.state, n_steps)
        losses.block_until_ready()

    def weights(self) -> np.ndarray:
        n, m = self.state[0].shape[-2:]
        return np.asarray(self.state[0]).reshape(-1, n, m)


def start(way: str, setting: Setting) -> Way:
    match way:
        case "seed":
            return Seed(setting)
        case "torch":
            return Engine(setting, "torch")
        case "jax":
            return Jax(setting)
        case _:
            return Engine(setting, "auto")


def fresh_loss(weights: np.ndarray, setting: Setting) -> float:
    """Mean loss of all models on rows that nobody trained on."""
    generator = np.random.default_rng(7)
    rows = max(4096, (1 << 21) // setting.n_features)
    x = generator.random((rows, setting.n_features), np.float32)
    x *= generator.random(x.shape, np.float32) < setting.density
    return float(np.mean([np.square(np.maximum(x @ w @ w.T, 0) - x).mean() for w in weights]))


def work(way: str, index: int) -> None:
    """A process of one way in one setting: answers each line it is sent with one of JSON."""
    setting = SETTINGS[index]
    training = start(way, setting)
    began = time.perf_counter()
    training.advance(1)
    first = time.perf_counter() - began
    steps, seconds = 1, 0.0
    while seconds < BLOCK / 2:
        steps = max(2 * steps, min(20 * steps, int(steps * BLOCK / max(seconds, 1e-6))))
        training.advance(steps)  # JAX compiles each length anew
        seconds = timed(training, steps)
    print(json.dumps({"first": first, "steps": steps}), flush=True)
    for line in sys.stdin:
        if line.strip() == "time":
            answer: dict[str, float] = {"us": 1e6 * timed(training, steps) / steps / training.models}
        else:
            again = start(way, setting)
            again.advance(setting.check_steps)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            answer = {"loss": fresh_loss(again.weights(), setting), "mb": peak}
        print(json.dumps(answer), flush=True)


def timed(training: Way, steps: int) -> float:
    began = time.perf_counter()
    training.advance(steps)
    return time.perf_counter() - began


class Worker:
    def __init__(self, way: str, index: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--work", way, str(index)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.hello = self.listen()

    def listen(self) -> dict[str, float]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a worker has ended before its time; its message is above")
        return json.loads(line)

    def ask(self, what: str) -> dict[str, float]:
        assert self.process.stdin
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return self.listen()

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def compare(index: int, ways: list[str], rounds: int, tell: Callable[[str], None]) -> None:
    setting = SETTINGS[index]
    name = "({}, {}, {}, {:g}, {})".format(*setting[:5])
    workers = {way: Worker(way, index) for way in ways}
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, worker in workers.items():
            times[way].append(worker.ask("time")["us"])
    ends = {way: worker.ask("check") for way, worker in workers.items()}
    for worker in workers.values():
        worker.end()
    middle = {way: statistics.median(times[way]) for way in ways}
    losses = {way: ends[way]["loss"] for way in ways}
    same = max(losses.values()) <= (1 + setting.tolerance) * min(losses.values())

    def against(way: str) -> str:
        return f"{middle[way] / middle['ours']:,.1f}×" if way in middle else "–"

    def us(way: str) -> str:
        return f"{middle[way]:,.2f}" if way in middle else "–"

    tell(
        f"| {name} | {us('seed')} | {us('torch')} | {us('jax')} | {us('ours')} | {against('seed')} "
        f"| {against('jax')} | {'yes' if same else 'NO'}: "
        + ", ".join(f"{losses[way]:.5f}" for way in ways)
        + " | "
        + ", ".join(f"{ends[way]['mb']:,.0f}" for way in ways)
        + " |"
    )


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    ways = [way for way in WAYS if way != "jax" or importlib.util.find_spec("jax")]
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; ", end="")
    print(f"load {os.getloadavg()[0]:.1f}; medians of {rounds} interleaved rounds; µs a step of one model\n")
    print("| (n, m, batch, p, instances) | seed | torch kernel | JAX scan | ours | to seed | to JAX ", end="")
    print(f"| same loss ({', '.join(ways)}) | peak MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for index in range(len(SETTINGS)):
        compare(index, ways, rounds, lambda line: print(line, flush=True))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], int(sys.argv[3]))
    else:
        main()
