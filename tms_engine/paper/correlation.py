"""Correlated and anticorrelated sets in a plane (paper, "Correlated and anticorrelated features")."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from tms_engine.analysis import geometry
from tms_engine.data.correlated import sets_of
from tms_engine.figures.colors import feature_colors
from tms_engine.figures.panels import new_figure
from tms_engine.paper.drawing import draw_vectors
from tms_engine.paper.frames import features_frame, of_best, weights_of
from tms_engine.paper.plan import Plan, Trained, notebook
from tms_engine.sweeps.sweep import Sweep

if TYPE_CHECKING:
    import polars as pl

PAPER = (
    "Several runs side by side, features coloured by their set. Correlated pairs of 4 features lie on "
    "orthogonal axes, so that a pair does not interfere; anticorrelated pairs are antipodal, on one axis; "
    "correlated pairs of 6 features, which cannot all be orthogonal, lie side by side."
)
DEPARTS = (
    "The paper shows models, and not how many end so: here the first three seeds are drawn, whatever they "
    "have become, beside the one of least loss and the share of all seeds. The density, 1/20, is ours; sets "
    "of three are an addition. Anticorrelated pairs are antipodal in about 3 of 10 seeds, without a loss; "
    "in most others both lie on orthogonal axes, a local minimum. Of six anticorrelated features nearly all "
    "seeds lose one, or lay two on each other; the few that keep all six have the least loss."
)
QUICK = "16 seeds a setting instead of 64, 4,000 steps"

_DENSITY = 0.05
_SHOWN = 3


class Setting(NamedTuple):
    law: str
    n_features: int
    set_size: int
    wanted: str  # what is counted, in words


# What is counted of the models of each.
SETTINGS = {
    f"{law}-{n}-{size}": Setting(law, n, size, wanted)
    for law, n, size, wanted in (
        ("correlated", 4, 2, "partners orthogonal"),
        ("anticorrelated", 4, 2, "partners antipodal"),
        ("correlated", 6, 2, "partners side by side"),
        ("anticorrelated", 6, 2, "partners antipodal"),
        ("correlated", 6, 3, "all represented"),
        ("anticorrelated", 6, 3, "all represented"),
    )
}


def plan(quick: bool) -> Plan:
    base = notebook(n_hidden=2, n_features=4, init="xavier", steps=4000 if quick else 10_000)
    return Plan(
        {
            name: Sweep(
                base.replace(n_features=s.n_features, features=s.law, set_size=s.set_size),
                {"density": [_DENSITY]},
                seeds=16 if quick else 64,
                weights=True,
            )
            for name, s in SETTINGS.items()
        }
    )


def table(trained: Trained) -> "pl.DataFrame":
    """A row a feature of every model; `set` is its set's number, `cosine` its mean cosine with the others of
    its set, and `as_paper` whether its model is arranged as the paper's, by SETTINGS."""
    import polars as pl

    pieces = []
    for name, setting in SETTINGS.items():
        sweep = trained.sweeps[name]
        frame = features_frame(sweep)
        weights = sweep.weights()
        number = sets_of(setting.n_features, setting.set_size).number
        within = (number[:, None] == number) & ~np.eye(len(number), dtype=bool)
        cosines = geometry.cosines(weights)
        mean = (cosines * within).sum(-1) / within.sum(-1)
        as_paper = [arranged(setting, w, mean_) for w, mean_ in zip(weights, mean, strict=True)]
        pieces.append(
            frame.select(
                pl.lit(name).alias("setting"),
                pl.all(),
                pl.Series("set", np.tile(number, len(weights))),
                pl.Series("cosine", mean.ravel()),
                pl.Series("as_paper", np.repeat(as_paper, len(number))),
            )
        )
    return pl.concat(pieces)


def arranged(setting: Setting, weights: np.ndarray, mean_cosine: np.ndarray) -> bool:
    """Whether a model, W (features, hidden), has the arrangement that is counted.

    `mean_cosine` (features,): of each feature with the others of its set. All features have to be
    represented; side by side are partners at less than 78 degrees.
    """
    whole = bool(geometry.represented(weights[None]).all())
    if setting.wanted == "partners orthogonal":
        return whole and bool((np.abs(mean_cosine) < 0.1).all())
    if setting.wanted == "partners antipodal":
        return whole and bool((mean_cosine < -0.95).all())
    return whole and (setting.wanted == "all represented" or bool((mean_cosine > 0.2).all()))


def figure(table: "pl.DataFrame") -> Figure:
    """A row a setting: the first three models, the one of least loss, and cosines within sets of all."""
    import polars as pl

    names = [name for name in SETTINGS if name in set(table["setting"])]
    whole = new_figure(1.9 * (_SHOWN + 1) + 3.2, 1.95 * len(names))
    grid = whole.subplots(len(names), _SHOWN + 2, squeeze=False, width_ratios=[1] * (_SHOWN + 1) + [1.5])
    for plots, name in zip(grid, names, strict=True):
        setting, models = SETTINGS[name], table.filter(pl.col("setting") == name)
        rows = models.unique("row").sort("row")
        best = of_best(models)["row"][0]
        for k, row in enumerate([*rows["row"][:_SHOWN], best]):
            model = models.filter(pl.col("row") == row).sort("feature")
            draw_vectors(plots[k], weights_of(model), feature_colors(model["set"].to_numpy()))
            label = "least loss" if k == _SHOWN else f"number {model['number'][0]}"
            plots[k].set_title(f"{label}: {model['loss'][0]:.2e}", fontsize=8)
        of = "pairs" if setting.set_size == 2 else "sets of three"
        plots[0].set_ylabel(f"{setting.law}\n{setting.n_features} → 2, {of}", fontsize=9)
        long = models.filter(pl.col("norm") > geometry.REPRESENTED_NORM)
        last = plots[-1]
        last.hist(long["cosine"], bins=np.linspace(-1, 1, 41).tolist(), color="0.45")
        last.set(yticks=[], xticks=[-1, -0.5, 0, 0.5, 1], xlim=(-1.03, 1.03))
        last.tick_params(labelsize=7)
        count = int(rows["as_paper"].sum())
        last.set_title(f"{setting.wanted}: {count} of {len(rows)}", fontsize=8)
    grid[-1, -1].set_xlabel("mean cosine with the others of its set", fontsize=8)
    whole.suptitle(f"Directions, coloured by set, at 1 − S = {_DENSITY}", fontsize=10)
    return whole
