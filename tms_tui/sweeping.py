"""Sweeps that are trained by `tms sweep` in a process of its own, at low priority, which outlives the app.

The app makes the directory, so that what cannot be swept is one sentence at once, and follows it as anybody
else may.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tms_engine import plugins, process
from tms_engine.errors import InputError
from tms_engine.files import cannot, dated_name, names

if TYPE_CHECKING:
    from tms_engine.sweeps.spec import Spec


def new_sweep(spec: "Spec", name: str) -> Path:
    """A new directory among the runs that has this sweep, of which nothing is trained: its path.

    Raises InputError for one that cannot be trained or written.
    """
    from tms_engine.runs import runs_directory
    from tms_engine.runs.places import absolute
    from tms_engine.sweeps.directory import begin, check_disk
    from tms_engine.sweeps.grid import make_grid

    grid = make_grid(spec)
    base = absolute(runs_directory())
    check_disk(base, grid)
    try:
        base.mkdir(parents=True, exist_ok=True)
        for path in names(base, dated_name(name)):
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                begin(path, grid, sizes_given=False)
                return path
    except OSError as error:
        raise cannot(f"write to {base}", error) from None
    raise AssertionError("there is always another name")


class SweepProcess:
    """`tms sweep DIR`, under way. No method waits."""

    def __init__(self, path: Path) -> None:
        """Raises InputError if no process can be started."""
        self.path = path
        self._asked = False
        self._complaints = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        command = [sys.executable, "-m", "tms_engine", "sweep", str(path), "-q"]
        command += [f"--plugin={module}" for module in plugins.loaded()]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._complaints,
                # Where the package is: Python finds it, and nothing of the user's directory instead.
                cwd=Path(__file__).parent.parent,
                env=plugins.environment(),
                start_new_session=True,  # signals of the terminal are not meant for it
            )
        except OSError as error:
            raise cannot("start a process", error) from None
        process.give_way(self._process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """Ask it to stop; what is finished is kept."""
        self._asked = True
        with contextlib.suppress(OSError):
            os.kill(self._process.pid, signal.SIGINT)

    def poll(self) -> str | None:
        """None while it is there; then why it has ended, "" where it is finished or was asked to."""
        code = self._process.poll()
        if code is None:
            return None
        with self._complaints as complaints:
            complaints.seek(0)
            lines = [line.strip() for line in complaints.read().splitlines() if line.strip()]
        if code == 0 or self._asked:
            return ""
        if lines:
            return lines[-1].removeprefix("tms: ")
        return f"its process was ended by signal {-code}" if code < 0 else f"its process failed ({code})"


def start(spec: "Spec", name: str) -> SweepProcess:
    """Begin a sweep, in a new directory. Raises InputError."""
    path = new_sweep(spec, name)
    try:
        return SweepProcess(path)
    except InputError:
        from tms_engine.sweeps.listing import remove

        with contextlib.suppress(InputError, OSError):
            remove(path)
        raise
