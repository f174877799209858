"""The CUDA kernel: in Triton's interpreter where there is no GPU, else as it is compiled for that GPU."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.test_torch_kernel import assert_same_bits, fresh_state, only
from tms_engine import Experiment, Trainer, sampling
from tms_engine.data import law, stream
from tms_engine.training import kernels
from tms_engine.training.state import State
from tms_engine.training.torch_kernel import TorchKernel

triton = pytest.importorskip("triton", reason="Triton is for Linux", exc_type=ImportError)

import triton.language as tl  # noqa: E402

from tms_engine.training.triton import kernel as triton_kernel  # noqa: E402
from tms_engine.training.triton import loops as triton_loops  # noqa: E402
from tms_engine.training.triton.kernel import TritonKernel, refusal, slowness, trouble  # noqa: E402

pytestmark = pytest.mark.slow

INTERPRETED = not isinstance(triton_loops.train, triton.runtime.JITFunction)
DEVICE = "cpu" if INTERPRETED else "cuda"

if not INTERPRETED and not torch.cuda.is_available():
    pytest.skip("there is a driver for a GPU, but no GPU", allow_module_level=True)

KINDS = ("bernoulli", "n_active", "correlated", "anticorrelated")
# All that an experiment can have at once; odd shapes, so that there is padding, and a tile with too few rows.
EVERYTHING = Experiment(
    n_features=6,
    n_hidden=3,
    n_instances=3,
    sparsity=(0.0, 0.5, 0.9),
    learning_rate=(0.1, 0.01, 0.003),
    importance_decay=(1, 0.9, 0.5),
    bias=True,
    batch_size=37,
    optimizer="adamw",
    weight_decay=0.1,
    schedule="cosine",
    steps=20,
)
SMALL_TILES = {"n_features": 40, "n_hidden": 17, "batch_size": 11}  # padded to 64 × 32, two rows a tile


def train(experiment: Experiment, n_steps: int) -> tuple[np.ndarray, State]:
    kernel = TritonKernel(fresh_state(experiment), DEVICE)
    return kernel.advance(experiment, n_steps), kernel.state()


def assert_close(ours: State, theirs: State, rtol: float = 1e-4) -> None:
    assert ours.step == theirs.step
    assert np.array_equal(ours.diverged_at, theirs.diverged_at)
    for mine, others in zip(ours[1:4], theirs[1:4], strict=True):
        assert mine.keys() == others.keys()
        for name in mine:
            assert mine[name].dtype == np.float32
            np.testing.assert_allclose(mine[name], others[name], rtol, atol=rtol * np.abs(others[name]).max())


@st.composite
def fields_of_an_experiment(draw: st.DrawFn) -> dict:
    n_instances = draw(st.integers(1, 3))
    each = {"min_size": n_instances, "max_size": n_instances}
    return {
        "n_features": draw(st.integers(1, 9)),
        "n_hidden": draw(st.integers(1, 5)),
        "n_instances": n_instances,
        "importance_decay": draw(st.lists(st.floats(0.3, 1.2), **each)),
        "learning_rate": draw(st.lists(st.floats(1e-4, 0.1), **each)),
        "batch_size": draw(st.integers(1, 40)),
        "bias": draw(st.booleans()),
        "optimizer": draw(st.sampled_from(["adam", "adamw"])),
        "weight_decay": draw(st.sampled_from([0.0, 0.1])),
        "schedule": draw(st.sampled_from(["constant", "linear", "cosine", "quarter_cosine"])),
        "seed": draw(st.integers(0, 2**63 - 1)),
    }


@settings(max_examples=25, deadline=None)
@given(fields=fields_of_an_experiment(), noise=st.integers(0, 1000))
def test_given_the_same_batch_a_step_is_the_torch_kernels(fields, noise):
    experiment = Experiment(**fields)
    # From a state amid a run, so that no gradient that is nothing but rounding makes a whole step.
    state = fresh_state(experiment)
    rng = np.random.default_rng(noise)
    for name, value in state.parameters.items():
        value += rng.normal(0, 0.1, value.shape).astype(np.float32)
        state.first_moments[name][:] = rng.normal(0, 0.1, value.shape)
        state.second_moments[name][:] = rng.uniform(0.01, 0.1, value.shape)
    state = state._replace(step=5)
    shape = (2, experiment.n_instances, experiment.batch_size, experiment.n_features)
    batches = (rng.random(shape, np.float32) * (rng.random(shape) < 0.5)).astype(np.float32)
    ours, theirs = TritonKernel(state, DEVICE), TorchKernel(state, DEVICE)
    losses, expected = ours.train_on(experiment, batches), theirs.train_on(experiment, batches)
    assert losses.dtype == np.float32
    np.testing.assert_allclose(losses, expected, rtol=1e-4, atol=1e-7)
    assert_close(ours.state(), theirs.state())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [{}, SMALL_TILES, {"bias": False, "optimizer": "adam"}])
def test_steps_on_the_runs_own_data_are_the_torch_kernels(kind, shape):
    experiment = EVERYTHING.replace(features=kind, **shape)
    n_steps = 2 if shape == SMALL_TILES else 8
    reference = TorchKernel(fresh_state(experiment), DEVICE)
    expected = reference.advance(experiment, n_steps)
    losses, state = train(experiment, n_steps)
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    assert_close(state, reference.state(), rtol=1e-3)


@triton.jit
def write_batches(keys, thresholds, x, batch, n_active, set_size, n: tl.constexpr, kind: tl.constexpr,
                  N: tl.constexpr, T: tl.constexpr):  # fmt: skip
    """What `draw` draws: keys (S, I) and thresholds (I) int64 → x (S, I, B, n). Grid (S, I)."""
    at, i = tl.program_id(0) * tl.num_programs(1) + tl.program_id(1), tl.program_id(1)
    key = tl.load(keys + at + tl.zeros((1, 1), tl.int32)).to(tl.uint64)
    threshold = tl.load(thresholds + i + tl.zeros((1, 1), tl.int32)).to(tl.uint64)
    column = tl.arange(0, N)[None, :]
    for first in range(0, batch, T):
        row = first + tl.arange(0, T)[:, None]
        drawn = triton_loops.draw(key, row, column, threshold, n, kind, n_active, set_size)
        tl.store(x + (at * batch + row) * n + column, drawn, mask=(row < batch) & (column < n))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, 2**63 - 1])
def test_data_are_those_of_features_py_to_the_bit(kind, seed):
    experiment = EVERYTHING.replace(
        features=kind, seed=seed, sparsity=(0, 0.5, 0.95), n_active=4, set_size=3, batch_size=70
    )
    first_step = (1 << 41) - 2
    keys = stream.stream_keys(seed, np.arange(3), np.arange(first_step, first_step + 4))
    x = torch.full((4, 3, 70, 6), -1.0, device=DEVICE)
    write_batches[(4, 3)](
        torch.tensor(keys, device=DEVICE),
        torch.tensor(stream.thresholds(sampling.density(experiment)), device=DEVICE),
        x, 70, 4, 3, n=6, kind=law(kind).compiled, N=8, T=32,
    )  # fmt: skip
    assert np.array_equal(x.cpu().numpy(), sampling.batches(experiment, first_step, 4, "cpu"))


def test_a_word_at_the_threshold_is_not_active():
    keys = np.array([[7]])
    upper = (stream.words(keys[0], 4, 6)[0] >> 32) & 0xFFFFFFFF
    x = torch.empty((1, 1, 4, 6), device=DEVICE)
    given = (torch.tensor(values, device=DEVICE) for values in (keys, upper[:1, 0]))
    write_batches[(1, 1)](*given, x, 4, 0, 1, n=6, kind=law("bernoulli").compiled, N=8, T=4)
    assert np.array_equal(x[0, 0].cpu().numpy() > 0, upper < upper[0, 0])


@pytest.mark.parametrize("n_active", [0, 6])
def test_none_or_all_features_active(n_active):
    experiment = EVERYTHING.replace(features="n_active", n_active=n_active, optimizer="adam")
    reference = TorchKernel(fresh_state(experiment), DEVICE)
    expected = reference.advance(experiment, 3)
    losses, _ = train(experiment, 3)
    np.testing.assert_allclose(losses, expected, rtol=1e-4)


def test_instances_together_equal_each_alone_to_the_bit():
    experiment = EVERYTHING.replace(
        n_instances=8, sparsity=0.7, learning_rate=0.01, importance_decay=tuple(0.9**i for i in range(8))
    )
    batches = sampling.batches(experiment, 0, 3, "cpu")
    together = TritonKernel(fresh_state(experiment), DEVICE)
    losses = together.train_on(experiment, batches)
    for i in range(8):
        alone = TritonKernel(only(fresh_state(experiment), i), DEVICE)
        own = alone.train_on(experiment.alone(i), batches[:, i : i + 1])
        assert np.array_equal(own[:, 0], losses[:, i])
        assert_same_bits(alone.state(), only(together.state(), i))
    # On data of their own, the first three are the same whatever stands behind them.
    few = experiment.replace(n_instances=3, importance_decay=experiment.importance_decay[:3])
    many, all_of_them = train(experiment, 3)
    three, first_of_them = train(few, 3)
    assert np.array_equal(many[:, :3], three)
    for i in range(3):
        assert_same_bits(only(first_of_them, i), only(all_of_them, i))


@pytest.mark.parametrize("tiles", [1, 100])  # so that a launch takes one step, or many
def test_3_steps_and_4_equal_7_to_the_bit_and_so_does_a_run_resumed(monkeypatch, tiles):
    whole, state = train(EVERYTHING, 7)
    monkeypatch.setattr(triton_kernel, "_TILES_A_LAUNCH", tiles)
    kernel = TritonKernel(fresh_state(EVERYTHING), DEVICE)
    first = kernel.advance(EVERYTHING, 3)
    resumed = TritonKernel(kernel.state(), DEVICE)
    second = resumed.advance(EVERYTHING, 4)
    assert np.array_equal(whole, np.concatenate([first, second]))
    assert_same_bits(state, resumed.state())
    assert len(kernel.advance(EVERYTHING, 0)) == 0


@pytest.mark.parametrize(("tiles", "upload"), [(3, 1 << 24), (8192, 1)])
def test_given_batches_are_taken_in_turn_whatever_one_launch_takes(monkeypatch, tiles, upload):
    batches = sampling.batches(EVERYTHING, 0, 5, "cpu")
    whole, pieces = (TritonKernel(fresh_state(EVERYTHING), DEVICE) for _ in range(2))
    losses = whole.train_on(EVERYTHING, batches)
    monkeypatch.setattr(triton_kernel, "_TILES_A_LAUNCH", tiles)
    monkeypatch.setattr(triton_kernel, "_UPLOAD", upload)
    assert np.array_equal(pieces.train_on(EVERYTHING, batches), losses)
    assert_same_bits(pieces.state(), whole.state())


def test_launches_are_bounded():
    def steps(**fields):
        return triton_kernel._steps_a_launch(Experiment(**fields))

    assert steps() == 8192  # the seed's batch is one tile
    assert steps(batch_size=1024) == 1024
    assert steps(n_features=64, n_hidden=32, batch_size=1024) == 16
    assert steps(n_instances=640) == 819
    assert steps(n_features=64, n_hidden=32, batch_size=100_000) == 1


def test_state_is_a_copy_and_the_state_given_is_left_alone():
    state = fresh_state(EVERYTHING)
    kernel = TritonKernel(state, DEVICE)
    kernel.advance(EVERYTHING, 1)
    assert_same_bits(state, fresh_state(EVERYTHING))
    kept = kernel.state()
    again = kernel.state()
    kernel.advance(EVERYTHING, 1)
    assert_same_bits(kept, again)


# numpy, which the interpreter computes with, says so where a number overflows. That is the point here.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
class TestDivergence:
    def test_an_instance_stops_with_its_last_finite_weights_and_the_others_go_on(self):
        wild = EVERYTHING.replace(learning_rate=(0.01, 1e15, 0.01), schedule="constant", weight_decay=0)
        losses, state = train(wild, 12)
        step = int(state.diverged_at[1])
        assert step > 0
        assert state.diverged_at[[0, 2]].tolist() == [-1, -1]
        assert np.isnan(losses[step:, 1]).all()
        assert np.isfinite(losses[:step, 1]).all()
        assert np.isfinite(losses[:, [0, 2]]).all()
        _, before = train(wild, step)
        assert_same_bits(
            only(before, 1)._replace(step=12, diverged_at=state.diverged_at[[1]]), only(state, 1)
        )
        _, calm = train(wild.replace(learning_rate=0.01), 12)
        for i in (0, 2):
            assert_same_bits(only(calm, i), only(state, i))

    def test_one_that_has_stopped_does_not_start_again_not_even_in_another_launch(self):
        experiment = Experiment(n_instances=2)
        batches = sampling.batches(experiment, 0, 4, "cpu")
        batches[1, 0, 0, 0] = np.inf  # one bad batch for one instance, and good ones after it
        kernel = TritonKernel(fresh_state(experiment), DEVICE)
        losses = np.concatenate([kernel.train_on(experiment, part) for part in (batches[:3], batches[3:])])
        assert np.isnan(losses[:, 0]).tolist() == [False, True, True, True]
        assert np.isfinite(losses[:, 1]).all()
        assert kernel.state().diverged_at.tolist() == [1, -1]
        after_one = TritonKernel(fresh_state(experiment), DEVICE)
        after_one.train_on(experiment, batches[:1])
        assert np.array_equal(kernel.state().parameters["W"][0], after_one.state().parameters["W"][0])

    @pytest.mark.parametrize(
        ("weight", "x", "why"),
        [(1e8, 0.5, "a second moment that overflows"), (0, 3e19, "a loss, though its gradient does not")],
    )
    def test_what_cannot_be_stepped_from_is_kept(self, weight, x, why):
        experiment = Experiment(n_features=1, n_hidden=1, sparsity=0.0)
        state = fresh_state(experiment)
        state.parameters["W"][:] = weight
        kernel = TritonKernel(state, DEVICE)
        losses = kernel.train_on(experiment, np.full((1, 1, 32, 1), x, np.float32))
        assert kernel.state().diverged_at.tolist() == [0], why
        assert np.isnan(losses).all()
        assert kernel.state().parameters["W"].item() == np.float32(weight)

    def test_a_bias_that_overflows_stops_its_instance(self):
        experiment = Experiment(n_features=1, n_hidden=1, sparsity=0.0, bias=True)
        state = fresh_state(experiment)
        state.parameters["W"][:] = 0
        state.parameters["b"][:] = 1
        state.second_moments["b"][:] = np.inf
        kernel = TritonKernel(state, DEVICE)
        assert np.isnan(kernel.train_on(experiment, np.full((1, 1, 32, 1), 0.5, np.float32))).all()
        assert kernel.state().diverged_at.tolist() == [0]


def test_it_serves_what_fits_on_the_chip():
    def refused(n_features, n_hidden):
        return refusal(Experiment(n_features=n_features, n_hidden=n_hidden))

    assert refused(8, 3) == refused(1, 1) == refused(64, 32) == ""
    assert refused(65, 2) == "it holds at most 64 features on the chip"
    assert refused(40, 33) == "it holds at most 32 hidden dimensions on the chip"


@pytest.mark.parametrize(
    "experiment",
    [EVERYTHING, Experiment(features="n_active"), EVERYTHING.replace(features="anticorrelated", bias=False)],
)
def test_its_self_check_finds_nothing(experiment):
    state = fresh_state(experiment)
    assert trouble(experiment, state, DEVICE) == ""
    assert_same_bits(state, fresh_state(experiment))
    _, later = train(experiment, 4)
    assert trouble(experiment, later._replace(diverged_at=later.diverged_at * 0 + 2), DEVICE) == ""
    assert trouble(experiment, later, DEVICE) == ""


def test_its_self_check_finds_nothing_in_a_run_that_has_learned_all_there_is():
    # There the gradients are rounding and nothing else, and no two kernels round alike.
    experiment = Experiment(n_features=5, n_hidden=5)
    state = fresh_state(experiment)
    noise = np.random.default_rng(0).normal(scale=1e-7, size=(5, 5))
    state.parameters["W"][0] = np.eye(5) + noise
    assert trouble(experiment, state, DEVICE) == ""


def started(experiment: Experiment) -> tuple[kernels.Choice, kernels.Kernel]:
    choice = kernels.Choice("triton", DEVICE, "triton: as asked for")
    return kernels.start(choice, fresh_state(experiment), experiment)


def test_it_trains_where_its_self_check_finds_nothing():
    choice, kernel = started(EVERYTHING)
    assert choice.reason == "triton: as asked for"
    assert isinstance(kernel, TritonKernel)


class Broken:
    """The compiled code, with something wrong."""

    def __init__(self, wrong) -> None:
        self.wrong = wrong

    def __getitem__(self, grid):
        return lambda *args, **options: self.wrong(_TRAIN[grid], args, options)


_TRAIN = triton_loops.train


def raises(train, args, options):
    raise RuntimeError("ptxas died\nof old age")


def forgets_the_losses(train, args, options):
    train(*args, **options)
    args[7].zero_()


def moves_one_weight(train, args, options):
    train(*args, **options)
    args[0][-1, -1, -1] *= 1.01


def draws_other_data(train, args, options):
    train(*args[:9], args[9] + 1, *args[10:], **options)


def forgets_steps_together(train, args, options):
    train(*args, **options)
    if len(args[7]) > 1:
        args[1][0, 0, 0] *= 1 + 1e-6


@pytest.mark.parametrize(
    ("wrong", "because"),
    [
        (raises, "its self-check raised RuntimeError: ptxas died"),
        (forgets_the_losses, "step 1 of its self-check is not the torch kernel's"),
        (moves_one_weight, "step 1 of its self-check is not the torch kernel's"),
        (draws_other_data, "step 1 of its self-check is not the torch kernel's"),
        (forgets_steps_together, "steps together are not what they are one by one"),
    ],
)
def test_torch_trains_where_its_self_check_fails(monkeypatch, wrong, because):
    monkeypatch.setattr(triton_loops, "train", Broken(wrong))
    with pytest.warns(UserWarning, match="the torch kernel trains instead of triton's, for ") as caught:
        choice, kernel = started(EVERYTHING)
    assert because in str(caught[0].message)
    assert "\n" not in str(caught[0].message)
    assert isinstance(kernel, TorchKernel)
    assert (choice.kernel, choice.device) == ("torch", DEVICE)
    assert because in choice.reason


# What the interpreter runs, the compiler may still refuse; it compiles for a GPU that is not there.
COMPILE = """
import sys
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, compile
from tms_engine.training.triton.loops import train
types = {"diverged_at": "*i64", "keys": "*i64", "thresholds": "*i64", "l2": "fp32"}
types |= dict.fromkeys(("n_steps", "n_instances", "first_step", "batch", "n_active", "set_size"), "i32")
for n, m, N, M, T, bias, kind in (
    (8, 3, 8, 4, 32, False, 0), (8, 3, 8, 4, 32, True, 1), (6, 3, 8, 4, 32, True, 2),
    (40, 17, 64, 32, 2, True, 3), (1, 1, 2, 2, 2, True, 4),
):
    constants = dict(n=n, m=m, kind=kind, learns_bias=bias, N=N, M=M, T=T)
    signature = {a: "constexpr" if a in constants else types.get(a, "*fp32") for a in train.arg_names}
    places = {(train.arg_names.index(name),): value for name, value in constants.items()}
    source = ASTSource(train, signature, constexprs=places)
    assert compile(source, target=GPUTarget("cuda", 80, 32), options={"enable_fp_fusion": True}).asm["ptx"]
"""


def test_it_compiles_for_a_gpu(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    script = tmp_path / "compile.py"
    script.write_text(COMPILE)
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    # Triton 3.7 makes AST nodes in a way that Python 3.13 deprecates.
    warnings = ["-W", "error", "-W", "ignore:AnnAssign:DeprecationWarning"]
    done = subprocess.run(
        [sys.executable, *warnings, script], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


# Microseconds a step on an H200, as measured by benchmarks/gpu.py: Triton's kernel, torch's.
@pytest.mark.parametrize(
    ("n", "m", "batch", "instances", "ours", "torchs"),
    [
        (8, 3, 32, 1, 2.07, 102),
        (8, 3, 32, 16_384, 1060, 2060),
        (20, 5, 1024, 1, 324, 118),
        (20, 5, 1024, 128, 335, 709),
        (2, 1, 1024, 1, 4, 133),
        (2, 1, 1024, 1600, 90.8, 1210),
        (64, 20, 1024, 1, 1490, 131),
        (64, 20, 1024, 128, 1510, 1800),
    ],
)
def test_it_knows_where_the_torch_kernel_is_faster(n, m, batch, instances, ours, torchs):
    experiment = Experiment(n_features=n, n_hidden=m, batch_size=batch, n_instances=instances)
    assert bool(slowness(experiment)) == (ours > torchs)


@pytest.mark.skipif(INTERPRETED, reason="needs a GPU")
@pytest.mark.parametrize("kind", KINDS)
def test_a_gpu_trains_with_it(kind):
    trainer = Trainer(EVERYTHING.replace(features=kind, device="cuda", steps=2000))
    assert trainer.kernel == "triton"
    trainer.advance(2000)
    reference = Trainer(EVERYTHING.replace(features=kind, device="cuda", steps=2000, kernel="torch"))
    reference.advance(2000)
    np.testing.assert_allclose(trainer.snapshot().losses, reference.snapshot().losses, rtol=0.05)
