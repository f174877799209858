"""Each feature active alone, but in no row nothing: Bernoulli rows, those with nothing active drawn again.

With p_j = 1 − S for each feature (or of its own, `relative_density`) and Z = 1 − Π(1 − p_j), the probability
that a row has something, feature j is active with probability p_j / Z, features j and k together with
p_j p_k / Z. So the loss is that of `bernoulli`, less its rows of zeros, over Z.

Nothing is drawn twice: the first active feature is j with probability p_j Π_{i<j} (1 − p_i) / Z, and those
behind it are active as ever.
"""

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from tms_engine.arrays import Array, placed_like
from tms_engine.data import LawParameters, bernoulli
from tms_engine.data.stream import active, another, magnitude, thresholds, upper


def sample(
    word: Int64[Array, "*lead instances rows features"], parameters: LawParameters
) -> Float32[Array, "*lead instances rows features"]:
    """A second word of the first feature says which is the first active one."""
    own = parameters.feature_density
    density = parameters.density[:, None] if own is None else own
    after = np.broadcast_to(density, (len(density), word.shape[-1])).astype(np.float64)
    until = thresholds(first_active(after).cumsum(1))
    until[:, -1] = 1 << 32
    chosen = upper(another(word[..., :1]))
    reached = chosen < placed_like(word, until)[:, None, :]  # the first active one is here, or before
    before = chosen < placed_like(word, np.pad(until, ((0, 0), (1, 0)))[:, :-1].copy())[:, None, :]
    x = magnitude(word)
    x *= reached & (active(word, density) | ~before)
    return x


def first_active(
    density: Float64[np.ndarray, "instances features"],
) -> Float64[np.ndarray, "instances features"]:
    """The probability that feature j is the first active one of a row that has one."""
    none_before = np.cumprod(np.pad(1 - density, ((0, 0), (1, 0)), constant_values=1)[:, :-1], axis=1)
    first = density * none_before
    some = first.sum(1, keepdims=True)
    return first / np.where(some > 0, some, 1)  # densities below those of float32 come to 0


def probabilities(
    active: Bool[np.ndarray, "sets features"], parameters: LawParameters
) -> Float64[np.ndarray, " sets"]:
    """Those of Bernoulli rows, over Z; 0 where nothing is active."""
    nothing = bernoulli.probabilities(np.zeros((1, active.shape[1]), np.bool_), parameters)
    return np.where(active.any(1), bernoulli.probabilities(active, parameters), 0) / (1 - nothing)
