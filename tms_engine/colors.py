"""Colours of features and their mixing, for figures and screens alike. All are RGB from 0 to 1."""

import colorsys

import numpy as np
from jaxtyping import Float

# matplotlib's TABLEAU_COLORS, in its order, as in the seed.
_TABLEAU = "1f77b4 ff7f0e 2ca02c d62728 9467bd 8c564b e377c2 7f7f7f bcbd22 17becf"
TABLEAU = np.array([[int(c[i : i + 2], 16) / 255 for i in (0, 2, 4)] for c in _TABLEAU.split()], np.float32)

_GOLDEN = (5**0.5 - 1) / 2


def feature_colors(n_features: int) -> Float[np.ndarray, "features 3"]:
    """One colour a feature: Tableau's ten, then hues a golden section apart, so that neighbours differ.

    A feature's colour does not depend on how many others there are.
    """
    extra = [
        colorsys.hls_to_rgb(j * _GOLDEN % 1, 0.42 + 0.16 * (j % 3) / 2, 0.75)
        for j in range(len(TABLEAU), n_features)
    ]
    return np.concatenate([TABLEAU[:n_features], np.array(extra, np.float32).reshape(-1, 3)])


def mix(
    x: Float[np.ndarray, "rows features"], colors: Float[np.ndarray, "features 3"]
) -> Float[np.ndarray, "rows 3"]:
    """The seed's colouring: the sum of feature colours × magnitudes, cut off at 1. Nothing is black."""
    return np.minimum(x @ colors, 1)
