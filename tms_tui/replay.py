"""Replay: the kept steps of a run as a loop, in which as much changes from one picture to the next.

Only steps whose weights are kept are shown, as they were: nothing is put between them.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tms_engine.analysis.changes import evenly_changing, kept_weights
from tms_engine.training.state import drift_of

if TYPE_CHECKING:
    from tms_engine.training.run import Run

# Seconds that a loop takes at speed 1, and for which it rests at its last step; pictures of a loop.
LENGTH, REST, PICTURES = 8.0, 1.5, 240
SPEEDS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Replay:
    """A replay at one moment."""

    first: int  # step at which the loop begins
    steps: tuple[int, ...]  # that are shown one after another
    speed: float = 1.0
    at: float = 0.0  # seconds of the loop that have passed, at speed 1

    @property
    def step(self) -> int:
        return self.steps[min(len(self.steps) - 1, int(self.at / LENGTH * len(self.steps)))]


def evenly(run: "Run", instance: int, first: int, count: int) -> tuple[int, ...]:
    """About `count` kept steps from `first` on between which about as much changes, ascending."""
    steps, weights = kept_weights(run, instance)
    begin = next((k for k, step in enumerate(steps) if step >= first), len(steps) - 1)
    places = evenly_changing(steps[begin:], weights[begin:], count)
    return tuple(steps[begin + k] for k in places)


def began(run: "Run", instance: int, first: int, speed: float = 1.0) -> Replay | None:
    """A replay from a step on; None where fewer than two steps are kept from there."""
    steps = evenly(run, instance, first, PICTURES)
    return Replay(first, steps, speed) if len(set(steps)) > 1 else None


def moved(replay: Replay, seconds: float, run: "Run", instance: int) -> Replay:
    """So many seconds later. A new loop shows what the run has become since."""
    at = replay.at + seconds * replay.speed
    if at < LENGTH + REST:
        return replace(replay, at=at)
    return began(run, instance, replay.first, replay.speed) or replace(replay, at=0.0)


def next_speed(speed: float, direction: int) -> float:
    place = SPEEDS.index(speed) + direction
    return SPEEDS[min(max(place, 0), len(SPEEDS) - 1)]


def last_change(run: "Run") -> int:
    """The step of the latest live change, at which a replay begins; of a drift, that at which it began; 0."""
    changes = [change for change in run.changes if change.field != "steps"]
    drift = set(drift_of(run.experiment, changes))
    while len(changes) > 1 and changes[-1].step in drift and changes[-2].step in drift:
        changes.pop()
    return changes[-1].step if changes else 0
