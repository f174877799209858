"""Solids: the name and the edges of what is shown, and two models that are compared. Worked out in a thread.

Naming a model, laying one over another and their losses take from a fraction of a millisecond to a second, so
none of it is done for a frame: the shell asks `wanted` what is due, does `find` in a thread, and sends the
result, which stays on the screen until there is another.
"""

import math
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from tms_engine.errors import InputError
from tms_engine.experiment import Experiment
from tms_engine.models import model
from tms_engine.training.state import Snapshot
from tms_tui.child import Child
from tms_tui.space_scene import Seen, Trail

if TYPE_CHECKING:
    from tms_engine.analysis.alignment import Alignment
    from tms_engine.analysis.polytopes import Polytopes, SolidEdges
    from tms_engine.training.run import Run

Showing = Literal["now", "both", "before"]

# Laws under which equally important features can stand for each other.
_ALIKE = ("bernoulli", "n_active", "at_least_one")

# Steps along a trail, and vectors with one, at most.
_TRAIL, _TRAILED = 32, 64


class Solid(NamedTuple):
    """What the represented features of one instance make at a step."""

    shown: Snapshot
    instance: int
    found: "Polytopes"
    edges: "SolidEdges"


class Loss(NamedTuple):
    """On fresh data, under the experiment in force at its step."""

    value: float
    error: float


class Pinned(NamedTuple):
    """A model that others are compared with: at a step, whole."""

    shown: Snapshot
    instance: int
    run_name: str
    run_id: str


class Compared(NamedTuple):
    """A pinned model beside the one that is shown."""

    before: Pinned
    shown: Snapshot
    instance: int
    solid: Solid  # of the pinned one
    loss: Loss
    loss_now: Loss
    alignment: "Alignment"  # of the pinned one over the other
    seen: Seen
    matched: bool  # features were matched; else feature j stands for feature j


@dataclass(frozen=True, eq=False)
class Solids:
    """What the space knows beside weights.

    solid     of what is shown, or was a moment ago
    before    what is compared with, if anything is
    compared  the two, or as they were a moment ago
    showing   which of the two the space shows
    trailing  seconds for which the tips leave trails still, while it trains
    changes   live changes that have been seen
    """

    solid: Solid | None = None
    before: Pinned | None = None
    compared: Compared | None = None
    showing: Showing = "now"
    trailing: float = 0.0
    changes: int = 0

    @property
    def compares(self) -> bool:
        """Whether a pinned model is shown, by itself or beside the present."""
        return self.before is not None and self.showing != "now"


NO_SOLIDS = Solids()


class Wanted(NamedTuple):
    """What is to be found of a model: its name after that of before, and how it compares with another."""

    shown: Snapshot
    instance: int
    run_id: str
    solid: Solid | None
    before: Pinned | None
    compared: Compared | None


class Found(NamedTuple):
    solid: Solid
    compared: Compared | None


def wanted(solids: Solids, shown: Snapshot | None, instance: int, run_id: str) -> Wanted | None:
    """What is not known yet of the model that is shown; None: all is."""
    if shown is None:
        return None
    before = solids.before if solids.showing != "now" else None
    compared = solids.compared if before is not None else None
    is_named = _is_of(solids.solid, shown, instance)
    is_compared = before is None or (
        compared is not None and compared.before is before and _is_of(compared, shown, instance)
    )
    if is_named and is_compared:
        return None
    return Wanted(shown, instance, run_id, solids.solid, before, compared)


def _is_of(known: Solid | Compared | None, shown: Snapshot, instance: int) -> bool:
    return known is not None and known.shown.weights is shown.weights and known.instance == instance


def make_ready() -> None:
    """Load what names are found with, unless the run's kernel has loaded the most of it.

    That keeps the interpreter's lock for tenths of a second: beside the first steps of a large model the
    first keys were late. Where it is not compiled yet, or not for this machine, nothing happens.
    """
    if "numba" in sys.modules:
        return
    with suppress(ImportError, OSError):
        from tms_engine.analysis.polytopes import is_compiled, polytopes

        if is_compiled():
            polytopes(np.eye(3, dtype=np.float32))


def find(wanted: Wanted) -> Found:
    """Name the model; compare it, if it is compared with another."""
    shown, instance, run_id, solid, before, compared = wanted
    found = solid if solid and _is_of(solid, shown, instance) else _solid(shown, instance, solid)
    if before is None:
        return Found(found, None)
    return Found(found, _compared(shown, instance, run_id, before, compared))


def _solid(shown: Snapshot, instance: int, known: Solid | None) -> Solid:
    """A name that follows that of an earlier step is steady; a step that is gone back to begins anew."""
    from tms_engine.analysis.polytopes import polytopes, solid_edges

    _compile_beside()
    weights = shown.weights[instance]
    follows = known is not None and known.instance == instance and known.shown.step <= shown.step
    follows = follows and known is not None and known.shown.weights.shape == shown.weights.shape
    found = polytopes(weights, before=known.found if known and follows else None)
    return Solid(shown, instance, found, solid_edges(weights, found))


@cache
def _compile_beside() -> None:
    """At the first start on a machine, have another process compile what names need, and wait for it.

    Compiled here, it would hold up the training thread, which has losses to compile, for as long.
    """
    from tms_engine.analysis.polytopes import is_compiled

    if not is_compiled():
        with suppress(InputError):  # then it is compiled here after all
            Child("tms_engine.compiled").wait("compiling")


def _compared(
    shown: Snapshot, instance: int, run_id: str, before: Pinned, known: Compared | None
) -> Compared:
    from tms_engine.analysis.alignment import MOST_MATCHED, align

    same_pin = known is not None and known.before is before
    solid = known.solid if known and same_pin else _solid(before.shown, before.instance, None)
    loss = known.loss if known and same_pin else _loss(before.shown, before.instance)
    a, b = before.shown.weights[before.instance], shown.weights[instance]
    is_same = before.run_id == run_id and before.instance == instance
    few = max(len(a), len(b)) <= MOST_MATCHED
    matched = not is_same and few and _alike(before.shown.experiment) and _alike(shown.experiment)
    follows = same_pin and known is not None and known.instance == instance and known.matched == matched
    alignment = align(a, b, matched, known.alignment if known and follows else None)
    seen = Seen(alignment.turn, alignment.partner)
    return Compared(before, shown, instance, solid, loss, _loss(shown, instance), alignment, seen, matched)


def _alike(experiment: Experiment) -> bool:
    """Whether any feature can stand for any other: all have one importance and one frequency."""
    importance = experiment.feature_importance()
    return (
        bool((importance == importance[:, :1]).all())
        and experiment.features in _ALIKE
        and experiment.relative_density is None
    )


def _loss(shown: Snapshot, instance: int) -> Loss:
    from tms_engine.analysis.evaluation import evaluate

    if instance in shown.diverged:
        return Loss(math.nan, math.nan)
    evaluation = evaluate(alone(shown, instance))
    return Loss(float(evaluation.loss[0]), float(evaluation.standard_error[0]))


def alone(shown: Snapshot, instance: int) -> Snapshot:
    """One instance by itself."""
    here = slice(instance, instance + 1)
    return Snapshot(
        shown.step,
        shown.experiment.alone(instance),
        {name: np.ascontiguousarray(value[here]) for name, value in shown.parameters.items()},
        shown.losses[here],
        (0,) if instance in shown.diverged else (),
    )


def pinned_from(directory: Path) -> Pinned:
    """The model of a run directory to compare with: the best of its instances, as saved last.

    Raises InputError if there is no run that can be read.
    """
    from tms_engine.runs import load_run

    run = load_run(directory)
    losses = run.at().losses
    best = int(np.nanargmin(losses)) if np.isfinite(losses).any() else 0
    return Pinned(run.at(), best, directory.name, run.id)


def trail_of(run: "Run", shown: Snapshot, instance: int, since: int | None) -> Trail | None:
    """Where the tips have been since the latest live change before the step that is shown, or since a step.

    None where there was no change, or there are too many vectors for trails to be told apart.
    """
    if shown.weights.shape[1] > _TRAILED:
        return None
    if since is None:
        changes = [
            change.step for change in run.changes if change.step <= shown.step and change.field != "steps"
        ]
        if not changes:
            return None
        since = changes[-1]
    kept = [kept for kept in run.history.kept if since <= kept.step < shown.step]
    if not kept:
        return None
    # The steps that are kept are as dense as they are near the change, where most happens.
    places = np.unique(np.linspace(0, len(kept) - 1, _TRAIL).round().astype(int))
    directions = model(shown.experiment.model).directions
    ways = tuple(directions(kept[place].parameters)[instance] for place in places)
    return Trail(ways, kept[places[0]].step)
