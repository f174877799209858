"""The compiled kernel held to the torch kernel, and to itself: to the bit where it says so."""

import os
import runpy
import shutil
import subprocess
import sys
import threading
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.test_torch_kernel import assert_same_bits, fresh_state, only
from tms_engine import Experiment, Trainer, evaluate, process, sampling
from tms_engine.training.numba import kernel as numba_kernel
from tms_engine.training.numba import loops as numba_loops
from tms_engine.training.numba.kernel import NumbaKernel
from tms_engine.training.optimizers import BETA1, BETA2, EPSILON, learning_rates
from tms_engine.training.state import State
from tms_engine.training.torch_kernel import TorchKernel

pytestmark = pytest.mark.slow

EPS = float(np.finfo(np.float32).eps)


@pytest.fixture(params=["advance", "advance_by_rows"])
def variant(request, monkeypatch):
    """The test runs with both of the compiled loops, whatever its shapes."""
    monkeypatch.setattr(numba_kernel, "_shares_rows", lambda experiment: request.param == "advance_by_rows")
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

    return {
        "n_instances": n_instances,
        "n_features": n,
        "n_hidden": draw(st.integers(1, 11)),
        "batch_size": draw(st.sampled_from([1, 2, 3, 5, 32, 127, 128, 129, 300])),
        "features": draw(st.sampled_from(["bernoulli", "n_active"])),
        "n_active": draw(st.integers(0, n)),
        "sparsity": each(0.0, 0.5, 0.9, 0.99),
        "learning_rate": each(0.1, 0.01, 0.001),
        "importance_decay": each(1.0, 0.8, 1.1),
        "bias": draw(st.booleans()),
        "optimizer": draw(st.sampled_from(["adam", "adamw"])),
        "weight_decay": draw(st.sampled_from([0.0, 0.01, 0.3])),
        "schedule": draw(st.sampled_from(["constant", "linear", "cosine", "quarter_cosine"])),
        "steps": draw(st.sampled_from([7, 12, 10_000])),
        "seed": draw(st.integers(0, 2**63 - 1)),
    }


def sums_of_absolutes(experiment: Experiment, x: np.ndarray, state: State):
    """Loss and gradients with every term taken absolutely: what their rounding is in proportion to.

    x (instances, batch, features) → loss (instances), {"W": ..., "b": ...}.
    """
    x, w = np.abs(x).astype(float), np.abs(state.parameters["W"]).astype(float)
    b = (
        np.zeros(w.shape[:2])
        if state.parameters.get("b") is None
        else np.abs(state.parameters.get("b")).astype(float)
    )
    hidden = x @ w
    error = hidden @ w.swapaxes(1, 2) + b[:, None] + x
    weighted = experiment.feature_importance()[:, None] * error / x[0].size
    loss = (weighted * error).sum((1, 2))
    l2 = experiment.weight_decay if experiment.optimizer == "adam" else 0.0
    gradient = 2 * (x.swapaxes(1, 2) @ (weighted @ w) + weighted.swapaxes(1, 2) @ hidden)
    return loss, {"W": gradient + l2 * w, "b": 2 * weighted.sum(1) + l2 * b}


def assert_same_step(experiment: Experiment, x: np.ndarray, before: State, make=NumbaKernel) -> State:
    """Each kernel takes one step from `before`; only rounding may differ. Returns the state after."""
    reference, kernel = TorchKernel(before, "cpu"), make(before)
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
        # m and v take a tenth and a thousandth of the gradient and its square, and round a few times.
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


@pytest.mark.usefixtures("variant")
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the variant is the same for all examples
)
@given(
    fields_of_experiments(),
    st.sampled_from([0, 1, 6]),
    st.sampled_from(["as drawn", "some rows", "nothing"]),
)
def test_a_step_on_a_given_batch_is_the_torch_kernels(fields, steps_before, emptied):
    experiment = Experiment(**fields)
    batches = np.asarray(sampling.batches(experiment, 0, steps_before + 3, "cpu"))
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


@pytest.mark.usefixtures("variant")
@pytest.mark.parametrize(("n_instances", "shape"), SHAPES)
def test_instances_together_equal_each_alone_to_the_bit(n_instances, shape):
    experiment = Experiment(n_instances=n_instances, **shape)
    batches = np.asarray(sampling.batches(experiment, 0, 20, "cpu"))
    together = NumbaKernel(fresh_state(experiment))
    losses = together.train_on(experiment, batches)
    for i in {0, 1, n_instances // 2, n_instances - 1}:
        alone = NumbaKernel(only(fresh_state(experiment), i))
        own = alone.train_on(experiment.alone(i), batches[:, i : i + 1])
        assert np.array_equal(own[:, 0], losses[:, i])
        assert_same_bits(alone.state(), only(together.state(), i))


@pytest.mark.usefixtures("variant")
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
    losses = [k.advance(e, 20) for k, e in zip(kernels, (more, one), strict=True)]
    assert np.array_equal(losses[0][:, 0], losses[1][:, 0])
    assert_same_bits(only(kernels[0].state(), 0), kernels[1].state())


@pytest.mark.usefixtures("variant")
@pytest.mark.parametrize(("n_instances", "shape"), SHAPES)
def test_steps_may_be_cut_anywhere_and_resumed_to_the_bit(n_instances, shape):
    experiment = Experiment(n_instances=n_instances, schedule="cosine", steps=40, **shape)
    whole, state = train(experiment, 40)
    for chunks in [(15, 25), (1, 38, 1)]:
        losses, resumed = train(experiment, *chunks)
        assert np.array_equal(losses, whole)
        assert_same_bits(resumed, state)
    kernel = NumbaKernel(fresh_state(experiment))
    going_on = [kernel.advance(experiment, n_steps) for n_steps in (0, 30, 10)]
    assert np.array_equal(np.concatenate(going_on), whole)
    assert_same_bits(kernel.state(), state)


@pytest.mark.usefixtures("variant")
def test_300_steps_and_700_equal_1000_to_the_bit():
    experiment = Experiment(n_instances=2, bias=True, schedule="linear", steps=1000)
    whole, cut = train(experiment, 1000), train(experiment, 300, 700)
    assert np.array_equal(whole[0], cut[0])
    assert_same_bits(whole[1], cut[1])


@pytest.mark.usefixtures("variant")
@pytest.mark.parametrize(("n_instances", "shape"), SHAPES)
def test_the_number_of_threads_changes_no_bit(n_instances, shape):
    experiment = Experiment(n_instances=n_instances, **shape)
    results = []
    for number in (1, 2, 3):
        with process.threads(number):
            results.append(train(experiment, 40))
    for a, b in pairwise(results):
        assert np.array_equal(a[0], b[0])
        assert_same_bits(a[1], b[1])


@pytest.mark.parametrize(("n_instances", "shape"), SHAPES)
def test_both_loops_have_the_same_bits(n_instances, shape, monkeypatch):
    """Which of them trains depends on the number of instances and of threads."""
    experiment = Experiment(n_instances=n_instances, **shape)
    results = []
    for by_rows in (False, True):
        monkeypatch.setattr(numba_kernel, "_shares_rows", lambda experiment, by_rows=by_rows: by_rows)
        results.append(train(experiment, 40))
    assert np.array_equal(results[0][0], results[1][0])
    assert_same_bits(results[0][1], results[1][1])


def test_rows_are_shared_only_where_there_are_too_few_instances_for_the_threads():
    large = Experiment(n_features=80, n_hidden=20, batch_size=1024)
    for number, n_instances, expected in [(1, 1, False), (2, 1, True), (2, 2, False), (4, 3, True)]:
        with process.threads(number):
            assert numba_kernel._shares_rows(large.replace(n_instances=n_instances)) == expected
            assert not numba_kernel._shares_rows(Experiment(n_instances=n_instances))


# What it comes to --------------------------------------------------------------------------------------


def kolmogorov_smirnov_p(a: np.ndarray, b: np.ndarray) -> float:
    """Of two samples from the same continuous distribution being this far apart (Kolmogorov's series)."""
    both = np.sort(np.concatenate([a, b]))
    far = np.abs(
        np.searchsorted(np.sort(a), both, "right") / len(a)
        - np.searchsorted(np.sort(b), both, "right") / len(b)
    ).max()
    k = np.arange(1, 101)
    lam = far * np.sqrt(len(a) * len(b) / (len(a) + len(b)))
    return float(np.clip(2 * ((-1.0) ** (k - 1) * np.exp(-2 * k**2 * lam**2)).sum(), 0, 1)) if far else 1.0


def fresh_losses(kernel: str, n_instances: int, n_steps: int, **fields) -> np.ndarray:
    trainer = Trainer(Experiment(n_instances=n_instances, kernel=kernel, device="cpu", **fields))
    trainer.advance(n_steps)
    return evaluate(trainer.run(), device="cpu").loss


@pytest.mark.parametrize("fields", [{}, {"features": "anticorrelated", "sparsity": 0.8, "bias": True}])
def test_final_losses_are_distributed_as_the_torch_kernels(fields):
    # By simulation from 512 instances: of samples this large, 99 in 100 are told apart if their means differ
    # by half a standard deviation at the defaults (2e-4 of a loss of .0042), by .75 in the other case (.0015
    # of .0076, whose distribution has a long tail).
    ours = fresh_losses("numba", 128, 1000, **fields)
    theirs = fresh_losses("torch", 64, 1000, seed=7, **fields)
    assert kolmogorov_smirnov_p(ours, theirs) > 1e-3


def test_a_million_steps_keep_their_whole_curve_in_little_memory():
    resource = pytest.importorskip("resource")
    trainer = Trainer(Experiment(steps=1_000_000, kernel="numba"))
    trainer.advance(20_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    trainer.advance(980_000)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 16 << (20 if sys.platform == "darwin" else 10)  # bytes there, KiB elsewhere
    run = trainer.run()
    assert sum(array.nbytes for array in run.history.to_arrays().values()) < 1 << 20
    curve = run.history.loss_curve()
    assert (curve.start[0], curve.end[-1]) == (0, 1_000_000)
    assert np.array_equal(curve.start[1:], curve.end[:-1])
    # A batch's loss has a standard deviation of about .0022: the last bucket has 576, the last 100 have 10^5.
    assert abs(curve.mean[-1, 0] - 0.0040) < 5e-4
    assert abs(curve.mean[-100:].mean() - 0.0040) < 5e-5
    assert curve.mean[0, 0] > 0.006


# What is not finite ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("variant")
@pytest.mark.parametrize("bias", [False, True])
def test_a_diverged_instance_stops_alone_as_in_the_torch_kernel(bias):
    wild = Experiment(n_instances=3, learning_rate=(0.01, 1e15, 0.01), bias=bias)
    batches = np.asarray(sampling.batches(wild, 0, 50, "cpu"))
    kernels = [make(fresh_state(wild)) for make in (NumbaKernel, lambda state: TorchKernel(state, "cpu"))]
    losses, expected = (kernel.train_on(wild, batches) for kernel in kernels)
    state = kernels[0].state()
    step = int(state.diverged_at[1])
    assert 0 < step < 50
    assert np.array_equal(state.diverged_at, kernels[1].state().diverged_at)
    assert np.array_equal(np.isnan(losses), np.isnan(expected))
    assert np.isnan(losses[step:, 1]).all()
    assert np.isfinite(np.delete(losses, 1, 1)).all()
    # What it keeps is what it had after its last finite step, moments too.
    before = NumbaKernel(fresh_state(wild))
    before.train_on(wild, batches[:step])
    assert_same_bits(only(state, 1)._replace(step=step, diverged_at=np.array([-1])), only(before.state(), 1))
    # The others are what they are without it.
    calm = NumbaKernel(fresh_state(wild))
    assert np.array_equal(
        calm.train_on(wild.replace(learning_rate=0.01), batches)[:, [0, 2]], losses[:, [0, 2]]
    )
    for i in (0, 2):
        assert_same_bits(only(calm.state(), i), only(state, i))
    # It does not start again.
    halted = NumbaKernel(state)
    assert np.isnan(halted.advance(wild.replace(learning_rate=0.01), 3)[:, 1]).all()
    assert np.array_equal(halted.state().parameters["W"][1], state.parameters["W"][1])
    assert halted.state().diverged_at[1] == step


@pytest.mark.usefixtures("variant")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e19])
@pytest.mark.parametrize("fields", [{}, {"bias": True, "batch_size": 300}, {"n_hidden": 5, "n_features": 9}])
def test_a_bad_entry_in_a_batch_stops_its_instance_and_no_other(bad, fields):
    experiment = Experiment(n_instances=2, **fields)
    good = np.asarray(sampling.batches(experiment, 0, 3, "cpu"))
    batches = good.copy()
    batches[1, 0, -1, 4] = bad
    kernel, untouched = NumbaKernel(fresh_state(experiment)), NumbaKernel(fresh_state(experiment))
    losses, expected = kernel.train_on(experiment, batches), untouched.train_on(experiment, good)
    assert np.isnan(losses).tolist() == [[False, False], [True, False], [True, False]]
    assert np.array_equal(losses[:, 1], expected[:, 1])
    assert kernel.state().diverged_at.tolist() == [1, -1]
    assert_same_bits(only(kernel.state(), 1), only(untouched.state(), 1))
    reference = TorchKernel(fresh_state(experiment), "cpu")
    reference.train_on(experiment, batches)
    assert reference.state().diverged_at.tolist() == [1, -1]
    after_one = NumbaKernel(fresh_state(experiment))
    after_one.train_on(experiment, batches[:1])
    assert np.array_equal(kernel.state().parameters["W"][0], after_one.state().parameters["W"][0])


@pytest.mark.usefixtures("variant")
@pytest.mark.parametrize(
    ("weight", "entry"),
    [
        (1e8, 0.5),  # a gradient whose square overflows, of a loss that is finite
        (0, 3e19),  # a loss that overflows, of a gradient that does not
        (1e30, 0.5),  # both
    ],
)
def test_overflow_anywhere_stops_an_instance_with_its_weights(weight, entry):
    experiment = Experiment(n_features=1, n_hidden=1, sparsity=0.0)
    state = fresh_state(experiment)
    state.parameters["W"][:] = weight
    batch = np.full((1, 1, 32, 1), entry, np.float32)
    for kernel in (NumbaKernel(state), TorchKernel(state, "cpu")):
        assert np.isnan(kernel.train_on(experiment, batch)).all()
        assert kernel.state().diverged_at.tolist() == [0]
        assert kernel.state().parameters["W"].item() == np.float32(weight)


@pytest.mark.usefixtures("variant")
def test_a_state_is_a_copy_both_in_and_out():
    experiment = Experiment(n_instances=2, learning_rate=(0.01, 1e15), bias=True)
    given, again = fresh_state(experiment), fresh_state(experiment)
    kernel = NumbaKernel(given)
    taken = kernel.state()
    kernel.advance(experiment, 50)
    assert kernel.state().diverged_at[1] >= 0
    assert_same_bits(given, again)
    assert_same_bits(taken, again)


# Threads and compiling ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("variant")
def test_two_trainers_at_once_give_the_bits_of_one_after_the_other():
    setups = [
        Experiment(n_instances=3, seed=1),
        Experiment(n_features=20, n_hidden=5, batch_size=300, seed=2),
    ]
    one_by_one, at_once = ([Trainer(e.replace(kernel="numba")) for e in setups] for _ in range(2))
    for trainer in one_by_one:
        trainer.advance(60)

    def in_pieces(trainer):
        for _ in range(20):
            trainer.advance(3)

    workers = [threading.Thread(target=in_pieces, args=[trainer]) for trainer in at_once]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for mine, theirs in zip(at_once, one_by_one, strict=True):
        assert mine.step == 60
        assert_same_bits(mine.run().state, theirs.run().state)


@pytest.mark.usefixtures("variant")
def test_python_goes_on_while_steps_are_taken():
    experiment = Experiment(n_features=80, n_hidden=20, batch_size=512)
    kernel = NumbaKernel(fresh_state(experiment))
    kernel.advance(experiment, 10)
    seen = []
    done = threading.Event()

    def watch():
        while not done.wait(0.001):
            seen.append(time.perf_counter())

    def woken() -> int:
        """How often the watcher wakes while a call takes some 0.2 s, but for its first and last tenth."""
        before = time.perf_counter()
        kernel.advance(experiment, 500)
        tenth = 0.1 * (time.perf_counter() - before)
        return sum(before + tenth < t < before + 9 * tenth for t in seen)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        # About every millisecond, where it has a processor to itself; with the GIL held not once, ever.
        assert any(woken() > 10 for _ in range(3))
    finally:
        done.set()
        watcher.join()


@pytest.mark.usefixtures("variant")
def test_preparing_compiles_all_that_any_experiment_needs_and_changes_nothing(monkeypatch):
    experiment = Experiment(n_instances=2, bias=True)
    kernel = NumbaKernel(fresh_state(experiment))
    kernel.advance(experiment, 5)
    before = kernel.state()
    kernel.prepare(experiment)
    monkeypatch.setattr(NumbaKernel, "compiled", lambda *_: False)  # as before the first step
    kernel.prepare(experiment)
    assert_same_bits(kernel.state(), before)

    compiled = {name: f for name, f in vars(numba_loops).items() if hasattr(f, "signatures")}
    assert {"advance", "advance_by_rows", "draw"} <= compiled.keys()
    prepared = {name: list(compiled[name].signatures) for name in ("advance", "advance_by_rows")}
    assert sum(map(len, prepared.values())) >= 1
    for other in (
        Experiment(),
        Experiment(features="n_active", n_active=0),
        Experiment(features="correlated", bias=True, sparsity=0.0),
        Experiment(features="anticorrelated", n_instances=2, sparsity=(0.5, 0.9), learning_rate=(1e-3, 1e-2)),
        Experiment(importance_decay=0.9, optimizer="adamw", weight_decay=0.1, schedule="cosine"),
        Experiment(n_features=1, n_hidden=1, batch_size=1, seed=2**63 - 1),
        Experiment(n_features=20, n_hidden=9, batch_size=300, n_instances=3),
    ):
        kernel = NumbaKernel(fresh_state(other))
        kernel.advance(other, 3)
        kernel.train_on(other, np.asarray(sampling.batches(other, 3, 2, "cpu")))
        NumbaKernel(kernel.state()).advance(other, 2)
    assert {name: list(compiled[name].signatures) for name in prepared} == prepared
    assert all(len(signatures) <= 1 for signatures in prepared.values())


@pytest.mark.skipif(sys.platform == "win32", reason="takes a place away as POSIX has it")
def test_without_a_place_for_what_is_compiled_training_compiles_and_goes_on(tmp_path, repository):
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(repository / "tms_engine", tmp_path / "tms_engine", ignore=ignored)
    cache = tmp_path / "tms_engine" / "training" / "numba" / "__pycache__"
    cache.touch()  # no directory, not even for root
    script = """
from tms_engine import Experiment, Trainer
trainer = Trainer(Experiment(steps=10, kernel="numba"))
trainer.advance(10)
assert trainer.finished
"""
    # numba looks for more places than one.
    nowhere = dict.fromkeys(["NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME"], os.devnull + "/nowhere")
    nowhere["NUMBA_OPT"] = "0"  # compiles sooner
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        env={**os.environ, **nowhere},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.rglob("*.nb[ic]"))


@pytest.fixture
def compile_anew(tmp_path, monkeypatch):
    """Imports a small compiled function as a new process would: (the function, what it had from disk)."""
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path / "cache"))
    source = tmp_path / "small.py"
    source.write_text(
        "from tms_engine.training.numba.cache import compiled\n@compiled()\ndef twice(x): return 2 * x\n"
    )
    return lambda: runpy.run_path(str(source))["twice"]


def hits(function) -> int:
    return sum(function.stats.cache_hits.values())


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("left", [0, 0.5, 0.99])
def test_a_damaged_file_of_compiled_code_costs_a_compilation_and_no_more(compile_anew, tmp_path, kind, left):
    for expected in (0, 1):
        function = compile_anew()
        assert function(4) == 8
        assert hits(function) == expected
    [path] = tmp_path.rglob(f"*.{kind}")
    path.write_bytes(path.read_bytes()[: int(left * path.stat().st_size)])
    for expected in (0, 1):
        function = compile_anew()
        assert function(4) == 8
        assert hits(function) == expected


def test_a_disk_that_no_longer_takes_compiled_code_is_no_error(compile_anew, tmp_path):
    function = compile_anew()
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").touch()
    assert function(4) == 8
    assert hits(function) == 0
