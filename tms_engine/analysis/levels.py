"""Levels of the loss: what a model would lose that had learned this or that, by theory.

Pure strategies have a closed form: so many of the m dimensions hold a digon each, the others a single
feature, and the rest is dropped. Arms have length 1; b is 0 for what is represented and, where the model has
a bias, p/2 for what is dropped. Polygons and the optimum are searched for, and lie at their best. A trained
model may lie below a level of pure strategies: its arms and biases are free, and solids share dimensions
otherwise. Losses are means over the features, as those that are shown.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float64

from tms_engine.analysis import theory
from tms_engine.analysis.polytopes import ideals
from tms_engine.analysis.polytopes.words import Shape, whole_name
from tms_engine.experiment import Experiment
from tms_engine.models import Sizes
from tms_engine.models.layers import regular_polygon

if TYPE_CHECKING:
    from tms_engine.analysis.optimum import Minimum

# What a model has learned that has learned nothing.
NOTHING = "nothing learned"
# Pure strategies that are told one by one: of more, the singles, the most digons and the best.
_ONE_BY_ONE = 5
# Lengths of arms that are tried, and then closer around the best of them.
_LENGTHS, _CLOSER = np.linspace(0.4, 1.3, 91), np.linspace(-0.01, 0.01, 81)
# Starts of the search for the optimum of up to so many features, and the largest polygon.
_STARTS, _SEARCHED, _MOST_CORNERS = 24, 3, 8
# First biases of the corners of a polygon.
_BIAS = -0.1
_POLYGONS = ("digon", "triangle", "square", "pentagon", "hexagon", "heptagon", "octagon")


class Level(NamedTuple):
    """What a model has learned, as "two digons and a single", and the loss that it has then."""

    name: str
    loss: float


def refusal(experiment: Experiment) -> str:
    """Why theory knows no level for these models; "" where it knows some."""
    for name, known in (("model", "tied_relu"), ("features", "bernoulli"), ("magnitudes", "uniform")):
        if getattr(experiment, name) != known:
            return f"theory's levels are for {name} {known}, not for {getattr(experiment, name)}"
    for name in ("relative_density", "unit_rows", "dataset_rows"):
        if getattr(experiment, name):
            return f"theory has no levels with {name}"
    return ""


def levels(experiment: Experiment, instance: int = 0) -> list[Level]:
    """What is known of one instance, the highest loss first. Where there is a `refusal` there is nothing.

    Of many pure strategies there are some. Searching the optimum of up to three features takes about a tenth
    of a second, and longer the first time.
    """
    if refusal(experiment):
        return []
    found = [_level(experiment, *one) for one in _told(pure_losses(experiment, instance))]
    n, m = experiment.n_features, experiment.n_hidden
    p = 1 - experiment.of_instance("sparsity", instance)
    importance = _importance(experiment, instance)
    if m == 2 and 3 <= n <= _MOST_CORNERS and len(set(importance)) == 1:
        loss = float(k_gon(n, n, p).loss[0]) if experiment.bias else _without_bias(n, p)
        found.append(Level(f"best {polygon_name(n)}", importance[0] * loss / n))
    if m < n <= _SEARCHED and experiment.bias:
        found.append(Level("optimum", _optimum(n, m, importance, p)))
    return sorted(found, key=lambda level: -level.loss)


def near(
    experiment: Experiment, losses: Float64[np.ndarray, " strategies"], loss: float
) -> tuple[Level | None, Level | None]:
    """Of the pure strategies with these losses, as of `pure_losses`, the highest one at or below a loss, and
    the lowest above it; None where there is none.
    """
    order = np.argsort(losses, kind="stable")
    place = int(np.searchsorted(losses[order], loss, "right"))

    def at(place: int) -> Level | None:
        known = 0 <= place < len(order)
        return _level(experiment, int(order[place]), losses[order[place]]) if known else None

    return at(place - 1), at(place)


# Pure strategies, in their order: nothing learned, then single features with no digon, one, two …


def pure_losses(experiment: Experiment, instance: int = 0) -> Float64[np.ndarray, " strategies"]:
    """The loss of each pure strategy; none where there is a `refusal`.

    The features that are dropped are the least important ones, and of the others the least important ones
    share. A digon costs p²/6 times the importance of its two (`theory.digon_sum`), a dropped feature its
    importance times p/3, with a bias p/3 − p²/4.
    """
    if refusal(experiment):
        return np.zeros(0)
    n, m = experiment.n_features, experiment.n_hidden
    p = 1 - float(experiment.of_instance("sparsity", instance))
    until = np.concatenate([[0.0], np.cumsum(np.sort(_importance(experiment, instance))[::-1])])
    dropped = theory.loss_of_best_constant(p) if experiment.bias else theory.loss_of_nothing(p)
    places = min(n, m)
    digons = np.arange(min(m, max(0, n - m)) + 1)
    kept = until[places + digons]
    shared = theory.digon_sum(p, kept - until[places - digons], 0.0)
    return np.concatenate([[until[-1] * dropped], shared + (until[-1] - kept) * dropped]) / n


def _importance(experiment: Experiment, instance: int) -> Float64[np.ndarray, " features"]:
    return experiment.alone(instance).feature_importance()[0].astype(np.float64)


def _level(experiment: Experiment, strategy: int, loss: float) -> Level:
    if not strategy:
        return Level(NOTHING, float(loss))
    digons = strategy - 1
    singles = min(experiment.n_features, experiment.n_hidden) - digons
    shapes = [Shape(ideals.SIMPLEX, 2, 1)] * digons + [Shape(ideals.SIMPLEX, 1, 1)] * singles
    return Level(whole_name(shapes), float(loss))


def _told(losses: Float64[np.ndarray, " strategies"]) -> list[tuple[int, float]]:
    """Pure strategies that are told, each with its loss."""
    all_of_them = range(len(losses))
    few = all_of_them if len(losses) <= _ONE_BY_ONE + 1 else {0, 1, len(losses) - 1, int(losses.argmin())}
    return [(k, float(losses[k])) for k in few]


# What is searched for.


def k_gon(n: int, corners: int, p: float | None, shared: bool = False) -> "Minimum":
    """A regular polygon of the first of n equally important features in the plane, its arms and biases at
    their best; importances are 1.

    p       the density, None for exactly one active feature
    shared  whether the other features are all on the first corner, else they are 0

    It is a critical point, of which the symmetry is kept, and not always a minimum.
    """
    from tms_engine.analysis.optimum import minimum

    start = regular_polygon(corners, Sizes(n, 2, True, 0.0)).astype(np.float64)
    mean = 1 / (2 * n) if p is None else p / 2
    bias = np.where(np.arange(n) < corners, _BIAS, mean)
    if shared:  # as long as one in all
        here = [0, *range(corners, n)]
        start[here], bias[here] = start[0] / np.sqrt(len(here)), _BIAS
    return minimum(start[None], bias[None], np.ones((1, n)), p)


def polygon_name(corners: int) -> str:
    """ "pentagon"; two corners are a digon, and four a square, which as a part is named as two digons."""
    return _POLYGONS[corners - 2] if corners < 2 + len(_POLYGONS) else f"{corners}-gon"


def _without_bias(n: int, p: float) -> float:
    """The summed loss of a regular polygon of n features without biases, its arms at their best."""
    from tms_engine.analysis.optimum import summed_loss

    shape = regular_polygon(n, Sizes(n, 2, False, 0.0)).astype(np.float64)

    def losses(lengths: Float64[np.ndarray, " lengths"]) -> Float64[np.ndarray, " lengths"]:
        none = np.zeros((len(lengths), n))
        return summed_loss(lengths[:, None, None] * shape, none, none + 1, p)

    best = _LENGTHS[losses(_LENGTHS).argmin()]
    return float(losses(best + _CLOSER).min())


def _optimum(n: int, m: int, importance: Float64[np.ndarray, " features"], p: float) -> float:
    """The least loss that descent from several starts, always the same ones, ends in."""
    from tms_engine.analysis.optimum import minimum

    starts = np.random.default_rng(0).normal(0, 0.7, (_STARTS, n, m))
    each = np.broadcast_to(importance, (_STARTS, n))
    return float(minimum(starts, np.full((_STARTS, n), p / 4), each, p).loss.min()) / n
