"""The numbers of the instance and step that are shown, and of the run."""

import math
import textwrap
from typing import Any

import numpy as np
from textual.content import Content
from textual.geometry import Size

from tms_engine import digits
from tms_engine.analysis.geometry import REPRESENTED_NORM
from tms_engine.digits import EXACT, how_exact, with_error
from tms_tui.drawing.modes import Mode
from tms_tui.memo import Memo
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.measures import Measures, measures
from tms_tui.panes.run_bar import rate, rate_text
from tms_tui.panes.text import Text


class Numbers(Pane, Text, can_focus=True):
    """Names and values."""

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)

    def title_of(self, model: Model) -> str:
        return "Numbers"

    def show_model(self, model: Model, memo: Memo) -> None:
        text = numbers(model, memo, self.content_size)
        if text is not None:
            self.show(text)


def numbers(model: Model, memo: Memo, size: Size) -> Content | None:
    """The rows, and below them why this kernel was chosen if there is room; None before there are weights."""
    measured = measures(model, memo)
    if measured is None:
        return None
    rows = number_rows(model, measured)
    reason = ["", *textwrap.wrap(model.view.reason, max(size.width, 1))]
    names = max(len(name) for name, _ in rows)
    lines = [line for name, value in rows for line in _lines(name, value, names, size.width)]
    if len(lines) + len(reason) <= size.height:
        lines += [Content.styled(line, "$foreground 60%") for line in reason]
    return Content("\n").join(lines)


def _lines(name: str, value: str, names: int, width: int) -> list[Content]:
    """A name and its value behind it, in its column or nearer; on a line of its own if there is no room."""
    styled = Content.styled(name, "$foreground 60%")
    for column in (names, len(name)):
        if column + 1 + len(value) <= width:
            return [Content.assemble(styled, " " * (column + 1 - len(name)), value)]
    return [*([styled] if name else []), Content(f"{value:>{width}}")]


def number_rows(model: Model, measured: Measures) -> list[tuple[str, str]]:
    """Names and values, the most important first."""
    experiment, view, i, signs = model.experiment, model.view, model.options.instance, model.symbols
    norms = measured.norms
    rows = _fresh_loss(model)
    represented = int((norms > REPRESENTED_NORM).sum())
    total, exact = measured.total_dimensionality
    rows += [
        ("represented", f"{represented:,} of {len(norms):,}"),
        (f"{signs.sigma}D", f"{'' if exact else '~'}{total:.3f} of {experiment.n_hidden:,}"),
        (f"mean {signs.norm}{signs.squared}", f"{np.square(norms).mean():.3f}"),
        ("S", digits.sparsity(experiment.of_instance("sparsity", i))),
        ("rate", f"{experiment.of_instance('learning_rate', i):.3g}"),
    ]
    decay = experiment.of_instance("importance_decay", i)
    if decay != 1 or experiment.importance is not None:
        of_a_list = "" if experiment.importance is None else "list"
        power = "" if decay == 1 else f"{decay:.3g}^j"
        rows.append(("I", f" {signs.times} ".join(filter(None, (of_a_list, power)))))
    if view.following is None:
        rows.append(("pace", "no limit" if math.isinf(view.pace) else rate_text(view.pace)))
    if speed := rate(view):
        rows.append(("speed", rate_text(speed)))
    rows += [("kernel", view.kernel), ("device", view.device)]
    return rows


def _fresh_loss(model: Model) -> list[tuple[str, str]]:
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
    rows = [("fresh loss", loss)]
    if math.isfinite(value) and math.isfinite(error_of):
        rows.append(("", f"{plus_minus}{error}" if evaluation.rows else how_exact(0)))
    if view.phase == "training" or view.evaluation_step != view.step:
        rows.append(("  of step", f"{view.evaluation_step:,}"))
    if places is not None and places.rank[i] and places.among[i] > 1:
        rows.append(("place", f"{places.rank[i]:,} of {places.among[i]:,}"))
        if places.rank[i] > 1:
            difference, error_of = float(places.to_best[i]), float(places.error[i])
            behind, error = with_error(difference, error_of, sign=True, least=EXACT * value)
            rows.append(("to the best", behind))
            if evaluation.rows:
                rows.append(("", f"{plus_minus}{error}"))
    return rows


PANE = Numbers
