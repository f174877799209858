"""When the next piece may be sent, on a line and with a clock that are simulated."""

import sys
import threading
from collections import deque

import pytest

from tms_tui.terminal.line import Line


class Simulated:
    """A line of so many bytes a second, with a kernel's buffer in front of it, and a terminal at its end."""

    def __init__(
        self,
        rate: float,
        *,
        answers: bool,
        delay: float = 0.001,
        buffer: int = 21_000,
        low_bandwidth: bool = False,
    ) -> None:
        self.line = Line(low_bandwidth)
        self.rate, self.answers, self.delay, self.buffer = rate, answers, delay, buffer
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
            self.line.wrote(self.now, part, waited=waited > 0)
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

    def press(self, size: int, draws: float = 0.06) -> float:
        """Press a key; seconds until all of an answer of so many bytes is shown, which the app draws in
        `draws` seconds. Before that it has another frame to send.
        """
        pressed, left = self.now, size
        self.line.asked(pressed)
        while left > 0:
            self.answer()
            if self.line.wait(self.now) <= 0:
                piece = self.line.piece or 4000
                is_answer = self.now >= pressed + draws
                self.send(min(piece, left) if is_answer else piece)
                left -= piece if is_answer else 0
            self.now += 0.002
        return self.pieces[-1][1] - pressed

    def stall(self, seconds: float) -> None:
        """The terminal reads nothing for a while."""
        self.free_at = max(self.free_at, self.now) + seconds

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
    assert sent > 0.45 * rate * 20  # and the line is used


# The bytes of an answer: of most keys, and of one that changes the whole screen.
@pytest.mark.parametrize("size", [1500, 4000])
@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize(("rate", "longest"), [(32_000.0, 0.3), (8_000.0, 1.0)])
def test_a_key_is_answered_soon_at_every_moment(rate, longest, answers, size):
    line = Simulated(rate, answers=answers)
    line.run(15, 4000)
    taken = []
    for i in range(30):
        line.run(0.3 + 0.0137 * i, 4000)
        taken.append(line.press(size))
    assert max(taken) < longest


def test_a_pause_of_a_fast_reader_makes_no_slow_line():
    line = Simulated(5e6, answers=False)
    for _ in range(10):
        line.run(2, 4000)
        line.stall(1.0)
    line.run(1, 4000)
    assert not line.line.is_slow
    before = len(line.pieces)
    line.run(10, 4000)
    assert len(line.pieces) - before > 0.95 * 10 * 30


def test_pauses_of_a_slow_reader_are_forgotten():
    line = Simulated(32_000.0, answers=False)
    line.run(15, 4000)
    for _ in range(5):
        line.stall(3.0)
        line.run(15, 4000)
        assert 0.75 * 32_000 < line.line.rate < 32_000
    assert line.press(1500) < 0.3


def test_a_line_without_answers_that_has_become_fast_is_found_out_while_nobody_waits_for_a_key():
    line = Simulated(32_000.0, answers=False)
    line.run(15, 4000)
    line.rate = 5e6
    for _ in range(20):
        line.run(5, 4000)
        line.press(1500)
        assert line.line.is_slow
    line.run(30, 4000)
    assert not line.line.is_slow


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize("rate", [8_000.0, 32_000.0, 100_000.0])
def test_low_bandwidth_sends_half_on_a_line_that_is_slow(rate, answers):
    sent = []
    for low_bandwidth in (False, True):
        line = Simulated(rate, answers=answers, low_bandwidth=low_bandwidth)
        line.run(15, 4000)
        before = len(line.pieces)
        line.run(30, 4000)
        sent.append(len(line.pieces) - before)
        assert line.press(1500) < 0.6
    assert sent[1] < 0.5 * sent[0]


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


def test_the_writer_the_reader_and_the_app_may_call_at_once():
    """Each from a thread of its own, which may be changed for another at any instruction."""
    line, errors, end = Line(), [], threading.Event()
    line.sent(0.0, 10)
    line.answered(0.001)
    line.rate = 30_000.0

    def hammer(*calls):
        now = 1.0
        try:
            while not end.is_set():
                now += 1e-4
                for call in calls:
                    call(now)
        except Exception as error:
            errors.append(error)
            end.set()

    def sends(now):
        line.sent(now, 1000)

    writer = threading.Thread(target=hammer, args=(sends, sends, line.wait))
    reader = threading.Thread(target=hammer, args=(line.asked, line.answered, line.answered))
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in (writer, reader):
            thread.start()
        end.wait(0.5)
    finally:
        sys.setswitchinterval(before)
        end.set()
    for thread in (writer, reader):
        thread.join()
    assert not errors
