"""Figures of a run, drawn by `tms figures` in a process of its own, so that the screen never stutters.

`start_export` returns at once. A thread saves the run into its new directory and starts the process, at low
priority, which draws into figures/ and prints the path of each file that is there. What is left when anything
ends early is whole: the engine writes a temporary file and moves it into place.
"""

import contextlib
import importlib.util
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tms_engine import plugins
from tms_engine.analysis.projection import Camera
from tms_engine.commands.figures import camera_options
from tms_engine.errors import InputError, visible
from tms_engine.figures import FIGURES, chosen_figures
from tms_tui.child import Child

if TYPE_CHECKING:
    from tms_engine.training.run import Run

Format = Literal["png", "html"]

_DOING = "an export of tms-tui"
_NO_PLOTLY = "HTML figures are left out, they need plotly: pip install 'tms-tui[html]'"


@dataclass(frozen=True)
class ExportProgress:
    """How far an export is."""

    done: tuple[Path, ...]  # figures that are there
    total: int  # figures there will be
    finished: bool  # it has ended, well or not
    error: str  # one sentence on what went wrong, or ""
    note: str  # one sentence on what is left out, or ""


def start_export(
    run: "Run",
    directory: Path,
    *,
    camera: Camera,
    instance: int,
    axes: tuple[int, ...] | None,
    step: int | None = None,
    dpi: int = 300,
    formats: tuple[Format, ...] = ("png", "html"),
    take_next: bool = False,
) -> "Export":
    """Save a run into a new (or empty) directory, and its figures into figures/ in that; returns at once.

    With `take_next`, an existing directory DIR makes it DIR-2, and so on, instead of an error. `step` is the
    kept step to draw (None: now); the run that is saved is always the whole. Errors are told by the progress,
    but InputError is raised where there is no current directory for a relative one.
    """
    from tms_engine.runs.places import absolute

    note = ""
    if "html" in formats and importlib.util.find_spec("plotly") is None:
        formats, note = tuple(kind for kind in formats if kind != "html"), _NO_PLOTLY
    options = [f"--instance={instance}", f"--dpi={dpi}", *camera_options(camera)]
    options += [] if step is None else [f"--step={step}"]
    options += [] if axes is None else [f"--axes={','.join(map(str, axes))}"]
    options += ["--html"] if "html" in formats else []
    options += [] if "png" in formats else ["--no-png"]
    options += [f"--plugin={module}" for module in plugins.loaded()]
    drawn = chosen_figures(None, run.experiment.n_instances)
    twins = [name for name in drawn if FIGURES[name].html]
    total = len(drawn) * ("png" in formats) + len(twins) * ("html" in formats)
    return Export(run, absolute(directory), options, ExportProgress((), total, False, "", note), take_next)


def start_figures(directory: Path, n_instances: int) -> "Export":
    """Draw the figures of a run on disk into its directory; returns at once. The progress tells errors."""
    from tms_engine.runs.places import absolute

    options = ["--dpi=300", *(f"--plugin={module}" for module in plugins.loaded())]
    total = len(chosen_figures(None, n_instances))
    return Export(None, absolute(directory), options, ExportProgress((), total, False, "", ""), False)


class Export:
    """An export under way. Neither method waits for anything, but `wait`."""

    def __init__(
        self,
        run: "Run | None",
        directory: Path,
        options: Sequence[str],
        progress: ExportProgress,
        take_next: bool,
    ) -> None:
        """`progress` is that of the start; where it has a total of 0, only the run is saved.

        Without a run, it is there already.
        """
        self.directory = directory  # the one taken, once the export has begun
        self._progress = progress
        self._cancelled = threading.Event()
        self._process: Child | None = None
        self._thread = threading.Thread(
            target=self._work, args=(run, options, take_next), name="export", daemon=True
        )
        self._thread.start()

    def poll(self) -> ExportProgress:
        return self._progress

    def cancel(self) -> None:
        """End it; the figures that are there stay."""
        self._cancelled.set()
        drawing = self._process
        if drawing is not None:
            drawing.end()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait, for tests and scripts; True if the export has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self, run: "Run | None", options: Sequence[str], take_next: bool) -> None:
        """The thread."""
        try:
            self._export(run, options, take_next)
            error = "the export was cancelled" if self._cancelled.is_set() else ""
        except InputError as mistake:
            error = str(mistake)
        except Exception as failure:  # nothing may be lost in a thread
            error = visible(" ".join(f"{type(failure).__name__}: {failure}".split()))
        self._progress = replace(self._progress, finished=True, error=error)

    def _export(self, run: "Run | None", options: Sequence[str], take_next: bool) -> None:
        from tms_engine.runs import claim, claim_new, save_run

        where = self.directory
        if run is not None:
            with claim_new(where.parent, where.name, _DOING) if take_next else claim(where, _DOING) as lock:
                self.directory = lock.path
                save_run(run, lock.path)
        if not self._progress.total and self._progress.note:
            raise InputError(self._progress.note)
        if self._cancelled.is_set() or not self._progress.total:
            return
        try:
            self._draw(options)
        finally:
            for part in (self.directory / "figures").glob("*.part"):
                with contextlib.suppress(OSError):
                    part.unlink()

    def _draw(self, options: Sequence[str]) -> None:
        """Start the process and follow it to its end. Raises InputError if it fails."""
        drawing = self._process = Child("tms_engine", "figures", str(self.directory), *options, listens=True)
        if self._cancelled.is_set():
            drawing.end()
        for line in drawing.lines():
            self._progress = replace(self._progress, done=(*self._progress.done, Path(line)))
        try:
            drawing.wait("the figures")
        except InputError:
            if not self._cancelled.is_set():
                raise
