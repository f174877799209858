"""What panes of the population say of an instance, in words and numbers."""

import math

from tms_engine import digits
from tms_tui.model import Model
from tms_tui.population import Rows

# Columns as they are called on the screen: a field's symbol, else the first word of its name.
HEADINGS = {
    "number": "no.",
    "loss": "loss",
    "represented": "repr",
    "total": "ΣD",
    "name": "name",
    "residual": "off",
    "sparsity": "S",
    "learning_rate": "rate",
    "importance_decay": "decay",
}


def heading(column: str) -> str:
    return HEADINGS.get(column, column.replace("_", " "))


def varied_text(column: str, value: float) -> str:
    """A value of a field in which instances differ."""
    return digits.sparsity(value) if column == "sparsity" else f"{value:.4g}"


def what_varies(rows: Rows, instance: int) -> str:
    """As "S 0.9" or "S 0.9, decay 0.7"; "" where instances differ in their numbers alone."""
    return ", ".join(
        f"{heading(column)} {varied_text(column, float(values[instance]))}" for column, values in rows.varied
    )


def name_of(rows: Rows, instance: int) -> str:
    """The name of an instance; of one that has diverged that it has."""
    return "diverged" if rows.diverged[instance] else rows.name(instance)


def off_text(degrees: float) -> str:
    """Degrees from the ideal; "" where there is none."""
    if not math.isfinite(degrees):
        return ""
    return f"{degrees:.1f}°" if degrees < 9.95 else f"{degrees:.0f}°"


def loss_text(rows: Rows, instance: int) -> tuple[str, str]:
    """The loss, and its error if it has one: "0.003984", "± 0.000023"."""
    loss, error = float(rows.loss[instance]), float(rows.error[instance])
    if not math.isfinite(loss):
        return "", ""
    if not error > 0:  # exact, or not known
        return digits.number(loss, 4), ""
    decimals = min(max(1 - math.floor(math.log10(error)), 0), 12)
    if loss < 1e-4 or loss >= 1e4:
        return digits.number(loss, 3), f"± {error:.1g}"
    return f"{loss:.{decimals}f}", f"± {error:.{decimals}f}"


def about_instance(model: Model) -> list[str]:
    """All that is known of the selected instance, the most telling first."""
    rows = model.population.rows
    return [] if rows is None else known_of(model, rows, model.options.instance)


def known_of(model: Model, rows: Rows, instance: int) -> list[str]:
    """All that is known of an instance, the most telling first."""
    parts = [f"instance {rows.number[instance]:,}"]
    if varies := what_varies(rows, instance):
        parts.append(varies)
    name, off = name_of(rows, instance), off_text(float(rows.residual[instance]))
    if name:
        parts.append(f"{name}, {off} off" if off and not rows.diverged[instance] else name)
    loss, error = loss_text(rows, instance)
    if loss:
        parts.append(f"{'loss' if rows.is_fresh else 'batch loss'} {loss} {error}".rstrip())
    if math.isfinite(rows.represented[instance]):
        parts.append(f"{rows.represented[instance]:.0f} of {model.experiment.n_features} represented")
        parts.append(f"ΣD {rows.total[instance]:.2f}")
    comparison = model.view.comparison
    if rows.is_fresh and comparison is not None and comparison.among[instance] > 1:
        parts.insert(
            len(parts) - 2 if len(parts) > 3 else len(parts),
            f"place {comparison.rank[instance]:,} of {comparison.among[instance]:,}",
        )
    return parts
