"""update, of what drops the run: quitting, another one; and of what is asked before that."""

import dataclasses
from typing import NamedTuple, assert_never

from tms_engine.analysis.projection import HOME
from tms_engine.errors import visible
from tms_engine.experiment import Experiment
from tms_tui.autoplay import Autoplay
from tms_tui.keys import ALONE
from tms_tui.messages import (
    Ask,
    Command,
    ExperimentChosen,
    FullScreenName,
    Leave,
    OpenDialog,
    Question,
    Quit,
    Reseed,
    Restart,
    Save,
    SaveAtTheEnd,
)
from tms_tui.messages.autoplay import ToggleAutoplay
from tms_tui.messages.phases import CellChosen
from tms_tui.messages.runs import OpenRun, RunChosen
from tms_tui.model import NOTHING_SAVED, Model
from tms_tui.update import loss
from tms_tui.update.parts import Updated, on_screen, with_options
from tms_tui.update.screens import begin_on, open_screen

Dropping = Quit | Restart | Reseed | ExperimentChosen | RunChosen | CellChosen | ToggleAutoplay

# Quitting asks if the run was changed by hand, or if training it again would take over this many seconds.
_WORTH_SAVING = 60.0


def begin_anew(model: Model) -> Model:
    """Another run begins: nothing of it is on disk, nor will be by an export that is under way."""
    saves = None if model.saves is None else NOTHING_SAVED
    anew = loss.begun_anew(with_options(model, step=None))
    return dataclasses.replace(anew, replay=None, saved=NOTHING_SAVED, saves=saves)


class _Verb(NamedTuple):
    """What is about to be done with the run, in the words of the question before it."""

    title: str
    save: str
    drop: str
    drop_key: str
    without: str


_VERBS: dict[type, _Verb] = {
    Quit: _Verb("Quit", "Save and quit", "Quit", "q", "Quit without saving"),
    Restart: _Verb("Restart", "Save and restart", "Discard it", "d", "Restart without saving"),
    Reseed: _Verb("New seed", "Save and go on", "Discard it", "d", "Go on without saving"),
    ExperimentChosen: _Verb("Experiment", "Save and go on", "Discard it", "d", "Go on without saving"),
    RunChosen: _Verb("Open", "Save and open", "Discard it", "d", "Open without saving"),
    ToggleAutoplay: _Verb("Go on", "Save and go on", "Discard it", "d", "Go on without saving"),
    CellChosen: _Verb("Open", "Save and open", "Discard it", "d", "Open without saving"),
}


def drop(model: Model, message: Dropping) -> Updated:
    """Drop the run for what a message begins; ask first if something would be lost."""
    if model.asked is not None:  # ctrl+q again, or the run is being saved
        return model, ()
    model = dataclasses.replace(model, asked=message)
    if model.view.place:
        return model, (Save(model.run_name),)  # to where it is from: there is nothing to ask
    if not would_lose(model):
        return go_on(model)
    view, verb = model.view, _VERBS[type(message)]
    steps, changes = f"{view.step:,} steps", len(view.changes)
    what = f"{steps} and {changes} live change{'s' * (changes > 1)}" if changes else steps
    question = Question(verb.title, f"{what} are not saved.", verb.save, verb.drop, verb.drop_key)
    return on_screen(model, "confirm"), (Ask(question),)


def go_on(model: Model) -> Updated:
    """Do what waited for an answer."""
    asked, model = model.asked, dataclasses.replace(model, asked=None)
    match asked:
        case Quit():
            return model, (Leave(_parting(model)),)
        case Restart():
            return begin_anew(model), (Command("restart"),)
        case Reseed():
            return begin_anew(model), (Command("reseed"),)
        case ExperimentChosen(experiment, preset):
            named = dataclasses.replace(begin_anew(model), run_name=preset or "experiment")
            begun = Command("restart", (experiment,)), Command("resume")
            return _on_its_screen(named, experiment), begun
        case RunChosen(path):
            runs = dataclasses.replace(model.runs, opening=path.name)
            return dataclasses.replace(model, runs=runs), (OpenRun(path),)
        case CellChosen(experiment, name):
            named = dataclasses.replace(begin_anew(model), run_name=name)
            shown: FullScreenName = "population" if experiment.n_instances > 1 else "dashboard"
            return open_screen(named, shown), (Command("begin", (experiment,)),)
        case ToggleAutoplay():
            assert model.autoplay is not None
            return begin_show(model, model.autoplay.next())
        case None:
            return model, ()
        case _:
            assert_never(asked)


def begin_show(model: Model, autoplay: Autoplay) -> Updated:
    """Begin a preset of autoplay, looked at as at the start of the app."""
    model = begin_anew(with_options(model, instance=0, feature=None, camera=HOME))
    model = dataclasses.replace(model, autoplay=autoplay, run_name=autoplay.name)
    several = autoplay.experiment.n_instances > 1
    shown = begin_on(model, "population" if several else "dashboard")
    return shown, (Command("begin", (autoplay.experiment,)),)


def _on_its_screen(model: Model, experiment: Experiment | None) -> Model:
    """Where the number of instances becomes one or several, or no instance is shown, the screen that shows it
    best.
    """
    several = experiment is not None and experiment.n_instances > 1
    if several == (model.view.experiment.n_instances > 1) and model.trail[-1] not in ALONE:
        return model
    return begin_on(model, "population" if several else "dashboard")


def without_saving(model: Model) -> str:
    """What is asked for, where the run cannot be saved: the label of a button."""
    return _VERBS[type(model.asked)].without


def stay(model: Model) -> Updated:
    """Forget what waited for an answer; an experiment of the form is shown in it again."""
    asked, model = model.asked, dataclasses.replace(model, asked=None)
    if isinstance(asked, ExperimentChosen) and not asked.preset:
        return on_screen(model, "experiment"), (OpenDialog("experiment", asked.experiment),)
    return model, ()


def _parting(model: Model) -> str:
    """What is said at the end: which run is saved, how much of it, where; what became of an export."""
    saved = model.saved
    where = f"{model.run_name}, step {saved.step:,}: saved in {saved.where}" if saved.where else ""
    # A line each: in names and paths, what would end one is escaped.
    return "\n".join(filter(None, (visible(where), _export_ended(model), visible(_sweep_goes_on(model)))))


def _sweep_goes_on(model: Model) -> str:
    state = model.phases
    if not state.process:
        return ""
    return f"process {state.process} goes on with the sweep in {state.path}; kill {state.process} stops it"


def _export_ended(model: Model) -> str:
    export, film = model.export, model.film
    ended = [] if film is None else [f"the film was ended at picture {film.done:,} of {film.total:,}"]
    if export is not None:
        ended.append(f"the export was ended: {len(export.done)} of {export.total} figures are there")
    return "\n".join(ended)


def terminated(model: Model) -> Updated:
    if would_lose(model) or model.view.place:
        return model, (SaveAtTheEnd(model.run_name, _export_ended(model)),)
    return model, (Leave(_parting(model), keep_session=True),)


def would_lose(model: Model) -> bool:
    """Whether quitting loses what training again does not give back within a minute."""
    view, saved = model.view, model.saved
    if view.snapshot is None or view.following is not None or view.place:
        return False
    if model.autoplay is not None and not model.autoplay.held:  # nobody's
        return False
    seconds = (view.step - saved.step) / view.rate if view.rate else 0.0
    return len(view.changes) > saved.changes or seconds > _WORTH_SAVING
