"""Messages and effects of the screen of phases."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tms_engine.experiment import Experiment
from tms_tui.phases_state import SweepShape

if TYPE_CHECKING:
    from tms_engine.sweeps.diagram import Seen, Theory
    from tms_engine.sweeps.spec import Spec


# Of keys.


@dataclass(frozen=True)
class MovePhaseCell:
    down: int
    right: int


@dataclass(frozen=True)
class OpenCell:
    """Train the best model of the cell, or all of them; without a sweep, train what is offered."""

    whole: bool = False


@dataclass(frozen=True)
class NextPhaseColoring:
    pass


@dataclass(frozen=True)
class NextPhaseFeature:
    direction: int


@dataclass(frozen=True)
class TurnAxis:
    """Another axis across, or down."""

    is_across: bool


@dataclass(frozen=True)
class StepOthers:
    """The next place along the axes that are not shown."""

    direction: int


@dataclass(frozen=True)
class ToggleSweep:
    """Stop the sweep that a process of this app trains, or go on with one that nobody trains."""


# Of the mouse.


@dataclass(frozen=True)
class PointAtCell:
    row: int
    column: int


# Of the shell.


@dataclass(frozen=True)
class SweepSeen:
    """A look at the sweep that is shown; `error` is why there will be no other one, or ""."""

    path: Path
    shape: SweepShape | None = None
    seen: "Seen | None" = None
    error: str = ""


@dataclass(frozen=True)
class TheorySeen:
    path: Path
    theory: "Theory"


@dataclass(frozen=True)
class SweepStarted:
    """A process of this app trains a sweep."""

    path: Path
    process: int


@dataclass(frozen=True)
class SweepRefused:
    """No process could be started; why."""

    sentence: str


@dataclass(frozen=True)
class SweepEnded:
    """It has ended; `error` is why, where that was before all models were trained and nobody had asked."""

    path: Path
    error: str


@dataclass(frozen=True)
class SweepChosen:
    """A sweep is to be begun, in another process."""

    spec: "Spec"
    name: str


@dataclass(frozen=True)
class CellChosen:
    """An experiment of a cell is to be trained in the place of the run that is shown."""

    experiment: Experiment
    name: str


# Effects.


@dataclass(frozen=True)
class StartSweep:
    """Begin a sweep in a new directory, trained by another process. Answered by SweepStarted or Refused."""

    spec: "Spec"
    name: str


@dataclass(frozen=True)
class GoOnSweep:
    """Train what is missing of a sweep, in another process. Answered by SweepStarted or Refused."""

    path: Path


@dataclass(frozen=True)
class StopSweep:
    """Ask the process of this app that trains a sweep to stop; what is finished is kept."""

    path: Path
