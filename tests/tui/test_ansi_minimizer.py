"""Fewer bytes, the same picture: what is sent is held to what Textual wrote, on an emulated terminal."""

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tms_tui.ansi_minimizer import minimize_ansi

ROWS, COLUMNS = 4, 12

COLORS = st.sampled_from(["31", "97", "38;5;17", "38;5;203", "38;2;1;2;3", "38;2;200;0;40"])
GROUNDS = st.sampled_from(["44", "103", "48;5;17", "48;2;15;17;23", "48;2;9;9;9"])
ATTRIBUTES = st.sampled_from(["1", "3", "4", "7", "9", "1;4"])
# As rich writes styles: attributes, colour, background, each of them or not.
STYLES = st.tuples(*(st.just("") | codes for codes in (ATTRIBUTES, COLORS, GROUNDS))).map(
    lambda codes: ";".join(filter(None, codes))
)
TEXTS = st.sampled_from(["a", "⣿⡇", "   ", " b ", "", "\x1b[2;3H", "\r\n", "\x1b[1;1H"])
RUNS = st.lists(st.tuples(STYLES, TEXTS), max_size=24)


def written(runs: list[tuple[str, str]]) -> str:
    return "".join(f"\x1b[{style}m{text}\x1b[0m" if style else text for style, text in runs)


def seen(data: str) -> list[tuple[object, ...]]:
    """All that can be seen: a blank has a background, and lines through and under it, but no colour."""
    screen = pyte.Screen(COLUMNS, ROWS)
    pyte.Stream(screen).feed(data)
    cells = [screen.buffer[y][x] for y in range(ROWS) for x in range(COLUMNS)]
    return [
        (c.data, c.bg, c.reverse, c.underscore, c.strikethrough)
        + ((c.fg,) if c.data != " " or c.reverse or c.underscore or c.strikethrough else ())
        + ((c.bold, c.italics) if c.data != " " else ())
        for c in cells
    ]


@given(RUNS)
def test_the_picture_is_the_same_and_never_longer(runs):
    data = written(runs)
    assert seen(minimize_ansi(data)) == seen(data)
    assert len(minimize_ansi(data)) <= len(data) + len("\x1b[0m")


@given(RUNS, RUNS)
def test_each_piece_leaves_the_terminal_in_its_own_style(first, second):
    assert seen(minimize_ansi(written(first)) + minimize_ansi(written(second))) == seen(
        written(first + second)
    )


@pytest.mark.parametrize("attribute", ["4", "7", "9"])
def test_a_line_through_blanks_and_a_reversed_one_keep_their_colors(attribute):
    data = f"\x1b[{attribute};31m  \x1b[0m\x1b[{attribute};32m  \x1b[0m"
    assert seen(minimize_ansi(data)) == seen(data)


def test_a_background_is_sent_once():
    data = "\x1b[38;2;9;9;9;48;2;1;2;3mab\x1b[0m\x1b[48;2;1;2;3m   \x1b[0m\x1b[38;2;8;8;8;48;2;1;2;3mc\x1b[0m"
    assert minimize_ansi(data) == "\x1b[38;2;9;9;9;48;2;1;2;3mab   \x1b[38;2;8;8;8mc\x1b[0m"


@pytest.mark.parametrize("data", ["", "plain", "\x1b[?1049h\x1b[2J", "\x1b[3;4Hat", "\x1b]8;;x\x1b\\link"])
def test_what_has_no_style_goes_through(data):
    assert minimize_ansi(data) == data
