"""The pentagon with the density of one feature changed (paper, "Non-uniform superposition")."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from tms_engine.analysis.geometry import REPRESENTED_NORM
from tms_engine.analysis.theory import digon_sum, loss_of_best_constant
from tms_engine.figures.panels import new_figure
from tms_engine.paper.drawing import draw_vectors
from tms_engine.paper.frames import best_models, features_frame, weights_of
from tms_engine.paper.plan import Plan, Trained, notebook
from tms_engine.sweeps.sweep import Sweep

if TYPE_CHECKING:
    import polars as pl

PAPER = (
    "Of five features in a plane, four have density .05 and one another: denser, it pushes the others away; "
    "sparser, they move towards it, the pentagon bends, until it jumps to two digons and drops the feature. "
    "There the losses of the two solutions cross."
)
DEPARTS = (
    "The paper follows one solution; here each density has twelve starts, and both solutions are shown "
    "wherever a start has met them, with exact expected losses. They cross at about a quarter of the "
    "others' density. Dashed: two digons in closed form, the lost feature at its best bias."
)
QUICK = "five densities, eight seeds, 4,000 steps"

_DENSITY = 0.05
_RATIOS = (0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 2.5)
_QUICK = (0.2, 0.3, 0.5, 1.0, 2.0)
_FIVE = 5


def plan(quick: bool) -> Plan:
    base = notebook(n_features=5, n_hidden=2, sparsity=1 - _DENSITY, init="xavier")
    base = base.replace(steps=4000) if quick else base
    densities = [(ratio, 1.0, 1.0, 1.0, 1.0) for ratio in (_QUICK if quick else _RATIOS)]
    sweep = Sweep(base, {"relative_density": densities}, seeds=8 if quick else 12, weights=True)
    return Plan({"5-2": sweep})


def table(trained: Trained) -> "pl.DataFrame":
    """A row a feature of every model: see `with_solutions`."""
    return with_solutions(features_frame(trained.sweeps["5-2"]))


def with_solutions(features: "pl.DataFrame") -> "pl.DataFrame":
    """A table of features, with `ratio`, the density of feature 0 in units of the others', and `solution`:
    what the model is, pentagon (all five represented), digons (all but feature 0), or other."""
    import polars as pl

    ratio = pl.col("relative_density").str.split(",").list.first().cast(pl.Float64)
    lost = (pl.col("norm").filter(pl.col("feature") == 0) < REPRESENTED_NORM).first().over("row")
    solution = (
        pl.when(pl.col("represented") == _FIVE)
        .then(pl.lit("pentagon"))
        .when((pl.col("represented") == _FIVE - 1) & lost)
        .then(pl.lit("digons"))
        .otherwise(pl.lit("other"))
    )
    return features.with_columns(ratio=ratio, solution=solution)


def loss_of_two_digons(ratio: float) -> float:
    """Of two digons of density p, and the fifth feature, of density ratio · p, at its best bias alone."""
    return (2 * digon_sum(_DENSITY, 1, 1) + loss_of_best_constant(ratio * _DENSITY)) / _FIVE


def figure(table: "pl.DataFrame") -> Figure:
    """Above, the model of least loss at each density; below, the losses of the solutions, and the lengths."""
    import polars as pl

    ratios = sorted(set(table["ratio"]))
    whole: Any = new_figure(max(9.0, 1.15 * len(ratios)), 5.6)
    above, below = whole.subfigures(2, 1, height_ratios=[1, 1.9])
    colors = np.array([[0.84, 0.15, 0.16]] + [[0.35, 0.35, 0.35]] * 4)
    best = best_models(table.unique("row"), "ratio")
    for plot, (row, ratio) in zip(
        np.atleast_1d(above.subplots(1, len(ratios))), best.select("row", "ratio").iter_rows(), strict=True
    ):
        draw_vectors(plot, weights_of(table.filter(pl.col("row") == row)), colors)
        plot.set_title(f"× {ratio:g}", fontsize=9)
    losses, lengths = below.subplots(1, 2)
    models = table.unique("row")
    for solution, color, marker in (("pentagon", "tab:blue", "o"), ("digons", "tab:orange", "s")):
        own = models.filter(pl.col("solution") == solution)
        line = own.group_by("ratio").agg(pl.col("loss").min()).sort("ratio")
        name = "pentagon, bent" if solution == "pentagon" else "two digons"
        losses.plot(line["ratio"], 1e3 * line["loss"], marker + "-", color=color, ms=4, lw=1.2, label=name)
    closed = np.linspace(min(ratios), 0.7, 50)
    losses.plot(closed, [1e3 * loss_of_two_digons(r) for r in closed], "--", color="tab:orange", lw=1)
    losses.set(xlabel="density of the red feature / that of the others", ylabel="least loss × 10³")
    losses.legend(frameon=False, fontsize=8)
    rows = table.join(best.select("row"), on="row")
    red, grey = rows.filter(pl.col("feature") == 0), rows.filter(pl.col("feature") > 0)
    lengths.scatter(grey["ratio"], grey["norm"], s=14, color="0.45", label="the others")
    lengths.plot(*_columns(red.sort("ratio"), "ratio", "norm"), "o-", color=colors[0], ms=4, label="changed")
    lengths.set(xlabel="density of the red feature / that of the others", ylabel="‖Wⱼ‖ of the least loss")
    lengths.legend(frameon=False, fontsize=8)
    whole.suptitle(
        f"5 features in 2 dimensions at 1 − S = {_DENSITY}, the red one's density times this", fontsize=10
    )
    return whole


def _columns(frame: "pl.DataFrame", *names: str) -> "list[pl.Series]":
    return [frame[name] for name in names]
