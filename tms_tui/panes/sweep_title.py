"""The title line and the bar of the screen of phases: which sweep this is, and how far it is."""

from datetime import timedelta

from textual.content import Content

from tms_tui.drawing.ascii import ascii_text
from tms_tui.model import Model
from tms_tui.panes.run_bar import Progress
from tms_tui.panes.text import cut, first_that_fits
from tms_tui.panes.title import joined
from tms_tui.phases_state import PhasesState

# Cells that the right end of the line keeps.
_RIGHT = 16


def about_sweep(model: Model) -> Content:
    """Title, the sweep's name, the sizes of its models, their number and the axes, as there is room."""
    state, signs = model.phases, model.symbols
    if state.path is None or state.shape is None:
        what = "phase diagrams" if state.path is None else state.path.name
        return joined(("TMS", ascii_text(what) if model.mode == "ascii" else what), signs.separator)
    spec = state.shape.grid.spec
    name = cut(state.path.name, max(20, model.layout.columns // 4), signs.ellipsis.strip())
    name = ascii_text(name) if model.mode == "ascii" else name
    sizes = f"{spec.base.n_features} {signs.arrow} {spec.base.n_hidden}"
    axes = f" {signs.times} ".join(
        f"{len(axis.values):,} {axis.label.partition(' of ')[0]}" for axis in state.shape.axes
    )
    seeds = f"{spec.n_seeds:,} a point"
    forms = [
        ("Toy Models of Superposition", name, sizes, axes, seeds),
        ("TMS", name, sizes, axes, seeds),
        ("TMS", name, sizes, seeds),
        ("TMS", name, sizes),
        ("", name),
    ]
    return first_that_fits([joined(form, signs.separator) for form in forms], model.layout.columns - _RIGHT)


def state_of_sweep(state: PhasesState) -> tuple[str, str]:
    """What is going on, in a word, and its colour."""
    seen = state.seen
    if seen is None:
        return "looking", "$warning"
    if state.error:
        return "gone", "$error"
    if seen.is_running:
        return "training", "$success"
    if seen.n_finished == seen.n_models:
        return "finished", "$primary"
    if state.process:
        return "starting", "$warning"
    return ("died", "$error") if seen.died else ("stopped", "$warning")


def phase_of_sweep(model: Model) -> Content:
    word, color = state_of_sweep(model.phases)
    return Content.assemble((f"{model.symbols.dot} ", color), (word, "bold"))


def progress_of_sweep(model: Model) -> Progress:
    """The models that are trained, and the time that is left."""
    state, seen = model.phases, model.phases.seen
    if seen is None:
        return Progress(0.0, False, ("looking",))
    fraction = seen.n_finished / seen.n_models
    parts = [f"{seen.n_finished:,} / {seen.n_models:,} models", f"{100 * fraction:3.0f}%"]
    if state.error:
        return Progress(fraction, True, (state.error,))
    if state.starting:
        parts.append(state.starting)
    if seen.is_running and seen.time_left:
        parts.append(f"{timedelta(seconds=round(seen.time_left))} left")
    if seen.is_running and seen.holder is not None:
        own = "it goes on without the app" if state.process else f"on {seen.holder.host[:20]}"
        parts.append(f"process {seen.holder.pid}, {own}")
    diverged = int(seen.points.diverged.sum())
    if diverged:
        parts.append(f"{diverged:,} diverged")
    return Progress(fraction, False, tuple(parts))
