import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import proj3d

from tms_engine import Camera, InputError
from tms_engine.analysis.projection import (
    EYE,
    axes_basis,
    basis_for,
    identity_basis,
    pca_basis,
    rotation,
    tour_basis,
    view,
)

angles = st.floats(-720, 720)


@given(angles, angles, angles)
def test_a_rotation_turns_and_does_nothing_else(yaw, pitch, roll):
    turn = rotation(Camera(yaw, pitch, roll))
    assert np.allclose(turn @ turn.T, np.eye(3))
    assert np.isclose(np.linalg.det(turn), 1)


@pytest.mark.parametrize("perspective", [False, True])
@pytest.mark.parametrize(
    ("yaw", "pitch", "roll"), [(-60, 30, 0), (20, -40, 15), (170, 89, -100), (0, 120, 5)]
)
def test_the_camera_sees_what_matplotlib_sees(yaw, pitch, roll, perspective):
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (50, 3))
    axes = Figure().add_subplot(projection="3d")
    axes.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(-1, 1))
    axes.set_box_aspect((1, 1, 1))
    axes.view_init(elev=pitch, azim=yaw, roll=roll)
    axes.set_proj_type("persp" if perspective else "ortho")
    x, y, _ = proj3d.proj_transform(*points.T, axes.get_proj())
    theirs = np.stack([x, y], -1)
    # Both to one scale. matplotlib's eye is at a distance in units of its box; ours in radii of the scene.
    radius = axes._dist / (EYE * axes._box_aspect[0] / 2) if perspective else 1.0
    mine = view(points, Camera(yaw, pitch, roll, perspective=perspective), radius=radius)[:, :2]
    scale = (theirs * mine).sum() / (mine * mine).sum()
    assert scale > 0
    assert np.allclose(theirs, scale * mine, atol=1e-6 * scale)


def test_home_looks_from_the_front_right_and_above():
    right, up, towards = rotation(Camera())
    assert up[2] > 0.8
    assert towards[2] == pytest.approx(0.5)
    assert right[2] == 0


def test_orthographic_does_not_depend_on_depth_and_zoom_enlarges():
    front = Camera(yaw=0, pitch=0)  # looks along x
    points = np.array([[0.9, 0.5, 0.25], [-0.9, 0.5, 0.25]])
    assert np.allclose(view(points, front)[:, :2], [[0.5, 0.25], [0.5, 0.25]])
    assert np.allclose(view(points, front)[:, 2], [0.9, -0.9])
    assert np.allclose(view(points, Camera(0, 0, zoom=2))[:, :2], [[1, 0.5], [1, 0.5]])
    assert np.allclose(view(points, front, radius=2)[:, :2], [[0.25, 0.125], [0.25, 0.125]])


def test_perspective_enlarges_what_is_near_and_hides_what_is_behind_the_eye():
    eye = Camera(yaw=0, pitch=0, perspective=True)
    points = np.array([[1, 0.5, 0], [0, 0.5, 0], [-1, 0.5, 0], [EYE, 0.5, 0], [EYE + 1, 0.5, 0]], float)
    x = view(points, eye)[:, 0]
    assert np.allclose(x[:3], [0.5 * EYE / (EYE - 1), 0.5, 0.5 * EYE / (EYE + 1)])
    assert np.isnan(x[3:]).all()


def test_up_to_three_hidden_dimensions_are_drawn_as_they_are():
    weights = np.random.default_rng(0).standard_normal((8, 2)).astype(np.float32)
    drawn = weights @ basis_for(weights)
    assert np.array_equal(drawn[:, :2], weights)
    assert (drawn[:, 2] == 0).all()
    assert np.array_equal(basis_for(np.ones((8, 3), np.float32)), np.eye(3))
    assert identity_basis(1).shape == (1, 3)


def test_pca_shows_all_of_weights_that_lie_in_three_dimensions():
    rng = np.random.default_rng(0)
    weights = (rng.standard_normal((8, 3)) @ rng.standard_normal((3, 10))).astype(np.float32)
    drawn = weights @ pca_basis(weights)
    assert np.allclose(drawn @ drawn.T, weights @ weights.T, rtol=1e-3, atol=1e-3)
    assert np.array_equal(basis_for(weights), pca_basis(weights))


def test_pca_finds_the_longest_directions_in_order():
    weights = np.zeros((6, 5), np.float32)
    weights[range(5), range(5)] = [1, 5, 3, 0.5, 4]
    drawn = np.abs(pca_basis(weights)).argmax(0).tolist()
    assert drawn == [1, 4, 2]
    assert (pca_basis(weights).max(0) == 1).all()


def test_pca_of_fewer_features_than_dimensions_or_of_nothing_is_orthonormal():
    for weights in (
        np.ones((1, 6), np.float32),
        np.zeros((8, 6), np.float32),
        np.full((8, 6), np.nan, np.float32),
    ):
        basis = pca_basis(weights)
        assert np.allclose(basis.T @ basis, np.eye(3), atol=1e-6)


def test_chosen_axes():
    weights = np.arange(12, dtype=np.float32).reshape(2, 6)
    assert np.array_equal(weights @ basis_for(weights, (5, 0)), [[5, 0, 0], [11, 6, 0]])
    for axes in [(), (6,), (-1, 0), (1, 1), (0, 1, 2, 3)]:
        with pytest.raises(InputError, match="1 to 3 different hidden dimensions from 0 to 5"):
            axes_basis(6, axes)


@pytest.mark.parametrize("n_hidden", [1, 2, 3, 5, 30])
def test_a_grand_tour_starts_at_the_identity_and_wanders_orthonormally(n_hidden):
    assert np.allclose(tour_basis(n_hidden, 0), identity_basis(n_hidden), atol=1e-6)
    for time in (0.1, 7.0, 1000.0):
        basis = tour_basis(n_hidden, time)
        assert np.allclose(basis.T @ basis, np.eye(3) * (np.arange(3) < n_hidden), atol=1e-5)
    if n_hidden > 3:
        step = np.abs(tour_basis(n_hidden, 7.0) - tour_basis(n_hidden, 7.01)).max()
        assert 0 < step < 0.05
        seen = sum(np.square(tour_basis(n_hidden, t)).sum(1) for t in np.linspace(0, 200, 400))
        assert seen.min() > 0.2 * seen.max()  # every dimension has its turn
