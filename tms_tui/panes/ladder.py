"""The ladder of dimensionalities: the features at their D, now or over the steps."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Float32, Int64
from textual import events
from textual.binding import BindingType
from textual.geometry import Offset

from tms_tui.drawing.cells import RGB, Cells, blank
from tms_tui.drawing.ladder import Ladder, LadderColors, Lines, draw_ladder, draw_lines, row_at
from tms_tui.memo import Memo
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.cells_widget import CellsWidget
from tms_tui.panes.measures import Measures, measures, n_measured, of_all
from tms_tui.panes.pane_keys import pane_bindings
from tms_tui.panes.pointing import Chosen, Pointing
from tms_tui.reading import Thing
from tms_tui.space_scene import feature_colors

if TYPE_CHECKING:
    from tms_engine.analysis.over_steps import OverSteps

# Features whose lines over the steps are drawn, beside the chosen ones.
_MOST_LINES = 32


class LadderView(Pane, Pointing, CellsWidget, can_focus=True):
    """Shows the features on the scale of D."""

    BINDINGS: ClassVar[list[BindingType]] = pane_bindings("ladder")

    def title_of(self, model: Model) -> str:
        n, m = model.experiment.n_features, model.experiment.n_hidden
        if model.reading.ladder == "steps":
            return "D over steps" + of_all(len(_lines_of(n, ())), n)
        return "D ladder" + of_all(n_measured(n, m), n)

    def show_model(self, model: Model, memo: Memo) -> None:
        if not self.display:
            return
        colors = LadderColors(model.chart_colors.line, model.chart_colors.axis, model.chart_colors.text)
        if model.reading.ladder == "steps":
            self._set_content(_lines(model, memo, self.size.width), colors)
        else:
            measured = measures(model, memo)
            if measured is not None:
                self._set_content(memo(_ladder, measured, model.options.palette, _chosen(model)), colors)

    def draw(self, height: int, width: int, ground: RGB) -> Cells:
        assert self._content is not None
        shown, colors = self._content
        if isinstance(shown, Ladder):
            return draw_ladder(shown, height, width, self.mode, ground, colors)
        if isinstance(shown, Lines):
            return draw_lines(shown, height, width, self.mode, ground, colors)
        return blank(height, width)

    def thing_at(self, offset: Offset) -> Thing | None:
        shown = self._content[0] if self._content else None
        if not isinstance(shown, Ladder):
            return Thing("energy levels")
        row = row_at(shown, offset.y, self.size.height)
        return Thing("ladder") if row is None else Thing("norm", int(shown.features[row]))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        thing = None if offset is None else self.thing_at(offset)
        if thing is not None and thing.feature is not None and event.chain == 1:
            self.post_message(Chosen(thing.feature, None))


def _chosen(model: Model) -> tuple[int, ...]:
    """The chosen features, the selected one first."""
    return tuple(j for j in (model.options.feature, model.reading.other) if j is not None)


def _ladder(measured: Measures, palette: Any, chosen: tuple[int, ...]) -> Ladder:
    places = tuple(int(np.searchsorted(measured.features, j, "right")) - 1 for j in chosen)
    return Ladder(
        measured.features, measured.dimensionality, feature_colors(palette, measured.features), places
    )


def _lines(model: Model, memo: Memo, columns: int) -> Lines | None:
    """D over the steps that are kept; None before there is a run."""
    from tms_engine.analysis.over_steps import over_steps

    run = model.view.run
    if run is None or not columns:
        return None
    n, chosen = model.experiment.n_features, _chosen(model)
    features = tuple(_lines_of(n, chosen).tolist())
    found = memo(over_steps, run, model.options.instance, features, 2 * columns)
    return memo(_as_lines, found, features, model.options.palette, chosen)


def _as_lines(found: "OverSteps", features: tuple[int, ...], palette: Any, chosen: tuple[int, ...]) -> Lines:
    some = np.array(features, np.int64)
    colors: Float32[np.ndarray, "some 3"] = feature_colors(palette, some)
    places = tuple(features.index(j) for j in chosen)
    return Lines(found.steps, found.dimensionality, some, colors, places)


def _lines_of(n_features: int, chosen: tuple[int, ...]) -> Int64[np.ndarray, " some"]:
    """The features that have lines, ascending: all, or some, evenly spaced, and the chosen ones."""
    some = np.arange(min(n_features, _MOST_LINES)) * n_features // min(n_features, _MOST_LINES)
    return np.union1d(some, np.array(chosen, np.int64))


PANE = LadderView
