"""Shared by the modal screens: a box in the middle, and styles that also work in ASCII.

`Modal` marks itself "-ascii" where the app's `ascii` is true; its borders are then made of + - and |.
`Choice`, `Tick` and `Body` are Textual's Select, Checkbox and VerticalScroll, kept to one line and to
characters that every terminal has. Up and down go from field to field in all of them.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar, cast

from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.scrollbar import ScrollBarRender
from textual.widget import Widget
from textual.widgets import OptionList, Select

from tms_engine.errors import visible
from tms_tui.compat import set_scrollbar_renderer, set_select_arrows
from tms_tui.drawing.ascii import ascii_text

Result = TypeVar("Result")


def is_ascii(widget: Widget) -> bool:
    """Whether the app that shows this widget keeps to ASCII."""
    return bool(getattr(widget.app, "ascii", False))


class Modal(ModalScreen[Result]):
    """A box (the child of class "box") in the middle of the screen; the app shows through around it."""

    DEFAULT_CSS = """
    Modal {
        align: center middle;
        background: $background 60%;
        & > .box {
            border: round $primary;
            border-title-color: $foreground;
            border-title-style: bold;
            border-subtitle-color: $text-muted;
            background: $surface;
            padding: 0 1;
            max-width: 100%;
            max-height: 100%;
        }
        Body, .box { scrollbar-size-vertical: 1; }
        Button { min-width: 10; margin: 0 0 0 1; }
        .buttons { height: 1; align-horizontal: right; }
        .wrong { color: $text-error; }
        Input { background: $boost; }
        Input:focus { background: $primary 25%; }
        &.-ascii > .box { border: ascii $primary; }
        &.-mono *:focus, &.-mono *:focus > SelectCurrent { text-style: reverse; }
    }
    """

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Return a result once: a key pressed again before the screen is removed has no effect."""
        return super().dismiss(result) if self.is_current else AwaitComplete()

    def on_mount(self) -> None:
        if is_ascii(self):
            self.add_class("-ascii")
        self.set_class(getattr(self.app, "mono", False), "-mono")

    def say(self, text: str) -> str:
        """The text as this terminal can show it."""
        return ascii_text(visible(text)) if is_ascii(self) else visible(text)


class Page(Modal[None]):
    """A page to read in the box: j and k scroll it; the keys that close it are the subclass's own."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def on_mount(self) -> None:  # Textual calls that of Modal too
        if is_ascii(self):
            draw_scrollbar_in_ascii(self.query_one(".box"))

    def action_scroll(self, direction: int) -> None:
        self.query_one(".box").scroll_relative(y=direction, animate=False)

    def action_close(self) -> None:
        self.dismiss(None)


class AsciiScrollBar(ScrollBarRender):
    """A scrollbar whose ends are whole cells: it is drawn with blanks and background colours alone."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


def draw_scrollbar_in_ascii(widget: Widget, is_ascii: bool = True) -> None:
    """Draw a scrollbar in ASCII; or as Textual does, again."""
    set_scrollbar_renderer(widget, AsciiScrollBar if is_ascii else ScrollBarRender)


class Body(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls with its content's focus, the wheel and the page keys; up and down go from field to field."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page_up", show=False),
        Binding("pagedown", "page_down", show=False),
    ]

    def on_mount(self) -> None:
        if is_ascii(self):
            draw_scrollbar_in_ascii(self)


class Choice(Select[str], inherit_bindings=False):
    """One of a few words. Enter or space opens the list."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "show_overlay", show=False)]

    DEFAULT_CSS = """
    Choice {
        height: 1;
        & > SelectCurrent { background: $boost; }
        &:focus > SelectCurrent { background: $primary 25%; }
        & > SelectCurrent Static#label { height: 1; text-wrap: nowrap; text-overflow: clip; }
        &:focus > SelectCurrent Static#label { text-style: bold; }
        & > SelectOverlay {
            background: $panel;
            text-wrap: nowrap;
            text-overflow: clip;
            scrollbar-size-vertical: 1;
        }
    }
    """

    def __init__(self, options: Iterable[tuple[str, str]], **settings: Any) -> None:
        # A str would be read as markup.
        super().__init__([(Content(visible(text)), value) for text, value in options], **settings)

    def on_mount(self) -> None:
        if is_ascii(self):
            draw_scrollbar_in_ascii(self.query_one(OptionList))
            set_select_arrows(self, down="v", up="^")


class Tick(Widget, can_focus=True):
    """Yes or no, told apart without colour: [x] or [ ]. Space or a click changes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "change", show=False)]

    DEFAULT_CSS = """
    Tick {
        width: auto;
        height: 1;
        background: $boost;
        &.-on { color: $text-success; }
        &:focus { background: $primary 25%; text-style: bold; }
        &:disabled { color: $text-disabled; }
    }
    """

    value: reactive[bool] = reactive(False, init=False)

    class Changed(Message):
        """The value has changed."""

    def __init__(self, label: str = "", value: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._label = label
        self.set_reactive(cast(Any, Tick.value), value)
        self.set_class(value, "-on")

    def render(self) -> Content:
        return Content(f"[{'x' if self.value else ' '}] {self._label}".rstrip())

    def watch_value(self, value: bool) -> None:
        self.set_class(value, "-on")
        self.post_message(self.Changed())

    def action_change(self) -> None:
        self.value = not self.value

    def on_click(self) -> None:
        self.action_change()
