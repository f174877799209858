"""The panes as functions of the Model: what they show, and what they work out again."""

import dataclasses
import math
import time

import numpy as np
import pytest
from rich.cells import cell_len
from textual.geometry import Size
from textual.widget import Widget

from tests.tui.conftest import after, still_model, still_view
from tms_engine import Experiment, Trainer, compare, evaluate, summarize, train
from tms_engine.analysis import clouds, geometry
from tms_engine.analysis.population import ordered, records
from tms_engine.commands.text import instance_rows
from tms_engine.digits import number, with_error
from tms_engine.runs import Holder, Status
from tms_engine.training.state import Change
from tms_tui import messages as m
from tms_tui.drawing.loss_chart import draw_loss
from tms_tui.keys import KEYS
from tms_tui.loss_scene import loss_scene
from tms_tui.memo import Memo, same
from tms_tui.model import Model
from tms_tui.panes import PANES, Pane, pane_class
from tms_tui.panes.features_table import feature_rows, norm_text
from tms_tui.panes.loss_plot import loss_title
from tms_tui.panes.measures import measures
from tms_tui.panes.numbers import number_rows, numbers
from tms_tui.panes.run_bar import progress, rate_text, time_left
from tms_tui.panes.space_view import scene_of, space_title, waiting
from tms_tui.panes.title import about, phase
from tms_tui.player import Player
from tms_tui.view_options import ViewOptions


def values(model: Model) -> dict[str, str]:
    return {row.name: row.value for row in number_rows(model, measures(model, Memo()))}


# The title, the bar and the numbers


def test_the_title_names_the_run_its_sizes_its_sparsity_and_its_kernel():
    assert str(about(still_model())) == "TMS  gist · 8 → 3 · S 0.95 · cpu/torch · seed 42"
    wide = after(still_model(), m.LayoutChanged(m.Layout(100, 30)))[0]
    assert str(about(wide)).startswith("Toy Models of Superposition  gist")


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, None),
        ({"importance_decay": 0.9}, "0.9^j"),
        ({"n_features": 2, "importance": (1, 2)}, "list"),
        ({"n_features": 2, "importance": (1, 2), "importance_decay": 0.5}, "list × 0.5^j"),
    ],
)
def test_the_numbers_say_what_importance_is_made_of(fields, shown):
    assert values(still_model(still_view(**fields))).get("I") == shown


def test_the_title_ranks_an_instance_among_all_and_names_one_that_diverged():
    view = still_view(n_instances=3, diverged=(1,))
    assert "instance 2 of 3, place 2 of 2" in str(about(still_model(view, instance=2)))
    assert "instance 1 of 3, diverged" in str(about(still_model(view, instance=1)))
    assert "instance 1 of 3, place 2 of 3" in str(about(still_model(still_view(n_instances=3), instance=1)))


def test_instances_with_other_sparsities_have_no_place():
    model = still_model(still_view(n_instances=2, sparsity=(0.5, 0.9)))
    assert "instance 0 of 2 ·" in str(about(model))
    assert "place" not in values(model)
    ranked = values(still_model(still_view(n_instances=2), instance=1))
    assert ranked["place"] == "2 of 2"
    assert ranked["to the best"].startswith("+")


HOLDER = Holder(4_194_304, "a-host-of-a-long-name", 0.0, "tms train")
FOLLOWED = Status("silent", HOLDER, 4_500, 10_000, 0.004, 0.0, 4_210, 50_000.0)


@pytest.mark.parametrize("columns", range(60, 160, 5))
@pytest.mark.parametrize("name", ["gist", "a-long-name-" * 10])
@pytest.mark.parametrize("phase_of", ["paused", "training", "following"])
def test_no_value_in_the_title_is_ever_cut(columns, name, phase_of):
    view = still_view(phase_of, n_instances=128, sparsity=(0.99966,) * 4 + (0.9,) * 124, seed=2**62)
    if phase_of == "following":
        view = dataclasses.replace(view, following=FOLLOWED)
    model = dataclasses.replace(still_model(view, instance=3), run_name=name)

    def shown(columns: int) -> tuple[str, str]:
        at_width, _ = after(model, m.LayoutChanged(m.Layout(columns, 40)))
        return str(about(at_width)), str(phase(at_width))

    said, doing = shown(columns)
    assert cell_len(said) + cell_len(doing) <= columns - 4
    whole = {*shown(400)[0].split(" · ")[1:], "instance 3 of 128"}
    assert {"S 0.99966", "instance 3 of 128, place 4 of 4"} < whole
    assert set(said.split(" · ")[1:]) <= whole
    if columns >= 120:
        assert said.endswith(f" · seed {2**62}")
        assert said.removeprefix("Toy Models of Superposition  ").removeprefix("TMS  ").startswith(name[:10])
    if view.following:
        assert doing.endswith(time.strftime("silent since %H:%M", time.localtime(50_000)))


def test_a_value_that_has_no_room_beside_its_name_has_a_line_of_its_own():
    view = still_view(n_instances=2)
    places = view.comparison._replace(to_best=np.array([0, 1.5923e-4]), error=np.array([0, 1e-9]))
    model = still_model(dataclasses.replace(view, comparison=places), instance=1)
    lines = str(numbers(model, Memo(), Size(23, 40))[0]).splitlines()
    assert lines[lines.index("to the best") + 1] == "+0.0001592300".rjust(23)
    assert all(cell_len(line) <= 23 for line in lines)
    shown = "\n".join(lines)
    assert all(row.value in shown for row in number_rows(model, measures(model, Memo())))


@pytest.mark.parametrize("width", [21, 23, 28])
@pytest.mark.parametrize("n_hidden", [3, 30, 1000])
def test_no_value_of_the_numbers_is_cut(width, n_hidden):
    model = still_model(still_view(n_features=2 * n_hidden, n_hidden=n_hidden, n_instances=3), instance=2)
    lines = str(numbers(model, Memo(), Size(width, 40))[0]).splitlines()
    rows = number_rows(model, measures(model, Memo()))
    for row in rows:
        assert any(line.endswith(row.value) and cell_len(line) <= width for line in lines), row
    total, exact = measures(model, Memo()).total_dimensionality
    assert values(model)["ΣD"] == f"{'' if exact else '~'}{number(total)} of {n_hidden:,}"
    assert total <= n_hidden * (1 + 1e-9)


def test_a_norm_has_five_characters_whatever_it_is_and_a_bar_that_is_cut_off_says_so():
    texts = [norm_text(v) for v in (0.0, 0.894, 12.345, 123.4, 12345.6, 1e30, float("inf"))]
    assert texts == [" 0.00", " 0.89", "12.35", "123.4", "12346", " 1e30", "    ?"]


def test_the_fresh_loss_has_its_error_and_while_it_trains_its_step():
    shown = values(still_model(still_view(phase="training")))
    loss = still_view().evaluation.loss[0]
    assert shown["fresh loss"] == with_error(loss, 2.3e-5)[0]
    assert shown["  of step"] == "4,210"
    assert "  of step" not in values(still_model())
    assert "fresh loss" not in values(still_model(step=300))


def test_an_exact_loss_is_called_so_and_has_the_digits_that_tms_show_prints():
    run = train(Experiment(steps=20, n_instances=2))
    evaluation = evaluate(run)
    view = dataclasses.replace(
        still_view(n_instances=2),
        snapshot=run.at(),
        evaluation=evaluation,
        comparison=compare(run.at(), evaluation),
    )
    summary = summarize(run)
    (row, worse) = instance_rows(ordered(records(summary["instances"], run.experiment)), summary)
    model = still_model(view, instance=row["instance"])
    assert values(model)["fresh loss"] == row["loss"]
    assert ("", "exact to 1e-6", "fresh loss") in number_rows(model, measures(model, Memo()))
    other = values(still_model(view, instance=worse["instance"]))
    assert (other["fresh loss"], other["to the best"]) == (worse["loss"], worse["to the best"])


@pytest.mark.parametrize("width", [24, 60, 200])
def test_the_loss_of_the_bar_is_that_of_the_curve_whatever_the_width(width):
    run = train(Experiment(steps=5000, n_instances=2, keep=0))
    losses = run.at().losses
    view = dataclasses.replace(
        still_view(n_instances=2, steps=5000, step=5000), snapshot=run.at(), curve=run.history.loss_curve()
    )
    model = still_model(view, instance=1)
    assert f"batch loss {number(float(losses[1]), 3)}" in progress(model).parts
    cells = draw_loss(loss_scene(model, Memo()), 12, width, "braille")
    assert f"#1 {number(float(losses[1]), 3)}" in "".join(map(chr, cells.glyphs[0]))


def test_the_phase_says_how_far_an_export_is_and_which_step_is_looked_at():
    model, _ = after(still_model(step=300), m.Tick(still_view(), 0))
    assert str(phase(model)) == "● paused, at step 300"
    assert str(phase(still_model(still_view("loading")))) == "● loading torch"


@pytest.mark.parametrize(
    ("pace", "to_end", "rate"),
    [(500.0, False, "500/s"), (500.0, True, "812 k/s"), (math.inf, False, "812 k/s")],
)
def test_the_speed_is_the_runs_not_the_kernels_while_it_waits_for_its_pace(pace, to_end, rate):
    model = still_model(dataclasses.replace(still_view("training"), pace=pace, to_end=to_end))
    assert values(model)["speed"] == rate
    assert progress(model).parts[3] == rate


def test_rates_and_times_are_short():
    assert [rate_text(r) for r in (1, 500, 9999, 12_345, 812_345, 1.23e6)] == [
        "1/s", "500/s", "9,999/s", "12 k/s", "812 k/s", "1.2 M/s",
    ]  # fmt: skip
    assert time_left(600, 10) == "0:01:00 left"
    assert time_left(600, 0) == time_left(600, math.nan) == ""


def test_the_bar_says_what_has_failed_or_diverged():
    failed = dataclasses.replace(still_view("loading"), phase="failed", error="no GPU here")
    assert progress(still_model(failed)) == (1.0, True, ("no GPU here", "r again, i another"))
    assert progress(still_model(still_view(n_instances=3, diverged=(1,)))).parts[-2:] == (
        "1 diverged",
        "space goes on",
    )
    assert progress(still_model(still_view("diverged", diverged=(0,)))).bad


def test_the_reason_for_the_kernel_is_shown_only_where_there_is_room():
    tall, low = (str(numbers(still_model(), Memo(), Size(23, height))[0]) for height in (20, 12))
    assert "as asked for" in tall
    assert "as asked for" not in low
    assert low.splitlines()[0] == "fresh loss  0.00398"


def test_before_there_are_weights_the_panes_wait():
    model, memo = still_model(still_view("loading")), Memo()
    assert loss_scene(model, memo) is feature_rows(model, memo) is numbers(model, memo, Size(20, 9)) is None
    assert scene_of(model, memo) is None
    assert waiting(model) == "loading torch …"


def test_titles_name_the_cloud_its_colours_and_the_axes():
    assert space_title(still_model()) == "Space ─ weights + activations, Bernoulli"
    coloured = still_model(data="2 active", coloring="one feature", feature=5)
    assert space_title(coloured) == "Space ─ weights + exactly 2 active, by feature 5"
    deep = still_model(still_view(n_hidden=7), projection="axes", axes=(3, 4, 5), data="none")
    assert space_title(deep) == "Space ─ weights, dims 3, 4, 5"
    assert loss_title(still_model(log=False)) == "Batch loss ─ linear"


def test_measures_are_those_of_the_instance():
    model = still_model(still_view(n_instances=3), instance=2)
    measured = measures(model, Memo())
    weights = model.shown.weights
    assert np.allclose(measured.norms, geometry.norms(weights)[2])
    assert np.allclose(measured.dimensionality, geometry.dimensionality(weights)[2])
    assert np.allclose(measured.gram, geometry.gram(weights)[2])


# An earlier step, shown whole


@pytest.fixture(scope="module")
def looked_back() -> Model:
    """A run whose sparsity was raised at step 100 of 200, looked at after 60 steps."""
    experiment = Experiment(n_features=5, n_hidden=3, sparsity=0.5, steps=200, learning_rate=0.02, bias=True)
    player = Player(experiment, math.inf, False, lambda: 0.0)
    player.load()
    while player.view().step < 100:
        player.work()
    player.pause()
    trainer = player._trainer
    assert trainer is not None
    trainer.advance(max(0, 100 - trainer.step))
    player.change(sparsity=0.98, learning_rate=0.001)
    player.resume()
    while player.view().phase != "finished":
        player.work()
    model = still_model(player.view(), step=60, data="trained", points=1000)
    return after(model, m.Tick(player.view(), 0))[0]


def test_header_and_numbers_of_an_earlier_step_have_the_sparsity_then_in_force(looked_back):
    assert looked_back.shown.step == 60
    assert "S 0.5 " in str(about(looked_back))
    assert (values(looked_back)["S"], values(looked_back)["rate"]) == ("0.5", "0.02")
    now, _ = after(looked_back, m.LookAtNewest())
    assert "S 0.98 " in str(about(now))
    assert (values(now)["S"], values(now)["rate"]) == ("0.98", "0.001")


def test_the_loss_in_the_bar_is_the_earlier_steps(looked_back):
    now, _ = after(looked_back, m.LookAtNewest())
    assert f"batch loss {number(looked_back.shown.loss, 3)} at step 60" in progress(looked_back).parts
    assert f"batch loss {number(now.shown.loss, 3)}" in progress(now).parts
    assert looked_back.shown.loss > 3 * now.shown.loss  # twenty-five times as many entries were active


def test_the_cloud_of_an_earlier_step_is_of_the_data_then_trained_on(looked_back):
    (panel,) = scene_of(looked_back, Memo()).panels
    x = clouds.cloud_sample(Experiment(n_features=5, n_hidden=3, sparsity=0.5), 0, 1000, "cpu")
    expected = x @ looked_back.shown.weights[0]
    assert np.allclose(panel.scene.points, expected, atol=1e-5)
    now, _ = after(looked_back, m.LookAtNewest())
    (newest,) = scene_of(now, Memo()).panels
    at_origin = [(np.abs(p.scene.points).max(1) == 0).mean() for p in (panel, newest)]
    assert at_origin[0] < 0.1 < 0.8 < at_origin[1]


def test_an_export_draws_the_step_that_is_on_the_screen(looked_back):
    _, (start,) = after(looked_back, m.ExportNow())
    assert start.step == looked_back.shown.step


# What is worked out again


@pytest.fixture
def encoded(monkeypatch) -> list[int]:
    """Rows of each cloud that is pushed through weights."""
    seen: list[int] = []
    project = clouds.project

    def spy(x, *arguments):
        seen.append(len(x))
        return project(x, *arguments)

    monkeypatch.setattr(clouds, "project", spy)
    return seen


@pytest.fixture
def sampled(monkeypatch) -> list[int]:
    """Rows of each sample that is drawn."""
    seen: list[int] = []
    sample = clouds.cloud_sample

    def spy(experiment, instance, rows, *others):
        seen.append(rows)
        return sample(experiment, instance, rows, *others)

    monkeypatch.setattr(clouds, "cloud_sample", spy)
    return seen


def test_turning_and_reading_the_loss_do_not_encode_the_cloud_again(encoded):
    model, memo = still_model(), Memo()
    scene = scene_of(model, memo)
    for message in (
        m.Turn(1, 1),
        m.Zoom(1),
        m.Drag(3, 4),
        m.ToggleLog(),
        m.ToggleTurning(),
    ):
        model, _ = after(model, message, m.Tick(model.view, 0.1))
        assert scene_of(model, memo) is scene
    assert encoded == [4000]
    model, _ = after(model, m.NextColoring())
    assert scene_of(model, memo) is not scene


def test_weights_that_learn_move_the_points_of_one_sample(encoded, sampled):
    model, memo = still_model(data="1, 2, 3 active"), Memo()
    scene_of(model, memo)
    moved = dataclasses.replace(model.shown, parameters={"W": 0.9 * model.shown.weights})
    model, _ = after(model, m.Tick(dataclasses.replace(model.view, snapshot=moved), 0.1))
    scene_of(model, memo)
    assert (encoded, sampled) == ([4000] * 6, [4000] * 3)


def test_a_live_change_draws_another_sample(sampled):
    model, memo = still_model(), Memo()
    scene_of(model, memo)
    denser = model.view.experiment.replace(sparsity=0.5)
    snapshot = dataclasses.replace(model.view.snapshot, experiment=denser)
    view = dataclasses.replace(model.view, experiment=denser, snapshot=snapshot)
    scene_of(after(model, m.Tick(view, 0.1))[0], memo)
    assert sampled == [4000, 4000]


def test_tables_and_charts_are_the_same_objects_until_what_they_show_changes():
    model, memo = still_model(), Memo()
    rows, chart, measured = feature_rows(model, memo), loss_scene(model, memo), measures(model, memo)
    turned, _ = after(model, m.Turn(1, 0))
    assert feature_rows(turned, memo) is rows
    assert loss_scene(turned, memo) is chart
    assert measures(turned, memo) is measured
    assert feature_rows(after(model, m.NextFeature(1))[0], memo) is not rows
    assert loss_scene(after(model, m.ToggleLog())[0], memo) is not chart


# The memo


def test_a_memo_works_out_again_only_what_is_asked_with_other_arguments():
    asked = []

    def double(value):
        asked.append(value)
        return 2 * value

    memo = Memo()
    assert [memo(double, v) for v in (1, 1, 2, 2, 1)] == [2, 2, 4, 4, 2]
    assert asked == [1, 2, 1]
    asked.clear()
    for value in (1, 2, 1, 3, 2, 1):
        memo.latest(3, double, value)
    assert asked == [2, 3]


def test_arrays_are_compared_by_identity_and_plain_values_by_value():
    array = np.zeros(3)
    assert same(array, array)
    assert not same(array, array.copy())
    assert same((1, "a"), (1, "a"))
    assert same(ViewOptions(log=False), ViewOptions(log=False))
    assert same(Experiment(), Experiment())
    assert not same(Experiment(), Experiment(seed=1))
    assert not same(Change(1, "sparsity", 0.5), Change(1, "sparsity", 0.5))
    assert same((Change(1, "sparsity", 0.5),), (Change(1, "sparsity", 0.5),))


def test_an_array_is_neither_none_nor_a_number():
    assert not same(None, np.ones(2))
    assert not same(np.ones(2), None)
    assert not same(1.0, np.ones(2))


def test_a_trainers_snapshots_are_told_apart():
    trainer = Trainer(Experiment(steps=10))
    assert not same(trainer.snapshot(), trainer.snapshot())


def test_each_pane_is_a_file_and_a_line_in_the_table() -> None:
    for name in PANES:
        assert issubclass(pane_class(name), Pane), name
        assert issubclass(pane_class(name), Widget), name
    focusing = [key for key in KEYS if isinstance(key.message, m.FocusPane) and key.is_of("dashboard")]
    assert {key.message.pane for key in focusing} == set(PANES)
