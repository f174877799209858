"""The help page: every key of the one table, the focused pane's first, in as many columns as fit."""

import asyncio
import re

import pytest
from textual.pilot import Pilot

from tests.tui.hosts import NOTHING, Host, press_at_random, text
from tms_engine.experiment import Experiment
from tms_engine.presets import PRESETS
from tms_tui.drawing.ascii import ascii_text
from tms_tui.explain import TERMS
from tms_tui.keys import KEYS, PANES_OF
from tms_tui.messages import FullScreenName
from tms_tui.screens import FULL_SCREENS
from tms_tui.screens.help import HelpScreen, KeysPage, Words, in_columns, page, section_lines, sections


@pytest.mark.parametrize("screen", FULL_SCREENS)
@pytest.mark.parametrize("pane", ["space", "loss", "features", "gram", "numbers", "wall", "table", ""])
def test_every_key_of_the_screen_is_on_the_page_once(screen: FullScreenName, pane: str) -> None:
    shown = [key for section in sections(screen, pane) for key in section.keys]
    assert sorted(map(repr, shown)) == sorted(repr(key) for key in KEYS if key.is_of(screen))


def test_every_key_is_of_a_screen() -> None:
    assert [key for key in KEYS if not any(map(key.is_of, FULL_SCREENS))] == []


@pytest.mark.parametrize("pane", ["space", "loss", "features", "ladder", "gram", "numbers"])
def test_keys_of_the_pane_in_focus_come_first_under_its_own_heading(pane: str) -> None:
    first, second, *_ = sections("dashboard", pane)
    assert first.heading == f"In the {pane}"
    assert first.keys == tuple(key for key in KEYS if key.pane == pane)
    assert second.heading == "Time"


def test_a_pane_without_keys_of_its_own_has_no_heading() -> None:
    assert sections("dashboard", "")[0].heading == "Time"


@pytest.mark.parametrize(
    ("heights", "n", "counts"),
    [([3, 3, 3], 1, [3]), ([3, 3, 3], 3, [1, 1, 1]), ([5, 1, 1, 1], 2, [1, 3]), ([2, 2, 9], 2, [2, 1])],
)
def test_columns_keep_the_order_and_make_the_lowest_page(
    heights: list[int], n: int, counts: list[int]
) -> None:
    assert in_columns(heights, n) == counts


@pytest.mark.parametrize(("width", "n_columns"), [(56, 1), (96, 2), (146, 3)])
def test_as_many_columns_as_the_terminal_has_room_for(width: int, n_columns: int) -> None:
    rows = [line.plain for line in KeysPage("dashboard", "space", False).lines(width)]
    headings = [section.heading for section in page("dashboard", "space")]
    found = (re.search(rf"(^|   ){re.escape(h)}(   |$)", row) for row in rows for h in headings)
    assert len({match.end(1) for match in found if match}) == n_columns


def test_the_words_of_the_pane_in_focus_come_first_and_all_terms_are_on_the_page_once() -> None:
    for pane in ("space", "loss", "features", "ladder", "gram", "numbers", ""):
        shown = page("dashboard", pane)
        words = [section for section in shown if isinstance(section, Words)]
        here = [term for term in TERMS.values() if term.pane in (*PANES_OF["dashboard"], "")]
        assert sorted(term for section in words for term in section.terms) == sorted(here)
        assert isinstance(shown[0], Words) == bool(pane)
        assert not pane or {term.pane for term in words[0].terms} == {pane}


def test_a_term_has_its_text_and_the_section_of_the_paper() -> None:
    lines = [line.plain for line in KeysPage("dashboard", "features", False).lines(74)]
    at = lines.index("D")
    assert " ".join(line.strip() for line in lines[at + 1 : at + 7]).startswith(TERMS["D"].text[:200])
    assert any("Paper: The Geometry of Superposition" in line for line in lines[at : at + 8])


@pytest.mark.parametrize("width", [12, 40, 56, 95, 145, 300])
def test_no_line_is_wider_than_the_page(width: int) -> None:
    for ascii in (False, True):
        shown = KeysPage("dashboard", "space", ascii)
        assert max(line.cell_length for line in shown.lines(max(width, 20))) <= max(width, 20)


def test_all_words_of_the_help_are_there_when_it_wraps() -> None:
    for section in sections("dashboard", "space"):
        words = " ".join(line.plain for line in section_lines(section, 30, False)).split()
        for key in section.keys:
            assert set(key.help.split()) <= set(words)


def test_everything_that_is_shown_has_a_stand_in_in_ascii() -> None:
    texts = [part for key in KEYS for part in (key.display, key.help, key.label)]
    texts += [preset.description for preset in PRESETS.values()]
    texts += [field.description or "" for field in Experiment.model_fields.values()]
    for written in texts:
        assert ascii_text(written).count("?") == written.count("?"), written


def test_ascii_names_the_arrows() -> None:
    assert ascii_text("← h × ⅔ W Wᵀ") == "left h x 2/3 W W'"


@pytest.mark.slow
def test_in_ascii_the_page_is_ascii_wherever_it_is_scrolled_to() -> None:
    async def run() -> None:
        app = Host(lambda: HelpScreen("dashboard", "loss", True), ascii=True)
        async with app.run_test() as pilot:
            for size in ((20, 5), (60, 18), (120, 40), (200, 50)):
                await pilot.resize_terminal(*size)
                for key in ("home", "j", "pagedown", "end"):
                    await pilot.press(key)
                    await pilot.pause()
                    assert text(app).isascii()

    asyncio.run(run())


@pytest.mark.parametrize("key", ["question_mark", "q", "escape", "enter"])
@pytest.mark.slow
def test_it_closes(key: str) -> None:
    async def run() -> None:
        app = Host(lambda: HelpScreen("dashboard", "space", False))
        async with app.run_test(size=(60, 18)) as pilot:
            assert app.result is NOTHING
            await pilot.press(key)
            assert app.result is None

    asyncio.run(run())


def words_of(app: Host) -> str:
    return " ".join(text(app).replace("│", " ").split())


@pytest.mark.slow
def test_the_last_key_can_be_scrolled_to() -> None:
    async def run() -> None:
        app = Host(lambda: HelpScreen("dashboard", "space", False))
        async with app.run_test(size=(60, 18)) as pilot:
            await pilot.pause()
            last = page("dashboard", "space")[-1].terms[-1].text.split(". ")[-1]
            assert last not in words_of(app)
            await pilot.press("end")
            await pilot.pause()
            assert last in words_of(app)

    asyncio.run(run())


@pytest.mark.slow
def test_the_page_stands_random_keys_clicks_and_sizes() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        await press_at_random(app, pilot, 100, 0)

    async def run() -> None:
        app = Host(lambda: HelpScreen("dashboard", "features", False))
        async with app.run_test() as pilot:
            await check(app, pilot)

    asyncio.run(run())
