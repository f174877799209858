"""The features: colour, norm as a bar, dimensionality, represented or not."""

import math
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Offset, Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tms_engine.analysis.geometry import REPRESENTED_NORM
from tms_tui.drawing.contrast import as_bytes, legible
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.palettes import FeaturePalette
from tms_tui.drawing.symbols import symbols
from tms_tui.memo import Memo
from tms_tui.messages.finding import GoToFeature
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.jumps import Jump
from tms_tui.panes.measures import measures, n_measured, of_all
from tms_tui.panes.pane_keys import pane_bindings
from tms_tui.panes.pointing import Chosen, Pointing
from tms_tui.reading import Thing
from tms_tui.space_scene import feature_colors

# The longest bar, in cells, and the norm that fills it.
_LONGEST_BAR, _FULL_NORM = 24, 1.25


def norm_text(norm: float) -> str:
    """‖W‖ in five characters, whatever it is: " 0.89", "12.34", " 123", "1e+30"."""
    if not math.isfinite(norm):
        return "    ?"
    return next(
        (text for d in (2, 1, 0) if len(text := f"{norm:5.{d}f}") <= 5),
        f"{norm:.0e}".replace("e+0", "e").replace("e+", "e").rjust(5),
    )


class FeatureRows(NamedTuple):
    """What the table shows."""

    features: Int[np.ndarray, " rows"]  # ascending
    norms: Float[np.ndarray, " rows"]
    dimensionality: Float[np.ndarray, " rows"]  # NaN where it is not known
    palette: FeaturePalette
    selected: int | None  # row
    other: int | None = None  # row of the one that it is compared with


def feature_rows(model: Model, memo: Memo) -> FeatureRows | None:
    """The features at the step that is shown; None before there are weights."""
    measured = measures(model, memo)
    if measured is None:
        return None
    row, other = (
        None if chosen is None else int(np.searchsorted(measured.features, chosen, "right")) - 1
        for chosen in (model.options.feature, model.reading.other)
    )
    return memo(
        FeatureRows,
        measured.features,
        measured.norms,
        measured.dimensionality,
        model.options.palette,
        row,
        other,
    )


class FeaturesTable(Pane, Pointing, ScrollView, can_focus=True, inherit_bindings=False):
    """One row a feature; scrolls where there are more than rows."""

    BINDINGS: ClassVar[list[BindingType]] = pane_bindings("features")
    DEFAULT_CSS = "FeaturesTable > .selected { background: $foreground 15%; text-style: bold; }"
    COMPONENT_CLASSES = {"selected"}  # noqa: RUF012 (Textual's own way)

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)
        self.mode = mode
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
        features, norms, dimensionalities, palette, selected, other = self._rows
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
        length = norm_text(float(norm))
        numbers = f" {length}  {known} "
        if len(numbers) + digits + 5 > width:
            numbers = f" {length} "
        longest = min(max(0, width - digits - len(numbers) - 5), _LONGEST_BAR)
        bar = round(longest * min(float(norm) / _FULL_NORM, 1.0))
        signs = symbols(self.mode)
        drawn = signs.bar * bar
        if norm > _FULL_NORM and bar:
            drawn = drawn[:-1] + signs.beyond
        mark = signs.mark if row == other else " "
        segments = [
            Segment(f"{mark}{signs.dot} {j:>{digits}} ", colored),
            Segment(drawn + " " * (longest - bar), colored),
            Segment(numbers, faint),
            Segment(signs.check if represented else " ", faint),
        ]
        return Strip(segments).apply_style(base).adjust_cell_length(width, base)

    def jumps(self) -> list[Jump]:
        top = self.scroll_offset.y
        return [
            Jump(0, place - top, GoToFeature(int(j)))
            for place, j in enumerate(self._rows.features)
            if top <= place < top + self.size.height
        ]

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        thing = None if offset is None else self.thing_at(offset)
        if thing is None or thing.feature is None or event.chain > 1:  # twice: see FullScreen
            return
        if event.shift and self._rows.selected is not None:
            self.post_message(Chosen(int(self._rows.features[self._rows.selected]), thing.feature))
        else:
            self.post_message(Chosen(thing.feature, None))

    def thing_at(self, offset: Offset) -> Thing | None:
        row = offset.y + self.scroll_offset.y
        if not 0 <= row < len(self._rows.features):
            return Thing("D")
        return Thing("norm", int(self._rows.features[row]))


PANE = FeaturesTable
