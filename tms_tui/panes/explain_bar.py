"""The line of explanation: what the thing in focus, or under the mouse, is; and the key that says more."""

from textual.content import Content

from tms_tui.drawing.ascii import ascii_text
from tms_tui.explain import fitting
from tms_tui.keys import KEYS
from tms_tui.memo import Memo
from tms_tui.messages import OpenHelp
from tms_tui.model import Model
from tms_tui.panes.explained import explained
from tms_tui.panes.pane_keys import press
from tms_tui.panes.text import Text

_MORE = "? more"
# Cells at both ends, and between the sentence and the key.
_AROUND, _BETWEEN = 2, 2


class ExplainBar(Text):
    """One line."""

    DEFAULT_CSS = "ExplainBar { height: 1; padding: 0 1; text-wrap: nowrap; }"


def explanation(model: Model, memo: Memo) -> Content:
    """The line: as many clauses as there is room for, and `? more`; empty before there are weights."""
    say = ascii_text if model.mode == "ascii" else str
    room = model.layout.columns - _AROUND
    clauses = tuple(map(say, explained(model, memo)))
    said = fitting(clauses, room - _BETWEEN - len(_MORE), model.symbols.ellipsis)
    if not said:
        return Content("")
    name, colon, rest = said.partition(": ")
    return Content.assemble(
        (name + colon, "$foreground"),
        (rest, "$text-muted"),
        " " * (room - len(said) - len(_MORE)),
        ("? ", f"bold $accent on $background {_click()}"),
        ("more", f"$text-muted {_click()}"),
    )


def _click() -> str:
    """Textual's action of the key that shows the help."""
    index = next(i for i, key in enumerate(KEYS) if isinstance(key.message, OpenHelp))
    return f"@click={press(index)}"
