"""What figures say, and that it can be read: titles, numbers, colours on white."""

import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.engine.conftest import run_with
from tms_engine import Change, Experiment, Run, Snapshot, Trainer, figures
from tms_engine.analysis import clouds
from tms_engine.analysis.projection import pca_basis
from tms_engine.figures import browser, captions
from tms_engine.figures.cloud import cloud_figure, cloud_html
from tms_engine.figures.colors import TABLEAU, feature_colors, mix, on_white
from tms_engine.figures.dimensionality import dimensionality_figure
from tms_engine.figures.gram import gram_figure
from tms_engine.figures.n_active import n_active_figure, n_active_html
from tms_engine.figures.weights import weights_figure, weights_html

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def untrained(**fields) -> Run:
    return Trainer(Experiment(**fields)).run()


def points_of(axes) -> np.ndarray:
    (points,) = axes.collections
    return points.get_offsets() if not hasattr(points, "_offsets3d") else np.transpose(points._offsets3d)


# Words and numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.0, "0.00"), (-0.004, "0.00"), (0.004, "0.00"), (-0.006, "-0.01"), (1, "1.00"), (999.994, "999.99"),
     (-1234.5, "-1.2e3"), (1e30, "1.0e30"), (3.4e38, "3.4e38"), (np.nan, "not finite"),
     (-np.inf, "not finite")],
)  # fmt: skip
def test_numbers_are_short_and_nothing_is_minus_zero(value, text):
    assert captions.fixed(value) == text


def test_features_are_counted_in_words():
    counts = [captions.active(numbers) for numbers in ([1], [2], [1, 2], [1, 2, 3])]
    assert counts == [
        "1 active feature", "2 active features", "1 or 2 active features", "1, 2, or 3 active features",
    ]  # fmt: skip


def test_changes_are_short_whatever_their_value():
    many = tuple(i / 1000 for i in range(1000))
    lists = tuple((1.0, 0.5, i / 10, 0.25) for i in range(10))
    texts = [
        captions.change_text(Change(5, *change), 7)
        for change in [
            ("sparsity", many), ("sparsity", 0.8666666666), ("learning_rate", 1e-3), ("steps", 20_000),
            ("importance", (1.0, 0.9, 0.81, 0.729)), ("importance", lists), ("importance", None),
        ]
    ]  # fmt: skip
    assert texts == [
        "sparsity[7] → 0.007", "sparsity → 0.867", "learning_rate → 0.001", "steps → 20000",
        "importance → 1, 0.9, 0.81, …", "importance[7] → 1, 0.5, 0.7, …", "importance → None",
    ]  # fmt: skip


def test_a_caption_names_step_instance_number_and_divergence():
    experiment = Experiment(n_instances=2, instances=(7, 1))
    snapshot = Snapshot(1234, experiment, {}, np.zeros(2, np.float32), diverged=(1,))
    assert captions.where(snapshot, 0) == "step 1,234, instance 0 (number 7)"
    assert captions.where(snapshot, 1) == "step 1,234, instance 1, diverged"
    alone = Snapshot(5, Experiment(instances=(7,)), {}, np.zeros(1, np.float32))
    assert captions.where(alone, 0) == "step 5, instance number 7"
    linear = Snapshot(5, Experiment(model="linear"), {}, np.zeros(1, np.float32))
    assert captions.describe(linear) == "TMS (8 feats, 3 dims, linear)"


# In the figures ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "n_hidden"),
    # Of a population, titles do not depend on how many dimensions there are, and 140 losses take a while.
    [(name, m) for name, figure in figures.FIGURES.items() for m in ((3,) if figure.population else (2, 3))],
)
def test_every_title_is_inside_its_figure(name, n_hidden, few_points):
    of_all = figures.FIGURES[name].population
    n = 50 if of_all else 1000  # all of which are evaluated and named
    experiment = Experiment(
        n_features=n, n_hidden=n_hidden, n_instances=140, model="relu_hidden", features="anticorrelated",
        set_size=n // 5, sparsity=0.99988, keep=0,
    )  # fmt: skip
    weights = np.random.default_rng(0).standard_normal((140, n, n_hidden))
    run = Run.from_weights(weights, experiment=experiment, step=12_345_678_901)
    figure = figures.figure_function(name)(run, **({} if of_all else {"instance": 139}))
    figure.draw_without_rendering()
    assert isinstance(figure, Figure)
    texts = [axes.title for axes in figure.axes] + ([figure._suptitle] if figure._suptitle else [])
    said = " ".join(" ".join(text.get_text() for text in texts).split())
    assert ("140 instances" if of_all else "instance 139") in said
    assert "12,345,678,901" in said
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1


@pytest.mark.slow
def test_the_gram_figure_writes_no_minus_zero():
    weights = [[[1, 0], [-0.003, 1], [0, -1]]]
    axes = gram_figure(run_with(Experiment(n_features=3, n_hidden=2), weights)).axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["1.00", "0.00", "0.00", "0.00", "1.00", "-1.00", "0.00", "-1.00", "1.00"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "counts"),
    [(1, "1 active feature"), (2, "1 or 2 active features"), (3, "1, 2, or 3 active features")],
)
def test_the_clouds_that_are_there_are_counted(n, counts):
    run = untrained(n_features=n, n_hidden=1)
    figure = n_active_figure(run)
    assert f"for exactly {counts}. Colored" in figure.get_suptitle().replace("\n", " ")
    assert len(figure.axes) == len(n_active_html(run).data) == n


@pytest.mark.slow
def test_no_point_is_white_on_white_and_dark_ones_have_the_seeds_colour():
    run = untrained(n_features=5, n_hidden=2, sparsity=0.0)
    x = clouds.cloud_sample(run.experiment, 0, 100_000, "cpu")
    seeds = mix(x, feature_colors(5))
    assert (seeds @ LUMINANCE > 0.9).mean() > 0.3  # in the seed's colours, many would not be seen
    (points,) = cloud_figure(run).axes[0].collections
    colors = points.get_facecolor()
    assert (colors[:, :3] @ LUMINANCE).max() <= 0.7001
    assert set(colors[:, 3]) == {0.5}
    dark = seeds @ LUMINANCE < 0.69
    assert np.allclose(colors[dark, :3], seeds[dark])
    assert np.array_equal(on_white(TABLEAU), TABLEAU)


@pytest.mark.slow
def test_the_three_clouds_are_independent_samples():
    axes = n_active_figure(untrained(n_features=3, n_hidden=3)).axes
    samples = [clouds.cloud_sample(Experiment(n_features=3), 0, 10_000, "cpu", k) for k in (1, 2, 3)]
    magnitudes = [set(x[x > 0].tolist()) for x in samples]
    # Of numbers with 24 bits, a few agree by chance.
    assert all(len(a & b) < 100 for i, a in enumerate(magnitudes) for b in magnitudes[:i])
    assert [len(points_of(a)) for a in axes] == [10_000] * 3


# Weights that are anything -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "sizes"),
    [(np.nan, (1, 1)), (np.inf, (3, 2)), (-np.inf, (130, 4)), (3e38, (3, 2)), (1e-45, (8, 3)),
     (0.0, (130, 2))],
)  # fmt: skip
def test_weights_of_any_value_are_drawn_without_a_warning(value, sizes, few_points):
    weights = np.ones(sizes, np.float32)
    weights[: max(1, sizes[0] // 2)] = value
    run = Run.from_weights(weights, experiment=Experiment(n_features=sizes[0], n_hidden=sizes[1], keep=0))
    for name in set(figures.FIGURES) - {"loss"}:  # those of a population too: of one
        figure = figures.figure_function(name)(run)
        figure.draw_without_rendering()
        for axes in figure.axes:
            assert np.isfinite([*axes.get_xlim(), *axes.get_ylim()]).all()


@pytest.mark.slow
def test_where_nothing_is_finite_a_figure_says_so():
    run = Run.from_weights(np.full((20, 3), np.nan))
    for draw in (gram_figure, dimensionality_figure, weights_figure, cloud_figure):
        texts = [text.get_text() for text in draw(run).axes[0].texts]
        assert any("is finite" in text for text in texts), draw


# Sizes -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_of_many_features_the_first_2000_are_drawn():
    run = untrained(n_features=2500, n_hidden=5, keep=0, batch_size=1)
    axes = gram_figure(run).axes[0]
    assert axes.images[0].get_array().shape == (834, 834)  # of all, by patches
    assert len(axes.get_xticks()) < 15
    assert not axes.texts
    (vectors,) = [c for c in weights_figure(run).axes[0].collections if "Line" in type(c).__name__]
    assert len(vectors._segments3d) == 2000
    tips = run.weights[0] @ pca_basis(run.weights[0])
    assert np.allclose(np.array(vectors._segments3d)[:, 1], tips[:2000], atol=1e-5)
    (bars,) = [c for c in dimensionality_figure(run).axes[0].collections if len(c.get_segments()) > 1]
    assert len(bars.get_segments()) == 2000
    assert "16,000 inputs" in cloud_figure(run).axes[0].get_title()
    (page,) = weights_html(run).data
    assert np.allclose(np.array(page.x)[1::3], tips[:2000, 0], atol=1e-5)
    assert np.isnan(np.array(page.x)[2::3]).all()


# In a browser, as the seed draws it ---------------------------------------------------------------------


@pytest.mark.slow
def test_the_cloud_in_a_browser_is_the_seeds():
    run = untrained()
    (trace,) = cloud_html(run).data
    x = clouds.cloud_sample(run.experiment, 0, 100_000, "cpu")
    h = x @ run.weights[0]
    assert np.allclose(np.stack([trace.x, trace.y, trace.z], 1), h, atol=1e-5)
    assert np.array_equal(trace.marker.color, x[:, 0])
    viridis = [color for _, color in trace.marker.colorscale]
    assert (viridis[0], viridis[-1]) == ("#440154", "#fde725")
    assert (trace.mode, trace.marker.size, trace.marker.opacity) == ("markers", 3, None)


@pytest.mark.slow
def test_the_three_clouds_in_a_browser_are_the_seeds():
    run = untrained()
    figure = n_active_html(run)
    assert [trace.scene for trace in figure.data] == ["scene", "scene2", "scene3"]
    assert [note.text for note in figure.layout.annotations] == [f"n_active={k}" for k in (1, 2, 3)]
    for k, trace in enumerate(figure.data, start=1):
        x = clouds.cloud_sample(run.experiment, 0, 10_000, "cpu", k)
        assert np.array_equal(trace.marker.color, x[:, 0])
        assert np.allclose(np.stack([trace.x, trace.y, trace.z], 1), x @ run.weights[0], atol=1e-5)
        assert trace.marker.size == 3
    axes = figure.layout.scene3
    assert [axes.xaxis.title.text, axes.yaxis.title.text, axes.zaxis.title.text] == ["X", "Y", "Z"]


@pytest.mark.slow
def test_the_mouse_finds_the_first_active_features_of_a_point():
    (trace,) = cloud_html(untrained(n_features=12, sparsity=0.5, n_hidden=2)).data
    x = clouds.cloud_sample(Experiment(n_features=12, sparsity=0.5, n_hidden=2), 0, 100_000, "cpu")
    features = np.flatnonzero(x[0])
    expected = ", ".join(f"{j}: {x[0, j]:.2f}" for j in features[:5]) + (", …" if len(features) > 5 else "")
    assert trace.text[0] == expected
    seed = cloud_html(untrained()).data[0].text
    assert seed.count("none") / len(seed) == pytest.approx(0.95**8, abs=0.01)


def test_a_page_carries_its_metadata_in_its_head():
    metadata = {"Title": 'a "b" <c> & d', "Experiment": '{\n "x": 1}'}

    class Nothing:
        def to_html(self, **_):
            return "<div></div>"

    page = browser.page(Nothing(), "weights", metadata)
    head = page.partition("</head>")[0]
    assert "<title>a &quot;b&quot; &lt;c&gt; &amp; d</title>" in head
    assert re.findall(r'<meta name="(\w+)"', head) == ["Title", "Experiment"]
