import numpy as np
import pytest
import torch

from tms_engine import Experiment
from tms_engine.models.tied_relu import forward, initial_parameters, row_blocks, row_losses


@pytest.mark.parametrize("library", [np.asarray, torch.tensor])
def test_the_model_is_that_of_the_paper_written_out(library):
    rng = np.random.default_rng(0)
    x, w, b = rng.random((2, 5, 4)), rng.standard_normal((2, 4, 3)), rng.standard_normal((2, 4))
    importance = rng.random((2, 4))
    output = forward(*map(library, (x, w, b)))
    losses = row_losses(library(x), output.reconstruction, library(importance))
    for i in range(2):
        for row in range(5):
            h = [sum(x[i, row, j] * w[i, j, d] for j in range(4)) for d in range(3)]
            out = [max(0, sum(h[d] * w[i, k, d] for d in range(3)) + b[i, k]) for k in range(4)]
            loss = sum(importance[i, k] * (out[k] - x[i, row, k]) ** 2 for k in range(4)) / 4
            assert np.allclose(output.hidden[i, row], h)
            assert np.allclose(output.reconstruction[i, row], out)
            assert np.isclose(losses[i, row], loss)


def test_the_loss_is_the_seeds_criterion_and_32_times_what_it_printed():
    x = torch.rand(1, 32, 8)
    weights = torch.randn(1, 8, 3)
    output, _ = forward(x, weights, None)
    criterion = torch.nn.MSELoss()(torch.relu((x[0] @ weights[0]) @ weights[0].T), x[0])
    loss = row_losses(x, output, None).mean()
    assert torch.isclose(loss, criterion)


def test_analytic_gradients_are_finite_differences():
    torch.manual_seed(0)
    x = torch.rand(2, 6, 5, dtype=torch.float64) * (torch.rand(2, 6, 5) < 0.5)
    weights = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(2, 5, dtype=torch.float64, requires_grad=True)
    importance = torch.rand(2, 5, dtype=torch.float64)

    def loss(weights, bias):
        return row_losses(x, forward(x, weights, bias).reconstruction, importance).mean()

    assert torch.autograd.gradcheck(loss, (weights, bias), eps=1e-6, atol=1e-8, rtol=1e-5)


def test_a_feature_that_nothing_reaches_has_no_gradient():
    # ReLU's at 0 is 0, as in the seed: a row with nothing in it teaches W nothing, nor the bias.
    bias = torch.zeros(1, 5, requires_grad=True)
    x = torch.zeros(1, 6, 5)
    reconstruction = forward(x, torch.randn(1, 5, 3), bias).reconstruction
    row_losses(x + 1, reconstruction, None).sum().backward()
    assert (bias.grad == 0).all()


@pytest.mark.parametrize(("n", "m"), [(8, 3), (80, 20), (700, 30), (1, 1)])
@pytest.mark.parametrize("rows", [0, 1, 30_000])
def test_blocks_of_rows_are_all_the_rows_in_order(n, m, rows):
    x = np.arange(rows * n, dtype=np.float32).reshape(rows, n)
    blocks = list(row_blocks(x, np.zeros((n, m), np.float32)))
    assert np.array_equal(np.concatenate([x[:0], *blocks]), x)
    assert [len(b) for b in row_blocks(torch.tensor(x), torch.zeros(n, m))] == ([rows] if rows else [])


def test_initial_weights_of_an_instance_do_not_depend_on_the_others():
    many = initial_parameters(Experiment(n_instances=5, bias=True))
    few = initial_parameters(Experiment(n_instances=2, bias=True))
    assert np.array_equal(many["W"][:2], few["W"])
    assert not np.array_equal(many["W"][0], many["W"][1])
    assert not np.array_equal(many["W"], initial_parameters(Experiment(n_instances=5, seed=43))["W"])
    assert (many["b"] == 0).all()


def test_initial_weights_have_the_standard_deviation_of_one_instance():
    for n_instances in (1, 50):
        shape = {"n_features": 60, "n_hidden": 20, "n_instances": n_instances}
        normal = initial_parameters(Experiment(**shape))["W"]
        xavier = initial_parameters(Experiment(init="xavier", **shape))["W"]
        assert abs(normal.std() - 1) < 5 / np.sqrt(2 * normal.size)
        assert abs(xavier.std() / np.sqrt(2 / 80) - 1) < 5 / np.sqrt(2 * xavier.size)
