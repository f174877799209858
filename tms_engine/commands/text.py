"""What the commands print about a run: a headline, a summary, tables, numbers."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tms_engine import digits
from tms_engine.analysis.population import Record, by_name, records
from tms_engine.digits import EXACT, how_exact, number, with_error
from tms_engine.experiment import PER_FEATURE, PER_INSTANCE, Experiment

if TYPE_CHECKING:
    from tms_engine.sweeps.grid import Grid
    from tms_engine.training.run import Run

_COLUMN_NAMES = {
    "norm": "‖W‖",
    "dimensionality": "D",
    "standard_error": "±",
    "total_dimensionality": "ΣD",
    "sparsity": "S",
    "learning_rate": "rate",
    "importance_decay": "decay",
    "rank": "place",
    "to_best": "to the best",
    "to_best_error": "± of it",
    "residual": "off",
    "diverged_at": "diverged",
}
# Columns of the table of instances that go where there is no room, the first first.
_DISPENSABLE = ("± of it", "represented", "±", "ΣD", "off", "to the best", "number")
# Rows of a long table, and names, that are shown unless more are asked for.
SHOWN_ROWS, _SHOWN_NAMES = 20, 12


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
        value, error = with_error(only["loss"], only["standard_error"])
        loss = f"{value} ± {error}" if summary["evaluation_rows"] else value
        lines += [
            f"loss on fresh data  {loss} ({_rows(summary)})",
            f"geometry            {_title(only)}",
            f"represented         {only['represented']} of {n} features",
            f"ΣD                  {only['total_dimensionality']:.3f} of {m} dimensions",
            f"Σ‖W‖²               {only['total_squared_norm']:.3f}",
        ]
    else:
        same = ", the same for all" if summary["evaluation_rows"] else ""
        lines += [
            f"loss on fresh data  {_losses(summary)} ({_rows(summary)}{same})",
            f"represented         {_span(instances, 'represented', 'd')} of {n} features",
            f"ΣD                  {_span(instances, 'total_dimensionality', '.3f')} of {m} dimensions",
        ]
        if any(row["among"] < len(instances) for row in instances if row["rank"]):
            lines.append("places              among the same sparsity and importances")
    if summary["diverged"]:
        lines.append(f"diverged            instance {some(summary['diverged'])}")
    for change in summary["changes"]:
        value = _value_text(change["value"])
        lines.append(f"changed             {change['field']} to {value} at step {change['step']:,}")
    if len(instances) > 1 and any(row["name"] for row in instances):
        lines += ["", names_table(records(summary["instances"], run.current))]
    return "\n".join(lines)


def _value_text(value: Any) -> str:
    """A field's value; of a long list, the first ten and how many more there are."""
    if not isinstance(value, list | tuple) or len(value) <= 10:
        return str(value)
    return f"({some(value)})"


def _rows(summary: dict[str, Any]) -> str:
    """How a loss was worked out."""
    return how_exact(summary["evaluation_rows"])


def _title(row: dict[str, Any]) -> str:
    """What the geometry of an instance is called, and how far it is off."""
    from tms_engine.analysis.polytopes import title

    return title(row["name"], math.nan if row["residual"] is None else row["residual"])


def _losses(summary: dict[str, Any]) -> str:
    """The losses of several instances: a mean and the best one only of those that have the same task."""
    alive = [i for i in summary["instances"] if i["loss"] is not None and i["diverged_at"] is None]
    if not alive:
        return "none"
    losses = sorted(i["loss"] for i in alive)
    span = f"{number(losses[0])} to {number(losses[-1])}"
    if any(i["among"] < len(alive) for i in alive):
        return f"{span}, of several tasks"
    return f"{number(summary['loss'])} mean, {span}"


def _span(instances: list[dict[str, Any]], name: str, form: str) -> str:
    values = [i[name] for i in instances if i[name] is not None]
    return _from_to(f"{min(values):{form}}", f"{max(values):{form}}") if values else "none"


def _from_to(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def some(values: Sequence[Any]) -> str:
    """The first ten, and how many more there are."""
    more = f" and {len(values) - 10:,} more" if len(values) > 10 else ""
    return ", ".join(map(str, values[:10])) + more


def names_table(rows: Sequence[Record]) -> str:
    """How many instances have each name, with their losses: a histogram in numbers."""
    named = by_name(rows)
    lines = [
        _name_row(one.name, one.instances, len(rows), one.loss, one.residual) for one in named[:_SHOWN_NAMES]
    ]
    if len(named) > _SHOWN_NAMES:
        rest = sum(one.instances for one in named[_SHOWN_NAMES:])
        lines.append(_name_row(f"{len(named) - _SHOWN_NAMES:,} more names", rest, len(rows), None, None))
    return table(lines) if lines else ""


def _name_row(
    name: str,
    count: int,
    of: int,
    loss: tuple[float, float, float] | None,
    residual: tuple[float, float, float] | None,
) -> dict[str, Any]:
    cells: dict[str, Any] = {"name": name, "instances": f"{count:,}", "share": f"{100 * count / of:.1f} %"}
    for k, column in enumerate(("least loss", "median", "greatest")):
        cells[column] = "" if loss is None else number(loss[k])
    off = "" if residual is None else f"{_from_to(f'{residual[0]:.1f}', f'{residual[2]:.1f}')}°"
    return cells | {"off": off}


def instance_rows(rows: Sequence[Record], summary: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells of the table of instances.

    What differs between instances stands before their losses. Their places are among those with the same
    sparsity and importances, and so are the differences to the best of them. Exact losses have no errors.
    """
    instances, drawn = summary["instances"], bool(summary["evaluation_rows"])
    numbered = any(row["number"] != i for i, row in enumerate(instances))
    compared = max(row["among"] for row in instances) > 1
    ranked = sum(row["rank"] is not None for row in instances)
    several_tasks = any(row["among"] not in (0, ranked) for row in instances)
    found = []
    for row in rows:
        loss, error = with_error(row["loss"], row["standard_error"])
        cells: dict[str, Any] = {}
        if compared:
            cells["place"] = (
                f"{row['rank']} of {row['among']}" if several_tasks and row["rank"] else row["rank"]
            )
        cells |= {"instance": row["instance"], **({"number": row["number"]} if numbered else {})}
        cells |= {name: _setting(name, row[name]) for name in (*PER_INSTANCE, *PER_FEATURE) if name in row}
        cells |= {"loss": loss, **({"±": error} if drawn else {})}
        if compared:
            behind = _behind(row)
            cells |= {"to the best": behind[0], **({"± of it": behind[1]} if drawn else {})}
        cells |= {"represented": row["represented"], "ΣD": row["total_dimensionality"], "name": row["name"]}
        cells["off"] = "" if row["residual"] is None else f"{row['residual']:.1f}°"
        if summary["diverged"]:
            cells["diverged"] = row["diverged_at"]
        found.append(cells)
    return found


def _behind(row: Record) -> tuple[str, str]:
    """The difference to the best loss, and its error."""
    if not row["rank"]:
        return "", ""
    if row["rank"] == 1:
        return "best", ""
    return with_error(row["to_best"], row["to_best_error"], sign=True, least=EXACT * row["loss"])


def instance_text(summary: dict[str, Any], instance: int) -> str:
    """One instance of several, as lines of a label and a value."""
    row = summary["instances"][instance]
    loss, error = with_error(row["loss"], row["standard_error"])
    drawn = bool(summary["evaluation_rows"])
    lines = [f"instance            {instance}, number {row['number']}"]
    lines.append(f"loss on fresh data  {loss}{f' ± {error}' if drawn else ''} ({_rows(summary)})")
    if row["rank"] and row["among"] > 1:
        behind, error = _behind(row)
        far = "" if row["rank"] == 1 else f", {behind}{f' ± {error}' if drawn else ''} to the best"
        lines.append(f"place               {row['rank']:,} of {row['among']:,}{far}")
    lines.append(f"geometry            {_title(row)}")
    if row["diverged_at"] is not None:
        lines.append(f"diverged            at step {row['diverged_at']:,}")
    return "\n".join(lines)


def fitted(rows: list[dict[str, Any]], width: int) -> tuple[str, list[str]]:
    """A table that is no wider than this, if that can be, and the columns that it is without."""
    text, without = table(rows), []
    for column in _DISPENSABLE:
        if len(text.partition("\n")[0]) <= width:
            break
        if column in rows[0]:
            rows = [{name: cell for name, cell in row.items() if name != column} for row in rows]
            text = table(rows)
            without.append(column)
    return text, without


def _setting(name: str, value: Any) -> str:
    """The value of a field for one instance; of a list its first three."""
    if isinstance(value, tuple | list):
        return ",".join(f"{one:.3g}" for one in value[:3]) + (",…" if len(value) > 3 else "")
    return digits.sparsity(value) if name == "sparsity" else f"{value:.4g}"


def table(rows: list[dict[str, Any]]) -> str:
    """Rows with the same keys, as columns under their names: names to the left, all else to the right."""

    def text(value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, float):
            return number(value, 3) if abs(value) < 0.01 else f"{value:.3f}"
        return "" if value is None else str(value)

    columns = [[_COLUMN_NAMES.get(key, key), *(text(row[key]) for row in rows)] for key in rows[0]]
    widths = [max(map(len, column)) for column in columns]
    sides = ["<" if key == "name" else ">" for key in rows[0]]
    return "\n".join(
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(line, sides, widths, strict=True)
        ).rstrip()
        for line in zip(*columns, strict=True)
    )


def sweep_headline(grid: "Grid") -> str:
    """A sweep in a few words: its models, axes and seeds."""
    spec = grid.spec
    axes = " × ".join(f"{len(group.values):,} {' with '.join(group.names)}" for group in spec.groups)
    models, seeds = how_many(grid.n_models, "model"), how_many(spec.n_seeds, "seed")
    return f"{models}: {axes + ' × ' if axes else ''}{seeds}"


def how_many(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
