"""The models: what is trained. One table, and a file a model beside it, with the definition of each.

All kernels agree with these definitions. To add a model: a file with its functions, one line in the table,
its tests; torch trains it by autograd, and the compiled kernels refuse it. A script brings its own with
`register_model`.

Loads no numpy, so that the command line can name the models and answer at once.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from tms_engine.errors import InputError


class Sizes(NamedTuple):
    """What the first parameters of one instance depend on, beside its random generator."""

    n_features: int
    n_hidden: int
    bias: bool
    std: float  # of a weight: `Experiment.first_std`


class Model(NamedTuple):
    """What is trained.

    Parameters go by name; each is Float32[Array, "instances ..."], of numpy or of torch, and so are x and h:
    the functions are written once for both, and autograd goes through torch's. Data are x (instances, batch,
    features), hidden activations h (instances, batch, hidden).
    """

    help: str
    """One line."""
    parameters: Callable[[Sizes, Any], dict[str, Any]]
    """First parameters of ONE instance, from its own numpy Generator: name → array, no instance axis."""
    encode: Callable[[dict[str, Any], Any], Any]
    """(parameters, x) → h."""
    decode: Callable[[dict[str, Any], Any], Any]
    """(parameters, h) → x̂ (instances, batch, features)."""
    directions: Callable[[dict[str, Any]], Any]
    """(parameters) → (instances, features, hidden): row j is the direction of feature j in hidden space."""
    target: Callable[[Any], Any] = lambda x: x
    """(x) → what x̂ should be, (instances, batch, features)."""
    compiled: bool = False
    """Whether the numba and the Triton kernel have it; else they refuse it. (lanes has its own table.)"""
    matrix: Callable[[dict[str, Any]], Any] | None = None
    """(parameters) → M (instances, features, features), where x̂ = ReLU(xM + b), b the parameter of that name
    or 0: its expected loss is then known exactly (analysis/exact.py). None: it is no such function of x."""
    rectified: bool = True
    """Whether there is that ReLU: else x̂ = xM + b."""


_TABLE: dict[str, str] = {
    "tied_relu": "h = xW, x̂ = ReLU(hWᵀ + b)",
    "linear": "h = xW, x̂ = hWᵀ + b: the paper's comparison, which learns principal components",
    "untied": "h = xE, x̂ = ReLU(hD + b): a decoder of its own",
    "relu_hidden": "h = ReLU(xW), x̂ = ReLU(hWᵀ + b)",
}
_registered: dict[str, Model] = {}


def register_model(name: str, model: Model) -> None:
    """Make a model of a script's own known by a name, in this process; torch trains it.

    A run saved with it opens only where it is registered again. Raises InputError for the name of a built-in
    model.
    """
    if name in _TABLE:
        raise InputError(f"there is a model {name!r} already: choose another name", "model")
    _registered[name] = model


def model_names() -> tuple[str, ...]:
    """The names of all models, the built-in ones first."""
    return (*_TABLE, *_registered)


def model_help() -> dict[str, str]:
    """One line on each model."""
    return _TABLE | {name: model.help for name, model in _registered.items()}


def model(name: str) -> Model:
    """The model of this name. Raises InputError, naming those there are."""
    if name in _registered:
        return _registered[name]
    if name not in _TABLE:
        raise InputError(
            f"there is no model {name!r} here: model should be {', '.join(model_names())}, "
            "or one that your script or --plugin registers with tms_engine.register_model",
            "model",
        )
    return _built_in(name)


@cache  # asked for at every step
def _built_in(name: str) -> Model:
    found: Model = import_module(f"tms_engine.models.{name}").MODEL
    return found._replace(help=_TABLE[name])
