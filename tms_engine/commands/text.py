"""What the commands print about a run: a headline, a summary, tables, numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tms_engine import digits
from tms_engine.digits import number, with_error
from tms_engine.experiment import PER_INSTANCE, Experiment

if TYPE_CHECKING:
    from tms_engine.training.run import Run

_COLUMN_NAMES = {
    "norm": "‖W‖",
    "dimensionality": "D",
    "total_dimensionality": "ΣD",
    "sparsity": "S",
    "learning_rate": "rate",
    "importance_decay": "decay",
}


def headline(experiment: Experiment) -> str:
    """An experiment in a few words."""
    values = experiment.sparsity if isinstance(experiment.sparsity, Sequence) else (experiment.sparsity,)
    least, most = digits.sparsity(min(values)), digits.sparsity(max(values))
    several = f", {experiment.n_instances} instances" if experiment.n_instances > 1 else ""
    model = "" if experiment.model == "tied_relu" else f"{experiment.model}, "
    if experiment.features == "n_active":
        data = f"exactly {experiment.n_active} active"
    else:
        data = f"{experiment.features}, S {least}{f' to {most}' if most != least else ''}"
    return f"{experiment.n_features} → {experiment.n_hidden}, {model}{data}{several}, seed {experiment.seed}"


def summary_text(summary: dict[str, Any], run: "Run") -> str:
    """A summary as lines of a label and a value."""
    instances = summary["instances"]
    n, m = run.experiment.n_features, run.experiment.n_hidden
    lines = [headline(run.current), f"step {summary['step']:,} of {summary['steps']:,}", ""]
    if len(instances) == 1:
        only = instances[0]
        loss = " ± ".join(with_error(only["loss"], only["standard_error"]))
        lines += [
            f"loss on fresh data  {loss} ({_rows(summary)})",
            f"represented         {only['represented']} of {n} features",
            f"ΣD                  {only['total_dimensionality']:.3f} of {m} dimensions",
            f"Σ‖W‖²               {only['total_squared_norm']:.3f}",
        ]
    else:
        lines += [
            f"loss on fresh data  {_losses(summary)} ({_rows(summary)}, the same for all)",
            f"represented         {_span(instances, 'represented', 'd')} of {n} features",
            f"ΣD                  {_span(instances, 'total_dimensionality', '.3f')} of {m} dimensions",
        ]
    if summary["diverged"]:
        lines.append(f"diverged            instance {some(summary['diverged'])}")
    for change in summary["changes"]:
        value = _value_text(change["value"])
        lines.append(f"changed             {change['field']} to {value} at step {change['step']:,}")
    return "\n".join(lines)


def _value_text(value: Any) -> str:
    """A field's value; of a long list, the first ten and how many more there are."""
    if not isinstance(value, list | tuple) or len(value) <= 10:
        return str(value)
    return f"({some(value)})"


def _rows(summary: dict[str, Any]) -> str:
    """How a loss was worked out."""
    rows = summary["evaluation_rows"]
    return f"{rows:,} rows drawn" if rows else "exact"


def _losses(summary: dict[str, Any]) -> str:
    """The losses of several instances: a mean and the best one only of those that have the same task."""
    alive = [i for i in summary["instances"] if i["loss"] is not None and i["diverged_at"] is None]
    if not alive:
        return "none"
    losses = sorted(i["loss"] for i in alive)
    span = f"{number(losses[0])} to {number(losses[-1])}"
    if any(i["among"] < len(alive) for i in alive):
        return f"{span}, of different sparsities or importances, so not comparable"
    return f"{number(summary['loss'])} mean, {span}"


def _span(instances: list[dict[str, Any]], name: str, form: str) -> str:
    values = [i[name] for i in instances if i[name] is not None]
    return f"{min(values):{form}} to {max(values):{form}}" if values else "none"


def some(values: Sequence[Any]) -> str:
    """The first ten, and how many more there are."""
    more = f" and {len(values) - 10:,} more" if len(values) > 10 else ""
    return ", ".join(map(str, values[:10])) + more


def instance_rows(summary: dict[str, Any], experiment: Experiment) -> list[dict[str, Any]]:
    """The table of instances, with the columns for which a screen has room.

    What differs between instances stands before their losses, and their places behind: among those with the
    same sparsity and importances, with the difference to the best of them.
    """
    instances = summary["instances"]
    numbered = any(row["number"] != i for i, row in enumerate(instances))
    varied = [name for name in PER_INSTANCE if isinstance(getattr(experiment, name), tuple)]
    rows = []
    compared = max(row["among"] for row in instances) > 1
    for i, row in enumerate(instances):
        loss, error = with_error(row["loss"], row["standard_error"])
        cells: dict[str, Any] = {"instance": i, **({"number": row["number"]} if numbered else {})}
        cells |= {name: _setting(name, getattr(experiment, name)[i]) for name in varied}
        cells |= {"loss": loss, "±": error}
        if compared:
            place = f"{row['rank']} of {row['among']}" if row["rank"] else None
            behind = (
                with_error(row["to_best"], row["to_best_error"], sign=True) if row["rank"] else (None, None)
            )
            if row["rank"] == 1:
                behind = "best", ""
            cells |= {"place": place, "to the best": behind[0], "± of it": behind[1]}
        cells |= {"represented": row["represented"], "total_dimensionality": row["total_dimensionality"]}
        if summary["diverged"]:
            cells["diverged_at"] = row["diverged_at"]
        rows.append(cells)
    return rows


def _setting(name: str, value: float) -> str:
    return digits.sparsity(value) if name == "sparsity" else f"{value:.4g}"


def table(rows: list[dict[str, Any]]) -> str:
    """Rows with the same keys, as right-aligned columns under their names."""

    def text(value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, float):
            return number(value, 3) if abs(value) < 0.01 else f"{value:.3f}"
        return "" if value is None else str(value)

    columns = [[_COLUMN_NAMES.get(key, key), *(text(row[key]) for row in rows)] for key in rows[0]]
    widths = [max(map(len, column)) for column in columns]
    return "\n".join(
        "  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True))
        for line in zip(*columns, strict=True)
    )
