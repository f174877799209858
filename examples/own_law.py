"""A data law of your own: feature j is active with probability p / (j + 1), so later features are rarer.

Registers it under a name, trains the seed's sizes on it, and prints how long each feature's direction became.
"""

from typing import Any

import numpy as np

from tms_engine import Experiment, LawParameters, evaluate, geometry, register_law, train
from tms_engine.arrays import placed_like
from tms_engine.data.stream import magnitude, thresholds, upper


def rarer(word: Any, parameters: LawParameters) -> Any:
    """From a random word for each entry, (..., instances, rows, features), to features of the same shape.

    `word` is an array of numpy or, on a GPU, of torch. The upper half of a word decides whether its entry is
    active, the lower half how large it is: uniform on (0, 1).
    """
    n_features: int = word.shape[-1]
    density = parameters.density[:, None] / np.arange(1, n_features + 1)  # (instances, features)
    active = upper(word) < placed_like(word, thresholds(density))[:, None, :]
    return magnitude(word) * active


register_law("rarer", rarer, help="feature j is active with probability (1 − S) / (j + 1)")

run = train(Experiment(features="rarer", sparsity=0.8, steps=2000))
print("loss on fresh data", evaluate(run).loss[0])
for j, norm in enumerate(geometry.norms(run.weights)[0]):
    print(f"feature {j}  active in {0.2 / (j + 1):6.1%} of rows  length {norm:.2f}")
