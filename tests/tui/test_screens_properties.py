"""What holds of the screen in every state and at every size.

Only ASCII where that is asked for, no colour under NO_COLOR, every pane in its place, and text that stands
out from its background.
"""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence

import pytest
from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region, Size

from tests.tui.conftest import still_app
from tests.tui.hosts import press, settled, text
from tests.tui.states import ALONE, DIALOGS, SIZES, STATES
from tms_tui.app import TmsApp
from tms_tui.compat import screen_strips

pytestmark = pytest.mark.slow

# The rows above and below the panes, and the panes, by the size of the screen.
AROUND = ["title", "bar", "keys"]
EXPLAINED = [(120, 40), (200, 50)]  # with a row for the line of explanation
PANES = {
    (60, 18): ["space", "loss", "features"],
    (80, 24): ["space", "loss", "features"],
    (120, 40): ["space", "loss", "features", "gram", "numbers"],
    (200, 50): ["space", "loss", "features", "gram", "numbers", "ladder"],
}


# The largest and the smallest, for what a size in between hardly changes; and for what no size does, one
# with room for all that a state has to say.
EXTREMES, USUAL = (SIZES[-1], SIZES[0]), (SIZES[2],)


async def at_sizes(
    app: TmsApp, keys: tuple[str, ...], check: Callable[[], None], sizes: Sequence[tuple[int, int]] = SIZES
) -> None:
    """Call `check` with the app in the state that these keys lead to, at each of these sizes in turn."""
    async with app.run_test(size=sizes[0]) as pilot:
        await press(pilot, *keys)
        for size in sizes:
            await pilot.resize_terminal(*size)
            await settled(pilot)
            assert app.size == Size(*size)
            check()


def runs(app: TmsApp) -> Iterator[tuple[int, int, str, Style]]:
    """Column, row, text and style of each run of cells of one style on the screen."""
    for y, strip in enumerate(screen_strips(app)):
        x = 0
        for run, style, _ in strip:
            yield x, y, run, style or Style.null()
            x += cell_len(run)


def colors(style: Style) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """A cell's character and background, as RGB. No background is left to the terminal's taste."""
    assert style.bgcolor is not None
    assert not style.dim  # Textual works it into the colour
    background = tuple(style.bgcolor.get_truecolor())
    # Where there is no colour, there is no character either.
    pair = tuple(style.color.get_truecolor()) if style.color else background, background
    return pair[::-1] if style.reverse else pair


@pytest.mark.parametrize("state", STATES)
async def test_in_ascii_there_is_nothing_but_ascii(state):
    view, keys = STATES[state]
    app = still_app(view, mode="ascii")

    def check() -> None:
        assert {character for character in text(app) if not character.isascii()} == set(), app.size

    await at_sizes(app, keys, check, SIZES if state == "many instances" else USUAL)


@pytest.mark.parametrize("state", ["paused", "many instances", "failed", *DIALOGS])
async def test_with_no_color_every_cell_is_grey(state, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    view, keys = STATES[state]
    app = still_app(view)

    def check() -> None:
        seen = {color for _, _, _, style in runs(app) for color in colors(style)}
        assert {color for color in seen if len(set(color)) > 1} == set(), app.size

    await at_sizes(app, keys, check, USUAL)


async def test_a_maximised_pane_has_the_screen_to_itself():
    app = still_app()
    async with app.run_test(size=SIZES[-1]) as pilot:
        for number, pane in enumerate(PANES[SIZES[-1]], 1):
            await press(pilot, str(number), "m")
            regions = {id: app.dashboard.query_one(f"#{id}").region for id in AROUND + PANES[SIZES[-1]]}
            assert {id: region for id, region in regions.items() if region} == {
                pane: Region(0, 0, *SIZES[-1])
            }
            await press(pilot, "escape")


@functools.cache
def luminance(color: tuple[int, int, int]) -> float:
    """Relative luminance of sRGB, by WCAG 2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """WCAG's ratio, from 1 to 21."""
    light, dark = sorted([luminance(one), luminance(other)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_wcag():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.005)


def assert_text_stands_out(app: TmsApp, state: str) -> None:
    """By a contrast of three to its background: letters, digits and ASCII signs.

    Not held to it is what is drawn (frames, dots, bars, guides), which is told by its place too, and the
    dashboard behind a dialog, which fades on purpose.
    """
    within = app.screen.query_one(".box").region if state in DIALOGS else Region(0, 0, *app.size)
    faint: dict[tuple[str, float], list[tuple[int, int, str]]] = {}
    for x, y, run, style in runs(app):
        written = any(character.isalnum() or "!" <= character <= "~" for character in run)
        # A run of one style goes over the box's border nowhere: that has a style of its own.
        if written and within.contains(x, y):
            ratio = contrast(*colors(style))
            if ratio < 3:
                faint.setdefault((str(style), round(ratio, 2)), []).append((x, y, run))
    assert faint == {}, (app.size, app.theme)


def assert_every_pane_is_in_its_place(app: TmsApp, state: str) -> None:
    whole = Region(0, 0, *app.size)
    size = tuple(app.size)
    line = ["explain"] if size in EXPLAINED else []
    expected = [ALONE[state]] if state in ALONE else AROUND + line + PANES[size]
    named = [*AROUND, "explain", *PANES[SIZES[-1]], "too-small"]
    regions = {id: app.dashboard.query_one(f"#{id}").region for id in named}
    shown = {id: region for id, region in regions.items() if region}
    assert sorted(shown) == sorted(expected)
    for one, other in itertools.combinations(shown, 2):
        assert not shown[one].overlaps(shown[other]), (one, other)
    # Nothing beyond the edges, and no cell that is nobody's.
    assert all(whole.contains_region(region) for region in shown.values())
    assert sum(region.area for region in shown.values()) == whole.area
    if state in DIALOGS:
        box = app.screen.query_one(".box").region
        assert whole.contains_region(box)
        assert box.width > 40
        assert box.height > 6


@pytest.mark.parametrize("theme", ["tms-dark", "tms-light"])
@pytest.mark.parametrize("state", STATES)
async def test_every_pane_is_in_its_place_and_text_stands_out(state, theme):
    view, keys = STATES[state]
    app = still_app(view)
    app.theme = theme

    def check() -> None:
        assert_every_pane_is_in_its_place(app, state)
        assert_text_stands_out(app, state)

    if theme == "tms-light":  # has the colours of its own, and the places of the other
        sizes = USUAL
    else:
        sizes = SIZES if state in ("paused", "many instances", "help") else EXTREMES
    await at_sizes(app, keys, check, sizes)
