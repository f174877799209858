"""How soon a key is answered over a slow line: the app at full speed in a pty that is read at so many bytes a
second.

    python benchmarks/slow_line.py [--rate 8000] [--answers yes|no] [--size 120x40] [--keys 30] [-- ARGUMENTS]

Without a rate: the table of README.md, about ten minutes. The reader takes bytes as they come over the line,
in bits of 10 ms, and answers questions when it has read them, or never (`no`: only the kernel's buffer, 21 kB
here, tells the app that the line is slow). From each key to the bytes after which an emulated terminal shows
the answer.
"""

import argparse
import fcntl
import os
import pty
import random
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import pyte

# A key, and what is then to be seen.
ANSWERS = (
    ("L", r"loss ─ linear"),
    ("]", r"S 0?\.966"),
    (" ", r"● paused"),
    ("?", r"esc closes"),
    ("\x1b", r"(?s)╭─ Space.*\? help"),
    (" ", r"● training"),
    ("L", r"loss ─ log"),
    ("[", r"S 0?\.950?1? "),
    ("5", r""),
)
ENDLESS = ("--pace", "max", "--steps", "100000000")
_BIT = 0.01


class SlowTerminal:
    """The app behind a line of so many bytes a second."""

    def __init__(self, rate: float, answers: bool, size: tuple[int, int], arguments: list[str]) -> None:
        self.rate, self.answers = rate, answers
        self._home = tempfile.TemporaryDirectory()
        self.master, slave = pty.openpty()
        columns, rows = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        environment |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", "COLORTERM": "truecolor"}
        environment |= {f"XDG_{name}_HOME": self._home.name for name in ("CONFIG", "STATE")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tms_tui.cli", *ENDLESS, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=self._home.name,
            start_new_session=True,
        )
        os.close(slave)
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._due = time.monotonic()
        self.read_bytes = self.frames = 0
        self._tail = b""

    def close(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self.master)
        self._home.cleanup()

    def take(self) -> None:
        """Wait for the next bit of time, and read what the line lets through in it."""
        self._due = max(self._due + _BIT, time.monotonic() - 5 * _BIT)
        time.sleep(max(0.0, self._due - time.monotonic()))
        if not select.select([self.master], [], [], 0)[0]:
            return
        data = os.read(self.master, max(1, int(self.rate * _BIT)))
        self.read_bytes += len(data)
        self.frames += data.count(b"n") and (self._tail + data).count(b"\x1b[5n") - self._tail.count(
            b"\x1b[5n"
        )
        if self.answers:
            for question in range((self._tail + data).count(b"\x1b[5n") - self._tail.count(b"\x1b[5n")):
                del question
                os.write(self.master, b"\x1b[0n")
        self._tail = (self._tail + data)[-3:]
        self._stream.feed(data)

    def wait_for(self, pattern: str, seconds: float = 90.0) -> float:
        """Until the screen shows this; the time that took."""
        began = time.monotonic()
        while not re.search(pattern, "\n".join(self.screen.display)):
            self.take()
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"never saw {pattern!r}:\n" + "\n".join(self.screen.display))
        return time.monotonic() - began

    def listen(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.take()


def measure(
    rate: float, answers: bool, size: tuple[int, int], n_keys: int, arguments: list[str]
) -> tuple[list[float], float, float]:
    """Seconds from each key to its answer, bytes a second, and frames a second meanwhile."""
    draw = random.Random(0)
    terminal = SlowTerminal(rate, answers, size, arguments)
    try:
        terminal.wait_for("● training")
        terminal.listen(8)  # the first frame, and the line's rate
        taken: list[float] = []
        began, read, frames = time.monotonic(), terminal.read_bytes, terminal.frames
        terminal.listen(5)
        seconds = time.monotonic() - began
        bytes_a_second = (terminal.read_bytes - read) / seconds
        frames_a_second = (terminal.frames - frames) / seconds
        for i in range(n_keys):
            key, answer = ANSWERS[i % len(ANSWERS)]
            os.write(terminal.master, key.encode())
            if answer:
                taken.append(terminal.wait_for(answer))
                if os.environ.get("EACH"):
                    print(f"{key!r} {taken[-1]:.3f}", file=sys.stderr)
            terminal.listen(0.5 + draw.random())
    finally:
        terminal.close()
    return taken, bytes_a_second, frames_a_second


def tell(rate: float, answers: bool, size: tuple[int, int], n_keys: int, arguments: list[str]) -> None:
    taken, bytes_a_second, frames_a_second = measure(rate, answers, size, n_keys, arguments)
    print(
        f"| {rate / 1000:g} kB/s | {size[0]} × {size[1]} | {'yes' if answers else 'no'} "
        f"| {' '.join(arguments) or '-'} "
        f"| {1e3 * statistics.median(taken):.0f} ms | {1e3 * max(taken):.0f} ms "
        f"| {bytes_a_second / 1000:.1f} kB/s | {frames_a_second:.1f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float)
    parser.add_argument("--answers", choices=("yes", "no"), default="yes")
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--keys", type=int, default=30)
    parser.add_argument("arguments", nargs="*")
    options = parser.parse_args()
    columns, _, rows = options.size.partition("x")
    print("| line | size | answers | options | median | longest | sent | pieces a second |")
    print("|---|---|---|---|---|---|---|---|")
    if options.rate:
        size = int(columns), int(rows)
        tell(options.rate, options.answers == "yes", size, options.keys, options.arguments)
        return
    for rate in (1e6, 32e3, 8e3):
        for answers in (True, False):
            for size in ((120, 40), (80, 24)):
                tell(rate, answers, size, options.keys, [])
        tell(rate, True, (120, 40), options.keys, ["--low-bandwidth"])


if __name__ == "__main__":
    print(f"load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    assert Path("/proc").is_dir()
    main()
