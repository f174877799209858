"""The Gram matrix W Wᵀ as a heat map: the diagonal is ‖W_j‖², the rest is what features do to each other."""

import math

import numpy as np
from jaxtyping import Float32, Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tms_engine.figures.captions import describe, fixed, where
from tms_engine.figures.panels import (
    ANNOTATED,
    entitle,
    figure_of,
    own_style,
    panel,
    say_what_is_missing,
    shown,
)
from tms_engine.training.run import Run

# Values a side that are drawn each by itself, or else patches of them: about as many as there are pixels.
_MOST_CELLS = 1_000
# Features, and multiplications, from which on W Wᵀ is that of some features, evenly spaced.
_MOST_COMPARED, _MULTIPLICATIONS = 20_000, 1 << 36
# Entries of W Wᵀ that are made at once.
_ENTRIES = 1 << 23


def gram_figure(run: Run, instance: int = 0, *, step: int | None = None, ax: Axes | None = None) -> Figure:
    """W Wᵀ (features, features) of one instance; with values where there are few features.

    Of more than 1,000 features, each pixel has the strongest value of a patch, and the title says of how many
    values; of more than 20,000 (fewer in many hidden dimensions) some features are taken, evenly spaced.
    `step` as in `Run.at`. Raises InputError for an instance that is not there.
    """
    snapshot = shown(run, instance, step)
    weights = snapshot.weights[instance]
    n, m = weights.shape
    compared = min(n, _MOST_COMPARED, max(_MOST_CELLS, math.isqrt(_MULTIPLICATIONS // m)))
    some = weights if compared == n else weights[np.arange(compared) * n // compared]
    side = -(-compared // _MOST_CELLS)
    with np.errstate(all="ignore"):  # weights of a user's own may be anything
        gram = _strongest(some, side)
    finite = gram[np.isfinite(gram)]
    limit = max(1.0, float(np.abs(finite).max(initial=0)))
    with own_style(ax):
        plot = panel(ax, 6.6, 5.8)
        image = plot.imshow(
            np.where(np.isfinite(gram), gram, np.nan),
            cmap="RdBu_r",
            vmin=-limit,
            vmax=limit,
            extent=(-0.5, n - 0.5, n - 0.5, -0.5),
        )
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
        patches = f", the strongest of each {side} × {side} values" if side > 1 else ""
        sampled = f" of {compared:,} features, evenly spaced" if compared < n else ""
        entitle(plot, f"{describe(snapshot)} W\u00a0Wᵀ{sampled}{patches}", where(snapshot, instance))
    return figure_of(plot)


def _strongest(
    weights: Float32[np.ndarray, "features hidden"], side: int
) -> Float64[np.ndarray, "patches patches"]:
    """W Wᵀ by patches of side × side: of each, the finite value farthest from 0, NaN if there is none.

    No more than some rows of W Wᵀ are there at once.
    """
    doubles = weights.astype(np.float64)
    n = len(doubles)
    edges = np.arange(0, n, side)
    at_once = max(1, _ENTRIES // (side * n)) * side
    found = []
    for first in range(0, n, at_once):
        rows = doubles[first : first + at_once] @ doubles.T
        if side > 1:
            rows[~np.isfinite(rows)] = np.nan
            high, low = (
                of.reduceat(of.reduceat(rows, edges, axis=1), np.arange(0, len(rows), side), axis=0)
                for of in (np.fmax, np.fmin)
            )
            rows = np.where(high >= -low, high, low)
        found.append(rows)
    return np.concatenate(found)
