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
