"""The optimum of two features in one dimension: against Monte Carlo, random starts, and trained models."""

import numpy as np
import pytest

from tms_engine import Experiment, InputError, Trainer, phases, theory


def test_the_expected_loss_is_that_of_a_fine_grid_of_inputs():
    u = (np.arange(500) + 0.5) / 500
    one, other, nothing = np.c_[u, 0 * u], np.c_[0 * u, u], np.zeros(2)
    both = np.stack(np.meshgrid(u, u), -1)
    generator = np.random.default_rng(0)
    for case in range(40):
        weights, bias = generator.normal(size=2), 0.4 * generator.normal(size=2)
        weights[case % 3 : case % 3 + 1] *= case % 2  # some are 0
        p, r = generator.uniform(0.05, 1), generator.uniform(0.1, 3)

        def mean_loss(x):
            reconstruction = np.maximum((x @ weights)[..., None] * weights + bias, 0)  # noqa: B023
            return ((reconstruction - x) ** 2 * [1, r]).sum(-1).mean()  # noqa: B023

        expected = (1 - p) ** 2 * mean_loss(nothing) + p**2 * mean_loss(both)
        expected += p * (1 - p) * (mean_loss(one) + mean_loss(other))
        assert phases.expected_loss(weights, bias, p, r) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("p", "r"), [(0.05, 0.3), (0.5, 1.0), (1.0, 2.0)])
def test_pure_strategies_have_their_closed_forms(p, r):
    sums = theory.pure_strategy_sums(p, r)
    found = phases.expected_loss([[1, 0], [0, 1], [1, -1]], [[0, p / 2], [p / 2, 0], [0, 0]], p, r)
    assert found == pytest.approx([sums["dedicate first"], sums["dedicate second"], sums["antipodal"]])


def test_the_gradient_is_that_of_finite_differences():
    x = np.random.default_rng(1).normal(size=(50, 4)) * 0.5
    p, r = np.linspace(0.02, 1, 50), np.geomspace(0.1, 10, 50)
    _, gradient = phases._loss_and_gradient(x, p, r)
    for k, shift in enumerate(1e-6 * np.eye(4)):
        above, below = (phases._loss_and_gradient(x + s, p, r)[0] for s in (shift, -shift))
        assert np.allclose((above - below) / 2e-6, gradient[:, k], atol=1e-7)


def test_an_equal_digon_has_shorter_arms_and_a_bias_where_features_are_dense():
    found = phases.optimum(0.6464, 1.0)
    assert found.loss == pytest.approx(0.1050, abs=5e-5)
    assert min(theory.pure_strategy_sums(0.6464, 1).values()) == pytest.approx(0.1110, abs=5e-5)
    assert np.allclose(found.weights, [0.806, -0.806], atol=2e-3)
    assert np.allclose(found.bias, 0.277, atol=2e-3)


def test_how_far_superposition_goes():
    equal = phases.optimum([0.6, 0.7, 0.71], 1.0)
    assert np.allclose(equal.weights.sum(-1)[:2], 0)  # an equal digon, to p = .70 and not much further
    assert abs(equal.weights[2].sum()) > 0.3
    assert phases.superposition_boundary(0.7) < 1 < phases.superposition_boundary(0.75) == float("inf")
    unequal = phases.optimum([0.160, 0.1975], 0.1)
    assert phases.phase([0.160, 0.1975], 0.1).tolist() == ["antipodal", "dedicate first"]
    dedicated = [theory.pure_strategy_sums(p, 0.1)["dedicate first"] for p in (0.160, 0.1975)]
    assert np.allclose(1 - unequal.loss / dedicated, [0.098, 0], atol=5e-4)


@pytest.mark.parametrize("p", [1e-9, 1e-6, 0.01, 0.3])
def test_superposition_goes_further_than_the_pure_strategies_say(p):
    r = phases.superposition_boundary(p)
    assert 0.8 * theory.pure_strategy_boundary(p) < r < 0.9 * theory.pure_strategy_boundary(p)
    assert phases.phase(p, [0.99 * r, 1.01 * r]).tolist() == ["dedicate first", "antipodal"]
    assert phases.phase(p, [1 / (1.01 * r), 1 / (0.99 * r)]).tolist() == ["antipodal", "dedicate second"]


def test_no_random_start_finds_anything_lower():
    generator = np.random.default_rng(2)
    p, r = generator.uniform(0.01, 1, 12), 10 ** generator.uniform(-1, 1, 12)
    starts = generator.normal(size=(12, 25, 4)) * [0.8, 0.8, 0.3, 0.3]
    found = phases._refine(starts.reshape(-1, 4), np.repeat(p, 25), np.repeat(r, 25)).reshape(12, 25, 4)
    losses = phases.expected_loss(found[..., :2], found[..., 2:], p[:, None], r[:, None]).min(1)
    best = phases.optimum(p, r)
    assert (best.loss < losses + 1e-10).all()
    pure = np.array([min(theory.pure_strategy_sums(*at).values()) for at in zip(p, r, strict=True)])
    assert (best.loss <= pure * (1 + 1e-12)).all()


def test_arguments_broadcast_and_bad_ones_are_refused():
    grid = phases.optimum(np.array([0.1, 0.2, 0.3]), np.array([[0.5], [1.0]]))
    assert grid.loss.shape == (2, 3)
    assert grid.weights.shape == grid.bias.shape == (2, 3, 2)
    assert grid.loss[1, 2] == pytest.approx(float(phases.optimum(0.3, 1.0).loss))
    for p, r in [(0, 1), (1.1, 1), (0.5, 0), (0.5, np.inf)]:
        with pytest.raises(InputError):
            phases.optimum(p, r)


@pytest.mark.slow
def test_the_best_of_eight_trained_models_is_in_the_phase_of_the_optimum():
    cells = [(p, r) for r in (0.1, 1, 10) for p in (1, 0.1, 0.01)]
    p, r = np.repeat(np.array(cells), 8, axis=0).T
    experiment = Experiment(
        n_features=2,
        n_hidden=1,
        n_instances=len(p),
        bias=True,
        init="xavier",
        batch_size=256,
        sparsity=tuple(1 - p),
        importance_decay=tuple(r),
        schedule="linear",
        steps=3000,
        keep=0,
    )
    trainer = Trainer(experiment)
    trainer.advance(3000)
    snapshot = trainer.snapshot()
    weights = snapshot.weights[..., 0]
    losses = phases.expected_loss(weights, snapshot.bias, p, r).reshape(9, 8)
    theirs = phases.optimum(*np.array(cells).T)
    assert (losses.min(1) > theirs.loss).all()
    assert (losses.min(1) < 1.01 * theirs.loss).all()
    best = weights.reshape(9, 8, 2)[np.arange(9), losses.argmin(1)]
    assert phases.phase_of(best).tolist() == phases.phase_of(theirs.weights).tolist()
