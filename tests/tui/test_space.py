"""The space: names, edges, two models that are compared, trails."""

import asyncio
import dataclasses
import time

import numpy as np
import pytest

from tests.tui.conftest import after, antiprism, still_app, still_model, still_view
from tests.tui.hosts import settled, text
from tests.tui.states import SIZES
from tms_engine import Experiment, save_run, train
from tms_engine.errors import InputError
from tms_engine.training.state import Change
from tms_tui import messages as m
from tms_tui.app import TmsApp
from tms_tui.memo import Memo
from tms_tui.messages.space import (
    Before,
    Compare,
    CompareWith,
    LoadBefore,
    SpaceFound,
    ToggleEdges,
    ToggleSides,
)
from tms_tui.model import Model
from tms_tui.panes.comparison import comparison
from tms_tui.panes.space_view import scene_of, space_title
from tms_tui.session import Session
from tms_tui.solids import find, pinned_from, trail_of, wanted
from tms_tui.update.space import run_id
from tms_tui.view_options import ViewOptions


def known(model: Model) -> Model:
    """The Model once its name and its comparison have been found."""
    due = wanted(model.solids, model.shown, model.options.instance, run_id(model))
    return model if due is None else after(model, SpaceFound(find(due)))[0]


def test_sides_give_way_and_take_the_focus_along_and_come_back_for_one_that_is_focused():
    model, effects = after(still_model(), m.FocusPane("loss"), ToggleSides())
    assert not model.options.sides
    assert effects == [m.Focus("loss"), m.Focus("space")]
    assert after(model, ToggleSides())[0].options.sides
    assert after(model, m.FocusPane("features"))[0].options.sides


def test_pinning_then_both_then_the_one_before_then_the_present_and_escape_forgets():
    model = still_model()
    model, (said,) = after(model, Compare())
    assert "A" in said.text
    assert model.solids.before.shown is model.shown
    shown = []
    for _ in range(4):
        model, effects = after(model, Compare())
        assert effects == []
        shown.append(model.solids.showing)
    assert shown == ["both", "before", "now", "both"]
    model, _ = after(model, m.Clear())
    assert model.solids.before is None
    assert model.solids.showing == "now"


def test_escape_deselects_a_feature_before_it_forgets_what_is_compared():
    model, _ = after(still_model(), Compare(), m.NextFeature(1), m.Clear())
    assert model.options.feature is None
    assert model.solids.before is not None


def test_before_there_are_weights_nothing_is_pinned():
    model, (said,) = after(still_model(still_view("loading")), Compare())
    assert model.solids.before is None
    assert "weights" in said.text


def test_a_live_change_leaves_trails_for_some_seconds_of_training():
    view = still_view("training")
    model, _ = after(still_model(view), m.Tick(view, 0.1))
    assert model.solids.trailing == 0
    changed = dataclasses.replace(view, changes=(Change(4000, "sparsity", 0.8),))
    model, _ = after(model, m.Tick(changed, 0.1))
    assert model.solids.trailing > 5
    paused = dataclasses.replace(changed, phase="paused")
    model, _ = after(model, *[m.Tick(paused, 0.2)] * 200)
    assert model.solids.trailing > 5
    model, _ = after(model, *[m.Tick(changed, 0.2)] * 200)
    assert model.solids.trailing == 0


def test_a_longer_run_is_no_change_that_leaves_trails():
    view = dataclasses.replace(still_view(), changes=(Change(4000, "steps", 20_000),))
    assert after(still_model(view), m.Tick(view, 0.1))[0].solids.trailing == 0


def test_a_trail_leads_from_the_change_to_the_step_that_is_shown():
    view = still_view(changes=(Change(2000, "sparsity", 0.8),))
    trail = trail_of(view.run, view.snapshot, 0, None)
    kept = [kept.weights[0] for kept in view.run.history.kept if kept.step >= 2000]
    assert np.array_equal(trail.weights[0], kept[0])
    assert np.array_equal(trail.weights[-1], kept[-1])
    assert len(trail.weights) == min(32, len(kept))
    early = view.run.at(1000)
    assert trail_of(view.run, early, 0, None) is None
    assert len(trail_of(view.run, early, 0, 500).weights) == 5


def test_a_directory_to_compare_with_is_read_and_shown_beside_the_present(tmp_path):
    run = train(Experiment(steps=20, n_instances=2))
    save_run(run, tmp_path / "other")
    model, effects = after(still_model(), CompareWith(tmp_path / "other"))
    assert effects == [LoadBefore(tmp_path / "other")]
    pinned = pinned_from(tmp_path / "other")
    assert pinned.run_name == "other"
    assert pinned.instance == int(np.argmin(run.at().losses))
    model, _ = after(model, Before(pinned))
    assert model.solids.showing == "both"
    with pytest.raises(InputError):
        pinned_from(tmp_path / "nothing")


@pytest.mark.slow
def test_the_name_is_in_the_title_and_stays_until_another_is_nearer():
    model = known(still_model())
    assert space_title(model).startswith("Space ─ square antiprism, ")
    # Of a step that follows the name is that of before, if it is as good within the margin.
    solid = model.solids.solid
    later = dataclasses.replace(model.shown, step=model.shown.step + 1, parameters={"W": 1.01 * antiprism()})
    due = wanted(model.solids, later, 0, "still")
    assert due.solid is solid
    assert find(due).solid.found.name == solid.found.name
    assert wanted(model.solids, model.shown, 0, "still") is None


@pytest.mark.slow
def test_edges_are_drawn_when_they_are_asked_for():
    model = known(still_model())
    memo = Memo()
    assert len(scene_of(model, memo).panels[0].scene.edges) == 0
    model, _ = after(model, ToggleEdges())
    assert len(scene_of(model, memo).panels[0].scene.edges) == 16


@pytest.mark.slow
def test_two_instances_are_laid_over_each_other_with_their_differences_in_words():
    model = known(still_model(still_view(n_instances=3)))
    model, _ = after(model, Compare(), m.NextInstance(1), Compare())
    assert comparison(model, Memo(), 44).plain.startswith("laying A over B")
    model = known(model)
    memo = Memo()
    scene = scene_of(model, memo)
    assert [panel.title for panel in scene.panels] == ["A instance 0", "B instance 1"]
    # The instances are the same shape in two sizes: turned, the directions of both are the same.
    a, b = (panel.scene.segments[:, 1] for panel in scene.panels)
    partner = model.solids.compared.alignment.partner
    np.testing.assert_allclose(0.9 * a, b[partner], atol=1e-5)
    said = comparison(model, memo, 44).plain
    for words in ("instance", "fresh loss", "B - A", "represented", "ΣD", "square antiprism", "matches best"):
        assert words in said
    # Its colour says which feature of B a feature of A stands for.
    colors = [panel.scene.segment_colors for panel in scene.panels]
    assert (colors[0] == colors[1][partner]).all()


@pytest.mark.slow
def test_two_steps_of_one_model_are_compared_feature_by_feature():
    model = known(still_model())
    model, _ = after(model, Compare(), m.LookBack(-1), Compare())
    model = known(model)
    compared = model.solids.compared
    assert not compared.matched
    assert compared.alignment.partner.tolist() == list(range(8))
    assert "feature j on feature j" in comparison(model, Memo(), 44).plain.replace("\n", " ")
    later, _ = after(model, Compare())
    assert [panel.title[0] for panel in scene_of(later, Memo()).panels] == ["A"]


@pytest.mark.slow
async def test_before_and_after_of_a_sparsity_change_take_three_keys():
    session = Session(Experiment(steps=400), pace=float("inf"))
    app = TmsApp(session, options=ViewOptions(turning=False))
    keys = 0
    async with app.run_test(size=(120, 40)) as pilot:
        await until(app, lambda: session.view().phase == "finished")
        for key in ("b", "right_square_bracket", "b"):
            await pilot.press(key)
            keys += 1
        await until(app, lambda: app.model.solids.compared is not None)
        await settled(pilot)
        shown = text(app)
        assert "A step" in shown
        assert "B step" in shown
        assert "fresh loss" in shown
    assert keys <= 4


async def until(app, condition, seconds=120):
    for _ in range(20 * seconds):
        if condition():
            return
        app.tick()
        await asyncio.sleep(0.05)
    raise AssertionError("it never came")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["braille", "blocks", "ascii"])
async def test_two_models_are_shown_at_every_size(mode):
    app = still_app(still_view(n_instances=2), mode=mode, clock=time.monotonic)
    async with app.run_test(size=SIZES[0]) as pilot:
        for key in "ZZbnbE":  # after large print the panes of one stayed where those of two were to be
            await pilot.press(key)
            await settled(pilot)
        due = wanted(app.model.solids, app.model.shown, app.model.options.instance, run_id(app.model))
        app.send(SpaceFound(find(due)))
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await settled(pilot)
            shown = text(app)
            for words in ("A instance 0", "B instance 1", "fresh loss"):
                assert words in shown, size
            for words in ("Features", "Numbers"):  # panes of one model
                assert words not in shown, size
            assert mode != "ascii" or shown.isascii()
        await pilot.press("z")
        await settled(pilot)
        assert app.dashboard.query_one("#space").outer_size.width == SIZES[-1][0]
        assert "fresh loss" not in text(app)


@pytest.mark.slow
@pytest.mark.parametrize("width", [28, 32, 44])
def test_no_row_of_a_comparison_is_wider_than_its_pane(width):
    model, _ = after(known(still_model()), Compare(), m.LookBack(-1), Compare())
    rows = comparison(known(model), Memo(), width).plain.split("\n")
    assert max(map(len, rows)) <= width


@pytest.mark.parametrize("is_compiled", [True, False])
def test_what_names_need_is_compiled_by_another_process_once(is_compiled, monkeypatch):
    from tms_engine.analysis import polytopes
    from tms_tui import solids

    begun = []

    class Standing:
        def __init__(self, module):
            begun.append(module)

        def wait(self, what):
            raise InputError("there is no process to be had")  # then it is compiled here

    monkeypatch.setattr(polytopes, "is_compiled", lambda: is_compiled)
    monkeypatch.setattr(solids, "Child", Standing)
    solids._compile_beside.cache_clear()
    for _ in range(2):
        solids._compile_beside()
    assert begun == ([] if is_compiled else ["tms_engine.compiled"])
