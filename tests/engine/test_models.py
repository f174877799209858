"""Each model against its definition written out, and trained by torch; and those that a script brings."""

import numpy as np
import pytest
import torch

from tms_engine import Experiment, InputError, Trainer, evaluate, geometry, load_run, models, save_run
from tms_engine.analysis.clouds import cloud_sample, project
from tms_engine.models import Model, model, model_names, register_model
from tms_engine.models.layers import forward, row_blocks, row_losses
from tms_engine.training.state import initial_parameters

TIED = model("tied_relu")


@pytest.mark.parametrize("library", [np.asarray, torch.tensor])
def test_the_model_is_that_of_the_paper_written_out(library):
    rng = np.random.default_rng(0)
    x, w, b = rng.random((2, 5, 4)), rng.standard_normal((2, 4, 3)), rng.standard_normal((2, 4))
    importance = rng.random((2, 4))
    output = forward(TIED, {"W": library(w), "b": library(b)}, library(x))
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
    output, _ = forward(TIED, {"W": weights}, x)
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
        return row_losses(x, forward(TIED, {"W": weights, "b": bias}, x).reconstruction, importance).mean()

    assert torch.autograd.gradcheck(loss, (weights, bias), eps=1e-6, atol=1e-8, rtol=1e-5)


def test_a_feature_that_nothing_reaches_has_no_gradient():
    # ReLU's at 0 is 0, as in the seed: a row with nothing in it teaches W nothing, nor the bias.
    bias = torch.zeros(1, 5, requires_grad=True)
    x = torch.zeros(1, 6, 5)
    reconstruction = forward(TIED, {"W": torch.randn(1, 5, 3), "b": bias}, x).reconstruction
    row_losses(x + 1, reconstruction, None).sum().backward()
    assert (bias.grad == 0).all()


@pytest.mark.parametrize(("n", "m"), [(8, 3), (80, 20), (700, 30), (1, 1)])
@pytest.mark.parametrize("rows", [0, 1, 30_000])
def test_blocks_of_rows_are_all_the_rows_in_order(n, m, rows):
    x = np.arange(rows * n, dtype=np.float32).reshape(rows, n)
    blocks = list(row_blocks(x, m))
    assert np.array_equal(np.concatenate([x[:0], *blocks]), x)
    assert [len(b) for b in row_blocks(torch.tensor(x), m)] == ([rows] if rows else [])


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


def test_joint_xavier_has_the_deviation_of_torchs_on_all_instances_at_once():
    experiment = Experiment(init="joint_xavier", n_features=60, n_hidden=20, n_instances=50)
    ours = initial_parameters(experiment)["W"]
    theirs = torch.nn.init.xavier_normal_(torch.empty(50, 60, 20), generator=torch.Generator().manual_seed(0))
    assert ours.std() == pytest.approx(theirs.std().item(), rel=0.02)
    assert Experiment(init="joint_xavier", n_features=5, n_hidden=2, n_instances=10).first_std == (
        pytest.approx(0.26, abs=0.005)
    )
    assert experiment.first_std == pytest.approx((2 / (20 * 110)) ** 0.5)


def test_a_shard_of_joint_xavier_starts_as_the_whole():
    whole = Experiment(init="joint_xavier", n_instances=10)
    for places in ([7], [2, 5, 6]):
        shard = whole.select(places)
        assert shard.first_std == whole.first_std
        assert np.array_equal(initial_parameters(shard)["W"], initial_parameters(whole)["W"][places])
    assert Experiment(init="joint_xavier", n_instances=2).first_std != whole.first_std
    assert Experiment(init_std=0.25).first_std == 0.25


BUILT_IN = ("tied_relu", "linear", "untied", "relu_hidden")


def written_out(name, x, p):
    """x̂ of one row of one instance, in loops."""
    (n, m) = (len(x), p["W"].shape[1] if "W" in p else p["E"].shape[1])
    into = p["W"] if "W" in p else p["E"]
    out_of = p["W"].T if "W" in p else p["D"]
    h = [sum(x[j] * into[j, d] for j in range(n)) for d in range(m)]
    if name == "relu_hidden":
        h = [max(0, value) for value in h]
    linear = [sum(h[d] * out_of[d, k] for d in range(m)) + p["b"][k] for k in range(n)]
    return h, linear if name == "linear" else [max(0, value) for value in linear]


@pytest.mark.parametrize("library", [np.asarray, torch.tensor])
@pytest.mark.parametrize("name", BUILT_IN)
def test_every_model_is_its_definition_written_out(name, library):
    experiment = Experiment(n_features=4, n_hidden=3, n_instances=2, bias=True, model=name)
    rng = np.random.default_rng(0)
    parameters = initial_parameters(experiment)
    parameters["b"] = rng.standard_normal((2, 4)).astype(np.float32)
    x = rng.random((2, 5, 4)).astype(np.float32)
    output = forward(model(name), {k: library(v) for k, v in parameters.items()}, library(x))
    for i in range(2):
        for row in range(5):
            h, out = written_out(name, x[i, row], {k: v[i] for k, v in parameters.items()})
            assert np.allclose(output.hidden[i, row], h, atol=1e-5)
            assert np.allclose(output.reconstruction[i, row], out, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILT_IN)
def test_every_model_trains_and_is_saved_and_resumed_to_the_bit(name, tmp_path):
    experiment = Experiment(n_instances=2, model=name, bias=True, device="cpu", steps=300, sparsity=0.8)
    trainer = Trainer(experiment)
    first = evaluate(trainer.run(), 5000).loss
    trainer.advance(150)
    save_run(trainer.run(), tmp_path)
    trainer.advance(150)
    again = Trainer.resume(load_run(tmp_path))
    again.advance(150)
    whole, resumed = trainer.run(), again.run()
    assert (evaluate(whole, 5000).loss < first / 3).all()
    for key, value in whole.state.parameters.items():
        assert value.tobytes() == resumed.state.parameters[key].tobytes()
    assert whole.history.steps == resumed.history.steps
    assert whole.weights.shape == (2, 8, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILT_IN[1:])
@pytest.mark.parametrize("kernel", ["numba", "triton"])
def test_compiled_kernels_refuse_the_other_models_with_a_reason(name, kernel):
    assert Trainer(Experiment(model=name, device="cpu")).kernel == ("lanes" if name == "linear" else "torch")
    with pytest.raises(InputError, match=f"no model {name}" if kernel == "numba" else "made for cuda"):
        Trainer(Experiment(model=name, kernel=kernel, device="cpu"))


@pytest.mark.slow
def test_the_linear_model_learns_the_most_important_features_and_nothing_of_the_others():
    # Principal components of independent features: the m of greatest variance times importance (paper).
    experiment = Experiment(
        n_features=5, n_hidden=2, model="linear", bias=True, sparsity=0.5, importance_decay=0.6,
        batch_size=64, steps=1500, learning_rate=0.05, schedule="linear", device="cpu",
    )  # fmt: skip
    trainer = Trainer(experiment)
    trainer.advance(1500)
    norms = geometry.norms(trainer.run().weights)[0]
    assert np.allclose(norms, [1, 1, 0, 0, 0], atol=0.02)


@pytest.mark.slow
def test_a_cloud_is_what_the_model_encodes():
    experiment = Experiment(model="relu_hidden", device="cpu")
    run = Trainer(experiment).run()
    x = cloud_sample(experiment, 0, 1000, "cpu")
    points = project(x, run.at(), 0, np.eye(3, dtype=np.float32))
    assert np.allclose(points, np.maximum(x @ run.weights[0], 0), atol=1e-6)
    assert (points >= 0).all()


@pytest.fixture
def own_model():
    """|x| from a hidden layer: h = ReLU(xE), x̂ = hD, target |x|, as in the paper's computation."""

    def parameters(sizes, generator):
        n, m = sizes.n_features, sizes.n_hidden
        return {
            "E": generator.standard_normal((n, m)).astype(np.float32) * 0.5,
            "D": generator.standard_normal((m, n)).astype(np.float32) * 0.5,
        }

    register_model(
        "absolute",
        Model(
            help="|x| by a hidden layer of ReLUs",
            parameters=parameters,
            encode=lambda p, x: (x @ p["E"]) * ((x @ p["E"]) > 0),
            decode=lambda p, h: h @ p["D"],
            directions=lambda p: p["E"],
            target=abs,
        ),
    )
    yield "absolute"
    del models._registered["absolute"]


@pytest.mark.slow
def test_a_script_trains_saves_and_reloads_a_model_of_its_own(own_model, tmp_path):
    assert own_model in model_names()
    experiment = Experiment(model=own_model, n_features=3, n_hidden=6, sparsity=0.5, device="cpu", steps=800)
    trainer = Trainer(experiment)
    before = evaluate(trainer.run(), 5000).loss[0]
    trainer.advance(800)
    assert evaluate(trainer.run(), 5000).loss[0] < before / 5
    save_run(trainer.run(), tmp_path)
    assert set(load_run(tmp_path).state.parameters) == {"E", "D"}


@pytest.mark.slow
def test_a_run_of_a_model_that_is_not_registered_gets_one_sentence(own_model, tmp_path):
    save_run(Trainer(Experiment(model=own_model, device="cpu")).run(), tmp_path)
    registered = models._registered.pop(own_model)
    with pytest.raises(InputError, match=r"state.safetensors: model should be tied_relu, .*not 'absolute'"):
        load_run(tmp_path)
    models._registered[own_model] = registered


def test_a_built_in_model_cannot_be_replaced():
    with pytest.raises(InputError, match="there is a model 'linear' already"):
        register_model("linear", model("untied"))
