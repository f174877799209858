"""Hostile settings and config files: one sentence and the defaults, and what was not understood is kept."""

import contextlib
import io
import os
import random
import time
from pathlib import Path

from tests.trials.names import hostile_name
from tms_engine.commands import main as tms
from tms_tui import settings as stored

NAMES = ("theme", "render", "palette", "pace", "fps", "turning", "low_bandwidth", "nothing", "'a b'", "''")
VALUES = (
    "nan", "inf", "-inf", "0", "-1", "1e999", "1" + "0" * 400, "9" * 5000, "true", "''", "'auto'", "'[red]'",
    "[]", "[1, 2]", "{}", "{a = 1}", "1979-05-27", "00:00:00", "'''\n'''", "[" * 3000,
    "{a=" * 500, "'\\u202e'",
    "'\x1b[31m'", "0x7fffffffffffffffffff", "1_0", "30", "500", "'safe'", "'tms-light'", '"\\ud800"',
)  # fmt: skip


def settings(directory: Path, seed: int) -> str:
    """One hostile thing in the place of settings.toml, and of a file for --config."""
    draw = random.Random(seed)
    before = os.environ.get("XDG_CONFIG_HOME")
    os.environ["XDG_CONFIG_HOME"] = str(directory / "config")
    try:
        path = stored.settings_path()
        assert path is not None
        path.parent.mkdir(parents=True)
        kind = draw.choice((_lines, _lines, _lines, _bytes, _large, _no_file, _cut))
        kind(path, draw)
        _hold(path)
        _config(path, kind is _no_file)
    finally:
        os.environ.pop("XDG_CONFIG_HOME")
        if before is not None:
            os.environ["XDG_CONFIG_HOME"] = before
    return kind.__name__.strip("_")


def _hold(path: Path) -> None:
    was = _what_is(path)
    began = time.monotonic()
    found, sentence, _ = stored.load()
    assert time.monotonic() - began < 5
    assert _what_is(path) == was
    if sentence:
        assert sentence.isprintable()
        assert len(sentence) < 1200
        assert found == stored.Settings()
    stored.save(found)
    assert stored.load()[:2] == (found, "")
    if sentence:
        assert _what_is(path.with_name("settings.toml.broken")) == was


def _config(path: Path, waits: bool) -> None:
    broken = path.with_name("settings.toml.broken")
    if not os.path.lexists(broken) or waits:
        return
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = tms(["train", f"--config={broken}", "--steps=x"])
    assert code == 2
    assert said.getvalue()[:-1].isprintable()


def _what_is(path: Path) -> object:
    """The content, of a large file its size; the target of a link; the kind of anything else."""
    if path.is_symlink():
        return os.readlink(path)
    found = path.lstat()
    return path.read_bytes() if path.is_file() and found.st_size < 1 << 20 else (found.st_mode, found.st_size)


def _lines(path: Path, draw: random.Random) -> None:
    lines = [f"{draw.choice(NAMES)} = {draw.choice(VALUES)}" for _ in range(draw.randint(1, 4))]
    path.write_text("\n".join(lines) + draw.choice(("", "\n", "\r\n", "\x00", "[a]\nb=1")), "utf-8")


def _bytes(path: Path, draw: random.Random) -> None:
    path.write_bytes(draw.randbytes(draw.randint(1, 3000)) + hostile_name(draw).encode(errors="replace"))


def _cut(path: Path, draw: random.Random) -> None:
    stored.save(stored.Settings())
    whole = path.read_bytes()
    path.write_bytes(whole[: draw.randrange(len(whole))] + bytes([draw.randrange(256)]))


def _large(path: Path, draw: random.Random) -> None:
    with open(path, "wb") as file:
        file.write(b"theme = 'nord'\n")
        file.truncate(draw.choice((1 << 17, 30 << 20, 1 << 34)))


def _no_file(path: Path, draw: random.Random) -> None:
    """A pipe, a directory, a device, a loop, a link to nowhere."""
    kind = draw.randrange(5)
    if kind == 0:
        os.mkfifo(path)
    elif kind == 1:
        path.mkdir()
    else:
        path.symlink_to(("/dev/zero", path.name, "nowhere.toml")[kind - 2])
