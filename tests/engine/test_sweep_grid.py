"""What a sweep is, and which model each row is: no model is trained here."""

import itertools
import json
import math
from collections import namedtuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tms_engine import Experiment, InputError, Sweep, preset
from tms_engine import experiment as experiment_module
from tms_engine.sweeps import directory
from tms_engine.sweeps import spec as spec_of
from tms_engine.sweeps.grid import coordinates_of, experiment_of, make_grid
from tms_engine.sweeps.spec import axis_values, make_spec, spec_from

SMALL = Experiment(n_features=3, n_hidden=2, steps=10)


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("sparsity", "0,0.5,.9", (0, 0.5, 0.9)),
        ("sparsity", "0:0.9:4", (0, 0.3, 0.6, 0.9)),
        ("density", "log:1:0.01:3", (1, 0.1, 0.01)),
        ("density", "log:1e-2:1:3", (0.01, 0.1, 1)),
        ("learning_rate", "0.01:0.01:1", (0.01,)),
        ("n_hidden", "2:8:3", (2, 5, 8)),
        ("steps", "1e3,2_000", (1000, 2000)),
        ("bias", "no,yes", (False, True)),
        ("model", "linear, tied_relu", ("linear", "tied_relu")),
        ("importance", "1,1;1,.5", ((1, 1), (1, 0.5))),
        ("relative_density", "1,1;1,.5", ((1, 1), (1, 0.5))),
        ("device", "cpu,cuda:0", ("cpu", "cuda:0")),
        ("init_std", ",0.5", (None, 0.5)),
    ],
)
def test_an_axis_as_text(name, text, values):
    found = axis_values(name, text)
    assert found == pytest.approx(values, rel=1e-15) if name == "density" else found == values
    assert found[0] == values[0]
    assert found[-1] == values[-1]


BAD = {
    "an experiment has no field 'foo'": ({"foo": [1]}, {}),
    "did you mean learning_rate": ({"lr": [1]}, {}),
    "n_instances is no axis": ({"n_instances": [1, 2]}, {}),
    "the axis sparsity has no values": ({"sparsity": []}, {}),
    "the axis sparsity should be a list of values": ({"sparsity": 0.5}, {}),
    "as in 0:0.9:10 or log:1:0.01:40, not '0:1'": ({"sparsity": "0:1"}, {}),
    "should end with how many values there are, not 'x'": ({"sparsity": "0:.5:x"}, {}),
    "should have 1 to 1,000,000 values": ({"sparsity": "0:.5:1e9"}, {}),
    "has both ends": ({"sparsity": "0:.5:1"}, {}),
    "should be above 0, for it is logarithmic": ({"learning_rate": "log:0:1:3"}, {}),
    "sparsity should be at least 0 and below 1, not 1.0": ({"sparsity": [0, 1]}, {}),
    "density should be above 0 and at most 1": ({"density": [0.5, 2]}, {}),
    "vary one of the two": ({"density": [0.5], "sparsity": [0.5]}, {}),
    "n_hidden should be a whole number, not 2.5": ({"n_hidden": "2:3:3"}, {}),
    "a value of the axis sparsity should be a number": ({"sparsity": [[0.1, 0.2]]}, {}),
    "importance should be 3 numbers": ({"importance": [[1, 1]]}, {}),
    "the point sparsity 0.5 is there twice": ({"sparsity": [0.5, 0.5]}, {}),
    "should have as many values each: sparsity has 1, n_hidden has 2": (
        {"sparsity": [0.5], "n_hidden": [1, 2]},
        {"zipped": [("sparsity", "n_hidden")]},
    ),
    "zipped names 'n_hidden', which is no axis": (
        {"sparsity": [0.5]},
        {"zipped": [("sparsity", "n_hidden")]},
    ),
    "zipped names sparsity twice": ({"sparsity": [0.5]}, {"zipped": [("sparsity",), ("sparsity",)]}),
    "seeds should be at least 1": ({}, {"seeds": 0}),
    "seeds should be a whole number": ({}, {"seeds": "x"}),
    "different numbers from 0 up": ({}, {"seeds": [3, 3]}),
    "where the models of two points are not paired": ({}, {"seeds": [3, 4], "paired": False}),
    "shard_models should be at least 1": ({}, {"shard_models": 0}),
    "comes to 10,000,000,000,000 models": ({}, {"seeds": 10**13}),
    "over 10,000 combinations": ({"steps": range(1, 12000)}, {}),
}


@pytest.mark.parametrize(("sentence", "given"), BAD.items(), ids=BAD)
def test_what_is_no_sweep_is_one_sentence(sentence, given):
    axes, settings = given
    with pytest.raises(InputError) as told:
        make_grid(make_spec(SMALL, axes, **settings))
    assert sentence in str(told.value)


@pytest.mark.parametrize(
    ("base", "sentence"),
    [
        (SMALL.replace(n_instances=4), "`seeds` says how many models a point has"),
        (SMALL.replace(instances=[7]), "`seeds` takes the numbers"),
        ("nosuch", "there is no preset 'nosuch'"),
    ],
)
def test_a_base_has_no_instances_of_its_own(base, sentence):
    with pytest.raises(InputError, match=sentence):
        make_spec(base)


AXES = {
    "n_hidden": [1, 2],
    "sparsity": [0.0, 0.5, 0.9],
    "batch_size": [8, 16],
    "importance": [(1, 1, 1), (1, 0.5, 0.25)],
}
Model = namedtuple("Model", "n_hidden batch_size sparsity importance number")


def test_rows_are_the_grid_families_first_and_seeds_fastest():
    grid = make_grid(make_spec(SMALL, AXES, seeds=2, shard_models=5))
    wanted = [
        Model(n_hidden, batch, sparsity, importance, number)
        for n_hidden, batch in itertools.product(AXES["n_hidden"], AXES["batch_size"])
        for sparsity, importance in itertools.product(AXES["sparsity"], AXES["importance"])
        for number in range(2)
    ]
    assert grid.n_models == len(wanted) == 48
    assert len(grid.families) == 4
    told = coordinates_of(grid, range(48))
    for row, model in enumerate(wanted):
        experiment = experiment_of(grid, [row])
        found = (
            experiment.n_hidden,
            experiment.batch_size,
            experiment.sparsity,
            experiment.importance,
            experiment.numbers()[0],
        )
        assert found == model
        assert told["n_hidden"][row] == model.n_hidden
        assert told["sparsity"][row] == model.sparsity
        assert told["importance"][row] == ",".join(f"{v:g}" for v in model.importance)
        assert told["number"][row] == model.number


@given(
    seeds=st.integers(1, 5),
    shard_models=st.integers(1, 40),
    n_sparsities=st.integers(1, 6),
    hidden=st.lists(st.integers(1, 4), unique=True, min_size=1, max_size=3),
)
def test_shards_have_every_row_once_and_share_what_a_batch_has_to(seeds, shard_models, n_sparsities, hidden):
    axes = {"sparsity": f"0:.9:{n_sparsities}" if n_sparsities > 1 else [0], "n_hidden": hidden}
    grid = make_grid(make_spec(SMALL, axes, seeds=seeds, shard_models=shard_models))
    rows = [row for shard in range(grid.n_shards) for row in grid.rows(shard)]
    assert rows == list(range(seeds * n_sparsities * len(hidden)))
    for shard in range(grid.n_shards):
        assert 1 <= len(grid.rows(shard)) <= shard_models
        assert experiment_of(grid, grid.rows(shard)).n_instances == len(grid.rows(shard))


def test_paired_models_have_one_number_and_others_their_own():
    axes = {"sparsity": "0:.9:4", "n_hidden": [1, 2]}
    paired = make_grid(make_spec(SMALL, axes, seeds=3))
    assert coordinates_of(paired, range(24))["number"].tolist() == [0, 1, 2] * 8
    chosen = make_grid(make_spec(SMALL, axes, seeds=[7, 5]))
    assert coordinates_of(chosen, range(16))["number"].tolist() == [7, 5] * 8
    apart = make_grid(make_spec(SMALL, axes, seeds=3, paired=False))
    assert coordinates_of(apart, range(24))["number"].tolist() == list(range(24))


def test_axes_that_are_zipped_go_in_step():
    axes = {"n_features": [3, 5, 3], "sparsity": [0.1, 0.2, 0.3], "n_hidden": [1, 2]}
    grid = make_grid(make_spec(SMALL, axes, zipped=[("n_features", "sparsity")]))
    told = coordinates_of(grid, range(grid.n_models))
    assert list(zip(told["n_features"], told["sparsity"], told["n_hidden"], strict=True)) == [
        (3, 0.1, 1), (3, 0.3, 1), (3, 0.1, 2), (3, 0.3, 2), (5, 0.2, 1), (5, 0.2, 2),
    ]  # fmt: skip
    assert [family.n_models for family in grid.families] == [2, 2, 1, 1]


def test_a_presets_lists_are_axes_in_step():
    grid = Sweep("phase-2-1", seeds=2).grid
    whole = preset("phase-2-1")
    assert grid.spec.coordinates == ("sparsity", "importance_decay")
    assert grid.n_models == 200
    one = experiment_of(grid, [2 * 37 + 1])
    assert (one.sparsity, one.importance_decay) == (whole.sparsity[37], whole.importance_decay[37])
    assert Sweep("phase-2-1", {"sparsity": [0.5]}).n_models == 10  # an axis goes over the list


def test_density_is_one_less_sparsity_to_the_digit():
    grid = Sweep(SMALL, {"density": [0.05, 1, 0.3]}).grid
    assert [experiment_of(grid, [row]).sparsity for row in range(3)] == [0.95, 0, 0.7]


def test_the_notebooks_joint_scale_is_that_of_the_base():
    base = preset("paper-5-2").replace(init="joint_xavier")
    one = Sweep(base, {"n_hidden": [1, 2]}, seeds=5).experiment(60)
    assert one.first_std == base.replace(n_hidden=2).first_std


def test_json_gives_the_same_sweep():
    for axes in (AXES, {"density": "log:1:.01:5", "init_std": [None, 0.5], "bias": [True, False]}, {}):
        grid = make_grid(make_spec(SMALL, axes, seeds=[3, 9], per_feature=True))
        again = make_grid(spec_from(json.loads(grid.spec.to_json()), "there"))
        assert again.spec == grid.spec
        assert again.edges == grid.edges


def test_an_identity_is_that_of_the_models_wherever_they_are_trained():
    spec = make_spec(SMALL, AXES)
    assert (
        make_spec(SMALL.replace(device="cpu", kernel="torch"), AXES, shard_models=3).identity == spec.identity
    )
    others = [
        make_spec(SMALL.replace(seed=1), AXES),
        make_spec(SMALL, {**AXES, "n_hidden": [1, 3]}),
        make_spec(SMALL, AXES, seeds=2),
        make_spec(SMALL, AXES, seeds=2, paired=False),
        make_spec(SMALL, AXES, weights=True),
    ]
    assert len({spec.identity, *(other.identity for other in others)}) == 6


def test_a_hundred_million_models_are_no_work_to_lay_out():
    grid = make_grid(
        make_spec(SMALL, {"sparsity": "0:.99:1000", "importance_decay": "log:.1:1:1000"}, seeds=100)
    )
    assert grid.n_models == 10**8
    assert grid.n_shards <= 40_000
    row = 31_415_926
    assert experiment_of(grid, [row]).numbers()[0] == row % 100
    assert math.isclose(experiment_of(grid, [row]).sparsity, 0.99 * (row // 100_000) / 999)


def test_what_does_not_fit_the_disk_or_memory_is_told_before_anything_is_made(tmp_path):
    huge = Sweep(SMALL, seeds=10**11)
    with pytest.raises(InputError, match=r"100,000,000,000 models takes about .* GiB of memory"):
        huge.train(tmp_path / "out")
    with pytest.raises(InputError, match=r"100,000,000,000 models take about .* GiB on disk"):
        directory.check_disk(tmp_path / "out", huge.grid)
    with pytest.raises(InputError, match=r"n_features 3, .*need about .* GiB of memory"):
        Sweep(SMALL, {"n_hidden": [1, 10**9]}).train(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_rows_of_several_families_are_no_run():
    sweep = Sweep(SMALL, {"n_hidden": [1, 2]}, seeds=2)
    with pytest.raises(InputError, match="models of one run have the same n_hidden"):
        sweep.experiment([0, 3])
    with pytest.raises(InputError, match="row should be from 0 to 3, not 4"):
        sweep.experiment(4)
    with pytest.raises(InputError, match="row should be at least 0"):
        sweep.experiment(-1)
    with pytest.raises(InputError, match="rows should be numbers"):
        sweep.experiment("first")
    with pytest.raises(InputError, match="at least one row"):
        sweep.experiment([])


def test_a_million_times_a_million_models_are_refused_before_any_value_is_looked_at(monkeypatch):
    monkeypatch.setattr(spec_of, "axis_values", None)
    axes = {"sparsity": "0:.99:1000000", "importance_decay": "log:.1:1:1000000"}
    with pytest.raises(InputError, match="comes to 1,000,000,000,000 models; at most 100,000,000,000"):
        make_spec(SMALL, axes)
    with pytest.raises(InputError, match="comes to 1,000,000,000,000 models"):
        make_spec(SMALL, {"sparsity": np.zeros(10**6), "learning_rate": np.ones(10**6)})


def test_a_field_is_checked_by_what_was_made_once():
    assert experiment_module._validator("sparsity") is experiment_module._validator("sparsity")
    assert len(axis_values("sparsity", "0:.99:20000")) == 20_000


def test_models_that_take_long_share_shards_where_a_step_costs_much_once():
    # torch's operations cost as much for one small model as for several: what they do, not what is in them.
    base = Experiment(n_features=10, n_hidden=5, batch_size=1024, steps=10_000)
    by_torch = make_grid(make_spec(base.replace(model="relu_hidden"), {}, seeds=192))
    assert 8 <= len(by_torch.rows(0)) <= 64
    large = base.replace(model="relu_hidden", n_features=1000, n_hidden=100)
    assert len(make_grid(make_spec(large, {}, seeds=192)).rows(0)) == 1
    walked = base.replace(n_features=100, n_hidden=50)
    assert len(make_grid(make_spec(walked, {}, seeds=192)).rows(0)) <= 6


def test_jobs_meet_where_they_may_have_a_shard_in_common():
    jobs = [directory.Job(k, of) for of in (1, 2, 3) for k in range(1, of + 1)]
    for one, other in itertools.product(jobs, jobs):
        common = any(one.has(shard) and other.has(shard) for shard in range(6))
        assert one.meets(other) == (common or one.of != other.of)
    assert directory.job_from("3/16") == (3, 16)
    for text in ("0/2", "3/2", "x", "1", "1/", "1/0", ""):
        with pytest.raises(InputError, match="should be K/N"):
            directory.job_from(text)


def test_columns_of_coordinates_have_a_type():
    grid = make_grid(make_spec(SMALL, {"init_std": [None, 0.5], "bias": [True, False], "steps": [5, 6]}))
    told = coordinates_of(grid, range(8))
    assert [told[name].dtype for name in ("init_std", "bias", "steps")] == [np.float64, bool, np.int64]
    assert np.isnan(told["init_std"][0])
