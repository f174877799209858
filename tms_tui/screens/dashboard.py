"""The dashboard: space, loss, and the panes that take turns beside them. It shows a Model."""

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from tms_tui.drawing.ascii import ascii_text
from tms_tui.drawing.modes import Mode
from tms_tui.messages import PaneName
from tms_tui.model import Model
from tms_tui.panes import PANES, Place, pane_class
from tms_tui.panes.comparison import Comparison, comparison
from tms_tui.panes.large import LargeNumbers, LargeTitle
from tms_tui.panes.pane_keys import screen_bindings
from tms_tui.panes.text import Text, set_title
from tms_tui.reading import shown_panes
from tms_tui.screens.full_screen import FullScreen


class Dashboard(FullScreen):
    """One instance, in the panes of the table in panes/__init__.py."""

    FULL = "dashboard"
    FIRST = "space"
    BINDINGS: ClassVar[list[BindingType]] = screen_bindings("dashboard")

    def __init__(self, mode: Mode, colors: int) -> None:
        super().__init__(mode, colors)
        self.panes = {name: pane_class(name)(mode, id=name, classes="pane") for name in PANES}
        self.panes |= {
            "large-title": LargeTitle(id="large-title"),
            "large-numbers": LargeNumbers(id="large-numbers"),
        }
        self.moving = frozenset(name for name in PANES if PANES[name].place == "body")
        self._turns: tuple[object, ...] = ()  # which panes are displayed, and how high the middle is

    def body(self) -> Iterator[Widget]:
        yield from self._placed("body")
        with Vertical(id="side"):
            yield from self._placed("side")
            yield Comparison(id="comparison", classes="pane")
            yield self.panes["large-numbers"]
            with Horizontal(id="middle"):
                yield from self._placed("middle")
            with Horizontal(id="low"):
                yield from self._placed("low")

    def above(self) -> Iterator[Widget]:
        yield self.panes["large-title"]

    def _placed(self, place: Place) -> list[Widget]:
        return [self.panes[name] for name in PANES if PANES[name].place == place]

    def focus_pane(self, pane: PaneName, model: Model) -> None:
        self._take_turns(model)
        super().focus_pane(pane, model)

    def show(self, model: Model, now: float) -> None:
        self._take_turns(model)
        super().show(model, now)

    def show_side(self, model: Model) -> None:
        super().show_side(model)
        self._compare(model)

    def _compare(self, model: Model) -> None:
        """Two models that are compared have the place of the panes of one."""
        self.set_class(model.solids.compares, "-compares")
        if model.solids.compares:
            beside = self.query_one("#comparison", Text)
            set_title(beside, "A and B", self.mode == "ascii")
            said = comparison(model, self.memo, beside.content_size.width)
            beside.show(Content(ascii_text(said.plain)) if self.mode == "ascii" else said)

    def _take_turns(self, model: Model) -> None:
        """Display the panes that there is room for."""
        if not self.is_composed:
            return
        self.set_class(not model.options.sides, "-alone")
        self.set_class(model.options.projector, "-projector")
        rows = model.layout.rows
        gives_way = model.options.projector or model.solids.compares
        shown = () if gives_way else shown_panes(model.reading, model.layout.columns, rows)
        # As high as the features need, with a row for the names of the ladder's levels.
        height = model.experiment.n_features + (3 if "ladder" in shown else 2)
        turns = shown, height, model.options.projector
        if turns == self._turns:
            return
        self._turns = turns
        for name in PANES:
            if PANES[name].place in ("middle", "low"):
                _display(self.panes[name], name in shown)
        for place in ("middle", "low"):
            here = any(PANES[name].place == place for name in shown)
            _display(self.query_one(f"#{place}"), here)
        self.query_one("#middle").styles.height = height


def _display(widget: Widget, is_shown: bool) -> None:
    if widget.display != is_shown:
        widget.display = is_shown


SCREEN = Dashboard
