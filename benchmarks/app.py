"""What the app costs as a person feels it, in a real pty of 120×40 cells.

    python benchmarks/app.py [paint] [bytes] [keys] [frames] [wall] [table] [phases] [memory]

All measurements without arguments (about 10 minutes, 5 of them for memory; Linux only, it reads /proc):
the time to the first paint; bytes and processor time a frame while turning, and bytes while standing still;
the time from a key to the screen that answers it; frames a second at full speed beside the rate of
`tms train`; a wall of models, a long table and a phase diagram that fills; and memory over time. The pty
answers like a terminal with synchronised output, so each frame is marked on the wire; time counts from the
exec, or the write of a key, to the arrival of the bytes that show what is looked for. Those are played into
an emulated terminal afterwards.
"""

import itertools
import os
import re
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pexpect
import pyte

COLUMNS, ROWS = 120, 40
# "Do you know synchronised output?", and yes; then the marks around each frame.
SYNC_QUERY, SYNC_ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
FRAME_BEGINS, FRAME_ENDS = b"\x1b[?2026h", b"\x1b[?2026l"
# "Are you there?", and yes.
QUESTION, ANSWER = b"\x1b[5n", b"\x1b[0n"
# A run that outlasts whatever is measured.
ENDLESS = ("--pace", "max", "--steps", "100000000")


class Received(NamedTuple):
    """What came over the wire."""

    at: float  # time.perf_counter()
    data: bytes


class Terminal:
    """The app in a pty, and what it has written there."""

    def __init__(
        self, *arguments: str, truecolor: bool = True, size: tuple[int, int] = (ROWS, COLUMNS)
    ) -> None:
        self._home = tempfile.TemporaryDirectory()
        environment = {k: v for k, v in os.environ.items() if k not in ("COLORTERM", "NO_COLOR")}
        environment |= {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
        environment |= {"XDG_CONFIG_HOME": self._home.name, "XDG_STATE_HOME": self._home.name}
        if truecolor:
            environment["COLORTERM"] = "truecolor"
        self.screen = pyte.Screen(*size[::-1])
        self._stream = pyte.ByteStream(self.screen)
        self._fed: list[bytes] = []
        self._tail = b""
        self.began = time.perf_counter()
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", "tms_tui.cli", *arguments],
            dimensions=size,
            env=environment,
            cwd=self._home.name,
        )
        self._child.delaybeforesend = None  # pexpect's own 50 ms

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close(force=True)
        self._home.cleanup()

    @property
    def pid(self) -> int:
        return self._child.pid

    def press(self, key: str) -> float:
        """Send a key; the time at which it was sent."""
        self._child.send(key)
        return time.perf_counter()

    def read(self, seconds: float) -> Received | None:
        """The next bytes, within so many seconds; None if there are none."""
        if not select.select([self._child.child_fd], [], [], seconds)[0]:
            return None
        received = Received(time.perf_counter(), os.read(self._child.child_fd, 1 << 16))
        if SYNC_QUERY in received.data:
            self._child.send(SYNC_ANSWER)
        asked = self._tail + received.data  # a question may come in two reads
        for _ in range(asked.count(QUESTION) - self._tail.count(QUESTION)):
            self._child.send(ANSWER)
        self._tail = asked[1 - len(QUESTION) :]
        self._fed.append(received.data)
        return received

    def listen(self, seconds: float) -> list[Received]:
        """All that comes within so many seconds."""
        until, got = time.perf_counter() + seconds, []
        while (left := until - time.perf_counter()) > 0:
            if received := self.read(left):
                got.append(received)
        return got

    def shown(self) -> str:
        """The characters on the screen. Slow: not for a stretch that is timed."""
        self._stream.feed(b"".join(self._fed))
        self._fed.clear()
        return "\n".join(self.screen.display)

    def taken(self) -> pyte.Screen:
        """The screen as of the last call of `shown`; what has come since is for who asks to feed."""
        self._fed.clear()
        return self.screen

    def wait_for(self, pattern: str, seconds: float = 60) -> float:
        """Until the screen shows this; the time at which the bytes came that made it so."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            if (received := self.read(0.5)) and re.search(pattern, self.shown()):
                return received.at
        raise TimeoutError(f"never saw {pattern!r}:\n{self.shown()}")


def first_paint() -> None:
    """The frame with every pane, then the first steps of training."""
    paints, steps = [], []
    for _ in range(7):
        with Terminal() as terminal:
            received = terminal.listen(4)
        paints.append(first_seen(r"(?s)Space.*[Ll]oss.*loading.*quit", received) - terminal.began)
        steps.append(first_seen(r"[1-9][\d,]* / 10,000", received) - terminal.began)
    tell("exec to first paint", f"{statistics.median(paints):.2f} s", "< 0.6 s")
    tell("exec to first steps on the screen", f"{statistics.median(steps):.2f} s")


def first_seen(pattern: str, received: list[Received], screen: pyte.Screen | None = None) -> float:
    """When the screen first showed this; played again afterwards, for emulating a terminal takes time."""
    screen = screen or pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    seen = None
    for at, data in received:
        stream.feed(data)
        if seen is None and re.search(pattern, "\n".join(screen.display)):
            seen = at
    if seen is None:
        raise TimeoutError(f"never saw {pattern!r}:\n" + "\n".join(screen.display))
    return seen


def bytes_on_the_wire() -> None:
    """A finished run, turning by itself; then standing still."""
    for name, truecolor in (("truecolor", True), ("256 colours", False)):
        with Terminal("--pace", "max", "--steps", "3000", truecolor=truecolor) as terminal:
            terminal.wait_for("● finished")
            terminal.listen(2)  # the loss on fresh data is refined once more
            cpu = cpu_seconds(terminal.pid)
            wire = b"".join(received.data for received in terminal.listen(5))
            cpu = cpu_seconds(terminal.pid) - cpu
            frames = wire.count(FRAME_BEGINS)
            tell(f"bytes a frame, turning, {name}", f"{len(wire) / frames:,.0f}", "≤ 16,384")
            tell(f"processor time a frame, turning, {name}", f"{1e3 * cpu / frames:.1f} ms")
            tell(f"frames a second, turning, {name}", f"{frames / 5:.1f}", "30")
            terminal.press("a")
            terminal.listen(1)
            still = sum(len(received.data) for received in terminal.listen(3))
            tell(f"bytes in 3 s of standing still, {name}", str(still), "0")
    with Terminal("--pace", "500", "--steps", "100000") as terminal:
        terminal.wait_for("● training")
        terminal.listen(4)
        cpu = cpu_seconds(terminal.pid)
        wire = b"".join(received.data for received in terminal.listen(8))
        cpu, frames = cpu_seconds(terminal.pid) - cpu, wire.count(FRAME_BEGINS)
        tell("bytes a frame, turning, 500 steps a second", f"{len(wire) / frames:,.0f}", "≤ 16,384")
        tell("frames a second, the same", f"{frames / 8:.1f}", "30")
        tell("processor time a frame, the same", f"{1e3 * cpu / frames:.1f} ms")


def keys_to_frames() -> None:
    """An arrow key to the next frame; L to the screen that answers.

    Training alone changes the screen many times a second, so that the next frame may know nothing of an
    arrow. The answer to L, logarithmic or linear, is a word in the title of the losses.
    """
    for name, arguments in (("at full speed", ENDLESS), ("at rest", ("--no-train",))):
        with Terminal(*arguments) as terminal:
            terminal.wait_for("● (training|paused)")
            terminal.press("a")
            terminal.listen(3)
            following, answer = [], []
            for i in range(30):
                following.append(delay(terminal, "\x1b[C", FRAME_BEGINS))
                terminal.listen(0.15 + 0.011 * i)  # at no fixed phase of a frame
                answer.append(delay_to(terminal, "L", ("oss ─ linear", "oss ─ log")[i % 2]))
                terminal.listen(0.15 + 0.007 * i)
            tell(
                f"arrow to the next frame, {name}", f"{1e3 * statistics.median(following):.0f} ms", "< 50 ms"
            )
            tell(f"L to its frame, {name}", f"{1e3 * statistics.median(answer):.0f} ms", "< 50 ms")


def delay(terminal: Terminal, key: str, awaited: bytes) -> float:
    """Seconds from a key to the arrival of these bytes."""
    while terminal.read(0):
        pass
    pressed, wire = terminal.press(key), b""
    while received := terminal.read(2):
        wire += received.data
        if awaited in wire:
            return received.at - pressed
    raise TimeoutError(f"no answer to {key!r}")


def delay_to(terminal: Terminal, key: str, pattern: str) -> float:
    """Seconds from a key to the arrival of the bytes that make the screen show this."""
    while terminal.read(0):
        pass
    terminal.shown()
    pressed = terminal.press(key)
    received = terminal.listen(1)
    return first_seen(pattern, received, terminal.taken()) - pressed


def frames_at_full_speed() -> None:
    """Frames a second while training and turning, and what the screen costs the training."""
    with tempfile.TemporaryDirectory() as directory:
        alone = rate_of("tms_engine", "train", "--steps", "5000000", "--out", f"{directory}/run")
    with Terminal(*ENDLESS) as terminal:
        terminal.wait_for("● training")
        terminal.listen(3)
        steps, began = step_of(terminal), time.perf_counter()
        cpu = cpu_seconds(terminal.pid)
        received = terminal.listen(10)
        seconds = time.perf_counter() - began
        cpu = cpu_seconds(terminal.pid) - cpu
        rate = (step_of(terminal) - steps) / seconds
        wire = b"".join(r.data for r in received)
        gaps = [b.at - a.at for a, b in itertools.pairwise(received)]
        tell("frames a second, full speed and turning", f"{wire.count(FRAME_BEGINS) / seconds:.1f}", "30")
        tell("longest gap between bytes", f"{1e3 * max(gaps):.0f} ms", "< 100 ms")
        tell("steps a second meanwhile", f"{rate:,.0f}")
        tell("steps a second of `tms train`", f"{alone:,.0f}")
        tell("processors in use", f"{cpu / seconds:.2f}")


def wall() -> None:
    """64 models side by side at 200 × 50, all turning while they train; then standing still."""
    arguments = ("--n-instances", "64", "--pace", "500", "--steps", "1000000")
    with Terminal(*arguments, size=(50, 200)) as terminal:
        terminal.wait_for("● training")
        terminal.wait_for("represented", 180)  # the search for names may have to be compiled
        terminal.listen(8)
        cpu, began = cpu_seconds(terminal.pid), time.perf_counter()
        received = terminal.listen(10)
        seconds, cpu = time.perf_counter() - began, cpu_seconds(terminal.pid) - cpu
        wire = b"".join(r.data for r in received)
        frames = wire.count(FRAME_BEGINS)
        gaps = [b.at - a.at for a, b in itertools.pairwise(received)]
        tell("frames a second, wall of 64 at 200 × 50, training", f"{frames / seconds:.1f}", "≥ 15")
        tell("bytes a frame, the same", f"{len(wire) / frames:,.0f}")
        tell("longest gap between bytes, the same", f"{1e3 * max(gaps):.0f} ms")
        tell("processor time a second, training included", f"{cpu / seconds:.2f} s")
        terminal.press(" a")
        terminal.listen(3)
        still = sum(len(r.data) for r in terminal.listen(3))
        tell("bytes in 3 s of standing still, the same", str(still), "0")


def table() -> None:
    """10,000 models, paused: from keys in their table to the bytes that answer."""
    arguments = ("--n-instances", "10000", "--n-features", "5", "--n-hidden", "2", "--no-train")
    with Terminal(*arguments) as terminal:
        terminal.wait_for("represented", 180)
        terminal.press("a2")
        terminal.listen(5)
        for what, key in (
            ("a page down", "\x1b[6~"),
            ("to the last row", "\x1b[F"),
            ("sorted by another column", "\x1b[C"),
            ("the order the other way round", "I"),
        ):
            answers = []
            for i in range(12):
                answers.append(delay(terminal, key, FRAME_BEGINS))
                terminal.listen(0.3 + 0.011 * i)
                if key == "\x1b[F":
                    terminal.press("\x1b[H")
                    terminal.listen(0.3)
            worst = f"{1e3 * max(answers):.0f}"
            tell(
                f"10,000 rows: {what}",
                f"{1e3 * statistics.median(answers):.0f} ms, at most {worst}",
                "< 100 ms",
            )


def phases() -> None:
    """The paper's phase diagram, 40 × 40 × 10 models, while it fills: the cursor's keys to their bytes."""
    with Terminal("--no-train") as terminal:
        terminal.wait_for("● paused")
        terminal.press("V")
        terminal.wait_for("as in the paper")
        terminal.press("\x1b[B\x1b[B\r")
        terminal.wait_for(r"[1-9][\d,]* (of|/) 16,000", 120)
        answers: list[float] = []
        while len(answers) < 60 and not re.search(r"16,000 (of|/) 16,000", terminal.shown()):
            answers.append(delay(terminal, "\x1b[C" if len(answers) % 20 < 10 else "\x1b[D", FRAME_BEGINS))
            terminal.listen(0.2 + 0.011 * (len(answers) % 17))
        tell(
            f"40 × 40 cells that fill: a key, median of {len(answers)}",
            f"{1e3 * statistics.median(answers):.0f} ms, at most {1e3 * max(answers):.0f}",
            "< 100 ms",
        )


def rate_of(*command: str) -> float:
    """Steps a second of a training that prints its rate; the median of those printed."""
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=True)
    return statistics.median(float(r.replace(",", "")) for r in re.findall(r"([\d,]+) steps/s", done.stderr))


def step_of(terminal: Terminal) -> int:
    terminal.read(1)
    found = re.search(r"([\d,]+) / [\d,]{3,}", terminal.shown())
    if not found:
        raise RuntimeError("no step on the screen")
    return int(found[1].replace(",", ""))


def memory() -> None:
    """Resident memory after one minute at full speed, and the growth from there.

    For an hour, the last two minutes are taken to go on: what is loaded once is there by then.
    """
    with Terminal(*ENDLESS) as terminal:
        terminal.wait_for("● training")
        drain(terminal, 60)
        began, first = step_of(terminal), resident_mb(terminal.pid)
        tell("memory after 1 minute", f"{first:.0f} MB")
        drain(terminal, 120)
        third = resident_mb(terminal.pid)
        drain(terminal, 120)
        fifth, steps = resident_mb(terminal.pid), step_of(terminal) - began
        tell(
            f"growth to minute 3, to minute 5 ({steps:,} steps)",
            f"{third - first:+.1f}, {fifth - first:+.1f} MB",
        )
        hour = fifth - first + (fifth - third) / 2 * 55
        tell("the same for an hour, extrapolated", f"{hour:+.0f} MB", "< 30 MB")


def drain(terminal: Terminal, seconds: float) -> None:
    """Let time pass without keeping what is written."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        terminal.listen(1)
        terminal.shown()


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tell(what: str, value: str, target: str = "") -> None:
    print(f"| {what:<48} | {value:>10} | {target:>10} |", flush=True)


MEASUREMENTS: dict[str, Callable[[], None]] = {
    "paint": first_paint,
    "bytes": bytes_on_the_wire,
    "keys": keys_to_frames,
    "frames": frames_at_full_speed,
    "wall": wall,
    "table": table,
    "phases": phases,
    "memory": memory,
}


def main() -> None:
    for name in sys.argv[1:] or MEASUREMENTS:
        print(f"load {os.getloadavg()[0]:.1f} before {name}", file=sys.stderr)
        MEASUREMENTS[name]()


if __name__ == "__main__":
    main()
