"""Messages of the space: edges of solids, comparing two models, and the panes beside it."""

from pathlib import Path

from tms_tui.record import Record
from tms_tui.solids import Found, Pinned


class ToggleEdges(Record):
    pass


class ToggleSides(Record):
    """Let the side panes give way to the space, or come back."""


class Compare(Record):
    """Pin what is shown as the model before; from then on show both, the one before, the present."""


class CompareWith(Record):
    """Compare with the run of a directory. Another screen may send it; it leads to the dashboard's space."""

    directory: Path


class Before(Record):
    """The run that was asked for by CompareWith."""

    pinned: Pinned


class SpaceFound(Record):
    """The name of what is shown, and how it compares with the model before."""

    found: Found


class LoadBefore(Record):
    """An effect: read a run directory to compare with. Answered by Before or Refused."""

    directory: Path
