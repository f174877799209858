"""Messages and effects of finding something by its name: the palette, search, and the lists of runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tms_tui.messages import Message

# What is looked for: anything that can be done; a feature, an instance or a run, to go there; a run whose
# loss is drawn over the one on the screen, or which is compared with it.
Aim = Literal["commands", "search", "overlay", "compare"]


@dataclass(frozen=True)
class OpenFinder:
    aim: Aim


@dataclass(frozen=True)
class OpenJumps:
    """Show a letter over each pane and row."""


@dataclass(frozen=True)
class FinderClosed:
    """What was found, or jumped to, to be done; None: nothing was chosen."""

    chosen: "Message | None"


@dataclass(frozen=True)
class GoToFeature:
    """Select a feature in the dashboard."""

    feature: int


@dataclass(frozen=True)
class GoToCell:
    """Put the cursor of W Wᵀ on a cell: of two features."""

    feature: int
    other: int


@dataclass(frozen=True)
class GoToNumber:
    """Put the cursor of the numbers on a row."""

    row: int


@dataclass(frozen=True)
class GoToInstance:
    """Select an instance where instances are shown."""

    instance: int


@dataclass(frozen=True)
class GoToRun:
    """Choose a run or a sweep on the screen of runs, and `opens` it too."""

    path: Path
    opens: bool = False


@dataclass(frozen=True)
class ChooseTheme:
    theme: str


# Effects.


@dataclass(frozen=True)
class Find:
    """Show the dialog. Answered by FinderClosed."""

    aim: Aim


@dataclass(frozen=True)
class ShowJumps:
    """Answered by FinderClosed."""
