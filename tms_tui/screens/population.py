"""The population: all instances side by side. It shows a Model."""

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from tms_tui.drawing.modes import Mode
from tms_tui.panes.pane_keys import screen_bindings
from tms_tui.panes.wall import Wall
from tms_tui.screens.full_screen import FullScreen


class Population(FullScreen):
    """The wall of all spaces."""

    FULL = "population"
    FIRST = "wall"
    BINDINGS: ClassVar[list[BindingType]] = screen_bindings("population")

    def __init__(self, mode: Mode, colors: int) -> None:
        super().__init__(mode, colors)
        self.panes = {"wall": Wall(mode, id="wall", classes="pane")}
        self.moving = frozenset({"wall"})

    def body(self) -> Iterator[Widget]:
        yield self.panes["wall"]


SCREEN = Population
