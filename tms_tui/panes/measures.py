"""Measures of one instance's weights, which several panes show."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

from tms_engine.analysis import geometry
from tms_tui.memo import Memo
from tms_tui.model import Model


class Measures(NamedTuple):
    norms: Float64[np.ndarray, " features"]
    dimensionality: Float64[np.ndarray, " features"]
    gram: Float64[np.ndarray, "features features"]


def measures(model: Model, memo: Memo) -> Measures | None:
    """Of the instance and step that are shown; None before there are weights."""
    if model.shown is None:
        return None
    return memo(_measures, model.shown.weights, model.options.instance)


def _measures(weights: Float32[np.ndarray, "instances features hidden"], instance: int) -> Measures:
    of_one = weights[instance : instance + 1]
    return Measures(geometry.norms(of_one)[0], geometry.dimensionality(of_one)[0], geometry.gram(of_one)[0])
