"""The experiments of the paper and of its successors: one table, and a file an experiment beside it.

    from tms_engine.paper.reproduce import reproduce
    reproduce("polygons", "runs/polygons", quick=True)

A file NAME.py has

    PAPER     what the paper's figure shows, in a sentence
    DEPARTS   where what is trained, or what comes of it, departs from the paper's, and why
    QUICK     how --quick scales it down, in a few words
    plan(quick)       what is trained: a `Plan` of sweeps and runs
    table(trained)    what has come of it: one tidy polars DataFrame, of which the figure is drawn
    figure(table)     a matplotlib Figure, of the table alone

plan.py has what they are made of, frames.py tables of weights, drawing.py what their figures share, and
reproduce.py trains, and writes table and figure. To add one: its file, one line in the table, its tests.

Importing this package loads no numpy, so that the command line answers at once.
"""

import difflib
from importlib import import_module
from types import ModuleType
from typing import NamedTuple

from tms_engine.errors import InputError, quoted


class Entry(NamedTuple):
    """What is known of an experiment before it is loaded."""

    help: str  # one line
    minutes: float  # about, on two cores
    quick: float  # with --quick


EXPERIMENTS: dict[str, Entry] = {
    "polygons": Entry("5 features in 2 dimensions: from two features to a pentagon, by sparsity", 0.2, 0.1),
    "superposition": Entry("20 → 5 and 80 → 20: how many features are represented, by sparsity", 3, 0.1),
    "uniform": Entry("400 → 30 and 200 → 20 equal features: where their dimensionalities gather", 30, 0.5),
    "phases": Entry("the phase diagrams of 2 → 1 and 3 → 2: trained, optimum and pure strategies", 3.5, 0.3),
    "kgons": Entry("6 → 2: the levels of the loss, training from each, and where many seeds end", 1.5, 0.4),
    "correlation": Entry("correlated and anticorrelated sets in a plane: orthogonal, antipodal", 2, 0.3),
    "local_structure": Entry(
        "correlated sets: principal components if dense, superposition if sparse", 3, 0.3
    ),
    "nonuniform": Entry("a pentagon, one feature denser or sparser: it bends, and jumps to digons", 5, 0.5),
    "dynamics": Entry("features that jump between levels of D; six that become an octahedron", 0.3, 0.1),
    "adversarial": Entry("how vulnerable models are to attacks, beside their features per dimension", 8, 0.3),
    "absolute_value": Entry("|x| of 100 features by 40 neurons: monosemantic, then in superposition", 6, 0.5),
    "privileged_basis": Entry("a ReLU in the hidden layer: features on neurons, the best of many", 12, 1),
    "memorisation": Entry("a fixed set of T rows: data in superposition, then features", 15, 0.7),
}


def experiment(name: str) -> ModuleType:
    """The file of an experiment. Raises InputError for an unknown name."""
    if name not in EXPERIMENTS:
        near = difflib.get_close_matches(name, EXPERIMENTS, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else "they are " + ", ".join(EXPERIMENTS)
        raise InputError(f"there is no experiment {quoted(name)} of the paper; {hint}")
    return import_module(f"tms_engine.paper.{name}")
