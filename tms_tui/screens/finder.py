"""The finder: a line to type in, and what is found by it. It is the palette, search, and a choice of runs."""

from collections.abc import Iterator
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, Label

from tms_engine.errors import visible
from tms_tui.drawing.ascii import ascii_text
from tms_tui.drawing.symbols import symbols
from tms_tui.finding import Entry, Found, find
from tms_tui.memo import Memo
from tms_tui.messages import Message
from tms_tui.messages.finding import Aim
from tms_tui.model import Model
from tms_tui.panes.text import cut
from tms_tui.screens.modal import Modal

_TITLES: dict[Aim, str] = {
    "commands": "Commands",
    "search": "Search",
    "overlay": "A run over the loss",
    "compare": "A run to compare with",
}
# The share of a line that titles have at most.
_TITLE_SHARE = 0.5


class Hits(Widget):
    """The entries, one a line, one of them chosen."""

    DEFAULT_CSS = """
    Hits { height: 1fr; }
    Hits > .chosen { background: $primary 25%; text-style: bold; }
    Hits > .about { color: $foreground 60%; }
    """
    COMPONENT_CLASSES = {"chosen", "about"}  # noqa: RUF012 (Textual's own way)

    def __init__(self, ascii_only: bool) -> None:
        super().__init__()
        self._ascii = ascii_only
        self.found = Found((), 0, "")
        self.place = 0
        self._first = 0

    def show(self, found: Found, place: int) -> None:
        """Draw these from now on, with the entry at `place` chosen."""
        self.found, self.place = found, min(max(place, 0), max(len(found.entries) - 1, 0))
        page = max(self.size.height, 1)
        self._first = min(max(self._first, self.place - page + 1), self.place)
        self.refresh()

    def on_resize(self) -> None:
        self.show(self.found, self.place)

    def at(self, y: int) -> int | None:
        """The place of the entry on a line."""
        place = y + self._first
        return place if 0 <= place < len(self.found.entries) else None

    def _say(self, text: str) -> str:
        return ascii_text(visible(text)) if self._ascii else visible(text)

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.visual_style.rich_style
        entries, more, note = self.found
        place = y + self._first
        signs = symbols("ascii" if self._ascii else "braille")
        if place >= len(entries):
            last = [f"and {more:,} more{signs.ellipsis}"] if more else []
            last += [note] if note else []
            at = place - len(entries)
            text = self._say(f"  {last[at]}") if at < len(last) else ""
            quiet = self.get_component_rich_style("about", partial=True)
            return Strip([Segment(text, quiet)]).apply_style(base).adjust_cell_length(width, base)
        chosen = place == self.place
        if chosen:
            base = self.get_component_rich_style("chosen")
        mark = f"{signs.pointer} " if chosen else "  "
        ellipsis = signs.ellipsis.strip()
        most = max(int(width * _TITLE_SHARE), 1)
        longest = min(max(len(self._say(entry.title)) for entry in entries), most)
        title = cut(self._say(entries[place].title), longest, ellipsis).ljust(longest)
        room = max(width - longest - 5, 0)
        about = cut(self._say(entries[place].about), room, ellipsis) if room > 8 else ""
        quiet = Style() if chosen else self.get_component_rich_style("about", partial=True)
        segments = [Segment(f"{mark}{title}  "), Segment(about, quiet)]
        return Strip(segments).apply_style(base).adjust_cell_length(width, base)


class Finder(Modal[Message | None]):
    """Returns the message of what was chosen, or None. The app shows it the Model while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", priority=True),
        Binding("enter", "choose", "choose", priority=True),
        Binding("up,ctrl+p", "move(-1)", show=False, priority=True),
        Binding("down,ctrl+n,tab", "move(1)", show=False, priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    Finder {
        & > .box { width: 108; max-width: 96%; height: 24; max-height: 96%; padding: 0 1; }
        .line { height: 1; margin: 0 0 1 0; }
        .line Label { width: 2; color: $text-accent; text-style: bold; }
        .line Input { width: 1fr; }
    }
    """

    def __init__(self, aim: Aim, model: Model, themes: tuple[str, ...]) -> None:
        super().__init__()
        self._aim, self._model, self._themes = aim, model, themes
        self._memo = Memo()
        self._seen: tuple[object, ...] = ()

    def compose(self) -> Iterator[Widget]:
        with Vertical(classes="box") as box:
            box.border_title = Content(_TITLES[self._aim])
            box.border_subtitle = "enter chooses, esc closes"
            with Horizontal(classes="line"):
                yield Label(">" if self._aim == "commands" else "/", markup=False)
                yield Input(compact=True, placeholder="some words of it", id="words")
            yield Hits(self._model.mode == "ascii")

    def on_mount(self) -> None:  # Textual calls that of Modal too
        self.query_one(Input).focus()
        self._find(0)

    def show_model(self, model: Model) -> None:
        """Look again where there is more to find: runs that were seen, names that were worked out."""
        self._model = model
        view = model.view
        seen = model.runs.lines, model.runs.complete, model.runs.error, view.census, view.evaluation
        if len(seen) != len(self._seen) or any(a is not b for a, b in zip(seen, self._seen, strict=True)):
            self._seen = seen
            if self.is_mounted:
                hits = self.query_one(Hits)
                self._find(hits.place)

    def _find(self, place: int) -> None:
        text = self.query_one(Input).value
        found = find(self._model, self._aim, text, self._themes, self._memo)
        self.query_one(Hits).show(found, place)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._find(0)

    def action_move(self, by: int) -> None:
        hits = self.query_one(Hits)
        hits.show(hits.found, hits.place + by)

    def action_page(self, by: int) -> None:
        self.action_move(by * max(self.query_one(Hits).size.height - 1, 1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_move(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_move(-1)

    def on_click(self, event: events.Click) -> None:
        hits = self.query_one(Hits)
        if event.widget is hits:
            offset = event.get_content_offset(hits)
            place = None if offset is None else hits.at(offset.y)
            if place is not None:
                self._return(hits.found.entries[place])
        elif event.widget is self:  # beside the box
            self.dismiss(None)

    def action_choose(self) -> None:
        hits = self.query_one(Hits)
        if hits.found.entries:
            self._return(hits.found.entries[hits.place])

    def _return(self, entry: Entry) -> None:
        self.dismiss(entry.message)

    def action_leave(self) -> None:
        self.dismiss(None)
