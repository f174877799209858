"""Learning as jumps between energy levels, and as motion in space (paper, "Learning dynamics")."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from tms_engine.analysis import geometry
from tms_engine.analysis.polytopes import hull_edges
from tms_engine.analysis.theory import DIMENSIONALITY
from tms_engine.figures.colors import feature_colors
from tms_engine.figures.panels import new_figure
from tms_engine.paper.plan import Plan, Trained, notebook
from tms_engine.training.run import Run

if TYPE_CHECKING:
    import polars as pl

PAPER = (
    "The dimensionality of each of many features over steps: it stays on levels, and jumps between them, "
    "and where it does, the loss falls. And six features in space, two correlated sets of three: they grow "
    "out of the origin, part, and end as an octahedron, a plateau of the loss between two stages."
)
DEPARTS = (
    "The paper does not give the sizes of its levels: 40 features in 10 dimensions here at S = .72, few "
    "enough that each line is seen. It is number 5 of six seeds that were tried: the others end with all "
    "features in digons, or lost. Steps are on a logarithmic axis, since most happens early; the loss is "
    "that of the batches."
)
QUICK = "4,000 steps"

_LEVELS = ("triangle", "digon", "pentagon")
# Kept steps whose arrangement is drawn: after these shares of the way that all features go.
_MOMENTS = (0.0, 0.25, 0.45, 0.62, 1.0)


def plan(quick: bool) -> Plan:
    shared: dict[str, Any] = {"steps": 4000 if quick else 12_000, "keep": 256}
    return Plan(
        runs={
            "levels": notebook(
                n_features=40, n_hidden=10, sparsity=0.72, init="xavier", instances=(5,), **shared
            ),
            "octahedron": notebook(
                n_features=6,
                n_hidden=3,
                features="correlated",
                set_size=3,
                sparsity=0.9,
                init_std=0.02,
                **shared,
            ),
        }
    )


def table(trained: Trained) -> "pl.DataFrame":
    """A row a feature at each kept step, with D and, in space, its direction, of both runs (`run`); and a row
    a bucket of the loss: step, its middle, low, loss and high."""
    import polars as pl

    pieces = []
    for name, run in trained.runs.items():
        pieces += [_features(name, run), _losses(name, run)]
    return pl.concat(pieces, how="diagonal")


def _features(name: str, run: Run) -> "pl.DataFrame":
    import polars as pl

    steps = [*dict.fromkeys((*run.history.steps, run.state.step))]
    weights = np.concatenate([run.at(step).weights for step in steps])
    n, m = weights.shape[1:]
    arms = {f"w_{k}": weights[..., k].ravel().astype(np.float64) for k in range(m)} if m <= 3 else {}
    return pl.DataFrame(
        {
            "run": [name] * (len(steps) * n),
            "step": np.repeat(steps, n),
            "feature": np.tile(np.arange(n), len(steps)),
            "norm": geometry.norms(weights).ravel(),
            "dimensionality": geometry.dimensionality(weights).ravel(),
            **arms,
        }
    )


def _losses(name: str, run: Run) -> "pl.DataFrame":
    import polars as pl

    curve = run.history.loss_curve()
    values = {"low": curve.low, "loss": curve.mean, "high": curve.high}
    return pl.DataFrame(
        {
            "run": [name] * len(curve.start),
            "step": (curve.start + curve.end) // 2,
            **{key: value[:, 0].astype(np.float64) for key, value in values.items()},
        }
    )


def figure(table: "pl.DataFrame") -> Figure:
    """Left, D of every feature and the loss under it; right, the octahedron's paths, stages and loss."""
    import polars as pl

    whole: Any = new_figure(13, 7.5)
    left, right = whole.subfigures(1, 2, width_ratios=[1, 1.15])
    levels = table.filter(pl.col("run") == "levels")
    above, below = left.subplots(2, 1, sharex=True, height_ratios=[2.2, 1])
    own = levels.filter(pl.col("feature").is_not_null())
    last = int(own["step"].max())  # type: ignore[arg-type]
    n = int(own["feature"].max()) + 1  # type: ignore[arg-type]
    for j, color in zip(range(n), feature_colors(n), strict=True):
        line = own.filter((pl.col("feature") == j) & (pl.col("step") > 0)).sort("step")
        above.plot(line["step"], line["dimensionality"], color=color, lw=0.9, alpha=0.8)
    for name in _LEVELS:
        above.axhline(DIMENSIONALITY[name], color="0.75", lw=0.7, zorder=0)
        above.text(1.01, DIMENSIONALITY[name], name, fontsize=7, va="center",
            transform=above.get_yaxis_transform())  # fmt: skip
    above.set(ylim=(-0.02, 0.75), ylabel="dimensionality D of each feature", xscale="log", xlim=(10, last))
    _draw_loss(below, levels)
    below.set_xlabel("step")
    left.suptitle(f"{n} equal features in 10 dimensions", fontsize=10)
    _draw_octahedron(right, table.filter(pl.col("run") == "octahedron"))
    return whole


def _draw_loss(plot: Any, frame: "pl.DataFrame") -> None:
    import polars as pl

    line = frame.filter(pl.col("loss").is_not_null()).sort("step")
    plot.fill_between(line["step"], line["low"], line["high"], color="tab:blue", alpha=0.25, lw=0)
    plot.plot(line["step"], line["loss"], color="tab:blue", lw=1.1)
    plot.set(ylabel="loss of a batch", xscale="log", yscale="log")


def _draw_octahedron(part: Any, frame: "pl.DataFrame") -> None:
    import polars as pl

    own = frame.filter(pl.col("feature").is_not_null()).sort("step", "feature")
    steps = own["step"].unique().sort().to_numpy()
    n = int(own["feature"].max()) + 1  # type: ignore[arg-type]
    paths = own.select("w_0", "w_1", "w_2").to_numpy().reshape(len(steps), n, 3)
    colors = feature_colors(np.repeat([0, 1], n // 2))
    reach = 1.05 * float(np.abs(paths).max())
    above, middle, below = part.subfigures(3, 1, height_ratios=[2.3, 1.05, 1])
    scene = above.add_subplot(projection="3d")
    for j in range(n):
        scene.plot(*paths[:, j].T, color=colors[j], lw=1.2)
    _draw_solid(scene, paths[-1], colors, reach, 30)
    moments = moments_of(paths)
    for k, place in enumerate(moments):
        stage = middle.add_subplot(1, len(moments), k + 1, projection="3d")
        _draw_solid(stage, paths[place], colors, reach, 12)
        stage.set_title(f"step {steps[place]:,}", fontsize=8)
    loss = below.subplots()
    _draw_loss(loss, frame)
    for place in moments:
        loss.axvline(max(steps[place], 1), color="0.7", lw=0.8, ls="--", zorder=0)
    loss.set(xlabel="step", xlim=(10, steps[-1]))
    part.suptitle("6 features in space, two correlated sets of three", fontsize=10)


def moments_of(paths: np.ndarray) -> list[int]:
    """Places of the kept steps that are drawn: at these shares of the way that all features go together."""
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(paths, axis=0), axis=(1, 2)))])
    shares = way / max(way[-1], 1e-300)
    return [int(np.argmin(np.abs(shares - wanted))) for wanted in _MOMENTS]


def _draw_solid(scene: Any, points: np.ndarray, colors: np.ndarray, reach: float, size: float) -> None:
    scene.scatter(*points.T, c=colors, s=size, depthshade=False)
    if np.linalg.norm(points, axis=1).min() > geometry.REPRESENTED_NORM:
        for i, j in hull_edges(points):
            scene.plot(*points[[i, j]].T, color="0.55", lw=0.8)
    scene.scatter(0, 0, 0, c="k", s=4)
    scene.set(xlim=(-reach, reach), ylim=(-reach, reach), zlim=(-reach, reach))
    scene.set_box_aspect((1, 1, 1), zoom=1.25)
    scene.set_axis_off()
