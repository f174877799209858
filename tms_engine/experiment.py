"""Experiment: every choice that defines a run, in one flat frozen record; TOML and JSON.

Loads neither torch nor numpy, so that the command line answers at once. All rules about what makes a
valid experiment are here and nowhere else: the command line, config files and the app's form pass
their values on as they came.
"""

import difflib
import itertools
import json
import math
import operator
import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import tomli_w
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from tms_engine.data import LawParameters, check_law, is_built_in, law_names, laws_per_feature
from tms_engine.errors import InputError, quoted
from tms_engine.files import read_small
from tms_engine.hints import as_field, hint_for, question
from tms_engine.models import model_names

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64, Int64

# What a user may change while a run trains; everything else makes another run.
LIVE_FIELDS = ("sparsity", "relative_density", "learning_rate", "importance_decay", "importance", "steps")

# Fields that are one value, or one per instance.
PER_INSTANCE = ("sparsity", "importance_decay", "learning_rate")

# Fields that are one value per feature, or such a list per instance.
PER_FEATURE = ("importance", "relative_density")


def check_live(names: Iterable[str]) -> None:
    """Raise InputError if one of these fields cannot be changed while a run trains."""
    for name in names:
        check_field(name)
        if name not in LIVE_FIELDS:
            raise InputError(
                f"{name} cannot be changed while a run trains, only {', '.join(LIVE_FIELDS)}", name
            )


# Of a whole number, whatever it is of: "1e999999" is not written out.
_MOST_DIGITS = 30


def whole_number(value: Any) -> int:
    """A whole number, also as text: "10000", "10_000", "1e4" and "1.5e3", to the last digit.

    Raises ValueError for what is none, with the rest of a sentence.
    """
    try:
        if isinstance(value, str):
            written = Decimal(value)
            if written.is_finite() and written and written.adjusted() >= _MOST_DIGITS:
                raise ValueError(f"should be below 1e30, not {quoted(value)}")
            number = int(written) if written.is_finite() and written == written.to_integral_value() else None
        elif isinstance(value, float):
            number = int(value) if value.is_integer() else None
        else:
            number = None if isinstance(value, bool) else operator.index(value)
    except (InvalidOperation, TypeError):
        number = None
    if number is None:
        raise ValueError(f"should be a whole number, not {quoted(value)}{_without_commas(value)}")
    if abs(number) >= 10**_MOST_DIGITS:
        raise ValueError(f"should be below 1e30, not {quoted(value)}")
    return number


def _without_commas(value: Any) -> str:
    """What to write for "10,000"."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+", value.strip()):
        return f"; write {value.strip().replace(',', '')}"
    return ""


def _whole_or_none(value: Any) -> int | None:
    return None if value is None or value == "" else whole_number(value)


def _number(value: Any) -> float:
    """A number, also as text or of numpy, but not True."""
    if isinstance(value, bool):
        raise ValueError(f"should be a number, not {value}")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"should be a number, not {quoted(value)}") from None


def _number_or_none(value: Any) -> float | None:
    return None if value is None or value == "" else _number(value)


def _numbers(value: Any) -> float | tuple[float, ...]:
    """A number, a list of numbers, or either as text from a command line ("0.9" or "0.9,0.95")."""
    try:
        if type(value) is tuple and set(map(type, value)) == {float}:  # a million of them, as often as not
            return value
        if isinstance(value, str):
            value = value.split(",") if "," in value else _number(value)
        if isinstance(value, Iterable):
            return tuple(map(_number, value))
        return _number(value)
    except (TypeError, ValueError):
        raise ValueError(f"should be a number or a list of numbers, not {quoted(value)}") from None


def _each(holds: Callable[[float], bool], rule: str) -> AfterValidator:
    """Each number is finite and in an interval, which `rule` says in words."""

    def check(value: float | Sequence[float]) -> float | Sequence[float]:
        if isinstance(value, tuple) and value:
            fine = all(map(math.isfinite, value)) and holds(min(value)) and holds(max(value))
            if fine:
                return value
        for number in value if isinstance(value, tuple) else (value,):
            if not (math.isfinite(number) and holds(number)):
                raise ValueError(f"should be {rule}, not {number}")
        return value

    return AfterValidator(check)


# Instances that may be listed one by one.
_MOST_LISTED = 10**6


def _instance_numbers(value: Any) -> Any:
    """Whole numbers, or text with commas and ranges: "0,7,100:200" ends before 200."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            spans = [_span(part) for part in value.split(",")]
            if sum(map(len, spans)) > _MOST_INSTANCES:
                raise ValueError
            return tuple(itertools.chain.from_iterable(spans))
        if isinstance(value, range) and value[_MOST_INSTANCES:]:  # a range may have no length
            raise ValueError
        numbers = tuple(value)
        if any(isinstance(number, float | bool | str) for number in numbers):
            raise ValueError
        return tuple(map(operator.index, numbers))
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"should be whole numbers, at most {_MOST_INSTANCES:,}, as in 0,7,100:200, not {quoted(value)}"
        ) from None


# A span that names more is a mistake, and would take gigabytes.
_MOST_INSTANCES = 10**6


def _span(text: str) -> range:
    """The numbers that "7" and "100:200" stand for."""
    first, colon, end = text.partition(":")
    return range(whole_number(first), whole_number(end) if colon else whole_number(first) + 1)


def _of_features(value: Any) -> Any:
    """One number a feature, or a list of such lists, one an instance; as text "1,.5" and "1,.5;1,.2".

    A list of one such list is that one, for all instances.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = [part.split(",") for part in value.split(";")]
        value = value[0] if len(value) == 1 else value
    try:
        rows = list(value)
        if rows and not isinstance(rows[0], str) and isinstance(rows[0], Iterable):
            lists = tuple(tuple(map(_number, row)) for row in rows)
            return lists if len(lists) > 1 else lists[0]
        return tuple(map(_number, rows))
    except (TypeError, ValueError):
        raise ValueError(
            f"should be a list of numbers, one a feature, or a list of such lists, not {quoted(value)}"
        ) from None


def _none_negative(value: Any) -> Any:
    for number in itertools.chain.from_iterable(
        row if isinstance(row, tuple) else (row,) for row in value or ()
    ):
        if not (math.isfinite(number) and number >= 0):
            raise ValueError(f"should be at least 0, not {number}")
    return value


def check_device_name(value: str) -> str:
    """Raises ValueError, with the rest of a sentence, for what no device is called."""
    if re.fullmatch(r"auto|cpu|mps|cuda(:(0|[1-9][0-9]{0,30}))?", value):
        return value
    number = re.fullmatch(r"(?:cuda|gpu)[ :]?0*([0-9]{1,3})", value.lower())
    near = f"cuda:{number[1]}" if number else {"gpu": "cuda"}.get(value.lower(), value.lower())
    also = f"; did you mean {near}?" if number or near in ("auto", "cpu", "mps", "cuda") else ""
    raise ValueError(f"should be auto, cpu, cuda, cuda:N or mps, not {quoted(value)}{also}")


def _name_among(names: Callable[[], tuple[str, ...]]) -> AfterValidator:
    def check(value: str) -> str:
        if value not in names():
            near = difflib.get_close_matches(value, names(), n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}? " if near else ""
            raise ValueError(
                f"should be {', '.join(names())}, or one that your script or --plugin registers, "
                f"not {quoted(value)}; {hint}".rstrip("; ")
            )
        return value

    return AfterValidator(check)


# Noise on a polygon: enough to leave a saddle by itself, too little to choose where to.
_GON_STD = 0.01
# How the first weights may be drawn, beside K-gon.
INITS = ("normal", "xavier", "joint_xavier")
_GON = re.compile(r"([1-9][0-9]{0,8})-gon")


def _init(value: str) -> str:
    named = _GON.fullmatch(value)
    if value in INITS or (named and int(named[1]) >= 2):
        return value
    raise ValueError(f"should be {', '.join(INITS)}, or 2-gon, 3-gon, 4-gon …, not {quoted(value)}")


def _set_size(value: Any) -> Any:
    """A whole number, or a list of them, also as text: "2" and "3,2,1"."""
    if isinstance(value, str) and "," in value:
        value = value.split(",")
    several = isinstance(value, Iterable) and not isinstance(value, str)
    sizes = tuple(map(whole_number, value)) if several else (whole_number(value),)
    for size in sizes:
        if size < 1:
            raise ValueError(f"should be at least 1, not {size}")
    return sizes if several else sizes[0]


PerInstance = Annotated[float | Sequence[float], BeforeValidator(_numbers)]
Probability = Annotated[PerInstance, _each(lambda v: 0 <= v < 1, "at least 0 and below 1")]
Positive = Annotated[PerInstance, _each(lambda v: v > 0, "above 0")]
Number = Annotated[float, BeforeValidator(_number)]
NumberOrNone = Annotated[float | None, BeforeValidator(_number_or_none)]
Whole = Annotated[int, BeforeValidator(whole_number)]
Size = Annotated[Whole, Field(ge=1)]
WholeOrNone = Annotated[int | None, BeforeValidator(_whole_or_none)]
Chance = Annotated[Number, Field(ge=0, le=1)]
InstanceNumbers = Annotated[Sequence[int] | None, BeforeValidator(_instance_numbers)]
PerFeature = Annotated[
    Sequence[float | Sequence[float]] | None,  # one type for both, so that checkers infer that of a list
    BeforeValidator(_of_features),
    AfterValidator(_none_negative),
]
Init = Annotated[str, AfterValidator(_init)]
SetSize = Annotated[int | tuple[int, ...], BeforeValidator(_set_size)]


class Experiment(BaseModel):
    """Every choice that defines a run. The defaults are the seed's.

    A field that says "one, or one per instance" takes a number or a list of `n_instances` numbers.
    Raises `InputError`, with one sentence, for anything that cannot be run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    n_features: Size = Field(default=8, description="Features: coordinates of the input.")
    n_hidden: Size = Field(default=3, description="Hidden dimensions: the bottleneck.")
    n_instances: Size = Field(
        default=1, description="Models trained side by side, never touching each other."
    )
    instances: InstanceNumbers = Field(
        default=None,
        description="Numbers of the instances, on which their data and first weights depend "
        "(default: 0 to n_instances − 1); a number may occur twice.",
    )
    model: Annotated[str, _name_among(model_names)] = Field(
        default="tied_relu", description=f"What is trained: {', '.join(model_names())}."
    )
    features: Annotated[str, _name_among(law_names)] = Field(
        default="bernoulli",
        description=f"Data law: {', '.join(law_names())}.",
    )
    sparsity: Probability = Field(
        default=0.95, description="Probability S that a feature (or set) is zero; one, or one per instance."
    )
    n_active: Whole = Field(
        default=2, ge=0, description="Active features in each row, where features is n_active."
    )
    set_size: SetSize = Field(
        default=2,
        description="Features in a set, where features is correlated, anticorrelated or hierarchical; "
        "or the size of each set, a list.",
    )
    follow_probability: Chance = Field(
        default=0.5,
        description="Probability of the others of a set, where features is hierarchical and its first fires.",
    )
    relative_density: PerFeature = Field(
        default=None,
        description="Density of each feature, in units of 1 − S, at most 1 in all: a list, or one per "
        "instance; where features is bernoulli or at_least_one.",
    )
    magnitudes: Literal["uniform", "signed", "exponential", "constant"] = Field(
        default="uniform",
        description="Value of an active feature: uniform on (0, 1), signed (uniform on (−1, 1)), exponential "
        "of mean 1, or constant 1.",
    )
    unit_rows: bool = Field(default=False, description="Scale each row to length 1, unless it is all zero.")
    dataset_rows: WholeOrNone = Field(
        default=None,
        ge=1,
        description="Rows of a fixed data set, of which each batch takes the next in turn "
        "(default: fresh rows at every step).",
    )
    importance_decay: Positive = Field(
        default=1.0, description="Feature j has importance decay^j in the loss; one, or one per instance."
    )
    importance: PerFeature = Field(
        default=None,
        description="Importance of each feature, a list; one list, or one per instance. Times decay^j.",
    )
    bias: bool = Field(default=False, description="Add a learned bias before the ReLU, starting at 0.")
    init: Init = Field(
        default="normal",
        description="Initial weights: normal, of variance 1; xavier, 2 / (n + m), of each instance; "
        "joint_xavier, the paper's notebook's, with the instances in the fan, 2 / (m · (n + n_instances)); "
        "or K-gon, as 5-gon: the first K features on a regular polygon of radius 1, the others at 0, with "
        "noise of deviation .01.",
    )
    init_std: NumberOrNone = Field(
        default=None, gt=0, description="Deviation of the initial weights (default: that of init)."
    )
    batch_size: Size = Field(default=32, description="Rows in a batch.")
    # Beyond it begin the streams of fresh data (data/stream.py).
    steps: Whole = Field(
        default=10_000, ge=1, le=10**12, description="Optimiser updates (the seed calls them epochs)."
    )
    optimizer: Literal["adam", "adamw"] = Field(
        default="adam", description="Adam (weight decay as L2) or AdamW (decoupled)."
    )
    learning_rate: Positive = Field(default=0.01, description="Step size of Adam; one, or one per instance.")
    weight_decay: Number = Field(default=0.0, ge=0, description="Pull of all parameters towards 0.")
    schedule: Literal["constant", "linear", "cosine", "quarter_cosine"] = Field(
        default="constant",
        description="How the learning rate falls to 0 over the steps, if it does: linear, 1 − t/T; cosine, "
        "(1 + cos(pi t/T)) / 2, as in PyTorch; quarter_cosine, cos(pi t/2T), the paper's notebook's.",
    )
    keep: Whole = Field(
        default=512, ge=0, description="Weights over time that are kept, at most so many; 0 keeps none."
    )
    seed: Whole = Field(default=42, ge=0, lt=2**63, description="Seed of the first weights and of all data.")
    device: Annotated[str, AfterValidator(check_device_name)] = Field(
        default="auto", description="auto, cpu, cuda, cuda:N or mps; auto takes the first GPU, else the CPU."
    )
    kernel: Literal["auto", "torch", "lanes", "numba", "triton"] = Field(
        default="auto",
        description="Code that trains: auto takes the fastest that serves, lanes and numba are the CPU's, "
        "triton CUDA's, torch goes anywhere.",
    )

    if not TYPE_CHECKING:  # to a type checker, a field is an argument

        def __init__(self, **fields: Any) -> None:
            try:
                super().__init__(**_with_n_instances(fields))
            except ValidationError as error:
                first = error.errors()[0]
                mistake = first.get("ctx", {}).get("error")
                if isinstance(mistake, InputError):
                    raise mistake from None
                name = str(first["loc"][0]) if first["loc"] else None
                raise InputError(_sentence(first, name), name) from None

    @model_validator(mode="after")
    def _fields_agree(self) -> "Experiment":
        for name in PER_INSTANCE:
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != self.n_instances:
                raise InputError(
                    f"{name} has {len(value)} values but n_instances is {self.n_instances}: "
                    "give one value, or one per instance",
                    name,
                )
        if self.instances is not None:
            if len(self.instances) != self.n_instances:
                raise InputError(
                    f"instances has {len(self.instances)} numbers but n_instances is {self.n_instances}: "
                    "give one number per instance",
                    "instances",
                )
            if min(self.instances) < 0 or max(self.instances) >= 2**62:
                raise InputError("instances should be numbers from 0 up, below 2^62", "instances")
        for name in PER_FEATURE:
            value = getattr(self, name)
            if value is None:
                continue
            rows = value if self.differs(name) else (value,)
            if (self.differs(name) and len(rows) != self.n_instances) or {len(row) for row in rows} != {
                self.n_features
            }:
                raise InputError(
                    f"{name} should be {self.n_features} numbers, one a feature, or {self.n_instances} "
                    "such lists, one an instance",
                    name,
                )
        if self.relative_density is not None:
            self._check_relative_density()
        self._check_corners()
        if self.magnitudes != "uniform" and not is_built_in(self.features):
            raise InputError(
                f"magnitudes should be uniform: {self.features} data have those of their registered law",
                "magnitudes",
            )
        parameters = LawParameters(None, self.n_active, self.set_size, self.follow_probability)
        check_law(self.features, self.n_features, parameters)
        return self

    def _check_relative_density(self) -> None:
        value: Any = self.relative_density
        if self.features not in laws_per_feature():
            raise InputError(
                f"relative_density should be left out with {self.features} data: it is for "
                f"{' and '.join(laws_per_feature())}",
                "relative_density",
            )
        if not all(any(row) for row in (value if self.differs("relative_density") else (value,))):
            raise InputError("relative_density should be above 0 for some feature", "relative_density")

    def _check_corners(self) -> None:
        needed = 2 if self.corners > 2 else 1
        if self.corners > self.n_features or needed > self.n_hidden:
            raise InputError(
                f"init {self.init} needs {self.corners} features and {needed} hidden "
                f"dimension{'' if needed == 1 else 's'} at least",
                "init",
            )

    def replace(self, **fields: Any) -> "Experiment":
        """This experiment with other values in some fields, validated as a whole."""
        before = dict(self)
        if "instances" in fields and "n_instances" not in fields:
            del before["n_instances"]
        return type(self)(**{**before, **fields})

    def numbers(self) -> "Int64[np.ndarray, 'instances']":
        """The global number of each instance: what its data and first weights depend on."""
        import numpy as np

        return np.arange(self.n_instances) if self.instances is None else np.array(self.instances, np.int64)

    def per_instance(self, name: str) -> "Float64[np.ndarray, 'instances']":
        """A field that is one, or one per instance, as (instances,)."""
        import numpy as np

        value = getattr(self, name)
        return np.array(value) if isinstance(value, tuple) else np.full(self.n_instances, float(value))

    def of_instance(self, name: str, instance: int) -> float:
        """A field that is one, or one per instance, of the instance at a place (from 0)."""
        value = getattr(self, name)
        return float(value[instance] if isinstance(value, tuple) else value)

    @property
    def corners(self) -> int:
        """Features that start on a regular polygon; 0 where none does."""
        named = _GON.fullmatch(self.init)
        return int(named[1]) if named else 0

    @property
    def first_std(self) -> float:
        """Standard deviation of the initial weights, or of the noise on a polygon."""
        n, m = self.n_features, self.n_hidden
        named = {
            "normal": 1.0,
            "xavier": (2 / (n + m)) ** 0.5,
            "joint_xavier": (2 / (m * (n + self.n_instances))) ** 0.5,
        }
        return named.get(self.init, _GON_STD) if self.init_std is None else self.init_std

    def feature_importance(self) -> "Float64[np.ndarray, 'instances features']":
        """Weight of each feature in the loss: importance_j · decay^j; infinite where that is too large."""
        import numpy as np

        with np.errstate(over="ignore", invalid="ignore"):
            decays = self.per_instance("importance_decay")[:, None] ** np.arange(self.n_features)
            if self.importance is None:
                return decays
            importance = np.asarray(self.importance, np.float64)
            return np.where(importance == 0, 0, decays * importance)

    def differs(self, name: str) -> bool:
        """Whether a field of PER_INSTANCE has a value for each instance, one of PER_FEATURE a list."""
        value = getattr(self, name)
        if name in PER_INSTANCE:
            return isinstance(value, tuple)
        return bool(value) and isinstance(value[0], tuple)

    def select(self, places: "Sequence[int]") -> "Experiment":
        """The experiment of some of the instances, by their places (from 0): a shard of this one.

        They keep their numbers, so each is trained to the same bits as among the others.
        """
        import numpy as np

        numbers = self.numbers()
        fields: dict[str, Any] = {}
        if self.init == "joint_xavier":
            fields["init_std"] = self.first_std  # that of all of them
        for name in filter(self.differs, (*PER_INSTANCE, *PER_FEATURE)):
            value = getattr(self, name)
            fields[name] = tuple(value[i] for i in places)
        return self.replace(instances=numbers[np.asarray(places, np.int64)].tolist(), **fields)

    def alone(self, instance: int) -> "Experiment":
        """The experiment of the instance at a place (from 0) by itself; it keeps its number."""
        return self.select([instance])

    def to_json(self) -> str:
        """All fields as JSON, which `from_file` reads."""
        return self.model_dump_json(indent=2) + "\n"

    def to_toml(self) -> str:
        """The fields that are not None as TOML, which `from_file` reads."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))  # TOML has no null

    @classmethod
    def from_file(cls, path: str | Path) -> "Experiment":
        """Read a .toml or .json file; fields it leaves out have their defaults.

        Raises InputError if it cannot be read, parsed or validated; the sentence names the file.
        """
        try:
            return cls(**read_fields(path))
        except InputError as error:
            raise InputError(_within(path, error), error.field) from None


Experiment.__doc__ = f"{Experiment.__doc__}\n    The fields, with their defaults:\n\n" + "\n".join(
    f"    {name:16}  {field.default!s:9}  {field.description}"
    for name, field in Experiment.model_fields.items()
)


def _with_n_instances(data: dict[str, Any]) -> dict[str, Any]:
    """n_instances from `instances`, where only that is given; None for the numbers that are the default."""
    if data.get("instances") is None:
        return data
    try:
        numbers = _instance_numbers(data["instances"])
    except ValueError:
        return data  # the field's own validation says what is wrong
    if numbers is None:
        return data
    n_instances = data.get("n_instances", len(numbers))
    default = len(numbers) > 0 and numbers == tuple(range(len(numbers)))
    return {**data, "n_instances": n_instances, "instances": None if default else numbers}


def choices(name: str) -> tuple[str, ...]:
    """The values that a field may have, where there are few: the names of a Literal, of laws or of models."""
    field = Experiment.model_fields[name]
    if name in _NAMES:
        return _NAMES[name]()
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else ()


_NAMES = {"features": law_names, "model": model_names}


@cache
def _validator(name: str) -> Any:
    """Of the values of a field. To make one takes a millisecond, and an axis has up to a million values."""
    field = Experiment.model_fields[name]
    kind: Any = field.annotation
    if field.metadata:
        kind = Annotated.__class_getitem__((kind, *field.metadata))  # type: ignore[attr-defined]
    return TypeAdapter(kind, config=ConfigDict(allow_inf_nan=False))


def field_value(name: str, value: Any) -> Any:
    """A value of one field by itself, as an Experiment would have it. Raises InputError for an invalid one.

    What several fields have to agree on is not checked.
    """
    try:
        return _validator(name).validate_python(value)
    except ValidationError as error:
        raise InputError(_sentence(error.errors()[0], name), name) from None


# Bytes of a file of fields. Lists of a value for each of a million instances are 100 MB.
_MOST_BYTES = 1 << 28


def read_fields(path: str | Path, most_bytes: int = _MOST_BYTES, wait: float = 0.0) -> dict[str, Any]:
    """The fields that a .toml or .json file sets, not yet validated. Raises InputError, naming the file.

    At most `most_bytes` are read; with `wait`, also from a pipe, if that takes at most so many seconds.
    """
    path = Path(path)
    content = read_small(path, most_bytes, wait)
    return parse_fields(content, path, "JSON" if path.suffix.lower() == ".json" else "TOML")


def parse_fields(content: bytes, path: Path, kind: Literal["JSON", "TOML"]) -> dict[str, Any]:
    """The fields that the content of a file sets, not yet validated. Raises InputError, naming the file."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text in UTF-8, so neither TOML nor JSON") from None
    try:
        fields = json.loads(text) if kind == "JSON" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # no JSON, no TOML; a number of over 4,300 digits
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
        return _unknown(name or "", error["input"])
    message: str = error["msg"].removeprefix("Value error, ").replace("Input should", "should")
    message = message[:1].lower() + message[1:]
    if error["type"].startswith("bool"):
        message = "should be true or false"
    if error["type"] != "value_error":
        message += f", not {quoted(error['input'])}"
    return f"{name} {message}" if name else message


def check_field(name: str) -> None:
    """Raise InputError, with what others call so, if an experiment has no such field."""
    if name not in Experiment.model_fields:
        raise InputError(_unknown(name), name)


def _unknown(name: str, value: Any = None) -> str:
    """The sentence for a field that there is not, with what it is here if others have it."""
    hint = hint_for(name)
    near = difflib.get_close_matches(name, Experiment.model_fields, n=1, cutoff=0.5)
    if hint and (not hint.ours or hint.ours in Experiment.model_fields):
        also = question(as_field(hint, value), hint)
    else:
        also = f"did you mean {near[0]}?" if near else "the fields are " + ", ".join(Experiment.model_fields)
    return f"an experiment has no field {quoted(name)}; {also}"
