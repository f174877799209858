"""Sweeps that are trained by `tms sweep` in a process of its own, at low priority, which outlives the app.

The app makes the directory, so that what cannot be swept is one sentence at once, and follows it as anybody
else may.
"""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from tms_engine import plugins
from tms_engine.errors import InputError
from tms_engine.files import cannot, dated_name, names
from tms_tui.child import Child

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
        plugged = [f"--plugin={module}" for module in plugins.loaded()]
        self._child = Child("tms_engine", "sweep", str(path), "-q", *plugged)

    @property
    def pid(self) -> int:
        return self._child.pid

    def stop(self) -> None:
        """Ask it to stop; what is finished is kept."""
        self._asked = True
        self._child.interrupt()

    def poll(self) -> str | None:
        """None while it is there; then why it has ended, "" where it is finished or was asked to."""
        why = self._child.poll("the sweep")
        return "" if why and self._asked else why


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
