"""Messages, which are what can happen to the app, and effects, which are what is then to be done.

Frozen records without logic. Keys, the mouse, dialogs and the timer become messages; `update` turns a message
into the next Model and effects; the Textual shell carries the effects out.
"""

from pathlib import Path
from typing import Literal, NamedTuple

from tms_engine.analysis.projection import Camera
from tms_engine.experiment import Experiment
from tms_tui.autosave import InterruptedSession
from tms_tui.drawing.loss_chart import ChartColors
from tms_tui.export import ExportProgress, Format
from tms_tui.messages import copying, finding, phases, runs, settings
from tms_tui.messages import space as space
from tms_tui.messages.autoplay import ToggleAutoplay as ToggleAutoplay
from tms_tui.messages.loss import FindLevels as FindLevels
from tms_tui.messages.loss import LevelsFound as LevelsFound
from tms_tui.messages.loss import LoadOverlay as LoadOverlay
from tms_tui.messages.loss import NextOverlay as NextOverlay
from tms_tui.messages.loss import OverlayRun as OverlayRun
from tms_tui.messages.loss import PanLoss as PanLoss
from tms_tui.messages.loss import RunToOverlay as RunToOverlay
from tms_tui.messages.loss import ToggleLogSteps as ToggleLogSteps
from tms_tui.messages.loss import WholeLoss as WholeLoss
from tms_tui.messages.loss import ZoomLoss as ZoomLoss
from tms_tui.messages.population import PopulationKey as PopulationKey
from tms_tui.messages.population import PopulationMessage as PopulationMessage
from tms_tui.messages.reading import ChooseCell as ChooseCell
from tms_tui.messages.reading import ChoosePair as ChoosePair
from tms_tui.messages.reading import MoveCell as MoveCell
from tms_tui.messages.reading import MoveNumber as MoveNumber
from tms_tui.messages.reading import NextLadder as NextLadder
from tms_tui.messages.reading import PinFeature as PinFeature
from tms_tui.messages.reading import PointedAt as PointedAt
from tms_tui.messages.reading import ToggleOrder as ToggleOrder
from tms_tui.messages.screens import FullScreenName as FullScreenName
from tms_tui.messages.screens import OpenScreen as OpenScreen
from tms_tui.messages.time import FilmMoved as FilmMoved
from tms_tui.messages.time import FilmNow as FilmNow
from tms_tui.messages.time import FilmProgress as FilmProgress
from tms_tui.messages.time import LookAgain as LookAgain
from tms_tui.messages.time import LookAt as LookAt
from tms_tui.messages.time import MoveCursor as MoveCursor
from tms_tui.messages.time import NextDrift as NextDrift
from tms_tui.messages.time import StartFilm as StartFilm
from tms_tui.messages.time import ToggleReplay as ToggleReplay
from tms_tui.record import Record
from tms_tui.view import View

PaneName = str  # of the table in panes/__init__.py, or of another full screen
DialogName = Literal["help", "doctor", "experiment", "export", "copy"]
ScreenName = Literal[
    FullScreenName,
    "help",
    "doctor",
    "experiment",
    "export",
    "copy",
    "confirm",
    "place",
    "resume",
    "name",
    "delete",
    "finder",
    "jump",
    "other",
]
Answer = Literal["save", "drop", "stay"]
ResumeAnswer = Literal["resume", "later", "discard"]
Severity = Literal["information", "warning", "error"]


class Layout(NamedTuple):
    """What only Textual knows: the terminal's size, and which screen and pane the keys go to."""

    columns: int = 80
    rows: int = 24
    focused: str = ""  # name of the pane in focus; "" if none is
    maximized: str = ""  # name of the pane that fills the screen; "" if none does
    screen: ScreenName = "dashboard"  # "other": one of Textual's own
    across: int = 1  # tiles side by side, where a full screen has such
    page: int = 1  # rows of a list that are seen at once


class Saved(NamedTuple):
    """How much of a run is on disk."""

    step: int
    changes: int
    where: str = ""  # its directory


class Question(NamedTuple):
    """What is asked before a run that is not saved is dropped."""

    title: str
    sentence: str  # what would be lost
    save: str  # labels of the answers "save" and "drop"
    drop: str
    drop_key: str


class ExportChoice(NamedTuple):
    """The answer of the export form."""

    directory: Path
    dpi: int
    png: bool
    html: bool


# Messages of keys. Time:


class TogglePause(Record):
    pass


class StepOnce(Record):
    pass


class ChangePace(Record):
    direction: int  # 1: faster; −1: slower


class RunToEnd(Record):
    pass


class LookBack(Record):
    direction: int  # −1: to earlier weights; 1: to later ones


class LookAtFirst(Record):
    pass


class LookAtNewest(Record):
    pass


class Restart(Record):
    pass


class Reseed(Record):
    pass


class Extend(Record):
    pass


# Live change:


class ScaleDensity(Record):
    factor: float


class ScaleLearningRate(Record):
    factor: float


class ShiftImportance(Record):
    amount: float


# Space:


class Turn(Record):
    right: int
    up: int


class Roll(Record):
    direction: int  # 1: to the right


class Zoom(Record):
    direction: int  # 1: nearer


class ResetCamera(Record):
    pass


class ToggleTurning(Record):
    pass


class TogglePerspective(Record):
    pass


class NextGuides(Record):
    pass


class NextProjection(Record):
    pass


class NextAxes(Record):
    pass


# Data and colour:


class NextData(Record):
    pass


class NextColoring(Record):
    pass


class NextFeature(Record):
    direction: int


class Clear(Record):
    pass


class NextPoints(Record):
    pass


class NextPalette(Record):
    pass


class NextInstance(Record):
    direction: int


# Panes:


class FocusPane(Record):
    pane: PaneName


class ToggleMaximized(Record):
    pass


class ToggleLog(Record):
    pass


# Run:


class OpenExperiment(Record):
    pass


class ExportNow(Record):
    pass


class OpenExport(Record):
    pass


class SaveScreen(Record):
    pass


class OpenHelp(Record):
    pass


class Suspend(Record):
    """Stop the process, as Ctrl-Z does to any program, until the shell continues it."""


class OpenDoctor(Record):
    pass


class Quit(Record):
    pass


KeyMessage = (
    TogglePause | StepOnce | ChangePace | RunToEnd | LookBack | LookAtFirst | LookAtNewest | Restart | Reseed
    | Extend | ScaleDensity | ScaleLearningRate | ShiftImportance | Turn | Roll | Zoom | ResetCamera
    | ToggleTurning | TogglePerspective | NextGuides | NextProjection | NextAxes | NextData | NextColoring
    | NextFeature | Clear | NextPoints | NextPalette | NextInstance | FocusPane | ToggleMaximized | ToggleLog
    | MoveCursor | OpenScreen | OpenExperiment | ExportNow | OpenExport | SaveScreen | OpenHelp | OpenDoctor
    | Suspend | copying.OpenCopy | Quit | MoveCell | ChooseCell | PinFeature | MoveNumber | ToggleOrder
    | NextLadder | PopulationKey
    | ToggleReplay | NextDrift | FilmNow | ZoomLoss | PanLoss | WholeLoss | ToggleLogSteps | NextOverlay
    | phases.MovePhaseCell | phases.OpenCell | phases.NextPhaseColoring | phases.NextPhaseFeature
    | phases.TurnAxis | phases.StepOthers | phases.ToggleSweep
    | runs.ChooseRun | runs.ChooseEnd | runs.OpenChosen | runs.RenameChosen | runs.DeleteChosen
    | runs.ExportChosenRun | runs.CompareChosen | runs.OverlayChosen | runs.SortRuns | runs.ReverseRuns
    | space.ToggleEdges | space.ToggleSides | space.Compare
    | finding.OpenFinder | finding.OpenJumps
    | settings.ChooseSetting | settings.ChangeSetting | settings.DefaultSetting | settings.ToggleProjector
    | ToggleAutoplay
)  # fmt: skip


# Messages of the mouse.


class Drag(Record):
    """The space was dragged by so many cells."""

    right: int
    down: int


# Messages of the shell.


class SavesSlowly(Record):
    """A save takes so long that a kill may cost more than is promised."""

    seconds: float  # of work at risk


class Tick(Record):
    """Time has passed."""

    view: View  # the session's newest
    seconds: float  # since the last tick
    waiting: float = 0.0  # seconds for which a command has waited for the training thread


class LayoutChanged(Record):
    layout: Layout


class ThemeChanged(Record):
    theme: str
    chart_colors: ChartColors


class ExperimentChosen(Record):
    """An experiment was chosen in its form, or as a preset by its name; None: the form was closed without."""

    experiment: Experiment | None
    preset: str = ""


class ExportChosen(Record):
    """The export form was closed; None: without a choice."""

    choice: ExportChoice | None


class Answered(Record):
    """The question before a run is dropped was answered."""

    answer: Answer


class PlaceAnswered(Record):
    """Where a run that could not be saved is to be saved instead."""

    place: Path | Literal["drop", "stay"]


class RunSaved(Record):
    saved: Saved


class SaveFailed(Record):
    sentence: str  # why
    directory: str  # where it was to be


class SessionFound(Record):
    """The newest of the sessions that were interrupted."""

    session: InterruptedSession


class ResumeAnswered(Record):
    session: InterruptedSession
    answer: ResumeAnswer


class ResumeBegun(Record):
    """A session that was interrupted is this app's now, and its run goes on."""

    session: InterruptedSession


class Autosaved(Record):
    """What the autosave has come to; `error` is one sentence, or ""."""

    error: str


class HelpClosed(Record):
    pass


class ExportStarted(Record):
    directory: Path
    saves: Saved  # what will be on disk when it has finished


class ExportMoved(Record):
    """An export has made progress."""

    directory: Path
    progress: ExportProgress


class Refused(Record):
    """An effect could not be carried out."""

    sentence: str
    severity: Severity = "error"


class Done(Record):
    """An effect was carried out: a title, and what it made."""

    title: str
    what: str


class Terminated(Record):
    """A signal ends the app (a kill, a lost connection), so the user cannot be asked."""


class Interrupt(Record):
    """Ctrl-C: quit, and asked again while that is asked, save and leave."""


Message = (
    KeyMessage | PopulationMessage | Drag | ChoosePair | PointedAt | Tick
    | LookAt | LookAgain | FilmMoved | OverlayRun | RunToOverlay | LevelsFound
    | LayoutChanged | ThemeChanged
    | ExperimentChosen | ExportChosen | Answered | PlaceAnswered | RunSaved | SaveFailed | SessionFound
    | ResumeAnswered | ResumeBegun | Autosaved | SavesSlowly | HelpClosed | ExportStarted | ExportMoved
    | Refused | Done | Terminated | Interrupt
    | copying.CopyChosen | copying.CopyReady
    | phases.PointAtCell | phases.SweepSeen | phases.TheorySeen | phases.SweepStarted | phases.SweepEnded
    | phases.SweepRefused
    | phases.SweepChosen | phases.CellChosen
    | runs.PointAtRun | runs.SortRunsBy
    | runs.RunsSeen | runs.PreviewSeen | runs.RunChosen | runs.RunOpened | runs.RunNotOpened
    | runs.Renamed | runs.Deleted | runs.RunMoved
    | space.CompareWith | space.Before | space.SpaceFound
    | finding.FinderClosed | finding.GoToFeature | finding.GoToCell | finding.GoToNumber
    | finding.GoToInstance | finding.GoToRun | finding.ChooseTheme
    | settings.PointAtSetting | settings.SettingsKept
)  # fmt: skip


# Effects.

CommandName = Literal[
    "toggle_pause", "pause", "resume", "step_once", "change_pace", "set_pace", "run_to_end", "restart",
    "reseed", "extend", "take_over", "watch", "begin", "drift", "scale_density", "scale_learning_rate",
    "shift_importance",
]  # fmt: skip


class Command(Record):
    """Call the session's method of this name."""

    name: CommandName
    arguments: tuple[object, ...] = ()


class Toast(Record):
    text: str
    title: str = ""
    severity: Severity = "information"
    seconds: float = 5.0
    alone: bool = False  # in the place of all others: a key held down must not pile them up


class Focus(Record):
    pane: PaneName


class Maximize(Record):
    """Let the pane in focus fill the screen."""


class Minimize(Record):
    pass


class OpenDialog(Record):
    dialog: DialogName
    experiment: Experiment | None = None  # for its form; None: the one in force


class Ask(Record):
    """Ask before a run is dropped. Answered by Answered."""

    question: Question


class AskPlace(Record):
    """Say why a run could not be saved, and ask where else to. Answered by PlaceAnswered."""

    sentence: str
    directory: str
    drop: str  # label of the answer "drop"


class AskResume(Record):
    """Offer a session that was interrupted. Answered by ResumeAnswered."""

    session: InterruptedSession


class Resume(Record):
    """Go on with a session that was interrupted. Answered by ResumeBegun or Refused."""

    session: InterruptedSession


class Discard(Record):
    """Delete a session that was interrupted."""

    session: InterruptedSession


class StartExport(Record):
    """Save the run and its figures. Answered by ExportStarted or Refused."""

    run_name: str
    directory: Path | None  # None: a new one, named after the run and the time
    dpi: int
    formats: tuple[Format, ...]
    camera: Camera
    instance: int
    axes: tuple[int, ...] | None
    step: int | None


class WriteScreen(Record):
    """Write the screen as SVG. Answered by Done or Refused."""

    run_name: str


class Save(Record):
    """Save the run, without waiting. Answered by RunSaved or SaveFailed."""

    run_name: str
    directory: Path | None = None  # None: a new one in runs/, or the one that was taken over


class SaveAtTheEnd(Record):
    """Save the run wherever that is possible, within a second or two, and leave, saying what was saved."""

    run_name: str
    export: str  # the export that this ends, in words; "" for none


class SuspendProcess(Record):
    pass


class Leave(Record):
    """End the app."""

    message: str = ""  # printed once the terminal is restored
    keep_session: bool = False  # the run is neither saved nor deliberately dropped


Effect = (
    Command | Toast | Focus | Maximize | Minimize | OpenDialog | Ask | AskPlace | AskResume | Resume | Discard
    | StartExport | WriteScreen | Save | SaveAtTheEnd | SuspendProcess | Leave
    | StartFilm | LoadOverlay | FindLevels
    | copying.WriteOut | copying.PutOnClipboard
    | phases.StartSweep | phases.GoOnSweep | phases.StopSweep
    | runs.AskName | runs.AskDelete | runs.OpenRun | runs.RenameRun | runs.DeleteRun | runs.DrawFigures
    | space.LoadBefore | settings.TakeTheme
    | finding.Find | finding.ShowJumps
)  # fmt: skip
