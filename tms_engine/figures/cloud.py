"""The activation cloud: hidden activations of inputs as the experiment draws them (the seed's)."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tms_engine.analysis.clouds import cloud_sample, project
from tms_engine.analysis.projection import HOME, Camera, basis_for
from tms_engine.arrays import to_host
from tms_engine.device import resolve_device
from tms_engine.figures import browser
from tms_engine.figures.panels import (
    describe,
    draw_cloud,
    figure_of,
    own_style,
    reach_of,
    scene,
    shown,
    where,
)
from tms_engine.training.run import Run

# As many as the seed's.
ROWS = 100_000
# A browser turns so many without a jerk.
HTML_ROWS = 20_000


def cloud_figure(
    run: Run,
    instance: int = 0,
    *,
    step: int | None = None,
    camera: Camera = HOME,
    axes: Sequence[int] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """h = encode(x) for 100,000 fresh rows x of one instance, under the experiment in force at that step.

    The arguments are those of `weights_figure`.
    """
    snapshot = shown(run, instance, step)
    weights = snapshot.weights[instance]
    x = cloud_sample(snapshot.experiment, instance, ROWS, resolve_device(run.device))
    points = project(x, snapshot, instance, basis_for(weights, axes))
    law = snapshot.experiment.features
    kind = (
        f"exactly {snapshot.experiment.n_active} active"
        if law == "n_active"
        else f"{law.capitalize()} features"
    )
    with own_style(ax):
        space = scene(ax, weights.shape[1], reach_of([points]), camera, axes)
        draw_cloud(space, points, x)
        space.set_title(
            f"{describe(snapshot)} hidden activations, {kind}, {where(snapshot, instance)}.\n"
            "Colored by feature magnitudes."
        )
    return figure_of(space)


def cloud_html(
    run: Run,
    instance: int = 0,
    *,
    step: int | None = None,
    camera: Camera = HOME,
    axes: Sequence[int] | None = None,
) -> Any:
    """The same for 20,000 rows, as a plotly Figure. Raises InputError also without plotly."""
    figure = browser.plotly().Figure()
    snapshot = shown(run, instance, step)
    weights = snapshot.weights[instance]
    m = weights.shape[1]
    x = cloud_sample(snapshot.experiment, instance, HTML_ROWS, resolve_device(run.device))
    points = project(x, snapshot, instance, basis_for(weights, axes))
    figure.add_trace(browser.cloud_trace(points, to_host(x), m))
    title = f"{describe(snapshot)} hidden activations, {where(snapshot, instance)}"
    figure.update_layout(
        title=title, showlegend=False, **browser.layout(m, 1, reach_of([points]), camera, axes)
    )
    return figure
