"""Features of equal importance: dimensions per feature, and the dimensionality of each (paper, "The geometry
of superposition", uniform superposition)."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from tms_engine.analysis.theory import DIMENSIONALITY
from tms_engine.figures.panels import new_figure
from tms_engine.paper.frames import features_frame
from tms_engine.paper.plan import Plan, Trained, notebook
from tms_engine.sweeps.sweep import Sweep

if TYPE_CHECKING:
    import polars as pl

PAPER = (
    "With 400 equal features in 30 dimensions, m / ‖W‖² falls from 1 over 1/(1 − S), and stays at one half "
    "over a range: antipodal pairs. The dimensionality of each feature gathers at fractions of uniform "
    "solids: 2/3 of triangles, 3/4 of tetrahedra, 1/2 of pairs, 2/5 of pentagons, 3/8 of square antiprisms."
)
DEPARTS = (
    "As in the notebook, from which 200 → 20 at 20 densities down to 1/20 are; 400 → 30 has 20 densities "
    "down to 1/10, as the figure of the paper. One model a density, as there."
)
QUICK = "60 features in 6 dimensions, ten densities, 4,000 steps"


def plan(quick: bool) -> Plan:
    if quick:
        base = notebook(n_features=60, n_hidden=6, n_instances=10, steps=4000)
        return Plan({"60-6": Sweep(base, {"density": 10.0 ** -np.linspace(0, 1, 10)}, weights=True)})
    large, small = (notebook(n_features=n, n_hidden=m, n_instances=20) for n, m in ((400, 30), (200, 20)))
    return Plan(
        {
            "200-20": Sweep(small, {"density": 20.0 ** -np.linspace(0, 1, 20)}, weights=True),
            "400-30": Sweep(large, {"density": 10.0 ** -np.linspace(0, 1, 20)}, weights=True),
        }
    )


def table(trained: Trained) -> "pl.DataFrame":
    """A row a feature of every model; dimensions_per_feature, m / ‖W‖², is the model's."""
    import polars as pl

    pieces = []
    for sweep in trained.sweeps.values():
        base = sweep.grid.spec.base
        pieces.append(
            features_frame(sweep, arms=False).select(
                pl.lit(base.n_features).alias("n_features"),
                pl.lit(base.n_hidden).alias("n_hidden"),
                pl.all(),
                (base.n_hidden / (pl.col("norm") ** 2).sum().over("row")).alias("dimensions_per_feature"),
            )
        )
    return pl.concat(pieces)


def figure(table: "pl.DataFrame") -> Figure:
    """m / ‖W‖² on top, the dimensionality of every feature under it, a column a size."""
    import polars as pl

    sizes = table.select("n_features", "n_hidden").unique().sort("n_features", descending=True).rows()
    whole = new_figure(6.5 * len(sizes), 8)
    grid = whole.subplots(2, len(sizes), squeeze=False, sharex="col", height_ratios=[2, 3])
    for k, (n, m) in enumerate(sizes):
        own = table.filter((pl.col("n_features") == n) & (pl.col("n_hidden") == m))
        models = own.unique("row").sort("density", descending=True)
        above, below = grid[:, k]
        above.plot(1 / models["density"], models["dimensions_per_feature"], "o-", ms=4, lw=1.2)
        above.axhline(0.5, color="0.6", ls="--", lw=0.8)
        above.text(
            0.99, 0.5, "1/2 ", color="0.4", ha="right", va="bottom", transform=above.get_yaxis_transform()
        )
        above.set(xscale="log", ylim=(0, 1.2), title=f"{n} equal features in {m} dimensions")
        below.scatter(1 / own["density"], own["dimensionality"], s=6, alpha=0.25, lw=0)
        for name, value in DIMENSIONALITY.items():
            below.axhline(value, color="0.75", lw=0.7, zorder=0)
            below.text(1.01, value, name, fontsize=7, va="center", transform=below.get_yaxis_transform())
        ticks = [1, 2, 3, 5, 10, 20]
        last = 1.08 / own["density"].min()  # type: ignore[operator]
        below.set(ylim=(-0.03, 1.05), xlim=(0.93, last), xlabel="1 / (1 − S)")
        below.set_xticks([t for t in ticks if t <= last], [str(t) for t in ticks if t <= last])
        below.minorticks_off()
    grid[0, 0].set_ylabel("m / ‖W‖², dimensions per feature")
    grid[1, 0].set_ylabel("dimensionality D of each feature")
    return whole
