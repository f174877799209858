"""What becomes of a run that another process trains: read only, by polling, over NFS too; no torch, no numba.

A run on this host is known by its lock, which the system frees when the process ends. One on another host is
known by its heartbeat, as locks may not reach there: it lives while that changes. Clocks of two hosts are
never compared, but at the first look, where there is nothing else.
"""

import time
from pathlib import Path
from typing import Literal, NamedTuple

from tms_engine.errors import InputError
from tms_engine.files import is_alive
from tms_engine.runs.beacon import Progress, read_progress
from tms_engine.runs.load import Peek, load_run, peek
from tms_engine.runs.lock import SAVING, Holder, as_holder, is_locked, last_written, read_json
from tms_engine.runs.places import LOCK, PROGRESS, STATE
from tms_engine.training.run import Run

What = Literal["running", "finished", "diverged", "stopped", "died", "silent"]

# Seconds without a heartbeat, which comes each second, after which a process on another host is silent.
SILENT_AFTER = 10.0


class Status(NamedTuple):
    """What is going on in a run directory.

    state    running: a process trains it
             finished: all its steps are taken; diverged: all its instances have diverged
             stopped: it can be gone on with
             died: its process has ended without a word
             silent: its process is on another host, and has given no sign of life for ten seconds or more
    holder   who trains it, or did last; None if that is not known
    step     steps taken: at the last heartbeat, or in the save where that is newer
    steps    steps to take
    loss     mean batch loss of the latest steps, None where it is not known or not finite
    rate     steps a second, 0 where it is not known
    saved    the step of the save on disk, −1 where there is none yet
    seen     when it last gave a sign of life or was saved, by the file server's clock, in seconds since 1970
    trouble  why it could not be saved when that was last tried, "" if it could
    """

    state: What
    holder: Holder | None
    step: int
    steps: int
    loss: float | None
    rate: float
    saved: int
    seen: float
    trouble: str = ""

    @property
    def is_running(self) -> bool:
        """Whether a process may be training it still."""
        return self.state in ("running", "silent")

    @property
    def time_left(self) -> float | None:
        """Seconds until its last step, at the rate it has; None where that is not known."""
        return (self.steps - self.step) / self.rate if self.state == "running" and self.rate > 0 else None

    def __str__(self) -> str:
        """The state in a few words: who, where and since when."""
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.seen))
        by = f": {self.holder}" if self.holder else ""
        return {
            "running": f"running{by}",
            "finished": "finished",
            "diverged": "every instance has diverged",
            "stopped": "stopped",
            "died": f"died, last seen {at}{by}",
            "silent": f"silent since {at}{by}",
        }[self.state]


class Followed(NamedTuple):
    """What `Follower.poll` found: the status, and the run where there is a save that was not seen before."""

    status: Status
    run: Run | None


class Follower:
    """Follows a run directory. `poll` it about once a second, from one thread at a time.

    Raises InputError if it is no run directory.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._seen: object = None  # of the heartbeat
        self._changed_at: float | None = None  # when that changed, by this process's clock
        self._loaded: object = None
        status_of(self.path)

    def status(self) -> Status:
        """What is going on now, by a few small reads. Raises InputError if it is a run no more."""
        beat = last_written(self.path / PROGRESS)
        if beat != self._seen:
            if self._seen is not None:
                self._changed_at = time.monotonic()
            self._seen = beat
        if self._changed_at is None:  # nothing to compare with yet
            return status_of(self.path)
        return status_of(self.path, time.monotonic() - self._changed_at < SILENT_AFTER)

    def poll(self) -> Followed:
        """What is going on now; and the run, where it was saved since: read whole, however often it is being
        saved meanwhile. Raises InputError if the directory is gone or damaged.
        """
        status = self.status()
        saved = last_written(self.path / STATE)
        if saved is None or saved == self._loaded:
            return Followed(status, None)
        run = load_run(self.path)
        self._loaded = saved
        return Followed(status._replace(step=max(status.step, run.state.step), saved=run.state.step), run)


def status_of(path: str | Path, moves: bool | None = None) -> Status:
    """What is going on in a run directory. Raises InputError if it is none.

    `moves` is whether its heartbeat has been seen to change in the last ten seconds, where anybody looked.
    """
    path = Path(path)
    progress, locked = read_progress(path), is_locked(path)
    holder = as_holder(read_json(path / LOCK)) if locked else None
    saved = _saved(path, locked)
    beat_at, saved_at = _written_at(path / PROGRESS), _written_at(path / STATE)
    if locked and not (holder and holder.doing == SAVING):
        state: What = "running"
    else:
        state = _state(progress, saved, locked, moves, beat_at)
        holder = None
    status = Status(
        state=state,
        holder=holder or (progress.holder if progress else None),
        step=saved.step if saved else 0,
        steps=saved.steps if saved else 0,
        loss=saved.loss if saved else None,
        rate=0.0,
        saved=saved.step if saved else -1,
        seen=max(beat_at, saved_at) or time.time(),
    )
    if progress is None or (saved and progress.step < saved.step):
        return status
    status = status._replace(trouble=progress.trouble)
    if saved and progress.step == saved.step and not status.is_running:
        return status
    status = status._replace(step=progress.step, steps=progress.steps, loss=progress.loss)
    return status._replace(rate=progress.rate) if status.is_running else status


def _saved(path: Path, locked: bool | None) -> Peek | None:
    """What is saved; None if nothing is yet of a run that a process has just begun."""
    for attempt in range(5):
        try:
            return peek(path)
        except InputError:
            if locked and path.is_dir() and last_written(path / STATE) is None:
                return None
            if attempt == 4 or last_written(path / STATE) is None:
                raise
            time.sleep(0.01)  # it may have been replaced meanwhile
    return None


def _state(
    progress: Progress | None, saved: Peek | None, locked: bool | None, moves: bool | None, beat_at: float
) -> What:
    """The state of a run that is not known to be locked."""
    if progress is not None and progress.state == "running":
        holder = progress.holder
        if holder and holder.is_here and (locked is False or not is_alive(holder.pid)):
            ended = _ended(saved)
            return "died" if ended == "stopped" else ended
        if moves is None:
            moves = abs(time.time() - beat_at) < SILENT_AFTER
        return "running" if moves else "silent"
    if progress is not None and (saved is None or progress.step >= saved.step):
        return progress.state
    return _ended(saved)


def _ended(saved: Peek | None) -> What:
    """What a run has come to that nobody trains, by its save."""
    if saved is None:
        return "stopped"
    if saved.n_diverged == saved.n_instances:
        return "diverged"
    return "finished" if saved.step >= saved.steps else "stopped"


def _written_at(path: Path) -> float:
    found = last_written(path)
    return found[1] / 1e9 if found else 0.0
