"""Presets: named experiments, from the seed and from the paper. Each is made, and checked, when asked for.

What a description says that training ends in was counted over 64 or 128 random seeds (32 of 80 → 20, 4 of
400 → 30).
"""

import difflib
from typing import Any, NamedTuple

from tms_engine.errors import InputError
from tms_engine.experiment import Experiment


class Preset(NamedTuple):
    """A named experiment: one line on it, and the fields that differ from the seed's."""

    description: str
    fields: dict[str, Any]

    @property
    def experiment(self) -> Experiment:
        return Experiment(**self.fields)


# The settings of the paper's notebook.
_PAPER: dict[str, Any] = {
    "bias": True,
    "init": "xavier",
    "batch_size": 1024,
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "weight_decay": 0.01,
}
# Densities 1 − S of the paper's figures of superposition against sparsity.
_PAPER_SPARSITIES = tuple(1 - p for p in (1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001))
# The phase diagram of n = 2, m = 1: 10 densities from 1 to .01, 10 importances of feature 1 from .1 to 10.
_PHASES = [(1 - 10 ** (-2 * i / 9), 10 ** (2 * j / 9 - 1)) for j in range(10) for i in range(10)]

# Where 400 features in 30 dimensions have geometry: from mostly dedicated dimensions to pentagons.
_GEOMETRY_SPARSITIES = tuple(1 - 1 / (1.4 * (5 / 1.4) ** (i / 11)) for i in range(12))

PRESETS: dict[str, Preset] = {
    "gist": Preset("The seed: 8 features in 3 dimensions, 95 % zeros; all 8 are represented", {}),
    "paper-5-2": Preset(
        "5 features in 2 dimensions, importance .9^j, 10 sparsities from 0 to .95: two orthogonal features, "
        "then two digons, then a pentagon (at .95 in 103 of 128 random seeds)",
        dict(
            _PAPER,
            n_features=5,
            n_hidden=2,
            n_instances=10,
            sparsity=tuple(1 - 20 ** (-i / 9) for i in range(10)),
            importance_decay=0.9,
        ),
    ),
    "paper-20-5": Preset(
        "20 features in 5 dimensions, importance .7^j, 7 sparsities from 0 to .999: 5 features are "
        "represented, in the end 11 to 15",
        dict(
            _PAPER, n_features=20, n_hidden=5, n_instances=7, sparsity=_PAPER_SPARSITIES, importance_decay=0.7
        ),
    ),
    "paper-80-20": Preset(
        "80 features in 20 dimensions, importance .9^j, 7 sparsities from 0 to .999: 20 features are "
        "represented, in the end 63 to 67",
        dict(
            _PAPER,
            n_features=80,
            n_hidden=20,
            n_instances=7,
            sparsity=_PAPER_SPARSITIES,
            importance_decay=0.9,
        ),
    ),
    "paper-400-30": Preset(
        "400 equal features in 30 dimensions, 12 sparsities, 1/(1 − S) from 1.4 to 5: triangles, digons "
        "(D = 1/2, from about 2 to 3.6), pentagons; some 20 minutes on two cores",
        dict(_PAPER, n_features=400, n_hidden=30, n_instances=12, sparsity=_GEOMETRY_SPARSITIES),
    ),
    "phase-2-1": Preset(
        "2 features in 1 dimension, 10 sparsities × 10 importances: the phase diagram; one random seed finds "
        "the best phase in 75 to 88 of the 100 cells, the best of ten in all",
        dict(
            _PAPER,
            n_features=2,
            n_hidden=1,
            n_instances=100,
            sparsity=tuple(s for s, _ in _PHASES),
            importance_decay=tuple(r for _, r in _PHASES),
        ),
    ),
    "correlated": Preset(
        "Two correlated pairs in 2 dimensions: partners become orthogonal (in 122 of 128 random seeds)",
        dict(_PAPER, n_features=4, n_hidden=2, features="correlated"),
    ),
    "anticorrelated": Preset(
        "Two anticorrelated pairs in 2 dimensions: partners become antipodal (in about a third of random "
        "seeds, this one among them) or orthogonal",
        dict(_PAPER, n_features=4, n_hidden=2, features="anticorrelated"),
    ),
}


def preset(name: str) -> Experiment:
    """The experiment of a preset. Raises InputError for an unknown name."""
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else "the presets are " + ", ".join(PRESETS)
        raise InputError(f"there is no preset {name!r}; {hint}")
    return PRESETS[name].experiment
