import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tms_engine.analysis.smoothing import loss_sums, smoothed
from tms_engine.training.history import LossCurve


def curve_of(losses: np.ndarray, width: int) -> LossCurve:
    """The envelope of one instance's losses, in buckets of so many steps."""
    start = np.arange(0, len(losses), width, dtype=np.int64)
    end = np.minimum(start + width, len(losses))
    low, total, high = (fold.reduceat(losses, start) for fold in (np.minimum, np.add, np.maximum))
    low, mean, high = (v.astype(np.float32)[:, None] for v in (low, total / (end - start), high))
    return LossCurve(start, end, low, mean, high)


def smooth(curve: LossCurve, changes: list[int], axis: float) -> np.ndarray:
    return smoothed(curve.start, curve.end, *loss_sums(curve), changes, axis)[:, 0]


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 1999), st.integers(1, 64), st.integers(1, 10_000))
def test_no_smoothed_loss_knows_of_a_change_before_it_is_made(change, width, axis):
    curve = curve_of(np.where(np.arange(2000) < change, 0.01, 10.0), width)
    smooth_losses = smooth(curve, [change], axis)
    assert smooth_losses[curve.end <= change] == pytest.approx(0.01, rel=1e-6)
    assert smooth_losses[curve.start >= change] == pytest.approx(10, rel=1e-6)


def test_a_smoothed_loss_is_the_mean_of_its_window():
    losses = np.random.default_rng(0).random(1000)
    found = smooth(curve_of(losses, 1), [400], 4000)  # 1.5 % of 4,000: 60 to either side
    assert found[700] == pytest.approx(losses[640:761].mean(), rel=1e-5)
    assert found[500] == pytest.approx(losses[475:526].mean(), rel=1e-5)  # a quarter of 100 steps
    assert found[399] == pytest.approx(losses[339:400].mean(), rel=1e-5)  # not over the change
    assert found[0] == pytest.approx(losses[0], rel=1e-5)


def test_what_is_not_finite_has_no_smoothed_loss_and_spoils_no_other():
    losses = np.full(1000, 0.5)
    losses[500:600] = np.nan
    found = smooth(curve_of(losses, 1), [], 1000)
    assert np.array_equal(np.isnan(found), np.isnan(losses))
    assert np.nanmin(found) == np.nanmax(found) == 0.5


def test_a_loss_of_1e30_leaves_a_small_one_as_it_is():
    found = smooth(curve_of(np.concatenate([np.full(10, 1e30), np.full(500, 0.004)]), 1), [], 510)
    assert found[-1] == pytest.approx(0.004, rel=1e-6)


def test_without_losses_there_are_none():
    nothing = np.zeros((0, 3), np.float32)
    curve = LossCurve(np.zeros(0, np.int64), np.zeros(0, np.int64), nothing, nothing, nothing)
    assert smoothed(curve.start, curve.end, *loss_sums(curve), [5], 10).shape == (0, 3)
