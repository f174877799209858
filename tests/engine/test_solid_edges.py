"""Edges of solids as they are named. Compiles the search for names, once on a machine."""

import numpy as np
import pytest

from tms_engine import polytopes
from tms_engine.analysis.polytopes import hull_edges, ideals, solid_edges

pytestmark = pytest.mark.slow

OCTAHEDRON = np.concatenate([np.eye(3), -np.eye(3)])


def noisy(solid: np.ndarray, seed: int, size: float = 0.03) -> np.ndarray:
    return solid + size * np.random.default_rng(seed).standard_normal(solid.shape)


@pytest.mark.parametrize(
    ("solid", "edges", "facets"),
    [
        (ideals.square_antiprism(), 16, 10),
        (ideals.cube(), 12, 6),
        (ideals.snub_disphenoid(), 18, 12),
        (OCTAHEDRON, 12, 8),
        (ideals.polygon(5), 5, 0),
    ],
)
def test_a_solid_that_is_nearly_ideal_has_the_edges_of_its_ideal_and_no_diagonals(solid, edges, facets):
    for seed in range(5):
        weights = noisy(solid, seed)
        found = solid_edges(weights, polytopes(weights))
        assert found.edges.tolist() != []
        assert len(found.edges) == edges
        assert len(found.facets) == facets
        assert len(found.sides) == (edges if facets else 0)
        for (j, k), sides in zip(found.edges, found.sides, strict=False):
            assert len(set(sides.tolist())) == 2
            between = np.linalg.norm(weights[j] - weights[k])
            assert between < 1.75


def test_edges_are_between_the_features_that_stand_for_the_vertices():
    order = np.random.default_rng(0).permutation(8)
    weights = np.concatenate([np.full((2, 3), 0.01), 0.9 * ideals.cube()[order]])
    found = solid_edges(weights, polytopes(weights))
    lengths = np.linalg.norm(weights[found.edges[:, 0]] - weights[found.edges[:, 1]], axis=1)
    np.testing.assert_allclose(lengths, 0.9 * 2 / np.sqrt(3), rtol=1e-6)
    assert found.edges.min() == 2


def test_without_a_name_they_are_those_of_the_hull():
    weights = np.random.default_rng(3).standard_normal((10, 3)) + 0.5
    weights[:3] *= 0.1
    found = polytopes(weights)
    features = np.flatnonzero(np.linalg.norm(weights, axis=1) > 0.5)
    assert any(np.isnan(part.residual) for part in found.parts)
    expected = features[hull_edges(weights[features])]
    assert solid_edges(weights, found).edges.tolist() == expected.tolist()


def test_in_many_dimensions_each_part_has_its_own():
    weights = np.zeros((7, 5))
    weights[:5, :2], weights[5:, 2:3] = ideals.polygon(5), [[1], [-1]]
    found = solid_edges(weights, polytopes(weights))
    assert len(found.edges) == 6
    assert [5, 6] in found.edges.tolist()


def test_what_is_not_finite_has_none():
    weights = np.full((4, 3), np.nan)
    assert solid_edges(weights, polytopes(weights)).edges.tolist() == []
