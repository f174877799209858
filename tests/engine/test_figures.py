import json
import re
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from tests.engine.conftest import run_with
from tms_engine import Camera, Experiment, InputError, Trainer, figures, save_figures, save_html
from tms_engine.analysis import clouds as cloud
from tms_engine.analysis.projection import rotation
from tms_engine.figures.colors import TABLEAU, feature_colors, mix, strongest, viridis

pytestmark = pytest.mark.slow


def seeds_colors(data: np.ndarray) -> np.ndarray:
    """The seed's `get_colors`, as it is written there."""
    colours_rgb = np.array([mpl.colors.to_rgb(c) for c in list(mpl.colors.TABLEAU_COLORS.values())[:8]])

    def get_color(feature_values):
        color = np.array([colours_rgb[i] * mag for i, mag in enumerate(feature_values)]).sum(axis=0)
        return np.clip(color, 0, 1)

    return np.array([get_color(row) for row in data])


def small(**fields):
    return Trainer(Experiment(steps=50, **fields)).run()


def test_colours_are_the_seeds():
    x = cloud.cloud_sample(Experiment(), 0, 500, "cpu", n_active=3)
    assert np.allclose(mix(x, feature_colors(8)), seeds_colors(x), atol=1e-6)
    assert np.allclose(TABLEAU, [mpl.colors.to_rgb(c) for c in mpl.colors.TABLEAU_COLORS.values()])


def test_viridis_is_matplotlibs_and_the_strongest_feature_gives_its_colour():
    values = np.linspace(0, 1, 500)
    assert np.abs(viridis(values) - mpl.colormaps["viridis"](values)[:, :3]).max() < 0.07
    x = np.array([[0.1, 0.9, 0], [0, 0, 0], [0.2, 0, 0.1]], np.float32)
    colors = feature_colors(3)
    assert np.array_equal(strongest(x, colors), [colors[1], [0, 0, 0], colors[0]])


def test_reconstruction_errors_are_the_engines_loss_row_by_row():
    rng = np.random.default_rng(0)
    weights, bias = rng.standard_normal((8, 3)).astype(np.float32), rng.random(8).astype(np.float32)
    x = cloud.cloud_sample(Experiment(), 0, 50, "cpu")
    expected = np.square(np.maximum(x @ weights @ weights.T + bias, 0) - x).mean(1)
    assert np.allclose(cloud.reconstruction_errors(x, weights, bias), expected, rtol=1e-4)


def test_every_feature_has_a_colour_of_its_own_whatever_their_number():
    colors = feature_colors(400)
    assert len({tuple(c) for c in colors.round(4).tolist()}) == 400
    assert np.array_equal(colors[:20], feature_colors(20))
    assert colors.min() >= 0
    assert colors.max() <= 1


def test_a_cloud_is_a_fixed_sample_through_the_weights():
    weights = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
    x = cloud.cloud_sample(Experiment(), 0, 100, "cpu")
    assert np.array_equal(x, cloud.cloud_sample(Experiment(), 0, 100, "cpu"))
    points = cloud.project(x, weights, np.eye(3, dtype=np.float32))
    assert np.allclose(points, x @ weights, atol=1e-6)
    for k in (0, 1, 2, 3):
        active = cloud.cloud_sample(Experiment(), 0, 100, "cpu", n_active=k)
        assert ((active > 0).sum(1) == k).all()


def test_the_seeds_last_figure():
    figure = figures.n_active_figure(small())
    assert figure.get_suptitle() == (
        "TMS (8 feats, 3 dims) hidden activations for exactly 1, 2, or 3 active features. "
        "Colored by feature magnitudes."
    )
    assert [axes.get_title() for axes in figure.axes] == ["n_active=1", "n_active=2", "n_active=3"]
    limits = [(axes.get_xlim(), axes.get_ylim(), axes.get_zlim()) for axes in figure.axes]
    assert len({limit for three in limits for limit in three}) == 1
    for axes in figure.axes:
        (points,) = axes.collections
        assert len(points.get_offsets()) == 10_000
        assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_zlabel()) == ("X", "Y", "Z")


def test_the_weight_vectors_start_at_the_origin_and_carry_their_numbers():
    run = small()
    (axes,) = figures.weights_figure(run, camera=Camera(yaw=10, pitch=20, roll=5, perspective=True)).axes
    lines = {line.get_label(): line.get_data_3d() for line in axes.lines}
    for j, tip in enumerate(run.state.weights[0]):
        assert np.allclose(np.transpose(lines[f"Weight {j}"]), [[0, 0, 0], tip])
    assert [text.get_text() for text in axes.texts] == [str(j) for j in range(8)]
    assert (axes.azim, axes.elev, axes.roll) == (10, 20, 5)


def test_the_gram_figure_shows_w_w_transposed_and_dimensionality_its_bars():
    run = run_with(Experiment(n_features=2, n_hidden=1), [[[1], [-0.5]]])
    gram = figures.gram_figure(run).axes[0]
    assert np.allclose(gram.images[0].get_array(), [[1, -0.5], [-0.5, 0.25]])
    assert gram.images[0].get_clim() == (-1, 1)
    bars = figures.dimensionality_figure(run).axes[0].patches
    assert np.allclose([bar.get_height() for bar in bars], [1 / 1.25, 0.25 / 1.25])


def test_the_loss_figure_marks_changes_and_divergence():
    trainer = Trainer(Experiment(n_instances=2, learning_rate=(0.01, 1e15), steps=60))
    trainer.advance(30)
    trainer.change(sparsity=0.8)
    trainer.advance(30)
    axes = figures.loss_figure(trainer.run()).axes[0]
    assert any("sparsity → 0.8" in text.get_text() for text in axes.texts)
    assert any("instance 1 diverged" in text.get_text() for text in axes.get_legend().get_texts())
    assert axes.get_yscale() == "log"


def test_the_loss_figure_leaves_its_height_to_the_mean_and_no_label_lies_on_another():
    trainer = Trainer(Experiment(sparsity=0.98, steps=3000))
    trainer.advance(1000)
    for i in range(4):
        trainer.change(sparsity=0.98 + 0.001 * i, learning_rate=0.01 - 0.001 * i)
        trainer.advance(25)
    trainer.advance(1900)
    figure = figures.loss_figure(trainer.run())
    axes, curve = figure.axes[0], trainer.run().history.loss_curve()
    bottom = axes.get_ylim()[0]
    assert curve.low.min() < bottom / 100  # batches without an active feature
    assert np.quantile(curve.mean, 0.02) / 100 < bottom < np.quantile(curve.mean, 0.02) / 2
    boxes = [text.get_window_extent(figure.canvas.get_renderer()) for text in axes.texts]
    assert "sparsity → 0.983" in {text.get_text() for text in axes.texts}
    assert len([line for line in axes.lines if line.get_linestyle() == ":"]) == 6
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"n_features": 1, "n_hidden": 1},
        {"n_features": 2, "n_hidden": 1, "bias": True},
        {"n_features": 5, "n_hidden": 2, "n_instances": 3, "sparsity": (0.5, 0.9, 0.99)},
        {"n_features": 20, "n_hidden": 5, "features": "correlated"},
        {"n_features": 130, "n_hidden": 4, "features": "n_active", "n_active": 0},
    ],
)
def test_every_shape_can_be_drawn_and_traced_to_its_run(fields, tmp_path):
    run = small(**fields)
    instance = run.experiment.n_instances - 1
    paths = save_figures(run, tmp_path / "new" / "figures", instance=instance, dpi=30)
    names = ["weights", "cloud", "n_active", "loss", "gram", "dimensionality"]
    assert [path.name for path in paths] == [f"{name}.png" for name in names]
    for path in paths:
        with Image.open(path) as image:
            image.load()
            assert Experiment(**json.loads(image.text["Experiment"])) == run.experiment
            assert (image.text["Step"], image.text["Instance"]) == ("0", str(instance))
    assert {path.name for path in path.parent.iterdir()} == {f"{name}.png" for name in names}


@pytest.mark.parametrize("fields", [{}, {"n_hidden": 2}, {"n_features": 2, "n_hidden": 1}, {"n_hidden": 6}])
def test_html_twins_need_nothing_from_the_network(fields, tmp_path):
    seen = []
    paths = save_html(small(**fields), tmp_path, on_saved=seen.append)
    assert [path.name for path in paths] == ["weights.html", "cloud.html", "n_active.html"]
    assert seen == paths
    for path in paths:
        page = path.read_text()
        assert "<script src=" not in page
        assert len(page) > 3_000_000  # plotly itself is in it


def test_html_twins_are_seen_from_the_camera(tmp_path):
    camera = Camera(yaw=10, pitch=20, roll=0, zoom=2, perspective=True)
    page = save_html(small(), tmp_path, camera=camera)[0].read_text()
    (eye,) = re.findall(r'"eye":{"x":([-.\d]+),"y":([-.\d]+),"z":([-.\d]+)}', page)
    assert np.allclose(np.array(eye, float), 2.5 / 2 * rotation(camera)[2], atol=1e-6)
    assert '"type":"perspective"' in page


def test_300_dpi_is_the_seeds_size(tmp_path):
    run = small()
    save_figures(run, tmp_path)
    with Image.open(tmp_path / "n_active.png") as image:
        assert image.size[0] == 15 * 300
        assert round(image.info["dpi"][0]) == 300


def test_mistakes_are_named_before_anything_is_written(tmp_path):
    run = small(n_hidden=5)
    for options, sentence in [
        ({"instance": 1}, "instance should be from 0 to 0, not 1"),
        ({"dpi": 0}, "dpi should be from 10 to 2400"),
        ({"axes": (0, 5)}, "hidden dimensions from 0 to 4"),
    ]:
        with pytest.raises(InputError, match=sentence):
            save_figures(run, tmp_path / "none", **options)
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        save_figures(run, tmp_path / "file" / "figures", dpi=20)


def test_html_without_plotly_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(InputError, match=r"pip install 'tms-tui\[html\]'"):
        save_html(small(), tmp_path)


def test_pyplot_is_never_imported(tmp_path):
    script = f"""
import sys
from tms_engine import Experiment, Trainer, save_figures
save_figures(Trainer(Experiment()).run(), {str(tmp_path)!r}, dpi=20)
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
