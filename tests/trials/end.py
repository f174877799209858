"""The end is an end: terminals that go away, signals, stops, and what is left of the run, in a real
terminal.
"""

import contextlib
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect

from tests.trials.terminal import COMMAND, Terminal, environment

# Keys that open each screen from the dashboard.
SCREENS = {"dashboard": "", "help": "?", "form": "i", "export": "x", "quit": "q", "palette": "\x10"}
ENDLESS = ("--pace", "max", "--steps", "100000000")
PHASES = {
    "loading": (),
    "compiling": ENDLESS,
    "training": ENDLESS,
    "paused": ("--no-train",),
    "finished": ("--pace", "max", "--steps", "2000"),
}
# Seconds to be gone after the terminal is, and after a signal.
_GONE, _ENDED = 2.0, 3.0


@contextlib.contextmanager
def opened(directory: Path, *arguments: str, **changes: Any) -> Iterator[Terminal]:
    terminal = Terminal(directory, *arguments, **changes)
    try:
        yield terminal
    finally:
        with contextlib.suppress(OSError):
            os.kill(terminal.process.pid, signal.SIGKILL)
        with contextlib.suppress(OSError, pexpect.ExceptionPexpect):
            terminal.process.close(force=True)


def in_phase(terminal: Terminal, phase: str, draw: random.Random) -> bool:
    """Wait for a phase, or so long that it may be any; whether there is a run that would be lost."""
    if phase == "loading":
        terminal.wait(draw.uniform(0.05, 0.8))
        return False
    if phase == "compiling":
        terminal.see("loading|compiling|training")
        terminal.wait(draw.uniform(0.0, 0.6))
        return False
    terminal.see(f"● {phase}")
    if phase == "paused":
        terminal.press(".")
        terminal.see("1 / 10,000")
    terminal.press("]")
    terminal.see(r"S 0?\.966|lr|density")
    terminal.wait(draw.uniform(0.0, 0.4))
    return True


def seconds_to_end(pid: int, most: float) -> tuple[float, int]:
    """How long a child takes to end, and its status; fails after so many seconds."""
    began = time.monotonic()
    while time.monotonic() - began < most:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return time.monotonic() - began, os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    raise AssertionError(f"still there after {most:g} s")


def saved(directory: Path) -> list[Path]:
    return sorted(directory.rglob("state.safetensors"))


def closed_terminal(directory: Path, seed: int) -> str:
    """The terminal goes away, on any screen and in any phase, with SIGHUP or without: gone in 2 s, run
    saved.
    """
    draw = random.Random(seed)
    screen, phase = draw.choice([*SCREENS]), draw.choice(["loading", "training", "training", "paused"])
    with opened(directory, *PHASES[phase], ignore_sighup=bool(seed % 2)) as terminal:
        changed = in_phase(terminal, phase, draw)
        if changed:
            terminal.press(SCREENS[screen])
            terminal.wait(draw.uniform(0.0, 0.3))
        os.close(terminal.process.child_fd)
        seconds, _ = seconds_to_end(terminal.process.pid, _GONE)
    assert bool(saved(directory)) == changed or not changed
    return f"{phase}, {screen}, {'no ' * (seed % 2)}SIGHUP: {seconds:.2f} s"


def signals(directory: Path, seed: int) -> str:
    """A signal on any screen and in any phase: the end in 3 s, terminal restored, run saved."""
    draw = random.Random(seed)
    cases = [
        (number, screen, phase)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
        for screen in SCREENS
        for phase in PHASES
    ]
    number, screen, phase = cases[(7 * seed) % len(cases)]
    with opened(directory, *PHASES[phase]) as terminal:
        changed = in_phase(terminal, phase, draw)
        if changed:
            terminal.press(SCREENS[screen])
            terminal.wait(draw.uniform(0.0, 0.3))
        began = time.monotonic()
        os.kill(terminal.process.pid, number)
        code = terminal.end(_ENDED)
        seconds = time.monotonic() - began
        if terminal.is_set(1049) or terminal.written:
            terminal.assert_restored()
    assert code in (128 + number, -number, 0), (code, terminal.written[-600:])
    assert b"Traceback" not in terminal.written
    assert bool(saved(directory)) or not changed
    return f"{number.name}, {phase}, {screen}: {seconds:.2f} s, exit {code}"


def nowhere_to_save(directory: Path, seed: int) -> str:
    """A file where runs/ should be, and a signal: the end in 3 s, and a sentence."""
    (directory / "runs").write_text("")
    number = (signal.SIGTERM, signal.SIGHUP)[seed % 2]
    with opened(directory, *ENDLESS) as terminal:
        in_phase(terminal, "training", random.Random(seed))
        began = time.monotonic()
        os.kill(terminal.process.pid, number)
        terminal.end(_ENDED)
        seconds = time.monotonic() - began
        terminal.assert_restored()
    assert b"saved" in terminal.written
    assert b"Traceback" not in terminal.written
    return f"{number.name}: {seconds:.2f} s"


def stop_and_continue(directory: Path, seed: int) -> str:
    """SIGSTOP and SIGCONT forty times: no thread more, the screen is drawn again, and q leaves at once."""
    del seed
    with opened(directory, "--no-train") as terminal:
        terminal.see("● paused")
        terminal.wait(0.5)
        pid = terminal.process.pid
        before = threads(pid)
        for _ in range(40):
            os.kill(pid, signal.SIGSTOP)
            terminal.wait(0.02)
            os.kill(pid, signal.SIGCONT)
            terminal.wait(0.05)
        terminal.screen.reset()  # as a shell leaves it
        os.kill(pid, signal.SIGSTOP)
        os.kill(pid, signal.SIGCONT)
        terminal.see("● paused", 10)
        terminal.press("L")
        terminal.see("Batch loss ─ linear", 10)
        after = threads(pid)
        terminal.press("q")
        began = time.monotonic()
        assert terminal.end(10) == 0
        seconds = time.monotonic() - began
        terminal.assert_restored()
    assert after <= before, (before, after)
    assert seconds < 2, seconds
    return f"{before} threads, then {after}; q took {seconds:.2f} s"


def suspended(directory: Path, seed: int) -> str:
    """Ctrl-Z in a shell, on any screen: the shell's prompt on a terminal that is restored; fg draws again."""
    screen = [*SCREENS][seed % len(SCREENS)]
    shell = ["bash", "--norc", "--noprofile", "-i"]
    (directory / "inputrc").write_text("set enable-bracketed-paste off\n")
    with opened(directory, command=shell, PS1="prompt> ", INPUTRC=str(directory / "inputrc")) as terminal:
        terminal.see("prompt>")
        terminal.press(shlex.join([*COMMAND, "--no-train"]) + "\n")
        terminal.see("● paused")
        terminal.press(SCREENS[screen])
        terminal.wait(0.5)
        terminal.press("\x1a")
        terminal.see("Stopped", 20)
        terminal.assert_restored()
        terminal.press("echo is''there\n")
        terminal.see("isthere", 20)
        terminal.press("fg\n")
        terminal.wait_until(lambda: terminal.is_set(1049), 20)
        terminal.wait(0.5)
        if screen != "dashboard":
            terminal.press("\x1b")
        terminal.wait(0.5)
        terminal.press("q")
        terminal.wait_until(lambda: terminal.written.endswith(b"prompt> "), 20)
        terminal.assert_restored()
        terminal.press("exit\n")
        terminal.end(10)
    return screen


def early_interrupt(directory: Path, seed: int) -> str:
    """Ctrl-C in the first .4 s of each command, once or twice: the end, 130, and no traceback."""
    draw = random.Random(seed)
    command = (
        [sys.executable, "-m", "tms_tui.cli"],
        [sys.executable, "-m", "tms_engine", "train", "--steps", "100000000"],
        [sys.executable, "-m", "tms_tui"],
    )[seed % 3]
    after = draw.uniform(0.03, 0.4)
    with opened(directory, command=command) as terminal:
        terminal.wait(after)
        terminal.press("\x03")
        if draw.random() < 0.5:
            terminal.wait(draw.uniform(0.0, 0.1))
            with contextlib.suppress(OSError):
                terminal.press("\x03")
        code = terminal.end(10)
        terminal.assert_restored(if_entered=True)
    # Until Python runs the first line of ours, a traceback is its own, of its start.
    assert b"Traceback" not in terminal.written or b"/tms_" not in terminal.written, terminal.written
    assert code in (130, -signal.SIGINT, 1), (code, terminal.written)
    return f"{command[2]} after {after:.2f} s: exit {code}"


def closed_streams(directory: Path, seed: int) -> str:
    """Each command with a descriptor closed, or to a full disk: it works, or one sentence."""
    commands = (
        "tms_tui",
        "tms_tui --once --steps 50",
        "tms_engine train --steps 50 --out run",
        "tms_engine presets",
    )
    ways = ("<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", "</dev/null", "| true")
    command, way = commands[seed % len(commands)], ways[seed // len(commands) % len(ways)]
    prefix = ("", "setsid -w ", "nohup ", "timeout 60 ")[seed // 32 % 4]
    line = f"{prefix}{shlex.quote(sys.executable)} -m {command} {way}"
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=directory,
        env=environment(directory),
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert "Exception" not in done.stderr, done.stderr
    assert done.returncode in (0, 2), (done.returncode, done.stderr)
    return f"{line.replace(sys.executable, 'python')}: exit {done.returncode}, {done.stderr.strip()[-90:]!r}"


def threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))
