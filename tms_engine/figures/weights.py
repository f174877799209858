"""The weight vectors from the origin, their tips labelled with the feature's number."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from tms_engine.analysis.projection import HOME, Camera, basis_for
from tms_engine.figures import browser
from tms_engine.figures.colors import feature_colors
from tms_engine.figures.panels import coordinates, describe, figure_of, own_style, scene, shown, where
from tms_engine.training.run import Run


def weights_figure(
    run: Run,
    instance: int = 0,
    *,
    step: int | None = None,
    camera: Camera = HOME,
    axes: Sequence[int] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Row j of W (features, hidden) as a line from the origin, for one instance.

    `step` as in `Run.at`; `axes` are up to 3 hidden dimensions to draw (None: all 3, or PCA). `ax` has to be
    in space (projection="3d") for 3 or more hidden dimensions. Raises InputError for an instance or axes that
    are not there.
    """
    snapshot = shown(run, instance, step)
    weights = snapshot.weights[instance]
    n, m = weights.shape
    tips = weights @ basis_for(weights, axes)
    reach = 1.15 * max(float(np.linalg.norm(tips, axis=-1).max()), 0.1)
    with own_style(ax):
        space = scene(ax, m, reach, camera, axes)
        colors = feature_colors(n)
        for j, tip in enumerate(tips):
            line = np.stack([np.zeros(3, tip.dtype), tip])
            space.plot(
                *coordinates(line, space), color=colors[j], lw=2 if n <= 20 else 1, label=f"Weight {j}"
            )
            if n <= 100:
                space.plot(*coordinates(tip[None], space), "o", color=colors[j], ms=4 if n <= 20 else 2)
                space.text(
                    *(float(c[0]) for c in coordinates(1.09 * tip[None], space)),
                    str(j),
                    color=0.75 * colors[j],
                    path_effects=[withStroke(linewidth=2, foreground="white")],
                    ha="center",
                    va="center",
                    fontweight="bold" if n <= 20 else "normal",
                    fontsize=11 if n <= 20 else 7,
                )
        space.plot(*coordinates(np.zeros((1, 3)), space), "o", color="black", ms=3)
        space.set_title(f"{describe(snapshot)} weight vectors, {where(snapshot, instance)}")
    return figure_of(space)


def weights_html(
    run: Run,
    instance: int = 0,
    *,
    step: int | None = None,
    camera: Camera = HOME,
    axes: Sequence[int] | None = None,
) -> Any:
    """The same as a plotly Figure. Raises InputError also without plotly."""
    figure = browser.plotly().Figure()
    snapshot = shown(run, instance, step)
    weights = snapshot.weights[instance]
    n, m = weights.shape
    tips = weights @ basis_for(weights, axes)
    for j, (tip, color) in enumerate(zip(tips, browser.css(feature_colors(n)), strict=True)):
        figure.add_trace(
            browser.trace(
                np.stack([np.zeros(3, np.float32), tip]),
                m,
                mode="lines+markers+text",
                line={"width": 5 if m > 2 else 3, "color": color},
                marker={"size": [0, 4], "color": color},
                text=["", str(j)],
                name=f"Weight {j}",
            )
        )
    reach = 1.15 * max(float(np.abs(tips).max()), 0.1)
    title = f"{describe(snapshot)} weight vectors, {where(snapshot, instance)}"
    figure.update_layout(title=title, **browser.layout(m, 1, reach, camera, axes))
    return figure
