"""5 features in 2 dimensions, a panel a sparsity (paper, "Demonstrating superposition", the first figure)."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from tms_engine.figures.colors import viridis
from tms_engine.figures.panels import new_figure
from tms_engine.paper.drawing import density_text, draw_vectors
from tms_engine.paper.frames import features_frame, of_best, weights_of
from tms_engine.paper.plan import Plan, Trained, notebook
from tms_engine.sweeps.sweep import Sweep

if TYPE_CHECKING:
    import polars as pl

PAPER = (
    "5 features of importance .9^j in 2 dimensions, trained at ten densities from 1 to 1/20: dense data get "
    "the two most important features on orthogonal axes, sparser ones two antipodal pairs, the sparsest a "
    "pentagon."
)
DEPARTS = (
    "The paper draws one model a sparsity; here it is the one of least loss of 32, for about a third "
    "of the sparsest ends in a local minimum (two pairs and a lost feature)."
)
QUICK = "five densities, four seeds, 3,000 steps"


def plan(quick: bool) -> Plan:
    # The notebook's ten instances; its first weights depend on how many there are.
    base = notebook(
        n_features=5, n_hidden=2, importance_decay=0.9, n_instances=10, steps=3000 if quick else 10_000
    )
    densities = 20.0 ** -np.linspace(0, 1, 5 if quick else 10)
    seeds = 4 if quick else 32
    return Plan({"5-2": Sweep(base, {"density": densities}, seeds=seeds, weights=True)})


def table(trained: Trained) -> "pl.DataFrame":
    """A row a feature of every model."""
    return features_frame(trained.sweeps["5-2"])


def figure(table: "pl.DataFrame") -> Figure:
    """A panel a density, the densest first, of the model of least loss."""
    import polars as pl

    densities = sorted(set(table["density"]), reverse=True)
    n = int(table["feature"].max()) + 1  # type: ignore[arg-type]
    whole = new_figure(1.5 * len(densities), 2.1)
    for k, density in enumerate(densities):
        best = of_best(table.filter(pl.col("density") == density))
        plot = whole.add_subplot(1, len(densities), k + 1)
        draw_vectors(plot, weights_of(best), viridis(np.linspace(0, 0.9, n)))
        plot.set_title(f"1 − S = {density_text(density)}", fontsize=9)
        plot.set_xlabel(f"loss {best['loss'][0]:.2g}", fontsize=8)
    whole.suptitle("5 features in 2 dimensions, from dense to sparse; dark: the most important", fontsize=10)
    return whole
