"""Everything that the app or its tests use of a library without its documentation promising it.

Each function says what it leans on and in which version that was seen. tests/tui/test_compat.py fails with a
sentence where an upgrade breaks one. Textual is not imported here, so that `drawing` may import this file.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any


def screen_lines(app: Any) -> list[str]:
    """The characters that a Textual app shows, a string for each row.

    textual 8.2.8: Strip.text, of each of `screen_strips`.
    """
    return [strip.text for strip in screen_strips(app)]


def screen_strips(app: Any) -> list[Any]:
    """What a Textual app shows, a Strip for each row.

    textual 8.2.8: Screen._compositor.render_strips().
    """
    return app.screen._compositor.render_strips()


def is_laid_out(screen: Any) -> bool:
    """Whether a Textual screen has laid out and repainted all that has changed.

    textual 8.2.8: Widget._layout_required and Screen._dirty_widgets.
    """
    return not screen._layout_required and not screen._dirty_widgets


def toasts(app: Any) -> list[Any]:
    """The notifications that a Textual app shows, oldest first: records with message, title and severity.

    textual 8.2.8: App._notifications, which can be iterated.
    """
    return list(app._notifications)


def set_scrollbar_renderer(widget: Any, renderer: type[Any]) -> None:
    """Draw a widget's vertical scrollbar with a subclass of ScrollBarRender.

    textual 8.2.8: ScrollBar.renderer, a class variable, also works when it is set on an instance; and
    ScrollBarRender takes its end pieces from VERTICAL_BARS and HORIZONTAL_BARS.
    """
    widget.vertical_scrollbar.renderer = renderer


def set_select_arrows(select: Any, down: str, up: str) -> None:
    """Set the characters that mark a Textual Select as closed and open.

    textual 8.2.8: SelectCurrent is composed of Statics with the classes down-arrow and up-arrow.
    """
    for name, arrow in (("down-arrow", down), ("up-arrow", up)):
        select.query_one(f".{name}").update(arrow)


def key_of_character(character: str) -> str:
    """Textual's name of the key that writes a character.

    textual 8.2.8: textual.keys._character_to_key; letters and digits are their own names.
    """
    return import_module("textual.keys")._character_to_key(character)


def keys_of_sequence(sequence: str) -> tuple[str, ...] | str | None:
    """Textual's names of the keys that a sequence or a control stands for, or the character that it stands
    for; none if it is to be ignored, None if it is not known.

    textual 8.2.8: textual._ansi_sequences.ANSI_SEQUENCES_KEYS, whose values are tuples of Keys, a character,
    or IGNORE_SEQUENCE.
    """
    table = import_module("textual._ansi_sequences")
    known = table.ANSI_SEQUENCES_KEYS.get(sequence)
    if known is None or isinstance(known, str):
        return known
    return () if known is table.IGNORE_SEQUENCE else tuple(key.value for key in known)


def functional_key(code: str) -> str | None:
    """Textual's name of one of kitty's functional keys, by number and final character ("13u").

    textual 8.2.8: textual._keyboard_protocol.FUNCTIONAL_KEYS.
    """
    return import_module("textual._keyboard_protocol").FUNCTIONAL_KEYS.get(code)


def crash(app: Any, error: Exception) -> None:
    """End an app because of an error outside of its messages: in one of its threads.

    textual 8.2.8: App._handle_exception.
    """
    app._handle_exception(error)


def is_busy(app: Any) -> bool:
    """Whether what an app draws now would have to wait for the line to its terminal.

    textual 8.2.8: App._driver; `is_busy` is TerminalDriver's.
    """
    return getattr(app._driver, "is_busy", False)


def shows_pictures(app: Any) -> bool:
    """Whether an app's driver can show pictures over its cells.

    textual 8.2.8: App._driver; `show_picture` and `cell_pixels` are TerminalDriver's.
    """
    return hasattr(app._driver, "show_picture")


def cell_pixels(app: Any) -> tuple[int, int] | None:
    """Width and height of a cell of an app's terminal in pixels, None if not known; as `shows_pictures`."""
    return app._driver.cell_pixels


def show_picture(app: Any, picture: Any) -> None:
    """Show a picture over an app's cells, or none; as `shows_pictures`."""
    app._driver.show_picture(picture)


def is_too_slow_for_pictures(app: Any) -> bool:
    """Whether keys would wait for pictures; as `shows_pictures`."""
    return app._driver.is_slow


def suspend(app: Any) -> None:
    """Stop the process as Ctrl-Z does, with the terminal restored until it is continued.

    textual 8.2.8: App._driver; `suspend` is TerminalDriver's.
    """
    if hasattr(app._driver, "suspend"):
        app._driver.suspend()


def restore_terminal(app: Any) -> None:
    """Give the terminal back, from any thread.

    textual 8.2.8: App._driver; `restore_at_once` is TerminalDriver's.
    """
    if hasattr(app._driver, "restore_at_once"):
        app._driver.restore_at_once()


def tell_crash(app: Any, told: Callable[[Exception], None]) -> None:
    """Tell an error that nobody has caught, instead of printing a panel of its traceback. The app ends.

    textual 8.2.8: App._handle_exception takes every error of the app's messages, timers and drawing, and
    App._close_messages_no_wait ends the app. After App.exit, which sets App._exit, widgets that were about to
    be mounted fail: that is no error.
    """

    def handle(error: Exception) -> None:
        if app._exit:
            return
        app._return_code = 70
        if app._exception is None:  # for the pilot of a test, which raises it
            app._exception = error
            app._exception_event.set()
            told(error)
        app._close_messages_no_wait()

    app._handle_exception = handle


@cache
def _plotext_terminal() -> Any:
    import plotext

    return type(plotext.terminal)().limit(False, False)


def plotext_figure() -> Any:
    """A plotext figure of its own, not clipped to the size of the real terminal.

    plotext 6.1.0: the classes of figures and terminals are only reachable as the types of plotext.figure
    and plotext.terminal, which are shared by the whole process and not safe with threads. A figure takes its
    terminal as `parent`.
    """
    import plotext

    return type(plotext.figure)(parent=_plotext_terminal())
