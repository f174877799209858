import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import LineCollection

from tms_engine import Experiment, Run, Trainer
from tms_engine.analysis.smoothing import loss_sums, smoothed
from tms_engine.figures.loss import loss_figure

pytestmark = pytest.mark.slow


def trained(experiment: Experiment, *changes) -> Run:
    """A run to the end, with fields changed at steps: (step, fields)."""
    trainer = Trainer(experiment)
    for step, fields in changes:
        trainer.advance(step - trainer.step)
        trainer.change(**fields)
    trainer.advance(experiment.steps - trainer.step)
    return trainer.run()


def smooth_of(run: Run, changes=()) -> np.ndarray:
    curve = run.history.loss_curve()
    return smoothed(curve.start, curve.end, *loss_sums(curve), changes, run.state.step)


def legend(axes) -> list[str]:
    return [" ".join(text.get_text().split()) for text in axes.get_legend().get_texts()]


def line(axes, label: str):
    (found,) = [drawn for drawn in axes.lines if drawn.get_label() == label]
    return found


def levels(axes) -> list[list[float]]:
    """Begin, end and height of each piece of the line of W = 0."""
    (dashed,) = [
        drawn
        for drawn in axes.collections
        if isinstance(drawn, LineCollection) and drawn.get_label().startswith("nothing")
    ]
    return [[a[0], b[0], a[1]] for a, b in dashed.get_segments()]


@pytest.fixture(scope="module")
def population() -> Run:
    return trained(Experiment(n_instances=30, steps=400))


def test_one_instance_has_its_batches_their_means_and_the_smoothed_loss():
    run = trained(Experiment(steps=300))
    axes, curve = loss_figure(run).axes[0], run.history.loss_curve()
    assert legend(axes) == [
        "smoothed", "mean of batches", "least to greatest batch", "nothing learned (W = 0)",
    ]  # fmt: skip
    assert np.allclose(line(axes, "mean of batches").get_ydata(), curve.mean[:, 0])
    assert np.allclose(line(axes, "smoothed").get_ydata(), smooth_of(run)[:, 0])
    assert axes.get_title() == "TMS (8 feats, 3 dims) loss\nstep 300"


def test_a_population_is_bands_of_quantiles_behind_the_chosen_instance(population):
    axes, smooth = loss_figure(population, 13).axes[0], smooth_of(population)
    assert legend(axes) == [
        "instance 13, smoothed", "mean of its batches", "nothing learned (W = 0)",
        "all 30 instances, smoothed", "nine tenths of them", "half of them", "median",
    ]  # fmt: skip
    assert np.allclose(line(axes, "instance 13, smoothed").get_ydata(), smooth[:, 13])
    assert np.allclose(line(axes, "median").get_ydata(), np.median(smooth, 1))
    bands = [c for c in axes.collections if c.get_label().startswith(("all", "nine", "half"))]
    for band, low, high in zip(bands, (0, 0.05, 0.25), (1, 0.95, 0.75), strict=True):
        (path,) = band.get_paths()
        at_100 = path.vertices[path.vertices[:, 0] == 100][:, 1]
        assert [at_100.min(), at_100.max()] == pytest.approx(np.quantile(smooth[100], (low, high)))


def test_a_few_instances_have_a_line_each_and_their_settings_in_the_legend():
    run = trained(Experiment(n_instances=3, sparsity=(0.5, 0.95, 1 - 0.003), steps=200))
    axes, smooth = loss_figure(run, 1).axes[0], smooth_of(run)
    assert legend(axes) == [
        "instance 1 (S 0.95), smoothed", "mean of its batches", "nothing learned (W = 0), instance 1",
        "instance 0 (S 0.5)", "instance 2 (S 0.997)",
    ]  # fmt: skip
    for i in (0, 2):
        found = next(drawn for drawn in axes.lines if drawn.get_label().startswith(f"instance {i} "))
        assert np.allclose(found.get_ydata(), smooth[:, i])
    alike = loss_figure(trained(Experiment(n_instances=3, steps=50))).axes[0]
    assert legend(alike)[-1] == "the other instances, smoothed"
    assert len(alike.lines) == 4


def test_a_population_of_different_settings_says_in_what_they_differ():
    run = trained(Experiment(n_instances=14, sparsity=tuple(0.9 + i / 200 for i in range(14)), steps=50))
    assert "all 14 instances, smoothed, which differ in sparsity" in legend(loss_figure(run).axes[0])


def test_the_line_of_nothing_learned_is_the_chosen_instances_and_follows_its_changes():
    lists = ((1.0, 0.5, 0.0), (1.0, 1.0, 1.0))
    experiment = Experiment(
        n_features=3, n_hidden=2, n_instances=2, sparsity=(0.7, 0.4), importance=lists, steps=90
    )
    run = trained(experiment, (30, {"sparsity": (0.1, 0.4)}), (60, {"importance_decay": 0.5}))
    first, second = (levels(loss_figure(run, i).axes[0]) for i in (0, 1))
    decayed = (1 + 0.25 + 0) / 3
    assert np.allclose(first, [[0, 30, 0.1 * 0.5], [30, 60, 0.3 * 0.5], [60, 90, 0.3 * decayed]])
    assert np.allclose(second, [[0, 30, 0.2], [30, 60, 0.2], [60, 90, 0.2 * 1.75 / 3]])
    assert loss_figure(run, step=20).axes[0].get_xlim() == (0, 20)
    n_active = trained(Experiment(features="n_active", steps=20))
    assert not any("nothing" in text for text in legend(loss_figure(n_active).axes[0]))


def test_a_change_of_every_instance_is_written_with_the_chosen_ones_value_and_a_list_with_three():
    experiment = Experiment(n_instances=10, sparsity=tuple(1 - 0.7**i for i in range(1, 11)), steps=100)
    denser = tuple(1 - 0.9 * 0.7**i for i in range(1, 11))
    run = trained(experiment, (50, {"sparsity": denser}), (90, {"importance": (1, 0.9, 0.8, *[0.5] * 5)}))
    figure = loss_figure(run, 3)
    texts = {text.get_text(): text for text in figure.axes[0].texts}
    assert set(texts) == {"sparsity[3] → 0.784", "importance → 1, 0.9, 0.8, …"}
    figure.draw_without_rendering()
    for text in texts.values():
        box, room = text.get_window_extent(), figure.axes[0].get_window_extent()
        assert room.x0 <= box.x0
        assert room.y0 <= box.y0
        assert box.y1 <= room.y1


def test_nothing_that_is_drawn_of_a_step_knows_of_the_change_after_it():
    run = trained(Experiment(sparsity=0.99, steps=4000), (2003, {"sparsity": 0.0}))
    curve, smooth = run.history.loss_curve(), line(loss_figure(run).axes[0], "smoothed").get_ydata()
    before = curve.end <= 2003
    assert smooth[before][-300:].max() < 0.01
    assert smooth[curve.start >= 2003].min() > 0.02
    axes = loss_figure(run, step=2003).axes[0]
    assert line(axes, "mean of batches").get_xdata().max() < 2003
    assert line(axes, "mean of batches").get_ydata()[-300:].max() < 0.05


def test_resuming_is_no_change_unless_the_learning_rate_falls():
    for schedule, count in (("constant", 0), ("linear", 1)):
        trainer = Trainer(Experiment(steps=40, schedule=schedule))
        trainer.advance(20)
        trainer.change(steps=60)
        trainer.advance(20)
        assert len(loss_figure(trainer.run()).axes[0].texts) == count


def infinite(run: Run) -> Run:
    """Losses up to the greatest there are, then none."""
    run.history._sum[10:20] = 3.4e38
    run.history._high[10:20] = np.float32(3.4e38)
    run.history._count[20:] = 0
    return run


def zero(run: Run) -> Run:
    for values in (run.history._sum, run.history._low, run.history._high):
        values[:] = 0
    return run


@pytest.mark.parametrize(
    ("steps", "n_instances", "change"),
    [
        *[(0, n, None) for n in (1, 3, 20)],
        *[(1, n, change) for n in (1, 20) for change in (None, zero)],
        (2, 3, None),
        *[(60, n, change) for n in (1, 3, 20) for change in (infinite, zero)],
    ],
)
def test_every_run_has_a_loss_figure(steps, change, n_instances):
    trainer = Trainer(Experiment(n_instances=n_instances, keep=0))
    trainer.advance(steps)
    run = trainer.run()
    figure = loss_figure(change(run) if change else run, n_instances - 1)
    figure.draw_without_rendering()  # no warning, which would be an error here
    axes = figure.axes[0]
    assert np.isfinite([*axes.get_xlim(), *axes.get_ylim()]).all()
    assert ("no loss yet" in {text.get_text() for text in axes.texts}) == (steps == 0)
    ticks = [tick.get_text() for tick in axes.get_xticklabels()]
    assert len(set(ticks)) == len(ticks)


def test_one_step_is_a_point_that_can_be_seen():
    trainer = Trainer(Experiment())
    trainer.advance(1)
    smooth = line(loss_figure(trainer.run()).axes[0], "smoothed")
    assert (smooth.get_marker(), smooth.get_xdata().tolist()) == (".", [0])


def test_a_run_that_diverged_ends_where_it_did_and_flattens_nothing():
    run = trained(Experiment(n_instances=2, learning_rate=(0.01, 1e15), steps=60))
    axes = loss_figure(run, 1).axes[0]
    assert any(label.startswith("instance 1 diverged, step ") for label in legend(axes))
    assert axes.get_title().endswith("step 60, instance 1, diverged")
    assert axes.get_ylim()[1] < 1e6
    alone = loss_figure(trained(Experiment(learning_rate=1e15, steps=60))).axes[0]
    assert any(label.startswith("diverged, step ") for label in legend(alone))


def test_the_chosen_instance_stands_out(population):
    axes = loss_figure(population, 5).axes[0]
    chosen = line(axes, "instance 5, smoothed")
    assert mpl.colors.to_hex(chosen.get_color()) == mpl.colors.to_hex("tab:orange")
    assert chosen.get_linewidth() == 2
    assert chosen.get_zorder() > max(drawn.get_zorder() for drawn in axes.collections)
