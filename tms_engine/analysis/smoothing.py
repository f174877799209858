"""The smoothed loss, for figures and screens alike."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64

from tms_engine.training.history import LossCurve

# A window reaches so many steps to either side, or this fraction of the axis where that is more.
_STEPS, _FRACTION = 50, 0.015


def loss_sums(
    curve: LossCurve,
) -> tuple[Float64[np.ndarray, "buckets instances"], Float64[np.ndarray, "buckets instances"]]:
    """Of each bucket the sum of its finite losses, and the number of steps that have one."""
    finite = np.isfinite(curve.mean)
    count = (curve.end.astype(np.float64) - curve.start)[:, None] * finite
    return np.where(finite, curve.mean, 0).astype(np.float64) * count, count


def smoothed(
    start: Int64[np.ndarray, " stretches"],
    end: Int64[np.ndarray, " stretches"],
    total: Float64[np.ndarray, "stretches instances"],
    count: Float64[np.ndarray, "stretches instances"],
    changes: Sequence[int],
    axis: float,
) -> Float64[np.ndarray, "stretches instances"]:
    """Mean loss around each stretch of steps from `start` to `end` − 1, NaN where a stretch has none.

    `total` and `count` are sums of losses and numbers of steps, `changes` the steps of live changes, `axis`
    the length of the axis in steps. The window reaches 50 steps or 1.5 % of the axis to either side, but no
    further than a quarter of the way back to the start or the last change, so that a fall is not blurred, and
    never across a change: nothing is seen of it before it is made. A stretch in which a change lies belongs
    to neither side. Sums are of each window alone: a running sum would lose .004 beside a loss of 1e30.
    """
    if not len(start):
        return np.zeros(total.shape)
    bounds = np.unique(np.array([0, *changes], np.int64))
    first, last = (np.maximum(np.searchsorted(bounds, at, "right") - 1, 0) for at in (start, end - 1))
    alone = first != last
    begins = np.concatenate([[True], (first[1:] != first[:-1]) | alone[1:] | alone[:-1]])
    opens, side = np.flatnonzero(begins), np.cumsum(begins) - 1
    closes = np.append(opens[1:], len(start))
    center = (start + end) / 2
    reach = np.minimum(0.25 * (center - bounds[first]), max(_STEPS, _FRACTION * axis))
    begin = np.maximum(np.searchsorted(center, center - reach), opens[side])
    stop = np.minimum(np.searchsorted(center, center + reach, "right"), closes[side])
    windows = np.stack([begin, np.maximum(stop, begin + 1)], 1)
    nothing = np.zeros((1, total.shape[1]))
    sums, counts = (
        np.add.reduceat(np.concatenate([values, nothing]), windows.ravel(), axis=0)[::2]
        for values in (total, count)
    )
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=(counts > 0) & (count > 0))
