"""W Wᵀ as a heat map, with a cursor; the mouse and Enter choose two features in it."""

from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int64
from textual import events
from textual.binding import BindingType
from textual.geometry import Offset

from tms_tui.drawing.cells import RGB, Cells
from tms_tui.drawing.heat_map import Plan, draw_heat_map, plan, strongest
from tms_tui.drawing.modes import Mode
from tms_tui.memo import Memo
from tms_tui.messages.finding import GoToCell
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.cells_widget import CellsWidget
from tms_tui.panes.jumps import Jump
from tms_tui.panes.measures import measures, n_in_gram, of_all
from tms_tui.panes.pane_keys import pane_bindings
from tms_tui.panes.pointing import Chosen, Pointing
from tms_tui.reading import Thing, in_order

# Columns that the frame takes from a title.
_FRAME = 6


def shown_gram(
    gram: Float[np.ndarray, "some some"],
    features: Int64[np.ndarray, " some"],
    order: Int64[np.ndarray, " some"],
) -> Float[np.ndarray, "some some"]:
    """W Wᵀ of features that are ascending, in another order of them."""
    places = np.searchsorted(features, order)
    return gram[np.ix_(places, places)]


class GramMap(Pane, Pointing, CellsWidget, can_focus=True):
    """Shows a Gram matrix (features, features), with the chosen features marked at the edges."""

    BINDINGS: ClassVar[list[BindingType]] = pane_bindings("gram")

    def title_of(self, model: Model) -> str:
        experiment, reading = model.experiment, model.reading
        n, m = experiment.n_features, experiment.n_hidden
        some, signs = n_in_gram(n, m), model.symbols
        title, room = signs.gram + of_all(some, n), self.outer_size.width - _FRAME
        solids = reading.solids
        if reading.by_solids and solids is not None and solids.instance == model.options.instance:
            is_now = model.shown is None or solids.step == model.shown.step
            whole = f"{title}, by solids" + ("" if is_now else f" of step {solids.step:,}")
            title = whole if len(whole) <= room else f"{title}, by solids"
        rows, columns = self._plan(some, n).patch
        if rows * columns > 1:
            whole = f"{title}, a cell: strongest of {rows} {signs.times} {columns}"
            title = whole if len(whole) <= room else f"{title}, {rows}{signs.times}{columns}/cell"
        return title

    def show_model(self, model: Model, memo: Memo) -> None:
        measured = measures(model, memo)
        if measured is None:
            return
        options, reading = model.options, model.reading
        order = memo(in_order, measured.in_gram, reading.by_solids, reading.solids, options.instance)
        gram = memo(shown_gram, measured.gram, measured.in_gram, order)
        chosen = tuple(j for j in (options.feature, reading.other) if j is not None)
        self.show(gram, order, chosen, reading.cell if self.has_focus else None)

    def show(
        self,
        gram: Float[np.ndarray, "features features"],
        order: Int64[np.ndarray, " features"],
        chosen: tuple[int, ...] = (),
        cell: tuple[int, int] | None = None,
    ) -> None:
        """Draw this from now on; `order` are the features of rows and columns, the others are of these."""
        self._set_content(gram, order, chosen, cell)

    @property
    def _drawn_in(self) -> Mode:
        """Without colours, characters tell the size of a value and its sign."""
        return self.mode if self.n_colors >= 8 else "ascii"

    def _plan(self, n: int, n_features: int) -> Plan:
        width, height = self.size
        return plan(
            max(n, 1), max(height, 1), max(width, 1), self._drawn_in, len(str(max(n_features - 1, 0)))
        )

    def draw(self, height: int, width: int, ground: RGB) -> Cells:
        assert self._content is not None
        gram, order, chosen, cell = self._content
        names = [str(j) for j in order.tolist()]
        places = [_place(order, j) for j in chosen]
        cursor = None if cell is None else (_place(order, cell[0]), _place(order, cell[1]))
        return draw_heat_map(
            gram, height, width, self._drawn_in, ground, places, self.n_colors, names, cursor
        )

    def _placed(self) -> Plan:
        """Where its values stand."""
        assert self._content is not None
        _, order, chosen, _ = self._content
        width, height = self.size
        return plan(len(order), height, width, self._drawn_in, len(str(order.max())), bool(chosen))

    def jumps(self) -> list[Jump]:
        """The diagonal, where a cell is no patch: from there arrows lead on."""
        if self._content is None:
            return []
        order, placed = self._content[1], self._placed()
        if placed.patch != (1, 1):
            return []
        places = ((int(j), *placed.middle(k, k)) for k, j in enumerate(order))
        return [Jump(column, row, GoToCell(j, j)) for j, row, column in places]

    def thing_at(self, offset: Offset) -> Thing | None:
        if self._content is None:
            return None
        gram, order, _, _ = self._content
        placed = self._placed()
        found = placed.at(offset.y, offset.x)
        if found is None:
            return Thing("gram")
        row, column = strongest(gram, *found)
        return Thing("interference", int(order[row]), int(order[column]), placed.patch)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        thing = None if offset is None else self.thing_at(offset)
        if thing is not None and thing.feature is not None and event.chain == 1:
            self.post_message(Chosen(thing.feature, thing.other))


def _place(order: Int64[np.ndarray, " features"], feature: int) -> int:
    """Where a feature stands, or the one nearest to it by number."""
    return int(np.abs(order - feature).argmin())


PANE = GramMap
