"""The Gram matrix W Wᵀ as a heat map: the diagonal is ‖W_j‖², the rest is what features do to each other."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tms_engine.analysis import geometry
from tms_engine.figures.panels import ANNOTATED, describe, figure_of, own_style, panel, shown, where
from tms_engine.training.run import Run


def gram_figure(run: Run, instance: int = 0, *, step: int | None = None, ax: Axes | None = None) -> Figure:
    """W Wᵀ (features, features) of one instance; with values where there are few features.

    `step` as in `Run.at`. Raises InputError for an instance that is not there.
    """
    snapshot = shown(run, instance, step)
    gram = geometry.gram(snapshot.weights[instance : instance + 1])[0]
    n = len(gram)
    with own_style(ax):
        plot = panel(ax, 6.6, 5.8)
        limit = max(1.0, float(np.abs(gram).max()))
        image = plot.imshow(gram, cmap="RdBu_r", vmin=-limit, vmax=limit)
        figure_of(plot).colorbar(image, ax=plot, shrink=0.85)
        if n <= ANNOTATED:
            plot.set(xticks=range(n), yticks=range(n))
            for (j, k), value in np.ndenumerate(gram):
                color = "white" if abs(value) > 0.6 * limit else "black"
                plot.text(k, j, f"{value:.2f}", ha="center", va="center", fontsize=8, color=color)
        plot.set(xlabel="feature k", ylabel="feature j")
        plot.set_title(f"{describe(snapshot)} W Wᵀ, {where(snapshot, instance)}")
    return figure_of(plot)
