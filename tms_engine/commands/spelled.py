"""The command line that trains a run anew: what one types, from an experiment and its live changes."""

import shlex
from collections.abc import Iterable
from typing import Any

from tms_engine.errors import InputError
from tms_engine.experiment import Experiment
from tms_engine.presets import PRESETS

# Characters that shells and terminals take in a line without trouble.
_LONGEST = 4000


def text_of(value: Any) -> str:
    """A field's value as one types it: lists with commas, and lists of lists with semicolons between."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        nested = bool(value) and isinstance(value[0], tuple)
        return ";".join(map(text_of, value)) if nested else ",".join(map(text_of, value))
    return (
        str(value).lower()
        if isinstance(value, bool)
        else repr(value)
        if isinstance(value, float)
        else str(value)
    )


def train_command(experiment: Experiment, changes: Iterable[tuple[int, str, Any]] = ()) -> str:
    """`tms train …` for an experiment and changes (step, field, value): to the same bits, on the same kernel.

    From the preset that has the fewest fields to change. Raises InputError where it would be longer than a
    shell takes.
    """
    presets = {name: preset.experiment for name, preset in PRESETS.items()}
    words = min((_options(experiment, preset, name) for name, preset in presets.items()), key=len)
    for step, field, value in changes:
        words.append(f"--change={step}:{field}={text_of(value)}")
    command = shlex.join(["tms", "train", *words])
    if len(command) > _LONGEST:
        raise InputError(
            f"the command has {len(command):,} characters, more than a shell takes: "
            "export the run, whose experiment.json has it all"
        )
    return command


def _options(experiment: Experiment, start: Experiment, name: str) -> list[str]:
    words = [] if name == "gist" else [name]
    for field in Experiment.model_fields:
        value = getattr(experiment, field)
        if value == getattr(start, field):
            continue
        option = f"--{field.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(option if value else f"--no-{option[2:]}")
        else:
            words.append(f"{option}={text_of(value)}")
    return words
