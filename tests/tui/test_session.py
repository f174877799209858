"""The training thread, with little waiting."""

import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.engine.test_trainer import assert_same_run
from tms_engine import Experiment, InputError, Trainer, load_run, save_run
from tms_engine.runs import hold
from tms_tui.session import Session
from tms_tui.view import View

pytestmark = pytest.mark.slow

TINY = Experiment(n_features=4, n_hidden=2, batch_size=8, steps=120)
ENDLESS = TINY.replace(steps=10**9)  # a quarter of an hour's at full speed


@pytest.fixture
def begin() -> Iterator[Callable[..., Session]]:
    """Starts sessions, and sees that none leaves a thread behind."""
    sessions, before = [], set(threading.enumerate())

    def start(source=TINY, pace=math.inf, paused=False) -> Session:
        sessions.append(Session(source, pace, paused))
        sessions[-1].start()
        return sessions[-1]

    yield start
    assert all(session.stop(timeout=120) for session in sessions)
    left = set(threading.enumerate()) - before
    assert "training" not in {thread.name for thread in left}


def until(session: Session, holds: Callable[[View], bool], seconds: float = 600.0) -> View:
    end = time.monotonic() + seconds
    while not holds(view := session.view()):
        assert time.monotonic() < end, view
        time.sleep(0.002)
    return view


def test_a_session_trains_to_the_end_as_a_trainer_does(begin):
    session = begin()
    assert session.view().phase in ("loading", "training")
    until(session, lambda view: view.phase == "finished")
    trainer = Trainer(TINY)
    trainer.advance(120)
    assert_same_run(session.run(), trainer.run())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux knows priorities of threads")
def test_training_gives_way_to_the_screen(begin):
    session = begin(ENDLESS)
    until(session, lambda view: view.phase == "training")
    (training,) = [thread for thread in threading.enumerate() if thread.name == "training"]
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, training.native_id) == min(19, mine + 3)


def test_the_view_from_before_the_start_is_loading_and_knows_the_experiment():
    session = Session(TINY, 500)
    view = session.view()
    assert (view.phase, view.experiment, view.step, view.steps) == ("loading", TINY, 0, 120)
    assert view.snapshot is view.curve is view.evaluation is None
    assert session.run() is None
    assert session.stop()


@pytest.mark.parametrize("pace", [math.inf, 1e-3])
def test_a_command_waits_neither_for_the_end_of_the_run_nor_for_the_next_step(begin, pace):
    """Which are minutes away, here: `until` would give up before."""
    session = begin(ENDLESS, pace)
    until(session, lambda view: view.step > 0)
    for command, holds in [
        (session.pause, lambda view: view.phase == "paused"),
        (session.resume, lambda view: view.phase == "training"),
        (lambda: session.set_pace(0.002), lambda view: view.pace == 0.002),
        (lambda: session.change(sparsity=0.3), lambda view: len(view.changes) == 1),
        (lambda: session.extend(5), lambda view: view.steps == 10**9 + 5),
        (session.run_to_end, lambda view: view.to_end),
        (session.step_once, lambda view: view.phase == "paused" and not view.to_end),
        (session.restart, lambda view: view.step == 0),
    ]:
        command()
        until(session, holds)


def test_stopping_does_not_wait_for_the_end_of_the_training_and_keeps_the_run(begin):
    session = begin(ENDLESS)
    until(session, lambda view: view.step > 20)
    assert session.stop(timeout=120)
    assert session.run().state.step >= session.view().step > 20


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


def test_looking_costs_next_to_nothing_while_it_trains(begin):
    session = begin(ENDLESS)
    until(session, lambda view: view.step > 20)
    costs = []
    for _ in range(1000):
        began = time.perf_counter()
        session.view()
        costs.append(time.perf_counter() - began)
    assert np.median(costs) < 1e-4


def test_five_relative_commands_at_once_are_five_changes(begin):
    session = begin(ENDLESS, pace=500)
    until(session, lambda view: view.step > 20)
    for _ in range(5):
        session.scale_density(1 / 1.5)
        session.scale_learning_rate(1.5)
        session.change_pace(-1)
    session.reseed()
    session.reseed()
    view = until(session, lambda view: view.experiment.seed == 44)
    assert view.note.number == 10
    assert 1 - view.experiment.sparsity == pytest.approx(0.05 / 1.5**5, rel=0.02)
    assert view.experiment.learning_rate == pytest.approx(0.01 * 1.5**5, rel=0.01)
    assert view.pace == 10


def test_of_a_thread_that_does_not_answer_in_time_there_is_the_run_as_it_was_last_seen(begin):
    busy = threading.Event()
    session = begin(ENDLESS)
    until(session, lambda view: view.step > 0)
    session._tell(lambda: busy.wait(120))
    assert session.run(timeout=0.05).state.step >= 0
    assert not busy.is_set()
    busy.set()
    assert session.run(timeout=120).state.step > 0
    assert Session(TINY, 500).run() is None


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


def test_a_change_right_after_a_restart_is_checked_against_the_new_experiment(begin):
    session = begin(TINY, paused=True)
    session.restart(TINY.replace(n_instances=2))
    session.change(sparsity=(0.1, 0.2))
    view = until(session, lambda view: bool(view.changes))
    assert view.experiment == TINY.replace(n_instances=2, sparsity=(0.1, 0.2))


def test_a_device_that_is_not_there_fails_with_its_sentence_and_can_be_mended(begin, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    session = begin(TINY.replace(device="cuda"))
    view = until(session, lambda view: view.phase == "failed")
    assert "torch sees no CUDA GPU" in view.error
    assert session.run() is None
    session.restart(TINY)
    view = until(session, lambda view: view.phase == "finished")
    assert view.error == ""


def test_too_large_an_experiment_fails_with_its_sentence(begin):
    session = begin()
    until(session, lambda view: view.phase == "finished")
    session.restart(TINY.replace(batch_size=10**11))
    view = until(session, lambda view: view.phase == "failed")
    assert "GiB" in view.error
    assert view.experiment.batch_size == 10**11
    assert view.snapshot is None


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


def test_a_directory_that_is_no_run_fails_with_its_sentence(begin, tmp_path):
    view = until(begin(tmp_path), lambda view: view.phase == "failed")
    assert "is not a run: it has no experiment.json" in view.error


def test_commands_from_several_threads_do_not_break_it(begin):
    session = begin(ENDLESS)
    until(session, lambda view: view.step > 0)
    errors = []

    def hammer(number: int) -> None:
        rng = np.random.default_rng(number)
        commands = [
            session.pause,
            session.resume,
            session.step_once,
            session.run_to_end,
            session.view,
            lambda: session.set_pace(float(rng.choice([1, 500, math.inf]))),
            lambda: session.change(sparsity=float(rng.uniform(0, 0.99))),
            lambda: session.extend(10),
            lambda: session.restart(ENDLESS.replace(seed=int(rng.integers(100)))),
            lambda: session.scale_density(float(rng.uniform(0.5, 2))),
            lambda: session.change_pace(int(rng.choice([-1, 1]))),
            session.toggle_pause,
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


# A run that another process trains

JOB = """
import sys
from tests.tui.test_session import ENDLESS
from tms_engine import train
train(ENDLESS, sys.argv[1])
"""


@pytest.fixture
def job(tmp_path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that trains into `tmp_path / "job"`, until it is killed."""
    repository = Path(__file__).parent.parent.parent
    process = subprocess.Popen([sys.executable, "-c", JOB, tmp_path / "job"], cwd=repository)
    yield process
    process.kill()
    process.wait()


def test_a_run_that_another_process_trains_is_followed_and_taken_over_when_that_has_died(
    begin, job, tmp_path
):
    path = tmp_path / "job"
    while not (path / "state.safetensors").exists():
        assert job.poll() is None
        time.sleep(0.05)
    session = begin(path)
    first = until(session, lambda view: view.snapshot is not None)
    assert first.phase == "following"
    assert first.following.holder.pid == job.pid
    later = until(session, lambda view: view.step > max(first.step, 0))
    assert len(later.kept_steps) > 1  # to look back at
    assert session.run().state.step >= later.step
    assert until(session, lambda view: view.evaluation is not None).evaluation_step >= first.step

    session.resume()  # refused, in the thread
    assert until(session, lambda view: view.note is not None).note.error == "this run is followed, read only"
    session.take_over()
    assert "in use" in until(session, lambda view: view.note.number == 2).note.error

    job.kill()
    job.wait()
    view = until(session, lambda view: view.phase == "ended")
    assert view.following.state == "died"
    last = load_run(path)
    session.take_over()
    view = until(session, lambda view: view.step > last.state.step)
    assert (view.phase, view.following, view.place) == ("training", None, str(path))
    with pytest.raises(InputError, match="in use"):
        hold(path)
    session.pause()
    until(session, lambda view: view.phase == "paused")
    run = session.run()
    assert (run.id, run.experiment) == (last.id, last.experiment)
    trainer = Trainer.resume(last)
    trainer.advance(run.state.step - last.state.step)
    assert_same_run(run, trainer.run())

    session.restart()
    assert until(session, lambda view: not view.place).step == 0
    hold(path).release()  # others may have it


def test_to_follow_a_run_loads_neither_torch_nor_matplotlib(job, tmp_path):
    path = tmp_path / "job"
    script = f"""
import sys, time
from pathlib import Path
from tms_tui.session import Session
while not Path({str(path / "state.safetensors")!r}).exists():
    time.sleep(0.05)
session = Session(Path({str(path)!r}), 500.0)
session.start()
while session.view().evaluation is None:
    time.sleep(0.05)
print(session.view().phase, [m for m in ("torch", "matplotlib") if m in sys.modules])
session.stop()
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "following []"
