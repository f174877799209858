"""Saving the run: while the app goes on, and in the last moments of a process that a signal ends."""

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tms_engine.errors import InputError
from tms_engine.experiment import Experiment
from tms_engine.files import dated_name, free_name
from tms_tui import settings as stored
from tms_tui.drawing.loss_chart import Other
from tms_tui.messages import LevelsFound, Message, Refused, RunSaved, RunToOverlay, Saved, SaveFailed
from tms_tui.messages.settings import SettingsKept
from tms_tui.session import Session
from tms_tui.settings import FIELDS, Settings

if TYPE_CHECKING:
    from tms_engine.training.run import Run

_DOING = "tms-tui"
# Seconds to wait for the training thread before an ordinary end; and for that and for the disk where a signal
# ends the process, which is killed soon if it does not end by itself.
_WAIT, _LAST_WAIT, _LAST_SAVE = 10.0, 0.6, 1.4


class Job:
    """Something that may take long, done in a thread. Its answer is a message, or None."""

    def __init__(self, work: Callable[[], Message | None]) -> None:
        self._work = work
        self._answer: Message | None = None
        self._thread = threading.Thread(target=self._do, name="job", daemon=True)
        self._thread.start()

    def poll(self) -> tuple[bool, Message | None]:
        """Whether it is done, and its answer."""
        return not self._thread.is_alive(), self._answer

    def _do(self) -> None:
        try:
            self._answer = self._work()
        except Exception as error:  # nothing may be lost in a thread
            self._answer = Refused(one_line(error))


def one_line(error: Exception) -> str:
    """What has failed, in one line."""
    if isinstance(error, InputError | TimeoutError):
        return str(error)
    return " ".join(f"{type(error).__name__}: {error}".split())


def keep_settings(settings: Settings, kept: Settings) -> SettingsKept:
    """Write the settings that are others than those that are kept."""
    names = frozenset(name for name in FIELDS if getattr(settings, name) != getattr(kept, name))
    try:
        if names:
            stored.save(settings, names)
    except InputError as error:
        return SettingsKept(kept, frozenset(), str(error))
    return SettingsKept(settings, names, "")


def save_now(session: Session, name: str, directory: Path | None = None) -> RunSaved | SaveFailed:
    """Save the run as it is now; where, says `save`."""
    place = session.view().place
    try:
        run = session.run(_WAIT)
        if run is None:
            raise InputError("there is no run yet")
        saved = save(run, place, name, directory)
    except Exception as error:
        return SaveFailed(one_line(error), str(directory or place or suggested(name)))
    return RunSaved(Saved(run.state.step, len(run.changes), str(saved)))


class Ended(NamedTuple):
    """What became of the run at the end of the process."""

    sentence: str
    saved: bool


def save_at_the_end(session: Session, name: str) -> Ended:
    """Save the run where it belongs, or else in the first place that takes it. Takes 2 s at most.

    The sentence says which step was saved and where, or why it was not.
    """
    ended: list[Ended] = []
    saving = threading.Thread(target=lambda: ended.append(_save_last(session, name)), daemon=True)
    saving.start()
    saving.join(_LAST_WAIT + _LAST_SAVE)
    return ended[0] if ended else Ended(f"{name}: not saved, the disk did not answer in time", False)


def _save_last(session: Session, name: str) -> Ended:
    from tms_engine.runs import save_somewhere

    try:
        run = session.run(_LAST_WAIT)
    except TimeoutError:  # within a long step, or a library: the copy that is on the screen
        run = session.view().run
    if run is None:
        return Ended(f"{name}: not saved, there is no run yet", False)
    what = f"{name}, step {run.state.step:,}"
    try:
        return Ended(f"{what}: saved in {save(run, session.view().place, name)}", True)
    except Exception as error:  # whatever it is, nobody else can say it
        why = one_line(error)
    try:
        return Ended(f"{what}: {why}; saved in {save_somewhere(run, name, _DOING)} instead", True)
    except Exception:
        return Ended(f"{what}: not saved, {why}", False)


def save(run: "Run", place: str, name: str, directory: Path | None = None) -> Path:
    """Save a run: in `directory`, if given; else in the place that was taken over; else in a new directory.

    Returns where. Raises InputError, and leaves no empty directory, if it cannot be saved.
    """
    from tms_engine.runs import claim, claim_new, runs_directory, save_run

    if place and directory is None:
        save_run(run, place, evaluated=False)
        return Path(place)
    lock = claim(directory, _DOING) if directory else claim_new(runs_directory(), dated_name(name), _DOING)
    try:
        save_run(run, lock.path, evaluated=False)
    except BaseException:
        lock.release()
        with contextlib.suppress(OSError):
            lock.directory.rmdir()
        raise
    lock.release()
    return lock.path


def load_overlay(directory: Path) -> RunToOverlay | Refused:
    """The loss of the run in a directory, to be drawn over another."""
    from tms_engine.runs import load_run

    try:
        return RunToOverlay(Other(directory.resolve().name, load_run(directory).history.loss_curve()))
    except InputError as error:
        return Refused(str(error))


def find_levels(experiment: Experiment, instance: int) -> LevelsFound:
    """What theory knows of the loss of an instance."""
    from tms_engine.analysis.levels import levels, refusal

    return LevelsFound(experiment, instance, tuple(levels(experiment, instance)), refusal(experiment))


def suggested(name: str) -> Path:
    """A directory that does not exist now, for a run of this name."""
    from tms_engine.runs import runs_directory

    return free_name(runs_directory(), dated_name(name))
