# ruff: noqa: E501
"""The one table of keys: the bindings, the bar at the bottom, the help and the command palette are made from it.

(One key a line reads best, however long: the formatter and the limit of line length are off for the table.)

A key belongs to a pane if it has another meaning elsewhere (arrows turn the space, and move in the table). All
other keys work everywhere.
"""

from typing import Literal, NamedTuple

from tms_tui.messages import (
    ChangePace,
    Clear,
    ExportNow,
    Extend,
    FilmNow,
    FocusPane,
    KeyMessage,
    LookAtFirst,
    LookAtNewest,
    LookBack,
    MoveCursor,
    NextAxes,
    NextColoring,
    NextData,
    NextDrift,
    NextFeature,
    NextGuides,
    NextInstance,
    NextOverlay,
    NextPalette,
    NextPoints,
    NextProjection,
    OpenDoctor,
    OpenExperiment,
    OpenExport,
    OpenHelp,
    PanLoss,
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
    ToggleLog,
    ToggleLogSteps,
    ToggleMaximized,
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

Group = Literal["Time", "Live change", "Space", "Data and colour", "Panes", "Run"]
Pane = Literal["", "space", "loss", "features"]


class Key(NamedTuple):
    keys: str  # as Textual names them, with commas between those that do the same
    display: str  # as a person writes them
    message: KeyMessage  # what a press sends to `update`
    label: str  # for the bar: a word or two
    help: str  # a line
    group: Group
    rank: int = 0  # place in the bar, from 1; 0: not in the bar
    pane: Pane = ""  # in which the key has this meaning; "": in all


KEYS: tuple[Key, ...] = (
    Key("space", "space", TogglePause(), "pause", "pause, or go on", "Time", 1),
    Key("full_stop", ".", StepOnce(), "one step", "pause, and take one step", "Time"),
    Key("less_than_sign,comma", "<", ChangePace(-1), "slower", "fewer steps a second; a slower replay", "Time"),
    Key("greater_than_sign", ">", ChangePace(1), "faster", "more steps a second, at last without a limit; a faster replay", "Time"),
    Key("G", "G", RunToEnd(), "to the end", "train to the last step at full speed", "Time"),
    Key("w", "w", ToggleReplay(), "replay", "play the run as a loop, from here or the last change on; stop", "Time", 7),
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
    Key("o", "o", Roll(1), "roll", "roll to the right", "Space"),
    Key("plus,equals_sign", "+", Zoom(1), "zoom", "move nearer", "Space", 3),
    Key("minus", "-", Zoom(-1), "away", "move away", "Space"),
    Key("0", "0", ResetCamera(), "reset view", "reset the camera", "Space"),
    Key("a", "a", ToggleTurning(), "auto-turn", "turn automatically, or stop", "Space"),
    Key("p", "p", TogglePerspective(), "perspective", "perspective, or orthographic", "Space"),
    Key("g", "g", NextGuides(), "guides", "axes, axes and unit sphere, or neither", "Space"),
    Key("y", "y", NextProjection(), "projection", "more than 3 dimensions: PCA, three chosen axes, a grand tour", "Space"),
    Key("Y", "Y", NextAxes(), "axes", "the next three hidden dimensions", "Space"),
    Key("d", "d", NextData(), "data", "cloud: none, as trained, exactly 1, 2 or 3 active, all three", "Data and colour", 4),
    Key("c", "c", NextColoring(), "colour", "colour by all magnitudes, one feature, the strongest, the error", "Data and colour", 5),
    Key("f", "f", NextFeature(1), "feature", "select the next feature", "Data and colour"),
    Key("ctrl+f", "Ctrl-F", NextFeature(-1), "feature", "select the previous feature", "Data and colour"),
    Key("escape", "Esc", Clear(), "clear", "leave a maximised pane; stop a replay; deselect; now", "Data and colour"),
    Key("P", "P", NextPoints(), "points", "1,000, 4,000, 20,000 or 100,000 points", "Data and colour"),
    Key("B", "B", NextPalette(), "palette", "feature colours: Tableau, or safe for the colour-blind", "Data and colour"),
    Key("n", "n", NextInstance(1), "instance", "show the next instance", "Data and colour"),
    Key("N", "N", NextInstance(-1), "instance", "show the previous instance", "Data and colour"),
    Key("1", "1", FocusPane("space"), "space", "focus the space", "Panes"),
    Key("2", "2", FocusPane("loss"), "loss", "focus the loss; ← → go through the kept steps", "Panes"),
    Key("3", "3", FocusPane("features"), "features", "focus the features; ↑ ↓ select one", "Panes"),
    Key("4", "4", FocusPane("gram"), "gram", "focus W Wᵀ", "Panes"),
    Key("5", "5", FocusPane("numbers"), "numbers", "focus the numbers", "Panes"),
    Key("m", "m", ToggleMaximized(), "maximise", "maximise the pane in focus, or restore it", "Panes"),
    Key("L", "L", ToggleLog(), "log/linear", "loss on a logarithmic or a linear axis", "Panes"),
    Key("T", "T", ToggleLogSteps(), "log steps", "steps on a logarithmic or a linear axis", "Panes"),
    Key("A", "A", NextOverlay(), "overlay", "over the loss: each instance, theory's levels, another run", "Panes"),
    Key("left,h", "← h", MoveCursor(-1), "step", "look at the kept step before", "Panes", 0, "loss"),
    Key("right,l", "→ l", MoveCursor(1), "step", "look at the kept step after", "Panes", 0, "loss"),
    Key("plus,equals_sign", "+", ZoomLoss("steps", 1), "zoom", "fewer steps, around the cursor", "Panes", 0, "loss"),
    Key("minus", "-", ZoomLoss("steps", -1), "away", "more steps", "Panes", 0, "loss"),
    Key("up,k", "↑ k", ZoomLoss("losses", 1), "zoom", "a smaller part of the losses", "Panes", 0, "loss"),
    Key("down,j", "↓ j", ZoomLoss("losses", -1), "away", "a larger part of the losses", "Panes", 0, "loss"),
    Key("shift+left", "Sh ←", PanLoss(-0.25, 0), "pan", "show earlier steps", "Panes", 0, "loss"),
    Key("shift+right", "Sh →", PanLoss(0.25, 0), "pan", "show later steps", "Panes", 0, "loss"),
    Key("shift+up", "Sh ↑", PanLoss(0, 0.25), "pan", "show higher losses", "Panes", 0, "loss"),
    Key("shift+down", "Sh ↓", PanLoss(0, -0.25), "pan", "show lower losses", "Panes", 0, "loss"),
    Key("0", "0", WholeLoss(), "whole", "show the whole loss", "Panes", 0, "loss"),
    Key("up,k", "↑", NextFeature(-1), "select", "select the feature above", "Panes", 0, "features"),
    Key("down,j", "↓", NextFeature(1), "select", "select the feature below", "Panes", 0, "features"),
    Key("i", "i", OpenExperiment(), "experiment", "choose or change the experiment", "Run"),
    Key("e", "e", ExportNow(), "export", "save the run and all its figures, 300 dpi", "Run", 8),
    Key("x", "x", OpenExport(), "export as", "export to a directory, resolution and format of your choice", "Run"),
    Key("s", "s", SaveScreen(), "screenshot", "save the screen as SVG", "Run"),
    Key("C", "C", OpenCopy(), "copy", "copy the command, the path, a row of W or the table to the clipboard", "Run"),
    Key("D", "D", OpenDoctor(), "doctor", "what is on this machine, for a bug report", "Run"),
    Key("question_mark", "?", OpenHelp(), "help", "show this page", "Run", 9),
    Key("ctrl+z", "Ctrl-Z", Suspend(), "suspend", "back to the shell; fg goes on", "Run"),
    Key("q,ctrl+q", "q", Quit(), "quit", "leave", "Run", 10),
)  # fmt: skip
