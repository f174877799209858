"""Line: how much of what was sent has not been shown yet, and so when the next piece may be sent.

What is written to a terminal waits in buffers: of the kernel, of ssh, of the network. A program that goes on
writing is seen as it was seconds ago. Two things tell how full they are:

- A terminal answers "are you there?" (DSR, ESC [ 5 n) when it has shown all that came before. Each piece ends
  with that question, so what is under way is known, wherever it waits.
- Where nobody answers, only a write that has to wait tells that the kernel's buffer is full. From how fast it
  drains then follows the line's rate, and from the rate what is under way.

No clock and no terminal here: times are seconds, given by the caller.
"""

from collections import deque
from typing import NamedTuple

# Seconds by which what is sent may be late before the line counts as slow.
_QUEUE = 0.1

# Pieces of a slow line take so many seconds, and are of at least so many bytes: smaller ones are mostly
# moves.
_PIECE = 0.08
_LEAST_PIECE = 1200
# A line that is faster than this, in bytes a second, takes whole frames.
_FAST = 250_000.0
# And one that is slower than this takes 256 colours, a third less.
_VERY_SLOW = 50_000.0

# Seconds without an answer after which a terminal is taken to have lost one; doubled each time.
_LOST = 2.0
_LONGEST_LOST = 60.0

# A rate that was found without answers is used this much less, for nothing tells of a small backlog; and it
# is tried whether the line is faster by now after so many seconds, doubled each time that it is not.
_CAUTION = 0.85
_TRY_AGAIN = 120.0

# A write that has to wait says that the buffer is full, until so many bytes have passed without a wait.
_FREE = 32_768
# Seconds and bytes of a full buffer before the rate is known: readers take bytes in bursts.
_SAMPLE_SECONDS, _SAMPLE = 0.5, 2000

# The most that kernels keep for a terminal, in bytes (Linux: 20,000), and so the most that is waited for.
_KERNEL = 24_000

# Without answers the next piece is sent when the one before has passed but for so many seconds' worth.
_ALMOST = 0.02


class _Sample(NamedTuple):
    """What passes while the kernel's buffer is full."""

    bytes: int
    seconds: float


class Line:
    """What is known of the way to a terminal."""

    def __init__(self) -> None:
        self.rate = float("inf")  # bytes a second
        self._round_trip = float("inf")  # seconds that an answer takes where nothing is in its way
        # With answers: pieces that are under way (when sent, bytes), and when the last answer came.
        self._answers = False
        self._under_way: deque[tuple[float, int]] = deque()
        self._answered_at = float("-inf")
        self._lost = _LOST
        # Without: a bucket that drains at the rate, and what has passed since the buffer is full.
        self._bucket, self._bucket_at = 0.0, 0.0
        self._history: deque[tuple[float, int]] = deque(maxlen=256)
        self._full: _Sample | None = None
        self._free = 0  # bytes that have passed since a write had to wait
        self._found_at, self._try_again = 0.0, _TRY_AGAIN

    @property
    def is_slow(self) -> bool:
        return self.rate < _FAST

    @property
    def needs_few_colors(self) -> bool:
        """Whether colours are worth less than their bytes."""
        return self.rate < _VERY_SLOW

    @property
    def piece(self) -> int | None:
        """Bytes that a piece should have at most; None: as many as there are."""
        return max(_LEAST_PIECE, int(self.rate * _PIECE)) if self.is_slow else None

    def sent(self, now: float, size: int) -> None:
        """A piece of so many bytes, with the question at its end, has been written."""
        self._under_way.append((now, size))
        self._history.append((now, size))
        self._bucket = self._backlog(now) + size
        self._bucket_at = now

    def answered(self, now: float) -> None:
        """The terminal has shown the oldest piece that is under way."""
        if not self._under_way:
            return
        if not self._answers:  # what was learned without answers is not needed any more
            self._answers, self.rate, self._full = True, float("inf"), None
        sent_at, size = self._under_way.popleft()
        taken = now - sent_at
        alone = self._answered_at <= sent_at
        if size <= _LEAST_PIECE // 4 and alone:
            # Nothing was in its way. Should the way have become longer, follow slowly.
            self._round_trip = min(taken, self._round_trip + max(0.0, taken - self._round_trip) / 8)
        self._round_trip = min(self._round_trip, taken)
        self._lost = _LOST
        # The time that the piece itself took: since it could arrive, and since the one before it had.
        passing = now - max(self._answered_at, sent_at + self._round_trip)
        self._answered_at = now
        if size > _LEAST_PIECE // 4:
            rate = size / max(passing, 1e-3)
            known = min(self.rate, 10 * _FAST)
            self.rate = rate if rate < known and passing > _QUEUE / 2 else known + (rate - known) / 4

    def wrote(self, now: float, size: int, seconds: float, *, was_full: bool) -> None:
        """A write of so many bytes took so long; `was_full`: at first there was no room for it."""
        if self._answers:
            return
        if was_full and self._full is None:
            self._full = _Sample(0, 0.0)
        self._free = 0 if was_full else self._free + size
        if self._full is None or self._free > _FREE:
            self._full = None  # the reader had only paused
            return
        self._full = _Sample(self._full.bytes + size, self._full.seconds + seconds)
        if self._full.bytes >= _SAMPLE and self._full.seconds >= _SAMPLE_SECONDS:
            self._found(now, self._full.bytes / self._full.seconds)

    def _found(self, now: float, rate: float) -> None:
        """The buffer is full, and this is how fast it drains; what is in it follows from what was sent
        when.
        """
        left, at = 0.0, now
        for sent_at, size in self._history:
            left = max(0.0, left - rate * max(0.0, sent_at - at)) + size
            at = sent_at
        self.rate = _CAUTION * rate if rate < _FAST else float("inf")
        left = min(_KERNEL, max(0.0, left - rate * (now - at)))
        self._bucket, self._bucket_at = left, now
        self._history.clear()
        self._history.append((now, int(left)))
        self._full, self._found_at = None, now

    def wait(self, now: float) -> float:
        """Seconds until the next piece may be sent, as far as is known now; 0: at once."""
        if self._answers:
            return self._wait_for_answers(now)
        if self.rate == float("inf"):
            return 0.0
        if now - self._found_at > self._try_again:
            self.rate, self._found_at, self._try_again = float("inf"), now, 2 * self._try_again
            return 0.0
        return max(0.0, self._backlog(now) / self.rate - _ALMOST)

    def _wait_for_answers(self, now: float) -> float:
        if not self._under_way:
            return 0.0
        first = self._under_way[0][0]
        if now - first > self._lost:
            self._under_way.clear()
            self._lost = min(2 * self._lost, _LONGEST_LOST)
            return 0.0
        late = now - max(first, self._answered_at) > self._round_trip + _QUEUE
        under_way = sum(size for _, size in self._under_way)
        room = self.rate * (self._round_trip + _QUEUE) - under_way
        if not late and room >= (self.piece or 0):
            return 0.0
        return first + self._lost - now + 0.001

    def _backlog(self, now: float) -> float:
        """Bytes that wait, by the rate: without answers."""
        if self.rate == float("inf"):
            return 0.0
        return max(0.0, self._bucket - self.rate * (now - self._bucket_at))

    @property
    def awaits(self) -> bool:
        """Whether an answer is still to come, of a terminal that answers."""
        return self._answers and bool(self._under_way)

    def broken(self) -> None:
        """Nothing that is under way will be answered, and what was measured is void: the process was
        stopped.
        """
        self._under_way.clear()
        self._full = None
        if not self._answers:
            self.rate = float("inf")
