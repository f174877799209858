"""A run that stands still, for screens: weights of a square antiprism, a loss curve by formula, no thread."""

from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest
from textual.widgets import Input

from tms_engine.experiment import Experiment
from tms_engine.training.history import LossCurve
from tms_engine.training.run import Run
from tms_engine.training.state import Change, Snapshot
from tms_tui.app import TmsApp
from tms_tui.messages import CommandName, Message
from tms_tui.model import Model
from tms_tui.session import Session
from tms_tui.settings import Settings
from tms_tui.update import update
from tms_tui.view import View
from tms_tui.view_options import ViewOptions


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Settings and sessions of its own for each test, and a cursor that stands still in every input."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(Input, "cursor_blink", False)


def antiprism(n_features: int = 8, n_hidden: int = 3, n_instances: int = 1) -> np.ndarray:
    """Directions spread over a circle or a sphere; with 8 in 3 dimensions, a square antiprism."""
    angles = 2 * np.pi * np.arange(n_features) / n_features
    weights = np.zeros((n_instances, n_features, n_hidden))
    heights = np.where(np.arange(n_features) % 2, 0.5, -0.5)
    columns = [0.74 * np.cos(angles), 0.74 * np.sin(angles), heights]
    columns += [0.5 * np.cos((d + 1) * angles) for d in range(3, n_hidden)]
    weights[:] = np.stack(columns[:n_hidden], -1)
    if n_hidden > 3:  # lengths of their own, or the processor would choose among equal principal axes
        weights *= 1 - 0.07 * np.arange(n_hidden)
    scale = 1 - 0.1 * np.arange(n_instances)[:, None, None]
    return (weights * scale).astype(np.float32)


class StillRun(Run):
    """A Run whose kept snapshots are by formula."""

    def at(self, step: int | None = None) -> Snapshot:
        return min(self.history.kept, key=lambda kept: abs(kept.step - step))


def still_run(kept: tuple[Snapshot, ...], changes: tuple[Change, ...] = ()) -> StillRun:
    return StillRun(kept[0].experiment, changes, kept[-1], SimpleNamespace(kept=kept), id="still")


def still_view(phase: str = "paused", step: int = 4210, **fields: Any) -> View:
    """A View as a session would give it, of an experiment with these fields."""
    from tms_engine import Evaluation, compare

    changes = fields.pop("changes", ())
    diverged = fields.pop("diverged", ())
    experiment = Experiment(**fields)
    instances = experiment.n_instances
    steps = np.arange(0, step, 16)
    mean = 0.0039 + 0.1 * np.exp(-steps / 150)[:, None] * (1 + 0.3 * np.arange(instances))
    mean = (mean * (1 + 0.1 * np.sin(steps / 77))[:, None]).astype(np.float32)
    diverged_at = np.full(instances, -1)
    for i in diverged:
        diverged_at[i] = step // 2
        mean[steps >= step // 2, i] = np.nan
    curve = LossCurve(steps, np.minimum(steps + 16, step), 0.4 * mean, mean, 2.2 * mean)
    weights = antiprism(experiment.n_features, experiment.n_hidden, instances)
    bias = np.full(weights.shape[:2], -0.05, np.float32) if experiment.bias else None
    losses = np.full(instances, 0.00398, np.float32) * (1 + 0.02 * np.arange(instances, dtype=np.float32))
    losses[list(diverged)] = np.nan
    parameters = {"W": weights} if bias is None else {"W": weights, "b": bias}
    kept = tuple(
        Snapshot(
            step=s,
            experiment=experiment,
            parameters=parameters | {"W": (weights * np.float32(0.2 + 0.8 * s / step)).astype(np.float32)},
            losses=mean[s // 16],
        )
        for s in range(0, step, 100)
    )
    loading = phase == "loading"
    snapshot = Snapshot(step, experiment, parameters, losses, tuple(diverged))
    parts = losses.astype(np.float64)[:, None] + 2.3e-5 * np.array([-1.0, 1.0])
    evaluation = Evaluation(losses.astype(np.float64), np.full(instances, 2.3e-5), 8320, parts)
    return View(
        phase=phase,
        error=fields.get("error", ""),
        experiment=experiment,
        step=0 if loading else step,
        steps=experiment.steps,
        snapshot=None if loading else snapshot,
        run=None if loading else still_run(kept, changes),
        curve=None if loading else curve,
        changes=changes,
        diverged_at=diverged_at,
        evaluation=None if loading else evaluation,
        comparison=None if loading else compare(snapshot, evaluation),
        evaluation_step=step,
        pace=500.0,
        to_end=False,
        library="torch",
        kernel="" if loading else "torch",
        reason="" if loading else "torch: autograd, for any model on any device, as asked for",
        device="" if loading else "cpu",
        rate=0.0 if loading else 812_345.0,
        kept_steps=() if loading else tuple(k.step for k in kept),
    )


class StillSession(Session):
    """A Session without a thread: one View, and a record of what was asked."""

    def __init__(self, view: View) -> None:
        self.still = view
        self.asked: list[Any] = []

    def start(self) -> None:
        """There is no thread."""

    def view(self) -> View:
        return self.still

    def waiting(self) -> float:
        return 0.0

    def run(self, timeout: float = 1.0) -> None:
        return None

    def stop(self, timeout: float = 0.4) -> bool:
        return True


def _recorder(name: str) -> Any:
    return lambda self, *values, **fields: self.asked.append((name, *values, *fields.items()))


for _name in (*get_args(CommandName), "set_pace", "change"):
    setattr(StillSession, _name, _recorder(_name))


def still_app(view: View | None = None, **options: Any) -> TmsApp:
    """The app over a run that stands still: no turning, and a clock that does not move."""
    look, clock = options.pop("look", ViewOptions(turning=False)), options.pop("clock", lambda: 0.0)
    names = options.pop("names", False)
    return TmsApp(StillSession(view or still_view()), options=look, clock=clock, names=names, **options)


def still_model(view: View | None = None, **options: Any) -> Model:
    """The Model of that app, with view options as given."""
    options = {"turning": False} | options
    view = view or still_view()
    return Model(
        view=view,
        options=ViewOptions(**options),
        settings=Settings(),
        run_name="gist",
        mode="braille",
        shown=view.snapshot,
    )


def after(model: Model, *messages: Message) -> tuple[Model, list[Any]]:
    """The Model after messages, and all effects in order."""
    effects: list[Any] = []
    for message in messages:
        model, new = update(model, message)
        effects += new
    return model, effects
