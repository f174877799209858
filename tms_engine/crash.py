"""An error that nobody has foreseen: its traceback goes into a file, and one line says which."""

import contextlib
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h

_KEPT = 10
_SHOWN = 200  # characters of the error's own text


def report(program: str, error: BaseException) -> str:
    """Write the traceback to a file; one line that says what has happened and names it. Never raises."""
    what = " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN].rstrip(": ")
    path = _written(program, _text(error))
    told = (
        f"please report it with {path}, which has the traceback"
        if path
        else "its traceback could not be kept"
    )
    return f"{program}: an error that is a fault of {program}: {what}; {told}"


def _written(program: str, text: str) -> Path | None:
    """The file with this text, in the first place that takes it."""
    name = f"{program}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    for directory in _directories():
        with contextlib.suppress(OSError, RuntimeError):
            directory.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(text, encoding="utf-8", errors="backslashreplace")
            _forget_old(directory)
            return directory / name
    return None


def _directories() -> Iterator[Path]:
    """The user's directory for what programs say of themselves, or else one for temporary files."""
    with contextlib.suppress(Exception):
        from platformdirs import user_state_path

        yield user_state_path("tms-tui", appauthor=False) / "crashes"
    with contextlib.suppress(OSError):  # there may be none that can be written to
        user = os.getuid() if hasattr(os, "getuid") else ""
        yield Path(tempfile.gettempdir()) / f"tms-crashes-{user}"


def _forget_old(directory: Path) -> None:
    found = sorted(directory.glob("*.txt"), key=lambda path: path.stat().st_mtime)
    for path in found[:-_KEPT]:
        with contextlib.suppress(OSError):
            path.unlink()


def _text(error: BaseException) -> str:
    """What a reader needs: versions, the command, and the traceback."""
    from importlib.metadata import PackageNotFoundError, version

    lines = [f"python {platform.python_version()} on {platform.platform()}"]
    for package in ("tms-tui", "textual", "numpy", "numba", "torch", "triton", "plotext"):
        with contextlib.suppress(PackageNotFoundError):
            lines.append(f"{package} {version(package)}")
    lines += [f"arguments: {sys.argv[1:]}", ""]
    return "\n".join(lines) + "\n" + "".join(traceback.format_exception(error))
