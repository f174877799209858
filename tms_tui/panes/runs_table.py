"""The runs and sweeps of a directory, a line each: scrolls where there are more than rows."""

import textwrap
from dataclasses import dataclass
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tms_engine.errors import visible
from tms_tui.drawing.ascii import ascii_text
from tms_tui.drawing.modes import Mode
from tms_tui.looking import runs_of
from tms_tui.memo import Memo
from tms_tui.messages.finding import GoToRun
from tms_tui.messages.runs import SortRunsBy
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.jumps import Jump
from tms_tui.panes.pointing import Pointing
from tms_tui.panes.text import cut
from tms_tui.panes.told import Told
from tms_tui.reading import Thing
from tms_tui.runs_state import RUN_COLUMNS, RunColumn, RunLine

# Columns, each with the least width of the table from which on it is shown, its own width (0: what is left)
# and whether it is to the right.
_COLUMNS = (
    ("name", 0, 28, False),
    ("experiment", 118, 0, False),
    ("step", 60, 19, True),
    ("loss", 76, 10, True),
    ("age", 0, 7, True),
    ("size", 92, 8, True),
    ("state", 0, 9, False),
)


class RunsTable(Pane, Pointing, ScrollView, can_focus=True, inherit_bindings=False):
    """A head, and one row a run."""

    DEFAULT_CSS = """
    RunsTable { overflow-x: hidden; scrollbar-size-vertical: 1; }
    RunsTable > .selected { background: $foreground 15%; text-style: bold; }
    RunsTable > .head { color: $foreground 60%; }
    RunsTable > .sorted { color: $text-accent; text-style: bold; }
    RunsTable > .running { color: $success; }
    RunsTable > .bad { color: $error; }
    """
    COMPONENT_CLASSES = {"selected", "head", "sorted", "running", "bad"}  # noqa: RUF012 (Textual's own way)

    @dataclass
    class Chosen(Message):
        """A line was clicked."""

        place: int

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)
        self.mode = mode
        self._lines: tuple[RunLine, ...] = ()
        self._place = -1
        self._said = ""
        self._sort: tuple[RunColumn, bool] = ("age", False)

    def title_of(self, model: Model) -> str:
        state = model.runs
        count = f", {len(state.lines):,}" if state.lines else ""
        more = "" if state.complete else f"{model.symbols.ellipsis} and more"
        return f"Runs {model.symbols.dash} {runs_of(model)}{count}{more}"

    def show_model(self, model: Model, memo: Memo) -> None:
        state = model.runs
        lines, place = state.lines or (), state.place
        said_now, sort = said(model), (state.sort, state.backwards)
        if lines is self._lines and (place, said_now, sort) == (self._place, self._said, self._sort):
            return
        moved = place != self._place or len(lines) != len(self._lines)
        self._lines, self._place, self._said, self._sort = lines, place, said_now, sort
        self.virtual_size = Size(self.size.width, len(lines) + 1)
        if moved and place >= 0:
            # The head covers the first row that is seen.
            self.scroll_to_region(Region(0, max(place, 0), 1, 2), animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base = self.visual_style.rich_style
        if not self._lines:
            said = textwrap.wrap(visible(self._said), max(width - 2, 1))
            text = f" {said[y - 1]}" if 0 < y <= len(said) else ""
            return Strip([Segment(text, base)]).adjust_cell_length(width, base)
        if y == 0:
            head = base + self.get_component_rich_style("head", partial=True)
            lit = self.get_component_rich_style("sorted", partial=True)
            return self._row(self._heading(), width, head, lit, self._sort[0])
        place = y - 1 + self.scroll_offset.y
        if place >= len(self._lines):
            return Strip.blank(width, base)
        line = self._lines[place]
        state = Style()
        if line.state in ("running", "died", "damaged", "silent", "diverged"):
            named = "running" if line.state == "running" else "bad"
            state = self.get_component_rich_style(named, partial=True)
        if place == self._place:
            base = self.get_component_rich_style("selected")
        row = line.row
        values = (row.name, row.experiment, row.step, row.loss, row.age, row.size, line.state)
        return self._row(values, width, base, state, "state")

    def _heading(self) -> tuple[str, ...]:
        """The names of the columns, with an arrow at that by which the lines are in order."""
        column, backwards = self._sort
        arrow = ("^" if backwards else "v") if self.mode == "ascii" else ("↑" if backwards else "↓")
        return tuple(f"{name}{arrow}" if name == column else name for name in RUN_COLUMNS)

    def _placed(self, width: int) -> list[tuple[int, RunColumn, int, bool]]:
        """The columns that there is room for: place in the row, name, width, whether it is to the right."""
        shown = [(k, column) for k, column in enumerate(_COLUMNS) if width >= column[1]]
        fixed = sum(column[2] + 2 for _, column in shown)
        left = max(width - fixed - 1, 0)
        wide = any(column[2] == 0 for _, column in shown)
        sizes = [
            (own or left) + (left if name == "name" and not wide else 0) for _, (name, _, own, _) in shown
        ]
        return [(k, RUN_COLUMNS[k], size, column[3]) for (k, column), size in zip(shown, sizes, strict=True)]

    def _row(self, values: tuple[str, ...], width: int, base: Style, lit: Style, which: str) -> Strip:
        """A line, of which the column `which` is lit."""
        segments = [Segment(" ", base)]
        for k, name, size, to_the_right in self._placed(width):
            text = visible(values[k])
            is_ascii = self.mode == "ascii"
            text = cut(ascii_text(text) if is_ascii else text, size, "..." if is_ascii else "…")
            text = f"{text:>{size}}" if to_the_right else f"{text:<{size}}"
            segments.append(Segment(text + "  ", base + lit if name == which else base))
        return Strip(segments).adjust_cell_length(width, base)

    def thing_at(self, offset: Offset) -> Thing | None:
        row = offset.y - 1 + self.scroll_offset.y
        return Thing("runs", row=row if offset.y > 0 and row < len(self._lines) else None)

    def jumps(self) -> list[Jump]:
        top = self.scroll_offset.y
        lines = self._lines[top : top + max(self.size.height - 1, 0)]
        return [Jump(0, row, GoToRun(line.path)) for row, line in enumerate(lines, 1)]

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y > 0:
            self.post_message(self.Chosen(offset.y - 1 + self.scroll_offset.y))
            return
        x = 1
        for _, name, size, _ in self._placed(self.scrollable_content_region.width):
            if x <= offset.x < x + size + 2:
                self.post_message(Told(SortRunsBy(name)))
            x += size + 2


def said(model: Model) -> str:
    """What stands in the place of a list that is empty."""
    state = model.runs
    if state.error:
        return state.error
    if state.lines is None or not state.complete:
        return f"looking{model.symbols.ellipsis}"
    if state.lines:
        return ""
    return f"no runs in {runs_of(model)} yet: `tms train` makes them, and e in the dashboard"


PANE = RunsTable
