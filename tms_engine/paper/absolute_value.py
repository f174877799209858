"""Computing |x| in superposition (paper, "Computation in superposition")."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from tms_engine.figures.colors import feature_colors, viridis
from tms_engine.figures.panels import new_figure
from tms_engine.paper.drawing import density_text
from tms_engine.paper.frames import best_models
from tms_engine.paper.plan import Plan, Trained, notebook
from tms_engine.sweeps.sweep import Sweep

if TYPE_CHECKING:
    import polars as pl

PAPER = (
    "A model with a ReLU in its hidden layer computes |x| of features of both signs. Two neurons a feature "
    "do it exactly. With 100 features of importance .8^j and 40 neurons, dense data get neurons of one "
    "feature each, the sparser they are the more neurons serve several, the least important first. Where "
    "two features share, their weights are asymmetric: a large weight in and a small one out, beside a "
    "small one in and a large one out."
)
DEPARTS = (
    "Each density has two starts, of which the one of less loss is drawn. A bar is |E_jd · D_dj|, what "
    "neuron d does for feature j, where the paper has the input weights. From dense to sparse 40, 40, 14, 6 "
    "and 4 of 40 neurons serve one feature; what the others have lies far under in · out = 1, on both sides "
    "of the diagonal."
)
QUICK = "20 features and 8 neurons, three densities, 4,000 steps"

_DENSITIES = (1.0, 0.3, 0.1, 0.03, 0.01)
# A share of a neuron below which a feature is not counted.
_COUNTED = 0.1


def plan(quick: bool) -> Plan:
    base = notebook(model="absolute_value", magnitudes="signed", n_features=3, n_hidden=6, init="xavier")
    base = base.replace(steps=4000) if quick else base
    n, m = (20, 8) if quick else (100, 40)
    large = base.replace(n_features=n, n_hidden=m, importance_decay=0.8)
    densities = _DENSITIES[::2] if quick else _DENSITIES
    return Plan(
        {
            "3-6": Sweep(base, {"density": [1.0]}, seeds=4, weights=True),
            "large": Sweep(large, {"density": densities}, seeds=2, weights=True),
        }
    )


def table(trained: Trained) -> "pl.DataFrame":
    """A row a pair of a feature and a neuron of the models of least loss: its weights in and out, E and D,
    `does` = E · D, and `features` of its neuron, those that have a tenth or more of it."""
    import polars as pl

    pieces = []
    for name, sweep in trained.sweeps.items():
        models = sweep.table()
        for row in best_models(models, "density")["row"]:
            parameters = sweep.run(int(row)).state.parameters
            encoder, decoder = (parameters[key][0].astype(np.float64) for key in ("E", "D"))
            n, m = encoder.shape
            does = encoder * decoder.T
            pairs = pl.DataFrame(
                {
                    "model": [name] * (n * m),
                    "row": pl.Series([row] * (n * m), dtype=models["row"].dtype),
                    "feature": np.repeat(np.arange(n), m),
                    "neuron": np.tile(np.arange(m), n),
                    "in": encoder.ravel(),
                    "out": decoder.T.ravel(),
                    "does": does.ravel(),
                    "features": np.tile(features_of_neurons(does), n),
                }
            )
            pieces.append(pairs.join(models, on="row"))
    return pl.concat(pieces, how="diagonal")


def features_of_neurons(does: Any) -> np.ndarray:
    """Features of which each neuron does a tenth or more of all it does: (features, neurons) → (neurons,)."""
    sizes = np.abs(does)
    total = sizes.sum(0)
    shares = np.divide(sizes, total, out=np.zeros_like(sizes), where=total > 0)
    return (shares >= _COUNTED).sum(0)


def figure(table: "pl.DataFrame") -> Figure:
    """Left, neurons as bars, a row a density, under the exact solution; right, weights in and out."""
    import polars as pl

    small, large = (table.filter(pl.col("model") == name) for name in ("3-6", "large"))
    densities = sorted(set(large["density"]), reverse=True)
    whole = new_figure(14, 1.7 * len(densities) + 1.6)
    for k, density in enumerate([None, *densities]):
        model = small if density is None else large.filter(pl.col("density") == density)
        bars = whole.add_subplot(len(densities) + 1, 4, (4 * k + 1, 4 * k + 3))
        weights = whole.add_subplot(len(densities) + 1, 4, 4 * k + 4)
        n = int(model["feature"].max()) + 1  # type: ignore[arg-type]
        colors = feature_colors(n) if density is None else viridis(0.95 * np.sqrt(np.linspace(0, 1, n)))
        draw_neurons(bars, model, colors)
        neurons = model.unique("neuron")["features"]
        of = f"{n} → {len(neurons)} → {n}"
        title = f"{of}, 1 − S = {density_text(model['density'][0])}: "
        title += f"{int((neurons == 1).sum())} of {len(neurons)} neurons serve one feature"
        bars.set_title(title, fontsize=9)
        counted = model.filter(pl.col("does").abs() > 0.02)
        weights.scatter(counted["in"].abs(), counted["out"].abs(), s=9, lw=0, alpha=0.8,
            c=colors[counted["feature"].to_numpy()])  # fmt: skip
        reach = np.geomspace(0.02, 50, 50)
        weights.plot(reach, 1 / reach, color="0.75", lw=0.8, zorder=0)
        weights.set(xscale="log", yscale="log", xlim=(0.03, 10), ylim=(0.03, 10))
        weights.tick_params(labelsize=7)
        weights.set_ylabel("|weight out|", fontsize=8)
    weights.set_xlabel("|weight in|;  grey: in · out = 1", fontsize=8)
    bars.set_xlabel("neuron, the most important first", fontsize=9)
    whole.suptitle(
        "What each neuron does for |x| of each feature, |E · D|; dark: the most important", fontsize=10
    )
    return whole


def draw_neurons(plot: Any, model: "pl.DataFrame", colors: np.ndarray) -> None:
    """A bar a neuron, stacked by features, in the order of the feature for which each does most."""
    n, m = (int(model[key].max()) + 1 for key in ("feature", "neuron"))  # type: ignore[arg-type]
    does = np.abs(model.sort("feature", "neuron")["does"].to_numpy().reshape(n, m))
    order = np.lexsort((-does.max(0), does.argmax(0)))
    bottom = np.zeros(m)
    for j in range(n):
        plot.bar(np.arange(m), does[j, order], bottom=bottom, color=colors[j], width=0.85)
        bottom += does[j, order]
    plot.set(xlim=(-0.6, m - 0.4), xticks=[])
    plot.tick_params(labelsize=7)
