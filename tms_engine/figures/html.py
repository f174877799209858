"""The interactive twins of the seed's three figures, with plotly: one HTML file each, which opens offline.

Needs the extra `html`. Turn with the mouse; hover for a point's features.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from tms_engine.analysis.clouds import cloud_sample, project
from tms_engine.analysis.evaluation import check_instance
from tms_engine.analysis.projection import HOME, Camera, basis_for, rotation
from tms_engine.arrays import to_host
from tms_engine.device import resolve_device
from tms_engine.errors import InputError
from tms_engine.figures import N_ACTIVE_ROWS, write_figure
from tms_engine.figures.colors import feature_colors, mix
from tms_engine.training.run import Run

# A browser turns so many points without a jerk.
CLOUD_ROWS = 20_000


def save_html(
    run: Run,
    directory: str | Path,
    *,
    instance: int = 0,
    camera: Camera = HOME,
    axes: Sequence[int] | None = None,
    on_saved: Callable[[Path], None] | None = None,
) -> list[Path]:
    """Write weights.html, cloud.html and n_active.html.

    Raises InputError without plotly, for an instance that is not there, or if they cannot be written.
    """
    try:
        import plotly.graph_objects as go
    except ImportError:
        raise InputError("HTML figures need plotly: pip install 'tms-tui[html]'") from None
    check_instance(run, instance)

    weights = run.weights[instance]
    n, m = weights.shape
    basis = basis_for(weights, axes)
    device = resolve_device(run.device)
    colors = feature_colors(n)
    name = f"TMS ({n} feats, {m} dims)"
    tips = weights @ basis
    reach_of_weights = 1.15 * max(float(np.abs(tips).max()), 0.1)

    counts = [k for k in (1, 2, 3) if k <= n]
    clouds: dict[int | None, Any] = {}
    reach_of_clouds = 0.1
    for n_active, rows in [(None, CLOUD_ROWS), *((k, N_ACTIVE_ROWS) for k in counts)]:
        x = cloud_sample(run.current, instance, rows, device, n_active)
        points, inputs = project(x, run.at(), instance, basis), to_host(x)
        marker = {"size": 2, "opacity": 0.6, "color": _css(mix(inputs, colors))}
        clouds[n_active] = _trace(go, points, m, mode="markers", marker=marker, text=_active(inputs), name="")
        reach_of_clouds = max(reach_of_clouds, 1.05 * float(np.abs(points).max()))

    figures: dict[str, Any] = {"weights": go.Figure(), "cloud": go.Figure(), "n_active": go.Figure()}
    for j, (tip, color) in enumerate(zip(tips, _css(colors), strict=True)):
        line = np.stack([np.zeros(3, np.float32), tip])
        figures["weights"].add_trace(
            _trace(
                go,
                line,
                m,
                mode="lines+markers+text",
                line={"width": 5 if m > 2 else 3, "color": color},
                marker={"size": [0, 4], "color": color},
                text=["", str(j)],
                name=f"Weight {j}",
            )
        )
    figures["weights"].update_layout(
        title=f"{name} weight vectors", **_layout(m, 1, reach_of_weights, camera)
    )
    figures["cloud"].add_trace(clouds[None])
    figures["cloud"].update_layout(
        title=f"{name} hidden activations", showlegend=False, **_layout(m, 1, reach_of_clouds, camera)
    )

    for position, k in enumerate(counts):
        trace = clouds[k]
        number = "" if position == 0 else str(position + 1)
        trace.update({"scene": f"scene{number}"} if m > 2 else {"xaxis": f"x{number}", "yaxis": f"y{number}"})
        figures["n_active"].add_trace(trace)
        figures["n_active"].add_annotation(
            text=f"n_active={k}",
            x=(position + 0.5) / len(counts),
            y=1.0,
            xref="paper",
            yref="paper",
            showarrow=False,
        )
    figures["n_active"].update_layout(
        title=f"{name} hidden activations for exactly 1, 2, or 3 active features",
        showlegend=False,
        **_layout(m, len(counts), reach_of_clouds, camera),
    )

    paths = []
    for key, figure in figures.items():
        paths.append(Path(directory) / f"{key}.html")
        write_figure(paths[-1], figure.to_html(include_plotlyjs=True).encode())
        if on_saved:
            on_saved(paths[-1])
    return paths


def _trace(go: Any, points: Float32[np.ndarray, "rows 3"], n_hidden: int, **style: Any) -> Any:
    if n_hidden > 2:
        return go.Scatter3d(x=points[:, 0], y=points[:, 1], z=points[:, 2], **style)
    return go.Scattergl(x=points[:, 0], y=points[:, 1], **style)


def _layout(n_hidden: int, n_scenes: int, reach: float, camera: Camera) -> dict[str, Any]:
    """Scenes side by side, all with room for `reach` around the origin, seen from where the camera is."""
    names = ("X", "Y", "Z") if n_hidden <= 3 else ("PC 1", "PC 2", "PC 3")
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


def _css(colors: Float32[np.ndarray, "rows 3"]) -> list[str]:
    return [f"rgb({r},{g},{b})" for r, g, b in np.round(255 * colors).astype(int).tolist()]


def _active(inputs: Float32[np.ndarray, "rows features"]) -> list[str]:
    """Which features are active in each row, and how much."""
    return [", ".join(f"{j}: {row[j]:.2f}" for j in np.flatnonzero(row)) or "none" for row in inputs]
