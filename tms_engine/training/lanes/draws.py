"""The batches of the lanes kernel: its stream, and what it draws by. `batches` is the definition.

Rows without an active feature are never made. Of B rows in which feature j is active with probability p_j,
the number of others is binomial, with q = 1 − Π (1 − p_j). That number is drawn first, and then each of those
rows, given that it is not empty: its first active feature is j with probability p_j Π_{i<j} (1 − p_i) / q,
and each feature i after that one is active with probability p_i. A step does not depend on the order of the
rows, so this is the Bernoulli law itself and no approximation, but for the 32 bits of a word. With
`at_least_one` all B rows are drawn so.

Words have 32 bits, since a processor multiplies twice as many of them at once. Those of a batch are made of
the 64-bit key of its (random seed, instance number, step), the same as in data/stream.py: word k is the hash
`word` of k and of both halves of the key. Word 0 decides how many rows there are, and word 1 + r · n + j is
that of feature j in row r; the word of feature 0 decides which is the first. Where a word lies between the
bounds that make its feature active, is the magnitude: u, uniform on (0, 1), of 2²³ cells where what the word
decides has a probability above 2⁻⁹, and of fewer in proportion below that. `signed` magnitudes are ±u by the
lowest bit of where the word lies, exponential ones −log u.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64, UInt32

from tms_engine import sampling
from tms_engine.arrays import different_rows
from tms_engine.data.at_least_one import first_active
from tms_engine.data.stream import stream_keys
from tms_engine.experiment import Experiment

# Multipliers of a hash of two rounds with little bias ("lowbias32", Wellons 2018, as improved by the
# hash-prospector project), and 2³² over the golden ratio.
MIX_1, MIX_2, STRIDE = 0x21F0AAAD, 0xD35A2D97, 0x9E3779B9

# Of `exponential`: the bits of 1 and of √½, and the polynomial P, the highest power first, in log(1 + x) =
# x − x²/2 + x³ P(x) (Cephes' logf, Moshier 1992); log 2 in two parts, of which the first is short.
ONE_BITS, HALF_ROOT_BITS, MANTISSA = 0x3F800000, 0x3F3504F3, 0x7FFFFF
LOG_POLYNOMIAL = (
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
LOG_2 = 0.693359375, -2.12194440e-4

# No word lies above it.
NEVER = np.uint32(2**32 - 1)

# What lies further out than this in a binomial distribution cannot be told from 0 by 32 bits.
_TAIL = 2.0**-33
# Numbers of a table of densities × rows that is made at once.
_AT_ONCE = 1 << 22


class Draws(NamedTuple):
    """What words are compared with, for each instance; `own` is the number of features where each has a
    density of its own, else 1.
    """

    least: Int32[np.ndarray, " instances"]
    """Rows that are not empty, at least; one more for each of `counts` that lies below word 0."""
    counts: UInt32[np.ndarray, "instances table"]
    choices: UInt32[np.ndarray, "instances features"]
    """The first active feature is beyond j if its word lies above choice j."""
    cell_of_first: Float32[np.ndarray, "instances features"]
    """One over the cells of which the magnitude of the first active feature, j, is one. Of constant
    magnitudes the magnitude; 0 for a feature that is never active."""
    threshold: UInt32[np.ndarray, "instances own"]
    """Another feature is active if its word lies not above this."""
    cell: Float32[np.ndarray, "instances own"]


def densities(experiment: Experiment) -> Float64[np.ndarray, "instances own"]:
    """The probability of each feature to be active, or one for all features of an instance."""
    own = sampling.feature_density(experiment)
    return 1 - experiment.per_instance("sparsity")[:, None] if own is None else own.astype(np.float64)


def draws(density: Float64[np.ndarray, "instances own"], experiment: Experiment, batch: int) -> Draws:
    """Of instances of these densities, with data as the experiment's, in batches of so many rows."""
    values, where = different_rows(density)
    not_empty, first = _rows(values, experiment.n_features)
    filled = np.ones_like(not_empty) if experiment.features == "at_least_one" else not_empty
    least, counts = _binomial(batch, filled)
    choices = _below(np.cumsum(first, 1))
    threshold = _below(values)
    widths = np.diff(choices.astype(np.int64), axis=1, prepend=-1)
    of_first = _cells(widths, values, experiment)
    cell = _cells(threshold.astype(np.int64) + 1, values, experiment)
    made = Draws(least, counts, choices, of_first, threshold, cell)
    return Draws(*(array[where] for array in made))


def batches(experiment: Experiment, first_step: int, n_steps: int) -> Float32[np.ndarray, "{n_steps} I B n"]:
    """The batches of the steps from `first_step` on, (steps, instances, batch, features), empty rows last."""
    n, batch = experiment.n_features, experiment.batch_size
    by = draws(densities(experiment), experiment, batch)
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
    chosen = _magnitude(head - above[instance, first], by.cell_of_first[instance, first], experiment)
    for j in range(n):
        own = min(j, by.cell.shape[1] - 1)
        other = _magnitude(words[..., j], by.cell[:, own, None], experiment)
        active = (first < j) & (words[..., j] <= by.threshold[:, own, None])
        x[..., j] = np.where(first == j, chosen, np.where(active, other, 0))
    if experiment.magnitudes == "exponential":
        x = exponential(x)
    if experiment.unit_rows:
        x = _of_length_1(x)
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


def exponential(u: Float32[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    """−log u, to one unit of its last digit, for 0 < u < 1; 0 where u is 0.

    Each operation is rounded by itself, so that all processors, and loops.py, have the same bits.
    """
    bits = u.view(np.uint32) + np.uint32(ONE_BITS - HALF_ROOT_BITS)
    power = (bits >> np.uint32(23)).astype(np.float32) - np.float32(127)
    x = ((bits & np.uint32(MANTISSA)) + np.uint32(HALF_ROOT_BITS)).view(np.float32) - np.float32(1)
    square = x * x
    first, *rest = map(np.float32, LOG_POLYNOMIAL)
    y = np.full_like(x, first)
    for coefficient in rest:
        y = y * x + coefficient
    y = y * x * square + power * np.float32(LOG_2[1])
    log = x + (y - square * np.float32(0.5)) + power * np.float32(LOG_2[0])
    return np.where(u > 0, -log, np.float32(0))


def _of_length_1(x: Float32[np.ndarray, "*rows n"]) -> Float32[np.ndarray, "*rows n"]:
    """Features in order, as loops.py adds them up; rows of zeros as they are."""
    square = x[..., 0] * x[..., 0]
    for j in range(1, x.shape[-1]):
        square = square + x[..., j] * x[..., j]
    return x / np.sqrt(np.where(square > 0, square, np.float32(1)))[..., None]


def _rows(
    values: Float64[np.ndarray, "densities own"], n: int
) -> tuple[Float64[np.ndarray, " densities"], Float64[np.ndarray, "densities {n}"]]:
    """The probability that a row is not empty, and that of each feature to be the first active one of it."""
    log_inactive = np.log1p(-np.minimum(values, 1 - 1e-16))
    same = values.shape[1] == 1
    not_empty = -np.expm1(n * log_inactive[:, 0] if same else log_inactive.sum(1))
    not_empty = np.where(values.max(1) < 1, not_empty, 1.0)
    if not same:
        return not_empty, first_active(values)
    first = values * (1 - values) ** np.arange(n)
    return not_empty, first / np.where(not_empty > 0, not_empty, 1)[:, None]


def _magnitude(
    offset: UInt32[np.ndarray, "*shape"], cell: Float32[np.ndarray, "..."], experiment: Experiment
) -> Float32[np.ndarray, "*shape"]:
    """Of a word so far above its lower bound; exponential ones are made of it later."""
    if experiment.magnitudes == "constant":
        return np.broadcast_to(cell, offset.shape)
    u = ((offset >> np.uint32(9)).astype(np.float32) + np.float32(0.5)) * cell
    return np.where(offset & np.uint32(1), -u, u) if experiment.magnitudes == "signed" else u


def _below(probability: Float64[np.ndarray, "*shape"]) -> UInt32[np.ndarray, "*shape"]:
    """The largest word, of 2³², that lies below with this probability; 0 at least."""
    return (np.clip(np.rint(probability * 2.0**32), 1, 2**32) - 1).astype(np.uint32)


def _cells(
    width: Int64[np.ndarray, "densities some"],
    density: Float64[np.ndarray, "densities own"],
    experiment: Experiment,
) -> Float32[np.ndarray, "densities some"]:
    """One over the cells of 2⁹ words that this many have, rounded down, so that no magnitude comes to 1.

    Constant magnitudes have 1, and a feature of density 0 has 0, for there is one word that chooses it.
    """
    exact = 1 / (((np.maximum(width, 1) - 1) >> 9) + 1)
    cell = exact.astype(np.float32)
    cell = np.where(cell > exact, np.nextafter(cell, np.float32(0)), cell)
    if experiment.magnitudes == "constant":
        cell = np.ones_like(cell)
    return np.where(density > 0, cell, np.float32(0))


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
