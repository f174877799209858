"""The paper's model, and the seed's: h = xW, x̂ = ReLU(hWᵀ + b).

Row j of W is the direction of feature j in hidden space. Every array has an instance axis; read the lines
below for one instance by leaving it out.
"""

from typing import Any

from jaxtyping import Float

from tms_engine.arrays import Array
from tms_engine.models import Model
from tms_engine.models.layers import decode_linearly, encode_linearly, relu, tied_matrix, weights_and_bias


def decode(
    parameters: dict[str, Any], hidden: Float[Array, "instances batch hidden"]
) -> Float[Array, "instances batch features"]:
    """ReLU(hWᵀ + b)."""
    return relu(decode_linearly(parameters, hidden))


MODEL = Model(
    help="",
    parameters=weights_and_bias,
    encode=encode_linearly,
    decode=decode,
    directions=lambda parameters: parameters["W"],
    compiled=True,
    matrix=tied_matrix,
)
