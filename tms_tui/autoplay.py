"""Autoplay, for an open day: presets trained live from their first step, one after the other, for ever.

Nothing is saved by itself. A key that changes something takes over, until another one goes on.
"""

from dataclasses import dataclass, replace
from functools import cache

from tms_engine.experiment import Experiment
from tms_engine.presets import preset

# The presets that are shown, and what one sees of each, in a sentence.
SHOWS: dict[str, str] = {
    "gist": "Eight features share three dimensions: their directions push each other apart until all "
    "eight fit.",
    "paper-5-2": "Ten models, from dense data to sparse: the rarer the features, the more of the five "
    "fit into two dimensions, at last as a pentagon.",
    "correlated": "Features that come together get directions at right angles: they must not disturb "
    "each other.",
    "anticorrelated": "Features that never come together may lie opposite each other: they share a "
    "dimension.",
    "paper-20-5": "Seven models, from dense data to sparse: at first five features have a dimension "
    "each, at last more than ten share them.",
    "phase-2-1": "A hundred models of two features and one dimension: whether one is kept, or both, "
    "depends on how rare and how important they are.",
}

# Seconds that a preset rests when it has been trained, and after which the next one comes in any case.
REST, LONGEST = 6.0, 75.0
# Up to which step it takes how many seconds: most happens at the start. The last part takes the rest.
_PARTS = ((300, 5.0), (2000, 6.0))
_LAST_PART = 12.0


@cache
def _experiment(name: str) -> Experiment:
    return preset(name)


@dataclass(frozen=True)
class Autoplay:
    """The autoplay at one moment.

    at       place of the preset in SHOWS
    seconds  since its training was seen to begin
    rested   seconds for which it has been trained
    pace     that was asked for; 0: none yet
    held     whether somebody has taken over
    """

    at: int = 0
    seconds: float = 0.0
    rested: float = 0.0
    pace: float = 0.0
    held: bool = False

    @property
    def name(self) -> str:
        return tuple(SHOWS)[self.at]

    @property
    def sentence(self) -> str:
        return SHOWS[self.name]

    @property
    def experiment(self) -> Experiment:
        return _experiment(self.name)

    def next(self) -> "Autoplay":
        return Autoplay((self.at + 1) % len(SHOWS))

    def passed(self, seconds: float, is_trained: bool) -> "Autoplay":
        """Some time has passed."""
        rested = self.rested + seconds if is_trained else 0.0
        return replace(self, seconds=self.seconds + seconds, rested=rested)

    @property
    def is_over(self) -> bool:
        return self.rested > REST or self.seconds > LONGEST


def pace_at(step: int, steps: int) -> float:
    """Steps a second, from a step on."""
    before = 0
    for until, seconds in _PARTS:
        if step < until < steps:
            return (until - before) / seconds
        before = until if until < steps else before
    return max(1.0, (steps - before) / _LAST_PART)
