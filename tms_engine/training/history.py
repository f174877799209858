"""The loss and the weights over time, in bounded memory.

The loss is kept as an envelope: buckets of the same number of steps, each with the minimum, the mean and the
maximum batch loss of every instance. When all buckets are full, neighbours are merged and the width doubles,
so that the memory is bounded and the whole run stays visible.

Parameters are kept densely where much happens: from the first step, and again from each live change, every
step at first and then at geometric distances. A step is kept if the number of steps since has at most `bits`
significant bits: with 7, every step up to 128, every second up to 256, every fourth up to 512. Where that is
more than may be kept, bits are taken away, which leaves a part of the same steps.
"""

import bisect
import copy
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64, Shaped

from tms_engine.training.state import Parameters

_MAX_BUCKETS = 1024
_ENVELOPE_BYTES = 1 << 20
_BUCKET_BYTES = 8 + 8 + 4 + 4  # sum, count, least, greatest

# Bits of the steps that are kept at first, and the bytes that parameters may take together.
_BITS = 7
_KEPT_BYTES = 1 << 28
_NEVER = 1 << 62


class LossCurve(NamedTuple):
    """Loss against steps. A bucket in which an instance had no finite loss is NaN for it."""

    start: Int64[np.ndarray, " buckets"]  # first step of the bucket
    end: Int64[np.ndarray, " buckets"]  # one past its last
    low: Float32[np.ndarray, "buckets instances"]
    mean: Float32[np.ndarray, "buckets instances"]
    high: Float32[np.ndarray, "buckets instances"]


class Kept(NamedTuple):
    """The parameters at a step. Nobody changes them."""

    step: int
    parameters: Parameters


def history_bytes(n_instances: int, keep: int, kept_bytes: int) -> tuple[int, int]:
    """What the envelope and the kept parameters of a History take in memory at most."""
    return _buckets(n_instances) * n_instances * _BUCKET_BYTES, (_capacity(keep, kept_bytes) + 1) * kept_bytes


def _buckets(n_instances: int) -> int:
    return min(_MAX_BUCKETS, max(32, _ENVELOPE_BYTES // (_BUCKET_BYTES * n_instances))) // 2 * 2


def _capacity(keep: int, kept_bytes: int) -> int:
    return min(keep, max(2, _KEPT_BYTES // max(1, kept_bytes)))


def recent_buckets(end: int, width: int, steps: int, since: int) -> slice:
    """The buckets of the latest `steps` steps before `end`, from `since` on, and at least one."""
    used = -(-end // width)
    first = max(0, used - 1 - -(-steps // width), -(-since // width))
    return slice(min(first, max(0, used - 1)), used)


class History:
    """Grows with the run: `add_losses` for every step taken, `add_kept` at the steps that `due` names.

    The envelope stays under 1 MB up to 1,365 instances; beyond that it has 32 buckets and grows with
    their number. Parameters are kept of at most `keep` steps, fewer where they would take over 256 MB, and of
    none if `keep` is 0.
    """

    def __init__(self, n_instances: int, keep: int, kept_bytes: int) -> None:
        """`kept_bytes` is the size of all parameters at one step."""
        buckets = _buckets(n_instances)
        self.step = 0
        self.width = 1
        self._sum = np.zeros((buckets, n_instances))
        self._count = np.zeros((buckets, n_instances), np.int64)
        self._low = np.full((buckets, n_instances), np.nan, np.float32)
        self._high = np.full((buckets, n_instances), np.nan, np.float32)
        self._capacity = _capacity(keep, kept_bytes)
        self._bits = _BITS
        self._origins = [0]  # step 0, and the steps of live changes
        self.kept: list[Kept] = []

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

        The result does not depend on how the steps are cut into calls: low, high and count are exact, and so
        are the sums, which in float64 hold float32 losses without rounding unless those of one bucket
        differ by more than 2^29 over its width.
        """
        first, last = self.step // self.width, (self.step + len(losses) - 1) // self.width
        into = slice(first, last + 1)
        begins = np.maximum(np.arange(first, last + 1) * self.width - self.step, 0)
        finite = np.isfinite(losses)
        if finite.all():
            count = np.append(begins[1:], len(losses)) - begins
            self._sum[into] += np.add.reduceat(losses, begins, axis=0, dtype=np.float64)
            self._count[into] += count[:, None]
            low, high = (extreme.reduceat(losses, begins, axis=0) for extreme in (np.minimum, np.maximum))
        else:
            whole = np.where(finite, losses, 0.0)
            self._sum[into] += np.add.reduceat(whole, begins, axis=0, dtype=np.float64)
            self._count[into] += np.add.reduceat(finite, begins, axis=0, dtype=np.int64)
            losses = np.where(finite, losses, np.float32(np.nan))
            low, high = (extreme.reduceat(losses, begins, axis=0) for extreme in (np.fmin, np.fmax))
        self._low[into] = np.fmin(self._low[into], low)
        self._high[into] = np.fmax(self._high[into], high)
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

    def recent_loss(self, steps: int = 100, until: int | None = None) -> Float32[np.ndarray, " instances"]:
        """Mean batch loss over at least the latest `steps` steps (all, if fewer); NaN if none was finite.

        It does not reach back across a live change, but for the rest of a bucket. `until`: as it was at that
        step, up to the width of a bucket.
        """
        end = self.step if until is None else min(until, self.step)
        since = max((origin for origin in self._origins if origin < end), default=0)
        latest = recent_buckets(end, self.width, steps, since)
        count = self._count[latest].sum(0)
        total = self._sum[latest].sum(0)
        mean = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
        return mean.astype(np.float32)

    def due(self, step: int) -> int:
        """The first step after `step` at which parameters are to be kept."""
        if not self._capacity:
            return _NEVER
        since = step - self._origins[-1] + 1
        coarse = max(0, since.bit_length() - self._bits)
        return self._origins[-1] + (-(-since >> coarse) << coarse)

    def skip_to(self, step: int) -> None:
        """Begin at a step other than 0, of a run whose losses until then are not known."""
        while step > self.width * len(self._sum):
            self.width *= 2
        self.step = step
        self._origins = [step]

    def begin_again(self, step: int) -> None:
        """A live change was made at this step: keep densely from here on."""
        if step > self._origins[-1]:
            self._origins.append(step)

    def add_kept(self, kept: Kept) -> None:
        """Keep the parameters of a step that was due, or of a live change; thin out if there are too many."""
        if not self._capacity or (self.kept and self.kept[-1].step == kept.step):
            return
        self.kept.append(kept)
        while len(self.kept) > self._capacity:
            if self._bits > 1:
                self._bits -= 1
                self.kept = [k for k in self.kept if self._is_round(k.step)]
            else:  # more live changes than may be kept
                self.kept = self.kept[::2]

    def _is_round(self, step: int) -> bool:
        """Whether a step is still to be kept, by its distance from the start or the live change before it."""
        since = step - self._origins[bisect.bisect_right(self._origins, step) - 1]
        return since % (1 << max(0, since.bit_length() - self._bits)) == 0

    @property
    def steps(self) -> list[int]:
        """The steps of which the parameters are kept, ascending."""
        return [kept.step for kept in self.kept]

    def copy(self) -> "History":
        """A copy that no longer grows; the parameters in it, which never change, are shared."""
        twin = copy.copy(self)
        for name in ("_sum", "_count", "_low", "_high"):
            setattr(twin, name, getattr(self, name).copy())
        twin.kept, twin._origins = list(self.kept), list(self._origins)
        return twin

    def to_arrays(self) -> dict[str, Shaped[np.ndarray, "..."]]:
        """Everything, as named arrays for a file."""
        used = -(-self.step // self.width)
        arrays: dict[str, Shaped[np.ndarray, ...]] = {
            "layout": np.array([self.step, self.width, len(self._sum), self._capacity, self._bits, 0]),
            "origins": np.array(self._origins, np.int64),
            "loss.sum": self._sum[:used],
            "loss.count": self._count[:used],
            "loss.low": self._low[:used],
            "loss.high": self._high[:used],
            "weights.step": np.array(self.steps, np.int64),
        }
        for name in self.kept[0].parameters if self.kept else ():
            arrays[f"weights.{name}"] = np.stack([kept.parameters[name] for kept in self.kept])
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, Shaped[np.ndarray, "..."]]) -> "History":
        """The inverse of `to_arrays`. Raises KeyError, ValueError or IndexError for other arrays."""
        layout = [int(v) for v in arrays["layout"]]
        if len(layout) == 5:  # of runs from before steps were kept densely: evenly spaced, by a stride
            step, width, _, capacity, buckets = layout
            bits, origins = _BITS, [0]
        else:
            step, width, buckets, capacity, bits, _ = layout
            origins = [int(v) for v in arrays["origins"]]
        used = arrays["loss.sum"].shape[0]
        if not (
            0 <= step < 2**60 and 1 <= width <= 2**60 and used == -(-step // width) <= buckets <= _MAX_BUCKETS
        ):
            raise ValueError("its losses are not of so many steps")
        if not (0 <= capacity < 2**60 and 1 <= bits <= _BITS and origins and buckets % 2 == 0):
            raise ValueError("its layout is damaged")
        history = cls.__new__(cls)
        history.step, history.width, history._capacity, history._bits = step, width, capacity, bits
        history._origins = origins
        n_instances = arrays["loss.sum"].shape[1]
        empties = {"_sum": 0.0, "_count": 0, "_low": np.nan, "_high": np.nan}
        for name, empty in empties.items():
            stored = arrays["loss." + name[1:]]
            if stored.shape != (used, n_instances):
                raise ValueError("its losses are not all of the same steps and instances")
            whole = np.full((buckets, n_instances), empty, stored.dtype)
            whole[: len(stored)] = stored
            setattr(history, name, whole)
        names = [
            n.removeprefix("weights.") for n in arrays if n.startswith("weights.") and n != "weights.step"
        ]
        history.kept = [
            Kept(int(step), {name: arrays[f"weights.{name}"][i] for name in sorted(names)})
            for i, step in enumerate(arrays["weights.step"])
        ]
        return history

    def check(self, parameters: Parameters, step: int) -> None:
        """Raise ValueError unless this is the history, until this step, of a run with such parameters."""
        if self.step != step:
            raise ValueError("it does not reach its step")
        if self._sum.shape[1] != len(next(iter(parameters.values()))):
            raise ValueError("it has another number of instances")
        kinds = {"_sum": np.float64, "_count": np.int64, "_low": np.float32, "_high": np.float32}
        if any(getattr(self, name).dtype != kind for name, kind in kinds.items()):
            raise ValueError("its losses are no such numbers")
        for steps in (self.steps, self._origins):
            if steps != sorted(set(steps)) or any(not 0 <= kept <= step for kept in steps):
                raise ValueError("it has kept steps that it has not reached in this order")
        shapes = {name: (value.shape, value.dtype) for name, value in parameters.items()}
        for kept in self.kept:
            if {name: (value.shape, value.dtype) for name, value in kept.parameters.items()} != shapes:
                raise ValueError("it has kept parameters of another model")
