"""Palettes of features, by name. Imports nothing, so that the settings can be read early."""

from typing import Literal, get_args

FeaturePalette = Literal["tableau", "safe", "terminal"]  # the last: 12 that every terminal of 16 colours has
FEATURE_PALETTES: tuple[FeaturePalette, ...] = get_args(FeaturePalette)
