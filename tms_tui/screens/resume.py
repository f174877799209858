"""The offer of a session that was interrupted."""

import time
from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Button, Label

from tms_tui.autosave import InterruptedSession
from tms_tui.messages import ResumeAnswer
from tms_tui.screens.modal import Modal, is_ascii


def ago(seconds: float) -> str:
    """A time that has passed, in its largest unit: 5 s ago, 3 min ago."""
    for unit, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name} ago"
    return f"{max(seconds, 0):.0f} s ago"


def described(session: InterruptedSession, now: float) -> list[str]:
    """What was running, how far it was, and when; `now` is Unix time."""
    changes = f", {session.changes} live change{'s' * (session.changes > 1)}" if session.changes else ""
    return [
        f"{session.name}: {session.about}",
        f"step {session.step:,} of {session.steps:,}{changes}, saved {ago(now - session.at)}",
    ]


class ResumeOffer(Modal[ResumeAnswer]):
    """Says what was interrupted, and returns what is to become of it.

    Its keys are none of the dashboard's: who types ahead discards nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer('later')", "not now"),
        Binding("delete,backspace", "answer('discard')", "discard"),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]

    DEFAULT_CSS = """
    ResumeOffer {
        & > .box { width: 68; height: auto; padding: 1 2; }
        .box Label { width: 100%; height: auto; }
        .buttons { margin: 1 0 0 0; }
    }
    """

    def __init__(self, session: InterruptedSession) -> None:
        super().__init__()
        self._session = session

    def compose(self) -> Iterator[Widget]:
        with VerticalScroll(classes="box", can_focus=False) as box:
            box.border_title = "Interrupted"
            for line in described(self._session, time.time()):
                yield Label(self.say(line.replace("→", "->") if is_ascii(self) else line), markup=False)
            with Horizontal(classes="buttons"):
                yield Button(
                    "Resume enter", compact=True, variant="primary", action="screen.answer('resume')"
                )
                yield Button("Not now esc", compact=True, action="screen.answer('later')")
                yield Button("Discard del", compact=True, variant="error", action="screen.answer('discard')")

    def action_answer(self, answer: ResumeAnswer) -> None:
        self.dismiss(answer)
