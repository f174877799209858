"""What the HTML twins share: plotly, scenes in a page, points with the features that are active in them.

Turn with the mouse; hover for a point's features.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32

from tms_engine.analysis.projection import Camera, rotation
from tms_engine.errors import InputError
from tms_engine.figures.colors import feature_colors, mix
from tms_engine.figures.panels import axis_names


def plotly() -> Any:
    """plotly.graph_objects. Raises InputError if it is not installed."""
    try:
        import plotly.graph_objects
    except ImportError:
        raise InputError("HTML figures need plotly: pip install 'tms-tui[html]'") from None
    return plotly.graph_objects


def trace(points: Float32[np.ndarray, "rows 3"], n_hidden: int, **style: Any) -> Any:
    """Points in space, or in a plane where there are fewer than 3 hidden dimensions."""
    if n_hidden > 2:
        return plotly().Scatter3d(x=points[:, 0], y=points[:, 1], z=points[:, 2], **style)
    return plotly().Scattergl(x=points[:, 0], y=points[:, 1], **style)


def cloud_trace(
    points: Float32[np.ndarray, "rows 3"], x: Float32[np.ndarray, "rows features"], n_hidden: int
) -> Any:
    marker = {"size": 2, "opacity": 0.6, "color": css(mix(x, feature_colors(x.shape[1])))}
    return trace(points, n_hidden, mode="markers", marker=marker, text=_active(x), name="")


def layout(
    n_hidden: int, n_scenes: int, reach: float, camera: Camera, axes: Sequence[int] | None
) -> dict[str, Any]:
    """Scenes side by side, all with room for `reach` around the origin, seen from where the camera is."""
    names = axis_names(n_hidden, axes)
    layout: dict[str, Any] = {
        "height": 720 if n_scenes == 1 else 560,
        "margin": {"l": 20, "r": 20, "b": 20, "t": 90},
    }
    _, up, towards = rotation(camera)
    eye = 2.5 * towards / camera.zoom
    for i in range(n_scenes):
        number = "" if i == 0 else str(i + 1)
        domain = [i / n_scenes + 0.01, (i + 1) / n_scenes - 0.01]
        if n_hidden > 2:
            layout[f"scene{number}"] = {
                "domain": {"x": domain},
                "aspectmode": "cube",
                "camera": {
                    "eye": dict(zip("xyz", eye.tolist(), strict=True)),
                    "up": dict(zip("xyz", up.tolist(), strict=True)),
                    "projection": {"type": "perspective" if camera.perspective else "orthographic"},
                },
                **{
                    f"{axis}axis": {"title": title, "range": [-reach, reach]}
                    for axis, title in zip("xyz", names, strict=True)
                },
            }
        else:
            layout[f"xaxis{number}"] = {"domain": domain, "title": names[0], "range": [-reach, reach]}
            layout[f"yaxis{number}"] = {
                "title": names[1] if n_hidden > 1 else "",
                "range": [-reach, reach],
                "scaleanchor": f"x{number}",
                "anchor": f"x{number}",
            }
    return layout


def css(colors: Float32[np.ndarray, "rows 3"]) -> list[str]:
    """RGB from 0 to 1, as a browser reads it."""
    return [f"rgb({r},{g},{b})" for r, g, b in np.round(255 * colors).astype(int).tolist()]


def _active(x: Float32[np.ndarray, "rows features"]) -> list[str]:
    """Which features are active in each row, and how much."""
    return [", ".join(f"{j}: {row[j]:.2f}" for j in np.flatnonzero(row)) or "none" for row in x]
