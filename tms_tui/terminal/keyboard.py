"""What a terminal sends, byte by byte, as keys, mouse, pastes and answers. Nothing that it may send is an
error.

Bytes are no text: a paste in Latin-1 and a mouse report of old terminals are not UTF-8. Numbers are bounded,
a sequence that never ends is dropped after a tenth of a second, and what is not understood is ignored.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

_ESC = 0x1B
# Seconds after which an ESC that stands alone was the key, and a sequence that has begun is dropped.
# Terminals send a sequence in one piece.
_ESCAPE_DELAY = 0.06
# The same for a paste of which nothing more comes; and the most of one that is kept, in characters.
_PASTE_DELAY = 0.25
_LONGEST_PASTE = 1 << 20
# The longest sequence of keys, mouse and answers; and of strings (titles, colours, clipboards).
_LONGEST, _LONGEST_STRING = 64, 1 << 16
_LARGEST_NUMBER = 0x10FFFF
# Beyond all screens: cells.
_FARTHEST = 10_000


class Key(NamedTuple):
    """A key, by Textual's name, and the character that it writes."""

    name: str
    character: str | None


class Mouse(NamedTuple):
    """A report: the button and modifiers as SGR encodes them, and the cell from 0."""

    buttons: int
    x: int
    y: int
    released: bool


class Paste(NamedTuple):
    """Text that was pasted."""

    text: str


class Focus(NamedTuple):
    """The terminal has got or lost the focus."""

    has: bool


class Answer(NamedTuple):
    """The terminal has shown all that came before a question."""


class Mode(NamedTuple):
    """What a terminal says of a private mode: 0 is unknown to it."""

    number: int
    setting: int


class CellSize(NamedTuple):
    """What a terminal says of its cells, in pixels."""

    height: int
    width: int


Token = Key | Mouse | Paste | Focus | Answer | Mode | CellSize


class KeyNames(NamedTuple):
    """Textual's names: of a character; of the keys of a sequence, or the character that it stands for
    (none: to be ignored; None: not known); of kitty's functional keys, by number and final character.
    """

    character: Callable[[str], str]
    sequence: Callable[[str], tuple[str, ...] | str | None]
    functional: Callable[[str], str | None]


class Keyboard:
    """Makes tokens of bytes. Whatever is incomplete waits for the rest until `wait` seconds have passed."""

    def __init__(self, names: KeyNames) -> None:
        self._names = names
        self._held = b""  # a sequence that has begun
        self._paste: list[str] | None = None  # text of a paste that has begun
        self._since = 0.0  # time of the last byte

    def wait(self, now: float) -> float | None:
        """Seconds until `tick` has something to say; None: never."""
        if not self._held and self._paste is None:
            return None
        delay = _ESCAPE_DELAY if self._held else _PASTE_DELAY
        return max(0.0, self._since + delay - now)

    def tick(self, now: float) -> list[Token]:
        """Tokens of what has waited too long."""
        if self.wait(now) != 0.0:
            return []
        held, self._held = self._held, b""
        if self._paste is not None:
            return self._end_paste() if not held else []
        if held == b"\x1b":
            return [Key("escape", "\x1b")]
        if len(held) == 2 and held[0] == _ESC:
            return [self._alt(chr(held[1]))]
        return []

    def feed(self, data: bytes, now: float) -> list[Token]:
        """Tokens of what has come."""
        self._since = now
        data, self._held = self._held + data, b""
        tokens: list[Token] = []
        at = 0
        while at < len(data):
            if self._paste is not None:
                at = self._in_paste(data, at, tokens)
            elif data[at] == _ESC:
                at = self._sequence(data, at, tokens)
            else:
                at = self._text(data, at, tokens)
            if at < 0:
                break
        return tokens

    def _hold(self, data: bytes) -> int:
        """Wait for the rest of what begins here."""
        self._held = data
        return -1

    # Text.

    def _text(self, data: bytes, at: int, tokens: list[Token]) -> int:
        size = _utf8_size(data[at])
        if size > 1 and at + size > len(data) and all(0x80 <= byte < 0xC0 for byte in data[at + 1 :]):
            return self._hold(data[at:])
        try:
            character = data[at : at + size].decode()
        except UnicodeDecodeError:
            return at + 1
        tokens += self._typed(character)
        return at + size

    def _typed(self, character: str) -> list[Key]:
        known = self._known(character, character)
        return [Key(self._names.character(character), character)] if known is None else known

    def _alt(self, character: str) -> Key:
        name = self._names.character(character)
        shifted = len(name) == 1 and name.isupper()
        return Key(f"alt+shift+{name.lower()}" if shifted else f"alt+{name}", None)

    def _in_paste(self, data: bytes, at: int, tokens: list[Token]) -> int:
        assert self._paste is not None
        end = data.find(b"\x1b[201~", at)
        stop = end if end >= 0 else len(data)
        if end < 0:  # the end of it may have begun
            tail = data[max(at, len(data) - 5) :]
            begun = next((i for i in range(len(tail)) if b"\x1b[201~".startswith(tail[i:])), None)
            stop = len(data) - len(tail) + begun if begun is not None else len(data)
        if sum(map(len, self._paste)) < _LONGEST_PASTE:
            self._paste.append(data[at:stop].decode(errors="ignore"))
        if end >= 0:
            tokens += self._end_paste()
            return end + 6
        return self._hold(data[stop:]) if stop < len(data) else stop

    def _end_paste(self) -> list[Token]:
        text, self._paste = "".join(self._paste or ()), None
        return [Paste(text.replace("\x00", ""))]

    # Sequences.

    def _sequence(self, data: bytes, at: int, tokens: list[Token]) -> int:
        if at + 1 == len(data):
            return self._hold(data[at:])
        second = data[at + 1]
        if second == _ESC:
            tokens.append(Key("escape", "\x1b"))
            return at + 1
        if second == ord("["):
            return self._csi(data, at, tokens)
        if second == ord("O"):
            if at + 2 == len(data):
                return self._hold(data[at:])
            known = self._known(_ascii(data[at : at + 3]))
            tokens += known or ()
            return at + 3 if known is not None else at + 2
        if second in b"]P_^X":
            return self._string(data, at)
        if second < 0x80:
            known = self._known(_ascii(data[at : at + 2]))
            tokens += [self._alt(chr(second))] if known is None else known
            return at + 2
        return at + 1

    def _string(self, data: bytes, at: int) -> int:
        """A title, a colour, a clipboard: nothing of it is used."""
        for end in range(at + 2, min(len(data), at + _LONGEST_STRING)):
            if data[end] in (0x07, 0x18, 0x1A):
                return end + 1
            if data[end] == _ESC:
                if end + 1 == len(data):
                    return self._hold(data[at:])
                return end + 2 if data[end + 1] == ord("\\") else end
        return self._hold(data[at:]) if len(data) - at < _LONGEST_STRING else len(data)

    def _csi(self, data: bytes, at: int, tokens: list[Token]) -> int:
        end = at + 2
        if data[end : end + 1] == b"[":  # function keys of the Linux console
            end += 1
        while end < len(data) and (0x20 <= data[end] < 0x40 or data[end] >= 0x80):
            end += 1
        if end == len(data):
            return self._hold(data[at:]) if end - at <= _LONGEST else end
        if not 0x40 <= data[end] < 0x7F:
            return end if data[end] == _ESC else end + 1
        if data[at + 2 : end + 1] == b"M":  # three bytes follow, which may be any
            if end + 4 > len(data):
                return self._hold(data[at:])
            tokens += _old_mouse(data[end + 1 : end + 4])
            return end + 4
        if end - at < _LONGEST:
            tokens += self._meaning(data[at : end + 1])
        return end + 1

    def _meaning(self, sequence: bytes) -> list[Token]:
        body, final = _ascii(sequence[2:-1]), chr(sequence[-1])
        if final in "Mm":
            return _mouse(body, final)
        if final == "n":
            return [Answer()] if body == "0" else []
        if body == "" and final in "IO":
            return [Focus(final == "I")]
        if body == "200" and final == "~":
            self._paste = []
            return []
        if final == "y" and body.startswith("?") and body.endswith("$"):
            numbers = _numbers(body[1:-1])
            return [Mode(*numbers)] if numbers is not None and len(numbers) == 2 else []
        if final == "t" and body.startswith("6;"):
            numbers = _numbers(body[2:])
            return [CellSize(*numbers)] if numbers is not None and len(numbers) == 2 else []
        known = self._known(_ascii(sequence))
        return list(self._modern(body, final)) if known is None else list(known)

    def _known(self, sequence: str, character: str | None = None) -> list[Key] | None:
        """The keys of a sequence that Textual's table has."""
        names = self._names.sequence(sequence)
        if isinstance(names, str):
            return [Key(self._names.character(names), names)] if names else []
        return None if names is None else [Key(name, character) for name in names]

    def _modern(self, body: str, final: str) -> Iterator[Key]:
        """CSI code:shifted:base ; modifiers:event ; text u, as kitty and others send; and xterm's 27 ; m ;
        code ~.
        """
        fields = [_numbers(field.replace(":", ";")) for field in body.split(";")]
        if final not in "u~ABCDEFHPQRS" or len(fields) > 3 or any(field is None for field in fields):
            return
        code, modifiers, text = [*(field or [] for field in fields), [], [], []][:3]
        if final == "~" and code[:1] == [27] and text:
            code, text, final = text, [], "u"
        if modifiers[1:2] == [3]:  # the key was let go
            return
        number = code[0] if code and code[0] else 1
        bits = (modifiers[0] if modifiers and modifiers[0] else 1) - 1
        functional = self._names.functional(f"{number}{final}")
        if functional is not None:
            plain = {"enter": "\r", "tab": "\t", "backspace": "\x7f", "escape": "\x1b"}
            character = plain.get(functional) if not bits & 0x3F else None
            yield Key("+".join((*_modifiers(bits), functional)), character)
            return
        if final != "u":
            return
        characters = "".join(filter(None, (_character(n) for n in text if n)))
        for character in characters:
            yield Key("+".join((*_modifiers(bits & ~3), self._names.character(character))), character)
        typed = _character(number)
        if characters or typed is None:
            return
        if bits & 1:
            shifted = _character(code[1]) if len(code) > 1 and code[1] else typed.upper()
            if shifted and len(shifted) == 1 and shifted != typed.lower():
                typed, bits = shifted, bits & ~1 if not bits & 0x3E else bits
            elif not typed.isalnum():
                bits &= ~1  # the code was that of the shifted key
        name = self._names.character(typed.lower() if bits & 0x3E else typed)
        yield Key("+".join((*_modifiers(bits), name)), None if bits & 0x3F else typed)


def _ascii(data: bytes) -> str:
    return data.decode("ascii", "replace")


def _modifiers(bits: int) -> list[str]:
    """Names of modifiers, in Textual's order. Caps lock and num lock are none."""
    names = ("shift", "alt", "ctrl", "super", "hyper", "meta")
    return sorted(name for i, name in enumerate(names) if bits >> i & 1)


def _character(code: int) -> str | None:
    """A code point that can be typed: no control, no half of one, none of private use (kitty's other
    keys).
    """
    if code < 32 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xF900 or code > 0x10FFFF:
        return None
    return chr(code)


def _numbers(text: str) -> list[int] | None:
    """Numbers between semicolons, an absent one as 0; None if something else is there, or a number is too
    large.
    """
    fields = text.split(";")
    if any(len(field) > 7 or (field and not (field.isascii() and field.isdecimal())) for field in fields):
        return None
    numbers = [int(field or 0) for field in fields]
    return numbers if max(numbers) <= _LARGEST_NUMBER else None


def _mouse(body: str, final: str) -> list[Token]:
    """SGR's report, "<buttons;x;y", or urxvt's, without "<" and with 32 added to the buttons."""
    sgr = body.startswith("<")
    numbers = _numbers(body.removeprefix("<"))
    if numbers is None or len(numbers) != 3:
        return []
    buttons, x, y = numbers if sgr else (numbers[0] - 32, *numbers[1:])
    if not (0 <= buttons < 128 and 1 <= x <= _FARTHEST and 1 <= y <= _FARTHEST):
        return []
    released = final == "m" if sgr else buttons & 3 == 3 and buttons < 32
    return [Mouse(buttons, x - 1, y - 1, released)]


def _old_mouse(report: bytes) -> list[Token]:
    """X10's report: three bytes, each with 32 added."""
    buttons, x, y = (byte - 32 for byte in report)
    if not (0 <= buttons < 128 and x >= 1 and y >= 1):
        return []
    return [Mouse(buttons, x - 1, y - 1, buttons & 3 == 3 and buttons < 32)]


def _utf8_size(byte: int) -> int:
    """Bytes of a character that begins so; 1 for what begins none."""
    return 1 if byte < 0xC2 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4 if byte < 0xF5 else 1
