"""What keys and the mouse do, on a real session and on one that stands still."""

import asyncio
import dataclasses
import math
import os
import random
import subprocess
import sys
import time

import pytest
from textual.events import MouseDown, MouseMove, MouseScrollDown, MouseScrollUp, MouseUp, Resize
from textual.geometry import Size

from tests.engine.test_trainer import assert_same_run
from tests.tui.conftest import still_app, still_view
from tests.tui.hosts import press, settled
from tms_engine import Experiment, InputError, Trainer, load_run, save_run
from tms_engine.training.state import Change
from tms_tui import settings as stored
from tms_tui.app import TmsApp
from tms_tui.compat import screen_lines
from tms_tui.keys import KEYS
from tms_tui.messages import (
    ExportNow,
    FilmNow,
    FocusPane,
    NextPoints,
    Quit,
    SaveScreen,
    Terminated,
    ToggleLog,
    ToggleMaximized,
)
from tms_tui.screens.save_place import SavePlace
from tms_tui.session import Session
from tms_tui.settings import Settings
from tms_tui.view_options import ViewOptions

pytestmark = pytest.mark.slow

SMALL = Experiment(n_features=5, n_hidden=2, sparsity=0.5, steps=400)


async def until(condition, seconds: float = 600.0) -> None:
    """Wait for something that another thread, or the app's own clock, brings about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


def text_of(app: TmsApp) -> str:
    return "\n".join(screen_lines(app))


async def test_it_trains_to_the_end_and_shows_it():
    session = Session(SMALL, math.inf)
    app = TmsApp(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: session.view().phase == "finished")
        await settled(pilot)
        shown = text_of(app)
        assert "400 / 400" in shown
        assert "finished" in shown
        assert "5 → 2" in shown
        losses = session.view().curve.mean[:, 0]
        assert losses[-50:].mean() < 0.5 * losses[:10].mean()
        session.stop()


FIRST_PAINT = """
import asyncio, math, sys
from tms_engine import Experiment
from tms_tui.app import TmsApp
from tms_tui.compat import screen_lines
from tms_tui.screens.save_place import SavePlace
from tms_tui.session import Session

class Waiting(Session):
    def start(self):
        print(text(app))
        print({"torch", "numba", "matplotlib", "plotly", "plotext"} & set(sys.modules))

def text(app):
    return "\\n".join(screen_lines(app))

async def main():
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()

app = TmsApp(Waiting(Experiment(), math.inf))
asyncio.run(main())
"""


def test_nothing_slow_is_imported_before_the_first_paint():
    ran = subprocess.run(
        [sys.executable, "-c", FIRST_PAINT], capture_output=True, encoding="utf-8", timeout=300
    )
    *screen, imported = ran.stdout.splitlines()
    assert any("Batch loss" in line for line in screen), ran.stderr[-2000:]
    assert any("loading" in line for line in screen)
    assert imported == "set()"


def test_the_command_line_says_how_many_threads_numpy_takes_before_numpy_is_there():
    code = """
import os, sys, tms_tui.cli
assert "numpy" not in sys.modules
tms_tui.cli._app = lambda *_: sys.exit(os.environ["OPENBLAS_NUM_THREADS"] != "1" or "numpy" in sys.modules)
tms_tui.cli.main([])
"""
    env = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    assert subprocess.run([sys.executable, "-c", code], env=env, timeout=300).returncode == 0


async def test_a_live_change_is_made_recorded_and_shown():
    session = Session(Experiment(steps=100_000), 200.0)
    app = TmsApp(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: session.view().step > 20)
        await pilot.press("right_square_bracket")
        await until(lambda: session.view().changes)
        await pilot.press("right_curly_bracket")
        await until(lambda: len(session.view().changes) == 2)
        await pilot.press("left_parenthesis")
        await until(lambda: len(session.view().changes) == 3)
        fields = {change.field: change.value for change in session.view().changes}
        assert fields["sparsity"] == pytest.approx(1 - 0.05 / 1.5, abs=1e-4)
        assert fields["learning_rate"] == pytest.approx(0.015)
        assert fields["importance_decay"] == pytest.approx(0.9)
        await until(lambda: "S 0.9667" in text_of(app))
        session.stop()


async def test_dragging_turns_and_the_wheel_zooms():
    app = still_app()
    async with app.run_test(size=(120, 40)) as pilot:
        before = app.model.options.camera
        await pilot.mouse_down("#space", offset=(20, 10))
        await pilot.hover("#space", offset=(30, 14))
        await pilot.mouse_up("#space", offset=(30, 14))
        after = app.model.options.camera
        assert after.yaw < before.yaw
        assert after.pitch > before.pitch
        await pilot.hover("#space", offset=(40, 14))
        assert app.model.options.camera == after  # let go
        space = app.screen.query_one("#space")
        space.post_message(space.Zoomed(1))
        await pilot.pause()
        assert app.model.options.camera.zoom > after.zoom


async def test_keys_and_ticks_that_come_while_the_screen_is_taken_apart_do_nothing():
    app = still_app(look=ViewOptions(turning=True))
    async with app.run_test(size=(120, 40)):
        pass
    app.send(ToggleLog())  # a late key
    app.tick()  # the timer is the last to stop


async def test_panes_focus_by_number_and_maximise():
    app = still_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "left")
        assert app.focused.id == "loss"
        assert app.model.options.step == 4200
        await pilot.press("m")
        assert app.screen.maximized is app.focused
        await pilot.press("escape")
        assert app.screen.maximized is None


async def test_a_pane_is_in_focus_before_the_next_key():
    app = still_app()
    async with app.run_test(size=(120, 40)) as pilot:
        for message in (FocusPane("gram"), ToggleMaximized()):  # as keys that come in one piece
            app.send(message)
        await settled(pilot)
        assert app.screen.maximized.id == "gram"


async def test_settings_last():
    app = still_app()
    async with app.run_test() as pilot:
        app.theme = "nord"
        await pilot.press("B", "q")
    settings, warning, _ = stored.load()
    assert (settings.theme, settings.palette, warning) == ("nord", "safe", "")


def told_by(app: TmsApp, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Title and message of every toast from now on: on a busy machine one is gone before it can be read."""
    told: list[tuple[str, str]] = []
    notify = app.notify

    def note(message: str, *, title: str = "", **options) -> None:
        told.append((title, message))
        notify(message, title=title, **options)

    monkeypatch.setattr(app, "notify", note)
    return told


async def test_an_export_ends_with_a_toast_that_names_the_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = Session(SMALL, math.inf)
    app = TmsApp(session)
    told = told_by(app, monkeypatch)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: session.view().phase == "finished")
        await pilot.press("e")
        await until(lambda: "exporting" in text_of(app))
        await until(lambda: app._export is None and told[-1][0].startswith("Exported"))
        (directory,) = (tmp_path / "runs").iterdir()
        assert len(list((directory / "figures").glob("*.png"))) == 6
        assert (directory / "state.safetensors").exists()
        assert told[-1] == ("Exported the run and its figures to", str(directory))
        session.stop()


async def test_a_failed_export_says_why_and_training_goes_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").write_text("a file where the directory should be")
    session = Session(Experiment(steps=10**6), 500.0)
    app = TmsApp(session)
    told = told_by(app, monkeypatch)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: session.view().step > 5)
        await pilot.press("e")
        await until(lambda: app._export is None and told[-1:] and told[-1][0] == "Export failed")
        assert "runs" in told[-1][1]
        step = session.view().step
        await until(lambda: session.view().step > step)
        session.stop()


async def test_a_thread_that_does_not_answer_is_neither_no_run_nor_a_saved_one(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    app = still_app(dataclasses.replace(still_view(changes=(Change(10, "sparsity", 0.5),)), run=None))
    told = told_by(app, monkeypatch)

    def late(timeout: float = 1.0) -> None:
        raise TimeoutError("the training thread did not answer within 1 s")

    async with app.run_test() as pilot:
        await pilot.press("e")
        assert "nothing to export yet" in told[-1][1]
        app.session.run = late
        await pilot.press("e")
        assert "did not answer" in told[-1][1]
        await pilot.press("q", "s")
        await until(lambda: isinstance(app.screen, SavePlace))
        await settled(pilot)
        assert "did not answer within 1 s" in text_of(app)
        assert app.return_code is None  # it has not left
        app.send(Terminated())
        await until(lambda: app.return_code is not None)
    assert "not saved" in capfd.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("key", ["e", "s", "x"])
async def test_in_a_directory_that_was_removed_what_writes_to_it_is_a_sentence(tmp_path, monkeypatch, key):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    session = Session(SMALL, math.inf, paused=True)
    app = TmsApp(session)
    told = told_by(app, monkeypatch)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: session.view().snapshot is not None)
        gone.rmdir()
        await press(pilot, *([key, "ctrl+s"] if key == "x" else [key]))
        await until(lambda: told)
        assert "has been removed" in told[-1][1]
        session.stop()


async def test_a_key_is_answered_however_few_frames_a_second_are_drawn():
    """Time stands still for the app: no frame of an animation is due."""
    app = still_app(settings=Settings(fps=1.0))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        app.tick(animates=False)
        before = text_of(app)
        app.model = dataclasses.replace(app.model, run_name="another")
        app.tick(animates=False)
        await pilot.pause()
        assert text_of(app) == before
        await pilot.press("L")
        await until(lambda: "linear" in text_of(app))


async def test_leaving_with_the_run_saved_says_where_it_is(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    trainer = Trainer(SMALL)
    trainer.advance(10)
    trainer.change(sparsity=0.3)
    session = Session(trainer.run(), 500.0, paused=True)
    app = TmsApp(session)
    async with app.run_test() as pilot:
        await until(lambda: session.view().snapshot is not None)
        app.tick()
        await pilot.press("q", "s")
        await until(lambda: app.return_code is not None)
    (directory,) = (tmp_path / "runs").iterdir()
    assert f"gist, step 10: saved in runs/{directory.name}\n" == capfd.readouterr().err
    assert_same_run(load_run(directory), trainer.run())


async def test_the_screen_is_saved_as_svg(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = still_app()
    async with app.run_test() as pilot:
        await pilot.press("s")
        (path,) = tmp_path.glob("tms-tui-*.svg")
        assert path.read_text("utf-8").startswith("<svg")


async def test_a_dialog_answers_once_however_often_its_key_is_pressed():
    app = still_app()
    async with app.run_test(size=(120, 40)) as pilot:
        app.session.asked.clear()
        await press(pilot, "i")
        for _ in range(3):
            app.simulate_key("ctrl+s")
        await settled(pilot)
        assert app.session.asked == [("restart", Experiment()), ("resume",)]
        assert app.screen is app.dashboard


async def test_a_run_directory_is_opened(tmp_path):
    trainer = Trainer(SMALL)
    trainer.advance(100)
    save_run(trainer.run(), tmp_path / "run")
    session = Session(tmp_path / "run", 500.0, paused=True)
    app = TmsApp(session)
    async with app.run_test(size=(120, 40)):
        await until(lambda: session.view().snapshot is not None)
        assert session.view().step == 100
        assert session.view().experiment == SMALL
        session.stop()


async def test_random_keys_mouse_events_and_sizes_raise_nothing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # keys export

    def refuse(*_):  # a sweep that is begun outlives the app
        raise InputError("no sweeps here")

    monkeypatch.setattr("tms_tui.app.sweeping.start", refuse)
    monkeypatch.setattr("tms_tui.app.SweepProcess", refuse)
    rng = random.Random(0)
    # Left out: what ends the test, writes files (tested above), or draws 100,000 points each time.
    leave_out = (Quit, ExportNow, FilmNow, SaveScreen, NextPoints)
    keys = [name for key in KEYS if not isinstance(key.message, leave_out) for name in key.keys.split(",")]
    keys += ["tab", "shift+tab", "enter", "5", "x", "w", *["escape"] * 8]
    session = Session(Experiment(n_instances=2, n_hidden=4, steps=5000), 300.0)
    app = TmsApp(session)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(lambda: session.view().snapshot is not None)
        for i in range(300):  # a quarter of them with another size
            x, y = rng.randrange(app.size.width), rng.randrange(app.size.height)
            if rng.random() < 0.8:
                app.simulate_key(rng.choice(keys))
            else:
                at = {"x": x, "y": y, "screen_x": x, "screen_y": y, "delta_x": 0, "delta_y": 0}
                kind = rng.choice([MouseDown, MouseUp, MouseMove, MouseScrollUp, MouseScrollDown])
                app.post_message(kind(None, button=1, shift=False, meta=False, ctrl=False, **at))
            if i % 4 == 0:
                # Not the pilot's own, which waits for the app to be idle: it shall not be.
                size = Size(rng.randint(1, 210), rng.randint(1, 60))
                app.post_message(Resize(size, size))
            await asyncio.sleep(0)
            if i % 50 == 0:
                await pilot.pause()
        await pilot.pause()
        assert isinstance(app.session, Session)
        session.stop()
        still = dataclasses.replace(app.model.options, turning=False)
        app.model = dataclasses.replace(app.model, options=still, replay=None)
        await settled(pilot)  # no key is left when the screens are taken apart


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (120, 40), (200, 50)], ids=str)
async def test_the_dashboard_in_ascii_has_no_other_characters(size):
    app = still_app(mode="ascii")
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert text_of(app).isascii()


async def test_the_last_words_have_their_lines_and_no_control_characters(capsys):
    app = still_app()
    async with app.run_test():
        app._leave("saved in runs/\x1b[31m\nthe export was ended")
    assert capsys.readouterr().err.splitlines() == ["saved in runs/\\x1b[31m", "the export was ended"]
