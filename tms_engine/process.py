"""The only file that changes the state of the process. What is set, and when:

| what | when |
|---|---|
| MKL_CBWR | `tms_engine.device` is imported, as by `Trainer`: needed for the same bits |
| GOMP_SPINCOUNT | the numba kernel is loaded, before numba starts its threads |
| torch's threads | 1 while the torch kernel takes steps on a CPU, then the user's number again |
| numba's threads | while a step is shared by several threads, then the user's number again |
| signal handlers | while `tms train` and `tms resume` train, then the old ones again; `tms-tui` |
| descriptors 0, 1 and 2, sys.stderr | `tms` and `tms-tui`, where one is closed, or cannot be written to |
| errors="replace" on stdout and stderr | `tms` |
| sys.path: the current directory, last | `tms` and `tms-tui` with --plugin |
| TEXTUAL_COLOR_SYSTEM | `tms-tui`, before Textual is imported |
| OPENBLAS_NUM_THREADS, garbage collection, sys.setswitchinterval | `tms-tui` |
| SIGINT ignored, threads of kernels | a process that was started as a worker of a sweep |
| Dask's log | a sweep is given a Dask scheduler |
| niceness | the process that draws the app's figures |
| MPLBACKEND, MATPLOTLIBRC, matplotlib's warnings, the current directory during one import | `tms figures` |

So `import tms_engine` changes nothing, and a script that trains finds its process as it was, but for the two
environment variables, which are set only where the user has not. Everything else is for our own programs.
"""

import contextlib
import gc
import io
import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

# Environment variables


def make_mkl_reproducible() -> None:
    """Let an item of a batched product have the same bits wherever in memory it lies.

    An instance must not depend on those trained beside it; without this, a batch of 251 × 17 did. MKL reads
    the variable when it first computes.
    """
    os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")


def make_openmp_sleep() -> None:
    """Let threads that wait for each other spin for microseconds, then sleep.

    Spinning on, they take the cores from those they wait for if others work too, and a step took 30 times as
    long; sleeping at once, a step of a middling model takes a third longer. GNU's OpenMP reads the variable
    when it starts.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")


def keep_openblas_to_one_thread() -> None:
    """Let numpy's products run on the thread that asks for them.

    The products for a frame are small, and OpenBLAS's other threads spin long after each, on the core that
    trains: at full speed paper-400-30 took 450 steps a second beside 19 frames, and 590 beside 26 without
    them. OpenBLAS reads the variable when numpy is imported.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def choose_color_system(name: str) -> None:
    """Let Textual send codes of this colour system, whatever the environment says of it."""
    os.environ["TEXTUAL_COLOR_SYSTEM"] = name


# Threads of kernels


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_threads = _cores()
# Of a thread that has asked for another number.
_here = threading.local()
# Not every threading layer of numba's may be entered by two threads.
_numba_lock = threading.Lock()


def kernel_threads() -> int:
    """How many threads a kernel may use that is called from this thread."""
    return int(getattr(_here, "threads", _threads))


@contextlib.contextmanager
def threads(number: int) -> Iterator[None]:
    """Let kernels that this thread calls use this many threads. Their results do not depend on it."""
    before = getattr(_here, "threads", None)
    _here.threads = number
    try:
        yield
    finally:
        if before is None:
            del _here.threads
        else:
            _here.threads = before


def leave_a_core() -> None:
    """Keep one core free from now on, for a screen, if there are several."""
    global _threads
    _threads = max(1, min(_threads, _cores() - 1))


@contextlib.contextmanager
def numba_threads() -> Iterator[None]:
    """Let numba use as many threads as kernels may; one caller at a time."""
    import numba

    with _numba_lock:
        before = numba.get_num_threads()
        numba.set_num_threads(min(kernel_threads(), before))
        try:
            yield
        finally:
            numba.set_num_threads(before)


@contextlib.contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let torch use one thread of the CPU: two would split sums in two, which changes their bits."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


# Workers of a sweep

_worker_device: str | None = None


def become_worker(end: Any, workers: int, devices: Any = None) -> None:
    """Make this process, which was started for it, a worker of a sweep: one of so many on this machine.

    It leaves Ctrl-C to the process that has started it, shares the cores, and ends as soon as the other end
    of the pipe `end` is closed, as when that process was killed. Of the queue `devices` it takes the name of
    the device that it trains on.
    """
    global _threads, _worker_device
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _threads = max(1, _cores() // workers)
    if devices is not None:
        _worker_device = devices.get()

    def wait() -> None:
        with contextlib.suppress(EOFError, OSError):
            end.recv_bytes()
        os._exit(0)

    threading.Thread(target=wait, name="tms-worker-end", daemon=True).start()


def worker_device() -> str | None:
    """The device that this process was given as a worker; None if it was given none."""
    return _worker_device


# Signals and streams

# A kill, and a lost connection (not on Windows).
END_SIGNALS: tuple[signal.Signals, ...] = (
    signal.SIGTERM,
    *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []),
)
# All that asks a program to end, a terminal in raw mode having no Ctrl-C.
APP_SIGNALS: tuple[signal.Signals, ...] = (
    signal.SIGINT,
    *END_SIGNALS,
    *([signal.SIGQUIT] if hasattr(signal, "SIGQUIT") else []),
)


def set_handler(number: int, handler: Any, *, unless_ignored: bool = False) -> Any:
    """Set what a signal does; what it did before. With `unless_ignored`, not what nohup or a shell
    ignores.
    """
    before = signal.getsignal(number)
    if unless_ignored and before is signal.SIG_IGN:
        return before
    return signal.signal(number, handler)


@contextlib.contextmanager
def on_signals(numbers: Iterable[int], handle: Callable[[int], None]) -> Iterator[None]:
    """Call `handle` in the main thread when one of these comes. What is ignored stays ignored, as under
    nohup.
    """
    before = {number: set_handler(number, lambda n, _: handle(n), unless_ignored=True) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            set_handler(number, handler)


def end_within(seconds: float, last: Callable[[], object], code: int) -> None:
    """End the process in so many seconds, whatever it does until then.

    Half a second before, a thread calls `last` and ends it with this exit code. Should no thread get to run,
    as while a library holds the interpreter, the kernel ends it (SIGALRM). For the main thread.
    """
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def end() -> None:
        time.sleep(seconds - 0.5)
        try:
            last()
        finally:
            os._exit(code)

    threading.Thread(target=end, name="deadline", daemon=True).start()


# Seconds after which a thread ends the process, where the main one is within a library and hears of no
# signal; after which a user is told that a step takes long; and within which a second Ctrl-C is the first
# one, from the terminal and from a program that passes it on.
_GRACE, _TELL_AFTER, _SAME_PRESS = 1.3, 1.0, 0.05
# Seconds that the last thing to do may take.
_LAST = 0.3

# Steps of priority by which training is below the screen: half its share of a core that both want.
_BELOW_THE_SCREEN = 3


class Stop:
    """Whether Ctrl-C, a kill or a lost connection has asked to stop; `stop_on_signals` makes it."""

    def __init__(self, say: Callable[[str], object], last: Callable[[], object]) -> None:
        self._say, self._last = say, last
        self._caught: list[int] = []
        self._nothing_to_lose = ""  # and what is said at the end
        self._put_off = False  # what a signal should have raised
        self._repeated = 0  # signals of our own that the thread has still to hear of
        self._ended = threading.Event()

    def __call__(self) -> bool:
        return bool(self._caught)

    @property
    def exit_code(self) -> int:
        """As a shell has it: 130 after Ctrl-C, 143 after a kill, 129 after a lost connection."""
        return 128 + self._caught[0]

    @contextlib.contextmanager
    def at_once(self, sentence: str) -> Iterator[None]:
        """While there is nothing to lose, a signal raises KeyboardInterrupt.

        Where the main thread is within a library, as within a compiler, the process ends soon without it, and
        with this sentence.
        """
        self._nothing_to_lose = sentence
        try:
            if self._caught:
                raise KeyboardInterrupt
            yield
        finally:
            self._nothing_to_lose = ""

    def _handle(self, number: int, frame: Any) -> None:
        """In the main thread, between two instructions of Python."""
        self._caught.append(number)
        self._put_off = bool(self._nothing_to_lose) and _is_compiling(frame)
        if self._nothing_to_lose and not self._put_off:
            raise KeyboardInterrupt

    def _watch(self, pipe: int) -> None:
        """The thread: it hears of signals at once, by their numbers, also while the main thread does not."""
        first = None
        while numbers := os.read(pipe, 1):
            if self._repeated:
                self._repeated -= 1
            elif first is None:
                first = time.monotonic()
                threading.Thread(target=self._do_not_wait, args=(numbers[0],), daemon=True).start()
            elif numbers[0] == signal.SIGINT and time.monotonic() - first > _SAME_PRESS:
                self._end("tms: ended at once; what was saved last is whole", signal.SIGINT)

    def _do_not_wait(self, number: int) -> None:
        until = time.monotonic() + _GRACE
        told = False
        while not self._ended.wait(0.05):
            if self._nothing_to_lose and time.monotonic() > until:
                self._end(self._nothing_to_lose, number)
            if self._put_off and self._nothing_to_lose and hasattr(signal, "pthread_kill"):
                self._repeated += 1
                signal.pthread_kill(threading.main_thread().ident or 0, number)
            if not told and not self._nothing_to_lose and time.monotonic() > until - _GRACE + _TELL_AFTER:
                told = True
                self._say(
                    "stopping: the step under way is finished and saved; Ctrl-C ends at once, without it"
                )

    def _end(self, sentence: str, number: int) -> None:
        with contextlib.suppress(OSError):
            os.write(2, f"\n{sentence}\n".encode(errors="replace"))
        last = threading.Thread(target=self._last, daemon=True)
        last.start()
        last.join(_LAST)
        os._exit(128 + number)


def _is_compiling(frame: Any) -> bool:
    """Whether numba or LLVM have called what is done in a frame.

    An exception there, as between a call of LLVM and the note that it has taken an object over, leaves the
    object to be freed twice.
    """
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] in ("numba", "llvmlite"):
            return True
        frame = frame.f_back
    return False


@contextlib.contextmanager
def stop_on_signals(
    say: Callable[[str], object], last: Callable[[], object] = lambda: None
) -> Iterator[Stop]:
    """Let signals ask to stop, by what it gives, instead of ending the process. For the main thread.

    A second Ctrl-C ends the process at once, whatever it does. `say` is told what a first one waits for, and
    `last` is called before the process is ended in this way, in a thread that is not waited for long.
    """
    stop = Stop(say, last)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    numbers = (signal.SIGINT, *END_SIGNALS)
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    before = {number: set_handler(number, stop._handle, unless_ignored=True) for number in numbers}
    watch = threading.Thread(target=stop._watch, args=(reading,), name="tms-signals", daemon=True)
    watch.start()
    try:
        yield stop
    finally:
        stop._ended.set()
        for number, handler in before.items():
            set_handler(number, handler)
        signal.set_wakeup_fd(wakeup)
        os.close(writing)
        watch.join()
        os.close(reading)


def print_what_can_be_shown() -> None:
    """Print "?" for a character that the terminal's encoding lacks (‖W‖ in ASCII), instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # a captured stream, in tests
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def silence_log(library: str) -> None:
    """Let a library log nothing but what is critical: what goes wrong is told by us, in one sentence."""
    logging.getLogger(library).setLevel(logging.CRITICAL)


def discard_stdout() -> None:
    """Once nobody reads it (`tms presets | head -1`): flushing it at exit would fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def stdout_refuses() -> str:
    """Why what was printed cannot be written, as to a full disk; "" if it can."""
    try:
        sys.stdout.flush()
        os.write(sys.stdout.fileno(), b"")
    except OSError as error:
        return error.strerror or str(error)
    return ""


def open_closed_streams() -> None:
    """Open those of stdin, stdout and stderr that are closed (`tms train >&-`), on nothing.

    Python has None in their places, and the next file that is opened would get their numbers. What is printed
    to a stdout that is closed fails, as everywhere; what is said on stderr is lost.
    """
    for name, flags in (("stdin", os.O_RDONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            stream = open(os.open(os.devnull, flags), mode, closefd=False, encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)  # as with others, which live as long as the process


def say_at_once(text: str) -> None:
    """Write a line to the process's own stderr, from any thread, whatever stands in its place."""
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode(errors="replace"))


class _Careless(io.TextIOWrapper):
    """A stream whose reader may be gone."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().flush()


def never_fail_on_stderr() -> None:
    """Let narration be lost where nobody can read it, on a full disk or in a terminal that is gone: what is
    narrated goes on."""
    old = sys.stderr
    if hasattr(old, "buffer"):
        sys.stderr = _Careless(
            old.buffer, encoding=old.encoding, errors=old.errors, line_buffering=True, write_through=True
        )


def forget_variables(names: Iterable[str]) -> None:
    """Take these out of the environment, for this process and those that it starts."""
    for name in names:
        os.environ.pop(name, None)


def look_for_modules_here() -> None:
    """Put the current directory on sys.path: last, so that a file in it takes no library's place."""
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)


# The app


def collect_no_garbage() -> None:
    """While the program loads there is nothing to collect."""
    gc.disable()


def collect_garbage() -> None:
    gc.enable()


def keep_what_is_loaded() -> None:
    """Collect garbage, but never look again at what is there now.

    Torch, or what numba compiles with, is hundreds of thousands of objects that stay to the end. Walks over
    them held up the screen by 130 ms every 1.5 s.
    """
    gc.freeze()
    gc.enable()


def keep_what_was_compiled() -> None:
    """Collect what the compiler has left, and never look again at the rest."""
    gc.collect()
    gc.freeze()


def switch_threads_often() -> None:
    """The training thread may hold the interpreter for 0.5 ms.

    Python's own 5 ms, many times a frame, can be seen.
    """
    sys.setswitchinterval(0.0005)


def give_way(pid: int) -> None:
    """Lower the priority of a process that was started here, below the screen's and the training's."""
    if hasattr(os, "setpriority"):
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            os.setpriority(os.PRIO_PROCESS, pid, 10)


def give_way_to_the_screen() -> None:
    """Lower the priority of the thread that calls this, and of those that it starts: torch's, and numba's.

    Where all cores train, the screen's thread has to wait for none of them. Only Linux knows priorities of
    threads.
    """
    if sys.platform == "linux":
        mine = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), mine + _BELOW_THE_SCREEN)


def let_others_run() -> None:
    """To be called now and then in a loop of short calls that release the GIL, as NumPy's generators do.

    Who waits for it is woken at each release, and finds it taken again: the screen was late by .3 s.
    """
    time.sleep(5e-5)


# Figures


def import_matplotlib_as_shipped() -> None:
    """Import matplotlib without the user's settings, and keep its warnings to itself.

    It reads a file `matplotlibrc` in the current directory before any other, so it is imported elsewhere; a
    file that is broken, or a backend that is not installed, would end it with a traceback.
    """
    os.environ["MPLBACKEND"] = "agg"
    os.environ["MATPLOTLIBRC"] = os.devnull
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    with _elsewhere():
        import matplotlib  # noqa: F401


@contextlib.contextmanager
def _elsewhere() -> Iterator[None]:
    """In the directory of this file, which holds none of the user's."""
    try:
        here = os.getcwd()
    except OSError:  # it was removed, and holds nothing
        yield
        return
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    try:
        yield
    finally:
        os.chdir(here)
