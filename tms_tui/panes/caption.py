"""The caption of autoplay: which preset is shown, and what one sees."""

from typing import Any

from textual.content import Content

from tms_tui.autoplay import SHOWS
from tms_tui.drawing.ascii import ascii_text
from tms_tui.model import Model
from tms_tui.panes.text import Text


class Caption(Text):
    """Two lines at most, above the run bar."""

    DEFAULT_CSS = "Caption { display: none; height: auto; max-height: 2; padding: 0 1; }"


def caption(model: Model) -> Content:
    """Empty without autoplay."""
    autoplay = model.autoplay
    if autoplay is None:
        return Content("")
    if autoplay.held:
        return Content.assemble(
            ("You have taken over. ", "bold"), ("W", "bold $accent"), " goes on with the presets."
        )
    place = f"  {autoplay.at + 1} of {len(SHOWS)}"
    parts: list[Any] = [(autoplay.name, "bold $accent"), (place, "$foreground 60%"), f"  {autoplay.sentence}"]
    if model.mode == "ascii":
        parts = [
            (ascii_text(part[0]), part[1]) if isinstance(part, tuple) else ascii_text(part) for part in parts
        ]
    return Content.assemble(*parts)
