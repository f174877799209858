import inspect
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from PIL import Image

from tests.engine.conftest import run_with
from tms_engine import Camera, Experiment, InputError, Run, Trainer, figures, save_figures, save_html
from tms_engine.analysis import clouds as cloud
from tms_engine.analysis.projection import rotation
from tms_engine.figures.cloud import cloud_figure
from tms_engine.figures.colors import TABLEAU, feature_colors, mix, strongest, viridis
from tms_engine.figures.dimensionality import dimensionality_figure
from tms_engine.figures.gram import gram_figure
from tms_engine.figures.loss import loss_figure
from tms_engine.figures.n_active import n_active_figure
from tms_engine.figures.weights import weights_figure

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
    run = Run.from_weights(weights, bias)
    assert np.allclose(cloud.reconstruction_errors(x, run.at(), 0), expected, rtol=1e-4)


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
    points = cloud.project(x, Run.from_weights(weights).at(), 0, np.eye(3, dtype=np.float32))
    assert np.allclose(points, x @ weights, atol=1e-6)
    for k in (0, 1, 2, 3):
        active = cloud.cloud_sample(Experiment(), 0, 100, "cpu", n_active=k)
        assert ((active > 0).sum(1) == k).all()


def test_the_seeds_last_figure():
    figure = n_active_figure(small())
    assert figure.get_suptitle() == (
        "TMS (8 feats, 3 dims) hidden activations for exactly 1, 2, or 3 active features. "
        "Colored by feature magnitudes.\nstep 0"
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
    (axes,) = weights_figure(run, camera=Camera(yaw=10, pitch=20, roll=5, perspective=True)).axes
    lines = {line.get_label(): line.get_data_3d() for line in axes.lines}
    for j, tip in enumerate(run.weights[0]):
        assert np.allclose(np.transpose(lines[f"Weight {j}"]), [[0, 0, 0], tip])
    assert [text.get_text() for text in axes.texts] == [str(j) for j in range(8)]
    assert (axes.azim, axes.elev, axes.roll) == (10, 20, 5)


@pytest.mark.parametrize("n", [1_001, 2_500])
def test_a_pixel_of_a_large_gram_matrix_is_the_strongest_of_the_values_that_its_title_says(n):
    weights = np.random.default_rng(0).standard_normal((n, 3)).astype(np.float32)
    weights[7] = np.nan
    plot = gram_figure(Run.from_weights(weights)).axes[0]
    side = -(-n // 1_000)
    assert f"the strongest of each {side} × {side} values" in " ".join(plot.get_title().split())
    wide = weights.astype(np.float64)
    whole = np.full((-(-n // side) * side,) * 2, np.nan)
    whole[:n, :n] = wide @ wide.T
    patches = whole.reshape(len(whole) // side, side, -1, side).swapaxes(1, 2).reshape(-1, side * side)
    sizes = np.nan_to_num(np.abs(patches))
    expected = patches[np.arange(len(patches)), sizes.argmax(1)].reshape(len(whole) // side, -1)
    assert np.allclose(plot.images[0].get_array().filled(np.nan), expected, equal_nan=True)
    assert plot.images[0].get_extent() == [-0.5, n - 0.5, n - 0.5, -0.5]


def test_a_gram_matrix_of_very_many_features_is_that_of_some_evenly_spaced():
    plot = gram_figure(Run.from_weights(np.eye(100_000, 1, dtype=np.float32))).axes[0]
    assert "of 20,000 features, evenly spaced" in " ".join(plot.get_title().split())
    assert plot.images[0].get_array().shape == (1_000, 1_000)


def test_the_gram_figure_shows_w_w_transposed_and_dimensionality_its_bars():
    run = run_with(Experiment(n_features=2, n_hidden=1), [[[1], [-0.5]]])
    gram = gram_figure(run).axes[0]
    assert np.allclose(gram.images[0].get_array(), [[1, -0.5], [-0.5, 0.25]])
    assert gram.images[0].get_clim() == (-1, 1)
    bars = dimensionality_figure(run).axes[0].patches
    assert np.allclose([bar.get_height() for bar in bars], [1 / 1.25, 0.25 / 1.25])


def test_the_loss_figure_marks_changes_and_divergence():
    trainer = Trainer(Experiment(n_instances=2, learning_rate=(0.01, 1e15), steps=60))
    trainer.advance(30)
    trainer.change(sparsity=0.8)
    trainer.advance(30)
    axes = loss_figure(trainer.run()).axes[0]
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
    figure = loss_figure(trainer.run())
    axes, curve = figure.axes[0], trainer.run().history.loss_curve()
    bottom = axes.get_ylim()[0]
    assert curve.low.min() < bottom / 100  # batches without an active feature
    assert np.quantile(curve.mean, 0.02) / 100 < bottom < np.quantile(curve.mean, 0.02)
    boxes = [text.get_window_extent(figure.canvas.get_renderer()) for text in axes.texts]
    assert "sparsity → 0.983" in {text.get_text() for text in axes.texts}
    purple = mpl.colors.to_rgba("tab:purple")
    lines = [c for c in axes.collections if isinstance(c, LineCollection)]
    (marks,) = [c for c in lines if np.allclose(c.get_color()[0], purple)]
    assert sorted(segment[0][0] for segment in marks.get_segments()) == [1025, 1050, 1075]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize(
    "fields",
    [
        {"n_features": 2, "n_hidden": 1, "bias": True},
        {"n_features": 5, "n_hidden": 2, "n_instances": 3, "sparsity": (0.5, 0.9, 0.99)},
        {"n_features": 20, "n_hidden": 5, "features": "correlated"},
        {"n_features": 130, "n_hidden": 4, "features": "n_active", "n_active": 0},
    ],
)
def test_every_shape_can_be_drawn_and_traced_to_its_run(fields, tmp_path, few_points):
    run = small(**fields)
    instance = run.experiment.n_instances - 1
    paths = save_figures(run, tmp_path / "new" / "figures", instance=instance, dpi=30)
    drawn = figures.chosen_figures(None, run.experiment.n_instances)
    of_one = [name for name in drawn if not figures.FIGURES[name].population]
    names = [f"{name}-instance-{instance}" if instance and name in of_one else name for name in drawn]
    assert [path.name for path in paths] == [f"{name}.png" for name in names]
    for path in paths:
        with Image.open(path) as image:
            image.load()
            assert Experiment(**json.loads(image.text["Experiment"])) == run.experiment
            shown = str(instance) if path.stem.partition("-")[0] in of_one else "all"
            assert (image.text["Step"], image.text["Instance"]) == ("0", shown)
    assert {path.name for path in path.parent.iterdir()} == {f"{name}.png" for name in names}


@pytest.mark.parametrize(
    "fields", [{}, {"n_hidden": 2, "n_instances": 6}, {"n_features": 2, "n_hidden": 1}, {"n_hidden": 6}]
)
def test_html_twins_need_nothing_from_the_network(fields, tmp_path):
    seen = []
    run = small(**fields)
    paths = save_html(run, tmp_path, on_saved=seen.append)
    twins = figures.html_figures(None, run.experiment.n_instances)
    assert [path.name for path in paths] == [f"{name}.html" for name in twins]
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
    save_figures(small(), tmp_path, only=["n_active"])
    with Image.open(tmp_path / "n_active.png") as image:
        assert image.size[0] == 15 * 300
        assert round(image.info["dpi"][0]) == 300


def test_mistakes_are_named_before_anything_is_written(tmp_path):
    run = small(n_hidden=5)
    for options, sentence in [
        ({"instance": 1}, "instance should be from 0 to 0, not 1"),
        ({"dpi": 0}, "dpi should be from 10 to 600, not 0"),
        ({"dpi": -300}, "dpi should be from 10 to 600, not -300"),
        ({"dpi": 10**9}, "dpi should be from 10 to 600, not 1000000000"),
        ({"axes": (0, 5)}, "hidden dimensions from 0 to 4"),
    ]:
        with pytest.raises(InputError, match=sentence):
            save_figures(run, tmp_path / "none", **options)
    with pytest.raises(InputError, match="losses is a figure of several instances, and this run has one"):
        save_figures(run, tmp_path / "none", only=["losses"])
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot write to .+/figures: not a directory"):
        save_figures(run, tmp_path / "file" / "figures", dpi=20)
    with pytest.raises(InputError, match=r"cannot write to .+/file: it is a file, not a directory"):
        save_figures(run, tmp_path / "file", dpi=20)


def test_html_without_plotly_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("tms_engine.figures.find_spec", lambda name: None)
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


# One table ---------------------------------------------------------------------------------------------


def test_each_figure_is_a_file_and_a_line_in_the_table(repository):
    files = {path.stem for path in (repository / "tms_engine" / "figures").glob("*.py")}
    shared = {
        "__init__",
        "saving",
        "panels",
        "browser",
        "colors",
        "captions",
        "populations",
        "film",
        "movies",
    }
    shared |= {"movies", "sweep_film"}
    assert files - shared == set(figures.FIGURES)
    for name, entry in figures.FIGURES.items():
        taken = set(inspect.signature(figures.figure_function(name)).parameters)
        assert ({"camera", "axes"} <= taken) == entry.spatial
        assert {"run", "step"} <= taken
        assert ("instance" in taken) != entry.population
        assert hasattr(sys.modules[f"tms_engine.figures.{name}"], f"{name}_html") == entry.html


def test_the_table_is_read_without_numpy_and_colours_without_matplotlib():
    script = """
import sys
from tms_engine.figures import FIGURES
heavy = {"numpy", "torch", "matplotlib", "plotly", "numba"}
print(heavy & set(sys.modules))
from tms_engine.figures.colors import feature_colors
print(heavy & set(sys.modules))
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["set()", "{'numpy'}"]


def test_only_what_is_asked_for_is_drawn(tmp_path):
    run = small()
    paths = save_figures(run, tmp_path, dpi=20, only=("loss", "weights"))
    assert [path.name for path in paths] == ["weights.png", "loss.png"]
    paths = save_html(run, tmp_path, only=("gram", "weights"))
    assert [path.name for path in paths] == ["weights.html"]
    with pytest.raises(InputError, match="of gram there is no HTML, only of weights, cloud, n_active"):
        save_html(run, tmp_path, only=["gram"])
    for wrong, hint in [("wieghts", "did you mean weights"), ("zzz", "the figures are weights, cloud")]:
        with pytest.raises(InputError, match=f"there is no figure '{wrong}'; {hint}"):
            save_figures(run, tmp_path / "none", only=["loss", wrong])
    assert not (tmp_path / "none").exists()


def test_chosen_axes_are_named():
    (axes,) = weights_figure(small(n_hidden=5), axes=(4, 0)).axes
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_zlabel()) == ("dimension 4", "dimension 0", "")
    (axes,) = weights_figure(small(n_hidden=5)).axes
    assert axes.get_zlabel() == "PC 3"


# A past step -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def changed():
    """60 steps, the sparsity changed after 30; the weights of every step are kept."""
    trainer = Trainer(Experiment(steps=60, sparsity=0.95))
    trainer.advance(30)
    trainer.change(sparsity=0.8)
    trainer.advance(30)
    return trainer.run()


def test_a_past_step_is_drawn_with_its_weights_and_the_experiment_of_then(changed):
    then = changed.at(20)
    assert then.step == 20
    axes = weights_figure(changed, step=20).axes[0]
    assert axes.get_title() == "TMS (8 feats, 3 dims) weight vectors\nstep 20"
    tips = [
        np.transpose(line.get_data_3d())[1] for line in axes.lines if line.get_label().startswith("Weight")
    ]
    assert np.allclose(tips, then.weights[0])
    image = gram_figure(changed, step=20).axes[0].images[0].get_array()
    assert np.allclose(image, then.weights[0] @ then.weights[0].T, atol=1e-6)
    assert "step 20" in dimensionality_figure(changed, step=20).axes[0].get_title()

    sparse, dense = (
        np.asarray(cloud_figure(changed, step=step).axes[0].collections[0]._offsets3d).T for step in (20, 60)
    )
    assert (np.linalg.norm(sparse, axis=1) == 0).mean() == pytest.approx(0.95**8, abs=0.01)
    assert (np.linalg.norm(dense, axis=1) == 0).mean() == pytest.approx(0.8**8, abs=0.01)


def test_the_loss_figure_of_a_past_step_ends_there(changed):
    axes = loss_figure(changed, step=20).axes[0]
    assert axes.get_xlim() == (0, 20)
    assert not axes.texts
    assert max(line.get_xdata().max() for line in axes.lines) == 19
    assert any("sparsity" in text.get_text() for text in loss_figure(changed, step=40).axes[0].texts)


def test_what_is_saved_of_a_past_step_can_be_traced_and_drawn_again(changed, tmp_path):
    camera = Camera(yaw=10, pitch=20, roll=5, zoom=1.5, perspective=True)
    (path,) = save_figures(changed, tmp_path, step=20, camera=camera, dpi=20, only=["weights"])
    with Image.open(path) as image:
        assert (image.text["Step"], image.text["Changes"]) == ("20", "[]")
        assert image.text["Camera"] == "10,20,5,1.5 perspective"
    (path,) = save_figures(changed, tmp_path, dpi=20, only=["loss"])
    with Image.open(path) as image:
        assert json.loads(image.text["Changes"]) == [[30, "sparsity", 0.8]]
    page = save_html(changed, tmp_path, step=20, only=["weights"])[0].read_text()
    assert '<meta name="Step" content="20">' in page
    assert "weight vectors\\u003cbr\\u003estep 20" in page


# In a notebook -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "draw", [weights_figure, cloud_figure, loss_figure, gram_figure, dimensionality_figure]
)
@pytest.mark.parametrize("n_hidden", [2, 3])
def test_a_figure_of_one_panel_can_be_drawn_into_axes_of_ones_own(draw, n_hidden):
    run = small(n_hidden=n_hidden)
    mine = Figure()
    left = mine.add_subplot(1, 2, 1)
    in_space = n_hidden == 3 and draw in (weights_figure, cloud_figure)
    right = mine.add_subplot(1, 2, 2, projection="3d" if in_space else None)
    assert draw(run, ax=right) is mine
    assert right.get_title()
    assert not left.get_title()
    assert draw(run).axes[0].get_title().split() == right.get_title().split()


def test_axes_of_the_wrong_kind_are_refused_in_a_sentence():
    with pytest.raises(InputError, match=r"3 hidden dimensions need Axes in space: .*projection='3d'"):
        weights_figure(small(), ax=Figure().add_subplot())
    with pytest.raises(InputError, match="2 hidden dimensions need flat Axes"):
        cloud_figure(small(n_hidden=2), ax=Figure().add_subplot(projection="3d"))


def test_figures_do_not_depend_on_the_users_settings_and_leave_them(tmp_path):
    run = small(n_hidden=2)
    save_figures(run, tmp_path / "plain", dpi=20)
    mine = {"axes.facecolor": "black", "font.size": 20, "savefig.bbox": "tight", "axes.grid": True}
    with mpl.rc_context(mine):
        before = dict(mpl.rcParams)
        save_figures(run, tmp_path / "dark", dpi=20)
        assert dict(mpl.rcParams) == before
        assert loss_figure(run).axes[0].get_facecolor() == (1, 1, 1, 1)
        figure = Figure()
        loss_figure(run, ax=figure.add_subplot())
        assert figure.axes[0].get_facecolor() == (0, 0, 0, 1)
    for name in figures.chosen_figures(None, 1):
        plain, dark = ((tmp_path / way / f"{name}.png").read_bytes() for way in ("plain", "dark"))
        assert plain == dark, name


def test_figures_drawn_in_threads_are_those_drawn_alone_and_the_settings_stay():
    run = small(n_hidden=2)

    def draw(_):
        figure = weights_figure(run)
        return np.asarray(figure.canvas.buffer_rgba()) if figure.canvas.draw() is None else None

    with mpl.rc_context({"axes.facecolor": "black"}):
        before, alone = dict(mpl.rcParams), draw(0)
        with ThreadPoolExecutor(3) as pool:
            assert all(np.array_equal(alone, image) for image in pool.map(draw, range(6)))
        assert dict(mpl.rcParams) == before


def test_many_instances_that_diverge_take_one_line_of_the_legend():
    trainer = Trainer(Experiment(n_instances=40, learning_rate=(1e15,) * 39 + (0.01,), steps=40))
    trainer.advance(40)
    axes = loss_figure(trainer.run()).axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert any(label.startswith("39 instances diverged, from step ") for label in labels)
    assert len(labels) == 8
