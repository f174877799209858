"""Levels of the loss by their closed form, against the exact loss of their weights; D over steps."""

import numpy as np
import pytest

from tms_engine import Experiment, Run, evaluate, geometry, train
from tms_engine.analysis import theory
from tms_engine.analysis.levels import levels, near, over_steps


def strategy(n: int, m: int, digons: int) -> np.ndarray:
    """Single features first, then digons, the rest dropped."""
    weights = np.zeros((n, m), np.float32)
    alone = m - digons
    for j in range(alone):
        weights[j, j] = 1
    for k in range(digons):
        weights[alone + 2 * k, alone + k], weights[alone + 2 * k + 1, alone + k] = 1, -1
    return weights


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("decay", [1.0, 0.7])
def test_each_level_is_the_exact_loss_of_its_weights(bias, decay):
    experiment = Experiment(n_features=7, n_hidden=3, sparsity=0.8, importance_decay=decay, bias=bias)
    by_digons = []
    for digons in range(4):
        weights, b = strategy(7, 3, digons), np.zeros(7, np.float32)
        b[3 + digons :] = 0.1  # p/2
        run = Run.from_weights(weights, b if bias else None, experiment)
        by_digons.append(float(evaluate(run).loss[0]))
    assert np.allclose([level.loss for level in levels(experiment)], sorted(by_digons), rtol=2e-6)


def test_the_levels_have_the_names_of_their_parts_and_the_known_losses():
    found = {level.name: level.loss for level in levels(Experiment())}
    assert list(found) == [
        "octahedron",
        "two digons and a single",
        "a digon and two singles",
        "three singles",
    ]
    assert found["octahedron"] == pytest.approx(theory.loss_of_digons(0.05, 8, 3))
    assert found["octahedron"] == pytest.approx(0.004479, abs=1e-6)
    assert found["three singles"] == pytest.approx(0.010417, abs=1e-6)


def test_with_room_for_all_features_there_is_the_level_of_no_loss():
    assert [level.loss for level in levels(Experiment(n_features=2, n_hidden=3))] == [0]


@pytest.mark.parametrize(
    "fields", [{"model": "linear"}, {"features": "n_active"}, {"magnitudes": "constant"}, {"unit_rows": True}]
)
def test_there_are_no_levels_where_the_closed_form_does_not_hold(fields):
    assert levels(Experiment(**fields)) == []


def test_the_levels_near_a_loss_are_the_one_below_and_the_one_above():
    found = levels(Experiment())
    below, above = near(found, 0.005)
    assert (below.name, above.name) == ("octahedron", "two digons and a single")
    assert near(found, 0.001)[0] is None
    assert near(found, 1.0)[1] is None


def test_D_over_the_steps_is_that_of_the_weights_that_are_kept():
    run = train(Experiment(n_features=5, n_hidden=2, steps=300, n_instances=2))
    found = over_steps(run, 1, (0, 3), 1000)
    assert found.steps.tolist() == sorted({*run.history.steps, 300})
    for step, values in zip(found.steps.tolist(), found.dimensionality, strict=True):
        expected = geometry.dimensionality(run.at(step).weights)[1, [0, 3]]
        assert np.allclose(values, expected)
    few = over_steps(run, 1, (0, 3), 20)
    assert len(few.steps) <= 21
    assert few.steps[-1] == 300
    assert set(few.steps.tolist()) < set(found.steps.tolist())
