"""What the HTML twins share: plotly, scenes in a page, points with the features that are active in them.

Turn with the mouse; hover for a point's features.
"""

import html
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32

from tms_engine.analysis.projection import Camera, rotation
from tms_engine.arrays import Array, to_host
from tms_engine.errors import InputError
from tms_engine.figures.panels import axis_names

# Active features that are named where the mouse is.
_NAMED = 5


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
    points: Float32[np.ndarray, "rows 3"], x: Float32[Array, "rows features"], n_hidden: int
) -> Any:
    """A cloud as the seed draws it in a browser: colored by feature 0 alone, in Viridis."""
    x = to_host(x)
    marker = {"size": 3, "color": x[:, 0], "colorscale": "Viridis"}
    return trace(points, n_hidden, mode="markers", marker=marker, text=_active(x), hoverinfo="text", name="")


def layout(
    title: Sequence[str],
    n_hidden: int,
    n_scenes: int,
    reach: float,
    camera: Camera,
    axes: Sequence[int] | None,
    columns: int | None = None,
) -> dict[str, Any]:
    """Scenes side by side, all with room for `reach` around the origin, seen from where the camera is.

    With `columns`, so many in a row. `title` has a line each. plotly's default template is named, since a
    script may have set another.
    """
    names, columns = axis_names(n_hidden, axes), columns or n_scenes
    n_rows = -(-n_scenes // columns)
    layout: dict[str, Any] = {
        "template": "plotly",
        "title": {"text": "<br>".join(map(html.escape, title)), "font": {"size": 14}},
        "height": 720 if n_scenes == 1 else 90 + 470 * n_rows,
        "margin": {"l": 20, "r": 20, "b": 20, "t": 90},
    }
    _, up, towards = rotation(camera)
    # plotly cuts off at the edge of a scene, so where these are narrow the axes' names need room.
    eye = (2.5 if n_scenes == 1 else 3.0) * towards / camera.zoom
    for i in range(n_scenes):
        number = "" if i == 0 else str(i + 1)
        row, column = divmod(i, columns)
        domain = [column / columns + 0.01, (column + 1) / columns - 0.01]
        upright = [1 - (row + 1) / n_rows, 1 - row / n_rows - (0.05 if n_rows > 1 else 0)]
        if n_hidden > 2:
            layout[f"scene{number}"] = {
                "domain": {"x": domain, "y": upright},
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
                "domain": upright,
                "scaleanchor": f"x{number}",
                "anchor": f"x{number}",
            }
    return layout


def css(colors: Float32[np.ndarray, "rows 3"]) -> list[str]:
    """RGB from 0 to 1, as a browser reads it."""
    return [f"rgb({r},{g},{b})" for r, g, b in np.round(255 * colors).astype(int).tolist()]


def page(figure: Any, name: str, metadata: dict[str, str]) -> str:
    """A page that opens offline: plotly itself is in it. What it shows is in its head, as `meta` elements."""
    head = "\n".join(
        f'<meta name="{html.escape(key)}" content="{html.escape(value)}">' for key, value in metadata.items()
    )
    body = figure.to_html(full_html=False, include_plotlyjs=True, div_id=name)
    title = html.escape(metadata["Title"])
    return (
        f'<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n{head}\n</head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _active(x: Float32[np.ndarray, "rows features"]) -> list[str]:
    """Which features are active in each row, and how much; the first few."""
    rows, features = np.nonzero(x)
    first = np.searchsorted(rows, np.arange(len(x) + 1)).tolist()
    words = [f"{j}: {v:.2f}" for j, v in zip(features.tolist(), x[rows, features].tolist(), strict=True)]
    return [
        ", ".join(words[a : min(b, a + _NAMED)]) + (", …" if b - a > _NAMED else "") or "none"
        for a, b in itertools.pairwise(first)
    ]
