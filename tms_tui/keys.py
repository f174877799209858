# ruff: noqa: E501
"""The one table of keys: the bindings, the bar at the bottom, the help and the command palette are made from it.

(One key a line reads best, however long: the formatter and the limit of line length are off for the table.)

A key belongs to a pane if it has another meaning elsewhere (arrows turn the space, and move in the table), and
to a full screen if it has one only there. All other keys work everywhere.
"""

from typing import Literal, NamedTuple

from tms_tui.messages import (
    ChangePace,
    ChooseCell,
    Clear,
    ExportNow,
    Extend,
    FilmNow,
    FocusPane,
    FullScreenName,
    KeyMessage,
    LookAtFirst,
    LookAtNewest,
    LookBack,
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
    OpenDoctor,
    OpenExperiment,
    OpenExport,
    OpenHelp,
    OpenScreen,
    PanLoss,
    PinFeature,
    Quit,
    Reseed,
    ResetCamera,
    Restart,
    Roll,
    RunToEnd,
    SaveScreen,
    ScaleDensity,
    ScaleLearningRate,
    ShiftImportance,
    StepOnce,
    Suspend,
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
    Zoom,
    ZoomLoss,
)
from tms_tui.messages.copying import OpenCopy
from tms_tui.messages.finding import OpenFinder, OpenJumps
from tms_tui.messages.phases import (
    MovePhaseCell,
    NextPhaseColoring,
    NextPhaseFeature,
    OpenCell,
    StepOthers,
    ToggleSweep,
    TurnAxis,
)
from tms_tui.messages.population import (
    GoTo,
    MoveName,
    MoveOnWall,
    MovePage,
    MoveRow,
    MoveToEnd,
    OpenInstance,
    Reverse,
    Search,
    SortNext,
)
from tms_tui.messages.runs import (
    ChooseEnd,
    ChooseRun,
    CompareChosen,
    DeleteChosen,
    ExportChosenRun,
    OpenChosen,
    OverlayChosen,
    RenameChosen,
    ReverseRuns,
    SortRuns,
)
from tms_tui.messages.settings import ChangeSetting, ChooseSetting, DefaultSetting, ToggleProjector
from tms_tui.messages.space import Compare, ToggleEdges, ToggleSides

Group = Literal[
    "Time",
    "Live change",
    "Space",
    "Data and colour",
    "Panes",
    "Population",
    "Run",
    "Phases",
    "Runs",
    "Settings",
]
Pane = Literal[
    "",
    "space",
    "loss",
    "features",
    "ladder",
    "gram",
    "numbers",
    "wall",
    "table",
    "names",
    "phases",
    "runs",
    "settings",
]
# The panes that have keys of their own, by their screens. Those of the first work in all of that screen.
PANES_OF: dict[FullScreenName, tuple[Pane, ...]] = {
    "dashboard": ("space", "loss", "features", "ladder", "gram", "numbers"),
    "population": ("wall", "table", "names"),
    "phases": ("phases",),
    "runs": ("runs",),
    "settings": ("settings",),
}
# The full screens that show no instance of the run, on which of the keys of all screens only these have a meaning.
ALONE: tuple[FullScreenName, ...] = ("phases", "runs", "settings")
_ANYWHERE = (
    OpenScreen, OpenExperiment, SaveScreen, OpenHelp, OpenDoctor, Suspend, Quit, Clear, ToggleMaximized, NextPalette,
    OpenFinder, OpenJumps, ToggleAutoplay,
)  # fmt: skip


class Key(NamedTuple):
    keys: str  # as Textual names them, with commas between those that do the same
    display: str  # as a person writes them
    message: KeyMessage  # what a press sends to `update`
    label: str  # for the bar: a word or two
    help: str  # a line
    group: Group
    rank: int = 0  # place in the bar, from 1; 0: not in the bar
    pane: Pane = ""  # in which the key has this meaning; "": in all
    only: FullScreenName | Literal[""] = (
        ""  # the full screen in which it has it; "": in all, or in the pane's
    )

    def is_of(self, screen: FullScreenName) -> bool:
        """Whether it means this on a full screen, in one of its panes at least."""
        if self.pane:
            return self.pane in PANES_OF[screen]
        return self.only in ("", screen) and (screen not in ALONE or isinstance(self.message, _ANYWHERE))


KEYS: tuple[Key, ...] = (
    Key("space", "space", TogglePause(), "pause", "pause, or go on", "Time", 1),
    Key("full_stop", ".", StepOnce(), "one step", "pause, and take one step", "Time"),
    Key("less_than_sign,comma", "<", ChangePace(-1), "slower", "fewer steps a second; a slower replay", "Time"),
    Key("greater_than_sign", ">", ChangePace(1), "faster", "more steps a second, at last without a limit; a faster replay", "Time"),
    Key("G", "G", RunToEnd(), "to the end", "train to the last step at full speed", "Time"),
    Key("w", "w", ToggleReplay(), "replay", "play the run as a loop, from here or the last change on; stop", "Time", 7),
    Key("W", "W", ToggleAutoplay(), "autoplay", "of tms-tui --autoplay: take over, or go on with the presets", "Time"),
    Key("F", "F", FilmNow(), "film", "write the replay as GIF and as an asciinema cast", "Time"),
    Key("pageup", "PgUp", LookBack(-1), "look back", "look at earlier weights: as much changes at each press", "Time"),
    Key("pagedown", "PgDn", LookBack(1), "look forth", "look at later weights", "Time"),
    Key("home", "Home", LookAtFirst(), "first step", "look at the weights before the first step", "Time"),
    Key("end", "End", LookAtNewest(), "now", "look at the newest weights", "Time"),
    Key("r", "r", Restart(), "restart", "restart with the same random seed", "Time"),
    Key("R", "R", Reseed(), "new seed", "restart with the next random seed", "Time"),
    Key("t", "t", Extend(), "train on", "twice the steps, and go on; take over a run that has ended", "Time"),
    Key("left_square_bracket", "[", ScaleDensity(1.5), "denser", "density × 1½: lower sparsity", "Live change"),
    Key("right_square_bracket", "]", ScaleDensity(1 / 1.5), "sparsity", "density × ⅔: higher sparsity", "Live change", 6),
    Key("left_curly_bracket", "{", ScaleLearningRate(1 / 1.5), "slower learning", "learning rate × ⅔", "Live change"),
    Key("right_curly_bracket", "}", ScaleLearningRate(1.5), "faster learning", "learning rate × 1½", "Live change"),
    Key("left_parenthesis", "(", ShiftImportance(-0.1), "steeper", "importance decay − 0.1", "Live change"),
    Key("right_parenthesis", ")", ShiftImportance(0.1), "flatter", "importance decay + 0.1, up to 1", "Live change"),
    Key("S", "S", NextDrift(), "drift", "let the sparsity drift up, then down, then stay", "Live change"),
    Key("left,h", "← h", Turn(-1, 0), "turn", "turn the space to the left", "Space", 2, "space"),
    Key("right,l", "→ l", Turn(1, 0), "turn", "turn the space to the right", "Space", 0, "space"),
    Key("up,k", "↑ k", Turn(0, 1), "turn", "move the camera up", "Space", 0, "space"),
    Key("down,j", "↓ j", Turn(0, -1), "turn", "move the camera down", "Space", 0, "space"),
    Key("u", "u", Roll(-1), "roll", "roll to the left", "Space"),
    Key("U", "U", Roll(1), "roll", "roll to the right", "Space"),
    Key("plus,equals_sign", "+", Zoom(1), "zoom", "move nearer", "Space", 3),
    Key("minus", "-", Zoom(-1), "away", "move away", "Space"),
    Key("0", "0", ResetCamera(), "reset view", "reset the camera", "Space"),
    Key("a", "a", ToggleTurning(), "auto-turn", "turn automatically, or stop", "Space"),
    Key("p", "p", TogglePerspective(), "perspective", "perspective, or orthographic", "Space"),
    Key("g", "g", NextGuides(), "guides", "axes, axes and unit sphere, or neither", "Space", only="dashboard"),
    Key("E", "E", ToggleEdges(), "edges", "edges of the solid that the represented features make, or none", "Space", only="dashboard"),
    Key("b", "b", Compare(), "compare", "pin what is shown as A; again: A and the present, A, the present; Esc forgets A", "Space", only="dashboard"),
    Key("z", "z", ToggleSides(), "whole width", "the side panes give way to the space, or come back", "Space", only="dashboard"),
    Key("Z", "Z", ToggleProjector(), "projector", "large print for a lecture hall, or all panes again", "Panes", only="dashboard"),
    Key("y", "y", NextProjection(), "projection", "more than 3 dimensions: PCA, three chosen axes, a grand tour", "Space"),
    Key("Y", "Y", NextAxes(), "axes", "the next three hidden dimensions", "Space"),
    Key("d", "d", NextData(), "data", "cloud: none, as trained, exactly 1, 2 or 3 active, all three", "Data and colour", 4, only="dashboard"),
    Key("c", "c", NextColoring(), "colour", "colour by all magnitudes, one feature, the strongest, the error", "Data and colour", 5, only="dashboard"),
    Key("f", "f", NextFeature(1), "feature", "select the next feature", "Data and colour"),
    Key("ctrl+f", "Ctrl-F", NextFeature(-1), "feature", "select the previous feature", "Data and colour"),
    Key("escape", "Esc", Clear(), "clear", "leave a maximised pane; stop a replay; deselect; now; back", "Data and colour"),
    Key("P", "P", NextPoints(), "points", "1,000, 4,000, 20,000 or 100,000 points", "Data and colour", only="dashboard"),
    Key("B", "B", NextPalette(), "palette", "feature colours: Tableau, or safe for the colour-blind", "Data and colour"),
    Key("n", "n", NextInstance(1), "instance", "show the next instance", "Data and colour"),
    Key("N", "N", NextInstance(-1), "instance", "show the previous instance", "Data and colour"),
    Key("1", "1", FocusPane("space"), "space", "focus the space", "Panes", only="dashboard"),
    Key("2", "2", FocusPane("loss"), "loss", "focus the loss; ← → go through the kept steps", "Panes", only="dashboard"),
    Key("3", "3", FocusPane("features"), "features", "focus the features; ↑ ↓ select one", "Panes", only="dashboard"),
    Key("4", "4", FocusPane("gram"), "gram", "focus W Wᵀ; arrows read a cell", "Panes", only="dashboard"),
    Key("5", "5", FocusPane("numbers"), "numbers", "focus the numbers; ↑ ↓ explain one", "Panes", only="dashboard"),
    Key("6", "6", FocusPane("ladder"), "D ladder", "focus the ladder of D; → shows D over the steps", "Panes", only="dashboard"),
    Key("v", "v", OpenScreen("population"), "population", "all instances: a wall of their spaces, a table, their names; and back", "Panes"),
    Key("V", "V", OpenScreen("phases"), "phases", "the phase diagram of a sweep; and back", "Panes"),
    Key("o", "o", OpenScreen("runs"), "runs", "runs and sweeps on disk; and back", "Panes"),
    Key("J", "J", OpenJumps(), "jump", "a letter over each pane and row: press it to go there", "Panes"),
    Key("M", "M", OpenScreen("settings"), "settings", "what lasts: theme, characters, pace and more; and back", "Run"),
    Key("m", "m", ToggleMaximized(), "maximise", "maximise the pane in focus, or restore it", "Panes"),
    Key("O", "O", ToggleOrder(), "order", "W Wᵀ ordered by the solids found, or by number", "Panes", only="dashboard"),
    Key("L", "L", ToggleLog(), "log/linear", "loss on a logarithmic or a linear axis", "Panes", only="dashboard"),
    Key("T", "T", ToggleLogSteps(), "log steps", "steps on a logarithmic or a linear axis", "Panes", only="dashboard"),
    Key("A", "A", NextOverlay(), "overlay", "over the loss: each instance, theory's levels, another run", "Panes", only="dashboard"),
    Key("left,h", "← h", MoveCursor(-1), "step", "look at the kept step before", "Panes", 1, "loss"),
    Key("right,l", "→ l", MoveCursor(1), "step", "look at the kept step after", "Panes", 0, "loss"),
    Key("plus,equals_sign", "+", ZoomLoss("steps", 1), "zoom", "fewer steps, around the cursor", "Panes", 2, "loss"),
    Key("minus", "-", ZoomLoss("steps", -1), "away", "more steps", "Panes", 0, "loss"),
    Key("up,k", "↑ k", ZoomLoss("losses", 1), "zoom", "a smaller part of the losses", "Panes", 0, "loss"),
    Key("down,j", "↓ j", ZoomLoss("losses", -1), "away", "a larger part of the losses", "Panes", 0, "loss"),
    Key("shift+left", "Sh ←", PanLoss(-0.25, 0), "pan", "show earlier steps", "Panes", 0, "loss"),
    Key("shift+right", "Sh →", PanLoss(0.25, 0), "pan", "show later steps", "Panes", 0, "loss"),
    Key("shift+up", "Sh ↑", PanLoss(0, 0.25), "pan", "show higher losses", "Panes", 0, "loss"),
    Key("shift+down", "Sh ↓", PanLoss(0, -0.25), "pan", "show lower losses", "Panes", 0, "loss"),
    Key("enter", "Enter", OpenFinder("overlay"), "overlay a run", "the loss of another run over this one", "Panes", 4, "loss"),
    Key("0", "0", WholeLoss(), "whole", "show the whole loss", "Panes", 3, "loss"),
    Key("up,k", "↑", NextFeature(-1), "select", "select the feature above", "Panes", 1, "features"),
    Key("down,j", "↓", NextFeature(1), "select", "select the feature below", "Panes", 0, "features"),
    Key("enter", "Enter", OpenInstance(), "open", "show the selected instance in the dashboard; Esc comes back", "Population", 2, only="population"),
    Key("slash", "/", Search(), "search", "search for a number or a name", "Population", 3, only="population"),
    Key("asterisk", "*", GoTo("best"), "best", "the least loss, among instances of the same task", "Population", 4, only="population"),
    Key("exclamation_mark", "!", GoTo("worst"), "worst", "the greatest loss", "Population", 5, only="population"),
    Key("semicolon", ";", GoTo("same name"), "alike", "the next instance of the same name", "Population", 5, only="population"),
    Key("I", "I", Reverse(), "backwards", "the order the other way round", "Population", only="population"),
    Key("1", "1", FocusPane("wall"), "wall", "focus the wall", "Population", only="population"),
    Key("2", "2", FocusPane("table"), "table", "focus the table; ← → sort by another column", "Population", only="population"),
    Key("3", "3", FocusPane("names"), "names", "focus the names; ↑ ↓ go from name to name", "Population", only="population"),
    Key("left,h", "←", MoveOnWall(-1, 0), "move", "the instance to the left", "Population", 1, "wall"),
    Key("right,l", "→", MoveOnWall(1, 0), "move", "the instance to the right", "Population", 0, "wall"),
    Key("up,k", "↑", MoveOnWall(0, -1), "move", "the instance above", "Population", 0, "wall"),
    Key("down,j", "↓", MoveOnWall(0, 1), "move", "the instance below", "Population", 0, "wall"),
    Key("shift+left", "S-←", Turn(-1, 0), "turn", "Shift and an arrow: turn all spaces to the left", "Population", 0, "wall"),
    Key("shift+right", "S-→", Turn(1, 0), "turn", "Shift and an arrow: turn all spaces to the right", "Population", 0, "wall"),
    Key("shift+up", "S-↑", Turn(0, 1), "turn", "Shift and an arrow: move the camera up", "Population", 0, "wall"),
    Key("shift+down", "S-↓", Turn(0, -1), "turn", "Shift and an arrow: move the camera down", "Population", 0, "wall"),
    Key("ctrl+d", "Ctrl-D", MovePage(1), "page", "a page of tiles down", "Population", 0, "wall"),
    Key("ctrl+u", "Ctrl-U", MovePage(-1), "page", "a page of tiles up", "Population", 0, "wall"),
    Key("up,k", "↑", MoveRow(-1), "move", "the row above", "Population", 1, "table"),
    Key("down,j", "↓", MoveRow(1), "move", "the row below", "Population", 0, "table"),
    Key("left,h", "←", SortNext(-1), "sort", "sort by the column to the left", "Population", 2, "table"),
    Key("right,l", "→", SortNext(1), "sort", "sort by the column to the right", "Population", 0, "table"),
    Key("pagedown,ctrl+d", "PgDn", MovePage(1), "page", "a page down", "Population", 0, "table"),
    Key("pageup,ctrl+u", "PgUp", MovePage(-1), "page", "a page up", "Population", 0, "table"),
    Key("home", "Home", MoveToEnd(-1), "first", "the first row", "Population", 0, "table"),
    Key("end", "End", MoveToEnd(1), "last", "the last row", "Population", 0, "table"),
    Key("up,k", "↑", MoveName(-1), "move", "the name above, at its best instance", "Population", 1, "names"),
    Key("down,j", "↓", MoveName(1), "move", "the name below, at its best instance", "Population", 0, "names"),
    Key("enter", "Enter", PinFeature(), "compare", "compare others with the selected feature, or no longer", "Panes", 2, "features"),
    Key("up,k", "↑", NextFeature(-1), "select", "select the feature above", "Panes", 1, "ladder"),
    Key("down,j", "↓", NextFeature(1), "select", "select the feature below", "Panes", 0, "ladder"),
    Key("left,right,h,l", "← →", NextLadder(), "now/steps", "D now, or over the steps", "Panes", 2, "ladder"),
    Key("enter", "Enter", PinFeature(), "compare", "compare others with the selected feature, or no longer", "Panes", 3, "ladder"),
    Key("left,h", "←", MoveCell(0, -1), "read", "read the cell to the left", "Panes", 1, "gram"),
    Key("right,l", "→", MoveCell(0, 1), "read", "read the cell to the right", "Panes", 0, "gram"),
    Key("up,k", "↑", MoveCell(-1, 0), "read", "read the cell above", "Panes", 0, "gram"),
    Key("down,j", "↓", MoveCell(1, 0), "read", "read the cell below", "Panes", 0, "gram"),
    Key("enter", "Enter", ChooseCell(), "choose", "choose the two features of the cell", "Panes", 2, "gram"),
    Key("up,k", "↑", MoveNumber(-1), "explain", "explain the number above", "Panes", 1, "numbers"),
    Key("down,j", "↓", MoveNumber(1), "explain", "explain the number below", "Panes", 0, "numbers"),
    Key("i", "i", OpenExperiment(), "experiment", "choose or change the experiment", "Run"),
    Key("e", "e", ExportNow(), "export", "save the run and all its figures, 300 dpi", "Run", 8),
    Key("x", "x", OpenExport(), "export as", "export to a directory, resolution and format of your choice", "Run"),
    Key("s", "s", SaveScreen(), "screenshot", "save the screen as SVG", "Run"),
    Key("C", "C", OpenCopy(), "copy", "copy the command, the path, a row of W or the table to the clipboard", "Run"),
    Key("D", "D", OpenDoctor(), "doctor", "what is on this machine, for a bug report", "Run"),
    Key("slash", "/", OpenFinder("search"), "search", "search features, instances and runs; Enter goes there", "Run", 7, only="dashboard"),
    Key("ctrl+p", "Ctrl-P", OpenFinder("commands"), "commands", "all commands, presets, instances, runs and themes, by some words", "Run"),
    Key("left,h", "← h", MovePhaseCell(0, -1), "cell", "the cell to the left", "Phases", 2, "phases"),
    Key("right,l", "→ l", MovePhaseCell(0, 1), "cell", "the cell to the right", "Phases", 0, "phases"),
    Key("up,k", "↑ k", MovePhaseCell(-1, 0), "cell", "the cell above", "Phases", 0, "phases"),
    Key("down,j", "↓ j", MovePhaseCell(1, 0), "cell", "the cell below", "Phases", 0, "phases"),
    Key("enter", "Enter", OpenCell(), "open", "train the best model of the cell, in the dashboard; Esc comes back", "Phases", 1, "phases"),
    Key("a", "a", OpenCell(whole=True), "open all", "train all models of the cell, as instances", "Phases", 6, "phases"),
    Key("c", "c", NextPhaseColoring(), "colour", "colour by name, loss, the paper's norm and interference, D", "Phases", 3, "phases"),
    Key("f", "f", NextPhaseFeature(1), "feature", "norm or D of the next feature", "Phases", 7, "phases"),
    Key("ctrl+f", "Ctrl-F", NextPhaseFeature(-1), "feature", "norm or D of the previous feature", "Phases", 0, "phases"),
    Key("x", "x", TurnAxis(True), "axis across", "the next axis of the sweep across; of two, they change places", "Phases", 0, "phases"),
    Key("y", "y", TurnAxis(False), "axis down", "the next axis of the sweep down", "Phases", 0, "phases"),
    Key("n", "n", StepOthers(1), "other axes", "the next place along the axes that are not shown", "Phases", 0, "phases"),
    Key("N", "N", StepOthers(-1), "other axes", "the place before, along the axes that are not shown", "Phases", 0, "phases"),
    Key("space", "space", ToggleSweep(), "stop, go on", "stop the training of the sweep, or go on with it, in another process", "Phases", 4, "phases"),
    Key("slash", "/", OpenFinder("search"), "search", "search the runs and sweeps", "Phases", only="phases"),
    Key("slash", "/", OpenFinder("search"), "search", "search by a name, an experiment or a state", "Runs", 2, only="runs"),
    Key("up,k", "↑ k", ChooseRun(-1), "choose", "the run above", "Runs", 0, "runs"),
    Key("down,j", "↓ j", ChooseRun(1), "choose", "the run below", "Runs", 0, "runs"),
    Key("left,h", "← h", SortRuns(-1), "sort", "sort by the column to the left", "Runs", 6, "runs"),
    Key("right,l", "→ l", SortRuns(1), "sort", "sort by the column to the right", "Runs", 0, "runs"),
    Key("I", "I", ReverseRuns(), "backwards", "the order the other way round", "Runs", 0, "runs"),
    Key("b", "b", CompareChosen(), "compare", "compare its best instance (A) with what the dashboard shows (B)", "Runs", 3, "runs"),
    Key("A", "A", OverlayChosen(), "overlay", "its loss over that of the dashboard", "Runs", 4, "runs"),
    Key("pageup", "PgUp", ChooseRun(-1, pages=True), "page", "a page up", "Runs", 0, "runs"),
    Key("pagedown", "PgDn", ChooseRun(1, pages=True), "page", "a page down", "Runs", 0, "runs"),
    Key("home,g", "Home g", ChooseEnd(False), "newest", "the newest", "Runs", 0, "runs"),
    Key("end,G", "End G", ChooseEnd(True), "oldest", "the oldest", "Runs", 0, "runs"),
    Key("enter", "Enter", OpenChosen(), "open", "open a run, followed while another process trains it; or the phases of a sweep", "Runs", 1, "runs"),
    Key("r", "r", RenameChosen(), "rename", "give it another name", "Runs", 7, "runs"),
    Key("delete,d", "Del d", DeleteChosen(), "delete", "delete it, when you have said yes", "Runs", 8, "runs"),
    Key("e", "e", ExportChosenRun(), "export", "draw its figures into its directory", "Runs", 5, "runs"),
    Key("up,k", "↑ k", ChooseSetting(-1), "choose", "the setting above", "Settings", 1, "settings"),
    Key("down,j", "↓ j", ChooseSetting(1), "choose", "the setting below", "Settings", 0, "settings"),
    Key("right,l,enter,space", "→ l", ChangeSetting(1), "change", "its next value, at once and for good; Enter and space too", "Settings", 0, "settings"),
    Key("left,h", "← h", ChangeSetting(-1), "change", "the value before", "Settings", 2, "settings"),
    Key("backspace,delete", "Bksp", DefaultSetting(), "default", "its default", "Settings", 3, "settings"),
    Key("question_mark", "?", OpenHelp(), "help", "show this page: what is on the screen, and all keys", "Run", 9),
    Key("ctrl+z", "Ctrl-Z", Suspend(), "suspend", "back to the shell; fg goes on", "Run"),
    Key("q,ctrl+q", "q", Quit(), "quit", "leave", "Run", 10),
)  # fmt: skip


def shared_keys(screen: FullScreenName) -> list[tuple[int, Key]]:
    """The keys that work in all panes of a full screen unless a pane has its own, with their places in KEYS."""
    first = PANES_OF[screen][:1]
    return [(i, key) for i, key in enumerate(KEYS) if key.is_of(screen) and key.pane in ("", *first)]


def has_meaning(message: KeyMessage, screen: FullScreenName) -> bool:
    """Whether a key with this message means anything on a full screen; what stands in no key does."""
    known = [key for key in KEYS if type(key.message) is type(message)]
    return not known or screen not in ALONE or any(key.is_of(screen) for key in known)
