"""Messages and effects of the screen of runs."""

from pathlib import Path

from tms_tui.record import Record
from tms_tui.runs_state import Preview, RunColumn, RunLine

# Of keys.


class ChooseRun(Record):
    """Another line, so many below; in pages of what is seen at once."""

    by: int
    pages: bool = False


class ChooseEnd(Record):
    """The last line, or the first."""

    last: bool


class OpenChosen(Record):
    """Open what is chosen: a run, followed while another process trains it; or a sweep."""


class RenameChosen(Record):
    pass


class DeleteChosen(Record):
    pass


class ExportChosenRun(Record):
    """Draw the figures of what is chosen, into its directory."""


class CompareChosen(Record):
    """Compare the best instance of the chosen run with what the dashboard shows."""


class OverlayChosen(Record):
    """Draw the loss of the chosen run over that of the dashboard's."""


class SortRuns(Record):
    """By the column so many to the right."""

    by: int


class ReverseRuns(Record):
    """The other way round."""


# Of the mouse.


class SortRunsBy(Record):
    """A column's heading was clicked: sort by it; if that is so, the other way round."""

    column: RunColumn


class PointAtRun(Record):
    """A line was clicked; the chosen one again: open it."""

    place: int


# Of dialogs and the shell.


class RunsSeen(Record):
    """A look at the directory; `error` is why there will be no other one, or ""."""

    directory: Path
    lines: tuple[RunLine, ...]
    complete: bool
    error: str = ""


class PreviewSeen(Record):
    preview: Preview


class RunChosen(Record):
    """A run directory is to be opened in the place of the run that is shown."""

    path: Path


class RunOpened(Record):
    path: Path
    step: int  # of its save, and how many live changes that has
    changes: int


class RunNotOpened(Record):
    sentence: str


class Renamed(Record):
    """The dialog was closed; None: without a name."""

    path: Path
    name: str | None


class Deleted(Record):
    """The question was answered."""

    path: Path
    agreed: bool


class RunMoved(Record):
    """A run or a sweep has another name, or is gone."""

    path: Path
    now: Path | None
    said: str


# Effects.


class AskName(Record):
    """Ask for another name. Answered by Renamed."""

    path: Path


class AskDelete(Record):
    """Ask whether to delete. Answered by Deleted."""

    path: Path
    what: str


class OpenRun(Record):
    """Open a run directory in the session. Answered by RunOpened or RunNotOpened."""

    path: Path


class RenameRun(Record):
    """Answered by RunMoved or Refused."""

    path: Path
    name: str


class DeleteRun(Record):
    """Answered by RunMoved or Refused."""

    path: Path


class DrawFigures(Record):
    """Draw the figures of a run on disk into its directory, in another process."""

    path: Path
