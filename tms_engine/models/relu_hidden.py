"""Tied, with a ReLU on the hidden layer as well: h = ReLU(xW), x̂ = ReLU(hWᵀ + b)."""

from typing import Any

from jaxtyping import Float

from tms_engine.arrays import Array
from tms_engine.models import Model
from tms_engine.models.layers import encode_linearly, relu, weights_and_bias
from tms_engine.models.tied_relu import decode


def encode(
    parameters: dict[str, Any], x: Float[Array, "instances batch features"]
) -> Float[Array, "instances batch hidden"]:
    """ReLU(xW)."""
    return relu(encode_linearly(parameters, x))


MODEL = Model(
    help="",
    parameters=weights_and_bias,
    encode=encode,
    decode=decode,
    directions=lambda parameters: parameters["W"],
)
