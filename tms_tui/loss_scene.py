"""loss_scene: from a Model to the chart of its loss."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64

from tms_engine.analysis.changes import kept_weights, representation_changes
from tms_engine.training.history import LossCurve
from tms_engine.training.state import DRIFT_EVERY, Change, drift_of
from tms_tui.drawing.loss_chart import LossChart
from tms_tui.memo import Memo
from tms_tui.model import Model

if TYPE_CHECKING:
    from tms_engine.training.run import Run

# Instances whose losses are drawn, and those of which each has a line: more would hold up a frame.
MOST_INSTANCES, _MOST_LINES = 1 << 12, 64
# Features of which it is marked when they enter or leave superposition.
_MOST_MARKED = 64


def loss_scene(model: Model, memo: Memo) -> LossChart | None:
    """The chart. None while there is no curve: the first paint need not wait for plotext."""
    view, options, look = model.view, model.options, model.loss
    if view.curve is None:
        return None
    curve, diverged_at, instance = memo(_of_some, view.curve, view.diverged_at, options.instance)
    drift = memo(_drift_of, view.run, view.changes)
    return memo(
        LossChart,
        curve,
        view.steps,
        options.log,
        view.changes,
        diverged_at,
        options.step,
        instance,
        model.chart_colors,
        look.log_steps,
        look.window,
        view.kept_steps,
        None,
        drift,
        memo(_marks, view.run, options.instance, drift) if drift else (),
        look.overlay == "instances" and curve.mean.shape[1] <= _MOST_LINES,
        look.levels if look.overlay == "theory" else (),
        look.other if look.overlay == "run" else None,
        model.colors < 8,
    )


def _of_some(
    curve: LossCurve, diverged_at: Int64[np.ndarray, " instances"], instance: int
) -> tuple[LossCurve, tuple[int, ...], int]:
    """The losses of so many instances as can be drawn, the selected one among them, and its place."""
    n_instances = curve.mean.shape[1]
    if n_instances <= MOST_INSTANCES:
        return curve, tuple(diverged_at.tolist()), instance
    some = np.arange(MOST_INSTANCES) * n_instances // MOST_INSTANCES
    place = int(np.searchsorted(some, instance, "right")) - 1
    some[place] = instance
    few = curve._replace(low=curve.low[:, some], mean=curve.mean[:, some], high=curve.high[:, some])
    return few, tuple(diverged_at[some].tolist()), place


def _drift_of(run: "Run | None", changes: tuple[Change, ...]) -> tuple[int, ...]:
    return drift_of(run.experiment, changes) if run is not None and changes else ()


def _marks(run: "Run", instance: int, drift: tuple[int, ...]) -> tuple[tuple[int, str], ...]:
    """Features that enter superposition, or leave it, while the sparsity drifts: steps, and +3 or -3."""
    steps, weights = kept_weights(run, instance)
    within = [k for k, step in enumerate(steps) if drift[0] - DRIFT_EVERY <= step <= drift[-1] + DRIFT_EVERY]
    if run.experiment.n_features > _MOST_MARKED or not within:
        return ()
    found = representation_changes([steps[k] for k in within], [weights[k] for k in within])
    return tuple((step, f"{'+' if enters else '-'}{feature}") for step, feature, enters in found)
