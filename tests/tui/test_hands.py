"""What hands find: the keys at the bottom, letters to jump to, tips of vectors, double clicks."""

import dataclasses
import math

import numpy as np
import pytest
from textual.geometry import Offset

from tests.tui.conftest import after, still_app, still_model, still_view
from tests.tui.hosts import press, settled, text
from tests.tui.test_runs import line, seen
from tms_engine.analysis.polytopes.edges import SolidEdges
from tms_engine.analysis.projection import HOME
from tms_tui.drawing.cells import BLANK
from tms_tui.drawing.scene import (
    draw_scene,
    edges_scene,
    flat_camera,
    nearest_line,
    nearest_tip,
    placed_tips,
    weights_scene,
)
from tms_tui.keys import KEYS, PANES_OF
from tms_tui.memo import Memo
from tms_tui.messages import (
    Command,
    FocusPane,
    LoadOverlay,
    LookAgain,
    LookAt,
    LookBack,
    OpenScreen,
    ToggleMaximized,
)
from tms_tui.messages.finding import GoToFeature
from tms_tui.messages.runs import CompareChosen, OverlayChosen, ReverseRuns, SortRuns, SortRunsBy
from tms_tui.messages.space import Compare, LoadBefore
from tms_tui.model import Model
from tms_tui.panes.jumps import LETTERS, Jump, lettered
from tms_tui.panes.key_bar import hints
from tms_tui.panes.space_view import scene_of
from tms_tui.reading import Thing
from tms_tui.replay import Replay
from tms_tui.space_scene import Trail, space_scene, thing_at, tips_of


def bar(model: Model) -> list[str]:
    return [f"{hint.display} {hint.label}" for hint in hints(model)]


# The keys at the bottom


def test_the_bar_begins_with_what_leads_on_from_the_state():
    assert bar(still_model(still_view("training")))[0] == "space pause"
    assert bar(still_model())[0] == "space go on"
    assert bar(still_model(still_view("finished", 10_000)))[:2] == ["t train on", "r again"]
    assert bar(still_model(still_view("failed")))[:2] == ["r again", "i another"]
    looks_back, _ = after(still_model(), LookBack(-1))
    assert bar(looks_back)[:2] == ["End now", "w replay"]
    replays = dataclasses.replace(looks_back, replay=Replay(0, (0, 300)))
    assert bar(replays)[0] == "w stop"
    assert bar(after(still_model(), Compare())[0])[1:3] == ["b A, B, both", "Esc forget A"]
    alone, _ = after(still_model(), FocusPane("loss"), ToggleMaximized())
    assert bar(alone)[0] == "m restore"


@pytest.mark.parametrize("screen", PANES_OF)
def test_the_bar_has_the_keys_of_the_pane_in_focus_and_help_and_quit_last(screen):
    model = dataclasses.replace(still_model(), trail=(screen,))
    for pane in PANES_OF[screen]:
        focused = dataclasses.replace(model, layout=model.layout._replace(focused=pane))
        assert bar(focused)[-2:] == ["? help", "q quit"]
        assert len(set(bar(focused))) == len(bar(focused))
        own = {key.label for key in KEYS if key.pane == pane and key.rank}
        assert own <= {hint.label for hint in hints(focused)}
        assert own
    loss, _ = after(still_model(), FocusPane("loss"))
    assert bar(loss)[1:5] == ["←→ step", "+ - zoom", "0 whole", "Enter overlay a run"]


# Letters


def test_what_leads_to_the_same_has_one_letter_and_no_letter_hides_another():
    letters, meant = lettered(
        [Jump(0, 0, FocusPane("a")), Jump(5, 0, FocusPane("b")), Jump(9, 3, FocusPane("a"))]
    )
    assert [one.letter for one in letters] == ["a", "s", "a"]
    assert meant == {"a": FocusPane("a"), "s": FocusPane("b")}
    crowded, _ = lettered([Jump(k, 0, GoToFeature(k)) for k in range(6)])
    assert [one.x for one in crowded] == [0, 2, 4]


def test_there_are_no_more_letters_than_there_are_and_each_is_one():
    many, meant = lettered([Jump(0, k, GoToFeature(k)) for k in range(100)])
    assert len(many) == len(meant) == len(LETTERS) == len(set(LETTERS)) == 52


# Tips of vectors


def test_the_mouse_is_at_a_tip_or_its_number_and_nowhere_else():
    tips = np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0]], np.float32)
    scene = weights_scene(tips, np.ones((3, 3), np.float32))
    camera, size = flat_camera(), (20, 40)
    places = {k: (row, column) for k, row, column in placed_tips(scene, camera, 1.2, *size)}
    assert sorted(places) == [0, 1, 2]
    assert places[0][1] > places[1][1] > places[2][1]
    for k, (row, column) in places.items():
        assert nearest_tip(scene, camera, 1.2, *size, row, column) == k
    assert nearest_tip(scene, camera, 1.2, *size, 10, 20) is None
    assert nearest_tip(scene, camera, 1.2, *size, 19, 39) is None
    nowhere = scene._replace(segments=np.full((3, 2, 3), np.nan, np.float32))
    assert nearest_tip(nowhere, camera, 1.2, *size, 10, 20) is None
    assert nearest_tip(weights_scene(tips[:0], tips[:0]), camera, 1.2, *size, 10, 20) is None


@pytest.mark.parametrize("data", ["none", "trained", "1, 2, 3 active"])
def test_every_tip_of_the_space_that_is_in_sight_is_found(data):
    model = still_model(data=data, coloring="error")
    scene = scene_of(model, Memo())
    camera = scene.camera(HOME)
    found = tips_of(scene, camera, 30, 60)
    assert {feature for feature, *_ in found} == set(range(8))
    for _, row, column in found:
        assert thing_at(scene, camera, row, column, 30, 60).term == "norm"


def test_the_mouse_is_at_a_line_where_it_is_drawn_and_at_its_ends_but_not_beyond():
    scene = edges_scene(
        np.array([[-1, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32),
        np.array([[0, 1], [1, 2]]),
        np.zeros((0, 2), int),
        np.zeros((0, 3), int),
    )
    size = (20, 40)
    drawn = draw_scene(scene, flat_camera(), 1.2, *size, "braille").glyphs != BLANK
    at = [
        [nearest_line(scene.edges, flat_camera(), 1.2, *size, row, column) for column in range(size[1])]
        for row in range(size[0])
    ]
    assert {at[row][column] for row, column in np.argwhere(drawn)} == {0, 1}
    assert sum(k is not None for row in at for k in row) < 4 * drawn.sum()
    assert (at[10][20], at[10][1], at[3][20]) == (0, None, None)
    assert nearest_line(scene.edges[:0], flat_camera(), 1.2, *size, 10, 20) is None
    assert nearest_line(scene.edges * np.nan, flat_camera(), 1.2, *size, 10, 20) is None


def test_an_edge_of_the_space_is_found_between_its_tips_and_a_trail_behind_its_tip():
    """A square with its edges, of which feature 0 came from a quarter turn away."""
    model = still_model(data="none")
    square = np.zeros((8, 3), np.float32)
    square[:4, :2] = [[1, 0], [0, 1], [-1, 0], [0, -1]]
    shown = dataclasses.replace(model.shown, parameters={"W": square[None]})
    edges = SolidEdges(
        np.array([[0, 1], [1, 2], [2, 3], [3, 0]]), np.zeros((0, 2), int), np.zeros((0, 3), int)
    )
    earlier = square.copy()
    earlier[0] = [1.0, 1.0, 0.0]
    scene = space_scene(shown, model.options, "cpu", Memo(), edges, Trail((earlier,), 100))
    camera = flat_camera()
    places = {feature: (row, column) for feature, row, column in tips_of(scene, camera, 40, 80)}

    def between(a: tuple[int, int], b: tuple[int, int]) -> Thing:
        return thing_at(scene, camera, (a[0] + b[0]) // 2, (a[1] + b[1]) // 2, 40, 80)

    assert between(places[1], places[2]) == Thing("edges", 1, 2)
    assert between(places[3], places[0]) == Thing("edges", 3, 0)
    corner = (places[1][0], places[0][1])  # where feature 0 has been
    assert between(corner, places[0]) == Thing("trails", 0)
    of_a = scene._replace(panels=(scene.panels[0]._replace(features=None),))
    assert thing_at(of_a, camera, *places[0], 40, 80) == Thing("A and B")


def test_a_click_twice_on_the_loss_leaves_the_step_and_the_training_as_they_were():
    training = still_model(still_view("training"))
    clicked, effects = after(training, LookAt(300))
    assert effects == [Command("pause")]
    again, effects = after(clicked, LookAgain(None, trains=True))
    assert (again.options.step, effects) == (None, [Command("resume")])
    assert after(clicked, LookAgain(None, trains=False))[1] == []


# Runs


def runs(*names: str) -> Model:
    return after(still_model(), OpenScreen("runs"), seen(*map(line, names)))[0]


def listed(model: Model) -> str:
    return "".join(one.row.name for one in model.runs.lines)


def test_runs_are_sorted_by_any_column_and_the_chosen_one_stays():
    model = runs("b", "c", "a")
    assert (listed(model), model.runs.sort) == ("bca", "age")
    by_name, _ = after(model, SortRunsBy("name"))
    assert (listed(by_name), by_name.runs.line.row.name) == ("abc", "b")
    assert listed(after(by_name, SortRunsBy("name"))[0]) == "cba"
    assert listed(after(by_name, ReverseRuns())[0]) == "cba"
    assert after(by_name, SortRuns(1))[0].runs.sort == "experiment"
    assert after(by_name, SortRuns(-1))[0].runs.sort == "state"
    later, _ = after(by_name, seen(*map(line, ("c", "b", "a", "d"))))
    assert listed(later) == "abcd"


def test_a_run_is_compared_or_laid_over_from_its_screen():
    model = runs("b", "c")
    compared, effects = after(model, CompareChosen())
    assert (compared.trail[-1], LoadBefore(line("b").path) in effects) == ("dashboard", True)
    laid, effects = after(model, OverlayChosen())
    assert (laid.trail[-1], LoadOverlay(line("b").path) in effects) == ("dashboard", True)
    sweep = after(still_model(), OpenScreen("runs"), seen(line("s", is_sweep=True)))[0]
    assert after(sweep, CompareChosen())[0].trail[-1] == "runs"


# In the app


@pytest.mark.slow
async def test_letters_tips_and_double_clicks_in_the_app():
    app = still_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "J")
        assert app.model.layout.screen == "jump"
        assert "a letter goes there, esc ends" in text(app)
        await press(pilot, "s")
        assert (app.model.layout.focused, app.screen) == ("loss", app.dashboard)
        await press(pilot, "J", "escape")
        assert app.screen is app.dashboard
        gram, rows = (app.dashboard.query_one(f"#{name}") for name in ("gram", "numbers"))
        assert [gram.thing_at(Offset(x, y))[1:3] for x, y, _ in gram.jumps()] == [(j, j) for j in range(8)]
        assert len({rows.thing_at(Offset(x, y)).row for x, y, _ in rows.jumps()}) == len(rows.jumps()) > 8
        for pane, (_, _, message) in (("gram", gram.jumps()[3]), ("numbers", rows.jumps()[2])):
            app.send(message)
            await settled(pilot)
            assert (app.model.layout.focused, app.focused.id) == (pane, pane)
        assert (app.model.reading.cell, app.model.reading.row) == ((3, 3), 2)
        space = app.dashboard.query_one("#space")
        scene, camera = space._content[:2]
        feature, row, column = tips_of(scene, camera, space.size.height, space.size.width)[3]
        place = (column + 1, row + 1)
        await pilot.hover("#space", offset=place)
        await settled(pilot)
        assert f"feature {feature}: ‖W‖" in text(app)
        await pilot.click("#space", offset=place)
        await settled(pilot)
        assert app.model.options.feature == feature
        for shown in ("loss", ""):
            await pilot.click("#loss", offset=(20, 4), times=2)
            await settled(pilot)
            assert (app.model.layout.maximized, app.model.options.step) == (shown, None)


@pytest.mark.slow
@pytest.mark.parametrize(("drift", "is_shown"), [(0, True), (1, False)], ids=["a key", "a drift"])
async def test_while_it_trains_a_live_change_is_shown_at_once(drift, is_shown):
    """The side panes follow a training every tenth of a second or more seldom: not what a key has changed."""
    view = still_view("training")
    app = still_app(view)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        app.dashboard._side_due = math.inf  # they have just been shown, and it took long
        app.session.still = dataclasses.replace(view, step=view.step + 1)
        await settled(pilot)
        assert f"{view.step:,} / 10,000" in text(app)
        denser = view.experiment.replace(sparsity=0.8)
        snapshot = dataclasses.replace(view.snapshot, experiment=denser)
        app.session.still = dataclasses.replace(view, experiment=denser, snapshot=snapshot, drift=drift)
        await settled(pilot)
        assert ("S 0.8" in text(app)) == is_shown
