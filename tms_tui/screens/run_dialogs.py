"""The dialogs of the screen of runs: another name, and whether to delete."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Button, Input, Label

from tms_engine.errors import InputError
from tms_engine.sweeps.listing import check_name
from tms_tui.screens.modal import Modal


class NewName(Modal[str | None]):
    """Returns another name for a run, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave"),
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]
    DEFAULT_CSS = """
    NewName {
        & > .box { width: 68; height: auto; padding: 1 2; }
        .box > .wrong { width: 100%; height: auto; min-height: 1; }
    }
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def compose(self) -> Iterator[Widget]:
        with VerticalScroll(classes="box", can_focus=False) as box:
            box.border_title = "Rename"
            yield Input(self._path.name, compact=True, select_on_focus=False, id="name")
            yield Label(classes="wrong", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Rename enter", compact=True, variant="primary", action="screen.rename")
                yield Button("Leave esc", compact=True, action="screen.leave")

    @on(Input.Submitted)
    def action_rename(self) -> None:
        try:
            name = check_name(self.query_one("#name", Input).value, self._path)
        except InputError as error:
            self.query_one(".wrong", Label).update(self.say(str(error)))
        else:
            self.dismiss(name)

    def action_leave(self) -> None:
        self.dismiss(None)


class AskWhetherToDelete(Modal[bool]):
    """Says what is deleted, and returns whether it is to be."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "delete"),
        Binding("escape,n", "answer(False)", "keep"),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]
    DEFAULT_CSS = """
    AskWhetherToDelete {
        & > .box { width: 68; height: auto; border: round $error; padding: 1 2; }
        .box Label { width: 100%; height: auto; margin: 0 0 1 0; }
        &.-ascii > .box { border: ascii $error; }
    }
    """

    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what

    def compose(self) -> Iterator[Widget]:
        with VerticalScroll(classes="box", can_focus=False) as box:
            box.border_title = "Delete"
            yield Label(self.say(self._what), markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Keep esc", compact=True, variant="primary", action="screen.answer(False)")
                yield Button("Delete y", compact=True, variant="error", action="screen.answer(True)")

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)
