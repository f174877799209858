"""The title line: which run this is, and what it is doing."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.geometry import Offset

from tms_engine import digits
from tms_tui.drawing.ascii import ascii_text
from tms_tui.model import Model
from tms_tui.panes.pointing import Pointing
from tms_tui.panes.text import Text, cut, first_that_fits
from tms_tui.reading import Thing
from tms_tui.view import loading

if TYPE_CHECKING:
    from tms_engine.runs import Status

_TITLE, _SHORT_TITLE = "Toy Models of Superposition", "TMS"
# Characters of a host's name.
_HOST = 20
# Columns from which on there is room for the title; and for the random seed, whatever else there is to say.
_WIDE, _WITH_SEED = 100, 120
# Cells that there are at least for the run's name; else it has a quarter of the line.
_LEAST_NAME = 20
# Cells that stay empty around both texts, and that the phase takes at least: what changes with each phase is
# the phase alone.
_AROUND, _LEAST_PHASE = 4, 11

_COLORS = {
    "loading": "$warning",
    "compiling": "$warning",
    "training": "$success",
    "paused": "$warning",
    "finished": "$primary",
    "diverged": "$error",
    "failed": "$error",
    "following": "$success",
    "ended": "$error",
}


class Title(Pointing, Text):
    """The left part of the title line."""

    def thing_at(self, offset: Offset) -> Thing | None:
        return Thing("title")


def about(model: Model) -> Content:
    """Title, run, sizes, sparsity at the step that is shown, instance and its place, kernel, random seed.

    What there is no room for is left out, the least telling first: no value is cut.
    """
    experiment, view, instance = model.experiment, model.view, model.options.instance
    signs, columns = model.symbols, model.layout.columns
    name = ascii_text(model.run_name) if model.mode == "ascii" else model.run_name
    # What follows tells more of the run than the end of a long name.
    run, least = (
        cut(name, cells, signs.ellipsis.strip()) for cells in (max(_LEAST_NAME, columns // 4), _LEAST_NAME)
    )
    sizes = f"{experiment.n_features} {signs.arrow} {experiment.n_hidden}"
    sparsity = f"S {digits.sparsity(experiment.of_instance('sparsity', instance))}"
    several = f"instance {instance} of {experiment.n_instances}" if experiment.n_instances > 1 else ""
    placed = ", ".join(filter(None, (several, _place(model) if several else "")))
    kernel = "/".join(filter(None, (view.device, view.kernel))) if view.kernel else ""
    seed = _seed(model)
    whole = (run, sizes, sparsity, placed, kernel, seed)
    forms: list[tuple[str, ...]] = [(_TITLE, *whole)] if columns >= _WIDE else []
    forms += [(_SHORT_TITLE, *whole), (_SHORT_TITLE, *whole[:4], seed)]
    if columns >= _WITH_SEED:
        forms += [(_SHORT_TITLE, run, sizes, sparsity, several, seed), (_SHORT_TITLE, run, several, seed)]
        forms += [("", least, several, seed), ("", least, seed)]
    forms += [(_SHORT_TITLE, *whole[:4])]
    forms += [(_SHORT_TITLE, run, sizes, sparsity, several), (_SHORT_TITLE, run, several)]
    forms += [("", run, several), ("", least)]
    room = columns - _AROUND - max(_LEAST_PHASE, phase(model).cell_length)
    return first_that_fits([joined(form, signs.separator) for form in forms], room)


def joined(form: Sequence[str], separator: str) -> Content:
    """A title, and parts behind it; without a title, these alone."""
    title, *parts = form
    start = ((title, "bold"), "  ") if title else ()
    return Content.assemble(*start, (separator.join(filter(None, parts)), "dim"))


def _place(model: Model) -> str:
    """The place of the instance by its loss on fresh data, the best first, as of the latest evaluation.

    Among those with the same sparsity and importances; "" where it is the only one, and at an earlier step.
    """
    view, shown, instance = model.view, model.shown, model.options.instance
    if shown is not None and instance in shown.diverged:
        return "diverged"
    if view.comparison is None or model.options.step is not None or view.comparison.among[instance] < 2:
        return ""
    return f"place {view.comparison.rank[instance]:,} of {view.comparison.among[instance]:,}"


def followed(status: "Status", whole: bool = True) -> str:
    """The state of a run that another process trains, or trained, and the key that takes it over; `whole`:
    with which process that is.
    """
    seen = time.strftime("%H:%M", time.localtime(status.seen))
    if status.is_running:
        holder = status.holder if whole else None
        who = f"following pid {holder.pid} on {holder.host[:_HOST]}" if holder else "following"
        return who if status.state == "running" else f"{who}, silent since {seen}"
    return f"{status.state} since {seen}: t takes over"


def phase(model: Model) -> Content:
    """How far an export is, the phase of the run, and the step that is looked back at, as there is room."""
    view, step, export = model.view, model.options.step, model.export
    word = loading(view) if view.phase == "loading" else str(view.phase)
    words = [word]
    if model.replay is not None:
        words = [f"replay {model.symbols.times} {model.replay.speed:g}"]
    if view.following is not None:
        words = [followed(view.following), followed(view.following, whole=False)]
    at_step = f", at step {step:,}" if step is not None else ""
    if view.drift and view.phase == "training":
        at_step = f", S {'rises' if view.drift > 0 else 'falls'}" + at_step
    busy = [f"exporting {len(export.done)}/{export.total}"] if export else []
    busy += [f"filming {model.film.done}/{model.film.total}"] if model.film else []
    exporting = ("".join(f"{what}   " for what in busy), "$accent") if busy else ""
    dot = (f"{model.symbols.dot} ", _COLORS[view.phase])
    forms = [Content.assemble(exporting, dot, (word + at_step, "bold")) for word in words]
    forms += [
        Content.assemble(dot, (words[-1] + at_step, "bold")),
        Content.assemble(dot, (words[-1], "bold")),
    ]
    columns = model.layout.columns
    # From some columns on there is room for the name and the random seed of the run.
    least = _LEAST_NAME
    if columns >= _WITH_SEED:
        least += len(model.symbols.separator) + len(_seed(model))
    return first_that_fits(forms, columns - _AROUND - least)


def _seed(model: Model) -> str:
    return f"seed {model.experiment.seed}"
