"""ViewOptions: how a run is looked at, in one frozen record. Nothing in it changes the run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar, get_args

from tms_engine.analysis.projection import HOME, Camera
from tms_tui.drawing.palettes import FeaturePalette

Data = Literal["none", "trained", "1 active", "2 active", "3 active", "1, 2, 3 active"]
Coloring = Literal["all magnitudes", "one feature", "strongest feature", "error"]
Guides = Literal["axes", "axes and sphere", "nothing"]
Projection = Literal["PCA", "axes", "grand tour"]

DATA: tuple[Data, ...] = get_args(Data)
COLORINGS: tuple[Coloring, ...] = get_args(Coloring)
GUIDES: tuple[Guides, ...] = get_args(Guides)
PROJECTIONS: tuple[Projection, ...] = get_args(Projection)

# Points of a cloud.
POINTS = (1000, 4000, 20_000, 100_000)

# Degrees a second of the auto-turn, and radians a second of the grand tour.
TURN_SPEED = 18.0
TOUR_SPEED = 0.25

Value = TypeVar("Value")


@dataclass(frozen=True)
class ViewOptions:
    """How a run is looked at."""

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
    step: int | None = None  # looked at, and where the loss's cursor is; None: the newest
    points: int = 4000
    palette: FeaturePalette = "tableau"
    edges: bool = False  # of the solid
    sides: bool = True  # whether the panes beside the space are there
    projector: bool = False  # large print

    @property
    def still(self) -> "ViewOptions":
        """Without the camera and tour time, which change every frame."""
        return replace(self, camera=HOME, tour_time=0.0)

    @property
    def of_scene(self) -> "ViewOptions":
        """Only what the scene in the space depends on, the rest at its default."""
        tour_time = self.tour_time if self.projection == "grand tour" else 0.0
        return replace(
            self,
            camera=HOME,
            tour_time=tour_time,
            turning=True,
            log=True,
            step=None,
            edges=False,
            sides=True,
            projector=False,
        )


def cycle(values: Sequence[Value], value: Value) -> Value:
    """The value after this one; after the last, the first."""
    return values[(values.index(value) + 1) % len(values)] if value in values else values[0]
