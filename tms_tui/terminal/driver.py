"""TerminalDriver: Textual's end of a real terminal, in place of its own LinuxDriver.

Two threads. One reads what the terminal sends (`keyboard`) and hands it to the app in doses. The other sends
the difference between what the app has drawn and what the terminal shows (`cell_buffer`), when the line is
free (`line`). Neither waits for anything that may not come, and whatever the terminal does, `close` returns.
"""

import contextlib
import fcntl
import os
import select
import signal
import struct
import sys
import termios
import threading
import time
import tty
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from textual import events
from textual.app import App
from textual.driver import Driver
from textual.geometry import Size
from textual.message import Message

from tms_engine import process
from tms_tui import compat
from tms_tui.abilities import TRUECOLOR
from tms_tui.terminal import keyboard
from tms_tui.terminal.cell_buffer import CellBuffer, Shown, Styles
from tms_tui.terminal.keyboard import Keyboard, KeyNames
from tms_tui.terminal.limits import within
from tms_tui.terminal.line import Line

if TYPE_CHECKING:
    from tms_tui.drawing.images import Picture

_QUESTION = "\x1b[5n"
_FRAME_BEGINS, _FRAME_ENDS = "\x1b[?2026h", "\x1b[?2026l"

# Alternate screen, mouse (presses, movements, two ways to write them), focus, no cursor, pastes, no wrapped
# lines, kitty's keyboard (all keys, with their text), and questions: whether frames can be marked, and
# whether it is there.
_ENTER = (
    "\x1b[?1049h\x1b[?1000h\x1b[?1003h\x1b[?1015h\x1b[?1006h\x1b[?1004h\x1b[?25l\x1b[?2004h\x1b[?7l\x1b[>25u"
    "\x1b[0m\x1b[2J"
)
_LEAVE = (
    "\x1b[0m\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[<u"
    "\x1b[?1049l\x1b[?25h\x1b[?1004l"
)
_ASKS_FOR_FRAMES = "\x1b[?2026$p"

# The most columns and rows that are drawn: beyond, a terminal has been told nonsense (stty, COLUMNS).
_MOST_COLUMNS, _MOST_ROWS = 1000, 400
_DEFAULT_SIZE = (80, 24)
# Asks for the pixels of a cell, where the kernel does not know them, as over SSH.
_ASKS_FOR_CELL = "\x1b[16t"

# Bytes written at once: a terminal that has room takes them without a wait.
_WRITE = 1024

# Keys and mouse events that may wait for the app, and printable keys that come at once and still count as
# typed; more is a paste into a terminal that marks none.
_MOST_WAITING, _MOST_TYPED = 64, 32

# Seconds that leaving waits: for what is being written, for room for the last words, and for answers that
# would be typed at the shell.
_LAST_PIECE, _LAST_WORDS, _LAST_ANSWER = 0.7, 0.3, 0.4

# Seconds after which an event that the app has not taken (there was no screen) no longer holds up the next.
_DELIVERY = 0.5

# Seconds after a change of size for which the old picture is not sent.
_REDRAW = 0.15


class TerminalDriver(Driver):
    """Draws in the terminal of stdin, stdout and stderr, and reads from it.

    `app` may have `on_terminal_lost()`, called in its loop once when the terminal is gone, `on_interrupt()`,
    for Ctrl-C, `low_bandwidth`, and what the terminal has: `n_colors`, and whether only `ascii`.
    """

    def __init__(self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: Any = None) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size or _size(sys.__stdin__))
        assert sys.__stdin__, "without a terminal there is no app"
        assert sys.__stderr__
        self._in, self._out = sys.__stdin__.fileno(), sys.__stderr__.fileno()
        self._attributes: list[Any] | None = None  # of the terminal, before
        self._is_in = False  # whether the terminal is ours
        self._lost = False
        self._marks_frames = False
        # Between the app and the writer: what was written, and then what is to be on the screen.
        self._lock = threading.Lock()
        self._written: list[str] = []
        self._new_size: tuple[int, int] | None = None
        self._is_clear = True  # whether the terminal is, when it gets the new size
        self._stale_until = 0.0
        self._picture: Picture | None = None  # that is wanted
        self._asked_for_cell = False
        self._cell: tuple[int, int] | None = None  # width and height in pixels, as the terminal says
        self._drawn: Picture | None = None  # that the terminal shows
        self._work = threading.Event()
        self._leaving = threading.Event()
        self._writer: threading.Thread | None = None
        self._line = Line(bool(getattr(app, "low_bandwidth", False)))
        self._busy = False
        # Between the reader and the app, under the same lock.
        self._waiting: deque[Message] = deque()
        self._delivers_until = 0.0
        self._mouse_at = (0, 0)
        self._reader: threading.Thread | None = None
        self._wake_in, self._wake_out = os.pipe()
        self._answered = threading.Event()
        # In the loop, for a handler may come while this very thread holds a lock.
        for number, handle in (
            (signal.SIGTSTP, self.suspend),
            (signal.SIGCONT, self._on_continue),
            (signal.SIGWINCH, self._on_size),
        ):
            process.set_handler(number, lambda *_, handle=handle: self._in_loop(handle))

    @property
    def can_suspend(self) -> bool:
        return True

    # The app's side: what it writes.

    @property
    def is_busy(self) -> bool:
        """Whether what is drawn now would wait: the last frame is still on its way."""
        return self._busy

    def write(self, data: str) -> None:
        with self._lock:
            self._written.append(data)
            self._stale_until = 0.0
            self._line.drawn(time.monotonic())
        self._work.set()

    def show_picture(self, picture: "Picture | None") -> None:
        """Show a picture over the cells, which are to be blank there, in place of the one before."""
        with self._lock:
            self._picture = picture
        self._work.set()

    @property
    def is_slow(self) -> bool:
        """Whether the line is too slow for pictures: keys would wait for them."""
        return self._line.is_slow

    @property
    def cell_pixels(self) -> tuple[int, int] | None:
        """Width and height of a cell in pixels; None until the terminal, which is asked, has told them."""
        with contextlib.suppress(OSError):
            said = fcntl.ioctl(self._out, termios.TIOCGWINSZ, bytes(8))
            rows, columns, width, height = struct.unpack("HHHH", said)
            if rows and columns and _is_cell(width // columns, height // rows):
                return width // columns, height // rows
        if not self._asked_for_cell:
            self._asked_for_cell = True
            self.write(_ASKS_FOR_CELL)
        return self._cell

    def start_application_mode(self) -> None:
        self._enter()
        self._tell_size()

    def resume_application_mode(self) -> None:
        self.start_application_mode()
        self._app.post_message(self.SignalResume())

    def disable_input(self) -> None:
        self._stop_reading()

    def stop_application_mode(self) -> None:
        self._leave()

    def close(self) -> None:
        self._leave()

    # Into the terminal, and out of it.

    def _enter(self) -> None:
        """Take the terminal, or take it again after whatever a shell has done to it."""
        again = self._is_in
        with contextlib.suppress(termios.error, OSError):
            if self._attributes is None:
                self._attributes = termios.tcgetattr(self._in)
            raw = termios.tcgetattr(self._in)
            raw[tty.LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
            raw[tty.IFLAG] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
            raw[tty.CC][termios.VMIN], raw[tty.CC][termios.VTIME] = 1, 0
            # Of a process in the background this stops it, until it is in the foreground.
            termios.tcsetattr(self._in, termios.TCSANOW, raw)
        self._is_in = True
        self._line.broken()
        if not again or self._writer is None:
            self._leaving.clear()
            self._writer = threading.Thread(
                target=self._guarded(self._write_on), name="to-terminal", daemon=True
            )
            self._writer.start()
        with self._lock:
            self._new_size, self._is_clear = self._size, True
            self._written.insert(0, ("\x1b[<u" if again else "") + _ENTER)
        self._work.set()
        self._start_reading()

    def _leave(self) -> None:
        """Give the terminal back as it was, in a second at most."""
        if not self._is_in:
            return
        self._is_in = False
        self._leaving.set()
        self._work.set()
        writer, self._writer = self._writer, None
        if writer is not None and writer is not threading.current_thread():
            writer.join(_LAST_PIECE)
        self._answered.clear()
        said = self._write_now(self._goodbye, _LAST_WORDS)
        if said and self._line.awaits:
            self._answered.wait(_LAST_ANSWER)
        self._stop_reading()
        self._restore()

    @property
    def _goodbye(self) -> bytes:
        drawn, self._drawn = self._drawn, None
        return (drawn.removal if drawn else b"") + _LEAVE.encode()

    def _restore(self) -> None:
        if self._attributes is not None:
            with contextlib.suppress(termios.error, OSError):
                termios.tcflush(self._in, termios.TCIFLUSH)
            with contextlib.suppress(termios.error, OSError):
                termios.tcsetattr(self._in, termios.TCSANOW, self._attributes)
            self._attributes = None

    def restore_at_once(self) -> None:
        """Give the terminal back from any thread, whatever the others do, without waiting: the last
        resort.
        """
        if self._is_in:
            self._is_in = False
            self._leaving.set()
            self._write_now(self._goodbye, 0.1)
            self._restore()

    # Signals.

    def suspend(self) -> None:
        """Stop the process, as Ctrl-Z does to any program; come back when it is continued."""
        had_it = self._is_in
        self._leave()
        before = process.set_handler(signal.SIGTSTP, signal.SIG_DFL)
        # All of the group, as the terminal does it: `make run` is three processes. Where no shell could
        # continue it, the kernel leaves it running.
        os.kill(0, signal.SIGTSTP)
        process.set_handler(signal.SIGTSTP, before)
        if had_it:
            self._return()

    def _on_continue(self) -> None:
        # After SIGSTOP too, which nobody can catch: the shell has set the terminal as it likes it.
        if self._is_in:
            self._return()

    def _return(self) -> None:
        self._enter()
        self._tell_size()
        self._app.post_message(self.SignalResume())

    def _on_size(self) -> None:
        if self._is_in:
            self._tell_size()

    def _tell_size(self) -> None:
        size = _size(sys.__stdin__)
        with self._lock:
            if size != self._size or self._new_size is None:
                self._is_clear = self._is_clear and self._new_size is not None
                self._new_size, self._stale_until = size, time.monotonic() + _REDRAW
                self._asked_for_cell = False  # the letters may be larger
        self._size = size
        self._app.post_message(events.Resize(Size(*size), Size(*size)))

    def _in_loop(self, call: Callable[..., object], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(call, *arguments)

    def _is_gone(self) -> None:
        """The terminal is: tell the app, once."""
        if not self._lost:
            self._lost = True
            self._in_loop(getattr(self._app, "on_terminal_lost", self._app.exit))

    def _guarded(self, work: Callable[[], None]) -> Callable[[], None]:
        """An error in a thread ends the app as one in it does."""

        def guarded() -> None:
            try:
                work()
            except Exception as error:
                self._in_loop(compat.crash, self._app, error)

        return guarded

    # The writer.

    def _write_on(self) -> None:
        styles = Styles()
        colors = int(getattr(self._app, "n_colors", TRUECOLOR))
        columns, rows = self._size or _DEFAULT_SIZE
        wanted, shown = CellBuffer(columns, rows, styles), Shown(columns, rows, styles, is_clear=True)
        pending, asked = False, False
        beneath: np.ndarray | None = None  # the cells under the picture, when it was drawn
        leaving, work, line = self._leaving, self._work, self._line
        while not leaving.is_set():
            work.clear()
            with self._lock:
                written, self._written = self._written, []
                size, self._new_size = self._new_size, None
                stale, is_clear = self._stale_until, self._is_clear
                self._is_clear = False
                picture = self._picture
            if size is not None:
                wanted, pending = wanted.resized(*size), True
                shown = Shown(*size, styles, is_clear=is_clear)
                beneath = None
            if styles.is_full:
                styles = Styles()
                wanted = wanted.with_styles(styles)
                shown.use_styles(styles)
            ascii_only = bool(getattr(self._app, "ascii", False))
            self._line.spares = bool(getattr(self._app, "low_bandwidth", False))
            for data in written:
                others = wanted.write(within(data, colors, ascii_only))
                pending = True
                if others and not self._write_now(others, None):
                    return
            now = time.monotonic()
            if not asked:
                asked = True
                if not self._write_piece(_ASKS_FOR_FRAMES + _QUESTION):
                    return
            wait = line.wait(now)
            delay = max(stale - now, wait) if pending else wait
            # Looked at again when the line is free: the app draws nothing while we are busy, and so would not
            # wake us.
            self._busy = delay > 0
            if pending and delay <= 0:
                piece = shown.follow(wanted, line.piece, self._few_colors)
                pending = not piece.whole
                if piece.data:
                    marks = (_FRAME_BEGINS, _FRAME_ENDS) if self._marks_frames else ("", "")
                    if not self._write_piece(marks[0] + piece.data + marks[1] + _QUESTION):
                        return
                continue
            if picture is not None and not _fits(picture, wanted):  # of before a change of size
                picture = None
            if delay <= 0 and self._differs(picture, beneath, wanted):
                place = self._drawn[:4] if self._drawn else None
                removal = b""
                if self._drawn is not None and (picture is None or picture[:4] != place):
                    shown.forget(*self._drawn[:4])
                    removal, pending = self._drawn.removal, True
                self._drawn = picture
                beneath = None if picture is None else wanted.part(*picture[:4])
                if not self._write_piece(removal + _placed(picture) + _QUESTION.encode()):
                    return
                continue
            work.wait(delay if delay > 0 else None)

    def _differs(self, picture: "Picture | None", beneath: np.ndarray | None, wanted: CellBuffer) -> bool:
        """Whether the terminal shows another picture than is wanted, or text has been written over it."""
        if picture is not self._drawn:
            return True
        if picture is None:
            return False
        if beneath is None:
            return True
        return not picture.removal and not np.array_equal(beneath, wanted.part(*picture[:4]))

    @property
    def _few_colors(self) -> bool:
        return bool(getattr(self._app, "low_bandwidth", False)) or self._line.needs_few_colors

    def _write_piece(self, data: str | bytes) -> bool:
        encoded = data.encode(errors="replace") if isinstance(data, str) else data
        self._line.sent(time.monotonic(), len(encoded))
        return self._write_now(encoded, None)

    def _write_now(self, data: str | bytes, seconds: float | None) -> bool:
        """Write; False if the terminal is gone, or has no room within so many seconds (None: until we
        leave).
        """
        left = memoryview(data.encode(errors="replace") if isinstance(data, str) else data)
        until = time.monotonic() + (seconds or 0.0)
        waited = False
        while left:
            if self._lost:
                return False
            wait = 0.2 if seconds is None else until - time.monotonic()
            try:
                if not select.select([], [self._out], [], 0.0)[1]:
                    waited = True
                    if wait < 0 or not select.select([], [self._out], [], wait)[1]:
                        if seconds is not None or self._leaving.is_set():
                            return False
                        continue
                had_room = time.monotonic()
                size = os.write(self._out, left[:_WRITE])
            except InterruptedError:
                continue
            except (OSError, ValueError):
                self._is_gone()
                return False
            left = left[size:]
            if seconds is None:
                self._line.wrote(had_room, size, waited=waited)
            waited = False
        return True

    # The reader.

    def _start_reading(self) -> None:
        if self._reader is None or not self._reader.is_alive():
            self._reading = True
            self._reader = threading.Thread(
                target=self._guarded(self._read_on), name="from-terminal", daemon=True
            )
            self._reader.start()

    def _stop_reading(self) -> None:
        reader, self._reader = self._reader, None
        self._reading = False
        if reader is not None and reader is not threading.current_thread():
            with contextlib.suppress(OSError):
                os.write(self._wake_out, b"!")
            reader.join(0.5)

    def _read_on(self) -> None:
        keys = Keyboard(KeyNames(compat.key_of_character, compat.keys_of_sequence, compat.functional_key))
        while self._reading:
            ready = select.select([self._in, self._wake_in], [], [], keys.wait(time.monotonic()))[0]
            if self._wake_in in ready:
                os.read(self._wake_in, 64)
                continue
            now = time.monotonic()
            if self._in in ready:
                try:
                    data = os.read(self._in, 1 << 16)
                except InterruptedError:
                    continue
                except OSError:
                    data = b""
                if not data:
                    self._is_gone()
                    return
                self._take(keys.feed(data, now), now)
            else:
                self._take(keys.tick(now), now)

    def _take(self, tokens: list[keyboard.Token], now: float) -> None:
        """Hand the app what has come: what is typed as it is typed, but not floods."""
        typed = [
            t for t in tokens if isinstance(t, keyboard.Key) and t.character and t.character.isprintable()
        ]
        if len(typed) > _MOST_TYPED:
            pasted = "".join(key.character or "" for key in typed)
            tokens = [t for t in tokens if t not in set(typed)] + [keyboard.Paste(pasted)]
        if any(map(_asks, tokens)):
            self._line.asked(now)
            self._busy |= self._line.is_slow  # only what answers is drawn now
            self._work.set()
        for token in tokens:
            match token:
                case keyboard.Answer():
                    self._line.answered(now)
                    if not self._line.awaits:
                        self._answered.set()
                    self._work.set()
                case keyboard.Mode(number, setting):
                    self._marks_frames |= number == 2026 and setting in (1, 2, 3)
                case keyboard.CellSize(height, width):
                    if _is_cell(width, height):
                        self._cell = width, height
                case keyboard.Key("ctrl+z"):
                    self._in_loop(self.suspend)
                case keyboard.Key("ctrl+c") if hasattr(self._app, "on_interrupt"):
                    self._in_loop(self._app.on_interrupt)
                case keyboard.Key(name, character):
                    self._hand_over(events.Key(name, character))
                case keyboard.Paste(text):
                    self._hand_over(events.Paste(text))
                case keyboard.Focus(has):
                    self._hand_over(events.AppFocus() if has else events.AppBlur())
                case keyboard.Mouse():
                    event = self._mouse_event(token)
                    if event is not None:
                        self._hand_over(event)

    def _hand_over(self, message: Message) -> None:
        """Queue an event for the app, which takes the next when it has taken the one before."""
        waiting = self._waiting
        with self._lock:
            if waiting and type(message) is type(waiting[-1]) is events.MouseMove:
                waiting[-1] = message
                return
            if len(waiting) >= _MOST_WAITING and not isinstance(message, events.MouseUp):
                return
            waiting.append(message)
        self._in_loop(self._start_delivering)

    def _start_delivering(self) -> None:
        now = time.monotonic()
        if now > self._delivers_until:
            self._delivers_until = now + _DELIVERY
            self._deliver()

    def _deliver(self) -> None:
        """In the app's loop: pass one event on, and the next after it."""
        with self._lock:
            message = self._waiting.popleft() if self._waiting else None
        if message is None:
            self._delivers_until = 0.0
            return
        self._delivers_until = time.monotonic() + _DELIVERY
        self.process_message(message)
        self._app.call_later(self._deliver)

    def send_message(self, message: Message) -> None:
        self._app.post_message(message)

    def _mouse_event(self, report: keyboard.Mouse) -> events.MouseEvent | None:
        """None for a report from beyond the screen."""
        columns, rows = self._size or _DEFAULT_SIZE
        if report.x >= columns or report.y >= rows:
            return None
        last, self._mouse_at = self._mouse_at, (report.x, report.y)
        return mouse_event(report, last)


def _fits(picture: "Picture", wanted: CellBuffer) -> bool:
    """Whether a picture is on the screen as a whole: else some terminals would scroll."""
    right, bottom = picture.column + picture.columns, picture.row + picture.rows
    return right <= wanted.columns and bottom < wanted.rows


def _placed(picture: "Picture | None") -> bytes:
    """What draws a picture at its place, and leaves the cursor where it is."""
    if picture is None:
        return b""
    return f"\x1b7\x1b[{picture.row + 1};{picture.column + 1}H".encode() + picture.data + b"\x1b8"


def mouse_event(report: keyboard.Mouse, last: tuple[int, int]) -> events.MouseEvent:
    """Textual's event for a report; `last` is where the mouse was, in columns and rows."""
    buttons, x, y, released = report
    kind: type[events.MouseEvent]
    button = 0
    if buttons & 64:
        kind = (
            events.MouseScrollUp,
            events.MouseScrollDown,
            events.MouseScrollLeft,
            events.MouseScrollRight,
        )[buttons & 3]
    else:
        button = (buttons + 1) & 3
        kind = events.MouseMove if buttons & 32 or not button else events.MouseDown
        if released and not buttons & 32:
            kind, button = events.MouseUp, button or 1
    shift, meta, ctrl = bool(buttons & 4), bool(buttons & 8), bool(buttons & 16)
    return kind(
        None, x, y, x - last[0], y - last[1], button, shift, meta, ctrl, screen_x=x, screen_y=y
    )  # fmt: skip


def _asks(token: keyboard.Token) -> bool:
    """Whether somebody waits for what comes of it: not of a mouse that only moves."""
    if isinstance(token, keyboard.Mouse):
        return token.buttons & 0b1100011 != 0b0100011
    return isinstance(token, keyboard.Key | keyboard.Paste)


def _is_cell(width: int, height: int) -> bool:
    """Whether a cell can have so many pixels."""
    return 4 <= width <= 64 and 4 <= height <= 128


def _size(stream: Any) -> tuple[int, int]:
    """Columns and rows of a terminal, as it says itself, within reason."""
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError, AttributeError):
        columns, rows = 0, 0
    return min(columns, _MOST_COLUMNS) or _DEFAULT_SIZE[0], min(rows, _MOST_ROWS) or _DEFAULT_SIZE[1]
