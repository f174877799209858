"""The loss and the weights over time, in bounded memory.

The loss is kept as an envelope: buckets of equally many steps, each with the least, the mean and the
greatest batch loss of every instance. When the buckets are full, neighbours are merged and the width
doubles, so a run of any length keeps its whole shape. Weight snapshots are thinned in the same way.
"""

import copy
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64, Shaped

_MAX_BUCKETS = 1024
_ENVELOPE_BYTES = 1 << 20
_BUCKET_BYTES = 8 + 8 + 4 + 4  # sum, count, least, greatest

MAX_SNAPSHOTS = 512
_SNAPSHOT_BYTES = 1 << 28


class LossCurve(NamedTuple):
    """Loss against steps. A bucket in which an instance had no finite loss is NaN for it."""

    start: Int64[np.ndarray, " buckets"]  # first step of the bucket
    end: Int64[np.ndarray, " buckets"]  # one past its last
    low: Float32[np.ndarray, "buckets instances"]
    mean: Float32[np.ndarray, "buckets instances"]
    high: Float32[np.ndarray, "buckets instances"]


class WeightSnapshot(NamedTuple):
    step: int
    weights: Float32[np.ndarray, "instances features hidden"]
    bias: Float32[np.ndarray, "instances features"] | None


class History:
    """Grows with the run: `add_losses` for every step taken, `add_weights` at the steps that `due` names.

    The envelope stays under 1 MB up to 1,365 instances; beyond that it has 32 buckets and grows with
    their number. At most 512 weight snapshots are kept, fewer where they would take over 256 MB.
    """

    def __init__(self, n_instances: int, steps: int, snapshot_bytes: int) -> None:
        """`steps` is how long the run is meant to last: snapshots are spaced for it from the start."""
        buckets = min(_MAX_BUCKETS, max(32, _ENVELOPE_BYTES // (_BUCKET_BYTES * n_instances))) // 2 * 2
        self.step = 0
        self.width = 1
        self._sum = np.zeros((buckets, n_instances))
        self._count = np.zeros((buckets, n_instances), np.int64)
        self._low = np.full((buckets, n_instances), np.nan, np.float32)
        self._high = np.full((buckets, n_instances), np.nan, np.float32)
        self._capacity = max(8, min(MAX_SNAPSHOTS, _SNAPSHOT_BYTES // max(1, snapshot_bytes)))
        self.stride = -(-steps // (self._capacity - 1))
        self.snapshots: list[WeightSnapshot] = []

    def add_losses(self, losses: Float32[np.ndarray, "steps instances"]) -> None:
        """The batch losses of the next steps, NaN where an instance has diverged."""
        while len(losses):
            room = self.width * len(self._sum) - self.step
            if room == 0:
                self._merge_buckets()
                continue
            self._fold(losses[:room])
            losses = losses[room:]

    def _fold(self, losses: Float32[np.ndarray, "steps instances"]) -> None:
        """Add losses for which there is room.

        How the steps are cut into calls leaves no trace: low, high and count do not depend on it, nor
        do the sums, which in float64 hold float32 losses without rounding unless those of one bucket
        differ by more than 2^29 over its width.
        """
        first = self.step // self.width
        bucket = (self.step + np.arange(len(losses))) // self.width - first
        begins = np.flatnonzero(np.diff(bucket, prepend=-1))
        into = slice(first, first + len(begins))
        finite = np.isfinite(losses)
        self._sum[into] += np.add.reduceat(np.where(finite, losses, 0.0), begins, axis=0, dtype=np.float64)
        self._count[into] += np.add.reduceat(finite, begins, axis=0, dtype=np.int64)
        losses = np.where(finite, losses, np.float32(np.nan))
        self._low[into] = np.fmin(self._low[into], np.fmin.reduceat(losses, begins, axis=0))
        self._high[into] = np.fmax(self._high[into], np.fmax.reduceat(losses, begins, axis=0))
        self.step += len(losses)

    def _merge_buckets(self) -> None:
        half = len(self._sum) // 2

        def merge(values: Shaped[np.ndarray, "buckets instances"], combine: np.ufunc, empty: float) -> None:
            values[:half] = combine(values[0::2], values[1::2])
            values[half:] = empty

        merge(self._sum, np.add, 0)
        merge(self._count, np.add, 0)
        merge(self._low, np.fmin, np.nan)
        merge(self._high, np.fmax, np.nan)
        self.width *= 2

    def loss_curve(self) -> LossCurve:
        used = -(-self.step // self.width)
        start = np.arange(used, dtype=np.int64) * self.width
        count = self._count[:used]
        mean = np.divide(self._sum[:used], count, out=np.full(count.shape, np.nan), where=count > 0)
        return LossCurve(
            start=start,
            end=np.minimum(start + self.width, self.step),
            low=self._low[:used].copy(),
            mean=mean.astype(np.float32),
            high=self._high[:used].copy(),
        )

    def recent_loss(self, steps: int = 100) -> Float32[np.ndarray, " instances"]:
        """Mean batch loss over at least the latest `steps` steps (all, if fewer); NaN if none was finite."""
        used = -(-self.step // self.width)
        latest = slice(max(0, used - 1 - -(-steps // self.width)), used)
        count = self._count[latest].sum(0)
        total = self._sum[latest].sum(0)
        mean = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
        return mean.astype(np.float32)

    def due(self, step: int) -> int:
        """The first step after `step` at which weights are to be kept."""
        return (step // self.stride + 1) * self.stride

    def add_weights(self, snapshot: WeightSnapshot) -> None:
        """Keep the weights of a step that was due; thin out when there are too many."""
        self.snapshots.append(snapshot)
        if len(self.snapshots) > self._capacity:
            self.stride *= 2
            self.snapshots = [s for s in self.snapshots if s.step % self.stride == 0]

    def copy(self) -> "History":
        """A copy that no longer grows; the snapshots in it, which never change, are shared."""
        twin = copy.copy(self)
        for name in ("_sum", "_count", "_low", "_high"):
            setattr(twin, name, getattr(self, name).copy())
        twin.snapshots = list(self.snapshots)
        return twin

    def to_arrays(self) -> dict[str, Shaped[np.ndarray, "..."]]:
        """Everything, as named arrays for a file."""
        used = -(-self.step // self.width)
        arrays: dict[str, Shaped[np.ndarray, ...]] = {
            "layout": np.array([self.step, self.width, self.stride, self._capacity, len(self._sum)]),
            "loss.sum": self._sum[:used],
            "loss.count": self._count[:used],
            "loss.low": self._low[:used],
            "loss.high": self._high[:used],
            "weights.step": np.array([s.step for s in self.snapshots], np.int64),
            "weights.W": np.stack([s.weights for s in self.snapshots]),
        }
        biases = [s.bias for s in self.snapshots if s.bias is not None]
        if biases:
            arrays["weights.b"] = np.stack(biases)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, Shaped[np.ndarray, "..."]]) -> "History":
        """The inverse of `to_arrays`. Raises KeyError or ValueError if these are no such arrays."""
        step, width, stride, capacity, buckets = (int(v) for v in arrays["layout"])
        history = cls.__new__(cls)
        history.step, history.width, history.stride, history._capacity = step, width, stride, capacity
        n_instances = arrays["loss.sum"].shape[1]
        empties = {"_sum": 0.0, "_count": 0, "_low": np.nan, "_high": np.nan}
        for name, empty in empties.items():
            stored = arrays["loss." + name[1:]]
            whole = np.full((buckets, n_instances), empty, stored.dtype)
            whole[: len(stored)] = stored
            setattr(history, name, whole)
        biases = arrays.get("weights.b")
        history.snapshots = [
            WeightSnapshot(int(s), weights, None if biases is None else biases[i])
            for i, (s, weights) in enumerate(zip(arrays["weights.step"], arrays["weights.W"], strict=True))
        ]
        return history
