"""A run at one step, whole: what is saved, and all that is needed to go on or to look at it."""

import secrets
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import numpy as np

from tms_engine.errors import InputError
from tms_engine.experiment import Experiment, check_live
from tms_engine.training.history import History, Kept
from tms_engine.training.state import Change, Parameters, Snapshot, State, at_rest, initial_parameters

KernelName = Literal["torch", "lanes", "numba", "triton"]


class Run(NamedTuple):
    """A run at one step. It does not change; training goes on in a Trainer.

    experiment  as it was started
    changes     live changes made since, in order
    state       step, parameters and optimiser moments: `state.parameters["W"]` is float32 (instances,
                features, hidden) for a tied model, `state.parameters["b"]` float32 (instances, features)
    history     the batch losses as an envelope, `history.loss_curve()`, and the parameters at the earlier
                steps `history.steps`
    kernel      name of the kernel that trained it, and that trains on to the same bits
    id          its identity, which stays as it trains on, is saved and loaded: no save replaces that of a run
                with another one. "" has none, and is given one when it is saved
    planned     changes still to come, in order: each is made, as a live one, when its step is reached

    Made by `tms_engine.train`, `Trainer.run`, `load_run` and `Run.from_weights`.
    """

    experiment: Experiment
    changes: tuple[Change, ...]
    state: State
    history: History
    kernel: KernelName = "torch"
    id: str = ""
    planned: tuple[Change, ...] = ()

    @property
    def device(self) -> str:
        """Device to evaluate and draw on: "cpu" if it was asked for or has trained the run, else "auto"."""
        return "cpu" if self.kernel in ("lanes", "numba") or self.experiment.device == "cpu" else "auto"

    @property
    def current(self) -> Experiment:
        """The experiment with all changes made."""
        return self._with(self.changes)

    def experiment_at(self, step: int) -> Experiment:
        """The experiment in force at a step: with the changes made until then."""
        return self._with(tuple(change for change in self.changes if change.step <= step))

    def _with(self, changes: tuple[Change, ...]) -> Experiment:
        if not changes:
            return self.experiment
        return self.experiment.replace(**{change.field: change.value for change in changes})

    def at(self, step: int | None = None) -> Snapshot:
        """The run at the step nearest to `step` of which the parameters are kept; None: at its last step.

        The snapshot's experiment is the one in force then, and so are its losses.
        """
        here = Kept(self.state.step, self.state.parameters)
        kept = here if step is None else min((*self.history.kept, here), key=lambda k: abs(k.step - step))
        diverged = (self.state.diverged_at >= 0) & (self.state.diverged_at < kept.step)
        return Snapshot(
            step=kept.step,
            experiment=self.experiment_at(kept.step),
            parameters=kept.parameters,
            losses=self.history.recent_loss(until=kept.step),
            diverged=tuple(int(i) for i in np.flatnonzero(diverged)),
        )

    @property
    def weights(self) -> np.ndarray:
        """The feature directions at the last step, float32 (instances, features, hidden)."""
        return self.at().weights

    @classmethod
    def from_weights(
        cls,
        weights: Any,
        bias: Any = None,
        experiment: Experiment | None = None,
        *,
        step: int = 0,
    ) -> "Run":
        """A run that holds weights of your own, to be evaluated, drawn, saved or trained on.

        `weights` is (features, hidden) or (instances, features, hidden), `bias` (features) or (instances,
        features); for another model than a tied one, `weights` is a dict of all its parameters by name, each
        (instances, ...). They may be torch's, parameters included. Without an `experiment` it is the seed's
        at these sizes. The torch kernel trains it on. Raises InputError where they do not fit it.
        """
        named = (
            weights if isinstance(weights, dict) else {"W": weights} | ({} if bias is None else {"b": bias})
        )
        parameters = {name: _as_array(name, value) for name, value in named.items()}
        if "W" in parameters and parameters["W"].ndim == 2:
            parameters = {name: value[None] for name, value in parameters.items()}
        if experiment is None:
            if "W" not in parameters or parameters["W"].ndim != 3:
                raise InputError("weights should be (features, hidden) or (instances, features, hidden)")
            n_instances, n, m = parameters["W"].shape
            experiment = Experiment(n_features=n, n_hidden=m, n_instances=n_instances, bias="b" in parameters)
        check_parameters(parameters, experiment)
        state = at_rest(parameters, step)
        history = History(experiment.n_instances, experiment.keep, bytes_of(parameters))
        history.skip_to(step)
        history.add_kept(Kept(step, parameters))
        return cls(experiment, (), state, history, id=new_id())


def planned_changes(
    experiment: Experiment, changes: Iterable[tuple[int, str, Any]], first: int = 0
) -> tuple[Change, ...]:
    """Changes (step, field, value) of a run that is at step `first`, in the order in which they are made.

    Raises InputError for a field that is not live, an invalid value, or a step that it does not come to.
    """
    planned: list[Change] = []
    for step, field, value in sorted(changes, key=lambda change: change[0]):
        check_live([field])
        if not first <= step <= experiment.steps:
            ends = f"has {experiment.steps:,} steps" if step > first else f"is at step {first:,}"
            raise InputError(f"{field} is to change at step {step:,}, but the run {ends}", field)
        experiment = experiment.replace(**{field: value})
        planned.append(Change(step, field, getattr(experiment, field)))
    return tuple(planned)


def new_id() -> str:
    """The identity of a run that begins."""
    return secrets.token_hex(8)


def _as_array(name: str, value: Any) -> np.ndarray:
    """A copy in float32 on the host. Raises InputError for what is no array of numbers."""
    if hasattr(value, "detach"):  # torch's
        value = value.detach().cpu().numpy()
    try:
        return np.array(value, np.float32)
    except (TypeError, ValueError):
        raise InputError(f"{name} should be an array of numbers") from None


def bytes_of(parameters: Parameters) -> int:
    """What the parameters at one step take in memory."""
    return sum(value.nbytes for value in parameters.values())


def check_parameters(parameters: Parameters, experiment: Experiment, prefix: str = "") -> None:
    """Raise InputError unless these are the parameters of the experiment's model, of the right shapes.

    `prefix` stands before their names in the sentence.
    """
    alone = initial_parameters(experiment.alone(0))
    wanted = {name: (experiment.n_instances, *value.shape[1:]) for name, value in alone.items()}
    for name, shape in wanted.items():
        if name not in parameters:
            raise InputError(f"model {experiment.model} has a parameter {name}, which is missing")
        found = parameters[name]
        if found.shape != shape or found.dtype != np.float32:
            raise InputError(f"{prefix}{name} is {found.dtype} {found.shape}, not float32 {shape}")
    for name in parameters.keys() - wanted.keys():
        raise InputError(f"model {experiment.model} has no parameter {name}, only {', '.join(wanted)}")
