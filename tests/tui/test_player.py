"""The pace and the player as plain objects, on a clock that moves only when it is told to."""

import itertools
import math
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.engine.test_trainer import assert_same_run
from tms_engine import Experiment, Trainer, evaluate
from tms_engine.training.state import drift_of
from tms_tui import fresh_loss
from tms_tui import player as player_module
from tms_tui.pace import PACES, Pace, next_pace
from tms_tui.player import Player
from tms_tui.view import Note

TINY = Experiment(n_features=4, n_hidden=2, batch_size=8, steps=120)
ENDLESS = TINY.replace(steps=10**7)


class FakeClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def player_of(source=TINY, pace=math.inf, paused=False) -> tuple[Player, FakeClock]:
    clock = FakeClock()
    player = Player(source, pace, paused, clock)
    player.load()
    while player.view().phase == "compiling":  # unless an earlier run of the tests has
        player.work()
    return player, clock


def play(player: Player, clock: FakeClock, seconds: float) -> list[tuple[float, int]]:
    """Let a player play for so long on its clock; when it had taken how many steps."""
    began, seen = clock.now, [(0.0, player.view().step)]
    while True:
        wait = player.work()
        seen.append((clock.now - began, player.view().step))
        if clock.now - began + wait > seconds:
            clock.now = began + seconds
            return seen
        clock.now += wait


def play_out(player: Player) -> None:
    while player.view().phase in ("loading", "training"):
        player.work()


# The pace


@pytest.mark.parametrize("pace", [1, 7, 29.97, 30, 60, 500, 12_345])
def test_a_pace_hands_out_that_many_steps_a_second_in_small_pieces(pace):
    now, taken, pieces = 5e5, 0, []
    counter = Pace(pace, now)
    while now < 5e5 + 10 - 1e-9:
        pieces.append(counter.due(now))
        counter.take(pieces[-1])
        taken += pieces[-1]
        wait = counter.wait(now)
        assert wait > 0
        now += wait
    assert taken == pytest.approx(10 * pace, abs=max(1, pace / 30))
    assert max(pieces) <= max(1, pace / 30)
    assert len(pieces) <= 601
    assert min(pieces) >= 1


def test_after_a_hiccup_the_player_catches_up_without_a_jump():
    counter, now, taken = Pace(600, 0.0), 0.0, 0
    now = 0.2
    for _ in range(30):
        piece = counter.due(now)
        assert piece <= 20
        counter.take(piece)
        taken += piece
        now += counter.wait(now)
    assert taken == pytest.approx(600 * now, abs=20)


def test_a_machine_too_slow_for_the_pace_owes_a_quarter_of_a_second_at_most():
    counter, taken = Pace(1000, 0.0), 0
    for tenth in range(100):  # it takes 10 steps in 100 ms, and never waits
        counter.due(tenth / 10)
        counter.take(10)
        assert counter.wait(tenth / 10 + 0.1) == 0
    counter.due(10.0)
    for tick in range(60):  # and now it is fast: 1,000 in a second, and what it owes
        piece = counter.due(10 + tick / 60)
        counter.take(piece)
        taken += piece
    assert 1200 <= taken <= 1300


# The player


@pytest.mark.parametrize("pace", [1, 20, 100])
def test_a_player_has_its_pace(pace):
    player, clock = player_of(ENDLESS, pace)
    seen = play(player, clock, 3.0)
    assert player.view().step == pytest.approx(3 * pace, abs=max(1, pace / 30))
    assert np.diff([step for _, step in seen]).max() <= max(1, pace / 30)


def test_the_run_of_a_player_is_the_trainers_to_the_bit_whatever_is_done_to_it():
    player, clock = player_of(TINY.replace(bias=True), 100)
    play(player, clock, 0.3)
    player.change(sparsity=0.5, learning_rate=0.02)
    play(player, clock, 0.2)
    player.pause()
    player.step_once()
    player.step_once()
    play(player, clock, 3.0)
    player.change(importance_decay=0.8)
    player.set_pace(math.inf)
    player.resume()
    for _ in range(2):
        player.work()
    player.extend(50)
    player.set_pace(2000)
    play(player, clock, 0.02)
    player.run_to_end()
    play_out(player)
    run = player.run()
    assert run.state.step == 170
    assert [change.field for change in run.changes] == [
        "sparsity", "learning_rate", "importance_decay", "steps",
    ]  # fmt: skip

    trainer = Trainer(TINY.replace(bias=True))
    for change in run.changes:
        trainer.advance(change.step - trainer.step)
        trainer.change(**{change.field: change.value})
    trainer.advance(170 - trainer.step)
    assert_same_run(trainer.run(), run)


def test_a_paused_player_takes_single_steps_and_asks_to_be_left_alone():
    player, clock = player_of(paused=True)
    assert player.view().phase == "paused"
    player.step_once()
    player.step_once()
    play(player, clock, 2.0)
    assert (player.view().step, player.view().phase) == (2, "paused")
    assert player.work() == math.inf


def test_one_step_pauses_a_player_that_plays():
    player, clock = player_of(ENDLESS, 50)
    play(player, clock, 1.0)
    before = player.view().step
    player.step_once()
    play(player, clock, 1.0)
    assert (player.view().step, player.view().phase) == (before + 1, "paused")


def test_to_the_end_is_at_full_speed_and_then_the_pace_is_back():
    player, clock = player_of(pace=1)
    player.run_to_end()
    assert player.view().to_end
    play(player, clock, 0.9)
    view = player.view()
    assert (view.step, view.phase, view.pace, view.to_end) == (120, "finished", 1, False)
    player.extend(10)
    play(player, clock, 2.5)
    assert (player.view().step, player.view().steps, player.view().phase) == (123, 130, "training")


@pytest.mark.parametrize("command", ["pause", "set_pace"])
def test_a_pause_or_a_pace_ends_the_run_to_the_end(command):
    player, clock = player_of(ENDLESS, 10)
    player.run_to_end()
    player.work()
    getattr(player, command)(*([10] if command == "set_pace" else []))
    before = player.view().step
    player.resume()
    play(player, clock, 1.0)
    assert player.view().step - before <= 11


def test_a_finished_player_asks_to_be_left_alone_once_it_is_evaluated():
    player, clock = player_of()
    play_out(player)
    play(player, clock, 2.0)
    assert player.work() == math.inf
    view = player.view()
    assert view.evaluation_step == 120
    expected = evaluate(player.run())
    assert view.evaluation.rows == expected.rows
    assert np.array_equal(view.evaluation.loss, expected.loss)


def test_the_loss_on_fresh_data_is_refreshed_about_once_a_second(monkeypatch):
    monkeypatch.setattr(fresh_loss, "_BURST", 10.0)  # at once, however busy the machine is
    monkeypatch.setattr(fresh_loss, "_SHARE", 1e9)
    player, clock = player_of(ENDLESS, 10)
    evaluated = set()
    for _ in range(40):
        play(player, clock, 0.25)
        evaluated.add(player.view().evaluation_step)
    assert 5 <= len(evaluated) <= 11
    assert player.view().evaluation.rows == evaluate(player.run()).rows
    assert player.view().step - player.view().evaluation_step <= 25


def test_an_evaluation_takes_a_tenth_of_the_time_that_training_takes(monkeypatch):
    counter = itertools.count()
    monkeypatch.setattr(fresh_loss.time, "perf_counter", lambda: 0.01 * next(counter))
    now = 0.0
    fresh = fresh_loss.FreshLoss(lambda: now)
    snapshot = Trainer(TINY).snapshot()
    assert fresh.work(snapshot, "cpu", resting=False) == pytest.approx(0.2)  # one piece, which took .02 s
    before = next(counter)
    assert fresh.work(snapshot, "cpu", resting=False) == pytest.approx(0.2)
    assert next(counter) == before + 1  # did nothing
    while fresh.evaluation is None:
        now += 0.2
        fresh.work(snapshot, "cpu", resting=False)
    assert fresh.step == 0
    assert np.array_equal(fresh.evaluation.loss, evaluate(snapshot).loss)


def test_single_steps_in_quick_succession_are_not_held_up_by_evaluations():
    player, clock = player_of(paused=True)
    play(player, clock, 2.0)
    for _ in range(5):
        player.step_once()
        play(player, clock, 0.2)
        assert player.view().evaluation_step == 0
    play(player, clock, 0.1)
    assert player.view().evaluation_step == 5


def test_a_change_while_paused_is_evaluated_under_what_is_then_in_force():
    player, clock = player_of(paused=True)
    play(player, clock, 2.0)
    before = player.view().evaluation
    player.change(sparsity=0.2)
    play(player, clock, 2.0)
    assert player.view().evaluation.loss[0] > 2 * before.loss[0]
    assert player.view().changes[0].field == "sparsity"


def test_a_change_at_a_slow_pace_is_seen_before_the_next_step():
    player, clock = player_of(ENDLESS, 1)
    play(player, clock, 0.5)
    player.change(sparsity=0.2)
    play(player, clock, 0.1)
    assert (player.view().step, player.view().changes[0].step) == (1, 1)


def test_a_view_shows_the_run():
    player, _ = player_of(TINY.replace(n_instances=2))
    play_out(player)
    view, run = player.view(), player.run()
    assert (view.step, view.steps, view.kernel, view.device) == (120, 120, run.kernel, "cpu")
    assert view.snapshot.step == 120
    assert np.array_equal(view.snapshot.weights, run.weights)
    assert np.array_equal(view.curve.mean, run.history.loss_curve().mean, equal_nan=True)
    assert view.diverged_at.tolist() == [-1, -1]
    assert list(view.kept_steps) == [kept.step for kept in run.history.kept]
    assert view.run.at(60).parameters is run.at(60).parameters


def test_the_arrays_of_a_view_are_read_only():
    player, clock = player_of(TINY.replace(bias=True))
    play(player, clock, 1.0)
    view = player.view()
    arrays = [*view.curve, view.snapshot.weights, view.snapshot.bias, view.snapshot.losses]
    arrays += [view.run.at(0).weights, view.run.at(10).bias, view.evaluation.loss]
    assert not any(array.flags.writeable for array in arrays)


def test_a_diverged_instance_is_named_and_the_others_train_on():
    player, _ = player_of(TINY.replace(n_instances=3, learning_rate=(0.01, 1e15, 0.01)))
    play_out(player)
    view = player.view()
    assert (view.phase, view.snapshot.diverged) == ("finished", (1,))
    assert view.diverged_at[0] == view.diverged_at[2] == -1 < view.diverged_at[1]


def test_when_all_have_diverged_the_player_ends_and_a_restart_begins_anew():
    player, clock = player_of(ENDLESS.replace(learning_rate=1e15))
    play_out(player)
    play(player, clock, 2.0)
    assert player.view().phase == "diverged"
    assert player.view().step < 10**5
    assert player.work() == math.inf
    player.restart(TINY)
    play_out(player)
    assert player.view().phase == "finished"
    assert player.view().diverged_at.tolist() == [-1]


def test_a_restart_keeps_the_experiment_in_force_or_takes_another():
    player, _ = player_of()
    player.work()
    player.change(sparsity=0.5)
    player.restart()
    assert player.view().experiment == TINY.replace(sparsity=0.5)
    assert (player.view().step, player.view().changes) == (0, ())
    player.restart(TINY.replace(seed=7))
    play_out(player)
    trainer = Trainer(TINY.replace(seed=7))
    trainer.advance(120)
    assert_same_run(player.run(), trainer.run())


# Relative commands


@pytest.mark.parametrize(("pace", "up", "down"), [(500, 1000, 200), (300, 500, 200), (1, 2, 1), (0.5, 1, 1)])
def test_the_next_pace_is_the_next_on_the_ladder_in_its_direction(pace, up, down):
    assert (next_pace(pace, 1), next_pace(pace, -1)) == (up, down)
    assert next_pace(PACES[-2], 1) == next_pace(math.inf, 1) == math.inf


def test_relative_commands_in_a_row_add_up_before_any_view_is_made():
    player, _ = player_of(ENDLESS.replace(sparsity=0.9, importance_decay=0.9), 500, paused=True)
    player.work()
    for _ in range(5):
        player.scale_density(1 / 1.5)
        player.scale_learning_rate(1.5)
        player.shift_importance(-0.1)
        player.change_pace(1)
    view = player.view()
    assert 1 - view.experiment.sparsity == pytest.approx(0.1 / 1.5**5, rel=0.01)
    assert view.experiment.learning_rate == pytest.approx(0.01 * 1.5**5, rel=0.01)
    assert view.experiment.importance_decay == pytest.approx(0.4)
    assert view.pace == 50_000
    player.reseed()
    player.reseed()
    assert player.view().experiment.seed == 44


def test_a_relative_change_is_of_every_instance_from_its_own_value():
    player, _ = player_of(TINY.replace(n_instances=2, sparsity=(0.5, 0.8)), paused=True)
    player.work()
    player.scale_density(0.5)
    player.scale_learning_rate(2)
    assert player.view().experiment.sparsity == (0.75, 0.9)
    assert player.view().experiment.learning_rate == 0.02


def test_density_ends_at_one_and_sparsity_below_one():
    player, _ = player_of(TINY.replace(sparsity=0.2), paused=True)
    player.work()
    player.scale_density(1.5)
    assert player.view().experiment.sparsity == 0
    for _ in range(40):
        player.scale_density(1 / 1.5)
    assert player.view().experiment.sparsity == 0.9999


@pytest.mark.parametrize("sparsity", [0.9993, 0.99999, 0.999999999])
def test_no_step_towards_sparsity_is_lost_or_goes_the_other_way(sparsity):
    player, _ = player_of(TINY.replace(sparsity=sparsity), paused=True)
    player.scale_density(2 / 3)
    assert sparsity <= player.view().experiment.sparsity <= max(sparsity, 0.9999)
    player.scale_density(1.5)
    player.scale_density(1.5)
    assert 1 - player.view().experiment.sparsity == pytest.approx(1.5 * (1 - sparsity), rel=0.6)
    assert player.view().experiment.sparsity < sparsity


def test_a_note_says_which_field_was_changed_or_why_none_was():
    player, _ = player_of(TINY.replace(steps=6 * 10**11), paused=True)
    player.work()
    assert player.view().note is None
    player.scale_density(0.5)
    assert player.view().note == Note(1, "sparsity", "")
    player.extend()
    note = player.view().note
    assert (note.number, note.field) == (2, "")
    assert "steps should be less" in note.error
    assert player.view().steps == 6 * 10**11
    assert player.view().phase == "paused"


def test_extending_makes_the_run_twice_as_long_and_goes_on():
    player, _ = player_of()
    play_out(player)
    player.extend()
    view = player.view()
    assert (view.steps, view.phase, view.note.field) == (240, "training", "steps")


def test_a_pause_toggled_twice_at_once_is_none():
    player, _ = player_of(ENDLESS, 500)
    player.toggle_pause()
    assert player.view().phase == "paused"
    player.toggle_pause()
    player.toggle_pause()
    player.toggle_pause()
    assert player.view().phase == "training"


def test_a_relative_change_while_loading_changes_nothing():
    player = Player(TINY, 500, False, FakeClock())
    player.scale_density(0.5)
    assert player.view().experiment == TINY
    assert player.view().note is None


def test_a_player_on_the_cpu_trains_is_evaluated_and_drawn_without_torch():
    script = """
import sys, time
from tms_engine import Experiment
from tms_tui.view_options import ViewOptions
from tms_tui.memo import Memo
from tms_tui.space_scene import space_scene
from tms_tui.player import Player
player = Player(Experiment(steps=50, device="cpu"), float("inf"), False, time.monotonic)
player.load()
while player.view().evaluation is None or player.view().phase != "finished":
    player.work()
view = player.view()
for data in ("trained", "1, 2, 3 active"):
    options = ViewOptions(data=data, coloring="error")
    space_scene(view.snapshot, options, view.device, Memo())
print([m for m in ("torch", "matplotlib", "textual", "rich", "plotext") if m in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_bit_of_work_takes_some_20_ms_of_the_processor(monkeypatch):
    """So long a command may wait at full speed. By the thread's own clock, whatever else the machine does."""
    monkeypatch.setattr(player_module.time, "perf_counter", time.thread_time)
    player, _ = player_of(ENDLESS)
    costs = []
    for _ in range(60):
        began = time.thread_time()
        player.work()
        costs.append(time.thread_time() - began)
    assert np.median(costs) < 0.05
    assert sorted(costs)[-3] < 0.25  # but for what is compiled or loaded the first time


# The drift of the sparsity


def test_the_sparsity_drifts_up_then_down_then_stays_and_the_run_can_be_repeated():
    player, clock = player_of(ENDLESS.replace(sparsity=0.9), 1000)
    play(player, clock, 0.55)
    player.drift()
    assert player.view().drift == 1
    play(player, clock, 0.5)
    player.drift()
    play(player, clock, 0.3)
    player.drift()
    play(player, clock, 0.5)
    run = player.run()
    assert [change.step % 100 for change in run.changes] == [0] * len(run.changes)
    values = [change.value for change in run.changes]
    turn = int(np.argmax(values))
    assert 4 <= turn + 1 <= 6
    assert np.all(np.diff([0.9, *values[: turn + 1]]) > 0)
    assert np.all(np.diff(values[turn:]) < 0)
    assert drift_of(run.experiment, run.changes) == tuple(change.step for change in run.changes)
    trainer = Trainer(ENDLESS.replace(sparsity=0.9))
    for change in run.changes:
        trainer.advance(change.step - trainer.step)
        trainer.change(**{change.field: change.value})
    trainer.advance(run.state.step - trainer.step)
    assert_same_run(trainer.run(), run)


def test_a_drift_does_not_flood_the_history():
    player, _ = player_of(ENDLESS, math.inf)
    player.drift()
    while player.view().step < 5_000:
        player.work()
    run = player.run()
    assert len(run.changes) > 20
    assert len(run.history.steps) < 500
    assert set(range(32)) <= set(run.history.steps)  # the fold is as dense as before
    assert {change.step for change in run.changes} <= set(run.history.steps)


def test_a_drift_ends_at_its_end():
    player, _ = player_of(ENDLESS.replace(sparsity=(0.997, 0.9), n_instances=2), math.inf)
    player.drift()
    while player.view().drift:
        player.work()
    assert player.view().experiment.sparsity == (0.999, 0.999)


def test_a_live_change_of_a_finished_run_trains_on():
    player, _ = player_of()
    play_out(player)
    player.scale_density(1.5)
    assert (player.view().phase, player.view().steps, player.view().note.extends) == ("training", 240, True)
    play_out(player)
    assert player.view().step == 240
    player.drift()
    assert (player.view().phase, player.view().steps) == ("training", 480)
