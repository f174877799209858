"""What correlated features share: principal components, or superposition (paper, "Local structure")."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from tms_engine.analysis import geometry
from tms_engine.figures.colors import feature_colors
from tms_engine.figures.panels import new_figure
from tms_engine.paper.drawing import GRAM, GRAM_SCALE, density_text, draw_gram, draw_vectors
from tms_engine.paper.frames import features_frame, of_best, weights_of
from tms_engine.paper.plan import Plan, Trained, notebook
from tms_engine.sweeps.sweep import Sweep

if TYPE_CHECKING:
    import polars as pl

PAPER = (
    "Two sets of three correlated features in a plane: where data are dense, each set collapses onto its "
    "principal component, on an axis of its own; the sparser they are, the more it opens, until all "
    "features have directions of their own. And 20 features in 10 dimensions, two sets of ten: the features "
    "of one set are orthogonal, the sets are in superposition with each other."
)
DEPARTS = (
    "The densities are ours: from .6 down, for at 1 all features are active always, and there are no sets. "
    "Each panel is the model of least loss of several; how parallel a set is, is measured for all of them. "
    "Even the sparsest keep two of three features together: in a set that fires as one, two directions are "
    "all there is."
)
QUICK = "five densities, four seeds, 4,000 steps"

# Of the plane; and of the 20 features.
_DENSEST, _SPARSEST, _TWENTY = 0.6, 0.01, 0.05


def plan(quick: bool) -> Plan:
    base = notebook(
        n_features=6, n_hidden=2, features="correlated", set_size=3, init="xavier",
        steps=4000 if quick else 10_000,
    )  # fmt: skip
    seeds = 4 if quick else 16
    densities = np.geomspace(_DENSEST, _SPARSEST, 5 if quick else 9)
    large = base.replace(n_features=20, n_hidden=10, set_size=10)
    return Plan(
        {
            "6-2": Sweep(base, {"density": densities}, seeds=seeds, weights=True),
            "20-10": Sweep(large, {"density": [_TWENTY]}, seeds=seeds, weights=True),
        }
    )


def table(trained: Trained) -> "pl.DataFrame":
    """A row a feature of every model; `set` is 0 or 1, `parallel` of its set: see `parallel`."""
    import polars as pl

    pieces = []
    for name, sweep in trained.sweeps.items():
        weights = sweep.weights()
        n = weights.shape[1]
        pieces.append(
            features_frame(sweep).select(
                pl.lit(name).alias("model"),
                pl.all(),
                pl.Series("set", np.tile(np.arange(n) // (n // 2), len(weights))),
                pl.Series("parallel", np.repeat(parallel(weights), n // 2)),
            )
        )
    return pl.concat(pieces, how="diagonal")


def parallel(weights: np.ndarray) -> np.ndarray:
    """How parallel each half of the features is, (instances, 2): the first eigenvalue of the half's Σ WᵀW
    over their sum. 1 where all point one way (a principal component), 1/m where they are spread evenly."""
    instances, n, m = weights.shape
    halves = weights.reshape(instances, 2, n // 2, m).astype(np.float64)
    values = np.linalg.eigvalsh(np.swapaxes(halves, -1, -2) @ halves)
    total = values.sum(-1)
    return np.divide(values[..., -1], total, out=np.zeros_like(total), where=total > 0)


def figure(table: "pl.DataFrame") -> Figure:
    """Above, the plane at each density; below, how parallel the sets are, and W Wᵀ of the 20 features."""
    import polars as pl

    plane, large = (table.filter(pl.col("model") == name) for name in ("6-2", "20-10"))
    densities = sorted(set(plane["density"]), reverse=True)
    whole: Any = new_figure(1.5 * max(len(densities), 6), 6)
    above, below = whole.subfigures(2, 1, height_ratios=[1, 1.9])
    panels = above.subplots(1, len(densities), squeeze=False)[0]
    for plot, density in zip(panels, densities, strict=True):
        model = of_best(plane.filter(pl.col("density") == density))
        draw_vectors(plot, weights_of(model), feature_colors(model["set"].to_numpy()), reach=1.6)
        plot.set_title(f"1 − S = {density_text(density)}", fontsize=8)
    opening, gram = below.subplots(1, 2, width_ratios=[1.5, 1])
    sets = plane.unique(["row", "set"])
    opening.scatter(1 / sets["density"], sets["parallel"], s=14, alpha=0.4, lw=0, color="tab:blue")
    best = pl.concat([of_best(plane.filter(pl.col("density") == d)) for d in densities])
    mean = best.group_by("density").agg(pl.col("parallel").mean()).sort("density")
    opening.plot(1 / mean["density"], mean["parallel"], "o-", color="tab:red", ms=4, label="least loss")
    for value, place, name in ((1.0, 0.99, "principal component"), (0.5, 0.35, "spread evenly")):
        opening.axhline(value, color="0.7", lw=0.8, ls="--", zorder=0)
        opening.text(place, value, name, transform=opening.get_yaxis_transform(), ha="right", va="bottom",
            fontsize=8, color="0.4")  # fmt: skip
    opening.set(xscale="log", ylim=(0.45, 1.06), xlabel="1 / (1 − S)")
    opening.set_xticks(ticks := [2, 5, 10, 20, 50, 100], [str(t) for t in ticks])
    opening.minorticks_off()
    opening.set_ylabel("share of a set's ‖W‖²\nalong its first component")
    opening.legend(frameon=False, fontsize=8, loc="center right")
    model = of_best(large)
    draw_gram(gram, weights_of(model))
    middle = len(model) / 2 - 0.5
    gram.axhline(middle, color="k", lw=0.6)
    gram.axvline(middle, color="k", lw=0.6)
    within, across = model_cosines(weights_of(model))
    gram.set_title(f"W Wᵀ of 20 → 10, two sets of ten, 1 − S = {_TWENTY}", fontsize=9)
    gram.set_xlabel(f"mean |cosine| within a set {within:.2f}, across {across:.2f}", fontsize=8)
    below.colorbar(ScalarMappable(GRAM_SCALE, GRAM), ax=gram, shrink=0.8)
    whole.suptitle("Two correlated sets of three in a plane, from dense to sparse", fontsize=10)
    return whole


def model_cosines(weights: np.ndarray) -> tuple[float, float]:
    """Mean |cosine| of represented features of one half with each other, and with those of the other half."""
    n = len(weights)
    half = np.arange(n) // (n // 2)
    cosines = np.abs(geometry.cosines(weights[None])[0])
    shown = geometry.represented(weights[None])[0]
    both = shown[:, None] & shown & ~np.eye(n, dtype=bool)
    within, across = both & (half[:, None] == half), both & (half[:, None] != half)
    return tuple(float(cosines[mask].mean()) if mask.any() else 0.0 for mask in (within, across))  # type: ignore[return-value]
