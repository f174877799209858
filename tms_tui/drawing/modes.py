"""Render modes: which characters pictures are made of. Imports nothing, so that the command line can ask."""

from typing import Literal, get_args

Mode = Literal["braille", "blocks", "ascii"]
MODES: tuple[Mode, ...] = get_args(Mode)
