"""The screen of phases: what its keys do to the Model, and the whole of it in the app."""

import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tui.conftest import StillSession, after, still_model, still_view
from tests.tui.hosts import settled, text
from tms_engine import Experiment, Sweep
from tms_engine.sweeps.diagram import Diagram, Theory, theory_of
from tms_engine.sweeps.directory import shard_path
from tms_engine.sweeps.spec import make_spec
from tms_tui import offers
from tms_tui.app import TmsApp
from tms_tui.form_sweep import about_sweep, sweep_of
from tms_tui.messages import Command, OpenScreen, Quit, Restart, Toast
from tms_tui.messages.finding import OpenFinder
from tms_tui.messages.phases import (
    GoOnSweep,
    MovePhaseCell,
    NextPhaseColoring,
    NextPhaseFeature,
    OpenCell,
    PointAtCell,
    StartSweep,
    StepOthers,
    StopSweep,
    SweepSeen,
    SweepStarted,
    TheorySeen,
    ToggleSweep,
    TurnAxis,
)
from tms_tui.model import Model
from tms_tui.phases_state import (
    PhasesState,
    SweepShape,
    cursor_of,
    drawn_points,
    moved,
    point_of,
    stepped,
    turned,
    with_shape,
)
from tms_tui.update.screens import beginning
from tms_tui.view_options import ViewOptions

AXES = {"density": [1.0, 0.3, 0.1], "importance": [[1, 0.5], [1, 2.0]], "learning_rate": [0.01, 0.02]}
BASE = Experiment(n_features=2, n_hidden=1, bias=True, steps=20, device="cpu")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Sweep(BASE, AXES, seeds=2, per_feature=True)
    made.train(tmp_path_factory.mktemp("sweep") / "phases")
    assert made.directory is not None
    return made.directory


@pytest.fixture(scope="module")
def look(sweep: Path) -> SweepSeen:
    diagram = Diagram(sweep)
    shape = SweepShape(diagram.grid, diagram.axes, diagram.places, theory_of(diagram.spec))
    return SweepSeen(sweep, shape, diagram.poll())


@pytest.fixture
def model(look: SweepSeen) -> Model:
    return after(beginning(still_model(), "phases", look.path), look)[0]


def state_of(look: SweepSeen) -> PhasesState:
    assert look.shape is not None
    return with_shape(PhasesState(look.path, seen=look.seen), look.shape)


def coordinates(state: PhasesState, point: int) -> tuple[int, ...]:
    assert state.shape is not None
    return tuple(state.shape.places[:, point].tolist())


def test_cells_are_drawn_as_numbers_grow_to_the_right_and_upwards(look: SweepSeen) -> None:
    state = state_of(look)
    points = drawn_points(state)
    assert points.shape == (3, 2)
    # Density, whose values fall, has its first place on top; of importance the first is on the left.
    assert [[coordinates(state, p) for p in row] for row in points] == [
        [(k, 0, 0), (k, 1, 0)] for k in range(3)
    ]
    assert points[cursor_of(state)] == point_of(state)


def test_the_cursor_stays_on_the_diagram_and_reads_the_point_it_is_at(look: SweepSeen) -> None:
    state = state_of(look)
    for down, right in ((-1, 0), (-1, 0), (-1, 0), (0, 1), (0, 1), (1, 0), (5, -5)):
        state = moved(state, down, right)
        assert drawn_points(state)[cursor_of(state)] == point_of(state)
    assert cursor_of(state) == (2, 0)


def test_axes_are_turned_and_the_others_stepped_through(look: SweepSeen) -> None:
    state = state_of(look)
    assert (state.across, state.down) == (1, 0)
    turned_once = turned(state, is_across=True)
    assert (turned_once.across, turned_once.down) == (2, 0)
    assert drawn_points(turned_once).shape == (3, 2)
    seen = set()
    for _ in range(6):
        seen.add((turned_once.across, turned_once.down))
        turned_once = turned(turned_once, is_across=False)
        assert turned_once.across != turned_once.down
    assert len(seen) == 2
    places = {stepped(state, 1).at, stepped(stepped(state, 1), 1).at}
    assert places == {(*state.at[:2], 1), state.at}
    assert stepped(state, -1).at == (*state.at[:2], 1)


@pytest.mark.parametrize("n_axes", [0, 1, 2])
def test_a_sweep_of_any_number_of_axes_has_a_diagram(n_axes: int, tmp_path: Path) -> None:
    axes = dict(list(AXES.items())[:n_axes])
    from tms_engine.sweeps.diagram import axes_of, point_places
    from tms_engine.sweeps.grid import make_grid
    from tms_tui.panes.phase_map import phase_map

    grid = make_grid(make_spec(BASE, axes, seeds=2))
    shape = SweepShape(grid, axes_of(grid.spec), point_places(grid), None)
    state = with_shape(PhasesState(tmp_path), shape)
    for by in ((1, 1), (-3, -3)):
        state = stepped(turned(turned(moved(state, *by), True), False), 1)
    assert drawn_points(state).size == np.prod([len(v) for v in axes.values()], dtype=int)
    chart = phase_map(state, 1 << 24)
    assert chart is not None
    assert np.isnan(chart.colors).all()


def numbers(experiment: Experiment) -> tuple[int, ...]:
    """Of its instances."""
    return experiment.instances or tuple(range(experiment.n_instances))


def test_enter_trains_the_best_model_of_the_cell_and_esc_comes_back_to_it(
    model: Model, look: SweepSeen
) -> None:
    from tms_tui.messages import Clear

    model, _ = after(model, MovePhaseCell(1, -1))
    point = point_of(model.phases)
    assert look.seen is not None
    opened, effects = after(model, OpenCell())
    (command,) = effects
    assert isinstance(command, Command)
    (experiment,) = command.arguments
    assert isinstance(experiment, Experiment)
    row = int(look.seen.points.best[point])
    assert numbers(experiment) == (row % 2,)
    assert 1 - experiment.sparsity == pytest.approx(0.1)
    assert experiment.importance == (1, 0.5)
    assert opened.trail[-1] == "dashboard"
    back, _ = after(opened, Clear())
    assert back.trail[-1] == "phases"
    assert point_of(back.phases) == point
    all_of_them, effects = after(model, OpenCell(whole=True))
    (whole,) = (effect for effect in effects if effect.name == "begin")
    assert numbers(whole.arguments[0]) == (0, 1)
    assert all_of_them.trail[-1] == "population"


def test_what_would_be_lost_is_asked_for_before_a_cell_is_opened(look: SweepSeen) -> None:
    from tms_engine.training.state import Change
    from tms_tui.messages import Answered, Ask

    view = still_view(changes=(Change(1000, "sparsity", 0.8),))
    model = after(beginning(still_model(view), "phases", look.path), look)[0]
    asked, effects = after(model, OpenCell())
    assert [type(effect) for effect in effects] == [Ask]
    assert asked.layout.screen == "confirm"
    stayed, effects = after(asked, Answered("stay"))
    assert (stayed.trail[-1], effects) == ("phases", [])
    _, effects = after(asked, Answered("drop"))
    assert [effect.name for effect in effects] == ["begin"]


def test_keys_of_the_dashboard_change_nothing_that_is_not_shown(model: Model) -> None:
    of_panes = [key.message for key in _keys() if key.pane in ("space", "loss")]
    for message in (Restart(), *[one for one in of_panes if not isinstance(one, OpenFinder)]):
        assert after(model, message) == (model, [])
    assert after(model, Quit())[1]


def _keys():
    from tms_tui.keys import KEYS

    return KEYS


def test_colours_go_round_and_those_that_a_sweep_cannot_have_are_left_out(
    model: Model, look: SweepSeen
) -> None:
    colorings = []
    for _ in range(4):
        model, _ = after(model, NextPhaseColoring())
        colorings.append(model.phases.coloring)
    assert sorted(colorings) == ["dimensionality", "loss", "name", "paper"]
    model, _ = after(model, NextPhaseFeature(1))
    assert model.phases.feature == 0
    import dataclasses

    assert look.seen is not None
    points = dataclasses.replace(look.seen.points, norm=None)
    plain = look.seen._replace(points=points)
    model = dataclasses.replace(model, phases=dataclasses.replace(model.phases, seen=plain, coloring="loss"))
    model, _ = after(model, NextPhaseColoring())
    assert model.phases.coloring == "name"
    assert isinstance(after(model, NextPhaseFeature(1))[1][0], Toast)


def test_the_mouse_chooses_a_cell_and_then_opens_it(model: Model) -> None:
    chosen, effects = after(model, PointAtCell(2, 0))
    assert (cursor_of(chosen.phases), effects) == ((2, 0), [])
    assert [type(e) for e in after(chosen, PointAtCell(2, 0))[1]] == [Command]


def test_a_sweep_is_stopped_and_gone_on_with_only_where_that_is_ours_to_do(
    model: Model, look: SweepSeen
) -> None:
    import dataclasses

    assert look.seen is not None

    def at(**fields):
        seen = look.seen._replace(**fields)
        return dataclasses.replace(model, phases=dataclasses.replace(model.phases, seen=seen))

    assert [type(e) for e in after(at(), ToggleSweep())[1]] == [Toast]  # finished
    assert after(at(n_finished=3), ToggleSweep())[1] == [GoOnSweep(look.path)]
    (told,) = after(at(n_finished=3, is_running=True), ToggleSweep())[1]
    assert "stop it there" in told.text
    ours, _ = after(at(n_finished=3, is_running=True), SweepStarted(look.path, 4711))
    assert after(ours, ToggleSweep())[1] == [StopSweep(look.path)]
    _, (leave,) = after(ours, Quit())
    assert f"process 4711 goes on with the sweep in {look.path}" in leave.message


def test_without_a_sweep_one_of_those_offered_is_started() -> None:
    model, _ = after(still_model(), OpenScreen("phases"), MovePhaseCell(1, 0))
    starting, (effect,) = after(model, OpenCell())
    assert isinstance(effect, StartSweep)
    assert (effect.spec.base.n_features, effect.spec.base.n_hidden, effect.spec.n_models) == (3, 2, 784)
    assert theory_of(effect.spec) is not None
    assert after(starting, OpenCell()) == (starting, [])  # once
    for offer in offers.OFFERS:
        name, spec = offer.made()
        assert name.startswith("phases-")
        assert spec.per_feature


def test_theory_is_drawn_where_its_axes_are_shown_and_colours_are_the_papers(model: Model) -> None:
    from tms_engine.figures.colors import phase_colors
    from tms_tui.drawing.phase_map import PhaseMap, boundaries
    from tms_tui.panes.phase_map import borders_of, phase_map

    def drawn(model: Model) -> PhaseMap:
        state = model.phases
        return phase_map(state, 1 << 24, borders_of(state.shape, state.theory, state.down, state.across))

    assert model.phases.coloring == "paper"
    optimum = np.array([[0, 2], [1, 1], [1, 1]])
    model, _ = after(model, TheorySeen(model.phases.path, Theory(optimum, optimum)))
    chart = drawn(model)
    assert len(chart.solid)
    assert chart.solid.tolist() == boundaries(optimum).tolist() == chart.dashed.tolist()
    points = model.phases.seen.points
    shown = drawn_points(model.phases)
    wanted = phase_colors(points.mean_norm[shown, 1], points.mean_interference[shown, 1])
    assert chart.colors == pytest.approx(wanted)
    other, _ = after(model, TurnAxis(True))
    assert drawn(other).solid is None
    swapped, _ = after(other, StepOthers(1))
    assert swapped.phases.at != other.phases.at


@pytest.mark.parametrize(
    ("edited", "axes", "models"),
    [
        ({"sparsity": "0:0.9:10"}, ["sparsity"], 10),
        ({"n_features": "5,6", "n_hidden": "2,3"}, ["n_features", "n_hidden"], 4),
        ({"sparsity": "0.5,0.9"}, ["sparsity"], 2),
        ({"sparsity": "0.5,0.9", "n_features": "5,6", "n_instances": "3"}, ["sparsity", "n_features"], 12),
        ({"features": "bernoulli"}, [], 0),
        ({"sparsity": "0.5,0.9", "n_instances": "3"}, [], 0),  # a population with a value too few
    ],
)
def test_several_values_in_the_form_are_a_sweep(edited, axes, models) -> None:
    spec = sweep_of(Experiment(), edited)
    if not axes:
        assert spec is None
        return
    assert spec is not None
    assert list(spec.coordinates) == axes
    assert spec.n_models == models
    assert f"{models} models" in about_sweep(spec)


slow = pytest.mark.slow


def moving_app(**options: Any) -> TmsApp:
    """The app over a run that stands still, with a clock that moves."""
    return TmsApp(StillSession(still_view()), options=ViewOptions(turning=False), **options)


async def until(pilot, holds, seconds: float = 240.0) -> None:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, text(pilot.app)
        pilot.app.tick()
        await pilot.pause(0.05)


@slow
async def test_a_new_user_sees_phases_fill_and_opens_a_cell_in_six_keys(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TMS_RUNS", str(tmp_path / "runs"))
    small = offers.Offer("n = 2, m = 1", "a few", offers._diagram(1, 5, 2, True))
    monkeypatch.setattr(offers, "OFFERS", (small, *offers.OFFERS[1:]))
    app, keys = moving_app(), []
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        for key in ("V", "enter"):
            keys.append(key)
            await pilot.press(key)
            await pilot.pause()
        await until(pilot, lambda: app.model.phases.process > 0)
        fills = []

        def filled() -> bool:
            seen = app.model.phases.seen
            fills.append(seen.n_finished if seen else 0)
            return bool(seen and seen.n_finished == seen.n_models == 50)

        await until(pilot, filled)
        await until(pilot, lambda: not app.model.phases.process)
        assert sorted(fills) == fills
        assert "50 / 50 models" in text(app)
        for key in ("up", "right", "enter"):
            keys.append(key)
            await pilot.press(key)
        await until(pilot, lambda: bool(app.session.asked))
        assert len(keys) <= 6
        name, experiment = app.session.asked[-1]
        assert name == "begin"
        assert (experiment.n_features, experiment.n_hidden, experiment.n_instances) == (2, 1, 1)
        assert app.screen is app.dashboard
        here = point_of(app.model.phases)
        await pilot.press("escape")
        await until(pilot, lambda: app.model.trail[-1] == "phases")
        assert point_of(app.model.phases) == here
    (made,) = os.listdir(tmp_path / "runs")
    assert made.startswith("phases-2-1")


@slow
@pytest.mark.parametrize("mode", ["braille", "ascii"])
async def test_a_finished_sweep_is_shown_at_every_size(sweep, mode) -> None:
    app = moving_app(mode=mode, first="phases", shows=sweep)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.model.phases.seen is not None)
        await until(pilot, lambda: "24 / 24 models" in text(app))
        for size in ((60, 18), (80, 24), (120, 40), (200, 50)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            shown = text(app)
            assert "density" in shown
            assert "best loss" in shown
            if mode == "ascii":
                assert {c for c in shown if not c.isascii()} == set()


@slow
async def test_a_sweep_that_is_gone_or_no_sweep_is_a_sentence(sweep, tmp_path) -> None:
    out = tmp_path / "out"
    shutil.copytree(sweep, out)
    shard_path(out, 0).write_bytes(b"half")
    app = moving_app(first="phases", shows=out)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.model.phases.seen is not None)
        assert app.model.phases.seen.n_finished < 24
        shutil.rmtree(out)
        await until(pilot, lambda: "is gone" in text(app))
    app = moving_app(first="phases", shows=tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "is no directory of a sweep" in app.model.phases.error)
        await until(pilot, lambda: "sweep.json" in text(app))
