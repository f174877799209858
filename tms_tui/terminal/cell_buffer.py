"""CellBuffer: what is on a terminal's screen, cell by cell; and the shortest way from one screen to another.

Textual writes whole regions. Their cells are kept here, and only those that differ from what the terminal
shows are sent. So frames need no queue: whatever was drawn since, the next frame is the difference to the
newest.
"""

import re
import unicodedata
from collections.abc import Iterable
from copy import copy
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from rich.cells import cell_len

# In turns: a style (SGR), a place, a new line, text, a link (left out), any other sequence or control.
_TOKEN = re.compile(
    "\x1b\\[([0-9;]*)m"
    "|\x1b\\[([0-9;]*)H"
    "|([\r\n])"
    "|([^\x00-\x1f\x7f]+)"
    "|\x1b\\]8;.*?(?:\x1b\\\\|\x07)"
    "|(\x1b\\].*?(?:\x1b\\\\|\x07)|\x1b\\[[0-?]*[ -/]*[@-~]|\x1b.?|[\x00-\x1f\x7f])",
    re.DOTALL,
)
_STYLE, _PLACE, _LINE, _TEXT, _OTHER = 1, 2, 3, 4, 5

# Characters that take one cell in every terminal: Latin, Greek, punctuation, arrows, operators, boxes,
# blocks, shapes, braille.
_ONE_CELL = re.compile(
    "[ -~\xa0-\xac\xae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u03ff\u2010-\u2027\u2030-\u205e\u2070-\u209c"
    "\u2190-\u22ff\u2500-\u25fc\u25ff\u2800-\u28ff]*"
)

# What is in a cell is a code point, or one of these, or from _CLUSTERS on the number of a cluster of them.
_BLANK = ord(" ")
_COVERED = 0  # the second cell of a character that takes two
_UNKNOWN = 1  # nothing is known of it
_CLUSTERS = 0x110000

# Columns whose age is kept together: of what does not fit into a piece, the oldest is sent first.
_BLOCK = 8

# Cells a style where there are few; and columns after which a run of cells may be cut, to send a part of it
# first.
_PLAIN, _CUT = 3, 16
# A word or number; anything but blanks, boxes, blocks and braille; and braille.
_PICTURE = re.compile("[\\u2800-\\u28ff]")
_WORD, _SIGN = re.compile("[A-Za-z0-9]{2}"), re.compile("[^\\s\\u2500-\\u259f\\u2800-\\u28ff]")

# So many cells that have not changed are rather sent again than jumped over.
_BRIDGE = 4

# Styles and clusters that are known at once; a turning space makes new shades for ever.
_MOST_STYLES = 1 << 15


class Styles:
    """Styles by number, and clusters of characters by number: one table for the screens that are compared."""

    def __init__(self) -> None:
        self.codes: list[str] = [""]  # SGR codes of a style; "" is the terminal's own
        self.clusters: list[str] = []
        self._number = {"": 0, "0": 0}
        self._blanks = np.zeros(
            1, np.int32
        )  # of each style, the number that all have that look so on a blank
        self._blank_number: dict[_Style, int] = {}
        self._few = np.zeros(1, np.int32)  # of each style, the number of that in 256 colours

    def number(self, codes: str) -> int:
        """The number of a style."""
        found = self._number.get(codes)
        if found is None:
            found = self._number[codes] = len(self.codes)
            self.codes.append(codes)
        return found

    def known(self, codes: str) -> int | None:
        return self._number.get(codes)

    def cluster(self, text: str) -> int:
        """The number, as in a cell, of several code points."""
        if text not in self.clusters:
            self.clusters.append(text)
        return _CLUSTERS + self.clusters.index(text)

    def text(self, cell: int) -> str:
        """What is in a cell, as it is sent."""
        if cell >= _CLUSTERS:
            return self.clusters[cell - _CLUSTERS]
        return "" if cell == _COVERED else " " if cell == _UNKNOWN else chr(cell)

    def blanks(self) -> np.ndarray:
        """For each style a number: equal where blanks look the same."""
        new = self.codes[len(self._blanks) :]
        if new:
            numbers = [self._blank_number.setdefault(_blank(c), len(self._blank_number) + 1) for c in new]
            self._blanks = np.concatenate([self._blanks, np.array(numbers, np.int32)])
            self._blanks[0] = self._blank_number.get(_blank(""), 0)
        return self._blanks

    def in_256_colors(self) -> np.ndarray:
        """For each style the number of that with the nearest colours of the palette of 256."""
        while len(self._few) < len(self.codes):  # those in 256 colours may be new, and stay as they are
            new = self.codes[len(self._few) :]
            numbers = [self.number(_in_256_colors(codes)) for codes in new]
            self._few = np.concatenate([self._few, np.array(numbers, np.int32)])
        return self._few

    @property
    def is_full(self) -> bool:
        return len(self.codes) > _MOST_STYLES or len(self.clusters) > 1 << 10


class CellBuffer:
    """The cells of a screen, row after row: what is in each (`texts`), and its style (`codes`), as numbers.

    `cursor` is where the cursor is: (column, row).
    """

    def __init__(self, columns: int, rows: int, styles: Styles, blank: int = _BLANK) -> None:
        self.columns, self.rows, self.styles = columns, rows, styles
        self.texts = np.full(rows * columns, blank, np.uint32)
        self.codes = np.zeros(rows * columns, np.int32)
        self.cursor = (0, 0)

    def write(self, data: str) -> str:
        """Take in what an app writes; what of it is neither text, style nor place, to be passed on as it
        is.
        """
        known = self.styles.known
        style, others = "", list[str]()
        texts, lengths, numbers = list[str](), list[int](), list[int]()  # from the cursor on

        def put() -> None:
            if texts:
                self._put("".join(texts), lengths, numbers)
                for waiting in (texts, lengths, numbers):
                    waiting.clear()

        def take(data: str) -> None:
            """Take in anything."""
            nonlocal style
            for token in _TOKEN.finditer(data):
                kind = token.lastindex
                if kind == _TEXT:
                    texts.append(token[_TEXT])
                    lengths.append(len(token[_TEXT]))
                    numbers.append(self.styles.number(style))
                elif kind == _STYLE:
                    codes = token[_STYLE]
                    style = "" if codes in ("", "0") else f"{style};{codes}" if style else codes
                elif kind == _OTHER:
                    others.append(token[_OTHER])
                else:
                    put()
                    if kind == _PLACE:
                        line, _, column = token[_PLACE].partition(";")
                        self.cursor = (_number(column) - 1, _number(line) - 1)
                    elif kind == _LINE:
                        self.cursor = (0, self.cursor[1] + (token[_LINE] == "\n"))

        first, *parts = data.split("\x1b[")
        take(first)
        for part in parts:
            codes, ends, text = part.partition("m")
            number = known(codes) if ends else None
            if number is None or (style and number) or not (text.isprintable() or not text):
                line, semicolon, column = part[:-1].partition(";")
                if semicolon and part[-1] == "H" and line.isdecimal() and column.isdecimal():
                    put()
                    self.cursor = (_number(column) - 1, _number(line) - 1)
                else:
                    take("\x1b[" + part)
                continue
            style = codes if number else ""
            if text:
                texts.append(text)
                lengths.append(len(text))
                numbers.append(number)
        put()
        return "".join(others)

    def _put(self, text: str, lengths: list[int], numbers: list[int]) -> None:
        """Write text where the cursor is, so many characters each in so many styles."""
        x, y = self.cursor
        if not 0 <= y < self.rows:
            return
        styles = np.repeat(np.array(numbers, np.int32), lengths)
        if text.isascii() or _ONE_CELL.fullmatch(text):
            cells = np.frombuffer(text.encode("utf-32-le"), "<u4")
        else:
            cells, styles = self._cells(text, styles)
        end = min(x + len(cells), self.columns)
        self.cursor = (x + len(cells), y)
        if end <= x:
            return
        begin, end = y * self.columns + x, y * self.columns + end
        if self.texts[begin] == _COVERED:
            self.texts[begin - 1] = _BLANK
        if end % self.columns and self.texts[end] == _COVERED:
            self.texts[end] = _BLANK
        self.texts[begin:end] = cells[: end - begin]
        self.codes[begin:end] = styles[: end - begin]
        if end < begin + len(cells) and cells[end - begin] == _COVERED:  # half a character at the edge
            self.texts[end - 1] = _BLANK

    def _cells(self, text: str, styles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Characters that may take no cell or two, as cells."""
        cells, which = list[int](), list[int]()
        for i, character in enumerate(text):
            size = _size(character)
            if size:
                cells += [ord(_visible(character)), *[_COVERED] * (size - 1)]
                which += [i] * size
            elif cells:
                at = -2 if cells[-1] == _COVERED else -1
                cells[at] = self.styles.cluster(self.styles.text(cells[at]) + character)
        return np.array(cells, np.uint32), styles[which]

    def with_styles(self, styles: Styles) -> "CellBuffer":
        """The same cells, by the numbers of another table: one that has only the styles that are in use."""
        other = CellBuffer(self.columns, self.rows, styles)
        numbers, which = np.unique(self.codes, return_inverse=True)
        other.codes[:] = np.array([styles.number(self.styles.codes[n]) for n in numbers], np.int32)[which]
        other.texts[:] = self.texts
        for at in np.flatnonzero(self.texts >= _CLUSTERS):
            other.texts[at] = styles.cluster(self.styles.text(int(self.texts[at])))
        other.cursor = self.cursor
        return other

    def with_codes(self, numbers: np.ndarray) -> "CellBuffer":
        """The same cells, each in the style that its own stands for."""
        other = copy(self)
        other.codes = numbers[self.codes]
        return other

    def resized(self, columns: int, rows: int) -> "CellBuffer":
        """The same cells on a screen of another size."""
        other = CellBuffer(columns, rows, self.styles)
        for mine, theirs in ((self.texts, other.texts), (self.codes, other.codes)):
            kept = mine.reshape(self.rows, self.columns)[:rows, :columns]
            theirs.reshape(rows, columns)[: kept.shape[0], : kept.shape[1]] = kept
        return other

    def part(self, column: int, row: int, columns: int, rows: int) -> np.ndarray:
        """What is in some cells, texts and styles, to be compared."""
        here = slice(row, row + rows), slice(column, column + columns)
        both = (self.texts.reshape(self.rows, -1)[here], self.codes.reshape(self.rows, -1)[here])
        return np.stack([part.astype(np.int64) for part in both])


class Piece(NamedTuple):
    """What is sent at once."""

    data: str
    whole: bool  # whether the terminal then shows all that is wanted


class Shown:
    """What a terminal shows, and how long ago each part of it was sent."""

    def __init__(self, columns: int, rows: int, styles: Styles, *, is_clear: bool) -> None:
        """A screen that has been cleared, or one of which nothing is known."""
        self._buffer = CellBuffer(columns, rows, styles, _BLANK if is_clear else _UNKNOWN)
        self._buffer.cursor = (-1, -1)
        self._sent = np.zeros(rows * columns // _BLOCK + 1, np.int64)
        self._pieces = 0

    def use_styles(self, styles: Styles) -> None:
        """Take the numbers of another table."""
        self._buffer = self._buffer.with_styles(styles)

    def forget(self, column: int, row: int, columns: int, rows: int) -> None:
        """Something else has been drawn there: nothing is known of these cells."""
        here = self._buffer.texts.reshape(-1, self._buffer.columns)
        here[row : row + rows, column : column + columns] = _UNKNOWN

    def follow(self, wanted: CellBuffer, budget: int | None = None, few_colors: bool = False) -> Piece:
        """What makes the terminal show what is wanted; it is noted as shown. Both have the same size.

        With a budget, about so many bytes at most, in which text comes first, for it says the most in the
        fewest bytes, then what has few colours, then pictures; and of each what has been the same for
        longest: an answer before the animation. The rest is for the next piece.
        """
        self._pieces += 1
        if few_colors:  # before they are compared: most shades that differ are then the same
            wanted = wanted.with_codes(wanted.styles.in_256_colors())
        shown, columns = self._buffer, wanted.columns
        begins, ends = _runs(shown, wanted)
        chooses = budget is not None and int((ends - begins).sum()) > budget // 16
        if chooses:
            begins, ends = _cut(shown, wanted, begins, ends)
        segments = _segments(wanted, begins, ends)
        if chooses:
            order = np.lexsort((self._sent[begins // _BLOCK], [_rank(*segment) for segment in segments]))
            segments = [segments[i] for i in order]
        out, whole = _Out(wanted.styles.codes), True
        for begin, end, texts in segments:
            if budget is not None and out.size > budget:
                whole = False
                break
            out.move(begin % columns, begin // columns)
            for text, style, cells in texts:
                out.text(text, style, cells)
            if end % columns == 0:
                out.forget()
            shown.texts[begin:end] = wanted.texts[begin:end]
            shown.codes[begin:end] = wanted.codes[begin:end]
            self._sent[begin // _BLOCK : (end - 1) // _BLOCK + 1] = self._pieces
        if out.parts or shown.cursor != wanted.cursor:
            out.end(*wanted.cursor)
        shown.cursor = wanted.cursor
        return Piece("".join(out.parts), whole)


def _runs(shown: CellBuffer, wanted: CellBuffer) -> tuple[np.ndarray, np.ndarray]:
    """Neighbouring cells of a row that look different: where each run begins, and the cell after its end."""
    texts, codes, columns = wanted.texts, wanted.codes, wanted.columns
    differ = (texts != shown.texts) | (codes != shown.codes)
    at = np.flatnonzero(differ)
    blank = at[(texts[at] == _BLANK) & (shown.texts[at] == _BLANK)]
    blanks = wanted.styles.blanks()
    differ[blank[blanks[codes[blank]] == blanks[shown.codes[blank]]]] = False
    for cells in (texts, shown.texts):  # both halves of a character, or none
        second = np.flatnonzero(cells == _COVERED)
        if second.size:
            either = differ[second] | differ[second - 1]
            differ[second[either]] = differ[second[either] - 1] = True
    at = np.flatnonzero(differ)
    if not at.size:
        return at, at
    gap = at[1:] - at[:-1] - 1
    joined = gap == 0
    for size in range(1, _BRIDGE + 1):  # cells that have not changed and cost no more than a move over them
        here = np.flatnonzero(gap == size)
        same = np.ones(here.size, bool)
        for step in range(1, size + 1):
            same &= codes[at[here] + step] == codes[at[here]]
            if size > 1:
                same &= texts[at[here] + step] < 128
        joined[here] = same
    joined &= at[1:] // columns == at[:-1] // columns
    first = np.concatenate([[True], ~joined])
    return at[first], at[np.concatenate([~joined, [True]])] + 1


def _cut(
    shown: CellBuffer, wanted: CellBuffer, begins: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The runs, cut at some columns, but through no character and no word: a row may have text and a
    picture."""
    at = np.arange(len(wanted.texts))
    at = at[at % wanted.columns % _CUT == 0]
    at = at[(wanted.texts[at] != _COVERED) & (shown.texts[at] != _COVERED)]
    # Of "● training", cut behind its "t", what comes before was sent seconds later, as if it were a picture.
    at = at[~(_is_letter(wanted.texts[at]) & _is_letter(wanted.texts[at - 1]))]
    run = np.searchsorted(begins, at, "right") - 1
    at = at[(run >= 0) & (at > begins[run]) & (at < ends[run])]
    return np.sort(np.concatenate([begins, at])), np.sort(np.concatenate([ends, at]))


def _is_letter(texts: np.ndarray) -> np.ndarray:
    """Of ASCII, or a digit."""
    capital = texts & 0xFFFFFFDF  # as `upper` does
    return ((capital >= ord("A")) & (capital <= ord("Z"))) | ((texts >= ord("0")) & (texts <= ord("9")))


_Texts = list[tuple[str, int, int]]  # text, number of its style, cells that it takes


def _segments(wanted: CellBuffer, begins: np.ndarray, ends: np.ndarray) -> list[tuple[int, int, _Texts]]:
    """The runs, and in each the texts of one style."""
    if not begins.size:
        return []
    sizes = ends - begins
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    cells = np.repeat(begins - offsets, sizes) + np.arange(int(sizes.sum()))
    texts, codes = wanted.texts[cells], wanted.codes[cells]
    starts = np.concatenate([[True], codes[1:] != codes[:-1]])
    starts[offsets] = True
    at = np.flatnonzero(starts)
    stops = [*at[1:].tolist(), len(cells)]
    styles = codes[at].tolist()
    if int(texts.max()) >= _CLUSTERS or int(texts.min()) < _BLANK:
        pieces = [
            "".join(map(wanted.styles.text, texts[i:j].tolist())) for i, j in zip(at, stops, strict=True)
        ]
    else:
        text = texts.tobytes().decode("utf-32-le", "replace")
        pieces = [text[i:j] for i, j in zip(at.tolist(), stops, strict=True)]
    parts = list(zip(pieces, styles, np.diff([*at, len(cells)]).tolist(), strict=True))
    bounds = [*np.searchsorted(at, offsets).tolist(), len(parts)]
    return [
        (begin, end, parts[i:j])
        for begin, end, i, j in zip(begins.tolist(), ends.tolist(), bounds, bounds[1:], strict=False)
    ]


def _rank(begin: int, end: int, texts: _Texts) -> int:
    """What is sent first: words and numbers, then what has few colours, then pictures."""
    is_plain = len(texts) == 1 or len(texts) * _PLAIN <= end - begin
    content = "".join(text for text, _, _ in texts)
    if (_SIGN if is_plain else _WORD).search(content):
        return 0
    return 1 if is_plain and not _PICTURE.search(content) else 2


class _Out:
    """What is sent: begins and ends in the terminal's own style."""

    def __init__(self, codes: list[str]) -> None:
        self.parts: list[str] = []
        self.size = 0  # in bytes
        self._codes = codes
        self._style = ""
        self._x = self._y = 0  # where the next text goes
        self._is_there = False  # whether the cursor is known to be there

    def forget(self) -> None:
        """It is not known where the cursor is."""
        self._is_there = False

    def move(self, x: int, y: int) -> None:
        if self._is_there and (x, y) == (self._x, self._y):
            return
        if self._is_there and y == self._y and x > self._x:
            ahead = x - self._x
            self._add(f"\x1b[{ahead}C" if ahead > 1 else "\x1b[C")
        elif x == 0:
            self._add(f"\x1b[{y + 1}H" if y else "\x1b[H")
        else:
            self._add(f"\x1b[{y + 1};{x + 1}H")
        self._x, self._y, self._is_there = x, y, True

    def text(self, text: str, number: int, cells: int) -> None:
        style = self._codes[number]
        if style != self._style and not (text.isspace() and _blank(style) == _blank(self._style)):
            self._add(_change(self._style, style))
            self._style = style
        if text.isascii() or _ONE_CELL.fullmatch(text):
            self.move(self._x, self._y)
            self._add(text)
            self._x += cells
            return
        for character in text:  # where terminals may differ about a width, the place is said again
            size = _size(character)
            if size:
                self.move(self._x, self._y)
            self._add(character)
            self._x += size
            self._is_there &= _ONE_CELL.fullmatch(character) is not None

    def end(self, x: int, y: int) -> None:
        if self._style:
            self._add("\x1b[0m")
            self._style = ""
        self.move(x, y)

    def _add(self, text: str) -> None:
        self.parts.append(text)
        self.size += len(text) if text.isascii() else len(text.encode(errors="replace"))


def _number(digits: str) -> int:
    return min(max(1, int(digits)), 1 << 16) if digits.isdecimal() else 1


@lru_cache(maxsize=1 << 12)
def _size(character: str) -> int:
    """How many cells a character takes: 0, 1 or 2."""
    return 1 if unicodedata.category(character) in ("Cc", "Cs") else cell_len(character)


def _visible(character: str) -> str:
    """A character that a terminal shows as one: C1 controls and halves of characters are not."""
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cs") else character


# Styles.


class _Style(NamedTuple):
    """The style that a sequence of SGR codes sets. Colours are codes; "" is the terminal's default."""

    attributes: frozenset[str]
    foreground: str
    background: str


@lru_cache(maxsize=1 << 14)
def _blank(codes: str) -> _Style:
    """The visible style of a blank: its background; if it is underlined or reversed, also its colour."""
    style = _style(codes)
    seen = style.attributes - {"1", "2", "3"}  # bold, dim, italic
    return style if seen else _Style(seen, "", style.background)


@lru_cache(maxsize=1 << 14)
def _change(now: str, wanted: str) -> str:
    """The sequence that leads from one style to the other."""
    old, new = _style(now), _style(wanted)
    gone = old.attributes - new.attributes or (old.foreground and not new.foreground)
    if gone or (old.background and not new.background):
        return f"\x1b[0;{wanted}m" if wanted else "\x1b[0m"
    codes = [*sorted(new.attributes - old.attributes)]
    codes += [new.foreground] if new.foreground != old.foreground else []
    codes += [new.background] if new.background != old.background else []
    return f"\x1b[{';'.join(codes)}m" if codes else ""


@lru_cache(maxsize=1 << 14)
def _style(codes: str) -> _Style:
    attributes, colors = set(), {"3": "", "4": ""}
    left = iter(codes.split(";") if codes else ())
    for code in left:
        if code in ("38", "48"):
            kind = next(left, "5")
            numbers = [next(left, "0") for _ in range(3 if kind == "2" else 1)]
            colors[code[0]] = ";".join((code, kind, *numbers))
        elif code in ("39", "49"):
            colors[code[0]] = ""
        elif code.isdecimal() and 30 <= int(code) < 50:
            colors[code[0]] = code
        elif code.isdecimal() and int(code) >= 90:
            colors["3" if int(code) < 100 else "4"] = code
        elif code:
            attributes.add(code)
    return _Style(frozenset(attributes), colors["3"], colors["4"])


_TRUE_COLOR = re.compile("([34])8;2;(\\d+);(\\d+);(\\d+)")


@lru_cache(maxsize=1 << 14)
def _in_256_colors(codes: str) -> str:
    """The same codes with the nearest colours of the palette of 256, which take a third less."""
    return _TRUE_COLOR.sub(lambda found: f"{found[1]}8;5;{_nearest(*map(int, found.groups()[1:]))}", codes)


_LEVELS = (0, 95, 135, 175, 215, 255)


def _level(value: int) -> int:
    return min(range(6), key=lambda i: abs(_LEVELS[i] - value))


@lru_cache(maxsize=1 << 12)
def _nearest(red: int, green: int, blue: int) -> int:
    """The nearest colour of xterm's palette: a cube of 6 × 6 × 6 from 16 on, 24 greys from 232 on."""
    cube = [_level(value) for value in (red, green, blue)]
    grey = min(23, max(0, round(((red + green + blue) / 3 - 8) / 10)))

    def distance(color: Iterable[int]) -> int:
        return sum((a - b) ** 2 for a, b in zip(color, (red, green, blue), strict=True))

    of_cube, of_grey = distance(_LEVELS[i] for i in cube), distance([8 + 10 * grey] * 3)
    return 232 + grey if of_grey < of_cube else 16 + 36 * cube[0] + 6 * cube[1] + cube[2]
