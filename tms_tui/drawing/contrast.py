"""Readable colours: kept apart from the background, faded with depth, and few, so that frames stay small.

Colours are RGB from 0 to 1 until `as_bytes` makes them 0 to 255; a background is 0 to 255 all along.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int, UInt8

from tms_tui.drawing.cells import RGB

# Luma of red, green and blue (ITU-R BT.709).
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)

# Least difference in luma from the background. Tableau's colours, red the darkest, have it on black.
GAP = 0.28
# The same for characters, whose thin strokes look dimmer than dots and blocks.
TEXT_GAP = 0.42
# Least contrast of text to its background, as WCAG 2 reckons it, with a margin for rounding.
TEXT_RATIO = 3.05

# How much is left of a colour in each shade, from the farthest to the nearest.
SHADES = np.array([0.48, 0.64, 0.82, 1.0], np.float32)

# Levels of a channel of a point's colour. The colours of a cloud are a continuum, and each change of colour
# costs about 40 bytes of output.
LEVELS = 6


def is_dark(background: RGB) -> bool:
    """Whether light colours stand out from a background, rather than dark ones."""
    return float(LUMA @ np.array(background, np.float32)) < 127.5


def readable(
    colors: Float[np.ndarray, "*shape 3"], background: RGB, gap: float = GAP
) -> Float[np.ndarray, "*shape 3"]:
    """Colours with at least `gap` in luma between them and the background; those with it stay as they are.

    On a dark background a colour gets brighter in its own hue as far as it can, then paler: the seed's
    mixing makes points near the origin all but black. On a light one it gets darker.
    """
    luma = colors @ LUMA
    edge = float(LUMA @ np.array(background, np.float32)) / 255
    if is_dark(background):
        floor = edge + gap
        strongest = np.maximum(colors.max(-1), 1e-3)
        factor = np.clip(floor / np.maximum(luma, 1e-6), 1, np.maximum(1 / strongest, 1))
        bright = colors * factor[..., None]
        pale = np.clip((floor - luma * factor) / np.maximum(1 - luma * factor, 1e-6), 0, 1)
        return bright + (1 - bright) * pale[..., None]
    ceiling = edge - gap
    return colors * np.minimum(ceiling / np.maximum(luma, 1e-6), 1)[..., None]


def luminance(colors: Float[np.ndarray, "*shape 3"]) -> Float[np.ndarray, "*shape"]:
    """Relative luminance of sRGB colours, as WCAG 2 defines it."""
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ LUMA)


def legible(colors: Float[np.ndarray, "*shape 3"], background: RGB) -> Float[np.ndarray, "*shape 3"]:
    """Colours for text: moved towards black or white until their contrast to the background is TEXT_RATIO.

    Kept for the colours and backgrounds of late, since a search takes 90 µs and frames ask for the same ones.
    """
    found = _legible(colors.tobytes(), colors.dtype.char, background)
    return found.reshape(colors.shape)


@lru_cache(maxsize=1 << 12)
def _legible(content: bytes, dtype: str, background: RGB) -> Float[np.ndarray, "colors 3"]:
    colors = np.frombuffer(content, dtype).reshape(-1, 3)
    behind = float(luminance(np.array(background, np.float32) / 255)) + 0.05
    dark = behind * TEXT_RATIO <= 1.05
    opposite = 1.0 if dark else 0.0
    least, most = np.zeros(len(colors)), np.ones(len(colors))
    share = least  # of the way; by bisection, and none where that will do
    for _ in range(9):
        moved = luminance(colors + (opposite - colors) * share[..., None]) + 0.05
        seen = moved >= TEXT_RATIO * behind if dark else moved * TEXT_RATIO <= behind
        most, least = np.where(seen, share, most), np.where(seen, least, share)
        share = (least + most) / 2
    moved = colors + (opposite - colors) * most[..., None]
    moved.flags.writeable = False
    return moved


def as_bytes(colors: Float[np.ndarray, "*shape 3"]) -> UInt8[np.ndarray, "*shape 3"]:
    """Channels from 0 to 255."""
    return np.round(np.clip(colors, 0, 1) * 255).astype(np.uint8)


def coarse(colors: Float[np.ndarray, "*shape 3"]) -> Float[np.ndarray, "*shape 3"]:
    """Colours with each channel at one of LEVELS levels."""
    return np.round(colors * (LEVELS - 1)) / (LEVELS - 1)


def shade_of(depth: Float[np.ndarray, "*shape"]) -> Int[np.ndarray, "*shape"]:
    """Which of SHADES a depth has: −1 (a radius behind the origin) and beyond the first, 1 the last."""
    return np.minimum((np.clip(depth, -1, 1) + 1) * (len(SHADES) / 2), len(SHADES) - 1).astype(np.intp)


def shown(
    colors: Float[np.ndarray, "*shape 3"],
    depth: Float[np.ndarray, "*shape"],
    background: RGB,
    gap: float = GAP,
    strength: Float[np.ndarray, "*shape"] | float = 1.0,
) -> UInt8[np.ndarray, "*shape 3"]:
    """Colours as they are drawn: readable, and closer to the background the farther away.

    `strength` is what is left of a colour at no depth, the rest being the background's.
    """
    left = (SHADES[shade_of(depth)] * strength)[..., None]
    behind = np.array(background, np.float32) / 255
    faded = readable(colors, background, gap) * left + behind * (1 - left)
    return as_bytes(faded)


def guide_colors(
    depth: Float[np.ndarray, "*shape"], background: RGB, strength: Float[np.ndarray, "*shape"]
) -> UInt8[np.ndarray, "*shape 3"]:
    """A step from the background towards its opposite, at most `strength` of the way, smaller if farther."""
    behind = np.array(background, np.float32) / 255
    opposite = 1.0 if is_dark(background) else 0.0
    share = (strength * SHADES[shade_of(depth)])[..., None]
    return as_bytes(behind + (opposite - behind) * share)
