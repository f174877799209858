"""What terminals send, byte by byte: any bytes, and the ways in which they write a key."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tms_tui import compat
from tms_tui.terminal.keyboard import Answer, CellSize, Focus, Key, Keyboard, KeyNames, Mode, Mouse, Paste

NAMES = KeyNames(compat.key_of_character, compat.keys_of_sequence, compat.functional_key)


def tokens(data: bytes) -> list[object]:
    """All tokens of these bytes, and of what is left when nothing more comes."""
    keys = Keyboard(NAMES)
    return [*keys.feed(data, 0.0), *keys.tick(1.0), *keys.tick(3.0)]


@pytest.mark.parametrize(
    ("sequence", "name", "character"),
    [
        ("a", "a", "a"), ("R", "R", "R"), ("?", "question_mark", "?"), ("é", "é", "é"), (" ", "space", " "),
        ("\r", "enter", "\r"), ("\x7f", "backspace", "\x7f"), ("\x1a", "ctrl+z", "\x1a"),
        ("\x1b", "escape", "\x1b"), ("\x1ba", "alt+a", None), ("\x1bA", "alt+shift+a", None),
        ("\x1b[A", "up", None), ("\x1bOA", "up", None), ("\x1b[1;5C", "ctrl+right", None),
        ("\x1b[[A", "f1", None), ("\x1b[Z", "shift+tab", None), ("\x1b[5~", "pageup", None),
        # CSI u: the shifted key with its own code, with a sub-field, with its text; and other ways.
        ("\x1b[114;2u", "R", "R"), ("\x1b[82;2u", "R", "R"), ("\x1b[97:65;2u", "A", "A"),
        ("\x1b[97;1;97u", "a", "a"), ("\x1b[97:65:97;2:1;65u", "A", "A"), ("\x1b[97;1:2u", "a", "a"),
        ("\x1b[47:63;2;63u", "question_mark", "?"), ("\x1b[63;2u", "question_mark", "?"),
        ("\x1b[99;5u", "ctrl+c", None), ("\x1b[114;6u", "ctrl+shift+r", None), ("\x1b[13u", "enter", "\r"),
        ("\x1b[27;5;99~", "ctrl+c", None), ("\x1b[27;2;82~", "R", "R"), ("\x1b[1;1:1A", "up", None),
        ("\x1b[3;5~", "ctrl+delete", None), ("\x1b[32;2u", "space", " "), ("\x1b[97;129u", "a", "a"),
    ],
)  # fmt: skip
def test_a_key_is_the_key_however_it_is_written(sequence, name, character):
    assert tokens(sequence.encode()) == [Key(name, character)]


@pytest.mark.parametrize(
    "sequence",
    [
        b"\x1b[97;1:3u", b"\x1b[99999999999999u", b"\x1b[1114112u", b"\x1b[55296u", b"\x1b[0u",
        b"\x1b[48;99999;99999;9;9t", b"\x1b[?9999999999$y", b"\x1b[<0;0;0M", b"\x1b[<0;99999999;1M",
        b"\x1b[<1M", b"\x1b[M\x00\x00\x00", b"\xff\xfe", b"\xe9", b"\xc3", b"\x1b[24;80R", b"\x1b[?1;2c",
        b"\x1b]11;rgb:0/0/0\x07", b"\x1b]52;c;" + b"A" * 9000 + b"\x1b\\", b"\x1bP1$r0m\x1b\\",
        b"\x1b[" + b"1;" * 4000 + b"u", b"\x1b[97;\xb2u", b"\x1b[1;2;3;4;5;6u", b"\x1b[57999u",
        b"\x1b[<0;-1;5M",
    ],
)  # fmt: skip
def test_what_cannot_be_a_key_is_none(sequence):
    assert [t for t in tokens(sequence) if not isinstance(t, Mouse)] == []


def test_a_sequence_that_never_ends_hides_none_that_follows():
    keys = Keyboard(NAMES)
    assert keys.feed(b"\x1b[" * 2000, 0.0) == []
    keys.tick(0.2)
    assert keys.feed(b"q", 0.3) == [Key("q", "q")]
    for begun in (b"\x1b]0;", b"\x1bP", b"\x1b[12;", b"\xe2\x82", b"\x1bO"):
        keys.feed(begun, 1.0)
        keys.tick(1.2)
        assert keys.feed(b"q", 1.3) == [Key("q", "q")]


def test_a_paste_is_one_whatever_is_in_it_and_ends_without_its_end():
    assert tokens(b"\x1b[200~a\xe9\x1b[Ab\x00\x1b[201~c") == [Paste("a\x1b[Ab"), Key("c", "c")]
    assert tokens(b"\x1b[200~abc") == [Paste("abc")]
    keys = Keyboard(NAMES)
    assert keys.feed(b"\x1b[200~abc\x1b[20", 0.0) == []
    assert keys.feed(b"1~", 0.01) == [Paste("abc")]


def test_mouse_focus_and_answers():
    assert tokens(b"\x1b[<35;5;7M\x1b[<0;5;7m\x1b[I\x1b[O\x1b[0n\x1b[?2026;2$y") == [
        Mouse(35, 4, 6, False), Mouse(0, 4, 6, True), Focus(True), Focus(False), Answer(), Mode(2026, 2),
    ]  # fmt: skip
    # Pixels of a cell: height and width. And other reports of windows, which nobody asked for.
    assert tokens(b"\x1b[6;18;9t\x1b[6;18t\x1b[6;1;2;3t\x1b[4;600;800t") == [CellSize(18, 9)]
    # Beyond column 95 old reports are no UTF-8.
    assert tokens(b"\x1b[M\x20\xc1\x21\x1b[M\x23\xc1\x21") == [
        Mouse(0, 160, 0, False),
        Mouse(3, 160, 0, True),
    ]


@settings(deadline=None)
@given(st.binary(max_size=200), st.lists(st.integers(1, 20), max_size=30))
def test_any_bytes_in_any_pieces_are_tokens(data, sizes):
    whole, at = Keyboard(NAMES), 0
    pieces = Keyboard(NAMES)
    found: list[object] = []
    for size in sizes:
        found += pieces.feed(data[at : at + size], 0.0)
        at += size
    found += pieces.feed(data[at:], 0.0)

    def text(tokens: list[object]) -> list[object]:
        return [t for t in tokens if not isinstance(t, Paste)]

    assert text(found) == text(list(whole.feed(data, 0.0)))
    pieces.tick(1.0)
    pieces.tick(2.0)
    assert pieces.wait(3.0) is None
