"""What the figures of the paper's experiments share: vectors in a plane, Gram matrices, bars of norms."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.colors import Normalize

from tms_engine.analysis import geometry
from tms_engine.figures.colors import feature_colors

# How shared a feature is, from alone (dark) to two others' worth of interference, as in the paper.
SHARED = "viridis"
SHARED_SCALE = Normalize(0, 1, clip=True)

# W Wᵀ, whose entries are from about −1 to 1.
GRAM = "RdBu_r"
GRAM_SCALE = Normalize(-1, 1, clip=True)


def density_text(p: float) -> str:
    """1 − S in two significant digits."""
    return f"{p:.2g}"


def draw_vectors(
    plot: Any, weights: Float[np.ndarray, "features 2"], colors: Any = None, reach: float = 1.4
) -> None:
    """Directions in the plane from the origin, each with a dot at its end, in Axes without a frame."""
    colors = feature_colors(len(weights)) if colors is None else colors
    for (x, y), color in zip(weights, colors, strict=True):
        plot.plot([0, x], [0, y], color=color, lw=1.8, solid_capstyle="round")
    plot.scatter(weights[:, 0], weights[:, 1], c=colors, s=22, zorder=3)
    plot.axhline(0, color="0.85", lw=0.7, zorder=0)
    plot.axvline(0, color="0.85", lw=0.7, zorder=0)
    plot.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal")
    for spine in plot.spines.values():
        spine.set_visible(False)


def draw_gram(plot: Any, weights: Float[np.ndarray, "features hidden"]) -> None:
    """W Wᵀ as a heat map."""
    gram = geometry.gram(weights[None])[0]
    plot.imshow(gram, cmap=GRAM, norm=GRAM_SCALE, interpolation="nearest")
    plot.set(xticks=[], yticks=[])


def draw_norms(plot: Any, norms: Sequence[float], interference: Sequence[float]) -> None:
    """‖W_j‖ as bars, the first feature on top, coloured by how shared each is: interference."""
    import matplotlib

    colors = matplotlib.colormaps[SHARED](SHARED_SCALE(np.asarray(interference)))
    places = np.arange(len(norms))
    plot.barh(places, norms, height=1.0 if len(norms) > 40 else 0.85, color=colors)
    plot.set(ylim=(len(norms) - 0.5, -0.5), xlim=(0, 1.25), yticks=[])
