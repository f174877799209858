"""The CPU's kernel for small models: LANES numbers in each of the processor's instructions (loops.py).

Many models stand side by side, one in each lane; of few models, each has the rows of its batch in the lanes.
The bits are the same, so they depend neither on the number of models nor on that of threads.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Shaped

from tms_engine import process
from tms_engine.arrays import different_rows, single
from tms_engine.data.stream import instance_keys
from tms_engine.experiment import Experiment
from tms_engine.training.lanes import choice, loops
from tms_engine.training.lanes.choice import LANES, MODELS
from tms_engine.training.lanes.draws import NEVER, densities, draws
from tms_engine.training.lanes.vectors import address, missing
from tms_engine.training.optimizers import BETA1, BETA2, schedule_factors, weight_decays
from tms_engine.training.state import Parameters, State

# Threads are started for at least so many multiplications; it takes a tenth of a millisecond.
_THREADS_FROM = 1 << 23

_NOTHING = {"rows": np.empty(0, np.int32), "x": np.empty(0, np.float32)}
_ARGUMENTS = (*loops.POINTERS, *loops.INTEGERS)


def refusal(experiment: Experiment) -> str:
    """Why this kernel cannot train an experiment on this machine, "" if it can."""
    return choice.refusal(experiment) or missing()


class _Fields(NamedTuple):
    """What a step reads of an experiment, by the names in loops.POINTERS."""

    experiment: Experiment
    batch: int
    arrays: tuple[Shaped[np.ndarray, "groups ..."], ...]
    addresses: dict[str, int]
    table: int


class LanesKernel:
    """Holds the state of one run and takes steps with it.

    Instances are held in groups of as many as stand side by side, in the order of their densities, so that
    those of a group have about as many rows.
    """

    def __init__(self, state: State, experiment: Experiment) -> None:
        self._step = state.step
        n_instances, n, m = state.parameters["W"].shape
        bias = "b" in state.parameters
        alone = n_instances < choice.side_by_side_from(experiment)
        self._shape = loops.Shape(n, m, bias, MODELS[experiment.model], alone)
        self._order = np.argsort(experiment.per_instance("sparsity"), kind="stable")
        self._in_order = bool((np.diff(self._order) > 0).all())
        self._places = np.argsort(self._order)
        self._n_groups = -(-n_instances // self._shape.width)
        self._p, self._first, self._second = (
            self._pack(values) for values in (state.parameters, state.first_moments, state.second_moments)
        )
        self._diverged_at = self._grouped(state.diverged_at.astype(np.int64))
        self._diverged_at.reshape(-1)[n_instances:] = 0  # where there is no instance
        self._fields: _Fields | None = None

    def state(self) -> State:
        return State(
            step=self._step,
            parameters=self._unpack(self._p),
            first_moments=self._unpack(self._first),
            second_moments=self._unpack(self._second),
            diverged_at=self._of_instances(self._diverged_at),
        )

    def n_diverged(self) -> int:
        return int((self._of_instances(self._diverged_at) >= 0).sum())

    def compiled(self, experiment: Experiment) -> bool:
        """Whether all that this experiment needs is compiled."""
        return loops.is_compiled(self._shape_of(experiment))

    def prepare(self, experiment: Experiment) -> None:
        """Compile what this experiment needs."""
        loops.compiled(self._shape_of(experiment))

    def advance(self, experiment: Experiment, n_steps: int) -> Float32[np.ndarray, "{n_steps} instances"]:
        """Take `n_steps` steps on the run's own data; returns their batch losses."""
        shape = self._shape_of(experiment)
        return self._train(experiment, n_steps, shape, experiment.batch_size, _NOTHING, longest=0)

    def train_on(
        self, experiment: Experiment, batches: Float32[np.ndarray, "steps instances batch features"]
    ) -> Float32[np.ndarray, "steps instances"]:
        """Take one step on each of these batches; returns their losses, NaN for diverged instances."""
        n_steps, batch = len(batches), batches.shape[2]
        filled = (batches != 0).any(-1)
        batches = np.take_along_axis(batches, np.argsort(~filled, -1, kind="stable")[..., None], 2)
        rows = np.stack([self._grouped(of_step) for of_step in filled.sum(-1).astype(np.int32)])
        longest = -(-batch // LANES) * LANES
        batches = np.pad(batches, [(0, 0), (0, 0), (0, longest - batch), (0, 0)])
        if self._shape.alone:
            batches = batches.swapaxes(2, 3)
        x = np.stack([self._grouped(of_step) for of_step in batches])
        given = {"rows": rows, "x": x}
        return self._train(experiment, n_steps, self._shape._replace(given=True), batch, given, longest)

    def _shape_of(self, experiment: Experiment) -> loops.Shape:
        """With what its own data need; densities of each feature may come and go while it trains."""
        return self._shape._replace(
            own=experiment.relative_density is not None,
            magnitudes=experiment.magnitudes,
            unit_rows=experiment.unit_rows,
        )

    def _train(
        self,
        experiment: Experiment,
        n_steps: int,
        shape: loops.Shape,
        batch: int,
        given: dict[str, Shaped[np.ndarray, "..."]],
        longest: int,
    ) -> Float32[np.ndarray, "steps instances"]:
        fields = self._fields_of(experiment, batch)
        times = np.arange(self._step + 1, self._step + n_steps + 1)
        factors = schedule_factors(experiment, self._step, n_steps)
        l2, decoupled = weight_decays(experiment)
        losses = np.empty((n_steps, self._n_groups * shape.width), np.float32)
        arrays = given | {
            "losses": losses,
            "factors": (factors / (1 - BETA1**times)).astype(np.float32),
            "pulls": (-decoupled * factors).astype(np.float32),
            "roots": (1 / np.sqrt(1 - BETA2**times)).astype(np.float32),
        }
        integers = {
            "groups": self._n_groups, "steps": n_steps, "first_step": self._step, "batch": batch,
            "table": fields.table, "stride": losses.shape[1], "longest": longest,
            "l2_bits": int(np.float32(l2).view(np.int32)),
        }  # fmt: skip
        by_name = fields.addresses | {name: address(array) for name, array in arrays.items()} | integers
        arguments = np.array([by_name[name] for name in _ARGUMENTS])
        take = loops.compiled(shape)
        work = n_steps * len(self._order) * batch * shape.n * shape.m
        threads = min(process.kernel_threads(), self._n_groups) if work > _THREADS_FROM else 1
        if threads == 1:
            take(arguments, 0, self._n_groups)
        else:  # in several parts a thread, for some take longer than others
            parts = min(self._n_groups, 4 * threads)
            edges = [self._n_groups * k // parts for k in range(parts + 1)]
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(lambda a, b: take(arguments, a, b), edges[:-1], edges[1:]))
        self._step += n_steps
        losses = losses[:, : len(self._order)]
        return losses if self._in_order else losses[:, self._places]

    def _fields_of(self, experiment: Experiment, batch: int) -> _Fields:
        """The arrays that an experiment comes to, made anew only when it is another."""
        if self._fields is None or (self._fields.experiment, self._fields.batch) != (experiment, batch):
            n = self._shape.n
            # Most groups share a density with others, and what is drawn by takes memory.
            of_draws, which = different_rows(self._grouped(densities(experiment)))
            by = draws(np.moveaxis(of_draws, -1, 1).reshape(-1, of_draws.shape[1]), experiment, batch)
            table = by.counts.shape[1]
            if self._shape.alone:  # is read a vector at a time
                more = -table % LANES
                by = by._replace(counts=np.pad(by.counts, [(0, 0), (0, more)], constant_values=NEVER))
            with np.errstate(over="ignore"):
                importance = experiment.feature_importance() * (2 / (batch * n))
            arrays = {
                "keys": instance_keys(experiment.seed, experiment.numbers()),
                "importance": single(importance),
                "rates": single(experiment.per_instance("learning_rate")),
            }
            grouped = {name: self._grouped(values) for name, values in arrays.items()}
            grouped |= {name: self._in_groups(values) for name, values in by._asdict().items()}
            grouped["draw"] = which
            grouped |= {
                "p": self._p, "first": self._first, "second": self._second, "diverged_at": self._diverged_at,
            }  # fmt: skip
            addresses = {name: address(array) for name, array in grouped.items()}
            self._fields = _Fields(experiment, batch, tuple(grouped.values()), addresses, by.counts.shape[1])
        return self._fields

    def _grouped(self, values: Shaped[np.ndarray, "instances ..."]) -> Shaped[np.ndarray, "groups ..."]:
        """(instances, …) → (groups, …, width); the last instance stands where there is none."""
        missing = self._n_groups * self._shape.width - len(self._order)
        return self._in_groups(values[np.pad(self._order, (0, missing), mode="edge")])

    def _in_groups(self, values: Shaped[np.ndarray, "whole ..."]) -> Shaped[np.ndarray, "groups ..."]:
        """(groups · width, …) → (groups, …, width)"""
        by_group = values.reshape(-1, self._shape.width, *values.shape[1:])
        return np.ascontiguousarray(np.moveaxis(by_group, 1, -1))

    def _of_instances(self, grouped: Shaped[np.ndarray, "groups ..."]) -> Shaped[np.ndarray, "instances ..."]:
        """The inverse; always a copy."""
        by_instance = grouped.reshape(len(grouped), -1, self._shape.width).swapaxes(1, 2)
        by_instance = by_instance.reshape(-1, *grouped.shape[1:-1])
        return by_instance[: len(self._order)].copy() if self._in_order else by_instance[self._places]

    def _pack(self, parameters: Parameters) -> Float32[np.ndarray, "groups numbers width"]:
        """In the order W[0, 0], W[0, 1], …, b[0], …, and zeros."""
        named = [parameters[name] for name in ("W", "b") if name in parameters]
        flat = [values.reshape(len(values), -1) for values in named]
        packed = np.zeros((len(flat[0]), self._shape.padded), np.float32)
        packed[:, : self._shape.parameters] = np.concatenate(flat, 1)
        return self._grouped(packed)

    def _unpack(self, packed: Float32[np.ndarray, "groups numbers width"]) -> Parameters:
        n, m = self._shape.n, self._shape.m
        flat = self._of_instances(packed)
        parameters = {"W": flat[:, : n * m].reshape(-1, n, m).copy()}
        if self._shape.bias:
            parameters["b"] = flat[:, n * m : n * m + n].copy()
        return parameters
