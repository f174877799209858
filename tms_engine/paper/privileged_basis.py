"""A ReLU in the hidden layer makes its neurons a privileged basis (paper, "Superposition in a privileged
basis")."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from tms_engine.figures.colors import viridis
from tms_engine.figures.panels import new_figure
from tms_engine.paper.drawing import density_text
from tms_engine.paper.frames import best_models, features_frame, weights_of
from tms_engine.paper.plan import Plan, Trained, notebook
from tms_engine.sweeps.sweep import Sweep

if TYPE_CHECKING:
    import polars as pl

PAPER = (
    "10 features of importance .75^j in 5 hidden dimensions. Without a ReLU there, features lie anyhow in "
    "the basis of the neurons; with one, dense data give each neuron a feature, and the sparser they are "
    "the more neurons have several. Since many starts fail, the best of a thousand is shown."
)
DEPARTS = (
    "The best of 32 instead of a thousand; at S = 0 eleven of 16 starts ended with a feature to each "
    "neuron, after 10,000 steps. How the best of them compares with the median is in the titles; below, the "
    "same without the hidden ReLU."
)
QUICK = "three densities, the best of four, 8,000 steps"

_DENSITIES = (1.0, 0.5, 0.3, 0.2, 0.1, 0.05)
_MODELS = {"relu_hidden": "with a ReLU in the hidden layer", "tied_relu": "without"}
# An entry of W that is seen, in what the neuron's largest is.
_COUNTED = 0.25


def plan(quick: bool) -> Plan:
    base = notebook(
        model="relu_hidden", n_features=10, n_hidden=5, importance_decay=0.75, init="xavier",
        steps=8000 if quick else 10_000,
    )  # fmt: skip
    densities = _DENSITIES[::2] if quick else _DENSITIES
    best_of = 4 if quick else 32
    return Plan(
        {
            "relu_hidden": Sweep(base, {"density": densities}, seeds=best_of, weights=True),
            "tied_relu": Sweep(
                base.replace(model="tied_relu"), {"density": densities}, seeds=best_of, weights=True
            ),
        }
    )


def table(trained: Trained) -> "pl.DataFrame":
    """A row a feature of the model of least loss of each density and model; median_loss is of all starts."""
    import polars as pl

    pieces = []
    for name, sweep in trained.sweeps.items():
        models = sweep.table()
        best = best_models(models, "density")
        starts = models.group_by("density").agg(
            median_loss=pl.col("loss").drop_nans().median(), starts=pl.len()
        )
        frame = features_frame(sweep, best).join(starts, on="density")
        pieces.append(frame.select(pl.lit(name).alias("model"), pl.all()))
    return pl.concat(pieces, how="diagonal")


def features_of_neurons(weights: np.ndarray) -> np.ndarray:
    """Features that each neuron has: entries above a quarter of its largest, which is above .1.
    W (features, hidden) → (hidden,)."""
    sizes = np.abs(weights)
    largest = sizes.max(0)
    return (sizes >= _COUNTED * np.maximum(largest, 1e-300)).sum(0) * (largest > 0.1)


def figure(table: "pl.DataFrame") -> Figure:
    """A column a density, with a ReLU on top, without below: a bar a neuron, of W's entries, stacked."""
    import polars as pl

    densities = sorted(set(table["density"]), reverse=True)
    whole = new_figure(2.3 * len(densities) + 0.6, 5.2)
    grid = whole.subplots(2, len(densities), squeeze=False, sharey="row")
    for r, (name, label) in enumerate(_MODELS.items()):
        plots = grid[r]
        for plot, density in zip(plots, densities, strict=True):
            model = table.filter((pl.col("model") == name) & (pl.col("density") == density))
            weights = weights_of(model)
            draw_neurons(plot, weights, viridis(np.linspace(0, 0.95, len(weights))))
            alone = int((features_of_neurons(weights) == 1).sum())
            ratio = model["median_loss"][0] / model["loss"][0]
            head = f"1 − S = {density_text(density)}\n" if r == 0 else ""
            title = (
                f"{head}{alone} of {weights.shape[1]} neurons of one feature\nmedian loss / best {ratio:.2f}"
            )
            plot.set_title(title, fontsize=8)
        plots[0].set_ylabel(f"{label}\nentries of W, stacked", fontsize=9)
    grid[-1, len(densities) // 2].set_xlabel("neuron", fontsize=9)
    n = int(table["feature"].max()) + 1  # type: ignore[arg-type]
    whole.suptitle(
        f"{n} features in 5 hidden dimensions, the best of {table['starts'][0]}; dark: the most important",
        fontsize=10,
    )
    return whole


def draw_neurons(plot: Any, weights: np.ndarray, colors: np.ndarray) -> None:
    """Entries of W (features, hidden), a bar a neuron: positive ones up from 0, negative ones down."""
    order = np.argsort(np.abs(weights).argmax(0), kind="stable")
    places = np.arange(weights.shape[1])
    up, down = np.zeros(len(places)), np.zeros(len(places))
    for row, color in zip(weights[:, order], colors, strict=True):
        plot.bar(places, row, bottom=np.where(row > 0, up, down), color=color, width=0.8)
        up, down = up + np.maximum(row, 0), down + np.minimum(row, 0)
    plot.axhline(0, color="k", lw=0.6)
    plot.set_xticks(places, [""] * len(places))
    plot.tick_params(labelsize=7)
