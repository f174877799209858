"""Finite data: memorisation and double descent ("Superposition, Memorization, and Double Descent", 2023)."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from tms_engine import sampling
from tms_engine.analysis import geometry
from tms_engine.figures.panels import new_figure
from tms_engine.models import model as model_of
from tms_engine.models.layers import forward
from tms_engine.paper.plan import Plan, Trained, notebook
from tms_engine.sweeps.sweep import Sweep

if TYPE_CHECKING:
    import polars as pl

PAPER = (
    "The model is trained on T rows, the whole set at every step. Few rows are memorised: the hidden "
    "vectors of the data are a polygon, and features are anyhow. With many, features are a polygon and the "
    "data are anyhow. In between neither is, and there the loss on fresh data is highest: double descent."
)
DEPARTS = (
    "200 features at S = .97 and 20,000 steps, instead of 10,000 at .999 and 50,000, which two cores do not "
    "do: six active features to a row instead of ten. A half cosine without its warm-up. "
    "The loss on fresh data is about .005 up to 20 rows and from 300 on, and .02 to .18 at 80 and 160; data "
    "are first and features later on a polygon, as there. Dimensionalities of data are as those of "
    "features, with hidden vectors for W."
)
QUICK = "100 features at S = .94, six sizes, two seeds, 5,000 steps"

_SIZES = (3, 5, 8, 12, 20, 40, 80, 160, 300, 600, 1200, 3000)
_QUICK = (3, 6, 20, 100, 500, 2000)
# Hidden vectors that are drawn.
_SHOWN = 400


def plan(quick: bool) -> Plan:
    base = notebook(
        n_features=100 if quick else 200,
        n_hidden=2,
        sparsity=0.94 if quick else 0.97,
        unit_rows=True,
        init="xavier",
        steps=5000 if quick else 20_000,
        schedule="cosine",
    )
    sizes = _QUICK if quick else _SIZES
    axes = {"dataset_rows": sizes, "batch_size": sizes}
    zipped = [("dataset_rows", "batch_size")]
    return Plan({"models": Sweep(base, axes, zipped=zipped, seeds=2 if quick else 3, weights=True)})


def table(trained: Trained) -> "pl.DataFrame":
    """A row a model, `kind` model, with train_loss beside the loss on fresh data; and of the one of median
    loss on fresh data of each size, a row a feature and a row a datum, `kind` feature and datum, with its
    hidden vector h_0, h_1 and its dimensionality."""
    import polars as pl

    sweep = trained.sweeps["models"]
    models = sweep.table()
    losses, vectors = [], {}
    for row in models.iter_rows(named=True):
        run = sweep.run(row)
        x = sampling.dataset(run.experiment)
        output = forward(model_of(run.experiment.model), run.state.parameters, x)
        train = float(((output.reconstruction - x) ** 2).mean())
        of_features, of_data = run.weights[0], np.asarray(output.hidden)[0]
        vectors[row["row"]] = {"feature": of_features, "datum": of_data}
        losses.append((row["row"], train))
    own = pl.DataFrame(losses, schema=["row", "train_loss"], orient="row")
    own = own.cast({"row": models["row"].dtype})
    joined = models.join(own, on="row").with_columns(kind=pl.lit("model"))
    frames = [joined]
    for size in sorted(set(models["dataset_rows"])):
        ranked = models.filter(pl.col("dataset_rows") == size).sort("loss", nulls_last=True)
        chosen = ranked[len(ranked) // 2]
        for kind, h in vectors[chosen["row"][0]].items():
            shown = {"h_0": h[:, 0], "h_1": h[:, 1], "dimensionality": dimensionality(h)}
            frame = pl.DataFrame({name: values[:_SHOWN].astype(np.float64) for name, values in shown.items()})
            frames.append(frame.join(chosen, how="cross").with_columns(kind=pl.lit(kind)))
    return pl.concat(frames, how="diagonal")


def dimensionality(vectors: np.ndarray) -> np.ndarray:
    """Of hidden vectors (rows, hidden) as of features: ‖h_i‖² / Σ_j (ĥ_i · h_j)²."""
    return geometry.dimensionality(np.asarray(vectors)[None])[0]


def figure(table: "pl.DataFrame") -> Figure:
    """Above, hidden vectors of data and of features for each T; below, losses and dimensionalities over T."""
    import polars as pl

    models = table.filter(pl.col("kind") == "model")
    sizes = sorted(set(models["dataset_rows"]))
    whole: Any = new_figure(max(9.5, 1.25 * len(sizes)), 7.4)
    above, below = whole.subfigures(2, 1, height_ratios=[1.05, 1.3])
    grid = above.subplots(2, len(sizes), squeeze=False)
    for k, size in enumerate(sizes):
        for plot, kind, color in zip(grid[:, k], ("datum", "feature"), ("tab:blue", "tab:red"), strict=True):
            own = table.filter((pl.col("kind") == kind) & (pl.col("dataset_rows") == size))
            draw_spokes(plot, own.select("h_0", "h_1").to_numpy(), color)
        grid[0, k].set_title(f"T = {size:,}", fontsize=9)
    grid[0, 0].set_ylabel("hidden vectors\nof data", fontsize=9, color="tab:blue")
    grid[1, 0].set_ylabel("features, W", fontsize=9, color="tab:red")
    fresh, trained, fractions = below.subplots(1, 3)
    for plot, column, label in (
        (fresh, "loss", "loss on fresh data"),
        (trained, "train_loss", "loss on the T rows"),
    ):
        plot.scatter(models["dataset_rows"], models[column], s=12, color="0.4", alpha=0.5, lw=0)
        line = models.group_by("dataset_rows").agg(pl.col(column).drop_nans().median()).sort("dataset_rows")
        plot.plot(line["dataset_rows"], line[column], color="k", lw=1.2)
        plot.set(xscale="log", xlabel="T, rows of the data set", ylabel=label)
    for kind, color, aside, label in (
        ("datum", "tab:blue", 0.93, "data"),
        ("feature", "tab:red", 1.07, "features"),
    ):
        own = table.filter(pl.col("kind") == kind)
        along = own["dataset_rows"] * aside
        fractions.scatter(along, own["dimensionality"], s=7, color=color, alpha=0.4, lw=0, label=label)
    size = np.geomspace(min(sizes), max(sizes), 50)
    fractions.plot(size, np.minimum(2 / size, 1), "--", color="0.6", lw=0.9, label="2 / T, all data alike")
    fractions.set(xscale="log", xlabel="T, rows of the data set", ylabel="dimensionality of each")
    fractions.legend(frameon=False, fontsize=8)
    n = int(table.filter(pl.col("kind") == "feature").group_by("dataset_rows").len()["len"].max())  # type: ignore[arg-type]
    whole.suptitle(f"{n} features in 2 dimensions, trained on T rows: memorised, then features", fontsize=10)
    return whole


def draw_spokes(plot: Any, vectors: np.ndarray, color: str) -> None:
    """Vectors from the origin, thin where there are many, to a scale of their own."""
    reach = 1.1 * max(float(np.abs(vectors).max()), 1e-9)
    for x, y in vectors:
        plot.plot([0, x], [0, y], color=color, lw=0.6, alpha=0.5)
    plot.scatter(*vectors.T, s=8 if len(vectors) < 50 else 3, color=color, lw=0, zorder=3)
    plot.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal")
    for spine in plot.spines.values():
        spine.set_color("0.85")
