"""What is said of a run that another process trains."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from tms_engine import Experiment, InputError, Trainer, load_run, save_run
from tms_engine.runs import Beacon, Follower, follow, hold, start, status_of

pytestmark = pytest.mark.slow


def begun(out, steps: int = 100):
    trainer = Trainer(Experiment(steps=steps))
    return trainer, start(trainer, out, "a test")


def said(out, **changes) -> None:
    """Change what the heartbeat of a run says."""
    path = out / "progress.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_run_is_running_until_its_process_says_what_has_become_of_it(tmp_path):
    trainer, lock = begun(tmp_path / "run")
    follower = Follower(tmp_path / "run")
    with lock:
        beacon = Beacon(lock, trainer.id, 0, 100)
        first = follower.poll()
        assert first.status.state == "running"
        assert first.run.state.step == 0
        assert str(first.status) == f"running: {first.status.holder}"
        assert follower.poll().run is None
        trainer.advance(40)
        beacon.show(40, 100, 0.5, 20.0, "no space")
        until = time.monotonic() + 60
        while (status := follower.status()).step != 40:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert (status.saved, status.loss, status.rate, status.time_left) == (0, 0.5, 20.0, 3.0)
        assert status.trouble == "no space"
        assert status.holder.pid == os.getpid()
        save_run(trainer.run(), lock.directory)
        found = follower.poll()
        assert found.run.weights.tobytes() == trainer.run().weights.tobytes()
        assert found.status.saved == 40
        beacon.end("stopped")
    status = follower.status()
    assert (status.state, status.step, status.rate, str(status)) == ("stopped", 40, 0.0, "stopped")


def test_a_process_that_ends_without_a_word_has_died(tmp_path):
    script = """
import os, sys
from tms_engine import Experiment, Trainer
from tms_engine.runs import Beacon, start
trainer = Trainer(Experiment(steps=int(sys.argv[2])))
lock = start(trainer, sys.argv[1])
Beacon(lock, trainer.id)
trainer.advance(10)
os.kill(os.getpid(), 9)
"""
    out = tmp_path / "run"
    dead = subprocess.Popen([sys.executable, "-c", script, str(out), "100"])
    dead.wait()
    status = status_of(out)
    assert status.state == "died"
    assert status.holder.pid == dead.pid
    assert str(status).startswith("died, last seen ")
    with hold(out, "to go on"):
        assert status_of(out).state == "running"
        assert status_of(out).holder.doing == "to go on"


def test_on_another_host_a_run_lives_while_its_heartbeat_changes(tmp_path, monkeypatch):
    out = tmp_path / "run"
    trainer, lock = begun(out)
    with lock:
        Beacon(lock, trainer.id).end("stopped")
    said(out, state="running", host="elsewhere", pid=1)
    assert status_of(out).state == "running"  # it is new, by this host's clock
    os.utime(out / "progress.json", (1, 1))
    assert status_of(out).state == "silent"
    assert str(status_of(out)).startswith("silent since ")
    assert status_of(out).is_running
    follower = Follower(out)
    assert follower.status().state == "silent"
    os.utime(out / "progress.json", (2, 2))  # its clock may be wrong by years: it has changed
    assert follower.status().state == "running"
    monkeypatch.setattr(follow, "SILENT_AFTER", 0.0)
    assert follower.status().state == "silent"


@pytest.mark.parametrize(("steps", "state"), [(100, "stopped"), (40, "finished")])
def test_without_a_heartbeat_the_save_tells(tmp_path, steps, state):
    trainer = Trainer(Experiment(steps=steps))
    trainer.advance(40)
    save_run(trainer.run(), tmp_path)
    status = status_of(tmp_path)
    assert (status.state, status.step, status.saved, status.steps) == (state, 40, 40, steps)
    assert status.loss == pytest.approx(trainer.snapshot().loss)
    assert status.holder is None


def test_a_save_that_is_newer_than_the_last_heartbeat_tells(tmp_path):
    trainer, lock = begun(tmp_path / "run")
    with lock:
        Beacon(lock, trainer.id).end("stopped")
    trainer.advance(100)
    save_run(trainer.run(), tmp_path / "run")
    assert status_of(tmp_path / "run")[:4:2] == ("finished", 100)


def test_earlier_versions_runs_have_a_status(repository):
    kept = repository / "tests" / "engine" / "kept_runs"
    stopped, finished = (status_of(kept / name) for name in ("numba-changed", "torch-three"))
    assert (stopped.state, stopped.step, stopped.steps) == ("stopped", 250, 400)
    assert (finished.state, finished.step, finished.steps) == ("finished", 60, 60)


def test_what_is_no_run_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere", tmp_path / "nowhere" / "deep"):
        with pytest.raises(InputError, match=r"is not a run|there is no run directory"):
            Follower(path)


def test_a_run_that_is_saved_again_and_again_is_read_whole(tmp_path):
    trainer = Trainer(Experiment(n_instances=3))
    save_run(trainer.run(), tmp_path, evaluated=False)
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            trainer.advance(1)
            save_run(trainer.run(), tmp_path, evaluated=False)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        follower, steps = Follower(tmp_path), []
        until = time.monotonic() + 60
        while len(steps) < 30 and time.monotonic() < until:
            run = follower.poll().run or load_run(tmp_path)
            assert run.history.step == run.state.step
            steps.append(run.state.step)
    finally:
        over.set()
        thread.join()
    assert steps == sorted(steps)


def test_to_follow_loads_neither_torch_nor_numba(tmp_path):
    save_run(Trainer(Experiment()).run(), tmp_path)
    script = """
import sys
from tms_engine.runs import Follower, list_runs
assert Follower(sys.argv[1]).poll().run is not None
list_runs(sys.argv[1])
assert not {"torch", "numba", "filelock", "matplotlib"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)


def test_a_heartbeat_survives_a_full_disk(tmp_path, monkeypatch):
    trainer, lock = begun(tmp_path / "run")
    with lock:
        beacon = Beacon(lock, trainer.id)

        def full(*_, **__):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("tms_engine.runs.beacon.write_atomically", full)
        beacon.show(7, 100, float("nan"), 1.0, "the disk is full")
        beacon.end("stopped")
    progress = json.loads((tmp_path / "run" / "progress.json").read_text())
    assert (progress["step"], progress["loss"], progress["trouble"]) == (7, None, "the disk is full")
