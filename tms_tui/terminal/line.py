"""Line: how much of what was sent has not been shown yet, and so when the next piece may be sent.

What is written to a terminal waits in buffers: of the kernel, of ssh, of the network. A program that goes on
writing is seen as it was seconds ago. Two things tell how full they are:

- A terminal answers "are you there?" (DSR, ESC [ 5 n) when it has shown all that came before. Each piece
  ends with that question, so what is under way is known, wherever it waits.
- Where nobody answers, only a write that has to wait tells anything: the kernel's buffer is full then. What
  is written from one such wait to another is what the line has taken meanwhile. From its rate follows what
  is under way.

On a slow line the animation leaves part of the time free, and all of it for a moment after a key: the answer
finds nothing in its way. No clock and no terminal here: times are seconds, given by the caller.

Who writes, who reads answers and who draws are three threads: each call is whole before the next begins.
"""

import threading
from collections import deque
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

# Seconds by which what is sent may be late before the line counts as slow.
_QUEUE = 0.1

# Pieces of a slow line take so many seconds, and are of at least so many bytes: smaller ones are mostly
# moves.
_PIECE = 0.08
_LEAST_PIECE = 1000
# A line that is faster than this, in bytes a second, takes whole frames.
_FAST = 250_000.0
# And one that is slower than this takes 256 colours, a third less.
_VERY_SLOW = 50_000.0

# Of a slow line's time, what the animation takes: where answers tell what is under way, and where it is only
# estimated; and so much of that with low bandwidth.
_SHARE, _BLIND_SHARE, _LOW_SHARE = 0.85, 0.6, 0.4
# After a key the line is kept free until something is drawn, that many seconds after it or later, or for so
# many seconds; then not for others for so many, though another key comes. For so many after a key all that is
# drawn may be the answer, and has the whole line.
_DRAWN, _HOLD, _NO_HOLD, _ANSWERS = 0.01, 0.1, 0.25, 1.0

# Seconds without an answer after which a terminal is taken to have lost one; doubled each time.
_LOST = 2.0
_LONGEST_LOST = 60.0

# Without answers: the rate is known after so many waits, bytes and seconds of a full buffer, for readers take
# bytes in bursts. After so many bytes without a wait it was full only by chance; and after as many as it has
# room for, if for so many seconds nothing was written: it may have been empty then.
_WAITS, _SAMPLE, _SAMPLE_SECONDS = 3, 6000, 0.25
_FREE, _GAP = 32_768, 0.1
# The rate is used this much less, for nothing tells of a small backlog. Whether the line is faster by now,
# which fills the buffer once more, is tried after so many seconds, doubled each time, when no key came for so
# many.
_CAUTION = 0.85
_TRY_AGAIN, _LONGEST_TRY, _NO_KEYS = 60.0, 3600.0, 10.0

# What kernels keep for a terminal, in bytes, when they have no room for more (Linux: 20,500).
_KERNEL = 20_000

# Without answers the next piece is sent when the one before has passed but for so many seconds' worth.
_ALMOST = 0.02


_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


def _whole(
    call: Callable[Concatenate["Line", _Given], _Answer],
) -> Callable[Concatenate["Line", _Given], _Answer]:
    """The call, while no other thread is in one."""

    @wraps(call)
    def whole(self: "Line", /, *arguments: _Given.args, **named: _Given.kwargs) -> _Answer:
        with self.lock:
            return call(self, *arguments, **named)

    return whole


class Line:
    """What is known of the way to a terminal."""

    def __init__(self, low_bandwidth: bool = False) -> None:
        """With low bandwidth, the animation of a slow line takes less than half of what it takes else.

        `spares` says the same from then on.
        """
        self.lock = threading.Lock()
        self.rate = float("inf")  # bytes a second
        self.spares = low_bandwidth
        self._round_trip = float("inf")  # seconds that an answer takes where nothing is in its way
        self._asked_at = float("-inf")  # when a key came
        self._held_until = self._rests_until = float("-inf")
        # With answers: pieces that are under way (when sent, bytes), and when the last answer came.
        self._answers = False
        self._under_way: deque[tuple[float, int]] = deque()
        self._answered_at = float("-inf")
        self._lost = _LOST
        # Without: a bucket that drains at the rate; since when the buffer is full, and the waits and bytes
        # since.
        self._bucket, self._bucket_at = 0.0, 0.0
        self._full_since: float | None = None
        self._waits = self._passed = 0
        # Since the last wait: bytes, and whether there was a time without any.
        self._free, self._paused, self._wrote_at = 0, False, 0.0
        self._try_again, self._try_at = _TRY_AGAIN, float("inf")

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

    @_whole
    def asked(self, now: float) -> None:
        """A key has come: what answers it is to find the line free."""
        if now > self._held_until + _NO_HOLD:
            self._held_until = now + _HOLD
        self._asked_at = now

    @_whole
    def drawn(self, now: float) -> None:
        """The app has drawn something: if a key has come, the answer."""
        if self._asked_at + _DRAWN < now < self._held_until:
            self._held_until = now

    @_whole
    def sent(self, now: float, size: int) -> None:
        """A piece of so many bytes, with the question at its end, is about to be written."""
        self._under_way.append((now, size))
        self._bucket = self._backlog(now) + size
        self._bucket_at = now
        share = (_LOW_SHARE if self.spares else 1.0) * (_SHARE if self._answers else _BLIND_SHARE)
        self._rests_until = now + size / (self.rate * share)

    @_whole
    def answered(self, now: float) -> None:
        """The terminal has shown the oldest piece that is under way."""
        if not self._under_way:
            return
        if not self._answers:  # what was learned without answers is not needed any more
            self._answers, self.rate, self._full_since = True, float("inf"), None
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

    @_whole
    def wrote(self, at: float, size: int, *, waited: bool) -> None:
        """So many bytes have been written, for which there was room at a time; `waited`: only then."""
        if self._answers:
            return
        if waited:
            if self.is_slow and self._backlog(at) < _KERNEL / 2:  # slower than was thought: find out anew
                self.rate, self._full_since = float("inf"), None
            if self._full_since is None:
                self._full_since, self._waits, self._passed = at, 0, 0
            else:
                self._waits += 1
                seconds = at - self._full_since
                if self._waits >= _WAITS and self._passed >= _SAMPLE and seconds >= _SAMPLE_SECONDS:
                    self._found(at, self._passed / seconds)
            self._bucket, self._bucket_at, self._free, self._paused = _KERNEL, at, 0, False
        else:
            self._free += size
            self._paused |= at > self._wrote_at + _GAP
            if self._free > (_KERNEL if self._paused else _FREE):
                self._full_since = None  # it was the reader that had paused
        self._passed += size
        self._wrote_at = at

    def _found(self, now: float, rate: float) -> None:
        """The buffer is full, and this is how fast it drains."""
        self._full_since = None
        if rate < _FAST:
            self.rate, self._try_at = _CAUTION * rate, now + self._try_again

    @_whole
    def wait(self, now: float) -> float:
        """Seconds until the next piece may be sent, as far as is known now; 0: at once."""
        if not self._answers and now > max(self._try_at, self._asked_at + _NO_KEYS):
            self.rate, self._try_at = float("inf"), float("inf")
            self._try_again = min(2 * self._try_again, _LONGEST_TRY)
        wait = self._wait_for_answers(now) if self._answers else self._wait_blindly(now)
        if not self.is_slow:
            return wait
        is_answer = now < self._asked_at + _ANSWERS
        return max(wait, (self._held_until if is_answer else self._rests_until) - now)

    def _wait_blindly(self, now: float) -> float:
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

    @_whole
    def broken(self) -> None:
        """Nothing that is under way will be answered, and what was measured is void: the process was
        stopped.
        """
        self._under_way.clear()
        self._full_since = None
        if not self._answers:
            self.rate = float("inf")
