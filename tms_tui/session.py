"""Session: the training thread and its mailbox. No Textual here, and torch only in the thread.

Commands are queued for the thread and return at once. `view` gives the newest View, which the thread puts in
place by one assignment, so the screen never waits for training.
"""

import math
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from tms_engine import process
from tms_engine.experiment import Experiment, check_live
from tms_tui.pace import check_pace
from tms_tui.player import Player, experiment_of
from tms_tui.solids import make_ready
from tms_tui.view import View

if TYPE_CHECKING:
    from tms_engine.training.run import Run

# Seconds that the process waits at its end for a thread that could not be stopped.
_LAST_WAIT = 30.0


class Session:
    """An experiment that trains at a pace in a thread of its own.

    `source` is an Experiment, a Run to go on with, or the Path of a run directory, which the thread loads, or
    follows if another process trains it.
    An error in it shows in the View (phase "failed"), and `restart` may begin another run.
    Commands may come from any thread. They take effect within 50 ms, or one step if that takes longer.
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
        """`pace` is in steps a second. `clock` and `sleep` (seconds) keep it; tests bring their own."""
        self._player = Player(source, pace, paused, clock)
        self._view = self._player.view()
        self._asked = self._view.experiment  # the latest asked for: `change` is checked against it
        self._lock = threading.Lock()  # commands are queued in the order in which they were checked
        self._commands: deque[tuple[float, Callable[[], None]]] = deque()  # each with when it was asked for
        self._woken = threading.Event()
        self._sleep = sleep or self._woken.wait
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="training", daemon=True)
        self._last_wait: weakref.finalize[..., threading.Thread] | None = None

    def start(self) -> None:
        # At exit Python ends a daemon thread wherever it is; within torch that aborts the process. So wait
        # for it. Not by atexit: finalizers that torch makes if it is still loading then would not be called.
        self._last_wait = weakref.finalize(self._thread, self.stop, _LAST_WAIT)
        self._thread.start()

    def view(self) -> View:
        return self._view

    def waiting(self) -> float:
        """Seconds for which the oldest command that has not begun has waited; 0 if there is none.

        The thread begins none while it loads, compiles, or is within a step.
        """
        try:
            return time.monotonic() - self._commands[0][0]
        except IndexError:
            return 0.0

    def toggle_pause(self) -> None:
        """Pause if it trains, else resume."""
        self._order(self._player.toggle_pause)

    def pause(self) -> None:
        self._order(self._player.pause)

    def resume(self) -> None:
        self._order(self._player.resume)

    def step_once(self) -> None:
        """Pause, and take one step."""
        self._order(self._player.step_once)

    def set_pace(self, pace: float) -> None:
        """Steps a second; math.inf: no limit. Raises InputError if it is not above 0."""
        check_pace(pace)
        self._order(lambda: self._player.set_pace(pace))

    def change_pace(self, direction: int) -> None:
        """To the pace of the ladder above (1) or below (−1) the one in force."""
        self._order(lambda: self._player.change_pace(direction))

    def run_to_end(self) -> None:
        """Train at full speed to the last step. `pause` and a new pace end that."""
        self._order(self._player.run_to_end)

    def restart(self, experiment: Experiment | None = None) -> None:
        """Begin at step 0 with another experiment, or with the one in force. Paused stays paused."""
        with self._lock:
            self._asked = experiment or self._asked
            self._order(lambda: self._player.restart(experiment))

    def open(self, path: Path, hold: bool = False) -> None:
        """Go on with a run directory; with `hold` nobody else may, and it is the place to save to."""
        with self._lock:
            self._asked = experiment_of(path)
            self._tell(lambda: self._player.open(path, hold))

    def show(self, path: Path) -> None:
        """Go on with a run directory, or follow it if another process trains it; waits until that is so.

        Raises InputError, and leaves everything as it is, if that is not possible; TimeoutError if the thread
        does not come to it.
        """
        answer: SimpleQueue[Exception | None] = SimpleQueue()

        def show() -> None:
            try:
                self._player.show(path)
            except Exception as error:  # whoever waits for it says it
                answer.put(error)
            else:
                answer.put(None)

        with self._lock:
            self._asked = experiment_of(path)
            self._tell(show)
        try:
            error = answer.get(timeout=_LAST_WAIT)
        except Empty:
            raise TimeoutError(f"the training thread did not answer within {_LAST_WAIT:g} s") from None
        if error is not None:
            raise error

    def begin(self, experiment: Experiment) -> None:
        """Begin at step 0 with another experiment, whether a run is played, paused or followed."""
        with self._lock:
            self._asked = experiment

            def begin() -> None:
                self._player.restart(experiment)
                self._player.resume()

            self._tell(begin)

    def reseed(self) -> None:
        """Begin at step 0 with the next random seed."""
        self._order(self._player.reseed)

    def extend(self, steps: int | None = None) -> None:
        """Make the run longer by so many steps (None: twice as long) and go on. See View.note.

        Raises InputError for fewer than one step.
        """
        if steps is not None:
            self._asked.replace(steps=steps)
        self._order(lambda: self._player.extend(steps))

    def change(self, **fields: Any) -> None:
        """Change fields from the next step on. Raises InputError at once, as Trainer.change does."""
        check_live(fields)
        with self._lock:
            self._asked.replace(**fields)
            self._order(lambda: self._player.change(**fields))

    def scale_density(self, factor: float) -> None:
        """Multiply p = 1 − S of every instance from the next step on. See View.note for the result."""
        self._order(lambda: self._player.scale_density(factor))

    def scale_learning_rate(self, factor: float) -> None:
        """Multiply the learning rate of every instance from the next step on. See View.note."""
        self._order(lambda: self._player.scale_learning_rate(factor))

    def shift_importance(self, amount: float) -> None:
        """Add to the importance decay of every instance from the next step on. See View.note."""
        self._order(lambda: self._player.shift_importance(amount))

    def watch(self, on: bool, step: int | None = None) -> None:
        """Take a census of all instances (View.census) from now on, or none. Changes nothing in the run.

        Of the kept step that is looked at, or of the newest (None).
        """
        self._tell(lambda: self._player.watch(on, step))

    def drift(self) -> None:
        """Let the sparsity drift up, then down, then stay. See View.drift."""
        self._order(self._player.drift)

    def take_over(self) -> None:
        """Hold the run that was followed, and train it on from its last save, if its process has ended."""
        self._tell(self._player.take_over)

    def run(self, timeout: float = 1.0) -> "Run | None":
        """The whole run as it is now, or was when the thread stopped; None: there is none yet.

        Waits for the thread to finish its chunk. If that takes over `timeout` seconds, as one step of a very
        large experiment may, it is the run as it was last seen; TimeoutError if it has not been seen at all.
        """
        if self._view.phase == "loading":
            return None
        if self._thread.is_alive():
            answer: SimpleQueue[Run | None] = SimpleQueue()
            self._tell(lambda: answer.put(self._player.run()))
            try:
                return answer.get(timeout=timeout)
            except Empty:
                if self._thread.is_alive() and self._view.run is not None:
                    return self._view.run
                if self._thread.is_alive():
                    raise TimeoutError(f"the training thread did not answer within {timeout:g} s") from None
        return self._player.run()

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

    def _order(self, command: Callable[[], None]) -> None:
        """Tell the thread a command that a run which is followed does not obey."""
        self._tell(lambda: self._player.obey(command))

    def _tell(self, command: Callable[[], None]) -> None:
        self._commands.append((time.monotonic(), command))
        self._woken.set()

    def _work(self) -> None:
        """The thread."""
        process.give_way_to_the_screen()
        player = self._player
        player.attempt(player.find_library)
        self._view = player.view()
        player.attempt(player.load)
        make_ready()
        process.keep_what_is_loaded()
        while not self._stopping:
            self._woken.clear()
            while self._commands:
                player.attempt(self._commands.popleft()[1])
            seconds = player.attempt(player.work)
            self._view = player.view()
            if seconds == math.inf:
                self._woken.wait()
            elif seconds:
                self._sleep(seconds)
        player.release()
