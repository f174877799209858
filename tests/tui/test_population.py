"""The population: names that are steady, rows in order, moving and searching, the wall, the keys it takes."""

import dataclasses
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.tui.conftest import after, still_app, still_model, still_view
from tests.tui.hosts import press, settled, text
from tests.tui.test_app import until
from tests.tui.test_screens_properties import assert_text_stands_out
from tms_engine import Experiment, Trainer, name_instances, save_run
from tms_engine.analysis.projection import Camera
from tms_engine.presets import PRESETS
from tms_engine.runs import hold
from tms_engine.training.state import Snapshot
from tms_tui import messages as m
from tms_tui.app import TmsApp
from tms_tui.census_taker import CensusTaker
from tms_tui.drawing.modes import MODES
from tms_tui.drawing.wall import Tile, WallScene, draw_wall, fit
from tms_tui.messages import population as p
from tms_tui.model import Model
from tms_tui.panes.instances_table import columns_for
from tms_tui.panes.names_histogram import lines_of
from tms_tui.panes.population_text import about_instance
from tms_tui.player import Player
from tms_tui.population import in_order, make_rows
from tms_tui.session import Session
from tms_tui.view import View
from tms_tui.view_options import ViewOptions
from tms_tui.wall_scene import wall_scene


def polygon(n: int, turn: float = 0.0) -> np.ndarray:
    """Five features in the plane: n of them a regular polygon, the others not represented."""
    angles = 2 * np.pi * np.arange(n) / n + turn
    weights = np.zeros((5, 2))
    weights[:n] = np.stack([np.cos(angles), np.sin(angles)], -1)
    return weights


PENTAGON, SQUARE, TRIANGLE, DIGON = polygon(5), polygon(4), polygon(3), polygon(2)
KINDS = [SQUARE, PENTAGON, SQUARE, TRIANGLE, PENTAGON, SQUARE, DIGON, PENTAGON]
NAMES = ["two digons", "pentagon", "two digons", "triangle", "pentagon", "two digons", "digon", "pentagon"]


def snapshot_of(weights: list[np.ndarray], step: int = 100, **fields: Any) -> Snapshot:
    experiment = Experiment(n_features=5, n_hidden=2, n_instances=len(weights), **fields)
    losses = np.linspace(0.004, 0.003, len(weights)).astype(np.float32)
    return Snapshot(step, experiment, {"W": np.stack(weights).astype(np.float32)}, losses)


def taken(taker: CensusTaker, snapshot: Snapshot, resting: bool = True) -> Any:
    """The census that comes of it."""
    while taker.work(snapshot, resting) == 0 or taker.census is None or taker.census.step != snapshot.step:
        pass
    return taker.census


def counted(view: View, **fields: Any) -> View:
    """A view with a census of its snapshot."""
    census = taken(CensusTaker(itertools.count().__next__), view.snapshot)
    return dataclasses.replace(view, census=census, **fields)


def population_of(weights: list[np.ndarray], **fields: Any) -> Model:
    """The Model of a population of these weights, on its screen."""
    snapshot = snapshot_of(weights, **fields)
    blank = {"evaluation": None, "comparison": None, "run": None, "kept_steps": ()}
    view = dataclasses.replace(
        still_view(n_features=5, n_hidden=2, n_instances=len(weights)),
        snapshot=snapshot, experiment=snapshot.experiment, step=snapshot.step, **blank,
    )  # fmt: skip
    model = dataclasses.replace(still_model(counted(view)), trail=("population",))
    return after(model, m.Tick(model.view, 0.0))[0]


def selected(model: Model, *messages: m.Message) -> int:
    return after(model, *messages)[0].options.instance


# Names.


def test_a_census_in_pieces_has_the_names_that_all_at_once_have():
    snapshot = snapshot_of(KINDS)
    census = taken(CensusTaker(itertools.count().__next__), snapshot)
    assert [census.name(i) for i in range(len(KINDS))] == NAMES
    at_once = name_instances(snapshot.weights)
    assert sorted(census.names[:2]) == sorted(at_once.names[:2])
    np.testing.assert_array_equal(census.represented, at_once.represented)
    np.testing.assert_allclose(census.total, [2, 2, 2, 2, 2, 2, 1, 2], atol=1e-6)


def test_a_name_is_held_while_another_is_hardly_nearer_and_at_rest_it_is_the_nearest():
    def between(share: float) -> np.ndarray:
        """On the way from a pentagon to two digons and one more."""
        away = np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [0.55, 0]])
        return (1 - share) * polygon(5) + share * away

    shares = np.linspace(0, 1, 101)
    names = [name_instances(between(s)[None].astype(np.float32)).names[0] for s in shares]
    first = next(k for k, name in enumerate(names) if name != "pentagon")  # where the nearest changes
    taker = CensusTaker(itertools.count().__next__)
    taken(taker, snapshot_of([between(shares[first - 1])], 1), resting=False)
    held = taken(taker, snapshot_of([between(shares[first])], 2), resting=False)
    assert held.name(0) == "pentagon"
    assert taken(taker, snapshot_of([between(1.0)], 3), resting=False).name(0) == names[-1]
    at_rest = taken(taker, snapshot_of([between(shares[first])], 4), resting=True)
    assert at_rest.name(0) == names[first]


def worked(player: Player, done: Callable[[View], bool]) -> View:
    """The view in which that holds, once the player has worked for it."""
    for _ in range(100_000):
        if done(view := player.view()):
            return view
        player.work()
    raise AssertionError("it did not happen")


def test_a_player_takes_a_census_only_when_asked_and_of_the_step_that_is_looked_at():
    experiment = Experiment(n_features=5, n_hidden=2, n_instances=3, steps=300)
    player = Player(experiment, math.inf, False, itertools.count(step=0.1).__next__)
    player.load()
    assert worked(player, lambda view: view.evaluation_step == 300).census is None
    player.watch(True, None)
    worked(player, lambda view: view.census is not None and view.census.step == 300)
    kept = player.view().kept_steps[3]
    player.watch(True, kept)
    census = worked(player, lambda view: view.census.step == kept).census
    names = name_instances(player.run().at(kept).weights)
    assert [census.name(i) for i in range(3)] == [names.of(i) for i in range(3)]
    player.restart()
    assert player.view().census is None
    worked(player, lambda view: view.census is not None)


def test_a_run_that_is_followed_has_names(tmp_path, monkeypatch):
    monkeypatch.setattr("tms_tui.player._is_ours", lambda status: False)  # as if another process held it
    experiment = Experiment(n_features=5, n_hidden=2, n_instances=3, steps=50)
    trainer = Trainer(experiment)
    trainer.advance(50)
    save_run(trainer.run(), tmp_path / "run")
    with hold(tmp_path / "run", "a test"):
        player = Player(tmp_path / "run", math.inf, False, itertools.count(step=0.3).__next__)
        player.load()
        assert player.view().following is not None
        player.watch(True, None)
        assert worked(player, lambda view: view.census is not None).census.step == 50


# Rows.


def test_rows_are_sorted_by_any_column_and_what_is_not_known_comes_last():
    model = population_of(KINDS)
    rows = model.population.rows
    assert in_order(rows, "number", False).tolist() == list(range(8))
    assert in_order(rows, "loss", False).tolist() == list(range(7, -1, -1))
    by_name = in_order(rows, "name", False).tolist()
    assert [rows.name(i) for i in by_name] == sorted(NAMES, key=lambda name: rows.names.index(name))
    backwards = in_order(rows._replace(loss=np.array([3, math.nan, 1, 2, 9, 8, 7, 6.0])), "loss", True)
    assert backwards.tolist() == [4, 5, 6, 7, 0, 3, 2, 1]


def test_a_diverged_instance_has_no_loss_and_is_neither_best_nor_worst():
    view = still_view(n_instances=3, diverged=(0, 1))
    rows = make_rows(view, view.snapshot, newest=True)
    assert np.isnan(rows.loss).tolist() == [True, True, False]
    model = dataclasses.replace(still_model(view), trail=("population",))
    model, _ = after(model, m.Tick(view, 0.0))
    assert selected(model, p.GoTo("best")) == selected(model, p.GoTo("worst")) == 2
    assert "diverged" in about_instance(after(model, p.SelectInstance(0))[0])[1]


def test_at_an_earlier_step_there_are_neither_names_nor_losses_of_another():
    model = population_of(KINDS)
    view, shown = model.view, model.shown
    earlier = dataclasses.replace(shown, step=50)
    rows = make_rows(view, earlier, newest=False)
    assert set(rows.which) == {-1}
    assert not rows.is_fresh


def test_best_and_worst_are_of_the_same_task():
    model = population_of(KINDS, sparsity=(0.9,) * 4 + (0.5,) * 4)
    assert selected(model, p.GoTo("best")) == 3
    assert selected(model, p.GoTo("worst")) == 0
    assert selected(model, p.SelectInstance(6), p.GoTo("worst")) == 4


def test_columns_leave_what_there_is_no_room_for():
    rows = population_of(KINDS, sparsity=tuple(np.linspace(0, 0.9, 8))).population.rows
    for width in range(12, 160):
        columns = columns_for(rows, width)
        names = [column.name for column in columns]
        assert {"number", "name"} <= set(names)
        assert sum(column.width + 1 for column in columns) + 2 <= max(width, 24)
    whole = ["number", "sparsity", "loss", "error", "represented", "total", "name", "residual", "D"]
    drawn = rows._replace(error=np.full(8, 1e-5))
    assert [column.name for column in columns_for(drawn, 120)] == whole
    assert [column.name for column in columns_for(rows, 120)] == [one for one in whole if one != "error"]


def test_the_histogram_counts_and_names_the_best_of_each():
    rows = population_of(KINDS).population.rows
    found = {line.name: (line.instances, line.instance) for line in lines_of(rows)}
    assert found == {"pentagon": (3, 7), "two digons": (3, 5), "triangle": (1, 3), "digon": (1, 6)}


# Keys and the mouse.


def test_arrows_move_on_the_wall_as_it_is_laid_out():
    model = population_of(KINDS)
    model, _ = after(model, m.LayoutChanged(model.layout._replace(across=3, page=6, screen="population")))
    assert selected(model, p.MoveOnWall(1, 0), p.MoveOnWall(0, 1)) == 4
    assert selected(model, p.MoveOnWall(-1, 0)) == 0
    assert selected(model, p.MovePage(1)) == 6
    assert selected(model, p.MoveToEnd(1)) == 7
    sorted_by_loss, _ = after(model, p.SortBy("loss"))
    assert selected(sorted_by_loss, p.SelectInstance(7), p.MoveRow(1)) == 6
    assert after(sorted_by_loss, p.SortBy("loss"))[0].population.backwards


def test_the_next_of_the_same_name_goes_round():
    model = population_of(KINDS)
    steps = [selected(model, p.SelectInstance(1), *[p.GoTo("same name")] * k) for k in range(4)]
    assert steps == [1, 4, 7, 1]


def test_a_search_finds_numbers_and_names_and_is_taken_back():
    model = population_of(KINDS)
    begun, effects = after(model, p.SelectInstance(2), p.Search())
    assert effects[-1] == m.Focus("search")
    assert selected(begun, p.SearchTyped("pen")) == 4
    assert selected(begun, p.SearchTyped("6")) == 6
    assert selected(begun, p.SearchTyped("6"), p.SearchTyped("none such")) == 2
    ended, effects = after(begun, p.SearchTyped("tri"), p.SearchEnded(accepted=True))
    assert (ended.options.instance, ended.population.search) == (3, None)
    assert effects[-1] == m.Focus("wall")
    assert selected(begun, p.SearchTyped("tri"), p.SearchEnded(accepted=False)) == 2


def test_the_thread_is_asked_for_names_only_while_they_are_seen():
    model = still_model(still_view(n_instances=3))
    model, effects = after(model, m.OpenScreen("population"))
    assert effects == [m.Command("watch", (True, None))]
    model, effects = after(model, m.LookBack(-1))
    assert m.Command("watch", (True, model.options.step)) in effects
    model, effects = after(model, m.OpenScreen("population"))
    assert model.trail == ("dashboard",)
    assert effects == [m.Command("watch", (False, None))]


def test_escape_goes_back_to_where_an_instance_was_opened():
    model = population_of(KINDS)
    opened, _ = after(model, p.SelectInstance(4), p.OpenInstance())
    assert opened.trail == ("population", "dashboard")
    back, _ = after(opened, m.NextFeature(1), m.Clear())
    assert back.trail[-1] == "dashboard"  # the first deselects
    back, _ = after(back, m.Clear())
    assert (back.trail, back.options.instance) == (("population",), 4)


def test_a_population_from_the_form_opens_on_its_screen_and_one_model_on_the_dashboard():
    many, effects = after(still_model(), m.ExperimentChosen(Experiment(n_instances=4)))
    assert many.trail == ("population",)
    assert m.Command("restart", (Experiment(n_instances=4),)) in effects
    many = dataclasses.replace(many, view=still_view(n_instances=4))
    assert after(many, m.ExperimentChosen(Experiment()))[0].trail == ("dashboard",)


# The wall.


@pytest.mark.parametrize("size", [(13, 58), (16, 78), (35, 70), (45, 118), (3, 5), (1, 1)])
@pytest.mark.parametrize("n", [1, 2, 10, 64, 100_000])
def test_as_many_tiles_as_fit_and_none_beyond_the_edge(n, size):
    rows, columns = size
    grid = fit(n, rows, columns)
    assert grid.across * (grid.width + 1) - 1 <= max(columns, 1)
    assert grid.down * grid.height <= max(rows, 1)
    if size == (45, 118):
        assert grid.room >= min(n, 30)


@pytest.mark.parametrize("mode", MODES)
def test_a_scene_stays_on_its_own_tile_however_it_is_zoomed(mode):
    segments = np.zeros((4, 5, 2, 3), np.float32)
    segments[3, :, 1, :2] = polygon(5)
    scene = WallScene(segments, np.full((5, 3), 0.8, np.float32), np.ones(5, np.float32), 1.0, True)
    grid = fit(4, 20, 60)
    tiles = [Tile((("", (9, 9, 9)),)) for _ in range(4)]
    picture = draw_wall(scene, tiles, grid, Camera(yaw=-90, pitch=90, zoom=6.0), 20, 60, mode, (9, 9, 9))
    rows, columns = np.nonzero(picture.glyphs != 32)
    top, left = grid.corner(3)
    on_tile = (rows >= top + grid.lines) & (rows < top + grid.height)
    on_tile &= (columns >= left) & (columns < left + grid.width)
    middles = np.array([grid.corner(k) for k in (0, 1, 2)])
    # The others have vectors of no length: a point in the middle of each.
    assert len(middles) * 2 >= (~on_tile).sum()
    assert on_tile.sum() > 10


@pytest.mark.parametrize("m_hidden", [1, 2, 3, 6, 30])
def test_the_wall_has_vectors_of_finite_length_for_any_number_of_hidden_dimensions(m_hidden):
    trainer = Trainer(Experiment(n_features=40, n_hidden=m_hidden, n_instances=3, steps=10))
    for projection in ("PCA", "axes", "grand tour"):
        scene = wall_scene(trainer.snapshot(), ViewOptions(projection=projection), (0, 2))
        assert scene.segments.shape == (2, 40, 2, 3)
        assert np.isfinite(scene.segments).all()
        assert scene.flat == (m_hidden < 3)


def test_one_diverged_instance_does_not_shrink_the_others():
    weights = [PENTAGON, PENTAGON * 1e20, SQUARE]
    scene = wall_scene(snapshot_of(weights), ViewOptions(), (0, 1, 2))
    assert scene.radius < 3


# On the screen.

SIZES = [(60, 18), (80, 24), (120, 40), (200, 50)]


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "colors"), [("braille", 1 << 24), ("ascii", 2)])
async def test_every_pane_is_shown_at_every_size(mode, colors):
    view = counted(still_view(n_instances=70, diverged=(3,)))
    app = still_app(view, first="population", mode=mode, colors=colors, clock=itertools.count().__next__)
    async with app.run_test(size=SIZES[0]) as pilot:
        for size, key in itertools.product(SIZES, "123"):
            await pilot.resize_terminal(*size)
            await press(pilot, key, "down")
            seen = text(app)
            assert f"instance {app.model.options.instance}" in seen
            if mode == "ascii":
                assert seen.isascii(), size
        assert app.focused.id == "names"


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["tms-dark", "tms-light"])
async def test_text_stands_out(theme):
    view = counted(still_view(n_instances=70, diverged=(3,)))
    app = still_app(view, first="population", clock=itertools.count().__next__)
    app.theme = theme
    async with app.run_test(size=SIZES[0]) as pilot:
        for size in (SIZES[0], SIZES[-1]):
            await pilot.resize_terminal(*size)
            await press(pilot, "2", "right")
            assert_text_stands_out(app, "population")


@pytest.mark.slow
async def test_a_hundred_thousand_instances_scroll():
    n = 100_000
    view = still_view(n_instances=2)
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(n, 2, 1)).astype(np.float32)
    experiment = Experiment(n_features=2, n_hidden=1, n_instances=n)
    snapshot = Snapshot(100, experiment, {"W": weights}, rng.random(n).astype(np.float32))
    blank = {"evaluation": None, "comparison": None, "run": None, "kept_steps": (), "curve": None}
    view = dataclasses.replace(
        view, experiment=experiment, snapshot=snapshot, diverged_at=np.full(n, -1), **blank
    )
    app = still_app(counted(view), first="population", clock=itertools.count().__next__)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "end")
        assert "99,999" in text(app)
        await press(pilot, "right", "home")
        assert app.model.population.sort == "loss"
        best = app.model.options.instance
        assert snapshot.losses[best] == snapshot.losses.min()
        await press(pilot, "1", "exclamation_mark")
        assert snapshot.losses[app.model.options.instance] == snapshot.losses.max()


class Counting:
    """Presses keys and counts them."""

    def __init__(self, pilot: Any) -> None:
        self.pilot, self.keys = pilot, 0

    async def __call__(self, *keys: str) -> None:
        self.keys += len(keys)
        await press(self.pilot, *keys)


@pytest.mark.slow
async def test_the_pentagons_of_the_paper_are_found_in_four_keys():
    preset = PRESETS["paper-5-2"].experiment
    session = Session(preset.replace(steps=6000), 500.0)
    app = TmsApp(session, first="population", options=ViewOptions(turning=False))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: session.view().phase == "training")
        key = Counting(pilot)
        await key("G")
        await until(lambda: session.view().phase == "finished")
        await until(lambda: (census := session.view().census) is not None and census.step == 6000)
        await settled(pilot)
        await key("slash", "p", "enter")
        assert key.keys <= 4
        rows, instance = app.model.population.rows, app.model.options.instance
        assert rows.name(instance) == "pentagon"
        assert "pentagon, " in text(app)
        assert preset.sparsity[instance] > 0.9
        session.stop()


@pytest.mark.slow
async def test_the_best_and_the_worst_of_256_seeds_are_named_in_six_keys():
    experiment = Experiment(n_features=5, n_hidden=2, n_instances=256, sparsity=0.9, steps=600)
    session = Session(experiment, 500.0)
    app = TmsApp(session, first="population", options=ViewOptions(turning=False))
    async with app.run_test(size=(200, 50)) as pilot:
        await until(lambda: session.view().phase == "training")
        key = Counting(pilot)
        await key("G")
        await until(lambda: session.view().phase == "finished")
        await until(lambda: session.view().evaluation_step == 600)
        await until(lambda: (census := session.view().census) is not None and census.step == 600)
        await settled(pilot)
        said = {}
        for name, place in (("asterisk", 1), ("exclamation_mark", 256)):
            await key(name)
            assert f"place {place} of 256" in text(app)
            said[name] = app.model.population.rows.name(app.model.options.instance)
            assert said[name]
            assert said[name] in text(app)
        assert key.keys <= 6
        session.stop()


@pytest.mark.slow
async def test_an_instance_is_opened_and_left_at_the_same_place():
    view = counted(still_view(n_instances=300))
    app = still_app(view, first="population", clock=itertools.count().__next__)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "slash", "2", "5", "0", "enter")
        before = text(app)
        assert "250" in before
        await press(pilot, "enter")
        assert app.full_screen.FULL == "dashboard"
        assert "instance 250 of 300" in text(app)
        await press(pilot, "escape")
        assert text(app) == before
