"""The figures of a population: what they draw, read back from the Axes."""

import numpy as np
import pytest

from tests.engine.test_show_command import five_to_two
from tms_engine import Experiment, Run, evaluate, geometry, theory
from tms_engine.figures.contact_sheet import contact_sheet_figure, contact_sheet_html
from tms_engine.figures.dimensionalities import dimensionalities_figure
from tms_engine.figures.losses import losses_figure


def population(weights=None, **fields) -> Run:
    weights = five_to_two() if weights is None else weights
    n_instances, n, m = weights.shape
    experiment = Experiment(n_features=n, n_hidden=m, n_instances=n_instances, keep=0, **fields)
    return Run.from_weights(weights, experiment=experiment, step=100)


def test_the_contact_sheet_shows_the_best_the_worst_and_the_best_of_each_name():
    run = population()
    losses = evaluate(run).loss
    titles = [axes.get_title() for axes in contact_sheet_figure(run).axes]
    assert len(titles) == 3  # the best is a pentagon, the worst the triangle
    assert f"instance {losses.argmin()}, loss 0.003145" in titles[0]
    assert "pentagon" in titles[0]
    assert "the best" in titles[0]
    assert f"instance {losses.argmax()}," in titles[1]
    assert "the worst" in titles[1]
    assert "two digons" in titles[2]


def test_a_hull_has_its_edges_in_the_plane_and_in_space():
    pentagon = contact_sheet_figure(population()).axes[0]
    (edges,) = pentagon.collections
    assert len(edges.get_segments()) == 5
    cube = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32) / 2
    in_space = contact_sheet_figure(population(np.stack([cube, 0.9 * cube]))).axes[0]
    (edges,) = in_space.collections
    assert len(edges._segments3d) == 12


def test_the_contact_sheet_in_a_browser_has_a_scene_for_each():
    figure = contact_sheet_html(population(np.random.default_rng(0).standard_normal((6, 5, 3)).astype("f4")))
    scenes = {trace.scene for trace in figure.data}
    assert len(scenes) == len(figure.layout.annotations) >= 2
    flat = contact_sheet_html(population())
    assert {trace.xaxis for trace in flat.data} == {"x", "x2", "x3"}


def test_every_instance_is_at_its_place_among_the_losses_in_the_colour_of_its_name():
    run = population()
    losses = evaluate(run).loss
    axes = losses_figure(run).axes[0]
    drawn = {}
    for line in axes.lines:
        drawn |= dict(zip(line.get_xdata(), line.get_ydata(), strict=True))
    assert [drawn[x] for x in sorted(drawn)] == sorted(losses)
    assert np.allclose(sorted(drawn), 100 * (np.arange(6) + 0.5) / 6)
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["pentagon (3)", "two digons (2)", "triangle (1)"]
    assert "exact to 1e-6" in axes.get_title()


def test_losses_of_several_tasks_are_beside_the_best_of_each():
    run = population(sparsity=(0.95, 0.9, 0.95, 0.9, 0.9, 0.9))
    axes = losses_figure(run).axes[0]
    drawn = np.concatenate([line.get_ydata() for line in axes.lines])
    assert (drawn == 1).sum() == 2
    assert drawn.min() == 1
    assert "the best of the same sparsity" in axes.get_ylabel()


def test_losses_that_are_drawn_have_bars():
    weights = np.random.default_rng(0).standard_normal((4, 12, 2)).astype(np.float32)
    axes = losses_figure(population(weights)).axes[0]
    assert axes.containers
    assert all(container.has_yerr for container in axes.containers)
    assert not any(container.has_yerr for container in losses_figure(population()).axes[0].containers)


def test_the_histogram_counts_every_feature_and_the_ideal_values_are_lines():
    run = population()
    axes = dimensionalities_figure(run).axes[0]
    represented = geometry.represented(run.weights)
    counts = sum(patch.get_height() for patch in axes.containers[0].patches)
    assert counts == represented.sum() == 26
    assert sum(patch.get_height() for patch in axes.containers[1].patches) == 4
    values = sorted(line.get_xdata()[0] for line in axes.lines)
    assert values == sorted(theory.DIMENSIONALITY.values())
    tallest = max(axes.containers[0].patches, key=lambda patch: patch.get_height())
    assert tallest.get_x() <= 2 / 5 <= tallest.get_x() + tallest.get_width()


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 3e38])
def test_weights_of_any_value_are_drawn(value):
    weights = np.full((3, 5, 2), value, np.float32)
    for draw in (contact_sheet_figure, losses_figure, dimensionalities_figure):
        draw(population(weights)).draw_without_rendering()
