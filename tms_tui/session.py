"""The training thread, and what a screen shows of it. No Textual in here, and torch only in the thread.

`Session` is what the app holds. Its commands are queued for the thread and return at once, and `view`
gives the newest `View`, which the thread puts in place by one assignment: nobody waits for training.
`Film` is all that the thread does, as a plain object that works in bits of about 20 ms, so that it can be
tested without a thread. `Pace` says from a clock how many steps are due.
"""

import math
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from jaxtyping import Int64, Shaped

from tms_engine import process
from tms_engine.errors import InputError
from tms_engine.experiment import LIVE_FIELDS, Experiment
from tms_engine.training.history import Kept, LossCurve
from tms_engine.training.state import Change

if TYPE_CHECKING:
    from tms_engine.analysis.evaluation import Evaluation
    from tms_engine.training.run import Run
    from tms_engine.training.state import Snapshot
    from tms_engine.training.trainer import Trainer

Result = TypeVar("Result")
Phase = Literal["loading", "compiling", "paused", "training", "finished", "diverged", "failed"]

# Seconds that the process waits for the thread when it ends without having been able to stop it.
_LAST_WAIT = 30.0
# Seconds of training after which commands are heard and a new view is there.
_CHUNK = 0.02
# Steps are handed out so many times a second, at most so many seconds' worth at once; a machine too slow
# for its pace owes no more than _DEBT seconds of it.
_TICKS = 60.0
_HANDOUT = 1 / 30
_DEBT = 0.25
# Seconds between two copies of the loss curve and of the list of kept weights.
_CURVE_EVERY = 1 / 15
# The loss on fresh data while training: seconds between two evaluations, the share of the time they may
# take together, the seconds one may take (nothing else is heard meanwhile), and its rows.
_EVALUATE_EVERY = 1.0
_EVALUATION_SHARE = 0.1
_EVALUATION_SECONDS = 0.03
_FIRST_ROWS, _ROWS = 1 << 10, 1 << 15
# And when idle: the seconds to wait for another step, the seconds it may take, and its rows, as in evaluate.
_QUIET = 0.25
_IDLE_EVALUATION_SECONDS = 0.15
_IDLE_ROWS = 1 << 17


@dataclass(frozen=True)
class View:
    """A session at one moment. Arrays are read-only, and views share them."""

    phase: Phase  # diverged: every instance has; failed: see `error`
    error: str  # one sentence, or ""
    experiment: Experiment  # in force: as started, with the changes made since
    step: int
    steps: int
    snapshot: "Snapshot | None"  # None while loading
    curve: LossCurve | None
    changes: tuple[Change, ...]
    diverged_at: tuple[int, ...]  # step, an instance each; −1 while it has not
    evaluation: "Evaluation | None"  # loss on fresh data, as of `evaluation_step`
    evaluation_step: int
    pace: float  # steps a second; math.inf is as fast as it goes
    to_end: bool  # goes at full speed to the last step, whatever the pace
    library: str  # torch or numba, whichever is loaded first; "" until that is known
    kernel: str  # "" while loading, as the device
    reason: str  # the kernel, and why it is this one, in a line
    device: str
    rate: float  # steps a second, as the kernel takes them
    kept: tuple[Kept, ...]  # parameters over time, for scrubbing
    snapshot_steps: Int64[np.ndarray, " kept"]  # the steps of `kept`, ascending


class Session:
    """An experiment that trains at a pace in a thread of its own.

    `source` is an Experiment, a Run to go on with, or the Path of a run directory, which the thread
    loads. What is wrong with it shows in the View (phase "failed"), and `restart` may begin another.
    Commands may come from any thread; they take effect within 50 ms, or one step where that takes longer.
    """

    def __init__(
        self,
        source: "Experiment | Run | Path",
        pace: float,
        paused: bool = False,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        """`clock` and `sleep` (seconds) keep the pace: tests bring their own."""
        self._film = Film(source, pace, paused, clock)
        self._view = self._film.view()
        self._asked = self._view.experiment  # the latest asked for: what is valid depends on its n_instances
        self._lock = threading.Lock()  # the thread meets commands in the order in which they were checked
        self._commands: deque[Callable[[], None]] = deque()
        self._woken = threading.Event()
        self._sleep = sleep or self._woken.wait
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="training", daemon=True)
        self._last_wait: weakref.finalize[..., threading.Thread] | None = None

    def start(self) -> None:
        # At exit Python ends a daemon thread wherever it is; within torch that aborts the process: so wait
        # for it. Not by atexit: finalizers that torch makes if it is still loading then would not be called.
        self._last_wait = weakref.finalize(self._thread, self.stop, _LAST_WAIT)
        self._thread.start()

    def view(self) -> View:
        return self._view

    def at(self, step: int) -> "Snapshot | None":
        """The run at the step nearest to this one whose parameters are kept; None while loading."""
        run = self._film.seen
        return run.at(step) if run else None

    def pause(self) -> None:
        self._tell(self._film.pause)

    def go_on(self) -> None:
        self._tell(self._film.go_on)

    def step_once(self) -> None:
        """Pause, and take one step."""
        self._tell(self._film.step_once)

    def set_pace(self, pace: float) -> None:
        """Steps a second, above 0; math.inf is as fast as it goes."""
        _check_pace(pace)
        self._tell(lambda: self._film.set_pace(pace))

    def run_to_end(self) -> None:
        """Go at full speed to the last step; then, or when paused or given a pace, at a pace again."""
        self._tell(self._film.run_to_end)

    def restart(self, experiment: Experiment | None = None) -> None:
        """Begin at step 0 with another experiment, or with the one in force. Paused stays paused."""
        with self._lock:
            self._asked = experiment or self._asked
            self._tell(lambda: self._film.restart(experiment))

    def extend(self, steps: int) -> None:
        """Make the run `steps` longer and go on. Raises InputError for fewer than one."""
        self._asked.replace(steps=steps)
        self._tell(lambda: self._film.extend(steps))

    def change(self, **fields: Any) -> None:
        """Change fields from the next step on, as Trainer.change, and raise InputError at once as it does."""
        for name in fields:
            if name not in LIVE_FIELDS:
                raise InputError(
                    f"{name} cannot be changed while a run trains, only {', '.join(LIVE_FIELDS)}", name
                )
        with self._lock:
            self._asked.replace(**fields)
            self._tell(lambda: self._film.change(**fields))

    def run(self, timeout: float = 1.0) -> "Run | None":
        """The whole run as it is now, or was when it stopped; None if there is none, as while loading.

        Waits for the thread to finish its chunk, `timeout` seconds at most.
        """
        if self._view.phase == "loading":
            return None
        if self._thread.is_alive():
            answer: SimpleQueue[Run | None] = SimpleQueue()
            self._tell(lambda: answer.put(self._film.run()))
            try:
                return answer.get(timeout=timeout)
            except Empty:
                if self._thread.is_alive():
                    return None
        return self._film.run()

    def stop(self, timeout: float = 0.4) -> bool:
        """Ask the thread to end; True if it has. It cannot hear while it loads or compiles."""
        self._stopping = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        if self._thread.is_alive():
            return False
        if self._last_wait:
            self._last_wait.detach()
        return True

    def _tell(self, command: Callable[[], None]) -> None:
        self._commands.append(command)
        self._woken.set()

    def _work(self) -> None:
        """The thread."""
        film = self._film
        film.attempt(film.look_for_library)
        self._view = film.view()
        film.attempt(film.load)
        process.keep_what_is_loaded()
        while not self._stopping:
            self._woken.clear()
            while self._commands:
                film.attempt(self._commands.popleft())
            seconds = film.attempt(film.work)
            self._view = film.view()
            if seconds == math.inf:
                self._woken.wait()
            elif seconds:
                self._sleep(seconds)


class Film:
    """A run that is played: all that the training thread does. One thread at a time may use it."""

    def __init__(
        self, source: "Experiment | Run | Path", pace: float, paused: bool, clock: Callable[[], float]
    ) -> None:
        _check_pace(pace)
        self._source: Experiment | Run | Path = source
        self._experiment = _experiment_of(source)
        self._clock = clock
        self._library = ""
        self._pace = Pace(pace, clock())
        self._paused = paused
        self._to_end = False
        self._singles = 0  # steps asked for one by one, still to be taken
        self._forget()

    def _forget(self) -> None:
        """As before any run."""
        self._trainer: Trainer | None = None
        self._compiling = False
        self._error = ""
        self._chunk = 1  # steps that take about _CHUNK seconds
        # What there is to see of the trainer, and when the whole of it was last looked at.
        self._snapshot: Snapshot | None = None
        self._run: Run | None = None
        self._curve: LossCurve | None = None
        self._kept: tuple[Kept, ...] = ()
        self._kept_steps = np.zeros(0, np.int64)
        _make_read_only(self._kept_steps)
        self._looked_at = -math.inf
        # The loss on fresh data, as of a step and the experiment then in force; what has come to rest; when
        # the next evaluation may be, and what it costs.
        self._evaluation: Evaluation | None = None
        self._evaluated: tuple[int, Experiment] | None = None
        self._resting: tuple[int, Experiment] | None = None
        self._evaluate_at = -math.inf
        self._rows_a_second = 0.0

    def look_for_library(self) -> None:
        """Find out what `load` will load."""
        from tms_engine.training.kernels import library

        self._library = library(self._experiment)

    def load(self) -> None:
        """Make the trainer; the first time, this loads what its kernel needs.

        Raises InputError for what cannot be run.
        """
        from tms_engine.runs import load_run
        from tms_engine.training.trainer import Trainer

        if isinstance(self._source, Experiment):
            self._trainer = Trainer(self._source)
        else:
            run = load_run(self._source) if isinstance(self._source, Path) else self._source
            self._trainer = Trainer.resume(run)
        if self._trainer.kernel == "numba":
            process.leave_a_core()  # to the screen
        self._experiment = self._trainer.current
        self._compiling = self._trainer.compiles
        self._pace.begin(self._clock())

    def attempt(self, action: Callable[[], Result]) -> Result | None:
        """Do it; what goes wrong ends the run, not the thread, and is there to be read."""
        try:
            return action()
        except Exception as error:
            self._trainer = None
            self._error = _sentence(error)
            return None

    # What can be asked for.

    def pause(self) -> None:
        self._paused, self._to_end, self._singles = True, False, 0

    def go_on(self) -> None:
        self._paused, self._singles = False, 0
        self._pace.begin(self._clock())

    def step_once(self) -> None:
        self._paused, self._to_end = True, False
        self._singles += 1

    def set_pace(self, pace: float) -> None:
        self._to_end = False
        self._pace = Pace(pace, self._clock())

    def run_to_end(self) -> None:
        self.go_on()
        self._to_end = True

    def restart(self, experiment: Experiment | None = None) -> None:
        self._source = self._experiment = experiment or self._experiment
        self._to_end, self._singles = False, 0
        self._forget()
        self.load()

    def extend(self, steps: int) -> None:
        self.change(steps=self._experiment.steps + steps)
        self.go_on()

    def change(self, **fields: Any) -> None:
        """From the next step on; where no run is left, for the one to come."""
        if self._trainer:
            self._trainer.change(**fields)
            self._experiment = self._trainer.current
            self._looked_at = -math.inf
        else:
            self._experiment = self._experiment.replace(**fields)

    @property
    def seen(self) -> "Run | None":
        """The run as it was seen last; it does not change."""
        return self._run

    def run(self) -> "Run | None":
        """The run as it is now, or as it was seen last where it has failed."""
        return self._trainer.run() if self._trainer else self._run

    # What is done about it.

    def work(self) -> float:
        """Some 20 ms of what is due. Returns the seconds for which nothing more is; math.inf for ever."""
        trainer = self._trainer
        if not trainer:
            return math.inf
        if self._compiling:
            return self._compile(trainer)
        if not self._playing():
            self._look(trainer)
            return self._evaluate_idle(trainer)
        due = self._due(trainer)
        if due:
            self._advance(trainer, due)
        if not self._playing():
            self._to_end = False
            self._look(trainer)
            return 0.0
        if due or self._looked_at == -math.inf:
            self._look(trainer, _CURVE_EVERY)
        if self._clock() >= self._evaluate_at:
            self._evaluate(trainer, min(_ROWS, self._affordable(_EVALUATION_SECONDS)))
        return 0.0 if self._at_full_speed() else self._pace.wait(self._clock())

    def _compile(self, trainer: "Trainer") -> float:
        """Show the weights at once, and compile at the second call: it may take seconds."""
        if self._snapshot is None:
            self._look(trainer)
        else:
            trainer.prepare()
            process.keep_what_was_compiled()
            self._compiling = False
            self._pace.begin(self._clock())
        return 0.0

    def _at_full_speed(self) -> bool:
        return self._to_end or self._singles > 0 or self._pace.pace == math.inf

    def _playing(self) -> bool:
        return self._phase() == "training" or (self._phase() == "paused" and self._singles > 0)

    def _due(self, trainer: "Trainer") -> int:
        due = self._singles or (self._chunk if self._at_full_speed() else self._pace.due(self._clock()))
        return min(due, self._chunk, trainer.current.steps - trainer.step)

    def _advance(self, trainer: "Trainer", steps: int) -> None:
        began = time.perf_counter()
        trainer.advance(steps)
        seconds = max(time.perf_counter() - began, 1e-6)
        self._pace.take(steps)
        self._singles = max(0, self._singles - steps)
        if steps == self._chunk or seconds > _CHUNK:
            self._chunk = max(1, min(2 * self._chunk, int(steps * _CHUNK / seconds)))

    def _look(self, trainer: "Trainer", curve_every: float = 0.0) -> None:
        """See what the trainer has become; the whole of it if not done for so many seconds."""
        self._snapshot = trainer.snapshot()
        now = self._clock()
        if now - self._looked_at < curve_every:
            return
        self._looked_at = now
        self._run = trainer.run()
        self._curve = self._run.history.loss_curve()
        self._kept = tuple(self._run.history.kept)
        self._kept_steps = np.array([kept.step for kept in self._kept], np.int64)
        _make_read_only(*self._curve, self._kept_steps)
        for kept in self._kept:
            _make_read_only(*kept.parameters.values())

    def _evaluate_idle(self, trainer: "Trainer") -> float:
        """Evaluate what has come to rest, with more rows if they can be had; returns the seconds to wait."""
        resting, now = (trainer.step, trainer.current), self._clock()
        if resting != self._resting:
            self._resting, self._evaluate_at = resting, now + _QUIET
        rows = self._affordable(_IDLE_EVALUATION_SECONDS)
        if self._evaluation and self._evaluated == resting and self._evaluation.rows >= 0.75 * rows:
            return math.inf
        if now < self._evaluate_at:
            return self._evaluate_at - now
        self._evaluate(trainer, rows)
        self._evaluate_at = now  # if the guess at what is affordable was too low, again at once
        return 0.0

    def _affordable(self, seconds: float) -> int:
        """Rows that can be evaluated in so many seconds, as far as is known."""
        return min(_IDLE_ROWS, max(_FIRST_ROWS, int(self._rows_a_second * seconds)))

    def _evaluate(self, trainer: "Trainer", rows: int) -> None:
        from tms_engine.analysis.evaluation import evaluate

        began = time.perf_counter()
        self._evaluation = evaluate(trainer.run(), rows, trainer.device)
        seconds = max(time.perf_counter() - began, 1e-6)
        _make_read_only(self._evaluation.loss, self._evaluation.standard_error)
        self._evaluated = (trainer.step, trainer.current)
        self._rows_a_second = rows / seconds
        self._evaluate_at = self._clock() + max(_EVALUATE_EVERY, seconds / _EVALUATION_SHARE)

    # What there is to see.

    def view(self) -> View:
        trainer, snapshot, run = self._trainer, self._snapshot, self._run
        return View(
            phase=self._phase(),
            error=self._error,
            experiment=self._experiment,
            step=snapshot.step if snapshot else 0,
            steps=self._experiment.steps,
            snapshot=snapshot,
            curve=self._curve,
            changes=run.changes if run else (),
            diverged_at=tuple(run.state.diverged_at.tolist()) if run else (),
            evaluation=self._evaluation,
            evaluation_step=self._evaluated[0] if self._evaluated else -1,
            pace=self._pace.pace,
            to_end=self._to_end,
            library=self._library,
            kernel=trainer.kernel if trainer else "",
            reason=trainer.reason if trainer else "",
            device=trainer.device if trainer else "",
            rate=trainer.rate if trainer else 0.0,
            kept=self._kept,
            snapshot_steps=self._kept_steps,
        )

    def _phase(self) -> Phase:
        trainer, snapshot = self._trainer, self._snapshot
        if self._error:
            return "failed"
        if not trainer:
            return "loading"
        if self._compiling:
            return "compiling"
        if snapshot and len(snapshot.diverged) == trainer.experiment.n_instances:
            return "diverged"
        if trainer.finished:
            return "finished"
        return "paused" if self._paused else "training"


class Pace:
    """From a clock to the steps that are due, the first one at once."""

    def __init__(self, pace: float, now: float) -> None:
        """`pace` is in steps a second; at math.inf nobody asks."""
        self.pace = pace
        self.begin(now)

    def begin(self, now: float) -> None:
        self._origin, self._taken = now, 0
        self._tick = now

    def due(self, now: float) -> int:
        """Steps to take now: those that the film is behind, in pieces small enough to look smooth."""
        # A hair early rather than never: the clock may stop a rounding short of the moment waited for.
        behind = math.floor((now - self._origin) * self.pace + 1e-6) + 1 - self._taken
        most = max(1, int(self.pace * _DEBT))
        if behind > most:
            self._origin, self._taken, behind = now - (most - 1) / self.pace, 0, most
        self._tick = now
        return min(behind, max(1, int(self.pace * _HANDOUT)))

    def take(self, steps: int) -> None:
        self._taken += steps

    def wait(self, now: float) -> float:
        """Seconds until the next steps are due: a whole one at least, and a tick after the last."""
        return max(0.0, self._origin + self._taken / self.pace - now, self._tick + 1 / _TICKS - now)


def _check_pace(pace: float) -> None:
    if not pace > 0:
        raise InputError(f"pace should be above 0 steps a second, not {pace}")


def _experiment_of(source: "Experiment | Run | Path") -> Experiment:
    """What is known of the experiment before torch is loaded."""
    if isinstance(source, Experiment):
        return source
    if isinstance(source, Path):
        try:
            return Experiment.from_file(source / "experiment.json")
        except InputError:  # load_run will say it, in the thread
            return Experiment()
    return source.current


def _sentence(error: Exception) -> str:
    """What went wrong, in one line."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "memory" in str(error)):
        return "not enough memory for this experiment: make it smaller"
    return " ".join(f"{type(error).__name__}: {error}".split())


def _make_read_only(*arrays: Shaped[np.ndarray, "..."]) -> None:
    for array in arrays:
        array.flags.writeable = False
