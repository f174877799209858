"""Messages and effects of the screen of phases."""

from pathlib import Path
from typing import TYPE_CHECKING

from tms_engine.experiment import Experiment
from tms_tui.phases_state import SweepShape
from tms_tui.record import Record

if TYPE_CHECKING:
    from tms_engine.sweeps.diagram import Seen, Theory
    from tms_engine.sweeps.spec import Spec


# Of keys.


class MovePhaseCell(Record):
    down: int
    right: int


class OpenCell(Record):
    """Train the best model of the cell, or all of them; without a sweep, train what is offered."""

    whole: bool = False


class NextPhaseColoring(Record):
    pass


class NextPhaseFeature(Record):
    direction: int


class TurnAxis(Record):
    """Another axis across, or down."""

    is_across: bool


class StepOthers(Record):
    """The next place along the axes that are not shown."""

    direction: int


class ToggleSweep(Record):
    """Stop the sweep that a process of this app trains, or go on with one that nobody trains."""


# Of the mouse.


class PointAtCell(Record):
    row: int
    column: int


# Of the shell.


class SweepSeen(Record):
    """A look at the sweep that is shown; `error` is why there will be no other one, or ""."""

    path: Path
    shape: SweepShape | None = None
    seen: "Seen | None" = None
    error: str = ""


class TheorySeen(Record):
    path: Path
    theory: "Theory"


class SweepStarted(Record):
    """A process of this app trains a sweep."""

    path: Path
    process: int


class SweepRefused(Record):
    """No process could be started; why."""

    sentence: str


class SweepEnded(Record):
    """It has ended; `error` is why, where that was before all models were trained and nobody had asked."""

    path: Path
    error: str


class SweepChosen(Record):
    """A sweep is to be begun, in another process."""

    spec: "Spec"
    name: str


class CellChosen(Record):
    """An experiment of a cell is to be trained in the place of the run that is shown."""

    experiment: Experiment
    name: str


# Effects.


class StartSweep(Record):
    """Begin a sweep in a new directory, trained by another process. Answered by SweepStarted or Refused."""

    spec: "Spec"
    name: str


class GoOnSweep(Record):
    """Train what is missing of a sweep, in another process. Answered by SweepStarted or Refused."""

    path: Path


class StopSweep(Record):
    """Ask the process of this app that trains a sweep to stop; what is finished is kept."""

    path: Path
