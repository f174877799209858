"""Messages and effects of the screen of runs."""

from dataclasses import dataclass
from pathlib import Path

from tms_tui.runs_state import Preview, RunColumn, RunLine

# Of keys.


@dataclass(frozen=True)
class ChooseRun:
    """Another line, so many below; in pages of what is seen at once."""

    by: int
    pages: bool = False


@dataclass(frozen=True)
class ChooseEnd:
    """The last line, or the first."""

    last: bool


@dataclass(frozen=True)
class OpenChosen:
    """Open what is chosen: a run, followed while another process trains it; or a sweep."""


@dataclass(frozen=True)
class RenameChosen:
    pass


@dataclass(frozen=True)
class DeleteChosen:
    pass


@dataclass(frozen=True)
class ExportChosenRun:
    """Draw the figures of what is chosen, into its directory."""


@dataclass(frozen=True)
class CompareChosen:
    """Compare the best instance of the chosen run with what the dashboard shows."""


@dataclass(frozen=True)
class OverlayChosen:
    """Draw the loss of the chosen run over that of the dashboard's."""


@dataclass(frozen=True)
class SortRuns:
    """By the column so many to the right."""

    by: int


@dataclass(frozen=True)
class ReverseRuns:
    """The other way round."""


# Of the mouse.


@dataclass(frozen=True)
class SortRunsBy:
    """A column's heading was clicked: sort by it; if that is so, the other way round."""

    column: RunColumn


@dataclass(frozen=True)
class PointAtRun:
    """A line was clicked; the chosen one again: open it."""

    place: int


# Of dialogs and the shell.


@dataclass(frozen=True)
class RunsSeen:
    """A look at the directory; `error` is why there will be no other one, or ""."""

    directory: Path
    lines: tuple[RunLine, ...]
    complete: bool
    error: str = ""


@dataclass(frozen=True)
class PreviewSeen:
    preview: Preview


@dataclass(frozen=True)
class RunChosen:
    """A run directory is to be opened in the place of the run that is shown."""

    path: Path


@dataclass(frozen=True)
class RunOpened:
    path: Path
    step: int  # of its save, and how many live changes that has
    changes: int


@dataclass(frozen=True)
class RunNotOpened:
    sentence: str


@dataclass(frozen=True)
class Renamed:
    """The dialog was closed; None: without a name."""

    path: Path
    name: str | None


@dataclass(frozen=True)
class Deleted:
    """The question was answered."""

    path: Path
    agreed: bool


@dataclass(frozen=True)
class RunMoved:
    """A run or a sweep has another name, or is gone."""

    path: Path
    now: Path | None
    said: str


# Effects.


@dataclass(frozen=True)
class AskName:
    """Ask for another name. Answered by Renamed."""

    path: Path


@dataclass(frozen=True)
class AskDelete:
    """Ask whether to delete. Answered by Deleted."""

    path: Path
    what: str


@dataclass(frozen=True)
class OpenRun:
    """Open a run directory in the session. Answered by RunOpened or RunNotOpened."""

    path: Path


@dataclass(frozen=True)
class RenameRun:
    """Answered by RunMoved or Refused."""

    path: Path
    name: str


@dataclass(frozen=True)
class DeleteRun:
    """Answered by RunMoved or Refused."""

    path: Path


@dataclass(frozen=True)
class DrawFigures:
    """Draw the figures of a run on disk into its directory, in another process."""

    path: Path
