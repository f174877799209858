"""Player: plays a run in bits of about 20 ms. It is all that the training thread does, without the thread.

No Textual here. torch and numba are imported by `load` and by what follows it, so in the thread.
"""

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from jaxtyping import Int64

from tms_engine import digits, process
from tms_engine.errors import InputError, out_of_memory, visible
from tms_engine.experiment import Experiment
from tms_engine.training.history import LossCurve
from tms_engine.training.state import DRIFT_EVERY, Snapshot, make_read_only
from tms_tui.census_taker import CensusTaker
from tms_tui.fresh_loss import FreshLoss
from tms_tui.pace import Pace, check_pace, next_pace
from tms_tui.view import Note, Phase, View

if TYPE_CHECKING:
    from tms_engine.runs import Beacon, Follower, RunLock, Status
    from tms_engine.training.run import Run
    from tms_engine.training.trainer import Trainer

Result = TypeVar("Result")

# Seconds that a chunk of training should take. Between two chunks commands are obeyed and a View is made.
_CHUNK = 0.02
# Least seconds between two copies of the run, with its loss curve.
_CURVE_EVERY = 1 / 15
# The share of the time that looking at the run may take, where one look takes longer than so many seconds.
_LOOKING_SHARE, _DEAR_LOOK = 0.2, 0.05
# Seconds between two looks at a run that another process trains.
_FOLLOW_EVERY = 1.0

_DOING = "tms-tui"

# The sparsest that `scale_density` goes.
_MAX_SPARSITY = 0.9999
_MIN_IMPORTANCE_DECAY = 0.1

# What the density is multiplied by, or divided, when the sparsity drifts; and how far up it drifts.
_DRIFT, _DRIFTS_TO = 2**0.125, 0.999


class Player:
    """A run that is played at a pace, or followed while another process trains it. For one thread."""

    def __init__(
        self, source: "Experiment | Run | Path", pace: float, paused: bool, clock: Callable[[], float]
    ) -> None:
        """`source` is an Experiment, a Run to go on with, or a run directory; `pace` is in steps a second.

        A directory whose run another process trains is followed. `take_over` may end that.
        """
        check_pace(pace)
        self._source: Experiment | Run | Path = source
        self._experiment = experiment_of(source)
        self._clock = clock
        self._library = ""
        self._pace = Pace(pace, clock())
        self._paused = paused
        self._to_end = False
        self._single_steps = 0  # steps asked for one by one, still to be taken
        self._note: Note | None = None
        # A run that another process trains, and its state; or one that was taken over: its directory is held,
        # and says to others how far it is.
        self._follower: Follower | None = None
        self._following: Status | None = None
        self._taken: tuple[RunLock, Beacon] | None = None
        # Whether a census of all instances is taken, and of which step; None: the newest.
        self._watching = False
        self._watched_step: int | None = None
        self._reset()

    def _reset(self) -> None:
        """Reset to the state before training."""
        self._trainer: Trainer | None = None
        self._compiling = False
        self._error = ""
        self._chunk = 1  # steps that take about _CHUNK seconds
        # The latest snapshot and copy of the run, and when the copy was made.
        self._snapshot: Snapshot | None = None
        self._run: Run | None = None
        self._curve: LossCurve | None = None
        self._kept_steps: tuple[int, ...] = ()
        self._diverged_at: Int64[np.ndarray, " instances"] = np.zeros(0, np.int64)
        self._copied_at = -math.inf
        self._observe_at = -math.inf  # while it trains, not before; by perf_counter
        self._unseen = False  # whether steps were taken since the latest snapshot
        self._read_only_until = -1  # the kept weights up to this step are
        self._fresh = FreshLoss(self._clock)
        self._census = CensusTaker(self._clock)
        self._looked_at: Snapshot | None = None  # at the step that is watched
        self._follow_at = -math.inf  # not before, again
        self._drift = 0  # 1: the sparsity drifts up; −1: down
        self._drifted_at = -1  # the step of its latest change

    def find_library(self) -> None:
        """Find out which library `load` will import, to say so on the screen."""
        from tms_engine.training.kernels import library

        self._library = library(self._experiment)

    def load(self) -> None:
        """Make the trainer. The first time, this imports what its kernel needs.

        Raises InputError for what cannot be run.
        """
        from tms_engine.runs import Follower, load_run, status_of
        from tms_engine.training.trainer import Trainer

        source = self._source
        if isinstance(source, Experiment):
            self._begin(Trainer(source))
        elif isinstance(source, Path):
            status = status_of(source)
            if status.is_running and not _is_ours(status):
                self._follower, self._following = Follower(source), status
            else:
                self._begin(Trainer.resume(load_run(source)))
        else:
            self._begin(Trainer.resume(source))

    def _begin(self, trainer: "Trainer") -> None:
        self._trainer = trainer
        if trainer.kernel in ("lanes", "numba"):
            process.leave_a_core()  # to the screen
        self._experiment = trainer.current
        self._compiling = trainer.compiles
        self._pace.begin(self._clock())

    def attempt(self, action: Callable[[], Result]) -> Result | None:
        """Do it. An exception ends the run, not the thread, and its sentence is shown."""
        try:
            return action()
        except Exception as error:
            self._trainer = None
            self._error = _sentence(error)
            return None

    # Commands.

    def obey(self, command: Callable[[], None]) -> None:
        """Carry a command out, unless the run is another process's: then leave a Note."""
        if self._follower is None:
            command()
        else:
            self._leave_note(error="this run is followed, read only")

    def take_over(self) -> None:
        """Hold the directory of a run that was followed, and train on from its last save. See View.note.

        A run that has taken all its steps gets as many again.
        """
        if self._follower is None or not isinstance(self._source, Path):
            return
        try:
            self.open(self._source, hold=True)
        except InputError as error:
            self._leave_note(error=str(error))
            return
        self._paused = False
        if self._trainer and self._trainer.finished:
            self.extend()

    def show(self, path: Path) -> None:
        """Go on with a run directory, or follow it if another process trains it.

        Raises InputError, and leaves everything as it is, if that is not possible.
        """
        from tms_engine.runs import Follower, status_of

        status = status_of(path)
        if not status.is_running or _is_ours(status):
            self.open(path, hold=False)
            self.resume()
            return
        follower = Follower(path)
        self._leave_for(path)
        self._experiment = experiment_of(path)
        self._follower, self._following = follower, status

    def open(self, path: Path, hold: bool) -> None:
        """Go on with a run directory; if it is to be held, nobody else trains it, and it is saved to.

        Raises InputError, and leaves everything as it is, if that is not possible.
        """
        from tms_engine import runs
        from tms_engine.training.trainer import Trainer

        lock = runs.hold(path, _DOING) if hold else None
        try:
            trainer = Trainer.resume(runs.load_run(path))
        except BaseException:
            if lock:
                lock.release()
            raise
        self._leave_for(path)
        self._begin(trainer)
        if lock:
            self._taken = (lock, runs.Beacon(lock, trainer.run().id, trainer.step, trainer.current.steps))

    def _leave_for(self, path: Path) -> None:
        """Leave the run that is played or followed, for that of a directory."""
        self.release()
        self._source = path
        self._follower = self._following = None
        self._to_end, self._single_steps = False, 0
        self._reset()

    def release(self) -> None:
        """Let others have a run directory that was taken over; to be called once the run is saved."""
        if self._taken is not None:
            lock, beacon = self._taken
            self._taken = None
            phase = self._phase()
            beacon.end(phase if phase in ("finished", "diverged") else "stopped")
            lock.release()

    def pause(self) -> None:
        self._paused, self._to_end, self._single_steps = True, False, 0

    def resume(self) -> None:
        self._paused, self._single_steps = False, 0
        self._pace.begin(self._clock())

    def step_once(self) -> None:
        """Pause, and take one step."""
        self._paused, self._to_end = True, False
        self._single_steps += 1

    def toggle_pause(self) -> None:
        """Pause if it trains or is about to, else resume."""
        if self._phase() in ("training", "compiling"):
            self.pause()
        else:
            self.resume()

    def set_pace(self, pace: float) -> None:
        """Steps a second; ends a run to the end."""
        self._to_end = False
        self._pace = Pace(pace, self._clock())

    def run_to_end(self) -> None:
        """Train at full speed to the last step."""
        self.resume()
        self._to_end = True

    def restart(self, experiment: Experiment | None = None) -> None:
        """Begin at step 0 with this experiment, or with the one in force."""
        self.release()
        self._source = self._experiment = experiment or self._experiment
        self._follower = self._following = None
        self._to_end, self._single_steps = False, 0
        self._reset()
        self.load()

    def change(self, **fields: Any) -> None:
        """Change fields from the next step on; without a trainer, for the next run."""
        if self._trainer:
            self._trainer.change(**fields)
            self._experiment = self._trainer.current
            self._copied_at = -math.inf
        else:
            self._experiment = self._experiment.replace(**fields)

    # Commands that are relative to the experiment or the pace in force. Several of them in a row add up,
    # however fast they come. Each that could be invalid leaves a Note.

    def change_pace(self, direction: int) -> None:
        """To the pace of the ladder above (1) or below (−1)."""
        self.set_pace(next_pace(self._pace.steps_per_second, direction))

    def reseed(self) -> None:
        """Begin at step 0 with the next random seed."""
        self.restart(self._experiment.replace(seed=(self._experiment.seed + 1) % 2**63))

    def extend(self, steps: int | None = None) -> None:
        """Make the run longer by so many steps (None: twice as long) and go on."""
        before = self._experiment.steps
        if self._try_change(steps=before + (before if steps is None else steps)):
            self.resume()

    def scale_density(self, factor: float) -> None:
        """Multiply p = 1 − S of every instance, within .0001 (what is lower already stays) and 1."""

        def scaled(sparsity: float) -> float:
            least = min(1 - sparsity, 1 - _MAX_SPARSITY)
            return float(digits.sparsity(1 - min(max((1 - sparsity) * factor, least), 1.0)))

        self._change_each("sparsity", scaled)

    def scale_learning_rate(self, factor: float) -> None:
        """Multiply the learning rate of every instance."""
        self._change_each("learning_rate", lambda rate: _rounded(rate * factor))

    def shift_importance(self, amount: float) -> None:
        """Add to the importance decay of every instance."""
        self._change_each(
            "importance_decay", lambda decay: _rounded(min(max(decay + amount, _MIN_IMPORTANCE_DECAY), 1.0))
        )

    def drift(self) -> None:
        """Let the sparsity drift up; asked again, down; and again, stay. See View.drift and View.note.

        Every DRIFT_EVERY steps the density is multiplied: live changes as any others, so that the run can be
        repeated.
        """
        if self._trainer is None:
            return
        self._drift = {0: 1, 1: -1, -1: 0}[self._drift]
        self._drifted_at = self._trainer.step
        if self._drift:
            if self._trainer.finished:
                self.change(steps=2 * self._experiment.steps)
            self.resume()
        self._leave_note("drift")

    def _drift_on(self, trainer: "Trainer") -> None:
        """Change the sparsity, where that is due."""
        if not self._drift or trainer.step % DRIFT_EVERY or trainer.step == self._drifted_at:
            return
        self._drifted_at = trainer.step
        before = self._experiment.sparsity
        factor = _DRIFT**-self._drift
        least, most = (1 - _DRIFTS_TO, 1.0) if self._drift > 0 else (0.0, 1.0)

        def drifted(sparsity: float) -> float:
            density = min(max((1 - sparsity) * factor, min(least, 1 - sparsity)), most)
            return float(digits.sparsity(1 - density))

        each = tuple(map(drifted, before if isinstance(before, tuple) else (before,)))
        after = each if isinstance(before, tuple) else each[0]
        if after == before:
            self._drift = 0
            self._leave_note("drift")
        else:
            self.change(sparsity=after)

    def _change_each(self, field: str, changed: Callable[[float], float]) -> None:
        """Change a field of every instance, each from its own value. Does nothing while loading."""
        if self._phase() == "loading":
            return
        value = getattr(self._experiment, field)
        each = tuple(map(changed, value if isinstance(value, tuple) else (value,)))
        finished = self._phase() == "finished"
        if self._try_change(**{field: each if isinstance(value, tuple) else each[0]}) and finished:
            # What is changed is to be seen: it trains on, as `extend` has it.
            self.change(steps=2 * self._experiment.steps)
            self.resume()
            if self._note is not None:
                self._note = self._note._replace(extends=True)

    def _try_change(self, **fields: Any) -> bool:
        """Change one field and leave a Note; an invalid value changes nothing else."""
        error = ""
        try:
            self.change(**fields)
        except InputError as refused:
            error = str(refused)
        (field,) = fields
        self._leave_note("" if error else field, error)
        return not error

    def _leave_note(self, field: str = "", error: str = "") -> None:
        self._note = Note(self._note.number + 1 if self._note else 1, field, error)

    def watch(self, on: bool, step: int | None) -> None:
        """Take a census of all instances from now on, or none; of a kept step, or of the newest (None)."""
        self._watching, self._watched_step = on, step

    # Training.

    def run(self) -> "Run | None":
        """The run as it is now; if it has failed, its last copy; None if there was none."""
        return self._trainer.run() if self._trainer else self._run

    def work(self) -> float:
        """Do about 20 ms of what is due. Returns the seconds until more is due; math.inf: not by itself."""
        trainer = self._trainer
        if self._follower is not None:
            return self._watch(self._follower)
        if not trainer:
            return math.inf
        if self._compiling:
            return self._compile(trainer)
        if not self._playing():
            snapshot = self._observe(trainer)
            more = self._fresh.work(snapshot, trainer.device, resting=True)
            return min(more, self._take_census(snapshot, resting=True))
        self._drift_on(trainer)
        due = self._due(trainer)
        if due:
            self._advance(trainer, due)
        if not self._playing():
            self._to_end = False
            self._observe(trainer)
            return 0.0
        self._unseen |= due > 0 or self._copied_at == -math.inf
        if self._unseen and time.perf_counter() >= self._observe_at:
            self._observe(trainer, _CURVE_EVERY)
        more = self._fresh.work(self._snapshot, trainer.device, resting=False) if self._snapshot else math.inf
        if self._snapshot:
            more = min(more, self._take_census(self._snapshot, resting=False))
        if self._at_full_speed():
            return 0.0
        if self._unseen:
            more = min(more, max(0.0, self._observe_at - time.perf_counter()))
        return min(more, self._pace.wait(self._clock()))

    def _compile(self, trainer: "Trainer") -> float:
        """At the first call, only make the initial weights visible; at the second, compile (seconds)."""
        if self._snapshot is None:
            self._observe(trainer)
        else:
            trainer.prepare()
            process.keep_what_was_compiled()
            self._compiling = False
            self._pace.begin(self._clock())
        return 0.0

    def _at_full_speed(self) -> bool:
        return self._to_end or self._single_steps > 0 or self._pace.steps_per_second == math.inf

    def _playing(self) -> bool:
        return self._phase() == "training" or (self._phase() == "paused" and self._single_steps > 0)

    def _due(self, trainer: "Trainer") -> int:
        """Steps to take now, at most one chunk and not past the last step."""
        due = self._single_steps or (self._chunk if self._at_full_speed() else self._pace.due(self._clock()))
        until_change = DRIFT_EVERY - trainer.step % DRIFT_EVERY if self._drift else due
        return min(due, self._chunk, trainer.current.steps - trainer.step, until_change)

    def _advance(self, trainer: "Trainer", steps: int) -> None:
        """Take steps, and adapt the size of a chunk to the time that they took."""
        began = time.perf_counter()
        trainer.advance(steps)
        seconds = max(time.perf_counter() - began, 1e-6)
        self._pace.take(steps)
        self._single_steps = max(0, self._single_steps - steps)
        if steps == self._chunk or seconds > _CHUNK:
            self._chunk = max(1, min(2 * self._chunk, int(steps * _CHUNK / seconds)))

    def _watch(self, follower: "Follower") -> float:
        """Look at the run of another process now and then; between, work out what it loses on fresh data."""
        now = self._clock()
        if now >= self._follow_at:
            self._follow_at = now + _FOLLOW_EVERY
            self._follow(follower)
        if self._snapshot is None:
            return _FOLLOW_EVERY
        # Without torch: the machine that trains it may be another.
        more = self._fresh.work(self._snapshot, "cpu", resting=True)
        return min(self._follow_at - now, more, self._take_census(self._snapshot, resting=True))

    def _take_census(self, newest: Snapshot, resting: bool) -> float:
        """Work out a piece of the census that is asked for. Returns the seconds until more is due."""
        if not self._watching:
            return math.inf
        step = self._watched_step
        if step is None or self._run is None:
            return self._census.work(newest, resting)
        if self._looked_at is None or self._looked_at.step != step:
            self._looked_at = self._run.at(step)
            self._watched_step = self._looked_at.step
        return self._census.work(self._looked_at, resting=True)

    def _follow(self, follower: "Follower") -> None:
        """See how far the other process is; take in what it has saved since."""
        try:
            followed = follower.poll()
        except InputError as error:  # the directory is gone, or not to be read just now
            if self._snapshot is None or self._following is None:
                raise
            self._following = self._following._replace(trouble=str(error))
            return
        self._following = followed.status
        if followed.run is None:
            return
        run = followed.run
        self._experiment = run.current
        self._read_only_until = -1
        self._take(run)
        self._snapshot = run.at()
        make_read_only(self._snapshot.losses, *self._snapshot.parameters.values())

    def _observe(self, trainer: "Trainer", copy_every: float = 0.0) -> Snapshot:
        """Take a snapshot; also copy the whole run if the last copy is at least `copy_every` seconds old."""
        now, began = self._clock(), time.thread_time()
        if now - self._copied_at < copy_every:
            self._snapshot = trainer.snapshot()
        else:
            self._copied_at = now
            self._snapshot, run = trainer.snapshot_and_run()
            self._take(run)
        if self._taken is not None:
            self._taken[1].show(trainer.step, trainer.current.steps, self._snapshot.loss, trainer.rate)
        seconds = time.thread_time() - began  # what it costs, not what a busy machine makes of it
        dear = seconds > _DEAR_LOOK
        self._observe_at = time.perf_counter() + seconds / _LOOKING_SHARE if dear else -math.inf
        self._unseen = False
        return self._snapshot

    def _take(self, run: "Run") -> None:
        """Keep a copy of the run, and what is shown of it."""
        self._run = run
        self._curve = run.history.loss_curve()
        self._kept_steps = tuple(kept.step for kept in run.history.kept)
        self._diverged_at = run.state.diverged_at
        make_read_only(*self._curve, self._diverged_at)
        for kept in reversed(run.history.kept):
            if kept.step <= self._read_only_until:
                break
            make_read_only(*kept.parameters.values())
        self._read_only_until = run.state.step

    # What is shown.

    def view(self) -> View:
        trainer, snapshot, run, status = self._trainer, self._snapshot, self._run, self._following
        return View(
            phase=self._phase(),
            error=self._error,
            experiment=self._experiment,
            step=snapshot.step if snapshot else 0,
            steps=self._experiment.steps,
            snapshot=snapshot,
            run=run,
            curve=self._curve,
            changes=run.changes if run else (),
            diverged_at=self._diverged_at,
            evaluation=self._fresh.evaluation,
            comparison=self._fresh.comparison,
            evaluation_step=self._fresh.step,
            pace=self._pace.steps_per_second,
            to_end=self._to_end or status is not None,
            library=self._library,
            kernel=trainer.kernel if trainer else run.kernel if status and run else "",
            reason=trainer.reason if trainer else "",
            device=trainer.device if trainer else "",
            rate=trainer.rate if trainer else status.rate if status else 0.0,
            kept_steps=self._kept_steps,
            drift=self._drift,
            note=self._note,
            following=status,
            census=self._census.census,
            place=str(self._taken[0].path) if self._taken else "",
        )

    def _phase(self) -> Phase:
        trainer, snapshot = self._trainer, self._snapshot
        if self._error:
            return "failed"
        if self._following is not None:
            return _phase_of(self._following) if snapshot else "loading"
        if not trainer:
            return "loading"
        if self._compiling:
            return "compiling"
        if snapshot and len(snapshot.diverged) == trainer.experiment.n_instances:
            return "diverged"
        if trainer.finished:
            return "finished"
        return "paused" if self._paused else "training"


def _is_ours(status: "Status") -> bool:
    return (
        status.holder is not None and status.holder.pid == os.getpid() and status.holder.host == gethostname()
    )


def _phase_of(status: "Status") -> Phase:
    if status.is_running:
        return "following"
    return status.state if status.state in ("finished", "diverged") else "ended"


def _rounded(value: float) -> float:
    """To four digits, as it is shown."""
    return float(f"{value:.4g}")


def experiment_of(source: "Experiment | Run | Path") -> Experiment:
    """The experiment of a source, as far as it is known before torch is imported."""
    if isinstance(source, Experiment):
        return source
    if isinstance(source, Path):
        try:
            return Experiment.from_file(source / "experiment.json")
        except InputError:  # load_run will say it, in the thread
            return Experiment()
    return source.current


def _sentence(error: Exception) -> str:
    """The error in one line."""
    if isinstance(error, InputError):
        return str(error)
    return out_of_memory(error) or visible(" ".join(f"{type(error).__name__}: {error}".split()))
