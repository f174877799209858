"""The dashboard: space, loss, features, W Wᵀ and numbers, the run bar and the keys. It shows a Model."""

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from tms_tui.drawing.modes import Mode
from tms_tui.panes import PANES, Place, pane_class
from tms_tui.panes.features_table import FeaturesTable
from tms_tui.panes.pane_keys import screen_bindings
from tms_tui.screens.full_screen import FullScreen
from tms_tui.screens.modal import draw_scrollbar_in_ascii


class Dashboard(FullScreen):
    """One instance, in the panes of the table in panes/__init__.py."""

    FULL = "dashboard"
    FIRST = "space"
    BINDINGS: ClassVar[list[BindingType]] = screen_bindings("dashboard")

    def __init__(self, mode: Mode, colors: int) -> None:
        super().__init__(mode, colors)
        self.panes = {name: pane_class(name)(mode, id=name, classes="pane") for name in PANES}
        self.moving = frozenset(name for name in PANES if PANES[name].place == "body")

    def body(self) -> Iterator[Widget]:
        yield from self._placed("body")
        with Vertical(id="side"):
            yield from self._placed("side")
            with Horizontal(id="low"):
                yield from self._placed("low")

    def on_mount(self) -> None:  # Textual calls that of FullScreen too
        if self.mode == "ascii":
            draw_scrollbar_in_ascii(self.query_one(FeaturesTable))

    def _placed(self, place: Place) -> list[Widget]:
        return [pane for name, pane in self.panes.items() if PANES[name].place == place]


SCREEN = Dashboard
