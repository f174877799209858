"""The screen of runs: what its keys do to the Model, and the whole of it in the app."""

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.tui.conftest import StillSession, after, still_model, still_view
from tests.tui.hosts import press, settled, text
from tms_engine import Experiment, Trainer, load_run, save_run
from tms_engine.commands.runs import Row
from tms_engine.runs import hold
from tms_engine.runs.listing import Listed
from tms_engine.training.state import Change
from tms_tui.app import TmsApp
from tms_tui.cli import main
from tms_tui.compat import toasts
from tms_tui.messages import Answered, Ask, OpenScreen, Toast
from tms_tui.messages.runs import (
    AskDelete,
    AskName,
    ChooseEnd,
    ChooseRun,
    DeleteChosen,
    Deleted,
    DeleteRun,
    DrawFigures,
    ExportChosenRun,
    OpenChosen,
    OpenRun,
    PointAtRun,
    RenameChosen,
    Renamed,
    RenameRun,
    RunChosen,
    RunMoved,
    RunNotOpened,
    RunOpened,
    RunsSeen,
)
from tms_tui.model import Model
from tms_tui.runs_state import RunLine
from tms_tui.session import Session
from tms_tui.view_options import ViewOptions

slow = pytest.mark.slow
RUNS = Path("runs")


def line(name: str, state: str = "stopped", is_sweep: bool = False) -> RunLine:
    problem = "state.safetensors is damaged" if state == "damaged" else ""
    entry = Listed(RUNS / name, None, None, 0.0, 1000, problem)
    row = Row(name, "8 → 3, bernoulli", "10 of 20", "0.004", "3 min", "1 kB", state)
    return RunLine(entry, row, is_sweep, state)


def seen(*lines: RunLine) -> RunsSeen:
    return RunsSeen(RUNS, lines, True)


@pytest.fixture
def model() -> Model:
    lines = [line("a"), line("b", "running"), line("c", "damaged"), line("d", is_sweep=True)]
    return after(still_model(), OpenScreen("runs"), seen(*lines))[0]


def test_the_newest_is_chosen_and_keys_choose_others(model: Model) -> None:
    assert model.runs.line.path.name == "a"
    for message, name in (
        (ChooseRun(1), "b"),
        (ChooseEnd(True), "d"),
        (ChooseRun(1), "d"),
        (ChooseRun(-1), "c"),
        (ChooseEnd(False), "a"),
        (PointAtRun(2), "c"),
    ):
        model, effects = after(model, message)
        assert (model.runs.line.path.name, effects) == (name, [])


def test_what_is_chosen_stays_so_where_others_come_and_go(model: Model) -> None:
    model, _ = after(model, ChooseRun(1), seen(line("new"), line("a"), line("b"), line("d")))
    assert (model.runs.line.path.name, model.runs.place) == ("b", 2)
    model, _ = after(model, seen(line("new"), line("a"), line("d")))
    assert model.runs.line.path.name == "d"  # in its place
    model, _ = after(model, seen())
    assert model.runs.line is None
    for message in (
        OpenChosen(),
        RenameChosen(),
        DeleteChosen(),
        ExportChosenRun(),
        ChooseRun(1),
        PointAtRun(0),
    ):
        same, effects = after(model, message)
        assert (same.runs.line, same.trail, effects) == (None, model.trail, [])


def test_enter_opens_a_run_and_asks_first_if_something_would_be_lost(model: Model) -> None:
    opening, effects = after(model, OpenChosen())
    assert effects == [OpenRun(RUNS / "a")]
    assert after(opening, OpenChosen()) == (opening, [])  # once
    opened, effects = after(opening, RunOpened(RUNS / "a", 10, 1))
    assert (opened.trail[-1], opened.run_name, opened.saved) == ("dashboard", "a", (10, 1, "runs/a"))
    failed, (told,) = after(opening, RunNotOpened("runs/a is gone"))
    assert (failed.runs.opening, told.text, failed.trail[-1]) == ("", "runs/a is gone", "runs")

    changed = dataclasses.replace(model, view=still_view(changes=(Change(1000, "sparsity", 0.8),)))
    asked, (ask,) = after(changed, OpenChosen())
    assert isinstance(ask, Ask)
    assert ask.question.save == "Save and open"
    stayed, effects = after(asked, Answered("stay"))
    assert (stayed.trail[-1], effects) == ("runs", [])
    assert after(asked, Answered("drop"))[1] == [OpenRun(RUNS / "a")]


def test_a_sweep_opens_as_phases_and_what_is_damaged_is_a_sentence(model: Model) -> None:
    phases, effects = after(model, ChooseEnd(True), OpenChosen())
    assert (phases.trail[-1], phases.phases.path, effects) == ("phases", RUNS / "d", [])
    _, (told,) = after(model, ChooseRun(2), OpenChosen())
    assert told.text == "c: state.safetensors is damaged"


def test_a_run_that_a_process_holds_is_left_as_it_is(model: Model) -> None:
    held, _ = after(model, ChooseRun(1))
    for message in (RenameChosen(), DeleteChosen()):
        same, (told,) = after(held, message)
        assert same is held
        assert isinstance(told, Toast)
        assert "is in use" in told.text
    ours = dataclasses.replace(model, view=dataclasses.replace(model.view, place=os.path.abspath(RUNS / "a")))
    assert "that you train here" in after(ours, DeleteChosen())[1][0].text


def test_deleting_is_asked_first_and_a_new_name_is_followed(model: Model) -> None:
    asked, (ask,) = after(model, DeleteChosen())
    assert isinstance(ask, AskDelete)
    assert "runs/a: the run and its figures" in ask.what
    assert after(asked, Deleted(RUNS / "a", False))[1] == []
    assert after(asked, Deleted(RUNS / "a", True))[1] == [DeleteRun(RUNS / "a")]
    named, effects = after(model, RenameChosen())
    assert effects == [AskName(RUNS / "a")]
    assert after(named, Renamed(RUNS / "a", None))[1] == after(named, Renamed(RUNS / "a", "a"))[1] == []
    assert after(named, Renamed(RUNS / "a", "z"))[1] == [RenameRun(RUNS / "a", "z")]
    moved, _ = after(named, Renamed(RUNS / "a", "z"), RunMoved(RUNS / "a", RUNS / "z", "a is z now"))
    assert moved.runs.chosen == RUNS / "z"
    assert after(model, ExportChosenRun())[1] == [DrawFigures(RUNS / "a")]
    assert isinstance(after(model, ChooseEnd(True), ExportChosenRun())[1][0], Toast)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [("other", "is neither a run nor a sweep, and has none in it"), ("locked", "cannot read")],
)
def test_a_directory_that_is_none_of_these_is_one_sentence(
    tmp_path, capsys, monkeypatch, made, sentence
) -> None:
    place = tmp_path / made
    place.mkdir()
    (place / "notes.txt").touch()
    if made == "locked":
        if os.getuid() == 0:

            def refuse(path):
                raise PermissionError(13, "Permission denied")

            monkeypatch.setattr("tms_engine.runs.listing.os.scandir", refuse)
        else:
            place.chmod(0)
    assert main([str(place)]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    place.chmod(0o700)


def moving_app(**options: Any) -> TmsApp:
    """The app over a run that stands still, with a clock that moves."""
    return TmsApp(StillSession(still_view()), options=ViewOptions(turning=False), **options)


async def until(pilot, holds, seconds: float = 240.0) -> None:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, text(pilot.app)
        pilot.app.tick()
        await pilot.pause(0.05)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    trainer = Trainer(Experiment(steps=40))
    trainer.advance(20)
    place = tmp_path_factory.mktemp("made") / "run"
    save_run(trainer.run(), place)
    return place


@slow
async def test_thousands_of_runs_scroll_and_what_comes_and_goes_is_seen(saved, tmp_path) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    app = moving_app(first="runs", shows=runs)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "no runs in" in text(app))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "e in the dashboard" in " ".join(text(app).split()))
        await pilot.resize_terminal(120, 40)
        shutil.copytree(saved, runs / "first")
        await until(pilot, lambda: "first" in text(app))
        await until(pilot, lambda: app.model.runs.preview is not None)
        assert app.model.runs.preview.snapshot.step == 20
        await settled(pilot)
        shown = text(app)
        assert "20 of 40" in shown
        assert "stopped" in shown
        assert "8 → 3, bernoulli, S 0.95, seed 42" in shown
        many = tuple(line(f"run-{k:05}") for k in range(5000))
        app._looking.stop()
        app._looking.follow = lambda model: iter(())  # type: ignore[method-assign]
        app.send(RunsSeen(runs, many, True))
        page = app.full_screen.page - 1
        for key, name in (("end", "run-04999"), ("home", "run-00000"), ("pagedown", f"run-{page:05}")):
            began = time.perf_counter()
            await press(pilot, key)
            assert time.perf_counter() - began < 20  # a test's machine; it takes milliseconds
            assert app.model.runs.line.path.name == name
            assert name in text(app)


@slow
async def test_a_job_of_another_process_is_followed_in_three_keys(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TMS_RUNS", str(tmp_path / "runs"))
    command = [sys.executable, "-m", "tms_engine", "train", "--steps", "1000000000", "-q"]
    with subprocess.Popen([*command, "--out", str(tmp_path / "runs" / "job")]) as job:
        try:
            session = Session(Experiment(), 500.0, paused=True)
            app, keys = TmsApp(session), []
            async with app.run_test(size=(120, 40)) as pilot:
                await until(pilot, lambda: session.view().snapshot is not None)
                keys.append("o")
                await pilot.press("o")
                await until(pilot, lambda: "running" in text(app))
                keys.append("enter")
                await pilot.press("enter")
                await until(pilot, lambda: app.model.view.phase == "following")
                assert len(keys) <= 3
                assert f"following pid {job.pid}" in text(app)
                before = app.model.view.following.step
                await until(pilot, lambda: app.model.view.following.step > before)
                await pilot.press("escape")
                await until(pilot, lambda: app.model.trail[-1] == "runs")
                await pilot.press("d")
                await until(pilot, lambda: any("is in use" in t.message for t in toasts(app)))
                session.stop()
        finally:
            job.terminate()


@slow
async def test_a_run_is_opened_renamed_and_deleted_and_one_deleted_meanwhile_is_a_sentence(
    saved, tmp_path
) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(saved, runs / "a")
    session = Session(Experiment(), 500.0, paused=True)
    app = TmsApp(session, first="runs", shows=runs)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: session.view().snapshot is not None and app.model.runs.line is not None)
        await pilot.press("r")
        await until(pilot, lambda: bool(app.screen.query("#name")))
        await pilot.press("end", "b", "enter")
        await until(pilot, lambda: (runs / "ab").is_dir())
        assert load_run(runs / "ab").state.step == 20
        await until(pilot, lambda: bool((line := app.model.runs.line) and line.path.name == "ab"))
        await pilot.press("enter")
        await until(pilot, lambda: app.model.trail[-1] == "dashboard" and app.model.view.step >= 20)
        assert app.model.run_name == "ab"
        await pilot.press("escape")
        await until(pilot, lambda: app.model.layout.screen == "runs")
        app.send(Deleted(runs / "ab", False))
        with hold(runs / "ab", "a test"):  # taken since the list was made
            app.send(Deleted(runs / "ab", True))
            await until(pilot, lambda: any("is in use" in t.message for t in toasts(app)))
        assert (runs / "ab").is_dir()
        shutil.rmtree(runs / "ab")
        app.send(RunChosen(runs / "ab"))  # chosen before the next look at the directory
        app.send(Answered("drop"))
        await until(pilot, lambda: any("there is no run" in t.message for t in toasts(app)))
        assert app.model.run_name == "ab"  # what was shown is as it was
        await until(pilot, lambda: "no runs in" in text(app))
        session.stop()
