"""Everything that the app or its tests use of a library without its documentation promising it.

Each function says what it leans on and in which version that was seen. tests/tui/test_compat.py fails with a
sentence where an upgrade breaks one. Textual is not imported here, so that `drawing` may import this file.
"""

from collections.abc import Callable
from functools import cache
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


def filtering_driver(driver: type[Any], filtered: Callable[[str], str]) -> type[Any]:
    """A Textual driver whose output is filtered. Its text begins and ends in the terminal's own style.

    textual 8.2.8: App.get_driver_class() may be overridden, and all that a driver sends to the terminal
    while the app runs goes through Driver.write.
    """

    class FilteringDriver(driver):  # type: ignore[misc]
        def write(self, data: str) -> None:
            super().write(filtered(data))

    return FilteringDriver


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
