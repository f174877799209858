"""Sweeps that are trained: each model is that of its experiment by itself, and the table has it once."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tms_engine import (
    Experiment,
    InputError,
    Run,
    Sweep,
    Trainer,
    evaluate,
    geometry,
    load_run,
    load_sweep,
    phases,
    register_law,
    save_run,
)
from tms_engine.commands import main
from tms_engine.runs import InUse
from tms_engine.runs.lock import hold
from tms_engine.sweeps import follow, merge
from tms_engine.sweeps import sweep as sweep_module
from tms_engine.sweeps.directory import CSV, JOBS, SPEC, TABLE, Job, hold_job, shard_path
from tms_engine.sweeps.shards import COLUMNS, read_shard

pytestmark = pytest.mark.slow

BASE = Experiment(n_features=3, n_hidden=2, bias=True, steps=40, device="cpu")
AXES = {"n_hidden": [1, 2], "density": [1, 0.1], "importance": [(1, 1, 1), (1, 0.5, 0.25)]}


def small(**settings: object) -> Sweep:
    return Sweep(BASE, AXES, **{"seeds": 3, "weights": True, "per_feature": True, **settings})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    sweep = small(shard_models=5)
    sweep.train(tmp_path_factory.mktemp("sweep") / "out")
    return sweep


def test_each_model_has_the_bits_of_its_experiment_by_itself(trained: Sweep) -> None:
    table = trained.table()
    assert len(table) == trained.n_models == 24
    for row in (0, 4, 5, 11, 17, 23):
        of = table.row(row, named=True)
        trainer = Trainer(
            BASE.replace(
                n_hidden=of["n_hidden"],
                sparsity=1 - of["density"],
                importance=of["importance"],
                instances=[of["number"]],
            )
        )
        trainer.advance(40)
        alone, ours = trainer.run(), trained.run(row)
        for here, there in zip(ours.state[1:4], alone.state[1:4], strict=True):
            assert all(np.array_equal(here[name], there[name]) for name in there)
        assert of["loss"] == evaluate(alone).loss[0]
        assert of["represented"] == geometry.represented(alone.weights).sum()
        assert of["total_dimensionality"] == geometry.dimensionality(alone.weights).sum()
        assert of["norm_2"] == geometry.norms(alone.weights)[0, 2]
        assert of["trained_by"] == alone.kernel == "lanes"


@pytest.mark.parametrize("shard_models", [1, 7, None])
def test_the_table_does_not_depend_on_how_the_models_are_divided(
    trained: Sweep, shard_models: int | None
) -> None:
    assert small(shard_models=shard_models).train().equals(trained.table())


def test_any_executor_trains_the_same(trained: Sweep) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert small(shard_models=4).train(executor=pool).equals(trained.table())


def test_a_sweep_of_2_to_1_models_finds_the_optimum_and_its_phase() -> None:
    base = Experiment(
        n_features=2,
        n_hidden=1,
        bias=True,
        steps=4000,
        batch_size=64,
        schedule="cosine",
        init="xavier",
        device="cpu",
    )
    sweep = Sweep(
        base, {"density": [0.9, 0.3, 0.05], "importance_decay": [0.2, 0.8, 3.0]}, seeds=8, weights=True
    )
    best = sweep.train().sort("loss").group_by("density", "importance_decay", maintain_order=True).first()
    assert len(best) == 9
    weights = np.concatenate([sweep.weights([row]) for row in best["row"]])[..., 0]
    p, r = best["density"].to_numpy(), best["importance_decay"].to_numpy()
    optimum = phases.optimum(p, r)
    assert (phases.phase_of(weights) == phases.phase_of(optimum.weights)).all()
    # The table's loss is a mean over the two features, the optimum's their sum.
    excess = 2 * best["loss"].to_numpy() / optimum.loss - 1
    assert excess.min() > -0.02
    assert excess.max() < 0.05


def test_a_sweep_goes_on_where_it_stopped_and_finished_shards_never_run_again(
    tmp_path, trained, monkeypatch
) -> None:
    out, ran = tmp_path / "out", []

    def counted(grid, shard, **options):
        found = sweep_train_shard(grid, shard, **options)
        if found is not None:
            ran.append(shard)
        return found

    sweep_train_shard = sweep_module.train_shard
    monkeypatch.setattr(sweep_module, "train_shard", counted)
    partial = small(shard_models=5).train(out, should_stop=lambda: len(ran) >= 3)
    assert ran == [0, 1, 2]
    assert partial["row"].to_list() == list(range(len(partial)))
    assert not (out / TABLE).exists()
    assert partial.equals(trained.table().head(len(partial)))
    assert load_sweep(out).train().equals(trained.table())
    assert ran == list(range(trained.n_shards))
    small(shard_models=5).train(out)
    small().train(out)  # whatever its own shards would be
    assert ran == list(range(trained.n_shards))
    assert pl.read_parquet(out / TABLE).equals(trained.table())


@pytest.mark.parametrize("damage", ["cut short", "one byte", "empty", "another's"])
def test_a_damaged_shard_is_trained_again_and_no_other(tmp_path, trained, damage, monkeypatch) -> None:
    out = tmp_path / "out"
    small(shard_models=5).train(out)
    place = shard_path(out, 2)
    content = place.read_bytes()
    place.write_bytes(
        {
            "cut short": content[: len(content) // 2],
            "one byte": content[:-400] + bytes([content[-400] ^ 1]) + content[-399:],
            "empty": b"",
            "another's": shard_path(out, 1).read_bytes(),
        }[damage]
    )
    if damage == "one byte":  # in the weights, which the table does not need
        with pytest.raises(InputError, match="is damaged"):
            read_shard(place, load_sweep(out).grid, 2, state=True)
    else:
        with pytest.raises(InputError, match=r"1 of 6 shards of .* are not finished"):
            merge(out)
        (out / TABLE).unlink()
        before = {k: shard_path(out, k).stat().st_mtime_ns for k in range(6)}
        assert load_sweep(out).train().equals(trained.table())
        after = {k: shard_path(out, k).stat().st_mtime_ns for k in range(6)}
        assert [k for k in range(6) if before[k] != after[k]] == [2]
    assert pl.read_parquet(out / TABLE).equals(trained.table())


def test_another_sweep_or_other_files_are_left_as_they_are(tmp_path, trained) -> None:
    with pytest.raises(InputError, match="has another sweep, with seeds 3, not 2"):
        small(seeds=2).train(trained.directory)
    with pytest.raises(InputError, match="another sweep, with steps 40, not 50"):
        Sweep(BASE.replace(steps=50), AXES, seeds=3).train(trained.directory)
    with pytest.raises(InputError, match="another sweep, with other values of density"):
        Sweep(BASE, {**AXES, "density": [1, 0.2]}, seeds=3).train(trained.directory)
    with pytest.raises(InputError, match="in other shards"):
        small(shard_models=6).train(trained.directory)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty, and no sweep"):
        small().train(tmp_path)
    with pytest.raises(InputError, match=r"it is a file|Not a directory|not a directory"):
        small().train(tmp_path / "mine.txt")
    assert os.listdir(tmp_path) == ["mine.txt"]
    (tmp_path / "broken").mkdir()
    for text, sentence in [
        ("{", "is not valid JSON"),
        ("[]", "should be a table of settings"),
        ('{"seeds": 0}', "seeds should be at least 1"),
        ('{"sparsity": 0.5}', "sparsity belongs under"),
        ('{"axes": 3}', "axes should be a table of axes"),
        ('{"zipped": [3]}', "zipped should be a list of lists"),
        ('{"nonsense": 3}', "a sweep has no setting 'nonsense'"),
    ]:
        (tmp_path / "broken" / SPEC).write_text(text)
        with pytest.raises(InputError, match=sentence):
            load_sweep(tmp_path / "broken")
    with pytest.raises(InputError, match="is no directory of a sweep"):
        load_sweep(tmp_path)


def test_rows_are_selected_by_their_coordinates(trained: Sweep) -> None:
    assert trained.select(density=0.1, n_hidden=2)["row"].to_list() == list(range(18, 24))
    assert trained.select(sparsity=0.9, number=1)["number"].to_list() == [1, 1, 1, 1]
    assert trained.select(importance=(1, 0.5, 0.25), n_hidden=[1, 2], density=1, number=0)[
        "row"
    ].to_list() == [3, 15]
    assert trained.select(importance="1,1,1").height == 12
    with pytest.raises(InputError, match=r"density has no value 0.11 in this table; the nearest is 0.1"):
        trained.select(density=0.11)
    with pytest.raises(
        InputError, match="steps is no axis of this sweep; its axes are n_hidden, density, importance"
    ):
        trained.select(steps=40)
    with pytest.raises(InputError, match="importance has no value '1,2,3'"):
        trained.select(importance="1,2,3")
    with pytest.raises(InputError, match="density should be a number"):
        trained.select(density="x")


def test_models_come_back_as_a_run_that_is_saved_and_trained_on(tmp_path, trained: Sweep) -> None:
    rows = trained.select(n_hidden=2, number=1)
    kept, again = trained.run(rows), trained.run(rows, history=True)
    assert kept.experiment == again.experiment == trained.experiment(rows["row"].to_list())
    assert kept.experiment.numbers().tolist() == [1, 1, 1, 1]
    for name, value in kept.state.parameters.items():
        assert np.array_equal(value, again.state.parameters[name])
    assert kept.history.steps == [40]
    assert again.history.steps[0] == 0
    save_run(kept, tmp_path / "run")
    on, whole = Trainer.resume(load_run(tmp_path / "run")), Trainer(kept.experiment)
    on.advance(30)
    whole.advance(70)
    assert np.array_equal(on.run().weights, whole.run().weights)
    order = trained.run([23, 19])
    assert np.array_equal(order.weights[1], trained.run(trained.table().row(19, named=True)).weights[0])
    assert trained.weights([20]).shape == (1, 3, 2)
    with pytest.raises(InputError, match="have the same n_hidden"):
        trained.weights()


def test_what_was_not_kept_is_trained_again_to_the_same_bits(trained: Sweep) -> None:
    forgetful = small(weights=False)
    forgetful.train()
    assert np.array_equal(forgetful.run([13, 2 + 12]).weights, trained.run([13, 14]).weights)
    before = small().run(5)  # not trained at all
    assert np.array_equal(before.weights, trained.run(5).weights)
    assert isinstance(before, Run)
    with pytest.raises(InputError, match="not trained yet"):
        small().table()


def test_a_diverged_model_has_no_loss_and_others_have(tmp_path) -> None:
    sweep = Sweep(BASE, {"learning_rate": [0.01, 1e38]}, seeds=2)
    table = sweep.train(tmp_path / "out")
    assert table["diverged_at"].is_null().to_list() == [True, True, False, False]
    assert table["loss"].head(2).is_finite().all()
    loss = table["loss"].to_list()[2:]
    assert all(value is None or np.isfinite(value) for value in loss)


def test_a_sweep_is_followed_while_it_fills(tmp_path, trained: Sweep) -> None:
    out, looks = tmp_path / "out", []

    def look(progress) -> None:
        if not looks:
            looks.append(follow(out))
        now = looks[0].poll()
        assert now.n_finished == progress.n_finished
        assert now.is_running
        looks.append((now.n_finished, now.finished.sum(), np.isfinite(now.columns["loss"]).sum(), now.news))

    table = small(shard_models=5).train(out, on_progress=look)
    counts = [n for n, *_ in looks[1:]]
    assert counts[0] == 0
    assert set(counts) >= {4, 8, 12, 16, 20}
    assert counts == sorted(counts)
    assert all(n == finished == losses for n, finished, losses, _ in looks[1:])
    last = looks[0].poll()
    assert not last.is_running
    assert last.fraction == 1
    assert [r for *_, news in looks[1:] for r in news] + list(last.news) == [
        trained.grid.rows(k) for k in range(6)
    ]
    for name in ("loss", "represented", "total_dimensionality"):
        assert np.array_equal(last.columns[name], table[name].to_numpy())
    assert [last.names[k] for k in last.columns["name"]] == table["name"].to_list()
    assert last.coordinates["importance"].tolist() == table["importance"].to_list()
    assert looks[0].spec.values("density") == (1, 0.1)


def test_jobs_share_a_sweep_and_merging_is_one_command(tmp_path, trained, capsys) -> None:
    out, fields = str(tmp_path / "out"), ["--n-features", "3", "--bias", "--steps", "40", "--device", "cpu"]
    fields += ["--n-hidden", "1,2", "--density", "1,0.1", "--importance", "1,1,1;1,.5,.25", "--seeds", "3"]
    fields += ["--shard-models", "5", "--weights", "--per-feature", "--out", out]
    assert main(["sweep", *fields, "--shard", "2/3"]) == 0
    assert main(["sweep", "--merge", out]) == 2
    assert "4 of 6 shards of" in capsys.readouterr().err
    assert sorted(int(path.stem) for path in (tmp_path / "out" / "shards").iterdir()) == [1, 4]
    assert main(["sweep", *fields, "--shard", "1/3"]) == 0
    assert main(["sweep", out, "--shard", "3/3"]) == 0
    assert "tms sweep --merge" in capsys.readouterr().err
    assert main(["sweep", "--merge", out, "--csv", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["models"] == 24
    assert told["diverged"] == 0
    assert pl.read_parquet(told["table"]).equals(trained.table())
    assert pl.read_csv(tmp_path / "out" / CSV)["loss"].equals(trained.table()["loss"])
    assert main(["sweep", out, "--seeds", "4"]) == 2
    assert "--seeds belongs to a new sweep" in capsys.readouterr().err


def test_two_processes_do_not_train_the_same_shards(tmp_path) -> None:
    with hold_job(tmp_path, Job(1, 2), "one"), hold_job(tmp_path, Job(2, 2), "two"):
        for job in (Job(1, 2), Job(1, 1), Job(3, 3)):
            with (
                pytest.raises(InUse, match=r"is in use: (one|two), process"),
                hold_job(tmp_path, job, "three"),
            ):
                pass
    with hold_job(tmp_path, Job(3, 3), "three"), hold(tmp_path / JOBS / "table"):
        pass


def test_a_spec_file_says_it_all(tmp_path, capsys) -> None:
    spec = tmp_path / "mine.toml"
    spec.write_text(
        'preset = "gist"\nseeds = 2\nzipped = [["n_features", "n_hidden"]]\n'
        '[base]\nsteps = 20\ndevice = "cpu"\n'
        '[axes]\nn_features = [3, 4]\nn_hidden = [1, 2]\nsparsity = "0:0.9:3"\n'
    )
    out = tmp_path / "out"
    assert main(["sweep", str(spec), "--out", str(out), "--seeds", "1", "--sparsity", "0.5", "-q"]) == 0
    table = pl.read_parquet(out / TABLE)
    assert table.columns[:4] == ["row", "n_features", "n_hidden", "number"]
    assert table.select("n_features", "n_hidden").rows() == [(3, 1), (4, 2)]
    assert main(["sweep", str(out / SPEC), "--out", str(tmp_path / "again"), "-q"]) == 0
    assert pl.read_parquet(tmp_path / "again" / TABLE).equals(table)
    spec.write_text("seeds = 'many'")
    assert main(["sweep", str(spec), "--out", str(tmp_path / "none")]) == 2
    assert "seeds should be a whole number, not 'many'" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_law_of_a_script_may_be_varied(tmp_path) -> None:
    from tms_engine.data.stream import active, magnitude

    def always_half(word, parameters):
        return magnitude(word) * active(word, 0 * parameters.density + 0.5)

    register_law("always_half", sample=always_half)
    table = Sweep(BASE, {"features": ["bernoulli", "always_half"]}).train()
    assert table["features"].to_list() == ["bernoulli", "always_half"]
    assert table["trained_by"].to_list() == ["lanes", "torch"]


def test_no_history_is_kept_or_written(tmp_path, monkeypatch) -> None:
    trainers = []

    class Seen(Trainer):
        def __init__(self, experiment: Experiment) -> None:
            super().__init__(experiment)
            trainers.append(self)

    monkeypatch.setattr("tms_engine.sweeps.shards.Trainer", Seen)
    base = BASE.replace(steps=3000, keep=500)
    Sweep(base, {"sparsity": [0, 0.9]}, seeds=2, shard_models=2).train(tmp_path / "out")
    assert [trainer.run().history.steps for trainer in trainers] == [[], []]
    assert sorted(p.name for p in (tmp_path / "out").rglob("*") if p.is_file() and p.name != ".lock") == [
        "000000.safetensors",
        "000001.safetensors",
        "progress.json",
        SPEC,
        TABLE,
    ]
    from tms_engine.runs.tensors import read_tensors

    arrays, _ = read_tensors(shard_path(tmp_path / "out", 0))
    assert set(arrays) == set(COLUMNS)  # and no weights


def test_a_directory_called_as_a_preset_is_no_sweep_to_go_on_with(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gist").mkdir()
    assert main(["sweep", "--steps", "3", "--out", "mine", "-q"]) == 0
    assert main(["sweep", "gist", "--steps", "3", "--out", "mine", "-q"]) == 0
    assert main(["sweep", "mine", "-q"]) == 0
    capsys.readouterr()
    assert main(["show", "mine"]) == 2
    assert "mine is a sweep, not a run: `load_sweep('mine').run(row)` makes one" in capsys.readouterr().err
    (tmp_path / "other").mkdir()
    assert main(["sweep", "other"]) == 2
    assert "other is no directory of a sweep" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[base]\nnope = 3", "mine.toml: an experiment has no field 'nope'"),
        ("[axes]\ndensity = [0, 1]", "mine.toml: density should be above 0 and at most 1, not 0"),
        ('zipped = [["n_hidden"]]\n[axes]\nn_hidden = [1, 2]', "zipped names n_hidden alone"),
    ],
)
def test_mistakes_in_a_file_name_it_and_what_would_be_right(tmp_path, monkeypatch, capsys, text, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(text)
    assert main(["sweep", "mine.toml", "--out", "none"]) == 2
    assert sentence in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["mine.toml"]


def test_a_value_that_is_not_set_is_selected_too() -> None:
    sweep = Sweep(BASE.replace(steps=5), {"init_std": [None, 0.5]})
    sweep.train()
    assert sweep.select(init_std=None)["row"].to_list() == [0]
    assert sweep.select(init_std=0.5)["row"].to_list() == [1]


def test_nothing_is_left_in_the_temporary_directory(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    sweep = Sweep(BASE)
    sweep.train()
    place = sweep.directory
    assert isinstance(place, Path)
    assert place.parent == tmp_path
    del sweep
    assert list(tmp_path.iterdir()) == []
