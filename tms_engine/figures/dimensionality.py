"""The fraction of a dimension that each feature has, beside those of the uniform solids."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tms_engine.analysis import geometry, theory
from tms_engine.figures.colors import feature_colors
from tms_engine.figures.panels import ANNOTATED, describe, figure_of, own_style, panel, shown, where
from tms_engine.training.run import Run

# Solids that share a dimensionality.
_SOLIDS = {"digon": "digon, octahedron", "square antiprism": "square antiprism, cube"}


def dimensionality_figure(
    run: Run, instance: int = 0, *, step: int | None = None, ax: Axes | None = None
) -> Figure:
    """D (features) of one instance as bars, those of `theory.DIMENSIONALITY` as lines.

    `step` as in `Run.at`. Raises InputError for an instance that is not there.
    """
    snapshot = shown(run, instance, step)
    dimensionality = geometry.dimensionality(snapshot.weights[instance : instance + 1])[0]
    n = len(dimensionality)
    with own_style(ax):
        plot = panel(ax, 8, 5)
        plot.bar(range(n), dimensionality, color=feature_colors(n), width=0.8 if n <= 100 else 1.0)
        if n <= ANNOTATED:
            plot.set_xticks(range(n))
            for j, value in enumerate(dimensionality):
                plot.text(j, value + 0.01, f"{value:.2f}", ha="center", fontsize=9)
        for name, value in theory.DIMENSIONALITY.items():
            plot.axhline(value, color="gray", ls=":", lw=0.8, zorder=0)
            plot.text(
                1.01, value, _SOLIDS.get(name, name), transform=plot.get_yaxis_transform(), va="center",
                fontsize=7,
            )  # fmt: skip
        plot.set(xlabel="feature", ylabel="dimensionality D", ylim=(0, 1.08), xlim=(-0.6, n - 0.4))
        total = f"ΣD = {dimensionality.sum():.3f}"
        plot.set_title(f"{describe(snapshot)} dimensionality, {total}, {where(snapshot, instance)}")
    return figure_of(plot)
