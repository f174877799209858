"""The space: edges, the panes beside it, the name of what is shown, and two models that are compared."""

import dataclasses
from typing import Any

from tms_tui.messages import Focus, Toast
from tms_tui.messages.space import Before, CompareWith, LoadBefore, SpaceFound
from tms_tui.model import Model
from tms_tui.solids import Pinned, Showing
from tms_tui.update.parts import Updated, laid_out, short_toast, with_options
from tms_tui.update.screens import open_screen

# Seconds of training for which trails stay after a live change.
_TRAILS = 12.0

_NEXT: dict[Showing, Showing] = {"now": "both", "both": "before", "before": "now"}


def with_solids(model: Model, **fields: Any) -> Model:
    return dataclasses.replace(model, solids=dataclasses.replace(model.solids, **fields))


def toggle_edges(model: Model) -> Updated:
    return with_options(model, edges=not model.options.edges), ()


def toggle_sides(model: Model) -> Updated:
    """The focus goes to the space, if the pane that has it gives way."""
    if not model.options.sides:
        return with_options(model, sides=True), ()
    model = with_options(model, sides=False)
    if model.layout.focused in ("", "space"):
        return model, ()
    return laid_out(model, focused="space"), (Focus("space"),)


def compare(model: Model) -> Updated:
    """Pin what is shown; once something is pinned, show both, the one before, the present, and both again."""
    solids = model.solids
    if solids.before is not None:
        return with_solids(model, showing=_NEXT[solids.showing]), ()
    if model.shown is None:
        return model, (short_toast("there are no weights to compare with yet"),)
    pinned = Pinned(model.shown, model.options.instance, model.run_name, run_id(model))
    said = f"step {model.shown.step:,} is A: b again shows A and what is on the screen then, Esc forgets it"
    return with_solids(model, before=pinned), (Toast(said, seconds=5, alone=True),)


def compare_with(model: Model, message: CompareWith) -> Updated:
    if model.trail[-1] != "dashboard":
        model = open_screen(model, "dashboard")
    return model, (LoadBefore(message.directory),)


def before_loaded(model: Model, message: Before) -> Updated:
    return with_solids(model, before=message.pinned, compared=None, showing="both"), ()


def forget(model: Model) -> Model | None:
    """Without the model before; None if there is none."""
    if model.solids.before is None:
        return None
    return with_solids(model, before=None, compared=None, showing="now")


def found(model: Model, message: SpaceFound) -> Updated:
    solid, compared = message.found
    if compared is None or compared.before is not model.solids.before:
        compared = model.solids.compared
    return with_solids(model, solid=solid, compared=compared), ()


def seen(model: Model, seconds: float) -> Model:
    """Let trails appear with a live change, and go after some seconds of training."""
    solids, view = model.solids, model.view
    changes = sum(change.field != "steps" for change in view.changes)
    if changes != solids.changes:
        trailing = _TRAILS if changes > solids.changes else 0.0
        return with_solids(model, changes=changes, trailing=trailing)
    if solids.trailing > 0 and view.phase == "training" and model.options.step is None:
        return with_solids(model, trailing=max(solids.trailing - seconds, 0.0))
    return model


def run_id(model: Model) -> str:
    return model.view.run.id if model.view.run is not None else ""
