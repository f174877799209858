"""What messages do to the Model, and which effects they have: whole key sequences, without Textual."""

import dataclasses
import itertools
import math
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from tests.tui.conftest import StillSession, after, still_model, still_view
from tms_engine import Experiment, Trainer
from tms_engine.analysis.levels import Level
from tms_engine.runs import Holder, Status
from tms_engine.training.state import Change
from tms_tui import messages as m
from tms_tui.autosave import InterruptedSession
from tms_tui.drawing.loss_chart import Other, Window
from tms_tui.export import ExportProgress
from tms_tui.keys import KEYS, Pane
from tms_tui.messages import Command, Layout, Saved, Toast
from tms_tui.model import NOTHING_SAVED, Model
from tms_tui.player import Player
from tms_tui.screens import FULL_SCREENS
from tms_tui.session import Session
from tms_tui.view import Note, View
from tms_tui.view_options import DATA, POINTS

CHANGED = (Change(10, "sparsity", 0.5),)


def press(model: Model, *keys: str, pane: Pane = "space") -> tuple[Model, list[Any]]:
    """Press keys, by the names that Textual has for them, with the focus in a pane."""

    def meaning(name: str) -> m.KeyMessage:
        here = [key for key in KEYS if key.is_of(model.trail[-1]) and key.pane in ("", pane)]
        found = [key for key in here if name in key.keys.split(",")]
        return max(found, key=lambda key: key.pane != "").message

    return after(model, *map(meaning, keys))


def tick(model: Model, view: View | None = None, seconds: float = 0.0) -> tuple[Model, list[Any]]:
    return after(model, m.Tick(view or model.view, seconds))


def commands(effects: list[Any]) -> list[tuple[Any, ...]]:
    return [(effect.name, *effect.arguments) for effect in effects if isinstance(effect, Command)]


def run_of(steps: int = 100, **fields: Any) -> tuple[Trainer, View]:
    """A trainer that has taken some steps, and a view of it."""
    player = Player(Experiment(n_features=5, n_hidden=2, steps=steps, **fields), math.inf, False, lambda: 0.0)
    player.load()
    player.run_to_end()
    while player.view().phase in ("compiling", "training"):
        player.work()
    return player._trainer, player.view()


# Commands


def test_keys_of_time_are_commands_that_the_thread_resolves():
    model = still_model(still_view("training"))
    keys = ("space", "full_stop", "greater_than_sign", "less_than_sign", "G", "t", "r", "R")
    assert commands(press(model, *keys)[1]) == [
        ("toggle_pause",), ("step_once",), ("change_pace", 1), ("change_pace", -1), ("run_to_end",),
        ("extend",), ("restart",), ("reseed",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("phase", "rate", "waiting", "words"),
    [
        ("loading", 0.0, 0.01, "loading numba: what you asked for comes then"),
        ("compiling", 0.0, 0.01, "compiling the numba kernel: what you asked for comes then"),
        ("training", 0.5, 0.25, "within a step that takes about 2 s: what you asked for comes then"),
        ("training", 0.5, 0.1, ""),
        ("training", 1e6, 9.0, ""),  # a busy machine
        ("loading", 0.0, 0.0, ""),
    ],
)
def test_a_key_that_has_to_wait_is_answered_in_words_once(phase, rate, waiting, words):
    view = dataclasses.replace(still_view(phase), rate=rate, library="numba", kernel="numba")
    model, effects = after(still_model(), *[m.Tick(view, 0.0, waiting)] * 3)
    assert [effect.text for effect in effects] == [words] * (words != "")
    model, _ = after(model, m.Tick(view, 0.0, 0.0))
    assert len(after(model, m.Tick(view, 0.0, waiting))[1]) == (words != "")


def test_saves_that_take_long_are_told_with_what_is_at_risk():
    model, effects = after(still_model(), m.SavesSlowly(14.6))
    assert "a kill may cost the last 15 s" in effects[0].text
    assert model.told_risk


def test_five_presses_on_one_view_are_five_relative_commands():
    model = still_model()
    _, effects = press(model, *["right_square_bracket"] * 5)
    assert commands(effects) == [("scale_density", 1 / 1.5)] * 5
    _, effects = press(model, "left_square_bracket", "left_curly_bracket", "right_curly_bracket")
    assert commands(effects) == [
        ("scale_density", 1.5),
        ("scale_learning_rate", 1 / 1.5),
        ("scale_learning_rate", 1.5),
    ]
    _, effects = press(model, "left_parenthesis", "right_parenthesis")
    assert commands(effects) == [("shift_importance", -0.1), ("shift_importance", 0.1)]


def test_a_command_that_can_be_asked_for_is_a_method_of_the_session():
    for name in get_args(m.CommandName):
        assert callable(getattr(Session, name))
        assert callable(getattr(StillSession, name))


def test_the_result_of_a_command_is_told_once_as_the_thread_resolved_it():
    model = still_model(still_view(n_instances=2, sparsity=(0.5, 0.9)), instance=1)
    changed = dataclasses.replace(
        model.view,
        experiment=model.view.experiment.replace(sparsity=(0.75, 0.95)),
        note=Note(3, "sparsity", ""),
    )
    model, effects = tick(model, changed)
    assert effects == [Toast("S 0.95", seconds=2, alone=True)]
    assert tick(model, dataclasses.replace(changed, step=4300))[1] == []
    longer = dataclasses.replace(
        changed, experiment=changed.experiment.replace(steps=20_000), note=Note(4, "steps", "")
    )
    model, effects = tick(model, longer)
    assert [effect.text for effect in effects] == ["20,000 steps now"]
    model, effects = tick(model, dataclasses.replace(longer, note=Note(5, "", "steps should be less")))
    assert effects == [Toast("steps should be less", severity="error")]


# Looking back


def test_looking_back_pauses_shows_earlier_weights_and_comes_back():
    _, view = run_of()
    model, effects = press(still_model(view), "home")
    assert commands(effects) == [("pause",)]
    assert (model.options.step, model.shown.step) == (0, 0)
    assert np.array_equal(model.shown.weights, Trainer(view.experiment).run().weights)
    model, effects = press(model, "pagedown", "pagedown", "pageup")
    assert effects == []
    assert 0 < model.options.step == model.shown.step < 100
    model, _ = press(model, "end")
    assert model.options.step is None
    assert model.shown is view.snapshot


def test_looking_forth_past_the_newest_kept_weights_is_now_again():
    _, view = run_of()
    model, _ = press(still_model(view), "pageup")
    assert model.options.step < 100
    model, _ = press(model, *["pagedown"] * 3)
    assert model.options.step is None
    assert press(model, "pagedown")[0].options.step is None


def test_before_there_are_weights_there_is_nothing_to_look_back_at():
    model = still_model(still_view("loading"))
    for key in ("home", "pageup", "pagedown"):
        after_it, effects = press(model, key)
        assert (after_it.options.step, effects) == (None, [])


def test_the_snapshot_of_an_earlier_step_stays_the_same_record_while_views_come():
    _, view = run_of()
    model, _ = press(still_model(view), "home")
    shown = model.shown
    model, _ = tick(model, dataclasses.replace(view, phase="training"))
    assert model.shown is shown


def test_a_step_between_kept_ones_is_the_nearest():
    model, _ = tick(still_model(step=333))
    assert (model.options.step, model.shown.step) == (300, 300)


@pytest.mark.parametrize("key", ["full_stop", "G", "r", "R"])
def test_what_goes_on_with_training_looks_at_the_newest_weights(key):
    model, _ = tick(still_model(step=300))
    assert press(model, key)[0].options.step is None


def test_a_snapshot_from_before_a_live_change_has_the_experiment_of_its_step():
    trainer, _ = run_of()
    trainer.change(sparsity=0.5)
    trainer.advance(50)
    view = dataclasses.replace(
        still_view(), experiment=trainer.current, snapshot=trainer.snapshot(), run=trainer.run(), step=150
    )
    model, _ = tick(still_model(view, step=40))
    assert model.experiment.sparsity == 0.95
    assert model.view.experiment.sparsity == 0.5
    assert press(model, "end")[0].experiment.sparsity == 0.5


# Replay


def replayed(model: Model, seconds: float) -> list[int]:
    steps = []
    for _ in range(round(30 * seconds)):
        model, _ = tick(model, seconds=1 / 30)
        steps.append(model.shown.step)
    return steps


def test_the_fold_is_replayed_from_a_fresh_start_with_one_key_finished_or_not():
    for phase in ("finished", "paused"):
        _, view = run_of(400)
        model, effects = press(still_model(dataclasses.replace(view, phase=phase)), "w")
        assert commands(effects) == [("pause",)]
        steps = replayed(model, 9)
        assert steps[0] == 0
        assert steps[-1] == 400
        assert np.all(np.diff(steps) >= 0)
        assert set(steps) <= {*view.kept_steps, 400}  # nothing between them
        assert (
            sum(step < 150 for step in steps) > 100
        )  # as much changes in each second, so most is of the fold
        assert replayed(model, 10)[-1] < 150  # a loop


def test_a_replay_begins_where_one_looks_and_after_a_live_change_there():
    trainer, view = run_of(200)
    model, _ = press(still_model(view), "home", "pagedown", "w")
    first = model.replay.first
    assert 0 < first == model.options.step
    trainer.change(sparsity=0.5)
    trainer.advance(100)
    view = dataclasses.replace(view, run=trainer.run(), step=300, snapshot=trainer.snapshot())
    assert press(still_model(view), "w")[0].replay.first == 200
    stopped, effects = press(model, "space")
    assert (stopped.replay, stopped.options.step, effects) == (None, first, [])
    assert press(stopped, "space")[1] == [Command("toggle_pause")]
    assert press(stopped, "space")[0].options.step is None


def test_the_speed_of_a_replay_is_no_pace_and_it_ends_with_what_looks_elsewhere():
    _, view = run_of(200)
    model, effects = press(still_model(view), "w", "greater_than_sign")
    assert model.replay.speed == 2
    assert commands(effects) == [("pause",)]
    for key in ("end", "home", "pageup", "escape", "w", "left_square_bracket", "G"):
        assert press(model, key)[0].replay is None, key
    for key in ("end", "escape", "left_square_bracket", "G"):
        assert press(model, key)[0].options.step is None, key


def test_page_keys_go_by_what_changed():
    _, view = run_of(2_000)
    model, steps = press(still_model(view), "home")[0], [0]
    while model.options.step is not None:
        model, _ = press(model, "pagedown")
        steps.append(2_000 if model.options.step is None else model.options.step)
    assert 20 <= len(steps) <= 41
    assert sum(step < 500 for step in steps) >= len(steps) / 2


def test_a_film_is_of_what_replay_shows():
    _, view = run_of(200)
    model, _ = press(still_model(view), "home", "pagedown", "w", "greater_than_sign")
    (film,) = press(model, "F")[1]
    assert (film.first, film.last, film.seconds) == (model.replay.first, 200, 4.0)
    model, _ = after(model, m.FilmMoved(m.FilmProgress(3, 280)))
    assert [effect.text for effect in press(model, "F")[1]] == ["a film is being made"]
    assert "3 of 280" in press(model, "q")[1][0].message
    done, told = after(model, m.FilmMoved(m.FilmProgress(280, 280, True, "", ("a.gif", "a.cast"))))
    assert (done.film, told[0].text) == (None, "a.gif and a.cast")


# The loss


def test_the_loss_is_zoomed_around_the_cursor_moved_and_whole_again():
    model, _ = tick(still_model(step=1_000))
    model, _ = press(model, *["plus"] * 3, pane="loss")
    left, right = model.loss.window.steps
    assert right - left == pytest.approx(5_000 / 1.5**3)
    assert left < 1_000 < right
    moved, _ = press(model, "shift+right", pane="loss")
    assert moved.loss.window.steps[0] > left
    assert press(moved, *["minus"] * 4, pane="loss")[0].loss.window.steps is None
    nearer, _ = press(moved, "up", pane="loss")
    low, high = nearer.loss.window.losses
    assert 0 < low < high
    assert press(nearer, "0", pane="loss")[0].loss.window == Window()
    for key in ("shift+left", "shift+up"):  # what is shown whole stays
        assert press(still_model(), key, pane="loss")[0].loss.window == Window()
    zoomed, _ = after(still_model(), *[m.ZoomLoss("steps", 1, 5_000.0, 0.01)] * 40)
    assert zoomed.loss.window.steps[0] <= 5_000 <= zoomed.loss.window.steps[1]


def test_theorys_levels_are_asked_for_once_and_again_when_the_experiment_is_another():
    model, effects = press(still_model(), "A")
    assert effects[1:] == [m.FindLevels(model.experiment, 0)]
    assert tick(model)[1] == []
    model, _ = after(model, m.LevelsFound(model.experiment, 0, (Level("digons", 0.0045),), ""))
    assert tick(model)[1] == []
    denser = dataclasses.replace(model.view, experiment=model.experiment.replace(sparsity=0.5))
    newest = dataclasses.replace(denser.snapshot, experiment=denser.experiment)
    denser = dataclasses.replace(denser, snapshot=newest)
    assert tick(tick(model, denser)[0])[1] == [m.FindLevels(denser.experiment, 0)]
    over, _ = after(model, m.OverlayRun(Path("x")), m.RunToOverlay(Other("x", model.view.curve)))
    assert over.loss.overlay == "run"
    assert press(over, "A")[0].loss.overlay == "nothing"


# The space


def test_arrows_turn_the_camera_not_over_the_poles_and_0_resets_it():
    home = still_model().options.camera
    model, _ = press(still_model(), "left", "l", "l", "up", "U", "plus", "p")
    camera = model.options.camera
    assert (camera.yaw, camera.pitch, camera.roll) == (home.yaw + 6, home.pitch + 6, 6)
    assert camera.zoom == pytest.approx(1.15 * home.zoom)
    assert camera.perspective
    assert press(model, "0")[0].options.camera == home
    assert press(model, *["up"] * 30)[0].options.camera.pitch == 90
    assert press(model, *["down"] * 60)[0].options.camera.pitch == -90


def test_each_press_of_zoom_counts_up_to_a_bound():
    model = still_model()
    assert press(model, *["plus"] * 5)[0].options.camera.zoom == pytest.approx(1.15**5)
    assert press(model, *["minus"] * 100)[0].options.camera.zoom == pytest.approx(0.1)
    assert press(model, *["plus"] * 100)[0].options.camera.zoom == pytest.approx(20)


def test_dragging_to_the_right_and_down_turns_left_and_up():
    before = still_model().options.camera
    camera = after(still_model(), m.Drag(10, 4))[0].options.camera
    assert (camera.yaw, camera.pitch) == (before.yaw - 30, before.pitch + 24)


def test_it_turns_by_the_seconds_that_pass_unless_stopped_covered_or_flat():
    turning = still_model(turning=True)
    yaw = turning.options.camera.yaw
    assert tick(turning, seconds=0.2)[0].options.camera.yaw == pytest.approx(yaw + 0.2 * 18)
    assert tick(turning, seconds=9)[0].options.camera.yaw == pytest.approx(yaw + 0.25 * 18)
    covered = dataclasses.replace(turning, layout=Layout(screen="other"))
    flat = still_model(still_view(n_hidden=2), turning=True)
    for still in (press(turning, "a")[0], press(turning, "question_mark")[0], covered, flat):
        assert tick(still, seconds=0.2)[0].options.camera.yaw == yaw


def test_a_tick_that_changes_nothing_gives_the_same_model():
    model, _ = tick(still_model())
    assert tick(model)[0] is model
    assert tick(dataclasses.replace(model, options=still_model(turning=True).options))[0].shown is model.shown


def test_more_than_three_dimensions_have_axes_and_a_tour():
    model = still_model(still_view(n_hidden=7))
    model, _ = press(model, "Y")
    assert (model.options.axes, model.options.projection) == ((3, 4, 5), "axes")
    model, effects = press(model, "y")
    assert (model.options.projection, effects) == ("grand tour", [])
    model = press(model, "a")[0]
    assert tick(model, seconds=0.2)[0].options.tour_time == pytest.approx(0.05)
    _, effects = press(still_model(), "y")
    assert "shown as they are" in effects[0].text


# Data and colour


def test_data_colours_guides_points_and_palettes_go_round():
    model, seen = still_model(), []
    for _ in range(6):
        seen.append(model.options.data)
        model, _ = press(model, "d")
    assert set(seen) == set(DATA)
    assert model.options.data == "trained"
    model, effects = press(model, "c", "P", "B", "g", "L")
    options = model.options
    assert (options.coloring, options.points, options.palette) == ("one feature", 20_000, "safe")
    assert (options.guides, options.log) == ("axes and sphere", False)
    assert model.settings.palette == "safe"
    assert [effect.text for effect in effects] == ["20,000 points"]
    assert press(model, *["P"] * len(POINTS))[0].options.points == 20_000


def test_a_feature_is_selected_by_keys_and_clicks_and_deselected():
    model = still_model()
    assert press(model, "f", "f", "ctrl+f")[0].options.feature == 0
    assert press(model, "ctrl+f")[0].options.feature == 7
    model, _ = after(model, m.ChoosePair(2, None))
    assert model.options.feature == 2
    assert press(model, "down", "j", "up", pane="features")[0].options.feature == 3
    assert after(model, m.ChoosePair(2, None))[0].options.feature is None
    assert press(model, "escape")[0].options.feature is None


def test_instances_are_gone_through_in_a_circle():
    model = still_model(still_view(n_instances=3))
    assert press(model, "n", "n")[0].options.instance == 2
    assert press(model, "n", "n", "n", "N")[0].options.instance == 2


def test_another_experiment_with_fewer_instances_and_features_deselects_those_that_are_gone():
    model = still_model(still_view(n_instances=3), instance=2, feature=7)
    model, _ = tick(model, still_view(n_features=4))
    assert (model.options.instance, model.options.feature) == (0, None)


def test_where_the_cursor_of_the_loss_is_the_geometry_is():
    model, _ = press(still_model(), "left", pane="loss")
    assert model.options.step == model.shown.step == 4200  # the kept step before the newest
    assert press(model, "left", pane="loss")[0].options.step == 4100
    assert press(model, *["right"] * 9, pane="loss")[0].options.step is None  # now again
    looked, effects = after(still_model(), m.LookAt(77))
    assert (looked.options.step, looked.shown.step, commands(effects)) == (100, 100, [("pause",)])
    assert after(looked, m.LookAt(4_209))[0].options.step is None


# Panes


def test_a_pane_is_focused_maximised_and_restored_before_anything_is_deselected():
    model, effects = press(still_model(feature=3), "2", "m")
    assert effects == [m.Focus("loss"), m.Maximize()]
    assert (model.layout.focused, model.layout.maximized) == ("loss", "loss")
    model, effects = press(model, "escape")
    assert (model.layout.maximized, model.options.feature, effects) == ("", 3, [m.Minimize()])
    model, effects = press(model, "m", "m")
    assert effects == [m.Maximize(), m.Minimize()]
    assert press(still_model(), "m")[1] == []  # nothing is in focus


def test_every_key_of_the_table_has_a_message_that_update_knows():
    for key in KEYS:
        for model in (still_model(), still_model(still_view("loading")), still_model(still_view(n_hidden=7))):
            model, effects = after(model, key.message)
            assert isinstance(model, Model)
            assert all(isinstance(effect, m.Effect) for effect in effects)


def test_a_key_has_one_meaning_in_each_pane():
    for screen, pane in itertools.product(FULL_SCREENS, get_args(Pane)):
        here = [key for key in KEYS if key.pane == pane and key.is_of(screen)]
        names = [name for key in here for name in key.keys.split(",")]
        assert len(names) == len(set(names)), (screen, pane)


# Another run


def test_another_experiment_from_the_form_begins_anew():
    model, effects = press(dataclasses.replace(still_model(step=300), saved=Saved(100, 1)), "i")
    assert effects == [m.OpenDialog("experiment")]
    chosen = Experiment(n_features=9)
    model, effects = after(model, m.ExperimentChosen(chosen))
    assert commands(effects) == [("restart", chosen), ("resume",)]
    assert (model.run_name, model.saved, model.options.step) == ("experiment", NOTHING_SAVED, None)
    assert model.layout.screen == "dashboard"
    model, effects = after(still_model(), m.OpenExperiment(), m.ExperimentChosen(None))
    assert (model.run_name, effects) == ("gist", [m.OpenDialog("experiment")])


# Export


def progress(done: int = 0, **fields: Any) -> ExportProgress:
    ended = {"finished": False, "error": "", "note": ""} | fields
    return ExportProgress(tuple(Path(f"{i}.png") for i in range(done)), 9, **ended)


def exporting(model: Model) -> Model:
    return after(model, m.ExportStarted(Path("runs/x"), Saved(4210, 1)))[0]


def test_an_export_is_of_what_is_on_the_screen():
    model, _ = press(still_model(still_view(n_hidden=7, n_instances=2), step=300), "n", "Y", "plus")
    _, (start,) = press(model, "e")
    assert start == m.StartExport("gist", None, 300, ("png", "html"), model.options.camera, 1, (3, 4, 5), 300)
    choice = m.ExportChoice(Path("there"), 72, True, False)
    _, (_, start) = after(model, m.OpenExport(), m.ExportChosen(choice))
    assert (start.directory, start.dpi, start.formats) == (Path("there"), 72, ("png",))
    assert after(model, m.ExportChosen(None))[1] == []


def test_an_export_is_saved_only_when_it_has_finished_without_an_error():
    model = exporting(still_model(still_view(changes=CHANGED)))
    assert model.saved == NOTHING_SAVED
    model, effects = after(model, m.ExportMoved(Path("runs/x"), progress(2)))
    assert (model.export.done, effects, model.saved) == (progress(2).done, [], NOTHING_SAVED)
    failed, effects = after(model, m.ExportMoved(Path("runs/x"), progress(finished=True, error="disk full")))
    assert [(e.title, e.text) for e in effects] == [("Export failed", "disk full")]
    assert (failed.saved, failed.export, failed.saves) == (NOTHING_SAVED, None, None)
    done, effects = after(model, m.ExportMoved(Path("runs/x"), progress(9, finished=True, note="no plotly")))
    assert [e.text for e in effects] == ["runs/x", "no plotly"]
    assert (done.saved, done.export) == (Saved(4210, 1, "runs/x"), None)


def test_a_second_export_waits_for_the_first():
    _, effects = press(exporting(still_model()), "e")
    assert [effect.text for effect in effects] == ["an export is under way"]


def test_a_restart_during_an_export_leaves_the_new_run_unsaved():
    model, _ = press(exporting(still_model()), "r")
    model, _ = after(model, m.ExportMoved(Path("runs/x"), progress(9, finished=True)))
    assert model.saved == NOTHING_SAVED


def test_what_cannot_be_done_is_said():
    _, effects = after(still_model(), m.Refused("there is nothing to export yet", "warning"))
    assert effects == [Toast("there is nothing to export yet", severity="warning")]


# Leaving


def asks(view: View, saved: Saved = NOTHING_SAVED, key: str = "q") -> bool:
    _, (effect,) = press(dataclasses.replace(still_model(view), saved=saved), key)
    assert isinstance(effect, m.Leave | m.Ask | Command)
    return isinstance(effect, m.Ask)


@pytest.mark.parametrize("key", ["q", "r", "R"])
def test_what_drops_the_run_asks_only_if_something_would_be_lost(key):
    assert not asks(still_view(), key=key)  # training it again takes no time
    assert asks(still_view(changes=CHANGED), key=key)
    assert not asks(still_view(changes=CHANGED), Saved(4210, 1), key)
    assert not asks(still_view("loading"), key=key)
    slow = dataclasses.replace(still_view(), rate=10.0)
    assert asks(slow, key=key)  # seven minutes of training
    assert not asks(slow, Saved(4210, 0), key)
    assert not asks(dataclasses.replace(slow, following=status("running")), key="q")  # another's


CHOSEN = m.ExperimentChosen(Experiment(n_features=5, n_hidden=2))
DROPPING = {
    m.Quit(): m.Leave(""),
    m.Restart(): Command("restart"),
    m.Reseed(): Command("reseed"),
    CHOSEN: Command("restart", (CHOSEN.experiment,)),  # and it runs, even if the last one was paused
}


@pytest.mark.parametrize("message", DROPPING, ids=lambda message: type(message).__name__)
def test_the_question_before_the_run_is_dropped_is_asked_once_and_answered(message):
    model, asked = after(still_model(still_view(changes=CHANGED)), message, m.Quit())
    assert [effect.question.sentence for effect in asked] == ["4,210 steps and 1 live change are not saved."]
    assert model.layout.screen == "confirm"

    dropped, effects = after(model, m.Answered("drop"))
    runs = [Command("resume")] if message is CHOSEN else []
    assert (effects, dropped.layout.screen, dropped.asked) == ([DROPPING[message], *runs], "dashboard", None)

    stayed, effects = after(model, m.Answered("stay"))
    form = [m.OpenDialog("experiment", CHOSEN.experiment)]  # what was typed is not lost
    assert effects == (form if message is CHOSEN else [])
    assert stayed.asked is None

    saving, effects = after(model, m.Answered("save"), m.Quit())  # a key while it is saved
    assert effects == [m.Save("gist")]
    done, effects = after(saving, m.RunSaved(Saved(4210, 1, "runs/gist-1")))
    if message == m.Quit():
        assert effects == [m.Leave("gist, step 4,210: saved in runs/gist-1")]
    else:
        assert effects == [Toast("runs/gist-1", "Saved the run to"), DROPPING[message], *runs]
        assert done.saved == NOTHING_SAVED  # the next run is not
    assert done.asked is None


def test_a_run_that_could_not_be_saved_waits_for_a_place():
    model, _ = after(still_model(still_view(changes=CHANGED)), m.Quit(), m.Answered("save"))
    model, effects = after(model, m.SaveFailed("no space left", "runs/gist-1"))
    assert effects == [m.AskPlace("no space left", "runs/gist-1", "Quit without saving")]
    again, effects = after(model, m.PlaceAnswered(Path("there")))
    assert effects == [m.Save("gist", Path("there"))]
    assert after(again, m.SaveFailed("no space left", "there"))[1][0].directory == "there"
    assert after(model, m.PlaceAnswered("drop"))[1] == [m.Leave("")]
    stayed, effects = after(model, m.PlaceAnswered("stay"))
    assert (effects, stayed.asked, stayed.layout.screen) == ([], None, "dashboard")


def test_quitting_says_what_is_saved_and_what_became_of_an_export():
    exported, _ = after(exporting(still_model()), m.ExportMoved(Path("runs/x"), progress(9, finished=True)))
    assert press(exported, "q")[1] == [m.Leave("gist, step 4,210: saved in runs/x")]
    assert press(still_model(), "q")[1] == [m.Leave("")]
    under_way, _ = after(exporting(still_model()), m.ExportMoved(Path("runs/x"), progress(2)))
    ended = "the export was ended: 2 of 9 figures are there"
    assert press(under_way, "q")[1] == [m.Leave(ended)]
    both = dataclasses.replace(exported, run_name="a\nb", export=under_way.export)
    assert press(both, "q")[1] == [m.Leave(f"a\\nb, step 4,210: saved in runs/x\n{ended}")]


def test_a_signal_saves_what_would_be_lost_and_asks_nobody():
    assert after(still_model(), m.Terminated())[1] == [m.Leave("", keep_session=True)]
    changed = still_model(still_view(changes=CHANGED))
    assert after(changed, m.Terminated())[1] == [m.SaveAtTheEnd("gist", "")]
    assert after(changed, m.Quit(), m.Terminated())[1][-1] == m.SaveAtTheEnd("gist", "")


# A run that another process trains


def status(state: str, **fields: Any) -> Status:
    known = {"holder": Holder(12, "box", 0.0, "tms train"), "step": 4500, "steps": 10_000, "loss": 0.004}
    return Status(
        **{"state": state, "rate": 800.0, "saved": 4210, "seen": 0.0, "trouble": "", **known, **fields}
    )


def followed(state: str) -> Model:
    phase = "following" if state == "running" else "ended"
    return still_model(dataclasses.replace(still_view(phase), following=status(state)))


CHANGING = ("space", "full_stop", "G", "less_than_sign", "r", "R", "t", "i", "S", *"[](){}")


@pytest.mark.parametrize(
    "key",
    [key for key in KEYS if key.display in (*CHANGING, ".", "<", ">") and key.is_of("dashboard")],
    ids=str,
)
def test_keys_that_would_change_a_followed_run_are_refused_with_a_sentence(key):
    model, effects = after(followed("running"), key.message)
    assert [effect.text for effect in effects] == [
        f"followed, read only; it is trained by {model.view.following.holder}"
    ]
    assert model.run_name == "gist"


def test_one_key_takes_over_a_run_whose_process_has_ended():
    for state in ("died", "stopped", "finished", "diverged"):
        assert commands(press(followed(state), "t")[1]) == [("take_over",)]
        _, (refused,) = press(followed(state), "space")
        assert "t takes it over" in refused.text


def test_looking_back_at_a_followed_run_pauses_nothing():
    assert press(followed("running"), "home", "pagedown", "pageup", "end")[1] == []
    assert press(followed("running"), "home")[0].shown.step == 0


def test_a_run_that_was_taken_over_is_saved_to_its_place_without_a_question():
    model = still_model(dataclasses.replace(still_view(changes=CHANGED), place="runs/x"))
    assert press(model, "q")[1] == [m.Save("gist")]
    assert after(model, m.Terminated())[1] == [m.SaveAtTheEnd("gist", "")]


# Sessions that were interrupted

SESSION = InterruptedSession(Path("s"), Path("s/1"), "toy", "8 → 3", 10, 100, 0, 0.0)


@pytest.mark.parametrize(
    ("answer", "effects"),
    [("resume", [m.Resume(SESSION)]), ("discard", [m.Discard(SESSION)]), ("later", [])],
)
def test_an_interrupted_session_is_offered_and_the_answer_carried_out(answer, effects):
    model, offered = after(still_model(), m.SessionFound(SESSION))
    assert (offered, model.layout.screen) == ([m.AskResume(SESSION)], "resume")
    model, done = after(model, m.ResumeAnswered(SESSION, answer))
    assert (done, model.layout.screen, model.run_name) == (effects, "dashboard", "gist")


def test_a_session_that_is_resumed_brings_its_name_and_is_not_saved_by_the_user():
    model = dataclasses.replace(still_model(step=300), saved=Saved(5, 0, "runs/x"))
    model, _ = after(model, m.ResumeBegun(SESSION))
    assert (model.run_name, model.saved, model.options.step) == ("toy", NOTHING_SAVED, None)


def test_a_failed_autosave_is_said_once_and_so_is_that_it_works_again():
    model, effects = after(still_model(), *[m.Autosaved("no space left")] * 2)
    assert [effect.text for effect in effects] == [
        "no space left. The run goes on, and saving is tried again"
    ]
    assert [effect.text for effect in after(model, m.Autosaved(""))[1]] == ["the run is saved again"]


def test_settings_take_the_palette_the_theme_and_a_pace_that_was_chosen():
    model, _ = press(still_model(), "B")
    model, _ = after(model, m.ThemeChanged("nord", model.chart_colors))
    fast = dataclasses.replace(model.view, pace=1000.0)
    assert tick(model, fast)[0].settings.pace == 500  # --pace lasts for one session
    model, _ = press(model, "greater_than_sign")
    settings = tick(model, fast)[0].settings
    assert (settings.theme, settings.palette, settings.pace) == ("nord", "safe", 1000)
