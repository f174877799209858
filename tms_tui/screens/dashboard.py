"""The dashboard: space, loss, features, W Wᵀ and numbers, the run bar and the keys. It shows a Model."""

import math
from collections.abc import Iterator

from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from tms_tui.drawing.modes import Mode
from tms_tui.drawing.symbols import symbols
from tms_tui.memo import Memo, same
from tms_tui.model import Model
from tms_tui.panes.features_table import FeaturesTable, feature_rows
from tms_tui.panes.gram_map import GramMap
from tms_tui.panes.key_bar import KeyBar
from tms_tui.panes.loss_plot import LossPlot, loss_chart, loss_title
from tms_tui.panes.measures import measures
from tms_tui.panes.numbers import Numbers, numbers
from tms_tui.panes.run_bar import RunBar, progress
from tms_tui.panes.space_view import SpaceView, scene_of, space_title, waiting
from tms_tui.panes.text import Text, set_title
from tms_tui.panes.title import about, phase
from tms_tui.screens.modal import draw_scrollbar_in_ascii
from tms_tui.screens.too_small import TooSmall

# Least seconds from one drawing of the side panes to the next while training. Nobody reads faster.
_SIDE_EVERY = 0.1


class Dashboard(Screen[None]):
    """Composes the panes and shows a Model in them."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-normal"), (150, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-short"), (30, "-tall")]  # noqa: RUF012

    def __init__(self, mode: Mode) -> None:
        super().__init__()
        self._mode = mode
        self._memo = Memo()
        self._composed = False  # whether there are panes to update
        self._panes: list[Widget] = []
        self._model: Model | None = None  # in the space
        # What the side panes show: the model, the sizes for which it was shown, and when.
        self._side: Model | None = None
        self._side_sizes: tuple[Size, ...] = ()
        self._side_at = -math.inf

    def compose(self) -> Iterator[Widget]:
        mode = self._mode
        with Horizontal(id="title"):
            yield Text(id="about")
            yield Text(id="phase")
        with Horizontal(id="body"):
            yield SpaceView(mode, id="space", classes="pane")
            with Vertical(id="side"):
                yield LossPlot(mode, id="loss", classes="pane")
                yield FeaturesTable(mode, id="features", classes="pane")
                with Horizontal(id="low"):
                    yield GramMap(mode, id="gram", classes="pane")
                    yield Numbers(id="numbers", classes="pane")
        yield RunBar(mode, id="bar")
        yield KeyBar(mode == "ascii", id="keys")
        yield TooSmall(id="too-small")

    def on_mount(self) -> None:
        self.set_class(self._mode == "ascii", "-ascii")
        self.query_one(FeaturesTable).border_title = "Features"
        self.query_one(GramMap).border_title = symbols(self._mode).gram
        self.query_one(Numbers).border_title = "Numbers"
        self.query_one(SpaceView).focus()
        if self._mode == "ascii":
            draw_scrollbar_in_ascii(self.query_one(FeaturesTable))
        self._panes = list(self.query(".pane"))
        self._composed = True

    def show(self, model: Model, now: float) -> None:
        """Show a Model; `now` in seconds. The side panes follow a training less often than the space."""
        if not self._composed:
            return
        if model is not self._model:
            self._model = model
            scene = scene_of(model, self._memo)
            self.query_one(SpaceView).show(scene, model.options.camera, waiting(model))
        sizes = tuple(pane.outer_size for pane in self._panes)
        if self._side_is_due(model, sizes, now):
            self._side, self._side_sizes, self._side_at = model, sizes, now
            self._show_side(model)

    def _side_is_due(self, model: Model, sizes: tuple[Size, ...], now: float) -> bool:
        before = self._side
        if before is None or sizes != self._side_sizes:
            return True
        if not all(map(same, model.side_inputs, before.side_inputs)):
            return True
        if model.view is before.view:
            return False
        training = model.view.phase == before.view.phase == "training"
        return not training or now - self._side_at >= _SIDE_EVERY

    def _show_side(self, model: Model) -> None:
        """Show everything but the space."""
        memo, ascii_only = self._memo, self._mode == "ascii"
        self.query_one("#about", Text).show(about(model))
        self.query_one("#phase", Text).show(phase(model), layout=True)
        set_title(self.query_one(SpaceView), space_title(model), ascii_only)
        plot = self.query_one(LossPlot)
        set_title(plot, loss_title(model), ascii_only)
        plot.show(loss_chart(model, memo))
        self.query_one(RunBar).show(progress(model))
        rows, measured = feature_rows(model, memo), measures(model, memo)
        pane = self.query_one(Numbers)
        text = numbers(model, memo, pane.content_size)
        if rows is not None and measured is not None and text is not None:
            self.query_one(FeaturesTable).show(rows)
            self.query_one(GramMap).show(measured.gram, model.options.feature)
            pane.show(text)
