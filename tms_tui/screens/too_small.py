"""Shown in place of the dashboard if the terminal is too small."""

from textual.content import Content
from textual.widgets import Static

from tms_tui.screens.modal import is_ascii


class TooSmall(Static):
    """Says which size is needed, and which there is."""

    DEFAULT_CSS = """
    TooSmall {
        width: 100%;
        height: 100%;
        content-align: center middle;
        text-align: center;
        color: $text-muted;
        background: $background;
    }
    """

    def __init__(self, columns: int = 60, rows: int = 18, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._columns = columns
        self._rows = rows

    def render(self) -> Content:
        times = "x" if is_ascii(self) else "×"
        width, height = self.app.size
        return Content(
            f"tms-tui needs {self._columns} {times} {self._rows} cells;\n"
            f"this terminal has {width} {times} {height}"
        )

    def on_resize(self) -> None:
        self.refresh()
