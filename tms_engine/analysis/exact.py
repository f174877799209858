"""The exact expected losses of small models: no row is drawn.

A loss is a sum over the sets of features that are active, L = Σ_A P(A) · E[loss | A active], of which there
are 2ⁿ. The tables say for which experiments that is known: a law with uniform, independent magnitudes has
P(A), and a model that is x̂ = ReLU(xM + b) or xM + b has the expectation in closed form (`exact_loops.py`).
What is left is rounding, and the rule that stands in where rounding would be large: the error of a loss is
below `digits.EXACT` of it, as the tests hold against rational arithmetic and against rows by the million.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from tms_engine.data import law
from tms_engine.experiment import Experiment
from tms_engine.models import Model, model
from tms_engine.sampling import law_parameters
from tms_engine.training.state import Snapshot

# With more features there are too many sets: a model of 8 takes about .4 ms, each feature more the
# threefold.
MOST_FEATURES = 8
# Sets of so many features are left out, where those of all larger sizes together are so rare beside those of
# two.
_RARE = 1e-9
# Terms of a piece: some milliseconds.
_PIECE_TERMS = 1 << 18


def refusal(experiment: Experiment) -> str:
    """Why the exact loss of these models is not known here; nothing where it is."""
    if experiment.n_features > MOST_FEATURES:
        return f"there are more than {MOST_FEATURES} features"
    if model(experiment.model).matrix is None:
        return f"of {experiment.model} no exact loss is known"
    if model(experiment.model).target is not Model._field_defaults["target"]:
        return f"{experiment.model} has a target of its own"
    if law(experiment.features).probabilities is None:
        return f"of {experiment.features} data it is not known which features are active together"
    if experiment.magnitudes != "uniform" or experiment.unit_rows:
        return "magnitudes are not uniform and independent"
    return ""


def expected_losses(
    snapshot: Snapshot,
    density: float,
    places: Int64[np.ndarray, " some"],
    importance: Float[np.ndarray, "some features"],
    losses: Float64[np.ndarray, "instances features"],
) -> Iterator[None]:
    """Write the losses of the instances at these places, which have this density, into `losses`, in pieces.

    They are those of each feature, importance · E[(x̂_j − x_j)²], whose mean is the loss. Only where there is
    no `refusal`.
    """
    from tms_engine.analysis.exact_loops import expected_errors

    experiment = snapshot.experiment
    trained, n = model(experiment.model), experiment.n_features
    assert trained.matrix is not None
    active, probability = active_sets(experiment, density, int(places[0]))
    some = max(1, _PIECE_TERMS // (n * int((1 << active.sum(1)).sum())))
    for first in range(0, len(places), some):
        here = places[first : first + some]
        parameters = {name: value[here].astype(np.float64) for name, value in snapshot.parameters.items()}
        with np.errstate(all="ignore"):  # a diverged instance has what it has
            matrices = np.ascontiguousarray(trained.matrix(parameters))
            biases = parameters.get("b", np.zeros((len(here), n)))
            errors = np.empty((len(here), n))
            expected_errors(matrices, biases, trained.rectified, active, probability, errors)
            losses[here] = errors * importance[first : first + some]
        yield None


def active_sets(
    experiment: Experiment, density: float, place: int = 0
) -> tuple[Bool[np.ndarray, "sets {experiment.n_features}"], Float64[np.ndarray, " sets"]]:
    """The sets of features that may be active at a density, and the probability of each.

    `place` is that of an instance, where those of features differ among instances.
    """
    n, probabilities = experiment.n_features, law(experiment.features).probabilities
    assert probabilities is not None
    active = np.array(list(itertools.product((False, True), repeat=n)))
    own: Any = experiment.relative_density
    if experiment.differs("relative_density"):
        own = own[place]
    of_features = None if own is None else np.minimum(density * np.array(own, np.float64), 1)
    parameters = law_parameters(experiment)._replace(density=density, feature_density=of_features)
    probability = probabilities(active, parameters)
    sizes = active.sum(1)
    by_size = np.bincount(sizes, probability, n + 1)
    from_size = by_size[::-1].cumsum()[::-1]
    keep = (probability > 0) & ((sizes <= 2) | (from_size[sizes] > _RARE * from_size[min(2, n)]))
    return active[keep], probability[keep]
