import numpy as np
import pytest

from tms_tui.abilities import (
    TRUECOLOR,
    can_encode,
    cannot_be_drawn_on,
    characters_of,
    colors_of,
    known_colors,
)
from tms_tui.drawing.few_colors import feature_palette, of_16
from tms_tui.terminal.limits import within


@pytest.mark.parametrize(
    ("environment", "at_start", "mode"),
    [
        ({}, None, "braille"),
        ({"LANG": "en_US.UTF-8"}, None, "braille"),
        ({"LANG": "C.utf8"}, None, "braille"),
        ({"LC_CTYPE": "UTF-8"}, None, "braille"),
        ({"LANG": "C"}, None, "ascii"),
        ({"LANG": "de_DE@euro"}, None, "ascii"),
        ({"LC_ALL": "de_DE.ISO-8859-1", "LANG": "en_US.UTF-8"}, None, "ascii"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, None, "ascii"),
        ({"LANG": "en_US.UTF-8", "LC_CTYPE": "POSIX"}, None, "ascii"),
        ({"LANG": "C", "LC_CTYPE": "en_US.UTF-8"}, None, "braille"),
        ({"LC_ALL": "", "LANG": "C.UTF-8"}, None, "braille"),
        # Python has put C.UTF-8 in the place of nothing, of LANG=C, of LC_CTYPE=C; or the user has set it.
        ({"LC_CTYPE": "C.UTF-8"}, {}, "braille"),
        ({"LC_CTYPE": "C.UTF-8"}, None, "braille"),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, {"LANG": "C"}, "ascii"),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, None, "ascii"),
        ({"LANG": "de_DE.UTF-8", "LC_CTYPE": "C.UTF-8"}, {"LC_CTYPE": "C", "LANG": "de_DE.UTF-8"}, "ascii"),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, {"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "braille"),
        ({"TERM": "linux", "LANG": "en_US.UTF-8"}, None, "ascii"),
        ({"TERM": "vt100", "LANG": "en_US.UTF-8"}, None, "ascii"),
    ],
)
def test_the_environment_says_which_characters_the_terminal_shows(environment, at_start, mode):
    assert characters_of(environment, at_start).mode == mode


@pytest.mark.parametrize(
    ("environment", "colors"),
    [
        ({"TERM": "xterm-256color"}, 256),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, TRUECOLOR),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, 2),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, 256),
        ({"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": "standard"}, 16),
        ({"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": "nonsense"}, 256),
        ({"TERM": "rxvt-16color"}, 16),
        ({"TERM": "xterm-mono"}, 2),
        ({"TERM": "vt220"}, 2),
    ],
)
def test_the_environment_says_how_many_colours_there_are(environment, colors):
    assert colors_of(environment) == colors


def test_a_stream_that_cannot_encode_braille_is_told_from_one_that_can():
    assert [can_encode(name) for name in ("utf-8", "ascii", "latin-1", None, "nonsense")] == [True] + [
        False
    ] * 4
    assert cannot_be_drawn_on({"TERM": "dumb"})
    assert not cannot_be_drawn_on({})


def test_a_terminal_of_8_colours_gets_their_codes_and_one_without_gets_none():
    written = "\x1b[1;91;100mA\x1b[0m \x1b[90mB\x1b[7;38;2;1;2;3mC\x1b[0m"
    assert within(written, 16, False) == written
    assert within(written, 8, False) == "\x1b[1;1;31;40mA\x1b[0m \x1b[37mB\x1b[7mC\x1b[0m"
    assert within(written, 2, False) == "\x1b[1mA\x1b[0m B\x1b[7mC\x1b[0m"


def test_in_ascii_nothing_else_is_written_and_the_width_stays():
    assert within("\x1b[31m日é\u0301─x", TRUECOLOR, True) == "\x1b[31m????x"


def test_with_16_colours_a_hue_stays_whatever_its_depth_and_features_differ():
    palette = (255 * feature_palette()).astype(np.uint8)
    assert len({tuple(color) for color in palette.tolist()}) == 12
    assert np.array_equal(of_16(palette), palette)
    for share in (0.5, 0.7, 0.9):  # faded towards black
        faded = of_16((palette[:6] * share).astype(np.uint8))
        for color, bright, dark in zip(
            faded.tolist(), palette[:6].tolist(), palette[6:].tolist(), strict=True
        ):
            assert color in (bright, dark)
    assert of_16(np.array([[0, 0, 0], [120, 122, 121], [250, 255, 251]], np.uint8)).tolist() == [
        [0, 0, 0],
        [170, 170, 170],
        [255, 255, 255],
    ]


def test_what_decided_is_told():
    utf8 = {"LANG": "C.UTF-8"}
    assert characters_of(utf8 | {"TERM": "linux"}).because == "for TERM is linux, a terminal without braille"
    assert characters_of(utf8 | {"TERM": "xterm"}).because == "for LANG is C.UTF-8"
    assert characters_of({"TERM": "xterm"}).because == "for no locale is set"
    assert known_colors({"TERM": "xterm-256color"}).because == "for TERM is xterm-256color"
    assert known_colors({"TERM": "xterm", "COLORTERM": "24bit"}).because == "for COLORTERM is 24bit"
    assert known_colors({"TERM": "xterm", "NO_COLOR": "1"}).because == "for NO_COLOR is set"
