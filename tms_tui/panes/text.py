"""Text: a Static that is drawn again only when its text is another, and border titles in the same way."""

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len, chop_cells
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tms_engine.errors import visible
from tms_tui.drawing.ascii import ascii_text


class Text(Static):
    """Shows Content. Textual itself draws the whole screen again for a text that is set to what it was."""

    _content: Content | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, **options)

    def show(self, content: Content, layout: bool = False) -> None:
        """`layout`: the text may take another size."""
        if content != self._content:
            self._content = content
            self.update(content, layout=layout)


def set_title(pane: Widget, title: str, ascii_only: bool) -> None:
    """Put a title into a pane's border; in ASCII cut to its width, or Textual ends it with an ellipsis."""
    if ascii_only:
        title = ascii_text(title)[: max(pane.outer_size.width - 6, 0)]
    content = Content(visible(title))  # a str would be read as markup
    if pane.border_title != content.markup:
        pane.border_title = content


def cut(text: str, cells: int, ellipsis: str) -> str:
    """A text of somebody else's in at most so many cells, `ellipsis` at its end where it had more."""
    text = visible(text)
    return text if cell_len(text) <= cells else chop_cells(text, max(cells - len(ellipsis), 1))[0] + ellipsis


def first_that_fits(forms: Sequence[Content], cells: int) -> Content:
    """The first of several forms of a text that takes at most so many cells, or else the last."""
    return next((form for form in forms if form.cell_length <= cells), forms[-1])
