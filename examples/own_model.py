"""A model of your own: tied weights with a learned gain for each feature, x̂ = ReLU(g · hWᵀ + b).

Registers it under a name, trains it beside the tied ReLU on the same data, and prints both losses.
"""

from typing import Any

import numpy as np

from tms_engine import Experiment, Model, Sizes, evaluate, register_model, train
from tms_engine.models.layers import relu


def parameters(sizes: Sizes, generator: np.random.Generator) -> dict[str, Any]:
    """The first parameters of one instance. In all other functions they have an instance axis in front."""
    n, m = sizes.n_features, sizes.n_hidden
    return {
        "W": (generator.standard_normal((n, m)) * sizes.std).astype(np.float32),
        "g": np.ones(n, np.float32),
        "b": np.zeros(n, np.float32),
    }


def encode(parameters: dict[str, Any], x: Any) -> Any:
    """x (instances, batch, features) → h (instances, batch, hidden)."""
    return x @ parameters["W"]


def decode(parameters: dict[str, Any], h: Any) -> Any:
    """h (instances, batch, hidden) → x̂ (instances, batch, features)."""
    return relu(h @ parameters["W"].mT * parameters["g"][:, None, :] + parameters["b"][:, None, :])


def directions(parameters: dict[str, Any]) -> Any:
    """(instances, features, hidden): row j is the direction of feature j, for geometry and figures."""
    return parameters["W"]


register_model("gain", Model("tied, with a gain for each feature", parameters, encode, decode, directions))

for name in ("tied_relu", "gain"):
    run = train(Experiment(model=name, bias=True, n_instances=4, steps=2000))
    print(f"{name:10}  loss of 4 instances {evaluate(run).loss.round(5)}")
print("gains of instance 0", run.state.parameters["g"][0].round(2))
