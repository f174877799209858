"""What the experiment form makes of fields with several values: a sweep, as `tms sweep` reads them."""

from collections.abc import Mapping
from typing import Any

from tms_engine.errors import InputError
from tms_engine.experiment import PER_INSTANCE, Experiment
from tms_engine.sweeps.spec import OWN, Spec, is_axis, make_spec


def sweep_of(current: Experiment, edited: Mapping[str, str]) -> Spec | None:
    """The sweep that a form asks for: fields of `current`, and the texts of those that were changed.

    A range, or several values where a field takes one, is an axis; n_instances is how many models a point
    has. Of a field that takes a value an instance, values with commas are an axis where there is one
    instance, or another axis. None where there is no axis. Raises InputError for axes that are none.
    """
    axes = {name: text for name, text in edited.items() if name not in OWN and is_axis(name, text)}
    fixed: dict[str, Any] = {**dict(current), **{k: v for k, v in edited.items() if k not in axes}}
    doubtful = [name for name, text in axes.items() if name in PER_INSTANCE and ":" not in text]
    if not axes:
        return None
    for name in axes:  # whatever was there before, as a list of another length
        fixed[name] = Experiment.model_fields[name].default
    base = Experiment(**fixed)
    if base.n_instances > 1 and len(doubtful) == len(axes):
        return None
    lists = any(base.differs(name) for name in PER_INSTANCE) or base.differs("importance")
    seeds = 1 if lists else base.n_instances
    if not lists:
        base = base.replace(n_instances=1, instances=None)
    return make_spec(base, axes, seeds=seeds, per_feature=True)


def about_sweep(spec: Spec) -> str:
    """What starting it does, in a sentence."""
    axes = " × ".join(f"{len(group.values):,} {' with '.join(group.names)}" for group in spec.groups)
    seeds = f" × {spec.n_seeds:,}" if spec.n_seeds > 1 else ""
    return f"A sweep of {spec.n_models:,} models, {axes}{seeds}: another process trains it."


def tried(
    current: Experiment, edited: Mapping[str, str], refused: InputError
) -> tuple[Spec | None, InputError]:
    """The sweep that fields which are no experiment's ask for, and else what is wrong with them."""
    try:
        spec = sweep_of(current, edited)
    except InputError as error:
        is_range = any(":" in text and is_axis(name, text) for name, text in edited.items())
        return None, error if is_range else refused
    return spec, refused
