"""What tms_tui/compat.py leans on in libraries. One that fails after an upgrade says what has changed."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.driver import Driver
from textual.scrollbar import ScrollBarRender
from textual.widgets import Select, Static

import tms_tui
from tms_tui import compat
from tms_tui.screens.modal import AsciiScrollBar

pytestmark = pytest.mark.slow

TEXTUAL = f"textual {version('textual')}"
PLOTEXT = f"plotext {version('plotext')}"


class Page(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("first line")
        yield Select([("one", 1)], id="select")
        with VerticalScroll(id="scroll"):
            yield Static("\n".join(map(str, range(100))))


async def test_the_screen_can_be_read_as_text():
    app = Page()
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        lines = compat.screen_lines(app)
        assert len(lines) == 12, f"{TEXTUAL}: Screen._compositor.render_strips() has not a strip for each row"
        assert lines[0].rstrip() == "first line", f"{TEXTUAL}: render_strips() shows something else"


async def test_toasts_can_be_read():
    app = Page()
    async with app.run_test() as pilot:
        app.notify("a message", title="a title", severity="warning")
        await pilot.pause()
        (toast,) = compat.toasts(app)
        assert (toast.message, toast.title, toast.severity) == ("a message", "a title", "warning"), (
            f"{TEXTUAL}: App._notifications holds something else"
        )


async def test_a_scrollbar_takes_another_renderer():
    app = Page()
    async with app.run_test(size=(40, 12)) as pilot:
        scroll = app.query_one("#scroll")
        compat.set_scrollbar_renderer(scroll, AsciiScrollBar)
        scroll.scroll_to(y=7, animate=False)
        await pilot.pause()
        column = {line[-1] for line in compat.screen_lines(app)[scroll.region.y : scroll.region.bottom]}
        assert column == {" "}, f"{TEXTUAL}: a scrollbar no longer takes its renderer from the instance"
    assert {*ScrollBarRender.VERTICAL_BARS, *ScrollBarRender.HORIZONTAL_BARS} - {" "}, (
        f"{TEXTUAL}: ScrollBarRender no longer takes its end pieces from VERTICAL_BARS and HORIZONTAL_BARS"
    )


async def test_a_select_takes_other_arrows():
    app = Page()
    async with app.run_test(size=(40, 12)) as pilot:
        compat.set_select_arrows(app.query_one(Select), down="v", up="^")
        await pilot.pause()
        text = "\n".join(compat.screen_lines(app)[1:4])
        assert "v" in text, f"{TEXTUAL}: SelectCurrent has no Static of class down-arrow that is shown"


def test_a_driver_of_our_own_has_all_that_textual_calls():
    calls = ("write", "flush", "close", "start_application_mode", "stop_application_mode", "disable_input")
    for name in (*calls, "process_message", "send_message", "SignalResume"):
        assert hasattr(Driver, name), f"{TEXTUAL}: Driver has no {name}"
    assert callable(getattr(App, "get_driver_class", None)), f"{TEXTUAL}: App has no get_driver_class"


def test_the_names_of_keys_are_known():
    assert compat.key_of_character("?") == "question_mark", (
        f"{TEXTUAL}: _character_to_key names keys otherwise"
    )
    assert compat.keys_of_sequence("\x1b[A") == ("up",), f"{TEXTUAL}: ANSI_SEQUENCES_KEYS has other values"
    assert compat.keys_of_sequence("\x1b[E") == (), f"{TEXTUAL}: ANSI_SEQUENCES_KEYS ignores other sequences"
    assert compat.keys_of_sequence("a") is None
    assert compat.functional_key("13u") == "enter", f"{TEXTUAL}: FUNCTIONAL_KEYS has other keys"


async def test_an_error_in_an_app_is_told_and_ends_it_without_a_panel(capsys):
    app, told = Page(), list[Exception]()
    compat.tell_crash(app, told.append)

    def fail() -> None:
        raise ZeroDivisionError("on purpose")

    async def run() -> None:
        async with app.run_test() as pilot:
            app.call_later(fail)
            await pilot.pause()

    with pytest.raises(ZeroDivisionError):  # the pilot raises it
        await run()
    assert [str(error) for error in told] == ["on purpose"], f"{TEXTUAL}: App._handle_exception is not called"
    assert app.return_code == 70
    assert capsys.readouterr().err == ""


def test_plotext_makes_a_figure_of_its_own():
    import plotext

    figure, other = compat.plotext_figure(), compat.plotext_figure()
    assert figure is not other, f"{PLOTEXT}: figures are shared"
    assert figure is not plotext.figure, f"{PLOTEXT}: a new figure is the one of the whole process"
    figure.plot_size(300, 80)
    lines = figure.build().string().split("\n")
    assert len([line for line in lines if line]) == 80, (
        f"{PLOTEXT}: type(plotext.terminal)().limit(False, False) no longer lifts the limit of the terminal"
    )


@pytest.mark.parametrize(
    "folder", [Path(tms_tui.__file__).parent, Path(__file__).parent], ids=["app", "tests"]
)
def test_no_other_file_uses_what_compat_is_for(folder):
    private = re.compile(r"\._compositor|\._notifications|scrollbar\.renderer|-arrow\"|type\(pl[a-z]*\.")
    found = {path.name for path in folder.rglob("*.py") if private.search(path.read_text(encoding="utf-8"))}
    assert found - {"compat.py", "test_compat.py"} == set()
