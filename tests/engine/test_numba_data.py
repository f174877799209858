"""What the compiled kernel trains on: marginals, gaps, joint activity and extremes of each kind of data.

The kernel builds no batch; here its draws are built into one. Streams are fixed: nothing flickers. Unless it
says otherwise, a threshold is 5 standard errors of what is measured (chance: 6e-7).
"""

import math
from itertools import combinations, product

import numpy as np
import pytest

from tests.engine.test_data import assert_independent, assert_uniform
from tests.engine.test_torch_kernel import assert_same_bits, fresh_state
from tms_engine import Experiment
from tms_engine.data import law
from tms_engine.training.numba import loops
from tms_engine.training.numba.kernel import NumbaKernel

pytestmark = pytest.mark.slow

DENSITIES = [0.004, 0.05, loops._DENSE - 1e-9, loops._DENSE, 0.7]


def chunk(
    rows, n, density=0.0, kind="bernoulli", n_active=0, set_size=1, at=(0, 0, 0), seed=42
) -> np.ndarray:
    """The rows (rows, n) of the chunk at (instance, step, number); its empty rows come last.

    (A gradient does not ask which rows are empty, so `draw` does not say.)
    """
    x = np.zeros((rows, n), np.float32)
    first, order = np.full(rows + 1, -1, np.int64), np.empty(n, np.int64)
    column, value = np.full(rows * n, -1, np.int64), np.full(rows * n, np.nan, np.float32)
    number, step, chunk = at
    key = np.uint64(loops._chunk_key(np.uint64(loops._instance_key(seed, number)), step, chunk))
    none = np.zeros((1, 1, 1, 1), np.float32)
    sizes = (rows, n, law(kind).compiled, density, n_active, set_size)
    filled = loops.draw(key, *sizes, none, 0, 0, 0, first, column, value, order)
    assert first[0] == 0
    assert (np.diff(first[: filled + 1]) > 0).all()  # a row that is listed has something in it
    row = np.repeat(np.arange(filled), np.diff(first[: filled + 1]))
    used = column[: len(row)], value[: len(row)]
    assert ((used[1] > 0) & (used[1] < 1)).all()  # never 0
    x[row, used[0]] = used[1]
    assert np.count_nonzero(x) == len(row)  # none twice
    return x


def batches(experiment: Experiment, n_steps: int) -> np.ndarray:
    """The first batches (steps, instances, batch, features) of a run."""
    x = np.zeros((n_steps, experiment.n_instances, experiment.batch_size, experiment.n_features), np.float32)
    density = 1 - experiment.per_instance("sparsity")
    for s, i in product(range(n_steps), range(experiment.n_instances)):
        for c, low in enumerate(range(0, experiment.batch_size, loops.CHUNK)):
            rows = x[s, i, low : low + loops.CHUNK]
            rows[:] = chunk(
                *rows.shape, density[i], experiment.features, experiment.n_active, experiment.set_size,
                (i, s, c), experiment.seed,
            )  # fmt: skip
    return x


def many(n, *arguments, chunks=100, **options) -> np.ndarray:
    """Rows of many chunks, one after the other."""
    parts = [chunk(2000, n, *arguments, at=(0, step, 0), **options) for step in range(chunks)]
    return np.concatenate(parts)


def assert_probability(observed, p: float, coins: int) -> None:
    assert np.abs(np.asarray(observed) - p).max() < 5 * math.sqrt(p * (1 - p) / coins)


def assert_frequencies(counts: np.ndarray, p: np.ndarray) -> None:
    """Chi-squared within 6 standard deviations of its mean: counts are those of independent draws."""
    expected = p * counts.sum()
    assert expected.min() > 10
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    freedom = len(counts) - 1
    assert abs(chi_squared - freedom) < 6 * math.sqrt(2 * freedom)


@pytest.mark.parametrize("density", DENSITIES)
def test_gaps_between_active_features_are_geometric_and_magnitudes_do_not_know_them(density):
    # One row so long that all can be seen in it, the first gap too.
    x = np.concatenate([chunk(1, 100_000, density, at=(0, step, 0)) for step in range(40)]).ravel()
    active = np.flatnonzero(x)
    assert_probability(len(active) / x.size, density, x.size)
    gap, magnitude = np.diff(active) - 1, x[active[1:]]
    longest = max(1, min(60, int(math.log(20 / len(gap) / density) / math.log1p(-density))))
    geometric = density * (1 - density) ** np.arange(longest)
    counts = np.bincount(np.minimum(gap, longest), minlength=longest + 1)
    assert_frequencies(counts, np.append(geometric, 1 - geometric.sum()))
    # Over longer distances, in tenths of the distribution.
    edges = np.unique(np.ceil(np.log1p(-np.arange(1, 10) / 10) / math.log1p(-density)).astype(int))
    counts = np.bincount(np.searchsorted(edges, gap, side="right"), minlength=len(edges) + 1)
    assert_frequencies(counts, -np.diff((1 - density) ** np.concatenate([[0], edges, [np.inf]])))
    assert_uniform(magnitude)
    # 41 bits of a word decide where, the other 23 how much.
    for known in (gap, np.minimum(gap, 1), np.diff(active, append=x.size)[1:]):
        assert_independent(known, magnitude)
    counts = np.histogram2d(np.searchsorted(edges, gap, side="right"), magnitude, (len(edges) + 1, 8))[0]
    assert_frequencies(counts.ravel(), np.outer(counts.sum(1), counts.sum(0)).ravel() / counts.sum() ** 2)
    assert_independent(gap[1:], gap[:-1])
    assert_independent(magnitude[1:], magnitude[:-1])


@pytest.mark.parametrize("density", [0.05, 0.3])
def test_bernoulli_features_are_active_each_alone(density):
    x = many(8, density)
    active = x > 0
    assert_probability(active.mean(0), density, len(x))
    assert_probability(active.any(1).mean(), 1 - (1 - density) ** 8, len(x))
    for j, k in combinations(range(8), 2):
        assert_probability((active[:, j] & active[:, k]).mean(), density**2, len(x))
        both = x[active[:, j] & active[:, k]]
        assert_independent(both[:, j], both[:, k])
    counts = np.bincount(active.sum(1), minlength=9)
    binomial = np.array([math.comb(8, k) * density**k * (1 - density) ** (8 - k) for k in range(9)])
    often = binomial * len(x) > 10
    assert_frequencies(
        np.append(counts[often], counts[~often].sum() + 20),
        (np.append(binomial[often], binomial[~often].sum() + 20 / len(x)) / (1 + 20 / len(x))),
    )
    for j in range(8):
        assert_uniform(x[active[:, j], j])


@pytest.mark.parametrize("kind", ["bernoulli", "correlated", "anticorrelated", "n_active"])
@pytest.mark.parametrize("density", [0.2, 0.3])
def test_chunks_steps_instances_and_rows_are_independent(kind, density):
    # 60 features: no row is empty, so that each is where it belongs.
    x = np.array(
        [
            [[chunk(50, 60, density, kind, 20, 3, (i, s, c)) for c in range(4)] for s in range(6)]
            for i in range(4)
        ]
    )
    for axis, lag in product(range(5), (1, 2, 3)):
        a, b = (np.moveaxis(x, axis, 0)[where] for where in (slice(lag, None), slice(None, -lag)))
        # Within a row of n_active or of sets, whether features are active is not independent; how much is.
        if axis < 4:
            assert_independent(a > 0, b > 0)
            assert_independent(a, b)
        both = (a > 0) & (b > 0)
        if both.sum() > 1000:
            assert_independent(a[both], b[both])
    # Nor do two of the three numbers of a chunk make up for each other, nor a seed for any.
    for here, there in product([(0, 0, 1), (1, 0, 0), (0, 1, 0)], repeat=2):
        mine, theirs = chunk(128, 60, 0.3, at=here), chunk(128, 60, 0.3, at=there)
        assert np.array_equal(mine, theirs) == (here == there)
        assert_independent(mine > 0, chunk(128, 60, 0.3, at=there, seed=43) > 0)


@pytest.mark.parametrize(("n", "n_active"), [(8, 2), (5, 3), (6, 1), (6, 5), (9, 0), (9, 9), (1, 1)])
def test_exactly_n_are_active_and_every_choice_is_as_likely(n, n_active):
    x = many(n, kind="n_active", n_active=n_active, chunks=50)
    active = x > 0
    assert (active.sum(1) == n_active).all()
    choices = math.comb(n, n_active)
    which = np.unique(active @ (1 << np.arange(n)), return_counts=True)[1]
    assert len(which) == choices
    if choices > 1:
        assert_frequencies(which, np.full(choices, 1 / choices))
    for j in range(n if n_active else 0):
        assert_uniform(x[active[:, j], j])
    if n_active > 1:
        members = x[active].reshape(-1, n_active)
        for j, k in combinations(range(n_active), 2):
            assert_independent(members[:, j], members[:, k])


def assert_sets_fire(fires: np.ndarray, density: float) -> None:
    """Each set, a column of (rows, sets), fires with its probability, whatever the others do."""
    if density == 1:
        assert fires.all()
        return
    assert_probability(fires.mean(0), density, len(fires))
    for i, j in combinations(range(fires.shape[1]), 2):
        both = (fires[:, i] & fires[:, j]).mean()
        assert abs(both - density**2) < 5 * math.sqrt(density**2 / len(fires))


@pytest.mark.parametrize(("set_size", "density"), [(1, 0.2), (2, 0.05), (4, 0.3), (12, 0.2), (3, 1.0)])
def test_a_correlated_set_fires_together_with_independent_magnitudes(set_size, density):
    x = many(12, density, "correlated", set_size=set_size)
    active = (x > 0).reshape(len(x), -1, set_size)
    assert (active.all(-1) == active.any(-1)).all()
    fires = active[..., 0]
    assert_sets_fire(fires, density)
    for j in range(12):
        assert_uniform(x[x[:, j] > 0, j])
    members = x.reshape(len(x), -1, set_size)[fires]
    for j, k in combinations(range(set_size), 2):
        assert_independent(members[:, j], members[:, k])


@pytest.mark.parametrize(("set_size", "density"), [(1, 0.2), (2, 0.05), (4, 0.3), (12, 0.2), (3, 1.0)])
def test_an_anticorrelated_set_fires_with_exactly_one_member_chosen_evenly(set_size, density):
    x = many(12, density, "anticorrelated", set_size=set_size)
    active = (x > 0).reshape(len(x), -1, set_size)
    fires = active.any(-1)
    assert (active.sum(-1) == fires).all()
    assert_sets_fire(fires, density)
    if set_size > 1:
        for i in range(fires.shape[1]):
            assert_frequencies(active[:, i].sum(0), np.full(set_size, 1 / set_size))
        # Nor is it another one where the set before has fired: the word of a gap does not choose.
        for i in range(1, fires.shape[1]):
            for before in (fires[:, i - 1], ~fires[:, i - 1]):
                if before.any():
                    assert_frequencies(active[before, i].sum(0), np.full(set_size, 1 / set_size))
        # Neither the other sets' members nor how much it is know which member it is.
        member, value = active.argmax(-1)[fires], x.reshape(len(x), -1, set_size).max(-1)[fires]
        assert_independent(member, value)
        assert_independent(member[1:], member[:-1])
    for j in range(12):
        assert_uniform(x[x[:, j] > 0, j])


@pytest.mark.parametrize("n", [1, 8, 13])
@pytest.mark.parametrize("kind", ["bernoulli", "correlated", "anticorrelated"])
def test_sparsity_0_leaves_nothing_out_and_sparsity_almost_1_nearly_everything(n, kind):
    x = many(n, 1.0, kind, set_size=n, chunks=20)
    assert ((x > 0).sum(1) == (1 if kind == "anticorrelated" else n)).all()
    assert_uniform(x[x > 0])
    for least in (0.0, 1e-16, 1e-12):
        assert not chunk(10_000, n, least, kind, set_size=n).any()
    x = chunk(100_000, n, 1e-2, kind, set_size=n)
    sets = n if kind == "bernoulli" else 1
    assert_probability((x > 0).any(1).mean(), 1 - (1 - 1e-2) ** sets, len(x))


@pytest.mark.parametrize("n", [1, 8])
def test_one_in_a_million_is_found(n):
    # 400 chunks of 10^6 / 10 entries at density 1e-6: 40 on average, Poisson's.
    found = sum((chunk(100_000 // n, n, 1e-6, at=(0, step, 0)) > 0).sum() for step in range(400))
    assert abs(found - 40) < 5 * math.sqrt(40)


def test_exactly_where_drawing_changes_nothing_else_does():
    # Below _DENSE gaps are drawn, from there on every entry is asked: the same distribution.
    for density in (np.nextafter(loops._DENSE, 0), loops._DENSE):
        active = many(8, float(density)) > 0
        assert_probability(active.mean(0), loops._DENSE, len(active))
        pairs = [(active[:, j] & active[:, k]).mean() for j, k in combinations(range(8), 2)]
        assert_probability(pairs, loops._DENSE**2, len(active))


@pytest.mark.parametrize(
    "fields",
    [
        {"sparsity": (0.95, 0.9, 0.0)},
        {"sparsity": 0.5, "bias": True},
        {"features": "correlated", "set_size": 4, "bias": True},
        {"features": "anticorrelated", "set_size": 2, "sparsity": (0.0, 0.8, 0.999)},
        {"features": "n_active", "n_active": 3},
    ],
)
@pytest.mark.parametrize("shares_rows", [False, True])
def test_the_kernel_trains_on_these_draws(fields, shares_rows, monkeypatch):
    """So that what is true of the batches above is true of training."""
    monkeypatch.setattr("tms_engine.training.numba.kernel._shares_rows", lambda experiment: shares_rows)
    experiment = Experiment(n_instances=3, batch_size=300, **fields)
    x = batches(experiment, 12)
    own, given = (NumbaKernel(fresh_state(experiment)) for _ in range(2))
    losses = np.concatenate([own.advance(experiment, 5), own.advance(experiment, 7)])
    expected = given.train_on(experiment, x)
    if experiment.features == "n_active":  # drawn in another order than a batch has: rounded otherwise
        assert np.allclose(losses, expected, rtol=1e-4)
        assert np.allclose(own.state().parameters["W"], given.state().parameters["W"], rtol=1e-3, atol=1e-4)
    else:
        assert np.array_equal(losses, expected)
        assert_same_bits(own.state(), given.state())
