"""Messages and effects of the loss: which part of it is shown, and what is drawn over it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tms_engine.experiment import Experiment
from tms_tui.drawing.loss_chart import Other

if TYPE_CHECKING:
    from tms_engine.analysis.levels import Level

Axis = Literal["steps", "losses"]


@dataclass(frozen=True)
class ZoomLoss:
    axis: Axis
    direction: int  # 1: nearer
    step: float | None = None  # what stays where it is; None: the step that is looked at
    loss: float | None = None  # likewise; None: the middle


@dataclass(frozen=True)
class PanLoss:
    """Move what is shown, by parts of it."""

    right: float
    up: float


@dataclass(frozen=True)
class WholeLoss:
    pass


@dataclass(frozen=True)
class ToggleLogSteps:
    pass


@dataclass(frozen=True)
class NextOverlay:
    """The other instances, theory's levels, another run if one was chosen, nothing."""


@dataclass(frozen=True)
class OverlayRun:
    """Draw the loss of the run in this directory over that of the run."""

    directory: Path


@dataclass(frozen=True)
class RunToOverlay:
    other: Other


@dataclass(frozen=True)
class LevelsFound:
    experiment: Experiment  # of which instance they are
    instance: int
    levels: tuple["Level", ...]
    why_none: str  # one sentence, or ""


@dataclass(frozen=True)
class LoadOverlay:
    """Answered by RunToOverlay or Refused."""

    directory: Path


@dataclass(frozen=True)
class FindLevels:
    """Answered by LevelsFound."""

    experiment: Experiment
    instance: int
