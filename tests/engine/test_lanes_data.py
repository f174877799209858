"""What the lanes kernel trains on: its words, how many rows are not empty, and what is in them.

`draws.batches` is the definition, in numpy; test_lanes_kernel.py holds the compiled draw to its bits. Streams
are fixed: nothing flickers. Unless it says otherwise, a threshold is 5 standard errors (chance: 6e-7).
"""

import math
from itertools import combinations, product

import numpy as np
import pytest

from tests.engine.test_data import assert_independent, assert_uniform
from tests.engine.test_numba_data import assert_frequencies, assert_probability
from tms_engine import Experiment
from tms_engine.analysis.exact import active_sets
from tms_engine.data.stream import stream_keys
from tms_engine.training.lanes.draws import batches, densities, draws, exponential, word


def drawn(rows=200_000, n=4, density=0.3, batch=1000, **fields) -> np.ndarray:
    """Rows (rows, n) of as many steps as it takes, in the order in which they are drawn: empty ones last."""
    experiment = Experiment(n_features=n, sparsity=1 - density, batch_size=batch, **fields)
    return batches(experiment, 0, rows // batch).reshape(-1, n)


def words(numbers, steps, places) -> np.ndarray:
    keys = stream_keys(42, np.arange(numbers), np.arange(steps))
    return word(keys[..., None], np.arange(places))


def test_words_of_instances_steps_and_places_are_uniform_and_independent():
    found = words(40, 50, 200)
    assert_uniform(found.ravel() / 2.0**32)
    for bit in range(32):
        assert_probability((found >> bit & 1).mean(), 0.5, found.size)
    for axis, lag in product(range(3), (1, 2, 3, 4, 8, 16, 32)):
        a, b = (np.moveaxis(found, axis, 0)[where] for where in (slice(lag, None), slice(None, -lag)))
        assert_independent(a.astype(float), b.astype(float))
        # Nor is any bit of one that of the other: half of all bits differ, and each of them half of the time.
        differs = a ^ b
        for bit in range(32):
            assert_probability((differs >> bit & 1).mean(), 0.5, differs.size)
        for high in (a >> 28, a >> 28 ^ b >> 28):
            counts = np.bincount((high.astype(np.int64) * 16 + (b >> 28)).ravel(), minlength=256)
            assert_frequencies(counts, np.full(256, 1 / 256))


def test_no_two_batches_share_a_stretch_of_words():
    # A key of 32 bits would be a place in one long sequence, in which 10⁴ steps overlap.
    found = words(1, 3000, 64)[:, 0]
    pairs = found[:, :-1].astype(np.uint64) << np.uint64(32) | found[:, 1:]
    assert len(np.unique(pairs)) == pairs.size


@pytest.mark.parametrize("batch", [1, 5, 32, 1000])
@pytest.mark.parametrize("density", [0.001, 0.05, 0.3, 0.9, 1.0])
def test_the_number_of_rows_that_are_not_empty_is_binomial(batch, density):
    # Read off the bounds that word 0 is compared with, which are the distribution: to 2⁻³².
    found = draws(np.array([[density]]), Experiment(n_features=3), batch)
    q = 1 - (1 - density) ** 3
    exact = [math.comb(batch, k) * q**k * (1 - q) ** (batch - k) for k in range(batch + 1)]
    exact = np.minimum(np.cumsum(exact), 1.0)
    k = found.least[0] + np.arange(found.counts.shape[1])
    assert (
        np.abs((found.counts[0].astype(float) + 1) / 2**32 - exact[np.minimum(k, batch)]).max(initial=0)
        < 1e-9
    )
    assert (exact[: found.least[0]] < 1e-9).all()
    assert exact[min(batch, found.least[0] + found.counts.shape[1])] > 1 - 1e-9


@pytest.mark.parametrize("density", [0.03, 0.3, 0.8])
@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_features_are_active_each_alone(n, density):
    x = drawn(n=n, density=density)
    active = x > 0
    assert_probability(active.mean(0), density, len(x))
    for j, k in combinations(range(n), 2):
        assert_probability((active[:, j] & active[:, k]).mean(), density**2, len(x))
        both = x[active[:, j] & active[:, k]]
        if len(both) > 100:
            assert_independent(both[:, j], both[:, k])
    counts = np.bincount(active.sum(1), minlength=n + 1)
    binomial = np.array([math.comb(n, k) * density**k * (1 - density) ** (n - k) for k in range(n + 1)])
    often = binomial * len(x) > 10
    assert_frequencies(
        np.append(counts[often], counts[~often].sum() + 20),
        np.append(binomial[often], binomial[~often].sum() + 20 / len(x)) / (1 + 20 / len(x)),
    )
    for j in range(n):
        assert_uniform(x[active[:, j], j])
        # How much one feature is active does not know which others are.
        for k in set(range(n)) - {j}:
            assert_independent(x[active[:, j], j], active[active[:, j], k]) if density < 1 else None


def test_a_whole_batch_is_as_random_as_its_rows():
    # Its sum has the variance of independent rows, which it would not with another number of them.
    x = drawn(rows=400_000, n=2, density=0.3, batch=100).reshape(4000, 200)
    of_one = 0.3 / 3 - 0.3**2 / 4
    sums = x.sum(1)
    assert abs(sums.mean() - 200 * 0.15) < 5 * math.sqrt(200 * of_one / 4000)
    assert abs(sums.var() / (200 * of_one) - 1) < 5 * math.sqrt(2 / 4000)


def test_rows_steps_and_instances_are_independent():
    experiment = Experiment(n_instances=20, n_features=3, sparsity=0.2, batch_size=64)
    x = batches(experiment, 0, 60)[:, :, :50]  # of 64, some 63.5 are not empty: features in one depend
    for axis, lag in product(range(3), (1, 2)):
        a, b = (np.moveaxis(x, axis, 0)[where] for where in (slice(lag, None), slice(None, -lag)))
        assert_independent(a > 0, b > 0)
        both = (a > 0) & (b > 0)
        assert_independent(a[both], b[both])


def test_extremes_of_density():
    x = drawn(rows=20_000, n=3, density=1.0)
    assert (x > 0).all()
    assert_uniform(x.ravel())
    for least in (1e-15, 1e-12):
        assert not drawn(n=3, density=least).any()
    found = drawn(rows=10**6, n=8, density=1e-6, batch=1000)
    assert abs((found > 0).sum() - 8) < 5 * math.sqrt(8)


def test_magnitudes_lie_between_0_and_1():
    # The lowest and the highest, at densities of all sizes, and at many where there are nearly 2²³ cells.
    densities = np.concatenate([np.geomspace(1e-5, 1, 500), np.linspace(0.78, 1, 5000)])
    found = draws(densities[:, None], Experiment(), 1)
    bounds = np.concatenate([np.full_like(found.least[:, None], -1), found.choices.astype(np.int64)], 1)
    of_first = np.maximum(np.diff(bounds), 1), found.cell_of_first
    for width, cell in (of_first, (found.threshold.astype(np.int64) + 1, found.cell)):
        assert (np.float32(0.5) * cell > 0).all()
        assert ((((width - 1) >> 9).astype(np.float32) + np.float32(0.5)) * cell < 1).all()


def test_an_instance_draws_by_its_own_density_and_number():
    densities = (0.02, 0.3, 0.9)
    together = Experiment(n_instances=3, sparsity=tuple(1 - p for p in densities), n_features=4)
    x = batches(together, 5, 3)
    for i in range(3):
        assert np.array_equal(batches(together.alone(i), 5, 3)[:, 0], x[:, i])
    assert np.array_equal(batches(together, 6, 2), x[1:])
    assert not np.array_equal(batches(together.replace(seed=43), 5, 3), x)


OTHER = [
    {"relative_density": (1, 0, 3, 20, 0.5)},
    {"relative_density": (0, 0.001, 1, 1, 0)},
    {"features": "at_least_one"},
    {"features": "at_least_one", "sparsity": 0.99},
    {"features": "at_least_one", "relative_density": (0, 2, 0.1, 4, 0)},
]


@pytest.mark.parametrize("fields", OTHER, ids=str)
def test_every_set_of_active_features_is_as_frequent_as_its_law_says(fields):
    experiment = Experiment(n_features=5, batch_size=1000, **{"sparsity": 0.9, **fields})
    active, probability = active_sets(experiment, 1 - experiment.of_instance("sparsity", 0))
    x = batches(experiment, 0, 200).reshape(-1, 5)
    places = 1 << np.arange(5)
    counts = np.bincount((x > 0) @ places, minlength=32)[active @ places]
    assert counts.sum() == len(x)
    often = probability * len(x) > 10
    rest = probability[~often].sum() + 20 / len(x)
    assert_frequencies(
        np.append(counts[often], counts[~often].sum() + 20),
        np.append(probability[often], rest) / (1 + 20 / len(x)),
    )


def test_what_has_density_0_is_never_active_not_even_of_its_one_word():
    for law in ("bernoulli", "at_least_one"):
        experiment = Experiment(n_features=3, relative_density=(0, 1, 0), features=law)
        for magnitudes in ("uniform", "constant"):
            found = draws(densities(experiment), experiment.replace(magnitudes=magnitudes), 10)
            assert found.cell_of_first[0, [0, 2]].tolist() == [0, 0]
            assert found.cell[0, [0, 2]].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("magnitudes", "as_uniform"),
    [("uniform", lambda x: x), ("signed", lambda x: (x + 1) / 2), ("exponential", lambda x: np.exp(-x))],
)
def test_magnitudes_have_their_distribution_and_know_nothing_of_each_other(magnitudes, as_uniform):
    x, usual = drawn(n=3, density=0.4, magnitudes=magnitudes), drawn(n=3, density=0.4)
    assert ((x != 0) == (usual > 0)).all()
    for j in range(3):
        assert_uniform(as_uniform(x[x[:, j] != 0, j].astype(np.float64)))
    for j, k in combinations(range(3), 2):
        both = x[(x[:, j] != 0) & (x[:, k] != 0)]
        assert_independent(both[:, j], both[:, k])


def test_constant_magnitudes_and_rows_of_length_one():
    fields = {"n": 3, "density": 0.4}
    usual = drawn(**fields)
    assert (drawn(magnitudes="constant", **fields) == (usual > 0)).all()
    for magnitudes in ("uniform", "signed", "exponential", "constant"):
        x = drawn(magnitudes=magnitudes, rows=50_000, **fields).astype(np.float64)
        length = np.linalg.norm(x, axis=1, keepdims=True)
        of_one = drawn(magnitudes=magnitudes, rows=50_000, unit_rows=True, **fields)
        assert np.abs(of_one - x / np.maximum(length, 1e-30)).max() < 1e-6


def test_an_exponential_magnitude_is_a_logarithm_to_its_last_digit():
    # A sample: of all 2²³ cells of a density above 2⁻⁹ the largest error is .81 units.
    u = np.concatenate([(np.arange(0, 2**23, 97) + 0.5) / 2**23, np.geomspace(1e-12, 0.9999, 50_000)])
    exact = -np.log(u.astype(np.float32).astype(np.float64))
    error = exponential(u.astype(np.float32)) - exact
    assert (np.abs(error) <= np.spacing(exact.astype(np.float32))).all()
    assert exponential(np.zeros(1, np.float32)) == 0
