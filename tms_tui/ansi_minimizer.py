"""Minimises the escape codes that Textual writes: the same picture in fewer bytes.

Textual writes each run of cells as its whole style, the text, and a reset. A cloud has hundreds of runs a
frame, most of them on the background of the run before. Over SSH the size of a frame limits the frame rate.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from tms_tui.drawing.sgr import split_sgr

_BEYOND_ASCII = re.compile("[^\\x00-\\x7f]")
# Texts that look the same in every style: moves of the cursor.
_MOVES = re.compile("(?:\x1b\\[[0-9;]*H|\r|\n)*")


def within(data: str, colors: int, ascii_only: bool) -> str:
    """The output for a terminal of so many colours (8; or 2: none), or that has ASCII alone.

    Codes are those of 16 colours, where there are fewer. What is drawn keeps to ASCII by itself; this holds
    for the last character of what Textual draws.
    """
    if ascii_only and not data.isascii():
        data = _BEYOND_ASCII.sub(lambda found: _plain(found[0]), data)
    if colors >= 16:
        return data
    parts = split_sgr(data)
    fewer = [_fewer(codes, colors) for codes in parts[1::2]]
    parts[1::2] = ["" if codes is None else f"\x1b[{codes}m" for codes in fewer]
    return "".join(parts)


def _plain(character: str) -> str:
    """Question marks of a character's width."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return ""
    return "??" if unicodedata.east_asian_width(character) in ("W", "F") else "?"


@lru_cache(maxsize=1 << 14)
def _fewer(codes: str, colors: int) -> str | None:
    """SGR codes without those that a terminal of 8 or 2 colours lacks; None if nothing is left."""
    kept: list[str] = []
    left = iter(codes.split(";"))
    for code in left:
        number = int(code or 0)
        if number in (38, 48):  # of 256 colours or more
            for _ in range(3 if next(left, "5") == "2" else 1):
                next(left, None)
        elif 30 <= number < 50 or number >= 90:
            if colors < 8:
                continue
            bright = number >= 90
            ground = number // 10 in (4, 10)
            hue = number % 10
            if bright and hue == 0:  # dark grey: of a text light grey, of a ground black
                hue = 0 if ground else 7
            elif bright and not ground:
                kept.append("1")
            kept.append(f"{4 if ground else 3}{hue}")
        else:
            kept.append(code)
    return ";".join(kept) if kept else None


class _Style(NamedTuple):
    """The style that a sequence of SGR codes sets. Colours are codes; "" is the terminal's default."""

    attributes: frozenset[str]
    foreground: str
    background: str


def minimize_ansi(data: str) -> str:
    """Equivalent output in fewer bytes. `data` begins and ends in the default style; so does the result."""
    parts = split_sgr(data)
    out = [parts[0]]
    now = wanted = ""  # codes in force on the terminal, and wanted for the next text; "": default style
    for codes, text in zip(parts[1::2], parts[2::2], strict=True):
        wanted = "" if codes in ("", "0") else f"{wanted};{codes}" if wanted else codes
        if not text:
            continue
        if wanted != now and not _alike(now, wanted, text):
            out.append(_change(now, wanted))
            now = wanted
        out.append(text)
    if now:
        out.append("\x1b[0m")
    return "".join(out)


def _alike(now: str, wanted: str, text: str) -> bool:
    """Whether a text looks the same in both styles."""
    if text.isspace() and _blank(now) == _blank(wanted):
        return True
    return text[0] in "\x1b\r\n" and _MOVES.fullmatch(text) is not None


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
            kind = next(left)
            numbers = [next(left) for _ in range(3 if kind == "2" else 1)]
            colors[code[0]] = ";".join((code, kind, *numbers))
        elif code in ("39", "49"):
            colors[code[0]] = ""
        elif 30 <= int(code) < 50:
            colors[code[0]] = code
        elif int(code) >= 90:
            colors["3" if int(code) < 100 else "4"] = code
        else:
            attributes.add(code)
    return _Style(frozenset(attributes), colors["3"], colors["4"])
