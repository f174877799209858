"""Messages of autoplay."""

from tms_tui.record import Record


class ToggleAutoplay(Record):
    """Of a key: take over from the autoplay, or let it go on."""
