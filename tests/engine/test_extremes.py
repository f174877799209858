"""Any experiment that is accepted is trained, saved, summarised and shown without a warning, and honestly.

Warnings are errors here (pyproject.toml).
"""

import json

import numpy as np
import pytest

from tms_engine import Experiment, load_run, train
from tms_engine.analysis.evaluation import features_of
from tms_engine.arrays import single
from tms_engine.commands import main
from tms_engine.training.optimizers import adam_steps

pytestmark = pytest.mark.slow

LARGEST, LEAST, ALMOST_ONE = 1.797e308, 5e-324, 1 - 2**-53

# name -> fields, and whether instance 0 diverges
EXTREMES = {
    "learning rate 1e308": ({"learning_rate": 1e308}, True),
    "all at their largest": (
        {"learning_rate": LARGEST, "optimizer": "adamw", "weight_decay": LARGEST, "bias": True}, True),
    "a schedule of it": ({"learning_rate": LARGEST, "schedule": "cosine"}, True),
    "weights of 1e20": ({"learning_rate": 1e20}, True),
    "weights of 1e9": ({"learning_rate": 1e9}, True),
    "least learning rate": ({"learning_rate": LEAST}, False),
    "decay 1e300": ({"importance_decay": 1e300}, True),
    "decay 1e-300": ({"importance_decay": 1e-300}, False),
    "least decay": ({"importance_decay": LEAST}, False),
    "weight decay 1e308": ({"weight_decay": 1e308}, True),
    "decoupled": ({"weight_decay": 1e308, "optimizer": "adamw"}, True),
    "importance 1e300": ({"importance": [1e300] * 8}, True),
    "importance 1e38": ({"importance": [1e38] * 8}, True),
    "importance of nothing": ({"importance": [0] * 8, "importance_decay": 1e300}, False),
    "importance, largest": ({"importance": [LARGEST] * 8, "importance_decay": LARGEST}, True),
    "least importance": ({"importance": [LEAST] * 8}, False),
    "importance 1e-40": ({"importance": [1e-40] * 8}, False),
    "almost nothing active": ({"sparsity": ALMOST_ONE}, False),
    "almost all active": ({"sparsity": LEAST}, False),
    "none active": ({"features": "n_active", "n_active": 0}, False),
    "one row": ({"batch_size": 1}, False),
    "one feature": ({"n_features": 1, "n_hidden": 1, "batch_size": 1, "steps": 1}, False),
    "more dimensions than features": ({"n_features": 1, "n_hidden": 5}, False),
    "one of two": ({"n_instances": 2, "learning_rate": [1e308, 0.01], "sparsity": [0.5, ALMOST_ONE]}, True),
}  # fmt: skip


def strictly(text):
    """JSON as the standard has it, without NaN and Infinity."""

    def refuse(constant):
        raise ValueError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("kernel", ["numba", "torch"])
@pytest.mark.parametrize("name", EXTREMES)
def test_what_is_accepted_is_trained_and_told_without_a_warning(name, kernel, tmp_path, capsys):
    fields, diverges = EXTREMES[name]
    experiment = Experiment(**{"steps": 20, "kernel": kernel, "device": "cpu", **fields})
    run = train(experiment, tmp_path / "run")
    assert (run.state.diverged_at[0] >= 0) == diverges
    assert all(np.isfinite(value).all() for value in run.state.parameters.values())
    summary = strictly((tmp_path / "run" / "summary.json").read_text("utf-8"))
    first = summary["instances"][0]
    assert (first["diverged_at"] is not None) == diverges
    assert summary["diverged"] == ([0] if diverges else [])
    assert load_run(tmp_path / "run").experiment == experiment
    words = ["--json"] if kernel == "numba" else []  # what is told does not depend on the kernel
    assert main(["show", str(tmp_path / "run"), *words]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    if words:
        assert strictly(told.out)["features"] == features_of(run, 0)


def test_what_is_too_large_for_single_precision_is_infinite():
    assert single(np.array([1e308, -1e39, 1e-50, 1.5])).tolist() == [np.inf, -np.inf, 0, 1.5]
    steps = adam_steps(Experiment(learning_rate=LARGEST, optimizer="adamw", weight_decay=LARGEST), 0, 2)
    assert np.isinf(steps.scales[0, 0])
    assert np.isinf(steps.decays[0, 0])
