"""Who holds a run directory: one process at a time writes a run.

    RUN/.lock       locked (flock) while a process holds the directory; says who that is, as JSON

The system frees the lock when its process ends, however it ends, so that a lock is never stale on the machine
that has the disk, nor on one that mounts it with locks that work. Where they do not work, a holder is known
by its heartbeat, RUN/progress.json (beacon.py): `hold` looks for a few seconds whether that moves. To read a
run takes no lock.

The file is removed at release, and what a dead process has left of it makes no directory "not empty".
"""

import contextlib
import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from tms_engine.errors import InputError
from tms_engine.files import cannot, is_dead_part, make_directory, names, read_small, reason
from tms_engine.runs.places import EXPERIMENT, HISTORY, LOCK, PROGRESS, SUMMARY, absolute, next_of

# What a directory is held for while a run is written that nobody trains there.
SAVING = "saving a run"
# Seconds for which a lock is asked for again: a follower's look at it takes microseconds.
_PATIENCE = 1.0
# Seconds within which a holder on another host shows a heartbeat, which it has each second.
_HEARTBEAT_SHOWS = 5.0
_MOST_BYTES = 1 << 16


class Holder(NamedTuple):
    """A process that holds a run directory, or held it last."""

    pid: int
    host: str
    since: float  # by its clock, in seconds since 1970
    doing: str  # a few words: "tms train"

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"{self.doing}, process {self.pid} on {self.host}, since {since}"

    @classmethod
    def of_this_process(cls, doing: str) -> "Holder":
        return cls(os.getpid(), socket.gethostname(), time.time(), doing)

    @property
    def is_here(self) -> bool:
        """Whether it runs, or ran, on this host."""
        return self.host == socket.gethostname()


class InUse(InputError):
    """Another process, or another part of this one, holds the run directory."""

    def __init__(self, path: str | Path, holder: Holder | None, hint: str = "") -> None:
        by = f": {holder}" if holder else " by another process"
        super().__init__(f"{path} is in use{by}{hint}")
        self.holder = holder


class RunLock:
    """A run directory, held. `release` it, or use it as a context manager; any thread may.

    path       as it was given
    directory  the same from the root
    doing      what it is held for, in a few words
    """

    def __init__(self, path: str | Path, directory: Path, doing: str, file_lock: Any, is_new: bool) -> None:
        self.path, self.directory, self.doing = Path(path), directory, doing
        self._file_lock, self._is_new = file_lock, is_new
        self._identity = _identity(directory / LOCK)

    def __enter__(self) -> "RunLock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let others have it. The second time, nothing."""
        with _guard:
            if _held.get(self.directory) is self:
                del _held[self.directory]
                self._let_go()

    def abandon(self) -> None:
        """Release it, and remove the directory if it was made for it and nothing is in it."""
        self.release()
        if self._is_new:
            with contextlib.suppress(OSError):
                self.directory.rmdir()

    def _let_go(self) -> None:
        if self.in_place:
            with contextlib.suppress(OSError):
                (self.directory / LOCK).unlink()  # before it is free: who waits for it sees that it is gone
        with contextlib.suppress(OSError):
            self._file_lock.release()

    @property
    def in_place(self) -> bool:
        """Whether the lock's file is where it was; False once the directory was removed or moved."""
        return self._identity is not None and _identity(self.directory / LOCK) == self._identity

    def renew(self) -> None:
        """Make the directory, and hold it, again if it was removed. Raises InputError as `hold` does."""
        if self.in_place:
            return
        with _guard:
            held = _held.pop(self.directory, None) is self
            if held:
                self._let_go()
                again = _acquire(self.path, self.directory, self.doing)
                self._file_lock, self._identity = again._file_lock, again._identity
                _held[self.directory] = self


_guard = threading.Lock()
_held: dict[Path, RunLock] = {}


def hold(path: str | Path, doing: str = "a script") -> RunLock:
    """Hold a directory, making it if need be, so that no other process writes a run to it.

    Raises InUse, which says who holds it, and InputError if it cannot be written to.
    """
    directory = absolute(path)
    with _guard:
        if directory in _held:
            raise InUse(path, _read_holder(directory) or Holder.of_this_process(_held[directory].doing))
        lock = _held[directory] = _acquire(path, directory, doing)
        return lock


def holds(path: str | Path) -> bool:
    """Whether this process holds a directory."""
    return absolute(path) in _held


def claim(path: str | Path, doing: str = "a script", otherwise: str = "") -> RunLock:
    """Make a directory, or take an empty one, and hold it. Of two who ask at once, one gets it.

    Raises InUse, or InputError if it is not empty (the sentence ends with `otherwise`) or cannot be written
    to; then nothing in it has been touched.
    """
    directory = absolute(path)
    _check_empty(path, directory, otherwise)
    lock = hold(path, doing)
    try:
        _check_empty(path, directory, otherwise)
        return lock
    except BaseException:
        lock.abandon()
        raise


def claim_new(base: Path, name: str, doing: str = "a script") -> RunLock:
    """Make and hold BASE/NAME, or BASE/NAME-2, BASE/NAME-3 … where that exists; no two ever get the same.

    Raises InputError if it cannot be made.
    """
    absolute(base)
    try:
        base.mkdir(parents=True, exist_ok=True)
        for path in names(base, name):
            with contextlib.suppress(FileExistsError, InUse):
                path.mkdir()
                return claim(path, doing)
    except OSError as error:
        raise cannot(f"write to {base / name}", error) from None
    raise AssertionError("there is always another name")


def is_locked(directory: Path) -> bool | None:
    """Whether a process holds the directory; None where that cannot be known. Writes nothing.

    On another host than the holder's, False may also mean that the file system shares no locks.
    """
    try:
        descriptor = os.open(directory / LOCK, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (OSError, ImportError):
        return None
    finally:
        os.close(descriptor)
    return False


def read_json(path: Path) -> dict[str, Any]:
    """A small file of ours as a dict; an empty one where it is missing, damaged or no such file."""
    try:
        found = json.loads(read_small(path, _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def as_holder(record: dict[str, Any]) -> Holder | None:
    """The holder that a file names, or None where it names none."""
    pid, host, since, doing = (record.get(name) for name in Holder._fields)
    if type(pid) is not int or not isinstance(host, str) or not isinstance(doing, str):
        return None
    # The year 3000: what a clock says has a date.
    since = float(since) if isinstance(since, int | float) and 0 <= since < 32_503_680_000 else 0.0
    return Holder(pid, _shown(host), since, _shown(doing))


def _shown(text: str) -> str:
    """Text of a file, as it can be printed."""
    return "".join(c if c.isprintable() else "?" for c in text[:80])


def _acquire(path: str | Path, directory: Path, doing: str) -> RunLock:
    from filelock import FileLock, Timeout

    file_lock = FileLock(directory / LOCK, timeout=_PATIENCE, thread_local=False)
    try:
        is_new = make_directory(directory)
        file_lock.acquire()
    except Timeout:
        raise InUse(path, _read_holder(directory), _if_it_is_dead(path, directory)) from None
    except (OSError, ValueError) as error:
        raise cannot(f"write to {path}", error) from None
    except RuntimeError as error:
        raise InputError(f"cannot write to {path}: {reason(error)}") from None
    before = _read_holder(directory)
    if before and not before.is_here and _heartbeat_moves(directory):
        file_lock.release()
        raise InUse(path, before)
    with contextlib.suppress(OSError):  # a full disk: then nobody knows who it is
        (directory / LOCK).write_text(json.dumps(Holder.of_this_process(doing)._asdict()), encoding="utf-8")
    return RunLock(path, directory, doing, file_lock, is_new)


def _read_holder(directory: Path) -> Holder | None:
    """Who holds it, or has held it and died."""
    found = as_holder(read_json(directory / LOCK))
    if found is None:
        progress = read_json(directory / PROGRESS)
        found = as_holder(progress) if progress.get("state") == "running" else None
    return found


def _heartbeat_moves(directory: Path) -> bool:
    first = last_written(directory / PROGRESS)
    until = time.monotonic() + _HEARTBEAT_SHOWS
    while time.monotonic() < until:
        time.sleep(0.2)
        if last_written(directory / PROGRESS) != first:
            return True
    return False


def _if_it_is_dead(path: str | Path, directory: Path) -> str:
    """What a user can do where the file system keeps a dead holder's lock, as one without flock does."""
    holder = _read_holder(directory)
    if holder is None or holder.is_here or _heartbeat_moves(directory):
        return ""
    return f"; it shows no sign of life: if it has ended, remove {Path(path) / LOCK}"


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file it is."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def last_written(path: Path) -> tuple[int, int] | None:
    """Another value each time that a file is replaced or written to; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _check_empty(path: str | Path, directory: Path, otherwise: str) -> None:
    """What a process has left that was killed before its first save is nothing."""
    left = {LOCK, *(next_of(Path(name)).name for name in (EXPERIMENT, HISTORY, SUMMARY))}
    try:
        mine = [entry for entry in directory.iterdir() if entry.name not in left and not is_dead_part(entry)]
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise cannot(f"write to {path}", error) from None
    if mine:
        raise InputError(f"{path} is not empty: choose a new directory{otherwise}")
