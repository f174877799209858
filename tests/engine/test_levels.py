"""Levels of the loss, against the exact loss of their weights, closed forms and independent minima."""

import math

import numpy as np
import pytest

from tms_engine import Experiment, Run, evaluate
from tms_engine.analysis import phases, theory
from tms_engine.analysis.levels import k_gon, levels, near, pure_losses, refusal
from tms_engine.analysis.optimum import summed_loss


def strategy(n: int, m: int, digons: int) -> np.ndarray:
    """Single features first, then digons, the rest dropped."""
    weights = np.zeros((n, m), np.float32)
    alone = m - digons
    for j in range(alone):
        weights[j, j] = 1
    for k in range(digons):
        weights[alone + 2 * k, alone + k], weights[alone + 2 * k + 1, alone + k] = 1, -1
    return weights


def named(experiment: Experiment, instance: int = 0) -> dict[str, float]:
    return {level.name: level.loss for level in levels(experiment, instance)}


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("importance", [{}, {"importance_decay": 0.7}, {"importance": (7, 6, 5, 4, 3, 2, 0)}])
def test_each_pure_strategy_has_the_exact_loss_of_its_weights(bias, importance):
    experiment = Experiment(n_features=7, n_hidden=3, sparsity=0.8, bias=bias, **importance)
    every = [np.zeros((7, 3), np.float32), *(strategy(7, 3, digons) for digons in range(4))]
    kept = [0, 3, 4, 5, 6]
    exact = []
    for weights, represented in zip(every, kept, strict=True):
        b = np.where(np.arange(7) < represented, 0, 0.1).astype(np.float32)  # p/2
        exact.append(float(evaluate(Run.from_weights(weights, b if bias else None, experiment)).loss[0]))
    assert np.allclose(pure_losses(experiment), exact, rtol=2e-6)


def test_the_levels_have_the_names_of_their_parts_and_the_known_losses():
    found = named(Experiment())
    assert list(found) == [
        "nothing learned",
        "three singles",
        "a digon and two singles",
        "two digons and a single",
        "octahedron",
    ]
    assert found["octahedron"] == pytest.approx(theory.loss_of_digons(0.05, 8, 3))
    assert found["octahedron"] == pytest.approx(0.004479, abs=1e-6)
    assert found["three singles"] == pytest.approx(0.010417, abs=1e-6)
    assert found["nothing learned"] == pytest.approx(0.05 / 3)


def test_with_room_for_all_features_there_is_the_level_of_no_loss():
    assert named(Experiment(n_features=2, n_hidden=3))["two singles"] == 0


def test_of_many_pure_strategies_the_ends_and_the_best_are_told_and_a_million_features_are_no_work():
    # Dense, and the last ones hardly count: the best has some digons, but not as many as there could be.
    dense = Experiment(n_features=40, n_hidden=20, sparsity=0.4, importance_decay=0.7)
    found = levels(dense)
    assert [level.name for level in found[:1]] == ["nothing learned"]
    assert {"20 singles", "20 digons"} < {level.name for level in found}
    assert len(found) == 4
    assert (
        found[-1].loss
        == pure_losses(Experiment(n_features=40, n_hidden=20, sparsity=0.4, importance_decay=0.7)).min()
    )
    huge = Experiment(n_features=10**6, n_hidden=10**4)
    assert len(pure_losses(huge)) == 10**4 + 2
    assert near(huge, pure_losses(huge), 1.0)[0].name == "nothing learned"


def test_instances_have_their_own_levels():
    both = Experiment(n_instances=2, sparsity=(0.5, 0.99), n_features=5, n_hidden=2)
    assert named(both, 1) == named(both.replace(n_instances=1, sparsity=0.99))


def test_a_list_of_many_importances_has_levels():
    experiment = Experiment(n_features=12, n_hidden=2, importance=tuple(range(12, 0, -1)))
    found = named(experiment)
    assert math.isclose(found["two singles"], sum(range(1, 11)) / 12 * 0.05 / 3)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"model": "linear"}, "for model tied_relu, not for linear"),
        ({"features": "n_active"}, "for features bernoulli, not for n_active"),
        ({"magnitudes": "signed"}, "for magnitudes uniform, not for signed"),
        ({"unit_rows": True}, "no levels with unit_rows"),
        ({"relative_density": (1,) * 7 + (2,)}, "no levels with relative_density"),
        ({"dataset_rows": 5}, "no levels with dataset_rows"),
    ],
)
def test_where_theory_knows_no_level_it_says_why(fields, words):
    experiment = Experiment(**fields)
    assert words in refusal(experiment)
    assert levels(experiment) == []
    assert not len(pure_losses(experiment))


def test_the_levels_near_a_loss_are_the_one_below_and_the_one_above():
    experiment = Experiment()
    losses = pure_losses(experiment)
    below, above = near(experiment, losses, 0.005)
    assert (below.name, above.name) == ("octahedron", "two digons and a single")
    assert near(experiment, losses, losses.min())[0].name == "octahedron"
    assert near(experiment, losses, 0.001)[0] is None
    assert near(experiment, losses, 1.0)[1] is None


@pytest.mark.parametrize("bias", [False, True])
def test_the_best_pentagon_is_below_those_with_other_arms_and_biases(bias):
    experiment = Experiment(n_features=5, n_hidden=2, sparsity=0.95, bias=bias)
    best = named(experiment)["best pentagon"]
    if bias:
        assert np.isclose(best, 0.001781, atol=1e-6)  # that many seeds end in
    angles = 2 * np.pi * np.arange(5) / 5
    shape = np.stack([np.cos(angles), np.sin(angles)], 1)
    lengths, biases = np.meshgrid(np.linspace(0.5, 1.3, 81), np.linspace(-0.4, 0.1, 51 if bias else 1) * bias)
    weights = lengths.ravel()[:, None, None] * shape
    each = np.repeat(biases.ravel()[:, None], 5, 1)
    least = float(summed_loss(weights, each, np.ones(each.shape), 0.05).min()) / 5
    assert best <= least <= 1.02 * best


def test_a_polygon_is_told_only_of_equal_importances_and_scales_with_them():
    equal = {"n_features": 5, "n_hidden": 2, "bias": True}
    one, three = (named(Experiment(importance=(i,) * 5, **equal))["best pentagon"] for i in (1, 3))
    assert math.isclose(three, 3 * one)
    assert "best pentagon" not in named(Experiment(importance_decay=0.9, **equal))


@pytest.mark.parametrize(
    ("corners", "shared", "loss"),
    [(6, False, 0.008032), (5, False, 0.010300), (5, True, 0.0115), (4, True, 0.0185)],
)
def test_k_gons_of_six_features_of_which_one_is_active_have_the_known_losses(corners, shared, loss):
    assert float(k_gon(6, corners, None, shared).loss[0]) / 6 == pytest.approx(loss, rel=5e-3)


@pytest.mark.parametrize(("p", "r"), [(0.03, 1.0), (0.3, 0.5), (0.8, 1.0)])
def test_the_optimum_of_two_in_one_is_that_of_the_phase_diagram(p, r):
    experiment = Experiment(n_features=2, n_hidden=1, sparsity=1 - p, importance=(1, r), bias=True)
    wanted = float(phases.optimum(p, np.array([r])).loss[0]) / 2
    assert np.isclose(named(experiment)["optimum"], wanted, rtol=1e-4)
