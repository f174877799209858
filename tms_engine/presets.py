"""Presets: named experiments, from the seed and from the paper. Each is made, and checked, when asked for."""

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

PRESETS: dict[str, Preset] = {
    "gist": Preset("The seed: 8 features in 3 dimensions, 95 % zeros", {}),
    "paper-5-2": Preset(
        "5 features in 2 dimensions, 10 sparsities: orthogonal pair to pentagon",
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
        "20 features in 5 dimensions, importance .7^j, 7 sparsities",
        dict(
            _PAPER, n_features=20, n_hidden=5, n_instances=7, sparsity=_PAPER_SPARSITIES, importance_decay=0.7
        ),
    ),
    "paper-80-20": Preset(
        "80 features in 20 dimensions, importance .9^j, 7 sparsities",
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
        "400 equal features in 30 dimensions: the geometry of superposition",
        dict(_PAPER, n_features=400, n_hidden=30, sparsity=0.99),
    ),
    "phase-2-1": Preset(
        "2 features in 1 dimension, 10 sparsities × 10 importances: the phase diagram",
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
        "Two correlated pairs in 2 dimensions: pairs share an orthogonal basis",
        dict(_PAPER, n_features=4, n_hidden=2, features="correlated"),
    ),
    "anticorrelated": Preset(
        "Two anticorrelated pairs in 2 dimensions: pairs become antipodal",
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
