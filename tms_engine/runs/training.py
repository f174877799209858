"""Training into a run directory: the steps, and the saves and the heartbeat meanwhile."""

import math
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tms_engine.analysis.evaluation import summarize
from tms_engine.errors import InputError
from tms_engine.experiment import Experiment
from tms_engine.runs.beacon import Beacon, Word
from tms_engine.runs.lock import RunLock, claim, hold
from tms_engine.runs.save import save_run, save_somewhere, save_summary
from tms_engine.training.run import Run
from tms_engine.training.trainer import Trainer

# Seconds of training that a kill -9 can cost, unless saving takes long: of the time, it takes a quarter at
# most, and then the user is told. A run that is saved fast is saved more often, for those who follow it.
SAVE_EVERY = 10.0
_SAVE_EVERY_AT_LEAST = 2.0
_SAVES_COST, _FAST_SAVES_COST = 1 / 4, 1 / 50
# Seconds between two sentences about saves that fail, between two calls of `on_progress`, and between two
# looks at the loss for the heartbeat; looking takes a thirtieth of the time at most.
_COMPLAIN_EVERY = 600.0
_PROGRESS_EVERY = 0.1
_LOOK_EVERY, _LOOKS_COST = 1.0, 1 / 30


def train(
    experiment: Experiment,
    out: str | Path | None = None,
    *,
    planned: Iterable[tuple[int, str, Any]] = (),
    callback: Callable[[Trainer], object] | None = None,
    every: int = 1000,
    on_progress: Callable[[Trainer], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Run:
    """Train an experiment to its last step, and save it to `out` if that is given.

    planned      live changes to come, each (step, field, value); `run.changes` of another run repeats that
    callback     called with the Trainer before the first step and then after each `every` steps; where it
                 returns True, training stops early (its `snapshot()` has the losses and the parameters)
    on_progress  called with the Trainer about ten times a second
    should_stop  asked about ten times a second, and training stops where it says True; then the summary has
                 no losses on fresh data, which take time

    `out` is held meanwhile: no other process writes to it. A save that fails, as on a full disk, is tried
    again and does not end the training; a warning says so. If the last one fails too, the run is saved
    elsewhere, as `save_somewhere` does, and a warning says where.

    Raises InputError if the experiment cannot run here, if a planned change cannot be made, or if `out` is
    not a new or empty directory that can be written.
    """
    trainer = Trainer(experiment, planned)
    if out is None:
        return train_on(
            trainer, callback=callback, every=every, on_progress=on_progress, should_stop=should_stop
        )
    with start(trainer, out) as lock:
        return train_on(
            trainer, lock, callback=callback, every=every, on_progress=on_progress, should_stop=should_stop
        )


def start(trainer: Trainer, out: str | Path | RunLock, doing: str = "a script") -> RunLock:
    """Save a trainer's run in a new or empty directory, which is held from now on.

    Raises InputError as `train` does; then no directory is left that was not there.
    """
    otherwise = "" if isinstance(out, RunLock) else f", or `tms resume {out}` to go on"
    lock = out if isinstance(out, RunLock) else claim(out, doing, otherwise)
    try:
        save_run(trainer.run(), lock.directory, evaluated=False)
    except BaseException:
        lock.abandon()
        raise
    return lock


def train_on(
    trainer: Trainer,
    out: str | Path | RunLock | None = None,
    *,
    callback: Callable[[Trainer], object] | None = None,
    every: int = 1000,
    on_progress: Callable[[Trainer], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Run:
    """Like `train`, for a trainer that has begun; `out` is its own run's directory, or a lock of that."""
    if out is None:
        take_steps(trainer, None, callback, every, on_progress, should_stop)
        return trainer.run()
    lock = out if isinstance(out, RunLock) else hold(out)
    keeper = Keeper(lock, trainer, _warn)
    try:
        take_steps(trainer, keeper, callback, every, on_progress, should_stop)
        run = trainer.run()
        place = keeper.save_last(run)
        if not (should_stop and should_stop()):
            save_summary(summarize(run), place)
        return run
    finally:
        keeper.close(trainer)
        if lock is not out:
            lock.release()


def take_steps(
    trainer: Trainer,
    keeper: "Keeper | None" = None,
    callback: Callable[[Trainer], object] | None = None,
    every: int = 1000,
    on_progress: Callable[[Trainer], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> None:
    """Take steps until the last, or until one of `train`'s reasons to stop."""
    if every < 1:
        raise InputError(f"every should be at least 1 step, not {every}")
    chunk, told = 1, -1
    while not (should_stop and should_stop()):
        if callback and trainer.step % every == 0 and trainer.step != told:
            told = trainer.step
            if callback(trainer) is True:
                break
        if trainer.finished or trainer.all_diverged:
            break
        began = time.monotonic()
        due = every - trainer.step % every if callback else chunk
        trainer.advance(min(chunk, due, trainer.current.steps - trainer.step))
        now = time.monotonic()
        # Twice as many steps, until a chunk takes about the time between two looks at it.
        chunk = max(1, min(2 * chunk, int(chunk * _PROGRESS_EVERY / max(now - began, 1e-4))))
        if on_progress:
            on_progress(trainer)
        if keeper:
            keeper.keep(trainer)


class Keeper:
    """Keeps a run in its directory while it trains: a heartbeat each second, and saves that may fail.

    trouble  why the run could not be saved when that was last tried, "" if it could
    """

    def __init__(self, lock: RunLock, trainer: Trainer, say: Callable[[str], object]) -> None:
        """`say` is told, once and then rarely, that saves fail, and that they succeed again."""
        self.trouble = ""
        self._lock, self._say = lock, say
        self._saved_step = trainer.step
        self._beacon = Beacon(lock, trainer.id, trainer.step, trainer.current.steps)
        self._saved_at = self._tried_at = time.monotonic()
        self._told_at = self._next_look = 0.0
        self._every = _SAVE_EVERY_AT_LEAST
        self._told_risk = False

    def keep(self, trainer: Trainer) -> None:
        """To be called often, from the thread that trains: saves the run if it is time to."""
        now = time.monotonic()
        if now >= self._next_look:
            loss, steps = trainer.snapshot().loss, trainer.current.steps
            self._beacon.show(trainer.step, steps, loss, trainer.rate, self.trouble)
            took = time.monotonic() - now
            self._next_look = now + max(_LOOK_EVERY, took / _LOOKS_COST)
        if now - self._tried_at >= self._every:
            self.save(trainer.run())

    def save(self, run: Run) -> bool:
        """Try to save the run; False, and `trouble`, if it could not be."""
        began = time.monotonic()
        try:
            self._lock.renew()
            save_run(run, self._lock.directory, evaluated=False)
        except (InputError, MemoryError) as error:
            self._complain(str(error) or "not enough memory to save the run")
            self._every = SAVE_EVERY
        else:
            if self.trouble:
                self._say(f"saved again to {self._lock.path}")
            self.trouble, self._saved_at, self._told_at = "", began, 0.0
            self._saved_step = run.state.step
            took = time.monotonic() - began
            often = min(max(_SAVE_EVERY_AT_LEAST, took / _FAST_SAVES_COST), SAVE_EVERY - 1 - took)
            self._every = max(often, took / _SAVES_COST - took)
            if self._every > SAVE_EVERY and not self._told_risk:
                self._told_risk = True
                self._say(
                    f"a save takes {took:.0f} s: a kill may cost the last {self._every:.0f} s of training"
                )
        self._tried_at = time.monotonic()
        return not self.trouble

    def save_last(self, run: Run) -> Path:
        """Save the run for good, elsewhere if its directory does not take it; where it is.

        Raises InputError if it could be saved nowhere.
        """
        if self.save(run):
            return self._lock.path
        name = self._lock.directory.name or "run"
        place = save_somewhere(run, name, self._lock.doing)
        self.trouble = f"saved to {place} instead: {self.trouble}"
        self._say(f"saved to {place} instead")
        return place

    def close(self, trainer: Trainer) -> None:
        """The last heartbeat. The directory is still held."""
        word: Word = "finished" if trainer.finished else "diverged" if trainer.all_diverged else "stopped"
        step, loss = trainer.step, trainer.snapshot().loss
        if self.trouble:  # what is in this directory has come to no more than it was saved with
            word, step, loss = "stopped", self._saved_step, math.nan
        self._beacon.show(step, trainer.current.steps, loss, 0.0, self.trouble)
        self._beacon.end(word)

    def stopped(self) -> None:
        """The last heartbeat of a process that ends now, from another thread than the one that trains."""
        self._beacon.end("stopped")

    def _complain(self, trouble: str) -> None:
        self.trouble = trouble
        now = time.monotonic()
        if not self._told_at or now - self._told_at >= _COMPLAIN_EVERY:
            self._told_at = now
            risk = (
                f"; the last {now - self._saved_at:,.0f} s are not saved" if self._saved_at < now - 60 else ""
            )
            self._say(f"{trouble}; training goes on, and saving is tried again{risk}")


def _warn(sentence: str) -> None:
    warnings.warn(sentence, RuntimeWarning, stacklevel=4)
