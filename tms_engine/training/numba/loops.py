"""The compiled loops of the numba kernel, which visit only the active entries of a batch.

At the seed's sparsity two of three rows of a batch are all zero. Such a row gives W no gradient, since h = 0,
and all of them give the bias the same. So a batch is never built: its active entries are drawn one after the
other (the gaps between them are geometric), empty rows are counted, and the others go through the model four
at a time, in loops that the compiler vectorises.

A step cuts its batch into chunks of CHUNK rows. Each has a stream of random words of its own and a sum of its
own, and the sums are added up in order, so that the result has the same bits however many threads there are.

Arrays are float32. Weights are held transposed and padded with zeros, (hidden, features), to multiples of
FEATURES features and of HIDDEN hidden dimensions: padding has no gradient, so it stays zero.

Shapes are in comments, since numba reads no annotations: I instances, S steps, B rows of a batch, n features,
m hidden dimensions, N and M the same padded, C chunks.
"""

import math
from typing import Any, NamedTuple, no_type_check

import numba
import numpy as np

from tms_engine.data import BERNOULLI, CORRELATED, GIVEN, N_ACTIVE, stream
from tms_engine.process import make_openmp_sleep
from tms_engine.training.numba.cache import compiled
from tms_engine.training.optimizers import BETA1, BETA2, EPSILON

make_openmp_sleep()  # numba starts its threads when the first of these loops is compiled

CHUNK = 128
FEATURES, HIDDEN = 8, 4
_TILE = 4  # rows

# From this density on, asking every entry is cheaper than a logarithm for each active one.
_DENSE = 0.25

_GAMMA = np.uint64(stream.GAMMA)
_MULTIPLIER_1, _MULTIPLIER_2 = np.uint64(stream.MULTIPLIER_1), np.uint64(stream.MULTIPLIER_2)

_ONE_MINUS_BETA1, _BETA2 = np.float32(1 - BETA1), np.float32(BETA2)
_ONE_MINUS_BETA2, _EPSILON = np.float32(1 - BETA2), np.float32(EPSILON)
_LARGEST = np.float32(np.finfo(np.float32).max)


class Instances(NamedTuple):
    """What is trained, changed in place."""

    p: Any  # (I, M + 1, N): weights with the bias below them
    first: Any  # (I, M + 1, N): Adam's first moment
    second: Any  # (I, M + 1, N): and second
    diverged_at: Any  # (I): the step that was not finite, −1 while all were


class Data(NamedTuple):
    """Where batches come from."""

    seed: Any
    numbers: Any  # (I): global numbers of the instances
    first_step: Any
    batch: Any  # B
    n: Any
    kind: Any  # branch of `draw`
    density: Any  # (I)
    n_active: Any
    set_size: Any
    given: Any  # (S, I, B, n) if kind is GIVEN, else anything of 4 axes


class Learning(NamedTuple):
    """What a step makes of a gradient; scales, roots and decays as of torch_kernel.py."""

    importance: Any  # (I, N), 0 in the padding
    m: Any
    learns_bias: Any
    scales: Any  # (S, I)
    roots: Any  # (S)
    decays: Any  # (S, I)
    l2: Any


@compiled()
@no_type_check
def _mix(z):
    """SplitMix64's output function."""
    z = (z ^ (z >> np.uint64(30))) * _MULTIPLIER_1
    z = (z ^ (z >> np.uint64(27))) * _MULTIPLIER_2
    return z ^ (z >> np.uint64(31))


@compiled()
@no_type_check
def _instance_key(seed, number):
    """Where the words of an instance start; data/stream.py says how all of them follow."""
    key = _mix(np.uint64(seed) + _GAMMA)
    return _mix(key + np.uint64(number + 1) * _GAMMA)


@compiled()
@no_type_check
def _chunk_key(key, step, chunk):
    """Where those of a chunk of one of its batches start."""
    key = _mix(key + np.uint64(step + 1) * _GAMMA)
    return _mix(key + np.uint64(chunk + 1) * _GAMMA)


@compiled()
@no_type_check
def _magnitude(word):
    """The lowest 23 bits as a number in (0, 1), never 0."""
    return np.float32(word & np.uint64(0x7FFFFF)) * np.float32(2**-23) + np.float32(2**-24)


@compiled()
@no_type_check
def _gap(word, log_inactive):
    """How many are passed over until the next active one: geometric, from the upper 41 bits."""
    u = (float(word >> np.uint64(23)) + 0.5) * 2.0**-41
    gap = math.log(u) / log_inactive
    return np.int64(gap) if gap < 2.0**40 else np.int64(2**40)


@compiled()
@no_type_check
def _below(word, n):
    """A number from 0 to n − 1, from the upper 32 bits."""
    return np.int64(((word >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@compiled()
@no_type_check
def draw(key, rows, n, kind, density, n_active, set_size, given, s, i, low, first, column, value, order):
    """The active entries of a chunk, row by row.

    given (S, I, B, n): batches, read from row `low` of [s, i] if kind is GIVEN. Fills first (rows + 1): where
    each row that has any begins; column, value (rows · n); order (n) is scratch. Returns the number of rows
    that have any.
    """
    count, filled, row = 0, 0, -1
    word = key
    if kind == GIVEN:
        for r in range(rows):
            before = count
            for j in range(n):
                if given[s, i, low + r, j] != 0:
                    column[count], value[count] = j, given[s, i, low + r, j]
                    count += 1
            if count > before:
                first[filled] = before
                filled += 1
    elif kind == N_ACTIVE:
        if n_active > 0:
            for j in range(n):
                order[j] = j
            for _ in range(rows):
                first[filled] = count
                filled += 1
                for a in range(n_active):  # Fisher and Yates, as far as needed
                    word += _GAMMA
                    drawn = _mix(word)
                    k = a + _below(drawn, n - a)
                    order[a], order[k] = order[k], order[a]
                    column[count], value[count] = order[a], _magnitude(drawn)
                    count += 1
    elif density <= 0:
        pass
    elif kind == BERNOULLI and density >= _DENSE:
        threshold = np.uint64(min(density, 1.0) * 2.0**41)
        for _ in range(rows):
            before = count
            for j in range(n):
                word += _GAMMA
                drawn = _mix(word)
                column[count], value[count] = j, _magnitude(drawn)
                count += np.int64((drawn >> np.uint64(23)) < threshold)
            if count > before:
                first[filled] = before
                filled += 1
    else:
        size = 1 if kind == BERNOULLI else set_size
        sets = n // size
        log_inactive = math.log1p(-density) if density < 1 else -math.inf
        at = np.int64(-1)
        while True:
            word += _GAMMA
            drawn = _mix(word)
            at += 1 + _gap(drawn, log_inactive)
            if at >= rows * sets:
                break
            r = at // sets
            j = (at - r * sets) * size
            if r != row:
                first[filled] = count
                filled += 1
                row = r
            if kind == BERNOULLI:
                column[count], value[count] = j, _magnitude(drawn)
                count += 1
            elif kind == CORRELATED:
                for a in range(size):
                    word += _GAMMA
                    column[count], value[count] = j + a, _magnitude(_mix(word))
                    count += 1
            else:
                word += _GAMMA
                column[count], value[count] = j + _below(_mix(word), size), _magnitude(drawn)
                count += 1
    first[filled] = count
    return filled


@compiled()
@no_type_check
def _decode(h, w, b, out):
    """out = h w + b for a tile. h (TILE, M), w (M, N), b (N) → out (TILE, N)."""
    m, n = w.shape
    for r in range(0, _TILE, 2):
        for j in range(n):
            out[r, j] = b[j]
            out[r + 1, j] = b[j]
        for k in range(0, m, 4):
            a0, a1, a2, a3 = h[r, k], h[r, k + 1], h[r, k + 2], h[r, k + 3]
            c0, c1, c2, c3 = h[r + 1, k], h[r + 1, k + 1], h[r + 1, k + 2], h[r + 1, k + 3]
            for j in range(n):
                w0, w1, w2, w3 = w[k, j], w[k + 1, j], w[k + 2, j], w[k + 3, j]
                out[r, j] += a0 * w0 + a1 * w1 + a2 * w2 + a3 * w3
                out[r + 1, j] += c0 * w0 + c1 * w1 + c2 * w2 + c3 * w3


@compiled()
@no_type_check
def _back(g, w, dh):
    """dh = g wᵀ for a tile. g (TILE, N), w (M, N) → dh (TILE, M)."""
    m, n = w.shape
    zero = np.float32(0)
    for r in range(0, _TILE, 2):
        for k in range(0, m, 4):
            a0, a1, a2, a3, c0, c1, c2, c3 = zero, zero, zero, zero, zero, zero, zero, zero
            for j in range(n):
                x, y = g[r, j], g[r + 1, j]
                w0, w1, w2, w3 = w[k, j], w[k + 1, j], w[k + 2, j], w[k + 3, j]
                a0 += x * w0
                a1 += x * w1
                a2 += x * w2
                a3 += x * w3
                c0 += y * w0
                c1 += y * w1
                c2 += y * w2
                c3 += y * w3
            dh[r, k], dh[r, k + 1], dh[r, k + 2], dh[r, k + 3] = a0, a1, a2, a3
            dh[r + 1, k], dh[r + 1, k + 1], dh[r + 1, k + 2], dh[r + 1, k + 3] = c0, c1, c2, c3


@compiled()
@no_type_check
def _outer(h, g, dw):
    """dw += hᵀ g for a tile. h (TILE, M), g (TILE, N) → dw (M, N)."""
    m, n = dw.shape
    for k in range(0, m, 2):
        a0, a1, a2, a3 = h[0, k], h[1, k], h[2, k], h[3, k]
        c0, c1, c2, c3 = h[0, k + 1], h[1, k + 1], h[2, k + 1], h[3, k + 1]
        for j in range(n):
            g0, g1, g2, g3 = g[0, j], g[1, j], g[2, j], g[3, j]
            dw[k, j] += a0 * g0 + a1 * g1 + a2 * g2 + a3 * g3
            dw[k + 1, j] += c0 * g0 + c1 * g1 + c2 * g2 + c3 * g3


@compiled()
@no_type_check
def _rows_of_four(first, column, value, filled, twice, importance, w, b, x, g, dw, db):
    """Loss and gradient of rows in a model of at most 4 hidden dimensions, which stay in registers.

    Arguments as of `_gradient`; g (N) is scratch, and x (N) is zero between two rows. dw and db grow.
    """
    zero = np.float32(0)
    n = x.shape[0]
    total = 0.0
    for r in range(filled):
        begin, end = first[r], first[r + 1]
        h0, h1, h2, h3 = zero, zero, zero, zero
        for e in range(begin, end):
            j, v = column[e], value[e]
            x[j] = v
            h0 += v * w[0, j]
            h1 += v * w[1, j]
            h2 += v * w[2, j]
            h3 += v * w[3, j]
        loss, d0, d1, d2, d3 = zero, zero, zero, zero, zero
        for j in range(n):
            out = b[j] + h0 * w[0, j] + h1 * w[1, j] + h2 * w[2, j] + h3 * w[3, j]
            reconstruction = zero if out <= 0 else out  # a NaN is passed on
            error = reconstruction - x[j]
            weighted = importance[j] * error
            loss += weighted * error
            slope = zero if out <= 0 else twice * weighted
            g[j] = slope
            d0 += slope * w[0, j]
            d1 += slope * w[1, j]
            d2 += slope * w[2, j]
            d3 += slope * w[3, j]
        total += float(loss)
        for j in range(n):
            dw[0, j] += h0 * g[j] + d0 * x[j]
            dw[1, j] += h1 * g[j] + d1 * x[j]
            dw[2, j] += h2 * g[j] + d2 * x[j]
            dw[3, j] += h3 * g[j] + d3 * x[j]
            db[j] += g[j]
        for e in range(begin, end):
            x[column[e]] = 0
    return total


@compiled()
@no_type_check
def _rows_by_tiles(first, column, value, filled, twice, importance, w, b, h, out, g, dh, dw, db):
    """Loss and gradient of rows in any model, four at a time. Arguments as of `_gradient`. dw and db grow."""
    m, padded = w.shape
    total = 0.0
    for tile in range(0, filled, _TILE):
        for r in range(_TILE):
            for k in range(m):
                h[r, k] = 0
            if tile + r < filled:
                for e in range(first[tile + r], first[tile + r + 1]):
                    j, x = column[e], value[e]
                    for k in range(m):
                        h[r, k] += x * w[k, j]
        _decode(h, w, b, out)
        for r in range(_TILE):
            if tile + r >= filled:  # beyond the last row
                for j in range(padded):
                    g[r, j] = 0
                continue
            loss = np.float32(0)
            for j in range(padded):
                # Where x = 0 the error is x̂ = ReLU(out) itself, and where out ≤ 0 there is no gradient.
                # (A NaN is not ≤ 0, and is passed on.)
                reconstruction = np.float32(0) if out[r, j] <= 0 else out[r, j]
                weighted = importance[j] * reconstruction
                loss += weighted * reconstruction
                g[r, j] = twice * weighted
            row_loss = float(loss)
            for e in range(first[tile + r], first[tile + r + 1]):
                j, x = column[e], value[e]
                reconstruction = np.float32(0) if out[r, j] <= 0 else out[r, j]
                error = reconstruction - x
                row_loss += float(importance[j] * (error * error - reconstruction * reconstruction))
                if reconstruction != 0:
                    g[r, j] = twice * importance[j] * error
            total += row_loss
        _back(g, w, dh)
        _outer(h, g, dw)
        for r in range(min(_TILE, filled - tile)):
            for e in range(first[tile + r], first[tile + r + 1]):
                j, x = column[e], value[e]
                for k in range(m):
                    dw[k, j] += dh[r, k] * x
        for j in range(padded):
            db[j] += g[0, j] + g[1, j] + g[2, j] + g[3, j]
    return total


@compiled()
@no_type_check
def _gradient(
    filled, empty, scale, importance, w, b, learns_bias, first, column, value, h, out, g, dh, x, row, dw, db
):
    """Loss and gradient of a chunk: of the rows that `draw` has filled, and of the empty ones.

    scale: 1 / (B n), of the mean over batch and features; importance (N), 0 in the padding; w (M, N); b (N);
    first, column, value as `draw` has filled them. h, dh (TILE, M), out, g (TILE, N) and row (N) are scratch,
    and so is x (N), which has to be zero. Fills dw (M, N) and db (N). Returns the chunk's part of the loss.
    """
    twice = np.float32(2 * scale)
    for j in range(b.shape[0]):
        db[j] = 0
        for k in range(w.shape[0]):
            dw[k, j] = 0
    if w.shape[0] == HIDDEN:
        total = _rows_of_four(first, column, value, filled, twice, importance, w, b, x, row, dw, db)
    else:
        total = _rows_by_tiles(first, column, value, filled, twice, importance, w, b, h, out, g, dh, dw, db)
    if learns_bias:  # without one, an empty row has neither loss nor gradient
        rows = np.float32(empty)
        for j in range(b.shape[0]):
            reconstruction = np.float32(0) if b[j] <= 0 else b[j]
            total += float(rows * importance[j] * reconstruction * reconstruction)
            db[j] += rows * twice * importance[j] * reconstruction
    return total * scale


@compiled()
@no_type_check
def _adam(p, d, first, second, m, learns_bias, scale, root, decay, l2, new_p, new_first, new_second):
    """One step of Adam, all (M + 1, N), as in torch_kernel.py; none of it, if not all is finite.

    Only the first m rows, and with a bias the last, are more than padding.
    """
    rows, n = p.shape
    for at in range(m + learns_bias):
        k = at if at < m else rows - 1
        bad = 0
        for j in range(n):
            gradient = d[k, j] + l2 * p[k, j]
            moment = first[k, j] + _ONE_MINUS_BETA1 * (gradient - first[k, j])
            square = _BETA2 * second[k, j] + _ONE_MINUS_BETA2 * (gradient * gradient)
            x = decay * p[k, j] - scale * moment / (np.sqrt(square) / root + _EPSILON)
            new_p[k, j], new_first[k, j], new_second[k, j] = x, moment, square
            bad += 0 if (abs(x) <= _LARGEST) & (square <= _LARGEST) else 1
        if bad:
            return False
    for at in range(m + learns_bias):
        k = at if at < m else rows - 1
        for j in range(n):
            p[k, j], first[k, j], second[k, j] = new_p[k, j], new_first[k, j], new_second[k, j]
    return True


@compiled()
@no_type_check
def _add_up(sums):
    """The gradients of the chunks, (C, M + 1, N), added up in order into the first."""
    for c in range(1, sums.shape[0]):
        for k in range(sums.shape[1]):
            for j in range(sums.shape[2]):
                sums[0, k, j] += sums[c, k, j]


@compiled()
@no_type_check
def _finish(
    total, sums, d, p, first, second, m, learns_bias, scale, root, decay, l2, new_p, new_first, new_second
):
    """The rest of a step, of one instance: d is sums[0]. Its loss, or NaN if not all of it is finite."""
    _add_up(sums)
    loss = np.float32(total)
    if math.isfinite(loss) and _adam(
        p, d, first, second, m, learns_bias, scale, root, decay, l2, new_p, new_first, new_second
    ):
        return loss
    return np.float32(np.nan)


@compiled()
@no_type_check
def advance(start, stop, instances, losses, data, learning):
    """Steps of the instances from `start` to `stop`, one instance after the other.

    instances: Instances; losses (S, I), filled; data: Data; learning: Learning.

    The records are taken apart here: numba counts references to a record's arrays at each access, and in the
    functions that a step calls that cost 17 % of its time in the seed's setting.
    """
    seed, numbers, first_step, batch, n, kind, densities, n_active, set_size, given = data
    importances, m, learns_bias, scales, roots, decays, l2 = learning
    diverged_at = instances.diverged_at
    rows, padded = instances.p.shape[1:]
    chunks = (batch + CHUNK - 1) // CHUNK
    longest = min(batch, CHUNK)
    begins, order = np.empty(longest + 1, np.int64), np.empty(n, np.int64)
    column, value = np.empty(longest * n, np.int64), np.empty(longest * n, np.float32)
    h, dh = np.empty((_TILE, rows - 1), np.float32), np.empty((_TILE, rows - 1), np.float32)
    out, g = np.empty((_TILE, padded), np.float32), np.empty((_TILE, padded), np.float32)
    x, row = np.zeros(padded, np.float32), np.empty(padded, np.float32)
    sums = np.empty((chunks, rows, padded), np.float32)
    new_p, new_first = np.empty((rows, padded), np.float32), np.empty((rows, padded), np.float32)
    new_second = np.empty((rows, padded), np.float32)
    scale = 1.0 / (batch * n)
    for i in range(start, stop):
        # Outside of the loop over steps, where making a view of an array would cost as much as using it.
        p, first, second = instances.p[i], instances.first[i], instances.second[i]
        w, b, importance = p[: rows - 1], p[rows - 1], importances[i]
        sum_0, dw_0, db_0 = sums[0], sums[0, : rows - 1], sums[0, rows - 1]
        key, density = _instance_key(seed, numbers[i]), densities[i]
        for s in range(losses.shape[0]):
            if diverged_at[i] >= 0:
                losses[s, i] = np.nan
                continue
            total = 0.0
            for c in range(chunks):
                low, high = c * CHUNK, min((c + 1) * CHUNK, batch)
                filled = draw(
                    _chunk_key(key, first_step + s, c), high - low, n, kind, density, n_active, set_size,
                    given, s, i, low, begins, column, value, order,
                )  # fmt: skip
                empty = high - low - filled
                if c == 0:
                    dw, db = dw_0, db_0
                else:
                    dw, db = sums[c, : rows - 1], sums[c, rows - 1]
                total += _gradient(
                    filled, empty, scale, importance, w, b, learns_bias, begins, column, value, h, out, g, dh,
                    x, row, dw, db,
                )  # fmt: skip
            losses[s, i] = _finish(
                total, sums, sum_0, p, first, second, m, learns_bias, scales[s, i], roots[s],
                decays[s, i], l2, new_p, new_first, new_second,
            )  # fmt: skip
            if math.isnan(losses[s, i]):
                diverged_at[i] = first_step + s


@compiled(parallel=True)
@no_type_check
def advance_by_rows(start, stop, instances, losses, data, learning):
    """The same as `advance`, with the chunks of a batch spread over numba's threads."""
    p, first, second, diverged_at = instances
    seed, numbers, first_step, batch, n, kind, densities, n_active, set_size, given = data
    importance, m, learns_bias, scales, roots, decays, l2 = learning
    rows, padded = p.shape[1:]
    chunks = (batch + CHUNK - 1) // CHUNK
    longest = min(batch, CHUNK)
    begins, order = np.empty((chunks, longest + 1), np.int64), np.empty((chunks, n), np.int64)
    column = np.empty((chunks, longest * n), np.int64)
    value = np.empty((chunks, longest * n), np.float32)
    hidden = np.empty((chunks, 2, _TILE, rows - 1), np.float32)
    tiles = np.empty((chunks, 2, _TILE, padded), np.float32)
    x, totals = np.zeros((chunks, padded), np.float32), np.empty(chunks)
    sums, new = np.empty((chunks, rows, padded), np.float32), np.empty((3, rows, padded), np.float32)
    scale = 1.0 / (batch * n)
    for i in range(start, stop):
        key, density = _instance_key(seed, numbers[i]), densities[i]
        for s in range(losses.shape[0]):
            if diverged_at[i] >= 0:
                losses[s, i] = np.nan
                continue
            for c in numba.prange(chunks):
                low, high = c * CHUNK, min((c + 1) * CHUNK, batch)
                filled = draw(
                    _chunk_key(key, first_step + s, c), high - low, n, kind, density, n_active, set_size,
                    given, s, i, low, begins[c], column[c], value[c], order[c],
                )  # fmt: skip
                totals[c] = _gradient(
                    filled, high - low - filled, scale, importance[i], p[i, : rows - 1], p[i, rows - 1],
                    learns_bias, begins[c], column[c], value[c], hidden[c, 0], tiles[c, 0], tiles[c, 1],
                    hidden[c, 1], x[c], tiles[c, 0, 0], sums[c, : rows - 1], sums[c, rows - 1],
                )  # fmt: skip
            total = 0.0
            for c in range(chunks):
                total += totals[c]
            losses[s, i] = _finish(
                total, sums, sums[0], p[i], first[i], second[i], m, learns_bias, scales[s, i], roots[s],
                decays[s, i], l2, new[0], new[1], new[2],
            )  # fmt: skip
            if math.isnan(losses[s, i]):
                diverged_at[i] = first_step + s
