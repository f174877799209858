from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.test_geometry import polygon, square_antiprism
from tms_engine import hull_edges
from tms_engine.analysis.polytopes import ideals

CUBE = np.array(list(product((-1.0, 1.0), repeat=3)))


def cross(dimension: int) -> np.ndarray:
    return np.concatenate([np.eye(dimension), -np.eye(dimension)])


def degrees(edges: np.ndarray, points: int) -> list[int]:
    return sorted(np.bincount(edges.ravel(), minlength=points).tolist())


@pytest.mark.parametrize(
    ("points", "edges"),
    [
        (CUBE, 12),
        (cross(3), 12),
        (cross(4), 24),
        (np.array(list(product((-1.0, 1.0), repeat=4))), 32),
        (square_antiprism(), 16),
        (ideals.snub_disphenoid(), 18),
        (ideals.simplex(6), 15),
        (polygon(7), 7),
        (polygon(7) * 1e30, 7),
        (polygon(7).astype(np.float32) * np.float32(1e-30), 7),
        (np.array([[2.0], [-1.0], [0.5]]), 1),
    ],
)
def test_edges_of_known_solids(points, edges):
    assert len(hull_edges(points)) == edges


def test_edges_are_those_of_least_length_in_solids_with_equal_edges():
    for solid in (CUBE, cross(3), square_antiprism()):
        between = np.linalg.norm(solid[:, None] - solid, axis=-1)
        lengths = [between[j, k] for j, k in hull_edges(solid)]
        assert np.allclose(lengths, between[np.triu_indices(len(solid), 1)].min())


def test_every_vertex_of_an_antiprism_has_four_edges_and_those_of_a_snub_disphenoid_four_and_five():
    assert degrees(hull_edges(square_antiprism()), 8) == [4] * 8
    assert degrees(hull_edges(ideals.snub_disphenoid()), 8) == [4] * 4 + [5] * 4


def test_points_within_the_hull_and_within_its_edges_and_faces_have_no_edges():
    inside = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 1], [0.2, -0.3, 0.1]])
    points = np.concatenate([inside, CUBE])
    edges = hull_edges(points)
    assert len(edges) == 12
    assert edges.min() == 4


def test_points_that_are_twice_there_count_once():
    edges = hull_edges(np.concatenate([polygon(5), polygon(5)[:2]]))
    assert edges.tolist() == [[0, 1], [0, 4], [1, 2], [2, 3], [3, 4]]


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((0, 3)),
        np.ones((1, 3)),
        np.ones((4, 3)),
        np.array([[0.0, 1.0], [np.nan, 0.0], [1.0, 0.0]]),
        np.array([[0.0, 1.0], [np.inf, 0.0], [1.0, 0.0]]),
        np.random.default_rng(0).standard_normal((200, 3)),
    ],
)
def test_without_a_hull_and_of_very_many_points_there_are_no_edges(points):
    assert hull_edges(points).shape == (0, 2)


@given(st.integers(0, 2**32 - 1), st.sampled_from([CUBE, polygon(6), cross(3), polygon(2)[:, :1]]))
def test_edges_are_the_same_in_any_rotation_scale_place_and_order(seed, solid):
    rng = np.random.default_rng(seed)
    more = solid.shape[1] + rng.integers(0, 3)
    axes = np.linalg.qr(rng.standard_normal((more, more)))[0][: solid.shape[1]]
    order = rng.permutation(len(solid))
    moved = (solid @ axes * np.exp(rng.uniform(-5, 5)) + rng.standard_normal(more))[order]
    back = np.unique(np.sort(order[hull_edges(moved)], axis=1), axis=0)
    assert np.array_equal(back, hull_edges(solid))
