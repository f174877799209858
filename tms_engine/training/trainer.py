"""Trainer: owns a run and takes its steps. `advance(n)` is the only thing that changes the arrays."""

import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from tms_engine.experiment import Experiment, check_live
from tms_engine.training import kernels
from tms_engine.training.history import History, Kept
from tms_engine.training.run import KernelName, Run, bytes_of, new_id, planned_changes
from tms_engine.training.state import Change, Snapshot, State, initial_state, is_gentle, make_read_only

# A rate is measured over at least so many seconds: over few at first, for a run may end before there are
# more.
_FIRST_WINDOW, _RATE_WINDOW = 0.01, 0.25


class Trainer:
    """Trains the instances of one experiment, step by step. A step is one update by the optimiser.

    id          the run's identity, `Run.id`
    experiment  as the run was started
    current     the experiment in force now: with all live changes
    step        steps taken so far

    `advance` takes steps, `change` makes a live change, `snapshot` gives weights and losses, `run` what
    `save_run` writes. For a whole run at once see `tms_engine.train`.

    `planned` changes, each (step, field, value), are made as live ones when their step is reached.

    Raises InputError if the device is not there or its memory too small, if the kernel that the experiment
    names cannot train it, or if a planned change cannot be made.
    """

    def __init__(self, experiment: Experiment, planned: Iterable[tuple[int, str, Any]] = ()) -> None:
        changes = planned_changes(experiment, planned)
        self._choice = kernels.choose(experiment)
        state = initial_state(experiment)
        history = History(experiment.n_instances, experiment.keep, bytes_of(state.parameters))
        history.add_kept(Kept(0, state.parameters))
        self._begin(Run(experiment, (), state, history, id=new_id(), planned=changes))

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
        self.id = run.id or new_id()
        self.experiment = run.experiment
        self.current = run.current
        self._changes = list(run.changes)
        self._history = run.history.copy()
        self._choice, self._kernel = kernels.start(self._choice, run.state, run.current)
        self.step = run.state.step
        self._rate = 0.0
        self._timed_steps, self._timed_seconds, self._window = 0, 0.0, _FIRST_WINDOW
        self._planned = list(run.planned)
        self._make_due()

    @property
    def device(self) -> str:
        """Where it trains: "cpu", "cuda:0", "mps"."""
        return str(self._choice.device)

    @property
    def kernel(self) -> KernelName:
        """Name of the kernel that trains: "torch", "numba" or "triton"."""
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
        """Whether the experiment's `steps` are taken."""
        return self.step >= self.current.steps

    def advance(self, n_steps: int) -> None:
        """Take `n_steps` steps, past the experiment's last one too if asked to.

        An instance whose loss is no longer finite has diverged: it stops at its last finite parameters, and
        the others go on.
        """
        if self.compiles:
            self.prepare()
        began = time.perf_counter()
        end = self.step + n_steps
        while self.step < end:
            due = self._history.due(self.step)
            planned = self._planned[0].step if self._planned else end
            losses = self._kernel.advance(self.current, min(end, due, planned) - self.step)
            self.step += len(losses)
            self._history.add_losses(losses)
            if self.step == due:
                self._keep()
            self._make_due()
        self._measure(n_steps, time.perf_counter() - began)

    def _make_due(self) -> None:
        """Make the changes that are planned for this step."""
        while self._planned and self._planned[0].step <= self.step:
            change = self._planned.pop(0)
            self.change(**{change.field: change.value})

    def _keep(self) -> None:
        self._history.add_kept(Kept(self.step, self._kernel.state().parameters))

    def _measure(self, n_steps: int, seconds: float) -> None:
        self._timed_steps += n_steps
        self._timed_seconds += seconds
        ended = self._timed_seconds >= self._window
        if ended or not self._rate:
            self._rate = self._timed_steps / max(self._timed_seconds, 1e-9)
        if ended:
            self._timed_steps, self._timed_seconds = 0, 0.0
            self._window = min(2 * self._window, _RATE_WINDOW)

    def change(self, **fields: Any) -> None:
        """Change one of `LIVE_FIELDS` (sparsity, learning_rate, …) from this step on, and record it.

        Values are those that `Experiment` takes. Raises InputError for another field or an invalid value;
        then nothing has changed.
        """
        check_live(fields)
        current = self.current.replace(**fields)
        made = [
            Change(self.step, name, getattr(current, name))
            for name in fields
            if getattr(current, name) != getattr(self.current, name)
        ]
        sudden = [change for change in made if change.field not in ("steps", "sparsity")]
        if not is_gentle(self.current.sparsity, current.sparsity) or sudden:
            self._history.begin_again(self.step)
        self._changes += made
        self.current = current
        if any(change.field != "steps" for change in made):
            self._keep()

    @property
    def all_diverged(self) -> bool:
        """Whether every instance has diverged, so that more steps change nothing."""
        return self._kernel.n_diverged() == self.experiment.n_instances

    @property
    def rate(self) -> float:
        """Steps a second in `advance`, over the latest quarter of a second or so of that, less where it has
        not yet trained for as long; 0 before the first.
        """
        return self._rate

    def snapshot(self) -> Snapshot:
        """The weights and losses at this step, each with an instance axis in front.

        Its arrays are copies in the host's memory, and read-only.
        """
        return self._snapshot(self._kernel.state())

    def run(self) -> Run:
        """The run as it is now, with its history, to save, draw or evaluate; later steps do not change it."""
        return self._run(self._kernel.state())

    def snapshot_and_run(self) -> tuple[Snapshot, Run]:
        """Both, which share one copy of the parameters."""
        state = self._kernel.state()
        return self._snapshot(state), self._run(state)

    def _snapshot(self, state: State) -> Snapshot:
        losses = self._history.recent_loss()
        make_read_only(losses, *state.parameters.values())
        diverged = tuple(np.flatnonzero(state.diverged_at >= 0).tolist())
        return Snapshot(state.step, self.current, state.parameters, losses, diverged)

    def _run(self, state: State) -> Run:
        return Run(
            self.experiment,
            tuple(self._changes),
            state,
            self._history.copy(),
            self.kernel,
            self.id,
            tuple(self._planned),
        )
