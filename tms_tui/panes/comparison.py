"""Two models that are compared, in words and numbers. Stands in the place of the panes of one model."""

import math
import textwrap

import numpy as np
from textual.content import Content
from textual.geometry import Offset

from tms_engine import digits
from tms_engine.analysis import geometry
from tms_tui.drawing.ascii import ascii_text
from tms_tui.drawing.symbols import ASCII, Symbols
from tms_tui.memo import Memo
from tms_tui.model import Model
from tms_tui.panes.pointing import Pointing
from tms_tui.panes.text import Text, cut
from tms_tui.reading import Thing
from tms_tui.solids import Compared, Loss, Solid

_QUIET = "$foreground 60%"
# Cells of a label; of a value at least, and at most.
_LABEL, _LEAST, _MOST = 11, 8, 13
# Cells that a feature's line needs for its D.
_WITH_D = 38


class Comparison(Pointing, Text):
    """The rows below, as a pane that the mouse can be over."""

    def thing_at(self, offset: Offset) -> Thing:
        return Thing("A and B")


def comparison(model: Model, memo: Memo, width: int) -> Content:
    """Rows of A and of B and what differs, how A was laid over B, and each feature's ‖W‖ and D."""
    compared, solid = model.solids.compared, model.solids.solid
    if compared is None or solid is None or compared.before is not model.solids.before:
        return Content.styled("laying A over B" + model.symbols.ellipsis, _QUIET)
    return memo(_comparison, compared, solid, model.run_name, model.symbols, width)


def places(compared: Compared, run_name: str) -> tuple[str, str]:
    """What A and B are, as shortly as tells them apart."""
    before, shown = compared.before, compared.shown
    if before.run_name != run_name:
        return before.run_name, run_name
    if before.instance != compared.instance:
        return f"instance {before.instance}", f"instance {compared.instance}"
    return f"step {before.shown.step:,}", f"step {shown.step:,}"


def _comparison(compared: Compared, solid: Solid, run_name: str, signs: Symbols, width: int) -> Content:
    before, shown = compared.before, compared.shown
    rows = [("", *(f"{letter}" for letter in "AB"))]
    if before.run_name != run_name:
        rows.append(("run", *places(compared, run_name)))
    if (before.instance, before.run_name) != (compared.instance, run_name):
        rows.append(("instance", str(before.instance), str(compared.instance)))
    rows.append(("step", f"{before.shown.step:,}", f"{shown.step:,}"))
    sizes = [
        f"{s.experiment.n_features} {signs.arrow} {s.experiment.n_hidden}" for s in (before.shown, shown)
    ]
    if sizes[0] != sizes[1]:
        rows.append(("sizes", *sizes))
    rows += [
        (label, told(before.shown.experiment.of_instance(field, before.instance)),
         told(shown.experiment.of_instance(field, compared.instance)))
        for label, field, told in (
            ("S", "sparsity", digits.sparsity),
            ("rate", "learning_rate", lambda value: f"{value:.3g}"),
            ("decay", "importance_decay", lambda value: f"{value:.3g}"),
        )
        if label == "S"
        or before.shown.experiment.of_instance(field, before.instance)
        != shown.experiment.of_instance(field, compared.instance)
    ]  # fmt: skip
    rows.append(("fresh loss", digits.number(compared.loss.value), digits.number(compared.loss_now.value)))
    norms, dimensionality = zip(
        *(_measured(s.weights[i]) for s, i in ((before.shown, before.instance), (shown, compared.instance))),
        strict=True,
    )
    represented = [f"{int((each > geometry.REPRESENTED_NORM).sum())} of {len(each)}" for each in norms]
    rows += [
        ("represented", *represented),
        (f"{signs.sigma}D", *(f"{each.sum():.3f}" for each in dimensionality)),
    ]
    lines = [_row(width, *row) for row in rows]
    lines.insert(
        1 + next(i for i, row in enumerate(rows) if row[0] == "fresh loss"),
        _told(compared.loss, compared.loss_now, width),
    )
    names = [compared.solid.found.title, solid.found.title]
    if signs is ASCII:
        names = list(map(ascii_text, names))  # which is longer
    for letter, name in zip("AB", names, strict=True):
        wrapped = textwrap.wrap(name, max(width - 2, 8)) or [""]
        lines += [Content.assemble((f"{letter} ", _QUIET), (wrapped[0], "bold"))]
        lines += [Content.styled(f"  {rest}", "bold") for rest in wrapped[1:]]
    lines += [Content.styled(line, _QUIET) for line in textwrap.wrap(laid_over(compared), max(width, 8))]
    lines += [
        _feature(j, int(k), norms, dimensionality, compared.matched, signs, width)
        for j, k in enumerate(compared.alignment.partner)
    ]
    return Content("\n").join(lines)


def laid_over(compared: Compared) -> str:
    """How A was laid over B, in a sentence."""
    how = "turned and mirrored" if compared.alignment.mirrored else "turned"
    which = "each feature on the one that it matches best" if compared.matched else "feature j on feature j"
    far = compared.alignment.distance
    apart = f", {far:.2f} apart on average" if math.isfinite(far) else ""
    return f"A is {how} onto B, {which}{apart}"


def _row(width: int, label: str, a: str, b: str) -> Content:
    each = min(max((width - _LABEL - 1) // 2, _LEAST), _MOST)
    return Content.assemble(
        (f"{label:<{_LABEL}}", _QUIET), f"{cut(a, each, ''):>{each}} {cut(b, each, ''):>{each}}"
    )


def _told(a: Loss, b: Loss, width: int) -> Content:
    return Content.assemble((f"{'B - A':<{_LABEL}}", _QUIET), _difference(a, b, width - _LABEL))


def _measured(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return geometry.norms(weights[None])[0], geometry.dimensionality(weights[None])[0]


def _difference(a: Loss, b: Loss, width: int) -> str:
    """Of the losses, and as a share of A's if there is room."""
    difference = b.value - a.value
    if not math.isfinite(difference):
        return "not known"
    share = f" ({100 * difference / a.value:+.1f} %)" if a.value else ""
    told = ("+" if difference > 0 else "") + digits.number(difference)
    return told + share if len(told + share) <= width else told


def _feature(
    j: int,
    k: int,
    norms: tuple[np.ndarray, ...],
    dimensionality: tuple[np.ndarray, ...],
    matched: bool,
    signs: Symbols,
    width: int,
) -> Content:
    """One line: a feature of A, that of B for which it stands, their norms and, if there is room, D."""
    pair = f"{j} {signs.arrow} {k}" if matched and k >= 0 else str(j)
    if k < 0:
        return Content.assemble((f"{pair:<8}", _QUIET), f"{signs.norm} {norms[0][j]:.2f}, in A alone")
    wide = f"{signs.norm} {norms[0][j]:.2f} {signs.arrow} {norms[1][k]:.2f}"
    if width >= _WITH_D:
        wide += f"  D {dimensionality[0][j]:.2f} {signs.arrow} {dimensionality[1][k]:.2f}"
    return Content.assemble((f"{pair:<8}", _QUIET), wide)
