"""LossLook: how the loss is looked at, in one frozen record."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tms_engine.experiment import Experiment
from tms_tui.drawing.loss_chart import Other, Window

if TYPE_CHECKING:
    from tms_engine.analysis.levels import Level

_WHOLE = Window()

Overlay = Literal["nothing", "instances", "theory", "run"]


@dataclass(frozen=True)
class LossLook:
    """Which part of the loss is shown, and what is drawn over it."""

    window: Window = _WHOLE
    log_steps: bool = False
    overlay: Overlay = "nothing"
    other: Other | None = None  # the run that was chosen to be laid over it
    levels: tuple["Level", ...] = ()  # that theory knows
    levels_of: tuple[Experiment, int] | None = None  # the experiment and the instance that they are of
    asked: tuple[Experiment, int] | None = None  # those of which they are being worked out
