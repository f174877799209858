"""What a terminal can show, as the environment tells: which characters, and how many colours."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from tms_tui.drawing.modes import Mode

TRUECOLOR = 1 << 24
# What Textual calls so many colours. One with fewer than 16 is sent what it has by the driver.
COLOR_SYSTEMS: dict[int, str] = {TRUECOLOR: "truecolor", 256: "256", 16: "standard"}

# Kinds of terminals, by the beginning of their names, without Unicode or without a font for braille.
_PLAIN = (
    "linux",
    "vt1",
    "vt2",
    "vt3",
    "vt4",
    "vt5",
    "ansi",
    "cons25",
    "sun",
    "wy",
    "con80",
    "dtterm",
    "eterm",
)
# Names whose colours are known also where the terminfo of this machine does not have them.
_COLORS_BY_NAME = {
    "mono": 2,
    "-m": 2,
    "vt1": 2,
    "vt2": 2,
    "16color": 16,
    "256color": 256,
    "direct": TRUECOLOR,
} | dict.fromkeys(("kitty", "alacritty", "ghostty", "wezterm", "foot", "contour", "iterm"), 256)
# Of a terminal that nobody knows: rich's choice.
_UNKNOWN_COLORS = 16


def cannot_be_drawn_on(environment: Mapping[str, str]) -> bool:
    """Whether this is a terminal that cannot place characters."""
    return environment.get("TERM", "") in ("dumb", "unknown")


class Characters(NamedTuple):
    """What to draw with, and why: "for LANG is C"."""

    mode: Mode
    because: str


def characters_of(environment: Mapping[str, str], at_start: Mapping[str, str] | None = None) -> Characters:
    """Braille if the terminal and its locale have it, else ascii.

    Where no locale is set, as in containers, terminals have UTF-8. `at_start` as of `locale_of`.
    """
    term = environment.get("TERM", "")
    if term.startswith(_PLAIN):
        return Characters("ascii", f"for TERM is {term}, a terminal without braille")
    variable, value = locale_of(environment, at_start)
    if not variable:
        return Characters("braille", "for no locale is set")
    is_utf8 = "utf8" in value.lower().replace("-", "")
    return Characters("braille" if is_utf8 else "ascii", f"for {variable} is {value}")


def locale_of(environment: Mapping[str, str], at_start: Mapping[str, str] | None = None) -> tuple[str, str]:
    """The variable that sets the locale of characters, and its value; two "" if none does.

    As the C library reads them. Python's own answers do not help: under LC_ALL=C it turns its UTF-8 mode on
    and says UTF-8, and in the locale C it sets LC_CTYPE to C.UTF-8 itself (PEP 538); `at_start` is the
    environment before it did.
    """
    ctype = environment.get("LC_CTYPE", "")
    if ctype in ("C.UTF-8", "C.utf8", "UTF-8"):  # it may be Python's
        if at_start is not None:
            ctype = at_start.get("LC_CTYPE", "")
        elif environment.get("LANG") in ("C", "POSIX"):
            ctype = ""
    values = (("LC_ALL", environment.get("LC_ALL")), ("LC_CTYPE", ctype), ("LANG", environment.get("LANG")))
    return next(((name, value) for name, value in values if value), ("", ""))


def environment_at_start() -> dict[str, str] | None:
    """The environment that this process was given; None where the system does not tell."""
    try:
        entries = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    return dict(os.fsdecode(entry).split("=", 1) for entry in entries if b"=" in entry)


def can_encode(encoding: str | None) -> bool:
    """Whether a stream of this encoding can be sent what a screen is drawn with."""
    try:
        "⠿▀─●".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


class Images(NamedTuple):
    """By which protocol the terminal can be sent pictures, None if by none that is known; and why."""

    protocol: Literal["kitty", "iterm2", "sixel"] | None
    because: str


# Terminals with pictures: by TERM, and by TERM_PROGRAM or LC_TERMINAL.
_BY_TERM = {
    "xterm-kitty": "kitty",
    "xterm-ghostty": "kitty",
    "foot": "sixel",
    "mlterm": "sixel",
    "contour": "sixel",
}
_BY_PROGRAM = {
    "iTerm.app": "iterm2",
    "iTerm2": "iterm2",
    "WezTerm": "iterm2",
    "mintty": "iterm2",
    "ghostty": "kitty",
}


def images_of(environment: Mapping[str, str]) -> Images:
    """How pictures are sent. TMS_IMAGE says it for a terminal that is not known, and within tmux."""
    asked = environment.get("TMS_IMAGE", "")
    for protocol in ("kitty", "iterm2", "sixel"):
        if asked == protocol:
            return Images(protocol, f"for TMS_IMAGE is {asked}")
    term = environment.get("TERM", "")
    if environment.get("TMUX") or term.startswith(("screen", "tmux")):
        return Images(None, "tmux and screen pass no pictures on")
    for variable, table in (("TERM", _BY_TERM), ("TERM_PROGRAM", _BY_PROGRAM), ("LC_TERMINAL", _BY_PROGRAM)):
        value = environment.get(variable, "")
        for name, protocol in table.items():
            if value == name or (variable == "TERM" and value.startswith(f"{name}-")):
                return Images(_protocol(protocol), f"for {variable} is {value}")
    if environment.get("KITTY_WINDOW_ID"):
        return Images("kitty", "for KITTY_WINDOW_ID is set")
    return Images(None, f"TERM is {term or 'not set'}, which is not known to show pictures")


def _protocol(name: str) -> Literal["kitty", "iterm2", "sixel"]:
    return "kitty" if name == "kitty" else "iterm2" if name == "iterm2" else "sixel"


class Colors(NamedTuple):
    """How many colours, 2 (none but the terminal's own), 8, 16, 256 or TRUECOLOR, and why."""

    number: int
    because: str


def colors_of(environment: Mapping[str, str]) -> int:
    """How many colours the terminal has."""
    return known_colors(environment).number


def known_colors(environment: Mapping[str, str]) -> Colors:
    """How many colours the terminal has, and which variable says so."""
    if environment.get("NO_COLOR"):
        return Colors(2, "for NO_COLOR is set")
    asked = {name: count for count, name in COLOR_SYSTEMS.items()}.get(
        environment.get("TEXTUAL_COLOR_SYSTEM", "")
    )
    if asked:
        return Colors(asked, f"for TEXTUAL_COLOR_SYSTEM is {environment['TEXTUAL_COLOR_SYSTEM']}")
    direct = environment.get("COLORTERM", "").strip()
    if direct.lower() in ("truecolor", "24bit"):
        return Colors(TRUECOLOR, f"for COLORTERM is {direct}")
    term = environment.get("TERM", "")
    count = max((known for known in (2, 8, 16, 256, TRUECOLOR) if known <= _colors_of(term)), default=2)
    return Colors(count, f"for TERM is {term}" if term else "for TERM is not set")


def _colors_of(term: str) -> int:
    named = next((count for part, count in _COLORS_BY_NAME.items() if part in term), 0)
    if named:
        return named
    with suppress(Exception):  # no such module, no such terminal, or no terminal at all
        import curses

        curses.setupterm(term, 1)
        return curses.tigetnum("colors")
    return _UNKNOWN_COLORS
