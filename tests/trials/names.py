"""Hostile names of presets, config files, runs, plugins and fields, in both commands and on all screens."""

import asyncio
import contextlib
import io
import os
import random
import re
from pathlib import Path

from rich.cells import cell_len

from tests.tui.conftest import still_app
from tests.tui.hosts import settled, text
from tms_engine import Experiment, InputError, files
from tms_engine.commands import main as tms
from tms_tui import messages as m
from tms_tui.cli import main as tms_tui
from tms_tui.compat import toasts
from tms_tui.screens.confirm import Confirm

PIECES = (
    "[red]", "[/]", "[link=http://x]", "[", "]", "\\[", "[@click=app.quit]", "$foreground", "{x}", "%s",
    "\x1b[31m", "\x1b]0;title\x07", "\x1b[2J", "\x9b31m", "\x07", "\x08", "\r", "\n", "\t", "\x00", "\x7f",
    "\x85", "\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\u2028", "\ufe0f", "e\u0301", "\u0301", "<b>",
    "a" + "\u0338" * 12, "\u05d0\u05d1", "\u0645\u0631", "日本語", "🙂", "👩\u200d🚀", "🇩🇪", "ﷺ", "\u3164",
    "\uff57\uff49\uff44\uff45", "\udcff", "\ud800", "-", "--out", ".", "..", "/", "\\", "~", "*", "'", '"',
    "`x`", "$(x)", ";", " ", "\u00a0", "CON", "x" * 300, "gist", "a",
)  # fmt: skip


def hostile_name(draw: random.Random) -> str:
    return "".join(draw.choices(PIECES, k=draw.randint(1, 6)))


def names(directory: Path, seed: int) -> str:
    """One name everywhere that a name may come from."""
    name = hostile_name(random.Random(seed))
    _said_by_both_commands(directory, name)
    _of_files(directory, name)
    asyncio.run(_on_every_screen(name))
    return repr(name)[:60]


def _said_by_both_commands(directory: Path, name: str) -> None:
    """As a preset, a config file, a plugin, and a value: one visible line, and exit code 2."""
    name = "".join(c for c in name if c not in "\x00\ud800") or "?"  # no argument can hold these
    for command, arguments in (
        (tms, ["train", f"--config={directory / 'no'}{name}.toml"]),
        (tms, ["train", f"--model={name}"]),
        (tms, ["train", f"--features={name}"]),
        (tms, ["train", f"--instances={name}x"]),
        (tms, ["show", f"{directory}/no/{name}"]),
        (tms, ["presets", f"--{name}"]),
        (tms_tui, [f"{name}x/y"]),
        (tms, ["runs", f"{directory}/no/{name}"]),
        (tms, [f"{name}x/y"]),
        (tms, ["train", f"{name}x/y"]),
        (tms_tui, ["--once", f"--plugin={name}?"]),
        (tms_tui, ["--render", f"{name}?"]),
    ):
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            code = command(arguments)
        told = said.getvalue()
        assert code == 2, (arguments, code, told)
        assert told.endswith("\n")
        assert told[:-1].isprintable(), (arguments, told)
        assert len(told) < 1100
    for field in ("model", "features", "sparsity", "instances", "importance", "device", "init", name):
        with contextlib.suppress(InputError):
            Experiment(**{field: name})


def _of_files(directory: Path, name: str) -> None:
    """Where a file may have the name, a run can be made under it and read again."""
    made = directory / "runs" / files.dated_name(name)
    made.mkdir(parents=True)
    assert made.parent == directory / "runs"
    assert re.match(r"[^-./\s]", made.name)
    assert made.name.isprintable()
    assert len(os.fsencode(made.name)) < 200
    config = directory / f"{name}.toml"
    try:
        config.write_text("n_features = 5\nsteps = 1\n")
    except (OSError, ValueError):  # no such file can be
        return
    here = os.getcwd()
    os.chdir(directory)
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            assert tms(["train", f"--config={config}", "--kernel=numba", "--steps=1"]) == 0
    finally:
        os.chdir(here)
    assert len(list((directory / "runs").iterdir())) == 2


async def _on_every_screen(name: str) -> None:
    """In the title, toasts and dialogs: the app stays, and every line is as wide as the screen."""
    app = still_app(name=name)
    async with app.run_test(size=(80, 24)) as pilot:
        _assert_whole(app, 80)
        app.send(m.Refused(f"cannot write {name}: why"))
        app.send(m.Done(name, f"runs/{name}"))
        await settled(pilot)
        shown = [toast.message for toast in toasts(app)]
        assert len(shown) == 2
        assert all(message.isprintable() for message in shown)
        _assert_whole(app, 80)
        if name.isascii() and name.isprintable() and len(name) < 20:
            assert name.rstrip() in text(app).splitlines()[0]
        app.clear_notifications()
        question = m.Question("Quit", f"{name} is not saved.", "Save and quit", "Quit", "q")
        for dialog in ("experiment", "export", "doctor", "help", question):
            if isinstance(dialog, m.Question):
                app.push_screen(Confirm(dialog))
            else:
                app._open(dialog, None)
            await settled(pilot)
            _assert_whole(app, 80)
            await pilot.press("escape")
            await settled(pilot)
        await pilot.resize_terminal(120, 40)
        await settled(pilot)
        _assert_whole(app, 120)
        assert "[/]" not in name or app.is_running


def _assert_whole(app: object, columns: int) -> None:
    for line in text(app).splitlines():  # type: ignore[arg-type]
        assert cell_len(line) == columns, repr(line)
        assert all(character.isprintable() for character in line), repr(line)
