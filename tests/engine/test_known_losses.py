"""Losses that theory knows for an experiment, against closed forms and independent minima."""

import numpy as np
import pytest

from tms_engine import Experiment
from tms_engine.analysis import phases
from tms_engine.analysis.known_losses import levels, refusal


def named(experiment):
    return {level.name: level.loss for level in levels(experiment)}


def test_nothing_singles_and_digons_have_their_closed_forms():
    p, n, m = 0.1, 6, 2
    found = named(Experiment(n_features=n, n_hidden=m, sparsity=1 - p))
    third = p / 3
    assert np.isclose(found["nothing learned"], third)
    assert np.isclose(found["2 features alone"], (n - m) / n * third)
    # A digon loses where both are active: twice the smaller one squared, of which the mean is 1/6.
    digon = p * p / 3
    assert np.isclose(found["2 digons"], 2 * digon / n + (n - 4) / n * third)


def test_the_best_pentagon_is_the_minimum_that_many_seeds_end_in():
    pentagon = named(Experiment(n_features=5, n_hidden=2, sparsity=0.95, bias=True))["best pentagon"]
    assert np.isclose(pentagon, 0.001781, atol=1e-6)


@pytest.mark.parametrize(("p", "r"), [(0.03, 1.0), (0.3, 0.5), (0.8, 1.0)])
def test_the_optimum_of_two_in_one_is_that_of_the_phase_diagram(p, r):
    experiment = Experiment(n_features=2, n_hidden=1, sparsity=1 - p, importance=(1, r), bias=True)
    wanted = float(phases.optimum(p, np.array([r])).loss[0]) / 2
    assert np.isclose(named(experiment)["optimum"], wanted, rtol=1e-4)


@pytest.mark.parametrize(
    "experiment",
    [Experiment(model="linear"), Experiment(features="n_active"), Experiment(magnitudes="signed")],
)
def test_where_theory_has_no_level_it_says_so(experiment):
    assert refusal(experiment)
    assert levels(experiment) == []
