"""Measures of one instance's weights, which several panes show; of very large models, of some features."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64

from tms_engine.analysis import geometry
from tms_tui.memo import Memo
from tms_tui.model import Model

# Features, and their weights, that are measured; multiplications that dimensionality may take; features in
# W Wᵀ, and its multiplications. Together some milliseconds, about what the rest of a frame takes.
_MOST_MEASURED, _WEIGHTS = 1 << 14, 1 << 19
_PRODUCTS = 1 << 23
_MOST_IN_GRAM, _GRAM_PRODUCTS = 1 << 9, 1 << 23


class Measures(NamedTuple):
    """Of the features that are measured, evenly spaced among all where those are too many."""

    features: Int64[np.ndarray, " measured"]
    norms: Float64[np.ndarray, " measured"]
    dimensionality: Float64[np.ndarray, " measured"]  # NaN where it was not worked out
    in_gram: Int64[np.ndarray, " some"]  # the features of `gram`
    gram: Float64[np.ndarray, "some some"]
    n_features: int
    n_hidden: int

    @property
    def all_are_measured(self) -> bool:
        return len(self.features) == self.n_features

    @property
    def total_dimensionality(self) -> tuple[float, bool]:
        """ΣD, and whether it is exact: else it is estimated from the features of which D was worked out.

        It is at most the number of hidden dimensions, and so is the estimate.
        """
        known = np.isfinite(self.dimensionality)
        if self.all_are_measured and bool(known.all()):
            return float(self.dimensionality.sum()), True
        estimate = float(self.dimensionality[known].mean()) * self.n_features
        return min(estimate, float(self.n_hidden)), False


def measures(model: Model, memo: Memo) -> Measures | None:
    """Of the instance and step that are shown; None before there are weights."""
    if model.shown is None:
        return None
    return memo(_measures, model.shown.weights, model.options.instance)


def n_measured(n_features: int, n_hidden: int) -> int:
    """How many features are measured."""
    return min(n_features, _MOST_MEASURED, max(1, _WEIGHTS // n_hidden))


def n_in_gram(n_features: int, n_hidden: int) -> int:
    """How many features W Wᵀ is shown of."""
    return min(n_features, _MOST_IN_GRAM, max(16, int((_GRAM_PRODUCTS / n_hidden) ** 0.5)))


def gram_features(n_features: int, n_hidden: int) -> Int64[np.ndarray, " some"]:
    """The features that W Wᵀ is shown of, ascending: all, or some, evenly spaced."""
    return _evenly(n_in_gram(n_features, n_hidden), n_features)


def _measures(weights: Float32[np.ndarray, "instances features hidden"], instance: int) -> Measures:
    _, n, m = weights.shape
    some = _evenly(n_measured(n, m), n)
    measured = weights[instance : instance + 1] if len(some) == n else weights[instance, some][None]
    in_gram = gram_features(n, m)
    gram = geometry.gram(weights[instance, in_gram][None])[0]
    dimensionality = _dimensionality(measured, n)
    return Measures(some, geometry.norms(measured)[0], dimensionality, in_gram, gram, n, m)


def _dimensionality(
    measured: Float32[np.ndarray, "1 measured hidden"], n_features: int
) -> Float64[np.ndarray, " measured"]:
    """D of all features, or of some, whose interference with each other stands for that with all."""
    _, n, m = measured.shape
    # By pairs of features, or by way of WᵀW: whichever does for more.
    some = _evenly(min(n, max(2, math.isqrt(_PRODUCTS // m), _PRODUCTS // (2 * m * m))), n)
    if len(some) == n_features:
        return geometry.dimensionality(measured)[0]
    sampled = measured[:, some]
    squared = np.square(geometry.norms(sampled)[0])
    total = squared + geometry.interference(sampled)[0] * ((n_features - 1) / max(len(some) - 1, 1))
    found = np.full(n, np.nan)
    found[some] = np.divide(squared, total, out=np.zeros(len(some)), where=total != 0)
    return found


def _evenly(some: int, n: int) -> Int64[np.ndarray, "{some}"]:
    """`some` of the numbers from 0 to n − 1, evenly spaced."""
    return np.arange(some) * n // some


def of_all(shown: int, n_features: int) -> str:
    """What stands in a title where not all features are shown: ", 1,024 of 1,000,000"."""
    return "" if shown >= n_features else f", {shown:,} of {n_features:,}"
