"""Model: everything on the screen, in one frozen record. The panes are functions of it."""

from dataclasses import dataclass, replace

from tms_engine.experiment import Experiment
from tms_engine.training.state import Snapshot
from tms_tui.abilities import TRUECOLOR
from tms_tui.autoplay import Autoplay
from tms_tui.drawing.loss_chart import ChartColors
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.symbols import Symbols, symbols
from tms_tui.export import ExportProgress
from tms_tui.loss_look import LossLook
from tms_tui.messages import (
    ExperimentChosen,
    FilmProgress,
    FullScreenName,
    Layout,
    Quit,
    Reseed,
    Restart,
    Saved,
    ToggleAutoplay,
)
from tms_tui.messages.phases import CellChosen
from tms_tui.messages.runs import RunChosen
from tms_tui.phases_state import PhasesState
from tms_tui.population import Population
from tms_tui.reading import Reading
from tms_tui.replay import Replay
from tms_tui.runs_state import RunsState
from tms_tui.settings import Settings
from tms_tui.settings_state import SettingsState
from tms_tui.solids import NO_SOLIDS, Solids
from tms_tui.view import View
from tms_tui.view_options import ViewOptions

NOTHING_SAVED = Saved(0, 0)
_COLORS, _LAYOUT, _POPULATION, _READING = ChartColors(), Layout(), Population(), Reading()
_PHASES, _RUNS, _LOSS, _SETTINGS = PhasesState(), RunsState(), LossLook(), SettingsState()


@dataclass(frozen=True, eq=False)
class Model:
    """Everything on the screen.

    view          the session's newest View
    shown         the run at the step that is looked at, whole: the newest, or an earlier one
    options       how it is looked at
    replay        the kept steps as a loop, while they are played
    loss          how the loss is looked at
    settings      what lasts from one session of the app to the next
    settings_state   where that comes from, and what holds for this start
    autoplay      presets one after the other, if the app was started so
    run_name      what the run is called, on the screen and on disk
    mode          characters to draw with
    colors        how many colours the terminal has: 2 are none but its own
    chart_colors  of the loss, from the theme
    layout        size of the terminal, screen, pane in focus, maximised pane
    trail         the full screen that is shown, last, and those from which one has come there, each once
    population    what is shown of all instances beside that
    saved         how much of the run is on disk
    export        progress of an export that is under way
    film          of a film
    saves         how much of the run is on disk once that export has finished
    chose_pace    whether the pace in force was chosen in the app, and so goes into the settings
    notes_told    number of the latest note of the session that has been shown
    told_to_wait  whether it was said that a command waits for the training thread
    asked         what waits for the answer to whether the run may be dropped, or for its being saved
    told_risk     whether it was said that saves take long
    reading       what is read of the screen, and pointed at
    phases, runs  what the screens of these names show
    unsaved       why the autosave has failed, as it was said last; "" while it does not
    solids        the name of what is shown, and what it is compared with
    """

    view: View
    options: ViewOptions
    settings: Settings
    run_name: str
    mode: Mode
    colors: int = TRUECOLOR
    shown: Snapshot | None = None
    chart_colors: ChartColors = _COLORS
    layout: Layout = _LAYOUT
    trail: tuple[FullScreenName, ...] = ("dashboard",)
    population: Population = _POPULATION
    saved: Saved = NOTHING_SAVED
    export: ExportProgress | None = None
    replay: Replay | None = None
    loss: LossLook = _LOSS
    film: FilmProgress | None = None
    saves: Saved | None = None
    chose_pace: bool = False
    notes_told: int = 0
    told_to_wait: bool = False
    asked: Quit | Restart | Reseed | ExperimentChosen | RunChosen | CellChosen | ToggleAutoplay | None = None
    told_risk: bool = False
    unsaved: str = ""
    solids: Solids = NO_SOLIDS
    reading: Reading = _READING
    phases: PhasesState = _PHASES
    runs: RunsState = _RUNS
    settings_state: SettingsState = _SETTINGS
    autoplay: Autoplay | None = None

    @property
    def experiment(self) -> Experiment:
        """In force at the step that is shown."""
        return self.shown.experiment if self.shown else self.view.experiment

    @property
    def in_force(self) -> Settings:
        """The settings as they hold now: those that last, but for what the command line or a key has set."""
        given = replace(self.settings, **dict(self.settings_state.given))
        options = self.options
        return replace(
            given,
            theme=self.settings_state.theme,
            palette=options.palette,
            pace=self.view.pace,
            turning=options.turning,
            sides=options.sides,
            projector=options.projector,
        )

    @property
    def symbols(self) -> Symbols:
        return symbols(self.mode)

    @property
    def side_inputs(self) -> tuple[object, ...]:
        """Inputs of the side panes, apart from the view; they are redrawn when one of these changes."""
        shown = None if self.options.step is None else self.shown
        size = self.layout.columns, self.layout.rows
        beside: tuple[object, ...] = (self.population,)
        if self.trail[-1] in ("phases", "runs", "settings"):
            beside = (self.phases, self.runs, self.settings, self.settings_state)
        return (
            self.options.still,
            shown,
            self.loss,
            self.replay and self.replay.speed,
            self.run_name,
            self.chart_colors,
            size,
            self.export,
            self.autoplay and (self.autoplay.at, self.autoplay.held),
            self.film and self.film.done,
            self.reading,
            self.layout.focused,
            self.solids.solid and self.solids.solid.found,
            self.solids.before,
            self.solids.compared,
            self.solids.showing,
            *beside,
        )
