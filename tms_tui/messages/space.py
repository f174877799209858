"""Messages of the space: edges of solids, comparing two models, and the panes beside it."""

from dataclasses import dataclass
from pathlib import Path

from tms_tui.solids import Found, Pinned


@dataclass(frozen=True)
class ToggleEdges:
    pass


@dataclass(frozen=True)
class ToggleSides:
    """Let the side panes give way to the space, or come back."""


@dataclass(frozen=True)
class Compare:
    """Pin what is shown as the model before; from then on show both, the one before, the present."""


@dataclass(frozen=True)
class CompareWith:
    """Compare with the run of a directory. Another screen may send it; it leads to the dashboard's space."""

    directory: Path


@dataclass(frozen=True)
class Before:
    """The run that was asked for by CompareWith."""

    pinned: Pinned


@dataclass(frozen=True)
class SpaceFound:
    """The name of what is shown, and how it compares with the model before."""

    found: Found


@dataclass(frozen=True)
class LoadBefore:
    """An effect: read a run directory to compare with. Answered by Before or Refused."""

    directory: Path
