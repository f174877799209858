"""Experiment: every choice that defines a run, in one flat frozen record; TOML and JSON.

Loads neither torch nor numpy, so that the command line answers at once. All rules about what makes a
valid experiment are here and nowhere else: the command line, config files and the app's form pass
their values on as they came.
"""

import difflib
import json
import math
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tomli_w
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from tms_engine.errors import InputError
from tms_engine.files import cannot

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64

# What a user may change while a run trains; everything else makes another run.
LIVE_FIELDS = ("sparsity", "learning_rate", "importance_decay", "steps")


def _numbers(value: Any) -> float | tuple[float, ...]:
    """A number, a list of numbers, or either as text from a command line ("0.9" or "0.9,0.95")."""
    try:
        if isinstance(value, str):
            value = value.split(",") if "," in value else float(value)
        if isinstance(value, list | tuple):
            return tuple(float(v) for v in value)
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"should be a number or a list of numbers, not {value!r}") from None


def _each(holds: Callable[[float], bool], rule: str) -> AfterValidator:
    def check(value: float | tuple[float, ...]) -> float | tuple[float, ...]:
        for number in value if isinstance(value, tuple) else (value,):
            if not (math.isfinite(number) and holds(number)):
                raise ValueError(f"should be {rule}, not {number}")
        return value

    return AfterValidator(check)


def _device(value: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value):
        raise ValueError(f"should be auto, cpu, cuda, cuda:N or mps, not {value!r}")
    return value


PerInstance = Annotated[float | tuple[float, ...], BeforeValidator(_numbers)]
Probability = Annotated[PerInstance, _each(lambda v: 0 <= v < 1, "at least 0 and below 1")]
Positive = Annotated[PerInstance, _each(lambda v: v > 0, "above 0")]
Size = Annotated[int, Field(ge=1)]


class Experiment(BaseModel):
    """Every choice that defines a run. The defaults are the seed's.

    A field that says "one, or one per instance" takes a number or a list of `n_instances` numbers.
    Raises `InputError`, with one sentence, for anything that cannot be run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    n_features: Size = Field(8, description="Features: coordinates of the input.")
    n_hidden: Size = Field(3, description="Hidden dimensions: the bottleneck.")
    n_instances: Size = Field(1, description="Models trained side by side, never touching each other.")
    features: Literal["bernoulli", "n_active", "correlated", "anticorrelated"] = Field(
        "bernoulli", description="How features become active: each alone, exactly n_active, or in sets."
    )
    sparsity: Probability = Field(
        0.95, description="Probability S that a feature (or set) is zero; one, or one per instance."
    )
    n_active: int = Field(2, ge=0, description="Active features in each row, where features is n_active.")
    set_size: Size = Field(
        2, description="Features in a set, where features is correlated or anticorrelated."
    )
    importance_decay: Positive = Field(
        1.0, description="Feature j has importance decay^j in the loss; one, or one per instance."
    )
    bias: bool = Field(False, description="Add a learned bias before the ReLU, starting at 0.")
    init: Literal["normal", "xavier"] = Field(
        "normal", description="Initial weights: standard normal, or Xavier normal within each instance."
    )
    batch_size: Size = Field(32, description="Rows in a batch.")
    # Beyond it begin the streams of fresh data (features.py).
    steps: int = Field(10_000, ge=1, le=10**12, description="Optimiser updates (the seed calls them epochs).")
    optimizer: Literal["adam", "adamw"] = Field(
        "adam", description="Adam (weight decay as L2) or AdamW (decoupled)."
    )
    learning_rate: Positive = Field(0.01, description="Step size of Adam; one, or one per instance.")
    weight_decay: float = Field(0.0, ge=0, description="Pull of all parameters towards 0.")
    schedule: Literal["constant", "linear", "cosine"] = Field(
        "constant", description="How the learning rate falls to 0 at the last step, if it does."
    )
    seed: int = Field(42, ge=0, lt=2**63, description="Seed of the initial weights and of all data.")
    device: Annotated[str, AfterValidator(_device)] = Field(
        "auto", description="auto, cpu, cuda, cuda:N or mps; auto takes the first GPU, else the CPU."
    )
    kernel: Literal["auto", "torch", "numba", "triton"] = Field(
        "auto",
        description="Code that trains: auto takes the fastest that serves, numba is the CPU's, "
        "triton CUDA's, torch goes anywhere.",
    )

    @model_validator(mode="wrap")
    @classmethod
    def _one_sentence(cls, data: Any, handler: Callable[[Any], "Experiment"]) -> "Experiment":
        try:
            return handler(data)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]) if first["loc"] else None
            raise InputError(_sentence(first, name), name) from None

    @model_validator(mode="after")
    def _fields_agree(self) -> "Experiment":
        for name in ("sparsity", "importance_decay", "learning_rate"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != self.n_instances:
                raise InputError(
                    f"{name} has {len(value)} values but n_instances is {self.n_instances}: "
                    "give one value, or one per instance",
                    name,
                )
        if self.features == "n_active" and self.n_active > self.n_features:
            raise InputError(
                f"n_active is {self.n_active} but there are only {self.n_features} features", "n_active"
            )
        if self.features in ("correlated", "anticorrelated") and self.n_features % self.set_size:
            raise InputError(
                f"set_size {self.set_size} does not divide n_features {self.n_features}", "set_size"
            )
        return self

    def replace(self, **fields: Any) -> "Experiment":
        """This experiment with other values in some fields, validated as a whole."""
        return type(self)(**{**self.model_dump(), **fields})

    def per_instance(self, name: str) -> "Float64[np.ndarray, 'instances']":
        """A field that is one, or one per instance, as (instances,)."""
        import numpy as np

        return np.broadcast_to(np.asarray(getattr(self, name), np.float64), (self.n_instances,))

    def importance(self) -> "Float64[np.ndarray, 'instances features']":
        """Weight of each feature in the loss: decay^j."""
        import numpy as np

        return self.per_instance("importance_decay")[:, None] ** np.arange(self.n_features)

    def alone(self, instance: int) -> "Experiment":
        """The experiment of one instance by itself (its data still depend on its number, see features.py)."""
        fields = {
            name: value[instance]
            for name in ("sparsity", "importance_decay", "learning_rate")
            if isinstance(value := getattr(self, name), tuple)
        }
        return self.replace(n_instances=1, **fields)

    def to_json(self) -> str:
        return self.model_dump_json(indent=2) + "\n"

    def to_toml(self) -> str:
        return tomli_w.dumps(self.model_dump(mode="json"))

    @classmethod
    def from_file(cls, path: str | Path) -> "Experiment":
        """Read a .toml or .json file; fields it leaves out have their defaults.

        Raises InputError if it cannot be read, parsed or validated; the sentence names the file.
        """
        try:
            return cls(**read_fields(path))
        except InputError as error:
            raise InputError(_within(path, error), error.field) from None


def read_fields(path: str | Path) -> dict[str, Any]:
    """The fields that a .toml or .json file sets, not yet validated. Raises InputError, naming the file."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise cannot(f"read {path}", error) from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text in UTF-8, so neither TOML nor JSON") from None
    kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
    try:
        fields = json.loads(text) if kind == "JSON" else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not valid {kind}: {error}") from None
    if not isinstance(fields, dict):
        raise InputError(f"{path} should hold the fields of an experiment, not a {type(fields).__name__}")
    return fields


def _within(path: str | Path, error: InputError) -> str:
    sentence = str(error)
    return sentence if str(path) in sentence else f"{path}: {sentence}"


def _sentence(error: Any, name: str | None) -> str:
    """One of pydantic's error records as a sentence that starts with the field's name."""
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name or "", Experiment.model_fields, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "the fields are " + ", ".join(Experiment.model_fields)
        return f"an experiment has no field {name!r}; {hint}"
    message: str = error["msg"].removeprefix("Value error, ").replace("Input should", "should")
    message = message[:1].lower() + message[1:]
    if error["type"] != "value_error":
        message += f", not {error['input']!r}"
    return f"{name} {message}" if name else message
