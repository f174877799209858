"""The dimensionality D of every feature of a population, as a histogram, with the ideal values."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tms_engine.analysis import geometry, theory
from tms_engine.figures.captions import fixed
from tms_engine.figures.dimensionality import SOLIDS
from tms_engine.figures.panels import entitle, figure_of, own_style, panel, say_what_is_missing
from tms_engine.figures.populations import about
from tms_engine.training.run import Run

_BINS = np.linspace(0, 1.05, 211)
# D between two names above the histogram: the height of their letters.
_APART = 0.018


def dimensionalities_figure(run: Run, *, step: int | None = None, ax: Axes | None = None) -> Figure:
    """D of all features of all instances that have not diverged; those of `theory.DIMENSIONALITY` as lines.

    Features that are not represented are lighter: their D says little. `step` as in `Run.at`.
    """
    snapshot = run.at(step)
    weights = np.delete(snapshot.weights, list(snapshot.diverged), axis=0)
    with np.errstate(all="ignore"):  # weights of a user's own may be anything
        values, are = geometry.dimensionality(weights), geometry.represented(weights)
    are &= np.isfinite(values)
    others = values[~are & np.isfinite(values)]
    with own_style(ax):
        plot = panel(ax, 9, 5.5)
        labels = [f"represented ({are.sum():,})", f"not represented ({len(others):,})"]
        plot.hist([values[are], others], list(_BINS), stacked=True, color=["tab:blue", "0.8"], label=labels)
        if not are.any() and not len(others):
            say_what_is_missing(plot, "no value is finite")
        plot.set_ylim(0, 1.6 * max(1.0, plot.get_ylim()[1]))  # room for the names
        _draw_solids(plot)
        plot.set(xlim=(0, 1.05), xlabel="dimensionality D", ylabel="features")
        plot.legend(fontsize=8, loc="upper left")
        entitle(plot, f"{about(snapshot)}: dimensionality of all features")
    return figure_of(plot)


def _draw_solids(plot: Axes) -> None:
    """Lines with their names upright along them, each beside its line or as near as there is room."""
    right = 0.0
    for name, value in sorted(theory.DIMENSIONALITY.items(), key=lambda solid: solid[1]):
        right = max(value, right + _APART)
        plot.axvline(value, color="black", ls=":", lw=0.8)
        plot.text(
            right + 0.003, 0.98, f"{fixed(value, 3)} {SOLIDS.get(name, name)}", rotation=90, va="top",
            fontsize=7, transform=plot.get_xaxis_transform(),
        )  # fmt: skip
