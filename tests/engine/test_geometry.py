import numpy as np
import pytest

from tms_engine.analysis import geometry, theory


def polygon(n: int) -> np.ndarray:
    angles = 2 * np.pi * np.arange(n) / n
    return np.stack([np.cos(angles), np.sin(angles)], -1)


def square_antiprism() -> np.ndarray:
    """All edges equal: the squares' side is that of the triangles."""
    height = 2 ** (-3 / 4)  # half of the distance of the squares, for circumradius 1 of a square
    lower, upper = polygon(4), polygon(8)[1::2]
    return np.concatenate([np.c_[lower, np.full(4, -height)], np.c_[upper, np.full(4, height)]])


def uniform_antiprism() -> np.ndarray:
    """Stretched along its axis until W Wᵀ is a tight frame: Σ W_jᵀ W_j ∝ 1."""
    solid = square_antiprism()
    solid[:, 2] *= np.sqrt(4 / np.square(solid[:, 2]).sum())
    return solid


CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
OCTAHEDRON = np.concatenate([np.eye(3), -np.eye(3)])
TETRAHEDRON = CUBE[[0, 3, 5, 6]]


@pytest.mark.parametrize(
    ("solid", "dimensionality"),
    [
        (np.eye(3), theory.DIMENSIONALITY["alone"]),
        (np.array([[1.0], [-1.0]]), theory.DIMENSIONALITY["digon"]),
        (polygon(3), theory.DIMENSIONALITY["triangle"]),
        (TETRAHEDRON, theory.DIMENSIONALITY["tetrahedron"]),
        (polygon(5), theory.DIMENSIONALITY["pentagon"]),
        (polygon(6), theory.DIMENSIONALITY["hexagon"]),
        (uniform_antiprism(), theory.DIMENSIONALITY["square antiprism"]),
        (CUBE, theory.DIMENSIONALITY["square antiprism"]),
        (OCTAHEDRON, theory.DIMENSIONALITY["digon"]),
    ],
)
@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_dimensionality_of_solids(solid, dimensionality, scale):
    assert np.allclose(geometry.dimensionality(scale * solid[None]), dimensionality)


def test_an_antiprism_with_equal_edges_is_no_tight_frame():
    solid = square_antiprism()
    edges = np.sort(np.linalg.norm(solid[:, None] - solid, axis=-1)[np.triu_indices(8, 1)])[:16]
    assert np.allclose(edges, edges[0])
    dimensionality = geometry.dimensionality(solid[None])[0]
    assert np.allclose(dimensionality, 0.3664, atol=5e-5)
    assert dimensionality.sum() == pytest.approx(2.93, abs=5e-3)


def test_the_papers_formulas_written_out():
    weights = np.random.default_rng(0).standard_normal((3, 6, 4))
    gram, cosines = geometry.gram(weights), geometry.cosines(weights)
    for i in range(3):
        w = weights[i]
        lengths = [np.sqrt((row**2).sum()) for row in w]
        for j in range(6):
            unit = w[j] / lengths[j]
            along = [float((unit * w[k]).sum()) for k in range(6)]
            others = sum(a**2 for k, a in enumerate(along) if k != j)
            assert np.isclose(geometry.norms(weights)[i, j], lengths[j])
            assert np.isclose(geometry.interference(weights)[i, j], others)
            assert np.isclose(
                geometry.dimensionality(weights)[i, j], lengths[j] ** 2 / sum(a**2 for a in along)
            )
            for k in range(6):
                assert np.isclose(gram[i, j, k], (w[j] * w[k]).sum())
                assert np.isclose(cosines[i, j, k], (w[j] * w[k]).sum() / lengths[j] / lengths[k])


def test_a_feature_without_a_direction_is_zero_not_nan():
    weights = np.zeros((1, 3, 2), np.float32)
    weights[0, 0] = [1, 0]
    assert geometry.dimensionality(weights).tolist() == [[1, 0, 0]]
    assert geometry.interference(weights).tolist() == [[0, 0, 0]]
    assert geometry.cosines(weights)[0, 1].tolist() == [0, 0, 0]


def test_orthogonal_features_do_not_interfere_at_all():
    assert (geometry.interference(0.7 * np.eye(5, dtype=np.float32)[None]) == 0).all()


def test_represented_is_a_norm_above_one_half():
    weights = np.array([[[0.5, 0], [0.51, 0], [0.3, 0.41]]])
    assert geometry.represented(weights).tolist() == [[False, True, True]]


def test_the_finite_weights_of_a_diverged_instance_have_a_finite_geometry():
    weights = np.full((1, 3, 2), 1e30, np.float32)
    assert np.allclose(geometry.dimensionality(weights), 1 / 3)
    assert np.isfinite(geometry.gram(weights)).all()
    assert np.isfinite(geometry.interference(weights)).all()


def test_one_feature_among_the_others_has_the_share_and_the_rival_of_the_closed_forms():
    angles = 2 * np.pi * np.arange(5) / 5
    pentagon = 0.9 * np.stack([np.cos(angles), np.sin(angles)], -1)
    found = geometry.feature(pentagon, 0)
    assert np.isclose(found.norm, 0.9)
    assert np.isclose(found.dimension, 2 / 5)
    assert np.isclose(found.others, 3 / 2)
    assert found.rival in (2, 3)
    assert np.isclose(found.product, 0.81 * np.cos(4 * np.pi / 5))
    digon = geometry.feature(np.array([[1.0, 0], [-0.5, 0], [0, 1]]), 0)
    assert digon[1:] == (0.8, 0.25, 1, -0.5)
    assert geometry.feature(np.eye(3), 1) == (1, 1, 0, -1, 0)
    assert geometry.feature(np.zeros((2, 2)), 0) == (0, 0, 0, -1, 0)


def test_D_of_some_features_is_that_among_all():
    weights = np.random.default_rng(0).standard_normal((3, 6, 4))
    some = np.array([1, 4])
    assert np.allclose(geometry.dimensionality_of(weights, some), geometry.dimensionality(weights)[:, some])
    for j in range(6):
        assert np.isclose(geometry.feature(weights[2], j).dimension, geometry.dimensionality(weights)[2, j])


def test_the_dimensionalities_add_up_to_at_most_the_rank():
    draw = np.random.default_rng(0)
    for n, m, rank in ((8, 3, 3), (3, 5, 3), (12, 6, 4), (40, 10, 10)):
        weights = draw.standard_normal((20, n, rank)) @ draw.standard_normal((20, rank, m))
        assert (geometry.dimensionality(weights).sum(-1) <= rank + 1e-9).all()


def test_a_pair_has_its_product_its_cosine_and_its_angle():
    weights = np.array([[2.0, 0], [0, 1], [-1, -1], [0, 0]])
    assert geometry.pair(weights, 0, 1) == (0, 0, 90)
    product, cosine, degrees = geometry.pair(weights, 0, 2)
    assert (product, round(cosine, 6), round(degrees, 6)) == (-2, -0.707107, 135)
    assert geometry.pair(weights, 2, 2)[1:] == (1, 0)
    assert np.isnan(geometry.pair(weights, 0, 3)[1:]).all()
