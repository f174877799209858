"""update: from a Model and a message to the next Model and effects. Pure: it neither waits nor draws."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from tms_engine import digits
from tms_engine.analysis.projection import HOME
from tms_tui.drawing.palettes import FEATURE_PALETTES
from tms_tui.keys import ALONE, has_meaning
from tms_tui.messages import (
    Answered,
    AskPlace,
    AskResume,
    Autosaved,
    ChangePace,
    ChooseCell,
    ChoosePair,
    Clear,
    Command,
    Discard,
    Done,
    Drag,
    Effect,
    ExperimentChosen,
    ExportChosen,
    ExportMoved,
    ExportNow,
    ExportStarted,
    Extend,
    FilmMoved,
    FilmNow,
    Focus,
    FocusPane,
    HelpClosed,
    Interrupt,
    KeyMessage,
    LayoutChanged,
    LevelsFound,
    LoadOverlay,
    LookAgain,
    LookAt,
    LookAtFirst,
    LookAtNewest,
    LookBack,
    Maximize,
    Message,
    Minimize,
    MoveCell,
    MoveCursor,
    MoveNumber,
    NextAxes,
    NextColoring,
    NextData,
    NextDrift,
    NextFeature,
    NextGuides,
    NextInstance,
    NextLadder,
    NextOverlay,
    NextPalette,
    NextPoints,
    NextProjection,
    OpenDialog,
    OpenDoctor,
    OpenExperiment,
    OpenExport,
    OpenHelp,
    OpenScreen,
    OverlayRun,
    PanLoss,
    PinFeature,
    PlaceAnswered,
    PointedAt,
    PopulationMessage,
    Quit,
    Refused,
    Reseed,
    ResetCamera,
    Restart,
    Resume,
    ResumeAnswered,
    ResumeBegun,
    Roll,
    RunSaved,
    RunToEnd,
    RunToOverlay,
    Save,
    SaveFailed,
    SaveScreen,
    SavesSlowly,
    ScaleDensity,
    ScaleLearningRate,
    SessionFound,
    ShiftImportance,
    StepOnce,
    Suspend,
    SuspendProcess,
    Terminated,
    ThemeChanged,
    Tick,
    Toast,
    ToggleAutoplay,
    ToggleLog,
    ToggleLogSteps,
    ToggleMaximized,
    ToggleOrder,
    TogglePause,
    TogglePerspective,
    ToggleReplay,
    ToggleTurning,
    Turn,
    WholeLoss,
    WriteScreen,
    Zoom,
    ZoomLoss,
)
from tms_tui.messages.copying import CopyChosen, CopyReady, OpenCopy
from tms_tui.messages.finding import FinderClosed
from tms_tui.messages.space import (
    Before,
    Compare,
    CompareWith,
    SpaceFound,
    ToggleEdges,
    ToggleSides,
)
from tms_tui.model import Model
from tms_tui.update import loss, space, time
from tms_tui.update.autoplay import play_on, taken_over, takes_over, toggle_autoplay
from tms_tui.update.copying import copying
from tms_tui.update.dropping import begin_anew, drop, go_on, stay, terminated, without_saving
from tms_tui.update.exporting import export, follow_export
from tms_tui.update.finding import FindingMessage, update_finding
from tms_tui.update.parts import (
    Updated,
    laid_out,
    on_screen,
    short_toast,
    under_dialogs,
    with_camera,
    with_options,
    with_settings,
)
from tms_tui.update.phases import PhasesMessage, update_phases
from tms_tui.update.population import moved, on_population, refreshed, watched
from tms_tui.update.reading import choose_pair, move_cell, pin, settled, toggle_order, with_reading
from tms_tui.update.runs import RunsMessage, update_runs
from tms_tui.update.screens import go_back, open_screen
from tms_tui.update.settings import SettingsMessage, update_settings, with_state
from tms_tui.view import Note, loading
from tms_tui.view_options import (
    COLORINGS,
    DATA,
    GUIDES,
    POINTS,
    PROJECTIONS,
    TOUR_SPEED,
    TURN_SPEED,
    cycle,
)

if TYPE_CHECKING:
    from tms_engine.runs import Status

# What changes the run: refused for one that another process trains.
_CHANGING = (
    TogglePause, StepOnce, ChangePace, RunToEnd, Restart, Reseed, Extend, ScaleDensity, ScaleLearningRate,
    ShiftImportance, NextDrift, OpenExperiment,
)  # fmt: skip

# What moves on from that which the mouse lies over, which is explained until then.
_MOVES_ON = FocusPane | NextFeature | Clear | MoveCell | MoveNumber | MoveCursor | ChooseCell | PinFeature

# Degrees that an arrow turns, and that dragging by one cell does.
_TURN, _DRAG = 6.0, 3.0
_ZOOM, _LEAST_ZOOM, _MOST_ZOOM = 1.15, 0.1, 20.0

# The most seconds between two ticks that turn the space: after a pause it does not jump.
_LONGEST_TICK = 0.25

# Seconds of a step, and of waiting for it, from which on a key is answered in words.
_LONG = 0.2


def update(model: Model, message: Message) -> Updated:
    """The Model after a message, and what is to be done."""
    if isinstance(message, _MOVES_ON) and model.reading.under is not None:
        model = with_reading(model, under=None)
    told: tuple[Effect, ...] = ()
    if takes_over(model, message, _CHANGING):
        model, told = taken_over(model)
    updated, effects = _update(model, message)
    effects = told + effects
    updated, asked = watched(refreshed(settled(_settled(updated))))
    return updated, effects + asked


def _update(model: Model, message: Message) -> Updated:
    options, view = model.options, model.view
    if view.following is not None and isinstance(message, _CHANGING) and model.replay is None:
        takes_over = isinstance(message, Extend) and not view.following.is_running
        if not takes_over:
            return model, (Toast(_read_only(view.following), severity="warning"),)
    if isinstance(message, KeyMessage) and not has_meaning(message, model.trail[-1]):
        return model, ()
    if isinstance(message, PhasesMessage):
        return update_phases(model, message)
    if isinstance(message, RunsMessage):
        return update_runs(model, message)
    if isinstance(message, FindingMessage):
        return update_finding(model, message)
    if isinstance(message, PopulationMessage):
        return on_population(model, message)
    if isinstance(message, SettingsMessage):
        return update_settings(model, message)
    match message:
        # Time
        case TogglePause():
            return _toggle_pause(model)
        case StepOnce():
            return _at_newest(model), (Command("step_once"),)
        case ChangePace(direction):
            if model.replay is not None:
                return time.change_speed(model, model.replay, direction)
            return dataclasses.replace(model, chose_pace=True), (Command("change_pace", (direction,)),)
        case RunToEnd():
            return _at_newest(model), (Command("run_to_end"),)
        case LookBack(direction):
            return time.look_back(model, direction)
        case MoveCursor(direction):
            return time.move_cursor(model, direction)
        case LookAt(step):
            return time.look_near(model, step)
        case LookAgain(step, trains):
            again, effects = time.look_at(model, step)
            return again, (*effects, Command("resume")) if trains else effects
        case LookAtFirst():
            return time.look_at(model, view.kept_steps[0]) if view.kept_steps else (model, ())
        case LookAtNewest():
            return _at_newest(model), ()
        case ToggleReplay():
            return time.toggle_replay(model)
        case FilmNow():
            return time.film(model)
        case FilmMoved():
            return time.follow_film(model, message)
        case Restart() | Reseed():
            return drop(model, message)
        case Extend():
            return _at_newest(model), (Command("take_over" if view.following else "extend"),)

        # Live change
        case ScaleDensity(factor):
            return _at_newest(model), (Command("scale_density", (factor,)),)
        case ScaleLearningRate(factor):
            return _at_newest(model), (Command("scale_learning_rate", (factor,)),)
        case ShiftImportance(amount):
            return _at_newest(model), (Command("shift_importance", (amount,)),)
        case ToggleAutoplay():
            return toggle_autoplay(model)
        case NextDrift():
            return _at_newest(model), (Command("drift"),)

        # Space
        case Turn(right, up):
            return _turned(model, _TURN * right, _TURN * up), ()
        case Drag(right, down):
            return _turned(model, -_DRAG * right, 2 * _DRAG * down), ()
        case Roll(direction):
            return with_camera(model, roll=options.camera.roll + _TURN * direction), ()
        case Zoom(direction):
            zoom = options.camera.zoom * _ZOOM**direction
            return with_camera(model, zoom=min(max(zoom, _LEAST_ZOOM), _MOST_ZOOM)), ()
        case ResetCamera():
            return with_options(model, camera=HOME, tour_time=0.0), ()
        case ToggleTurning():
            return with_options(model, turning=not options.turning), ()
        case TogglePerspective():
            return with_camera(model, perspective=not options.camera.perspective), ()
        case NextGuides():
            return with_options(model, guides=cycle(GUIDES, options.guides)), ()
        case NextProjection():
            said = (short_toast("up to 3 hidden dimensions are shown as they are"),)
            next_one = with_options(model, projection=cycle(PROJECTIONS, options.projection))
            return next_one, said if view.experiment.n_hidden <= 3 else ()
        case NextAxes():
            m = view.experiment.n_hidden
            first = (options.axes[0] + 3) % m if m > 3 else 0
            return with_options(model, axes=(first, first + 1, first + 2), projection="axes"), ()

        case ToggleEdges():
            return space.toggle_edges(model)
        case ToggleSides():
            return space.toggle_sides(model)
        case Compare():
            return space.compare(model)
        case CompareWith():
            return space.compare_with(model, message)
        case Before():
            return space.before_loaded(model, message)
        case SpaceFound():
            return space.found(model, message)

        # Data and colour
        case NextData():
            return with_options(model, data=cycle(DATA, options.data)), ()
        case NextColoring():
            return with_options(model, coloring=cycle(COLORINGS, options.coloring)), ()
        case NextFeature(direction):
            n = view.experiment.n_features
            before = options.feature
            if before is None:
                before = -1 if direction > 0 else n
            return with_options(model, feature=(before + direction) % n), ()
        case Clear():
            if model.layout.maximized:
                return laid_out(model, maximized=""), (Minimize(),)
            if options.feature is None and (alone := space.forget(model)) is not None:
                return alone, ()
            if model.trail[-1] in ALONE:
                return go_back(model), ()
            chosen = options.feature, model.reading.cell
            if model.replay is None and chosen != (None, None):
                return with_reading(with_options(model, feature=None), other=None, cell=None), ()
            if len(model.trail) > 1 and model.replay is None and options.step is None:
                return go_back(model), ()
            return _at_newest(model), ()
        case NextPoints():
            points = cycle(POINTS, options.points)
            return with_options(model, points=points), (short_toast(f"{points:,} points"),)
        case NextPalette():
            palette = cycle(FEATURE_PALETTES, options.palette)
            return with_settings(with_options(model, palette=palette), palette=palette), ()
        case NextInstance(direction) if model.trail[-1] == "population":
            return moved(model, direction), ()
        case NextInstance(direction):
            instance = (options.instance + direction) % view.experiment.n_instances
            return with_options(model, instance=instance), ()

        # Screens and panes
        case OpenScreen(screen):
            return open_screen(model, screen), ()
        case FocusPane(pane):
            if pane != "space" and not options.sides:
                model = with_options(model, sides=True)
            if pane not in ("space", "loss") and options.projector:
                model = with_options(model, projector=False)
            return laid_out(model, focused=pane), (Focus(pane),)
        case ToggleMaximized():
            if model.layout.maximized:
                return laid_out(model, maximized=""), (Minimize(),)
            if not model.layout.focused:
                return model, ()
            return laid_out(model, maximized=model.layout.focused), (Maximize(),)
        case ToggleLog():
            return with_options(model, log=not options.log), ()
        case ZoomLoss():
            return loss.zoom(model, message)
        case PanLoss():
            return loss.pan(model, message)
        case WholeLoss():
            return loss.begun_anew(model), ()
        case ToggleLogSteps():
            return loss.toggle_log_steps(model)
        case NextOverlay():
            return loss.next_overlay(model)
        case LevelsFound():
            return loss.levels_found(model, message)
        case OverlayRun(directory):
            return model, (LoadOverlay(directory),)
        case RunToOverlay():
            return loss.run_to_overlay(model, message)

        # Reading
        case PointedAt(thing, before):
            is_late = thing is None and model.reading.under != before
            return (model if is_late else with_reading(model, under=thing)), ()
        case MoveCell(down, right):
            return move_cell(model, down, right), ()
        case ChooseCell():
            cell = model.reading.cell
            return (model if cell is None else choose_pair(model, *cell)), ()
        case ChoosePair(feature, other):
            return choose_pair(model, feature, other), ()
        case PinFeature():
            return pin(model), ()
        case MoveNumber(direction):
            return with_reading(model, row=model.reading.row + direction), ()
        case NextLadder():
            return with_reading(model, ladder="now" if model.reading.ladder == "steps" else "steps"), ()
        case ToggleOrder():
            return toggle_order(model)

        # Run
        case OpenExperiment():
            return on_screen(model, "experiment"), (OpenDialog("experiment"),)
        case ExperimentChosen(experiment):
            model = under_dialogs(model)
            return (model, ()) if experiment is None else drop(model, message)
        case ExportNow():
            return export(model, None)
        case OpenExport():
            return on_screen(model, "export"), (OpenDialog("export"),)
        case ExportChosen(choice):
            model = under_dialogs(model)
            return export(model, choice) if choice else (model, ())
        case ExportStarted(directory, saves):
            started = dataclasses.replace(model, saves=saves)
            return started, (Toast(f"exporting to {directory}", seconds=3),)
        case ExportMoved():
            return follow_export(model, message)
        case SaveScreen():
            return model, (WriteScreen(model.run_name),)
        case OpenHelp():
            return on_screen(model, "help"), (OpenDialog("help"),)
        case OpenCopy() | CopyChosen() | CopyReady():
            return copying(model, message)
        case OpenDoctor():
            return on_screen(model, "doctor"), (OpenDialog("doctor"),)
        case FinderClosed(chosen):
            model = under_dialogs(model)
            return (model, ()) if chosen is None else _update(model, chosen)
        case HelpClosed():
            return under_dialogs(model), ()
        case Quit():
            return drop(model, message)
        case Answered(answer):
            model = under_dialogs(model)
            if answer == "save":
                return model, (Save(model.run_name),)
            return go_on(model) if answer == "drop" else stay(model)
        case RunSaved(saved):
            model = dataclasses.replace(model, saved=saved)
            told = () if isinstance(model.asked, Quit) else (Toast(saved.where, "Saved the run to"),)
            model, effects = go_on(model)
            return model, told + effects
        case SaveFailed(sentence, directory):
            return on_screen(model, "place"), (AskPlace(sentence, directory, without_saving(model)),)
        case PlaceAnswered(place):
            model = under_dialogs(model)
            if isinstance(place, Path):
                return model, (Save(model.run_name, place),)
            return go_on(model) if place == "drop" else stay(model)
        case Suspend():
            return model, (SuspendProcess(),)
        case Interrupt():
            return _update(model, Quit()) if model.asked is None else terminated(model)
        case Terminated():
            return terminated(model)

        # Sessions
        case SessionFound(session):
            return on_screen(model, "resume"), (AskResume(session),)
        case ResumeAnswered(session, answer):
            model = under_dialogs(model)
            if answer == "resume":
                return model, (Resume(session),)
            return model, (Discard(session),) if answer == "discard" else ()
        case ResumeBegun(session):
            return dataclasses.replace(begin_anew(model), run_name=session.name), ()
        case Autosaved(error):
            return _autosaved(model, error)
        case SavesSlowly(seconds):
            sentence = f"saves of so large a run take long: a kill may cost the last {seconds:.0f} s"
            toast = Toast(sentence, severity="warning", seconds=8)
            return dataclasses.replace(model, told_risk=True), (toast,)

        # The shell
        case Tick():
            return _tick(model, message)
        case LayoutChanged(layout):
            return dataclasses.replace(model, layout=layout), ()
        case ThemeChanged(theme, chart_colors):
            if theme != model.settings_state.theme:
                model = with_state(with_settings(model, theme=theme), theme=theme)
            return dataclasses.replace(model, chart_colors=chart_colors), ()
        case Refused(sentence, severity):
            return model, (Toast(sentence, severity=severity),)
        case Done(title, what):
            return model, (Toast(what, title),)
        case _:
            assert_never(message)


def _settled(model: Model) -> Model:
    """Keep what is selected inside the run, and `shown` at the step that is looked at."""
    options, view = model.options, model.view
    if options.instance >= view.experiment.n_instances:
        model = with_options(model, instance=0)
    if options.feature is not None and options.feature >= view.experiment.n_features:
        model = with_options(model, feature=None)
    step, shown = model.options.step, model.shown
    if step is None or view.run is None:
        shown = view.snapshot
    elif shown is None or shown.step != step:
        shown = view.run.at(step)
        if shown.step != step:
            model = with_options(model, step=shown.step)
    return model if shown is model.shown else dataclasses.replace(model, shown=shown)


def _turned(model: Model, yaw: float, pitch: float) -> Model:
    camera = model.options.camera
    # Not over the poles: there left and right would change places.
    return with_camera(model, yaw=camera.yaw + yaw, pitch=min(max(camera.pitch + pitch, -90.0), 90.0))


# Time.


def _at_newest(model: Model) -> Model:
    """Look at what is trained."""
    return dataclasses.replace(with_options(model, step=None), replay=None)


def _toggle_pause(model: Model) -> Updated:
    """A replay stops where it is; from a step that is looked back at, it goes on with the newest."""
    if model.replay is not None:
        return dataclasses.replace(model, replay=None), ()
    return _at_newest(model), (Command("toggle_pause"),)


def _tick(model: Model, tick: Tick) -> Updated:
    view = tick.view
    effects: tuple[Effect, ...] = ()
    if view is not model.view:
        model, effects = _seen(dataclasses.replace(model, view=view))
    model = space.seen(model, tick.seconds)
    model, told = _wait_told(model, tick.waiting)
    effects += told
    if model.replay is not None and model.layout.screen == "dashboard":
        model = time.let_replay_go_on(model, min(tick.seconds, _LONGEST_TICK))
    model, played = play_on(model, min(tick.seconds, _LONGEST_TICK))
    effects += played
    model, wanted = loss.levels_wanted(model)
    effects += wanted
    options = model.options
    if options.turning and view.snapshot is not None and model.layout.screen == model.trail[-1]:
        seconds, m = min(tick.seconds, _LONGEST_TICK), view.experiment.n_hidden
        if m > 3 and options.projection == "grand tour" and seconds:
            model = with_options(model, tour_time=options.tour_time + TOUR_SPEED * seconds)
        if m > 2 and seconds:
            model = with_camera(model, yaw=options.camera.yaw + TURN_SPEED * seconds)
    return model, effects


def _wait_told(model: Model, waiting: float) -> Updated:
    """Say once that what a key asked for comes later, where the thread loads, compiles or takes a long step.

    On a busy machine it may be late without one of these; then there is nothing to tell.
    """
    view = model.view
    if view.phase == "loading":
        why = loading(view)
    elif view.phase == "compiling":
        why = f"compiling the {view.kernel} kernel"
    elif waiting > _LONG and 0 < view.rate < 1 / _LONG:
        why = f"within a step that takes about {1 / view.rate:.2g} s"
    else:
        why = ""
    if waiting and why and not model.told_to_wait:
        said = short_toast(f"{why}: what you asked for comes then")
        return dataclasses.replace(model, told_to_wait=True), (said,)
    if not waiting and model.told_to_wait:
        return dataclasses.replace(model, told_to_wait=False), ()
    return model, ()


def _seen(model: Model) -> Updated:
    """With a new view: remember a pace that was chosen, and show the session's note."""
    view = model.view
    if model.chose_pace and view.pace != model.settings.pace:
        model = with_settings(model, pace=view.pace)
    note = view.note
    if note is None or note.number <= model.notes_told:
        return model, ()
    return dataclasses.replace(model, notes_told=note.number), (_told(model, note),)


_FIELD_NAMES = {
    "sparsity": "S",
    "learning_rate": "learning rate",
    "importance_decay": "importance decay",
}


def _told(model: Model, note: Note) -> Toast:
    """The result of a relative command, in the words of the screen."""
    experiment = model.view.experiment
    if note.error:
        return Toast(note.error, severity="error")
    if note.field == "steps":
        return short_toast(f"{experiment.steps:,} steps now")
    if note.field == "drift":
        return short_toast(time.drift_told(model))
    value = experiment.of_instance(note.field, min(model.options.instance, experiment.n_instances - 1))
    text = digits.sparsity(value) if note.field == "sparsity" else f"{value:.4g}"
    trains_on = f"; {experiment.steps:,} steps now" if note.extends else ""
    return short_toast(f"{_FIELD_NAMES[note.field]} {text}{trains_on}")


def _read_only(status: "Status") -> str:
    if status.is_running:
        return f"followed, read only; it is trained by {status.holder or 'another process'}"
    return "followed, read only; nobody trains it any more: t takes it over"


def _autosaved(model: Model, error: str) -> Updated:
    """Say once that the run could not be saved, and that it was again."""
    before, model = model.unsaved, dataclasses.replace(model, unsaved=error)
    if error and not before:
        return model, (
            Toast(f"{error}. The run goes on, and saving is tried again", severity="error", seconds=10),
        )
    return model, (Toast("the run is saved again"),) if before and not error else ()
