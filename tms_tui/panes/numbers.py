"""The numbers of the instance and step that are shown, and of the run. Up and down move through them."""

import math
import textwrap
from typing import Any, ClassVar, NamedTuple

import numpy as np
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Offset, Size

from tms_engine import digits
from tms_engine.analysis.geometry import REPRESENTED_NORM
from tms_engine.digits import EXACT, how_exact, number, with_error
from tms_tui.drawing.modes import Mode
from tms_tui.memo import Memo
from tms_tui.messages.finding import GoToNumber
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.jumps import Jump
from tms_tui.panes.measures import Measures, measures
from tms_tui.panes.pane_keys import pane_bindings
from tms_tui.panes.pointing import Pointing
from tms_tui.panes.run_bar import rate, rate_text
from tms_tui.panes.text import Text
from tms_tui.reading import Thing


class Row(NamedTuple):
    name: str  # "" of one that belongs to the row above
    value: str
    term: str  # of the table in explain.py


class Numbers(Pane, Pointing, Text, can_focus=True):
    """Names and values."""

    BINDINGS: ClassVar[list[BindingType]] = pane_bindings("numbers")

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)
        self._of_lines: tuple[int, ...] = ()

    def title_of(self, model: Model) -> str:
        return "Numbers"

    def show_model(self, model: Model, memo: Memo) -> None:
        shown = numbers(model, memo, self.content_size, self.has_focus)
        if shown is not None:
            text, self._of_lines = shown
            self.show(text)

    def jumps(self) -> list[Jump]:
        first = {row: line for line, row in reversed(list(enumerate(self._of_lines)))}
        return [Jump(self.size.width - 1, line, GoToNumber(row)) for row, line in sorted(first.items())]

    def thing_at(self, offset: Offset) -> Thing | None:
        return Thing("fresh loss", row=self._of_lines[offset.y]) if offset.y < len(self._of_lines) else None


def numbers(
    model: Model, memo: Memo, size: Size, in_focus: bool = False
) -> tuple[Content, tuple[int, ...]] | None:
    """The rows, and below them why this kernel was chosen if there is room; and the row of each line.

    Those of late are left out, so that the row with the cursor is seen. None before there are weights.
    """
    measured = measures(model, memo)
    if measured is None:
        return None
    rows = number_rows(model, measured)
    reason = ["", *textwrap.wrap(model.view.reason, max(size.width, 1))]
    names = max(len(row.name) for row in rows)
    cursor = model.reading.row % len(rows) if in_focus else None
    lines, of_lines = [], []
    for i, row in enumerate(rows):
        for line in _lines(row.name, row.value, names, size.width):
            lines.append(line.stylize("reverse") if i == cursor else line)
            of_lines.append(i)
    hidden = 0
    if cursor is not None and size.height:
        hidden = max(0, len(of_lines) - of_lines[::-1].index(cursor) - size.height)
    if len(lines) + len(reason) <= size.height:
        lines += [Content.styled(line, "$foreground 60%") for line in reason]
    return Content("\n").join(lines[hidden:]), tuple(of_lines[hidden:])


def _lines(name: str, value: str, names: int, width: int) -> list[Content]:
    """A name and its value behind it, in its column or nearer; on a line of its own if there is no room."""
    styled = Content.styled(name, "$foreground 60%")
    for column in (names, len(name)):
        if column + 1 + len(value) <= width:
            return [Content.assemble(styled, " " * (column + 1 - len(name)), value)]
    return [*([styled] if name else []), Content(f"{value:>{width}}")]


def number_rows(model: Model, measured: Measures) -> list[Row]:
    """Names and values, the most important first."""
    experiment, view, i, signs = model.experiment, model.view, model.options.instance, model.symbols
    norms = measured.norms
    rows = _fresh_loss(model)
    represented = int((norms > REPRESENTED_NORM).sum())
    total, exact = measured.total_dimensionality
    rows += [
        Row("represented", f"{represented:,} of {len(norms):,}", "n represented"),
        Row(f"{signs.sigma}D", f"{'' if exact else '~'}{number(total)} of {experiment.n_hidden:,}", "sum D"),
        Row(f"mean {signs.norm}{signs.squared}", number(float(np.square(norms).mean()), 3), "mean norm²"),
        Row("S", digits.sparsity(experiment.of_instance("sparsity", i)), "S"),
        Row("rate", f"{experiment.of_instance('learning_rate', i):.3g}", "rate"),
    ]
    decay = experiment.of_instance("importance_decay", i)
    if decay != 1 or experiment.importance is not None:
        of_a_list = "" if experiment.importance is None else "list"
        power = "" if decay == 1 else f"{decay:.3g}^j"
        rows.append(Row("I", f" {signs.times} ".join(filter(None, (of_a_list, power))), "I"))
    if view.following is None:
        rows.append(Row("pace", "no limit" if math.isinf(view.pace) else rate_text(view.pace), "pace"))
    if speed := rate(view):
        rows.append(Row("speed", rate_text(speed), "speed"))
    rows += [Row("kernel", view.kernel, "kernel"), Row("device", view.device, "device")]
    return rows


def _fresh_loss(model: Model) -> list[Row]:
    """The loss on fresh data with its error or as exact, the step that it is of, and the place by it.

    The place is among the instances with the same sparsity and importances, and the difference to the best
    has an error of its own, since all are evaluated on the same rows. Nothing at an earlier step.
    """
    view, i, plus_minus = model.view, model.options.instance, model.symbols.plus_minus
    evaluation, places = view.evaluation, view.comparison
    if evaluation is None or model.options.step is not None:
        return []
    value, error_of = float(evaluation.loss[i]), float(evaluation.standard_error[i])
    loss, error = with_error(value, error_of)
    rows = [Row("fresh loss", loss, "fresh loss")]
    if math.isfinite(value) and math.isfinite(error_of):
        rows.append(Row("", f"{plus_minus}{error}" if evaluation.rows else how_exact(0), "fresh loss"))
    if view.phase == "training" or view.evaluation_step != view.step:
        rows.append(Row("  of step", f"{view.evaluation_step:,}", "fresh loss"))
    if places is not None and places.rank[i] and places.among[i] > 1:
        rows.append(Row("place", f"{places.rank[i]:,} of {places.among[i]:,}", "place"))
        if places.rank[i] > 1:
            difference, error_of = float(places.to_best[i]), float(places.error[i])
            behind, error = with_error(difference, error_of, sign=True, least=EXACT * value)
            rows.append(Row("to the best", behind, "to the best"))
            if evaluation.rows:
                rows.append(Row("", f"{plus_minus}{error}", "to the best"))
    return rows


PANE = Numbers
