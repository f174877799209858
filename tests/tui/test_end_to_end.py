"""The app from its start to its end, as a person has it, in a real terminal."""

import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trials.terminal import COLUMNS, COMMAND, PATIENCE, Terminal, environment

pytestmark = pytest.mark.slow


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def terminals(directory: Path) -> Iterator[list[Terminal]]:
    """Those that a test opens are closed when it ends, however it ends."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.process.close(force=True)


def opened(terminals: list[Terminal], directory: Path, *arguments: str, **changes: str) -> Terminal:
    terminals.append(Terminal(directory, *arguments, **changes))
    return terminals[-1]


def number(found: re.Match[str]) -> float:
    return float(found[1].replace(",", ""))


def space(terminal: Terminal) -> str:
    """The part of the screen in which vectors turn."""
    return "\n".join(line[1:65] for line in terminal.screen.display[2:36])


def test_a_session_from_the_first_frame_to_the_last(terminals, directory):
    app = opened(terminals, directory, "--pace", "1000", "--steps", "100000")
    app.see("loading|compiling|training")
    assert app.is_set(1049)
    app.see(r"● training")
    first = number(app.see(r"loss (0\.\d+)"))

    app.see(r"[1-9],\d{3} / 100,000")
    assert number(app.see(r"loss (0\.\d+)")) < first / 2  # the loss falls

    app.press(" a")  # stand still
    app.see("● paused")
    for scale in ("linear", "log"):  # keys are taken in turn: when these show, all before them has been drawn
        app.press("L")
        app.see(f"Batch loss ─ {scale}")
    still = space(app)
    app.read(0.5)
    assert space(app) == still
    app.press("\x1b[C\x1b[C\x1b[C")
    app.see_change(space, still)  # it has turned

    assert number(app.see(r"· S (0?\.\d+)")) == 0.95
    app.press("]")
    assert number(app.see(r"· S (0?\.966\d)")) == pytest.approx(1 - 0.05 / 1.5, abs=1e-4)

    app.press("e")
    app.see(r"exporting")
    app.see(r"Exported the run")
    (run,) = (directory / "runs").iterdir()  # the toast names it, in as many lines as its path takes
    assert (run / "state.safetensors").is_file()
    assert len(list((run / "figures").glob("*.png"))) == 6

    app.press("q")  # the run with its change is saved: there is nothing to ask
    assert app.end() == 0
    app.assert_restored()

    again = opened(terminals, directory, f"runs/{run.name}", "--no-train")
    again.see(rf"{run.name[:12]}.*S 0?\.966")
    again.see("● paused")
    assert number(again.see(r"([\d,]+) / 100,000")) > 1000
    again.press("q")  # as it was opened, it is saved
    assert again.end() == 0


def test_a_run_that_would_be_lost_is_asked_for(terminals, directory):
    app = opened(terminals, directory, "--no-train")
    app.see("● paused")
    app.press("..]")
    app.see(r"· S 0?\.966")
    app.see(r"2 / 10,000")
    app.press("q")
    app.see("not saved")
    app.press("\x1b")
    app.see(r"^(?s:(?!.*not saved))")
    assert app.process.isalive()
    app.press("q")
    app.see("not saved")
    app.press("q")
    assert app.end() == 0
    app.assert_restored()


def test_quitting_does_not_wait_for_the_end_of_the_training(terminals, directory):
    app = opened(terminals, directory, "--pace", "max", "--steps", "1000000000")  # half an hour's
    app.see(r"[1-9],\d{3} / 1,000,000,000")
    app.press("q")
    assert app.end() == 0
    app.assert_restored()


def test_on_a_slow_line_that_answers_nothing_keys_are_answered(terminals, directory):
    """The writer once slept for good when the last piece was whole and the line had not drained."""
    app = opened(terminals, directory, "--pace", "max", "--steps", "1000000000")
    app.see("● training")

    def shows(words: str, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while time.monotonic() < until and words not in app.text():
            time.sleep(0.01)
            app.read(0, most=320)  # 32 kB/s
        return words in app.text()

    shows("until the line is known to be slow", 6)
    for words in ("● paused", "● training") * 3:
        app.press(" ")
        assert shows(words, 30)


def test_a_terminal_that_speaks_no_utf8_is_sent_ascii(terminals, directory):
    app = opened(
        terminals, directory, "--steps", "50", LANG="C", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"
    )
    app.see("finished")
    app.press("?")
    app.see("What is on the screen|names of solids")
    app.press("\x1b")
    app.see("finished")
    app.press("q")
    assert app.end() == 0
    assert max(app.written) < 128


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_that_ends_it_leaves_the_terminal_restored(terminals, directory, name):
    app = opened(terminals, directory, "--no-train")
    app.see("● paused")
    app.process.kill(getattr(signal, name))
    app.end()
    app.assert_restored()


def run(directory: Path, *arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(directory),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
        **options,
    )


def test_once_prints_the_dashboard_as_text(directory):
    done = run(directory, "--once", "--steps", "300")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    for shown in ("Space", "Batch loss", "Features", "W Wᵀ", "Numbers", "300 / 300", "100%", "● finished"):
        assert shown in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= COLUMNS


def test_without_a_terminal_one_line_says_what_to_do(directory):
    done = run(directory)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "tms train" in done.stderr


@pytest.mark.parametrize("redirected", ["stdin", "stdout", "stderr"])
def test_a_stream_that_goes_elsewhere_gets_no_escapes(directory, redirected):
    ours, theirs = pty.openpty()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
    elsewhere = directory / "elsewhere"
    with elsewhere.open("w+b") as file:
        process = subprocess.Popen(
            COMMAND, env=environment(directory), cwd=directory, **{**streams, redirected: file}
        )
        try:
            assert process.wait(PATIENCE) == 2
        finally:
            process.kill()
            os.close(theirs)
            os.close(ours)
    assert b"\x1b" not in elsewhere.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--pace", "0"], "pace"),
        (["--fps", "1000"], "fps"),
        (["--render", "oil"], "render"),
        (["--sparsity", "1.5"], "sparsity"),
        (["--sparsty", "0.5"], "sparsty"),
        (["no-such-preset"], "no-such-preset"),
        (["./no-such-run"], "no-such-run"),
    ],
)
def test_bad_arguments_are_told_in_one_sentence(directory, arguments, told):
    done = run(directory, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert told in done.stderr
