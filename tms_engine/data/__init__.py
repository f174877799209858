"""The data: sparse features, drawn on any device from a counter-based stream.

An entry of a batch is a pure function of (seed, instance, step, row, feature): one 64-bit word of
SplitMix64, whose upper half decides whether the feature is active and whose lowest 23 bits give its
magnitude. No generator state exists, so a run resumed, cut into other chunks or trained beside others
sees the same data, and the CPU and a GPU draw the same bits. Arrays are numpy's on the CPU and torch's on
other devices: the functions below compute with the one they are given.

The samplers take the words and return the features; magnitudes are uniform on (0, 1), never exactly 0,
so that an active feature can always be told from an inactive one.
"""

import numpy as np
from jaxtyping import Float32, Int64

from tms_engine.arrays import Array, beside, library_of, library_on
from tms_engine.experiment import Experiment

# Streams beside those of training, which count from 0: no run takes 2^40 steps.
EVALUATION = 1 << 40
CLOUD = 1 << 41

# Entries whose words are made at once: as many as stay in a core's cache.
_ENTRIES = 1 << 15


def _signed(word: int) -> int:
    """A 64-bit constant as int64 has it (torch has no operators for unsigned ones)."""
    return word - (1 << 64) if word >> 63 else word


_GAMMA = _signed(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = _signed(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = _signed(0x94D049BB133111EB)


def _xor_shift_(z: Int64[Array, "*shape"], bits: int) -> None:
    """z ^= z >> bits in place; a signed shift brings in copies of the sign, so they are masked away."""
    shifted = z >> bits
    shifted &= (1 << (64 - bits)) - 1
    z ^= shifted


def _mix_(z: Int64[Array, "*shape"]) -> Int64[Array, "*shape"]:
    """SplitMix64's output function, in place (Steele, Lea and Flood 2014, with Stafford's mix 13)."""
    _xor_shift_(z, 30)
    z *= _MULTIPLIER_1
    _xor_shift_(z, 27)
    z *= _MULTIPLIER_2
    _xor_shift_(z, 31)
    return z


def stream_keys(
    seed: int, instances: Int64[Array, " instances"], steps: Int64[Array, " steps"]
) -> Int64[Array, "steps instances"]:
    """One key per (step, instance): where its stream of words starts."""
    key = _mix_(library_of(instances).full_like(instances, seed) + _GAMMA)
    key = _mix_(key + (instances + 1) * _GAMMA)
    return _mix_(key + (steps[:, None] + 1) * _GAMMA)


def words(
    keys: Int64[Array, "*lead"], rows: int, features: int, first_row: int = 0
) -> Int64[Array, "*lead {rows} {features}"]:
    """A random 64-bit word for every entry of every batch, from `first_row` on.

    All of one key are different: the counter takes every value once, and the rest can be undone.
    """
    first = first_row * features + 1
    counter = library_of(keys).arange(first, first + rows * features, device=keys.device)
    counter *= _GAMMA
    return _mix_(keys[..., None] + counter).reshape(*keys.shape, rows, features)


def _upper(word: Int64[Array, "*shape"]) -> Int64[Array, "*shape"]:
    """The upper 32 bits, as 0 to 2^32 − 1."""
    upper = word >> 32
    upper &= 0xFFFFFFFF
    return upper


def _magnitude(word: Int64[Array, "*shape"]) -> Float32[Array, "*shape"]:
    """The lowest 23 bits as a number in (0, 1): the middles of 2^23 equal cells, all exact in float32."""
    library = library_of(word)
    magnitude = library.asarray(word & 0x7FFFFF, dtype=library.float32)
    magnitude *= 2**-23
    magnitude += 2**-24
    return magnitude


def _threshold(
    density: Float32[np.ndarray, " instances"], word: Int64[Array, "..."]
) -> Int64[Array, " instances"]:
    """What an upper half must be below to have this probability; exact for density 1."""
    return beside(word, np.round(density.astype(np.float64) * 2**32).astype(np.int64))


def thresholds(experiment: Experiment) -> Int64[np.ndarray, " instances"]:
    """What the upper half of a word must be below for a feature, or set, to be active."""
    return _threshold(_density(experiment), np.empty(0, np.int64))


def _density(experiment: Experiment) -> Float32[np.ndarray, " instances"]:
    return (1 - experiment.per_instance("sparsity")).astype(np.float32)


def bernoulli(
    word: Int64[Array, "*lead instances rows features"], density: Float32[np.ndarray, " instances"]
) -> Float32[Array, "*lead instances rows features"]:
    """Each feature active alone with probability `density` = 1 − S (the seed, the paper)."""
    x = _magnitude(word)
    x *= _upper(word) < _threshold(density, word)[:, None, None]
    return x


def exactly_active(
    word: Int64[Array, "*lead rows features"], n_active: int
) -> Float32[Array, "*lead rows features"]:
    """Exactly `n_active` features active in each row, every choice of them equally likely (the seed).

    The active ones are those with the largest words. (No two in a row are equal, see `words`.)
    """
    x = _magnitude(word)
    x *= word >= _kth_largest(word, n_active) if n_active else 0
    return x


def _kth_largest(word: Int64[Array, "*lead features"], k: int) -> Int64[Array, "*lead 1"]:
    if isinstance(word, np.ndarray):
        place = word.shape[-1] - k
        return np.partition(word, place)[..., place, None]
    return word.topk(k, sorted=False).values.amin(-1, keepdim=True)


def correlated(
    word: Int64[Array, "*lead instances rows features"],
    density: Float32[np.ndarray, " instances"],
    set_size: int,
) -> Float32[Array, "*lead instances rows features"]:
    """Sets of `set_size` neighbours that fire together with probability `density`.

    Magnitudes within a set are independent (paper, "Correlated and anticorrelated features").
    """
    sets = word.reshape(*word.shape[:-1], -1, set_size)
    active = _upper(sets[..., :1]) < _threshold(density, word)[:, None, None, None]
    return (_magnitude(sets) * active).reshape(word.shape)


def anticorrelated(
    word: Int64[Array, "*lead instances rows features"],
    density: Float32[np.ndarray, " instances"],
    set_size: int,
) -> Float32[Array, "*lead instances rows features"]:
    """Sets of `set_size` neighbours that fire with probability `density`: exactly one member, chosen evenly.

    (Paper, "Correlated and anticorrelated features".)
    """
    sets = word.reshape(*word.shape[:-1], -1, set_size)
    active = _upper(sets[..., :1]) < _threshold(density, word)[:, None, None, None]
    chosen = (_upper(sets[..., -1:]) * set_size) >> 32
    member = library_of(word).arange(set_size, device=word.device)
    return (_magnitude(sets) * (active & (member == chosen))).reshape(word.shape)


def sample(
    experiment: Experiment, keys: Int64[Array, "*lead instances"], rows: int, first_row: int = 0
) -> Float32[Array, "*lead instances {rows} features"]:
    """Features as the experiment wants them: `rows` rows from each key, whose last axis is the instance."""
    word = words(keys, rows, experiment.n_features, first_row)
    if experiment.features == "n_active":
        return exactly_active(word, experiment.n_active)
    density = _density(experiment)
    if experiment.features == "bernoulli":
        return bernoulli(word, density)
    sets = {"correlated": correlated, "anticorrelated": anticorrelated}[experiment.features]
    return sets(word, density, experiment.set_size)


def batches(
    experiment: Experiment, first_step: int, n_steps: int, device: str
) -> Float32[Array, "{n_steps} instances batch features"]:
    """The batches of steps `first_step` to `first_step + n_steps − 1`."""
    arange = library_on(device).arange
    instances = arange(experiment.n_instances, device=device)
    steps = arange(first_step, first_step + n_steps, device=device)
    return sample(experiment, stream_keys(experiment.seed, instances, steps), experiment.batch_size)


def steps_at_once(experiment: Experiment) -> int:
    """Steps whose batches are best drawn by one call of `batches`: few enough to stay in the cache."""
    return max(1, _ENTRIES // (experiment.n_instances * experiment.batch_size * experiment.n_features))


def fresh(
    experiment: Experiment, instance: int, rows: int, stream: int, device: str
) -> Float32[Array, "{rows} features"]:
    """Rows of one instance that training never sees, the same ones at every call.

    `stream` is EVALUATION or CLOUD, plus a count where one needs several.
    """
    library, alone = library_on(device), experiment.alone(instance)
    numbers = (library.asarray([number], device=device) for number in (instance, stream))
    key = stream_keys(experiment.seed, *numbers)[0]
    if device != "cpu":
        return sample(alone, key, rows)[0]
    x = np.empty((rows, experiment.n_features), np.float32)
    block = max(1, _ENTRIES // experiment.n_features)
    for first in range(0, rows, block):
        x[first : first + block] = sample(alone, key, min(block, rows - first), first)[0]
    return x
