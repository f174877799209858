"""The heartbeat of a run: RUN/progress.json, replaced each second while a process trains it.

It says how far the run is, more often than it is saved, and what has become of it. A follower does not
compare clocks: it sees that `beat` changes, or does not.
"""

import contextlib
import json
import math
import threading
import time
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast, get_args

from tms_engine.files import write_atomically
from tms_engine.runs.lock import Holder, RunLock, as_holder, read_json
from tms_engine.runs.places import PROGRESS

# What is written: "running" until the process says something else; where it never does, it has died.
Word = Literal["running", "finished", "stopped", "diverged"]

_EVERY = 1.0
# The file has always this many bytes, so that it can be overwritten in place on a full disk.
_BYTES = 4096
_LONGEST = 3000  # characters of what went wrong; it may name a path


class Progress(NamedTuple):
    """What a heartbeat says.

    state    the last word
    run      the run's identity, `Run.id`
    holder   who trains it, or has
    beat     another number at each heartbeat
    time     of the heartbeat, by the holder's clock, in seconds since 1970
    step     steps taken
    steps    steps to take
    loss     mean batch loss of the latest steps, None where it is not finite or not known
    rate     steps a second; 0 where it is not known
    trouble  why the run could not be saved when that was last tried, "" if it could
    """

    state: Word
    run: str
    holder: Holder | None
    beat: int = 0
    time: float = 0.0
    step: int = 0
    steps: int = 0
    loss: float | None = None
    rate: float = 0.0
    trouble: str = ""


class Beacon:
    """Writes the heartbeat of a run that is held, from a thread of its own, until `end`. Never raises."""

    def __init__(self, lock: RunLock, run: str, step: int = 0, steps: int = 0) -> None:
        self._lock = lock
        self._says = Progress("running", run, Holder.of_this_process(lock.doing), step=step, steps=steps)
        self._beat = 0  # changed by the thread alone
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="tms-beacon", daemon=True)
        self._write()
        self._thread.start()

    def show(
        self, step: int, steps: int, loss: float | None = None, rate: float = 0.0, trouble: str = ""
    ) -> None:
        """Set the numbers of the next heartbeats. One thread at a time may, as often as it likes."""
        self._says = self._says._replace(
            step=step, steps=steps, loss=loss, rate=rate, trouble=trouble[:_LONGEST]
        )

    def end(self, word: Word) -> None:
        """The last heartbeat, which says what has become of the run; no more after it."""
        self._over.set()
        self._thread.join()
        self._says = self._says._replace(state=word)
        self._write()

    def _work(self) -> None:
        while not self._over.wait(_EVERY):
            self._write()

    def _write(self) -> None:
        self._beat += 1
        says = self._says._replace(beat=self._beat, time=time.time())
        path = self._lock.directory / PROGRESS
        content = _as_json(says).encode().ljust(_BYTES - 1) + b"\n"
        try:
            write_atomically(path, content, durably=False)
        except OSError:  # a full disk has room for what is there already
            with contextlib.suppress(OSError), open(path, "r+b") as file:
                file.write(content)


def read_progress(directory: Path) -> Progress | None:
    """The last heartbeat in a run directory; None where there is none, or a file that is none."""
    return _as_progress(read_json(directory / PROGRESS))


def _as_json(progress: Progress) -> str:
    holder = progress.holder._asdict() if progress.holder else {}
    own = {name: value for name, value in progress._asdict().items() if name != "holder"}
    if own["loss"] is not None and not math.isfinite(own["loss"]):
        own["loss"] = None
    return json.dumps({**own, **holder})


def _as_progress(record: dict[str, Any]) -> Progress | None:
    state, run, trouble = record.get("state"), record.get("run"), record.get("trouble")
    if state not in get_args(Word) or not isinstance(run, str) or not isinstance(trouble, str):
        return None
    beat, step, steps = (_whole(record.get(name)) for name in ("beat", "step", "steps"))
    if beat is None or step is None or steps is None:
        return None
    return Progress(
        cast(Word, state),
        run,
        as_holder(record),
        beat,
        _finite(record.get("time")) or 0.0,
        step,
        steps,
        _finite(record.get("loss")),
        max(0.0, _finite(record.get("rate")) or 0.0),
        "".join(c if c.isprintable() else "?" for c in trouble),
    )


def _whole(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**62 else None


def _finite(value: Any) -> float | None:
    if type(value) not in (int, float) or not abs(value) < 1e300:
        return None
    return float(value)
