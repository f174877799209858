"""Colours of features and their mixing, for figures and screens alike. All are RGB from 0 to 1."""

import numpy as np
from jaxtyping import Float, Float32, Float64, Int
from numpy.typing import ArrayLike

# matplotlib's TABLEAU_COLORS, in its order, as in the seed.
_TABLEAU = "1f77b4 ff7f0e 2ca02c d62728 9467bd 8c564b e377c2 7f7f7f bcbd22 17becf"
TABLEAU = np.array([[int(c[i : i + 2], 16) / 255 for i in (0, 2, 4)] for c in _TABLEAU.split()], np.float32)

# Okabe and Ito's colours, which the colour-blind tell apart, but black, which no dark screen shows.
_SAFE = "0072b2 e69f00 009e73 d55e00 cc79a7 56b4e9 f0e442 999999"
SAFE = np.array([[int(c[i : i + 2], 16) / 255 for i in (0, 2, 4)] for c in _SAFE.split()], np.float32)

# matplotlib's viridis at 9 equal steps; in between it is linear to within .07.
_VIRIDIS = "440154 472d7b 3b528b 2c728e 21918c 28ae80 5ec962 addc30 fde725"
VIRIDIS = np.array([[int(c[i : i + 2], 16) / 255 for i in (0, 2, 4)] for c in _VIRIDIS.split()], np.float32)

# The greatest luminance (of sRGB's values) that is drawn on white: that of the lightest feature, #bcbd22.
_LIGHTEST = 0.70

_GOLDEN = (5**0.5 - 1) / 2


def feature_colors(
    features: int | Int[np.ndarray, " features"], palette: Float[np.ndarray, "colors 3"] = TABLEAU
) -> Float32[np.ndarray, "features 3"]:
    """One colour a feature: those of a palette, then hues a golden section apart, so that neighbours differ.

    `features` is how many there are, or the numbers of some: a feature's colour depends on its number alone.
    """
    number = np.arange(features) if isinstance(features, int) else features
    few = number < len(palette)
    colors = np.empty((len(number), 3), np.float32)
    colors[few] = palette[number[few]]
    colors[~few] = _hues(number[~few])
    return colors


def _hues(number: Int[np.ndarray, " some"]) -> Float[np.ndarray, "some 3"]:
    """By hue, lightness and saturation, as `colorsys.hls_to_rgb` has them."""
    hue, lightness, saturation = number * _GOLDEN % 1, 0.42 + 0.16 * (number % 3) / 2, 0.75
    high = np.where(
        lightness <= 0.5, lightness * (1 + saturation), lightness + saturation - lightness * saturation
    )
    low = 2 * lightness - high
    # Sixths of the circle of hues from red, and for each channel how far along from low to high that is.
    turn = (hue[:, None] + np.array([1, 0, -1]) / 3) % 1 * 6
    along = np.clip(np.minimum(turn, 4 - turn), 0, 1)
    return low[:, None] + (high - low)[:, None] * along


def mix(
    x: Float[np.ndarray, "rows features"], colors: Float[np.ndarray, "features 3"]
) -> Float[np.ndarray, "rows 3"]:
    """The seed's colouring: the sum of feature colours × magnitudes, cut off at 1. Nothing is black."""
    return np.minimum(np.abs(x) @ colors, 1)


def on_white(colors: Float[np.ndarray, "rows 3"]) -> Float[np.ndarray, "rows 3"]:
    """Colours darkened, where they are lighter, until their luminance is that of a point seen on white paper.

    No feature's own colour of TABLEAU is lighter.
    """
    luminance = colors @ np.array([0.2126, 0.7152, 0.0722], colors.dtype)
    return colors * np.minimum(1, _LIGHTEST / np.maximum(luminance, _LIGHTEST))[:, None]


def viridis(values: Float[np.ndarray, " rows"]) -> Float[np.ndarray, "rows 3"]:
    """matplotlib's viridis for values from 0 to 1, as in the seed's interactive cloud."""
    steps = np.linspace(0, 1, len(VIRIDIS))
    channels = [np.interp(values, steps, channel) for channel in VIRIDIS.T]
    return np.stack(channels, -1).astype(np.float32)


def strongest(
    x: Float[np.ndarray, "rows features"], colors: Float[np.ndarray, "features 3"]
) -> Float[np.ndarray, "rows 3"]:
    """The colour of each row's largest feature; nothing active is black."""
    x = np.abs(x)
    return colors[x.argmax(-1)] * (x.max(-1, keepdims=True) > 0)


# Of phase diagrams, as in the paper: white where a feature is not represented, else blue where it has a
# dimension of its own and red where it shares one.
_DEDICATED, _SHARED = (
    np.array([int(c[i : i + 2], 16) / 255 for i in (0, 2, 4)]) for c in ("3b6fb6", "d1495b")
)
# The norm and the interference that stand for a state.
OF_STATE = {"not represented": (0, 0), "in superposition": (1, 1), "dedicated": (1, 0)}


def phase_colors(norm: ArrayLike, shared: ArrayLike) -> Float64[np.ndarray, "*shape 3"]:
    """RGB by the norm of a feature and its interference, both from 0 to 1."""
    depth = np.clip(np.asarray(norm, np.float64), 0, 1)[..., None]
    hue = np.clip(np.asarray(shared, np.float64), 0, 1)[..., None]
    return 1 - depth * (1 - ((1 - hue) * _DEDICATED + hue * _SHARED))
