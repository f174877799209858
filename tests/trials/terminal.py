"""The app as a person has it: the real command in a real terminal, an emulated one on the other side.

`Terminal` runs `python -m tms_tui.cli` in a pty of its own and shows what is on its screen (pyte). What a
terminal is left with is read from the bytes: the last word on each of its modes.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pexpect
import pyte
import pytest

COLUMNS, ROWS = 120, 40
# Seconds after which something will never come; only what fails takes so long. On a busy machine, with all to
# compile, a start has taken two minutes.
PATIENCE = 240.0
# Alternate screen, mouse reporting (presses, all movement, two ways to write them), focus, pasting.
MODES_OF_THE_APP = (1049, 1000, 1003, 1006, 1004, 2004)
COMMAND = (sys.executable, "-m", "tms_tui.cli")


def environment(directory: Path, **changes: str) -> dict[str, str]:
    """A truecolor terminal of a user whose settings and sessions are under `directory`."""
    homes = {f"XDG_{name.upper()}_HOME": str(directory / name) for name in ("config", "state")}
    return {**os.environ, "COLORTERM": "truecolor", **homes, **changes}


class _Screen(pyte.Screen):
    """pyte's, which falls over some sequences that are sent back to it when nobody is there to take them."""

    def report_device_attributes(self, *_: int, **__: bool) -> None:
        """Nobody asks it."""


class Terminal:
    """The app in a pty, its bytes, and the screen that they make."""

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        size: tuple[int, int] = (COLUMNS, ROWS),
        unset: Sequence[str] = (),
        command: Sequence[str] = COMMAND,
        ignore_sighup: bool = False,
        cwd: Path | None = None,
        **changes: str,
    ) -> None:
        """With the user's files under `directory`, in `cwd` or there; `size` in columns and rows.

        Of the environment, `unset` is taken away, and `changes` is set.
        """
        left = {name: value for name, value in environment(directory).items() if name not in unset}
        self.screen = _Screen(*size)
        self.written = b""
        self._stream = pyte.ByteStream(self.screen)
        self.process = pexpect.spawn(
            command[0],
            [*command[1:], *arguments],
            ignore_sighup=ignore_sighup,
            dimensions=size[::-1],
            env={**left, **changes},
            cwd=str(cwd or directory),
        )

    def wait(self, seconds: float) -> None:
        """Let time pass, and take in what is written."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self.read(left):
            pass

    def skip(self, seconds: float) -> None:
        """Let time pass, and throw away what is written: the screen is not emulated."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                self.process.read_nonblocking(1 << 16, left)
            except pexpect.TIMEOUT:
                return
            except pexpect.EOF:
                pytest.fail("the app has ended")

    def wait_until(self, holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Take in what is written until something holds."""
        until = time.monotonic() + seconds
        while not holds():
            if not self.read(0.1) or time.monotonic() > until:
                pytest.fail(f"not so after {seconds:g} s:\n{self.text()}")

    def press(self, keys: str) -> None:
        self.process.send(keys)

    def text(self) -> str:
        return "\n".join(self.screen.display)

    def read(self, seconds: float, most: int = 1 << 16) -> bool:
        """Take in what is written within so many seconds; False at the end of the process."""
        try:
            written = self.process.read_nonblocking(most, seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.take_in(written)
        return True

    def take_in(self, written: bytes) -> None:
        """What the app has written: the screen shows it."""
        self.written += written
        self._stream.feed(written)

    def see(self, pattern: str, seconds: float = PATIENCE) -> re.Match[str]:
        """Wait until the screen shows this."""
        until = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text())):
            alive = self.read(0.1)
            if time.monotonic() > until or not alive:
                pytest.fail(f"{pattern!r} is not to be seen after {seconds:g} s:\n{self.text()}")
        return found

    def see_change(self, part: Callable[["Terminal"], str], before: str, seconds: float = PATIENCE) -> None:
        """Wait until a part of the screen is not what it was."""
        until = time.monotonic() + seconds
        while part(self) == before:
            if not self.read(0.1) or time.monotonic() > until:
                pytest.fail(f"nothing has changed after {seconds:g} s:\n{self.text()}")

    def end(self, seconds: float = PATIENCE) -> int:
        """Read on to the end of the process; its exit code, negative for a signal."""
        until = time.monotonic() + seconds
        while self.read(0.1):
            if time.monotonic() > until:
                pytest.fail(f"still there after {seconds:g} s:\n{self.text()}")
        self.process.wait()
        status, signalled = self.process.exitstatus, self.process.signalstatus
        return -signalled if status is None else status

    def is_set(self, mode: int) -> bool:
        """Whether the last word on a private mode of the terminal was to set it."""
        words = re.findall(rb"\x1b\[\?(?:\d+;)*%d(?:;\d+)*([hl])" % mode, self.written)
        return bool(words) and words[-1] == b"h"

    def assert_restored(self, *, if_entered: bool = False) -> None:
        """Whether all is as it was; with `if_entered`, only if the app had come so far as to change it."""
        if if_entered and b"\x1b[?1049h" not in self.written:
            return
        assert [mode for mode in MODES_OF_THE_APP if self.is_set(mode)] == []
        assert self.is_set(25)  # the cursor is seen again
        assert self.is_set(7)  # and lines are wrapped
        pushed, popped = (len(re.findall(rb"\x1b\[%c\d*u" % sign, self.written)) for sign in b"><")
        assert pushed == popped  # kitty's keyboard
