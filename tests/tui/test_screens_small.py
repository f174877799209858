"""The export form, the question before quitting, and the page of a terminal that is too small."""

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label

from tests.tui.hosts import NOTHING, Host, press_at_random, text
from tms_engine.errors import InputError
from tms_tui.autosave import InterruptedSession
from tms_tui.messages import Question
from tms_tui.screens.confirm import Confirm
from tms_tui.screens.export_form import ExportChoice, ExportForm, new_directory, whole_dpi
from tms_tui.screens.modal import Tick
from tms_tui.screens.resume import ResumeOffer, ago, described
from tms_tui.screens.save_place import SavePlace
from tms_tui.screens.too_small import TooSmall

pytestmark = pytest.mark.slow

LOSS = "6,420 steps and 2 live changes are not saved."
QUESTION = Question("Quit", LOSS, "Save and quit", "Quit", "q")
SESSION = InterruptedSession(
    Path("s"), Path("s/1"), "a[red]b", "8 → 3, bernoulli, S 0.95, seed 42", 6420, 10_000, 2, 0.0
)
FULL = "cannot write the run to runs/gist-1: no space left on device"


def show(
    make: Callable[[], ModalScreen[Any]],
    check: Callable[[Host, Pilot[None]], Awaitable[None]],
    size: tuple[int, int] = (80, 24),
    ascii: bool = False,
) -> Host:
    app = Host(make, ascii)

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await check(app, pilot)

    asyncio.run(run())
    return app


def with_plotly(monkeypatch: pytest.MonkeyPatch, is_there: bool) -> None:
    real = importlib.util.find_spec
    spec = real("json") if is_there else None
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: spec if name == "plotly" else real(name, *a)
    )


# The export form.


def test_enter_exports_what_is_proposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_plotly(monkeypatch, True)

    async def check(app: Host, pilot: Pilot[None]) -> None:
        await pilot.press("enter")

    app = show(lambda: ExportForm(tmp_path / "new"), check)
    assert app.result == ExportChoice(tmp_path / "new", 300, True, True)


def test_directory_dpi_and_formats_are_as_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_plotly(monkeypatch, True)

    async def check(app: Host, pilot: Pilot[None]) -> None:
        await pilot.press("2", "down", *"150", "down", "down", "space", "ctrl+s")

    app = show(lambda: ExportForm(tmp_path / "new"), check)
    assert app.result == ExportChoice(tmp_path / "new2", 150, True, False)


def test_without_plotly_html_is_disabled_and_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_plotly(monkeypatch, False)

    async def check(app: Host, pilot: Pilot[None]) -> None:
        assert app.screen.query_one("#html", Tick).disabled
        assert "needs the extra html" in text(app)
        await pilot.click("#html")
        await pilot.press("ctrl+s")

    app = show(lambda: ExportForm(tmp_path / "new"), check)
    assert app.result == ExportChoice(tmp_path / "new", 300, True, False)


def test_what_is_wrong_is_said_as_it_is_typed(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "loss.png").touch()

    async def check(app: Host, pilot: Pilot[None]) -> None:
        directory, dpi = app.screen.query_one("#directory", Input), app.screen.query_one("#dpi", Input)
        export = app.screen.query_one("#export", Button)
        directory.value = str(tmp_path / "full")
        await pilot.pause()
        assert "not empty" in str(app.screen.query_one("#directory-error", Label).content)
        assert export.disabled
        directory.value, dpi.value = str(tmp_path / "new"), "fine"
        await pilot.pause()
        assert str(app.screen.query_one("#directory-error", Label).content) == ""
        assert "whole number" in str(app.screen.query_one("#dpi-error", Label).content)
        await pilot.press("enter", "ctrl+s")
        assert app.result is NOTHING
        dpi.value = "72"
        await pilot.pause()
        assert not export.disabled

    show(lambda: ExportForm(tmp_path), check)


def test_escape_exports_nothing(tmp_path: Path) -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        await pilot.press("escape")

    assert show(lambda: ExportForm(tmp_path / "new"), check).result is None


def test_a_directory_is_good_if_it_can_be_made_or_is_empty(tmp_path: Path) -> None:
    assert new_directory(f"  {tmp_path / 'a' / 'b'} ") == tmp_path / "a" / "b"
    (tmp_path / "empty").mkdir()
    assert new_directory(str(tmp_path / "empty")) == tmp_path / "empty"
    assert new_directory("~/no such directory") == Path.home() / "no such directory"
    assert new_directory("no such directory") == Path("no such directory")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "say which directory"),
        ("   ", "say which directory"),
        ("{tmp}/file", "is a file"),
        ("{tmp}/file/below", "cannot be made"),
        ("{tmp}", "not empty"),
        ("~nobody-of-this-name/x", "cannot write to"),
        ("{tmp}/" + "x" * 5000, "cannot write to"),
    ],
)
def test_a_directory_that_cannot_be_is_refused_in_a_sentence(tmp_path: Path, typed: str, said: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=said):
        new_directory(typed.format(tmp=tmp_path))


@pytest.mark.parametrize("typed", ["", "fine", "1.5", "9" * 5000])
def test_dpi_is_a_whole_number(typed: str) -> None:
    assert whole_dpi(" 72") == 72
    with pytest.raises(InputError, match="whole number"):
        whole_dpi(typed)
    for far in ("9", "601", "-300", "0"):
        with pytest.raises(InputError, match=f"dpi should be from 10 to 600, not {far}"):
            whole_dpi(far)


# The question before quitting.


@pytest.mark.parametrize(
    ("key", "answer"),
    [("s", "save"), ("q", "drop"), ("escape", "stay"), ("enter", "save")],
)
def test_a_key_answers(key: str, answer: str) -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        assert LOSS in " ".join(text(app).replace("│", " ").split())
        await pilot.press(key)

    assert show(lambda: Confirm(QUESTION), check, (60, 18)).result == answer


@pytest.mark.parametrize(("n_right", "answer"), [(0, "save"), (1, "drop"), (2, "stay")])
def test_buttons_are_reached_by_arrows(n_right: int, answer: str) -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        await pilot.press(*["right"] * n_right, "enter")

    assert show(lambda: Confirm(QUESTION), check).result == answer


def test_a_button_can_be_clicked() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        await pilot.click(app.screen.query(Button)[2])

    assert show(lambda: Confirm(QUESTION), check).result == "stay"


# The offer of an interrupted session.


@pytest.mark.parametrize(
    ("key", "answer"),
    [("enter", "resume"), ("escape", "later"), ("delete", "discard"), ("backspace", "discard")],
)
def test_an_interrupted_session_is_described_and_a_key_answers(key: str, answer: str) -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        shown = text(app)
        assert "a[red]b: 8 → 3" in shown
        assert "step 6,420 of 10,000, 2 live changes, saved" in shown
        await pilot.press(*"drqsx", key)  # letters are keys of the dashboard, typed ahead

    assert show(lambda: ResumeOffer(SESSION), check).result == answer


def test_how_long_ago_a_session_was_saved_is_said_in_its_largest_unit() -> None:
    assert [ago(seconds) for seconds in (-3, 5.4, 119, 120, 7199, 7200, 2e5)] == [
        "0 s ago", "5 s ago", "119 s ago", "2 min ago", "120 min ago", "2 h ago", "2 days ago",
    ]  # fmt: skip
    assert described(SESSION._replace(changes=0), 60.0)[1] == "step 6,420 of 10,000, saved 60 s ago"


# Where a run is saved that could not be saved.


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["enter"], Path("runs/gist-1")),  # again, although it is there
        (["ctrl+u", *"elsewhere", "enter"], Path("elsewhere")),
        (["tab", "enter"], Path("runs/gist-1")),
        (["ctrl+g"], "drop"),
        (["escape"], "stay"),
    ],
    ids=["again", "elsewhere", "button", "drop", "stay"],
)
def test_a_place_to_save_is_asked_for(keys: list[str], answer: Path | str) -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        assert "no space left on device" in " ".join(text(app).split())
        await pilot.press(*keys)

    assert show(lambda: SavePlace(FULL, "runs/gist-1", "Quit without saving"), check).result == answer


def test_a_place_that_cannot_be_is_refused_with_a_sentence(tmp_path: Path) -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        app.screen.query_one("#directory", Input).value = str(tmp_path.parent)
        await pilot.press("enter")
        await pilot.pause()
        assert app.result is NOTHING
        assert "not empty" in " ".join(text(app).replace("│", " ").split())

    show(lambda: SavePlace(FULL, "runs/gist-1", "Quit without saving"), check)


# A terminal that is too small.


class Small(App[None]):
    ascii = False

    def compose(self) -> ComposeResult:
        yield TooSmall()


def test_it_says_which_size_is_needed_and_which_there_is() -> None:
    async def run() -> None:
        app = Small()
        async with app.run_test(size=(47, 12)) as pilot:
            sentence = "tms-tui needs 60 × 18 cells; this terminal has "
            assert sentence + "47 × 12" in " ".join(text(app).split())
            await pilot.resize_terminal(20, 5)
            await pilot.pause()
            assert sentence + "20 × 5" in " ".join(text(app).split())
            app.ascii = True
            await pilot.resize_terminal(30, 9)
            await pilot.pause()
            assert text(app).isascii()
            assert "this terminal has 30 x 9" in " ".join(text(app).split())

    asyncio.run(run())


# All of them.

SCREENS: dict[str, Callable[[], ModalScreen[Any]]] = {
    "export": lambda: ExportForm(Path("no such directory/gist")),
    "confirm": lambda: Confirm(QUESTION),
    "resume": lambda: ResumeOffer(SESSION),
    "place": lambda: SavePlace(FULL, "runs/gist-1", "Quit without saving"),
}


@pytest.mark.parametrize("screen", list(SCREENS))
def test_in_ascii_it_is_ascii(screen: str) -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        for size in ((20, 5), (60, 18), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert text(app).isascii()

    show(SCREENS[screen], check, ascii=True)


@pytest.mark.parametrize("screen", list(SCREENS))
def test_it_stands_random_keys_clicks_and_sizes(screen: str) -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        await press_at_random(app, pilot, 100, 1)

    show(SCREENS[screen], check)
