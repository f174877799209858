"""The film and its pace as plain objects on a fake clock; then the thread, with little waiting."""

import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests.engine.test_trainer import assert_same_run
from tms_engine import Experiment, InputError, Trainer, evaluate, save_run
from tms_tui import session as session_module
from tms_tui.session import Film, Pace, Session, View

TINY = Experiment(n_features=4, n_hidden=2, batch_size=8, steps=120)
ENDLESS = TINY.replace(steps=10**9)  # a quarter of an hour's at full speed


class FakeClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def film_of(source=TINY, pace=math.inf, paused=False) -> tuple[Film, FakeClock]:
    clock = FakeClock()
    film = Film(source, pace, paused, clock)
    film.load()
    return film, clock


def play(film: Film, clock: FakeClock, seconds: float) -> list[tuple[float, int]]:
    """Let a film play for so long on its clock; when it had taken how many steps."""
    began, seen = clock.now, [(0.0, film.view().step)]
    while True:
        wait = film.work()
        seen.append((clock.now - began, film.view().step))
        if clock.now - began + wait > seconds:
            clock.now = began + seconds
            return seen
        clock.now += wait


def play_out(film: Film) -> None:
    while film.view().phase in ("loading", "training"):
        film.work()


@pytest.fixture
def begin() -> Iterator[Callable[..., Session]]:
    """Starts sessions, and sees that none leaves a thread behind."""
    sessions = []

    def start(source=TINY, pace=math.inf, paused=False) -> Session:
        sessions.append(Session(source, pace, paused))
        sessions[-1].start()
        return sessions[-1]

    yield start
    assert all(session.stop(timeout=120) for session in sessions)
    assert "training" not in {thread.name for thread in threading.enumerate()}


def until(session: Session, holds: Callable[[View], bool], seconds: float = 120.0) -> View:
    end = time.monotonic() + seconds
    while not holds(view := session.view()):
        assert time.monotonic() < end, view
        time.sleep(0.002)
    return view


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


def test_after_a_hiccup_the_film_catches_up_without_a_jump():
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


# The film


@pytest.mark.parametrize("pace", [1, 20, 100])
def test_a_film_has_its_pace(pace):
    film, clock = film_of(ENDLESS, pace)
    seen = play(film, clock, 3.0)
    assert film.view().step == pytest.approx(3 * pace, abs=max(1, pace / 30))
    assert np.diff([step for _, step in seen]).max() <= max(1, pace / 30)


def test_the_run_of_a_film_is_the_trainers_to_the_bit_whatever_is_done_to_it():
    film, clock = film_of(TINY.replace(bias=True), 100)
    play(film, clock, 0.3)
    film.change(sparsity=0.5, learning_rate=0.02)
    play(film, clock, 0.2)
    film.pause()
    film.step_once()
    film.step_once()
    play(film, clock, 3.0)
    film.change(importance_decay=0.8)
    film.set_pace(math.inf)
    film.go_on()
    for _ in range(2):
        film.work()
    film.extend(50)
    film.set_pace(2000)
    play(film, clock, 0.02)
    film.run_to_end()
    play_out(film)
    run = film.run()
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


def test_a_paused_film_takes_single_steps_and_asks_to_be_left_alone():
    film, clock = film_of(paused=True)
    assert film.view().phase == "paused"
    film.step_once()
    film.step_once()
    play(film, clock, 2.0)
    assert (film.view().step, film.view().phase) == (2, "paused")
    assert film.work() == math.inf


def test_one_step_pauses_a_film_that_plays():
    film, clock = film_of(ENDLESS, 50)
    play(film, clock, 1.0)
    before = film.view().step
    film.step_once()
    play(film, clock, 1.0)
    assert (film.view().step, film.view().phase) == (before + 1, "paused")


def test_to_the_end_is_at_full_speed_and_then_the_pace_is_back():
    film, clock = film_of(pace=1)
    film.run_to_end()
    assert film.view().to_end
    play(film, clock, 0.9)
    view = film.view()
    assert (view.step, view.phase, view.pace, view.to_end) == (120, "finished", 1, False)
    film.extend(10)
    play(film, clock, 2.5)
    assert (film.view().step, film.view().steps, film.view().phase) == (123, 130, "training")


@pytest.mark.parametrize("command", ["pause", "set_pace"])
def test_a_pause_or_a_pace_ends_the_run_to_the_end(command):
    film, clock = film_of(ENDLESS, 10)
    film.run_to_end()
    film.work()
    getattr(film, command)(*([10] if command == "set_pace" else []))
    before = film.view().step
    film.go_on()
    play(film, clock, 1.0)
    assert film.view().step - before <= 11


def test_a_finished_film_asks_to_be_left_alone_once_it_is_evaluated(monkeypatch):
    monkeypatch.setattr(session_module, "_IDLE_EVALUATION_SECONDS", 20.0)  # as if there were no other load
    film, clock = film_of()
    play_out(film)
    play(film, clock, 2.0)
    assert film.work() == math.inf
    view = film.view()
    assert view.evaluation_step == 120
    expected = evaluate(film.run())
    assert view.evaluation.rows == expected.rows
    assert np.array_equal(view.evaluation.loss, expected.loss)


def test_the_loss_on_fresh_data_is_refreshed_about_once_a_second_at_a_small_cost():
    film, clock = film_of(ENDLESS, 10)
    evaluated = set()
    for _ in range(40):
        play(film, clock, 0.25)
        evaluated.add(film.view().evaluation_step)
    assert 5 <= len(evaluated) <= 11
    assert film.view().evaluation.rows <= 1 << 15
    assert film.view().step - film.view().evaluation_step <= 25


def test_single_steps_in_quick_succession_are_not_held_up_by_evaluations():
    film, clock = film_of(paused=True)
    play(film, clock, 2.0)
    for _ in range(5):
        film.step_once()
        play(film, clock, 0.2)
        assert film.view().evaluation_step == 0
    play(film, clock, 0.1)
    assert film.view().evaluation_step == 5


def test_a_change_while_paused_is_evaluated_under_what_is_then_in_force():
    film, clock = film_of(paused=True)
    play(film, clock, 2.0)
    before = film.view().evaluation
    film.change(sparsity=0.2)
    play(film, clock, 2.0)
    assert film.view().evaluation.loss[0] > 2 * before.loss[0]
    assert film.view().changes[0].field == "sparsity"


def test_a_change_at_a_slow_pace_is_seen_before_the_next_step():
    film, clock = film_of(ENDLESS, 1)
    play(film, clock, 0.5)
    film.change(sparsity=0.2)
    play(film, clock, 0.1)
    assert (film.view().step, film.view().changes[0].step) == (1, 1)


def test_a_view_shows_the_run():
    film, _ = film_of(TINY.replace(n_instances=2))
    play_out(film)
    view, run = film.view(), film.run()
    assert (view.step, view.steps, view.kernel, view.device) == (120, 120, run.kernel, "cpu")
    assert view.snapshot.step == 120
    assert np.array_equal(view.snapshot.weights, run.state.weights)
    assert np.array_equal(view.curve.mean, run.history.loss_curve().mean, equal_nan=True)
    assert view.diverged_at == (-1, -1)
    assert view.snapshot_steps.tolist() == [kept.step for kept in run.history.snapshots]
    assert all(a.weights is b.weights for a, b in zip(view.kept, run.history.snapshots, strict=True))


def test_the_arrays_of_a_view_are_read_only():
    film, clock = film_of(TINY.replace(bias=True))
    play(film, clock, 1.0)
    view = film.view()
    arrays = [*view.curve, view.snapshot_steps, view.snapshot.weights, view.snapshot.losses]
    arrays += [view.kept[0].weights, view.kept[-1].bias, view.evaluation.loss]
    assert not any(array.flags.writeable for array in arrays)


def test_a_diverged_instance_is_named_and_the_others_train_on():
    film, _ = film_of(TINY.replace(n_instances=3, learning_rate=(0.01, 1e15, 0.01)))
    play_out(film)
    view = film.view()
    assert (view.phase, view.snapshot.diverged) == ("finished", (1,))
    assert view.diverged_at[0] == view.diverged_at[2] == -1 < view.diverged_at[1]


def test_when_all_have_diverged_the_film_ends_and_a_restart_begins_anew():
    film, clock = film_of(ENDLESS.replace(learning_rate=1e15))
    play_out(film)
    play(film, clock, 2.0)
    assert film.view().phase == "diverged"
    assert film.view().step < 10**5
    assert film.work() == math.inf
    film.restart(TINY)
    play_out(film)
    assert film.view().phase == "finished"
    assert film.view().diverged_at == (-1,)


def test_a_restart_keeps_the_experiment_in_force_or_takes_another():
    film, _ = film_of()
    film.work()
    film.change(sparsity=0.5)
    film.restart()
    assert film.view().experiment == TINY.replace(sparsity=0.5)
    assert (film.view().step, film.view().changes) == (0, ())
    film.restart(TINY.replace(seed=7))
    play_out(film)
    trainer = Trainer(TINY.replace(seed=7))
    trainer.advance(120)
    assert_same_run(film.run(), trainer.run())


# The thread


@pytest.mark.slow
def test_a_session_trains_to_the_end_as_a_trainer_does(begin):
    session = begin()
    assert session.view().phase in ("loading", "training")
    until(session, lambda view: view.phase == "finished")
    trainer = Trainer(TINY)
    trainer.advance(120)
    assert_same_run(session.run(), trainer.run())


@pytest.mark.slow
def test_the_view_from_before_the_start_is_loading_and_knows_the_experiment():
    session = Session(TINY, 500)
    view = session.view()
    assert (view.phase, view.experiment, view.step, view.steps) == ("loading", TINY, 0, 120)
    assert view.snapshot is view.curve is view.evaluation is None
    assert session.weights_at(5) is session.run() is None
    assert session.stop()


@pytest.mark.slow
@pytest.mark.parametrize("pace", [math.inf, 1e-3])
def test_a_command_waits_neither_for_the_end_of_the_run_nor_for_the_next_step(begin, pace):
    """Which are minutes away, here: `until` would give up before."""
    session = begin(ENDLESS, pace)
    until(session, lambda view: view.step > 0)
    for command, holds in [
        (session.pause, lambda view: view.phase == "paused"),
        (session.go_on, lambda view: view.phase == "training"),
        (lambda: session.set_pace(0.002), lambda view: view.pace == 0.002),
        (lambda: session.change(sparsity=0.3), lambda view: len(view.changes) == 1),
        (lambda: session.extend(5), lambda view: view.steps == 10**9 + 5),
        (session.run_to_end, lambda view: view.to_end),
        (session.step_once, lambda view: view.phase == "paused" and not view.to_end),
        (session.restart, lambda view: view.step == 0),
    ]:
        command()
        until(session, holds)


@pytest.mark.slow
def test_a_chunk_of_work_takes_some_20_ms_of_the_processor(monkeypatch):
    """So long a command may wait at full speed. By the thread's own clock, whatever else the machine does."""
    monkeypatch.setattr(session_module.time, "perf_counter", time.thread_time)
    film, _ = film_of(ENDLESS)
    costs = []
    for _ in range(60):
        began = time.thread_time()
        film.work()
        costs.append(time.thread_time() - began)
    assert np.median(costs) < 0.05
    assert sorted(costs)[-3] < 0.25  # but for what is compiled or loaded the first time


@pytest.mark.slow
def test_stopping_does_not_wait_for_the_end_of_the_training_and_keeps_the_run(begin):
    session = begin(ENDLESS)
    until(session, lambda view: view.step > 20)
    assert session.stop(timeout=120)
    assert session.run().state.step >= session.view().step > 20


@pytest.mark.slow
@pytest.mark.parametrize("state", ["paused", "finished"])
def test_paused_and_finished_cost_no_cpu(begin, state):
    session = begin(TINY, paused=state == "paused")
    until(session, lambda view: view.phase == state and view.evaluation_step == view.step)

    def at_rest(_: View) -> bool:  # the last evaluations come first
        before = time.process_time()
        time.sleep(0.3)
        return time.process_time() - before < 0.03

    until(session, at_rest)
    view = session.view()
    assert at_rest(view)
    assert session.view() is view


@pytest.mark.slow
def test_looking_costs_next_to_nothing_while_it_trains(begin):
    session = begin(ENDLESS)
    until(session, lambda view: view.step > 20)
    costs = []
    for _ in range(1000):
        began = time.perf_counter()
        session.view()
        costs.append(time.perf_counter() - began)
    assert np.median(costs) < 1e-4


@pytest.mark.slow
def test_an_invalid_command_raises_at_once_and_changes_nothing(begin):
    session = begin(TINY.replace(n_instances=2), paused=True)
    view = until(session, lambda view: view.phase == "paused")
    with pytest.raises(InputError, match="below 1"):
        session.change(sparsity=1.5)
    with pytest.raises(InputError, match="n_features cannot be changed"):
        session.change(n_features=9)
    with pytest.raises(InputError, match="3 values but n_instances is 2"):
        session.change(sparsity=(0.1, 0.2, 0.3))
    with pytest.raises(InputError, match="steps should be greater"):
        session.extend(0)
    for pace in (0, -1, math.nan):
        with pytest.raises(InputError, match="pace should be above 0"):
            session.set_pace(pace)
    with pytest.raises(InputError, match="pace should be above 0"):
        Session(TINY, 0)
    session.step_once()
    after = until(session, lambda view: view.step == 1)
    assert (after.experiment, after.changes, after.pace) == (view.experiment, (), view.pace)


@pytest.mark.slow
def test_a_change_right_after_a_restart_is_checked_against_the_new_experiment(begin):
    session = begin(TINY, paused=True)
    session.restart(TINY.replace(n_instances=2))
    session.change(sparsity=(0.1, 0.2))
    view = until(session, lambda view: bool(view.changes))
    assert view.experiment == TINY.replace(n_instances=2, sparsity=(0.1, 0.2))


@pytest.mark.slow
def test_a_device_that_is_not_there_fails_with_its_sentence_and_can_be_mended(begin, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    session = begin(TINY.replace(device="cuda"))
    view = until(session, lambda view: view.phase == "failed")
    assert "torch sees no CUDA GPU" in view.error
    assert session.run() is None
    session.restart(TINY)
    view = until(session, lambda view: view.phase == "finished")
    assert view.error == ""


@pytest.mark.slow
def test_too_large_an_experiment_fails_with_its_sentence(begin):
    session = begin()
    until(session, lambda view: view.phase == "finished")
    session.restart(TINY.replace(batch_size=10**11))
    view = until(session, lambda view: view.phase == "failed")
    assert "GiB" in view.error
    assert view.experiment.batch_size == 10**11
    assert view.snapshot is None


@pytest.mark.slow
def test_an_unexpected_exception_is_told_in_one_line_and_the_run_so_far_is_kept(begin, monkeypatch):
    session = begin(ENDLESS)
    until(session, lambda view: view.step > 20)

    def breaks(*_):
        raise RuntimeError("a\nkernel broke")

    monkeypatch.setattr(Trainer, "advance", breaks)
    view = until(session, lambda view: view.phase == "failed")
    assert view.error == "RuntimeError: a kernel broke"
    assert 0 < session.run().state.step <= view.step
    monkeypatch.undo()
    session.restart(TINY)
    until(session, lambda view: view.phase == "finished")


@pytest.mark.slow
def test_a_run_directory_is_loaded_in_the_thread_and_goes_on_to_the_bit(begin, tmp_path):
    trainer = Trainer(TINY)
    trainer.advance(50)
    trainer.change(sparsity=0.5)
    save_run(trainer.run(), tmp_path / "run")
    trainer.advance(70)
    for source in (tmp_path / "run", Trainer.resume(trainer.run()).run()):
        session = begin(source)
        until(session, lambda view: view.phase == "finished")
        assert session.view().experiment == TINY.replace(sparsity=0.5)
        assert_same_run(session.run(), trainer.run())


@pytest.mark.slow
def test_a_directory_that_is_no_run_fails_with_its_sentence(begin, tmp_path):
    view = until(begin(tmp_path), lambda view: view.phase == "failed")
    assert "is not a run: it has no experiment.json" in view.error


@pytest.mark.slow
def test_the_nearest_kept_weights_are_found_and_shared(begin):
    session = begin(TINY)
    view = until(session, lambda view: view.phase == "finished")
    assert view.snapshot_steps.tolist() == list(range(121))
    assert session.weights_at(103) is view.kept[103]
    assert session.weights_at(-5).step == 0
    assert session.weights_at(10**9).step == 120


@pytest.mark.slow
def test_commands_from_several_threads_do_not_break_it(begin):
    session = begin(ENDLESS)
    until(session, lambda view: view.step > 0)
    errors = []

    def hammer(number: int) -> None:
        rng = np.random.default_rng(number)
        commands = [
            session.pause,
            session.go_on,
            session.step_once,
            session.run_to_end,
            session.view,
            lambda: session.set_pace(float(rng.choice([1, 500, math.inf]))),
            lambda: session.change(sparsity=float(rng.uniform(0, 0.99))),
            lambda: session.extend(10),
            lambda: session.restart(ENDLESS.replace(seed=int(rng.integers(100)))),
            lambda: session.weights_at(int(rng.integers(1000))),
            session.run,
        ]
        try:
            for _ in range(60):
                commands[rng.integers(len(commands))]()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=hammer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    session.restart(TINY)
    session.run_to_end()
    until(session, lambda view: view.phase == "finished" and view.steps == 120)
    trainer = Trainer(TINY)
    trainer.advance(120)
    assert_same_run(session.run(), trainer.run())


@pytest.mark.slow
def test_a_session_is_imported_and_made_without_torch_textual_or_rich():
    script = """
import sys
from tms_engine.experiment import Experiment
from tms_tui.session import Session
Session(Experiment(), 500.0).view()
print([m for m in ("torch", "matplotlib", "textual", "rich", "plotext") if m in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_film_on_the_cpu_trains_is_evaluated_and_drawn_without_torch():
    script = """
import sys, time
from tms_engine import Experiment
from tms_tui.view_options import Look
from tms_tui.space_scene import Clouds, picture
from tms_tui.session import Film
film = Film(Experiment(steps=50, device="cpu"), float("inf"), False, time.monotonic)
film.load()
while film.view().evaluation is None or film.view().phase != "finished":
    film.work()
view = film.view()
for data in ("trained", "1, 2, 3 active"):
    look = Look(data=data, coloring="error")
    picture(look, view.experiment, view.device, view.snapshot.weights, view.snapshot.bias, Clouds())
print([m for m in ("torch", "matplotlib", "textual", "rich", "plotext") if m in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.1, 0.6, 2.5])
def test_leaving_at_any_moment_even_while_torch_loads_ends_the_process_cleanly(seconds):
    script = f"""
import time
from tms_engine.experiment import Experiment
from tms_tui.session import Session
session = Session(Experiment(steps=10**8, batch_size=20_000, n_features=100, n_hidden=20), 1e9)
session.start()
time.sleep({seconds})
session.stop(timeout=0.001)
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert (found.returncode, found.stderr) == (0, "")
