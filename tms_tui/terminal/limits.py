"""What Textual draws, for a terminal with fewer characters or colours than it draws with."""

import re
import unicodedata
from functools import lru_cache

from tms_tui.drawing.sgr import split_sgr

_BEYOND_ASCII = re.compile("[^\\x00-\\x7f]")


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
