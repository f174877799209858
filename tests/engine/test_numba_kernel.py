"""The compiled kernel held to the torch kernel, and to itself: to the bit where it says so."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.test_torch_kernel import assert_same_bits, fresh_state, only
from tms_engine import Experiment, features
from tms_engine.training import numba_kernel
from tms_engine.training.numba_kernel import NumbaKernel
from tms_engine.training.optimizer import BETA1, BETA2, EPSILON, learning_rates
from tms_engine.training.state import State
from tms_engine.training.torch_kernel import TorchKernel

EPS = float(np.finfo(np.float32).eps)


@pytest.fixture(params=["advance", "advance_by_rows"], autouse=True)
def variant(request, monkeypatch):
    """Every test runs with both of the compiled loops, whatever its shapes."""
    monkeypatch.setattr(numba_kernel, "_SHARED_FROM", 0 if request.param == "advance_by_rows" else 1 << 62)
    return request.param


def train(experiment: Experiment, *chunks: int) -> tuple[np.ndarray, State]:
    """Losses and state after these numbers of steps, each taken by a kernel that goes on from a state."""
    state, losses = fresh_state(experiment), []
    for n_steps in chunks:
        kernel = NumbaKernel(state)
        losses.append(kernel.advance(experiment, n_steps))
        state = kernel.state()
    return np.concatenate(losses), state


# One step against the torch kernel's ------------------------------------------------------------------


@st.composite
def fields_of_experiments(draw):
    n_instances, n = draw(st.integers(1, 3)), draw(st.integers(1, 20))

    def each(*values):
        return draw(st.tuples(*[st.sampled_from(values)] * n_instances))

    return dict(
        n_instances=n_instances,
        n_features=n,
        n_hidden=draw(st.integers(1, 11)),
        batch_size=draw(st.sampled_from([1, 2, 3, 5, 32, 127, 128, 129, 300])),
        features=draw(st.sampled_from(["bernoulli", "n_active"])),
        n_active=draw(st.integers(0, n)),
        sparsity=each(0.0, 0.5, 0.9, 0.99),
        learning_rate=each(0.1, 0.01, 0.001),
        importance_decay=each(1.0, 0.8, 1.1),
        bias=draw(st.booleans()),
        optimizer=draw(st.sampled_from(["adam", "adamw"])),
        weight_decay=draw(st.sampled_from([0.0, 0.01, 0.3])),
        schedule=draw(st.sampled_from(["constant", "linear", "cosine"])),
        steps=draw(st.sampled_from([7, 12, 10_000])),
        seed=draw(st.integers(0, 2**63 - 1)),
    )


def sums_of_absolutes(experiment: Experiment, x: np.ndarray, state: State):
    """Loss and gradients with every term taken absolutely: what their rounding is in proportion to.

    x (instances, batch, features) → loss (instances), {"W": ..., "b": ...}.
    """
    x, w = np.abs(x).astype(float), np.abs(state.weights).astype(float)
    b = np.zeros(w.shape[:2]) if state.bias is None else np.abs(state.bias).astype(float)
    hidden = x @ w
    error = hidden @ w.swapaxes(1, 2) + b[:, None] + x
    weighted = experiment.importance()[:, None] * error / x[0].size
    loss = (weighted * error).sum((1, 2))
    l2 = experiment.weight_decay if experiment.optimizer == "adam" else 0.0
    gradient = 2 * (x.swapaxes(1, 2) @ (weighted @ w) + weighted.swapaxes(1, 2) @ hidden)
    return loss, {"W": gradient + l2 * w, "b": 2 * weighted.sum(1) + l2 * b}


def assert_same_step(experiment: Experiment, x: np.ndarray, before: State) -> State:
    """Each kernel takes one step from `before`; they may differ by rounding alone. Returns the state after."""
    reference, kernel = TorchKernel(before, "cpu"), NumbaKernel(before)
    expected, losses = (k.train_on(experiment, x[None])[0] for k in (reference, kernel))
    theirs, ours = reference.state(), kernel.state()
    assert ours.step == theirs.step
    assert np.array_equal(ours.diverged_at, theirs.diverged_at)

    # Sums of K terms in another order differ by about √K ε of the sum of their absolutes: ten times that.
    terms = experiment.batch_size + experiment.n_features + experiment.n_hidden
    rounding = 10 * np.sqrt(terms) * EPS
    loss, gradients = sums_of_absolutes(experiment, x, before)
    assert (np.abs(losses - expected) <= rounding * loss).all()
    time = before.step + 1
    scale = learning_rates(experiment, before.step, 1)[0] / (1 - BETA1**time)
    root = np.sqrt(1 - BETA2**time)
    for name, gradient in gradients.items():
        if name not in theirs.parameters:
            continue
        first, second, value, start, my_first, my_second, my_value = (
            moments[name].astype(float)
            for moments in (*theirs[2:4], theirs.parameters, before.parameters, *ours[2:4], ours.parameters)
        )
        # m and v take a tenth and a thousandth of the gradient and of its square, and round a few times.
        off_first, off_second = np.abs(my_first - first), np.abs(my_second - second)
        assert (off_first <= (1 - BETA1) * rounding * gradient + 4 * EPS * np.abs(first)).all()
        assert (off_second <= (1 - BETA2) * 2 * rounding * gradient**2 + 4 * EPS * second).all()
        # p differs by what follows from those differences (Adam makes a full step of a gradient that is all
        # rounding), and rounds a few times itself.
        below, my_below = np.sqrt(second) / root + EPSILON, np.sqrt(my_second) / root + EPSILON
        rate = scale.reshape(-1, *[1] * (first.ndim - 1))
        follows = rate * (off_first + np.abs(first) * np.abs(my_below - below) / below) / my_below
        size = np.abs(start) + np.abs(value) + rate * np.abs(first) / below
        assert (np.abs(my_value - value) <= 1.01 * follows + 4 * EPS * size).all()
    return theirs


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the variant is the same for all examples
)
@given(
    fields_of_experiments(),
    st.sampled_from([0, 1, 10]),
    st.sampled_from(["as drawn", "some rows", "nothing"]),
)
def test_a_step_on_a_given_batch_is_the_torch_kernels(fields, steps_before, emptied):
    experiment = Experiment(**fields)
    batches = np.asarray(features.batches(experiment, 0, steps_before + 3, "cpu"))
    if emptied == "some rows":
        batches[:, :, ::3] = 0
    reference = TorchKernel(fresh_state(experiment), "cpu")
    reference.train_on(experiment, batches[:steps_before])
    if emptied == "nothing":
        batches[steps_before + 1] = 0
    state = reference.state()
    for x in batches[steps_before:]:
        state = assert_same_step(experiment, x, state)


# To the bit -------------------------------------------------------------------------------------------

SHAPES = [
    (64, {}),
    (3, {"n_features": 20, "n_hidden": 5, "batch_size": 1024, "sparsity": 0.9}),
    (5, {"n_features": 17, "n_hidden": 9, "batch_size": 251, "sparsity": 0.9, "bias": True}),
    (
        3,
        {
            "n_features": 81,
            "n_hidden": 19,
            "batch_size": 277,
            "sparsity": (0, 0.5, 0.99),
            "optimizer": "adamw",
        },
    ),
    (4, {"n_features": 3, "n_hidden": 6, "batch_size": 130, "features": "n_active", "importance_decay": 0.9}),
    (2, {"n_features": 12, "batch_size": 129, "features": "correlated", "weight_decay": 0.1, "bias": True}),
    (2, {"n_features": 12, "batch_size": 129, "features": "anticorrelated", "learning_rate": (0.1, 0.001)}),
]


@pytest.mark.parametrize(("n_instances", "shape"), SHAPES)
def test_instances_together_equal_each_alone_to_the_bit(n_instances, shape):
    experiment = Experiment(n_instances=n_instances, **shape)
    batches = np.asarray(features.batches(experiment, 0, 20, "cpu"))
    together = NumbaKernel(fresh_state(experiment))
    losses = together.train_on(experiment, batches)
    for i in range(n_instances):
        alone = NumbaKernel(only(fresh_state(experiment), i))
        own = alone.train_on(experiment.alone(i), batches[:, i : i + 1])
        assert np.array_equal(own[:, 0], losses[:, i])
        assert_same_bits(alone.state(), only(together.state(), i))


@pytest.mark.parametrize(("n_instances", "shape"), SHAPES)
def test_an_instance_does_not_know_how_many_come_after_it(n_instances, shape):
    more = Experiment(n_instances=n_instances, **shape)
    per_instance = {
        name: value[:1]
        for name in ("sparsity", "learning_rate")
        if isinstance(value := getattr(more, name), tuple)
    }
    one = more.replace(n_instances=1, **per_instance)
    kernels = NumbaKernel(fresh_state(more)), NumbaKernel(only(fresh_state(more), 0))
    losses = [k.advance(e, 50) for k, e in zip(kernels, (more, one), strict=True)]
    assert np.array_equal(losses[0][:, 0], losses[1][:, 0])
    assert_same_bits(only(kernels[0].state(), 0), kernels[1].state())


@pytest.mark.parametrize(("n_instances", "shape"), SHAPES)
def test_steps_may_be_cut_anywhere_and_resumed_to_the_bit(n_instances, shape):
    experiment = Experiment(n_instances=n_instances, schedule="cosine", steps=100, **shape)
    whole, state = train(experiment, 100)
    for chunks in [(30, 70), (1, 98, 1)]:
        losses, resumed = train(experiment, *chunks)
        assert np.array_equal(losses, whole)
        assert_same_bits(resumed, state)
    kernel = NumbaKernel(fresh_state(experiment))
    going_on = [kernel.advance(experiment, n_steps) for n_steps in (0, 64, 36)]
    assert np.array_equal(np.concatenate(going_on), whole)
    assert_same_bits(kernel.state(), state)


def test_300_steps_and_700_equal_1000_to_the_bit():
    experiment = Experiment(n_instances=2, bias=True, schedule="linear", steps=1000)
    whole, cut = train(experiment, 1000), train(experiment, 300, 700)
    assert np.array_equal(whole[0], cut[0])
    assert_same_bits(whole[1], cut[1])


@pytest.mark.parametrize(("n_instances", "shape"), SHAPES)
def test_the_number_of_threads_changes_no_bit(n_instances, shape):
    experiment = Experiment(n_instances=n_instances, **shape)
    results = []
    for number in (1, 2, 3):
        with numba_kernel.threads(number):
            results.append(train(experiment, 40))
    for a, b in pairwise(results):
        assert np.array_equal(a[0], b[0])
        assert_same_bits(a[1], b[1])


@pytest.mark.parametrize(("n_instances", "shape"), SHAPES)
def test_both_loops_give_the_same_bits(n_instances, shape, monkeypatch):
    experiment = Experiment(n_instances=n_instances, **shape)
    results = []
    for shared_from in (0, 1 << 62):
        monkeypatch.setattr(numba_kernel, "_SHARED_FROM", shared_from)
        results.append(train(experiment, 40))
    assert np.array_equal(results[0][0], results[1][0])
    assert_same_bits(results[0][1], results[1][1])
