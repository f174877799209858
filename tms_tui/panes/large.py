"""Projector mode: what counts, in large print, in the place of the dashboard's title and smaller panes."""

from typing import Any

import numpy as np
from textual.content import Content

from tms_engine import digits
from tms_engine.analysis.geometry import REPRESENTED_NORM
from tms_engine.digits import number
from tms_tui.drawing.ascii import ascii_text
from tms_tui.drawing.large import as_large_as_fits
from tms_tui.memo import Memo
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.measures import measures
from tms_tui.panes.space_view import name_of
from tms_tui.panes.text import Text, cut


class LargeTitle(Pane, Text):
    """Above all else."""

    def title_of(self, model: Model) -> str:
        return ""

    def show_model(self, model: Model, memo: Memo) -> None:
        if model.options.projector:
            self.show(large_title(model, *self.content_size))


class LargeNumbers(Pane, Text):
    """Below the loss."""

    def title_of(self, model: Model) -> str:
        return ""

    def show_model(self, model: Model, memo: Memo) -> None:
        if model.options.projector:
            self.show(large_numbers(model, memo, *self.content_size))


def large_title(model: Model, width: int, height: int) -> Content:
    """The name of the solid that is shown, or else of the run, as large as there is room for."""
    solid = name_of(model).split(",")[0]
    for text in filter(None, (solid, model.run_name)):
        lines = as_large_as_fits(text, model.mode, width, height, most=2)
        if lines is not None:
            return Content.styled("\n".join(line.center(width).rstrip() for line in lines), "bold $accent")
    text = ascii_text(model.run_name) if model.mode == "ascii" else model.run_name
    return Content.styled(cut(text, width, model.symbols.ellipsis.strip()).center(width), "bold $accent")


def large_numbers(model: Model, memo: Memo, width: int, height: int) -> Content:
    """Loss, sparsity, represented features and step, each below its name: as many as there is room for."""
    rows = _rows(model, memo)
    for most, count in ((3, 4), (2, 4), (2, 3), (1, 4), (1, 3), (1, 2), (1, 1)):
        drawn: list[tuple[str, list[str]]] = []
        for name, value in rows[:count]:
            lines = as_large_as_fits(value, model.mode, width, height, most)
            drawn.append((name, [value] if lines is None else lines))
        same = len({len(lines) for _, lines in drawn}) <= 1  # all in one size
        if sum(1 + len(lines) for _, lines in drawn) <= height and (same or most == 1):
            break
    room = height - sum(1 + len(lines) for _, lines in drawn)
    between = "\n" * min(room // max(len(drawn), 1), 1)
    parts: list[Any] = []
    for name, lines in drawn:
        parts += [(f"{name}\n", "$foreground 60%"), ("\n".join(lines) + "\n" + between, "bold")]
    return Content.assemble(*parts)


def _rows(model: Model, memo: Memo) -> list[tuple[str, str]]:
    """Names and values, the most important first; nothing before there are weights."""
    shown, instance = model.shown, model.options.instance
    if shown is None:
        return []
    loss = float(shown.losses[instance])
    rows = [("loss", number(loss, 3) if np.isfinite(loss) else "-")]
    rows.append(("sparsity S", digits.sparsity(model.experiment.of_instance("sparsity", instance))))
    measured = measures(model, memo)
    if measured is not None:
        represented = int((measured.norms > REPRESENTED_NORM).sum())
        hidden = f"features in {model.experiment.n_hidden} dimensions"
        rows.append((hidden, f"{represented}/{len(measured.norms)}"))
    rows.append(("step", f"{shown.step:,}"))
    return rows
