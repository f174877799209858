"""The fraction of a dimension that each feature has, beside those of the uniform solids."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from tms_engine.analysis import geometry, theory
from tms_engine.figures.captions import describe, first_features, fixed, where
from tms_engine.figures.colors import feature_colors, on_white
from tms_engine.figures.panels import (
    ANNOTATED,
    MOST_FEATURES,
    entitle,
    figure_of,
    own_style,
    panel,
    say_what_is_missing,
    shown,
)
from tms_engine.training.run import Run

# Solids that share a dimensionality.
SOLIDS = {"digon": "digon, octahedron", "square antiprism": "square antiprism, cube"}
# D between two names beside the axis: a line of their letters.
_APART = 0.031


def dimensionality_figure(
    run: Run, instance: int = 0, *, step: int | None = None, ax: Axes | None = None
) -> Figure:
    """D (features) of one instance as bars, those of `theory.DIMENSIONALITY` as lines.

    Of more than 2,000 features, the first 2,000; ΣD is of all. `step` as in `Run.at`. Raises InputError for
    an instance that is not there.
    """
    snapshot = shown(run, instance, step)
    with np.errstate(all="ignore"):  # weights of a user's own may be anything
        all_of_them = geometry.dimensionality(snapshot.weights[instance : instance + 1])[0]
    dimensionality = all_of_them[:MOST_FEATURES]
    n = len(dimensionality)
    with own_style(ax):
        plot = panel(ax, 8, 5)
        colors: Any = on_white(feature_colors(n))
        if n <= 100:
            plot.bar(range(n), np.nan_to_num(dimensionality), color=colors, width=0.8)
        else:
            plot.vlines(range(n), 0, np.nan_to_num(dimensionality), colors=colors, lw=420 / n)
        plot.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
        if n <= ANNOTATED:
            plot.set_xticks(range(n))
            for j, value in enumerate(dimensionality):
                plot.text(
                    j, np.nan_to_num(value) + 0.01, fixed(value), ha="center", fontsize=9,
                    path_effects=[withStroke(linewidth=2, foreground="white")],
                )  # fmt: skip
        if not np.isfinite(dimensionality).any():
            say_what_is_missing(plot, "no value is finite")
        draw_solids(plot)
        plot.set(xlabel="feature", ylabel="dimensionality D", ylim=(0, 1.08), xlim=(-0.6, n - 0.4))
        total = f"ΣD = {fixed(float(np.nansum(all_of_them)), 3)}"
        entitle(
            plot,
            f"{describe(snapshot)} dimensionality{first_features(snapshot, n)}, {total}",
            where(snapshot, instance),
            share=0.85,
        )
    return figure_of(plot)


def draw_solids(plot: Axes, apart: float = _APART, size: float = 7) -> None:
    """Lines with their names to the right, each name beside its line or as near as there is room.

    `apart`: D between two names, in letters of `size` points.
    """
    height = 0.0
    for name, value in sorted(theory.DIMENSIONALITY.items(), key=lambda solid: solid[1]):
        height = max(value, height + apart)
        plot.axhline(value, color="gray", ls=":", lw=0.8, zorder=0)
        plot.text(
            1.01, height, f"{fixed(value, 3)} {SOLIDS.get(name, name)}", va="center", fontsize=size,
            transform=plot.get_yaxis_transform(),
        )  # fmt: skip
