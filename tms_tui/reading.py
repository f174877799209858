"""Reading: what is read of the screen, beside how the run is looked at; and the things to point at.

Kept apart from ViewOptions, on which the space depends: pointing at a row draws no scene anew.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from jaxtyping import Int64

if TYPE_CHECKING:
    from tms_engine.analysis.polytopes import Polytopes

# Panes that take turns where there is no room for all: beside each other, and in the place below.
Upper = Literal["features", "ladder"]
Lower = Literal["gram", "numbers"]
LadderMode = Literal["now", "steps"]


class Thing(NamedTuple):
    """What can be pointed at: a term of the table in `explain.py`, of a feature or of two if they are named.

    patch  how many rows and columns of W Wᵀ a place stands for, where that is more than one value
    row    of the numbers, or of the runs
    instance  of the run
    cell   of the phase diagram: row and column, as they are drawn
    """

    term: str
    feature: int | None = None
    other: int | None = None
    patch: tuple[int, int] = (1, 1)
    row: int | None = None
    instance: int | None = None
    cell: tuple[int, int] | None = None


class Solids(NamedTuple):
    """The parts found in one instance at one step, by which W Wᵀ is ordered."""

    instance: int
    step: int
    found: "Polytopes"


@dataclass(frozen=True)
class Reading:
    """What is read.

    under   what the mouse is over, until a key moves on; None: nothing
    other   the second chosen feature, beside `ViewOptions.feature`
    cell    features of the row and the column of W Wᵀ at which its cursor is; None before it was moved
    row     row of the numbers at which the cursor is, from the first
    upper   which of the features and the ladder is shown where there is room for one
    lower   which of W Wᵀ and the numbers is shown in the place of those two; None: neither
    ladder  what the ladder shows: D now, or over the steps
    by_solids  whether W Wᵀ is ordered by the solids that were found
    solids  the solids that were found, of an instance at a step
    """

    under: Thing | None = None
    other: int | None = None
    cell: tuple[int, int] | None = None
    row: int = 0
    upper: Upper = "features"
    lower: Lower | None = None
    ladder: LadderMode = "now"
    by_solids: bool = False
    solids: Solids | None = None


# Terminals that have room: for all four of these panes, and for W Wᵀ and the numbers below the others.
_WIDE, _NORMAL, _TALL = 150, 100, 30


def has_explain_line(rows: int) -> bool:
    """Whether the line of explanation has a row of its own; else it takes that of the keys, where asked."""
    return rows >= _TALL


def shown_panes(reading: Reading, columns: int, rows: int) -> tuple[str, ...]:
    """Which of the features, the ladder, W Wᵀ and the numbers a terminal of this size shows."""
    upper = ("features", "ladder") if columns >= _WIDE else (reading.upper,)
    if columns >= _NORMAL and rows >= _TALL:
        return (*upper, "gram", "numbers")
    if reading.lower is None:
        return upper
    return ("gram", "numbers") if columns >= _NORMAL else (reading.lower,)


def in_order(
    features: Int64[np.ndarray, " some"], by_solids: bool, solids: Solids | None, instance: int
) -> Int64[np.ndarray, " some"]:
    """The features of W Wᵀ as they stand in it: by their numbers, or part by part of the solids found."""
    if not by_solids or solids is None or solids.instance != instance:
        return features
    of_parts = [j for part in solids.found.parts for j in part.features]
    place = {j: at for at, j in enumerate(of_parts)}
    return np.array(sorted(features.tolist(), key=lambda j: (place.get(j, len(place)), j)), np.int64)
