"""Weights of any size are drawn without a warning (which is an error here), as far as they are finite."""

import numpy as np
import pytest

from tms_engine import Run
from tms_engine.analysis.projection import HOME
from tms_tui.drawing.heat_map import draw_heat_map
from tms_tui.drawing.modes import MODES
from tms_tui.drawing.scene import draw_scene, lengths
from tms_tui.memo import Memo
from tms_tui.panes.measures import _measures
from tms_tui.space_scene import space_scene
from tms_tui.view_options import COLORINGS, DATA, ViewOptions


@pytest.mark.parametrize("size", [0, 1e-45, 1e-30, 1e9, 1e20, 1e30, 3e38])
@pytest.mark.parametrize("n_hidden", [1, 3, 5])
def test_weights_of_any_size_are_drawn(size, n_hidden):
    weights = np.random.default_rng(0).uniform(-1, 1, (1, 6, n_hidden)) * size
    snapshot = Run.from_weights(weights, bias=np.full((1, 6), size)).at()
    for k, data in enumerate(DATA):
        for coloring in COLORINGS:
            options = ViewOptions(data=data, coloring=coloring, points=200)
            scene = space_scene(snapshot, options, "cpu", Memo())
            assert np.isfinite(scene.radius)
            for panel in scene.panels:
                assert np.isfinite(panel.scene.point_colors).all()
                draw_scene(panel.scene, HOME, scene.radius, 10, 30, MODES[k % 3])
    for mode in MODES:
        draw_heat_map(_measures(snapshot.weights, 0).gram, 10, 20, mode, (0, 0, 0), [1])


def test_the_length_of_a_vector_of_1e20_is_1e20():
    assert lengths(np.array([[3e20, 4e20, 0], [3e-25, 0, 4e-25]], np.float32)) == pytest.approx([5e20, 5e-25])
