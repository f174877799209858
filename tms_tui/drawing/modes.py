"""Render modes: which characters pictures are made of. Imports nothing, so that the command line can ask."""

from collections.abc import Mapping
from typing import Literal, get_args

Mode = Literal["braille", "blocks", "ascii"]
MODES: tuple[Mode, ...] = get_args(Mode)


def choose_mode(wanted: Literal["auto", Mode], environment: Mapping[str, str]) -> Mode:
    """The render mode that is wanted; for auto, braille if the locale of the environment has it, else ascii.

    Where no locale is set, as in containers, terminals have UTF-8.
    """
    if wanted != "auto":
        return wanted
    _, locale = locale_of(environment)
    return "braille" if not locale or "utf8" in locale.lower().replace("-", "") else "ascii"


def locale_of(environment: Mapping[str, str]) -> tuple[str, str]:
    """The variable that sets the locale of characters, and its value; two "" if none does.

    Python's own answers do not help: under LC_ALL=C it turns its UTF-8 mode on and says UTF-8, and under
    LANG=C it sets LC_CTYPE to C.UTF-8 itself.
    """
    names = ("LC_ALL", "LANG", "LC_CTYPE") if _coerced(environment) else ("LC_ALL", "LC_CTYPE", "LANG")
    return next(((name, environment[name]) for name in names if environment.get(name)), ("", ""))


def _coerced(environment: Mapping[str, str]) -> bool:
    """Whether LC_CTYPE may be Python's (PEP 538) instead of the user's."""
    return environment.get("LC_CTYPE") in ("C.UTF-8", "C.utf8", "UTF-8") and environment.get("LANG") in (
        "C",
        "POSIX",
    )
