"""What is said of the thing in focus, or under the mouse, in clauses of one sentence with its numbers.

Every number is of an engine's function of the weights that are shown; the words are of `explain.py`.
"""

import math

import numpy as np
from jaxtyping import Float32

from tms_engine.analysis import geometry
from tms_engine.analysis.geometry import REPRESENTED_NORM, Alone
from tms_engine.digits import number, short
from tms_engine.errors import visible
from tms_engine.experiment import Experiment
from tms_tui.explain import OF_PANE, TERMS
from tms_tui.keys import ALONE
from tms_tui.memo import Memo
from tms_tui.model import Model
from tms_tui.panes.comparison import laid_over
from tms_tui.panes.measures import measures
from tms_tui.panes.numbers import number_rows
from tms_tui.panes.population_text import known_of
from tms_tui.panes.space_view import trail_shown
from tms_tui.phases_state import drawn_points, order_of
from tms_tui.population import make_rows
from tms_tui.reading import Thing
from tms_tui.space_scene import cloud_rows, n_vectors

Clauses = tuple[str, ...]

# Weights up to which all features are looked at for the rivals of one: a few milliseconds.
_MOST_WEIGHTS = 1 << 20
# With fewer others than this, a feature has its direction to itself.
_SHARES = 0.05
# Models whose x' is W Wᵀ x before bias and ReLU.
_ADDS = ("tied_relu", "linear")


def thing_read(model: Model) -> Thing | None:
    """What the mouse is over; else the cursor of the pane in focus, what is chosen, or the pane itself."""
    options, reading, pane = model.options, model.reading, model.layout.focused
    if reading.under is not None:
        return reading.under
    if model.trail[-1] == "population":
        return Thing(OF_PANE.get(pane, "wall"))
    if model.trail[-1] == "settings":
        chosen = model.settings_state.chosen
        return Thing("lasting pace" if chosen == "pace" else chosen)
    if model.trail[-1] in ALONE:
        return Thing(OF_PANE[model.trail[-1]])
    if pane == "gram" and reading.cell is not None:
        return Thing("interference", *reading.cell)
    if options.feature is not None and pane not in ("numbers", "loss"):
        is_pair = reading.other not in (None, options.feature)
        return Thing(
            "interference" if is_pair else "norm", options.feature, reading.other if is_pair else None
        )
    if pane == "numbers":
        return Thing("fresh loss", row=reading.row)
    if pane == "ladder" and reading.ladder == "steps":
        return Thing("energy levels")
    return Thing(OF_PANE[pane]) if pane in OF_PANE else None


def is_asked_for(model: Model) -> bool:
    """Whether something is pointed at, chosen or in focus beyond what an app that was just started has."""
    if model.trail[-1] != "dashboard":
        return model.reading.under is not None
    is_first = model.layout.focused in ("", "space") and model.options.feature is None
    return model.reading.under is not None or not is_first


def explained(model: Model, memo: Memo) -> Clauses:
    """The clauses, the most telling first; none before there are weights."""
    thing = thing_read(model)
    if thing is not None and thing.term == "runs":
        return _of_runs(model, thing.row)
    if thing is not None and thing.term == "phases":
        return _of_phases(model, thing.cell)
    if thing is None or model.shown is None:
        return ()
    if thing.instance is not None:
        return _of_instance(model, memo, thing.instance)
    if thing.term == "trails" and thing.feature is not None:
        return _of_trail(model, memo, thing.feature)
    if thing.feature is not None and thing.other is not None:
        return _of_pair(model, memo, thing)
    if thing.feature is not None:
        return _of_feature(model, memo, thing.feature)
    if thing.row is not None:
        return _of_number(model, memo, thing.row)
    said = _OF_TERMS.get(thing.term)
    return said(model, memo) if said else _with(thing.term)


def _with(term: str, *more: str) -> Clauses:
    """The sentence of a term, and more clauses."""
    first, *others = TERMS[term].short
    return (f"{TERMS[term].sign}: {first}", *others, *more)


def _weights(model: Model) -> Float32[np.ndarray, "instances features hidden"]:
    assert model.shown is not None
    return model.shown.weights


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _of_feature(model: Model, memo: Memo, j: int) -> Clauses:
    found = memo.latest(2, _alone, _weights(model), model.options.instance, j)
    if found is None:
        length = float(np.linalg.norm(_weights(model)[model.options.instance, j].astype(np.float64)))
        return (f"feature {j}: ‖W‖ {short(length)}",)
    start = f"feature {j}: ‖W‖ {short(found.norm)}"
    rival = f"; strongest interference with {found.rival}, {_minus(short(found.product))}"
    rivals = (rival,) if found.rival >= 0 else ("; no interference",)
    weight = memo.latest(2, _importance, model.experiment, model.options.instance, j)
    weights = (f"; importance {short(weight)}",) if weight != 1 else ()
    pinned = model.reading.other == j == model.options.feature
    last = ("; select another one to compare it with",) if pinned else ()
    if found.norm <= REPRESENTED_NORM:
        return (f"{start}, not represented (½ and below)", *rivals, *weights, *last)
    start += f", D {short(found.dimension)}"
    if found.others < _SHARES:
        return (start, ": has its dimension to itself", *rivals, *weights, *last)
    others = number(found.others, 2).removesuffix(".0")
    shares = f": shares its dimensions with {others} other{'' if others == '1' else 's'}"
    return (start, shares, *rivals, *weights, *last)


def _alone(weights: Float32[np.ndarray, "instances features hidden"], instance: int, j: int) -> Alone | None:
    return geometry.feature(weights[instance], j) if weights[instance].size <= _MOST_WEIGHTS else None


def _importance(experiment: Experiment, instance: int, j: int) -> float:
    return float(experiment.alone(instance).feature_importance()[0, j])


def _of_pair(model: Model, memo: Memo, thing: Thing) -> Clauses:
    j, k = thing.feature, thing.other
    assert j is not None
    assert k is not None
    found = memo.latest(2, _pair, _weights(model), model.options.instance, j, k)
    product = _minus(short(found.product))
    adds = model.experiment.model in _ADDS
    rows, columns = thing.patch
    of_patch = f"strongest of {rows} × {columns}: " if rows * columns > 1 else ""
    if j == k:
        back = ", which comes back of it when it is active at 1" if adds else ""
        return (f"{of_patch}feature {j} with itself: ‖W‖² {product}", back)
    angle = (
        f"{found.degrees:.0f}°, cosine {_minus(short(found.cosine))}"
        if math.isfinite(found.cosine)
        else "no angle, for one of them is 0"
    )
    is_edge = thing.term == "edges"
    clauses = [f"{'edge, ' * is_edge}{of_patch}{j} and {k}: {angle}, W ⋅ W {product}"]
    if is_edge:
        ends = _weights(model)[model.options.instance, [j, k]].astype(np.float64)
        clauses.append(f"; {short(float(np.linalg.norm(ends[1] - ends[0])))} long")
    if adds:
        relu = " before the ReLU" if model.experiment.model == "tied_relu" else ""
        clauses.append(f"; {j}, active at 1, adds {product} to {k}{relu}")
        if relu and found.product < 0 and _bias(model, k) <= 0:
            clauses.append(f", which removes it where {k} is 0")
    return tuple(clauses)


def _of_trail(model: Model, memo: Memo, j: int) -> Clauses:
    """How far a tip has come on its trail."""
    trail = trail_shown(model, memo)
    if trail is None:
        return _with("trails")
    now = _weights(model)[model.options.instance, j]
    way = geometry.pair(np.stack([trail.weights[0][j], now]), 0, 1)
    lengths = [short(float(np.linalg.norm(w.astype(np.float64)))) for w in (trail.weights[0][j], now)]
    turned = f"turned by {way.degrees:.0f}°, " if math.isfinite(way.degrees) else ""
    return (f"trail of {j}: since step {trail.since:,} {turned}‖W‖ {lengths[0]} → {lengths[1]}",)


def _pair(
    weights: Float32[np.ndarray, "instances features hidden"], instance: int, j: int, k: int
) -> geometry.Pair:
    return geometry.pair(weights[instance], j, k)


def _bias(model: Model, feature: int) -> float:
    bias = model.shown.bias if model.shown else None
    return 0.0 if bias is None else float(bias[model.options.instance, feature])


def _of_number(model: Model, memo: Memo, row: int) -> Clauses:
    measured = measures(model, memo)
    assert measured is not None
    rows = number_rows(model, measured)
    name, value, term = rows[row % len(rows)]
    first, *others = TERMS[term].short
    return (f"{name.strip() or TERMS[term].sign} {value}: {first}", *others)


def _of_instance(model: Model, memo: Memo, instance: int) -> Clauses:
    rows = memo(make_rows, model.view, model.shown, model.options.step is None)
    if instance >= len(rows.number):
        return ()
    first, *others = known_of(model, rows, instance)
    return (f"{first}: {others[0]}", *(f"; {other}" for other in others[1:])) if others else (first,)


def _of_population(model: Model, memo: Memo) -> Clauses:
    pane = model.layout.focused
    term = OF_PANE[pane] if pane in ("wall", "table", "names") else "wall"
    n = model.experiment.n_instances
    return _with(term, f"; {n:,} instance{'s' * (n > 1)}")


def _of_runs(model: Model, place: int | None) -> Clauses:
    lines = model.runs.lines or ()
    if place is None or place >= len(lines):
        running = sum(line.state == "running" for line in lines)
        return _with("runs", *((f"; {len(lines):,} here", f", {running:,} running") if lines else ()))
    row, line = lines[place].row, lines[place]
    steps = f"; {'models' if line.is_sweep else 'step'} {row.step}" if row.step else ""
    parts = (f"{visible(row.name)}: {row.state}", f"; {row.experiment}" if row.experiment else "", steps)
    return tuple(filter(None, (*parts, f"; loss {row.loss}" if row.loss else "", f"; {row.size}")))


def _of_phases(model: Model, cell: tuple[int, int] | None) -> Clauses:
    """The best model of a cell: where it is, its name, its loss."""
    state = model.phases
    if state.shape is None or state.seen is None:
        return _with("phases")
    known = state.seen.points
    if cell is None:
        done = int((known.finished > 0).sum())
        return _with("phases", f"; {done:,} of {len(known.finished):,} settings are there")
    points = drawn_points(state)
    if not (cell[0] < points.shape[0] and cell[1] < points.shape[1]):
        return _with("phases")
    point = int(points[cell])
    where = []
    for axis, place, upwards in ((state.across, cell[1], False), (state.down, cell[0], True)):
        if axis >= 0:
            found = state.shape.axes[axis]
            where.append(f"{found.label} {found.told(int(order_of(found, upwards)[place]))}")
    if not known.finished[point]:
        return (", ".join(where) + ": not trained yet",)
    name = state.seen.names[int(known.name[point])] if known.name[point] >= 0 else "no name"
    loss = f"; best loss {number(float(known.loss[point]), 4)}" if math.isfinite(known.loss[point]) else ""
    represented = f"; {known.represented[point]:.0f} represented"
    total = f", ΣD {known.total_dimensionality[point]:.2f}"
    return tuple(filter(None, (f"{', '.join(where)}: {name}", loss, represented, total)))


def _of_compared(model: Model, memo: Memo) -> Clauses:
    """How A lies over B, and what they lose."""
    compared = model.solids.compared
    if compared is None or compared.before is not model.solids.before:
        return _with("A and B")
    a, b = (number(loss.value, 3) for loss in (compared.loss, compared.loss_now))
    return (f"A and B: {laid_over(compared)}", f"; fresh loss {a} and {b}")


def _of_space(model: Model, memo: Memo) -> Clauses:
    experiment, options = model.experiment, model.options
    n, m = experiment.n_features, experiment.n_hidden
    lines = n_vectors(n, m)
    of_all = "" if lines == n else f" of {n:,}"
    clauses = [f"Space: {lines:,}{of_all} lines, the directions of features in {m:,} hidden dimensions"]
    if options.data != "none" and cloud_rows(experiment, options):
        clauses.append("; points: hidden activations of fixed inputs")
        clauses.append(f"; their colour: {TERMS[options.coloring].short[0]}")
    return tuple(clauses)


def _of_loss(model: Model, memo: Memo) -> Clauses:
    assert model.shown is not None
    loss = float(model.shown.losses[model.options.instance])
    if not math.isfinite(loss):
        return _with("loss")
    first, *others = TERMS["loss"].short
    about = f"; over about the last 100 steps before step {model.shown.step:,}"
    return (f"batch loss {number(loss, 3)}: {first}", *others, about)


def _of_features(model: Model, memo: Memo) -> Clauses:
    measured = measures(model, memo)
    assert measured is not None
    known = measured.dimensionality[np.isfinite(measured.dimensionality)]
    if not len(known):
        return _with("D")
    least, most = short(float(known.min())), short(float(known.max()))
    return _with("D", f"; here {least}" + (f" to {most}" if most != least else ""))


def _of_ladder(model: Model, memo: Memo) -> Clauses:
    from tms_engine.analysis.levels import near, pure_losses

    loss, instance, view = math.nan, model.options.instance, model.view
    assert model.shown is not None
    if view.evaluation is not None and model.options.step is None:
        loss = float(view.evaluation.loss[instance])
    else:
        loss = float(model.shown.losses[instance])
    known = memo(pure_losses, model.experiment, instance)
    if not len(known) or not math.isfinite(loss):
        return _with("ladder")
    below, above = near(model.experiment, known, loss)
    where = [f"{level.name} at {number(level.loss, 3)}" for level in (below, above) if level is not None]
    word = "between" if len(where) == 2 else "below" if below is None else "above"
    return _with(
        "ladder",
        f"; loss {number(loss, 3)}, {word} the level{'s' * (len(where) == 2)} of " + " and ".join(where),
    )


def _of_run(model: Model, memo: Memo) -> Clauses:
    view = model.view
    kept = f"; the weights of {len(view.kept_steps):,} of them are kept" if view.kept_steps else ""
    return (f"run bar: step {view.step:,} of {view.steps:,}", kept)


_OF_TERMS = {
    "space": _of_space,
    "A and B": _of_compared,
    "loss": _of_loss,
    "D": _of_features,
    "ladder": _of_ladder,
    "timeline": _of_run,
    "wall": _of_population,
    "table": _of_population,
    "names": _of_population,
}
