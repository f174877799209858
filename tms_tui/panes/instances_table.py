"""The table of all instances, sorted by any column. Only the rows that are seen are made."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Offset, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tms_tui.drawing.ascii import ascii_text
from tms_tui.drawing.contrast import as_bytes, legible
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.palettes import FeaturePalette
from tms_tui.drawing.symbols import symbols
from tms_tui.memo import Memo
from tms_tui.messages.finding import GoToInstance
from tms_tui.messages.population import OpenInstance, SelectInstance, SortBy
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.jumps import Jump
from tms_tui.panes.pane_keys import pane_bindings
from tms_tui.panes.pointing import Pointing
from tms_tui.panes.population_text import heading, loss_text, name_of, off_text, varied_text
from tms_tui.panes.text import cut
from tms_tui.panes.told import Told
from tms_tui.population import Population, Rows
from tms_tui.reading import Thing
from tms_tui.space_scene import feature_colors

# Cells of the longest name that is not cut, of the longest bar of D, and of a bar that still says something.
_LONGEST_NAME, _LONGEST_BAR, _LEAST_BAR = 34, 32, 4
_LEAST_NAME = 8
# Heights of a feature's share of a bar, from D = 0 to D = 1.
_LEVELS = {False: "▁▂▃▄▅▆▇█", True: ".:-=+*%#"}


class _Column(NamedTuple):
    name: str  # as in Rows.columns; "D": the bar
    width: int
    right: bool  # whether its numbers stand at the right


def columns_for(rows: Rows, width: int) -> tuple[_Column, ...]:
    """As many columns as there is room for, the least telling left out first: the bar, the error, ..."""
    wanted = [
        _Column("number", max(3, len(f"{rows.number.max(initial=0):,}")), True),
        *(_Column(name, max(7, len(heading(name))), True) for name, _ in rows.varied),
        _Column("loss", 9, True),
        _Column("error", 10, False),
        _Column("represented", 4, True),
        _Column("total", 5, True),
        _Column("name", _LEAST_NAME, False),
        _Column("residual", 5, True),
        _Column("D", _LEAST_BAR, False),
    ]
    if not (rows.error > 0).any():  # exact, or not known
        wanted = [column for column in wanted if column.name != "error"]
    for name in ("D", "error", "total", "represented", "residual", "loss", *(n for n, _ in rows.varied[1:])):
        if sum(column.width + 1 for column in wanted) + 2 <= width:
            break
        wanted = [column for column in wanted if column.name != name]
    spare = width - sum(column.width + 1 for column in wanted) - 2
    most = max(map(len, rows.names), default=_LEAST_NAME)
    grown = []
    for column in wanted:
        longest = {"name": min(max(most, _LEAST_NAME), _LONGEST_NAME), "D": _LONGEST_BAR}.get(column.name, 0)
        more = min(max(spare, 0), max(longest - column.width, 0))
        spare -= more
        grown.append(column._replace(width=column.width + more))
    return tuple(grown)


class InstancesTable(Pane, Pointing, ScrollView, can_focus=True, inherit_bindings=False):
    """A heading, and one row an instance in the order that is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = pane_bindings("table")
    DEFAULT_CSS = """
    InstancesTable { overflow-x: hidden; scrollbar-size-vertical: 1; }
    InstancesTable > .selected { background: $foreground 15%; text-style: bold; }
    InstancesTable > .heading { color: $foreground 75%; text-style: bold; }
    InstancesTable > .sorted { color: $text-accent; text-style: bold; }
    InstancesTable > .bad { color: $text-error; }
    """
    COMPONENT_CLASSES = {"selected", "heading", "sorted", "bad"}  # noqa: RUF012 (Textual's own way)

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)
        self.mode = mode
        self._state = Population()
        self._selected = -1
        self._palette: FeaturePalette = "tableau"

    @property
    def page(self) -> int:
        """Rows that are seen at once."""
        return max(1, self.size.height - 1)

    def title_of(self, model: Model) -> str:
        state = model.population
        title = f"Instances, by {heading(state.sort)}{', backwards' if state.backwards else ''}"
        if state.rows is not None and model.options.step is None and model.view.phase == "training":
            census = model.view.census
            if census is not None:
                title += f", as of step {census.step:,}"
        return title

    def show_model(self, model: Model, memo: Memo) -> None:
        state, selected, palette = model.population, model.options.instance, model.options.palette
        if state is self._state and (selected, palette) == (self._selected, self._palette):
            return
        before, moved = self._state, selected != self._selected
        at_before = _place(before, self._selected)
        self._state, self._selected, self._palette = state, selected, palette
        if state.order is None or state.place is None:
            self.refresh()
            return
        self.virtual_size = Size(self.size.width, len(state.order) + 1)
        at, top, page = int(state.place[selected]), self.scroll_offset.y, self.page
        if not moved and at_before is not None and state.order is not before.order:
            # Another order: the selected row stays where it is on the screen, if it was on it.
            if top <= at_before < top + page:
                self.scroll_to(y=at - (at_before - top), animate=False)
        elif at < top:
            self.scroll_to(y=at, animate=False)
        elif at >= top + page:
            self.scroll_to(y=at - page + 1, animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base, rows, order = self.visual_style.rich_style, self._state.rows, self._state.order
        if rows is None or order is None:
            return Strip.blank(width, base)
        columns = columns_for(rows, width)
        if y == 0:
            return self._heading(columns, width, base)
        row = y - 1 + self.scroll_offset.y
        if row >= len(order):
            return Strip.blank(width, base)
        return self._row(rows, int(order[row]), columns, width, base)

    def _say(self, text: str) -> str:
        return ascii_text(text) if self.mode == "ascii" else text

    def _heading(self, columns: tuple[_Column, ...], width: int, base: Style) -> Strip:
        plain = self.get_component_rich_style("heading", partial=True)
        lit = self.get_component_rich_style("sorted", partial=True)
        arrow = self._say("↑" if self._state.backwards else "↓")
        if self.mode == "ascii":
            arrow = "^" if self._state.backwards else "v"
        segments = [Segment("  ")]
        for column in columns:
            sorts = column.name == self._state.sort
            text = self._say("" if column.name == "error" else heading(column.name))
            text = (f"{text}{arrow}" if sorts else text)[: column.width]
            text = text.rjust(column.width) if column.right else text.ljust(column.width)
            segments.append(Segment(text + " ", lit if sorts else plain))
        return Strip(segments).apply_style(base).adjust_cell_length(width, base)

    def _row(self, rows: Rows, instance: int, columns: tuple[_Column, ...], width: int, base: Style) -> Strip:
        chosen = instance == self._selected
        if chosen:
            base = self.get_component_rich_style("selected")
        bad = self.get_component_rich_style("bad", partial=True) if rows.diverged[instance] else Style()
        segments = [Segment(f"{symbols(self.mode).pointer} " if chosen else "  ")]
        loss, error = loss_text(rows, instance)
        varied = dict(rows.varied)
        for column in columns:
            style = Style()
            if column.name == "D":
                segments += self._bar(rows, instance, column.width, base)
                continue
            if column.name in varied:
                text = varied_text(column.name, float(varied[column.name][instance]))
            elif column.name == "name":
                text, style = name_of(rows, instance), bad
            else:
                text = {
                    "number": f"{rows.number[instance]:,}",
                    "loss": loss,
                    "error": error,
                    "represented": _known(rows.represented[instance], ".0f"),
                    "total": _known(rows.total[instance], ".2f"),
                    "residual": off_text(float(rows.residual[instance])),
                }[column.name]
            if self.mode == "ascii":
                text = text.replace("°", "")
            text = cut(self._say(text), column.width, symbols(self.mode).ellipsis.strip())
            text = text.rjust(column.width) if column.right else text.ljust(column.width)
            segments.append(Segment(text + " ", style))
        return Strip(segments).apply_style(base).adjust_cell_length(width, base)

    def _bar(self, rows: Rows, instance: int, width: int, base: Style) -> list[Segment]:
        """D of each feature, or of some, as heights in the features' colours."""
        if rows.dimensionality is None or rows.diverged[instance]:
            return [Segment(" " * (width + 1))]
        of_features = rows.dimensionality[instance]
        shown = min(len(of_features), width)
        some = np.arange(shown) * len(of_features) // shown
        levels = _LEVELS[self.mode == "ascii"]
        share = np.nan_to_num(of_features[some])
        heights = np.clip((share * len(levels)).astype(int), 0, len(levels) - 1)
        r, g, b = base.bgcolor.get_truecolor() if base.bgcolor else self.background_colors[1].rgb
        inks = as_bytes(legible(feature_colors(self._palette, shown), (r, g, b))).tolist()
        bars = [
            Segment(" " if d < 0.02 else levels[height], Style.from_color(Color.from_rgb(*ink)))
            for d, height, ink in zip(share.tolist(), heights.tolist(), inks, strict=True)
        ]
        return [*bars, Segment(" " * (width + 1 - shown))]

    def thing_at(self, offset: Offset) -> Thing | None:
        order, row = self._state.order, offset.y - 1 + self.scroll_offset.y
        on_row = order is not None and offset.y > 0 and row < len(order)
        return Thing("table", instance=int(order[row]) if order is not None and on_row else None)

    def jumps(self) -> list[Jump]:
        order, top = self._state.order, self.scroll_offset.y
        some = () if order is None else order[top : top + self.page].tolist()
        return [Jump(0, row, GoToInstance(i)) for row, i in enumerate(some, 1)]

    def on_click(self, event: events.Click) -> None:
        offset, order, rows = event.get_content_offset(self), self._state.order, self._state.rows
        if offset is None or order is None or rows is None:
            return
        if offset.y == 0:
            x = 2
            for column in columns_for(rows, self.scrollable_content_region.width):
                if x <= offset.x < x + column.width + 1 and column.name in rows.columns:
                    self.post_message(Told(SortBy(column.name)))
                x += column.width + 1
            return
        row = offset.y - 1 + self.scroll_offset.y
        if 0 <= row < len(order):
            self.post_message(Told(SelectInstance(int(order[row]))))
            if event.chain > 1:
                self.post_message(Told(OpenInstance()))


def _place(state: Population, instance: int) -> int | None:
    """The place of an instance in the order, if it is there."""
    if state.place is None or not 0 <= instance < len(state.place):
        return None
    return int(state.place[instance])


def _known(value: float, form: str) -> str:
    return format(value, form) if np.isfinite(value) else ""


PANE = InstancesTable
