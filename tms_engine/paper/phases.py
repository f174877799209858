"""The phase diagrams of n = 2, m = 1 and of n = 3, m = 2 (paper, "Superposition as a phase change").

What becomes of an extra feature, by the density of all and by its importance relative to the others'.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from tms_engine.analysis.extra import optimal_states, pure_states
from tms_engine.analysis.geometry import interference, norms
from tms_engine.analysis.strategies import states_of
from tms_engine.figures.colors import OF_STATE, phase_colors
from tms_engine.figures.panels import new_figure
from tms_engine.paper.plan import Plan, Trained, notebook
from tms_engine.sweeps.sweep import Sweep

if TYPE_CHECKING:
    import polars as pl

PAPER = (
    "An extra feature is not represented where it matters little, has a dimension of its own where it "
    "matters most, and is in superposition between: a region that is the wider the sparser the features "
    "are. The changes are abrupt, and lie where a toy calculation of the pure strategies has them."
)
DEPARTS = (
    "First weights are Xavier's of each model: the notebook has no code for this figure, and its joint "
    "Xavier over 16,000 models would start all of them at 0. The boundaries drawn through are those of the "
    "global minimum of the exact loss, which has shorter arms and other biases than the pure strategies "
    "(dashed, the paper's theory): superposition reaches further. As in the paper, colours are means over "
    "ten models but the worst, and mixed where models differ; the agreement that is counted is of the best. "
    "In n = 2, m = 1 half of the first weights have arms of one sign, and near r = 1 many of these end with "
    "one feature alone; in n = 3, m = 2 which two features are paired is settled early in training."
)
QUICK = "14 × 14 cells, four models a cell, batch 128, 5,000 steps"

_SIZES = ((2, 1), (3, 2))


def plan(quick: bool) -> Plan:
    cells, seeds = (14, 4) if quick else (40, 10)
    density, ratio = 10 ** np.linspace(0, -2, cells), 10 ** np.linspace(-1, 1, cells)
    sweeps = {}
    for n, m in _SIZES:
        base = notebook(n_features=n, n_hidden=m, init="xavier")
        base = base.replace(batch_size=128, steps=5000) if quick else base
        importance = [[*([1.0] * m), float(r)] for r in ratio]
        axes = {"density": density, "importance": importance}
        sweeps[f"{n}-{m}"] = Sweep(base, axes, seeds=seeds, paired=False, weights=True)
    return Plan(sweeps)


def table(trained: Trained) -> "pl.DataFrame":
    """A row a cell.

    density, relative_importance; loss (of the best model, summed over features), norm and interference (of
    the extra feature, means over the models but the worst), state (of the best), models, and in_this_state,
    how many of them are in the best one's state; optimum_loss and optimum_state of the global minimum;
    pure_state of the best pure strategy.
    """
    import polars as pl

    return pl.concat([_cells(sweep) for sweep in trained.sweeps.values()])


def _cells(sweep: Sweep) -> "pl.DataFrame":
    import polars as pl

    base, seeds = sweep.grid.spec.base, sweep.grid.spec.n_seeds
    n, m = base.n_features, base.n_hidden
    ratio = np.array([value[-1] for value in sweep.values("importance")])
    density = np.array(sweep.values("density"))
    weights = sweep.weights().astype(np.float64)
    shape = (len(density) * len(ratio), seeds)
    loss = np.nan_to_num(sweep.table()["loss"].to_numpy(), nan=np.inf).reshape(shape) * n
    order = loss.argsort(1)
    kept = order[:, : max(1, seeds - 1)]  # the worst is dropped
    length, shared = (of(weights)[:, -1].reshape(shape) for of in (norms, interference))
    state = states_of(weights).reshape(shape)
    best = np.take_along_axis(state, order[:, :1], 1)
    optimum = [optimal_states(m, p, ratio) for p in density]
    return pl.DataFrame(
        {
            "n_features": n,
            "n_hidden": m,
            "density": np.repeat(density, len(ratio)),
            "relative_importance": np.tile(ratio, len(density)),
            "loss": loss.min(1),
            "norm": np.take_along_axis(length, kept, 1).mean(1),
            "interference": np.take_along_axis(shared, kept, 1).mean(1),
            "state": best[:, 0].astype(str),
            "models": seeds,
            "in_this_state": (state == best).sum(1),
            "optimum_loss": np.concatenate([losses for losses, _ in optimum]),
            "optimum_state": np.concatenate([states for _, states in optimum]).astype(str),
            "pure_state": np.concatenate([pure_states(m, p, ratio) for p in density]).astype(str),
        }
    )


# The figure.


def figure(table: "pl.DataFrame") -> Figure:
    """For each size what was trained, with the boundaries of the optimum and of the pure strategies, and the
    optimum."""
    import polars as pl

    whole = new_figure(11.5, 5 * len(_SIZES))
    grid = whole.subplots(len(_SIZES), 2, squeeze=False)
    for row, (n, m) in zip(grid, _SIZES, strict=True):
        cells = table.filter(pl.col("n_features") == n).sort("density", "relative_importance")
        density, ratio = (
            cells[name].unique().sort().to_numpy() for name in ("density", "relative_importance")
        )
        shape = (len(density), len(ratio))
        trained = phase_colors(cells["norm"], cells["interference"]).reshape(*shape, 3)
        at_best = phase_colors(*np.array([OF_STATE[s] for s in cells["optimum_state"]]).T).reshape(*shape, 3)
        agree = float((cells["state"] == cells["optimum_state"]).to_numpy().mean())
        _draw(row[0], trained, density, ratio, cells)
        row[0].set_title(f"n = {n}, m = {m}: trained, mean of all but the worst", fontsize=10)
        _draw(row[1], at_best, density, ratio, cells)
        others = cells.filter(pl.col("state") != pl.col("optimum_state"))
        row[1].plot(others["relative_importance"], others["density"], "kx", ms=5)
        row[1].set_title(f"numerical optimum; the best trained agrees in {agree:.1%}", fontsize=10)
    for name, (norm, shared) in OF_STATE.items():
        color = phase_colors(norm, shared)
        grid[0, 1].scatter(
            [], [], marker="s", s=60, color=[color], edgecolor="0.5", label=f"extra feature {name}"
        )
    grid[0, 1].plot([], [], "k-", lw=1.2, label="boundaries of the optimum")
    grid[0, 1].plot([], [], "k--", lw=1.2, label="of the pure strategies")
    grid[0, 1].plot([], [], "kx", ms=5, label="the best trained is in another state")
    whole.legend(*grid[0, 1].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return whole


def _draw(
    plot: Any, colors: np.ndarray, density: np.ndarray, ratio: np.ndarray, cells: "pl.DataFrame"
) -> None:
    """Cells with the densest row on top, and the boundaries."""
    plot.pcolormesh(ratio, density, colors, shading="nearest", rasterized=True)
    for column, style in (("optimum_state", "-"), ("pure_state", "--")):
        state = cells[column].to_numpy().reshape(len(density), len(ratio))
        for name in ("not represented", "dedicated"):
            inside = (state == name).astype(float)
            if 0 < inside.mean() < 1:
                plot.contour(ratio, density, inside, [0.5], colors="k", linestyles=style, linewidths=1.2)
    plot.set(xscale="log", yscale="log", xlabel="relative importance of the extra feature")
    plot.set_ylabel("density 1 − S")
