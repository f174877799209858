"""The loss curve: batch loss against steps, of one instance among all."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Float64
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from tms_engine.analysis import theory
from tms_engine.analysis.smoothing import loss_sums, smoothed
from tms_engine.figures import captions
from tms_engine.figures.captions import describe, where
from tms_engine.figures.colors import viridis
from tms_engine.figures.panels import entitle, figure_of, own_style, panel, say_what_is_missing, shown
from tms_engine.models import Model, model
from tms_engine.training.history import LossCurve
from tms_engine.training.run import Run
from tms_engine.training.state import Change, Snapshot

# Instances with a line each; more are drawn as bands.
_LINES = 12
# Instances whose divergence is named in the legend; of more there is only the number.
_NAMED = 6
# The loss axis reaches so far above the median: an instance that diverges would flatten all others.
_DECADES = 4


def loss_figure(run: Run, instance: int = 0, *, step: int | None = None, ax: Axes | None = None) -> Figure:
    """The batch loss of one instance, and smoothed, and how it lies among the others.

    Up to 12 instances have a line each; of more, bands hold the middle half, nine tenths, and all. They are
    of smoothed losses (`smoothing.smoothed`), so that they show how models differ, not batches. The dashed
    line is the loss of W = 0 for the chosen instance, as sparsity and importance were. Live changes and
    divergence are marked. It ends at `step` (as in `Run.at`; None: the run's last). Raises InputError for an
    instance that is not there.
    """
    snapshot = shown(run, instance, step)
    changes = [change for change in run.changes if change.step <= snapshot.step and _matters(change, run)]
    curve = _until(run.history.loss_curve(), snapshot.step)
    last = max(snapshot.step, 1)
    smooth = smoothed(curve.start, curve.end, *loss_sums(curve), [change.step for change in changes], last)
    nothing = _losses_of_nothing(run, snapshot, instance, changes)
    with own_style(ax):
        plot = panel(ax, 11, 5)
        _draw_chosen(plot, curve, smooth, snapshot, instance)
        if nothing:
            _draw_nothing(plot, nothing, snapshot, instance)
        if snapshot.experiment.n_instances > _LINES:
            _draw_bands(plot, curve, smooth, snapshot)
        elif snapshot.experiment.n_instances > 1:
            _draw_others(plot, curve, smooth, snapshot, instance)
        _mark_divergence(plot, [int(at) if at <= snapshot.step else -1 for at in run.state.diverged_at])
        _mark_changes(plot, changes, last, instance)
        if not np.isfinite(smooth[:, instance]).any():
            say_what_is_missing(plot, "no finite loss" if len(curve.start) else "no loss yet")
        _scale(plot, smooth, curve.mean[:, instance], [level for _, _, level in nothing])
        plot.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))
        plot.xaxis.set_major_formatter("{x:,.0f}")
        plot.set(xlabel="step", ylabel="loss, mean over batch and features", xlim=(0, last))
        if last <= 2:  # the only points would lie on the frame
            plot.set_xlim(-0.05 * last, 1.05 * last)
        entitle(plot, f"{describe(snapshot)} loss", where(snapshot, instance))
        plot.grid(alpha=0.3)
        beside: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "borderaxespad": 0}
        handles, labels = plot.get_legend_handles_labels()
        labels = ["\n".join(captions.wrapped(label, 36)) for label in labels]
        plot.legend(handles, labels, fontsize=8, **(beside if ax is None else {"loc": "upper right"}))
    return figure_of(plot)


def _matters(change: Change, run: Run) -> bool:
    """Whether a live change can change the loss: more steps do so only where the learning rate falls."""
    return change.field != "steps" or run.experiment.schedule != "constant"


def _until(curve: LossCurve, step: int) -> LossCurve:
    """The buckets that hold no step from `step` on, which the figure must not know of."""
    n = int(np.searchsorted(curve.end, step, "right"))
    return LossCurve(*(values[:n] for values in curve))


def _middle(curve: LossCurve) -> Float64[np.ndarray, " buckets"]:
    return (curve.start + curve.end - 1) / 2


def _name(snapshot: Snapshot, instance: int) -> str:
    """What a legend calls an instance; nothing if it is the only one."""
    experiment = snapshot.experiment
    if experiment.n_instances == 1:
        return ""
    settings = captions.settings_of(experiment, instance, captions.differing(experiment))
    return f"instance {instance}" + (f" ({settings})" if settings else "")


def _draw_chosen(
    plot: Axes,
    curve: LossCurve,
    smooth: Float64[np.ndarray, "buckets instances"],
    snapshot: Snapshot,
    instance: int,
) -> None:
    """Batches as a band if it is the only instance, their means thin, smoothed thick."""
    middle, name = _middle(curve), _name(snapshot, instance)
    color = "tab:orange" if name else "tab:blue"
    mean, line = curve.mean[:, instance], smooth[:, instance]
    few: dict[str, Any] = {"marker": "."} if np.isfinite(line).sum() < 3 else {}  # a point is no line
    label = f"{name}, smoothed" if name else "smoothed"
    plot.plot(middle, line, lw=2, color=color, label=label, zorder=4, **few)
    label = "mean of its batches" if name else "mean of batches"
    plot.plot(middle, mean, lw=0.6, alpha=0.6, color=color, label=label, zorder=3, **few)
    if not name:
        low, high = curve.low[:, 0], curve.high[:, 0]
        plot.fill_between(middle, low, high, alpha=0.2, lw=0, color=color, label="least to greatest batch")


def _draw_others(
    plot: Axes,
    curve: LossCurve,
    smooth: Float64[np.ndarray, "buckets instances"],
    snapshot: Snapshot,
    chosen: int,
) -> None:
    """A line for each other instance, smoothed; in colours of their own where their settings differ."""
    middle, experiment = _middle(curve), snapshot.experiment
    differ = bool(captions.differing(experiment))
    colors = viridis(np.linspace(0, 0.9, experiment.n_instances))
    others = [i for i in range(experiment.n_instances) if i != chosen]
    for i in others:
        label = _name(snapshot, i) if differ else "the other instances, smoothed" if i == others[0] else None
        plot.plot(middle, smooth[:, i], lw=1, color=colors[i] if differ else "0.6", label=label)


def _draw_bands(
    plot: Axes, curve: LossCurve, smooth: Float64[np.ndarray, "buckets instances"], snapshot: Snapshot
) -> None:
    """Quantiles of the smoothed losses of the instances that are finite."""
    middle = _middle(curve)
    known = np.isfinite(smooth).any(1)
    levels = (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)
    quantiles = np.full((len(levels), len(middle)), np.nan)
    quantiles[:, known] = np.nanquantile(smooth[known], levels, axis=1)
    fields = captions.differing(snapshot.experiment)
    which = f", which differ in {captions.names_of(fields)}" if fields else ""
    labels = (f"all {smooth.shape[1]:,} instances, smoothed{which}", "nine tenths of them", "half of them")
    for depth, (label, shade) in enumerate(zip(labels, ("0.88", "0.76", "0.6"), strict=True)):
        low, high = quantiles[depth], quantiles[-1 - depth]
        plot.fill_between(middle, low, high, color=shade, lw=0, label=label)
    plot.plot(middle, quantiles[3], lw=1.4, color="black", label="median")


def _losses_of_nothing(
    run: Run, snapshot: Snapshot, instance: int, changes: Sequence[Change]
) -> list[tuple[int, int, float]]:
    """First step, last step and loss of W = 0, between live changes, where that loss is known."""
    bounds = [*sorted({0, *(change.step for change in changes)}), max(snapshot.step, 1)]
    stretches = []
    for begin, end in itertools.pairwise(bounds):
        experiment = run.experiment_at(begin)
        plain = model(experiment.model).target is Model._field_defaults["target"]
        if end > begin and experiment.features == "bernoulli" and plain:
            density = 1 - float(experiment.per_instance("sparsity")[instance])
            importance = float(experiment.feature_importance()[instance].mean())
            stretches.append((begin, end, theory.loss_of_nothing(density) * importance))
    return stretches


def _draw_nothing(
    plot: Axes, stretches: Sequence[tuple[int, int, float]], snapshot: Snapshot, instance: int
) -> None:
    name = f", instance {instance}" if captions.differing(snapshot.experiment) else ""
    lines = [[(begin, level), (end, level)] for begin, end, level in stretches]
    style: dict[str, Any] = {"colors": "black", "linestyles": "--", "linewidths": 1}
    plot.add_collection(LineCollection(lines, label=f"nothing learned (W = 0){name}", **style), autolim=False)


def _mark_divergence(plot: Axes, diverged_at: list[int]) -> None:
    """`diverged_at` has a step an instance, −1 where it has not."""
    diverged = [(i, at) for i, at in enumerate(diverged_at) if at >= 0]
    if len(diverged) > _NAMED:
        steps = sorted({at for _, at in diverged})
        label = f"{len(diverged):,} instances diverged, from step {steps[0]:,}"
        plot.vlines(steps, 0, 1, transform=plot.get_xaxis_transform(), color="tab:red", lw=1, label=label)
        return
    for i, at in diverged:
        name = f"instance {i} diverged" if len(diverged_at) > 1 else "diverged"
        plot.axvline(at, color="tab:red", lw=1, label=f"{name}, step {at:,}")


def _mark_changes(plot: Axes, changes: Sequence[Change], last_step: int, instance: int) -> None:
    """Three rows of labels; where changes crowd, the latest have labels, and the rest are lines alone."""
    steps = sorted({change.step for change in changes})
    plot.vlines(steps, 0, 1, transform=plot.get_xaxis_transform(), color="tab:purple", ls=":", lw=1)
    nearest: list[float] = [np.inf] * 3
    for change in reversed(changes):
        free = [row for row in range(3) if nearest[row] - change.step >= 0.02 * last_step]
        if free:
            nearest[free[0]] = change.step
            plot.annotate(
                captions.change_text(change, instance),
                (change.step, 0.99 - 0.33 * free[0]),
                xycoords=("data", "axes fraction"),
                rotation=90,
                # The first steps have no room to the left of their line.
                ha="right" if change.step > 0.03 * last_step else "left",
                va="top",
                fontsize=7,
                path_effects=[withStroke(linewidth=2, foreground="white")],
                zorder=5,
            )


def _scale(
    plot: Axes,
    smooth: Float64[np.ndarray, "buckets instances"],
    means: Float[np.ndarray, " buckets"],
    levels: Sequence[float],
) -> None:
    """A log axis with room for the smoothed losses and most batches of the chosen instance.

    A batch without an active feature has next to no loss: such batches would take most of the axis. Where no
    loss is positive, the axis is linear.
    """
    seen = np.concatenate([smooth.ravel(), np.asarray(levels, np.float64)])
    seen = seen[np.isfinite(seen) & (seen > 0)]
    if not len(seen):
        plot.set_ylim(0, 1)
        return
    batches = means[np.isfinite(means) & (means > 0)].astype(np.float64)
    low, high = float(seen.min()), min(float(seen.max()), float(np.median(seen)) * 10.0**_DECADES)
    if len(batches):
        low = max(min(low, float(np.quantile(batches, 0.02))), low / 10)
        high = min(max(high, float(batches.max())), high * 10)
    # The limits first: at the change of scale matplotlib would look for positive values itself.
    plot.set_ylim(max(low, high / 1e12) / 2, high * 2)
    plot.set_yscale("log")
