"""update, of the screen of runs."""

import dataclasses
import os
from typing import Any

from tms_tui.messages import LoadOverlay, Saved, Toast
from tms_tui.messages.runs import (
    AskDelete,
    AskName,
    ChooseEnd,
    ChooseRun,
    CompareChosen,
    DeleteChosen,
    Deleted,
    DeleteRun,
    DrawFigures,
    ExportChosenRun,
    OpenChosen,
    OverlayChosen,
    PointAtRun,
    PreviewSeen,
    RenameChosen,
    Renamed,
    RenameRun,
    ReverseRuns,
    RunChosen,
    RunMoved,
    RunNotOpened,
    RunOpened,
    RunsSeen,
    SortRuns,
    SortRunsBy,
)
from tms_tui.messages.space import LoadBefore
from tms_tui.model import Model
from tms_tui.phases_state import PhasesState
from tms_tui.runs_state import RUN_COLUMNS, chosen_by, sorted_by, with_lines
from tms_tui.update.dropping import begin_anew, drop
from tms_tui.update.parts import Updated, on_screen, short_toast, under_dialogs
from tms_tui.update.phases import show_sweep
from tms_tui.update.screens import open_screen

RunsMessage = (
    CompareChosen | OverlayChosen | SortRuns | SortRunsBy | ReverseRuns
    | ChooseRun | ChooseEnd | OpenChosen | RenameChosen | DeleteChosen | ExportChosenRun | PointAtRun
    | RunsSeen | PreviewSeen | RunChosen | RunOpened | RunNotOpened | Renamed | Deleted | RunMoved
)  # fmt: skip


def with_runs(model: Model, **fields: Any) -> Model:
    return dataclasses.replace(model, runs=dataclasses.replace(model.runs, **fields))


def update_runs(model: Model, message: RunsMessage) -> Updated:
    state = model.runs
    line = state.line
    match message:
        case ChooseRun(by, pages):
            step = by * max(model.layout.page - 1, 1) if pages else by
            return dataclasses.replace(model, runs=chosen_by(state, step)), ()
        case ChooseEnd(last):
            by = len(state.lines or ())
            return dataclasses.replace(model, runs=chosen_by(state, by if last else -by)), ()
        case SortRuns(by):
            column = RUN_COLUMNS[(RUN_COLUMNS.index(state.sort) + by) % len(RUN_COLUMNS)]
            return dataclasses.replace(model, runs=sorted_by(state, column, False)), ()
        case SortRunsBy(column):
            backwards = column == state.sort and not state.backwards
            return dataclasses.replace(model, runs=sorted_by(state, column, backwards)), ()
        case ReverseRuns():
            return dataclasses.replace(model, runs=sorted_by(state, state.sort, not state.backwards)), ()
        case CompareChosen() | OverlayChosen():
            if line is None:
                return model, ()
            if line.is_sweep or line.state == "damaged":
                return model, (short_toast("a run is compared: open a sweep, and a cell of it"),)
            model = open_screen(model, "dashboard")
            compares = isinstance(message, CompareChosen)
            return model, ((LoadBefore if compares else LoadOverlay)(line.path),)
        case PointAtRun(place):
            if not state.lines or not 0 <= place < len(state.lines):
                return model, ()
            if place == state.place:
                return update_runs(model, OpenChosen())
            return with_runs(model, chosen=state.lines[place].path), ()
        case OpenChosen():
            if line is None or state.opening:
                return model, ()
            if line.state == "damaged":
                return model, (Toast(f"{line.path.name}: {line.entry.problem}", severity="error"),)
            if line.is_sweep:
                return show_sweep(model, line.path), ()
            return drop(model, RunChosen(line.path))
        case RunChosen():
            return drop(model, message)
        case RunOpened(path, step, changes):
            model = dataclasses.replace(
                begin_anew(with_runs(model, opening="")),
                run_name=os.path.basename(os.path.abspath(path)) or "run",
                saved=Saved(step, changes, str(path)),
            )
            return (open_screen(model, "dashboard") if model.trail[-1] != "dashboard" else model), ()
        case RunNotOpened(sentence):
            return with_runs(model, opening=""), (Toast(sentence, severity="error", seconds=8),)
        case RenameChosen():
            if line is None:
                return model, ()
            if held := _held(model):
                return model, (Toast(held, severity="warning"),)
            return on_screen(model, "name"), (AskName(line.path),)
        case Renamed(path, name):
            model = under_dialogs(model)
            return model, (RenameRun(path, name),) if name and name != path.name else ()
        case DeleteChosen():
            if line is None:
                return model, ()
            if held := _held(model):
                return model, (Toast(held, severity="warning"),)
            what = "the sweep and its models" if line.is_sweep else "the run and its figures"
            size = f", {line.row.size}" if line.row.size else ""
            return on_screen(model, "delete"), (AskDelete(line.path, f"{line.path}: {what}{size}"),)
        case Deleted(path, agreed):
            return under_dialogs(model), (DeleteRun(path),) if agreed else ()
        case RunMoved(path, now, said):
            if now is not None and state.chosen == path:
                model = with_runs(model, chosen=now)
            if model.phases.path == path:
                model = dataclasses.replace(model, phases=PhasesState(path=now))
            if model.saved.where == str(path):
                saved = model.saved._replace(where=str(now)) if now else Saved(0, 0)
                model = dataclasses.replace(model, saved=saved)
            return model, (Toast(said),)
        case ExportChosenRun():
            if line is None:
                return model, ()
            if line.is_sweep or line.state == "damaged":
                return model, (short_toast("figures are drawn of a run: a sweep has its table"),)
            if model.export is not None:
                return model, (Toast("an export is under way", severity="warning"),)
            return model, (DrawFigures(line.path),)
        case RunsSeen(directory, lines, complete, error):
            if error:
                return with_runs(model, directory=directory, error=error, lines=state.lines or ()), ()
            if directory != state.directory and state.directory is not None:
                return model, ()
            return dataclasses.replace(model, runs=with_lines(state, lines, complete)), ()
        case PreviewSeen(preview):
            return with_runs(model, preview=preview), ()


def _held(model: Model) -> str:
    """Why the chosen one is left as it is: a process holds it. "" if none does."""
    line = model.runs.line
    assert line is not None
    if model.view.place and os.path.abspath(line.path) == os.path.abspath(model.view.place):
        return f"{line.path.name} is the run that you train here: leave it as it is"
    if line.state in ("running", "silent"):
        return f"{line.path.name} is in use: {line.row.state}"
    return ""
