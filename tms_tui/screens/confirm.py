"""The question before an unsaved run is dropped: to quit, to restart, for another experiment."""

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Key
from textual.widget import Widget
from textual.widgets import Button, Label

from tms_tui.messages import Answer, Question
from tms_tui.screens.modal import Modal


class Confirm(Modal[Answer]):
    """Shows a sentence on what would be lost, and returns the answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "answer('save')", "save, and go on"),
        Binding("escape", "answer('stay')", "stay"),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]

    DEFAULT_CSS = """
    Confirm {
        & > .box { width: 58; height: auto; border: round $warning; padding: 1 2; }
        .box Label { width: 100%; height: auto; margin: 0 0 1 0; }
        &.-ascii > .box { border: ascii $warning; }
    }
    """

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> Iterator[Widget]:
        question = self._question
        with VerticalScroll(classes="box", can_focus=False) as box:
            box.border_title = Content(question.title)  # a str would be read as markup
            yield Label(self.say(question.sentence), markup=False)
            with Horizontal(classes="buttons"):
                save = Content(f"{question.save} s")
                yield Button(save, compact=True, variant="primary", action="screen.answer('save')")
                drop = Content(f"{question.drop} {question.drop_key}")
                yield Button(drop, compact=True, variant="error", action="screen.answer('drop')")
                yield Button("Stay esc", compact=True, action="screen.answer('stay')")

    def on_key(self, event: Key) -> None:
        if event.key == self._question.drop_key:
            event.stop()
            self.action_answer("drop")

    def action_answer(self, answer: Answer) -> None:
        self.dismiss(answer)
