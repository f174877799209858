"""Steps that are due at a pace, by a clock; and the ladder of paces that < and > go through."""

import math

from tms_engine.errors import InputError

# Steps a second. The last means no limit.
PACES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 200_000, math.inf)

# Steps are handed out at most _TICKS times a second, each time at most _HANDOUT seconds' worth. On a machine
# that is too slow for its pace, the backlog is limited to _DEBT seconds' worth.
_TICKS = 60.0
_HANDOUT = 1 / 30
_DEBT = 0.25


def next_pace(steps_per_second: float, direction: int) -> float:
    """The pace of the ladder above (1) or below (−1) this one."""
    if direction > 0:
        return next((p for p in PACES if p > steps_per_second), math.inf)
    return next((p for p in reversed(PACES) if p < steps_per_second), PACES[0])


def check_pace(steps_per_second: float) -> None:
    """Raises InputError for a pace that is not above 0."""
    if not steps_per_second > 0:
        raise InputError(f"pace should be above 0 steps a second, not {steps_per_second}")


class Pace:
    """Counts the steps that are due since a moment. The first one is due at once.

    Not to be asked at math.inf, where steps are always due.
    """

    def __init__(self, steps_per_second: float, now: float) -> None:
        self.steps_per_second = steps_per_second
        self.begin(now)

    def begin(self, now: float) -> None:
        """Count from now."""
        self._origin, self._taken = now, 0
        self._tick = now

    def due(self, now: float) -> int:
        """Steps to take now: the backlog, in pieces small enough to look smooth."""
        # Tolerance of a millionth of a step: the clock may stop just short of the due time.
        elapsed = math.floor((now - self._origin) * self.steps_per_second + 1e-6) + 1
        backlog = elapsed - self._taken
        most = max(1, int(self.steps_per_second * _DEBT))
        if backlog > most:
            self._origin, self._taken, backlog = now - (most - 1) / self.steps_per_second, 0, most
        self._tick = now
        return min(backlog, max(1, int(self.steps_per_second * _HANDOUT)))

    def take(self, steps: int) -> None:
        """Count these steps as taken."""
        self._taken += steps

    def wait(self, now: float) -> float:
        """Seconds until the next step is due, and at least one tick after the last time steps were due."""
        next_step = self._origin + self._taken / self.steps_per_second
        return max(0.0, next_step - now, self._tick + 1 / _TICKS - now)
