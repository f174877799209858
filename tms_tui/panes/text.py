"""Text: a Static that is drawn again only when its text is another, and border titles in the same way."""

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static


class Text(Static):
    """Shows Content. Textual itself draws the whole screen again for a text that is set to what it was."""

    _content: Content | None = None

    def show(self, content: Content, layout: bool = False) -> None:
        """`layout`: the text may take another size."""
        if content != self._content:
            self._content = content
            self.update(content, layout=layout)


def set_title(pane: Widget, title: str, ascii_only: bool) -> None:
    """Put a title into a pane's border; in ASCII cut to its width, or Textual ends it with an ellipsis."""
    if ascii_only:
        title = title[: max(pane.outer_size.width - 6, 0)]
    title = title.replace("[", r"\[")
    if pane.border_title != title:
        pane.border_title = title
