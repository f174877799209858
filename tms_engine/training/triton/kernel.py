"""The GPU's kernel: one launch takes many steps of all instances, one program each (loops.py).

Data are those of sampling.py to the bit, so that it agrees with the torch kernel up to the rounding of sums.
"""

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
import triton
from jaxtyping import Float32
from torch import Tensor

from tms_engine import sampling
from tms_engine.arrays import single
from tms_engine.data import GIVEN, law, stream
from tms_engine.experiment import Experiment
from tms_engine.training.optimizers import adam_steps
from tms_engine.training.state import State, initial_state
from tms_engine.training.torch_kernel import OnDevice, TorchKernel
from tms_engine.training.triton import loops

# What one program can hold: W and its moments, 2048 numbers each, in registers, beside a tile's products.
_MOST_FEATURES, _MOST_HIDDEN = 64, 32
# Products of one tile: 32 for each of a program's 128 threads.
_PRODUCTS = 4096
# Tiles that a launch works through one after the other. Each takes a few microseconds, so a launch takes some
# hundredths of a second, after which the host may do something else (and no driver takes it for hung).
_TILES_A_LAUNCH = 8192
# Steps of a self-check: from the second on, a new run's moments are not at rest.
_CHECKED_STEPS = 3
# Programs that even a small GPU runs at the same time.
_AT_ONCE = 64
# Numbers of given batches that are uploaded for one launch.
_UPLOAD = 1 << 24


def refusal(experiment: Experiment) -> str:
    """Why this kernel cannot train an experiment, "" if it can: one program must hold a model on the chip."""
    if experiment.n_features > _MOST_FEATURES:
        return f"it holds at most {_MOST_FEATURES} features on the chip"
    if experiment.n_hidden > _MOST_HIDDEN:
        return f"it holds at most {_MOST_HIDDEN} hidden dimensions on the chip"
    return ""


def slowness(experiment: Experiment) -> str:
    """Why the torch kernel is expected to be faster on a GPU, "" if it is not.

    A large model alone leaves all of the GPU but one program idle, where torch spreads each product over it.
    The numbers are those of benchmarks/README.md, in microseconds a step, on an H200.
    """
    n, m = _padded(experiment)
    ours = experiment.batch_size * n * m / 1400
    entries = experiment.n_instances * experiment.batch_size * experiment.n_features
    torchs = 100 + entries / 4000
    return "so few models of this size do not fill the GPU" if ours > torchs else ""


def _padded(experiment: Experiment) -> tuple[int, int]:
    """Features and hidden dimensions, as powers of two; at least 2, for the sake of Triton's layouts."""
    n, m = experiment.n_features, experiment.n_hidden
    return max(2, triton.next_power_of_2(n)), max(2, triton.next_power_of_2(m))


def _tile(experiment: Experiment) -> int:
    """Rows of a tile."""
    n, m = _padded(experiment)
    deep = max(n, m) if experiment.features == "n_active" else m
    return int(max(2, min(triton.next_power_of_2(experiment.batch_size), _PRODUCTS // (n * deep))))


def _steps_a_launch(experiment: Experiment) -> int:
    """Steps that one launch takes, at most."""
    tiles = -(-experiment.batch_size // _tile(experiment)) * -(-experiment.n_instances // _AT_ONCE)
    return max(1, _TILES_A_LAUNCH // tiles)


class TritonKernel(OnDevice):
    """Holds the state of one run on a GPU and takes steps with it."""

    def advance(self, experiment: Experiment, n_steps: int) -> Float32[np.ndarray, "{n_steps} instances"]:
        """Take `n_steps` steps on the run's own data; returns their batch losses."""
        losses = [np.empty((0, experiment.n_instances), np.float32)]
        end = self._step + n_steps
        while self._step < end:
            n = min(_steps_a_launch(experiment), end - self._step)
            losses.append(self._launch(experiment, n, None))
        return np.concatenate(losses)

    def train_on(
        self, experiment: Experiment, batches: Float32[np.ndarray, "steps instances batch features"]
    ) -> Float32[np.ndarray, "steps instances"]:
        """Take one step on each of these batches; returns their losses, NaN for diverged instances."""
        losses = [np.empty((0, experiment.n_instances), np.float32)]
        at_once = min(_steps_a_launch(experiment), max(1, _UPLOAD // max(1, batches[:1].size)))
        for first in range(0, len(batches), at_once):
            given = batches[first : first + at_once]
            losses.append(self._launch(experiment, len(given), self._upload(given, np.float32)))
        return np.concatenate(losses)

    def _launch(
        self,
        experiment: Experiment,
        n_steps: int,
        given: Float32[Tensor, "steps instances batch features"] | None,
    ) -> Float32[np.ndarray, "{n_steps} instances"]:
        n_instances, upload = experiment.n_instances, self._upload
        steps = np.arange(self._step, self._step + n_steps)
        adam = adam_steps(experiment, self._step, n_steps)
        losses = torch.empty(n_steps, n_instances, device=self._device)
        weights = self._parameters["W"]
        padded_features, padded_hidden = _padded(experiment)
        with _on(self._device):
            loops.train[(n_instances,)](
                weights,
                self._first["W"],
                self._second["W"],
                self._parameters.get("b", weights),
                self._first.get("b", weights),
                self._second.get("b", weights),
                self._diverged_at,
                losses,
                weights if given is None else given,
                upload(stream.stream_keys(experiment.seed, experiment.numbers(), steps), np.int64),
                upload(stream.thresholds(sampling.density(experiment)), np.int64),
                upload(single(experiment.feature_importance()), np.float32),
                upload(single(adam.scales), np.float32),
                upload(adam.roots, np.float32),
                upload(single(adam.decays), np.float32),
                adam.l2,
                n_steps,
                n_instances,
                self._step,
                batch=experiment.batch_size if given is None else given.shape[2],
                n_active=experiment.n_active,
                set_size=experiment.set_size,
                n=experiment.n_features,
                m=experiment.n_hidden,
                kind=law(experiment.features).compiled if given is None else GIVEN,
                learns_bias="b" in self._parameters,
                N=padded_features,
                M=padded_hidden,
                T=_tile(experiment),
                # Its default is about to change, and with that the bits.
                enable_fp_fusion=True,
            )
        self._step += n_steps
        return losses.cpu().numpy()

    def _upload(self, values: np.ndarray, dtype: type[np.generic]) -> Tensor:
        return torch.tensor(np.ascontiguousarray(values, dtype), device=self._device)


def _on(device: torch.device) -> AbstractContextManager[None]:
    """Triton launches on torch's current GPU, which need not be the run's."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def trouble(experiment: Experiment, state: State, device: str) -> str:
    """Why not to trust this kernel with a run on this machine, "" if all is well: compiles it, and tries it.

    Each of a few steps must be the torch kernel's up to rounding, and one launch of all of them the same to
    the bit. They start from new weights, because the gradients of a converged run are nothing but rounding.
    One of them is on dense data, because sparse batches may be empty.
    """
    try:
        state = initial_state(experiment)._replace(step=state.step)
        kernel = TritonKernel(state, device)
        for k in range(_CHECKED_STEPS):
            before = kernel.state()
            reference = TorchKernel(before, device)
            losses, expected = kernel.advance(experiment, 1), reference.advance(experiment, 1)
            close = np.allclose(losses, expected, rtol=1e-3, atol=0, equal_nan=True)
            if not (close and _same_step(before, kernel.state(), reference.state())):
                return f"step {k + 1} of its self-check is not the torch kernel's"
        whole = TritonKernel(state, device)
        whole.advance(experiment, _CHECKED_STEPS)
        if not _same_bits(whole.state(), kernel.state()):
            return "in its self-check, steps together are not what they are one by one"
        ours, theirs = TritonKernel(state, device), TorchKernel(state, device)
        for dense in (ours, theirs):
            dense.advance(experiment.replace(sparsity=0.0), 1)
        if not _same_step(state, ours.state(), theirs.state()):
            return "a step of its self-check on dense data is not the torch kernel's"
    except Exception as error:  # whatever a compiler, a linker or a driver may raise
        first_line = (str(error).strip().splitlines() or [""])[0]
        return f"its self-check raised {type(error).__name__}: {first_line}"
    return ""


def _same_step(before: State, ours: State, theirs: State) -> bool:
    """Whether two states are those after the same step, up to the rounding of sums in float32."""
    same = np.array_equal(ours.diverged_at, theirs.diverged_at)
    for name, was in before.parameters.items():
        first, second = theirs.first_moments[name], theirs.second_moments[name]
        same &= _close(ours.first_moments[name], first, _largest(first))
        same &= _close(ours.second_moments[name], second, _largest(second))
        # Adam makes a whole step of a gradient that is nothing but rounding, so those are left out.
        clear = np.abs(first) >= 1e-3 * _largest(first)
        mine, other = ours.parameters[name], theirs.parameters[name]
        same &= _close(mine[clear], other[clear], (np.abs(other - was) + np.abs(other))[clear])
    return bool(same)


def _close(
    a: Float32[np.ndarray, "*shape"], b: Float32[np.ndarray, "*shape"], scale: Float32[np.ndarray, "..."]
) -> bool:
    return bool(np.all(np.abs(a - b) <= 1e-3 * scale))


def _largest(values: Float32[np.ndarray, "instances *shape"]) -> Float32[np.ndarray, "instances ..."]:
    """The largest magnitude of each instance, shaped to meet the values."""
    return np.abs(values).max(tuple(range(1, values.ndim)), keepdims=True)


def _same_bits(a: State, b: State) -> bool:
    return all(
        np.array_equal(mine[name], theirs[name])
        for mine, theirs in zip(a[1:4], b[1:4], strict=True)
        for name in mine
    )
