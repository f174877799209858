"""Training with a progress bar on a terminal, or a line now and then; what happens is told on stderr."""

import argparse
import contextlib
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tms_engine import process
from tms_engine.commands.text import headline, some, summary_text
from tms_engine.digits import number
from tms_engine.errors import InputError, visible

if TYPE_CHECKING:
    from tms_engine.runs import RunLock
    from tms_engine.sweeps.sweep import Progress
    from tms_engine.training.trainer import Trainer

# Exit code of training whose run could not be saved where it was to be.
SAVED_ELSEWHERE = 3
# Seconds between two lines of progress where there is no terminal.
_LINE_EVERY = 10.0
# Training takes so many times as long as looking at the loss, at least.
_LOOKS = 30


def add_output(parser: argparse.ArgumentParser) -> None:
    """The options of `train_to_the_end`."""
    parser.add_argument("--json", action="store_true", help="the summary as JSON on stdout")
    parser.add_argument("-v", "--verbose", action="store_true", help="say which kernel trains, and why it")


_silent = False


@contextlib.contextmanager
def silence(silent: bool) -> Iterator[None]:
    """With --quiet, nothing is narrated within; warnings are."""
    global _silent
    before, _silent = _silent, silent
    try:
        yield
    finally:
        _silent = before


def say(sentence: str) -> None:
    """Narrate on stderr, unless that is not wanted."""
    if not _silent:
        warn(sentence)


def warn(sentence: str) -> None:
    """Tell of what went wrong, or what is asked, on stderr."""
    print(visible(sentence), file=sys.stderr, flush=True)


def train_to_the_end(
    trainer: "Trainer", lock: "RunLock", options: argparse.Namespace, is_saved: bool = True
) -> int:
    """Train and save to a run directory that is held and has the run already; returns the exit code.

    A signal is answered within two seconds, but for a step that takes longer: then the run is saved first.
    Everything else that takes long (the compiler, losses on fresh data) happens while there is nothing to
    lose.
    """
    from tms_engine.analysis.evaluation import summarize
    from tms_engine.runs import Keeper, save_summary, take_steps

    experiment, quoted = trainer.current, shlex.quote(str(lock.path))
    say(
        f"training {headline(experiment)}: step {trainer.step:,} to {experiment.steps:,} "
        f"on {trainer.device}, {trainer.kernel} kernel"
    )
    if options.verbose:
        say(trainer.reason)
    keeper = Keeper(lock, trainer, warn)
    if not is_saved:
        keeper.save(trainer.run())
    with process.stop_on_signals(say, keeper.stopped) as stop:
        try:
            with _progress(trainer, stop, quoted) as show:
                take_steps(trainer, keeper, on_progress=show, should_stop=stop)
        except KeyboardInterrupt:
            pass
        run = trainer.run()
        try:
            place = keeper.save_last(run)
        except InputError as error:
            warn(f"NOT SAVED: {error}")
            return SAVED_ELSEWHERE
        finally:
            keeper.close(trainer)
        code = 0 if place == lock.path else SAVED_ELSEWHERE
        quoted = shlex.quote(str(place))
        diverged = trainer.snapshot().diverged
        if diverged:
            warn(f"diverged, and stopped at its last finite weights: instance {some(diverged)}")
        if stop() and not trainer.finished:
            say(f"interrupted at step {trainer.step:,} and saved; go on with: tms resume {quoted}")
            return code or stop.exit_code
        taken = f"all steps are taken, and saved to {place}; its losses on fresh data: tms show {quoted}"
        try:
            with stop.at_once(taken):
                summary = summarize(run)
        except KeyboardInterrupt:
            say(taken)
            return code or stop.exit_code
        save_summary(summary, place)
    if options.json:
        print(json.dumps({"run": str(place), **summary}, indent=2))
    else:
        print(summary_text(summary, run))
    say(f"saved to {place}; see it with: tms show {quoted}, tms figures {quoted}")
    return code or (1 if len(diverged) == experiment.n_instances else 0)


def on_terminal() -> bool:
    """Whether progress is shown as a bar."""
    return sys.stdout.isatty() and sys.stderr.isatty() and not _silent


def line_due(fraction: float = 0.0) -> Callable[[float], bool]:
    """Whether a line of progress is due, of the fraction that is done: after each tenth, and every 10 s."""
    told, tenth = time.monotonic(), int(10 * fraction)

    def due(fraction: float) -> bool:
        nonlocal told, tenth
        if int(10 * fraction) <= tenth and time.monotonic() - told <= _LINE_EVERY:
            return False
        told, tenth = time.monotonic(), int(10 * fraction)
        return True

    return due


@contextlib.contextmanager
def counted(total: int, what: str) -> Iterator[Callable[[int, int], None]]:
    """A function that is told how many of how many are done, and shows that as a bar or in lines."""
    if on_terminal():
        from tqdm import tqdm

        form = "{percentage:3.0f}% |{bar}| {n:,}/{total:,} " + what + "  {remaining} left"
        with tqdm(total=total, file=sys.stderr, bar_format=form, leave=False) as bar:

            def move(done: int, _: int) -> None:
                bar.update(done - bar.n)

            yield move
        return
    due = line_due()

    def line(done: int, total: int) -> None:
        if due(done / total):
            say(f"{done:,} of {total:,} {what}")

    yield line


@contextlib.contextmanager
def _progress(trainer: "Trainer", stop: process.Stop, run: str) -> Iterator[Callable[["Trainer"], None]]:
    """Compiles the kernel, and gives a function that shows how far a trainer is."""
    interrupted = f"interrupted at step {trainer.step:,} and saved; go on with: tms resume {run}"

    def now() -> str:
        return f"batch loss {number(trainer.snapshot().loss)}  {trainer.rate:,.0f} steps/s"

    if on_terminal():
        from tqdm import tqdm

        form = "{percentage:3.0f}% |{bar}| {n:,}/{total:,}  {desc}  {remaining} left"
        with tqdm(
            total=trainer.current.steps, initial=trainer.step, file=sys.stderr, bar_format=form, leave=True
        ) as bar:
            if trainer.compiles:
                bar.set_description_str("compiling")
                with stop.at_once(interrupted):
                    trainer.prepare()

            next_look = 0.0

            def show(trainer: "Trainer") -> None:
                nonlocal next_look
                began = time.monotonic()
                if began >= next_look or trainer.finished:  # a large population takes long to look at
                    bar.set_description_str(now(), refresh=False)
                    ended = time.monotonic()
                    next_look = ended + _LOOKS * (ended - began)
                bar.total = trainer.current.steps  # which a planned change may change
                bar.update(trainer.step - bar.n)

            yield show
            bar.refresh()
        return

    if trainer.compiles:
        kept = "" if trainer.kernel == "lanes" else ", unless that was done before"  # on disk
        say(f"compiling the {trainer.kernel} kernel{kept}")
        with stop.at_once(interrupted):
            trainer.prepare()
    began, first = time.monotonic(), trainer.step
    due = line_due(first / trainer.current.steps)

    def line(trainer: "Trainer") -> None:
        steps = trainer.current.steps
        if due(trainer.step / steps):
            left = (time.monotonic() - began) / (trainer.step - first) * (steps - trainer.step)
            say(f"step {trainer.step:,} of {steps:,}  {now()}  {left:.0f} s left")

    yield line


@contextlib.contextmanager
def show_models() -> Iterator[Callable[["Progress"], None]]:
    """A function that shows how far a sweep is: by a bar on a terminal, or a line now and then."""

    def words(progress: "Progress") -> str:
        left = "" if progress.time_left is None else f"  {time_text(progress.time_left)} left"
        return f"{progress.n_finished:,} of {progress.n_models:,} models{left}"

    if on_terminal():
        from tqdm import tqdm

        with tqdm(total=1000, file=sys.stderr, bar_format="{percentage:3.0f}% |{bar}| {desc}") as bar:

            def show(progress: "Progress") -> None:
                bar.set_description_str(words(progress), refresh=False)
                bar.update(int(1000 * progress.fraction) - bar.n)

            yield show
            bar.refresh()
        return
    due = line_due()

    def line(progress: "Progress") -> None:
        if due(progress.fraction):
            say(f"{100 * progress.fraction:3.0f} %  {words(progress)}")

    yield line


def time_text(seconds: float) -> str:
    """About so long, as 12 s, 3 min or 2.5 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
