"""What the screens of runs and of phases look at on disk: worked out from the Model, looked at by threads.

`Looking.follow` starts a thread for what a Model shows, and stops those for what is no longer shown.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tms_engine.errors import InputError
from tms_tui.messages import Message
from tms_tui.messages.phases import SweepSeen, TheorySeen
from tms_tui.messages.runs import PreviewSeen, RunsSeen
from tms_tui.model import Model
from tms_tui.phases_state import PhasesState, SweepShape, with_shape
from tms_tui.runs_state import Preview, RunLine
from tms_tui.watch import Watch

# Seconds that one look at a directory of runs takes at most, so that the first thousands are seen soon.
_A_LOOK = 0.5
# Bytes of a run's state of which there is a preview.
_PREVIEWED = 1 << 26


class Wanted(NamedTuple):
    """Something to look at: what it is, and what begins to look at it and makes a message of an answer."""

    key: Hashable
    watch: Callable[[], Watch[Any]]
    told: Callable[[Any, str], Message]


class Looking:
    """The threads that look."""

    def __init__(self) -> None:
        self._watches: dict[Hashable, tuple[Wanted, Watch[Any]]] = {}

    def follow(self, model: Model) -> Iterator[Message]:
        """Look at what a Model shows; what was seen since."""
        wanted = {one.key: one for one in _wanted(model)}
        for key in set(self._watches) - set(wanted):
            self._watches.pop(key)[1].stop()
        for key, one in wanted.items():
            if key not in self._watches:
                self._watches[key] = one, one.watch()
        for one, watch in list(self._watches.values()):
            found = watch.take()
            if found is not None:
                yield one.told(*found)

    def stop(self) -> None:
        for _, watch in self._watches.values():
            watch.stop()
        self._watches.clear()


def _wanted(model: Model) -> Iterator[Wanted]:
    """What to look at while this is shown."""
    screen, phases, runs = model.trail[-1], model.phases, model.runs
    if screen == "runs" or model.layout.screen == "finder":
        directory = runs_of(model)
        yield Wanted(
            ("runs", directory),
            lambda: Watch(_lines(directory)),
            lambda found, error: _runs_seen(directory, found, error),
        )
        line = runs.line if screen == "runs" else None
        if line is not None and line.state != "damaged":
            path = line.path
            yield Wanted(
                ("preview", path, line.is_sweep),
                lambda: Watch(_sweep_preview(path) if line.is_sweep else _run_preview(path), every=2.0),
                lambda found, error: PreviewSeen(found or Preview(path, error=error)),
            )
    if phases.path is not None and (screen == "phases" or phases.process):
        of_sweep = phases.path
        yield Wanted(
            ("sweep", of_sweep),
            lambda: Watch(_sweep(of_sweep), every=0.25),
            lambda found, error: found or SweepSeen(of_sweep, error=error),
        )
        asked = phases.shape.theory if phases.shape else None
        if asked is not None and not _is_whole(phases):
            yield Wanted(
                ("theory", of_sweep),
                lambda: Watch(_theory(of_sweep, asked), every=0.0, times=0.5),
                lambda found, error: found or SweepSeen(of_sweep, error=error),
            )


def _runs_seen(directory: Path, found: tuple[tuple[RunLine, ...], bool] | None, error: str) -> RunsSeen:
    lines, complete = found or ((), True)
    return RunsSeen(directory, lines, complete, error)


def runs_of(model: Model) -> Path:
    """The directory that the screen of runs shows."""
    if model.runs.directory is not None:
        return model.runs.directory
    from tms_engine.runs.places import runs_directory

    return runs_directory()


def _is_whole(phases: PhasesState) -> bool:
    return phases.theory is not None and bool((phases.theory.optimum >= 0).all())


def _lines(directory: Path) -> Callable[[], tuple[tuple[RunLine, ...], bool] | None]:
    """A look at a directory of runs; None where it is as it was."""
    from tms_engine.sweeps.listing import Lister

    lister = Lister(directory)
    before: list[Any] = [None]

    def look() -> tuple[tuple[RunLine, ...], bool] | None:
        try:
            entries, complete = lister.poll(_A_LOOK)
        except InputError:
            if directory.exists() or _is_named(directory):
                raise
            entries, complete = [], True
        now = time.time()
        lines = tuple(_line(entry, now) for entry in entries)
        seen = complete, tuple((line.row, line.state, line.path) for line in lines)
        if seen == before[0]:
            return None
        before[0] = seen
        return lines, complete

    return look


def _is_named(directory: Path) -> bool:
    """Whether somebody has named this directory: the one that nobody has named need not be there yet."""
    from tms_engine.runs.places import runs_directory

    return directory != runs_directory()


def _line(entry: Any, now: float) -> RunLine:
    from tms_engine.commands.runs import row
    from tms_engine.sweeps.listing import ListedSweep

    found = row(entry, now)
    if now - entry.written < 60:  # nobody reads seconds, and each would be a frame
        found = found._replace(age="< 1 min")
    is_sweep = isinstance(entry, ListedSweep)
    if entry.problem:
        state = "damaged"
    else:
        state = entry.state if isinstance(entry, ListedSweep) else entry.status.state
    return RunLine(entry, found, is_sweep, state)


def _run_preview(path: Path) -> Callable[[], Preview | None]:
    """The weights of the best instance of a run, again when it was saved again."""
    from tms_engine.runs.load import load_run
    from tms_engine.runs.lock import last_written
    from tms_engine.runs.places import STATE

    before: list[Any] = [None]

    def look() -> Preview | None:
        written = last_written(path / STATE)
        if written == before[0]:
            return None
        before[0] = written
        try:
            size = (path / STATE).stat().st_size
        except OSError:
            return Preview(path, error="nothing is saved yet")
        if size > _PREVIEWED:
            return Preview(path, error=f"{size / 1e6:,.0f} MB: too large for a preview")
        run = load_run(path)
        shown = run.at()
        losses = [loss if math.isfinite(loss) else math.inf for loss in shown.losses.tolist()]
        return Preview(path, shown, losses.index(min(losses)))

    return look


def _sweep_preview(path: Path) -> Callable[[], Preview | None]:
    look = _sweep(path)
    state: list[PhasesState] = [PhasesState(path=path)]

    def preview() -> Preview | None:
        found = look()
        if found is None:
            return None
        if found.shape is not None and state[0].shape is None:
            state[0] = with_shape(state[0], found.shape)
        state[0] = dataclasses.replace(state[0], seen=found.seen)
        return Preview(path, phases=state[0])

    return preview


def _sweep(path: Path) -> Callable[[], SweepSeen | None]:
    """A look at a sweep; None where it is as it was."""
    from tms_engine.sweeps.diagram import Diagram, theory_of

    made: list[tuple[Diagram, SweepShape]] = []
    before: list[Any] = [None]

    def look() -> SweepSeen | None:
        if not made:
            diagram = Diagram(path)
            made.append(
                (diagram, SweepShape(diagram.grid, diagram.axes, diagram.places, theory_of(diagram.spec)))
            )
        diagram, shape = made[0]
        seen = diagram.poll()
        now = seen.n_finished, seen.is_running, seen.died, seen.holder, round(seen.time_left or 0)
        if now == before[0]:
            return None
        before[0] = now
        return SweepSeen(path, shape, seen)

    return look


def _theory(path: Path, asked: Any) -> Callable[[], TheorySeen | None]:
    from tms_engine.sweeps.diagram import theory

    pieces = theory(asked)

    def look() -> TheorySeen | None:
        found = next(pieces, None)
        return None if found is None else TheorySeen(path, found)

    return look
