"""Reading in the app: what is said of what is in focus and under the mouse, and panes that take turns."""

import dataclasses
import time

import pytest
from textual.pilot import Pilot

from tests.tui.conftest import still_app, still_view
from tests.tui.hosts import press, settled, text
from tests.tui.test_app import until
from tms_tui.app import TmsApp
from tms_tui.explain import TERMS

pytestmark = pytest.mark.slow


def last_rows(app: TmsApp, count: int = 2) -> list[str]:
    return text(app).splitlines()[-count:]


async def test_what_D_means_takes_one_key_and_with_the_papers_section_two():
    app = still_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "space go on" in last_rows(app)[1]
        await press(pilot, "3")
        assert last_rows(app)[1].strip().startswith("D: the share of a hidden dimension that a feature has")
        await press(pilot, "question_mark")
        words = " ".join(text(app).replace("│", " ").split())
        assert TERMS["D"].text.split(":")[0] in words
        assert "1/D − 1 is with how many others of its own length it shares" in words
        assert "Paper: The Geometry of Superposition: Uniform Superposition" in words


async def hover(pilot: Pilot[None], pane: str, x: int, y: int) -> None:
    await pilot.hover(f"#{pane}", offset=(x, y))
    await settled(pilot)


async def test_the_line_says_what_is_under_the_mouse_and_keys_move_on():
    app = still_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        assert last_rows(app)[0].strip().startswith("Space: 8 lines")
        await hover(pilot, "features", 10, 4)
        assert last_rows(app)[0].strip().startswith("feature 3: ‖W‖ .89, D .37: shares its dimensions")
        gram = app.dashboard.query_one("#gram")
        placed = gram._plan(8, 8)
        await hover(pilot, "gram", 1 + placed.left + 2 * 3, 1 + placed.top + 1)
        assert last_rows(app)[0].strip().startswith("1 and 3: 72°, cosine .31, W ⋅ W .25")
        await pilot.click("#gram", offset=(1 + placed.left + 2 * 3, 1 + placed.top + 1))
        await settled(pilot)
        assert (app.model.options.feature, app.model.reading.other) == (1, 3)
        await hover(pilot, "numbers", 5, 4)
        assert last_rows(app)[0].strip().startswith("ΣD 2.995 of 3: D, summed over the features")
        await hover(pilot, "loss", 8, 5)
        assert last_rows(app)[0].strip().startswith("batch loss 0.00398: mean over rows and features")
        await hover(pilot, "bar", 8, 0)
        assert last_rows(app)[0].strip().startswith("run bar: step 4,210 of 10,000; the weights of 43")
        await press(pilot, "escape", "3")
        assert last_rows(app)[0].strip().startswith("D: ")
        assert last_rows(app)[1].strip().startswith("space go on")


async def test_every_pane_can_be_read_at_80_columns():
    app = still_app(dataclasses.replace(still_view(), kept_steps=()))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "6")
        assert "D ladder" in text(app)
        assert "Features" not in text(app)
        await press(pilot, "right")
        assert "D over steps" in text(app)
        await press(pilot, "4", "down", "right")
        assert "W Wᵀ" in text(app)
        assert last_rows(app)[1].strip().startswith("0 and 1: ")
        await press(pilot, "5", "down", "down")
        assert last_rows(app)[1].strip().startswith("represented 8 of 8: ")
        await press(pilot, "3")
        assert "Features" in text(app)
        assert app.model.layout.focused == "features"


async def test_the_gram_is_ordered_by_the_solids_that_are_found():
    app = still_app(names=True, clock=time.monotonic)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "O")
        await until(lambda: app.tick() or app.model.reading.solids is not None)
        await settled(pilot)
        assert "W Wᵀ, by solids" in text(app)
        parts = app.model.reading.solids.found.parts
        assert sorted(j for part in parts for j in part.features) == list(range(8))
        await press(pilot, "O")
        assert "by solids" not in text(app)
