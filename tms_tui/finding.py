"""What can be found by its name: commands, presets, features, instances, runs, themes, from the Model.

Nothing is listed before it is asked for. Of instances, features and runs, of which there may be very many,
those that a text means are worked out from it, so many at most.
"""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Int64

from tms_engine.digits import short
from tms_engine.experiment import Experiment
from tms_engine.presets import PRESETS
from tms_tui.keys import shared_keys
from tms_tui.memo import Memo
from tms_tui.messages import ExperimentChosen, Message, OverlayRun
from tms_tui.messages.finding import Aim, ChooseTheme, GoToFeature, GoToInstance, GoToRun, OpenFinder
from tms_tui.messages.space import CompareWith
from tms_tui.model import Model
from tms_tui.panes.measures import measures
from tms_tui.panes.names_histogram import lines_of
from tms_tui.panes.population_text import loss_text, name_of, off_text, what_varies
from tms_tui.population import Rows, make_rows

Kind = Literal["command", "feature", "instance", "name", "preset", "run", "theme"]

# The kinds in which each aim looks, in the order in which they are listed.
KINDS: dict[Aim, tuple[Kind, ...]] = {
    "commands": ("command", "preset", "instance", "run", "theme"),
    "search": ("feature", "instance", "name", "run"),
    "overlay": ("run",),
    "compare": ("run",),
}
# Where runs are shown, these are what one searches for.
_OF_SCREEN: dict[str, tuple[Kind, ...]] = {"runs": ("run",), "phases": ("run",)}

# Entries that are listed at most; and those of a kind of which there may be very many, where a text does not
# name one.
MOST, _SOME = 200, 12


class Entry(NamedTuple):
    """Something that can be chosen."""

    kind: Kind
    title: str
    about: str
    message: Message


class Found(NamedTuple):
    """What a text means, the best first.

    more   how many are left out
    note   what stands behind the last entry: what is still looked for, or why there is nothing; or ""
    """

    entries: tuple[Entry, ...]
    more: int
    note: str


def find(model: Model, aim: Aim, text: str, themes: tuple[str, ...], memo: Memo) -> Found:
    """What a text means: the entries that have all its words, those in whose titles they stand first."""
    words = text.lower().split()
    kinds = KINDS[aim]
    if aim == "search":
        kinds = _OF_SCREEN.get(model.trail[-1], kinds)
    ranked: list[tuple[int, int, Entry]] = []
    for kind in kinds:
        for entry in _of_kind(kind, model, aim, words, themes, memo):
            rank = _rank(entry, words)
            if rank is not None:
                ranked.append((rank, len(ranked), entry))
    ranked.sort(key=lambda one: one[:2])
    entries = tuple(entry for *_, entry in ranked[:MOST])
    return Found(entries, max(len(ranked) - MOST, 0), _note(model, kinds, bool(entries)))


def _rank(entry: Entry, words: list[str]) -> int | None:
    """How well an entry has the words, 0 the best; None if it lacks one."""
    title = entry.title.lower()
    if all(word in title for word in words):
        parts = title.replace("(", " ").replace(")", " ").split()
        if all(word in parts for word in words):
            return 0
        return 1 if all(any(part.startswith(word) for part in parts) for word in words) else 2
    about = f"{title} {entry.about.lower()}"
    return 3 if all(word in about for word in words) else None


def _note(model: Model, kinds: tuple[Kind, ...], has_some: bool) -> str:
    runs = model.runs
    if "run" in kinds and runs.error:
        return runs.error
    if "run" in kinds and (runs.lines is None or not runs.complete):
        return "looking for runs"
    return "" if has_some else "nothing has these words"


def _of_kind(
    kind: Kind, model: Model, aim: Aim, words: list[str], themes: tuple[str, ...], memo: Memo
) -> Iterator[Entry]:
    match kind:
        case "command":
            return _commands(model)
        case "preset":
            return iter(memo(_presets))
        case "theme":
            return (
                Entry("theme", f"theme: {name}", "colours of the screen", ChooseTheme(name))
                for name in themes
            )
        case "feature":
            return _features(model, words, memo)
        case "instance":
            return _instances(model, words, memo)
        case "name":
            return _names(model, memo)
        case "run":
            return _runs(model, aim)


def _commands(model: Model) -> Iterator[Entry]:
    for _, key in shared_keys(model.trail[-1]):
        yield Entry("command", f"{key.label.capitalize()} ({key.display})", key.help, key.message)
    if model.trail[-1] == "dashboard":
        yield Entry(
            "command",
            "Compare with a run",
            "its best instance is A, what is shown is B",
            OpenFinder("compare"),
        )
        yield Entry("command", "Overlay a run", "its loss over that of this one", OpenFinder("overlay"))


def _presets() -> tuple[Entry, ...]:
    return tuple(
        Entry("preset", f"preset: {name}", one.description, ExperimentChosen(_experiment(name), name))
        for name, one in PRESETS.items()
    )


def _experiment(name: str) -> Experiment:
    return PRESETS[name].experiment


def _features(model: Model, words: list[str], memo: Memo) -> Iterator[Entry]:
    measured = measures(model, memo)
    if measured is None:
        return
    for at in _meant(measured.features, words):
        norm, d = float(measured.norms[at]), float(measured.dimensionality[at])
        about = f"{model.symbols.norm} {short(norm)}"
        about += f", D {short(d)}" if np.isfinite(d) else ""
        j = int(measured.features[at])
        yield Entry("feature", f"feature {j}", about, GoToFeature(j))


def _instances(model: Model, words: list[str], memo: Memo) -> Iterator[Entry]:
    rows = rows_of(model, memo)
    if rows is None or len(rows.number) < 2:
        return
    for at in _meant(rows.number, words):
        yield Entry("instance", f"instance {rows.number[at]}", about_instance(rows, at), GoToInstance(at))


def rows_of(model: Model, memo: Memo) -> Rows | None:
    """All instances at the step that is shown; None before there are weights."""
    if model.shown is None:
        return None
    return memo(make_rows, model.view, model.shown, model.options.step is None)


def about_instance(rows: Rows, at: int) -> str:
    """What it differs in, its loss and its name, as far as they are known."""
    name, off = name_of(rows, at), off_text(float(rows.residual[at]))
    loss = loss_text(rows, at)[0]
    parts = [
        what_varies(rows, at),
        f"loss {loss}" if loss else "",
        f"{name}, {off} off" if name and off else name,
    ]
    return ", ".join(filter(None, parts))


def _meant(numbers: Int64[np.ndarray, " some"], words: list[str]) -> Iterator[int]:
    """Places of the numbers that a word is, or begins; of some numbers where no word is one."""
    typed = [word for word in words if word.isdigit() and len(word) < 18]
    if not typed:
        yield from range(min(len(numbers), _SOME))
        return
    wanted = int(typed[0])
    places = [int(at) for at in np.flatnonzero(numbers == wanted)[:1]]
    size = 10
    while len(places) < _SOME and wanted and wanted * size <= int(numbers.max(initial=0)):
        longer = np.flatnonzero((numbers >= wanted * size) & (numbers < (wanted + 1) * size))
        places += longer[: _SOME - len(places)].tolist()
        size *= 10
    yield from places


def _names(model: Model, memo: Memo) -> Iterator[Entry]:
    """What instances have become: the best of each name."""
    rows = rows_of(model, memo)
    if rows is None or len(rows.number) < 2:
        return
    of = f"of {len(rows.number):,} instances"
    for line in memo(lines_of, rows):
        best = f"; best: instance {rows.number[line.instance]}, {about_instance(rows, line.instance)}"
        yield Entry("name", line.name, f"{line.instances:,} {of}{best}", GoToInstance(line.instance))


def _runs(model: Model, aim: Aim) -> Iterator[Entry]:
    asked: dict[Aim, Callable[..., Message]] = {"overlay": OverlayRun, "compare": CompareWith}
    for line in model.runs.lines or ():
        if aim in asked and (line.is_sweep or line.state == "damaged"):
            continue
        row = line.row
        about = ", ".join(
            filter(None, (row.experiment, row.step, row.loss and f"loss {row.loss}", line.state))
        )
        title = f"{'sweep' if line.is_sweep else 'run'} {row.name}"
        if aim in asked:
            yield Entry("run", title, about, asked[aim](line.path))
        elif aim == "commands":
            yield Entry("run", f"open {title}", about, GoToRun(line.path, opens=True))
        else:
            yield Entry("run", title, about, GoToRun(line.path))
