# ruff: noqa: E501
"""ONE table of keys: the bindings, the bar at the bottom, the help and the command palette are made from it.

(One key a line reads best, however long: the formatter and the limit of line length are off for the table.)

A key belongs to a pane where it means something else in another (arrows turn the space and move in the
table); all others work everywhere.
"""

from typing import Literal, NamedTuple

Group = Literal["Time", "Live change", "Space", "Data and colour", "Panes", "Run"]
Pane = Literal["", "space", "loss", "features"]


class Key(NamedTuple):
    keys: str  # as Textual names them, with commas between those that do the same
    display: str  # as a person writes them
    action: str  # of the app, or of the pane
    label: str  # for the bar: a word or two
    help: str  # a line
    group: Group
    rank: int = 0  # place in the bar, from 1; 0 keeps it out
    pane: Pane = ""


KEYS: tuple[Key, ...] = (
    Key("space", "space", "toggle_pause", "pause", "pause, or go on", "Time", 1),
    Key("full_stop", ".", "step_once", "one step", "pause, and take one step", "Time"),
    Key("less_than_sign,comma", "<", "slower", "slower", "fewer steps a second", "Time"),
    Key("greater_than_sign", ">", "faster", "faster", "more steps a second; past the last, no limit", "Time"),
    Key("G", "G", "run_to_end", "to the end", "train to the last step as fast as it goes", "Time"),
    Key("pageup", "PgUp", "look_back", "look back", "look back through the kept weights", "Time"),
    Key("pagedown", "PgDn", "look_forth", "look forth", "look forward again", "Time"),
    Key("home", "Home", "look_first", "first step", "look at the weights before the first step", "Time"),
    Key("end", "End", "look_live", "now", "look at the weights of now", "Time"),
    Key("r", "r", "restart", "restart", "start again with the same seed", "Time"),
    Key("R", "R", "reseed", "new seed", "start again with the next seed", "Time"),
    Key("t", "t", "extend", "train on", "give a run as many steps again", "Time"),
    Key("left_square_bracket", "[", "denser", "denser", "lower the sparsity: half as much again is active", "Live change"),
    Key("right_square_bracket", "]", "sparser", "sparsity", "raise the sparsity: a third less is active", "Live change", 6),
    Key("left_curly_bracket", "{", "rate_down", "slower learning", "learning rate × ⅔", "Live change"),
    Key("right_curly_bracket", "}", "rate_up", "faster learning", "learning rate × 1½", "Live change"),
    Key("left_parenthesis", "(", "importance_down", "steeper", "importance falls faster from feature to feature", "Live change"),
    Key("right_parenthesis", ")", "importance_up", "flatter", "importance falls more slowly, up to not at all", "Live change"),
    Key("left,h", "← h", "turn(-1,0)", "turn", "turn the space to the left", "Space", 2, "space"),
    Key("right,l", "→ l", "turn(1,0)", "turn", "turn it to the right", "Space", 0, "space"),
    Key("up,k", "↑ k", "turn(0,1)", "turn", "look from higher up", "Space", 0, "space"),
    Key("down,j", "↓ j", "turn(0,-1)", "turn", "look from lower down", "Space", 0, "space"),
    Key("u", "u", "roll(-1)", "roll", "roll to the left", "Space"),
    Key("o", "o", "roll(1)", "roll", "roll to the right", "Space"),
    Key("plus,equals_sign", "+", "zoom(1)", "zoom", "come nearer", "Space", 3),
    Key("minus", "-", "zoom(-1)", "away", "go away", "Space"),
    Key("0", "0", "reset_camera", "reset view", "back to where the camera was at first", "Space"),
    Key("a", "a", "toggle_turning", "auto-turn", "let it turn by itself, or stop it", "Space"),
    Key("p", "p", "toggle_perspective", "perspective", "perspective, or orthographic", "Space"),
    Key("g", "g", "next_guides", "guides", "axes, axes and unit sphere, or neither", "Space"),
    Key("y", "y", "next_projection", "projection", "more than 3 dimensions: PCA, three chosen axes, a grand tour", "Space"),
    Key("Y", "Y", "next_axes", "axes", "the next three hidden dimensions", "Space"),
    Key("d", "d", "next_data", "data", "the cloud: none, as trained on, exactly 1, 2, 3 active, all three", "Data and colour", 4),
    Key("c", "c", "next_coloring", "colour", "colour by all magnitudes, one feature's, the strongest, the error", "Data and colour", 5),
    Key("f", "f", "next_feature(1)", "feature", "select the next feature: it lights up everywhere", "Data and colour"),
    Key("F", "F", "next_feature(-1)", "feature", "select the one before", "Data and colour"),
    Key("escape", "Esc", "clear", "clear", "select no feature; leave a maximised pane", "Data and colour"),
    Key("P", "P", "next_points", "points", "1,000, 4,000, 20,000 or 100,000 points", "Data and colour"),
    Key("B", "B", "next_palette", "palette", "feature colours: Tableau, or safe for the colour-blind", "Data and colour"),
    Key("n", "n", "next_instance(1)", "instance", "the next of many instances", "Data and colour"),
    Key("N", "N", "next_instance(-1)", "instance", "the one before", "Data and colour"),
    Key("1", "1", "focus_pane('space')", "space", "to the space", "Panes"),
    Key("2", "2", "focus_pane('loss')", "loss", "to the loss; ← → read it", "Panes"),
    Key("3", "3", "focus_pane('features')", "features", "to the features; ↑ ↓ select one", "Panes"),
    Key("4", "4", "focus_pane('gram')", "gram", "to W Wᵀ", "Panes"),
    Key("5", "5", "focus_pane('numbers')", "numbers", "to the numbers", "Panes"),
    Key("m", "m", "toggle_maximize", "maximise", "the pane in focus fills the screen, or not", "Panes"),
    Key("L", "L", "toggle_log", "log/linear", "loss on a logarithmic or a linear axis", "Panes"),
    Key("left", "←", "read(-1)", "read", "read the loss a little earlier", "Panes", 0, "loss"),
    Key("right", "→", "read(1)", "read", "read it a little later", "Panes", 0, "loss"),
    Key("up,k", "↑", "select(-1)", "select", "select the feature above", "Panes", 0, "features"),
    Key("down,j", "↓", "select(1)", "select", "select the feature below", "Panes", 0, "features"),
    Key("i", "i", "experiment", "experiment", "choose another experiment, or change this one", "Run"),
    Key("e", "e", "export", "export", "save the run and all its figures, 300 dpi", "Run", 7),
    Key("x", "x", "export_as", "export as", "the same, where and how you say", "Run"),
    Key("s", "s", "save_screen", "screenshot", "the screen as an SVG", "Run"),
    Key("question_mark", "?", "help", "help", "this page", "Run", 8),
    Key("q,ctrl+q", "q", "quit", "quit", "leave", "Run", 9),
)  # fmt: skip
