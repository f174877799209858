import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, load_file, save, save_file

from tests.engine.test_trainer import assert_same_run
from tms_engine import Experiment, InputError, Trainer, load_run, save_run, train
from tms_engine.runs.tensors import tensor_pieces

pytestmark = pytest.mark.slow


def test_a_loaded_run_is_the_saved_run_and_goes_on_to_the_bit(tmp_path):
    experiment = Experiment(n_instances=2, bias=True, sparsity=(0.9, 0.8), schedule="cosine", steps=900)
    unbroken = Trainer(experiment)
    unbroken.advance(300)
    unbroken.change(sparsity=(0.5, 0.6), learning_rate=0.003)
    save_run(unbroken.run(), tmp_path / "run")
    loaded = load_run(tmp_path / "run")
    assert_same_run(loaded, unbroken.run())
    resumed = Trainer.resume(loaded)
    resumed.advance(250)
    unbroken.advance(250)
    assert_same_run(resumed.run(), unbroken.run())


def test_the_directory_is_what_it_says(tmp_path, short_run):
    save_run(short_run, tmp_path / "run")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"experiment.json", "state.safetensors", "history.safetensors", "summary.json"}
    state = load_file(tmp_path / "run" / "state.safetensors")
    assert np.array_equal(state["W"], short_run.weights)
    assert state["W"].shape == (1, 8, 3)
    assert state["adam.v.W"].shape == (1, 8, 3)
    assert state["step"].tolist() == [300]
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["step"] == 300
    assert summary["instances"][0]["represented"] >= 6
    assert summary["loss"] < 1 / 60
    assert Experiment.from_file(tmp_path / "run" / "experiment.json") == short_run.experiment


def test_train_saves_shows_progress_and_can_be_stopped(tmp_path):
    seen = []
    run = train(
        Experiment(steps=100_000),
        tmp_path / "run",
        on_progress=lambda trainer: seen.append(trainer.step),
        should_stop=lambda: len(seen) >= 3,
    )
    assert seen == sorted(seen)
    assert run.state.step == seen[-1] < 100_000
    assert_same_run(load_run(tmp_path / "run"), run)


def test_train_ends_when_every_instance_has_diverged():
    run = train(Experiment(learning_rate=1e15, steps=10**7))
    assert run.state.step < 10**5
    assert run.state.diverged_at[0] >= 0


def test_a_run_that_diverged_can_be_saved(tmp_path):
    run = train(Experiment(n_instances=2, learning_rate=(1e15, 0.01), steps=60), tmp_path / "run")
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["diverged"] == [0]
    assert_same_run(load_run(tmp_path / "run"), run)


class Crash(BaseException):
    """The process dies here."""


@pytest.mark.parametrize("fatal", range(12))
@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_dying_at_any_write_leaves_the_old_or_the_new_state(tmp_path, short_run, monkeypatch, call, fatal):
    old, trainer = short_run, Trainer.resume(short_run)
    trainer.advance(10)
    new = trainer.run()
    save_run(old, tmp_path)
    original, calls = getattr(os, call), []

    def dies(*arguments):
        calls.append(arguments)
        if len(calls) > fatal:
            raise Crash
        return original(*arguments)

    monkeypatch.setattr(os, call, dies)
    try:
        save_run(new, tmp_path)
        assert len(calls) <= fatal
    except Crash:
        pass
    monkeypatch.setattr(os, call, original)
    found = load_run(tmp_path)
    assert_same_run(found, old if found.state.step == old.state.step else new)
    save_run(new, tmp_path)
    assert_same_run(load_run(tmp_path), new)


def test_kill_9_at_any_moment_leaves_a_whole_run(tmp_path):
    script = f"""
from tms_engine import Experiment, Trainer, save_run
trainer = Trainer(Experiment(n_instances=4, n_features=40, n_hidden=10))
save_run(trainer.run(), {str(tmp_path)!r})
print("saved", flush=True)
while True:
    trainer.advance(1)
    save_run(trainer.run(), {str(tmp_path)!r})
"""
    rng = random.Random(0)
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(rng.uniform(0.2, 0.8))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        run = load_run(tmp_path)
        assert run.state.step == run.history.step


def assert_refused(path, *fragments: str) -> None:
    before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file()} if path.is_dir() else {}
    with pytest.raises(InputError) as caught:
        load_run(path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    for fragment in (str(path), *fragments):
        assert fragment in sentence
    assert before == ({p: p.read_bytes() for p in path.rglob("*") if p.is_file()} if path.is_dir() else {})


def test_what_is_no_whole_run_is_refused_and_left_alone(tmp_path, short_run):
    run = tmp_path / "run"
    assert_refused(run, "there is no run directory")
    run.mkdir()
    assert_refused(run, "no experiment.json")
    save_run(short_run, run)
    state, history = run / "state.safetensors", run / "history.safetensors"
    whole = {path: path.read_bytes() for path in run.iterdir()}

    for cut in (0, 4, 100, len(whole[state]) - 1):
        state.write_bytes(whole[state][:cut])
        assert_refused(run, "state.safetensors", "damaged or no safetensors file")
    save_file({"W": np.zeros((1, 8, 3), np.float32)}, state)
    assert_refused(run, "state.safetensors", "not one that this version of tms wrote")
    state.write_bytes(b"PK\x03\x04 a pickle in a zip, as torch.save makes it")
    assert_refused(run, "state.safetensors", "no safetensors file")
    state.unlink()
    assert_refused(run, "no state.safetensors")
    state.write_bytes(whole[state])

    history.write_bytes(whole[history][:-1])
    assert_refused(run, "history.safetensors", "damaged")
    history.unlink()
    assert_refused(run, "history.safetensors", "missing")
    history.write_bytes(whole[history])

    (run / "experiment.json").write_text(Experiment(n_features=9).to_json())
    assert_refused(run, "does not fit", ": W is", "(1, 8, 3)", "(1, 9, 3)")
    (run / "experiment.json").write_text(Experiment(bias=True).to_json())
    assert_refused(run, "does not fit", "no b")
    (run / "experiment.json").write_text("{")
    assert_refused(run, "experiment.json", "not valid JSON")


def test_a_directory_that_holds_something_is_not_written_to(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(InputError, match="is not empty"):
        train(Experiment(steps=1), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(InputError, match="cannot write"):
        train(Experiment(steps=1), tmp_path / "mine.txt" / "run")
    with pytest.raises(InputError, match="cannot write"):
        train(Experiment(steps=1), "/proc/run")
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_a_device_that_is_not_there_makes_no_directory(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InputError, match="cuda"):
        train(Experiment(device="cuda"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_from_another_machine_goes_on_on_this_one(short_run, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    moved = short_run._replace(experiment=short_run.experiment.replace(device="cuda"))
    with pytest.raises(InputError, match="cuda"):
        Trainer.resume(moved)
    trainer = Trainer.resume(moved, device="cpu")
    trainer.advance(1)
    assert trainer.step == 301


def test_no_pickle_is_read_or_written(repository):
    for path in (repository / "tms_engine").rglob("*.py"):
        text = path.read_text()
        assert "pickle" not in text.replace("no pickle", ""), path
        assert "torch.save" not in text, path
        assert "torch.load" not in text, path


def test_every_saved_file_is_replaced_not_rewritten(tmp_path, short_run):
    save_run(short_run, tmp_path)
    nodes = {path.name: path.stat().st_ino for path in tmp_path.iterdir()}
    for path in list(tmp_path.iterdir()):
        os.link(path, tmp_path.parent / f"old-{path.name}")  # so that its number is not given again
    save_run(short_run, tmp_path)
    assert all(path.stat().st_ino != nodes[path.name] for path in tmp_path.iterdir())
    assert not list(tmp_path.glob("*.part"))
    assert not list(tmp_path.glob("*.next"))


KEPT_RUNS = Path(__file__).parent / "kept_runs"


@pytest.mark.parametrize(
    ("name", "step", "changes"), [("numba-changed", 250, [(150, "sparsity", 0.8)]), ("torch-three", 60, [])]
)
def test_a_run_that_an_earlier_version_wrote_opens_and_goes_on_as_it_did(name, step, changes):
    run = load_run(KEPT_RUNS / name)
    assert (run.state.step, [tuple(change) for change in run.changes]) == (step, changes)
    assert run.history.steps[0] == 0
    assert run.history.steps == sorted(set(run.history.steps))
    trainer = Trainer.resume(run)
    trainer.advance(50)
    # W, 50 steps after it was loaded, by the code that wrote the run. (Another processor rounds otherwise.)
    assert np.allclose(trainer.run().weights, np.load(KEPT_RUNS / name / "then.npy"), atol=1e-4)


def test_our_files_are_what_the_library_writes_of_the_same_arrays():
    trainer = Trainer(Experiment(n_instances=2, bias=True))
    trainer.advance(300)
    empty = {"weights.step": np.zeros(0, np.int64), "flags": np.array([True, False])}
    for arrays in (trainer.run().history.to_arrays(), empty):
        ours = b"".join(tensor_pieces(arrays, {"format": "x"}))
        read = load(ours)
        assert {name: (a.dtype, a.shape, a.tobytes()) for name, a in read.items()} == {
            name: (a.dtype, a.shape, a.tobytes()) for name, a in arrays.items()
        }
        assert len(ours) == len(save(arrays, {"format": "x"}))
