"""Messages, which are what can happen to the app, and effects, which are what is then to be done.

Frozen records without logic. Keys, the mouse, dialogs and the timer become messages; `update` turns a message
into the next Model and effects; the Textual shell carries the effects out.
"""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class TogglePause:
    pass


@dataclass(frozen=True)
class StepOnce:
    pass


@dataclass(frozen=True)
class ChangePace:
    direction: int  # 1: faster; −1: slower


@dataclass(frozen=True)
class RunToEnd:
    pass


@dataclass(frozen=True)
class LookBack:
    direction: int  # −1: to earlier weights; 1: to later ones


@dataclass(frozen=True)
class LookAtFirst:
    pass


@dataclass(frozen=True)
class LookAtNewest:
    pass


@dataclass(frozen=True)
class Restart:
    pass


@dataclass(frozen=True)
class Reseed:
    pass


@dataclass(frozen=True)
class Extend:
    pass


# Live change:


@dataclass(frozen=True)
class ScaleDensity:
    factor: float


@dataclass(frozen=True)
class ScaleLearningRate:
    factor: float


@dataclass(frozen=True)
class ShiftImportance:
    amount: float


# Space:


@dataclass(frozen=True)
class Turn:
    right: int
    up: int


@dataclass(frozen=True)
class Roll:
    direction: int  # 1: to the right


@dataclass(frozen=True)
class Zoom:
    direction: int  # 1: nearer


@dataclass(frozen=True)
class ResetCamera:
    pass


@dataclass(frozen=True)
class ToggleTurning:
    pass


@dataclass(frozen=True)
class TogglePerspective:
    pass


@dataclass(frozen=True)
class NextGuides:
    pass


@dataclass(frozen=True)
class NextProjection:
    pass


@dataclass(frozen=True)
class NextAxes:
    pass


# Data and colour:


@dataclass(frozen=True)
class NextData:
    pass


@dataclass(frozen=True)
class NextColoring:
    pass


@dataclass(frozen=True)
class NextFeature:
    direction: int


@dataclass(frozen=True)
class Clear:
    pass


@dataclass(frozen=True)
class NextPoints:
    pass


@dataclass(frozen=True)
class NextPalette:
    pass


@dataclass(frozen=True)
class NextInstance:
    direction: int


# Panes:


@dataclass(frozen=True)
class FocusPane:
    pane: PaneName


@dataclass(frozen=True)
class ToggleMaximized:
    pass


@dataclass(frozen=True)
class ToggleLog:
    pass


# Run:


@dataclass(frozen=True)
class OpenExperiment:
    pass


@dataclass(frozen=True)
class ExportNow:
    pass


@dataclass(frozen=True)
class OpenExport:
    pass


@dataclass(frozen=True)
class SaveScreen:
    pass


@dataclass(frozen=True)
class OpenHelp:
    pass


@dataclass(frozen=True)
class Suspend:
    """Stop the process, as Ctrl-Z does to any program, until the shell continues it."""


@dataclass(frozen=True)
class OpenDoctor:
    pass


@dataclass(frozen=True)
class Quit:
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


@dataclass(frozen=True)
class Drag:
    """The space was dragged by so many cells."""

    right: int
    down: int


# Messages of the shell.


@dataclass(frozen=True)
class SavesSlowly:
    """A save takes so long that a kill may cost more than is promised."""

    seconds: float  # of work at risk


@dataclass(frozen=True)
class Tick:
    """Time has passed."""

    view: View  # the session's newest
    seconds: float  # since the last tick
    waiting: float = 0.0  # seconds for which a command has waited for the training thread


@dataclass(frozen=True)
class LayoutChanged:
    layout: Layout


@dataclass(frozen=True)
class ThemeChanged:
    theme: str
    chart_colors: ChartColors


@dataclass(frozen=True)
class ExperimentChosen:
    """An experiment was chosen in its form, or as a preset by its name; None: the form was closed without."""

    experiment: Experiment | None
    preset: str = ""


@dataclass(frozen=True)
class ExportChosen:
    """The export form was closed; None: without a choice."""

    choice: ExportChoice | None


@dataclass(frozen=True)
class Answered:
    """The question before a run is dropped was answered."""

    answer: Answer


@dataclass(frozen=True)
class PlaceAnswered:
    """Where a run that could not be saved is to be saved instead."""

    place: Path | Literal["drop", "stay"]


@dataclass(frozen=True)
class RunSaved:
    saved: Saved


@dataclass(frozen=True)
class SaveFailed:
    sentence: str  # why
    directory: str  # where it was to be


@dataclass(frozen=True)
class SessionFound:
    """The newest of the sessions that were interrupted."""

    session: InterruptedSession


@dataclass(frozen=True)
class ResumeAnswered:
    session: InterruptedSession
    answer: ResumeAnswer


@dataclass(frozen=True)
class ResumeBegun:
    """A session that was interrupted is this app's now, and its run goes on."""

    session: InterruptedSession


@dataclass(frozen=True)
class Autosaved:
    """What the autosave has come to; `error` is one sentence, or ""."""

    error: str


@dataclass(frozen=True)
class HelpClosed:
    pass


@dataclass(frozen=True)
class ExportStarted:
    directory: Path
    saves: Saved  # what will be on disk when it has finished


@dataclass(frozen=True)
class ExportMoved:
    """An export has made progress."""

    directory: Path
    progress: ExportProgress


@dataclass(frozen=True)
class Refused:
    """An effect could not be carried out."""

    sentence: str
    severity: Severity = "error"


@dataclass(frozen=True)
class Done:
    """An effect was carried out: a title, and what it made."""

    title: str
    what: str


@dataclass(frozen=True)
class Terminated:
    """A signal ends the app (a kill, a lost connection), so the user cannot be asked."""


@dataclass(frozen=True)
class Interrupt:
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


@dataclass(frozen=True)
class Command:
    """Call the session's method of this name."""

    name: CommandName
    arguments: tuple[object, ...] = ()


@dataclass(frozen=True)
class Toast:
    text: str
    title: str = ""
    severity: Severity = "information"
    seconds: float = 5.0
    alone: bool = False  # in the place of all others: a key held down must not pile them up


@dataclass(frozen=True)
class Focus:
    pane: PaneName


@dataclass(frozen=True)
class Maximize:
    """Let the pane in focus fill the screen."""


@dataclass(frozen=True)
class Minimize:
    pass


@dataclass(frozen=True)
class OpenDialog:
    dialog: DialogName
    experiment: Experiment | None = None  # for its form; None: the one in force


@dataclass(frozen=True)
class Ask:
    """Ask before a run is dropped. Answered by Answered."""

    question: Question


@dataclass(frozen=True)
class AskPlace:
    """Say why a run could not be saved, and ask where else to. Answered by PlaceAnswered."""

    sentence: str
    directory: str
    drop: str  # label of the answer "drop"


@dataclass(frozen=True)
class AskResume:
    """Offer a session that was interrupted. Answered by ResumeAnswered."""

    session: InterruptedSession


@dataclass(frozen=True)
class Resume:
    """Go on with a session that was interrupted. Answered by ResumeBegun or Refused."""

    session: InterruptedSession


@dataclass(frozen=True)
class Discard:
    """Delete a session that was interrupted."""

    session: InterruptedSession


@dataclass(frozen=True)
class StartExport:
    """Save the run and its figures. Answered by ExportStarted or Refused."""

    run_name: str
    directory: Path | None  # None: a new one, named after the run and the time
    dpi: int
    formats: tuple[Format, ...]
    camera: Camera
    instance: int
    axes: tuple[int, ...] | None
    step: int | None


@dataclass(frozen=True)
class WriteScreen:
    """Write the screen as SVG. Answered by Done or Refused."""

    run_name: str


@dataclass(frozen=True)
class Save:
    """Save the run, without waiting. Answered by RunSaved or SaveFailed."""

    run_name: str
    directory: Path | None = None  # None: a new one in runs/, or the one that was taken over


@dataclass(frozen=True)
class SaveAtTheEnd:
    """Save the run wherever that is possible, within a second or two, and leave, saying what was saved."""

    run_name: str
    export: str  # the export that this ends, in words; "" for none


@dataclass(frozen=True)
class SuspendProcess:
    pass


@dataclass(frozen=True)
class Leave:
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
