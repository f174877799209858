"""W Wᵀ as a heat map."""

import numpy as np
from jaxtyping import Float

from tms_tui.drawing.cells import RGB, Cells
from tms_tui.drawing.heat_map import draw_heat_map
from tms_tui.memo import Memo
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.cells_widget import CellsWidget
from tms_tui.panes.measures import measures, n_in_gram, of_all


class GramMap(Pane, CellsWidget, can_focus=True):
    """Shows a Gram matrix (features, features), with a selected feature marked at the edges."""

    def title_of(self, model: Model) -> str:
        n, m = model.experiment.n_features, model.experiment.n_hidden
        return model.symbols.gram + of_all(n_in_gram(n, m), n)

    def show_model(self, model: Model, memo: Memo) -> None:
        measured = measures(model, memo)
        if measured is not None:
            selected = model.options.feature
            place = (
                None if selected is None else int(np.searchsorted(measured.in_gram, selected, "right")) - 1
            )
            self.show(measured.gram, place)

    def show(self, gram: Float[np.ndarray, "features features"], selected: int | None) -> None:
        self._set_content(gram, selected)

    def draw(self, height: int, width: int, ground: RGB) -> Cells:
        assert self._content is not None
        gram, selected = self._content
        # Without colours, characters tell the size of a value and its sign.
        mode = self.mode if self.n_colors >= 8 else "ascii"
        return draw_heat_map(gram, height, width, mode, ground, selected, self.n_colors)


PANE = GramMap
