"""When the next piece may be sent, on a line and with a clock that are simulated."""

from collections import deque

import pytest

from tms_tui.terminal.line import Line


class Simulated:
    """A line of so many bytes a second, with a kernel's buffer in front of it, and a terminal at its end."""

    def __init__(self, rate: float, *, answers: bool, delay: float = 0.001, buffer: int = 21_000) -> None:
        self.line, self.rate, self.answers, self.delay, self.buffer = Line(), rate, answers, delay, buffer
        self.now = self.free_at = 0.0
        self.due: deque[float] = deque()  # of answers
        self.pieces: list[tuple[float, float]] = []  # when written, when shown
        self.send(10)  # a question of its own, as the driver's first
        self.now += 1.0

    def backlog(self) -> float:
        """Bytes that the line has not taken yet."""
        return max(0.0, (self.free_at - self.now) * self.rate)

    def answer(self) -> None:
        while self.due and self.due[0] <= self.now:
            self.line.answered(self.due.popleft())

    def send(self, size: int) -> None:
        began = self.now
        self.line.sent(self.now, size)
        for at in range(0, size, 1024):
            part = min(1024, size - at)
            over = self.backlog() + part - self.buffer
            waited = max(0.0, over / self.rate)
            self.now += waited
            self.free_at = max(self.free_at, self.now) + part / self.rate
            self.line.wrote(self.now, part, waited, was_full=waited > 0)
        self.pieces.append((began, self.free_at + self.delay / 2))
        if self.answers:
            self.due.append(self.free_at + self.delay)

    def run(self, seconds: float, frame: int, tick: float = 1 / 30) -> None:
        """An app that draws frames of so many bytes at each tick, and sends what the line takes."""
        until = self.now + seconds
        while self.now < until:
            self.answer()
            if self.line.wait(self.now) <= 0:
                self.send(min(frame, self.line.piece or frame))
            self.now += tick / 4 if self.line.is_slow else tick

    def longest(self, last: int) -> float:
        """The longest time from the write of a piece, of the last ones, to its being shown."""
        return max(shown - written for written, shown in self.pieces[-last:])


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize(("rate", "longest"), [(32_000.0, 0.12), (8_000.0, 0.4)])
def test_on_a_slow_line_a_piece_is_shown_soon_after_it_is_written(rate, longest, answers):
    line = Simulated(rate, answers=answers)
    line.run(20, 4000)
    before = len(line.pieces)
    line.run(20, 4000)
    new = len(line.pieces) - before
    assert new > 0
    assert line.longest(new) < longest
    sent = sum(min(4000, line.line.piece or 4000) for _ in range(new))
    assert sent > 0.6 * rate * 20  # and the line is used


@pytest.mark.parametrize("delay", [0.001, 0.3])
def test_a_fast_line_takes_every_frame_however_far_the_terminal_is(delay):
    line = Simulated(5e6, answers=True, delay=delay)
    line.run(2, 300)
    before = len(line.pieces)
    line.run(10, 4000)
    assert len(line.pieces) - before > 0.95 * 10 * 30
    assert not line.line.is_slow


def test_without_answers_a_fast_line_is_never_slow():
    line = Simulated(5e6, answers=False)
    line.run(10, 4000)
    assert len(line.pieces) > 0.95 * 10 * 30


def test_a_line_that_becomes_fast_again_is_found_out():
    line = Simulated(8_000.0, answers=True)
    line.run(10, 4000)
    assert line.line.needs_few_colors
    line.rate = 5e6
    line.run(5, 4000)
    assert not line.line.is_slow


def test_a_terminal_that_no_longer_answers_is_not_waited_for():
    line = Simulated(5e6, answers=True)
    line.run(2, 4000)
    line.answers = False
    before = len(line.pieces)
    line.run(10, 4000)
    assert len(line.pieces) > before + 2


def test_answers_that_nobody_has_asked_for_are_ignored():
    line = Line()
    line.answered(1.0)
    assert line.wait(1.0) == 0
    assert not line.awaits
