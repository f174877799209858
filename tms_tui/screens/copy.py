"""The choice of what is copied to the clipboard: a key each."""

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button

from tms_tui.messages.copying import Copied
from tms_tui.screens.modal import Modal

# What can be copied: its key, and what it is.
CHOICES: dict[Copied, tuple[str, str]] = {
    "command": ("c", "the command that trains this run anew, live changes and all"),
    "path": ("p", "the path of the run's directory"),
    "weights": ("w", "the row of W of the selected feature"),
    "table": ("t", "the table of features, as CSV"),
}


class CopyChoice(Modal[Copied | None]):
    """Returns what is to be copied, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"choose('{what}')", text, show=False) for what, (key, text) in CHOICES.items()),
        Binding("escape,q,C", "leave", "leave"),
        Binding("up,k", "app.focus_previous", show=False),
        Binding("down,j", "app.focus_next", show=False),
    ]

    DEFAULT_CSS = """
    CopyChoice {
        & > .box { width: 74; height: auto; padding: 1 2; }
        .box Button { width: 100%; content-align: left middle; text-align: left; margin: 0; }
        .box Button { background: $surface; }
        .box Button:focus { background: $primary 25%; }
    }
    """

    def compose(self) -> Iterator[Widget]:
        with VerticalScroll(classes="box", can_focus=False) as box:
            box.border_title = "Copy"
            box.border_subtitle = "esc closes"
            for what, (key, text) in CHOICES.items():
                label = Content.assemble((f" {key}  ", "bold $text-accent"), self.say(text))
                yield Button(label, compact=True, action=f"screen.choose('{what}')")

    def action_choose(self, what: Copied) -> None:
        self.dismiss(what)

    def action_leave(self) -> None:
        self.dismiss(None)
