"""Sizes from small to the refusal: keys answered within .3 s and the app gone within 2 s, or it never began.

Time for which the screen's thread was ready to run and the machine ran others is taken off, where the kernel
tells it (Linux): what is left is the app's own.

A step of a very large model takes longer than that. Neither a key that only looks, nor leaving, waits for it.
"""

import re
import time
from contextlib import suppress
from pathlib import Path

import pexpect
import pytest

from tests.environment import waited_for_a_processor
from tests.trials.terminal import Terminal

KEY, QUIT = 0.3, 2.0

# By factors of ten in each dimension, and what had killed the app.
SIZES: tuple[str, ...] = (
    "steps=10000000000",  # the seed's, which the others are to be compared with
    "n_features=80 n_hidden=20",
    "n_features=1000 n_hidden=100",
    "n_features=4000 n_hidden=100",
    "n_features=10000 n_hidden=100",
    "n_features=100000",
    "n_features=1000000",
    "n_features=1000 n_hidden=1000",
    "n_hidden=1000",
    "n_hidden=20000",
    "n_hidden=1000000",
    "n_instances=1000",
    "n_instances=10000",
    "n_instances=100000",
    "n_instances=1000000",
    "batch_size=100000",
    "batch_size=1000000",
    "batch_size=10000000",
    "batch_size=1000000000",
    "steps=1000000000000",
    "keep=1000000000000 n_features=1000 n_hidden=30",
    "n_features=400 n_hidden=30 n_instances=100",
    "n_features=2000 n_hidden=50 kernel=torch device=cpu",
    "n_features=1000000 n_hidden=20000",
    "n_instances=1000000000",
    "n_features=1000000000",
    "features=correlated set_size=1000000000 n_features=1000000000",
    "instances=0:1000000000",
    "sparsity=" + ",".join(["0.9"] * 20_000) + " n_instances=20000",
)


def sizes(directory: Path, seed: int) -> str:
    """One of the sizes, at full speed."""
    what = SIZES[seed % len(SIZES)]
    key, left = measured(directory, what)
    told = f"{what[:60]}: " + (f"key {key:.2f} s, quit {left:.2f} s" if key is not None else "refused")
    assert key is None or key <= KEY, told
    assert left <= QUIT, told
    return told


def measured(directory: Path, what: str) -> tuple[float | None, float]:
    """Seconds until the slowest of some keys is answered (None: refused, in words), and until it left."""
    options = [_option(part) for part in what.split()]
    app = Terminal(directory, *options, "--pace=max", size=(120, 40))
    alive = True
    while alive and not re.search(r"training|finished|needs? about|at most|no.*memory", app.text()):
        alive = app.read(0.05)
    if app.text().strip().startswith("tms-tui: "):
        app.process.wait()
        assert app.process.exitstatus == 2
        assert app.text().strip().startswith("tms-tui: ")
        return None, 0.0
    refused = not re.search(r"(training|finished)\b", app.text())
    slowest = 0.0
    for _ in range(3):
        slowest = max(
            slowest, _answered(app, "?", "esc closes"), _answered(app, "\x1b", r"\? help|Help|help")
        )
        _settle(app, 0.3)
    began, before = time.monotonic(), _kept_waiting(app)
    waited = before
    app.press("q")
    while app.read(0.02):
        waited = max(waited, _kept_waiting(app))
        if re.search(r"not\s+saved", app.text()):
            app.press("q")
        if time.monotonic() - began > 60:
            pytest.fail(f"{what}: still there after a minute:\n{app.text()}")
    left = time.monotonic() - began - (waited - before)
    app.process.wait()
    assert app.process.exitstatus == 0, app.text()
    app.assert_restored()
    return (None if refused else slowest), left


def _option(part: str) -> str:
    name, _, value = part.partition("=")
    return f"--{name.replace('_', '-')}={value}"


def _answered(app: Terminal, key: str, pattern: str) -> float:
    """Seconds until what a key asks for is sent to the screen.

    What comes is read at once, and told with the time at which it came: to work out what the screen then
    shows takes an emulated one a tenth of a second, which is not the app's.
    """
    _settle(app, 0.0)
    began, before = time.monotonic(), _kept_waiting(app)
    app.press(key)
    while True:
        for came, written in _arrivals(app, KEY):
            app.take_in(written)
            seen = re.search(pattern, app.text())
            if seen and not (key == "\x1b" and re.search("esc closes", app.text())):
                return came - began - (_kept_waiting(app) - before)
        assert time.monotonic() - began < 60, f"{key!r} is not answered after a minute:\n{app.text()}"


def _arrivals(app: Terminal, seconds: float) -> list[tuple[float, bytes]]:
    """What comes within so many seconds, and when."""
    until, arrivals = time.monotonic() + seconds, []
    while (left := until - time.monotonic()) > 0:
        with suppress(pexpect.TIMEOUT):
            written = app.process.read_nonblocking(1 << 16, left)
            arrivals.append((time.monotonic(), written))
    return arrivals


def _kept_waiting(app: Terminal) -> float:
    """Seconds for which the main thread has been ready to run, and has not run."""
    return waited_for_a_processor(f"{app.process.pid}/task/{app.process.pid}")


def _settle(app: Terminal, seconds: float) -> None:
    """Take in what is there, for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        app.read(0.02)
