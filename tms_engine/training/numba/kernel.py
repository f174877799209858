"""The CPU's kernel: compiled loops that visit only the active entries of a batch (loops.py).

Instances are spread over the cores by Python threads, since the compiled loops release the GIL. Where there
are fewer of them than threads, and a step of one is work enough, the rows of its batch are spread over
numba's threads instead. These wait for each other at every step, which on cores that are busy with something
else takes several times as long as the step. Both loops have the same bits, whatever the number of threads.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64

from tms_engine import process
from tms_engine.arrays import single
from tms_engine.data import GIVEN, law
from tms_engine.experiment import Experiment
from tms_engine.training.numba import loops
from tms_engine.training.optimizers import adam_steps
from tms_engine.training.state import Parameters, State

# Multiplications of a step (rows times features times hidden dimensions) from which its rows are shared.
_SHARED_FROM = 100_000


def refusal(experiment: Experiment) -> str:
    """Why this kernel cannot train an experiment, "" if it can: it has no limits of size."""
    return ""


def working_bytes(experiment: Experiment) -> int:
    """Bytes that this kernel holds: the state, a copy while it is compiled, and what a step works with.

    It never builds the batch, but has room for all entries of the rows that are under way to be active.
    """
    n, m, batch = experiment.n_features, experiment.n_hidden, experiment.batch_size
    rows, columns = _padded(n, m)
    one = 4 * rows * columns
    longest, chunks = min(batch, loops.CHUNK), -(-batch // loops.CHUNK)
    under_way = 12 * longest * n + 8 * (longest + n) + 32 * (rows + columns)
    if _shares_rows(experiment):
        step = chunks * (under_way + one) + 3 * one
    else:
        step = min(process.kernel_threads(), experiment.n_instances) * (under_way + (chunks + 3) * one)
    return 6 * experiment.n_instances * one + step


class _Fields(NamedTuple):
    """What the compiled loops read of an experiment."""

    experiment: Experiment
    numbers: Int64[np.ndarray, " instances"]
    density: Float64[np.ndarray, " instances"]
    importance: Float32[np.ndarray, "instances padded_features"]
    kind: int | None  # branch of `draw`


class NumbaKernel:
    """Holds the state of one run and takes steps with it.

    W is held transposed with b below it, (instances, hidden + 1, features), both padded with zeros.
    """

    def __init__(self, state: State) -> None:
        self._step = state.step
        self._shape = state.parameters["W"].shape
        self._learns_bias = "b" in state.parameters
        self._parameters = self._pack(state.parameters)
        self._first = self._pack(state.first_moments)
        self._second = self._pack(state.second_moments)
        self._diverged_at = state.diverged_at.astype(np.int64)  # a copy
        self._fields: _Fields | None = None

    def state(self) -> State:
        return State(
            step=self._step,
            parameters=self._unpack(self._parameters),
            first_moments=self._unpack(self._first),
            second_moments=self._unpack(self._second),
            diverged_at=self._diverged_at.copy(),
        )

    def n_diverged(self) -> int:
        return int((self._diverged_at >= 0).sum())

    def compiled(self, experiment: Experiment) -> bool:
        """Whether all that this experiment needs is compiled, and loaded."""
        return bool((loops.advance_by_rows if _shares_rows(experiment) else loops.advance).signatures)

    def prepare(self, experiment: Experiment) -> None:
        """Compile what this experiment needs, or load it from disk, by taking one step of a copy."""
        if not self.compiled(experiment):
            NumbaKernel(self.state())._train(experiment, 1, None)

    def advance(self, experiment: Experiment, n_steps: int) -> Float32[np.ndarray, "{n_steps} instances"]:
        """Take `n_steps` steps on the run's own data; returns their batch losses."""
        return self._train(experiment, n_steps, None)

    def train_on(
        self, experiment: Experiment, batches: Float32[np.ndarray, "steps instances batch features"]
    ) -> Float32[np.ndarray, "steps instances"]:
        """Take one step on each of these batches; returns their losses, NaN for diverged instances."""
        return self._train(experiment, len(batches), np.ascontiguousarray(batches))

    def _train(
        self,
        experiment: Experiment,
        n_steps: int,
        batches: Float32[np.ndarray, "steps instances batch features"] | None,
    ) -> Float32[np.ndarray, "steps instances"]:
        n_instances, n, m = self._shape
        adam = adam_steps(experiment, self._step, n_steps)
        fields = self._fields_of(experiment)
        losses = np.empty((n_steps, n_instances), np.float32)
        instances = loops.Instances(self._parameters, self._first, self._second, self._diverged_at)
        data = loops.Data(
            seed=experiment.seed,
            numbers=fields.numbers,
            first_step=self._step,
            batch=experiment.batch_size if batches is None else batches.shape[2],
            n=n,
            kind=fields.kind if batches is None else GIVEN,
            density=fields.density,
            n_active=experiment.n_active,
            set_size=experiment.set_size,
            given=np.empty((1, 1, 1, 1), np.float32) if batches is None else batches,
        )
        learning = loops.Learning(
            importance=fields.importance,
            m=m,
            learns_bias=self._learns_bias,
            scales=single(adam.scales),
            roots=single(adam.roots),
            decays=single(adam.decays),
            l2=single(np.array(adam.l2))[()],
        )
        arguments = (instances, losses, data, learning)
        if _shares_rows(experiment):
            with process.numba_threads():
                loops.advance_by_rows(0, n_instances, *arguments)
        else:
            threads = min(process.kernel_threads(), n_instances)
            if threads == 1:
                loops.advance(0, n_instances, *arguments)
            else:  # in several parts a thread, for some take longer than others
                parts = min(n_instances, 4 * threads)
                edges = [n_instances * k // parts for k in range(parts + 1)]
                with ThreadPoolExecutor(threads) as pool:
                    list(pool.map(lambda a, b: loops.advance(a, b, *arguments), edges[:-1], edges[1:]))
        self._step += n_steps
        return losses

    def _fields_of(self, experiment: Experiment) -> "_Fields":
        """The arrays that an experiment comes to, made anew only when it is another."""
        if self._fields is None or self._fields.experiment is not experiment:
            n_instances, n, _ = self._shape
            importance = np.zeros((n_instances, self._parameters.shape[2]), np.float32)
            importance[:, :n] = single(experiment.feature_importance())
            kind = law(experiment.features).compiled
            density = 1 - experiment.per_instance("sparsity")
            self._fields = _Fields(experiment, experiment.numbers(), density, importance, kind)
        return self._fields

    def _pack(self, parameters: Parameters) -> Float32[np.ndarray, "instances rows columns"]:
        n_instances, n, m = self._shape
        packed = np.zeros((n_instances, *_padded(n, m)), np.float32)
        packed[:, :m, :n] = parameters["W"].swapaxes(1, 2)
        if "b" in parameters:
            packed[:, -1, :n] = parameters["b"]
        return packed

    def _unpack(self, packed: Float32[np.ndarray, "instances rows columns"]) -> Parameters:
        _, n, m = self._shape
        parameters = {"W": packed[:, :m, :n].swapaxes(1, 2).copy()}
        if self._learns_bias:
            parameters["b"] = packed[:, -1, :n].copy()
        return parameters


def _padded(n: int, m: int) -> tuple[int, int]:
    """Rows and columns in which W, transposed, and b are held."""
    return -(-m // loops.HIDDEN) * loops.HIDDEN + 1, -(-n // loops.FEATURES) * loops.FEATURES


def _shares_rows(experiment: Experiment) -> bool:
    """Whether the rows of a batch are spread over threads, and not the instances."""
    work = experiment.batch_size * experiment.n_features * experiment.n_hidden
    return experiment.n_instances < process.kernel_threads() and work >= _SHARED_FROM
