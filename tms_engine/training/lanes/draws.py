"""The batches of the lanes kernel: its stream, and what it draws by. `batches` is the definition.

Rows without an active feature are never made. Of B rows in which each of n features is active with
probability p, the number of others is binomial, with q = 1 − (1 − p)ⁿ. That number is drawn first, and then
each of those rows, given that it is not empty: its first active feature is j with probability p (1 − p)ʲ / q,
and each feature after that one is active with probability p. A step does not depend on the order of the rows,
so this is the Bernoulli law itself and no approximation, but for the 32 bits of a word.

Words have 32 bits, since a processor multiplies twice as many of them at once. Those of a batch are made of
the 64-bit key of its (random seed, instance number, step), the same as in data/stream.py: word k is the hash
`word` of k and of both halves of the key. Word 0 decides how many rows there are, and word 1 + r · n + j is
that of feature j in row r; the word of feature 0 decides which is the first. Where a word lies between the
bounds that make its feature active, is the magnitude: uniform on (0, 1), of 2²³ cells where what the word
decides has a probability above 2⁻⁹, and of fewer in proportion below that.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64, UInt32

from tms_engine.data.stream import stream_keys
from tms_engine.experiment import Experiment

# Multipliers of a hash of two rounds with little bias ("lowbias32", Wellons 2018, as improved by the
# hash-prospector project), and 2³² over the golden ratio.
MIX_1, MIX_2, STRIDE = 0x21F0AAAD, 0xD35A2D97, 0x9E3779B9

# No word lies above it.
NEVER = np.uint32(2**32 - 1)

# What lies further out than this in a binomial distribution cannot be told from 0 by 32 bits.
_TAIL = 2.0**-33
# Numbers of a table of densities × rows that is made at once.
_AT_ONCE = 1 << 22


class Draws(NamedTuple):
    """What words are compared with, for each instance."""

    least: Int32[np.ndarray, " instances"]
    """Rows that are not empty, at least; one more for each of `counts` that lies below word 0."""
    counts: UInt32[np.ndarray, "instances table"]
    choices: UInt32[np.ndarray, "instances features"]
    """The first active feature is beyond j if its word lies above choice j."""
    cell_of_first: Float32[np.ndarray, "instances features"]
    """One over the cells of which the magnitude of the first active feature, j, is one."""
    threshold: UInt32[np.ndarray, " instances"]
    """Another feature is active if its word lies not above this."""
    cell: Float32[np.ndarray, " instances"]


def draws(density: Float64[np.ndarray, " instances"], n: int, batch: int) -> Draws:
    """Of instances of these densities, with n features, in batches of so many rows."""
    values, where = np.unique(density, return_inverse=True)
    log_inactive = np.log1p(-np.minimum(values, 1 - 1e-16))
    not_empty = np.where(values < 1, -np.expm1(n * log_inactive), 1.0)
    least, counts = _binomial(batch, not_empty)
    first = values[:, None] * (1 - values[:, None]) ** np.arange(n)
    choices = _below(np.cumsum(first, 1) / np.where(not_empty > 0, not_empty, 1)[:, None])
    threshold = _below(values)
    widths = np.diff(choices.astype(np.int64), axis=1, prepend=-1)
    made = Draws(least, counts, choices, _cell(widths), threshold, _cell(threshold.astype(np.int64) + 1))
    return Draws(*(array[where] for array in made))


def batches(experiment: Experiment, first_step: int, n_steps: int) -> Float32[np.ndarray, "{n_steps} I B n"]:
    """The batches of the steps from `first_step` on, (steps, instances, batch, features), empty rows last."""
    n, batch = experiment.n_features, experiment.batch_size
    by = draws(1 - experiment.per_instance("sparsity"), n, batch)
    steps = np.arange(first_step, first_step + n_steps)
    keys = stream_keys(experiment.seed, experiment.numbers(), steps)
    words = word(keys[..., None], np.arange(1 + batch * n))
    rows = by.least + (words[..., :1] > by.counts).sum(-1, dtype=np.int32)
    words = words[..., 1:].reshape(*keys.shape, batch, n)
    x = np.zeros(words.shape, np.float32)
    head = words[..., 0]
    first = (head[..., None] > by.choices[:, None, : n - 1]).sum(-1)
    above = np.concatenate([np.zeros_like(by.choices[:, :1]), by.choices[:, : n - 1] + np.uint32(1)], 1)
    instance = np.arange(experiment.n_instances)[:, None]
    for j in range(n):
        other = _magnitude(words[..., j], by.cell[:, None])
        x[..., j] = np.where((first < j) & (words[..., j] <= by.threshold[:, None]), other, 0)
        value = _magnitude(head - above[instance, j], by.cell_of_first[instance, j])
        x[..., j] = np.where(first == j, value, x[..., j])
    x[np.arange(batch) >= rows[..., None]] = 0
    return x


def word(keys: Int64[np.ndarray, "*shape"], places: Int64[np.ndarray, " words"]) -> UInt32[np.ndarray, "..."]:
    """The 32-bit words at these places of the batches with these keys (broadcast against each other)."""
    unsigned = keys.view(np.uint64)
    low, high = unsigned.astype(np.uint32), (unsigned >> np.uint64(32)).astype(np.uint32)
    z = places.astype(np.uint32) * np.uint32(STRIDE) + low
    z = (z ^ (z >> np.uint32(16))) * np.uint32(MIX_1)
    z = z ^ high
    z = (z ^ (z >> np.uint32(15))) * np.uint32(MIX_2)
    return z ^ (z >> np.uint32(15))


def _magnitude(
    word: UInt32[np.ndarray, "*shape"], cell: Float32[np.ndarray, "..."]
) -> Float32[np.ndarray, "*shape"]:
    return ((word >> np.uint32(9)).astype(np.float32) + np.float32(0.5)) * cell


def _below(probability: Float64[np.ndarray, "*shape"]) -> UInt32[np.ndarray, "*shape"]:
    """The largest word, of 2³², that lies below with this probability; 0 at least."""
    return (np.clip(np.rint(probability * 2.0**32), 1, 2**32) - 1).astype(np.uint32)


def _cell(width: Int64[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    """One over the cells of 2⁹ words that this many have, rounded down, so that no magnitude comes to 1."""
    exact = 1 / (((np.maximum(width, 1) - 1) >> 9) + 1)
    cell = exact.astype(np.float32)
    return np.where(cell > exact, np.nextafter(cell, np.float32(0)), cell)


def _binomial(
    batch: int, probability: Float64[np.ndarray, " densities"]
) -> tuple[Int32[np.ndarray, " densities"], UInt32[np.ndarray, "densities table"]]:
    """(least, counts), as of Draws."""
    k = np.arange(batch + 1)
    choose = np.concatenate([[0], np.cumsum(np.log((batch + 1 - k[1:]) / k[1:]))])
    least, parts = [], []
    for low in range(0, len(probability), max(1, _AT_ONCE // len(k))):
        q = np.clip(probability[low : low + max(1, _AT_ONCE // len(k)), None], 1e-300, 1 - 1e-16)
        chance = np.cumsum(np.exp(choose + k * np.log(q) + (batch - k) * np.log1p(-q)), 1)
        chance[probability[low : low + len(q)] >= 1] = k == batch
        first = (chance < _TAIL).sum(1)
        longest = max(1, int(((chance < 1 - _TAIL).sum(1) - first).max()))
        at = first[:, None] + np.arange(longest)
        parts.append(_below(np.where(at <= batch, np.take_along_axis(chance, np.minimum(at, batch), 1), 1.0)))
        least.append(first)
    longest = max(part.shape[1] for part in parts)
    counts = [np.pad(part, [(0, 0), (0, longest - part.shape[1])], constant_values=NEVER) for part in parts]
    return np.concatenate(least).astype(np.int32), np.concatenate(counts)
