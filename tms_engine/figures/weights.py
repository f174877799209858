"""The weight vectors from the origin, their tips labelled with the feature's number."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from tms_engine.analysis.projection import HOME, Camera, basis_for
from tms_engine.figures import browser
from tms_engine.figures.captions import describe, first_features, where
from tms_engine.figures.colors import feature_colors, on_white
from tms_engine.figures.panels import (
    MOST_FEATURES,
    coordinates,
    entitle,
    figure_of,
    own_style,
    say_what_is_missing,
    scene,
    shown,
)
from tms_engine.training.run import Run
from tms_engine.training.state import Snapshot

# Vectors that carry their number; more are lines alone.
LABELLED = 100
# Parts of the axes' reach below which the numbers would lie on each other, at the origin; they stand in a
# corner instead, up to so many of them.
_SHORT, _NAMED = 0.04, 12


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
    tips, reach = tips_of(snapshot, instance, axes)
    n, m = len(tips), snapshot.experiment.n_hidden
    with own_style(ax):
        space = scene(ax, m, reach, camera, axes)
        draw_vectors(space, tips, reach)
        entitle(
            space,
            f"{describe(snapshot)} weight vectors{first_features(snapshot, n)}",
            where(snapshot, instance),
        )
    return figure_of(space)


def draw_vectors(space: Any, tips: Float32[np.ndarray, "features 3"], reach: float) -> None:
    """The vectors to these tips, in Axes of hidden space that go as far as `reach`."""
    n = len(tips)
    colors = on_white(feature_colors(n))
    if n <= LABELLED:
        lengths = np.nan_to_num(np.linalg.norm(tips.astype(np.float64), axis=-1))
        places = np.argsort(np.argsort(-lengths, kind="stable"))
        for j, tip in enumerate(tips):
            # A short one lies on a longer one in the same direction, and is seen.
            _draw_vector(space, j, tip, colors[j], n, 2 + float(places[j]) / n)
            if lengths[j] > _SHORT * reach:
                _write_number(space, j, tip, colors[j], n)
        _name_short(space, tips, lengths <= _SHORT * reach)
    else:
        ends = np.stack([np.zeros_like(tips), tips], 1)
        flat = not hasattr(space, "get_zlim")
        kind: Any = LineCollection if flat else Line3DCollection
        lines = kind(ends[..., :2] if flat else ends, colors=colors, linewidths=max(0.3, 100 / n))
        space.add_collection(lines, autolim=False)
    space.plot(*coordinates(np.zeros((1, 3)), space), "o", color="black", ms=3)
    if not np.isfinite(tips).any():
        say_what_is_missing(space, "no weight is finite")


def tips_of(
    snapshot: Snapshot, instance: int, axes: Sequence[int] | None
) -> tuple[Float32[np.ndarray, "features 3"], float]:
    """Where the vectors end, and how far the axes go. What is not finite is NaN, which is not drawn."""
    weights = snapshot.weights[instance]
    with np.errstate(all="ignore"):
        tips = weights[:MOST_FEATURES] @ basis_for(weights, axes)
    tips = np.where(np.isfinite(tips), tips, np.nan).astype(np.float32)
    lengths = np.linalg.norm(tips.astype(np.float64), axis=-1)
    return tips, 1.15 * float(np.nanmax(lengths, initial=0.1))


def _draw_vector(
    space: Any, j: int, tip: Float32[np.ndarray, "3"], color: Float32[np.ndarray, "3"], n: int, zorder: float
) -> None:
    """Vector j of n: its line and its end."""
    line = np.stack([np.zeros(3, tip.dtype), tip])
    style: dict[str, Any] = {"color": color, "zorder": zorder}
    space.plot(*coordinates(line, space), lw=2 if n <= 20 else 1, label=f"Weight {j}", **style)
    space.plot(*coordinates(tip[None], space), "o", ms=4 if n <= 20 else 2, **style)


def _write_number(
    space: Any, j: int, tip: Float32[np.ndarray, "3"], color: Float32[np.ndarray, "3"], n: int
) -> None:
    """The number of vector j of n, beyond its end."""
    space.text(
        *(float(c[0]) for c in coordinates(1.09 * tip[None], space)),
        str(j),
        color=0.75 * color,
        path_effects=[withStroke(linewidth=2, foreground="white")],
        ha="center",
        va="center",
        fontweight="bold" if n <= 20 else "normal",
        fontsize=11 if n <= 20 else 7,
    )


def _name_short(
    space: Any, tips: Float32[np.ndarray, "features 3"], are_short: Bool[np.ndarray, " features"]
) -> None:
    """The numbers of the vectors that are next to nothing."""
    short = np.flatnonzero(are_short & np.isfinite(tips).all(-1)).tolist()
    if short:
        more = f" and {len(short) - _NAMED} more" if len(short) > _NAMED else ""
        write: Any = space.text2D if hasattr(space, "get_zlim") else space.text
        text = f"at the origin: {', '.join(map(str, short[:_NAMED]))}{more}"
        write(0.02, 0.02, text, transform=space.transAxes, fontsize=9, color="0.3")


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
    tips, reach = tips_of(snapshot, instance, axes)
    m = snapshot.experiment.n_hidden
    figure.add_traces(vector_traces(tips, m))
    title = [
        f"{describe(snapshot)} weight vectors{first_features(snapshot, len(tips))}",
        where(snapshot, instance),
    ]
    figure.update_layout(**browser.layout(title, m, 1, reach, camera, axes))
    return figure


def vector_traces(tips: Float32[np.ndarray, "features 3"], n_hidden: int) -> list[Any]:
    """The vectors to these tips, for plotly: a trace each, which the legend shows or hides."""
    if len(tips) > LABELLED:  # one trace: a browser takes minutes over a thousand
        ends = np.stack([np.zeros_like(tips), tips, np.full_like(tips, np.nan)], 1).reshape(-1, 3)
        text = [str(j) for j in range(len(tips)) for _ in range(3)]
        line = {"width": 1, "color": "gray"}
        return [browser.trace(ends, n_hidden, mode="lines", line=line, text=text, name="Weights")]
    return [
        browser.trace(
            np.stack([np.zeros(3, np.float32), tip]),
            n_hidden,
            mode="lines+markers+text",
            line={"width": 5 if n_hidden > 2 else 3, "color": color},
            marker={"size": [0, 4], "color": color},
            text=["", str(j)],
            name=f"Weight {j}",
        )
        for j, (tip, color) in enumerate(zip(tips, browser.css(feature_colors(len(tips))), strict=True))
    ]
