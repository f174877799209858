"""6 features in 2 dimensions, one active: the levels of the loss, and training that starts on each.

After Chen, Lau, Mendel, Wei and Murfet, "Dynamical versus Bayesian phase transitions in a toy model of
superposition" (2023): the critical points of this model are k-gons with the other features dropped.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tms_engine.analysis.geometry import represented
from tms_engine.analysis.levels import k_gon, polygon_name
from tms_engine.analysis.optimum import Minimum, minimum
from tms_engine.figures.panels import new_figure
from tms_engine.paper.drawing import draw_vectors
from tms_engine.paper.plan import Plan, Trained, notebook
from tms_engine.sweeps.sweep import Sweep
from tms_engine.training.history import Kept

if TYPE_CHECKING:
    import polars as pl

    from tms_engine.training.run import Run

PAPER = (
    "Of 6 features in 2 dimensions, of which one is active, the critical points are k-gons with the others "
    "dropped. Training rests on one after the other, from few corners to many, and most often ends in the "
    "pentagon or the hexagon."
)
DEPARTS = (
    "The successors' paper trains on a fixed data set; here rows are fresh, and the optimiser is that of the "
    "first paper's notebook. Levels are exact expected losses, least with the polygon's symmetry. Started on "
    "two or three corners, training also rests at .0185 and .0115, where the other features share a corner "
    "of a square or of a pentagon. Bernoulli data at S = .95 (5 → 2 and 6 → 2) are added, with the shares "
    "over many seeds: there a small feature in a gap of the polygon lowers its loss a little."
)
QUICK = "batch 256, 5,000 steps, 64 seeds of Bernoulli data instead of 1,024"

_N, _CORNERS = 6, (2, 3, 4, 5, 6)
_P = 0.05
# Around a k-gon minima are looked for from so many places, so far away.
_SHIFTS, _SHIFT = 16, 0.1


def plan(quick: bool) -> Plan:
    own: dict[str, Any] = {"init": "xavier", "n_hidden": 2}
    own |= {"batch_size": 256, "steps": 5000} if quick else {}
    one = notebook(**own, n_features=_N, features="n_active", n_active=1)
    many = {f"{n}-2": notebook(**own, n_features=n, sparsity=1 - _P) for n in (5, 6)}
    sweeps = {"one-active": Sweep(one, seeds=16 if quick else 64)}
    sweeps |= {name: Sweep(base, seeds=64 if quick else 1024) for name, base in many.items()}
    runs = {f"{k}-gon": one.replace(init=f"{k}-gon", n_instances=4, keep=256) for k in _CORNERS}
    return Plan(sweeps, runs)


def k_gons(n: int, p: float | None) -> "pl.DataFrame":
    """The k-gons of n features in the plane at their best, a row a feature; see `table`.

    p is the density, None for exactly one active feature.
    """
    import polars as pl

    pieces = []
    for k in range(2, n + 1):
        for shared in (False, True)[: 1 + (k < n)]:
            found = k_gon(n, k, p, shared)
            columns = {
                "row_is": "level",
                "n_features": n,
                "density": p,
                "corners": k,
                "shared": shared,
                "name": _named(k, n),
                "loss": found.loss[0] / n,
                "minimum": None if shared else _minimum_beside(found, k, p),
                "feature": np.arange(n),
                "bias": found.bias[0],
                "w_0": found.weights[0, :, 0],
                "w_1": found.weights[0, :, 1],
            }
            types = {"density": pl.Float64, "minimum": pl.Float64}
            pieces.append(pl.DataFrame(columns, schema_overrides=types))
    return pl.concat(pieces)


def _minimum_beside(level: Minimum, k: int, p: float | None) -> float | None:
    """The least loss of the minima around a k-gon of which k features are represented; None: a saddle."""
    n = level.bias.shape[1]
    shift = _SHIFT * np.random.default_rng(k).standard_normal((_SHIFTS, n, 2))
    bias = np.tile(level.bias, (_SHIFTS, 1))
    found = minimum(level.weights + shift, bias, np.ones(bias.shape), p)
    losses = found.loss[represented(found.weights).sum(1) == k]
    return float(losses.min()) / n if len(losses) else None


def _named(k: int, n: int) -> str:
    return polygon_name(k) if k == n else f"{polygon_name(k)} + {n - k}"


def table(trained: Trained) -> "pl.DataFrame":
    """Rows of three kinds, told apart by row_is.

    level  a k-gon at its best, a row a feature: corners, loss, bias, w_0, w_1; shared: whether the other
           features are all on one corner, else they are 0, and minimum is the least loss of a minimum close
           by at which k features are represented; null where there is none
    model  a trained one, from Xavier's first weights: loss, name, and the level nearest in loss
    curve  the exact loss of a model that started on a k-gon (corners) at a step
    """
    import polars as pl

    pieces = []
    for sweep_name, sweep in trained.sweeps.items():
        n = sweep.grid.spec.base.n_features
        p = None if sweep_name == "one-active" else _P
        level = k_gons(n, p)
        pieces += [level, _models(sweep, level, n, p)]
    for name, run in trained.runs.items():
        pieces.append(_curves(run, int(name.removesuffix("-gon"))))
    return pl.concat(pieces, how="diagonal_relaxed")


def _models(sweep: Sweep, level: "pl.DataFrame", n: int, p: float | None) -> "pl.DataFrame":
    import polars as pl

    models = sweep.table()
    known = level.filter(~pl.col("shared")).unique("corners").sort("corners")
    apart = np.abs(models["loss"].to_numpy()[:, None] - known["loss"].to_numpy())
    return models.select("number", "name", "residual", "loss", "represented").with_columns(
        pl.lit("model").alias("row_is"),
        pl.lit(n).alias("n_features"),
        pl.lit(p, pl.Float64).alias("density"),
        pl.Series("nearest", known["name"].to_numpy()[apart.argmin(1)].astype(str)),
    )


def _curves(run: "Run", corners: int) -> "pl.DataFrame":
    """The exact losses of a run at its kept steps."""
    import polars as pl

    from tms_engine.analysis.optimum import summed_loss

    n, pieces = run.experiment.n_features, []
    for kept in (*run.history.kept, Kept(run.state.step, run.state.parameters)):
        weights, bias = kept.parameters["W"], kept.parameters["b"]
        loss = summed_loss(weights, bias, np.ones(bias.shape), None) / n
        pieces.append(
            pl.DataFrame(
                {"row_is": "curve", "n_features": n, "corners": corners, "step": kept.step,
                 "number": run.experiment.numbers(), "loss": loss}
            )
        )  # fmt: skip
    return pl.concat(pieces).unique(["number", "step"])


def figure(table: "pl.DataFrame") -> Figure:
    """The levels; the loss from a start on each; the losses that many seeds end in, beside the levels."""
    import matplotlib
    import polars as pl

    colors = {k: matplotlib.colormaps["viridis"]((k - 2) / 4.6) for k in _CORNERS}
    level = table.filter(pl.col("row_is") == "level")
    one = level.filter(pl.col("density").is_null())
    alone = one.filter(~pl.col("shared"))
    whole = new_figure(13, 7.5)
    rows: Any = whole.subfigures(2, 1, height_ratios=[1, 2.2])
    above, below = rows
    for place, (k, plot) in enumerate(zip(_CORNERS, above.subplots(1, 5), strict=True)):
        own = alone.filter(pl.col("corners") == k).sort("feature")
        draw_vectors(plot, own.select("w_0", "w_1").to_numpy(), [colors[k]] * len(own), reach=1.6)
        plot.set_title(f"{own['name'][0]}: {own['loss'][0]:.6f}", fontsize=10)
        if not place:
            plot.set_ylabel("critical points", fontsize=10)
    left, *others = below.subplots(1, 4, width_ratios=[2.2, 1, 1, 1])
    curves = table.filter(pl.col("row_is") == "curve")
    for (k, _), own in curves.group_by("corners", "number"):
        own = own.sort("step")
        left.plot(own["step"], own["loss"], color=colors[k], lw=1.2, alpha=0.9)
    _draw_levels(left, one, colors)
    left.set(xlabel="step", ylabel="loss, exact", title="6 → 2, one active, started on each k-gon")
    lines = [Line2D([], [], color="0.3", ls=style) for style in ("--", "-.", ":")]
    names = ["k-gon, the others 0", "the others on one corner", "the minimum beside a k-gon"]
    left.legend(lines, names, fontsize=8, framealpha=1, edgecolor="none", loc="upper right")
    for plot, (n, density) in zip(others, ((6, None), (5, _P), (6, _P)), strict=True):
        _draw_ends(plot, table, n, density, colors)
    return whole


def _draw_levels(plot: Any, level: "pl.DataFrame", colors: dict[int, Any]) -> None:
    for row in level.unique(["corners", "shared"]).iter_rows(named=True):
        color = colors[row["corners"]]
        plot.axhline(row["loss"], color=color, ls="-." if row["shared"] else "--", lw=0.9, zorder=0)
        if row["minimum"] is not None and row["minimum"] < 0.999 * row["loss"]:
            plot.axhline(row["minimum"], color=color, ls=":", lw=1.2, zorder=0)


def _draw_ends(plot: Any, table: "pl.DataFrame", n: int, density: float | None, colors: Any) -> None:
    """The final losses of many seeds beside the levels, with the share of each name."""
    import polars as pl

    is_own = (pl.col("n_features") == n) & pl.col("density").eq_missing(pl.lit(density, pl.Float64))
    models = table.filter(is_own & (pl.col("row_is") == "model"))
    level = table.filter(is_own & (pl.col("row_is") == "level"))
    _draw_levels(plot, level, colors)
    counts = models.group_by("name").agg(pl.len(), pl.col("loss").median()).sort("len", descending=True)
    across = np.random.default_rng(0).uniform(-0.3, 0.3, len(models))
    plot.scatter(across, models["loss"], s=7, alpha=0.5, color="0.3", lw=0)
    lines = [f"{row['len'] / len(models):.1%}  {row['name']}" for row in counts.head(5).iter_rows(named=True)]
    plot.text(0.03, 0.98, "\n".join(lines), transform=plot.transAxes, va="top", fontsize=7,
              bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})  # fmt: skip
    least, most = (float(at(models["loss"].to_numpy())) for at in (np.min, np.max))
    data = "one active" if density is None else f"S = {1 - density:g}"
    plot.set(xlim=(-0.6, 0.6), xticks=[], title=f"{n} → 2, {data}", xlabel=f"{len(models):,} seeds")
    room = 0.08 * (most - least) + 1e-5
    plot.set_ylim(least - room, most + 4 * room)
    plot.tick_params(labelsize=7)
