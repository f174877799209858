"""Look: all about how a run is looked at, in one frozen record. The screen is a function of View and Look."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from tms_engine.analysis.projection import HOME, Camera

Data = Literal["none", "trained", "1 active", "2 active", "3 active", "1, 2, 3 active"]
Coloring = Literal["all magnitudes", "one feature", "strongest feature", "error"]
Guides = Literal["axes", "axes and sphere", "nothing"]
Projection = Literal["PCA", "axes", "grand tour"]
Palette = Literal["tableau", "safe"]

DATA: tuple[Data, ...] = get_args(Data)
COLORINGS: tuple[Coloring, ...] = get_args(Coloring)
GUIDES: tuple[Guides, ...] = get_args(Guides)
PROJECTIONS: tuple[Projection, ...] = get_args(Projection)
PALETTES: tuple[Palette, ...] = get_args(Palette)

Value = TypeVar("Value")

# Steps a second that < and > go through; the last is no limit.
PACES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 200_000, math.inf)
# The seed's 10,000 steps last 20 s.
DEFAULT_PACE = 500.0

POINTS = (1000, 4000, 20_000, 100_000)

# Degrees a second of the auto-turn, and radians a second of the grand tour.
TURN_SPEED = 18.0
TOUR_SPEED = 0.25


@dataclass(frozen=True)
class Look:
    """How a run is looked at; nothing here changes the run."""

    data: Data = "trained"
    coloring: Coloring = "all magnitudes"
    feature: int | None = None  # the selected one
    instance: int = 0
    guides: Guides = "axes"
    projection: Projection = "PCA"  # of more than 3 hidden dimensions
    axes: tuple[int, ...] = (0, 1, 2)
    tour_time: float = 0.0
    camera: Camera = HOME
    turning: bool = True
    log: bool = True
    step: int | None = None  # looked back at; None: now
    cursor: int | None = None  # step at which the loss is read
    points: int = 4000
    palette: Palette = "tableau"


def pace_after(pace: float, direction: int) -> float:
    """The next pace of the ladder above (1) or below (−1) this one."""
    if direction > 0:
        return next((p for p in PACES if p > pace), math.inf)
    return next((p for p in reversed(PACES) if p < pace), PACES[0])


def cycle(values: Sequence[Value], value: Value) -> Value:
    """The value after this one, in a circle."""
    return values[(values.index(value) + 1) % len(values)] if value in values else values[0]
