"""Pointing: what the panes tell of the mouse that is over them."""

from dataclasses import dataclass
from typing import Any

from textual import events
from textual.geometry import Offset
from textual.message import Message
from textual.widget import Widget

from tms_tui.reading import Thing


@dataclass
class PointedAt(Message):
    """The mouse is over this; None: no longer over that which it was over before."""

    thing: Thing | None
    before: Thing | None


@dataclass
class Chosen(Message):
    """A feature, or two, were clicked."""

    feature: int
    other: int | None


class Pointing(Widget):
    """Tells what the mouse is over, when that is another thing."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._pointed_at: Thing | None = None

    def thing_at(self, offset: Offset) -> Thing | None:
        """What is at a place of the content, from its upper left corner."""
        raise NotImplementedError

    def on_mouse_move(self, event: events.MouseMove) -> None:
        offset = event.get_content_offset(self)
        self._point_at(None if offset is None else self.thing_at(offset))

    def on_leave(self) -> None:
        self._point_at(None)

    def _point_at(self, thing: Thing | None) -> None:
        if thing != self._pointed_at:
            before, self._pointed_at = self._pointed_at, thing
            self.post_message(PointedAt(thing, before))
