"""Messages of autoplay."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ToggleAutoplay:
    """Of a key: take over from the autoplay, or let it go on."""
