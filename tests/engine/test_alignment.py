"""Alignment against copies that were turned and permuted, and assignments against all permutations."""

import itertools

import numpy as np
import pytest

from tests.engine.test_geometry import square_antiprism
from tms_engine.analysis.alignment import align, assignment


def rotation(rng: np.random.Generator, m: int) -> np.ndarray:
    return np.linalg.qr(rng.standard_normal((m, m)))[0]


def test_assignment_has_the_least_cost_of_all_permutations():
    rng = np.random.default_rng(0)
    for _ in range(60):
        rows = int(rng.integers(1, 6))
        costs = rng.standard_normal((rows, rows + int(rng.integers(0, 3))))
        chosen = assignment(costs)
        assert len(set(chosen.tolist())) == rows
        least = min(
            sum(costs[row, column] for row, column in enumerate(columns))
            for columns in itertools.permutations(range(costs.shape[1]), rows)
        )
        assert costs[np.arange(rows), chosen].sum() == pytest.approx(least)


@pytest.mark.parametrize(("n", "m"), [(3, 1), (5, 2), (8, 3), (12, 4), (20, 5)])
def test_a_model_that_was_turned_and_permuted_is_laid_over_itself(n, m):
    rng = np.random.default_rng(n)
    for _ in range(4):
        onto = rng.standard_normal((n, m))
        order = rng.permutation(n)
        found = align(onto[order] @ rotation(rng, m), onto, matched=True)
        assert found.distance < 1e-9
        assert (found.partner == order).all()


def test_a_symmetric_solid_is_laid_over_itself_by_one_of_its_symmetries():
    rng = np.random.default_rng(1)
    solid = square_antiprism()
    found = align(solid[rng.permutation(8)] @ rotation(rng, 3), solid, matched=True)
    assert found.distance < 1e-9


def test_by_number_feature_j_stands_for_feature_j_and_only_the_turn_is_sought():
    rng = np.random.default_rng(2)
    onto = rng.standard_normal((8, 3))
    mirror = rotation(rng, 3)
    mirror[:, 0] *= -np.sign(np.linalg.det(mirror))
    found = align(onto @ mirror, onto, matched=False)
    assert found.partner.tolist() == list(range(8))
    assert found.distance < 1e-9
    assert found.mirrored
    np.testing.assert_allclose(found.turn, mirror.T, atol=1e-9)


@pytest.mark.parametrize(("here", "there"), [((5, 2), (8, 3)), ((8, 3), (5, 2)), ((6, 3), (6, 2))])
def test_models_of_other_sizes_are_laid_over_each_other_as_far_as_they_go(here, there):
    rng = np.random.default_rng(3)
    found = align(rng.standard_normal(here), rng.standard_normal(there), matched=True)
    partners = found.partner[found.partner >= 0]
    assert len(partners) == len(set(partners.tolist())) == min(here[0], there[0])
    assert found.turn.shape == (here[1], there[1])


def test_from_an_alignment_of_before_the_features_keep_their_partners():
    rng = np.random.default_rng(4)
    onto = rng.standard_normal((8, 3))
    turned = onto[::-1] @ rotation(rng, 3)
    before = align(turned, onto, matched=True)
    after = align(turned + 0.01 * rng.standard_normal((8, 3)), onto, matched=True, before=before)
    assert (after.partner == before.partner).all()
    assert after.distance < 0.02


def test_weights_that_are_not_finite_are_laid_over_somehow():
    weights = np.full((4, 2), np.nan)
    assert np.isfinite(align(weights, np.eye(4, 2), matched=True).turn).all()


def test_of_very_many_features_each_stands_for_itself():
    weights = np.random.default_rng(5).standard_normal((100, 3))
    assert align(weights[::-1], weights, matched=True).partner.tolist() == list(range(100))
