"""Messages and effects of time: replay, the step that is looked at, films, the drift of the sparsity."""

from typing import NamedTuple

from tms_tui.record import Record
from tms_tui.view_options import ViewOptions


class ToggleReplay(Record):
    """Play the kept steps as a loop, or stop at the one that is shown."""


class MoveCursor(Record):
    """To the kept step before (−1) or after (1) the one that is looked at."""

    direction: int


class LookAt(Record):
    """Look at the kept step nearest to one: the mouse has chosen it."""

    step: int


class LookAgain(Record):
    """Look at the step that was looked at before a click, and train on if it trained then."""

    step: int | None
    trains: bool


class NextDrift(Record):
    """Let the sparsity drift up; asked again, down; and again, stay."""


class FilmNow(Record):
    """Write what replay shows as GIF and as an asciinema cast."""


class FilmProgress(NamedTuple):
    done: int  # pictures
    total: int
    finished: bool = False
    error: str = ""  # one sentence, or ""
    files: tuple[str, ...] = ()  # that are there, once it has finished


class FilmMoved(Record):
    progress: FilmProgress


class StartFilm(Record):
    """Film the run in another process. Answered by FilmMoved or Refused."""

    run_name: str
    options: ViewOptions
    first: int  # step
    last: int
    seconds: float
    turn: float  # degrees in all
