"""The population: all instances side by side on a wall, in a table, and by their names. It shows a Model."""

from collections.abc import Iterator
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Label

from tms_tui.drawing.ascii import ascii_text
from tms_tui.drawing.modes import Mode
from tms_tui.messages import PaneName
from tms_tui.messages.population import SearchEnded, SearchTyped
from tms_tui.model import Model
from tms_tui.panes.instances_table import InstancesTable
from tms_tui.panes.names_histogram import NamesHistogram
from tms_tui.panes.pane_keys import screen_bindings
from tms_tui.panes.population_text import about_instance
from tms_tui.panes.text import Text
from tms_tui.panes.told import Told
from tms_tui.panes.wall import Wall
from tms_tui.screens.full_screen import FullScreen


class SearchLine(Input):
    """Where a number or a name is typed, in the place of what is said of the selected instance."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    def action_leave(self) -> None:
        self.post_message(Told(SearchEnded(accepted=False)))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(Told(SearchTyped(event.value)))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(Told(SearchEnded(accepted=True)))


class Population(FullScreen):
    """Wall, table and names; in a narrow terminal the one that is in focus."""

    FULL = "population"
    FIRST = "wall"
    BINDINGS: ClassVar[list[BindingType]] = screen_bindings("population")

    def __init__(self, mode: Mode, colors: int) -> None:
        super().__init__(mode, colors)
        self.wall = Wall(mode, id="wall", classes="pane")
        self.table = InstancesTable(mode, id="table", classes="pane")
        self.names = NamesHistogram(mode, id="names", classes="pane")
        self.panes = {"wall": self.wall, "table": self.table, "names": self.names}
        self.moving = frozenset({"wall"})
        self._search = SearchLine(id="search", compact=True, placeholder="a number, or a part of a name")

    def body(self) -> Iterator[Widget]:
        yield self.wall
        with Vertical(id="lists"):
            yield self.table
            yield self.names

    def below(self) -> Iterator[Widget]:
        with Horizontal(id="chosen-line"):
            yield Text(id="chosen")
            yield Label("/", id="search-mark", markup=False)
            yield self._search

    def on_mount(self) -> None:  # Textual calls that of FullScreen too
        self._let_search(False)

    @property
    def across(self) -> int:  # type: ignore[override]
        return self.wall.grid.across

    @property
    def page(self) -> int:  # type: ignore[override]
        if self.focused is self.table:
            return self.table.page
        return self.names.page if self.focused is self.names else self.wall.grid.room

    def focus_pane(self, pane: PaneName, model: Model) -> None:
        if not self.is_composed:
            return
        self._let_search(pane == "search")
        if pane == "search":
            self._search.value = ""
            self.set_focus(self._search)
        elif pane in self.panes:
            self._let_show(pane)
            self.set_focus(self.panes[pane])

    def _let_search(self, searching: bool) -> None:
        self.set_class(searching, "-searching")

    def _let_show(self, pane: PaneName) -> None:
        """Where there is room for one pane, show this one."""
        for name in self.panes:
            self.set_class(name == pane, f"-shows-{name}")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if event.widget.id in self.panes:
            self._let_show(event.widget.id)

    def show_side(self, model: Model) -> None:
        super().show_side(model)
        room, line, separator = self.size.width - 2, "", model.symbols.separator
        for part in about_instance(model):
            said = ascii_text(part) if self.mode == "ascii" else part
            longer = f"{line}{separator}{said}" if line else said
            if len(longer) > room:
                break
            line = longer
        self.query_one("#chosen", Text).show(Content(line))


SCREEN = Population
