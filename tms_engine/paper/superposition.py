"""Superposition against sparsity, beside the linear model (paper, "Demonstrating superposition")."""

from typing import TYPE_CHECKING

from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from tms_engine.figures.panels import new_figure
from tms_engine.paper.drawing import GRAM, GRAM_SCALE, SHARED, SHARED_SCALE, draw_gram, draw_norms
from tms_engine.paper.frames import features_frame, weights_of
from tms_engine.paper.plan import Plan, Trained, notebook
from tms_engine.sweeps.sweep import Sweep

if TYPE_CHECKING:
    import polars as pl

PAPER = (
    "W Wᵀ and the norms of 20 features in 5 dimensions (importance .7^j) and of 80 in 20 (.9^j). The linear "
    "model, and the ReLU model of dense data, give the most important features a dimension each and drop the "
    "others; the sparser the data, the more features are represented, the least important first in "
    "superposition, in the end nearly all of them."
)
DEPARTS = (
    "The notebook has no code for this figure: its settings are those of its other ones, and the first "
    "weights are drawn for the seven sparsities together. At S = .999, 15 of 20 and 61 of 80 features are "
    "longer than one half after 10,000 steps, for the rarest have been seen too seldom to grow."
)
QUICK = "20 features in 5 dimensions alone, four sparsities, 3,000 steps"

_DENSITIES = (1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
_SIZES = {(20, 5): 0.7, (80, 20): 0.9}


def plan(quick: bool) -> Plan:
    sweeps = {}
    for (n, m), decay in _SIZES.items():
        if quick and n > 20:
            continue
        base = notebook(n_features=n, n_hidden=m, importance_decay=decay, n_instances=len(_DENSITIES))
        base = base.replace(steps=3000) if quick else base
        densities = _DENSITIES[:4] if quick else _DENSITIES
        sweeps[f"{n}-{m}-linear"] = Sweep(base.replace(model="linear"), {"density": [1.0]}, weights=True)
        sweeps[f"{n}-{m}"] = Sweep(base, {"density": densities}, weights=True)
    return Plan(sweeps)


def table(trained: Trained) -> "pl.DataFrame":
    """A row a feature of every model; n_features, n_hidden and model say which."""
    import polars as pl

    pieces = []
    for sweep in trained.sweeps.values():
        base = sweep.grid.spec.base
        pieces.append(
            features_frame(sweep).select(
                pl.lit(base.n_features).alias("n_features"),
                pl.lit(base.n_hidden).alias("n_hidden"),
                pl.lit(base.model).alias("model"),
                pl.all(),
            )
        )
    return pl.concat(pieces, how="diagonal")


def figure(table: "pl.DataFrame") -> Figure:
    """A column a sparsity, the linear model first; for each size W Wᵀ, and the norms under it."""
    import polars as pl

    sizes = table.select("n_features", "n_hidden").unique().sort("n_features").rows()
    densities = sorted(set(table.filter(pl.col("model") != "linear")["density"]), reverse=True)
    columns: list[float | None] = [None, *densities]
    whole = new_figure(1.45 * len(columns) + 1, 3.5 * len(sizes))
    grid = whole.subplots(2 * len(sizes), len(columns), squeeze=False, height_ratios=[1, 1] * len(sizes))
    for i, (n, m) in enumerate(sizes):
        own = table.filter((pl.col("n_features") == n) & (pl.col("n_hidden") == m))
        for k, density in enumerate(columns):
            is_own = pl.col("model") == "linear" if density is None else (
                (pl.col("model") != "linear") & (pl.col("density") == density)
            )  # fmt: skip
            model = own.filter(is_own).sort("feature")
            above, below = grid[2 * i, k], grid[2 * i + 1, k]
            draw_gram(above, weights_of(model))
            draw_norms(below, model["norm"].to_list(), model["interference"].to_list())
            shown = (model["norm"] > 0.5).sum()
            above.set_title("linear" if density is None else f"S = {1 - density:.4g}", fontsize=10)
            below.set_xlabel(f"‖Wⱼ‖, {shown} above ½", fontsize=8)
            below.tick_params(labelsize=7)
        grid[2 * i, 0].set_ylabel(f"{n} → {m}\nW Wᵀ", fontsize=10)
        grid[2 * i + 1, 0].set_ylabel("feature", fontsize=9)
        entries, shared = ScalarMappable(GRAM_SCALE, GRAM), ScalarMappable(SHARED_SCALE, SHARED)
        whole.colorbar(entries, ax=grid[2 * i, :], label="W Wᵀ", aspect=12)
        whole.colorbar(shared, ax=grid[2 * i + 1, :], label="Σ (Ŵⱼ · Wₖ)²", aspect=12)
    whole.suptitle("Feature directions by sparsity; bars: light where other features share the direction")
    return whole
