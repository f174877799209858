"""Messages and effects of finding something by its name: the palette, search, and the lists of runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tms_tui.record import Record

if TYPE_CHECKING:
    from tms_tui.messages import Message

# What is looked for: anything that can be done; a feature, an instance or a run, to go there; a run whose
# loss is drawn over the one on the screen, or which is compared with it.
Aim = Literal["commands", "search", "overlay", "compare"]


class OpenFinder(Record):
    aim: Aim


class OpenJumps(Record):
    """Show a letter over each pane and row."""


class FinderClosed(Record):
    """What was found, or jumped to, to be done; None: nothing was chosen."""

    chosen: "Message | None"


class GoToFeature(Record):
    """Select a feature in the dashboard."""

    feature: int


class GoToCell(Record):
    """Put the cursor of W Wᵀ on a cell: of two features."""

    feature: int
    other: int


class GoToNumber(Record):
    """Put the cursor of the numbers on a row."""

    row: int


class GoToInstance(Record):
    """Select an instance where instances are shown."""

    instance: int


class GoToRun(Record):
    """Choose a run or a sweep on the screen of runs, and `opens` it too."""

    path: Path
    opens: bool = False


class ChooseTheme(Record):
    theme: str


# Effects.


class Find(Record):
    """Show the dialog. Answered by FinderClosed."""

    aim: Aim


class ShowJumps(Record):
    """Answered by FinderClosed."""
