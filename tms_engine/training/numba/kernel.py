"""The CPU's kernel: compiled, and walking from one active feature to the next.

Small models are spread over the cores by instance, by Python's threads, for the compiled loops hold no GIL;
where one model is work enough for a step to be worth sharing, its batch is spread over numba's threads. Which
of the two depends on the shape of a model alone, and neither changes a bit of what an instance becomes.
"""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numba
import numpy as np
from jaxtyping import Float32

from tms_engine.data import GIVEN, law
from tms_engine.experiment import Experiment
from tms_engine.training.numba import loops
from tms_engine.training.optimizer import BETA1, BETA2, learning_rates
from tms_engine.training.state import Parameters, State

# Multiplications of a step (rows times features times hidden dimensions) from which its rows are shared.
_SHARED_FROM = 100_000


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_threads = _cores()  # that kernels may use
_NUMBA_THREADS = numba.get_num_threads()  # all that numba has
# Not every threading layer of numba's may be entered by two threads.
_one_at_a_time = threading.Lock()


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Let kernels use so many threads. No bit of what they make depends on it."""
    global _threads
    before, _threads = _threads, number
    try:
        yield
    finally:
        _threads = before


def leave_a_core() -> None:
    """Keep one core free for others from now on, where there are several: for a screen, say."""
    global _threads
    _threads = max(1, min(_threads, _cores() - 1))


def refusal(experiment: Experiment) -> str:
    """Why this kernel cannot train an experiment, "" if it can: it has no limits of size."""
    return ""


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
        """Compile what this experiment needs, or load it: one step of a run that nobody keeps."""
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
        rates = learning_rates(experiment, self._step, n_steps)
        times = np.arange(self._step + 1, self._step + n_steps + 1)
        l2 = experiment.weight_decay if experiment.optimizer == "adam" else 0.0
        decay = experiment.weight_decay if experiment.optimizer == "adamw" else 0.0
        importance = np.zeros((n_instances, self._parameters.shape[2]), np.float32)
        importance[:, :n] = experiment.feature_importance()
        losses = np.empty((n_steps, n_instances), np.float32)
        arguments = (
            self._parameters,
            self._first,
            self._second,
            self._diverged_at,
            losses,
            experiment.seed,
            experiment.numbers(),
            self._step,
            experiment.batch_size if batches is None else batches.shape[2],
            n,
            m,
            law(experiment.features).compiled if batches is None else GIVEN,
            1 - experiment.per_instance("sparsity"),
            experiment.n_active,
            experiment.set_size,
            np.empty((1, 1, 1, 1), np.float32) if batches is None else batches,
            importance,
            self._learns_bias,
            # Adam's corrections for moments that start at 0, in double precision as torch.optim has them.
            (rates / (1 - BETA1**times)[:, None]).astype(np.float32),
            np.sqrt(1 - BETA2**times).astype(np.float32),
            (1 - rates * decay).astype(np.float32),
            np.float32(l2),
        )
        if _shares_rows(experiment):
            with _one_at_a_time:
                numba.set_num_threads(min(_threads, _NUMBA_THREADS))
                loops.advance_by_rows(0, n_instances, *arguments)
        else:
            groups = min(_threads, n_instances)
            edges = [n_instances * k // groups for k in range(groups + 1)]
            if groups == 1:
                loops.advance(0, n_instances, *arguments)
            else:
                with ThreadPoolExecutor(groups) as pool:
                    list(pool.map(lambda a, b: loops.advance(a, b, *arguments), edges[:-1], edges[1:]))
        self._step += n_steps
        return losses

    def _pack(self, parameters: Parameters) -> Float32[np.ndarray, "instances rows columns"]:
        n_instances, n, m = self._shape
        rows, columns = -(-m // loops.HIDDEN) * loops.HIDDEN, -(-n // loops.FEATURES) * loops.FEATURES
        packed = np.zeros((n_instances, rows + 1, columns), np.float32)
        packed[:, :m, :n] = parameters["W"].swapaxes(1, 2)
        if "b" in parameters:
            packed[:, rows, :n] = parameters["b"]
        return packed

    def _unpack(self, packed: Float32[np.ndarray, "instances rows columns"]) -> Parameters:
        _, n, m = self._shape
        parameters = {"W": packed[:, :m, :n].swapaxes(1, 2).copy()}
        if self._learns_bias:
            parameters["b"] = packed[:, -1, :n].copy()
        return parameters


def _shares_rows(experiment: Experiment) -> bool:
    """Whether one step of one model is work enough for several threads."""
    return experiment.batch_size * experiment.n_features * experiment.n_hidden >= _SHARED_FROM
