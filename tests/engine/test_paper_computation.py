"""The paper's experiments on attacks, computation, neurons and finite data, against closed forms."""

import numpy as np
import polars as pl
import pytest

from tms_engine import Experiment, sampling
from tms_engine.paper import absolute_value, adversarial, memorisation, privileged_basis
from tms_engine.paper.plan import Trained
from tms_engine.sweeps.sweep import Sweep

RNG = np.random.default_rng(0)
MODULES = (absolute_value, adversarial, memorisation, privileged_basis)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rsplit(".", 1)[-1])
def test_the_full_plan_has_the_notebooks_settings(module):
    for sweep in module.plan(False).sweeps.values():
        base = sweep.grid.spec.base
        assert (base.optimizer, base.learning_rate, base.weight_decay) == ("adamw", 1e-3, 0.01)
        assert base.bias
        assert base.steps >= 10_000
        assert base.batch_size == 1024 or module is memorisation


def sparse_rows(rows: int, n: int, density: float) -> np.ndarray:
    return RNG.random((rows, n)) * (RNG.random((rows, n)) < density)


def test_attacks_on_dedicated_features_add_the_square_of_their_length_over_n():
    weights = np.eye(12, 5)
    x = sparse_rows(300, 12, 0.2)
    assert adversarial.added_loss(weights, np.zeros(12), x, 0.07) == pytest.approx(0.07**2 / 12)


def test_attacks_on_digons_add_twice_that_where_both_ends_answer():
    # On x = 0, where both ReLUs are at their edge, an attack along (1, −1)/√2 moves the hidden unit by √2 ε,
    # and the output of one end by as much.
    weights = np.array([[1.0], [-1.0]])
    added = adversarial.added_loss(weights, np.zeros(2), np.zeros((4, 2)), 0.1)
    assert added == pytest.approx(2 * 0.1**2 / 2)


def test_attacks_where_every_relu_is_on_add_the_greatest_that_a_row_of_the_matrix_can():
    weights, length = RNG.standard_normal((7, 3)), 0.01
    matrix = weights @ weights.T
    x = sparse_rows(50, 7, 0.5)
    bias = np.full(7, 50.0)
    error = x @ matrix + bias - x
    moves = length * (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)) @ matrix
    both = np.concatenate([moves, -moves])
    gains = ((error[:, None] + both) ** 2).mean(-1) - (error**2).mean(-1)[:, None]
    assert adversarial.added_loss(weights, bias, x, length) == pytest.approx(gains.max(1).mean())


def test_attacks_go_both_ways():
    # Outputs of .5 instead of 1: to lower one by ε adds 2 · .5 ε + ε², to raise it takes away.
    added = adversarial.added_loss(np.eye(4), np.full(4, -0.5), np.ones((2, 4)), 0.1)
    assert added == pytest.approx((0.1 + 0.1**2) / 4)


def test_no_model_is_attacked_in_vain():
    assert adversarial.added_loss(np.zeros((4, 2)), np.zeros(4), np.zeros((3, 4)), 0.1) == 0


def test_neurons_are_counted_by_what_they_do():
    does = np.array([[1.0, 0.5, 0.0, 0.04], [0.02, 0.5, 0.0, -0.5], [0.0, 0.09, 0.0, 0.46]])
    assert absolute_value.features_of_neurons(does).tolist() == [1, 2, 0, 2]
    weights = np.array([[1.0, 0.9, 0.0], [0.2, -0.9, 0.05], [-0.1, 0.3, 0.0]])
    assert privileged_basis.features_of_neurons(weights).tolist() == [1, 3, 0]


def test_data_on_a_polygon_share_the_plane_evenly():
    angles = 2 * np.pi * np.arange(6) / 6
    polygon = np.stack([np.cos(angles), np.sin(angles)], -1)
    assert memorisation.dimensionality(3 * polygon) == pytest.approx(np.full(6, 2 / 6))


def small(module, name: str, tmp_path, axes: dict, **fields) -> Trained:
    """A sweep of a module's plan, two steps of it."""
    spec = module.plan(True).sweeps[name].grid.spec
    zipped = [group.names for group in spec.groups if len(group.names) > 1]
    base = spec.base.replace(steps=2, n_instances=1, **fields)
    sweep = Sweep(base, axes, zipped=zipped, seeds=2, weights=True)
    sweep.train(tmp_path / name)
    return Trained({name: sweep}, {}, quick=True)


def test_table_and_figure_of_finite_data(tmp_path):
    sizes = [2, 5]
    trained = small(
        memorisation, "models", tmp_path, {"dataset_rows": sizes, "batch_size": sizes}, n_features=6
    )
    table = memorisation.table(trained)
    counts = dict(table.group_by("kind").len().iter_rows())
    assert counts == {"model": 4, "feature": 12, "datum": 7}
    losses = table.filter(pl.col("kind") == "model")
    assert ((losses["train_loss"] > 0) == (losses["dataset_rows"] == 5)).all()  # the two rows are empty
    run = trained.sweeps["models"].run(2)
    (x,) = sampling.batches(run.experiment, 7, 1, "cpu")  # all five rows, as at every step
    w, b = run.weights[0], run.state.parameters["b"][0]
    by_hand = float(((np.maximum(x[0] @ w @ w.T + b, 0) - x[0]) ** 2).mean())
    assert losses.filter(pl.col("row") == 2)["train_loss"][0] == pytest.approx(by_hand, rel=1e-5)
    assert memorisation.figure(table) is not None


def test_table_and_figure_of_attacks(tmp_path):
    trained = small(adversarial, "uniform", tmp_path, {"density": [0.5, 0.1]}, n_features=5, n_hidden=2)
    table = adversarial.table(trained)
    assert table["added_to_dedicated"].to_list() == pytest.approx((table["length"] ** 2 / 5).to_list())
    assert (table["vulnerability"] > 0).all()
    assert adversarial.figure(table) is not None


def test_table_and_figure_of_neurons(tmp_path):
    sweeps = {}
    for name in ("3-6", "large"):
        sweeps |= small(absolute_value, name, tmp_path, {"density": [0.5]}, n_features=3, batch_size=8).sweeps
    table = absolute_value.table(Trained(sweeps, {}, quick=True))
    assert np.allclose(table["does"], table["in"] * table["out"])
    assert dict(table.group_by("model").len().iter_rows()) == {"3-6": 3 * 6, "large": 3 * 8}
    assert absolute_value.figure(table) is not None
    sweeps = {}
    for name in ("relu_hidden", "tied_relu"):
        sweeps |= small(privileged_basis, name, tmp_path, {"density": [0.5]}, batch_size=8).sweeps
    table = privileged_basis.table(Trained(sweeps, {}, quick=True))
    assert (table["loss"] <= table["median_loss"]).all()
    assert set(table["starts"]) == {2}
    assert privileged_basis.figure(table) is not None


def test_inputs_of_attacks_are_as_the_experiment_has_them():
    x = adversarial.inputs(Experiment(n_features=40, n_hidden=3, sparsity=0.9))
    assert x.shape == (2048, 40)
    assert (x > 0).mean() == pytest.approx(0.1, abs=0.01)
