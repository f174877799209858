"""The population as it is shown: its instances in columns, their order, and what is chosen in it.

Nothing here is worked out from weights: names, dimensionalities and losses come from the training thread.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from tms_engine.analysis.population import varied
from tms_engine.experiment import Experiment
from tms_engine.training.state import Snapshot
from tms_tui.census import Census
from tms_tui.view import View

# Columns of every population; between the first and the second stand those in which its instances differ.
COLUMNS = ("number", "loss", "represented", "total", "name", "residual")


class Rows(NamedTuple):
    """A row for each instance. NaN, and −1 in `which`, where something is not known (yet), or has diverged.

    number          int64: as in the experiment, by which an instance has its data and first weights
    varied          the fields in which instances differ, each with its values
    loss, error     float64: on fresh data, or that of the latest batches, without an error
    is_fresh        whether the losses are those on fresh data
    names, which    as in Census
    residual, represented, total, dimensionality  as in Census
    diverged        bool: kept out of comparisons
    """

    number: Int64[np.ndarray, " instances"]
    varied: tuple[tuple[str, Float64[np.ndarray, " instances"]], ...]
    loss: Float64[np.ndarray, " instances"]
    error: Float64[np.ndarray, " instances"]
    is_fresh: bool
    names: tuple[str, ...]
    which: Int64[np.ndarray, " instances"]
    residual: Float64[np.ndarray, " instances"]
    represented: Float64[np.ndarray, " instances"]
    total: Float64[np.ndarray, " instances"]
    dimensionality: Float32[np.ndarray, "instances features"] | None
    diverged: Bool[np.ndarray, " instances"]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, by which one may sort."""
        return COLUMNS[0], *(name for name, _ in self.varied), *COLUMNS[1:]

    def name(self, instance: int) -> str:
        """The name of one instance; "" where it is not known."""
        return self.names[self.which[instance]] if self.which[instance] >= 0 else ""


@dataclass(frozen=True, eq=False)
class Population:
    """What is shown of a population beside the instance that is selected (`ViewOptions.instance`).

    sort       the column by which the instances are in order
    backwards  whether it is the other way round
    search     what is looked for, as far as it is typed; None: nothing
    came_from  the instance that was selected when the search began
    searched_in  the pane in focus then
    rows       a row for each instance; None before there are weights
    order      the instances in order
    place      the place of each instance in `order`
    seen       what `rows` and `order` are made from
    watched    what the training thread was asked for: whether it takes a census, and of which step
    """

    sort: str = "number"
    backwards: bool = False
    search: str | None = None
    came_from: int = 0
    searched_in: str = "wall"
    rows: Rows | None = None
    order: Int64[np.ndarray, " instances"] | None = None
    place: Int64[np.ndarray, " instances"] | None = None
    seen: tuple[object, ...] = ()
    watched: tuple[bool, int | None] = (False, None)


def make_rows(view: View, shown: Snapshot, newest: bool) -> Rows:
    """The rows at the step that is shown, the `newest` or an earlier one.

    While it trains, names and losses on fresh data are those of some steps ago. At an earlier step there are
    only what belongs to it: the losses of its batches, and the names once they are worked out.
    """
    experiment, n = shown.experiment, shown.experiment.n_instances
    census, evaluation = view.census, view.evaluation
    if census is not None and (len(census.which) != n or not (newest or census.step == shown.step)):
        census = None
    if evaluation is not None and (len(evaluation.loss) != n or not newest):
        evaluation = None
    unknown = np.full(n, np.nan)
    diverged = np.zeros(n, bool)
    diverged[list(shown.diverged)] = True
    names, which = ((), np.full(n, -1)) if census is None else _named(census, diverged)
    loss = np.asarray(shown.losses, np.float64) if evaluation is None else evaluation.loss
    return Rows(
        number=experiment.numbers(),
        varied=_varied(experiment),
        loss=np.where(np.isfinite(loss) & ~diverged, loss, np.nan),
        error=unknown if evaluation is None else evaluation.standard_error,
        is_fresh=evaluation is not None,
        names=names,
        which=which,
        residual=unknown if census is None else np.where(diverged, np.nan, census.residual),
        represented=unknown if census is None else census.represented.astype(np.float64),
        total=unknown if census is None else census.total,
        dimensionality=None if census is None else census.dimensionality,
        diverged=diverged,
    )


def _named(
    census: Census, diverged: Bool[np.ndarray, " instances"]
) -> tuple[tuple[str, ...], Int64[np.ndarray, " instances"]]:
    """The names of those that have not diverged, the most frequent first, and the place of each; else −1."""
    if not diverged.any():
        return census.names, census.which
    counts = np.bincount(census.which[~diverged], minlength=len(census.names))
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    places = np.full(len(counts), -1)
    places[order] = np.arange(len(order))
    return tuple(census.names[k] for k in order), np.where(diverged, -1, places[census.which])


def _varied(experiment: Experiment) -> tuple[tuple[str, Float64[np.ndarray, " instances"]], ...]:
    """The fields in which the instances differ, as far as each has one number of its own."""
    found = []
    for name, values in varied(experiment).items():
        if not isinstance(values[0], tuple):
            found.append((name, np.array(values, np.float64)))
    return tuple(found)


def in_order(rows: Rows, column: str, backwards: bool) -> Int64[np.ndarray, " instances"]:
    """The instances in the order of a column; what is not known comes last, equals by number.

    Names come in the order of their frequency, instances of one name by their loss.
    """
    if column == "name":
        which = np.where(rows.which < 0, len(rows.names), rows.which)
        keys = [np.nan_to_num(rows.loss, nan=np.inf), -which if backwards else which]
        unknown = rows.which < 0
    else:
        values = column_of(rows, column)
        unknown = np.isnan(values)
        keys = [-values if backwards else values]
    return np.lexsort([np.arange(len(rows.number)), *keys, unknown])


def column_of(rows: Rows, column: str) -> Float64[np.ndarray, " instances"]:
    """The values of a column other than the name's."""
    for name, values in rows.varied:
        if name == column:
            return values
    values = {
        "number": rows.number,
        "loss": rows.loss,
        "represented": rows.represented,
        "total": rows.total,
        "residual": rows.residual,
    }[column]
    return values.astype(np.float64)


def rivals(rows: Rows, instance: int) -> Int64[np.ndarray, " some"]:
    """The instances that an instance's loss is compared with: those of the same task, itself included.

    Where it is the only one of its task, all.
    """
    same = np.ones(len(rows.number), bool)
    for name, values in rows.varied:
        if name in ("sparsity", "importance_decay"):
            same &= values == values[instance]
    return np.flatnonzero(same if same.sum() > 1 else np.ones_like(same))


def found(rows: Rows, order: Int64[np.ndarray, " instances"], text: str, start: int) -> int | None:
    """The instance that a text means: the one with this number, or the first whose name has it, from the
    place of instance `start` in the order on, and then from its beginning; None if there is none.
    """
    text = text.strip().lower()
    if not text:
        return None
    if text.isdigit():
        if len(text) > 18:  # beyond any number
            return None
        with_number = np.flatnonzero(rows.number == int(text))
        return int(with_number[0]) if len(with_number) else None
    matching = np.array([text in name.lower() for name in (*rows.names, "")])
    places = np.flatnonzero(matching[rows.which][order])
    if not len(places):
        return None
    here = int(np.flatnonzero(order == start)[0])
    later = places[places >= here]
    return int(order[later[0] if len(later) else places[0]])
