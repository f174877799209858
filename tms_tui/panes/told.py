"""Told: how a pane tells what the mouse did in it."""

from textual.message import Message as TextualMessage

from tms_tui.messages import Message


class Told(TextualMessage):
    """A message for `update`, which the app sends."""

    def __init__(self, message: Message) -> None:
        super().__init__()
        self.message = message
