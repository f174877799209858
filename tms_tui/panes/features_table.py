"""The features: colour, norm as a bar, dimensionality, represented or not."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tms_engine.analysis.geometry import REPRESENTED_NORM
from tms_tui.drawing.contrast import as_bytes, legible
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.palettes import FeaturePalette
from tms_tui.drawing.symbols import symbols
from tms_tui.memo import Memo
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.measures import measures, n_measured, of_all
from tms_tui.panes.pane_keys import pane_bindings
from tms_tui.space_scene import feature_colors

# The longest bar, in cells, and the norm that fills it.
_LONGEST_BAR, _FULL_NORM = 24, 1.25


class FeatureRows(NamedTuple):
    """What the table shows."""

    features: Int[np.ndarray, " rows"]  # ascending
    norms: Float[np.ndarray, " rows"]
    dimensionality: Float[np.ndarray, " rows"]  # NaN where it is not known
    palette: FeaturePalette
    selected: int | None  # row


def feature_rows(model: Model, memo: Memo) -> FeatureRows | None:
    """The features at the step that is shown; None before there are weights."""
    measured = measures(model, memo)
    if measured is None:
        return None
    selected = model.options.feature
    row = None if selected is None else int(np.searchsorted(measured.features, selected, "right")) - 1
    return memo(
        FeatureRows, measured.features, measured.norms, measured.dimensionality, model.options.palette, row
    )


class FeaturesTable(Pane, ScrollView, can_focus=True, inherit_bindings=False):
    """One row a feature; scrolls where there are more than rows."""

    BINDINGS: ClassVar[list[BindingType]] = pane_bindings("features")
    DEFAULT_CSS = "FeaturesTable > .selected { background: $foreground 15%; text-style: bold; }"
    COMPONENT_CLASSES = {"selected"}  # noqa: RUF012 (Textual's own way)

    @dataclass
    class Selected(Message):
        """A row was clicked."""

        feature: int

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)
        self._symbols = symbols(mode)
        self._rows = FeatureRows(np.zeros(0, int), np.zeros(0), np.zeros(0), "tableau", None)

    def title_of(self, model: Model) -> str:
        n, m = model.experiment.n_features, model.experiment.n_hidden
        return "Features" + of_all(n_measured(n, m), n)

    def show_model(self, model: Model, memo: Memo) -> None:
        rows = feature_rows(model, memo)
        if rows is not None:
            self.show(rows)

    def show(self, rows: FeatureRows) -> None:
        """Draw these from now on."""
        before = self._rows
        if rows is before:
            return
        self._rows = rows
        self.virtual_size = Size(self.size.width, len(rows.norms))
        if rows.selected is not None and rows.selected != before.selected:
            self.scroll_to_region(Region(0, rows.selected, 1, 1), animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        base = self.visual_style.rich_style
        features, norms, dimensionalities, palette, selected = self._rows
        if row >= len(norms):
            return Strip.blank(width, base)
        if row == selected:
            base = self.get_component_rich_style("selected")
        j, norm, dimensionality = int(features[row]), norms[row], dimensionalities[row]
        r, g, b = base.bgcolor.get_truecolor() if base.bgcolor else self.background_colors[1].rgb
        (color,) = as_bytes(legible(feature_colors(palette, features[row : row + 1]), (r, g, b))).tolist()
        colored = Style.from_color(Color.from_rgb(*color))
        represented = norm > REPRESENTED_NORM
        faint = Style() if represented else Style(dim=True)
        digits = len(str(features[-1]))
        known = f"D {dimensionality:.2f}" if np.isfinite(dimensionality) else " " * 6
        numbers = f" {norm:5.2f}  {known} "
        if len(numbers) + digits + 5 > width:
            numbers = f" {norm:.2f} "
        longest = min(max(0, width - digits - len(numbers) - 5), _LONGEST_BAR)
        bar = round(longest * min(float(norm) / _FULL_NORM, 1.0))
        segments = [
            Segment(f" {self._symbols.dot} {j:>{digits}} ", colored),
            Segment(self._symbols.bar * bar + " " * (longest - bar), colored),
            Segment(numbers, faint),
            Segment(self._symbols.check if represented else " ", faint),
        ]
        return Strip(segments).apply_style(base).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        row = offset.y + self.scroll_offset.y
        if 0 <= row < len(self._rows.features):
            self.post_message(self.Selected(int(self._rows.features[row])))


PANE = FeaturesTable
