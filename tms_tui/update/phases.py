"""update, of the screen of phases."""

import dataclasses
from pathlib import Path
from typing import Any

from tms_engine.errors import InputError
from tms_tui import offers
from tms_tui.messages import Toast
from tms_tui.messages.phases import (
    CellChosen,
    GoOnSweep,
    MovePhaseCell,
    NextPhaseColoring,
    NextPhaseFeature,
    OpenCell,
    PointAtCell,
    StartSweep,
    StepOthers,
    StopSweep,
    SweepChosen,
    SweepEnded,
    SweepRefused,
    SweepSeen,
    SweepStarted,
    TheorySeen,
    ToggleSweep,
    TurnAxis,
)
from tms_tui.model import Model
from tms_tui.phases_state import (
    PHASE_COLORINGS,
    PhaseColoring,
    PhasesState,
    moved,
    order_of,
    point_of,
    stepped,
    turned,
    with_shape,
)
from tms_tui.update.dropping import drop
from tms_tui.update.parts import Updated, short_toast, under_dialogs
from tms_tui.update.screens import open_screen
from tms_tui.view_options import cycle

PhasesMessage = (
    MovePhaseCell | OpenCell | NextPhaseColoring | NextPhaseFeature | TurnAxis | StepOthers | ToggleSweep
    | PointAtCell | SweepSeen | TheorySeen | SweepStarted | SweepEnded | SweepRefused
    | SweepChosen | CellChosen
)  # fmt: skip


def with_phases(model: Model, **fields: Any) -> Model:
    return dataclasses.replace(model, phases=dataclasses.replace(model.phases, **fields))


def show_sweep(model: Model, path: Path) -> Model:
    """The screen of phases, with the sweep in a directory; as it was, if it is the one that was shown."""
    if model.phases.path != path:
        model = dataclasses.replace(model, phases=PhasesState(path=path))
    return model if model.trail[-1] == "phases" else open_screen(model, "phases")


def update_phases(model: Model, message: PhasesMessage) -> Updated:
    state = model.phases
    match message:
        case MovePhaseCell(down, right):
            if state.path is None:
                return with_phases(model, offer=min(max(state.offer + down, 0), len(offers.OFFERS) - 1)), ()
            return dataclasses.replace(model, phases=moved(state, down, right)), ()
        case PointAtCell(row, column):
            return _pointed(model, row, column)
        case OpenCell(whole):
            return _open_cell(model, whole)
        case NextPhaseColoring():
            coloring = _next_coloring(state)
            return with_phases(model, coloring=coloring), ()
        case NextPhaseFeature(direction):
            if not state.n_features:
                return model, (short_toast(NO_FEATURES),)
            coloring = state.coloring if state.coloring in ("paper", "dimensionality") else "dimensionality"
            return with_phases(
                model, feature=(state.feature + direction) % state.n_features, coloring=coloring
            ), ()
        case TurnAxis(is_across):
            return dataclasses.replace(model, phases=turned(state, is_across)), ()
        case StepOthers(direction):
            return dataclasses.replace(model, phases=stepped(state, direction)), ()
        case ToggleSweep():
            return _toggle(model)
        case SweepSeen(path, shape, seen, error):
            if path != state.path:
                return model, ()
            if error:
                return with_phases(model, error=error), ()
            if state.shape is None and shape is not None:
                state = with_shape(state, shape)
            return dataclasses.replace(model, phases=dataclasses.replace(state, seen=seen, error="")), ()
        case TheorySeen(path, theory):
            return (with_phases(model, theory=theory) if path == state.path else model), ()
        case SweepChosen(spec, name):
            model = with_phases(under_dialogs(model), starting=f"starting {name}")
            return model, (StartSweep(spec, name),)
        case SweepStarted(path, process):
            fresh = state if state.path == path else PhasesState(path=path)
            fresh = dataclasses.replace(fresh, process=process, starting="", error="")
            model = dataclasses.replace(model, phases=fresh)
            return (model if model.trail[-1] == "phases" else open_screen(model, "phases")), ()
        case SweepRefused(sentence):
            return with_phases(model, starting=""), (Toast(sentence, severity="error", seconds=8),)
        case SweepEnded(path, error):
            if path == state.path:
                model = with_phases(model, process=0, starting="")
            return model, (Toast(error, "The sweep has ended", "error", seconds=10),) if error else ()
        case CellChosen():
            return drop(model, message)


NO_FEATURES = "norm and D of features are known of sweeps with --per-feature or --weights"


def _next_coloring(state: PhasesState) -> PhaseColoring:
    coloring = cycle(PHASE_COLORINGS, state.coloring)
    while coloring in ("paper", "dimensionality") and not state.n_features:
        coloring = cycle(PHASE_COLORINGS, coloring)
    return coloring


def _pointed(model: Model, row: int, column: int) -> Updated:
    """The cell that was clicked; the one that the cursor is at: open it."""
    state = model.phases
    if state.shape is None or state.across < 0:
        return model, ()
    at = list(state.at)
    for axis, place, upwards in ((state.across, column, False), (state.down, row, True)):
        if axis >= 0:
            at[axis] = order_of(state.shape.axes[axis], upwards)[place]
    if tuple(at) == state.at:
        return _open_cell(model, False)
    return with_phases(model, at=tuple(at)), ()


def _open_cell(model: Model, whole: bool) -> Updated:
    state = model.phases
    if state.path is None:
        if state.starting:
            return model, ()
        name, spec = offers.OFFERS[state.offer].made()
        return with_phases(model, starting=f"starting {name}"), (StartSweep(spec, name),)
    if state.shape is None:
        return model, ()
    from tms_engine.sweeps.grid import experiment_of

    point, grid = point_of(state), state.shape.grid
    seeds = grid.spec.n_seeds
    best = int(state.seen.points.best[point]) if state.seen else -1
    first = point * seeds
    rows = range(first, first + seeds) if whole else [best if best >= 0 else first]
    try:
        experiment = experiment_of(grid, rows)
    except InputError as error:
        return model, (Toast(str(error), severity="error"),)
    return drop(model, CellChosen(experiment, _name_of(state)))


def _name_of(state: PhasesState) -> str:
    """What a model of the cell is called: where it is in its sweep."""
    assert state.shape is not None
    assert state.path is not None
    at = [
        f"{axis.label.replace(' of feature ', ' ')} {axis.told(place)}"
        for axis, place in zip(state.shape.axes, state.at, strict=True)
    ]
    return ", ".join(at) or state.path.name


def _toggle(model: Model) -> Updated:
    state = model.phases
    if state.path is None or state.seen is None or state.starting:
        return model, ()
    if state.process:
        return with_phases(model, starting="stopping"), (StopSweep(state.path),)
    if state.seen.is_running:
        holder = state.seen.holder
        return model, (
            Toast(f"it is trained by {holder or 'another process'}: stop it there", severity="warning"),
        )
    if state.seen.n_finished == state.seen.n_models:
        return model, (short_toast("all its models are trained"),)
    return with_phases(model, starting="going on"), (GoOnSweep(state.path),)
