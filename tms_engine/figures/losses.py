"""The losses of a population on fresh data: every instance at its place, in the colour of its name."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tms_engine.analysis.population import Record, by_name
from tms_engine.figures.colors import feature_colors, on_white
from tms_engine.figures.panels import entitle, figure_of, own_style, panel, say_what_is_missing
from tms_engine.figures.populations import about, survey
from tms_engine.training.run import Run

# Names with a colour of their own.
_NAMES = 9


def losses_figure(run: Run, *, step: int | None = None, ax: Axes | None = None) -> Figure:
    """Losses against their place, the best on the left: read sideways, the distribution of losses.

    Steps in it are kinds of solutions. Where sparsities or importances differ, each loss is divided by the
    best of the same task. `step` as in `Run.at`.
    """
    found = survey(run, step)
    alive = [row for row in found.rows if row["rank"]]
    several = any(row["among"] != len(alive) for row in alive)
    best = {row["instance"]: row["loss"] - row["to_best"] for row in alive}
    relative = several and all(value > 0 for value in best.values())
    values = np.array([row["loss"] / best[row["instance"]] if relative else row["loss"] for row in alive])
    errors = np.array([row["standard_error"] / (best[row["instance"]] if relative else 1) for row in alive])
    order = np.argsort(values, kind="stable")
    place = np.empty(len(alive))
    place[order] = 100 * (np.arange(len(alive)) + 0.5) / max(len(alive), 1)
    with own_style(ax):
        plot = panel(ax, 9, 5.5)
        named = by_name(alive)
        colors = on_white(feature_colors(_NAMES + 1))
        names = np.array([row["name"] for row in alive])
        for k, one in enumerate(named[:_NAMES]):
            here = names == one.name
            _draw(plot, place[here], values[here], errors[here], colors[k], _label(one.name, one.instances))
        if len(named) > _NAMES:
            here = ~np.isin(names, [one.name for one in named[:_NAMES]])
            _draw(
                plot, place[here], values[here], errors[here], "0.5", _label("other names", int(here.sum()))
            )
        if not alive:
            say_what_is_missing(plot, "no loss is finite")
        elif values.min() > 0 and values.max() > 10 * values.min():
            plot.set_yscale("log")
        plot.set(xlim=(0, 100), xlabel="instances with a lower loss, %", ylabel=_meaning(relative, alive))
        plot.grid(alpha=0.3)
        handles, labels = plot.get_legend_handles_labels()
        if handles:
            beside = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "borderaxespad": 0}
            plot.legend(handles, labels, fontsize=8, **(beside if ax is None else {"loc": "upper left"}))
        entitle(plot, about(found.snapshot), f"loss on fresh data ({found.how})")
    return figure_of(plot)


def _draw(plot: Axes, x: np.ndarray, y: np.ndarray, errors: np.ndarray, color: object, label: str) -> None:
    """Points, with bars of one standard error where losses have one."""
    size = 4 if len(x) < 300 else 2
    bars = np.where(np.isfinite(errors), errors, 0) if errors.any() else None
    plot.errorbar(x, y, bars, fmt="o", ms=size, mew=0, elinewidth=0.8, color=color, label=label)


def _label(name: str, instances: int) -> str:
    return f"{name} ({instances:,})"


def _meaning(relative: bool, alive: list[Record]) -> str:
    if relative:
        return "loss / the best of the same sparsity and importances"
    return "loss, mean over features" + (
        "" if all(row["among"] == len(alive) for row in alive) else ", of several tasks"
    )
