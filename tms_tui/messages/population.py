"""Messages of the population: moving in it, sorting, searching."""

from typing import Literal

from tms_tui.record import Record

Goal = Literal["best", "worst", "same name"]


class MoveOnWall(Record):
    """To a neighbouring tile."""

    right: int
    down: int


class MoveRow(Record):
    """So many rows down in the order."""

    down: int


class MovePage(Record):
    down: int  # 1: a page down; −1: up


class MoveToEnd(Record):
    direction: int  # −1: to the first of the order; 1: to the last


class MoveName(Record):
    down: int  # 1: to the next name of the histogram; −1: to the one above


class GoTo(Record):
    goal: Goal


class SortNext(Record):
    direction: int  # 1: by the column to the right


class Reverse(Record):
    """The other way round."""


class OpenInstance(Record):
    """Show the selected instance in the dashboard."""


class Search(Record):
    """Begin to search for a number or a name."""


# Of the mouse and the search line.


class SelectInstance(Record):
    instance: int


class SortBy(Record):
    """A column's heading was clicked: sort by it; if that is so, the other way round."""

    column: str


class SearchTyped(Record):
    text: str


class SearchEnded(Record):
    accepted: bool  # else the selection is what it was before


PopulationKey = (
    MoveOnWall | MoveRow | MovePage | MoveToEnd | MoveName | GoTo | SortNext | Reverse | OpenInstance | Search
)
PopulationMessage = PopulationKey | SelectInstance | SortBy | SearchTyped | SearchEnded
