"""The diagram of a sweep: what is known of each point is what its table and its weights say."""

import shutil

import numpy as np
import pytest

from tms_engine import Experiment, InputError, Sweep, theory
from tms_engine.analysis import extra
from tms_engine.analysis.geometry import interference, norms
from tms_engine.analysis.strategies import STATES
from tms_engine.sweeps import diagram as d
from tms_engine.sweeps.directory import shard_path
from tms_engine.sweeps.spec import make_spec

BASE = Experiment(n_features=3, n_hidden=2, bias=True, steps=30, device="cpu")
RATIOS = [[1.0, 1.0, r] for r in (0.5, 2.0)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    axes = {"density": [1.0, 0.3, 0.1], "importance": RATIOS}
    sweep = Sweep(BASE, axes, seeds=3, paired=False, weights=True, shard_models=4)
    sweep.train(tmp_path_factory.mktemp("sweep") / "out")
    return sweep


@pytest.mark.slow
def test_a_point_is_its_best_model_and_the_mean_over_all_but_the_worst(trained: Sweep) -> None:
    assert trained.directory is not None
    followed = d.Diagram(trained.directory)
    seen = followed.poll()
    assert (seen.n_models, seen.n_finished, seen.is_running, seen.died) == (18, 18, False, False)
    table, points = trained.table(), seen.points
    loss = table["loss"].to_numpy().reshape(6, 3)
    assert points.best.tolist() == (loss.argmin(1) + 3 * np.arange(6)).tolist()
    best = table[points.best.tolist()]
    assert points.loss.tolist() == best["loss"].to_list()
    assert [seen.names[k] for k in points.name] == best["name"].to_list()
    assert points.represented.tolist() == best["represented"].to_list()
    weights = trained.weights().astype(np.float64)
    length, shared = norms(weights).reshape(6, 3, 3), interference(weights).reshape(6, 3, 3)
    kept = loss.argsort(1)[:, :2]
    for k in range(6):
        assert points.norm is not None
        assert points.norm[k] == pytest.approx(length[k, loss[k].argmin()], rel=1e-5)
        assert points.mean_norm[k] == pytest.approx(length[k, kept[k]].mean(0), rel=1e-5)
        assert points.mean_interference[k] == pytest.approx(shared[k, kept[k]].mean(0), rel=1e-4, abs=1e-9)
    # Each point is where its coordinates are.
    for axis, places in zip(followed.axes, followed.places, strict=True):
        (name,) = axis.names
        values = table[name].to_list()[::3]
        told = [
            ",".join(f"{v:g}" for v in axis.values[p][0]) if name == "importance" else axis.values[p][0]
            for p in places
        ]
        assert told == values


@pytest.mark.slow
def test_half_a_shard_is_not_finished_and_a_directory_that_is_gone_is_a_sentence(trained, tmp_path) -> None:
    out = tmp_path / "out"
    shutil.copytree(trained.directory, out)
    whole = shard_path(out, 1).read_bytes()
    shard_path(out, 1).write_bytes(whole[: len(whole) // 2])
    followed = d.Diagram(out)
    seen = followed.poll()
    assert seen.n_finished == 14
    assert seen.points.finished.tolist() == [3, 0, 2, 3, 3, 3]
    before = seen.points
    shard_path(out, 1).write_bytes(whole)
    assert followed.poll().points.finished.tolist() == [3] * 6
    assert before.finished.tolist() == [3, 0, 2, 3, 3, 3]  # what was seen does not change
    shutil.rmtree(out)
    with pytest.raises(InputError, match="is gone"):
        followed.poll()
    with pytest.raises(InputError, match="is no directory of a sweep"):
        d.Diagram(tmp_path)


def test_fields_that_form_a_grid_are_axes_of_their_own_and_those_in_step_are_one() -> None:
    axes = d.axes_of(make_spec("phase-2-1", {}))
    assert [(axis.names, len(axis.values)) for axis in axes] == [
        (("sparsity",), 10),
        (("importance_decay",), 10),
    ]
    zipped = make_spec(
        "gist", {"n_features": [4, 8], "n_hidden": [2, 3]}, zipped=[("n_features", "n_hidden")]
    )
    (axis,) = d.axes_of(zipped)
    assert (axis.label, axis.told(1), axis.numbers()) == ("n_features, n_hidden", "8, 3", None)
    (axis,) = d.axes_of(make_spec(BASE, {"importance": RATIOS}))
    assert (axis.label, axis.told(1)) == ("importance of feature 2", "2")
    assert axis.numbers().tolist() == [0.5, 2.0]
    (axis,) = d.axes_of(make_spec(BASE, {"features": ["bernoulli", "correlated"]}))
    assert (axis.label, axis.told(0), axis.numbers()) == ("features", "bernoulli", None)
    assert d.axes_of(make_spec(BASE, {})) == ()


def test_theory_is_asked_where_there_is_one() -> None:
    two = BASE.replace(n_features=2, n_hidden=1)
    axes = {"density": [1.0, 0.1], "importance": [[1, 0.3], [2, 6]], "learning_rate": [0.1, 0.01]}
    found = d.theory_of(make_spec(two, axes))
    assert found is not None
    assert (found.n_hidden, found.density_axis, found.ratio_axis) == (1, 0, 1)
    assert found.ratio.tolist() == [0.3, 3.0]
    assert d.theory_of(make_spec("phase-2-1", {})) is not None
    assert d.theory_of(make_spec(BASE, {"density": [1, 0.1], "importance": RATIOS})) is not None
    for base, other in (
        (two.replace(bias=False), axes),
        (two.replace(model="linear"), axes),
        (two, {"density": [1.0, 0.1]}),
        (two, {**axes, "features": ["bernoulli", "n_active"]}),
        (BASE.replace(n_features=5), {"density": [1, 0.1], "importance_decay": [0.5, 1]}),
        (BASE, {"density": [1, 0.1], "importance_decay": [0.5, 0.9]}),  # .5 and .25 are no 1, 1, r
    ):
        assert d.theory_of(make_spec(base, other)) is None


def test_theory_of_two_features_has_the_borders_that_are_known() -> None:
    ratio = np.array([0.1, 0.9, 1 / 0.9, 10.0])
    of = d.TheoryOf(1, 0, 1, np.array([1.0, 0.3, 0.05]), ratio)
    *_, last = d.theory(of)
    names = np.array(STATES)
    for p, pure, best in zip(of.density, names[last.pure], names[last.optimum], strict=True):
        border = theory.pure_strategy_boundary(p)
        lower = "in superposition" if border < 0.9 else "not represented"
        assert pure[1] == lower
        assert best.tolist() == extra.optimal_states(1, p, ratio)[1].tolist()
    assert names[last.pure[0]].tolist() == ["not represented"] * 2 + ["dedicated"] * 2
    assert names[last.pure[2, 1]] == names[last.optimum[2, 1]] == "in superposition"


def test_interference_follows_from_norm_and_dimensionality() -> None:
    from tms_engine.analysis.geometry import dimensionality

    weights = np.random.default_rng(0).normal(size=(4, 6, 3))
    weights[0, 0] = 0
    found = d.interference_of(norms(weights), dimensionality(weights))
    assert found == pytest.approx(interference(weights), rel=1e-9)
