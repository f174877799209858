"""The cell that the cursor is at, in numbers; and what the colours and lines mean."""

import math
from typing import Any

import numpy as np
from textual.content import Content

from tms_engine.digits import number, with_error
from tms_engine.figures import colors as palettes
from tms_tui.drawing.ascii import ascii_text
from tms_tui.drawing.contrast import as_bytes
from tms_tui.drawing.modes import Mode
from tms_tui.memo import Memo
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.phase_map import LETTERS, STATE_LETTERS, name_colors, scale_of
from tms_tui.panes.text import Text
from tms_tui.phases_state import PhasesState, point_of

_SWATCH = "███"


class PhaseCell(Pane, Text, can_focus=False):
    """Names and values, and a legend."""

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)

    def title_of(self, model: Model) -> str:
        return "Cell"

    def show_model(self, model: Model, memo: Memo) -> None:
        size = self.content_size
        self.show(memo(_content, model.phases, model.mode, model.colors, size.width, size.height))


def _content(state: PhasesState, mode: Mode, n_colors: int, width: int, height: int) -> Content:
    if state.path is None or state.shape is None:
        return Content("")
    lines = _cell(state, mode, width)
    legend = _legend(state, mode, n_colors, width)
    room = height - len(lines) - 1
    if room > 1:
        lines += [Content(""), *legend[:room]]
    if mode == "ascii":
        lines = [Content(ascii_text(line.plain)) for line in lines]
    return Content("\n").join(lines)


def _cell(state: PhasesState, mode: Mode, width: int) -> list[Content]:
    shape, seen = state.shape, state.seen
    assert shape is not None
    rows: list[tuple[str, str]] = []
    for k, (axis, place) in enumerate(zip(shape.axes, state.at, strict=True)):
        others = "" if k in (state.across, state.down) else f"  {place + 1}/{len(axis.values)}"
        rows.append((axis.label, axis.told(place) + others))
    point = point_of(state)
    seeds = shape.grid.spec.n_seeds
    finished = int(seen.points.finished[point]) if seen else 0
    rows.append(("models", f"{finished} of {seeds}" if finished < seeds else f"{seeds}"))
    if seen is not None and finished:
        points = seen.points
        loss, error = with_error(float(points.loss[point]), float(points.standard_error[point]))
        plus_minus = "+-" if mode == "ascii" else "±"
        is_sampled = points.standard_error[point] > 0
        rows.append(("best loss", f"{loss} {plus_minus}{error}" if is_sampled else loss))
        if points.diverged[point]:
            rows.append(("diverged", f"{points.diverged[point]}"))
        name = seen.names[int(points.name[point])] if points.name[point] >= 0 else ""
        residual = float(points.residual[point])
        degrees = " degrees" if mode == "ascii" else "°"
        off = f", {residual:.0f}{degrees} off" if math.isfinite(residual) and residual >= 0.5 else ""
        rows.append(("name", name + off))
        rows.append(("represented", f"{points.represented[point]:.0f}"))
        sigma = "sum " if mode == "ascii" else "Σ"
        rows.append((f"{sigma}D", f"{points.total_dimensionality[point]:.3f}"))
        if points.dimensionality is not None and points.norm is not None and state.feature < state.n_features:
            j = state.feature
            norm = "|W|" if mode == "ascii" else "‖W‖"
            rows.append(
                (
                    f"feature {j}",
                    f"{norm} {points.norm[point, j]:.2f}, D {points.dimensionality[point, j]:.2f}",
                )
            )
    names = max(len(name) for name, _ in rows)
    return [line for name, value in rows for line in _lines(name, value, names, width)]


def _lines(name: str, value: str, names: int, width: int) -> list[Content]:
    """A name and its value behind it, in its column or nearer; else below, cut to the width."""
    styled = Content.styled(name, "$foreground 60%")
    for column in (names, len(name)):
        if column + 1 + len(value) <= width:
            return [Content.assemble(styled, " " * (column + 1 - len(name)), value)]
    return [styled, Content(f" {value}"[: max(width, 1)])]


def _legend(state: PhasesState, mode: Mode, n_colors: int, width: int) -> list[Content]:
    """What the colours and the lines mean."""
    seen = state.seen
    lines: list[Content] = []
    plain = mode == "ascii" or n_colors < 8
    if seen is not None and state.coloring == "name":
        counts = np.bincount(seen.points.name[seen.points.name >= 0], minlength=len(seen.names))
        colors = as_bytes(name_colors(max(len(seen.names), 1), n_colors))
        for k in np.argsort(-counts, kind="stable"):
            if counts[k]:
                sign = f" {LETTERS[k % len(LETTERS)]} " if plain else _SWATCH
                lines.append(_entry(sign, tuple(colors[k].tolist()), f"{seen.names[k]} {counts[k]:,}", width))
    elif state.coloring == "paper":
        for k, (words, pair) in enumerate(palettes.OF_STATE.items()):
            sign = f" {STATE_LETTERS[k].replace(' ', '.')} " if plain else _SWATCH
            lines.append(_entry(sign, tuple(as_bytes(palettes.phase_colors(*pair)).tolist()), words, width))
    elif seen is not None:
        low, high = scale_of(seen.points.loss) if state.coloring == "loss" else (0.0, 1.0)
        lines += _bar(low, high, plain, width)
    if state.shape is not None and state.shape.theory is not None and state.theory is not None:
        solid, dashed = ("o", ",") if mode != "braille" else ("⠤⠤⠤", "⠄⠄⠄")
        lines.append(
            Content.assemble((f"{solid:<3}", "$foreground"), " theory: the optimum"[: max(width - 3, 0)])
        )
        lines.append(
            Content.assemble((f"{dashed:<3}", "$foreground"), " theory: pure ones"[: max(width - 3, 0)])
        )
    return lines


def _entry(sign: str, color: tuple[int, ...], words: str, width: int) -> Content:
    r, g, b = color
    return Content.assemble((sign, f"rgb({r},{g},{b})"), f" {words}"[: max(width - len(sign), 0)])


def _bar(low: float, high: float, plain: bool, width: int) -> list[Content]:
    """A bar of the colours from the least value to the greatest."""
    if math.isnan(low):
        return []
    cells = max(min(width, 24), 2)
    if plain:
        bar = Content((".:-=+*#%@" * cells)[:9])
    else:
        colors = as_bytes(palettes.viridis(np.linspace(0, 1, cells)))
        bar = Content.assemble(*(("█", f"rgb({r},{g},{b})") for r, g, b in colors.tolist()))
    ends = number(low, 3), number(high, 3)
    between = max(cells - len(ends[0]) - len(ends[1]), 1)
    return [bar, Content(f"{ends[0]}{' ' * between}{ends[1]}")]


PANE = PhaseCell
