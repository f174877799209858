"""The export form: directory, resolution, formats."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, TypeVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Button, Input, Label

from tms_engine.errors import InputError
from tms_engine.figures import check_dpi
from tms_engine.files import cannot
from tms_tui.messages import ExportChoice
from tms_tui.screens.modal import Body, Modal, Tick

Value = TypeVar("Value")


def new_directory(text: str) -> Path:
    """The directory that is typed, if an export can make it (or finds it empty). Raises InputError."""
    if not text.strip():
        raise InputError("say which directory to write to")
    try:
        path = Path(text.strip()).expanduser()
        if path.is_dir():
            if any(path.iterdir()):
                raise InputError(f"{path} is there already, and not empty: choose a new directory")
        elif path.exists():
            raise InputError(f"{path} is a file: choose a new directory")
        else:
            parent = next(p for p in path.parents if p.exists())
            if not parent.is_dir():
                raise InputError(f"{parent} is a file, so {path} cannot be made")
    except (OSError, RuntimeError) as error:  # a name too long; no such user in ~user
        raise cannot(f"write to {text}", error) from None
    return path


def whole_dpi(text: str) -> int:
    """Dots per inch. Raises InputError."""
    try:
        dpi = int(text)
    except ValueError:
        raise InputError(f"dpi should be a whole number, not {text!r}") from None
    check_dpi(dpi)
    return dpi


def _tried(read: Callable[[str], Value], text: str) -> tuple[Value | None, str]:
    """What is read from the text, or None and what is wrong with it."""
    try:
        return read(text), ""
    except InputError as error:
        return None, str(error)


class ExportForm(Modal[ExportChoice | None]):
    """Returns what to export, or None if it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "export", "export"),
        Binding("enter", "export", "export", show=False),
        Binding("escape", "leave", "leave"),
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]

    DEFAULT_CSS = """
    ExportForm {
        & > .box { width: 74; height: auto; }
        Body { height: auto; max-height: 100%; }
        .line { height: 1; }
        .line > Label { width: 12; color: $text-muted; }
        .line Input { width: 1fr; }
        .line #dpi { width: 8; }
        .line Tick { margin: 0 3 0 0; }
        .line > .note { width: 1fr; color: $text-muted; }
        .wrong { width: 100%; height: auto; min-height: 1; padding: 0 0 0 12; }
        #what { width: 100%; height: auto; margin: 0 0 1 0; }
    }
    """

    def __init__(self, directory: Path, dpi: int = 300) -> None:
        super().__init__()
        self._directory = str(directory)
        self._dpi = str(dpi)
        self._choice: ExportChoice | None = None

    def compose(self) -> Iterator[Widget]:
        has_plotly = importlib.util.find_spec("plotly") is not None
        with Vertical(classes="box") as box, Body():
            box.border_title = "Export"
            with Horizontal(classes="line"):
                yield Label("directory", markup=False)
                yield Input(self._directory, compact=True, select_on_focus=False, id="directory")
            yield Label(classes="wrong", id="directory-error", markup=False)
            with Horizontal(classes="line"):
                yield Label("dpi", markup=False)
                yield Input(self._dpi, compact=True, id="dpi")
            yield Label(classes="wrong", id="dpi-error", markup=False)
            with Horizontal(classes="line"):
                yield Label("figures", markup=False)
                yield Tick("PNG", value=True, id="png")
                html = Tick("HTML", value=has_plotly, id="html")
                html.disabled = not has_plotly
                yield html
                yield Label("" if has_plotly else "needs the extra html", classes="note", markup=False)
            yield Label(classes="wrong", markup=False)
            yield Label(id="what", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Export ^s", id="export", variant="primary", compact=True)
                yield Button("Leave esc", id="leave", compact=True)

    def on_mount(self) -> None:
        self._check()

    @on(Input.Changed)
    @on(Tick.Changed)
    def _check(self) -> None:
        directory, no_directory = _tried(new_directory, self.query_one("#directory", Input).value)
        dpi, no_dpi = _tried(whole_dpi, self.query_one("#dpi", Input).value)
        png, html = (self.query_one(f"#{format}", Tick).value for format in ("png", "html"))
        self._choice = None
        if directory is not None and dpi is not None:
            self._choice = ExportChoice(directory, dpi, png, html)
        self.query_one("#directory-error", Label).update(self.say(no_directory))
        self.query_one("#dpi-error", Label).update(self.say(no_dpi))
        formats = " and ".join(name for name, wanted in (("PNG", png), ("HTML", html)) if wanted)
        figures = f", and all its figures as {formats}" if formats else ", without figures"
        self.query_one("#what", Label).update(f"Writes the run{figures}.")
        self.query_one("#export", Button).disabled = self._choice is None

    @on(Input.Submitted)
    @on(Button.Pressed, "#export")
    def action_export(self) -> None:
        if self._choice is not None:
            self.dismiss(self._choice)

    @on(Button.Pressed, "#leave")
    def action_leave(self) -> None:
        self.dismiss(None)
