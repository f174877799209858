"""Finding by some words: what is listed, how much of it, what becomes of what is chosen; the dialog."""

import dataclasses

import pytest

from tests.tui.conftest import after, still_app, still_model, still_view
from tests.tui.hosts import press, settled, text
from tests.tui.test_population import counted
from tests.tui.test_runs import line, seen
from tms_engine.presets import PRESETS
from tms_tui.finding import KINDS, MOST, Found, find
from tms_tui.keys import shared_keys
from tms_tui.looking import _wanted
from tms_tui.memo import Memo
from tms_tui.messages import Command, ExperimentChosen, LoadOverlay, OpenScreen, OverlayRun
from tms_tui.messages.finding import (
    Aim,
    ChooseTheme,
    Find,
    FinderClosed,
    GoToFeature,
    GoToInstance,
    GoToRun,
    OpenFinder,
)
from tms_tui.messages.runs import OpenRun
from tms_tui.messages.settings import TakeTheme
from tms_tui.messages.space import LoadBefore
from tms_tui.model import Model
from tms_tui.screens import FULL_SCREENS

THEMES = ("nord", "tms-dark")


def found(model: Model, words: str = "", aim: Aim = "commands") -> Found:
    return find(model, aim, words, THEMES, Memo())


def titles(model: Model, words: str = "", aim: Aim = "commands") -> list[str]:
    return [entry.title for entry in found(model, words, aim).entries]


def many(n: int = 10_000) -> Model:
    return still_model(still_view(n_instances=n))


def with_runs(model: Model) -> Model:
    lines = (
        line("gist-1"),
        line("paper-5-2", "running"),
        line("broken", "damaged"),
        line("grid", is_sweep=True),
    )
    return after(model, seen(*lines))[0]


# What is listed


@pytest.mark.parametrize("screen", FULL_SCREENS)
def test_every_key_of_a_screen_is_a_command(screen):
    model = dataclasses.replace(still_model(), trail=(screen,))
    listed = titles(model)
    for _, key in shared_keys(screen):
        assert f"{key.label.capitalize()} ({key.display})" in listed


def test_presets_instances_runs_and_themes_are_commands_that_act_at_once():
    model = with_runs(still_model(still_view(n_instances=3)))
    chosen = {entry.title: entry.message for entry in found(model).entries}
    assert chosen["theme: nord"] == ChooseTheme("nord")
    assert chosen["instance 2"] == GoToInstance(2)
    assert chosen["open run gist-1"] == GoToRun(line("gist-1").path, opens=True)
    assert chosen["open sweep grid"] == GoToRun(line("grid").path, opens=True)
    assert chosen["preset: paper-5-2"] == ExperimentChosen(PRESETS["paper-5-2"].experiment, "paper-5-2")
    assert {title for title in chosen if title.startswith("preset: ")} == {f"preset: {p}" for p in PRESETS}


def test_words_in_the_title_go_before_words_behind_it_and_all_are_needed():
    model = still_model()
    assert titles(model, "theme nord") == ["theme: nord"]
    assert titles(model, "restart")[0] == "Restart (r)"
    assert titles(model, "NORD") == ["theme: nord"]
    assert found(model, "no such thing") == Found((), 0, "looking for runs")
    assert found(with_runs(model), "no such thing") == Found((), 0, "nothing has these words")


def test_of_ten_thousand_instances_those_that_are_meant_are_listed():
    model = with_runs(many())
    assert len(found(model).entries) <= MOST
    assert sum(title.startswith("instance") for title in titles(model)) == 12
    assert titles(model, "instance 12")[:4] == ["instance 12", "instance 120", "instance 121", "instance 122"]
    assert titles(model, "instance 9999") == ["instance 9999"]
    assert "instance 10000" not in titles(model, "instance 10000")
    assert "instance 0" in titles(model, "instance 0")


def test_of_many_runs_so_many_are_listed_and_the_others_counted():
    model = after(still_model(), seen(*(line(f"run-{k}") for k in range(1000))))[0]
    listed = found(model, "run-", "search")
    assert (len(listed.entries), listed.more) == (MOST, 1000 - MOST)
    assert titles(model, "run-99", "search")[0] == "run run-99"


def test_search_finds_features_instances_by_number_or_name_and_runs():
    model = with_runs(still_model(counted(still_view(n_instances=3))))
    chosen = {entry.title: entry for entry in found(model, aim="search").entries}
    assert chosen["feature 3"].message == GoToFeature(3)
    assert chosen["feature 3"].about.startswith("‖W‖ ")
    assert chosen["run paper-5-2"].message == GoToRun(line("paper-5-2").path)
    assert "loss" in chosen["instance 1"].about
    name = model.view.census.names[0]
    best = next(entry for entry in found(model, name, "search").entries if entry.kind == "name")
    assert best.title == name
    assert isinstance(best.message, GoToInstance)
    assert {entry.kind for entry in found(model, "3", "search").entries} >= {"feature"}


def test_where_runs_are_shown_runs_are_searched_and_lists_of_runs_have_no_sweep():
    model = with_runs(still_model())
    on_runs, _ = after(model, OpenScreen("runs"))
    assert {entry.kind for entry in found(on_runs, aim="search").entries} == {"run"}
    assert titles(on_runs, aim="search") == ["run gist-1", "run paper-5-2", "run broken", "sweep grid"]
    overlays = found(model, aim="overlay")
    assert [entry.title for entry in overlays.entries] == ["run gist-1", "run paper-5-2"]
    assert overlays.entries[0].message == OverlayRun(line("gist-1").path)


@pytest.mark.parametrize("aim", KINDS)
def test_before_there_are_weights_and_of_one_instance_it_lists_what_there_is(aim):
    for model in (still_model(still_view("loading")), still_model()):
        assert "instance 0" not in titles(dataclasses.replace(model, shown=None), "", aim)
        assert "instance 0" not in titles(model, "", aim)


# What becomes of it


def test_nothing_is_looked_at_before_it_is_opened_and_runs_are_then():
    model = still_model(still_view(n_instances=3))
    assert list(_wanted(model)) == []
    opened, effects = after(model, OpenFinder("search"))
    assert effects == [Find("search"), Command("watch", (True, None))]
    assert [one.key[0] for one in _wanted(opened)] == ["runs"]
    closed, effects = after(opened, FinderClosed(None))
    assert (closed.layout.screen, effects) == ("dashboard", [Command("watch", (False, None))])
    assert list(_wanted(closed)) == []


def test_what_was_found_is_done_where_it_is_seen():
    model = with_runs(still_model(still_view(n_instances=3)))
    path = line("gist-1").path
    on_runs, _ = after(model, OpenScreen("runs"))
    there, _ = after(on_runs, FinderClosed(GoToFeature(5)))
    assert (there.trail[-1], there.options.feature) == ("dashboard", 5)
    there, _ = after(on_runs, FinderClosed(GoToInstance(2)))
    assert (there.trail[-1], there.options.instance) == ("dashboard", 2)
    there, _ = after(model, OpenScreen("population"), FinderClosed(GoToInstance(2)))
    assert (there.trail[-1], there.options.instance) == ("population", 2)
    there, _ = after(model, FinderClosed(GoToRun(path)))
    assert (there.trail[-1], there.runs.line.path) == ("runs", path)
    there, effects = after(model, FinderClosed(GoToRun(path, opens=True)))
    assert effects == [OpenRun(path)]
    assert after(model, FinderClosed(ChooseTheme("nord")))[1] == [TakeTheme("nord")]
    assert after(model, FinderClosed(OverlayRun(path)))[1] == [LoadOverlay(path)]


def test_a_preset_runs_under_its_name_on_the_screen_that_shows_it_best():
    chosen = ExperimentChosen(PRESETS["paper-5-2"].experiment, "paper-5-2")
    model, effects = after(still_model(), OpenScreen("runs"), FinderClosed(chosen))
    assert (model.run_name, model.trail) == ("paper-5-2", ("population",))
    assert Command("restart", (chosen.experiment,)) in effects


def test_the_run_that_a_compare_finds_is_loaded():
    entry = found(with_runs(still_model()), "gist", "compare").entries[0]
    assert LoadBefore(line("gist-1").path) in after(still_model(), FinderClosed(entry.message))[1]


# The dialog


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["braille", "ascii"])
async def test_some_words_and_enter_choose_and_the_mouse_does(mode):
    app = still_app(still_view(n_instances=3), mode=mode)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "ctrl+p", *"nord")
        assert "theme: nord" in text(app)
        assert mode != "ascii" or text(app).isascii()
        await press(pilot, "enter")
        assert app.theme == "nord"
        await press(pilot, "slash", *"instance", "down", "down")
        assert "instance 2" in text(app)
        await press(pilot, "enter")
        assert (app.model.options.instance, app.screen) == (2, app.dashboard)
        await press(pilot, "slash")
        hits = app.screen.query_one("Hits")
        await pilot.click(hits, offset=(4, 3))
        await settled(pilot)
        assert (app.model.options.feature, app.screen) == (3, app.dashboard)
        await press(pilot, "slash", "escape")
        assert (app.model.options.feature, app.screen) == (3, app.dashboard)
