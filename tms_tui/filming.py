"""Filming: what replay shows as a GIF and an asciinema cast, made in another process."""

import json
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tms_engine import plugins
from tms_engine.errors import InputError, visible
from tms_engine.files import dated_name, free_name
from tms_tui.cast import CAST_FPS, GIF_FPS, frames, options_to_text
from tms_tui.child import Child
from tms_tui.drawing.modes import Mode
from tms_tui.messages import FilmProgress, StartFilm

if TYPE_CHECKING:
    from tms_engine.training.run import Run


def start_film(run: "Run", wanted: StartFilm, size: tuple[int, int], mode: Mode) -> "Film":
    """Film a run into NAME-TIME.gif and .cast in the current directory; returns at once.

    `size` is that of the cast, in columns and rows. Raises InputError where there is no current directory.
    """
    from tms_engine.runs.places import absolute

    base = absolute(Path())
    name = dated_name(wanted.run_name)
    gif, cast = (free_name(base, name + suffix) for suffix in (".gif", ".cast"))
    asked = {
        "gif": str(gif), "cast": str(cast), "options": options_to_text(wanted.options), "first": wanted.first,
        "last": wanted.last, "seconds": wanted.seconds, "turn": wanted.turn, "size": size, "mode": mode,
        "plugins": list(plugins.loaded()),
    }  # fmt: skip
    total = frames(wanted.seconds, GIF_FPS) + frames(wanted.seconds, CAST_FPS)
    return Film(run, json.dumps(asked), FilmProgress(0, total), (gif, cast))


class Film:
    """A film that is being made. Nothing here waits, but `wait`."""

    def __init__(self, run: "Run", asked: str, progress: FilmProgress, files: tuple[Path, ...]) -> None:
        self._progress, self._files = progress, files
        self._cancelled = threading.Event()
        self._process: Child | None = None
        self._thread = threading.Thread(target=self._work, args=(run, asked), name="film", daemon=True)
        self._thread.start()

    def poll(self) -> FilmProgress:
        return self._progress

    def cancel(self) -> None:
        self._cancelled.set()
        filming = self._process
        if filming is not None:
            filming.end()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait, for tests and scripts; True if it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self, run: "Run", asked: str) -> None:
        """The thread."""
        try:
            self._film(run, asked)
            error = "the film was cancelled" if self._cancelled.is_set() else ""
        except InputError as mistake:
            error = str(mistake)
        except Exception as failure:  # nothing may be lost in a thread
            error = visible(" ".join(f"{type(failure).__name__}: {failure}".split()))
        there = tuple(str(path) for path in self._files if path.exists())
        self._progress = self._progress._replace(finished=True, error=error, files=there)

    def _film(self, run: "Run", asked: str) -> None:
        """Start the process and follow it to its end. Raises InputError if it fails."""
        from tms_engine.runs import save_run

        with tempfile.TemporaryDirectory(prefix="tms-film-") as directory:
            save_run(run, Path(directory) / "run", evaluated=False)
            filming = self._process = Child("tms_tui.cast", str(Path(directory) / "run"), asked, listens=True)
            if self._cancelled.is_set():
                filming.end()
            for line in filming.lines():
                done, _, total = line.partition(" ")
                if done.isdigit() and total.strip().isdigit():
                    self._progress = self._progress._replace(done=int(done), total=int(total))
            try:
                filming.wait("the film")
            except InputError:
                if not self._cancelled.is_set():
                    raise
