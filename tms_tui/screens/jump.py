"""Jump mode: a letter over each pane and row; a press of it goes there."""

from collections.abc import Iterator
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Label

from tms_tui.messages import Message
from tms_tui.panes.jumps import Jump, lettered
from tms_tui.screens.modal import Modal


class JumpMode(Modal[Message | None]):
    """Returns what the letter that was pressed is for, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave")]
    DEFAULT_CSS = """
    JumpMode {
        align: left top;
        background: $background 45%;
        & > Label { position: absolute; width: 1; height: 1; }
        & > Label { background: $accent; color: $background; text-style: bold; }
        & > .said { width: 100%; padding: 0 1; background: $panel; color: $foreground; text-style: none; }
        &.-mono > Label { text-style: reverse bold; }
    }
    """

    def __init__(self, jumps: list[Jump]) -> None:
        super().__init__()
        self._letters, self._meant = lettered(jumps)
        self._laid_out: object = None

    def compose(self) -> Iterator[Widget]:
        for x, y, letter in self._letters:
            label = Label(letter, markup=False)
            label.styles.offset = (x, y)
            yield label
        said = Label("a letter goes there, esc ends", classes="said", markup=False)
        said.styles.offset = (0, max(self.app.size.height - 1, 0))
        yield said

    def on_key(self, event: events.Key) -> None:
        message = self._meant.get(event.character or "")
        if message is not None:
            event.stop()
            self.dismiss(message)

    def on_click(self) -> None:
        self.dismiss(None)

    def on_resize(self) -> None:
        """The letters stand where things were: in another size, elsewhere."""
        if self._laid_out not in (None, self.app.size):
            self.dismiss(None)
        self._laid_out = self.app.size

    def action_leave(self) -> None:
        self.dismiss(None)
