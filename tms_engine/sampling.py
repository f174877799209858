"""The data of an experiment: its batches, and fresh rows that training never sees.

Arrays are numpy's on the CPU and torch's on other devices, with the same bits (data/stream.py).
"""

import numpy as np
from jaxtyping import Float32, Int64

from tms_engine.arrays import Array, library_on
from tms_engine.data import LawParameters, law
from tms_engine.data.stream import stream_keys, words
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

    `stream` is stream.EVALUATION or stream.CLOUD, plus a count where one needs several.
    """
    here = slice(instance, instance + 1)
    parameters = law_parameters(experiment)
    parameters = parameters._replace(density=parameters.density[here])
    return fresh_rows(experiment, experiment.numbers()[here], parameters, rows, stream, device)[0]


def fresh_rows(
    experiment: Experiment,
    numbers: Int64[np.ndarray, " some"],
    parameters: LawParameters,
    rows: int,
    stream: int,
    device: str,
    first_row: int = 0,
) -> Float32[Array, "some {rows} features"]:
    """The same for several instances, given their numbers and what their law depends on, from a row on."""
    library, n = library_on(device), experiment.n_features
    at = library.asarray([stream], device=device)
    keys = stream_keys(experiment.seed, library.asarray(numbers, device=device), at)[0]
    draw = law(experiment.features).sample
    if device != "cpu":
        return draw(words(keys, rows, n, first_row), parameters)
    x = np.empty((len(numbers), rows, n), np.float32)
    block = max(1, _ENTRIES // (n * len(numbers)))
    for first in range(0, rows, block):
        word = words(keys, min(block, rows - first), n, first_row + first)
        x[:, first : first + block] = draw(word, parameters)
    return x
