"""The random words: a pure function of (random seed, instance number, step, row, feature).

No generator state exists. So a run resumed, cut into other chunks, trained in another shard or beside others
sees the same data, and two instances with the same number see the same words whatever else they differ in.

There are three streams, which start from the same key of (random seed, instance number, step), made by
SplitMix64 (Steele, Lea and Flood 2014, with Stafford's mix 13). The first two go on with it:

- by entry: the word of (row, feature) is mix(key + (row · n + feature + 1) · GAMMA). The functions below make
  it with numpy or torch, and the Triton kernel on a GPU: the same bits on all three.
- in order, of the numba kernel, which never visits most entries: a batch is cut into chunks of rows, and the
  k-th word of a chunk is mix(mix(key + (chunk + 1) · GAMMA) + k · GAMMA), used up as active features need
  them. Its batches follow the same laws, with other bits.
- of 32 bits, of the lanes kernel, which makes the rows alone that are not empty: training/lanes/draws.py.

Functions take arrays of numpy or torch, and compute where they lie. Words are int64, since torch has no
operators for unsigned ones. A magnitude is uniform on (0, 1), never exactly 0, so that an active feature can
always be told from an inactive one.
"""

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64

from tms_engine.arrays import Array, library_of, placed_like

# SplitMix64's constants, for all kernels.
GAMMA = 0x9E3779B97F4A7C15
MULTIPLIER_1 = 0xBF58476D1CE4E5B9
MULTIPLIER_2 = 0x94D049BB133111EB

# Streams beside those of training, whose steps count from 0: no run takes 2^40 steps.
EVALUATION = 1 << 40
CLOUD = 1 << 41
DATASET = 1 << 42


def _signed(word: int) -> int:
    """A 64-bit constant as int64 has it."""
    return word - (1 << 64) if word >> 63 else word


_GAMMA, _MULTIPLIER_1, _MULTIPLIER_2 = map(_signed, (GAMMA, MULTIPLIER_1, MULTIPLIER_2))


def _xor_shift_(z: Int64[Array, "*shape"], bits: int) -> None:
    """z ^= z >> bits in place; a signed shift brings in copies of the sign, so they are masked away."""
    shifted = z >> bits
    shifted &= (1 << (64 - bits)) - 1
    z ^= shifted


def _mix_(z: Int64[Array, "*shape"]) -> Int64[Array, "*shape"]:
    """SplitMix64's output function, in place."""
    _xor_shift_(z, 30)
    z *= _MULTIPLIER_1
    _xor_shift_(z, 27)
    z *= _MULTIPLIER_2
    _xor_shift_(z, 31)
    return z


def instance_keys(seed: int, numbers: Int64[Array, " instances"]) -> Int64[Array, " instances"]:
    """One key per instance number, of which those of its steps are made."""
    key = _mix_(library_of(numbers).full_like(numbers, seed) + _GAMMA)
    return _mix_(key + (numbers + 1) * _GAMMA)


def stream_keys(
    seed: int, numbers: Int64[Array, " instances"], steps: Int64[Array, " steps"]
) -> Int64[Array, "steps instances"]:
    """One key per (step, instance number): where its words start."""
    key = instance_keys(seed, numbers)
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


def another(word: Int64[Array, "*shape"], k: int = 1) -> Int64[Array, "*shape"]:
    """Another word for each entry, independent of the first, for a law that needs several (k ≥ 1)."""
    return _mix_(word + _signed(k * GAMMA % (1 << 64)))


def upper(word: Int64[Array, "*shape"]) -> Int64[Array, "*shape"]:
    """The upper 32 bits, as 0 to 2^32 − 1: they decide what is active."""
    upper = word >> 32
    upper &= 0xFFFFFFFF
    return upper


def magnitude(word: Int64[Array, "*shape"]) -> Float32[Array, "*shape"]:
    """The lowest 23 bits as a number in (0, 1): the middles of 2^23 equal cells, all exact in float32."""
    library = library_of(word)
    magnitude = library.asarray(word & 0x7FFFFF, dtype=library.float32)
    magnitude *= 2**-23
    magnitude += 2**-24
    return magnitude


def thresholds(density: Float[np.ndarray, "*shape"]) -> Int64[np.ndarray, "*shape"]:
    """Number below which `upper(word)` lies with this probability; exact for density 1."""
    return np.round(density.astype(np.float64) * 2**32).astype(np.int64)


def active(
    word: Int64[Array, "*lead instances rows features"],
    density: Float32[np.ndarray, " instances"] | Float32[np.ndarray, "instances #features"],
) -> Bool[Array, "*lead instances rows features"]:
    """Whether each entry is active, with the probability of its instance, or of its feature there."""
    below = thresholds(density if density.ndim == 2 else density[:, None])
    return upper(word) < placed_like(word, below)[:, None, :]
