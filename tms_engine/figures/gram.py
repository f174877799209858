"""The Gram matrix W Wᵀ as a heat map: the diagonal is ‖W_j‖², the rest is what features do to each other."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tms_engine.analysis import geometry
from tms_engine.figures.captions import describe, first_features, fixed, where
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


def gram_figure(run: Run, instance: int = 0, *, step: int | None = None, ax: Axes | None = None) -> Figure:
    """W Wᵀ (features, features) of one instance; with values where there are few features.

    Of more than 2,000 features, the first 2,000. `step` as in `Run.at`. Raises InputError for an instance
    that is not there.
    """
    snapshot = shown(run, instance, step)
    with np.errstate(all="ignore"):  # weights of a user's own may be anything
        gram = geometry.gram(snapshot.weights[instance : instance + 1, :MOST_FEATURES])[0]
    n = len(gram)
    finite = gram[np.isfinite(gram)]
    limit = max(1.0, float(np.abs(finite).max(initial=0)))
    with own_style(ax):
        plot = panel(ax, 6.6, 5.8)
        image = plot.imshow(np.where(np.isfinite(gram), gram, np.nan), cmap="RdBu_r", vmin=-limit, vmax=limit)
        figure_of(plot).colorbar(image, ax=plot, shrink=0.85)
        for axis in (plot.xaxis, plot.yaxis):
            axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
        if n <= ANNOTATED:
            plot.set(xticks=range(n), yticks=range(n))
            for (j, k), value in np.ndenumerate(gram):
                color = "white" if abs(value) > 0.6 * limit else "black"
                plot.text(k, j, fixed(value), ha="center", va="center", fontsize=8, color=color)
        elif not len(finite):
            say_what_is_missing(plot, "no value is finite")
        plot.set(xlabel="feature k", ylabel="feature j")
        entitle(
            plot, f"{describe(snapshot)} W\u00a0Wᵀ{first_features(snapshot, n)}", where(snapshot, instance)
        )
    return figure_of(plot)
