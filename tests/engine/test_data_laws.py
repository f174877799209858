"""Sets of several sizes, children, densities of each feature, magnitudes, and a fixed data set."""

import math

import numpy as np
import pytest

from tms_engine import Experiment, InputError, Trainer, evaluate, load_run, sampling, save_run
from tms_engine.arrays import to_host
from tms_engine.data import stream
from tms_engine.training import kernels

CPU = "cpu"
# A device that is not "cpu" by name: what is done on it is done with torch, as on a GPU.
TORCHS_CPU = "cpu:0"
ROWS = 100_000

UNUSUAL = [
    {"features": "correlated", "set_size": (3, 2, 2, 1)},
    {"features": "anticorrelated", "set_size": (3, 4, 1)},
    {"features": "hierarchical", "follow_probability": 0.3},
    {"features": "hierarchical", "set_size": (1, 3, 4)},
    {"features": "at_least_one", "sparsity": 0.99},
    {"features": "at_least_one", "relative_density": (0, 1, 2, 3, 4, 5, 6, 7)},
    {"relative_density": (1, 1, 1, 0.5, 1, 1, 1, 30)},
    {"magnitudes": "exponential"},
    {"magnitudes": "signed"},
    {"magnitudes": "constant", "unit_rows": True},
    {"dataset_rows": 50},
]


def draw(rows=ROWS, **fields) -> np.ndarray:
    return sampling.fresh(Experiment(**fields), 0, rows, stream.CLOUD, CPU)


def assert_probability(observed: np.ndarray, p: float, rows: float = ROWS) -> None:
    """Every entry of `observed`, each a mean over so many coins, is within 5 standard errors of p."""
    assert np.abs(observed - p).max() <= 5 * math.sqrt(p * (1 - p) / rows)


def together(active: np.ndarray, j: int, k: int) -> float:
    return float((active[:, j] & active[:, k]).mean())


def test_sets_of_several_sizes_fire_each_as_one_and_apart_from_the_others():
    active = draw(features="correlated", set_size="3,2,2,1", sparsity=0.8) > 0
    for first, size in ((0, 3), (3, 2), (5, 2), (7, 1)):
        assert (active[:, first : first + size] == active[:, first : first + 1]).all()
        assert_probability(active[:, first].mean(), 0.2)
    for j, k in ((0, 3), (3, 5), (5, 7), (2, 7)):
        assert_probability(together(active, j, k), 0.2**2)


def test_of_each_set_of_several_sizes_one_member_fires():
    active = draw(features="anticorrelated", set_size=[3, 4, 1], sparsity=0.7) > 0
    for first, size in ((0, 3), (3, 4), (7, 1)):
        of_set = active[:, first : first + size]
        assert of_set.sum(1).max() == 1
        assert_probability(of_set.mean(0), 0.3 / size)
        assert_probability(of_set.any(1).mean(), 0.3)


def test_sets_of_one_size_are_the_same_whether_given_by_size_or_one_by_one():
    for law in ("correlated", "anticorrelated", "hierarchical"):
        assert (draw(1000, features=law, set_size=4) == draw(1000, features=law, set_size=(4, 4))).all()


def test_a_child_is_active_only_with_its_parent_and_by_itself_among_its_siblings():
    p, q = 0.4, 0.3
    x = draw(features="hierarchical", set_size=4, sparsity=1 - p, follow_probability=q)
    active = x > 0
    for parent in (0, 4):
        children = active[:, parent + 1 : parent + 4]
        assert_probability(active[:, parent].mean(), p)
        assert_probability(children.mean(0), p * q)
        assert not (children.any(1) & ~active[:, parent]).any()
        assert_probability(together(active, parent + 1, parent + 2), p * q * q)
    assert_probability(together(active, 0, 4), p * p)


@pytest.mark.parametrize(("follows", "active_children"), [(0, 0.0), (1, 1.0)])
def test_children_that_never_or_always_follow(follows, active_children):
    active = draw(2000, features="hierarchical", sparsity=0.5, follow_probability=follows) > 0
    assert active[:, 1][active[:, 0]].mean() == active_children


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.9, 0.999999])
def test_at_least_one_is_active_with_the_probabilities_of_bernoulli_given_that(sparsity):
    p, n = 1 - sparsity, 8
    something = 1 - (1 - p) ** n
    active = draw(features="at_least_one", sparsity=sparsity) > 0
    assert active.any(1).all()
    assert_probability(active.mean(0), min(p / something, 1))
    assert_probability(np.array([together(active, 0, 7), together(active, 3, 4)]), min(p * p / something, 1))


def test_at_least_one_with_densities_of_each():
    own = np.array([0.0, 0.1, 0.2, 0.4])
    something = 1 - np.prod(1 - own)
    active = draw(features="at_least_one", n_features=4, sparsity=0.9, relative_density=(0, 1, 2, 4)) > 0
    assert active.any(1).all()
    for j in range(4):
        assert_probability(active[:, j].mean(), own[j] / something)
        for k in range(j):
            assert_probability(together(active, j, k), own[j] * own[k] / something)


def test_each_feature_has_its_own_density_at_most_one():
    own = Experiment(n_features=4, sparsity=0.9, relative_density=(1, 0.5, 3, 20))
    assert sampling.feature_density(own)[0, 3] == 1  # else those of others, given it, would be wrong
    active = draw(n_features=4, sparsity=0.9, relative_density=(1, 0.5, 3, 20)) > 0
    for j, p in enumerate((0.1, 0.05, 0.3, 1.0)):
        assert_probability(active[:, j].mean(), p)
    assert_probability(together(active, 0, 2), 0.03)


def test_densities_of_each_instance_and_of_a_change():
    fields = {"n_features": 2, "n_hidden": 1, "batch_size": 20_000, "sparsity": (0.9, 0.5)}
    two = Experiment(n_instances=2, relative_density=((1, 2), (0.5, 1)), **fields)
    x = sampling.batches(two, 0, 1, CPU)[0]
    for i, expected in enumerate(((0.1, 0.2), (0.25, 0.5))):
        for j, p in enumerate(expected):
            assert_probability((x[i, :, j] > 0).mean(), p, 20_000)
    assert (sampling.batches(two.alone(1), 0, 1, CPU)[0, 0] == x[1]).all()
    # Common random numbers: with more density there is what there was, and more.
    more = sampling.batches(two.replace(relative_density=(4, 4)), 0, 1, CPU)[0]
    assert (more[x > 0] == x[x > 0]).all()
    trainer = Trainer(two.replace(batch_size=16, steps=20))
    trainer.change(relative_density=[1, 1])
    trainer.advance(5)
    assert trainer.run().changes[0].value == (1.0, 1.0)


def test_a_list_of_one_list_of_densities_is_of_all_instances():
    fields = {"n_features": 2, "n_hidden": 1, "n_instances": 2, "batch_size": 8, "sparsity": 0.5}
    listed = Experiment(relative_density=[[0, 1]], **fields)
    assert listed == Experiment(relative_density=[0, 1], **fields)
    assert listed.alone(1).relative_density == (0, 1)
    trainer = Trainer(listed)
    trainer.advance(2)
    assert np.isfinite(evaluate(trainer.run()).loss).all()
    assert not sampling.fresh(listed, 1, 10, stream.CLOUD, CPU)[:, 0].any()


@pytest.mark.parametrize(
    ("magnitudes", "mean", "square"),
    [("uniform", 1 / 2, 1 / 3), ("signed", 0, 1 / 3), ("exponential", 1, 2), ("constant", 1, 1)],
)
def test_magnitudes_have_their_moments_and_leave_what_is_active(magnitudes, mean, square):
    x, usual = draw(magnitudes=magnitudes, sparsity=0.5), draw(sparsity=0.5)
    assert ((x != 0) == (usual > 0)).all()
    values = x[usual > 0].astype(np.float64)
    fourth = {"uniform": 1 / 5, "signed": 1 / 5, "exponential": 24, "constant": 1}[magnitudes]
    assert abs(values.mean() - mean) <= 5 * math.sqrt((square - mean**2) / values.size)
    assert abs((values**2).mean() - square) <= 5 * math.sqrt((fourth - square**2) / values.size)
    above = {"uniform": 0, "signed": 0, "exponential": math.exp(-2), "constant": 0}[magnitudes]
    assert_probability((values > 2).mean(), above, values.size)


@pytest.mark.parametrize("magnitudes", ["uniform", "signed", "exponential", "constant"])
def test_rows_of_length_one(magnitudes):
    fields = {"magnitudes": magnitudes, "sparsity": 0.7}
    x = draw(5000, unit_rows=True, **fields).astype(np.float64)
    usual = draw(5000, **fields).astype(np.float64)
    length = np.sqrt((x * x).sum(1))
    assert np.abs(length - usual.any(1)).max() < 1e-6
    expected = usual / np.maximum(np.sqrt((usual * usual).sum(1, keepdims=True)), 1e-30)
    assert np.abs(x - expected).max() < 1e-6


def test_a_data_set_is_the_same_rows_in_turn_and_all_of_them_where_a_batch_is_as_large():
    experiment = Experiment(dataset_rows=10, batch_size=4, n_instances=2, sparsity=0.5)
    rows = sampling.dataset(experiment)
    assert rows.shape == (2, 10, 8)
    assert not (rows[0] == rows[1]).all()
    batches = sampling.batches(experiment, 3, 2, CPU)
    assert (batches[0] == rows[:, [2, 3, 4, 5]]).all()
    assert (batches[1] == rows[:, [6, 7, 8, 9]]).all()
    assert (sampling.batches(experiment, 10**12 - 1, 1, CPU) == sampling.batches(experiment, 4, 1, CPU)).all()
    whole = sampling.batches(experiment.replace(batch_size=10), 7, 1, CPU)[0]
    assert (whole == rows).all()
    assert (sampling.dataset(experiment.alone(1))[0] == rows[1]).all()


def test_a_small_data_set_is_learned_by_heart():
    # Three rows in three hidden dimensions, with a bias: told by heart, and of no use for fresh rows.
    experiment = Experiment(
        n_features=12, n_hidden=3, sparsity=0.8, bias=True, dataset_rows=3, batch_size=3, steps=1500
    )
    trainer = Trainer(experiment)
    trainer.advance(1500)
    of_rows = float((sampling.dataset(experiment) ** 2).mean())
    assert trainer.snapshot().losses[0] < of_rows / 2
    assert evaluate(trainer.run()).loss[0] > 10 * trainer.snapshot().losses[0]


@pytest.mark.parametrize("fields", UNUSUAL, ids=str)
def test_torch_draws_what_numpy_draws(fields):
    experiment = Experiment(n_instances=2, **{"sparsity": 0.7, **fields})
    on_cpu = sampling.batches(experiment, 5, 3, CPU)
    on_torch = to_host(sampling.batches(experiment, 5, 3, TORCHS_CPU))
    if "magnitudes" in fields or "unit_rows" in fields:
        assert np.abs(on_cpu - on_torch).max() < 1e-5  # logarithms and roots are rounded by each library
    else:
        assert (on_cpu == on_torch).all()


@pytest.mark.parametrize("fields", UNUSUAL, ids=str)
def test_a_run_is_the_same_alone_resumed_and_cut_otherwise(fields, tmp_path):
    experiment = Experiment(n_instances=3, steps=12, batch_size=8, keep=0, **{"sparsity": 0.7, **fields})
    whole = Trainer(experiment)
    in_lanes = experiment.features in ("bernoulli", "at_least_one") and experiment.dataset_rows is None
    assert whole.kernel == ("lanes" if in_lanes else "torch")
    assert in_lanes or "no draw for" in whole.reason or experiment.features in whole.reason
    whole.advance(12)
    weights = whole.snapshot().parameters["W"]
    cut = Trainer(experiment)
    cut.advance(5)
    save_run(cut.run(), tmp_path / "run")
    again = Trainer.resume(load_run(tmp_path / "run"))
    again.advance(7)
    alone = Trainer(experiment.alone(2))
    alone.advance(12)
    assert (again.snapshot().parameters["W"] == weights).all()
    assert (alone.snapshot().parameters["W"][0] == weights[2]).all()


@pytest.mark.parametrize("fields", UNUSUAL, ids=str)
def test_losses_agree_with_a_plain_sample(fields):
    experiment = Experiment(steps=60, **{"sparsity": 0.8, **fields})
    trainer = Trainer(experiment)
    trainer.advance(60)
    found = evaluate(trainer.run())
    x = sampling.fresh(experiment, 0, ROWS, stream.CLOUD, CPU).astype(np.float64)
    W = trainer.snapshot().weights[0].astype(np.float64)
    losses = ((np.maximum(x @ W @ W.T, 0) - x) ** 2).mean(1)
    error = math.hypot(losses.std() / math.sqrt(ROWS), found.standard_error[0])
    assert abs(losses.mean() - found.loss[0]) < 5 * error
    assert (found.loss > 0).all()


def test_what_has_no_compiled_draw_is_refused_by_name_and_trained_by_torch():
    for fields, words in (
        ({"relative_density": [1] * 8}, "densities of each feature"),
        ({"features": "correlated", "set_size": (4, 4)}, "sets of different sizes"),
        ({"magnitudes": "constant"}, "constant magnitudes"),
        ({"unit_rows": True}, "rows of length 1"),
        ({"dataset_rows": 5}, "a fixed data set"),
    ):
        with pytest.raises(InputError, match=f"no draw for {words}"):
            kernels.choose(Experiment(kernel="numba", **fields))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"features": "correlated", "set_size": (3, 3)}, "sizes that come to 6, but n_features is 8"),
        ({"set_size": "3,0,5"}, "set_size should be at least 1, not 0"),
        ({"set_size": "3,x"}, "set_size should be a whole number, not 'x'"),
        ({"relative_density": (1, 2)}, "relative_density should be 8 numbers"),
        ({"relative_density": [-1] * 8}, "relative_density should be at least 0, not -1"),
        ({"relative_density": [0] * 8}, "relative_density should be above 0 for some feature"),
        ({"relative_density": [1] * 8, "features": "n_active"}, "should be left out with n_active data"),
        ({"magnitudes": "normal"}, "magnitudes should be 'uniform', 'signed', 'exponential' or 'constant'"),
        ({"dataset_rows": 0}, "dataset_rows should be greater than or equal to 1"),
        ({"follow_probability": 1.5}, "follow_probability should be less than or equal to 1"),
    ],
    ids=str,
)  # fmt: skip
def test_mistakes_are_named(fields, words):
    with pytest.raises(InputError) as caught:
        Experiment(**fields)
    assert words in str(caught.value)


@pytest.mark.parametrize("fields", UNUSUAL, ids=str)
def test_files_give_the_same_experiment_back(fields, tmp_path):
    experiment = Experiment(**fields)
    for name, text in (("a.toml", experiment.to_toml()), ("a.json", experiment.to_json())):
        (tmp_path / name).write_text(text)
        assert Experiment.from_file(tmp_path / name) == experiment
