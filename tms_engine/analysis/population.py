"""A population in numbers: its instances as records, put in order, and what they have become, by names.

Made from a run's summary (`evaluation.summarize`), so that a run of thousands that is saved is shown without
being evaluated again. Records hold what JSON and CSV can hold; None where a number is not finite.
"""

from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

from tms_engine.errors import InputError
from tms_engine.experiment import PER_FEATURE, PER_INSTANCE, Experiment

Record = dict[str, Any]
# Fields that make another task of an instance: losses are compared within one.
_TASK = ("sparsity", "relative_density", "importance_decay", "importance")


class Named(NamedTuple):
    """The instances of one name.

    loss, residual  the least, the median and the greatest of those that are known; None where none is
    """

    name: str
    instances: int
    loss: tuple[float, float, float] | None
    residual: tuple[float, float, float] | None


def varied(experiment: Experiment) -> dict[str, Sequence[Any]]:
    """The fields in which the instances differ, and the value of each instance."""
    fields = {name: getattr(experiment, name) for name in (*PER_INSTANCE, *PER_FEATURE)}
    return {name: value for name, value in fields.items() if experiment.differs(name) and len(set(value)) > 1}


def records(instances: Sequence[Record], experiment: Experiment) -> list[Record]:
    """A record for each instance: its place from 0, its number, what differs, and its numbers.

    `instances` are those of a summary.
    """
    fields = varied(experiment)
    return [
        {
            "instance": i,
            "number": row["number"],
            **{name: value[i] for name, value in fields.items()},
            **{name: value for name, value in row.items() if name != "number"},
        }
        for i, row in enumerate(instances)
    ]


def ordered(rows: Sequence[Record], field: str = "rank") -> list[Record]:
    """The records in the order of a field, what has none last; "-FIELD" is the other way round.

    By rank, those of one task stand together. Raises InputError if they have no such field.
    """
    name, backwards = field.removeprefix("-"), field.startswith("-")
    if not rows or name not in rows[0]:
        known = ", ".join(rows[0]) if rows else "none"
        raise InputError(f"there is no column {name!r} to sort by; there are {known}")
    task = [column for column in _TASK if column in rows[0]] if name == "rank" else []
    has = [row for row in rows if row[name] is not None]
    has_not = [row for row in rows if row[name] is None]
    has.sort(key=lambda row: [row["rank"] or len(rows), row["instance"]])
    has.sort(key=lambda row: [*(row[column] for column in task), row[name]], reverse=backwards)
    return has + has_not


class Chosen(NamedTuple):
    """An instance that stands for others, and what for."""

    instance: int
    reason: str


def representatives(rows: Sequence[Record], most: int) -> list[Chosen]:
    """The best, the worst, and the best of each name, the most frequent name first: at most so many.

    An instance that is several of these is there once. Where tasks differ, losses are not compared: there
    are the best of each task, in order, and of each name the first.
    """
    alive = [row for row in ordered(rows) if row["rank"]]
    found: dict[int, list[str]] = {}
    if not alive:
        return [Chosen(row["instance"], "") for row in rows[:most]]
    several = any(row["among"] != len(alive) for row in alive)
    if several:
        for row in alive:
            if row["rank"] == 1:
                found[row["instance"]] = ["the best of its task"]
    else:
        found.setdefault(alive[0]["instance"], []).append("the best")
        found.setdefault(alive[-1]["instance"], []).append("the worst")
    for named in by_name(alive):
        first = next(row for row in alive if row["name"] == named.name)
        share = f"{100 * named.instances / len(alive):.3g} %"
        of_name = f"first of {named.instances:,}" if several else f"best of {named.instances:,}"
        found.setdefault(first["instance"], []).append(f"{of_name} so named, {share}")
    return [Chosen(instance, "; ".join(reasons)) for instance, reasons in list(found.items())[:most]]


def by_name(rows: Sequence[Record]) -> list[Named]:
    """How many instances have each name, the most frequent first, and their losses. Diverged ones count
    too."""
    groups: dict[str, list[Record]] = {}
    for row in rows:
        if row["name"] is not None:
            groups.setdefault(row["name"], []).append(row)
    named = [
        Named(name, len(group), _range(group, "loss"), _range(group, "residual"))
        for name, group in groups.items()
    ]
    return sorted(named, key=lambda one: (-one.instances, one.name))


def _range(rows: Sequence[Record], name: str) -> tuple[float, float, float] | None:
    values = [row[name] for row in rows if row[name] is not None and row["diverged_at"] is None]
    return (min(values), median(values), max(values)) if values else None
