"""Computes |x|, which takes a hidden layer with a ReLU: h = ReLU(xE), ŷ = ReLU(hD + b).

The paper's model of computation in superposition. Its features are positive and negative (`magnitudes`
signed); two neurons with E = ±1 and D = 1 give one of them exactly, |x| = ReLU(x) + ReLU(−x).
"""

from typing import Any

from jaxtyping import Float

from tms_engine.arrays import Array
from tms_engine.models import Model
from tms_engine.models.layers import relu
from tms_engine.models.untied import decode, parameters


def encode(
    parameters: dict[str, Any], x: Float[Array, "instances batch features"]
) -> Float[Array, "instances batch hidden"]:
    """ReLU(xE)."""
    return relu(x @ parameters["E"])


MODEL = Model(
    help="",
    parameters=parameters,
    encode=encode,
    decode=decode,
    directions=lambda parameters: parameters["E"],
    target=abs,
)
