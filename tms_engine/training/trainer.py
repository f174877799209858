"""Trainer: owns a run and takes its steps. `advance(n)` is the only thing that changes the arrays."""

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32

from tms_engine.errors import InputError
from tms_engine.experiment import LIVE_FIELDS, Experiment
from tms_engine.models.tied_relu import initial_parameters
from tms_engine.training import kernels
from tms_engine.training.history import History, WeightSnapshot
from tms_engine.training.state import Change, State, initial_state

# A rate is measured over at least this long, in seconds.
_RATE_WINDOW = 0.25


class Run(NamedTuple):
    """A run at one step, whole: what is saved, and all that is needed to go on."""

    experiment: Experiment  # as it was started
    changes: tuple[Change, ...]  # made since, in order
    state: State
    history: History
    kernel: kernels.Name = "torch"  # that trained it, and trains the same bits on

    @property
    def device(self) -> str:
        """Where to evaluate and draw it: on the CPU if that was asked for or trained it, else "auto"."""
        return "cpu" if self.kernel == "numba" or self.experiment.device == "cpu" else "auto"

    @property
    def current(self) -> Experiment:
        """The experiment with all changes made."""
        return self.experiment.replace(**{change.field: change.value for change in self.changes})


@dataclass(frozen=True)
class Snapshot:
    """What a screen shows of a run at one step. Its arrays are read-only copies."""

    step: int
    losses: Float32[np.ndarray, " instances"]  # mean batch loss over about the latest 100 steps
    weights: Float32[np.ndarray, "instances features hidden"]
    bias: Float32[np.ndarray, "instances features"] | None
    rate: float  # steps a second
    diverged: tuple[int, ...]  # instances that stopped because they were no longer finite

    @property
    def loss(self) -> float:
        """Mean over the instances that have not diverged; NaN if all have, or before the first step."""
        alive = np.delete(self.losses, list(self.diverged))
        return float(alive.mean()) if len(alive) else float("nan")


class Trainer:
    """Trains one experiment.

    Raises InputError if its device is not there or its memory too small, or its kernel cannot train it.
    """

    def __init__(self, experiment: Experiment) -> None:
        self._choice = kernels.choose(experiment)
        state = initial_state(initial_parameters(experiment))
        history = History(experiment.n_instances, experiment.steps, state.weights.nbytes)
        history.add_weights(WeightSnapshot(0, state.weights, state.bias))
        self._begin(Run(experiment, (), state, history))

    @classmethod
    def resume(cls, run: Run, device: str | None = None) -> "Trainer":
        """Go on from a run: on the same kernel and device, bit for bit as if it had never stopped.

        `device` takes the place of the experiment's, for a run that has moved to another machine; where its
        kernel does not serve there, another does. Raises InputError if none is given and it does not serve.
        """
        trainer = cls.__new__(cls)
        trainer._choice = kernels.choose_again(run.current, run.kernel, device)
        trainer._begin(run)
        return trainer

    def _begin(self, run: Run) -> None:
        self.experiment = run.experiment
        self.current = run.current
        self._changes = list(run.changes)
        self._history = run.history.copy()
        self._choice, self._kernel = kernels.start(self._choice, run.state, run.current)
        self.step = run.state.step
        self._rate = 0.0
        self._timed_steps, self._timed_seconds = 0, 0.0

    @property
    def device(self) -> str:
        return str(self._choice.device)

    @property
    def kernel(self) -> kernels.Name:
        return self._choice.kernel

    @property
    def reason(self) -> str:
        """One line: the kernel, and why it is this one."""
        return self._choice.reason

    @property
    def compiles(self) -> bool:
        """Whether the next step has to be compiled first, which may take seconds."""
        kernel = self._kernel
        return isinstance(kernel, kernels.CompiledKernel) and not kernel.compiled(self.current)

    def prepare(self) -> None:
        """Compile the kernel now; without this, the first `advance` does."""
        if isinstance(self._kernel, kernels.CompiledKernel):
            self._kernel.prepare(self.current)

    @property
    def finished(self) -> bool:
        return self.step >= self.current.steps

    def advance(self, n_steps: int) -> None:
        """Take `n_steps` steps, past the experiment's last one too if asked to."""
        began = time.perf_counter()
        end = self.step + n_steps
        while self.step < end:
            due = self._history.due(self.step)
            losses = self._kernel.advance(self.current, min(end, due) - self.step)
            self.step += len(losses)
            self._history.add_losses(losses)
            if self.step == due:
                state = self._kernel.state()
                self._history.add_weights(WeightSnapshot(due, state.weights, state.bias))
        self._measure(n_steps, time.perf_counter() - began)

    def _measure(self, n_steps: int, seconds: float) -> None:
        self._timed_steps += n_steps
        self._timed_seconds += seconds
        if self._timed_seconds >= _RATE_WINDOW or not self._rate:
            self._rate = self._timed_steps / max(self._timed_seconds, 1e-9)
        if self._timed_seconds >= _RATE_WINDOW:
            self._timed_steps, self._timed_seconds = 0, 0.0

    def change(self, **fields: Any) -> None:
        """Change sparsity, learning_rate, importance_decay or steps from this step on, and record it.

        Raises InputError for another field or an invalid value; then nothing has changed.
        """
        for name in fields:
            if name not in LIVE_FIELDS:
                raise InputError(
                    f"{name} cannot be changed while a run trains, only {', '.join(LIVE_FIELDS)}", name
                )
        current = self.current.replace(**fields)
        for name in fields:
            if getattr(current, name) != getattr(self.current, name):
                self._changes.append(Change(self.step, name, getattr(current, name)))
        self.current = current

    def snapshot(self) -> Snapshot:
        state = self._kernel.state()
        losses = self._history.recent_loss()
        for array in (losses, state.weights, state.bias):
            if array is not None:
                array.flags.writeable = False
        diverged = tuple(int(i) for i in np.flatnonzero(state.diverged_at >= 0))
        return Snapshot(state.step, losses, state.weights, state.bias, self._rate, diverged)

    def run(self) -> Run:
        """The run as it is now; it does not change when training goes on."""
        changes, history = tuple(self._changes), self._history.copy()
        return Run(self.experiment, changes, self._kernel.state(), history, self.kernel)
