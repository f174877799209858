"""One process writes a run: locks, and what a directory is claimed for."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from tms_engine import Experiment, InputError, Trainer, load_run, save_run, train
from tms_engine.runs import InUse, claim, claim_new, hold, start, train_on
from tms_engine.runs import lock as locks

pytestmark = pytest.mark.slow

HOLDS = """
import sys
from tms_engine.runs import hold
lock = hold(sys.argv[1], "a test")
print("held", flush=True)
sys.stdin.readline()
{then}
"""


def holder(path, then: str = "lock.release()") -> subprocess.Popen:
    """A process that holds a directory until it is told to go on."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS.replace("{then}", then), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def run_of(seed: int = 0):
    return Trainer(Experiment(seed=seed)).run()


def test_who_holds_a_directory_is_said_and_its_end_however_it_comes_frees_it(tmp_path):
    run = run_of()
    save_run(run, tmp_path)
    for kill in (False, True):
        other = holder(tmp_path)
        with pytest.raises(InUse) as caught:
            hold(tmp_path)
        sentence = str(caught.value)
        assert sentence.startswith(f"{tmp_path} is in use: a test, process {other.pid} on ")
        assert caught.value.holder.pid == other.pid
        with pytest.raises(InUse, match="is in use"):
            save_run(run, tmp_path)
        load_run(tmp_path)  # to read takes no lock
        if kill:
            other.kill()
            other.communicate()
            assert ".lock" in names(tmp_path)
        else:
            other.communicate("go on\n")
            assert ".lock" not in names(tmp_path)
        hold(tmp_path).release()
        assert ".lock" not in names(tmp_path)


def test_within_a_process_one_holds_it_and_its_saves_are_let_through(tmp_path):
    with hold(tmp_path, "the first") as lock:
        with pytest.raises(InUse, match=rf"the first, process {os.getpid()}"):
            hold(tmp_path)
        save_run(run_of(), tmp_path)
        refused = []

        def other() -> None:
            with pytest.raises(InUse):
                hold(str(tmp_path))
            refused.append(True)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert refused == [True]
        lock.release()
        lock.release()
        hold(tmp_path).release()


def test_a_lock_may_be_released_by_another_thread(tmp_path):
    lock = hold(tmp_path)
    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join()
    hold(tmp_path).release()
    assert names(tmp_path) == []


def test_a_child_that_is_forked_does_not_free_the_lock_of_its_parent(tmp_path):
    script = """
import os, sys
from tms_engine.runs import hold
lock = hold(sys.argv[1])
if os.fork() == 0:
    sys.exit()
os.wait()
print("held", flush=True)
sys.stdin.readline()
"""
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", script, tmp_path], text=True, **pipe) as parent:
        assert parent.stdout.readline() == "held\n"
        with pytest.raises(InUse):
            hold(tmp_path)
        parent.stdin.write("\n")


def test_of_two_that_are_given_one_empty_directory_one_gets_it(tmp_path):
    out = tmp_path / "out"
    with claim(out, "the first"):
        with pytest.raises(InUse, match="the first"):
            claim(out)
        assert names(out) == [".lock"]
    claim(out).release()
    (out / "mine.txt").write_text("precious")
    with pytest.raises(InputError, match=r"out is not empty: choose a new directory, or go$"):
        claim(out, otherwise=", or go")
    assert names(out) == ["mine.txt"]


def test_new_names_are_never_given_twice(tmp_path):
    locks_held = [claim_new(tmp_path, "gist") for _ in range(3)]
    assert [lock.path.name for lock in locks_held] == ["gist", "gist-2", "gist-3"]
    for lock in locks_held:
        lock.release()
    assert claim_new(tmp_path, "gist").path.name == "gist-4"


def test_what_a_process_left_that_was_killed_before_its_first_save_is_nothing(tmp_path):
    for name in (".lock", "history.safetensors.next", "state.safetensors.999999-00000000-0a0b0c0d.part"):
        (tmp_path / name).touch()
    old = time.time() - 2 * 86_400
    os.utime(tmp_path / "state.safetensors.999999-00000000-0a0b0c0d.part", (old, old))
    start(Trainer(Experiment()), tmp_path).release()
    assert load_run(tmp_path).state.step == 0


@pytest.mark.parametrize("moves", [True, False])
def test_where_locks_do_not_reach_another_host_a_heartbeat_holds(tmp_path, moves, monkeypatch):
    monkeypatch.setattr(locks, "_HEARTBEAT_SHOWS", 0.5)
    record = {"pid": 7, "host": "elsewhere", "since": 1.0, "doing": "tms train"}
    progress = {**record, "state": "running"}
    (tmp_path / ".lock").write_text(json.dumps(record))
    (tmp_path / "progress.json").write_text(json.dumps(progress))
    over = threading.Event()

    def beat() -> None:
        while not over.wait(0.05):
            (tmp_path / "progress.json").write_text(json.dumps(progress))

    thread = threading.Thread(target=beat)
    if moves:
        thread.start()
    try:
        if moves:
            with pytest.raises(InUse, match="tms train, process 7 on elsewhere"):
                hold(tmp_path)
        else:
            hold(tmp_path).release()
    finally:
        over.set()
        if moves:
            thread.join()


def test_a_save_goes_over_its_own_run_and_over_no_other(tmp_path):
    mine, other = Trainer(Experiment()), run_of()
    save_run(mine.run(), tmp_path)
    mine.advance(5)
    save_run(mine.run(), tmp_path)
    resumed = Trainer.resume(load_run(tmp_path))
    resumed.advance(5)
    save_run(resumed.run(), tmp_path)
    with pytest.raises(InputError, match="holds another run: choose another directory"):
        save_run(other, tmp_path)
    assert load_run(tmp_path).state.step == 10
    save_run(other, tmp_path, overwrite=True)
    assert load_run(tmp_path).id == other.id


def test_files_of_the_users_with_the_names_of_a_runs_are_left(tmp_path):
    (tmp_path / "experiment.json").write_text(Experiment().to_json())
    with pytest.raises(InputError, match="files with the names of a run's, and is left as it is"):
        save_run(run_of(), tmp_path)
    assert names(tmp_path) == ["experiment.json"]
    (tmp_path / "state.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match="no whole run, and is left as it is"):
        save_run(run_of(), tmp_path)
    save_run(run_of(3), tmp_path, overwrite=True)
    assert load_run(tmp_path).experiment.seed == 3


def test_training_holds_its_directory_in_any_thread_and_frees_it(tmp_path):
    seen, runs = [], []
    out = tmp_path / "run"

    def look(trainer: Trainer) -> None:
        with pytest.raises(InUse, match=f"a script, process {os.getpid()} on "):
            hold(out)
        seen.append(trainer.step)

    thread = threading.Thread(
        target=lambda: runs.append(train(Experiment(steps=20), out, callback=look, every=10))
    )
    thread.start()
    thread.join()
    assert seen == [0, 10, 20]
    assert ".lock" not in names(out)
    again = Trainer.resume(runs[0])
    again.change(steps=30)
    assert train_on(again, out).state.step == 30
    with pytest.raises(InputError, match="is not empty"):
        train(Experiment(steps=20), out)
    with pytest.raises(ZeroDivisionError):
        train(Experiment(steps=20), tmp_path / "b", callback=lambda _: 1 / 0)
    hold(tmp_path / "b").release()


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("", "should not be empty"),
        ("file", "not a directory"),
        ("file/run", "not a directory"),
        ("loop", "too many levels of symbolic links"),
        ("x" * 300, "file name too long"),
        ("nul\0", "embedded null"),
        ("/proc/run", "cannot write to /proc/run"),
    ],
)
def test_a_directory_that_cannot_be_is_one_sentence(tmp_path, monkeypatch, out, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    for attempt in (claim, hold, lambda path: save_run(run_of(), path)):
        with pytest.raises(InputError, match=sentence):
            attempt(out)
    assert names(tmp_path) == ["file", "loop"]


def test_a_current_directory_that_is_gone_is_one_sentence(tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    here.rmdir()
    for attempt in (claim, hold, lambda path: save_run(run_of(), path), lambda path: claim_new(path, "x")):
        with pytest.raises(InputError, match="relative to the current directory, which has been removed"):
            attempt(type(here)("run"))
