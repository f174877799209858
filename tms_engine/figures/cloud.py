"""The activation cloud: hidden activations of inputs as the experiment draws them (the seed's)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tms_engine.analysis.clouds import cloud_sample, project
from tms_engine.analysis.projection import HOME, Camera, basis_for
from tms_engine.arrays import Array
from tms_engine.device import resolve_device
from tms_engine.figures import browser
from tms_engine.figures.captions import data_of, describe, where
from tms_engine.figures.panels import (
    cloud_rows,
    draw_cloud,
    entitle,
    figure_of,
    own_style,
    reach_of,
    say_what_is_missing,
    scene,
    shown,
)
from tms_engine.training.run import Run
from tms_engine.training.state import Snapshot

# As many as the seed's.
ROWS = 100_000


class _Cloud(NamedTuple):
    x: Float32[Array, "rows features"]
    points: Float32[np.ndarray, "rows 3"]


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

    Of more than 400 features there are fewer rows. The arguments are those of `weights_figure`.
    """
    snapshot = shown(run, instance, step)
    cloud = _cloud(run, snapshot, instance, axes)
    with own_style(ax):
        space = scene(ax, snapshot.experiment.n_hidden, reach_of([cloud.points]), camera, axes)
        draw_cloud(space, cloud.points, cloud.x)
        if not np.isfinite(cloud.points).any():
            say_what_is_missing(space, "no activation is finite")
        entitle(
            space,
            f"{describe(snapshot)} hidden activations, {data_of(snapshot, instance)}",
            f"{len(cloud.points):,} inputs, colored by feature magnitudes; {where(snapshot, instance)}",
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
    """The same as a plotly Figure, colored by feature 0 as the seed's.

    Raises InputError also without plotly.
    """
    figure = browser.plotly().Figure()
    snapshot = shown(run, instance, step)
    m = snapshot.experiment.n_hidden
    cloud = _cloud(run, snapshot, instance, axes)
    figure.add_trace(browser.cloud_trace(cloud.points, cloud.x, m))
    title = [
        f"{describe(snapshot)} hidden activations, {data_of(snapshot, instance)}",
        f"{len(cloud.points):,} inputs, colored by feature 0; {where(snapshot, instance)}",
    ]
    figure.update_layout(
        showlegend=False, **browser.layout(title, m, 1, reach_of([cloud.points]), camera, axes)
    )
    return figure


def _cloud(run: Run, snapshot: Snapshot, instance: int, axes: Sequence[int] | None) -> _Cloud:
    rows = cloud_rows(ROWS, snapshot.experiment.n_features)
    basis = basis_for(snapshot.weights[instance], axes)  # before anything is drawn: axes may be wrong
    x = cloud_sample(snapshot.experiment, instance, rows, resolve_device(run.device))
    return _Cloud(x, project(x, snapshot, instance, basis))
