"""The lanes kernel held to the torch kernel, and to itself: to the bit, however it is grouped."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.test_numba_kernel import (
    assert_same_step,
    fields_of_experiments,
    fresh_losses,
    kolmogorov_smirnov_p,
)
from tests.engine.test_torch_kernel import assert_same_bits, fresh_state, only
from tms_engine import Experiment, InputError, Trainer, process
from tms_engine.training import kernels
from tms_engine.training.lanes import choice, loops, vectors
from tms_engine.training.lanes import kernel as lanes_kernel
from tms_engine.training.lanes.choice import LANES
from tms_engine.training.lanes.draws import batches
from tms_engine.training.lanes.kernel import LanesKernel
from tms_engine.training.state import State
from tms_engine.training.torch_kernel import TorchKernel

pytestmark = pytest.mark.slow

LAYOUTS = {"side by side": 0, "alone": 1 << 62}


@pytest.fixture(params=LAYOUTS)
def layout(request, monkeypatch):
    """The test runs with both layouts, whatever its shapes."""
    monkeypatch.setattr(choice, "side_by_side_from", lambda experiment: LAYOUTS[request.param])
    return request.param


@pytest.fixture
def lay_out(monkeypatch):
    return lambda name: monkeypatch.setattr(choice, "side_by_side_from", lambda experiment: LAYOUTS[name])


def train(experiment: Experiment, *chunks: int) -> tuple[np.ndarray, State]:
    """Losses and state after these numbers of steps, each taken by a kernel that goes on from a state."""
    state, losses = fresh_state(experiment), []
    for n_steps in chunks:
        kernel = LanesKernel(state, experiment)
        losses.append(kernel.advance(experiment, n_steps))
        state = kernel.state()
    return np.concatenate(losses), state


SHAPES = [
    (1, {}),
    (19, {"sparsity": tuple(1 - np.geomspace(0.001, 1, 19)[::-1]), "bias": True}),
    (5, {"n_features": 2, "n_hidden": 1, "batch_size": 300, "sparsity": 0.7, "bias": True}),
    (
        3,
        {
            "n_features": 5,
            "n_hidden": 2,
            "batch_size": 70,
            "sparsity": (0, 0.5, 0.999),
            "optimizer": "adamw",
            "weight_decay": 0.1,
            "learning_rate": (0.1, 0.01, 0.001),
        },
    ),
    (2, {"n_features": 1, "n_hidden": 1, "batch_size": 1}),
    (18, {"n_features": 3, "n_hidden": 4, "model": "linear", "bias": True, "weight_decay": 0.1}),
    (2, {"n_features": 16, "n_hidden": 2, "importance_decay": (0.9, 1.1), "bias": True, "sparsity": 0.8}),
    *(
        (number, {"n_features": 3, "n_hidden": 1, "sparsity": 0.7, **fields})
        for number, fields in (
            (2, {"relative_density": (0, 1, 5)}),
            (3, {"relative_density": ((1, 1, 1), (3, 0, 0.1), (0.1, 2, 0)), "magnitudes": "signed"}),
            (17, {"features": "at_least_one", "sparsity": (*np.linspace(0, 0.9999, 17),)}),
            (2, {"features": "at_least_one", "relative_density": (0.5, 4, 0), "magnitudes": "constant"}),
            (2, {"magnitudes": "exponential", "unit_rows": True, "bias": True}),
            (1, {"magnitudes": "signed", "unit_rows": True, "model": "linear"}),
        )
    ),
]


@pytest.mark.parametrize(("n_instances", "shape"), SHAPES)
def test_it_trains_on_the_draws_of_its_definition_in_both_layouts_to_the_bit(n_instances, shape, lay_out):
    experiment = Experiment(n_instances=n_instances, schedule="cosine", steps=40, **shape)
    x = batches(experiment, 0, 12)
    results = []
    for name in LAYOUTS:
        lay_out(name)
        own, by_hand = (LanesKernel(fresh_state(experiment), experiment) for _ in range(2))
        losses = np.concatenate([own.advance(experiment, n_steps) for n_steps in (5, 0, 7)])
        results += [(losses, own.state()), (by_hand.train_on(experiment, x), by_hand.state())]
    for a, b in pairwise(results):
        assert np.array_equal(a[0], b[0])
        assert_same_bits(a[1], b[1])


@pytest.mark.usefixtures("layout")
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the layout is the same for all examples
)
@given(
    fields_of_experiments(), st.sampled_from([0, 6]), st.sampled_from(["as drawn", "some rows", "nothing"])
)
def test_a_step_on_a_given_batch_is_the_torch_kernels(fields, steps_before, emptied):
    # Of few shapes, for each is compiled.
    fields |= {"n_features": 3 if fields["n_features"] < 10 else 7, "n_hidden": 1 + fields["n_hidden"] % 2}
    experiment = Experiment(**fields | {"features": "bernoulli", "n_active": 0})
    x = batches(experiment, 0, steps_before + 2)
    reference = TorchKernel(fresh_state(experiment), "cpu")
    reference.train_on(experiment, x[:steps_before])
    if emptied == "some rows":
        x[:, :, ::3] = 0
    elif emptied == "nothing":
        x[steps_before] = 0
    state = reference.state()
    for batch in x[steps_before:]:
        state = assert_same_step(experiment, batch, state, lambda before: LanesKernel(before, experiment))


def assert_same_losses(experiment: Experiment, x: np.ndarray) -> tuple[LanesKernel, TorchKernel]:
    """Train both kernels on these batches."""
    kernel = LanesKernel(fresh_state(experiment), experiment)
    reference = TorchKernel(fresh_state(experiment), "cpu")
    losses, expected = (k.train_on(experiment, x) for k in (kernel, reference))
    assert np.allclose(losses, expected, rtol=1e-5)
    return kernel, reference


@pytest.mark.usefixtures("layout")
def test_a_step_of_the_linear_model_is_the_torch_kernels():
    experiment = Experiment(model="linear", bias=True, n_instances=3, sparsity=(0, 0.5, 0.9), n_features=5)
    x = batches(experiment, 0, 30)
    kernel, reference = assert_same_losses(experiment, x)
    for name, value in reference.state().parameters.items():
        assert np.allclose(kernel.state().parameters[name], value, atol=1e-5)


@pytest.mark.usefixtures("layout")
def test_importances_of_each_instance_are_those_of_its_loss():
    fields = {"n_features": 3, "n_hidden": 2, "bias": True, "sparsity": 0.5}
    importance = ((1, 0.5, 0), (2, 1, 0.1))
    experiment = Experiment(n_instances=2, importance=importance, importance_decay=(0.9, 1.0), **fields)
    x = batches(experiment, 0, 20)
    assert_same_losses(experiment, x)


@pytest.mark.parametrize("n_instances", [1, 2, LANES - 1, LANES, LANES + 1, 3 * LANES + 5])
def test_an_instance_has_the_same_bits_alone_and_among_others(n_instances):
    sparsity = np.random.default_rng(0).permutation(np.linspace(0, 0.99, n_instances))
    experiment = Experiment(
        n_instances=n_instances, sparsity=tuple(sparsity), n_features=5, n_hidden=2, bias=True
    )
    losses, state = train(experiment, 30)
    for i in {0, n_instances // 2, n_instances - 1}:
        own, alone = train(experiment.alone(i), 30)
        assert np.array_equal(own[:, 0], losses[:, i])
        assert_same_bits(alone, only(state, i))
    shard = list(range(0, n_instances, 2))
    own, part = train(experiment.select(shard), 30)
    assert np.array_equal(own, losses[:, shard])
    assert np.array_equal(part.parameters["W"], state.parameters["W"][shard])


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize(("n_instances", "shape"), SHAPES)
def test_steps_may_be_cut_anywhere_and_threads_be_any_number(n_instances, shape, monkeypatch):
    experiment = Experiment(n_instances=n_instances, schedule="cosine", steps=40, **shape)
    whole, state = train(experiment, 40)
    for chunks in [(15, 25), (1, 38, 1)]:
        losses, resumed = train(experiment, *chunks)
        assert np.array_equal(losses, whole)
        assert_same_bits(resumed, state)
    monkeypatch.setattr(lanes_kernel, "_THREADS_FROM", 0)
    for number in (1, 2, 3):
        with process.threads(number):
            losses, threaded = train(experiment, 40)
        assert np.array_equal(losses, whole)
        assert_same_bits(threaded, state)


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize("bias", [False, True])
def test_a_diverged_instance_stops_alone_as_in_the_torch_kernel(bias):
    wild = Experiment(n_instances=3, learning_rate=(0.01, 1e15, 0.01), bias=bias)
    x = batches(wild, 0, 50)
    kernel, reference = LanesKernel(fresh_state(wild), wild), TorchKernel(fresh_state(wild), "cpu")
    losses, expected = (k.train_on(wild, x) for k in (kernel, reference))
    state = kernel.state()
    step = int(state.diverged_at[1])
    assert 0 < step < 50
    assert kernel.n_diverged() == 1
    assert np.array_equal(state.diverged_at, reference.state().diverged_at)
    assert np.array_equal(np.isnan(losses), np.isnan(expected))
    # What it keeps is what it had after its last finite step, moments too, and it does not begin again.
    before = LanesKernel(fresh_state(wild), wild)
    before.train_on(wild, x[:step])
    assert_same_bits(only(state, 1)._replace(step=step, diverged_at=np.array([-1])), only(before.state(), 1))
    again = LanesKernel(state, wild)
    assert np.isnan(again.advance(wild, 3)[:, 1]).all()
    assert np.isfinite(again.advance(wild, 3)[:, [0, 2]]).all()


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_a_batch_that_is_not_finite_is_divergence(value):
    experiment = Experiment(n_instances=2, bias=True)
    x = batches(experiment, 0, 1)
    x[0, 1, 3, 2] = value
    kernel = LanesKernel(fresh_state(experiment), experiment)
    losses = kernel.train_on(experiment, x)
    assert np.array_equal(np.isnan(losses[0]), [False, True])
    assert kernel.state().diverged_at.tolist() == [-1, 0]


def test_a_live_change_goes_on_from_there_and_is_of_the_instances_it_names():
    experiment = Experiment(n_instances=20, sparsity=tuple(np.linspace(0.5, 0.9, 20)), steps=100)
    trainer = Trainer(experiment)
    assert trainer.kernel == "lanes"
    trainer.advance(30)
    trainer.change(sparsity=tuple(np.linspace(0.9, 0.5, 20)), learning_rate=0.1, importance_decay=0.5)
    resumed = Trainer.resume(trainer.run())
    for one in (trainer, resumed):
        one.advance(20)
    assert_same_bits(trainer.run().state, resumed.run().state)
    # The same by hand: one kernel for both experiments, and one of its own for the second.
    state = train(experiment, 30)[1]
    kernel = LanesKernel(state, trainer.current)
    kernel.advance(trainer.current, 20)
    assert_same_bits(kernel.state(), trainer.run().state)


@pytest.mark.usefixtures("layout")
def test_densities_of_each_feature_come_and_go_while_it_trains():
    experiment = Experiment(n_features=3, n_hidden=1, n_instances=3, sparsity=0.7, steps=100)
    trainer, by_hand = Trainer(experiment), LanesKernel(fresh_state(experiment), experiment)
    for own in (None, ((0, 1, 2), (1, 1, 1), (0.1, 0, 0)), (3, 2, 1), None):
        trainer.change(relative_density=own)
        x = batches(trainer.current, trainer.step, 10)
        trainer.advance(10)
        by_hand.train_on(trainer.current, x)
        assert_same_bits(trainer.run().state, by_hand.state())
    assert trainer.kernel == "lanes"


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize("fields", [shape for _, shape in SHAPES[-6:]], ids=str)
def test_other_data_train_as_in_the_torch_kernel(fields):
    number = len(fields["sparsity"]) if isinstance(fields["sparsity"], tuple) else 3
    experiment = Experiment(n_instances=number, **fields)
    assert_same_losses(experiment, batches(experiment, 0, 20))


def test_final_losses_are_distributed_as_the_torch_kernels():
    ours = fresh_losses("lanes", 128, 1000)
    theirs = fresh_losses("torch", 64, 1000, seed=7)
    assert kolmogorov_smirnov_p(ours, theirs) > 1e-3


# Which it serves ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "because"),
    [
        ({}, ""),
        ({"model": "linear"}, ""),
        ({"model": "untied"}, "it has no model untied"),
        ({"features": "n_active"}, "it has no draw for n_active data"),
        ({"n_features": 43}, "it has models of up to 128 weights"),
        ({"relative_density": [1] * 8, "magnitudes": "exponential"}, ""),
        ({"features": "at_least_one", "magnitudes": "constant", "unit_rows": True}, ""),
        ({"features": "correlated"}, "it has no draw for correlated data"),
        ({"dataset_rows": 5}, "it has no draw for a fixed data set"),
        ({"n_features": 16, "n_hidden": 8}, ""),
        ({"batch_size": 4097}, "it has batches of up to 4,096 rows"),
    ],
)
def test_it_says_what_it_does_not_serve_and_auto_takes_it_wherever_it_serves(fields, because):
    experiment = Experiment(device="cpu", **fields)
    assert lanes_kernel.refusal(experiment) == because
    chosen = kernels.choose(experiment)
    assert (chosen.kernel == "lanes") == (not because)
    if because:
        assert f"lanes cannot, because {because}" in chosen.reason
        with pytest.raises(InputError, match=f"kernel lanes cannot train this on cpu, because {because}"):
            kernels.choose(experiment.replace(kernel="lanes"))


def test_a_processor_without_what_it_needs_is_refused(monkeypatch):
    monkeypatch.setattr(vectors.binding, "get_host_cpu_features", dict)
    monkeypatch.setattr(vectors.binding, "get_process_triple", lambda: "x86_64-unknown-linux-gnu")
    assert kernels.choose(Experiment(device="cpu")).kernel == "numba"
    assert "no fused multiply-add" in kernels.choose(Experiment(device="cpu")).reason


def test_the_library_to_be_loaded_is_known_before_it_is():
    assert kernels.library(Experiment(device="cpu")) == "llvmlite"
    assert kernels.library(Experiment(kernel="lanes")) == "llvmlite"
    assert kernels.library(Experiment(device="cpu", magnitudes="signed")) == "llvmlite"
    assert kernels.library(Experiment(device="cpu", features="n_active")) == "numba"
    assert kernels.library(Experiment(device="cpu", features="n_active", magnitudes="signed")) == "torch"
    assert kernels.library(Experiment(kernel="torch")) == "torch"


@pytest.mark.parametrize("alone", [False, True])
def test_its_instructions_are_of_vectors(alone):
    text = loops.assembly(loops.Shape(2, 1, bias=True, relu=True, alone=alone))
    features = vectors.binding.get_host_cpu_features()
    register = "%zmm" if features.get("avx512f") else "%ymm" if features.get("avx2") else ""
    if register:
        assert len(re.findall(rf"vfn?m\w+ps.*{register}", text)) >= 10
        assert len(re.findall(rf"vpmulld.*{register}", text)) >= 4


@pytest.mark.usefixtures("layout")
def test_narrower_registers_have_the_same_bits(monkeypatch):
    if not vectors.binding.get_host_cpu_features().get("avx2"):
        pytest.skip("no processor with AVX2")
    experiment = Experiment(n_instances=2, bias=True, sparsity=0.7)
    losses, state = train(experiment, 50)
    monkeypatch.setattr(loops, "_compiled", {})
    monkeypatch.setattr(vectors.binding, "get_host_cpu_name", lambda: "haswell")
    monkeypatch.setattr(vectors.binding.FeatureMap, "flatten", lambda features: "")
    narrow, of_narrow = train(experiment, 50)
    assert "%zmm" not in loops.assembly(loops.Shape(8, 3, True, True, alone=True))
    assert np.array_equal(narrow, losses)
    assert_same_bits(of_narrow, state)
