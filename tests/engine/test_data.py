"""Marginals, joint activity and extremes of each data law. Streams are fixed: nothing flickers."""

import math

import numpy as np
import pytest
import torch

from tms_engine import Experiment, InputError, Trainer, data, evaluate, load_run, sampling, save_run
from tms_engine.arrays import to_host
from tms_engine.data import law, law_names, register_law, stream

CPU = "cpu"
# A device that is not "cpu" by name: what is done on it is done with torch, as on a GPU.
TORCHS_CPU = "cpu:0"
ROWS = 200_000


def draw(rows=ROWS, **fields) -> np.ndarray:
    return sampling.fresh(Experiment(**fields), 0, rows, stream.CLOUD, CPU)


def assert_probability(observed: np.ndarray, p: float) -> None:
    """Every entry of `observed`, each a mean over ROWS coins, is within 5 standard errors of p."""
    error = math.sqrt(p * (1 - p) / ROWS)
    assert np.abs(observed - p).max() < 5 * error


def assert_uniform(values: np.ndarray) -> None:
    """Chi-squared over 64 cells within 6 standard deviations of its mean, and the mean is a half."""
    counts = np.histogram(values, bins=64, range=(0, 1))[0]
    expected = len(values) / 64
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi_squared - 63) < 6 * math.sqrt(2 * 63)
    assert abs(values.mean() - 0.5) < 5 * math.sqrt(1 / 12 / len(values))


def assert_independent(a: np.ndarray, b: np.ndarray) -> None:
    correlation = np.corrcoef(a.ravel(), b.ravel())[0, 1]
    assert abs(correlation) < 5 / math.sqrt(a.size)


def test_the_words_are_splitmix64():
    # The generator's published first outputs for seed 1234567.
    words = stream.words(np.array(1234567), 5, 1).flatten().tolist()
    assert [w % 2**64 for w in words] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_bernoulli_features_are_active_with_probability_p_each_alone():
    x = draw(sparsity=0.9)
    active = x > 0
    assert_probability(active.mean(0), 0.1)
    for j in range(8):
        for k in range(j):
            assert_probability((active[:, j] & active[:, k]).mean(), 0.01)
    assert_uniform(x[active])
    assert abs(x.mean() - 0.1 / 2) < 5 * math.sqrt((0.1 / 3 - 0.1**2 / 4) / x.size)


def test_bernoulli_extremes():
    assert (draw(1000, sparsity=0.0) > 0).all()
    assert draw(sparsity=1 - 1e-9).sum() == 0
    several = Experiment(n_instances=3, sparsity=(0.0, 0.5, 0.99), batch_size=50_000)
    density = (sampling.batches(several, 0, 1, CPU)[0] > 0).mean((1, 2))
    assert np.abs(density - [1, 0.5, 0.01]).max() < 0.005


def test_exactly_n_are_active_and_every_choice_is_as_likely():
    x = draw(features="n_active", n_active=2)
    active = x > 0
    assert (active.sum(1) == 2).all()
    assert_probability(active.mean(0), 2 / 8)
    for j in range(8):
        for k in range(j):
            assert_probability((active[:, j] & active[:, k]).mean(), 1 / math.comb(8, 2))
    assert_uniform(x[active])
    first, second = x[active].reshape(-1, 2).T
    assert_independent(first, second)


@pytest.mark.parametrize("n_active", [0, 1, 7, 8])
def test_exactly_n_active_extremes(n_active):
    assert ((draw(1000, features="n_active", n_active=n_active) > 0).sum(1) == n_active).all()


@pytest.mark.parametrize("set_size", [1, 2, 4])
def test_a_correlated_set_fires_together_with_independent_magnitudes(set_size):
    x = draw(features="correlated", set_size=set_size, sparsity=0.8)
    active = (x > 0).reshape(ROWS, -1, set_size)
    assert (active.all(-1) == active.any(-1)).all()
    assert_probability(active[..., 0].mean(0), 0.2)
    for i in range(active.shape[1]):
        for j in range(i):
            assert_probability((active[:, i, 0] & active[:, j, 0]).mean(), 0.04)
    assert_uniform(x[x > 0])
    if set_size > 1:
        members = x[active[:, 0, 0]][:, :2]
        assert_independent(members[:, 0], members[:, 1])


@pytest.mark.parametrize("set_size", [1, 2, 4])
def test_an_anticorrelated_set_fires_with_exactly_one_member_chosen_evenly(set_size):
    x = draw(features="anticorrelated", set_size=set_size, sparsity=0.2)
    active = (x > 0).reshape(ROWS, -1, set_size)
    assert (active.sum(-1) <= 1).all()
    assert_probability(active.any(-1).mean(0), 0.8)
    assert_probability(active.mean(0), 0.8 / set_size)
    for i in range(active.shape[1]):
        for j in range(i):
            assert_probability((active[:, i].any(-1) & active[:, j].any(-1)).mean(), 0.64)
    assert_uniform(x[x > 0])


@pytest.mark.parametrize("kind", ["correlated", "anticorrelated"])
def test_sets_without_sparsity_always_fire(kind):
    x = draw(1000, features=kind, sparsity=0.0, set_size=2)
    assert ((x > 0).sum(1) == (8 if kind == "correlated" else 4)).all()


def test_a_step_depends_only_on_seed_instance_and_step():
    experiment = Experiment(n_instances=3)
    whole = sampling.batches(experiment, 0, 10, CPU)
    pieces = [sampling.batches(experiment, 0, 3, CPU), sampling.batches(experiment, 3, 7, CPU)]
    assert np.array_equal(whole, np.concatenate(pieces))
    fewer = sampling.batches(experiment.replace(n_instances=2), 0, 10, CPU)
    assert np.array_equal(whole[:, :2], fewer)


@pytest.mark.parametrize("rows", [1, 4096, 4097, 100_000])
def test_fresh_rows_do_not_depend_on_how_many_are_drawn_at_once(rows):
    for kind in ("bernoulli", "n_active", "correlated", "anticorrelated"):
        assert np.array_equal(draw(rows, features=kind), draw(100_000, features=kind)[:rows])


@pytest.mark.parametrize(
    "fields",
    [
        *({"sparsity": s} for s in (0.0, 0.95, 1 - 1e-9, (0.0, 0.5, 0.999))),
        *({"features": "n_active", "n_active": k} for k in (0, 1, 2, 7, 8)),
        *(
            {"features": kind, "set_size": size, "sparsity": s}
            for kind in ("correlated", "anticorrelated")
            for size in (1, 2, 8)
            for s in (0.0, 0.8, (0.0, 0.5, 0.999))
        ),
    ],
    ids=str,
)
def test_numpy_and_torch_draw_the_same_bits(fields):
    experiment = Experiment(n_instances=3, **fields, seed=2**63 - 1)
    for draw in (
        lambda device: sampling.batches(experiment, 2**40 - 5, 4, device),
        lambda device: sampling.fresh(experiment, 2, 5000, stream.EVALUATION + 1, device),
    ):
        ours, theirs = draw(CPU), draw(TORCHS_CPU)
        assert (type(ours), type(theirs)) == (np.ndarray, torch.Tensor)
        assert ours.tobytes() == to_host(theirs).tobytes()


def test_steps_instances_seeds_and_features_are_independent():
    def dense(**fields):
        experiment = Experiment(**{"n_instances": 2, "sparsity": 0.0, "batch_size": 5000, **fields})
        return sampling.batches(experiment, 0, 2, CPU)

    x = dense()
    assert_independent(x[0], x[1])
    assert_independent(x[:, 0], x[:, 1])
    assert_independent(x[..., 0], x[..., 1])
    assert_independent(x[..., 1:, :], x[..., :-1, :])
    assert_independent(x, dense(seed=43))
    fresh = [sampling.fresh(Experiment(sparsity=0.0), 0, 5000, s, CPU) for s in (0, stream.EVALUATION)]
    assert_independent(*fresh)


def test_an_active_feature_is_never_zero():
    smallest = np.array([0, -(1 << 63), -(1 << 23)])
    magnitudes = stream.magnitude(smallest)
    assert (magnitudes > 0).all()
    assert stream.magnitude(np.array([0x7FFFFF])).item() < 1


def test_data_of_an_instance_depend_on_its_number_alone():
    whole = sampling.batches(Experiment(n_instances=9), 5, 2, CPU)
    some = sampling.batches(Experiment(instances=[7, 2, 7]), 5, 2, CPU)
    assert np.array_equal(some, whole[:, [7, 2, 7]])
    alone = Experiment(n_instances=9).alone(7)
    assert np.array_equal(sampling.batches(alone, 5, 2, CPU)[:, 0], whole[:, 7])
    fresh = sampling.fresh(Experiment(n_instances=9), 7, 100, stream.CLOUD, CPU)
    assert np.array_equal(sampling.fresh(alone, 0, 100, stream.CLOUD, CPU), fresh)


def test_a_number_that_occurs_twice_has_the_same_words_whatever_the_density():
    x = sampling.batches(Experiment(instances=[4, 4], sparsity=(0.5, 0.9), batch_size=1000), 0, 1, CPU)[0]
    dense, sparse = x
    assert ((sparse > 0) <= (dense > 0)).all()  # active where the sparser is, with the same magnitude
    assert (sparse[sparse > 0] == dense[sparse > 0]).all()


def test_another_word_is_independent_of_the_first():
    word = stream.words(np.array([1, 2]), 2000, 8)
    uniforms = [stream.magnitude(w) for w in (word, stream.another(word), stream.another(word, 2))]
    for values in uniforms:
        assert_uniform(values.ravel())
    assert_independent(uniforms[0], uniforms[1])
    assert_independent(uniforms[1], uniforms[2])


@pytest.fixture
def own_law():
    """Features active as Bernoulli's, with magnitude 1 always."""

    def sample(word, parameters):
        return stream.active(word, parameters.density) * np.float32(1)

    register_law("binary", sample, help="0 or 1")
    yield "binary"
    del data._registered["binary"]


@pytest.mark.slow
def test_a_script_trains_saves_and_reloads_a_law_of_its_own(own_law, tmp_path):
    assert own_law in law_names()
    experiment = Experiment(features=own_law, sparsity=0.9, device="cpu", n_instances=2)
    x = sampling.batches(experiment, 0, 50, CPU)
    assert set(np.unique(x)) == {0, 1}
    assert abs(x.mean() - 0.1) < 0.01
    trainer = Trainer(experiment)
    assert trainer.kernel == "torch"
    assert "no draw for binary" in trainer.reason
    trainer.advance(100)
    save_run(trainer.run(), tmp_path)
    assert np.array_equal(evaluate(load_run(tmp_path), 100).loss, evaluate(trainer.run(), 100).loss)
    del data._registered[own_law]
    with pytest.raises(InputError, match=r"state.safetensors: features should be bernoulli, .*not 'binary'"):
        load_run(tmp_path)
    data._registered[own_law] = None  # for the fixture


def test_a_built_in_law_cannot_be_replaced():
    with pytest.raises(InputError, match="there is a data law 'bernoulli' already"):
        register_law("bernoulli", lambda word, parameters: word)


@pytest.mark.parametrize("name", ["bernoulli", "n_active", "correlated", "anticorrelated"])
def test_every_built_in_law_has_a_line_of_help_and_a_compiled_draw(name):
    assert law(name).help
    assert law(name).compiled is not None
