"""What the matplotlib figures share: their style, their Axes, hidden space and the points in it.

One hidden dimension is drawn on a line, two in a plane, three in space, more through PCA of the weights.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float, Float32
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tms_engine.analysis.evaluation import check_instance
from tms_engine.analysis.projection import Camera
from tms_engine.arrays import Array, to_host
from tms_engine.errors import InputError
from tms_engine.figures import captions
from tms_engine.figures.colors import feature_colors, mix, on_white
from tms_engine.training.run import Run
from tms_engine.training.state import Snapshot

# Values are written into the Gram matrix, and onto the bars, for up to so many features.
ANNOTATED = 12
# Features that are drawn; of more there would be several to a pixel.
MOST_FEATURES = 2_000
# Inches of a figure in which hidden space is a line.
_LINE_HEIGHT = 2.6
# Entries of the inputs of a cloud, at most: 100,000 rows of up to 400 features.
_CLOUD_ENTRIES = 40_000_000

# matplotlib's settings are the process's: two threads must not both change them and put them back.
_style_lock = threading.RLock()


@contextmanager
def own_style(ax: Axes | None = None) -> Iterator[None]:
    """matplotlib's settings as it is shipped instead of the user's, to draw or save a figure of ours.

    With `ax`, Axes of the user's, nothing changes. Only the backend stays: a figure of ours has its own
    canvas. `matplotlib.style` would read the style sheets in the user's configuration, so it is not used.
    """
    if ax is not None:
        yield
        return
    shipped: Any = {name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"}
    with _style_lock, matplotlib.rc_context(shipped):
        yield


def shown(run: Run, instance: int, step: int | None) -> Snapshot:
    """The run at the kept step nearest to `step`. Raises InputError if it has no such instance."""
    check_instance(run, instance)
    return run.at(step)


def cloud_rows(most: int, n_features: int) -> int:
    """How many points a cloud has: as many as are asked for, fewer where their inputs take much memory."""
    return max(1, min(most, _CLOUD_ENTRIES // n_features))


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def panel(ax: Axes | None, width: float, height: float) -> Axes:
    """The Axes to draw into: the user's, or those of a new figure."""
    return new_figure(width, height).add_subplot() if ax is None else ax


def figure_of(ax: Axes) -> Figure:
    """The figure in which Axes lie, also where that is in a subfigure."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def scene(
    ax: Any,
    n_hidden: int,
    reach: float,
    camera: Camera,
    axes: Sequence[int] | None = None,
) -> Any:
    """Axes of hidden space, flat or in space (untyped in matplotlib): `reach` around the origin, to scale.

    `ax` is the user's Axes, None for a new figure, or (figure, rows, columns, position) for one of several.
    Raises InputError for flat Axes where there are more than 2 hidden dimensions, or the reverse.
    """
    flat = n_hidden < 3
    projection = None if flat else "3d"
    if ax is None:
        ax = new_figure(7, 7 if n_hidden > 1 else _LINE_HEIGHT).add_subplot(projection=projection)
    elif isinstance(ax, tuple):
        ax = ax[0].add_subplot(*ax[1:], projection=projection)
    elif flat == hasattr(ax, "get_zlim"):
        raise InputError(
            f"{n_hidden} hidden dimensions need "
            + ("flat Axes" if flat else "Axes in space: fig.add_subplot(projection='3d')")
        )
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach))
    names = axis_names(n_hidden, axes)
    ax.set_xlabel(names[0])
    if n_hidden == 1:
        ax.set(yticks=[], ylim=(-0.2 * reach, 0.2 * reach))
    else:
        ax.set_ylabel(names[1])
    if flat:
        ax.set_aspect("equal")
        ax.grid(alpha=0.3)
        ax.set_axisbelow(True)
    else:
        ax.set(zlim=(-reach, reach), zlabel=names[2])
        ax.set_box_aspect((1, 1, 1), zoom=0.95 * camera.zoom)
        ax.view_init(elev=camera.pitch, azim=camera.yaw, roll=camera.roll)
        ax.set_proj_type("persp" if camera.perspective else "ortho")
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
            axis.set_rotate_label(False)
    return ax


def axis_names(n_hidden: int, axes: Sequence[int] | None) -> tuple[str, ...]:
    """Of the three axes of `basis_for`."""
    if axes is not None:
        return (*(f"dimension {axis}" for axis in axes), *[""] * (3 - len(axes)))
    return ("X", "Y", "Z") if n_hidden <= 3 else ("PC 1", "PC 2", "PC 3")


def coordinates(points: Float[np.ndarray, "rows 3"], scene: Any) -> tuple[Float[np.ndarray, " rows"], ...]:
    """x and y of points, and z where the Axes are in space."""
    return tuple(points.T[: 3 if hasattr(scene, "get_zlim") else 2])


def reach_of(clouds: Sequence[Float32[np.ndarray, "rows 3"]]) -> float:
    """How far the axes go so that all finite points of these clouds are in view."""
    farthest = [float(np.abs(points[np.isfinite(points)]).max(initial=0)) for points in clouds]
    return 1.05 * max(0.1, *farthest)


def draw_cloud(scene: Any, points: Float32[np.ndarray, "rows 3"], x: Float32[Array, "rows features"]) -> None:
    """Points as the seed draws them, in the mixed colours of the features active in x.

    Colours that would not be seen on white are darkened.
    """
    colors = on_white(mix(to_host(x), feature_colors(x.shape[1])))
    scene.scatter(*coordinates(points, scene), c=colors, alpha=0.5, s=1)


def entitle(plot: Any, *lines: str, share: float = 1.0) -> None:
    """A title of so many lines, and more where they would be wider than the Axes with what is beside them.

    `share`: of that width, where more is on one side of the Axes than on the other.
    """
    width = 1.25 * share * plot.get_position().width * figure_of(plot).get_figwidth()
    plot.set_title(captions.title(lines, width))


def say_what_is_missing(plot: Any, sentence: str) -> None:
    """A word in the middle of Axes that have nothing to show."""
    write: Any = plot.text2D if hasattr(plot, "get_zlim") else plot.text
    write(0.5, 0.5, sentence, transform=plot.transAxes, ha="center", va="center", color="tab:red",
        bbox={"facecolor": "white", "edgecolor": "none"})  # fmt: skip
