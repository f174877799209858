"""Tidy tables of trained weights, from which the figures of the paper are drawn."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from tms_engine.analysis import geometry
from tms_engine.sweeps.sweep import Sweep

if TYPE_CHECKING:
    import polars as pl


def features_frame(sweep: Sweep, rows: "pl.DataFrame | None" = None, *, arms: bool = True) -> "pl.DataFrame":
    """A row a feature of each of these models of a sweep that keeps weights (default: of all).

    Columns: those of the sweep's table, and feature (from 0), norm, dimensionality, interference
    (Σ (Ŵ_j · W_k)², the paper's measure of how shared a feature is), bias (null without one), and, with
    `arms`, w_0, w_1 …: its direction. Models of all families are read, a family at a time.
    """
    import polars as pl

    table = sweep.table() if rows is None else rows
    pieces = []
    for family in sweep.grid.families:
        own = table.filter((pl.col("row") >= family.first) & (pl.col("row") < family.first + family.n_models))
        if own.is_empty():
            continue
        run = sweep.run(own)
        pieces.append(_of_models(own, run.weights, run.state.parameters.get("b"), arms))
    return pl.concat(pieces, how="diagonal")


def _of_models(models: "pl.DataFrame", weights: np.ndarray, bias: Any, arms: bool) -> "pl.DataFrame":
    import polars as pl

    n_models, n, m = weights.shape
    columns: dict[str, Any] = {
        "feature": np.tile(np.arange(n), n_models),
        "norm": geometry.norms(weights).ravel(),
        "dimensionality": geometry.dimensionality(weights).ravel(),
        "interference": geometry.interference(weights).ravel(),
        "bias": pl.Series([None] * (n_models * n), dtype=pl.Float64) if bias is None
        else np.asarray(bias, np.float64).ravel(),
    }  # fmt: skip
    if arms:
        columns |= {f"w_{k}": weights[..., k].ravel().astype(np.float64) for k in range(m)}
    repeated = models[np.repeat(np.arange(n_models), n)]
    return repeated.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def best_models(models: "pl.DataFrame", each: str) -> "pl.DataFrame":
    """Of a row a model, those of least loss for each value of a column, in the order of that column."""
    return models.sort("loss", nulls_last=True).unique(each, keep="first").sort(each)


def of_best(features: "pl.DataFrame") -> "pl.DataFrame":
    """Of a row a feature, those of the model of least loss, in the order of features."""
    import polars as pl

    best = features.sort("loss", nulls_last=True)["row"][0]
    return features.filter(pl.col("row") == best).sort("feature")


def weights_of(model: "pl.DataFrame") -> Float[np.ndarray, "features hidden"]:
    """W of one model, from its rows in a table of features: (features, hidden)."""
    sorted_ = model.sort("feature")
    names = sorted((c for c in model.columns if c.startswith("w_")), key=lambda c: int(c[2:]))
    arms = [name for name in names if sorted_[name].null_count() == 0]
    return sorted_.select(arms).to_numpy()
