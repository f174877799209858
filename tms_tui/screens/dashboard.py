"""The dashboard: space, loss, features, W Wᵀ and numbers, the run bar and the keys. It shows a Model."""

import math
import time
from collections.abc import Iterator
from typing import Any

from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from tms_tui.drawing.modes import Mode
from tms_tui.memo import Memo, same
from tms_tui.model import Model
from tms_tui.panes import PANES, Place, pane_class
from tms_tui.panes.features_table import FeaturesTable
from tms_tui.panes.key_bar import KeyBar
from tms_tui.panes.run_bar import RunBar, progress
from tms_tui.panes.text import Text, set_title
from tms_tui.panes.title import about, phase
from tms_tui.screens.modal import draw_scrollbar_in_ascii
from tms_tui.screens.too_small import TooSmall

# Least seconds from one drawing of the side panes to the next while training. Nobody reads faster.
_SIDE_EVERY = 0.1
# And so many times as long as that takes.
_SIDE_REST = 4.0
# The same of the body, by the processor's time: scenes of a large model leave room for keys and for training.
_BODY_REST = 3.0


class Dashboard(Screen[None]):
    """Composes the panes and shows a Model in them."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-normal"), (150, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-short"), (30, "-tall")]  # noqa: RUF012

    def __init__(self, mode: Mode, colors: int) -> None:
        super().__init__()
        self._mode = mode
        self._mono = colors < 8
        self._memo = Memo()
        self._composed = False  # whether there are panes to update
        self._panes: dict[str, Any] = {
            name: pane_class(name)(mode, id=name, classes="pane") for name in PANES
        }
        self._model: Model | None = None  # in the space
        # What the side panes show: the model, the sizes for which it was shown; when they are due again.
        self._side: Model | None = None
        self._side_sizes: tuple[Size, ...] = ()
        self._side_due = -math.inf
        self._body_due = -math.inf

    def compose(self) -> Iterator[Widget]:
        mode = self._mode
        with Horizontal(id="title"):
            yield Text(id="about")
            yield Text(id="phase")
        with Horizontal(id="body"):
            yield from self._placed("body")
            with Vertical(id="side"):
                yield from self._placed("side")
                with Horizontal(id="low"):
                    yield from self._placed("low")
        yield RunBar(mode, id="bar")
        yield KeyBar(mode == "ascii", id="keys")
        yield TooSmall(id="too-small")

    def on_mount(self) -> None:
        self.set_class(self._mode == "ascii", "-ascii")
        self.set_class(self._mono, "-mono")
        self._panes["space"].focus()
        if self._mode == "ascii":
            draw_scrollbar_in_ascii(self.query_one(FeaturesTable))
        self._composed = True

    def _placed(self, place: Place) -> list[Widget]:
        return [pane for name, pane in self._panes.items() if PANES[name].place == place]

    def show(self, model: Model, now: float) -> None:
        """Show a Model; `now` in seconds. The side panes follow a training less often than the body."""
        if not self._composed:
            return
        if model is not self._model and now >= self._body_due:
            began = time.thread_time()
            self._model = model
            for name, pane in self._panes.items():
                if PANES[name].place == "body":
                    pane.show_model(model, self._memo)
            self._body_due = now + _BODY_REST * (time.thread_time() - began)
        sizes = tuple(pane.outer_size for pane in self._panes.values())
        if self._side_is_due(model, sizes, now):
            began = time.perf_counter()
            self._side, self._side_sizes = model, sizes
            self._show_side(model)
            # What is dear, of a very large model, is shown more seldom.
            self._side_due = now + max(_SIDE_EVERY, _SIDE_REST * (time.perf_counter() - began))

    def _side_is_due(self, model: Model, sizes: tuple[Size, ...], now: float) -> bool:
        before = self._side
        if before is None or sizes != self._side_sizes:
            return True
        if model.replay is not None and before.replay is not None:  # as while it trains
            return now >= self._side_due
        if not all(map(same, model.side_inputs, before.side_inputs)):
            return True
        if model.view is before.view:
            return False
        training = model.view.phase == before.view.phase == "training"
        return not training or now >= self._side_due

    def _show_side(self, model: Model) -> None:
        """Show everything but the body's content."""
        self.query_one("#about", Text).show(about(model))
        self.query_one("#phase", Text).show(phase(model), layout=True)
        self.query_one(RunBar).show(progress(model))
        for name, pane in self._panes.items():
            set_title(pane, pane.title_of(model), self._mode == "ascii")
            if PANES[name].place != "body":
                pane.show_model(model, self._memo)
