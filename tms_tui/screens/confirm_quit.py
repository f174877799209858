"""The question before an unsaved run is discarded."""

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Button, Label

from tms_tui.messages import Answer
from tms_tui.screens.modal import Modal


class ConfirmQuit(Modal[Answer]):
    """Shows a sentence on what would be lost, and returns the answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "answer('save')", "save and quit"),
        Binding("q", "answer('quit')", "quit"),
        Binding("escape", "answer('stay')", "stay"),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]

    DEFAULT_CSS = """
    ConfirmQuit {
        & > .box { width: 58; height: auto; border: round $warning; padding: 1 2; }
        .box Label { width: 100%; height: auto; margin: 0 0 1 0; }
        &.-ascii > .box { border: ascii $warning; }
    }
    """

    def __init__(self, loss: str) -> None:
        super().__init__()
        self._loss = loss

    def compose(self) -> Iterator[Widget]:
        with VerticalScroll(classes="box", can_focus=False) as box:
            box.border_title = "Quit"
            yield Label(self.say(self._loss), markup=False)
            with Horizontal(classes="buttons"):
                yield Button(
                    "Save and quit s", compact=True, variant="primary", action="screen.answer('save')"
                )
                yield Button("Quit q", compact=True, variant="error", action="screen.answer('quit')")
                yield Button("Stay esc", compact=True, action="screen.answer('stay')")

    def action_answer(self, answer: Answer) -> None:
        self.dismiss(answer)
