"""What the commands print about a run: a headline, a summary, tables, numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tms_engine.experiment import Experiment

if TYPE_CHECKING:
    from tms_engine.training.run import Run

_COLUMN_NAMES = {"norm": "‖W‖", "dimensionality": "D", "total_dimensionality": "ΣD", "standard_error": "±"}


def headline(experiment: Experiment) -> str:
    """An experiment in a few words."""
    sparsity = experiment.sparsity
    if isinstance(sparsity, tuple):
        sparsity_text = f"{min(sparsity):.3g} to {max(sparsity):.3g}"
    else:
        sparsity_text = f"{sparsity:.4g}"
    several = f", {experiment.n_instances} instances" if experiment.n_instances > 1 else ""
    model = "" if experiment.model == "tied_relu" else f"{experiment.model}, "
    if experiment.features == "n_active":
        data = f"exactly {experiment.n_active} active"
    else:
        data = f"{experiment.features}, S {sparsity_text}"
    return f"{experiment.n_features} → {experiment.n_hidden}, {model}{data}{several}, seed {experiment.seed}"


def summary_text(summary: dict[str, Any], run: "Run") -> str:
    """A summary as lines of a label and a value."""
    instances = summary["instances"]
    n, m = run.experiment.n_features, run.experiment.n_hidden
    lines = [headline(run.current), f"step {summary['step']:,} of {summary['steps']:,}", ""]
    if len(instances) == 1:
        only = instances[0]
        lines += [
            f"loss on fresh data  {number(only['loss'])} ± {number(only['standard_error'])} "
            f"({summary['evaluation_rows']:,} rows)",
            f"represented         {only['represented']} of {n} features",
            f"ΣD                  {only['total_dimensionality']:.3f} of {m} dimensions",
            f"Σ‖W‖²               {only['total_squared_norm']:.3f}",
        ]
    else:
        losses = sorted(i["loss"] for i in instances if i["loss"] is not None and i["diverged_at"] is None)
        span = f"{number(losses[0])} to {number(losses[-1])}" if losses else "none"
        lines += [
            f"loss on fresh data  {number(summary['loss'])} mean, {span} "
            f"({summary['evaluation_rows']:,} rows each)",
            f"represented         {_span(instances, 'represented', 'd')} of {n} features",
            f"ΣD                  {_span(instances, 'total_dimensionality', '.3f')} of {m} dimensions",
        ]
    if summary["diverged"]:
        lines.append(f"diverged            instance {some(summary['diverged'])}")
    for change in summary["changes"]:
        lines.append(f"changed             {change['field']} to {change['value']} at step {change['step']:,}")
    return "\n".join(lines)


def _span(instances: list[dict[str, Any]], name: str, form: str) -> str:
    values = [i[name] for i in instances if i[name] is not None]
    return f"{min(values):{form}} to {max(values):{form}}" if values else "none"


def some(values: Sequence[int]) -> str:
    """The first ten, and how many more there are."""
    more = f" and {len(values) - 10:,} more" if len(values) > 10 else ""
    return ", ".join(map(str, values[:10])) + more


def number(value: float | None) -> str:
    """A loss, to six decimals, or more digits where it is small."""
    if value is None:
        return "not finite"
    return f"{value:.6f}" if value >= 1e-4 or value == 0 else f"{value:.2e}"


def instance_rows(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """The table of instances, with the columns for which a screen has room."""
    columns = ["loss", "standard_error", "represented", "total_dimensionality"]
    if any(row.get("number", i) != i for i, row in enumerate(summary["instances"])):
        columns.insert(0, "number")
    if summary["diverged"]:
        columns.append("diverged_at")
    return [{"instance": i, **{c: row[c] for c in columns}} for i, row in enumerate(summary["instances"])]


def table(rows: list[dict[str, Any]]) -> str:
    """Rows with the same keys, as right-aligned columns under their names."""

    def text(value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, float):
            return f"{value:.3f}" if abs(value) >= 0.01 or value == 0 else f"{value:.2e}"
        return "" if value is None else str(value)

    columns = [
        [
            _COLUMN_NAMES.get(key, key),
            *((number if key in ("loss", "standard_error") else text)(row[key]) for row in rows),
        ]
        for key in rows[0]
    ]
    widths = [max(map(len, column)) for column in columns]
    return "\n".join(
        "  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True))
        for line in zip(*columns, strict=True)
    )
