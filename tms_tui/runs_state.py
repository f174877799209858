"""What the screen of runs shows: the runs and sweeps of a directory, and which of them is chosen."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from tms_engine.commands.runs import Row
    from tms_engine.sweeps.listing import Entry
    from tms_engine.training.state import Snapshot
    from tms_tui.phases_state import PhasesState


# What runs are sorted by: the columns of their table. By age they come from the disk, the newest first.
RunColumn = Literal["name", "experiment", "step", "loss", "age", "size", "state"]
RUN_COLUMNS: tuple[RunColumn, ...] = get_args(RunColumn)


class RunLine(NamedTuple):
    """A run or a sweep, and its line in the table."""

    entry: "Entry"
    row: "Row"
    is_sweep: bool
    state: str  # running, silent, finished, diverged, stopped, died, damaged

    @property
    def path(self) -> Path:
        return self.entry.path


class Preview(NamedTuple):
    """What the chosen one looks like: the weights of its best instance, or a sweep's diagram; or why not."""

    path: Path
    snapshot: "Snapshot | None" = None
    instance: int = 0
    phases: "PhasesState | None" = None
    error: str = ""


@dataclass(frozen=True, eq=False)
class RunsState:
    """A directory of runs on the screen.

    directory  which; None: where runs are saved
    lines      what is there, in order; None before the first look
    sort       the column by which they are in order
    backwards  whether it is the other way round
    complete   whether that is all
    error      why the directory cannot be read, "" if it can
    chosen     the path of the chosen one
    preview    of the chosen one, or of one that was chosen before
    opening    name of the run that is being opened, "" if none is
    """

    directory: Path | None = None
    lines: tuple[RunLine, ...] | None = None
    sort: RunColumn = "age"
    backwards: bool = False
    complete: bool = True
    error: str = ""
    chosen: Path | None = None
    preview: Preview | None = None
    opening: str = ""

    @property
    def place(self) -> int:
        """The line that is chosen; −1 if there is none."""
        for k, line in enumerate(self.lines or ()):
            if line.path == self.chosen:
                return k
        return -1

    @property
    def line(self) -> RunLine | None:
        place = self.place
        return self.lines[place] if self.lines and place >= 0 else None


def with_lines(state: RunsState, lines: tuple[RunLine, ...], complete: bool) -> RunsState:
    """The state after another look. What was chosen stays so; if it is gone, what is in its place."""
    before = state.place
    lines = in_order(lines, state.sort, state.backwards)
    state = replace(state, lines=lines, complete=complete, error="")
    if state.place < 0 and lines:
        state = replace(state, chosen=lines[min(max(before, 0), len(lines) - 1)].path)
    return state


def in_order(lines: tuple[RunLine, ...], column: RunColumn, backwards: bool) -> tuple[RunLine, ...]:
    """Runs in the order of a column; what is not known comes last, equals the newest first."""
    newest_first = sorted(lines, key=lambda line: -line.entry.written)
    known = [line for line in newest_first if _value(line, column) is not None]
    known.sort(key=lambda line: _value(line, column) or 0, reverse=backwards)
    return (*known, *(line for line in newest_first if _value(line, column) is None))


def _value(line: RunLine, column: RunColumn) -> float | str | None:
    """What a run is sorted by: the numbers themselves, not what is written of them. None: not known."""
    if column == "age":
        return -line.entry.written
    if column == "size":
        return line.entry.bytes
    if column == "state":
        return line.state
    if column == "name":
        return line.row.name.lower()
    if column == "experiment":
        return line.row.experiment or None
    status = getattr(line.entry, "status", None)
    if column == "loss":
        return (
            None if status is None or status.loss is None or not math.isfinite(status.loss) else status.loss
        )
    if status is not None:
        return float(status.step)
    finished = getattr(line.entry, "n_finished", None)
    return None if finished is None else float(finished)


def sorted_by(state: RunsState, column: RunColumn, backwards: bool) -> RunsState:
    """The same runs in another order."""
    lines = None if state.lines is None else in_order(state.lines, column, backwards)
    return replace(state, lines=lines, sort=column, backwards=backwards)


def chosen_by(state: RunsState, by: int) -> RunsState:
    """Another line chosen, so many below."""
    if not state.lines:
        return state
    return replace(state, chosen=state.lines[min(max(state.place + by, 0), len(state.lines) - 1)].path)
