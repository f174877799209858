"""The title line: which run this is, and what it is doing."""

import time
from typing import TYPE_CHECKING

from textual.content import Content

from tms_tui.drawing.ascii import ascii_text
from tms_tui.model import Model
from tms_tui.panes.text import cut
from tms_tui.view import loading

if TYPE_CHECKING:
    from tms_engine.runs import Status

_TITLE, _SHORT_TITLE = "Toy Models of Superposition", "TMS"
# Characters of a host's name.
_HOST = 20
# Columns from which on there is room for the title.
_WIDE = 100
# Cells that there are at least for the run's name; else it has a quarter of the line.
_LEAST_NAME = 20

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


def about(model: Model) -> Content:
    """Title, run, sizes, sparsity at the step that is shown, instance, kernel, random seed."""
    experiment, view, instance = model.experiment, model.view, model.options.instance
    signs = model.symbols
    sparsity = experiment.of_instance("sparsity", instance)
    name = ascii_text(model.run_name) if model.mode == "ascii" else model.run_name
    parts = [
        # What follows tells more of the run than the end of a long name.
        cut(name, max(_LEAST_NAME, model.layout.columns // 4), signs.ellipsis.strip()),
        f"{experiment.n_features} {signs.arrow} {experiment.n_hidden}",
        f"S {sparsity:.4g}",
    ]
    if experiment.n_instances > 1:
        place = _place(model)
        parts.append(f"instance {instance} of {experiment.n_instances}{', ' if place else ''}{place}")
    if view.kernel:
        parts.append("/".join(filter(None, (view.device, view.kernel))))
    parts.append(f"seed {experiment.seed}")
    title = _TITLE if model.layout.columns >= _WIDE else _SHORT_TITLE
    return Content.assemble((title, "bold"), "  ", (signs.separator.join(parts), "dim"))


def _place(model: Model) -> str:
    """The place of the instance by its loss on fresh data, the best first, as of the latest evaluation.

    Among those with the same sparsity and importances; "" where it is the only one, and at an earlier step.
    """
    view, shown, instance = model.view, model.shown, model.options.instance
    if shown is not None and instance in shown.diverged:
        return "diverged"
    if view.comparison is None or model.options.step is not None or view.comparison.among[instance] < 2:
        return ""
    rank, among = view.comparison.rank[instance], view.comparison.among[instance]
    of = "" if among == len(view.comparison.among) else f" of {among} like it"
    return f"no. {rank}{of} by fresh loss"


def followed(status: "Status") -> str:
    """The state of a run that another process trains, or trained, and the key that takes it over."""
    seen = time.strftime("%H:%M", time.localtime(status.seen))
    if status.is_running:
        holder = status.holder
        who = f"following pid {holder.pid} on {holder.host[:_HOST]}" if holder else "following"
        return who if status.state == "running" else f"{who}, silent since {seen}"
    return f"{status.state} since {seen}: t takes over"


def phase(model: Model) -> Content:
    """How far an export is, the phase of the run, and the step that is looked back at."""
    view, step, export = model.view, model.options.step, model.export
    word = loading(view) if view.phase == "loading" else str(view.phase)
    if view.following is not None:
        word = followed(view.following)
    if step is not None:
        word += f", at step {step:,}"
    exporting = (f"exporting {len(export.done)}/{export.total}   ", "$accent") if export else ""
    return Content.assemble(exporting, (f"{model.symbols.dot} ", _COLORS[view.phase]), (word, "bold"))
