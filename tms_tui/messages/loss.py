"""Messages and effects of the loss: which part of it is shown, and what is drawn over it."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tms_engine.experiment import Experiment
from tms_tui.drawing.loss_chart import Other
from tms_tui.record import Record

if TYPE_CHECKING:
    from tms_engine.analysis.levels import Level

Axis = Literal["steps", "losses"]


class ZoomLoss(Record):
    axis: Axis
    direction: int  # 1: nearer
    step: float | None = None  # what stays where it is; None: the step that is looked at
    loss: float | None = None  # likewise; None: the middle


class PanLoss(Record):
    """Move what is shown, by parts of it."""

    right: float
    up: float


class WholeLoss(Record):
    pass


class ToggleLogSteps(Record):
    pass


class NextOverlay(Record):
    """The other instances, theory's levels, another run if one was chosen, nothing."""


class OverlayRun(Record):
    """Draw the loss of the run in this directory over that of the run."""

    directory: Path


class RunToOverlay(Record):
    other: Other


class LevelsFound(Record):
    experiment: Experiment  # of which instance they are
    instance: int
    levels: tuple["Level", ...]
    why_none: str  # one sentence, or ""


class LoadOverlay(Record):
    """Answered by RunToOverlay or Refused."""

    directory: Path


class FindLevels(Record):
    """Answered by LevelsFound."""

    experiment: Experiment
    instance: int
