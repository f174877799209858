"""The words and numbers in figures: what is shown, of which step and instance, and short values."""

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from tms_engine import digits
from tms_engine.experiment import PER_FEATURE, PER_INSTANCE, Experiment
from tms_engine.training.state import Change, Snapshot

# How a field is named where there is little room.
_SHORT = {
    "sparsity": "S",
    "importance_decay": "importance decay",
    "learning_rate": "learning rate",
    "importance": "importance",
    "relative_density": "densities",
}


def describe(snapshot: Snapshot) -> str:
    """The sizes of a model, as in the seed's title, and which model it is if not the seed's."""
    experiment = snapshot.experiment
    model = "" if experiment.model == "tied_relu" else f", {experiment.model}"
    return f"TMS ({experiment.n_features} feats, {experiment.n_hidden} dims{model})"


def where(snapshot: Snapshot, instance: int) -> str:
    """The step, the instance if there are several, its number if that is another, and whether it diverged."""
    words = [f"step {snapshot.step:,}"]
    experiment = snapshot.experiment
    number = int(experiment.numbers()[instance])
    if experiment.n_instances > 1:
        words.append(f"instance {instance}")
    if number != instance:
        words[-1] += f" (number {number})" if experiment.n_instances > 1 else f", instance number {number}"
    if instance in snapshot.diverged:
        words.append("diverged")
    return ", ".join(words)


def first_features(snapshot: Snapshot, n_drawn: int) -> str:
    """What to add to a title where not all features are drawn."""
    return "" if n_drawn == snapshot.experiment.n_features else f" of the first {n_drawn:,} features"


def data_of(snapshot: Snapshot, instance: int) -> str:
    """The data law of an instance and its parameters."""
    experiment = snapshot.experiment
    law = experiment.features
    if law == "n_active":
        return f"exactly {active([experiment.n_active])}"
    in_sets = law in ("correlated", "anticorrelated", "hierarchical")
    sets = f" sets of {field_value('set_size', experiment.set_size)}" if in_sets else " features"
    sparsity = digits.sparsity(experiment.per_instance("sparsity")[instance])
    return f"{law.capitalize().replace('_', ' ')}{sets}, S\u00a0=\u00a0{sparsity}"


def active(numbers: Sequence[int]) -> str:
    """ "1 or 2 active features" of [1, 2]."""
    *most, last = map(str, numbers)
    listed = f"{', '.join(most)}{',' if len(most) > 1 else ''} or {last}" if most else last
    return f"{listed} active feature{'' if list(numbers) == [1] else 's'}"


def fixed(value: float, decimals: int = 2) -> str:
    """So many digits after the point, but never −0.00, and a power of ten from 1,000 on."""
    if not math.isfinite(value):
        return "not finite"
    if abs(value) >= 1000:
        return f"{value:.{decimals - 1}e}".replace("e+0", "e").replace("e+", "e")
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text


def field_value(field: str, value: Any) -> str:
    """The value of a field: a number in few digits, of a list its first three."""
    if isinstance(value, tuple):
        more = ", …" if len(value) > 3 else ""
        return ", ".join(field_value(field, v) for v in value[:3]) + more
    if field == "sparsity":
        return digits.sparsity(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def change_text(change: Change, instance: int) -> str:
    """A live change; where each instance has a value of its own, that of this one: "sparsity[3] → 0.8"."""
    of_each = change.field in PER_INSTANCE and isinstance(change.value, tuple)
    of_each = of_each or (change.field in PER_FEATURE and _is_list_of_lists(change.value))
    value = change.value[instance] if of_each else change.value
    return f"{change.field}{f'[{instance}]' if of_each else ''} → {field_value(change.field, value)}"


def differing(experiment: Experiment) -> list[str]:
    """The fields in which the instances differ."""
    names = [
        name
        for name in PER_INSTANCE
        if isinstance(getattr(experiment, name), tuple) and len(set(getattr(experiment, name))) > 1
    ]
    names += [
        name for name in PER_FEATURE if experiment.differs(name) and len(set(getattr(experiment, name))) > 1
    ]
    return names


def settings_of(experiment: Experiment, instance: int, names: Sequence[str]) -> str:
    """The values of these fields for one instance."""
    return ", ".join(
        f"{_SHORT[name]} {field_value(name, getattr(experiment, name)[instance])}" for name in names
    )


def names_of(fields: Sequence[str]) -> str:
    """Fields as words: "sparsity and importance decay"."""
    *most, last = (name.replace("_", " ") for name in fields)
    return f"{', '.join(most)} and {last}" if most else last


def title(lines: Sequence[str], width: float, size: float = 12) -> str:
    """Lines broken so that they fit into so many inches in letters of `size` points."""
    # In DejaVu Sans a letter of such lines is .53 of its size wide at most, on average.
    room = max(20, int(width * 72 / (0.54 * size)))
    return "\n".join(part for line in lines for part in wrapped(line, room))


def wrapped(line: str, room: int) -> list[str]:
    """A line in as few of so many letters as it takes, of about one length."""
    lines = textwrap.wrap(line, room)
    while room > 1 and len(balanced := textwrap.wrap(line, room := room - 1)) == len(lines):
        lines = balanced
    return lines


def _is_list_of_lists(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) > 0 and isinstance(value[0], tuple)
