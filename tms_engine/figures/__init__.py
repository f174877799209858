"""The figures, as matplotlib PNGs: the seed's three, the loss curve, the Gram matrix, dimensionality.

Each function draws one instance (the loss curve: all of them) and returns a Figure. Only matplotlib's
object interface and Agg are used, never pyplot's state, so figures can be made in any thread or script.
One hidden dimension is drawn on a line, two in a plane, three in space, more through PCA of the weights.
"""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from tms_engine.analysis import geometry, theory
from tms_engine.analysis.clouds import cloud_sample, project
from tms_engine.analysis.evaluation import check_instance
from tms_engine.analysis.projection import HOME, Camera, basis_for
from tms_engine.arrays import Array, to_host
from tms_engine.device import resolve_device
from tms_engine.errors import InputError
from tms_engine.figures.colors import feature_colors, mix
from tms_engine.runs import write_atomically
from tms_engine.training.run import Run

# Points of the seed's clouds.
CLOUD_ROWS = 100_000
N_ACTIVE_ROWS = 10_000

# Values are written into the Gram matrix, and names on the bars, up to so many features.
_ANNOTATED = 12


def _describe(run: Run) -> str:
    return f"TMS ({run.experiment.n_features} feats, {run.experiment.n_hidden} dims)"


def _where(run: Run, instance: int) -> str:
    step = f"step {run.state.step:,}"
    return f"{step}, instance {instance}" if run.experiment.n_instances > 1 else step


def _new_figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _scene(
    figure: Figure, n_hidden: int, reach: float, camera: Camera, position: tuple[int, int, int] = (1, 1, 1)
) -> Any:
    """Axes, flat or in space (untyped in matplotlib), with room for `reach` around the origin, to scale."""
    flat = n_hidden < 3
    axes: Any = figure.add_subplot(*position, projection=None if flat else "3d")
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
    names = ("X", "Y", "Z") if n_hidden <= 3 else ("PC 1", "PC 2", "PC 3")
    axes.set_xlabel(names[0])
    if n_hidden == 1:
        axes.set(yticks=[], aspect="equal")
    else:
        axes.set_ylabel(names[1])
    if flat:
        axes.set_aspect("equal")
        axes.grid(alpha=0.3)
        axes.set_axisbelow(True)
    else:
        axes.set(zlim=(-reach, reach), zlabel=names[2])
        axes.set_box_aspect((1, 1, 1), zoom=0.95 * camera.zoom)
        axes.view_init(elev=camera.pitch, azim=camera.yaw, roll=camera.roll)
        axes.set_proj_type("persp" if camera.perspective else "ortho")
        axes.xaxis.set_rotate_label(False)
        axes.yaxis.set_rotate_label(False)
        axes.zaxis.set_rotate_label(False)
    return axes


def _coordinates(points: Float[np.ndarray, "rows 3"], scene: Any) -> tuple[Float[np.ndarray, " rows"], ...]:
    return tuple(points.T[: 3 if hasattr(scene, "get_zlim") else 2])


def weights_figure(
    run: Run, instance: int = 0, camera: Camera = HOME, axes: Sequence[int] | None = None
) -> Figure:
    """The weight vectors from the origin, their tips labelled with the feature's number."""
    weights = run.weights[instance]
    n, m = weights.shape
    tips = weights @ basis_for(weights, axes)
    reach = 1.15 * max(float(np.linalg.norm(tips, axis=-1).max()), 0.1)
    figure = _new_figure(7, 7)
    scene = _scene(figure, m, reach, camera)
    colors = feature_colors(n)
    for j, tip in enumerate(tips):
        line = np.stack([np.zeros(3, tip.dtype), tip])
        scene.plot(*_coordinates(line, scene), color=colors[j], lw=2 if n <= 20 else 1, label=f"Weight {j}")
        if n <= 100:
            scene.plot(*_coordinates(tip[None], scene), "o", color=colors[j], ms=4 if n <= 20 else 2)
            scene.text(
                *(float(c[0]) for c in _coordinates(1.09 * tip[None], scene)),
                str(j),
                color=0.75 * colors[j],
                path_effects=[withStroke(linewidth=2, foreground="white")],
                ha="center",
                va="center",
                fontweight="bold" if n <= 20 else "normal",
                fontsize=11 if n <= 20 else 7,
            )
    scene.plot(*_coordinates(np.zeros((1, 3)), scene), "o", color="black", ms=3)
    scene.set_title(f"{_describe(run)} weight vectors, {_where(run, instance)}")
    return figure


def _draw_cloud(
    scene: Any,
    run: Run,
    instance: int,
    x: Float32[Array, "rows features"],
    basis: Float32[np.ndarray, "hidden 3"],
) -> None:
    points = project(x, run.at(), instance, basis)
    colors = mix(to_host(x), feature_colors(x.shape[1]))
    style = {"depthshade": False} if hasattr(scene, "get_zlim") else {}
    scene.scatter(*_coordinates(points, scene), c=colors, alpha=0.5, s=1, linewidths=0, **style)


def _reach(clouds: Sequence[Float32[np.ndarray, "rows 3"]]) -> float:
    return 1.05 * max(0.1, *(float(np.abs(points).max(initial=0)) for points in clouds))


def cloud_figure(
    run: Run, instance: int = 0, camera: Camera = HOME, axes: Sequence[int] | None = None
) -> Figure:
    """The hidden activations of 100,000 inputs as the experiment draws them (the seed's cloud)."""
    weights = run.weights[instance]
    basis = basis_for(weights, axes)
    x = cloud_sample(run.current, instance, CLOUD_ROWS, resolve_device(run.device))
    figure = _new_figure(7, 7)
    scene = _scene(figure, weights.shape[1], _reach([project(x, run.at(), instance, basis)]), camera)
    _draw_cloud(scene, run, instance, x, basis)
    kind = {"n_active": f"exactly {run.current.n_active} active"}.get(
        run.current.features, f"{run.current.features.capitalize()} features"
    )
    scene.set_title(
        f"{_describe(run)} hidden activations, {kind}, {_where(run, instance)}.\n"
        "Colored by feature magnitudes."
    )
    return figure


def n_active_figure(
    run: Run, instance: int = 0, camera: Camera = HOME, axes: Sequence[int] | None = None
) -> Figure:
    """The seed's last figure: the clouds for exactly 1, 2 and 3 active features, side by side."""
    weights = run.weights[instance]
    n, m = weights.shape
    basis = basis_for(weights, axes)
    counts = [k for k in (1, 2, 3) if k <= n]
    samples = [
        cloud_sample(run.current, instance, N_ACTIVE_ROWS, resolve_device(run.device), k) for k in counts
    ]
    reach = _reach([project(x, run.at(), instance, basis) for x in samples])
    figure = _new_figure(5 * len(counts), 5.4)
    figure.set_layout_engine("constrained", h_pad=0.12)
    figure.suptitle(
        f"{_describe(run)} hidden activations for exactly 1, 2, or 3 active features. "
        "Colored by feature magnitudes."
    )
    for position, (k, x) in enumerate(zip(counts, samples, strict=True), start=1):
        scene = _scene(figure, m, reach, camera, (1, len(counts), position))
        _draw_cloud(scene, run, instance, x, basis)
        scene.set_title(f"n_active={k}")
    return figure


def loss_figure(run: Run) -> Figure:
    """Batch loss against steps: mean and range; with many instances, each one's mean and theirs."""
    curve = run.history.loss_curve()
    figure = _new_figure(9, 5)
    axes = figure.add_subplot()
    middle = (curve.start + curve.end - 1) / 2
    n_instances = run.experiment.n_instances
    if n_instances == 1:
        axes.fill_between(
            middle, curve.low[:, 0], curve.high[:, 0], alpha=0.2, lw=0, label="least to greatest batch"
        )
        axes.plot(middle, curve.mean[:, 0], lw=0.6, alpha=0.7, color="tab:blue", label="mean of batches")
        axes.plot(middle, _smooth(curve.mean[:, 0]), lw=1.8, color="tab:blue", label="smoothed")
    else:
        axes.plot(middle, curve.mean, lw=0.6, alpha=0.35, color="tab:blue")
        axes.plot([], [], lw=0.6, alpha=0.35, color="tab:blue", label=f"each of {n_instances} instances")
        finite = np.isfinite(curve.mean).sum(1)
        mean = np.divide(np.nansum(curve.mean, 1), finite, out=np.full(len(finite), np.nan), where=finite > 0)
        axes.plot(middle, mean, lw=1.6, color="black", label="mean of instances")
    experiment = run.current
    if experiment.features == "bernoulli" and not isinstance(experiment.sparsity, tuple) and not run.changes:
        nothing = (
            theory.loss_of_nothing(1 - experiment.per_instance("sparsity")[0])
            * experiment.feature_importance()[0].mean()
        )
        axes.axhline(nothing, color="gray", ls="--", lw=1, label="nothing learned (W = 0)")
    for i, step in enumerate(run.state.diverged_at):
        if step >= 0:
            axes.axvline(step, color="tab:red", lw=1, label=f"instance {i} diverged, step {step:,}")
    # Three rows of labels; where they crowd, the later ones are there to be read, the rest are lines alone.
    nearest: list[float] = [np.inf] * 3
    for change in reversed(run.changes):
        axes.axvline(change.step, color="tab:purple", ls=":", lw=1)
        free = [row for row in range(3) if nearest[row] - change.step >= 0.02 * run.state.step]
        if free:
            nearest[free[0]] = change.step
            axes.annotate(
                f"{change.field} → {change.value}",
                (change.step, 0.99 - 0.33 * free[0]),
                xycoords=("data", "axes fraction"),
                rotation=90,
                ha="right",
                va="top",
                fontsize=8,
            )
    positive = curve.mean[curve.mean > 0]
    if len(positive):
        axes.set_yscale("log")
        # A batch without an active feature has next to no loss: the least batch would take most of the axis.
        axes.set_ylim(bottom=float(np.quantile(positive, 0.01)) / 10)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set(xlabel="step", ylabel="loss", xlim=(0, max(run.state.step, 1)))
    axes.set_title(f"{_describe(run)} loss, mean over batch and features")
    axes.grid(alpha=0.3)
    handles, _ = axes.get_legend_handles_labels()
    if len(handles) <= 8:
        axes.legend()
    return figure


def _smooth(values: Float32[np.ndarray, " buckets"]) -> Float[np.ndarray, " buckets"]:
    """Running mean of the finite values in a centred window of a fiftieth of the run; NaN stays NaN."""
    half = len(values) // 100
    finite = np.isfinite(values)
    sums = np.concatenate([[0], np.cumsum(np.where(finite, values, 0), dtype=np.float64)])
    counts = np.concatenate([[0], np.cumsum(finite)])
    reach = np.minimum(half, np.minimum(np.arange(len(values)), np.arange(len(values))[::-1]))
    end, start = np.arange(len(values)) + reach + 1, np.arange(len(values)) - reach
    return np.where(finite, (sums[end] - sums[start]) / np.maximum(counts[end] - counts[start], 1), np.nan)


def gram_figure(run: Run, instance: int = 0) -> Figure:
    """W Wᵀ as a heat map: the diagonal is ‖W_j‖², the rest is what features do to each other."""
    gram = geometry.gram(run.weights)[instance]
    n = len(gram)
    figure = _new_figure(6.6, 5.8)
    axes = figure.add_subplot()
    limit = max(1.0, float(np.abs(gram).max()))
    image = axes.imshow(gram, cmap="RdBu_r", vmin=-limit, vmax=limit)
    figure.colorbar(image, ax=axes, shrink=0.85)
    if n <= _ANNOTATED:
        axes.set(xticks=range(n), yticks=range(n))
        for (j, k), value in np.ndenumerate(gram):
            color = "white" if abs(value) > 0.6 * limit else "black"
            axes.text(k, j, f"{value:.2f}", ha="center", va="center", fontsize=8, color=color)
    axes.set(xlabel="feature k", ylabel="feature j")
    axes.set_title(f"{_describe(run)} W Wᵀ, {_where(run, instance)}")
    return figure


def dimensionality_figure(run: Run, instance: int = 0) -> Figure:
    """The fraction of a dimension that each feature has, against those of the uniform solids."""
    dimensionality = geometry.dimensionality(run.weights)[instance]
    n = len(dimensionality)
    figure = _new_figure(8, 5)
    axes = figure.add_subplot()
    axes.bar(range(n), dimensionality, color=feature_colors(n), width=0.8 if n <= 100 else 1.0)
    if n <= _ANNOTATED:
        axes.set_xticks(range(n))
        for j, value in enumerate(dimensionality):
            axes.text(j, value + 0.01, f"{value:.2f}", ha="center", fontsize=9)
    names = {"alone": "alone", "digon": "digon, octahedron", "square antiprism": "square antiprism, cube"}
    for name, value in theory.DIMENSIONALITY.items():
        axes.axhline(value, color="gray", ls=":", lw=0.8, zorder=0)
        axes.text(
            1.01, value, names.get(name, name), transform=axes.get_yaxis_transform(), va="center", fontsize=8
        )
    axes.set(xlabel="feature", ylabel="dimensionality D", ylim=(0, 1.08), xlim=(-0.6, n - 0.4))
    axes.set_title(
        f"{_describe(run)} dimensionality, ΣD = {dimensionality.sum():.3f}, {_where(run, instance)}"
    )
    return figure


def save_figures(
    run: Run,
    directory: str | Path,
    *,
    instance: int = 0,
    dpi: int = 300,
    camera: Camera = HOME,
    axes: Sequence[int] | None = None,
    on_saved: Callable[[Path], None] | None = None,
) -> list[Path]:
    """Write all figures as PNGs, each with the experiment, the step and the changes as text metadata.

    They take some seconds together; `on_saved` is told the path of each as it is there.
    Raises InputError for an instance that is not there or a directory that cannot be written.
    """
    check_instance(run, instance)
    if not 10 <= dpi <= 2400:
        raise InputError(f"dpi should be from 10 to 2400, not {dpi}")
    figures: dict[str, Callable[[], Figure]] = {
        "weights": lambda: weights_figure(run, instance, camera, axes),
        "cloud": lambda: cloud_figure(run, instance, camera, axes),
        "n_active": lambda: n_active_figure(run, instance, camera, axes),
        "loss": lambda: loss_figure(run),
        "gram": lambda: gram_figure(run, instance),
        "dimensionality": lambda: dimensionality_figure(run, instance),
    }
    paths = []
    for name, draw in figures.items():
        content = io.BytesIO()
        draw().savefig(content, format="png", dpi=dpi, metadata=_metadata(run, instance, name))
        paths.append(Path(directory) / f"{name}.png")
        write_figure(paths[-1], content.getvalue())
        if on_saved:
            on_saved(paths[-1])
    return paths


def write_figure(path: Path, content: bytes) -> None:
    """Put a figure into its directory, making that if need be. Raises InputError if it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        raise InputError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from None


def _metadata(run: Run, instance: int, name: str) -> dict[str, str]:
    """PNG text chunks by which a figure can be traced to its run."""
    return {
        "Title": f"{_describe(run)} {name}",
        "Software": "tms_engine",
        "Experiment": run.experiment.to_json(),
        "Changes": json.dumps(run.changes),
        "Step": str(run.state.step),
        "Instance": str(instance),
    }
