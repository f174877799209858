"""The phase diagram of a sweep, or for one axis a strip of cells with curves below it."""

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Offset
from textual.message import Message
from textual.strip import Strip

from tms_engine.digits import number
from tms_engine.figures import colors as palettes
from tms_tui.drawing.cells import RGB, Cells, blank
from tms_tui.drawing.few_colors import feature_palette
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.phase_map import Curve, PhaseMap, Side, boundaries, cell_at, draw_phase_map, draw_strip
from tms_tui.memo import Memo
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.cells_widget import CellsWidget
from tms_tui.panes.pointing import Pointing
from tms_tui.phases_state import PhaseColoring, PhasesState, SweepShape, cursor_of, drawn_points, order_of
from tms_tui.reading import Thing

if TYPE_CHECKING:
    from tms_engine.sweeps.diagram import Theory

# In the place of labels where there are none: room for those of curves.
_ROOM = " " * 7
# Letters of names in ASCII, and shades from the least to the greatest.
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SHADES = ".:-=+*#%@"
# In ASCII: not represented, in superposition, dedicated.
STATE_LETTERS = " xo"


def phases_title(model: Model) -> str:
    state, dash = model.phases, model.symbols.dash
    if state.path is None:
        return "Phases"
    if state.shape is None:
        return f"Phases {dash} {state.path.name}"
    return f"Phases {dash} {state.path.name}, by {colored_by(state)}"


def colored_by(state: PhasesState) -> str:
    """What the colours say, in words."""
    return {
        "name": "name",
        "loss": "loss",
        "paper": f"norm and interference of feature {state.feature}",
        "dimensionality": f"D of feature {state.feature}",
    }[state.coloring]


def name_colors(n: int, n_colors: int) -> Float[np.ndarray, "names 3"]:
    """RGB of so many names, in the order in which they were first seen."""
    return palettes.feature_colors(n, feature_palette() if n_colors <= 16 else palettes.TABLEAU)


def scale_of(values: Float[np.ndarray, " values"]) -> tuple[float, float]:
    """The least and the greatest of the values that are known; NaN where there is none."""
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)


def cells_of(
    state: PhasesState, points: Int[np.ndarray, "rows columns"], n_colors: int
) -> tuple[Float[np.ndarray, "rows columns 3"], Int[np.ndarray, "rows columns"]]:
    """Colours of these points, NaN where nothing is known, and the letters that stand for them in ASCII."""
    seen, shape = state.seen, points.shape
    none = np.full((*shape, 3), np.nan), np.full(shape, 32)
    if seen is None:
        return none
    known, flat = seen.points, points.ravel()
    is_there = known.finished[flat] > 0
    coloring: PhaseColoring = state.coloring
    if coloring in ("paper", "dimensionality") and not state.n_features:
        coloring = "name"
    if coloring == "name":
        codes = known.name[flat]
        of_names = name_colors(max(len(seen.names), 1), n_colors)
        colors = of_names[np.maximum(codes, 0) % len(of_names)].astype(np.float64)
        letters = np.array([ord(LETTERS[k % len(LETTERS)]) for k in np.maximum(codes, 0)])
        is_there = is_there & (codes >= 0)
    elif coloring == "paper":
        assert known.mean_norm is not None
        assert known.mean_interference is not None
        norm, shared = known.mean_norm[flat, state.feature], known.mean_interference[flat, state.feature]
        is_there = is_there & np.isfinite(norm) & np.isfinite(shared)
        colors = palettes.phase_colors(np.nan_to_num(norm), np.nan_to_num(shared))
        states = np.where(norm <= 0.5, 0, np.where(shared > 0.1, 1, 2))
        letters = np.array([ord(c) for c in STATE_LETTERS])[states]
        letters[letters == 32] = ord(".")
    else:
        if coloring == "loss":
            values, low, high = np.log(known.loss[flat]), *scale_of(np.log(known.loss))
        else:
            assert known.dimensionality is not None
            values, low, high = known.dimensionality[flat, state.feature].astype(np.float64), 0.0, 1.0
        is_there = is_there & np.isfinite(values)
        share = np.clip((values - low) / (high - low), 0, 1) if high > low else np.full(len(values), 0.5)
        share = np.nan_to_num(share)
        colors = palettes.viridis(share).astype(np.float64)
        letters = np.array([ord(c) for c in _SHADES])[(share * (len(_SHADES) - 1)).round().astype(int)]
    colors = np.where(is_there[:, None], colors, np.nan)
    return colors.reshape(*shape, 3), np.where(is_there, letters, 32).reshape(shape)


class Borders(NamedTuple):
    """Where theory has other states, of the optimum and of the pure strategies; None: not shown."""

    optimum: Float32[np.ndarray, "solid 2 2"] | None = None
    pure: Float32[np.ndarray, "dashed 2 2"] | None = None


_NONE = Borders()


def phase_map(state: PhasesState, n_colors: int, borders: Borders = _NONE) -> PhaseMap | None:
    """What is drawn of a sweep; None before it is known."""
    shape = state.shape
    if shape is None:
        return None
    points = drawn_points(state)
    with np.errstate(divide="ignore", invalid="ignore"):
        colors, letters = cells_of(state, points, n_colors)
    return PhaseMap(
        colors,
        letters,
        _side(state, state.down, upwards=True),
        _side(state, state.across, upwards=False),
        *borders,
        cursor_of(state),
    )


def _side(state: PhasesState, axis: int, upwards: bool) -> Side:
    if axis < 0 or state.shape is None:
        return Side("", (_ROOM,))
    found = state.shape.axes[axis]
    return Side(found.label, tuple(found.told(place) for place in order_of(found, upwards)))


def borders_of(shape: SweepShape | None, theory: "Theory | None", down: int, across: int) -> Borders:
    """The lines over the cells, as these two axes are drawn: none, where they are not theory's."""
    if shape is None or shape.theory is None or theory is None:
        return Borders()
    of = shape.theory
    if {across, down} != {of.density_axis, of.ratio_axis}:
        return Borders()
    rows = order_of(shape.axes[down], upwards=True)
    columns = order_of(shape.axes[across], upwards=False)
    return Borders(
        *(
            boundaries((table if down == of.density_axis else table.T)[rows][:, columns])
            for table in (theory.optimum, theory.pure)
        )
    )


def curves_of(state: PhasesState, colors: tuple[RGB, RGB, RGB], sigma: str) -> tuple[Curve, ...]:
    """Loss, represented features and ΣD along the one axis that is shown, of the best model at each place."""
    if state.seen is None:
        return ()
    points, known = drawn_points(state)[0], state.seen.points
    made = []
    for name, values, color in (
        ("loss", known.loss[points], colors[0]),
        ("represented", known.represented[points], colors[1]),
        (f"{sigma}D", known.total_dimensionality[points], colors[2]),
    ):
        low, high = scale_of(values)
        told = ("", "") if np.isnan(low) else (number(low, 3), number(high, 3))
        made.append(Curve(name, values, color, *told))
    return tuple(made)


class PhaseView(Pane, Pointing, CellsWidget, can_focus=True):
    """Shows a phase diagram; a click chooses a cell."""

    DEFAULT_CSS = "PhaseView { min-width: 10; min-height: 4; }"

    @dataclass
    class Chosen(Message):
        """A cell was clicked: row and column as they are drawn."""

        row: int
        column: int

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(mode, **options)

    def title_of(self, model: Model) -> str:
        return phases_title(model)

    def show_model(self, model: Model, memo: Memo) -> None:
        state = model.phases
        colors = model.chart_colors
        borders = memo(borders_of, state.shape, state.theory, state.down, state.across)
        chart = memo(phase_map, state, model.colors, borders)
        curves: tuple[Curve, ...] = ()
        if state.down < 0:
            line, mean, cursor = colors.line, colors.mean, colors.cursor
            curves = memo(curves_of, state, (line, mean, cursor), model.symbols.sigma)
        self._set_content(chart, curves, colors, said(model))

    def _draw_strips(self, base: Style) -> list[Strip]:
        assert self._content is not None
        chart, _, _, lines = self._content
        width, height = self.size
        if chart is not None:
            return super()._draw_strips(base)
        broken = [part for line in lines for part in _broken(line, max(width, 4))]
        text = [line.ljust(width)[:width] for line in broken[:height]]
        text += [" " * width] * (height - len(text))
        return [Strip([Segment(line, base)]) for line in text]

    def draw(self, height: int, width: int, ground: RGB) -> Cells:
        assert self._content is not None
        chart, curves, colors, _ = self._content
        if chart is None:
            return blank(height, width)
        mode = self.mode if self.n_colors >= 8 else "ascii"
        if curves or chart.letters.shape[0] == 1:
            return draw_strip(chart, curves, height, width, mode, ground, colors.text, colors.line)
        return draw_phase_map(chart, height, width, mode, ground, colors.text, colors.line)

    def thing_at(self, offset: Offset) -> Thing | None:
        return Thing("phases", cell=self._cell_at(offset))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        found = None if offset is None else self._cell_at(offset)
        if found is not None:
            self.post_message(self.Chosen(*found))

    def _cell_at(self, offset: Offset) -> tuple[int, int] | None:
        """Row and column, as they are drawn, of the cell at a place."""
        chart = self._content[0] if self._content else None
        if chart is None:
            return None
        height, width = self.size.height, self.size.width
        if chart.letters.shape[0] == 1:
            height = min(height, min(max(height // 4, 1), 4) + 3)
        return cell_at(chart, offset.x, offset.y, height, width, self.mode)


def _broken(line: str, width: int) -> list[str]:
    """A line in as many as its words take, each as far in as the first."""
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(line, width, subsequent_indent=indent) or [""]


def said(model: Model) -> tuple[str, ...]:
    """What stands in the place of a diagram: why there is none, or those that are offered."""
    state = model.phases
    if state.error:
        return ("", f" {state.error}")
    if state.path is not None:
        return ("", f" looking at {state.path.name}{model.symbols.ellipsis}")
    from tms_tui.offers import OFFERS

    lines = ["", " No sweep is shown. Enter trains one of these, in another process:", ""]
    for k, offer in enumerate(OFFERS):
        mark = ">" if k == state.offer else " "
        lines += [f" {mark} {offer.title}", f"     {offer.about}"]
    lines += ["", " o lists the runs and sweeps that there are; i begins one of your own:"]
    lines += ["   several values, or first:last:count, in a field are an axis"]
    if state.starting:
        lines += ["", f" {state.starting}{model.symbols.ellipsis}"]
    if model.mode == "ascii":
        from tms_tui.drawing.ascii import ascii_text

        lines = [ascii_text(line) for line in lines]
    return tuple(lines)


PANE = PhaseView
