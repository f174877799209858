"""`tms watch`: the status of a run as lines, until it ends."""

import json
import signal
import subprocess
import sys
import threading
import time

import pytest

from tms_engine import Experiment, Trainer, save_run
from tms_engine.commands import main, watch
from tms_engine.runs import Beacon, hold, start

pytestmark = pytest.mark.slow


def test_it_tells_how_far_a_run_is_and_ends_with_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(watch, "_LOOK_EVERY", 0.05)
    monkeypatch.setattr(watch, "_LONG_LINE_EVERY", 0.05)
    trainer = Trainer(Experiment(steps=100))
    lock = start(trainer, tmp_path / "run", "a test")
    beacon = Beacon(lock, trainer.id, 0, 100)
    beacon.show(30, 100, 0.25, 10.0, "no space")

    def work() -> None:
        time.sleep(2.5)
        trainer.advance(100)
        save_run(trainer.run(), lock.directory)
        beacon.show(100, 100, 0.01)
        beacon.end("finished")
        lock.release()

    thread = threading.Thread(target=work)
    thread.start()
    assert main(["watch", str(tmp_path / "run")]) == 0
    thread.join()
    lines = capsys.readouterr().out.splitlines()
    assert any(
        "step 30 of 100  batch loss 0.2500  10 steps/s  7 s left  running: a test" in line for line in lines
    )
    assert any("not saved since step 0: no space" in line for line in lines)
    assert lines[-1].startswith("step 100 of 100  batch loss ")
    assert lines[-1].endswith("  finished")


@pytest.mark.parametrize(("steps", "rate", "code"), [(5, 0.01, 0), (100, 0.01, 3), (10_000, 1e15, 1)])
def test_the_exit_code_says_how_it_ended(tmp_path, capsys, steps, rate, code):
    trainer = Trainer(Experiment(steps=steps, learning_rate=rate))
    trainer.advance(5 if rate < 1 else 50)
    save_run(trainer.run(), tmp_path)
    assert main(["watch", "--json", str(tmp_path)]) == code
    record = json.loads(capsys.readouterr().out)
    assert record["state"] == {0: "finished", 3: "stopped", 1: "diverged"}[code]
    assert record["steps"] == steps


def test_what_is_no_run_is_refused(tmp_path, capsys):
    assert main(["watch", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"tms: {tmp_path} is not a run: it has no experiment.json\n"


def test_ctrl_c_ends_it(tmp_path):
    trainer = Trainer(Experiment())
    save_run(trainer.run(), tmp_path)
    with hold(tmp_path, "a test"):
        child = subprocess.Popen(
            [sys.executable, "-m", "tms_engine", "watch", str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert "running: a test" in child.stdout.readline()
        child.send_signal(signal.SIGINT)
        _, stderr = child.communicate(timeout=100)
    assert child.returncode == 130
    assert "Traceback" not in stderr
