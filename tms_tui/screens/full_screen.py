"""FullScreen: what the dashboard and the screens beside it share. Each shows a Model.

The title line above, the run bar and the keys below; between them the screen's own body. Too small a terminal
is told what is needed. The body is shown every frame, all else less often while a run trains.
"""

import math
import time
from collections.abc import Iterator
from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.widget import Widget

from tms_tui.drawing.modes import Mode
from tms_tui.memo import Memo, same
from tms_tui.messages import FocusPane, FullScreenName, PaneName, ToggleMaximized
from tms_tui.model import Model
from tms_tui.panes.caption import Caption, caption
from tms_tui.panes.explain_bar import ExplainBar, explanation
from tms_tui.panes.explained import is_asked_for
from tms_tui.panes.jumps import Jump
from tms_tui.panes.key_bar import KeyBar, hints
from tms_tui.panes.run_bar import Progress, RunBar, progress
from tms_tui.panes.text import Text, set_title
from tms_tui.panes.title import Title, about, phase
from tms_tui.panes.told import Told
from tms_tui.reading import has_explain_line
from tms_tui.screens.modal import draw_scrollbar_in_ascii
from tms_tui.screens.too_small import TooSmall

# Least seconds from one drawing of the side to the next while training. Nobody reads faster.
_SIDE_EVERY = 0.1
# And so many times as long as that takes.
_SIDE_REST = 4.0
# The same of the body, by the processor's time: scenes of a large model leave room for keys and for training.
_BODY_REST = 3.0

# Panes in which a double click opens what it is on.
_OPENS = ("wall", "table", "phases", "runs")


class FullScreen(Screen[None]):
    """Composes its panes and shows a Model in them.

    A subclass has its name as FULL, its keys as BINDINGS (`screen_bindings`), and composes `body`. `panes`
    are shown the Model: those in `moving` every frame, the others less often. A pane is a `panes.Pane`.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-normal"), (150, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-short"), (30, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = []

    FULL: ClassVar[FullScreenName]
    FIRST: ClassVar[PaneName]
    """The pane that is in focus at first."""

    # How many tiles stand side by side, and rows below each other, where there are such; see `Layout`.
    across = 1
    page = 1

    def __init__(self, mode: Mode, colors: int) -> None:
        super().__init__()
        self.mode = mode
        self._mono = colors < 8
        self.memo = Memo()
        self.panes: dict[PaneName, Any] = {}
        self.moving: frozenset[PaneName] = frozenset()
        self.is_composed = False  # whether there are panes to update
        self._model: Model | None = None  # in the body
        # What the side shows: the model, the sizes for which it was shown; when it is due again.
        self._side: Model | None = None
        self._side_sizes: tuple[Size, ...] = ()
        self._side_due = -math.inf
        self._body_due = -math.inf

    def body(self) -> Iterator[Widget]:
        """What stands between title and run bar."""
        raise NotImplementedError

    def compose(self) -> Iterator[Widget]:
        with Horizontal(id="title"):
            yield Title(id="about")
            yield Text(id="phase")
        yield from self.above()
        with Horizontal(id="body"):
            yield from self.body()
        yield from self.below()
        yield Caption(id="caption")
        yield RunBar(self.mode, id="bar")
        yield ExplainBar(id="explain")
        yield KeyBar(self.mode, id="keys")
        yield TooSmall(id="too-small")

    def above(self) -> Iterator[Widget]:
        """Lines between the title and the body: none."""
        return iter(())

    def below(self) -> Iterator[Widget]:
        """Lines between the body and the run bar: none."""
        return iter(())

    def on_mount(self) -> None:
        self.set_class(self._mono, "-mono")
        self._dress()
        self.panes[self.FIRST].focus()
        self.is_composed = True

    def _dress(self) -> None:
        """What is not drawn by the panes themselves: frames and scrollbars."""
        self.set_class(self.mode == "ascii", "-ascii")
        for widget in self.query(ScrollView):
            draw_scrollbar_in_ascii(widget, self.mode == "ascii")

    def take_mode(self, mode: Mode) -> None:
        """Draw with other characters from now on."""
        self.mode = mode
        if not self.is_composed:
            return
        for widget in self.walk_children():
            if hasattr(widget, "mode"):
                widget.mode = mode
            widget.refresh()
        self._dress()
        self._model, self._side, self._body_due = None, None, -math.inf  # all is shown anew

    def jumps(self) -> list[Jump]:
        """The places of the screen to jump to: the panes that are seen, by their titles, and their rows."""
        seen = {name: pane for name, pane in self.panes.items() if pane.region.size and _is_seen(pane)}
        found = [
            Jump(pane.region.x + 1, pane.region.y, FocusPane(name))
            for name, pane in seen.items()
            if pane.can_focus
        ]
        for pane in seen.values():
            place = pane.content_region
            for x, y, message in pane.jumps():
                if 0 <= x < place.width and 0 <= y < place.height:
                    found.append(Jump(place.x + x, place.y + y, message))
        return found

    def on_click(self, event: events.Click) -> None:
        """Twice: maximise the pane below the mouse, or restore it; on its frame where that opens a row."""
        name = next((name for name, pane in self.panes.items() if pane is event.widget), None)
        pane = self.panes.get(name or "")
        if name is None or pane is None or event.chain != 2 or not pane.can_focus:
            return
        if name in _OPENS and event.get_content_offset(pane) is not None:
            return
        self.post_message(Told(FocusPane(name)))
        self.post_message(Told(ToggleMaximized()))

    def focus_pane(self, pane: PaneName, model: Model) -> None:
        """At once: `Widget.focus` waits for a message, and the next key may come before it."""
        if self.is_composed and pane in self.panes:
            self.set_focus(self.panes[pane])

    def maximize_focused(self) -> None:
        if self.focused is not None:
            self.maximize(self.focused)

    def show(self, model: Model, now: float) -> None:
        """Show a Model; `now` in seconds. The side follows a training less often than the body."""
        if not self.is_composed:
            return
        if model is not self._model and now >= self._body_due:
            began = time.thread_time()
            self._model = model
            for name in self.moving:
                self.panes[name].show_model(model, self.memo)
            self._body_due = now + _BODY_REST * (time.thread_time() - began)
        sizes = tuple(pane.outer_size for pane in self.panes.values())
        if self._side_is_due(model, sizes, now):
            began = time.perf_counter()
            self._side, self._side_sizes = model, sizes
            self.show_side(model)
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
        if model.experiment is not before.experiment and not model.view.drift:
            return True  # the answer to a key: of a drift there would be one at each frame
        training = model.view.phase == before.view.phase == "training"
        return not training or now >= self._side_due

    def head_of(self, model: Model) -> tuple[Content, Content, Progress]:
        """The title line, left and right, and what the run bar shows: those of the run."""
        return about(model), phase(model), progress(model)

    def show_side(self, model: Model) -> None:
        """Show everything but the content of the panes that move."""
        title, state, bar = self.head_of(model)
        self.query_one("#about", Text).show(title)
        self.query_one("#phase", Text).show(state, layout=True)
        self.query_one(RunBar).show(bar)
        said = explanation(model, self.memo)
        explains = self.query_one(ExplainBar)
        explains.show(said)
        has_row = has_explain_line(model.layout.rows) and not model.options.projector
        if explains.display != has_row:
            explains.display = has_row
        in_its_place = is_asked_for(model) and not has_row
        self.query_one(KeyBar).show(hints(model), said if in_its_place else None)
        self.set_class(model.autoplay is not None, "-autoplay")
        self.query_one(Caption).show(caption(model), layout=True)
        for name, pane in self.panes.items():
            set_title(pane, pane.title_of(model), self.mode == "ascii")
            if name not in self.moving:
                pane.show_model(model, self.memo)


def _is_seen(pane: Widget) -> bool:
    """Whether neither the pane nor what it is in is hidden."""
    return all(widget.display for widget in pane.ancestors_with_self if isinstance(widget, Widget))
