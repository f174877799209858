"""Colours for terminals with 16 of them or fewer: the same hue whatever the depth, so that features differ.

By the nearest of the 16, a faded blue is grey and a dark orange brown. Here a colour keeps its hue, and is
bright or dark; what has no hue is one of four greys.
"""

import numpy as np
from jaxtyping import Float32, UInt8

# The 16 colours as rich knows them, so that each is its own nearest: six hues, dark and bright; four greys.
_DARK = [(170, 0, 0), (170, 85, 0), (0, 170, 0), (0, 170, 170), (0, 0, 170), (170, 0, 170)]
_BRIGHT = [(255, 85, 85), (255, 255, 85), (85, 255, 85), (85, 255, 255), (85, 85, 255), (255, 85, 255)]
_GREYS = [(0, 0, 0), (85, 85, 85), (170, 170, 170), (255, 255, 255)]
_TABLE = np.array([*_DARK, *_BRIGHT, *_GREYS], np.uint8)

# From this share of the strongest channel on, a colour has a hue; from this strength on, it is bright.
# Strengths from which on a grey is the next lighter one.
_HUE, _STRONG = 0.3, 200
_GREY_EDGES = np.array([35, 110, 205])

# Hues of features, in an order in which neighbours are easily told apart: numbers beside them tell the rest.
_ORDER = (4, 1, 2, 0, 5, 3)


def feature_palette() -> Float32[np.ndarray, "12 3"]:
    """Colours of features, 0 to 1: bright ones first."""
    rows = [6 + hue for hue in _ORDER] + list(_ORDER)
    return (_TABLE[rows] / np.float32(255)).astype(np.float32)


def of_16(colors: UInt8[np.ndarray, "*shape 3"]) -> UInt8[np.ndarray, "*shape 3"]:
    """Each colour as one of the 16."""
    wide = colors.astype(np.int32)
    strongest, weakest = wide.max(-1), wide.min(-1)
    spread = strongest - weakest
    r, g, b = wide[..., 0], wide[..., 1], wide[..., 2]
    safe = np.maximum(spread, 1)
    turn = np.where(
        strongest == r, (g - b) / safe % 6, np.where(strongest == g, (b - r) / safe + 2, (r - g) / safe + 4)
    )
    hue = np.floor(turn + 0.5).astype(np.intp) % 6
    grey = 12 + np.searchsorted(_GREY_EDGES, strongest)
    row = np.where(spread >= _HUE * strongest, hue + 6 * (strongest >= _STRONG), grey)
    return _TABLE[np.where(strongest < _GREY_EDGES[0], 12, row)]
