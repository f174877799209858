"""The loss curve: batch loss against steps."""

import numpy as np
from jaxtyping import Bool, Float, Float32
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from tms_engine.analysis import theory
from tms_engine.figures.panels import describe, figure_of, own_style, panel
from tms_engine.models import Model, model
from tms_engine.training.history import LossCurve
from tms_engine.training.run import Run
from tms_engine.training.state import Change, Snapshot

# Instances whose divergence is named in the legend; of more there is only the number.
_NAMED = 6


def loss_figure(run: Run, *, step: int | None = None, ax: Axes | None = None) -> Figure:
    """Mean and range of one instance; of several, each one's mean, and the mean of those.

    It ends at `step` (as in `Run.at`; None: the run's last). Live changes and divergence are marked.
    """
    snapshot = run.at(step)
    curve = run.history.loss_curve()
    until = curve.start < max(snapshot.step, 1)
    with own_style(ax):
        plot = panel(ax, 9, 5)
        _draw_curve(plot, curve, until)
        changes = [change for change in run.changes if change.step <= snapshot.step]
        nothing = _loss_of_nothing(snapshot)
        if nothing is not None and not changes:
            plot.axhline(nothing, color="gray", ls="--", lw=1, label="nothing learned (W = 0)")
        _mark_divergence(plot, [int(at) if at <= snapshot.step else -1 for at in run.state.diverged_at])
        _mark_changes(plot, changes, snapshot.step)
        positive = curve.mean[until][curve.mean[until] > 0]
        if len(positive):
            plot.set_yscale("log")
            # A batch without an active feature has next to no loss: such batches would take most of the axis.
            plot.set_ylim(bottom=float(np.quantile(positive, 0.01)) / 10)
        plot.xaxis.set_major_formatter("{x:,.0f}")
        plot.set(xlabel="step", ylabel="loss", xlim=(0, max(snapshot.step, 1)))
        plot.set_title(f"{describe(snapshot)} loss, mean over batch and features")
        plot.grid(alpha=0.3)
        plot.legend()
    return figure_of(plot)


def _draw_curve(plot: Axes, curve: LossCurve, until: Bool[np.ndarray, " buckets"]) -> None:
    middle = ((curve.start + curve.end - 1) / 2)[until]
    low, mean, high = curve.low[until], curve.mean[until], curve.high[until]
    n_instances = mean.shape[1]
    if n_instances == 1:
        plot.fill_between(middle, low[:, 0], high[:, 0], alpha=0.2, lw=0, label="least to greatest batch")
        plot.plot(middle, mean[:, 0], lw=0.6, alpha=0.7, color="tab:blue", label="mean of batches")
        plot.plot(middle, _smooth(mean[:, 0]), lw=1.8, color="tab:blue", label="smoothed")
        return
    lines = np.stack([np.broadcast_to(middle, mean.T.shape), mean.T], -1)
    alpha = min(0.35, max(0.02, 20 / n_instances))  # so that thousands do not make one patch of colour
    plot.add_collection(LineCollection(list(lines), lw=0.6, alpha=alpha, color="tab:blue"))
    plot.plot([], [], lw=0.6, alpha=0.35, color="tab:blue", label=f"each of {n_instances:,} instances")
    finite = np.isfinite(mean).sum(1)
    average = np.divide(np.nansum(mean, 1), finite, out=np.full(len(finite), np.nan), where=finite > 0)
    plot.plot(middle, average, lw=1.6, color="black", label="mean of instances")
    plot.autoscale_view()


def _loss_of_nothing(snapshot: Snapshot) -> float | None:
    """The loss of W = 0, if it is known and all instances have the same."""
    experiment = snapshot.experiment
    densities = 1 - experiment.per_instance("sparsity")
    importance = experiment.feature_importance()
    plain = model(experiment.model).target is Model._field_defaults["target"]
    if (
        experiment.features != "bernoulli"
        or not plain
        or np.ptp(densities)
        or np.ptp(importance, axis=0).any()
    ):
        return None
    return float(theory.loss_of_nothing(float(densities[0])) * importance[0].mean())


def _mark_divergence(plot: Axes, diverged_at: list[int]) -> None:
    """`diverged_at` has a step an instance, −1 where it has not."""
    diverged = [(i, at) for i, at in enumerate(diverged_at) if at >= 0]
    if len(diverged) > _NAMED:
        steps = sorted({at for _, at in diverged})
        label = f"{len(diverged):,} instances diverged, from step {steps[0]:,}"
        plot.vlines(steps, 0, 1, transform=plot.get_xaxis_transform(), color="tab:red", lw=1, label=label)
        return
    for i, at in diverged:
        plot.axvline(at, color="tab:red", lw=1, label=f"instance {i} diverged, step {at:,}")


def _mark_changes(plot: Axes, changes: list[Change], last_step: int) -> None:
    """Three rows of labels; where changes crowd, the latest have labels, and the rest are lines alone."""
    nearest: list[float] = [np.inf] * 3
    for change in reversed(changes):
        plot.axvline(change.step, color="tab:purple", ls=":", lw=1)
        free = [row for row in range(3) if nearest[row] - change.step >= 0.02 * last_step]
        if free:
            nearest[free[0]] = change.step
            plot.annotate(
                f"{change.field} → {change.value}",
                (change.step, 0.99 - 0.33 * free[0]),
                xycoords=("data", "axes fraction"),
                rotation=90,
                ha="right",
                va="top",
                fontsize=8,
            )


def _smooth(values: Float32[np.ndarray, " buckets"]) -> Float[np.ndarray, " buckets"]:
    """Running mean of the finite values in a centred window of a fiftieth of the run; NaN stays NaN."""
    half = len(values) // 100
    finite = np.isfinite(values)
    sums = np.concatenate([[0], np.cumsum(np.where(finite, values, 0), dtype=np.float64)])
    counts = np.concatenate([[0], np.cumsum(finite)])
    reach = np.minimum(half, np.minimum(np.arange(len(values)), np.arange(len(values))[::-1]))
    end, start = np.arange(len(values)) + reach + 1, np.arange(len(values)) - reach
    return np.where(finite, (sums[end] - sums[start]) / np.maximum(counts[end] - counts[start], 1), np.nan)
