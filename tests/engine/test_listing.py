"""Runs and sweeps in one list: looked at again at little cost, renamed and removed, never under a process."""

import os
import shutil

import pytest

from tms_engine import Experiment, InputError, Sweep, Trainer, load_run, save_run
from tms_engine.commands import main
from tms_engine.runs import InUse, hold
from tms_engine.runs import listing as of_runs
from tms_engine.sweeps import load_sweep
from tms_engine.sweeps.directory import Job, hold_job, shard_path
from tms_engine.sweeps.listing import ListedSweep, Lister, list_all, remove, rename

pytestmark = pytest.mark.slow

BASE = Experiment(n_features=3, n_hidden=1, steps=20, device="cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("made")
    trainer = Trainer(BASE)
    trainer.advance(10)
    save_run(trainer.run(), place / "run")
    Sweep(BASE, {"density": [1.0, 0.5]}, seeds=2, shard_models=1).train(place / "sweep")
    return place


@pytest.fixture
def here(made, tmp_path):
    shutil.copytree(made, tmp_path / "runs")
    (tmp_path / "runs" / "mine").mkdir()
    return tmp_path / "runs"


def names(entries):
    return {entry.path.name for entry in entries}


def test_a_sweep_is_listed_with_how_far_it_is(here, capsys):
    shard_path(here / "sweep", 3).unlink()
    (here / "broken").mkdir()
    (here / "broken" / "sweep.json").write_text("{")
    found = {entry.path.name: entry for entry in list_all(here)}
    assert set(found) == {"run", "sweep", "broken"}
    sweep = found["sweep"]
    assert isinstance(sweep, ListedSweep)
    assert (sweep.state, sweep.n_finished, sweep.problem) == ("stopped", 3, "")
    assert "is not valid JSON" in found["broken"].problem
    with hold_job(here / "sweep", Job(), "a test"):
        assert main(["runs", str(here)]) == 0
    lines = capsys.readouterr().out.splitlines()
    (line,) = (line for line in lines if line.startswith("sweep"))
    assert "sweep of 4 models: 2 density × 2 seeds" in line
    assert "3 of 4" in line
    assert main(["runs", str(here), "--json"]) == 0
    assert '"finished": 3' in capsys.readouterr().out


def test_what_has_not_changed_is_not_read_again(here, monkeypatch):
    looks = []
    listed = of_runs.listed
    monkeypatch.setattr(of_runs, "listed", lambda path: looks.append(path.name) or listed(path))
    lister = Lister(here)
    assert names(lister.poll()[0]) == {"run", "sweep"}
    assert names(lister.poll()[0]) == {"run", "sweep"}
    assert looks == ["run"]
    trainer = Trainer.resume(load_run(here / "run"))
    trainer.advance(10)
    save_run(trainer.run(), here / "run")
    (run,) = (entry for entry in lister.poll()[0] if entry.path.name == "run")
    assert looks == ["run", "run"]
    assert (run.status.step, run.status.state) == (20, "finished")
    shutil.rmtree(here / "run")
    assert names(lister.poll()[0]) == {"sweep"}


def test_a_look_that_would_take_long_goes_on_at_the_next(here):
    for k in range(5):
        shutil.copytree(here / "run", here / f"run-{k}")
    lister = Lister(here)
    seen = []
    for _ in range(10):
        entries, complete = lister.poll(0.0)
        seen.append(len(entries))
        if complete:
            break
    assert seen == sorted(seen)
    assert seen[-1] == 7


def test_a_run_and_a_sweep_are_renamed_whole_and_over_nothing(here, capsys):
    for name, load in (("run", load_run), ("sweep", load_sweep)):
        now = rename(here / name, f"{name} new")
        assert now == here / f"{name} new"
        assert not (here / name).exists()
        load(now)
        assert not list(now.rglob(".lock"))
        with hold(now / "jobs" / "1-of-1" if name == "sweep" else now, "a test"):
            pass  # nobody holds it
    for wanted, sentence in (
        ("mine", "is there already"),
        ("", "should be that of a directory"),
        ("a/b", "without a slash"),
        ("..", "should be that of a directory"),
        (".hidden", "would be hidden"),
    ):
        with pytest.raises(InputError, match=sentence):
            rename(here / "run new", wanted)
    with pytest.raises(InputError, match="is neither a run nor a sweep"):
        rename(here / "mine", "other")
    assert main(["runs", "--rename", str(here / "run new"), "again"]) == 0
    assert capsys.readouterr().out == f"{here / 'again'}\n"
    assert load_run(here / "again").state.step == 10


def test_what_a_process_holds_is_neither_renamed_nor_removed(here):
    with hold(here / "run", "a test"), hold_job(here / "sweep", Job(1, 2), "a test"):
        for name in ("run", "sweep"):
            with pytest.raises(InUse):
                rename(here / name, "other")
            with pytest.raises(InUse):
                remove(here / name)
    assert names(list_all(here)) == {"run", "sweep"}


def test_a_sweep_is_removed_but_what_is_not_its_own(here, capsys):
    (here / "sweep" / "mine.txt").touch()
    assert main(["runs", "--remove", str(here / "sweep"), "--yes"]) == 0
    assert "mine.txt" in capsys.readouterr().err
    assert os.listdir(here / "sweep") == ["mine.txt"]
    assert remove(here / "run") == []
    assert not (here / "run").exists()
    with pytest.raises(InputError, match="is not a run"):
        remove(here / "mine")
