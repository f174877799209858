"""`tms runs`: what it lists, and what it removes."""

import json
import os
import time

import pytest

from tms_engine import Experiment, Sweep, Trainer, load_run, load_sweep, save_run
from tms_engine.commands import main
from tms_engine.runs import hold, list_runs, prunable
from tms_engine.runs.beacon import Beacon
from tms_engine.sweeps.directory import Job, hold_job

pytestmark = pytest.mark.slow


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A current directory with runs: one of 10 steps, a damaged one, an abandoned one, and what is none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    runs = tmp_path / "runs"
    trainer = Trainer(Experiment(steps=20))
    trainer.advance(10)
    save_run(trainer.run(), runs / "a")
    save_run(trainer.run(), runs / "damaged")
    (runs / "damaged" / "state.safetensors").write_bytes(b"no")
    (runs / "abandoned").mkdir()
    (runs / "abandoned" / "history.safetensors.next").touch()
    (runs / "mine").mkdir()
    (runs / "mine" / "notes.txt").touch()
    (runs / "a" / "state.safetensors.99999999-00000000-0a0b0c0d.part").touch()
    for path in (runs / "abandoned", runs / "mine", *(runs / "a").glob("*.part")):
        os.utime(path, (1, 1))
    return runs


def test_runs_are_listed_with_what_they_are_and_where_they_stand(here, capsys):
    assert main(["runs"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "experiment", "step", "loss", "age", "size", "state"]
    assert {line.split()[0] for line in lines} == {"a", "damaged", "abandoned"}
    (a,) = (line for line in lines if line.startswith("a "))
    assert "8 → 3, bernoulli, S 0.95, seed 42" in a
    assert "10 of 20" in a
    assert a.endswith("stopped")
    assert any("damaged or no safetensors file" in line for line in lines)
    assert any(line.endswith("nothing was saved in it") for line in lines)
    assert main(["runs", "--json", str(here)]) == 0
    records = {os.path.basename(record["run"]): record for record in json.loads(capsys.readouterr().out)}
    assert (records["a"]["state"], records["a"]["step"], records["a"]["experiment"]["steps"]) == (
        "stopped",
        10,
        20,
    )
    assert records["damaged"]["state"] == "damaged"
    assert main(["runs", "nowhere"]) == 2
    assert capsys.readouterr().err == "tms: cannot read nowhere: no such file or directory\n"


def test_there_may_be_no_runs_yet(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMS_RUNS", str(tmp_path / "elsewhere"))
    assert main(["runs"]) == 0
    assert capsys.readouterr().err == f"no runs in {tmp_path / 'elsewhere'}\n"


def test_prune_says_what_it_would_remove_and_removes_no_run(here, capsys, monkeypatch):
    (here / "abandoned-2").mkdir()  # it may be another's that has just begun
    before = sorted(here.rglob("*"))
    assert main(["runs", "--prune"]) == 0
    said = capsys.readouterr().err
    assert "abandoned: nothing was saved in it" in said
    assert ".part: its writer was killed" in said
    assert "--yes removes it" in said
    assert sorted(here.rglob("*")) == before
    assert main(["runs", "--prune", "--yes"]) == 0
    gone = set(before) - set(here.rglob("*"))
    assert {path.name for path in gone} == {
        "abandoned",
        "history.safetensors.next",
        "state.safetensors.99999999-00000000-0a0b0c0d.part",
    }
    assert load_run(here / "a").state.step == 10
    assert prunable(here) == []


def test_a_run_is_removed_only_where_it_is_named_and_nobody_holds_it(here, capsys):
    with hold(here / "a", "a test"):
        assert main(["runs", "--remove", str(here / "a"), "--yes"]) == 2
        assert "is in use: a test" in capsys.readouterr().err
    (here / "a" / "figures").mkdir()
    (here / "a" / "figures" / "loss.png").touch()
    (here / "a" / "mine.txt").touch()
    assert main(["runs", "--remove", str(here / "a"), "--yes"]) == 0
    told = capsys.readouterr()
    assert told.out == f"{here / 'a'}\n"
    assert f"left in {here / 'a'}: mine.txt" in told.err
    assert [path.name for path in (here / "a").iterdir()] == ["mine.txt"]
    assert main(["runs", "--remove", str(here / "mine"), "--yes"]) == 2
    assert (here / "mine" / "notes.txt").exists()


def test_names_do_not_steer_the_terminal_and_nothing_of_a_hostile_directory_breaks_the_list(here, capsys):
    save_run(Trainer(Experiment()).run(), here / "\x1b[31mred")
    for name in ("pipe", "loop", "locked"):
        (here / name).mkdir()
    os.mkfifo(here / "pipe" / "state.safetensors")
    (here / "loop" / "experiment.json").symlink_to("experiment.json")
    (here / "loop-itself").symlink_to("loop-itself")
    (here / "locked" / "state.safetensors").touch(mode=0)
    began = time.monotonic()
    assert {listed.path.name for listed in list_runs(here)} == {
        "a",
        "abandoned",
        "damaged",
        "pipe",
        "loop",
        "locked",
        "\x1b[31mred",
    }
    assert main(["runs"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert time.monotonic() - began < 60


@pytest.fixture
def sweeps(here):
    """Beside the runs two sweeps: one that is finished, and one of which two of four shards are."""
    base = Experiment(n_features=2, n_hidden=1, steps=5, device="cpu")
    Sweep(base, {"sparsity": [0, 0.5]}, seeds=4, shard_models=2).train(here / "whole")
    partial = Sweep(base, {"sparsity": [0, 0.5]}, seeds=4, shard_models=2)
    partial.train(here / "part")
    for k in (1, 3):
        (here / "part" / "shards" / f"{k:06d}.safetensors").unlink()
    return here


def test_sweeps_are_listed_with_what_is_finished_and_who_trains_them(sweeps, capsys):
    def rows():
        assert main(["runs"]) == 0
        return {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}

    found = rows()
    assert {"a", "whole", "part"} <= set(found)
    assert "8 models: 2 sparsity × 4 seeds" in found["whole"]
    assert " 8 of 8 " in found["whole"]
    assert found["whole"].endswith("finished")
    assert " 4 of 8 " in found["part"]
    assert found["part"].endswith("stopped")
    with hold_job(sweeps / "part", Job(1, 2), "a test") as lock:
        beacon = Beacon(lock, "it", 4, 8)
        beacon.show(4, 8)
        assert f"running: a test, process {os.getpid()} on " in rows()["part"]
        assert main(["runs", "--json"]) == 0
        records = {r.get("sweep"): r for r in json.loads(capsys.readouterr().out)}
        record = records[str(sweeps.relative_to(sweeps.parent) / "part")]
        assert (record["state"], record["models"], record["finished"]) == ("running", 8, 4)
        assert record["holder"]["pid"] == os.getpid()
        beacon.end("stopped")
    assert rows()["part"].endswith("stopped")
    (sweeps / "part" / "sweep.json").write_text("{")
    assert "is not valid JSON" in rows()["part"]


def test_prune_takes_nothing_of_a_sweep_but_what_killed_processes_have_left(sweeps, capsys):
    for name in ("whole", "part"):
        (sweeps / name / "shards" / "000001.safetensors.99999999-00000000-0a0b0c0d.part").touch()
        for path in [*(sweeps / name).rglob("*"), sweeps / name]:
            os.utime(path, (1, 1))
    before = {path for path in sweeps.rglob("*") if "whole" in str(path) or "part" in path.parts}
    assert main(["runs", "--prune", "--yes"]) == 0
    gone = {path for path in before if not path.exists()}
    assert {path.name for path in gone} == {"000001.safetensors.99999999-00000000-0a0b0c0d.part"}
    assert len(gone) == 2
    assert len(load_sweep(sweeps / "whole").table()) == 8
    assert len(load_sweep(sweeps / "part").table()) == 4


def test_a_sweep_is_removed_only_where_it_is_named_and_nobody_trains_it(sweeps, capsys):
    whole = sweeps / "whole"
    with hold_job(whole, Job(2, 3), "a test"):
        assert main(["runs", "--remove", str(whole), "--yes"]) == 2
        assert "is in use: a test" in capsys.readouterr().err
    assert len(load_sweep(whole).table()) == 8
    (whole / "mine.txt").touch()
    assert main(["runs", "--remove", str(whole), "--yes"]) == 0
    told = capsys.readouterr()
    assert "?" not in told.err  # nobody was asked
    assert f"left in {whole}: mine.txt" in told.err
    assert [path.name for path in whole.iterdir()] == ["mine.txt"]
    assert main(["runs", "--remove", str(sweeps / "part"), "--yes"]) == 0
    assert not (sweeps / "part").exists()
