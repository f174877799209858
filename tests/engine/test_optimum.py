"""Minima of small models: beside closed forms, and beside the optimum of two features in one dimension."""

import numpy as np
import pytest

from tms_engine import Experiment, InputError, Trainer, phases, theory
from tms_engine.analysis.optimum import minimum, summed_loss
from tms_engine.analysis.strategies import pure_strategies, states_of
from tms_engine.models import Sizes
from tms_engine.models.layers import regular_polygon
from tms_engine.training.state import initial_parameters

ROOM = Sizes(6, 2, True, 0.0)


@pytest.mark.parametrize("p", [0.05, 0.6464])
def test_pure_strategies_cost_what_is_derived_by_hand(p):
    digon, alone = np.array([[[1.0], [-1.0]]]), np.array([[[1.0], [0.0]]])
    r = 0.3
    assert summed_loss(digon, np.zeros((1, 2)), np.array([[1, r]]), p) == pytest.approx(
        theory.digon_sum(p, 1, r)
    )
    assert summed_loss(alone, np.array([[0, p / 2]]), np.array([[1, r]]), p) == pytest.approx(
        r * theory.loss_of_best_constant(p)
    )


@pytest.mark.parametrize(("p", "r"), [(0.6464, 1.0), (0.16, 0.1), (0.9, 0.5), (0.05, 3.0)])
def test_the_best_of_the_minima_is_the_optimum_of_two_features_in_one_dimension(p, r):
    starts = np.array([[[1.0], [0.0]], [[0.0], [1.0]], [[0.9], [-0.7]], [[0.7], [-0.9]]])
    bias = np.array([[0, p / 2], [p / 2, 0], [0.1, 0.1], [0.1, 0.1]])
    found = minimum(starts, bias, np.tile([1.0, r], (4, 1)), p)
    before = summed_loss(starts, bias, np.tile([1.0, r], (4, 1)), p)
    assert (found.loss <= before + 1e-12).all()
    known = phases.optimum(p, r)
    assert found.loss.min() == pytest.approx(float(known.loss), rel=1e-7)
    best = np.abs(found.weights[found.loss.argmin(), :, 0])
    assert best == pytest.approx(np.abs(known.weights), abs=1e-3)


@pytest.mark.parametrize(
    ("corners", "level"), [(6, 0.008032), (5, 0.010300), (4, 0.0162037), (3, 0.0243056), (2, 0.0324074)]
)
def test_levels_of_six_features_in_two_dimensions_of_which_one_is_active(corners, level):
    start = regular_polygon(corners, ROOM)[None].astype(np.float64)
    bias = np.where(np.arange(6) < corners, -0.1, 1 / 12)[None]
    found = minimum(start, bias, np.ones((1, 6)), None)
    assert found.loss[0] / 6 == pytest.approx(level, abs=1e-6)


def test_pure_strategies_say_what_they_do_with_the_last_feature():
    for m in (1, 2):
        strategies = pure_strategies(m)
        weights = np.array([strategy.weights for strategy in strategies])
        assert states_of(weights).tolist() == [strategy.extra for strategy in strategies]
        assert all((np.linalg.norm(weights, axis=-1) > 0.99).sum(1) >= m)


# First weights on a polygon.


def test_k_gon_puts_the_first_features_on_a_regular_polygon():
    first = initial_parameters(Experiment(n_features=6, n_hidden=3, init="5-gon", n_instances=2))["W"]
    corners = first[:, :5, :2]
    cosines = np.einsum("ijd,ikd->ijk", corners, corners)
    angles = 2 * np.pi * np.subtract.outer(np.arange(5), np.arange(5)) / 5
    assert np.abs(cosines - np.cos(angles)).max() < 0.1
    assert np.abs(first[:, 5]).max() < 0.05
    assert np.abs(first[..., 2]).max() < 0.05
    assert 0.005 < (first[0] - first[1]).std() / 2**0.5 < 0.02
    digon = initial_parameters(Experiment(n_features=2, n_hidden=1, init="2-gon", init_std=1e-6))["W"]
    assert digon.ravel() == pytest.approx([1, -1], abs=1e-4)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"init": "1-gon"}, "init should be normal, xavier, joint_xavier, or 2-gon"),
        ({"init": "pentagon"}, "init should be"),
        ({"init": "9-gon"}, "init 9-gon needs 9 features"),
        ({"init": "3-gon", "n_hidden": 1}, "2 hidden dimensions at least"),
    ],
)
def test_other_polygons_are_refused(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        Experiment(**fields)


def test_a_model_with_two_matrices_has_no_polygon():
    with pytest.raises(InputError, match="models with one W"):
        Trainer(Experiment(model="untied", init="3-gon"))
