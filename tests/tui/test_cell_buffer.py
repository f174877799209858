"""The difference between two screens: what is sent is held to what Textual wrote, on an emulated terminal."""

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tms_tui.terminal.cell_buffer import CellBuffer, Shown, Styles

ROWS, COLUMNS = 4, 12

COLORS = st.sampled_from(["31", "97", "38;5;17", "38;5;203", "38;2;1;2;3", "38;2;200;0;40"])
GROUNDS = st.sampled_from(["44", "103", "48;5;17", "48;2;15;17;23", "48;2;9;9;9"])
ATTRIBUTES = st.sampled_from(["1", "3", "4", "7", "9", "1;4"])
# As rich writes styles: attributes, colour, background, each of them or not.
STYLES = st.tuples(*(st.just("") | codes for codes in (ATTRIBUTES, COLORS, GROUNDS))).map(
    lambda codes: ";".join(filter(None, codes))
)
# Characters of two cells are not cut by others here: the emulated terminal shows halves, where real ones show
# blanks.
NARROW = st.tuples(
    st.tuples(st.integers(1, ROWS - 1), st.integers(1, 5)).map(lambda at: f"\x1b[{at[0]};{at[1]}H"),
    STYLES,
    st.sampled_from(["a", "⣿⡇", "   ", " b ", "", "e\u0301", "model 3H"]),
)
WIDE = st.tuples(
    st.just(f"\x1b[{ROWS};1H"), STYLES, st.sampled_from(["漢字ab漢字    ", "漢    字 e\u0301f ", " " * 12])
)
FRAMES = st.lists(NARROW | WIDE, max_size=12)


def written(frame: list[tuple[str, str, str]]) -> str:
    return "".join(
        f"{place}\x1b[{style}m{text}\x1b[0m" if style else place + text for place, style, text in frame
    )


def terminal(columns: int = COLUMNS, rows: int = ROWS) -> tuple[pyte.Screen, pyte.Stream]:
    screen = pyte.Screen(columns, rows)
    screen.reset_mode(pyte.modes.DECAWM)
    return screen, pyte.Stream(screen)


def seen(screen: pyte.Screen) -> list[tuple[object, ...]]:
    """All that can be seen: a blank has a background, and lines through and under it, but no colour."""
    cells = [screen.buffer[y][x] for y in range(ROWS) for x in range(COLUMNS)]
    return [
        (c.data, c.bg, c.reverse, c.underscore, c.strikethrough)
        + ((c.fg,) if c.data != " " or c.reverse or c.underscore or c.strikethrough else ())
        + ((c.bold, c.italics) if c.data != " " else ())
        for c in cells
    ]


@settings(deadline=None)
@given(st.lists(FRAMES, max_size=4), st.none() | st.just(0))
def test_the_picture_is_that_of_all_that_was_written(frames, budget):
    styles = Styles()
    wanted, shown = CellBuffer(COLUMNS, ROWS, styles), Shown(COLUMNS, ROWS, styles, is_clear=True)
    (ours, feed), (theirs, feed_all) = terminal(), terminal()
    for frame in frames:
        assert wanted.write(written(frame)) == ""
        piece = shown.follow(wanted, budget)
        while piece.data and not piece.whole:  # in pieces of a run each
            feed.feed(piece.data)
            piece = shown.follow(wanted, budget)
        feed.feed(piece.data)
        feed_all.feed(written(frame))
        assert seen(ours) == seen(theirs)
        assert shown.follow(wanted).data == ""  # there is nothing left to send


@settings(deadline=None)
@given(FRAMES, FRAMES)
def test_frames_that_are_left_out_leave_no_trace(first, second):
    styles = Styles()
    wanted, shown = CellBuffer(COLUMNS, ROWS, styles), Shown(COLUMNS, ROWS, styles, is_clear=False)
    (ours, feed), (theirs, feed_all) = terminal(), terminal()
    feed.feed("\x1b[31mwhat was there\x1b[0m")
    wanted.write(written(first))
    wanted.write(written(second))
    feed.feed(shown.follow(wanted).data)
    feed_all.feed(written(first + second))
    assert seen(ours) == seen(theirs)


def buffers(columns: int = COLUMNS, rows: int = ROWS) -> tuple[CellBuffer, Shown]:
    styles = Styles()
    return CellBuffer(columns, rows, styles), Shown(columns, rows, styles, is_clear=True)


def test_only_what_differs_is_sent():
    wanted, shown = buffers(40)
    wanted.write("\x1b[2;1H\x1b[38;2;1;2;3mthe loss is 0.00512\x1b[0m")
    shown.follow(wanted)
    wanted.write("\x1b[2;1H\x1b[38;2;1;2;3mthe loss is 0.00498\x1b[0m")
    assert shown.follow(wanted).data == "\x1b[2;17H\x1b[38;2;1;2;3m498\x1b[0m"


def test_a_blank_of_another_colour_is_no_difference():
    wanted, shown = buffers()
    wanted.write("\x1b[38;2;1;2;3m   \x1b[0m\x1b[1;1H")
    shown.follow(wanted)
    wanted.write("\x1b[38;2;9;9;9m   \x1b[0m\x1b[1;1H")
    assert shown.follow(wanted).data == ""


def test_what_was_still_for_longest_comes_first_where_not_all_fits():
    wanted, shown = buffers(80, 30)
    for number in range(5):  # an animation in the first rows
        wanted.write("".join(f"\x1b[{row};1H{number}" + f"{'+-'[number % 2]}=" * 30 for row in range(1, 21)))
        while not shown.follow(wanted, 300).whole:
            pass
    wanted.write("".join(f"\x1b[{row};1H" + "#." * 30 for row in range(1, 21)))
    wanted.write("\x1b[25;10Hanswer")
    piece = shown.follow(wanted, 300)
    assert not piece.whole
    assert piece.data.startswith("\x1b[25;10Hanswer")


def test_words_come_before_pictures_where_not_all_fits():
    """Also within one row: here each cell of the screen differs."""
    wanted, shown = buffers(96, 30)
    picture = "".join(f"\x1b[38;5;{i}m⣿" for i in range(100, 148))
    wanted.write("".join(f"\x1b[{row};1H{picture}\x1b[0m  " + "─" * 20 for row in range(1, 30)))
    wanted.write("\x1b[30;1H\x1b[1mspace\x1b[0m pause\x1b[1;90H●")
    piece = shown.follow(wanted, 200)
    assert not piece.whole
    assert "space" in piece.data
    assert "●" in piece.data
    assert "⣿" not in piece.data


@pytest.mark.parametrize("column", range(20, 40))
def test_a_word_is_sent_whole(column):
    """Its sign and its first letter, cut off from the rest, came seconds later."""
    wanted, shown = buffers(96, 30)
    picture = "".join(f"\x1b[38;5;{i}m⣿" for i in range(100, 190))
    wanted.write("".join(f"\x1b[{row};1H{picture}" for row in range(1, 30)))
    wanted.write(f"\x1b[30;{column}H\x1b[31m● \x1b[1mtraining\x1b[0m")
    screen, stream = terminal(96, 30)
    stream.feed(shown.follow(wanted, 200).data)
    assert screen.display[29].strip() == "● training"


def test_what_is_no_text_is_passed_on_and_links_are_left_out():
    wanted, _ = buffers()
    assert wanted.write("\x07\x1b]52;c;YQ==\x07a\x1b[2 qb\x1b]8;;http://x\x1b\\c\x1b]8;;\x1b\\") == (
        "\x07\x1b]52;c;YQ==\x07\x1b[2 q"
    )
    assert "".join(map(chr, wanted.texts[:3])) == "abc"


@pytest.mark.parametrize("text", ["\x85", "\x9b31m", "\ud800"])
def test_controls_in_a_text_do_not_reach_the_terminal(text):
    wanted, shown = buffers()
    wanted.write(text)
    assert not set(text[:1]) & set(shown.follow(wanted).data)


def test_after_a_character_whose_width_terminals_differ_about_the_place_is_said_again():
    wanted, shown = buffers()
    wanted.write("漢ab")
    assert shown.follow(wanted).data.startswith("\x1b[H漢\x1b[1;3Hab")


def test_few_colors_are_those_of_the_palette():
    wanted, shown = buffers()
    wanted.write("\x1b[38;2;255;0;0;48;2;8;8;8ma\x1b[0m")
    assert "\x1b[38;5;196;48;5;232ma" in shown.follow(wanted, few_colors=True).data


def test_shades_that_are_one_of_the_few_colors_are_no_difference():
    wanted, shown = buffers()
    wanted.write("\x1b[38;2;250;0;0ma\x1b[0m\x1b[38;2;255;0;0mb\x1b[0m\x1b[1;1H")
    assert "ab" in shown.follow(wanted, few_colors=True).data
    wanted.write("\x1b[38;2;252;1;0mab\x1b[0m\x1b[1;1H")
    assert shown.follow(wanted, few_colors=True).data == ""
    assert "38;2;252;1;0" in shown.follow(wanted).data  # all colours again


def test_another_table_of_styles_changes_nothing():
    wanted, shown = buffers()
    wanted.write("\x1b[31mae\u0301\x1b[0mb")
    shown.follow(wanted)
    styles = Styles()
    wanted = wanted.with_styles(styles)
    shown.use_styles(styles)
    assert shown.follow(wanted).data == ""
    assert len(styles.codes) == 2
    wanted.write("\x1b[1;1H\x1b[32mx\x1b[0m")
    assert "\x1b[32mx" in shown.follow(wanted).data


def test_another_size_keeps_what_fits():
    wanted, _ = buffers()
    wanted.write("\x1b[1;1Habc\x1b[4;1Hd")
    smaller = wanted.resized(2, 3)
    assert "".join(map(chr, smaller.texts)) == "ab" + " " * 4
