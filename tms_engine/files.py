"""Files and directories: atomic writes, new names, and what to say when the system refuses."""

import contextlib
import itertools
import os
import re
import secrets
import select
import socket
import stat
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import IO

from tms_engine.errors import InputError

_PIECE = 1 << 16
# Without O_NONBLOCK, opening a pipe waits for somebody to write to it. Windows has another flag.
_TO_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
# Windows refuses these, and a slash is refused everywhere.
_NOT_IN_NAMES = '/\\:*?"<>|'
# Bytes. File systems allow 255, and a number and the time come behind it.
_LONGEST_NAME = 150
# Seconds after which a .part of another host's is nobody's any more.
_PART_LASTS = 86_400.0


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[tuple[BufferedReader, int]]:
    """A file to read, and its length. Raises OSError, and ValueError for a pipe, a device or a directory."""
    descriptor = os.open(path, _TO_READ)
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("it is no file")
        yield file, found.st_size


def read_small(path: Path, limit: int, wait: float = 0.0) -> bytes:
    """The content of a regular file of at most `limit` bytes, never more than that read.

    With `wait`, also what comes through a pipe, as in `--config <(…)`, if that is at most so many seconds in
    coming. Raises InputError, naming the file, for anything else, such as a device, and where it cannot be
    read. Never hangs.
    """
    try:
        file = os.open(path, _TO_READ)
    except (OSError, ValueError) as error:  # the latter: a zero byte in the name
        raise cannot(f"read {path}", error) from None
    try:
        kind = os.fstat(file).st_mode
        if stat.S_ISDIR(kind):
            raise InputError(f"cannot read {path}: it is a directory")
        is_pipe = stat.S_ISFIFO(kind)
        if not stat.S_ISREG(kind) and not (is_pipe and wait):
            raise InputError(f"cannot read {path}: it is a {'pipe' if is_pipe else 'device'}, not a file")
        content, until = bytearray(), time.monotonic() + wait
        while len(content) <= limit:
            if is_pipe and not select.select([file], [], [], max(until - time.monotonic(), 0))[0]:
                raise InputError(f"cannot read {path}: nothing came through this pipe for {wait:g} s")
            piece = os.read(file, min(_PIECE, limit + 1 - len(content)))
            if not piece:
                return bytes(content)
            content += piece
    except OSError as error:
        raise cannot(f"read {path}", error) from None
    finally:
        os.close(file)
    raise InputError(f"{path} is too large: at most {limit:,} bytes are read")


def physical_memory() -> int:
    """Bytes of memory that this machine has: more than that is not read."""
    if not hasattr(os, "sysconf"):  # Windows
        return 1 << 40
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def write_durably(path: Path, *content: bytes | memoryview) -> None:
    """Write a file and wait until it is on disk. A crash may leave a part of it; a failure leaves nothing."""
    try:
        with open(path, "wb") as file:
            _put(file, content)
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def write_atomically(path: Path, *content: bytes | memoryview, durably: bool = True) -> None:
    """Replace a file. Readers, and a crash at any moment, see the old content or the new, never a part.

    The new content is written to a .part beside the file and moved into place, so several processes may write
    the same file; only a process that is killed leaves its .part behind. Without `durably`, a power cut may
    take the new content and leave an empty file.
    """
    _write_beside(path, content, os.replace, durably)


def write_new(path: Path, content: bytes) -> None:
    """As `write_atomically`, but raises FileExistsError, and changes nothing, if the name is taken.

    Of several processes that write the same name at once, one does, and the others raise.
    """
    _write_beside(path, (content,), _move_to_new_name, durably=True)


def _move_to_new_name(part: Path, path: Path) -> None:
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with open(path, "xb"):
            pass
        try:
            os.replace(part, path)
        except OSError:
            path.unlink()
            raise
    else:
        part.unlink()


def _write_beside(
    path: Path, content: Sequence[bytes | memoryview], move: Callable[[Path, Path], None], durably: bool
) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}-{_host()}-{secrets.token_hex(4)}.part")
    try:
        with open(part, "xb") as file:
            _put(file, content, durably)
        move(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    if durably and hasattr(os, "O_DIRECTORY"):  # not on Windows, where a directory cannot be opened
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _put(file: IO[bytes], content: Sequence[bytes | memoryview], durably: bool = True) -> None:
    for piece in content:
        file.write(piece)
    file.flush()
    if durably:
        os.fsync(file.fileno())


def is_dead_part(path: Path) -> bool:
    """Whether this is what a process that was killed has left of a file that it was writing.

    On another host, whose processes cannot be seen, one is taken for dead after a day.
    """
    if not path.name.endswith(".part"):
        return False
    try:
        found = path.lstat()
    except OSError:
        return False
    if not stat.S_ISREG(found.st_mode):
        return False
    named = re.search(r"\.(\d{1,9})-([0-9a-f]{8})-[0-9a-f]{8}\.part$", path.name)
    if named and named[2] == _host():
        return not is_alive(int(named[1]))
    return bool(named or re.search(r"\.[0-9a-f]{8}\.part$", path.name)) and (
        time.time() - found.st_mtime > _PART_LASTS
    )


def remove_dead_parts(directory: Path) -> None:
    """Remove what processes that were killed have left in a directory of files that they were writing."""
    with contextlib.suppress(OSError):
        for path in directory.iterdir():
            if is_dead_part(path):
                path.unlink()


def _host() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def is_alive(pid: int) -> bool:
    """Whether a process of this host is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's, or no such thing
        return True
    return True


def make_directory(directory: Path) -> bool:
    """Make a directory and those above it; True if it was not there. Raises OSError, ValueError."""
    try:
        os.makedirs(directory.parent, exist_ok=True)
        os.mkdir(directory)
        return True
    except FileExistsError:
        os.listdir(directory)  # or it says what it is instead: a file, a link to nowhere
        return False


def free_name(base: Path, name: str) -> Path:
    """The first of BASE/NAME, BASE/NAME-2, BASE/NAME-3 … that does not exist now. Makes nothing.

    For a suggestion: another process may take it.
    """
    return next(path for path in names(base, name) if not os.path.lexists(path))


def dated_name(name: str) -> str:
    """A name for a run's directory, or a file: what it is called, and the time, to the second.

    Of a name that somebody else has chosen, what a file system, a shell or a terminal would take for
    something else is left out: slashes, control characters, a dot or a dash at its start; and all beyond 150
    bytes.
    """
    plain = "".join(c if c.isprintable() and c not in _NOT_IN_NAMES else "_" for c in name)
    short = plain.lstrip(".- ").encode()[:_LONGEST_NAME].decode(errors="ignore").rstrip(". ")
    return f"{short or 'run'}-{time.strftime('%Y%m%d-%H%M%S')}"


def names(base: Path, name: str) -> Iterator[Path]:
    """BASE/NAME, BASE/NAME-2, BASE/NAME-3 …"""
    yield base / name
    for number in itertools.count(2):
        yield base / f"{name}-{number}"


def make_writable(directory: Path) -> None:
    """Make a directory where there is none, and check that files can be made in it. Raises InputError."""
    probe = directory / f".{secrets.token_hex(4)}.part"
    try:
        if directory.exists() and not directory.is_dir():
            raise InputError(f"cannot write to {directory}: it is a file, not a directory")
        directory.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise cannot(f"write to {directory}", error) from None


def cannot(what: str, error: Exception) -> InputError:
    """The InputError "cannot WHAT: REASON", to raise where the system has refused."""
    return InputError(f"cannot {what}: {reason(error)}")


def reason(error: Exception) -> str:
    """Why something failed, in the words of the system or library, to stand after a colon."""
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]}"
    if isinstance(error, InputError):  # a sentence of ours, which may begin with a name such as W
        return str(error)
    text = getattr(error, "strerror", None) or str(error)
    return text[:1].lower() + text[1:]
