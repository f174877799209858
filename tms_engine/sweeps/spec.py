"""What a sweep is: a base, axes over fields of Experiment, and how many models each point has. As JSON too.

Loads no numpy, so that the command line answers mistakes at once.
"""

import contextlib
import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from tms_engine.errors import InputError, quoted
from tms_engine.experiment import (
    PER_FEATURE,
    PER_INSTANCE,
    Experiment,
    check_field,
    field_value,
    whole_number,
)
from tms_engine.presets import preset

# Fields that models of one batch need not share: Experiment takes a value of each for every instance.
IN_A_BATCH = (*PER_INSTANCE, *PER_FEATURE)
# An axis that is no field: p = 1 − S.
DENSITY = "density"
# Fields that a sweep sets itself.
OWN = ("n_instances", "instances")
# Fields that say where and with what it is trained, and not what: a sweep may go on elsewhere.
PLACES = ("device", "kernel")

# First weights whose scale depends on how many instances the base has.
_OF_ALL = "joint_xavier"

# Values of an axis, at most, and models of a sweep.
MOST_VALUES, MOST_MODELS = 10**6, 10**11

_NUMBER = r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*(?P<log>log:)?(?P<first>{_NUMBER}):(?P<last>{_NUMBER}):(?P<count>[^:]*)\s*")

Axes = Mapping[str, Any]


@dataclass(frozen=True)
class Group:
    """Axes that go in step: at point i of it, field `names[k]` has the value `values[i][k]`."""

    names: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Spec:
    """A sweep, checked; `make_spec` makes one.

    base          what is not varied. Its n_instances counts only where the first weights depend on it
                  (init joint_xavier); the instances of the sweep have their own numbers
    groups        axes that go in step; every point of one is crossed with every point of the others
    seeds         models of a point: their count, for the instance numbers 0 to seeds − 1, or these numbers
    paired        whether the numbers are the same at every point; else no two models have the same
    per_feature   whether the table has norm and D of every feature
    weights       whether the last state of each model is kept
    shard_models  models that are trained in one piece, for each family of models that may share a batch;
                  () before the grid has said how many
    """

    base: Experiment
    groups: tuple[Group, ...]
    seeds: int | tuple[int, ...] = 1
    paired: bool = True
    per_feature: bool = False
    weights: bool = False
    shard_models: tuple[int, ...] = ()

    @property
    def coordinates(self) -> tuple[str, ...]:
        """The names of the axes."""
        return tuple(name for group in self.groups for name in group.names)

    @property
    def n_seeds(self) -> int:
        return self.seeds if isinstance(self.seeds, int) else len(self.seeds)

    @property
    def n_models(self) -> int:
        n = self.n_seeds
        for group in self.groups:
            n *= len(group.values)
        return n

    def values(self, name: str) -> tuple[Any, ...]:
        """The values of an axis. Raises InputError if there is none of this name."""
        for group in self.groups:
            if name in group.names:
                place = group.names.index(name)
                return tuple(point[place] for point in group.values)
        raise InputError(
            f"{name} is no axis of this sweep; its axes are {', '.join(self.coordinates) or 'none'}", name
        )

    def to_json(self) -> str:
        """The sweep as JSON, which `spec_from` reads."""
        axes = {name: self.values(name) for name in self.coordinates}
        record = {
            "base": self.base.model_dump(mode="json"),
            "axes": axes,
            "zipped": [group.names for group in self.groups if len(group.names) > 1],
            "seeds": self.seeds,
            "paired": self.paired,
            "per_feature": self.per_feature,
            "weights": self.weights,
            "shard_models": self.shard_models,
        }
        return json.dumps(record, indent=1) + "\n"

    @property
    def identity(self) -> str:
        """The same for two sweeps whose models are the same, wherever they are trained: 16 hex digits."""
        record = json.loads(self.to_json())
        del record["shard_models"]
        for name in PLACES:
            del record["base"][name]
        text = json.dumps(record, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def make_spec(
    base: Experiment | str,
    axes: Axes | None = None,
    *,
    zipped: Iterable[Sequence[str]] = (),
    seeds: Any = 1,
    paired: bool = True,
    per_feature: bool = False,
    weights: bool = False,
    shard_models: Any = (),
) -> Spec:
    """A sweep from what a user writes. Raises InputError, with one sentence, for what is none.

    base    an Experiment, or a preset's name. Its lists of a value per instance become axes that go in step
    axes    field, or "density", to its values: a list, an array or text, as `axis_values` takes it. They go
            over the base's lists
    zipped  names of axes that go in step; the others are crossed
    """
    start = preset(base) if isinstance(base, str) else base
    _check_count(axes or {}, zipped)
    given = {name: axis_values(name, values) for name, values in (axes or {}).items()}
    if DENSITY in given and "sparsity" in given:
        raise InputError("density is 1 − sparsity: vary one of the two", DENSITY)
    lists = _lists(start, given)
    _check_own(start, lists)
    groups = [Group(tuple(lists), tuple(dict.fromkeys(zip(*lists.values(), strict=True))))] if lists else []
    in_step = [tuple(names) for names in zipped]
    for names in in_step:
        _check_zip(names, given, in_step)
        groups.append(_group(names, given))
    groups += [_group([name], given) for name in given if not any(name in zip_ for zip_ in in_step)]
    # As the user has written them: a group stands where the first of its axes does.
    order = [*lists, *given]
    groups.sort(key=lambda group: order.index(group.names[0]))
    # Their values are those of the axes; one of them stands in the base.
    fixed: dict[str, Any] = {name: axis[0] for name, axis in lists.items()}
    for name in given:
        field = "sparsity" if name == DENSITY else name
        if isinstance(getattr(start, field), tuple):
            fixed[field] = None if name in PER_FEATURE else getattr(start, field)[0]
    if start.init != _OF_ALL:
        fixed["n_instances"] = 1
    spec = Spec(
        base=start.replace(**fixed),
        groups=tuple(groups),
        seeds=_seeds(seeds, paired),
        paired=paired,
        per_feature=per_feature,
        weights=weights,
        shard_models=_shard_models(shard_models),
    )
    if spec.n_models > MOST_MODELS:
        raise _too_many(spec.n_models)
    return spec


def _check_count(axes: Mapping[str, Any], zipped: Iterable[Sequence[str]]) -> None:
    """Refuse at once what is far too large: to look at each of a million values takes seconds."""
    in_step = {name for names in zipped for name in names}
    ranges = {name: _RANGE.fullmatch(v) if isinstance(v, str) else None for name, v in axes.items()}
    count = 1
    for name, values in axes.items():
        if name in in_step:
            continue
        found = ranges[name]
        if found and found["count"].isdecimal():
            count *= max(1, min(int(found["count"]), MOST_VALUES))
        elif isinstance(values, Sized) and not isinstance(values, str):
            count *= max(1, len(values))
    if count > MOST_MODELS:
        raise _too_many(count)


def _too_many(n_models: int) -> InputError:
    return InputError(
        f"this sweep comes to {n_models:,} models; at most {MOST_MODELS:,}: fewer values or seeds", "seeds"
    )


def spec_from(record: Any, where: str | Path) -> Spec:
    """The sweep in a file that was read: the settings of `make_spec`, with `base` or `preset`, or both.

    Raises InputError, naming the file.
    """
    with naming(where):
        return _spec_from(record)


@contextlib.contextmanager
def naming(where: str | Path) -> Iterator[None]:
    """Names the file in the sentence of a mistake that is in it."""
    try:
        yield
    except InputError as error:
        sentence = str(error)
        raise InputError(
            sentence if str(where) in sentence else f"{where}: {sentence}", error.field
        ) from None


def settings_from(record: Any) -> dict[str, Any]:
    """The arguments of `make_spec` in a file that was read; `base` holds fields. Raises InputError."""
    if not isinstance(record, dict):
        raise InputError(f"a sweep should be a table of settings, not {quoted(record)}")
    known = ("preset", "base", "axes", "zipped", "seeds", "paired", "per_feature", "weights", "shard_models")
    for name in record:
        if name in Experiment.model_fields:
            raise InputError(f"{name} belongs under [base], or under [axes] if it is varied", name)
        if name not in known:
            raise InputError(f"a sweep has no setting {quoted(name)}; the settings are {', '.join(known)}")
    for name, kind, words in (
        ("base", dict, "a table of fields"),
        ("axes", dict, "a table of axes"),
        ("preset", str, "a preset's name"),
        ("paired", bool, "true or false"),
        ("per_feature", bool, "true or false"),
        ("weights", bool, "true or false"),
        ("zipped", list | tuple, "a list of lists of names"),
    ):
        if name in record and not isinstance(record[name], kind):
            raise InputError(f"{name} should be {words}, not {quoted(record[name])}")
    for names in record.get("zipped", ()):
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise InputError(f"zipped should be a list of lists of names, not {quoted(record['zipped'])}")
    return dict(record)


def _spec_from(record: Any) -> Spec:
    settings = settings_from(record)
    fields = settings.pop("base", {})
    start = preset(settings.pop("preset", "gist"))
    return make_spec(start.replace(**fields), settings.pop("axes", {}), **settings)


def axis_values(name: str, values: Any) -> tuple[Any, ...]:
    """The values of an axis: of a list or an array, or of text.

    Text is "0,0.5,0.9"; or a range "first:last:count", with both ends, even in steps, or with "log:" before
    it even in ratios. Of `importance` a value is a list, and text is "1,1;1,0.5". Raises InputError for an
    axis that is no field, and for values that the field cannot have.
    """
    field = "sparsity" if name == DENSITY else name
    check_field(field)
    if name in OWN:
        raise InputError(f"{name} is no axis: `seeds` says how many models a point has", name)
    found = _from_text(name, values) if isinstance(values, str) else values
    if isinstance(found, bytes | Mapping) or not isinstance(found, Iterable):
        raise InputError(
            f"the axis {name} should be a list of values, or text as in 0:0.9:10, not {quoted(values)}"
        )
    listed = list(itertools.islice(found, MOST_VALUES + 1))
    if not listed:
        raise InputError(f"the axis {name} has no values")
    if len(listed) > MOST_VALUES:
        raise InputError(f"the axis {name} should have at most {MOST_VALUES:,} values")
    return tuple(_value(name, value) for value in listed)


def is_axis(name: str, text: str) -> bool:
    """Whether the text of an option is an axis, rather than one value of the field."""
    if name in PER_FEATURE:
        return ";" in text
    return "," in text or (":" in text and name != "device")


def sparsity_of(density: float) -> float:
    """1 − p, to the digit: .05 is .95."""
    return float(1 - Decimal(repr(density)))


def _value(name: str, value: Any) -> Any:
    """One value of an axis, as the field has it."""
    if name == DENSITY:
        try:
            density = field_value("init_std", value)  # a number above 0
        except InputError:
            density = None
        if density is None or density > 1:
            raise InputError(f"density should be above 0 and at most 1, not {quoted(value)}", name)
        field_value("sparsity", sparsity_of(density))
        return density
    if hasattr(value, "tolist"):  # numpy's
        value = value.tolist()
    found = field_value(name, value)
    if name in PER_INSTANCE and isinstance(found, tuple):
        raise InputError(f"a value of the axis {name} should be a number, not {quoted(value)}", name)
    if name in PER_FEATURE and found and isinstance(found[0], tuple):
        raise InputError(f"a value of the axis {name} should be a list of one number a feature", name)
    return found


def _from_text(name: str, text: str) -> Iterable[Any]:
    if name in PER_FEATURE:
        return [part.split(",") for part in text.split(";")]
    if ":" not in text or name == "device":
        return [part.strip() for part in text.split(",")]
    found = _RANGE.fullmatch(text)
    if not found:
        raise InputError(
            f"the axis {name} should be values with commas between, or first:last:count, as in 0:0.9:10 or "
            f"log:1:0.01:40, not {quoted(text)}",
            name,
        )
    try:
        count = whole_number(found["count"])
        first, last = Fraction(found["first"]), Fraction(found["last"])
    except ValueError:
        raise InputError(
            f"the axis {name} should end with how many values there are, not {quoted(found['count'])}", name
        ) from None
    if not 1 <= count <= MOST_VALUES:
        raise InputError(f"the axis {name} should have 1 to {MOST_VALUES:,} values, not {count:,}", name)
    if count == 1 and first != last:
        raise InputError(
            f"the axis {name} has both ends, so from {first} to {last} it has 2 values or more", name
        )
    if not found["log"]:
        step = (last - first) / max(count - 1, 1)
        return [float(first + i * step) for i in range(count)]
    if first <= 0 or last <= 0:
        raise InputError(f"the ends of the axis {name} should be above 0, for it is logarithmic", name)
    ratio = float(last / first)
    inner = [float(first) * ratio ** (i / (count - 1)) for i in range(1, count - 1)]
    return [float(first), *inner, float(last)][:count]


def _lists(start: Experiment, given: Axes) -> dict[str, tuple[Any, ...]]:
    """The fields of which a base has a list of a value per instance, but for those that are axes anyway."""
    lists: dict[str, tuple[Any, ...]] = {}
    for name in IN_A_BATCH:
        if name in given or (name == "sparsity" and DENSITY in given):
            continue
        value = getattr(start, name)
        if isinstance(value, tuple) and start.differs(name):
            lists[name] = value
    return lists


def _check_own(start: Experiment, lists: dict[str, tuple[Any, ...]]) -> None:
    if start.instances is not None:
        raise InputError(
            "instances is no setting of a sweep: `seeds` takes the numbers of the models of each point",
            "instances",
        )
    if start.n_instances > 1 and not lists and start.init != _OF_ALL:
        raise InputError(
            f"n_instances is {start.n_instances} in the base: `seeds` says how many models a point has",
            "n_instances",
        )


def _check_zip(names: Sequence[str], given: Axes, in_step: list[tuple[str, ...]]) -> None:
    for name in names:
        if name not in given:
            raise InputError(f"zipped names {quoted(name)}, which is no axis here", name)
        if sum(zip_.count(name) for zip_ in in_step) > 1:
            raise InputError(f"zipped names {name} twice", name)
        if len(names) < 2:
            raise InputError(f"zipped names {name} alone: axes that go in step are two or more", name)
    lengths = {name: len(given[name]) for name in names}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length:,}" for name, length in lengths.items())
        raise InputError(f"axes that are zipped should have as many values each: {told}", names[0])


def _group(names: Sequence[str], axes: Axes) -> Group:
    points = tuple(zip(*(axes[name] for name in names), strict=True))
    seen: set[tuple[Any, ...]] = set()
    for point in points:
        if point in seen:
            told = ", ".join(f"{name} {quoted(value)}" for name, value in zip(names, point, strict=True))
            raise InputError(
                f"the point {told} is there twice: `seeds` makes several models of a point", names[0]
            )
        seen.add(point)
    return Group(tuple(names), points)


def _seeds(seeds: Any, paired: bool) -> int | tuple[int, ...]:
    """How many, or the numbers."""
    if isinstance(seeds, Iterable) and not isinstance(seeds, str):
        numbers = field_value("instances", seeds)
        if not numbers or len(set(numbers)) < len(numbers) or min(numbers) < 0 or max(numbers) >= 2**62:
            raise InputError("seeds should be a count, or different numbers from 0 up", "seeds")
        if not paired:
            raise InputError("seeds should be a count where the models of two points are not paired", "seeds")
        return tuple(numbers)
    try:
        count = whole_number(seeds)
    except ValueError as error:
        raise InputError(f"seeds {error}", "seeds") from None
    if count < 1:
        raise InputError(f"seeds should be at least 1, not {count}", "seeds")
    return count


def _shard_models(value: Any) -> tuple[int, ...]:
    many = isinstance(value, Iterable) and not isinstance(value, str)
    try:
        sizes = tuple(whole_number(size) for size in (value if many else [] if value is None else [value]))
    except ValueError as error:
        raise InputError(f"shard_models {error}", "shard_models") from None
    if sizes and min(sizes) < 1:
        raise InputError(f"shard_models should be at least 1, not {min(sizes)}", "shard_models")
    return sizes
