"""Figures of a run, made by another process, so that the screen never stutters: `python -m tms_tui.export`.

`start_export` returns at once. A thread saves the run into its new directory and writes export.json there,
which says what to draw. The process it then starts, at low priority, loads the run, draws into figures/, and
prints the path of each file that is there, as a line of JSON. What is left when anything ends early is
whole: the engine writes every file beside its place and moves it there.
"""

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tms_engine.analysis.projection import Camera
from tms_engine.errors import InputError

if TYPE_CHECKING:
    from tms_engine.training.run import Run

Format = Literal["png", "html"]

REQUEST = "export.json"
_FILES: dict[Format, int] = {"png": 6, "html": 3}
_NO_PLOTLY = "HTML figures are left out, they need plotly: pip install 'tms-tui[html]'"
# How much the drawing stands back behind the screen and the training.
_NICENESS = 10


@dataclass(frozen=True)
class ExportProgress:
    """How far an export is."""

    done: tuple[Path, ...]  # figures that are there
    total: int  # figures there will be
    finished: bool  # nothing more will come, for better or for worse
    error: str  # one sentence on what went wrong, or ""
    note: str  # one sentence on what is left out, or ""


def new_directory(base: Path, name: str) -> Path:
    """BASE/NAME, or BASE/NAME-2 and so on where that is taken. Makes nothing."""
    path, count = base / name, 1
    while os.path.lexists(path):
        count += 1
        path = base / f"{name}-{count}"
    return path


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
) -> "Export":
    """Save a run into a new (or empty) directory, and its figures into figures/ in that; returns at once.

    `step` is the step of kept weights to draw, where the screen has gone back to them; the run that is
    saved is always the whole. What cannot be done is told by the progress.
    """
    if run.state.step != run.history.step:
        raise ValueError("a run is saved whole: say with `step` which of its weights to draw")
    note = ""
    if "html" in formats and importlib.util.find_spec("plotly") is None:
        formats, note = tuple(kind for kind in formats if kind != "html"), _NO_PLOTLY
    request = {
        "step": step,
        "instance": instance,
        "camera": asdict(camera),
        "axes": axes,
        "dpi": dpi,
        "formats": formats,
    }
    return Export(run, directory.absolute(), request, note)


class Export:
    """An export under way. Neither method waits for anything."""

    def __init__(self, run: "Run", directory: Path, request: dict[str, Any], note: str) -> None:
        self.directory = directory
        total = sum(_FILES[kind] for kind in request["formats"])
        self._progress = ExportProgress((), total, False, "", note)
        self._cancelled = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._work, args=(run, request), name="export", daemon=True)
        self._thread.start()

    def poll(self) -> ExportProgress:
        return self._progress

    def cancel(self) -> None:
        """End it; the figures that are there stay."""
        self._cancelled.set()
        process = self._process
        if process is not None:
            process.terminate()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait, for tests and scripts; True if the export has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self, run: "Run", request: dict[str, Any]) -> None:
        """The thread."""
        try:
            self._export(run, request)
            error = "the export was cancelled" if self._cancelled.is_set() else ""
        except InputError as mistake:
            error = str(mistake)
        except Exception as failure:  # nothing may be lost in a thread
            error = " ".join(f"{type(failure).__name__}: {failure}".split())
        self._progress = replace(self._progress, finished=True, error=error)

    def _export(self, run: "Run", request: dict[str, Any]) -> None:
        from tms_engine.runs import save_run, write_atomically

        _claim(self.directory)
        save_run(run, self.directory)
        if not request["formats"] and self._progress.note:
            raise InputError(self._progress.note)
        if self._cancelled.is_set() or not request["formats"]:
            return
        write_atomically(self.directory / REQUEST, json.dumps(request, indent=2).encode())
        try:
            self._draw()
        finally:
            for part in (self.directory / "figures").glob("*.part"):
                with contextlib.suppress(OSError):
                    part.unlink()

    def _draw(self) -> None:
        """Start the process and follow it to its end. Raises InputError if that is not a good one."""
        command = [sys.executable, "-m", "tms_tui.export", str(self.directory / REQUEST)]
        with (
            tempfile.TemporaryFile("w+", errors="replace") as complaints,
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                # Where the package is: Python finds it, and nothing of the user's directory instead.
                cwd=Path(__file__).parent.parent,
                start_new_session=True,  # signals of the terminal are not meant for it
            ) as process,
        ):
            self._process = process
            if self._cancelled.is_set():
                process.terminate()
            assert process.stdout
            for line in process.stdout:
                self._progress = replace(self._progress, done=(*self._progress.done, Path(json.loads(line))))
            code = process.wait()
            if code == 0 or self._cancelled.is_set():
                return
            complaints.seek(0)
            lines = complaints.read().split("\n")
            reason = next((line.strip() for line in reversed(lines) if line.strip()), "")
            raise InputError(reason or f"the figures' process was ended by signal {-code}")


def _claim(directory: Path) -> None:
    """Make a directory, or find it empty. Raises InputError."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        taken = any(directory.iterdir())
    except OSError as error:
        raise InputError(f"cannot write to {directory}: {(error.strerror or str(error)).lower()}") from None
    if taken:
        raise InputError(f"{directory} is there already, and not empty: choose a new directory")


def as_of(run: "Run", step: int) -> "Run":
    """A run as it was at the step nearest to `step` of which it keeps the weights, to be drawn."""
    shown = run.at(step)
    return run._replace(
        state=run.state._replace(step=shown.step, parameters=shown.parameters),
        changes=tuple(change for change in run.changes if change.step <= shown.step),
    )


def main() -> int:
    """The process: draw what a run directory's export.json asks for."""
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    path = Path(sys.argv[1])
    request = json.loads(path.read_text(encoding="utf-8"))
    try:
        draw(path.parent, request)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def draw(directory: Path, request: dict[str, Any]) -> None:
    """Draw a run's figures into figures/ in its directory, and print the path of each as it is there."""
    from tms_engine import load_run, save_figures, save_html

    run = load_run(directory)
    if request["step"] is not None:
        run = as_of(run, request["step"])
    figures, instance, axes = directory / "figures", request["instance"], request["axes"]

    def tell(path: Path) -> None:
        print(json.dumps(str(path)), flush=True)

    camera = Camera(**request["camera"])
    if "png" in request["formats"]:
        save_figures(
            run, figures, instance=instance, dpi=request["dpi"], camera=camera, axes=axes, on_saved=tell
        )
    if "html" in request["formats"]:
        save_html(run, figures, instance=instance, camera=camera, axes=axes, on_saved=tell)


if __name__ == "__main__":
    sys.exit(main())
