"""The seed's last figure: the clouds for exactly 1, 2 and 3 active features, side by side."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32
from matplotlib.figure import Figure

from tms_engine.analysis.clouds import cloud_sample, project
from tms_engine.analysis.projection import HOME, Camera, basis_for
from tms_engine.arrays import Array, to_host
from tms_engine.device import resolve_device
from tms_engine.figures import browser
from tms_engine.figures.panels import describe, draw_cloud, new_figure, own_style, reach_of, scene, shown
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
        figure = new_figure(5 * len(clouds), 5.4)
        figure.set_layout_engine("constrained", h_pad=0.12)
        figure.suptitle(
            f"{describe(snapshot)} hidden activations for exactly 1, 2, or 3 active features. "
            "Colored by feature magnitudes."
        )
        for position, cloud in enumerate(clouds, start=1):
            place = (figure, 1, len(clouds), position)
            space = scene(place, snapshot.experiment.n_hidden, reach, camera, axes)
            draw_cloud(space, cloud.points, cloud.x)
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
    """The same as a plotly Figure. Raises InputError also without plotly."""
    figure = browser.plotly().Figure()
    snapshot = shown(run, instance, step)
    m = snapshot.experiment.n_hidden
    clouds = _clouds(run, snapshot, instance, axes)
    for position, cloud in enumerate(clouds):
        trace = browser.cloud_trace(cloud.points, to_host(cloud.x), m)
        number = "" if position == 0 else str(position + 1)
        trace.update({"scene": f"scene{number}"} if m > 2 else {"xaxis": f"x{number}", "yaxis": f"y{number}"})
        figure.add_trace(trace)
        figure.add_annotation(
            text=f"n_active={cloud.n_active}",
            x=(position + 0.5) / len(clouds),
            y=1.0,
            xref="paper",
            yref="paper",
            showarrow=False,
        )
    reach = reach_of([cloud.points for cloud in clouds])
    figure.update_layout(
        title=f"{describe(snapshot)} hidden activations for exactly 1, 2, or 3 active features",
        showlegend=False,
        **browser.layout(m, len(clouds), reach, camera, axes),
    )
    return figure


def _clouds(run: Run, snapshot: Snapshot, instance: int, axes: Sequence[int] | None) -> list[_Cloud]:
    basis = basis_for(snapshot.weights[instance], axes)
    device, clouds = resolve_device(run.device), []
    for k in (1, 2, 3):
        if k <= snapshot.experiment.n_features:
            x = cloud_sample(snapshot.experiment, instance, ROWS, device, k)
            clouds.append(_Cloud(k, x, project(x, snapshot, instance, basis)))
    return clouds
