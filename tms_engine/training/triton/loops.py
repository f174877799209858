"""The compiled code of the CUDA kernel: one program trains one instance, many steps in one launch.

Weights, bias and Adam's moments stay in registers from the first step of a launch to its last; a batch is
drawn where it is used, a tile of rows at a time, and is never written to memory. Products of matrices are
sums over products of all their entries: float32 throughout, and no smallest size, as tensor cores have one.

All is padded to powers of two, N features and M hidden dimensions, with what has no gradient: padding stays
0. A tile has T rows. Shapes are in comments, since Triton reads no annotations: I instances, S steps, B rows
of a batch, n features, m hidden dimensions.
"""

from typing import no_type_check

import triton
import triton.language as tl

from tms_engine.data import ANTICORRELATED, BERNOULLI, CORRELATED, GIVEN, N_ACTIVE, stream
from tms_engine.training.optimizers import BETA1, BETA2, EPSILON

# Triton reads no other globals than constants of its own.
_BERNOULLI, _N_ACTIVE = tl.constexpr(BERNOULLI), tl.constexpr(N_ACTIVE)
_CORRELATED, _ANTICORRELATED, _GIVEN = (tl.constexpr(k) for k in (CORRELATED, ANTICORRELATED, GIVEN))

_GAMMA = tl.constexpr(stream.GAMMA)
_MULTIPLIER_1, _MULTIPLIER_2 = tl.constexpr(stream.MULTIPLIER_1), tl.constexpr(stream.MULTIPLIER_2)

_BETA2, _EPSILON = tl.constexpr(BETA2), tl.constexpr(EPSILON)
_ONE_MINUS_BETA1, _ONE_MINUS_BETA2 = tl.constexpr(1 - BETA1), tl.constexpr(1 - BETA2)
_LARGEST = tl.constexpr(3.4028234663852886e38)  # float32's


@triton.jit
@no_type_check
def _word(key, row, column, n: tl.constexpr):
    """The word of an entry, as in data/stream.py; key, row and column are broadcast."""
    z = key + (row.to(tl.uint64) * n + column.to(tl.uint64) + 1) * _GAMMA
    z = (z ^ (z >> 30)) * _MULTIPLIER_1
    z = (z ^ (z >> 27)) * _MULTIPLIER_2
    return z ^ (z >> 31)


@triton.jit
@no_type_check
def _magnitude(word):
    """The lowest 23 bits as a number in (0, 1), exactly."""
    return (word & 0x7FFFFF).to(tl.int32).to(tl.float32) * 1.1920928955078125e-07 + 5.9604644775390625e-08


@triton.jit
@no_type_check
def draw(key, row, column, threshold, n: tl.constexpr, kind: tl.constexpr, n_active, set_size):
    """Rows of the experiment's features, to the bit those of the laws in data/.

    key, threshold (1, 1) uint64, row (T, 1), column (1, N) → (T, N); the caller masks what
    is in padding.
    """
    word = _word(key, row, column, n)
    if kind == _BERNOULLI:
        active = (word >> 32) < threshold
    elif kind == _N_ACTIVE:
        # An entry is active if fewer than n_active of its row are larger; words are compared with their sign.
        signed = word.to(tl.int64)
        larger = (signed[:, None, :] > signed[:, :, None]) & (column < n)[:, None, :]
        active = tl.sum(larger.to(tl.int32), 2) < n_active
    else:
        # A set fires by its first member's word, and its last member's chooses which one.
        first = column - column % set_size
        active = (_word(key, row, first, n) >> 32) < threshold
        if kind == _ANTICORRELATED:
            last = _word(key, row, first + set_size - 1, n)
            chosen = ((last >> 32) * set_size.to(tl.uint64)) >> 32
            active = active & ((column - first).to(tl.uint64) == chosen)
    return tl.where(active, _magnitude(word), 0.0)


@triton.jit
@no_type_check
def _gradient(x, w, b, importance, learned, n: tl.constexpr):
    """One tile through the model and back, as in models/tied_relu.py, before its scale 1 / (B n).

    x (T, N), w (N, M), b and importance (1, N); learned (T, N): where there is a row and a feature. Returns
    the rows' losses (T), what each row adds to w's gradient (T, N, M), and to b's (T, N).
    """
    h = tl.sum(x[:, :, None] * w[None, :, :], 1)  # (T, M)
    linear = tl.sum(h[:, None, :] * w[None, :, :], 2) + b
    # A NaN is not ≤ 0, and is passed on.
    error = tl.where(learned, tl.where(linear <= 0, 0.0, linear) - x, 0.0)
    weighted = importance * error
    g = tl.where(linear <= 0, 0.0, 2 * weighted)
    dh = tl.sum(g[:, :, None] * w[None, :, :], 1)
    dw = x[:, :, None] * dh[:, None, :] + g[:, :, None] * h[:, None, :]
    return tl.sum(weighted * error, 1) / n, dw, g


@triton.jit
@no_type_check
def _adam(p, gradient, first, second, scale, root, decay, l2):
    """One step of Adam, as in torch_kernel.py: (parameter, first moment, second moment) after it."""
    gradient = gradient + l2 * p
    first = first + _ONE_MINUS_BETA1 * (gradient - first)
    second = _BETA2 * second + _ONE_MINUS_BETA2 * (gradient * gradient)
    step = tl.div_rn(scale * first, tl.div_rn(tl.sqrt_rn(second), root) + _EPSILON)
    return decay * p - step, first, second


@triton.jit
@no_type_check
def _not_finite(values):
    """How many of (N, M) are infinite or NaN."""
    return tl.sum(tl.sum((~(tl.abs(values) <= _LARGEST)).to(tl.int32), 1), 0)


# What differs from launch to launch is not compiled in: code for one step may round unlike that for many.
@triton.jit(do_not_specialize=["n_steps", "n_instances", "first_step", "batch", "n_active", "set_size"])
@no_type_check
def train(
    w_pointer, w_first_pointer, w_second_pointer, b_pointer, b_first_pointer, b_second_pointer, diverged_at,
    losses, given, keys, thresholds, importances, scales, roots, decays, l2, n_steps, n_instances, first_step,
    batch, n_active, set_size, n: tl.constexpr, m: tl.constexpr, kind: tl.constexpr,
    learns_bias: tl.constexpr, N: tl.constexpr, M: tl.constexpr, T: tl.constexpr,
):  # fmt: skip
    """Steps of one instance, its number that of the program.

    w, its moments (I, n, m), b, its moments (I, n) and diverged_at (I) int64, changed in place; losses (S,
    I), filled. keys (S, I) and thresholds (I) int64; given (S, I, B, n), or anything if kind is not GIVEN;
    so is b if no bias is learned. importances (I, n); scales, decays (S, I), roots (S) as of torch_kernel.py.
    """
    i = tl.program_id(0).to(tl.int64)
    one = tl.zeros((1, 1), tl.int32)
    column = tl.arange(0, N)[None, :]
    feature, dimension = tl.arange(0, N)[:, None], tl.arange(0, M)[None, :]
    in_w = (feature < n) & (dimension < m)
    at_w = i * (n * m) + feature * m + dimension
    at_b = i * n + column
    w = tl.load(w_pointer + at_w, mask=in_w, other=0.0)
    w_first = tl.load(w_first_pointer + at_w, mask=in_w, other=0.0)
    w_second = tl.load(w_second_pointer + at_w, mask=in_w, other=0.0)
    b = tl.zeros((1, N), tl.float32)
    b_first, b_second = b, b
    if learns_bias:
        b = tl.load(b_pointer + at_b, mask=column < n, other=0.0)
        b_first = tl.load(b_first_pointer + at_b, mask=column < n, other=0.0)
        b_second = tl.load(b_second_pointer + at_b, mask=column < n, other=0.0)
    importance = tl.load(importances + at_b, mask=column < n, other=0.0)
    stopped = tl.load(diverged_at + i)
    threshold = tl.load(thresholds + i + one).to(tl.uint64)

    for s in range(n_steps):
        at = s * n_instances + i
        key = tl.load(keys + at + one).to(tl.uint64)
        row_losses = tl.zeros((T,), tl.float32)
        dw_rows = tl.zeros((T, N, M), tl.float32)
        db_rows = tl.zeros((T, N), tl.float32)
        for first in range(0, batch, T):
            row = first + tl.arange(0, T)[:, None]
            learned = (row < batch) & (column < n)
            if kind == _GIVEN:
                place = (at * batch + row) * n + column
                x = tl.load(given + place, mask=learned, other=0.0)
            else:
                drawn = draw(key, row, column, threshold, n, kind, n_active, set_size)
                x = tl.where(learned, drawn, 0.0)
            loss_rows, dw, db = _gradient(x, w, b, importance, learned, n)
            row_losses += loss_rows
            dw_rows += dw
            db_rows += db
        loss = tl.sum(row_losses, 0) / batch
        scale, root, decay = tl.load(scales + at), tl.load(roots + s), tl.load(decays + at)
        mean = 1.0 / (batch * n)
        new_w, new_w_first, new_w_second = _adam(
            w, tl.sum(dw_rows, 0) * mean, w_first, w_second, scale, root, decay, l2
        )
        bad = _not_finite(new_w) + _not_finite(new_w_second) + (~(tl.abs(loss) <= _LARGEST)).to(tl.int32)
        if learns_bias:
            db = tl.sum(db_rows, 0)[None, :] * mean
            new_b, new_b_first, new_b_second = _adam(b, db, b_first, b_second, scale, root, decay, l2)
            bad += _not_finite(new_b) + _not_finite(new_b_second)
        learns = (stopped < 0) & (bad == 0)
        w = tl.where(learns, new_w, w)
        w_first = tl.where(learns, new_w_first, w_first)
        w_second = tl.where(learns, new_w_second, w_second)
        if learns_bias:
            b = tl.where(learns, new_b, b)
            b_first = tl.where(learns, new_b_first, b_first)
            b_second = tl.where(learns, new_b_second, b_second)
        stopped = tl.where((stopped < 0) & (bad > 0), first_step + s, stopped)
        tl.store(losses + at, tl.where(learns, loss, float("nan")))

    tl.store(w_pointer + at_w, w, mask=in_w)
    tl.store(w_first_pointer + at_w, w_first, mask=in_w)
    tl.store(w_second_pointer + at_w, w_second, mask=in_w)
    if learns_bias:
        tl.store(b_pointer + at_b, b, mask=column < n)
        tl.store(b_first_pointer + at_b, b_first, mask=column < n)
        tl.store(b_second_pointer + at_b, b_second, mask=column < n)
    tl.store(diverged_at + i, stopped)
