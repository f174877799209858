"""View: a session at one moment, as the training thread hands it to the screen."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from jaxtyping import Int64

from tms_engine.experiment import Experiment
from tms_engine.training.history import LossCurve
from tms_engine.training.state import Change, Snapshot
from tms_tui.census import Census

if TYPE_CHECKING:
    from tms_engine.analysis.evaluation import Comparison, Evaluation
    from tms_engine.runs import Status
    from tms_engine.training.run import Run

Phase = Literal[
    "loading", "compiling", "paused", "training", "finished", "diverged", "failed", "following", "ended"
]


class Note(NamedTuple):
    """The result of the latest relative command: the field that it changed, or why it changed nothing."""

    number: int  # of relative commands so far
    field: str  # of Experiment; its value is in View.experiment. "" if there is an error
    error: str  # one sentence, or ""
    extends: bool = False  # the run had taken all its steps, and trains on


@dataclass(frozen=True, eq=False)
class View:
    """A session at one moment. Arrays are read-only, and views share them."""

    phase: Phase  # diverged: every instance has; failed: see `error`; following, ended: see `following`
    error: str  # one sentence, or ""
    experiment: Experiment  # in force: as started, with the changes made since
    step: int
    steps: int
    snapshot: Snapshot | None  # the newest; None while loading
    run: "Run | None"  # a copy of the whole, for earlier steps; it may be some steps behind `snapshot`
    curve: LossCurve | None
    changes: tuple[Change, ...]
    diverged_at: Int64[np.ndarray, " instances"]  # step; −1 if it has not diverged
    evaluation: "Evaluation | None"  # loss on fresh data, as of `evaluation_step`
    comparison: "Comparison | None"  # places of the instances by it
    evaluation_step: int
    pace: float  # steps a second; math.inf: no limit
    to_end: bool  # trains at full speed to the last step, whatever the pace
    library: str  # torch or numba, whichever is loaded first; "" until that is known
    kernel: str  # "" while loading; the same holds for `reason` and `device`
    reason: str  # one line: the kernel, and why it was chosen
    device: str
    rate: float  # steps a second that the kernel takes
    kept_steps: tuple[int, ...]  # steps whose weights `run` keeps, ascending
    drift: int = 0  # 1: the sparsity drifts up; −1: down
    note: Note | None = None  # None before the first relative command
    following: "Status | None" = (
        None  # of the process that trains the run, where that is another; it is read only
    )
    census: Census | None = None  # of all instances, where it was asked for (`Session.watch`)
    place: str = ""  # the run directory that was taken over, to which the run is saved; "": none


def loading(view: View) -> str:
    """What is loaded, in words."""
    return f"loading {view.library}".strip()
