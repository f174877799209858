"""Whatever a terminal may send, on every screen: the app is alive and answers."""

import asyncio
import os
import random
import signal
import time
from pathlib import Path

from tests.trials.end import ENDLESS, PHASES, SCREENS, opened, threads
from tests.trials.terminal import Terminal

# Seconds in which a key is answered after anything; the trials' own machine may be busy.
_ANSWER = 5.0

HOSTILE = {
    "Latin-1": "Größe naïve\xa0".encode("latin-1"),
    "no UTF-8": bytes(range(128, 256)),
    "old mouse": b"\x1b[M\x20\xc1\x21\x1b[M\x23\xff\xff",
    "resize": b"\x1b[48;99999;99999;999999;999999t",
    "code points": b"\x1b[1114112;2u\x1b[55296u\x1b[99999999999u\x1b[97;99999u",
    "malformed mouse": b"\x1b[<;;M\x1b[<0;-1;-5M\x1b[<999;99999;99999M\x1b[<0;0;0m",
    "escapes": b"\x1b[" * 2000,
    "strings": b"\x1b]0;" * 500,
    "brackets": b"]" * 2000,
    "arrows": b"\x1b[C" * 2000,
    "half a paste": b"\x1b[200~" + b"x" * 300,
    "pastes": b"\x1b[200~\xff\x1b[A\x00q\x1b[201~" * 50,
    "modes": b"\x1b[?9999999999;9$y\x1b[?2048;2$y\x1b[?2026;9$y\x1b[0n" * 50,
    "reports": b"\x1b[24;80R\x1b[?62;c\x1b[>0;276;0c\x1bP>|term\x1b\\\x1b]11;rgb:ff/ff/ff\x07",
}


def hostile_bytes(directory: Path, seed: int) -> str:
    """Each of the above: the app is alive, and answers at once."""
    names = [*HOSTILE][seed % len(HOSTILE) :: 5]
    slowest = 0.0
    with opened(directory, "--no-train") as terminal:
        terminal.see("● paused")
        terminal.wait(0.5)
        for name in names:
            os.write(terminal.process.child_fd, HOSTILE[name])
            terminal.wait(0.4)
            slowest = max(slowest, answered(terminal, name))
    return f"{', '.join(names)}: answered within {slowest:.2f} s"


def raw_bytes(directory: Path, seed: int) -> str:
    """Random keys, mouse reports and bytes on a random screen: the app is alive, and answers.

    In the palette and in the dialog that asks before one leaves, keys and clicks may end it: with 0.
    """
    draw = random.Random(seed)
    screen = draw.choice([*SCREENS])
    with opened(directory, *PHASES["finished"]) as terminal:
        terminal.see("● finished")
        terminal.press(SCREENS[screen])
        for _ in range(30):
            os.write(terminal.process.child_fd, anything(draw))
            terminal.wait(0.05)
        if screen in ("quit", "palette") and not terminal.read(0.5):
            terminal.process.wait()
            # What comes after the terminal is restored is for the terminal: there, Ctrl-\\ is a signal.
            assert terminal.process.exitstatus == 0 or terminal.process.signalstatus == signal.SIGQUIT
            return f"{screen}: left in order"
        seconds = answered(terminal, screen)
    return f"{screen}: answered within {seconds:.2f} s"


def any_input(directory: Path, seed: int) -> str:
    """Random keys, mouse reports and bytes on a screen, as the app's own parser reads them, without a pty."""
    from tests.tui.test_any_input import SCREENS as NAMED
    from tests.tui.test_any_input import survives

    draw = random.Random(seed)
    screen = [*NAMED][seed % len(NAMED)]
    asyncio.run(survives(screen, [anything(draw) for _ in range(40)]))
    return screen


def answered(terminal: Terminal, what: str) -> float:
    """Go back to the dashboard, and look for the help, which opens from there whatever is shown."""
    for _ in range(4):  # a list in a dialog over a dialog
        os.write(terminal.process.child_fd, b"\x1b")
        terminal.wait(0.4)
    began = time.monotonic()
    os.write(terminal.process.child_fd, b"?")
    while "esc closes" not in terminal.text():
        assert terminal.read(0.02), f"{what}: the app has ended:\n{terminal.text()}"
        assert time.monotonic() - began < _ANSWER, f"{what}: no answer:\n{terminal.text()}"
    seconds = time.monotonic() - began
    os.write(terminal.process.child_fd, b"\x1b")
    terminal.wait(0.4)
    return seconds


def anything(draw: random.Random) -> bytes:
    """A key, a mouse report or any bytes. Nothing that ends the app: no q, no Ctrl-C, no Ctrl-Z, no
    click on the footer (of 40 lines), where the quit key is.
    """
    kind = draw.randrange(6)
    if kind == 0:
        return bytes([draw.choice(b"abcdfghjklmnoprtuvwyABCFGHIJKLMNOPRSTUVWYZ0123456789[]{}()<>,.+-= ")])
    if kind == 1:
        return draw.choice(
            (b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D", b"\x1b[5~", b"\t", b"\x1b[Z", b"\x1b")
        )
    if kind == 2:
        report = (
            draw.choice((0, 1, 2, 32, 35, 64, 65)),
            draw.randrange(1, 130),
            draw.choice((*range(1, 39), 44)),
        )
        return b"\x1b[<%d;%d;%d%c" % (*report, draw.choice(b"Mm"))
    if kind == 3:
        harmless = [b for b in range(256) if b not in b"\x03\x1a\x11qQeExs"]
        return bytes(draw.choices(harmless, k=draw.randrange(1, 40)))
    if kind == 4:
        numbers = draw.choices((0, 1, 2, 5, 97, 57399, 1114112, 10**12), k=draw.randrange(4))
        return f"\x1b[{';'.join(map(str, numbers))}{draw.choice('u~AHRtyMcn')}".encode()
    return draw.choice([*HOSTILE.values()])[:200]


def soak(directory: Path, seed: int) -> str:
    """Random input at full speed, for SOAK_SECONDS (60): no crash, no growth of memory, threads or files."""
    draw = random.Random(seed)
    seconds = float(os.environ.get("SOAK_SECONDS", "60"))
    with opened(directory, *ENDLESS) as terminal:
        terminal.see("● training")
        pid = terminal.process.pid
        began, sizes = time.monotonic(), list[tuple[int, int, int]]()
        while (passed := time.monotonic() - began) < seconds:
            os.write(terminal.process.child_fd, anything(draw))
            terminal.skip(draw.uniform(0.0, 0.2))
            if passed > (len(sizes) + 2) * seconds / 12:
                sizes.append(resources(pid))
        os.write(terminal.process.child_fd, b"\x1b\x1b\x1b")
        terminal.skip(0.5)
        first, last = sizes[0], sizes[-1]
    assert last[0] < 1.15 * first[0] + 40, sizes
    assert last[1] <= first[1] + 6, sizes
    assert last[2] <= first[2] + 6, sizes
    return f"{seconds:.0f} s: MB, threads, files {first} at first, then {last}"


def resources(pid: int) -> tuple[int, int, int]:
    """Resident memory in MB, threads, open files."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000, threads(pid), len(os.listdir(f"/proc/{pid}/fd"))
