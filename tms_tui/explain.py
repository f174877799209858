# ruff: noqa: E501
"""What the things on the screen are: one table, from which the line of explanation and the help page are made.

A term has its sign on the screen, the pane that shows it, a sentence without numbers in clauses (the line shows
as many as there is room for), a longer text, and the section of the paper that it is from; "" where it is
not the paper's. (A term reads best as it is written: the limit of line length is off.)
"""

from typing import NamedTuple

# Sections of "Toy Models of Superposition" (Elhage et al., 2022).
DEFINITIONS = "Definitions and Motivation: Features, Directions, and Superposition"
DEMONSTRATING = "Demonstrating Superposition"
UNIFORM = "The Geometry of Superposition: Uniform Superposition"
DYNAMICS = "Superposition and Learning Dynamics"
PHASES = "Superposition as a Phase Change"


class Term(NamedTuple):
    sign: str  # as it is written on the screen
    pane: str  # of the table in panes/__init__.py; "" for the lines above and below
    short: tuple[str, ...]  # clauses of one sentence, which follow "SIGN: "
    text: str
    section: str = ""

    @property
    def sentence(self) -> str:
        return "".join(self.short)


TERMS: dict[str, Term] = {
    # The space.
    "space": Term(
        "Space",
        "space",
        ("a line is a feature's direction", ", a point the hidden activations of one input"),
        "The hidden dimensions. The line from the origin to number j is the direction of feature j: row j of W, "
        "which is what the hidden layer is when feature j alone is active, at 1 (before its ReLU, in the models "
        "that have one there). Two dimensions are seen from above, three are turned, and of more than three "
        "y chooses what is shown: the first principal components, three axes, or a tour.",
        DEFINITIONS,
    ),
    "cloud": Term(
        "points",
        "space",
        ("hidden activations of a fixed sample of inputs", ", which flow as the weights learn"),
        "Each point is an input, encoded by the weights that are shown. The inputs are drawn once and stay, so "
        "that the points move only because the weights do. d chooses the data: as trained on, or with exactly "
        "1, 2 or 3 features active.",
    ),
    "all magnitudes": Term(
        "colour",
        "space",
        ("the active features' colours, added up", ", each as strong as its feature"),
        "By all magnitudes, as in the seed: the sum of the features' colours, each times how strongly its feature "
        "is active, cut off at white.",
    ),
    "one feature": Term(
        "colour",
        "space",
        ("how active one feature is in each input", ", from dark violet at 0 to yellow at 1"),
        "By one feature: the selected one, or else feature 0, on matplotlib's scale Viridis.",
    ),
    "strongest feature": Term(
        "colour",
        "space",
        ("that of the most active feature of each input",),
        "By the strongest feature: the colour of the feature that is most active. Regions of one colour are what "
        "the directions pull apart.",
    ),
    "error": Term(
        "colour",
        "space",
        ("the brighter, the worse the input is reconstructed",),
        "By the error: the squared error of each input, every feature as important, in square roots so that small ones differ, on matplotlib's scale "
        "Viridis; its bright end is the 99th percentile.",
    ),
    "solid": Term(
        "names of solids",
        "space",
        ("the ideal nearest to the represented directions", ", part by orthogonal part"),
        "The represented features are taken as unit vectors and split into parts that are orthogonal to each other "
        "(the paper's tegum products). Each part has the name of the nearest ideal, from single feature, digon "
        "(two opposite ones) and triangle to cube, square antiprism and snub disphenoid; where none is within "
        '15° it is "6 in 3": six features in three dimensions. Trained models form a continuum, so read the '
        "residual beside the name.",
        UNIFORM,
    ),
    "residual": Term(
        "residual, ° off",
        "space",
        ("the root-mean-square angle between features and ideal", ", after the best rotation"),
        "How far the model is from the solid that names it: the root-mean-square angle, in degrees, between the "
        "directions of the features and the vertices of the ideal, after the best rotation and matching. Lengths do "
        "not count.",
    ),
    "mouse in space": Term(
        "mouse",
        "space",
        ("drag to turn, the wheel to zoom, click a tip to choose it",),
        "Dragging turns the space, and the wheel moves nearer or away. Over the tip of a vector or its number the line at the bottom says what "
        "the feature is; a click chooses it, shift and a click compare it with the chosen one. Over an edge it has the angle of its two features, "
        "which a click chooses, and over a trail how far the tip has come.",
    ),
    "edges": Term(
        "edges",
        "space",
        ("of the solid that the represented features make", "; those at its back are dotted"),
        "E draws the edges of the convex hull of the represented features' tips; in a part of two dimensions its "
        "polygon, in one of one dimension the line. An edge is at the back, and dotted, if both faces that meet in it look away.",
        UNIFORM,
    ),
    "A and B": Term(
        "A and B",
        "space",
        ("a model that was pinned, and what is shown now", ", laid over each other as well as they can be"),
        "b pins what is shown as A: an instance at a step. b again shows both under one camera, then A alone, then "
        "the present; Esc forgets A. On the screen of runs b makes the best instance of a run A. A is turned, and mirrored if "
        "that is nearer, and its features are matched with those of B where that explains it better, since neither "
        "rotation nor numbering changes the loss. Beside them stand losses, D and names, and what differs.",
    ),
    "trails": Term(
        "trails",
        "space",
        ("where the tips have been since the last live change", ", or since A was pinned"),
        "After a live change each tip leaves a thin line for some seconds of training, and when one looks back: the way on which the "
        "solid folds into another. With A pinned in the same run they begin there.",
    ),
    # The loss.
    "loss": Term(
        "batch loss",
        "loss",
        ("mean over rows and features of I (x' - x)²", ", on the batches trained on"),
        "What training lowers: the mean over the rows of a batch and all features of importance times the "
        "squared error of the reconstruction x' of x. The line is smoothed; the band behind it is the least and the "
        "greatest of single batches, or of the instances where there are several. The number in the run bar is "
        "the mean over about the last 100 steps. The seed prints it divided by the batch size once more.",
        DEMONSTRATING,
    ),
    "changes": Term(
        "live changes",
        "loss",
        ("upright lines mark steps at which a field was changed",),
        "What is changed while it trains, with [ ] { } ( ), is marked in the loss at its step and recorded in the "
        "run. A change of sparsity or importance makes another task: losses before and after it are of different data.",
    ),
    "drift": Term(
        "drift",
        "loss",
        ("the sparsity moves slowly by itself", ", up, then down, at the key S"),
        "S lets the density shrink (S rises), S again lets it grow, a third one lets it stay. Features enter superposition, or "
        "leave it, one after another, each marked as a live change; the paper trains a model for each sparsity instead.",
        DEMONSTRATING,
    ),
    "replay": Term(
        "replay",
        "loss",
        ("the kept steps as a loop", ", in which about as much changes from picture to picture"),
        "w plays the run from the step that is looked at, or from the last live change, and begins again at the end. < and > change its speed, "
        "space and w stop it where it is. Every picture is of weights that were kept: nothing is put between them.",
        DYNAMICS,
    ),
    "film": Term(
        "film",
        "loss",
        ("what replay shows, written as GIF and as an asciinema cast",),
        "F makes it in another process, while training goes on. The title line says how many pictures are drawn, a toast where the files are.",
    ),
    "overlays": Term(
        "overlays",
        "loss",
        ("over the loss: each instance, theory's levels, another run",),
        "A goes through them. Levels are what pure strategies cost, in closed form. Enter in the loss chooses another run, and so does A on "
        "the screen of runs; its loss is drawn over its own steps.",
    ),
    "mouse in loss": Term(
        "mouse",
        "loss",
        ("click to look at a step, the wheel zooms", "; a double click maximises"),
        "Over the loss, it reads the step and the losses below it. A click looks at the kept step that is nearest, and dragging along the "
        "timeline goes through them; where a part is shown, dragging moves it. The wheel zooms in steps, over the axis at the left in losses. "
        "A double click gives the pane the whole screen, and back, here as in every other pane.",
    ),
    # The features.
    "D": Term(
        "D",
        "features",
        ("the share of a hidden dimension that a feature has", ": 1 alone, ½ in a digon, ⅖ in a pentagon"),
        "Dimensionality, D = ‖W_j‖² / Σ_k (u_j ⋅ W_k)², with u_j the unit vector along W_j. The sum has feature j "
        "itself, k = j, so D is 1 for a feature that no other lies along, and the less, the more the others do: ¾ "
        "in a tetrahedron, ⅔ in a triangle, ½ in a digon, ⅖ in a pentagon, ⅜ in a cube. 1/D − 1 is with how many "
        "others of its own length it shares: 1 in a digon, 1.5 in a pentagon.",
        UNIFORM,
    ),
    "norm": Term(
        "‖W‖",
        "features",
        ("the length of a feature's direction", ": about 1 if it is represented, 0 if it is ignored"),
        "The norm of row j of W, and the length of its line in the space and of its bar. Of feature j active at 1, "
        "‖W‖² comes back by way of the hidden layer (of tied_relu and linear, before bias and ReLU). A bar is full at 1.25, "
        "and has a point at its end where the norm is larger.",
        DEMONSTRATING,
    ),
    "represented": Term(
        "✓ represented",
        "features",
        ("‖W‖ is above one half",),
        "A feature counts as represented if the norm of its direction is above one half, on the way from 0, where it "
        "is ignored, to 1. The paper shows norms without a border.",
        DEMONSTRATING,
    ),
    "mouse in features": Term(
        "mouse",
        "features",
        ("click to select, shift-click to compare",),
        "Over a row, the line at the bottom says what the feature is. A click selects it, or no longer; shift and a click on another one compare the two, as Enter does. The wheel scrolls.",
    ),
    # The ladder.
    "ladder": Term(
        "D ladder",
        "ladder",
        ("each feature at its D", ", beside the values that solids have"),
        "Dimensionalities are not spread evenly: as features learn, they gather at those of solids and jump from one "
        "to another. Marked are 1 (alone), ¾ (tetrahedron), ⅔ (triangle), ½ (digon, octahedron), ⅖ (pentagon), ⅜ "
        "(square antiprism, cube) and ⅓ (hexagon): n features of one length that spread evenly over m dimensions "
        "have D = m / n. So D alone does not name a solid.",
        UNIFORM,
    ),
    "energy levels": Term(
        "energy levels",
        "ladder",
        ("D of each feature over the steps", ": flat on a level, steep where it jumps"),
        "D of each feature at the steps whose weights are kept, over the step on a logarithmic axis. The paper "
        "calls it energy levels: features stay on one, and jump, and the loss falls when they do. → and ← change "
        "between this and D now.",
        DYNAMICS,
    ),
    "levels": Term(
        "levels of the loss",
        "ladder",
        ("what pure strategies lose", ": so many digons, single features, the rest dropped"),
        "A closed form for the model tied_relu with bernoulli data: k dimensions hold a digon each, m − k a "
        "single feature, all of length 1, and the least important features are dropped. A digon costs p²/6 times "
        "the importance of its two features, a dropped feature its importance times p/3 (p/3 − p²/4 with a bias), "
        "summed and divided by the number of features; p = 1 − S. Training may end below a level, by other lengths, "
        "biases and solids. A lays levels over the loss: of many the ends and the best, and beside them the best "
        "polygon of equal features in a plane and, of up to three features, the optimum, both searched for.",
        DEMONSTRATING,
    ),
    "mouse in ladder": Term(
        "mouse",
        "ladder",
        ("over a row, it says what the feature is",),
        "Over a row, the line at the bottom says what the feature is. A click selects it.",
    ),
    # W Wᵀ.
    "gram": Term(
        "W Wᵀ",
        "gram",
        ("row j, column k: W_j ⋅ W_k", ", red above 0, blue below, ground at 0"),
        "The products of all pairs of directions. On the diagonal stands ‖W_j‖²; beside it, in the models tied_relu "
        "and linear, what feature j, active at 1, adds to feature k before bias and ReLU: its interference. With a "
        "ReLU, red harms and blue does little: where k is 0, the ReLU removes it (if k's bias is not above 0). Colours "
        "grow with the square root, so that small values are seen; the scale below has its two ends. O orders the "
        "features by the solids that are found, so that each is a block on the diagonal.",
        DEMONSTRATING,
    ),
    "interference": Term(
        "interference",
        "gram",
        ("W_j ⋅ W_k: what one feature adds to another",),
        "The cosine is that of the angle between two directions: −1 opposite, 0 orthogonal. Times both lengths it is "
        "W_j ⋅ W_k. The sum over all k ≠ j of (u_j ⋅ W_k)² is the interference with feature j, which D is made of.",
        UNIFORM,
    ),
    "patch": Term(
        "a cell of many",
        "gram",
        ("where there are more features than cells", ", a cell has the strongest value of its patch"),
        "The strongest is the value that is farthest from 0, whichever sign it has: what stands out is never lost. "
        "The title says how many rows and columns a cell stands for. m gives the pane the whole screen.",
    ),
    "mouse in gram": Term(
        "mouse",
        "gram",
        ("over a cell, it reads it; click to choose its two features",),
        "Over a cell, the line at the bottom reads it: angle, cosine and product of its two features. A click chooses them.",
    ),
    # The numbers.
    "fresh loss": Term(
        "fresh loss",
        "numbers",
        ("the loss on data that it was not trained on", ", with its standard error, or exact"),
        "The same loss on data of the same law that training never saw. For up to 8 features of most models and laws "
        "it is the exact expectation; else the mean over fresh rows, the same rows for all runs of that law, and ± "
        "is its standard error. While it trains it is of an earlier step, which is named.",
    ),
    "place": Term(
        "place",
        "numbers",
        ("by fresh loss, among the instances of the same task", ", best first"),
        "The place of the instance by its loss on fresh data, among those with the same sparsity and importances.",
    ),
    "to the best": Term(
        "to the best",
        "numbers",
        ("fresh loss, less that of the best of the same task",),
        "All are evaluated on the same rows, so the error of a difference is far below that of either loss.",
    ),
    "n represented": Term(
        "represented",
        "numbers",
        ("features whose ‖W‖ is above one half",),
        "How many features have a direction longer than one half. More of them than hidden dimensions is superposition.",
        DEMONSTRATING,
    ),
    "sum D": Term(
        "ΣD",
        "numbers",
        ("D, summed over the features", ": at most the number of hidden dimensions"),
        "It is the number of hidden dimensions m where all are shared out evenly, as in regular solids and in "
        "products of them; never more. What is missing is lost to uneven packing, or to dimensions without features.",
        UNIFORM,
    ),
    "mean norm²": Term(
        "mean ‖W‖²",
        "numbers",
        ("the mean over the features of ‖W‖²", "; n times that is the paper's ‖W‖² of all"),
        "Times the number of features it is the squared Frobenius norm of W, which the paper takes for the number of "
        "features that are learned, and by which it divides m for the dimensions a feature, D*.",
        UNIFORM,
    ),
    "S": Term(
        "S",
        "numbers",
        ("sparsity: the probability that a feature is 0", "; density p = 1 − S"),
        "The probability that a feature is 0 in a row (with sets: that a set does not fire; where rows without "
        "an active feature are drawn again: before that; with exactly n active ones it plays no part). The sparser, the rarer features meet, and the more of them fit into "
        "superposition. [ and ] change it while it trains.",
        DEMONSTRATING,
    ),
    "rate": Term(
        "rate",
        "numbers",
        ("the learning rate of the optimiser",),
        "The length of the optimiser's steps, before its schedule. { and } change it while it trains.",
    ),
    "I": Term(
        "I",
        "numbers",
        ("importance: the weight of a feature in the loss", "; decay^j, or a list"),
        "Feature j counts I_j times in the loss: decay^j, a list, or their product. Less important features are "
        "the first to be dropped, or to share. ( and ) change the decay while it trains.",
        DEMONSTRATING,
    ),
    "pace": Term(
        "pace",
        "numbers",
        ("steps a second that are taken at most", ": < slower, > faster"),
        "How fast it is to be watched. The last pace has no limit; G trains to the end at full speed.",
    ),
    "speed": Term(
        "speed",
        "numbers",
        ("steps a second that are taken",),
        "That of the kernel, or the pace where that is slower.",
    ),
    "kernel": Term(
        "kernel",
        "numbers",
        ("the code that trains",),
        "All are tested against torch's, which trains every model and law. numba, lanes and Triton are compiled, and "
        "serve where they can. The key D shows what is on this machine.",
    ),
    "device": Term(
        "device",
        "numbers",
        ("where it trains: the CPU, or a GPU",),
        "Chosen at the start with --device, or by TMS_DEVICE.",
    ),
    "mouse in numbers": Term(
        "mouse",
        "numbers",
        ("over a number, it says what it is",),
        "Over a number, the line at the bottom says what it is.",
    ),
    # The population.
    "wall": Term(
        "wall",
        "wall",
        ("the spaces of all instances under one camera", ", in the order of the table"),
        "As many as fit, live while they train: the paper shows models of many sparsities in this way. Above each stand what it differs in and "
        "its name; names like that of the selected one are lit. Enter opens one in the dashboard, Esc comes back.",
        DEMONSTRATING,
    ),
    "mouse in wall": Term(
        "mouse",
        "wall",
        ("drag to turn all, click to select, twice to open", "; the wheel goes on"),
        "Over a space, the line at the bottom says what the instance is. Dragging turns all spaces, a click selects one, a double click opens it "
        "in the dashboard; on the frame it maximises the pane. The wheel goes a row on.",
    ),
    "table": Term(
        "instances",
        "table",
        ("a row each, sorted by any column", ": ← → or a click on its heading"),
        "Number, what the instances differ in, loss on fresh data (or of the latest batches), features represented, ΣD, name, how far from the ideal, "
        "and a bar with D of each feature. What is not known comes last. Instances whose losses are not finite have diverged and are in no mean.",
    ),
    "mouse in table": Term(
        "mouse",
        "table",
        ("click a heading to sort, a row to select", ", twice to open it"),
        "Over a row, the line at the bottom says what the instance is. A click on a heading sorts by it, one more the other way round; a click on "
        "a row selects, a double click opens it in the dashboard.",
    ),
    "names": Term(
        "names",
        "names",
        ("what the instances have become", ", the most frequent first, each with its best loss"),
        "A bar is as long as the name is frequent. Many seeds of one task end in few solids, some of them local minima: compare the best losses. "
        "A click, or ↑ ↓, goes to the best instance of a name; ; to the next of the same.",
        UNIFORM,
    ),
    "mouse in names": Term(
        "mouse",
        "names",
        ("click a name to select its best instance",),
        "Over a name, the line at the bottom says what its best instance is. A click selects that instance.",
    ),
    # Phases.
    "phases": Term(
        "phases",
        "phases",
        ("a cell is one setting of a sweep, by its best model", ", coloured by what c chooses"),
        "Names, the loss, D of a feature, or as in the paper its norm and interference: ignored, in superposition, or with a dimension to itself. "
        "Between these it jumps: phases, with boundaries that theory gives for n = 2, m = 1. Enter trains the best model of the cell in the "
        "dashboard, a all of them.",
        PHASES,
    ),
    "theory": Term(
        "theory's boundary",
        "phases",
        ("where another minimum of the loss is the least", "; dashed: among pure strategies"),
        "The solid line bounds the states of the numerical optimum of the exact loss; the dashed one those of pure strategies: a feature ignored, "
        "one dedicated, or both in a digon. Trained models differ where they end in local minima.",
        PHASES,
    ),
    "mouse in phases": Term(
        "mouse",
        "phases",
        ("click a cell to read it, again to open it",),
        "Over a cell, the line at the bottom says what its best model is. A click moves the cursor there, a click on the cursor opens the cell's "
        "best model in the dashboard.",
    ),
    # Runs.
    "runs": Term(
        "runs",
        "runs",
        ("runs and sweeps on disk, one line each", ", sorted by any column: ← →"),
        "Name, experiment in a few words, step, loss, age, size and state: running (in this or another process), silent (it gives no sign of life), "
        "finished, diverged, stopped, died (its process ended without a word), damaged. Enter opens a run, followed and read only while another "
        "process trains it; b compares it with what the dashboard shows, A lays its loss over that of the dashboard's.",
    ),
    "preview": Term(
        "preview",
        "runs",
        ("the space of the best instance, or a sweep's diagram",),
        "As it was saved last; of runs above 64 MB there is none.",
    ),
    "mouse in runs": Term(
        "mouse",
        "runs",
        ("click to choose, again to open; a heading to sort",),
        "A click chooses a run, a click on the chosen one opens it. A click on a heading sorts by it, one more the other way round.",
    ),
    # Above and below.
    "keys": Term(
        "keys",
        "",
        ("the row at the bottom: what leads on from here", ", then those of the pane in focus"),
        "Each can be clicked. J shows a letter over each pane and row, which goes there; / searches features, instances and runs; Ctrl-P finds every "
        "command, preset, instance, run and theme by some words of it.",
    ),
    # The settings, by their names in settings.toml.
    "theme": Term(
        "theme",
        "settings",
        ("the colours of everything but the features",),
        "Two themes are ours, tms-dark and tms-light; the others are Textual's.",
    ),
    "render": Term(
        "render",
        "settings",
        ("what pictures are made of", ": braille, half blocks, ASCII, or images over characters"),
        "What pictures are made of. Braille is finest, blocks have two colours a cell and need no special font, ASCII "
        "works everywhere. auto asks the terminal's name and the locale. image draws the space as a picture where the "
        "terminal can show one (kitty, iTerm2, sixel), everything else in characters; nothing chooses it by itself.",
    ),
    "palette": Term(
        "palette",
        "settings",
        ("the features' colours",),
        "The features' colours: Tableau, as the seed has them; safe, which those can tell apart who see red and green "
        "alike; or terminal, twelve that every terminal of 16 colours has.",
    ),
    "lasting pace": Term(
        "pace",
        "settings",
        ("steps a second that are taken at most", ", at the next start too"),
        "Steps a second that are taken at most: how fast it is to be watched. < and > change it in the dashboard, and "
        "that lasts as well.",
    ),
    "fps": Term(
        "fps",
        "settings",
        ("frames a second at most",),
        "Frames a second of what moves, at most. A key is always answered at once, and a slow line gets what it can take.",
    ),
    "low_bandwidth": Term(
        "low bandwidth",
        "settings",
        ("for slow lines", ": 256 colours, 5 frames a second, no turning by itself"),
        "For slow lines: 256 colours, 5 frames a second at most, and no turning until you press a.",
    ),
    "turning": Term(
        "turning",
        "settings",
        ("whether the space turns by itself",),
        "Whether the space turns by itself. a in the dashboard changes that for this start.",
    ),
    "sides": Term(
        "side panes",
        "settings",
        ("whether there are panes beside the space",),
        "Whether loss, features and the other panes are there beside the space. z in the dashboard changes that for "
        "this start.",
    ),
    "projector": Term(
        "projector",
        "settings",
        ("large print, for a lecture hall",),
        "Large print for a lecture hall: the space with thick strokes and large numbers, the loss, and what counts in "
        "large figures. Z in the dashboard changes that for this start.",
    ),
    "colors": Term(
        "colours",
        "settings",
        ("how many colours the terminal has", ", as the environment says"),
        "How many colours the terminal has. No setting: TERM and COLORTERM say it, NO_COLOR turns them off, and "
        "TEXTUAL_COLOR_SYSTEM (standard, 256, truecolor) overrules both.",
    ),
    "mouse in settings": Term(
        "mouse",
        "settings",
        ("click a setting to choose it, again to change it",),
        "A click chooses a setting; a click on the chosen one takes its next value, at once and for good.",
    ),
    "title": Term(
        "title",
        "",
        ("run, features to hidden dimensions, sparsity, instance", ", device and kernel, random seed"),
        "The run's name; how many features are squeezed through how many hidden dimensions; the sparsity in force at "
        "the step that is shown; which instance of how many, and its place; what trains it; and the random seed, from "
        "which first weights and data are made again. What there is no room for is left out.",
    ),
    "autoplay": Term(
        "autoplay",
        "",
        ("presets, one after the other", "; a key that changes something takes over, W goes on"),
        "tms-tui --autoplay, for an open day: each preset is trained live from its first step, slowly where it folds, "
        "with its name and what one sees of it above the run bar; then comes the next. What only looks (turning, "
        "colours, Z) leaves it on; what changes something takes over, and W goes on. Nothing is saved by itself.",
    ),
    "timeline": Term(
        "run bar",
        "",
        ("steps taken, of all", "; the batch loss over about the last 100 of them"),
        "How much of the run is done. PgUp and PgDn look back at the weights that are kept: dense at the start and "
        "after each change, sparser later. Whatever shows a step shows it whole: its weights, its sparsity, its "
        "cloud, its loss.",
    ),
}  # fmt: skip

# The term by which each pane is explained first, in focus or under the mouse; and those of the numbers' rows.
OF_PANE = {
    "space": "space",
    "loss": "loss",
    "features": "D",
    "ladder": "ladder",
    "gram": "gram",
    "numbers": "fresh loss",
    "wall": "wall",
    "table": "table",
    "names": "names",
    "phases": "phases",
    "runs": "runs",
    "settings": "theme",
}


def terms_of(pane: str) -> list[Term]:
    """The terms of a pane, in the order of the table."""
    return [term for term in TERMS.values() if term.pane == pane]


def fitting(clauses: tuple[str, ...], cells: int, ellipsis: str = " …") -> str:
    """As many clauses as so many characters have room for, one after the other; no value in them is cut.

    The first one is cut at a word where it is longer.
    """
    said = ""
    for clause in clauses:
        if len(said) + len(clause) > cells:
            break
        said += clause
    if said or not clauses:
        return said
    words, kept = clauses[0].split(" "), ""
    for word in words:
        if len(kept) + len(word) + len(ellipsis) > cells:
            break
        kept += word + " "
    return kept.rstrip() + ellipsis if kept else ""
