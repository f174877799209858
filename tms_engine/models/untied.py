"""An encoder E and a decoder D of its own: h = xE, x̂ = ReLU(hD + b).

Row j of E is where feature j goes in hidden space, so these are the feature directions; column j of D is what
reads it.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from tms_engine.arrays import Array
from tms_engine.models import Model, Sizes
from tms_engine.models.layers import add_bias, relu, zero_bias


def parameters(sizes: Sizes, generator: np.random.Generator) -> dict[str, Float32[np.ndarray, "..."]]:
    """E (features, hidden) and D (hidden, features), drawn apart, and b (features)."""
    n, m = sizes.n_features, sizes.n_hidden
    encoder = generator.standard_normal((n, m)) * sizes.std
    decoder = generator.standard_normal((m, n)) * sizes.std
    return {"E": encoder.astype(np.float32), "D": decoder.astype(np.float32)} | zero_bias(sizes)


def encode(
    parameters: dict[str, Any], x: Float[Array, "instances batch features"]
) -> Float[Array, "instances batch hidden"]:
    """h = xE."""
    return x @ parameters["E"]


def decode(
    parameters: dict[str, Any], hidden: Float[Array, "instances batch hidden"]
) -> Float[Array, "instances batch features"]:
    """ReLU(hD + b)."""
    return relu(add_bias(hidden @ parameters["D"], parameters))


MODEL = Model(
    help="",
    parameters=parameters,
    encode=encode,
    decode=decode,
    directions=lambda parameters: parameters["E"],
    matrix=lambda parameters: parameters["E"] @ parameters["D"],
)
