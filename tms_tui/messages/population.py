"""Messages of the population: moving in it, sorting, searching."""

from dataclasses import dataclass
from typing import Literal

Goal = Literal["best", "worst", "same name"]


@dataclass(frozen=True)
class MoveOnWall:
    """To a neighbouring tile."""

    right: int
    down: int


@dataclass(frozen=True)
class MoveRow:
    """So many rows down in the order."""

    down: int


@dataclass(frozen=True)
class MovePage:
    down: int  # 1: a page down; −1: up


@dataclass(frozen=True)
class MoveToEnd:
    direction: int  # −1: to the first of the order; 1: to the last


@dataclass(frozen=True)
class MoveName:
    down: int  # 1: to the next name of the histogram; −1: to the one above


@dataclass(frozen=True)
class GoTo:
    goal: Goal


@dataclass(frozen=True)
class SortNext:
    direction: int  # 1: by the column to the right


@dataclass(frozen=True)
class Reverse:
    """The other way round."""


@dataclass(frozen=True)
class OpenInstance:
    """Show the selected instance in the dashboard."""


@dataclass(frozen=True)
class Search:
    """Begin to search for a number or a name."""


# Of the mouse and the search line.


@dataclass(frozen=True)
class SelectInstance:
    instance: int


@dataclass(frozen=True)
class SortBy:
    """A column's heading was clicked: sort by it; if that is so, the other way round."""

    column: str


@dataclass(frozen=True)
class SearchTyped:
    text: str


@dataclass(frozen=True)
class SearchEnded:
    accepted: bool  # else the selection is what it was before


PopulationKey = (
    MoveOnWall | MoveRow | MovePage | MoveToEnd | MoveName | GoTo | SortNext | Reverse | OpenInstance | Search
)
PopulationMessage = PopulationKey | SelectInstance | SortBy | SearchTyped | SearchEnded
