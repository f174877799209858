"""The data of an experiment: its batches, and fresh rows that training never sees.

Arrays are numpy's on the CPU and torch's on other devices, with the same bits (data/stream.py).
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, Int64

from tms_engine.arrays import Array, library_on
from tms_engine.data import LawParameters, law
from tms_engine.data.n_active import largest
from tms_engine.data.stream import EVALUATION, another, magnitude, stream_keys, words
from tms_engine.experiment import Experiment

# Entries whose words are made at once: as many as stay in a core's cache, or as keep a GPU busy, where each
# draw takes some forty launches.
_ENTRIES = 1 << 15
_ENTRIES_ON_A_GPU = 1 << 23


def law_parameters(experiment: Experiment) -> LawParameters:
    """What the experiment's data law depends on."""
    return LawParameters(density(experiment), experiment.n_active, experiment.set_size)


def density(experiment: Experiment) -> Float32[np.ndarray, " instances"]:
    """p = 1 − S of each instance."""
    return (1 - experiment.per_instance("sparsity")).astype(np.float32)


def sample(
    experiment: Experiment, keys: Int64[Array, "*lead instances"], rows: int, first_row: int = 0
) -> Float32[Array, "*lead instances {rows} features"]:
    """Features as the experiment wants them: `rows` rows from each key, whose last axis is the instance."""
    word = words(keys, rows, experiment.n_features, first_row)
    return law(experiment.features).sample(word, law_parameters(experiment))


def batches(
    experiment: Experiment, first_step: int, n_steps: int, device: str
) -> Float32[Array, "{n_steps} instances batch features"]:
    """The batches of steps `first_step` to `first_step + n_steps − 1`."""
    library = library_on(device)
    numbers = library.asarray(experiment.numbers(), device=device)
    steps = library.arange(first_step, first_step + n_steps, device=device)
    return sample(experiment, stream_keys(experiment.seed, numbers, steps), experiment.batch_size)


def steps_at_once(experiment: Experiment, device: str) -> int:
    """Steps whose batches are best drawn by one call of `batches`."""
    entries = _ENTRIES if device == "cpu" else _ENTRIES_ON_A_GPU
    return max(1, entries // (experiment.n_instances * experiment.batch_size * experiment.n_features))


def fresh(
    experiment: Experiment, instance: int, rows: int, stream: int, device: str
) -> Float32[Array, "{rows} features"]:
    """Rows of one instance (its place, from 0) that training never sees, the same ones at every call.

    `stream` is stream.CLOUD, plus a count where one needs several.
    """
    parameters, draw = law_parameters(experiment), law(experiment.features).sample
    here = parameters._replace(density=parameters.density[instance : instance + 1])
    key = experiment.seed, int(experiment.numbers()[instance]), stream
    return _draw(lambda word: draw(word, here), key, rows, experiment.n_features, device)


def units(experiment: Experiment) -> int:
    """How many units there are of which each fires by itself: features, or sets of them."""
    in_sets = law(experiment.features).fires in ("whole sets", "one of a set")
    return experiment.n_features // (experiment.set_size if in_sets else 1)


def evaluation_rows(
    experiment: Experiment,
    density: float,
    fired: int | None,
    first_row: int,
    rows: int,
    device: str,
    sample: int = 0,
) -> Float32[Array, "{rows} features"]:
    """Rows in which exactly `fired` units fire, every choice equally likely; None: as the law has it.

    They depend neither on the random seed nor on the instance, and with `fired` not on the density. `sample`
    is the number of an independent sample of such rows.
    """
    found, parameters = law(experiment.features), law_parameters(experiment)
    at_density, all_fire = (
        parameters._replace(density=np.array([value], np.float32)) for value in (density, 1)
    )

    def draw(word: Int64[Array, "1 rows features"]) -> Float32[Array, "1 rows features"]:
        if fired is None:
            return found.sample(word, at_density)
        if found.fires in ("features", "n_active"):
            x = magnitude(word)
            x *= largest(word, fired)
            return x
        by_set = found.sample(word, all_fire).reshape(*word.shape[:-1], -1, experiment.set_size)
        fires = largest(another(word[..., :: experiment.set_size]), fired)
        return (by_set * fires[..., None]).reshape(word.shape)

    key = 0, sample, EVALUATION + (fired or 0)
    return _draw(draw, key, rows, experiment.n_features, device, first_row)


def _draw(
    draw: Callable[[Int64[Array, "1 _ features"]], Float32[Array, "1 _ features"]],
    key: tuple[int, int, int],
    rows: int,
    n: int,
    device: str,
    first_row: int = 0,
) -> Float32[Array, "{rows} {n}"]:
    """Rows from the words of a (random seed, instance number, step), on the CPU in small pieces."""
    seed, number, step = key
    library = library_on(device)
    numbers, steps = (library.asarray([value], device=device) for value in (number, step))
    keys = stream_keys(seed, numbers, steps)[0]
    if device != "cpu":
        return draw(words(keys, rows, n, first_row))[0]
    x = np.empty((rows, n), np.float32)
    block = max(1, _ENTRIES // n)
    for first in range(0, rows, block):
        word = words(keys, min(block, rows - first), n, first_row + first)
        x[first : first + block] = draw(word)[0]
    return x
