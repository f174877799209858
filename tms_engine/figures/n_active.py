"""The seed's last figure: the clouds for exactly 1, 2 and 3 active features, side by side."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32
from matplotlib.figure import Figure

from tms_engine.analysis.clouds import cloud_sample, project
from tms_engine.analysis.projection import HOME, Camera, basis_for
from tms_engine.arrays import Array
from tms_engine.device import resolve_device
from tms_engine.figures import browser, captions
from tms_engine.figures.captions import describe, where
from tms_engine.figures.panels import (
    cloud_rows,
    draw_cloud,
    new_figure,
    own_style,
    reach_of,
    say_what_is_missing,
    scene,
    shown,
)
from tms_engine.training.run import Run
from tms_engine.training.state import Snapshot

# Points of each cloud, as many as the seed's.
ROWS = 10_000


class _Cloud(NamedTuple):
    n_active: int
    x: Float32[Array, "rows features"]
    points: Float32[np.ndarray, "rows 3"]


def n_active_figure(
    run: Run,
    instance: int = 0,
    *,
    step: int | None = None,
    camera: Camera = HOME,
    axes: Sequence[int] | None = None,
) -> Figure:
    """10,000 points a cloud, all clouds to one scale. The arguments are those of `weights_figure`."""
    snapshot = shown(run, instance, step)
    clouds = _clouds(run, snapshot, instance, axes)
    reach = reach_of([cloud.points for cloud in clouds])
    with own_style():
        width = max(5 * len(clouds), 7)  # room for the title
        figure = new_figure(width, 5.6 if snapshot.experiment.n_hidden > 1 else 2.8)
        figure.set_layout_engine("constrained", h_pad=0.12)
        figure.suptitle(captions.title(_title(snapshot, instance, clouds, "feature magnitudes"), width))
        for position, cloud in enumerate(clouds, start=1):
            place = (figure, 1, len(clouds), position)
            space = scene(place, snapshot.experiment.n_hidden, reach, camera, axes)
            draw_cloud(space, cloud.points, cloud.x)
            if not np.isfinite(cloud.points).any():
                say_what_is_missing(space, "no activation is finite")
            space.set_title(f"n_active={cloud.n_active}")
    return figure


def n_active_html(
    run: Run,
    instance: int = 0,
    *,
    step: int | None = None,
    camera: Camera = HOME,
    axes: Sequence[int] | None = None,
) -> Any:
    """The same as a plotly Figure, colored by feature 0 as the seed's.

    Raises InputError also without plotly.
    """
    figure = browser.plotly().Figure()
    snapshot = shown(run, instance, step)
    m = snapshot.experiment.n_hidden
    clouds = _clouds(run, snapshot, instance, axes)
    for position, cloud in enumerate(clouds):
        trace = browser.cloud_trace(cloud.points, cloud.x, m)
        number = "" if position == 0 else str(position + 1)
        trace.update({"scene": f"scene{number}"} if m > 2 else {"xaxis": f"x{number}", "yaxis": f"y{number}"})
        figure.add_trace(trace)
        figure.add_annotation(
            text=f"n_active={cloud.n_active}",
            x=(position + 0.5) / len(clouds),
            y=1.0,
            xref="paper",
            yref="paper",
            yanchor="bottom",
            showarrow=False,
        )
    reach = reach_of([cloud.points for cloud in clouds])
    title = _title(snapshot, instance, clouds, "feature 0")
    figure.update_layout(showlegend=False, **browser.layout(title, m, len(clouds), reach, camera, axes))
    return figure


def _title(snapshot: Snapshot, instance: int, clouds: Sequence[_Cloud], coloring: str) -> list[str]:
    """The seed's, with as many active features as there are clouds."""
    counts = captions.active([cloud.n_active for cloud in clouds])
    return [
        f"{describe(snapshot)} hidden activations for exactly {counts}. Colored by {coloring}.",
        where(snapshot, instance),
    ]


def _clouds(run: Run, snapshot: Snapshot, instance: int, axes: Sequence[int] | None) -> list[_Cloud]:
    basis = basis_for(snapshot.weights[instance], axes)
    device, clouds = resolve_device(run.device), []
    n = snapshot.experiment.n_features
    for k in (1, 2, 3):
        if k <= n:
            x = cloud_sample(snapshot.experiment, instance, cloud_rows(ROWS, 3 * n), device, k)
            clouds.append(_Cloud(k, x, project(x, snapshot, instance, basis)))
    return clouds
