"""Adversarial examples and superposition (paper, "The strategic picture", adversarial vulnerability)."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Float64
from matplotlib.figure import Figure

from tms_engine import sampling
from tms_engine.analysis import geometry
from tms_engine.data.stream import CLOUD
from tms_engine.experiment import Experiment
from tms_engine.figures.panels import new_figure
from tms_engine.paper.plan import Plan, Trained, notebook
from tms_engine.sweeps.sweep import Sweep

if TYPE_CHECKING:
    import polars as pl

PAPER = (
    "Inputs are changed by at most a tenth of their mean length. How much loss that adds, in units of what "
    "it adds to a model without superposition, rises more than threefold as superposition forms, and "
    "follows the features per dimension, ‖W‖² / m."
)
DEPARTS = (
    "The attacks are the paper's, ± along each row of W Wᵀ at the largest length, the worst taken: here the "
    "worst for each input, which is stronger than the one that is worst on average. The model without "
    "superposition is exact, m features with a dimension each, and its added loss is known: ε² / n. The "
    "densities are those of the uniform geometry and go on to 1/100, where ‖W‖² / m is 15 and the added loss "
    "40 times that without superposition; the paper's threefold is at 1/4. The two go together all the way."
)
QUICK = "60 features in 6 dimensions, seven densities, 3,000 steps"

# The length of an attack, in mean lengths of an input; inputs that are attacked.
_LENGTH, _ROWS = 0.1, 2048
# Rows × attacks × features at once.
_ENTRIES = 1 << 22


def plan(quick: bool) -> Plan:
    n, m, count = (60, 6, 7) if quick else (200, 20, 20)
    base = notebook(n_features=n, n_hidden=m, n_instances=count, steps=3000 if quick else 10_000)
    return Plan({"uniform": Sweep(base, {"density": np.geomspace(1, 0.01, count)}, weights=True)})


def table(trained: Trained) -> "pl.DataFrame":
    """A row a model. `length` of the attacks; `added` loss; `added_to_dedicated`, what they add to the model
    without superposition; `vulnerability`, their ratio; `features_per_dimension`, ‖W‖² / m."""
    import polars as pl

    sweep = trained.sweeps["uniform"]
    models = sweep.table()
    rows = []
    for model in models.iter_rows(named=True):
        run = sweep.run(model)
        x = inputs(run.experiment)
        w, b = run.weights[0].astype(np.float64), run.state.parameters["b"][0].astype(np.float64)
        length = _LENGTH * float(np.linalg.norm(x, axis=1).mean())
        n, m = w.shape
        added, dedicated = added_loss(w, b, x, length), length**2 / n
        rows.append((length, added, dedicated, added / dedicated, float((w * w).sum() / m)))
    names = ("length", "added", "added_to_dedicated", "vulnerability", "features_per_dimension")
    columns = dict(zip(names, np.array(rows).T, strict=True))
    dimensionality = geometry.dimensionality(sweep.weights())
    return models.with_columns(
        **{name: pl.Series(values) for name, values in columns.items()},
        mean_dimensionality=pl.Series(dimensionality.mean(1)),
    )


def inputs(experiment: Experiment) -> Float64[np.ndarray, "rows features"]:
    """Rows that training never saw, as the experiment has them."""
    return sampling.fresh(experiment, 0, _ROWS, CLOUD, "cpu").astype(np.float64)


def added_loss(
    weights: Float[np.ndarray, "features hidden"],
    bias: Float[np.ndarray, " features"],
    x: Float[np.ndarray, "rows features"],
    length: float,
) -> float:
    """What the worst attack of this length on each input adds to the loss, on average over the inputs.

    An attack on output i moves x by ± length along row i of W Wᵀ, which moves that output the most: the
    optimal one in L2 where the ReLUs are on. The loss is the mean over features of (x̂ − x)², with the x that
    was attacked. Where m features have a unit vector each, an attack moves one output by `length`, so that
    it adds length² / n.
    """
    matrix = weights @ weights.T
    norms = np.linalg.norm(matrix, axis=1)
    rows = matrix[norms > 0] / norms[norms > 0, None]
    if not len(rows):
        return 0.0
    moves = length * (rows @ matrix)
    moves = np.concatenate([moves, -moves])
    before = x @ matrix + bias
    clean = ((np.maximum(before, 0) - x) ** 2).mean(1)
    worst = np.empty(len(x))
    some = max(1, _ENTRIES // moves.size)
    for first in range(0, len(x), some):
        here = slice(first, first + some)
        outputs = np.maximum(before[here, None] + moves, 0)
        worst[here] = ((outputs - x[here, None]) ** 2).mean(-1).max(1)
    return float((worst - clean).mean())


def figure(table: "pl.DataFrame") -> Figure:
    """Vulnerability and features per dimension over 1/(1 − S); and one against the other."""
    import polars as pl

    models = table.filter(pl.col("vulnerability").is_not_nan()).sort("density", descending=True)
    along = 1 / models["density"]
    whole = new_figure(11, 4.2)
    left, right = whole.subplots(1, 2, width_ratios=[1.5, 1])
    left.plot(along, models["vulnerability"], "o-", color="tab:red", ms=4)
    left.axhline(1, color="0.6", ls="--", lw=0.8)
    left.text(0.99, 1, "a model without superposition", transform=left.get_yaxis_transform(),
        ha="right", va="bottom", fontsize=8, color="0.4")  # fmt: skip
    left.set(xscale="log", xlabel="1 / (1 − S)", ylim=(0, None))
    left.set_ylabel("loss that attacks add,\nover that of a model without superposition", color="tab:red")
    other = left.twinx()
    other.plot(along, models["features_per_dimension"], "s-", color="tab:blue", ms=4)
    other.set_ylim(0, None)
    other.set_ylabel("features per dimension, ‖W‖² / m", color="tab:blue")
    left.set_xticks(ticks := [1, 2, 5, 10, 20, 50, 100], [str(t) for t in ticks])
    left.minorticks_off()
    right.scatter(models["features_per_dimension"], models["vulnerability"], c=np.log(along), s=28)
    right.set(
        xlabel="features per dimension, ‖W‖² / m", ylabel="vulnerability", xlim=(0, None), ylim=(0, None)
    )
    right.set_title("brighter: sparser", fontsize=9)
    whole.suptitle(
        f"The worst attacks, a tenth of the inputs' mean length, on {len(models)} models", fontsize=10
    )
    return whole
