"""Autosave: the run on the screen, saved every few seconds by a thread; and what an interrupted app has left.

Each app has a directory of its own, whose lock it holds, among the sessions of the user's state directory:

    SESSION/session.json   what was running, how far, and where it is
    SESSION/ID/            that run, as `save_run` writes it

It is made at the first save, and removed when the app ends in order. So a session whose lock is free was
interrupted (kill -9, a power cut), and the next app offers it.
"""

import contextlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Any, NamedTuple

from tms_engine.errors import InputError
from tms_engine.files import write_atomically
from tms_tui.view import View

if TYPE_CHECKING:
    from tms_engine.runs import RunLock
    from tms_engine.training.run import Run

# Seconds from the end of a save to the next: this many, or so many times as long as the save took, if no
# more than so many are then at risk; but at least so many times as long, whatever is at risk.
_EVERY, _TIMES, _AT_RISK, _LEAST_TIMES = 4.0, 20.0, 9.0, 3.0
# What is kept of interrupted sessions: so many, and so many bytes together. The oldest go first.
_SESSIONS, _BYTES = 20, 1 << 30
# Seconds after which a directory without a session in it is one that was left behind, not one just made.
_LEFT_BEHIND = 3600.0
# Seconds without a sign of life (a living one gives one each minute) after which a session of another
# host is one that was interrupted.
_SILENT = 180.0
_FILE, _FILE_BYTES = "session.json", 1 << 16
_DOING = "tms-tui"


class InterruptedSession(NamedTuple):
    """A session that was interrupted."""

    directory: Path
    run: Path  # its run: in `directory`, or one that it had taken over
    name: str
    about: str  # the experiment in a few words
    step: int
    steps: int
    changes: int
    at: float  # when it was saved, Unix time


def sessions_directory() -> Path:
    from tms_engine.runs import state_directory

    return state_directory() / "sessions"


def interrupted(base: Path) -> list[InterruptedSession]:
    """The sessions that were interrupted, the newest first."""
    found = [session for directory in _directories(base) if (session := _read(directory))]
    return sorted((s for s in found if not _lives(s.directory)), key=lambda s: -s.at)


def discard(session: InterruptedSession) -> None:
    """Delete a session, unless an app has taken it up meanwhile."""
    _remove_if_free(session.directory)


def prune(base: Path) -> None:
    """Delete the oldest interrupted sessions beyond the bounds, and directories that were left behind."""
    kept, total = 0, 0
    dated = [(_read(directory), directory) for directory in _directories(base)]
    for session, directory in sorted(dated, key=lambda pair: -pair[0].at if pair[0] else 0.0):
        if session is None:
            with contextlib.suppress(OSError):
                if time.time() - directory.stat().st_mtime > _LEFT_BEHIND:
                    _remove_if_free(directory)
            continue
        if _lives(directory):
            continue
        kept, total = kept + 1, total + _size(directory)
        if kept > _SESSIONS or total > _BYTES:
            _remove_if_free(directory)


def wait_after(seconds: float) -> float:
    """Seconds to wait after a save that took so long."""
    return max(min(_TIMES * seconds, _AT_RISK - 2 * seconds), _LEAST_TIMES * seconds)


class Autosave:
    """Saves the newest run of a session now and then, in a thread. No method waits for the disk, but `close`.

    at_risk  seconds of training that a kill may cost, if saves go on to take as long as the last one
    error  why the last save failed, one sentence, or "": the run goes on, and the next save tries again
    found  the newest interrupted session, once that has been looked for; who takes it sets None
    name   what the run is called; to be set where that changes
    """

    def __init__(
        self,
        view: Callable[[], View],
        name: str,
        *,
        offer: bool = True,
        base: Path | None = None,
        every: float = _EVERY,
    ) -> None:
        """`view` gives the newest View; `every` is in seconds; `base` is the directory of sessions.

        With `offer`, interrupted sessions are looked for.
        """
        self.error, self.name, self.at_risk = "", name, 0.0
        self.found: InterruptedSession | None = None
        self._view, self._offer, self._base, self._every = view, offer, base, every
        self._lock: RunLock | None = None
        # The run that was saved last: id, step, number of changes.
        self._saved: tuple[str, int, int] | None = None
        # The interrupted session that goes on here: it is there until its run is saved here.
        self._origin: tuple[InterruptedSession, RunLock] | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="autosave", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def take_up(self, session: InterruptedSession) -> None:
        """Make an interrupted session this app's. Raises InputError where another has it, or it is gone."""
        from tms_engine.runs import hold

        if not session.directory.is_dir():
            raise InputError("that session is gone: another tms-tui has ended or discarded it")
        lock = hold(session.directory, _DOING)
        if _read(session.directory) is None:
            lock.release()
            raise InputError("that session is gone: another tms-tui has ended or discarded it")
        if self._origin is not None:
            self._origin[1].release()
        self._origin = (session, lock)

    def close(self, keep: bool = False, timeout: float = 1.0) -> None:
        """End. With `keep`, save once more and leave the session to be offered; else delete it.

        Waits at most `timeout` seconds for a save that is under way.
        """
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        if keep:
            saving = threading.Thread(target=self._save_newest, daemon=True)
            saving.start()
            saving.join(timeout)
            return
        for directory, lock in self._held():
            _empty(directory)
            lock.release()
            with contextlib.suppress(OSError):
                directory.rmdir()
        self._lock = self._origin = None

    def _held(self) -> "list[tuple[Path, RunLock]]":
        own = [(self._lock.directory, self._lock)] if self._lock else []
        return own + ([(self._origin[0].directory, self._origin[1])] if self._origin else [])

    def _work(self) -> None:
        """The thread."""
        base = self._base or sessions_directory()
        if self._offer:
            self.found = next(iter(interrupted(base)), None)
        prune(base)
        wait = self._every
        while not self._ending.wait(wait):
            began = time.monotonic()
            self._save_newest()
            seconds = time.monotonic() - began
            wait = max(self._every, wait_after(seconds))
            self.at_risk = wait + 2 * seconds

    def _save_newest(self) -> None:
        view = self._view()
        run = view.run
        if run is None or view.following is not None:
            return
        now = (run.id, run.state.step, len(run.changes))
        if now == self._saved and self._lock is not None:
            with contextlib.suppress(OSError):
                os.utime(self._lock.directory / _FILE)  # a sign of life
        if now == self._saved or now[1:] == (0, 0):
            return
        try:
            self._save(run, Path(view.place) if view.place else None)
        except InputError as error:
            self.error = str(error)
        except Exception as error:  # nothing may end this thread
            self.error = " ".join(f"cannot save the run: {type(error).__name__}: {error}".split())
        else:
            self._saved, self.error = now, ""

    def _save(self, run: "Run", place: Path | None) -> None:
        from tms_engine.commands.text import headline
        from tms_engine.runs import claim_new, save_run

        if self._lock is None or not self._lock.directory.is_dir():
            base = self._base or sessions_directory()
            self._lock = claim_new(base, f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}", _DOING)
        directory = self._lock.directory
        where, now = place or directory / run.id, time.time()
        save_run(run, where, evaluated=False, overwrite=True)
        about = {
            "run": str(place.absolute()) if place else run.id,
            "name": self.name,
            "about": headline(run.current),
            "step": run.state.step,
            "steps": run.current.steps,
            "changes": len(run.changes),
            "at": now,
            "host": gethostname(),
        }
        try:
            write_atomically(directory / _FILE, json.dumps(about).encode())
        except OSError as error:
            from tms_engine.files import cannot

            raise cannot(f"write to {directory}", error) from None
        for other in directory.iterdir():
            if other.is_dir() and (place or other.name != run.id):
                shutil.rmtree(other, ignore_errors=True)
        if self._origin is not None and self._goes_on(run, place):
            session, lock = self._origin
            self._origin = None
            _empty(session.directory)
            lock.release()
            with contextlib.suppress(OSError):
                session.directory.rmdir()

    def _goes_on(self, run: "Run", place: Path | None) -> bool:
        """Whether this is the run of the session that was taken up."""
        assert self._origin is not None
        resumed = self._origin[0].run
        return run.id == resumed.name if resumed.parent == self._origin[0].directory else place == resumed


def _directories(base: Path) -> list[Path]:
    try:
        return [path for path in base.iterdir() if path.is_dir() and not path.is_symlink()]
    except OSError:
        return []


def _read(directory: Path) -> InterruptedSession | None:
    """What is in a directory of sessions; None where that is no session of ours, or is damaged."""
    try:
        with open(directory / _FILE, "rb") as file:
            found: dict[str, Any] = json.loads(file.read(_FILE_BYTES))
        texts = [_shown(found[key]) for key in ("name", "about")]
        numbers = [found[key] for key in ("step", "steps", "changes")]
        run, at = found["run"], found["at"]
        if not all(type(number) is int for number in numbers) or type(at) not in (int, float):
            return None
        path = directory / run
        if not (Path(run).is_absolute() or path.parent == directory) or not path.is_dir():
            return None
        return InterruptedSession(directory, path, texts[0], texts[1], numbers[0], numbers[1], numbers[2], at)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _shown(text: Any) -> str:
    """A text of a file, as it may be put on a screen. Raises TypeError for anything else."""
    if not isinstance(text, str):
        raise TypeError(text)
    return "".join(character if character.isprintable() else "?" for character in text)[:200]


def _lives(directory: Path) -> bool:
    """Whether an app has this session, or may have: one on another host need not share its locks."""
    from tms_engine.runs.lock import is_locked

    if is_locked(directory) is not False:
        return True
    try:
        with open(directory / _FILE, "rb") as file:
            here = json.loads(file.read(_FILE_BYTES)).get("host") == gethostname()
        return not here and time.time() - (directory / _FILE).stat().st_mtime < _SILENT
    except (OSError, ValueError, AttributeError):
        return False


def _remove_if_free(directory: Path) -> None:
    from tms_engine.runs import hold

    with contextlib.suppress(InputError, OSError):
        lock = hold(directory, _DOING)
        _empty(directory)
        lock.release()
        directory.rmdir()


def _empty(directory: Path) -> None:
    """Delete what is in a session's directory, but the lock: first what makes it one that is offered."""
    with contextlib.suppress(OSError):
        (directory / _FILE).unlink(missing_ok=True)
        for path in directory.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != ".lock":
                path.unlink()


def _size(directory: Path) -> int:
    total = 0
    for path in directory.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.lstat().st_size
    return total
