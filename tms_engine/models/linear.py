"""The paper's comparison: h = xW, x̂ = hWᵀ + b, without a ReLU.

It never superposes: its best W spans the principal components, which for independent features are the most
important ones, each with a dimension of its own (paper, "Demonstrating superposition", "Linear model").
"""

from tms_engine.models import Model
from tms_engine.models.layers import decode_linearly, encode_linearly, tied_matrix, weights_and_bias

MODEL = Model(
    help="",
    parameters=weights_and_bias,
    encode=encode_linearly,
    decode=decode_linearly,
    directions=lambda parameters: parameters["W"],
    matrix=tied_matrix,
    rectified=False,
)
