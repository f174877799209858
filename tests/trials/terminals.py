"""Terminals: the app in a pty under each: which characters and colour codes it sends, and how it ends."""

import os
import re
import subprocess
from pathlib import Path

from tests.trials.terminal import COMMAND, Terminal

# TERM, COLORTERM, the locale's variables, columns, rows → characters ("" where the app refuses), colours.
# What is not named is not set.
TERMINALS: tuple[tuple[dict[str, str], tuple[int, int], str, int], ...] = (
    ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.utf8"}, (120, 40), "braille", 1 << 24),
    ({"TERM": "xterm-256color", "COLORTERM": "24bit", "LANG": "C.UTF-8"}, (80, 24), "braille", 1 << 24),
    ({"TERM": "xterm-256color", "LANG": "en_US.UTF-8"}, (120, 40), "braille", 256),
    ({"TERM": "tmux-256color", "LC_CTYPE": "UTF-8"}, (80, 24), "braille", 256),
    ({"TERM": "screen", "LANG": "en_US.UTF-8"}, (80, 24), "braille", 8),
    ({"TERM": "screen.xterm-256color", "LANG": "en_US.UTF-8"}, (200, 50), "braille", 256),
    ({"TERM": "rxvt-16color", "LANG": "en_US.UTF-8"}, (80, 24), "braille", 16),
    ({"TERM": "xterm", "LANG": "en_US.UTF-8"}, (120, 40), "braille", 8),
    ({"TERM": "xterm-kitty"}, (120, 40), "braille", 256),
    ({"TERM": "alacritty", "COLORTERM": "truecolor"}, (80, 24), "braille", 1 << 24),
    ({"TERM": "xterm-mono", "LANG": "en_US.UTF-8"}, (80, 24), "braille", 2),
    ({"TERM": "xterm-256color", "LANG": "en_US.UTF-8", "NO_COLOR": "1"}, (120, 40), "braille", 2),
    ({"TERM": "linux", "LANG": "en_US.UTF-8"}, (80, 24), "ascii", 8),
    ({"TERM": "vt100", "LANG": "en_US.UTF-8"}, (80, 24), "ascii", 2),
    ({"TERM": "vt220", "LC_ALL": "C"}, (132, 24), "ascii", 2),
    ({"TERM": "xterm-256color", "LC_ALL": "C"}, (120, 40), "ascii", 256),
    ({"TERM": "xterm-256color", "LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, (80, 24), "ascii", 256),
    ({"TERM": "xterm-256color", "LANG": "C"}, (80, 24), "ascii", 256),
    ({"TERM": "xterm-256color", "LC_CTYPE": "C", "LANG": "en_US.UTF-8"}, (80, 24), "ascii", 256),
    ({"TERM": "xterm-256color", "LC_CTYPE": "C.UTF-8", "LANG": "C"}, (80, 24), "braille", 256),
    ({"TERM": "xterm-256color", "LC_ALL": "de_DE.ISO-8859-1"}, (120, 40), "ascii", 256),
    ({"TERM": "xterm-256color", "LANG": "de_DE@euro"}, (80, 24), "ascii", 256),
    ({"TERM": "xterm-256color", "LANG": "en_US.UTF-8", "PYTHONIOENCODING": "ascii"}, (80, 24), "ascii", 256),
    ({"TERM": "xterm-256color", "PYTHONIOENCODING": "latin-1:strict"}, (80, 24), "ascii", 256),
    ({"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": "nonsense"}, (60, 18), "braille", 256),
    ({"TERM": "some-terminal"}, (40, 10), "braille", 16),
    ({"TERM": "dumb", "LANG": "en_US.UTF-8"}, (80, 24), "", 0),
)  # fmt: skip

_SET_ASIDE = ("TERM", "COLORTERM", "LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR", "PYTHONIOENCODING")


def terminals(directory: Path, seed: int) -> str:
    """One of the terminals: starts, is drawn, answers keys, ends; then --once under the same environment."""
    changes, size, mode, colors = TERMINALS[seed % len(TERMINALS)]
    app = Terminal(directory, "--steps=2000", "--kernel=numba", size=size, unset=_SET_ASIDE, **changes)
    if not mode:
        assert app.end() == 2
        assert re.search(r"TERM is dumb", app.text())
        return str(changes)
    if size >= (60, 18):
        app.see(r"2,000 / 2,000")
        app.press("?")
        app.see("esc closes")  # at the foot of the page: it is whole
        app.press("\x1b")
        while "esc closes" in app.text():
            assert app.read(1)
    else:
        app.see("needs 60")
    app.press("q")
    assert app.end(120) == 0
    app.assert_restored()
    _assert_shown(app.written, mode, colors)
    _once(directory, changes, mode)
    return f"{changes} {size}: {mode}, {colors}"


def _assert_shown(written: bytes, mode: str, colors: int) -> None:
    # Codes to the terminal, and the name of the program in its title, are no characters on the screen.
    text = re.sub(
        rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b[=>78cM]", b"", written
    )
    if mode == "ascii":
        assert text.isascii(), re.findall(rb"[^\x00-\x7f]+", text)[:5]
    else:
        assert "─" in text.decode()
    codes = set()
    for sequence in re.findall(rb"\x1b\[([0-9;]*)m", written):
        left = iter(sequence.decode().split(";"))
        for code in left:
            if code in ("38", "48"):
                kind = next(left)
                codes.add(f"38;{kind}")
                for _ in range(3 if kind == "2" else 1):
                    next(left)
            else:
                codes.add(code)
    found = 1 << 24 if "38;2" in codes else 256 if "38;5" in codes else _of_codes(codes)
    assert found <= colors, (found, colors, sorted(codes))


def _of_codes(codes: set[str]) -> int:
    numbers = {int(code or 0) for code in codes}
    if any(number >= 90 for number in numbers):
        return 16
    return 8 if any(30 <= number < 50 and number not in (39, 49) for number in numbers) else 2


def _once(directory: Path, changes: dict[str, str], mode: str) -> None:
    """--once into a file: a frame in the same characters, no traceback, and no question marks for braille."""
    environment = {name: value for name, value in os.environ.items() if name not in _SET_ASIDE}
    done = subprocess.run(
        [*COMMAND, "--once", "--steps=10", "--kernel=numba"],
        env={**environment, "XDG_CONFIG_HOME": str(directory), **changes},
        cwd=directory,
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b""), done.stderr
    if mode == "ascii":
        assert done.stdout.isascii()
        assert done.stdout.count(b"?") < 3
    else:
        assert re.search("[\u2801-\u28ff]", done.stdout.decode())
