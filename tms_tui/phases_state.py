"""What the screen of phases shows: a sweep, along which axes, by which colours, and where its cursor is."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Int64

if TYPE_CHECKING:
    from tms_engine.sweeps.diagram import Axis, Seen, Theory, TheoryOf
    from tms_engine.sweeps.grid import Grid

PhaseColoring = Literal["name", "loss", "paper", "dimensionality"]
PHASE_COLORINGS: tuple[PhaseColoring, ...] = get_args(PhaseColoring)


class SweepShape(NamedTuple):
    """What of a sweep does not change.

    axes    its directions; places: (axes, points), of each point along them
    theory  what theory can be asked about it; None where there is none
    """

    grid: "Grid"
    axes: "tuple[Axis, ...]"
    places: Int64[np.ndarray, "axes points"]
    theory: "TheoryOf | None"


@dataclass(frozen=True, eq=False)
class PhasesState:
    """A sweep on the screen.

    path      its directory; None: none is shown, and one is offered
    offer     which of those that are offered is chosen
    shape     None before the first look at it
    seen      how far it is
    theory    as far as it is worked out
    error     why it cannot be followed any more, "" if it can
    across, down  the axes that are shown; `down` is −1 where there is one alone, both where there is none
    at        the place of the cursor along each axis
    coloring, feature  how cells are coloured
    process   of this app, that trains it; 0 where there is none
    starting  what is waited for, "" if nothing is
    """

    path: Path | None = None
    offer: int = 0
    shape: SweepShape | None = None
    seen: "Seen | None" = None
    theory: "Theory | None" = None
    error: str = ""
    across: int = -1
    down: int = -1
    at: tuple[int, ...] = ()
    coloring: PhaseColoring = "name"
    feature: int = 0
    process: int = 0
    starting: str = ""

    @property
    def n_features(self) -> int:
        """Of which norm and dimensionality are known."""
        points = self.seen.points if self.seen else None
        return 0 if points is None or points.norm is None else points.norm.shape[1]


def with_shape(state: PhasesState, shape: SweepShape) -> PhasesState:
    """The state once it is known what the sweep is: its first two axes, the cursor in the middle."""
    n = len(shape.axes)
    across, down = (1, 0) if n > 1 else (0, -1) if n else (-1, -1)
    at = tuple(len(axis.values) // 2 if k in (across, down) else 0 for k, axis in enumerate(shape.axes))
    last = shape.grid.spec.base.n_features - 1
    coloring: PhaseColoring = "name"
    if shape.theory is not None and (shape.grid.spec.per_feature or shape.grid.spec.weights):
        coloring = "paper"
    return replace(state, shape=shape, across=across, down=down, at=at, feature=last, coloring=coloring)


def order_of(axis: "Axis", upwards: bool) -> list[int]:
    """The places of an axis as they are drawn: numbers from left to right, or from below to above."""
    numbers = axis.numbers()
    if numbers is None:
        return list(range(len(axis.values)))
    ascending = [int(k) for k in np.argsort(numbers, kind="stable")]
    return ascending[::-1] if upwards else ascending


def drawn_points(state: PhasesState) -> Int64[np.ndarray, "rows columns"]:
    """The point of the grid in each cell as it is drawn, at the cursor's place along the other axes."""
    shape = state.shape
    assert shape is not None
    shown = [k for k in (state.down, state.across) if k >= 0]
    keep = np.ones(shape.places.shape[1], bool)
    for k, place in enumerate(state.at):
        if k not in shown:
            keep &= shape.places[k] == place
    points = np.flatnonzero(keep)
    if state.across < 0:
        return points[:1].reshape(1, 1)
    sizes = [len(shape.axes[k].values) for k in shown]
    table = np.zeros(sizes, np.int64)
    table[tuple(shape.places[k][points] for k in shown)] = points
    columns = order_of(shape.axes[state.across], upwards=False)
    if state.down < 0:
        return table[columns][None]
    return table[order_of(shape.axes[state.down], upwards=True)][:, columns]


def point_of(state: PhasesState) -> int:
    """The point that the cursor is at; −1 before there is a sweep."""
    if state.shape is None:
        return -1
    here = np.ones(state.shape.places.shape[1], bool)
    for k, place in enumerate(state.at):
        here &= state.shape.places[k] == place
    return int(np.flatnonzero(here)[0])


def cursor_of(state: PhasesState) -> tuple[int, int]:
    """Row and column of the cursor, as cells are drawn."""
    if state.shape is None or state.across < 0:
        return 0, 0
    column = order_of(state.shape.axes[state.across], False).index(state.at[state.across])
    if state.down < 0:
        return 0, column
    return order_of(state.shape.axes[state.down], True).index(state.at[state.down]), column


def moved(state: PhasesState, down: int, right: int) -> PhasesState:
    """The cursor so many cells on, up to the edges."""
    if state.shape is None:
        return state
    at = list(state.at)
    row, column = cursor_of(state)
    for axis, place, by, upwards in ((state.across, column, right, False), (state.down, row, down, True)):
        if axis >= 0 and by:
            order = order_of(state.shape.axes[axis], upwards)
            at[axis] = order[min(max(place + by, 0), len(order) - 1)]
    return replace(state, at=tuple(at))


def turned(state: PhasesState, is_across: bool) -> PhasesState:
    """Another axis across, or down: the next one; where there are two, they change places."""
    shape = state.shape
    if shape is None or len(shape.axes) < 2:
        return state
    own, other = (state.across, state.down) if is_across else (state.down, state.across)
    after = (own + 1) % len(shape.axes)
    if after == other and len(shape.axes) > 2:
        after = (after + 1) % len(shape.axes)
    elif after == other:
        other = own
    return replace(state, across=after, down=other) if is_across else replace(state, across=other, down=after)


def stepped(state: PhasesState, direction: int) -> PhasesState:
    """The next place along the axes that are not shown; the last of them is the fastest."""
    shape = state.shape
    if shape is None:
        return state
    others = [k for k in range(len(shape.axes)) if k not in (state.across, state.down)]
    at = list(state.at)
    for k in reversed(others):
        at[k] += direction
        size = len(shape.axes[k].values)
        if 0 <= at[k] < size:
            break
        at[k] %= size
    return replace(state, at=tuple(at))
