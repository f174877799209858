"""Every closed form against the engine's own loss: it must lie within its standard error (3 of them)."""

import numpy as np
import pytest

from tests.engine.conftest import run_with
from tms_engine import Experiment, evaluate, theory

P = 0.05
ROWS = None  # as many as evaluate takes


def assert_loss(expected: float, weights, bias=None, rows=ROWS, **fields) -> None:
    weights = np.asarray(weights, np.float32)
    n, m = weights.shape
    fields = {"n_features": n, "n_hidden": m, "bias": bias is not None, "sparsity": 1 - P} | fields
    biases = None if bias is None else np.asarray(bias, np.float32)[None]
    evaluation = evaluate(run_with(Experiment(**fields), weights[None], biases), rows=rows)
    assert evaluation.standard_error[0] < 0.02 * evaluation.loss[0]
    assert abs(evaluation.loss[0] - expected) < 3 * evaluation.standard_error[0] + 1e-6 * expected


def test_nothing_learned_costs_p_over_three():
    assert theory.loss_of_nothing(P) == pytest.approx(0.016667, abs=1e-6)
    assert_loss(theory.loss_of_nothing(P), np.zeros((8, 3)))
    assert theory.mean_squared_feature(P) == theory.loss_of_nothing(P)


@pytest.mark.parametrize("p", [0.05, 0.5, 1.0])
def test_the_best_constant_leaves_the_variance(p):
    mean = theory.mean_feature(p)
    assert_loss(theory.loss_of_best_constant(p), np.zeros((8, 3)), np.full(8, mean), sparsity=1 - p)
    # It is the best: a little more or less costs more, by the square of the difference.
    assert_loss(
        theory.loss_of_best_constant(p) + 0.1**2, np.zeros((8, 3)), np.full(8, mean + 0.1), sparsity=1 - p
    )


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("decay", [1.0, 0.7])
def test_dedicated_features_are_free_and_the_dropped_pay(bias, decay):
    importance = decay ** np.arange(8)
    expected = theory.loss_of_dedicated(P, importance, 3, bias)
    if not bias and decay == 1:
        assert expected == pytest.approx(0.010417, abs=1e-6)
    b = np.r_[np.zeros(3), np.full(5, P / 2)] if bias else None
    assert_loss(expected, np.eye(8, 3), b, importance_decay=decay)


def test_a_digon_costs_p_squared_over_six():
    expected = theory.digon_sum(0.5, 1, 0.3) / 2
    assert_loss(expected, [[1], [-1]], sparsity=0.5, importance_decay=0.3)
    assert theory.digon_sum(P, 1, 1) == pytest.approx(P**2 / 3)


def test_an_octahedron_plus_two_dropped():
    weights = np.concatenate([np.eye(3), -np.eye(3), np.zeros((2, 3))])
    expected = theory.loss_of_digons(P, 8, 3)
    assert expected == pytest.approx(0.004479, abs=1e-6)
    assert_loss(expected, weights)


def test_exactly_one_active_has_a_closed_form_for_any_weights():
    weights = np.random.default_rng(0).standard_normal((8, 3)) * 0.6
    assert_loss(theory.one_active_loss(weights), weights, features="n_active", n_active=1)


@pytest.mark.parametrize(("p", "r"), [(0.1, 0.5), (0.9, 0.5), (0.9, 2.0), (0.05, 0.01)])
def test_pure_strategies_of_two_features_in_one_dimension(p, r):
    sums = theory.pure_strategy_sums(p, r)
    fields = {"importance_decay": r, "sparsity": 1 - p}
    assert_loss(sums["dedicate first"] / 2, [[1], [0]], [0, p / 2], **fields)
    assert_loss(sums["dedicate second"] / 2, [[0], [1]], [p / 2, 0], **fields)
    assert_loss(sums["antipodal"] / 2, [[1], [-1]], [0, 0], **fields)


@pytest.mark.parametrize("p", [0.01, 0.1, 0.3, 0.5])
def test_the_pure_boundary_is_where_the_best_pure_strategy_changes(p):
    r = theory.pure_strategy_boundary(p)
    assert r < 1
    assert theory.best_pure_strategy(p, 1.001 * r) == "antipodal"
    assert theory.best_pure_strategy(p, 0.999 * r) == "dedicate first"
    assert theory.best_pure_strategy(p, 0.999 / r) == "antipodal"
    assert theory.best_pure_strategy(p, 1.001 / r) == "dedicate second"


@pytest.mark.parametrize("p", [0.58, 0.8, 1.0])
def test_the_pure_digon_never_wins_among_dense_features(p):
    assert theory.pure_strategy_boundary(p) == float("inf")
    assert all(theory.best_pure_strategy(p, r) != "antipodal" for r in np.geomspace(0.01, 100, 101))
