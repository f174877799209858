"""Hidden space for several instances side by side: the best, the worst, and one of each name."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Int64
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from tms_engine.analysis.geometry import represented
from tms_engine.analysis.polytopes import hull_edges, title
from tms_engine.analysis.population import representatives
from tms_engine.analysis.projection import HOME, Camera
from tms_engine.digits import number
from tms_engine.figures import browser, captions
from tms_engine.figures.panels import new_figure, own_style, scene
from tms_engine.figures.populations import Survey, about, survey
from tms_engine.figures.weights import draw_vectors, tips_of, vector_traces
from tms_engine.training.run import Run
from tms_engine.training.state import Snapshot

# Panels at most, and how many stand in a row.
_PANELS, _COLUMNS = 12, 4
# The hull is drawn around so many represented features: of more, edges would hide the vectors.
_HULL = 32


class _Panel(NamedTuple):
    tips: Float32[np.ndarray, "features 3"]
    edges: Int64[np.ndarray, "edges 2"]  # of the convex hull: places in `tips`
    title: list[str]


def contact_sheet_figure(
    run: Run, *, step: int | None = None, camera: Camera = HOME, axes: Sequence[int] | None = None
) -> Figure:
    """The weight vectors of up to 12 instances, with the edges of their convex hulls, all to one scale.

    Where sparsities or importances differ, losses are not compared, and there are the best of each task.
    `step`, `camera` and `axes` are those of `weights_figure`.
    """
    found = survey(run, step)
    panels, reach = _panels(found, axes)
    m = found.snapshot.experiment.n_hidden
    columns = min(_COLUMNS, len(panels))
    n_rows = math.ceil(len(panels) / columns)
    with own_style():
        width = max(4.2 * columns, 8)
        figure = new_figure(width, 4.4 * n_rows + 0.6)
        figure.set_layout_engine("constrained", h_pad=0.1)
        figure.suptitle(captions.title([about(found.snapshot)], width))
        for position, panel in enumerate(panels, start=1):
            space = scene((figure, n_rows, columns, position), m, reach, camera, axes)
            _draw_edges(space, panel)
            draw_vectors(space, panel.tips, reach)
            space.set_title("\n".join(panel.title), fontsize=9)
            space.locator_params(nbins=4)
            space.tick_params(labelsize=7)
    return figure


def contact_sheet_html(
    run: Run, *, step: int | None = None, camera: Camera = HOME, axes: Sequence[int] | None = None
) -> Any:
    """The same as a plotly Figure. Raises InputError also without plotly."""
    figure = browser.plotly().Figure()
    found = survey(run, step)
    panels, reach = _panels(found, axes)
    m = found.snapshot.experiment.n_hidden
    columns = min(_COLUMNS, len(panels))
    n_rows = math.ceil(len(panels) / columns)
    for position, panel in enumerate(panels):
        number = "" if position == 0 else str(position + 1)
        place = {"scene": f"scene{number}"} if m > 2 else {"xaxis": f"x{number}", "yaxis": f"y{number}"}
        gap = np.full((len(panel.edges), 1, 3), np.nan, np.float32)
        ends = np.concatenate([panel.tips[panel.edges], gap], 1).reshape(-1, 3)
        hull = browser.trace(ends, m, mode="lines", line={"width": 1, "color": "gray"}, hoverinfo="skip")
        for trace in (hull, *vector_traces(panel.tips, m)):
            figure.add_trace(trace.update(place))
        row, column = divmod(position, columns)
        figure.add_annotation(
            text="<br>".join(panel.title),
            x=(column + 0.5) / columns,
            y=1 - row / n_rows,
            xref="paper",
            yref="paper",
            yanchor="top" if n_rows > 1 else "bottom",
            showarrow=False,
            font={"size": 11},
        )
    layout = browser.layout([about(found.snapshot)], m, len(panels), reach, camera, axes, columns)
    figure.update_layout(showlegend=False, **layout)
    return figure


def _panels(found: Survey, axes: Sequence[int] | None) -> tuple[list[_Panel], float]:
    """What is drawn of each instance, and how far the axes go for all of them."""
    panels, reach = [], 0.0
    differing = captions.differing(found.snapshot.experiment)
    for chosen in representatives(found.rows, _PANELS):
        row = found.rows[chosen.instance]
        tips, farthest = tips_of(found.snapshot, chosen.instance, axes)
        reach = max(reach, farthest)
        residual = math.nan if row["residual"] is None else row["residual"]
        settings = captions.settings_of(found.snapshot.experiment, chosen.instance, differing)
        lines = [
            f"instance {chosen.instance}, loss {number(row['loss'])}",
            *([settings] if settings else []),
            title(row["name"], residual),
            *captions.wrapped(chosen.reason, 44),
        ]
        panels.append(_Panel(tips, _edges(found.snapshot, chosen.instance, len(tips)), lines))
    return panels, reach


def _edges(snapshot: Snapshot, instance: int, n_drawn: int) -> Int64[np.ndarray, "edges 2"]:
    """The edges of the convex hull of the represented features, where they are few."""
    weights = snapshot.weights[instance]
    which = np.flatnonzero(represented(weights[None])[0])
    if not 2 <= len(which) <= _HULL or which[-1] >= n_drawn or not np.isfinite(weights[which]).all():
        return np.empty((0, 2), np.int64)
    return which[hull_edges(weights[which].astype(np.float64))]


def _draw_edges(space: Any, panel: _Panel) -> None:
    ends = panel.tips[panel.edges]
    flat = not hasattr(space, "get_zlim")
    kind: Any = LineCollection if flat else Line3DCollection
    lines = kind(ends[..., :2] if flat else ends, colors="0.6", linewidths=0.8)
    space.add_collection(lines, autolim=False)
