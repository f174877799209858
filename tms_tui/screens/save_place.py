"""Where to save a run that could not be saved: there again, or in another directory."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Label

from tms_engine.errors import InputError
from tms_tui.screens.export_form import new_directory
from tms_tui.screens.modal import Modal

Place = Path | Literal["drop", "stay"]


class SavePlace(Modal[Place]):
    """Says why the run could not be saved, and returns a directory to try, or that it is dropped or kept."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "save there"),
        Binding("ctrl+g", "answer('drop')", "go on without saving"),
        Binding("escape", "answer('stay')", "stay"),
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]

    DEFAULT_CSS = """
    SavePlace {
        & > .box { width: 74; height: auto; border: round $error; padding: 1 2; }
        .box > Label { width: 100%; height: auto; margin: 0 0 1 0; }
        .line { height: 1; }
        .line > Label { width: 12; color: $text-muted; }
        .line Input { width: 1fr; }
        .box > .wrong { min-height: 1; margin: 0; padding: 0 0 0 12; }
        &.-ascii > .box { border: ascii $error; }
    }
    """

    def __init__(self, sentence: str, directory: str, drop: str) -> None:
        """`drop` labels the button for going on without the run."""
        super().__init__()
        self._sentence, self._directory, self._drop = sentence, directory, drop

    def compose(self) -> Iterator[Widget]:
        with VerticalScroll(classes="box", can_focus=False) as box:
            box.border_title = "Not saved"
            yield Label(f"{self.say(self._sentence)}. Try again, or another directory.", markup=False)
            with Horizontal(classes="line"):
                yield Label("directory", markup=False)
                yield Input(self._directory, compact=True, select_on_focus=False, id="directory")
            yield Label(classes="wrong", id="directory-error", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Save enter", compact=True, variant="primary", action="screen.save")
                drop = Content(f"{self._drop} ^g")
                yield Button(drop, compact=True, variant="error", action="screen.answer('drop')")
                yield Button("Stay esc", compact=True, action="screen.answer('stay')")

    @on(Input.Submitted)
    def action_save(self) -> None:
        typed = self.query_one("#directory", Input).value
        try:
            place = Path(typed) if typed == self._directory else new_directory(typed)
        except InputError as error:
            self.query_one("#directory-error", Label).update(self.say(str(error)))
        else:
            self.dismiss(place)

    def action_answer(self, answer: Literal["drop", "stay"]) -> None:
        self.dismiss(answer)
