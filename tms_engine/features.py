"""The data: sparse features, drawn on any device from a counter-based stream.

An entry of a batch is a pure function of (seed, instance, step, row, feature): one 64-bit word of
SplitMix64, whose upper half decides whether the feature is active and whose lowest 23 bits give its
magnitude. No generator state exists, so a run resumed, cut into other chunks or trained beside others
sees the same data, and the CPU and a GPU draw the same bits.

The samplers take the words and return the features; magnitudes are uniform on (0, 1), never exactly 0,
so that an active feature can always be told from an inactive one.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from tms_engine.experiment import Experiment

# Streams beside those of training, which count from 0: no run takes 2^40 steps.
EVALUATION = 1 << 40
CLOUD = 1 << 41

# Entries whose words are made at once: as many as stay in a core's cache.
_ENTRIES = 1 << 17


def _signed(word: int) -> int:
    """A 64-bit constant as torch's int64 wants it."""
    return word - (1 << 64) if word >> 63 else word


_GAMMA = _signed(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = _signed(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = _signed(0x94D049BB133111EB)


def _xor_shift_(z: Int64[Tensor, "*shape"], bits: int) -> None:
    """z ^= z >> bits in place; torch shifts in copies of the sign, so they are masked away."""
    shifted = z >> bits
    shifted &= (1 << (64 - bits)) - 1
    z ^= shifted


def _mix_(z: Int64[Tensor, "*shape"]) -> Int64[Tensor, "*shape"]:
    """SplitMix64's output function, in place (Steele, Lea and Flood 2014, with Stafford's mix 13)."""
    _xor_shift_(z, 30)
    z *= _MULTIPLIER_1
    _xor_shift_(z, 27)
    z *= _MULTIPLIER_2
    _xor_shift_(z, 31)
    return z


def stream_keys(
    seed: int, instances: Int64[Tensor, " instances"], steps: Int64[Tensor, " steps"]
) -> Int64[Tensor, "steps instances"]:
    """One key per (step, instance): where its stream of words starts."""
    key = _mix_(torch.full_like(instances, seed) + _GAMMA)
    key = _mix_(key + (instances + 1) * _GAMMA)
    return _mix_(key + (steps[:, None] + 1) * _GAMMA)


def words(keys: Int64[Tensor, "*lead"], rows: int, features: int) -> Int64[Tensor, "*lead {rows} {features}"]:
    """A random 64-bit word for every entry of every batch."""
    counter = torch.arange(1, rows * features + 1, device=keys.device)
    counter *= _GAMMA
    return _mix_(keys[..., None] + counter).view(*keys.shape, rows, features)


def _upper(word: Int64[Tensor, "*shape"]) -> Int64[Tensor, "*shape"]:
    """The upper 32 bits, as 0 to 2^32 − 1."""
    upper = word >> 32
    upper &= 0xFFFFFFFF
    return upper


def _magnitude(word: Int64[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The lowest 23 bits as a number in (0, 1): the middles of 2^23 equal cells, all exact in float32."""
    return (word & 0x7FFFFF).to(torch.float32).mul_(2**-23).add_(2**-24)


def _threshold(density: Float[Tensor, "*any"]) -> Int64[Tensor, "*any"]:
    """What an upper half must be below to have this probability; exact for density 1."""
    return (density.cpu().double() * 2**32).round().long().to(density.device)


def bernoulli(
    word: Int64[Tensor, "*lead instances rows features"], density: Float[Tensor, " instances"]
) -> Float[Tensor, "*lead instances rows features"]:
    """Each feature active alone with probability `density` = 1 − S (the seed, the paper)."""
    active = _upper(word) < _threshold(density)[:, None, None]
    return _magnitude(word).mul_(active)


def exactly_active(
    word: Int64[Tensor, "*lead rows features"], n_active: int
) -> Float[Tensor, "*lead rows features"]:
    """Exactly `n_active` features active in each row, every choice of them equally likely (the seed).

    The active ones are those with the largest upper halves.
    """
    chosen = (word >> 32).topk(n_active, dim=-1, sorted=False).indices
    features = torch.zeros(word.shape, dtype=torch.float32, device=word.device)
    return features.scatter_(-1, chosen, _magnitude(word.gather(-1, chosen)))


def correlated(
    word: Int64[Tensor, "*lead instances rows features"], density: Float[Tensor, " instances"], set_size: int
) -> Float[Tensor, "*lead instances rows features"]:
    """Sets of `set_size` neighbours that fire together with probability `density`.

    Magnitudes within a set are independent (paper, "Correlated and anticorrelated features").
    """
    sets = word.view(*word.shape[:-1], -1, set_size)
    active = _upper(sets[..., :1]) < _threshold(density)[:, None, None, None]
    return (_magnitude(sets) * active).flatten(-2)


def anticorrelated(
    word: Int64[Tensor, "*lead instances rows features"], density: Float[Tensor, " instances"], set_size: int
) -> Float[Tensor, "*lead instances rows features"]:
    """Sets of `set_size` neighbours that fire with probability `density`: exactly one member, chosen evenly.

    (Paper, "Correlated and anticorrelated features".)
    """
    sets = word.view(*word.shape[:-1], -1, set_size)
    active = _upper(sets[..., :1]) < _threshold(density)[:, None, None, None]
    chosen = (_upper(sets[..., -1:]) * set_size) >> 32
    member = torch.arange(set_size, device=word.device)
    return (_magnitude(sets) * (active & (member == chosen))).flatten(-2)


def sample(
    experiment: Experiment, keys: Int64[Tensor, "*lead instances"], rows: int
) -> Float[Tensor, "*lead instances {rows} features"]:
    """Features as the experiment wants them: `rows` rows from each key, whose last axis is the instance."""
    word = words(keys, rows, experiment.n_features)
    if experiment.features == "n_active":
        return exactly_active(word, experiment.n_active)
    density = torch.tensor(1 - experiment.per_instance("sparsity"), dtype=torch.float32, device=keys.device)
    if experiment.features == "bernoulli":
        return bernoulli(word, density)
    sets = {"correlated": correlated, "anticorrelated": anticorrelated}[experiment.features]
    return sets(word, density, experiment.set_size)


def batches(
    experiment: Experiment, first_step: int, n_steps: int, device: torch.device
) -> Float[Tensor, "{n_steps} instances batch features"]:
    """The batches of steps `first_step` to `first_step + n_steps − 1`."""
    instances = torch.arange(experiment.n_instances, device=device)
    steps = torch.arange(first_step, first_step + n_steps, device=device)
    return sample(experiment, stream_keys(experiment.seed, instances, steps), experiment.batch_size)


def steps_at_once(experiment: Experiment) -> int:
    """Steps whose batches are best drawn by one call of `batches`: few enough to stay in the cache."""
    return max(1, _ENTRIES // (experiment.n_instances * experiment.batch_size * experiment.n_features))


def fresh(
    experiment: Experiment, instance: int, rows: int, stream: int, device: torch.device
) -> Float[Tensor, "{rows} features"]:
    """Rows of one instance that training never sees, the same ones at every call.

    `stream` is EVALUATION or CLOUD, plus a count where one needs several.
    """
    key = stream_keys(
        experiment.seed, torch.tensor([instance], device=device), torch.tensor([stream], device=device)
    )
    return sample(experiment.alone(instance), key[0], rows)[0]
