"""The data of an experiment: its batches, and fresh rows that training never sees.

Arrays are numpy's on the CPU and torch's on other devices, with the same bits (data/stream.py).
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Int64

from tms_engine.arrays import Array, library_of, library_on, placed_like
from tms_engine.data import Fires, LawParameters, law
from tms_engine.data.correlated import sets_of
from tms_engine.data.n_active import largest
from tms_engine.data.stream import DATASET, EVALUATION, another, magnitude, stream_keys, words
from tms_engine.experiment import Experiment

# Entries whose words are made at once: as many as stay in a core's cache, or as keep a GPU busy, where each
# draw takes some forty launches.
_ENTRIES = 1 << 15
_ENTRIES_ON_A_GPU = 1 << 23


def law_parameters(experiment: Experiment) -> LawParameters:
    """What the experiment's data law depends on."""
    return LawParameters(
        density(experiment),
        experiment.n_active,
        experiment.set_size,
        experiment.follow_probability,
        feature_density(experiment),
    )


def density(experiment: Experiment) -> Float32[np.ndarray, " instances"]:
    """p = 1 − S of each instance."""
    return (1 - experiment.per_instance("sparsity")).astype(np.float32)


def feature_density(experiment: Experiment) -> Float32[np.ndarray, "instances features"] | None:
    """The probability of each feature to be active, at most 1; None where all of an instance have one."""
    if experiment.relative_density is None:
        return None
    own = np.array(experiment.relative_density, np.float64)
    return np.minimum((1 - experiment.per_instance("sparsity"))[:, None] * own, 1).astype(np.float32)


def beyond_one_draw(experiment: Experiment) -> str:
    """What numba's and Triton's draw of a law cannot make of its data, "" if it can: words for a refusal."""
    unusual = {
        "densities of each feature": experiment.relative_density is not None,
        "sets of different sizes": not isinstance(experiment.set_size, int),
        f"{experiment.magnitudes} magnitudes": experiment.magnitudes != "uniform",
        "rows of length 1": experiment.unit_rows,
        "a fixed data set": experiment.dataset_rows is not None,
    }
    return next((words for words, so in unusual.items() if so), "")


def sample(
    experiment: Experiment, keys: Int64[Array, "*lead instances"], rows: int, first_row: int = 0
) -> Float32[Array, "*lead instances {rows} features"]:
    """Features as the experiment wants them: `rows` rows from each key, whose last axis is the instance."""
    word = words(keys, rows, experiment.n_features, first_row)
    return finished(experiment, law(experiment.features).sample(word, law_parameters(experiment)))


def finished(experiment: Experiment, x: Float32[Array, "*lead features"]) -> Float32[Array, "*lead features"]:
    """Features that are uniform where active, with the magnitudes and the length of rows that are wanted.

    E[x²] of an active feature is 1/3 where uniform or signed (x = 2u − 1), 2 where exponential (x = −log u,
    of mean 1), 1 where constant.
    """
    library = library_of(x)
    if experiment.magnitudes == "constant":
        x = library.asarray(x > 0, dtype=library.float32)
    elif experiment.magnitudes == "signed":
        x = library.where(x > 0, 2 * x - 1, x)
    elif experiment.magnitudes == "exponential":
        x = -library.log(library.where(x > 0, x, library.ones_like(x)))
    if experiment.unit_rows:
        length = library.sqrt((x * x).sum(-1))[..., None]
        x = x / library.where(length > 0, length, library.ones_like(length))
    return x


def batches(
    experiment: Experiment, first_step: int, n_steps: int, device: str
) -> Float32[Array, "{n_steps} instances batch features"]:
    """The batches of steps `first_step` to `first_step + n_steps − 1`."""
    if experiment.dataset_rows is not None:
        return _of_dataset(experiment, first_step, n_steps, device)
    library = library_on(device)
    numbers = library.asarray(experiment.numbers(), device=device)
    steps = library.arange(first_step, first_step + n_steps, device=device)
    return sample(experiment, stream_keys(experiment.seed, numbers, steps), experiment.batch_size)


@lru_cache(maxsize=1)
def dataset(experiment: Experiment, device: str = "cpu") -> Float32[Array, "instances rows features"]:
    """The fixed data set of each instance, for an experiment that has `dataset_rows`. Not to be changed."""
    assert experiment.dataset_rows is not None
    library = library_on(device)
    numbers, stream = (library.asarray(values, device=device) for values in (experiment.numbers(), [DATASET]))
    return sample(experiment, stream_keys(experiment.seed, numbers, stream)[0], experiment.dataset_rows)


def _of_dataset(
    experiment: Experiment, first_step: int, n_steps: int, device: str
) -> Float32[Array, "{n_steps} instances batch features"]:
    """The data set's rows in turn: step s has rows sB to sB + B − 1, modulo T. So B = T is all, always."""
    rows, batch = dataset(experiment, device), experiment.batch_size
    total, library = rows.shape[1], library_on(device)
    steps = library.arange(first_step, first_step + n_steps, device=device) % total
    row = (steps[:, None] * batch + library.arange(batch, device=device)) % total
    return rows[:, row].swapaxes(0, 1)


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
    own = parameters.feature_density
    here = parameters._replace(
        density=parameters.density[instance : instance + 1],
        feature_density=None if own is None else own[instance : instance + 1],
    )
    key = experiment.seed, int(experiment.numbers()[instance]), stream
    return _draw(
        lambda word: finished(experiment, draw(word, here)), key, rows, experiment.n_features, device
    )


def units(experiment: Experiment) -> int:
    """How many units there are of which each fires by itself: features, or sets of them."""
    if law(experiment.features).fires not in ("whole sets", "one of a set"):
        return experiment.n_features
    return int(sets_of(experiment.n_features, experiment.set_size).number[-1]) + 1


def fires(experiment: Experiment) -> Fires:
    """What becomes active, as of its law; unknown where features differ in density."""
    return "unknown" if experiment.relative_density is not None else law(experiment.features).fires


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
        sets = sets_of(experiment.n_features, experiment.set_size)
        firsts, number = (placed_like(word, values) for values in (sets.first[sets.place == 0], sets.number))
        x = found.sample(word, all_fire)
        x *= largest(another(word[..., firsts]), fired)[..., number]
        return x

    key = 0, sample, EVALUATION + (fired or 0)
    return _draw(
        lambda word: finished(experiment, draw(word)), key, rows, experiment.n_features, device, first_row
    )


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
