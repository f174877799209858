"""A run is safe: full disks, damage, removed directories; trials of tests/trials/safe.py, a few of each."""

import errno
import json
import os
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trials import safe
from tms_engine import Experiment, InputError, Run, Trainer, load_run, runs, save_run, train
from tms_engine.runs import Keeper, list_runs, load_summary, start, status_of
from tms_engine.runs import save as saving

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(2))
def test_a_save_that_fails_at_any_point_leaves_the_old_save_or_the_new(tmp_path, seed):
    safe.full_disk(tmp_path, seed)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_run_is_a_sentence_or_a_run(tmp_path, seed):
    safe.damage(tmp_path, seed)


def test_a_killed_run_has_lost_ten_seconds_at_most_and_goes_on_to_the_bit(tmp_path):
    safe.kill_train(tmp_path, 11)  # after 2.7 s: it has saved by then


def test_two_that_train_at_once_have_a_directory_each(tmp_path):
    safe.race_out(tmp_path, 0)


def test_of_two_that_resume_a_run_one_is_refused(tmp_path):
    safe.race_resume(tmp_path, 0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    trainer = Trainer(Experiment(n_instances=2, n_features=4, n_hidden=2, steps=30))
    trainer.advance(10)
    directory = tmp_path_factory.mktemp("saved") / "run"
    save_run(trainer.run(), directory)
    return directory


def fresh_copy(saved: Path, tmp_path: Path) -> Path:
    """A copy of a run, in the place of the one that an example before has damaged."""
    out = tmp_path / "runs" / "run"
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(saved, out)
    return out


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_json_is_in_a_run_it_is_a_sentence_or_a_run(saved, tmp_path, data):
    out = fresh_copy(saved, tmp_path)
    name = data.draw(st.sampled_from(["experiment.json", "summary.json", "progress.json"]))
    path = out / name
    record = json.loads(path.read_text()) if path.exists() else {"state": "running", "run": "", "beat": 1}
    if data.draw(st.booleans()) and record:
        record[data.draw(st.sampled_from(sorted(record)))] = data.draw(JSON)
    else:
        record = data.draw(JSON)
    path.write_text(json.dumps(record))
    for look in (load_run, status_of, load_summary):
        try:
            look(out)
        except InputError as error:
            safe.one_sentence(error)
    assert len(list_runs(tmp_path / "runs")) == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_bytes_are_in_a_run_it_is_a_sentence_or_a_run(saved, tmp_path, data):
    out = fresh_copy(saved, tmp_path)
    path = data.draw(st.sampled_from(sorted(file for file in out.iterdir() if file.is_file())))
    content = path.read_bytes()
    begin, end = sorted(data.draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    # Cut off, cut out, changed, put in, replaced.
    between = data.draw(st.sampled_from([b"", content[begin:end]]) | st.binary(max_size=40))
    tail = data.draw(st.sampled_from([b"", content[end:]]))
    path.write_bytes(data.draw(st.sampled_from([b"", content[:begin]])) + between + tail)
    for look in (load_run, status_of, load_summary):
        try:
            look(out)
        except InputError as error:
            safe.one_sentence(error)
    assert len(list_runs(tmp_path / "runs")) == 1


def fails(monkeypatch, code: int = errno.ENOSPC):
    """Saving fails until what this gives is called."""
    original, failing = saving._write, [True]

    def write(directory, *rest):
        if failing:
            raise OSError(code, os.strerror(code))
        return original(directory, *rest)

    monkeypatch.setattr(saving, "_write", write)
    return failing.clear


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_a_disk_that_is_full_for_a_while_stops_no_training(tmp_path, monkeypatch, code):
    trainer, said = Trainer(Experiment(steps=300)), []
    with start(trainer, tmp_path / "run") as lock:
        keeper = Keeper(lock, trainer, said.append)
        mend = fails(monkeypatch, code)
        trainer.advance(100)
        assert not keeper.save(trainer.run())
        assert not keeper.save(trainer.run())
        trouble = os.strerror(code)
        assert keeper.trouble.endswith(trouble[:1].lower() + trouble[1:])
        assert said == [f"{keeper.trouble}; training goes on, and saving is tried again"]
        assert load_run(tmp_path / "run").state.step == 0
        mend()
        trainer.advance(100)
        assert keeper.save(trainer.run())
        assert said[1:] == [f"saved again to {tmp_path / 'run'}"]
        keeper.close(trainer)
    assert status_of(tmp_path / "run")[:3:2] == ("stopped", 200)


def test_what_its_directory_does_not_take_is_saved_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    out, rescued = tmp_path / "run", tmp_path / "state" / "tms-tui" / "rescued" / "run"
    original = saving._write

    def write(directory, *rest):
        if directory == out and (out / "state.safetensors").exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(directory, *rest)

    monkeypatch.setattr(saving, "_write", write)
    with pytest.warns(RuntimeWarning) as warned:
        run = train(Experiment(steps=200), out)
    assert [str(w.message).split(";")[0] for w in warned] == [
        f"cannot write the run to {out}: no space left on device",
        f"saved to {rescued} instead",
    ]
    assert load_run(rescued).weights.tobytes() == run.weights.tobytes()
    assert load_summary(rescued)["step"] == 200
    status = status_of(out)
    assert (status.state, status.step, status.saved) == ("stopped", 0, 0)
    assert status.trouble.startswith(f"saved to {rescued} instead")
    # And where nothing takes it, the run is not lost to a script.
    monkeypatch.setattr(saving, "_last_resorts", lambda: [tmp_path / "file" / "x"])
    (tmp_path / "file").touch()
    trainer = Trainer(Experiment(steps=20))
    shutil.rmtree(out)
    with start(trainer, out) as lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.advance(20)
        with pytest.raises(InputError, match="cannot write to"):
            runs.train_on(trainer, lock)
    assert trainer.step == 20


def test_a_directory_that_is_removed_is_made_again_and_held(tmp_path):
    trainer = Trainer(Experiment())
    with start(trainer, tmp_path / "a" / "run") as lock:
        keeper = Keeper(lock, trainer, print)
        shutil.rmtree(tmp_path / "a")
        trainer.advance(5)
        assert keeper.save(trainer.run())
        assert load_run(tmp_path / "a" / "run").state.step == 5
        with pytest.raises(runs.InUse):
            runs.hold(tmp_path / "a" / "run")
        # Where another has taken its place meanwhile, that is left alone.
        shutil.rmtree(tmp_path / "a")
        other = Trainer(Experiment(seed=1))
        save_run(other.run(), tmp_path / "a" / "run", overwrite=True)
        assert not keeper.save(trainer.run())
        assert "holds another run" in keeper.trouble
        assert load_run(tmp_path / "a" / "run").id == other.id
        keeper.close(trainer)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 200 kB, or a skip where this user may not mount one."""
    directory = tmp_path / "small"
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", directory], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk; the failures of every call are tested without one")
    yield directory
    subprocess.run(["umount", "-l", directory], check=True)


@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount here")
def test_on_a_real_full_disk_the_old_save_stays_and_room_is_made_use_of(small_disk):
    trainer = Trainer(Experiment(keep=300))
    out = small_disk / "run"
    save_run(trainer.run(), out, evaluated=False)
    fill = small_disk / "fill"
    with pytest.raises(OSError, match="No space"), open(fill, "wb") as file:
        file.write(bytes(1 << 20))
    trainer.advance(200)
    with pytest.raises(InputError, match=r"cannot write .*: no space left on device"):
        save_run(trainer.run(), out, evaluated=False)
    assert load_run(out).state.step == 0
    assert safe.leftovers(out) == []
    fill.unlink()
    save_run(trainer.run(), out, evaluated=False)
    assert isinstance(load_run(out), Run)
    assert load_run(out).state.step == 200


def test_a_kill_between_the_moves_of_two_saves_loses_nothing(tmp_path):
    """Killed when the state was moved and its history was not; then killed again in the next save."""
    trainer = Trainer(Experiment())
    trainer.advance(5)
    save_run(trainer.run(), tmp_path, evaluated=False)
    for name in ("history.safetensors", "experiment.json"):
        (tmp_path / name).rename(tmp_path / f"{name}.next")
    assert load_run(tmp_path).state.step == 5
    trainer.advance(5)
    with safe.failing_call(6, errno.EIO, True), pytest.raises(InputError):
        save_run(trainer.run(), tmp_path, evaluated=False)
    assert load_run(tmp_path).state.step == 5


def test_a_summary_of_many_instances_is_the_same_json_with_a_line_each():
    rows = [{"number": i, "loss": None if i % 2 else i / 7} for i in range(1_000)]
    for n in (0, 1, 100, 101, 1_000):
        summary = {"step": 3, "instances": rows[:n], "changes": [{"field": "steps"}]}
        assert json.loads(saving._summary_text(summary)) == summary
    assert len(saving._summary_text({"instances": rows, "changes": []}).splitlines()) == 1_005
