"""The data laws: how features become active. One table, and a file a law beside it.

A law turns random words (stream.py) into features. To add one: a file with its `sample`, and its `check` if
not all sizes will do; one line in the table; its tests. A script brings its own with `register_law`.

Loads no numpy, so that the command line can name the laws and answer at once.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, Literal, NamedTuple

from tms_engine.errors import InputError

# Branches of numba's and Triton's own draw. GIVEN: the batch is there already.
BERNOULLI, N_ACTIVE, CORRELATED, ANTICORRELATED, GIVEN = range(5)


class LawParameters(NamedTuple):
    """What a law may depend on, from the fields of the experiment."""

    density: Any  # Float32[np.ndarray, "instances"]: 1 − S
    n_active: int
    set_size: int | tuple[int, ...]  # of all sets, or of each
    follow_probability: float = 0.5
    feature_density: Any = None  # Float32[np.ndarray, "instances features"]: of each, where they differ


class Law(NamedTuple):
    """How features become active.

    `sample(word, parameters)` takes one random 64-bit word for every entry, Int64[Array, "*lead instances
    rows features"] of numpy or torch (stream.py has the functions that read one), and returns features of
    the same shape, Float32, on the same device. It has to be a pure function of both: data of a step depend
    only on (random seed, instance number, step).
    """

    help: str  # one line
    sample: Callable[[Any, LawParameters], Any]
    check: Callable[[int, LawParameters], None] = lambda n_features, parameters: None
    """Raises InputError, naming the field, where the law cannot have so many features. (Density is None.)"""
    compiled: int | None = None
    """Branch of numba's and Triton's draw; None: they have none and refuse the law."""
    fires: "Fires" = "unknown"
    """What becomes active: it says how many at once, with which probabilities."""
    probabilities: Callable[[Any, LawParameters], Any] | None = None
    """`probabilities(active, parameters)`: of sets of active features, Bool[np.ndarray, "sets features"], the
    probability of each, Float64[np.ndarray, "sets"]. `parameters.density` is then one number, and
    `feature_density` one a feature. Losses of small models are then exact (analysis/exact.py). None: not
    known."""


# Each feature alone, with probability p; each set with probability p, all its members (or its first and some)
# or one of them; exactly n_active features.
Fires = Literal["features", "whole sets", "one of a set", "n_active", "unknown"]


class _Entry(NamedTuple):
    help: str
    per_feature: bool = False  # whether it looks at LawParameters.feature_density
    compiled: int | None = None
    fires: Fires = "unknown"
    checks: bool = False  # whether its file has a `check`
    probabilities: bool = False  # whether its file has `probabilities`


_TABLE: dict[str, _Entry] = {
    "bernoulli": _Entry(
        "each feature alone, with probability 1 − S",
        compiled=BERNOULLI,
        fires="features",
        per_feature=True,
        probabilities=True,
    ),
    "at_least_one": _Entry(
        "as bernoulli, but rows with nothing active are drawn again", per_feature=True, probabilities=True
    ),
    "n_active": _Entry(
        "exactly n_active in each row, every choice equally likely",
        compiled=N_ACTIVE,
        fires="n_active",
        checks=True,
        probabilities=True,
    ),
    "correlated": _Entry(
        "sets of set_size that fire together",
        compiled=CORRELATED,
        fires="whole sets",
        checks=True,
        probabilities=True,
    ),
    "anticorrelated": _Entry(
        "sets of set_size, of which one member fires",
        compiled=ANTICORRELATED,
        fires="one of a set",
        checks=True,
        probabilities=True,
    ),
    "hierarchical": _Entry(
        "sets of set_size: the others may fire only if the first does",
        fires="whole sets",
        checks=True,
        probabilities=True,
    ),
}
_registered: dict[str, Law] = {}


def register_law(name: str, sample: Callable[[Any, LawParameters], Any], help: str = "") -> None:
    """Make a data law of a script's own known by a name, in this process.

    `sample(word, parameters)` takes a random 64-bit word for every entry, int64 (..., instances, rows,
    features) of numpy or torch, and a `LawParameters`. It returns features of the same shape, float32, on the
    same device, and has to be a pure function of both. tms_engine.data.stream reads words.
    Experiments may then say `features=name`; the torch kernel trains them. A run saved with it opens only
    where the law is registered again. Raises InputError for the name of a built-in law.
    """
    if name in _TABLE:
        raise InputError(f"there is a data law {name!r} already: choose another name", "features")
    _registered[name] = Law(help or f"registered by {sample.__module__}", sample)


def law_names() -> tuple[str, ...]:
    """The names of all laws, the built-in ones first."""
    return (*_TABLE, *_registered)


def law_help() -> dict[str, str]:
    """One line on each law."""
    return {name: entry.help for name, entry in _TABLE.items()} | {
        name: law.help for name, law in _registered.items()
    }


def is_built_in(name: str) -> bool:
    return name in _TABLE


def laws_per_feature() -> tuple[str, ...]:
    """The laws in which features may have densities of their own."""
    return tuple(name for name, entry in _TABLE.items() if entry.per_feature)


def law(name: str) -> Law:
    """The law of this name. Raises InputError, naming those there are."""
    if name in _registered:
        return _registered[name]
    if name not in _TABLE:
        raise InputError(
            f"there is no data law {name!r} here: features should be {', '.join(law_names())}, "
            "or a law that your script or --plugin registers with tms_engine.register_law",
            "features",
        )
    return _built_in(name)


@cache  # asked for at every batch
def _built_in(name: str) -> Law:
    module = import_module(f"tms_engine.data.{name}")
    entry = _TABLE[name]
    found = Law(entry.help, module.sample, compiled=entry.compiled, fires=entry.fires)
    if entry.checks:
        found = found._replace(check=module.check)
    return found._replace(probabilities=module.probabilities) if entry.probabilities else found


def check_law(name: str, n_features: int, parameters: LawParameters) -> None:
    """Raise InputError, naming the field, where a law cannot have so many features. It may need numpy."""
    if name not in _TABLE or _TABLE[name].checks:
        law(name).check(n_features, parameters)
