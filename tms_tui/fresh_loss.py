"""FreshLoss: the loss on fresh data of a run that trains or rests, worked out in pieces between its chunks.

It is the number that `tms show` prints for the same step, by the same rows. While a run trains, it is that of
some steps ago, and says of which.
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tms_engine.experiment import Experiment
from tms_engine.training.state import Snapshot, make_read_only

if TYPE_CHECKING:
    from tms_engine.analysis.evaluation import Comparison, Evaluation

# While it trains: least seconds between the beginnings of two evaluations, the share of the time that they
# may take, and the seconds that they take at once (no command is obeyed meanwhile).
_EVERY, _SHARE, _BURST = 1.0, 0.1, 0.005
# The longest pause for the sake of that share: what is compiled first takes seconds, and only once.
_LONGEST_PAUSE = 5.0
# While it rests: seconds to wait for another step, and to take at once.
_QUIET, _IDLE_BURST = 0.25, 0.02


class FreshLoss:
    """Works when it is told to, a little at a time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.evaluation: Evaluation | None = None
        self.comparison: Comparison | None = None
        self.step = -1  # that the evaluation belongs to
        self._evaluated: tuple[int, Experiment] | None = None
        self._resting: tuple[int, Experiment] | None = None
        self._under_way: tuple[Snapshot, Iterator[Evaluation | None]] | None = None
        self._next_at = -math.inf  # when the next evaluation may begin, and when this one may go on
        self._on_at = -math.inf

    def work(self, snapshot: Snapshot, device: str, resting: bool) -> float:
        """Work out a piece of the loss of the newest snapshot. Returns the seconds until more is due.

        math.inf: not before there is another snapshot. Arrays of the result are read-only.
        """
        return self._rest(snapshot, device) if resting else self._train(snapshot, device)

    def _train(self, snapshot: Snapshot, device: str) -> float:
        now = self._clock()
        if self._under_way is None and now >= self._next_at:
            self._next_at = now + _EVERY
            self._begin(snapshot, device)
        if self._under_way is not None and now >= self._on_at:
            self._on_at = now + min(self._go_on(_BURST) / _SHARE, _LONGEST_PAUSE)
        return math.inf if self._under_way is None else max(0.0, self._on_at - self._clock())

    def _rest(self, snapshot: Snapshot, device: str) -> float:
        now, key = self._clock(), _key(snapshot)
        if key == self._evaluated:
            return math.inf
        if key != self._resting:
            self._resting, self._next_at = key, now + _QUIET
        if self._under_way is None or _key(self._under_way[0]) != key:
            if now < self._next_at:
                return self._next_at - now
            self._begin(snapshot, device)
        self._go_on(_IDLE_BURST)
        return 0.0

    def _begin(self, snapshot: Snapshot, device: str) -> None:
        from tms_engine.analysis.evaluation import evaluating

        self._under_way = snapshot, evaluating(snapshot, device=device)

    def _go_on(self, seconds: float) -> float:
        """Work for so long, or to the end of the evaluation; returns the seconds that it took."""
        from tms_engine.analysis.evaluation import compare

        assert self._under_way is not None
        snapshot, pieces = self._under_way
        began, spent = time.perf_counter(), 0.0
        while spent < seconds:
            evaluation = next(pieces)
            if evaluation is not None:
                make_read_only(evaluation.loss, evaluation.standard_error)
                self.evaluation, self.comparison = evaluation, compare(snapshot, evaluation)
                self.step, self._evaluated, self._under_way = snapshot.step, _key(snapshot), None
                break
            spent = time.perf_counter() - began
        return time.perf_counter() - began


def _key(snapshot: Snapshot) -> tuple[int, Experiment]:
    return snapshot.step, snapshot.experiment
