"""The help page: what the pane in focus shows, the keys of a full screen, what all else is, in columns.

It is made from the table of terms (explain.py) and the one table of keys.
"""

import textwrap
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import ClassVar, NamedTuple, get_args

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

from tms_tui.drawing.ascii import ascii_text
from tms_tui.explain import Term, terms_of
from tms_tui.keys import KEYS, PANES_OF, Group, Key
from tms_tui.messages import FullScreenName
from tms_tui.screens.modal import Page

# A column holds a key and a line of help without much wrapping; a third of 150 columns.
_COLUMN_WIDTH = 46
_GAP = 3


class Section(NamedTuple):
    heading: str
    keys: tuple[Key, ...]


class Words(NamedTuple):
    """What a pane shows, term by term."""

    heading: str
    terms: tuple[Term, ...]


# Headings of the words of each pane, and of what is in none.
_HEADINGS = {
    "space": "What the space shows",
    "loss": "What the loss shows",
    "features": "What the features show",
    "ladder": "What the D ladder shows",
    "gram": "What W Wᵀ shows",
    "numbers": "What the numbers show",
    "wall": "What the wall shows",
    "table": "What the table shows",
    "names": "What the names show",
    "phases": "What the phase diagram shows",
    "runs": "What the runs show",
    "settings": "What the settings are",
    "": "The lines above and below",
}


def page(screen: FullScreenName, pane: str) -> "list[Section | Words]":
    """The page: the words of the pane in focus, the keys, and the words of the screen's other panes."""
    words = {name: Words(_HEADINGS[name], tuple(terms_of(name))) for name in (*PANES_OF[screen], "")}
    first = [words.pop(pane)] if pane and pane in words else []
    return [*first, *sections(screen, pane), *words.values()]


def sections(screen: FullScreenName, pane: str) -> list[Section]:
    """The keys of a full screen by heading: of the pane in focus, of all panes, of other panes."""
    here = [key for key in KEYS if key.is_of(screen)]
    panes = sorted(PANES_OF[screen], key=lambda p: p != pane)
    in_panes = [Section(f"In the {p}", tuple(k for k in here if k.pane == p)) for p in panes]
    groups = [Section(g, tuple(k for k in here if k.group == g and not k.pane)) for g in get_args(Group)]
    first = 1 if panes and panes[0] == pane else 0
    return [s for s in in_panes[:first] + groups + in_panes[first:] if s.keys]


def in_columns(heights: list[int], n_columns: int) -> list[int]:
    """How many of the sections, in their order, go into each column, for the lowest page.

    At most n_columns numbers, each at least 1, which add up to len(heights).
    """
    for limit in range(max(heights, default=0), sum(heights) + 1):
        counts, height = [0], 0
        for section in heights:
            if counts[-1] and height + section > limit:
                counts.append(0)
                height = 0
            counts[-1] += 1
            height += section
        if len(counts) <= n_columns:
            return counts
    return []


def section_lines(section: Section | Words, width: int, ascii: bool) -> list[Content]:
    """A section's lines, at most `width` cells wide where words allow it, and a blank one."""
    say = ascii_text if ascii else str
    if isinstance(section, Words):
        heading = _wrapped(say(section.heading), width, "bold $text-primary")
        return [*heading, *_of_terms(section, width, say)]
    n_key = max(len(say(key.display)) for key in KEYS)
    lines = [Content.styled(section.heading, "bold $text-primary")]
    for key in section.keys:
        wrapped = textwrap.wrap(say(key.help), max(8, width - n_key - 2))
        for display, help in zip_longest([say(key.display)], wrapped, fillvalue=""):
            lines.append(Content.assemble((f"{display:>{n_key}}  ", "bold $text-accent"), help))
    return [*lines, Content("")]


def _of_terms(words: Words, width: int, say: Callable[[str], str]) -> list[Content]:
    """Terms with their texts, and the paper's section; a blank line at the end."""
    lines = []
    for term in words.terms:
        lines += _wrapped(say(term.sign), width, "bold $text-accent")
        lines += _wrapped(say(term.text), width, "", "  ")
        if term.section:
            lines += _wrapped(say(f"Paper: {term.section}"), width, "$foreground 60%", "  ")
    return [*lines, Content("")]


def _wrapped(text: str, width: int, style: str, indent: str = "") -> list[Content]:
    lines = textwrap.wrap(text, max(8, width), initial_indent=indent, subsequent_indent=indent)
    return [Content.styled(line, style) for line in lines]


class KeysPage(Widget):
    """The keys under their headings, in as many columns as the width has room for.

    It is longer than the screen, so lines are drawn one by one, those in sight.
    """

    DEFAULT_CSS = "KeysPage { height: auto; width: 100%; }"

    def __init__(self, screen: FullScreenName, pane: str, ascii: bool) -> None:
        super().__init__()
        self._sections = page(screen, pane)
        self._ascii = ascii
        self._made: tuple[int, list[Content]] = (0, [])  # a width, and the lines of that width

    def lines(self, width: int) -> list[Content]:
        if self._made[0] != width:
            self._made = (width, self._lines(width))
        return self._made[1]

    def _lines(self, width: int) -> list[Content]:
        n_columns = max(1, (width + _GAP) // (_COLUMN_WIDTH + _GAP))
        column_width = max(1, (width - _GAP * (n_columns - 1)) // n_columns)
        blocks = [section_lines(section, column_width, self._ascii) for section in self._sections]
        columns: list[list[Content]] = []
        for count in in_columns([len(block) for block in blocks], n_columns):
            columns.append([line for block in blocks[:count] for line in block])
            blocks = blocks[count:]
        rows = zip_longest(*columns, fillvalue=Content(""))
        page = [
            Content("").join(
                line.pad_right(max(0, column_width + _GAP - line.cell_length)) if i < len(row) - 1 else line
                for i, line in enumerate(row)
            )
            for row in rows
        ]
        return page[:-1]  # the last section's blank line

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.lines(width))

    def render_line(self, y: int) -> Strip:
        lines = self.lines(self.size.width)
        line = lines[y] if y < len(lines) else Content("")
        return Visual.to_strips(self, line, self.size.width, 1, self.visual_style)[0]


class HelpScreen(Page):
    """What the pane in focus shows and its keys first; then all keys of the full screen, and the other words.

    Any of ? q escape enter closes it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark,q,escape,enter", "close", "close")]

    DEFAULT_CSS = """
    HelpScreen {
        background: $background;
        & > .box { width: 100%; max-width: 172; height: auto; scrollbar-gutter: stable; }
    }
    """

    def __init__(self, screen: FullScreenName, pane: str, ascii: bool) -> None:
        super().__init__()
        self._of = screen
        self._pane = pane
        self._ascii = ascii

    def compose(self) -> Iterator[Widget]:
        with VerticalScroll(classes="box") as box:
            box.border_title = "Help"
            box.border_subtitle = "esc closes"
            yield KeysPage(self._of, self._pane, self._ascii)
