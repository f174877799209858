"""What the instances have become: their names, how many have each, and the best loss of each."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Offset, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tms_engine import digits
from tms_tui.drawing.ascii import ascii_text
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.symbols import symbols
from tms_tui.memo import Memo
from tms_tui.messages.finding import GoToInstance
from tms_tui.messages.population import SelectInstance
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.jumps import Jump
from tms_tui.panes.pane_keys import pane_bindings
from tms_tui.panes.pointing import Pointing
from tms_tui.panes.text import cut
from tms_tui.panes.told import Told
from tms_tui.population import Rows
from tms_tui.reading import Thing

# Cells of a name at most, as a share of the width; of the best loss; and the least of a bar.
_NAME_SHARE, _LOSS, _LEAST_BAR = 0.5, 9, 3


class _Line(NamedTuple):
    """One name."""

    name: str
    instances: int
    best: float  # loss; NaN where none is known
    instance: int  # that has it


class _Lines(NamedTuple):
    """What is shown."""

    lines: tuple[_Line, ...]
    selected: int  # the name of the selected instance; −1: not known


def lines_of(rows: Rows) -> tuple[_Line, ...]:
    """The names, the most frequent first, with the best instance of each; how many have diverged."""
    counts = np.bincount(rows.which[rows.which >= 0], minlength=len(rows.names))
    made = []
    for k, name in enumerate(rows.names):
        members = np.flatnonzero(rows.which == k)
        losses = rows.loss[members]
        at = int(np.nanargmin(losses)) if np.isfinite(losses).any() else 0
        made.append(_Line(name, int(counts[k]), float(losses[at]), int(members[at])))
    if rows.diverged.any():
        made.append(_Line("diverged", int(rows.diverged.sum()), np.nan, int(rows.diverged.argmax())))
    return tuple(made)


class NamesHistogram(Pane, Pointing, ScrollView, can_focus=True, inherit_bindings=False):
    """One row a name; the row of the selected instance's name is lit."""

    BINDINGS: ClassVar[list[BindingType]] = pane_bindings("names")
    DEFAULT_CSS = """
    NamesHistogram { overflow-x: hidden; scrollbar-size-vertical: 1; }
    NamesHistogram > .selected { background: $foreground 15%; text-style: bold; }
    NamesHistogram > .bar { color: $primary; }
    """
    COMPONENT_CLASSES = {"selected", "bar"}  # noqa: RUF012 (Textual's own way)

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)
        self.mode = mode
        self._shown = _Lines((), -1)

    @property
    def page(self) -> int:
        """Rows that are seen at once."""
        return max(1, self.size.height)

    def title_of(self, model: Model) -> str:
        rows = model.population.rows
        n = len(rows.names) if rows is not None else 0
        return (
            f"Names {model.symbols.dash} {n} of {model.experiment.n_instances:,} instances" if n else "Names"
        )

    def show_model(self, model: Model, memo: Memo) -> None:
        rows = model.population.rows
        if rows is None:
            return
        lines = memo(lines_of, rows)
        shown = _Lines(lines, int(rows.which[model.options.instance]))
        if shown.lines is self._shown.lines and shown.selected == self._shown.selected:
            return
        self._shown = shown
        self.virtual_size = Size(self.size.width, len(lines))
        top, page = self.scroll_offset.y, self.page
        if shown.selected >= 0 and not top <= shown.selected < top + page:
            self.scroll_to(y=min(shown.selected, max(len(lines) - page, 0)), animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.scrollable_content_region.width, self.visual_style.rich_style
        row = y + self.scroll_offset.y
        lines, selected = self._shown
        if row >= len(lines):
            return Strip.blank(width, base)
        if row == selected:
            base = self.get_component_rich_style("selected")
        signs = symbols(self.mode)
        line, most = lines[row], max(one.instances for one in lines)
        longest = max(min(max(len(one.name) for one in lines), int(_NAME_SHARE * width)), 8)
        say = ascii_text if self.mode == "ascii" else str
        name = cut(say(line.name), longest, signs.ellipsis.strip()).ljust(longest)
        count = f"{line.instances:>{len(f'{most:,}')},}"
        loss = f" {digits.number(line.best, 4):>{_LOSS}}" if np.isfinite(line.best) else " " * (_LOSS + 1)
        room = width - longest - len(count) - len(loss) - 5
        if room < _LEAST_BAR:
            loss, room = "", width - longest - len(count) - 5
        length = max(1, round(max(room, 0) * line.instances / most)) if room > 0 else 0
        mark = signs.pointer if row == selected else " "
        segments = [
            Segment(f"{mark} {name} {count} "),
            Segment(signs.bar * length, self.get_component_rich_style("bar", partial=True)),
            Segment(" " * (max(room, 0) - length) + loss, Style()),
        ]
        return Strip(segments).apply_style(base).adjust_cell_length(width, base)

    def thing_at(self, offset: Offset) -> Thing | None:
        row, lines = offset.y + self.scroll_offset.y, self._shown.lines
        return Thing("names", instance=lines[row].instance if row < len(lines) else None)

    def jumps(self) -> list[Jump]:
        top = self.scroll_offset.y
        lines = self._shown.lines[top : top + self.page]
        return [Jump(0, row, GoToInstance(line.instance)) for row, line in enumerate(lines)]

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        row = -1 if offset is None else offset.y + self.scroll_offset.y
        if 0 <= row < len(self._shown.lines):
            self.post_message(Told(SelectInstance(self._shown.lines[row].instance)))


PANE = NamesHistogram
