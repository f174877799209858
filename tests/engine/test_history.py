import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tms_engine.training.history import History, Kept


def history_of(losses: np.ndarray, *cuts: int) -> History:
    history = History(losses.shape[1], keep=512, kept_bytes=96)
    history.add_kept(Kept(0, {"W": np.ones((losses.shape[1], 8, 3), np.float32)}))
    for piece in np.split(losses, sorted(cuts)):
        history.add_losses(piece)
    return history


def some_losses(n_steps: int, n_instances: int = 1) -> np.ndarray:
    rng = np.random.default_rng(0)
    decay = 1 / np.sqrt(1 + np.arange(n_steps))[:, None]
    return (decay * rng.gamma(2, size=(n_steps, n_instances))).astype(np.float32)


@pytest.mark.parametrize("n_steps", [0, 1, 1000, 1024, 1025, 5000, 40_000])
def test_the_envelope_is_that_of_the_losses_in_its_buckets(n_steps):
    losses = some_losses(n_steps, 3)
    curve = history_of(losses, n_steps // 3).loss_curve()
    assert np.array_equal(np.concatenate([curve.start, [n_steps]])[1:], curve.end)
    assert n_steps == 0 or len(curve.start) > 512 or len(curve.start) == n_steps
    for k, (start, end) in enumerate(zip(curve.start, curve.end, strict=True)):
        bucket = losses[start:end].astype(np.float64)
        assert np.array_equal(curve.low[k], bucket.min(0).astype(np.float32))
        assert np.array_equal(curve.high[k], bucket.max(0).astype(np.float32))
        assert np.allclose(curve.mean[k], bucket.mean(0), rtol=1e-6)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 5000), max_size=8))
def test_how_the_steps_are_cut_leaves_no_trace(cuts):
    losses = some_losses(5000, 2)
    whole, cut = history_of(losses).to_arrays(), history_of(losses, *cuts).to_arrays()
    for name in whole:
        assert np.array_equal(whole[name], cut[name]), name


def test_ten_million_steps_take_under_a_megabyte_and_keep_their_shape():
    history = History(1, keep=512, kept_bytes=96)
    scale = np.float32(1e-3)
    for block in range(100):
        steps = np.arange(block * 100_000, (block + 1) * 100_000, dtype=np.float64)
        history.add_losses((scale * (1 + np.sin(steps / 1e6))).astype(np.float32)[:, None])
    history.kept = [Kept(0, {"W": np.zeros((1, 8, 3), np.float32)})]
    assert sum(array.nbytes for array in history.to_arrays().values()) < 1e6
    assert sum(a.nbytes for a in (history._sum, history._count, history._low, history._high)) < 1e6
    curve = history.loss_curve()
    assert len(curve.start) >= 512
    assert curve.end[-1] == 10**7
    middle = (curve.start + curve.end - 1) / 2
    assert np.allclose(curve.mean[:, 0], scale * (1 + np.sin(middle / 1e6)), atol=1e-6)


def test_many_instances_stay_under_a_megabyte_too():
    history = History(1000, keep=512, kept_bytes=96)
    history.add_losses(some_losses(3000, 1000))
    assert sum(a.nbytes for a in (history._sum, history._count, history._low, history._high)) < 1.1e6


def test_losses_that_are_not_finite_are_gaps_and_touch_nothing_else():
    losses = some_losses(3000, 2)
    broken = losses.copy()
    broken[1500:, 1] = np.nan
    curve, whole = history_of(broken).loss_curve(), history_of(losses).loss_curve()
    assert np.array_equal(curve.mean[:, 0], whole.mean[:, 0])
    dead = curve.start >= 1500
    assert np.isnan(curve.mean[dead, 1]).all()
    assert np.isnan(curve.low[dead, 1]).all()
    assert np.isfinite(curve.mean[~dead, 1]).all()
    recent = history_of(broken).recent_loss()
    assert np.isfinite(recent[0])
    assert np.isnan(recent[1])


def test_the_recent_loss_is_the_mean_of_about_100_steps():
    losses = some_losses(900)
    assert np.allclose(history_of(losses).recent_loss(), losses[-101:].mean(0))
    assert np.isnan(history_of(losses[:0]).recent_loss()).all()


def kept_until(history: History, end: int) -> list[int]:
    step = 0
    while step < end:
        history.add_kept(Kept(step, {"W": np.full((1, 8, 3), step, np.float32)}))
        step = history.due(step)
    return history.steps


@pytest.mark.parametrize("keep", [64, 512, 1000])
def test_kept_steps_are_all_at_first_and_then_lie_as_far_apart_as_a_share_of_their_age(keep):
    history = History(1, keep=keep, kept_bytes=96)
    steps = kept_until(history, 100_000)
    assert steps[0] == 0
    assert keep / 3 < len(steps) <= keep
    share = np.diff(steps) / np.maximum(steps[:-1], 1)
    dense = 1 << history._bits
    assert steps[: dense + 1] == list(range(dense + 1))
    assert (share[dense:] <= 2 / dense).all()
    assert all((kept.parameters["W"] == kept.step).all() for kept in history.kept)


def test_thinning_leaves_what_a_coarser_history_would_have_kept():
    thinned, coarse = History(1, keep=100, kept_bytes=96), History(1, keep=10**6, kept_bytes=96)
    kept_until(thinned, 50_000)
    coarse._bits = thinned._bits
    assert thinned.steps == kept_until(coarse, 50_000)


def test_a_live_change_is_a_new_beginning_and_outlives_thinning():
    history = History(1, keep=200, kept_bytes=96)
    kept_until(history, 10_000)
    history.begin_again(10_000)
    history.add_kept(Kept(10_000, {"W": np.zeros((1, 8, 3), np.float32)}))
    assert history.due(10_000) == 10_001
    for step in range(10_001, 10_200):
        if step == history.due(step - 1):
            history.add_kept(Kept(step, {"W": np.zeros((1, 8, 3), np.float32)}))
    assert len(history.kept) <= 200
    assert {0, 10_000, 10_001, 10_002} <= set(history.steps)


def test_large_parameters_are_kept_less_often_and_none_where_none_are_wanted():
    assert len(kept_until(History(1, keep=512, kept_bytes=1 << 24), 10_000)) <= 16
    none = History(1, keep=0, kept_bytes=96)
    assert kept_until(none, 10_000) == []
    assert "weights.W" not in none.to_arrays()


@pytest.mark.parametrize("names", [("W",), ("W", "b"), ("D", "E", "b")])
def test_arrays_hold_everything(names):
    history = history_of(some_losses(3001, 2))
    history.kept.clear()
    history.add_kept(Kept(0, {name: np.ones((2, 8, 3), np.float32) for name in names}))
    history.begin_again(3001)
    again = History.from_arrays(history.to_arrays())
    more = some_losses(2500, 2)
    history.add_losses(more)
    again.add_losses(more)
    for name, array in history.to_arrays().items():
        assert np.array_equal(array, again.to_arrays()[name]), name
    assert history.due(7) == again.due(7)
