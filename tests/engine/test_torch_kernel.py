from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tms_engine import Experiment, sampling
from tms_engine.models import model
from tms_engine.models.layers import forward, row_losses
from tms_engine.training.optimizers import learning_rates
from tms_engine.training.state import State, initial_parameters, initial_state
from tms_engine.training.torch_kernel import TorchKernel

pytestmark = pytest.mark.slow

CPU = "cpu"


def fresh_state(experiment: Experiment) -> State:
    return initial_state(experiment)


def train(experiment: Experiment, n_steps: int) -> tuple[np.ndarray, State]:
    kernel = TorchKernel(fresh_state(experiment), CPU)
    return kernel.advance(experiment, n_steps), kernel.state()


def only(state: State, i: int) -> State:
    def pick(parameters):
        return {name: value[i : i + 1] for name, value in parameters.items()}

    return State(
        state.step,
        pick(state.parameters),
        pick(state.first_moments),
        pick(state.second_moments),
        state.diverged_at[i : i + 1],
    )


def assert_same_bits(a: State, b: State) -> None:
    assert a.step == b.step
    for mine, theirs in zip(a[1:4], b[1:4], strict=True):
        assert mine.keys() == theirs.keys()
        for name in mine:
            assert np.array_equal(mine[name], theirs[name]), name
    assert np.array_equal(a.diverged_at, b.diverged_at)


@pytest.mark.parametrize(
    ("optimizer", "weight_decay", "reference"),
    [
        ("adam", 0.0, torch.optim.Adam),
        ("adam", 0.1, torch.optim.Adam),
        ("adamw", 0.1, torch.optim.AdamW),
    ],
)
def test_adam_is_torchs(optimizer, weight_decay, reference):
    experiment = Experiment(
        bias=True, optimizer=optimizer, weight_decay=weight_decay, importance_decay=0.9, batch_size=64
    )
    losses, state = train(experiment, 200)

    weights, bias = (torch.tensor(p, requires_grad=True) for p in initial_parameters(experiment).values())
    optimiser = reference([weights, bias], lr=0.01, weight_decay=weight_decay)
    importance = torch.tensor(experiment.feature_importance(), dtype=torch.float32)
    for k, x in enumerate(map(torch.tensor, sampling.batches(experiment, 0, 200, CPU))):
        optimiser.zero_grad()
        loss = row_losses(
            x, forward(model("tied_relu"), {"W": weights, "b": bias}, x).reconstruction, importance
        ).mean()
        loss.backward()
        optimiser.step()
        assert np.isclose(loss.item(), losses[k, 0], rtol=1e-4)
    assert np.allclose(weights.detach(), state.parameters["W"], rtol=1e-4, atol=1e-5)
    assert np.allclose(bias.detach(), state.parameters.get("b"), rtol=1e-4, atol=1e-5)
    assert np.allclose(
        optimiser.state[weights]["exp_avg_sq"], state.second_moments["W"], rtol=1e-3, atol=1e-9
    )


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("n_instances", "shape"),
    [
        (64, {}),
        (8, {"n_features": 20, "n_hidden": 5, "batch_size": 1024, "sparsity": 0.9}),
        # Odd shapes, whose instances do not begin at round addresses.
        (5, {"n_features": 17, "n_hidden": 9, "batch_size": 251, "sparsity": 0.9, "bias": True}),
        (3, {"n_features": 81, "n_hidden": 19, "batch_size": 77, "sparsity": 0.5, "importance_decay": 0.9}),
    ],
)
def test_instances_together_equal_each_alone_to_the_bit(n_instances, shape):
    experiment = Experiment(n_instances=n_instances, **shape)
    batches = sampling.batches(experiment, 0, 20, CPU)
    together = TorchKernel(fresh_state(experiment), CPU)
    losses = together.train_on(experiment, batches)
    for i in range(n_instances):
        alone = TorchKernel(only(fresh_state(experiment), i), CPU)
        own = alone.train_on(experiment.alone(i), batches[:, i : i + 1])
        assert np.array_equal(own[:, 0], losses[:, i])
        assert_same_bits(alone.state(), only(together.state(), i))


def test_a_sweep_trains_each_instance_with_its_own_settings():
    sweep = Experiment(
        n_instances=3,
        sparsity=(0.5, 0.9, 0.99),
        learning_rate=(0.1, 0.01, 0.001),
        importance_decay=(1, 0.9, 0.5),
    )
    batches = sampling.batches(sweep, 0, 50, CPU)
    kernel = TorchKernel(fresh_state(sweep), CPU)
    kernel.train_on(sweep, batches)
    for i in range(3):
        one = Experiment(
            sparsity=sweep.sparsity[i],
            learning_rate=sweep.learning_rate[i],
            importance_decay=sweep.importance_decay[i],
        )
        alone = TorchKernel(only(fresh_state(sweep), i), CPU)
        alone.train_on(one, batches[:, i : i + 1])
        assert np.allclose(alone.state().parameters["W"][0], kernel.state().parameters["W"][i], atol=1e-6)


def test_one_thread_equals_two_to_the_bit():
    experiment = Experiment(n_features=80, n_hidden=20, batch_size=1024, sparsity=0.9)
    states = []
    before = torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        states.append(train(experiment, 5))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert np.array_equal(states[0][0], states[1][0])
    assert_same_bits(states[0][1], states[1][1])


def test_300_steps_and_700_equal_1000_to_the_bit():
    experiment = Experiment(n_instances=2, bias=True, schedule="cosine", steps=1000)
    whole, state = train(experiment, 1000)
    kernel = TorchKernel(fresh_state(experiment), CPU)
    first = kernel.advance(experiment, 300)
    halfway = TorchKernel(kernel.state(), CPU)
    second = halfway.advance(experiment, 700)
    assert np.array_equal(whole, np.concatenate([first, second]))
    assert_same_bits(state, halfway.state())


def test_schedules_fall_from_the_learning_rate_to_zero():
    def rates(schedule):
        return learning_rates(Experiment(schedule=schedule, steps=100, learning_rate=0.5), 0, 102)[:, 0]

    assert (rates("constant") == 0.5).all()
    assert np.allclose(rates("linear")[[0, 50, 100, 101]], [0.5, 0.25, 0, 0])
    assert np.allclose(rates("cosine")[[0, 25, 50, 100, 101]], [0.5, 0.25 * (1 + 0.5**0.5), 0.25, 0, 0])
    assert np.allclose(rates("quarter_cosine")[[0, 50, 100, 101]], [0.5, 0.5 * 0.5**0.5, 0, 0], atol=1e-15)
    # The paper's notebook's cosine_decay_lr, which divides by T − 1.
    theirs = 0.5 * np.cos(0.5 * np.pi * np.arange(100) / 99)
    assert np.allclose(rates("quarter_cosine")[:100], theirs, atol=0.01)


def test_cosine_is_torchs_cosine_annealing():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.5)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100)
    theirs = []
    for _ in range(100):
        theirs.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    ours = learning_rates(Experiment(schedule="cosine", steps=100, learning_rate=0.5), 0, 100)[:, 0]
    assert np.allclose(ours, theirs)


def test_a_diverged_instance_stops_with_its_last_finite_weights_and_the_others_go_on():
    wild = Experiment(n_instances=3, learning_rate=(0.01, 1e15, 0.01), bias=True)
    losses, state = train(wild, 50)
    assert state.diverged_at[1] >= 0
    assert state.diverged_at[[0, 2]].tolist() == [-1, -1]
    step = int(state.diverged_at[1])
    assert np.isnan(losses[step:, 1]).all()
    assert np.isfinite(losses[:step, 1]).all()
    assert np.isfinite(losses[:, [0, 2]]).all()
    for parameters in state[1:4]:
        assert all(np.isfinite(value).all() for value in parameters.values())
    # Its weights are those after its last finite step.
    _, before = train(wild, step)
    assert np.array_equal(before.parameters["W"][1], state.parameters["W"][1])
    # The others are what they are without it.
    _, calm = train(wild.replace(learning_rate=0.01), 50)
    assert np.array_equal(calm.parameters["W"][[0, 2]], state.parameters["W"][[0, 2]])


def test_weights_that_cannot_be_stepped_from_are_kept():
    # A gradient whose square overflows: the loss is finite and Adam would stand still without a word.
    experiment = Experiment(n_features=1, n_hidden=1, sparsity=0.0)
    state = fresh_state(experiment)
    state.parameters["W"][:] = 1e8
    kernel = TorchKernel(state, CPU)
    losses = kernel.train_on(experiment, np.full((1, 1, 32, 1), 0.5, np.float32))
    assert kernel.state().diverged_at.tolist() == [0]
    assert np.isnan(losses).all()
    assert kernel.state().parameters["W"].item() == np.float32(1e8)


def test_an_instance_that_has_stopped_does_not_start_again():
    experiment = Experiment(n_instances=2)
    state = fresh_state(experiment)
    batches = sampling.batches(experiment, 0, 3, CPU)
    batches[1, 0, 0, 0] = np.inf  # one bad batch for one instance, and good ones after it
    kernel = TorchKernel(state, CPU)
    losses = kernel.train_on(experiment, batches)
    assert np.isnan(losses[:, 0]).tolist() == [False, True, True]
    assert np.isfinite(losses[:, 1]).all()
    assert kernel.state().diverged_at.tolist() == [1, -1]
    after_one = TorchKernel(state, CPU)
    after_one.train_on(experiment, batches[:1])
    assert np.array_equal(kernel.state().parameters["W"][0], after_one.state().parameters["W"][0])


def test_a_loss_that_overflows_stops_an_instance_even_if_its_gradient_does_not():
    experiment = Experiment(n_features=1, n_hidden=1)
    state = fresh_state(experiment)
    state.parameters["W"][:] = 0
    kernel = TorchKernel(state, CPU)
    losses = kernel.train_on(experiment, np.full((1, 1, 32, 1), 3e19, np.float32))  # squared beyond float32
    assert np.isnan(losses).all()
    assert kernel.state().diverged_at.tolist() == [0]


class StandInForCuda:
    """What torch.cuda is to a capture, on the CPU: its graph remembers the step and takes it again."""

    def __init__(self, monkeypatch) -> None:
        self.replays, self.refuses = 0, False
        graphs = []  # that is being made: nothing is computed meanwhile
        here = self

        class Graph:
            def replay(self) -> None:
                here.replays += 1
                step, inputs, loss = self.remembered
                loss.copy_(step(*inputs))

        @contextmanager
        def capture(graph):
            if here.refuses:
                raise RuntimeError("operation not permitted when stream is capturing")
            graphs.append(graph)
            yield
            graphs.remove(graph)

        stream = SimpleNamespace(wait_stream=lambda _: None)
        for name, value in {
            "device": lambda _: nullcontext(), "Stream": lambda: stream, "current_stream": lambda: stream,
            "stream": lambda _: nullcontext(), "CUDAGraph": Graph, "graph": capture,
        }.items():  # fmt: skip
            monkeypatch.setattr(torch.cuda, name, value)
        take_one = TorchKernel._take_one

        def remember(kernel, experiment, *inputs):
            if not graphs:
                return take_one(kernel, experiment, *inputs)
            loss = torch.zeros(experiment.n_instances)
            graphs[0].remembered = (lambda *i: take_one(kernel, experiment, *i)), inputs, loss
            return loss

        monkeypatch.setattr(TorchKernel, "_take_one", remember)


def captured(experiment: Experiment, *chunks: int) -> tuple[np.ndarray, State]:
    kernel = TorchKernel(fresh_state(experiment), "cpu")
    kernel._captures = True
    return np.concatenate([kernel.advance(experiment, n) for n in chunks]), kernel.state()


GRAPHED = Experiment(n_instances=3, learning_rate=(0.01, 1e30, 0.1), bias=True, schedule="linear", steps=40)


@pytest.mark.parametrize("importance_decay", [1.0, 0.8])
def test_steps_replayed_from_a_graph_are_the_steps(importance_decay, monkeypatch):
    # A stand-in: it shows that all that changes is changed in place, and all that is read is copied in.
    experiment = GRAPHED.replace(importance_decay=importance_decay)
    kernel = TorchKernel(fresh_state(experiment), "cpu")
    losses = kernel.advance(experiment, 30)
    cuda = StandInForCuda(monkeypatch)
    found, state = captured(experiment, 1, 20, 9)
    assert cuda.replays == 30
    assert np.array_equal(found, losses, equal_nan=True)
    assert_same_bits(state, kernel.state())


def test_where_no_graph_can_be_made_steps_are_taken_without_and_that_is_said(monkeypatch):
    kernel = TorchKernel(fresh_state(GRAPHED), "cpu")
    losses = kernel.advance(GRAPHED, 10)
    StandInForCuda(monkeypatch).refuses = True
    with pytest.warns(UserWarning, match="no CUDA graph can be made of a step"):
        found, state = captured(GRAPHED, 10)
    assert np.array_equal(found, losses, equal_nan=True)
    assert_same_bits(state, kernel.state())
