"""Child: a process of ours beside the app, in which nothing that it does makes the screen wait."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tms_engine import plugins, process
from tms_engine.errors import InputError
from tms_engine.files import cannot


class Child:
    """`python -m MODULE ARGUMENTS`, at low priority. What it says on stderr is kept until it has ended."""

    def __init__(self, module: str, *arguments: str, listens: bool = False) -> None:
        """Where it `listens`, what the process prints comes by `lines`. Raises InputError if none starts."""
        self._complaints = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._said: list[str] | None = None  # what it complained of, once it has ended
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if listens else subprocess.DEVNULL,
                stderr=self._complaints,
                encoding="utf-8",
                errors="replace",
                # Where the package is: Python finds it, and nothing of the user's directory instead.
                cwd=Path(__file__).parent.parent,
                env=plugins.environment(),
                start_new_session=True,  # signals of the terminal are not meant for it
            )
        except OSError as error:
            self._complaints.close()
            raise cannot("start a process", error) from None
        process.give_way(self._process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    def lines(self) -> Iterator[str]:
        """What it prints, line by line, to its end."""
        assert self._process.stdout
        with self._process.stdout as printed:
            for line in printed:
                yield line.rstrip("\n")

    def end(self) -> None:
        """Ask it to end at once."""
        self._process.terminate()

    def interrupt(self) -> None:
        """Ask it to stop as Ctrl-C does."""
        with suppress(OSError):
            os.kill(self._process.pid, signal.SIGINT)

    def poll(self, what: str) -> str | None:
        """None while it is there; then why it has failed, `what` being what it did; "" if it has not."""
        code = self._process.poll()
        return None if code is None else self._why(code, what)

    def wait(self, what: str) -> None:
        """Wait for its end. Raises InputError if it has failed."""
        why = self._why(self._process.wait(), what)
        if why:
            raise InputError(why)

    def _why(self, code: int, what: str) -> str:
        if self._said is None:
            with self._complaints as complaints:
                complaints.seek(0)
                self._said = [line.strip() for line in complaints.read().splitlines() if line.strip()]
        lines = self._said
        if code == 0:
            return ""
        if code < 0:
            return f"the process of {what} was ended by signal {-code}"
        return lines[-1].removeprefix("tms: ") if lines else f"the process of {what} failed ({code})"
