"""update, of reading the screen: the cursor of W Wᵀ, chosen features, the panes that take turns."""

import dataclasses
from typing import Any

import numpy as np

from tms_tui.model import Model
from tms_tui.panes.measures import gram_features
from tms_tui.reading import Solids, in_order
from tms_tui.update.parts import Updated, with_options


def with_reading(model: Model, **fields: Any) -> Model:
    return dataclasses.replace(model, reading=dataclasses.replace(model.reading, **fields))


def move_cell(model: Model, down: int, right: int) -> Model:
    """The cursor of W Wᵀ goes on; it begins at the chosen features, or at the first."""
    experiment, options, reading = model.experiment, model.options, model.reading
    some = gram_features(experiment.n_features, experiment.n_hidden)
    order = in_order(some, reading.by_solids, reading.solids, options.instance)
    if reading.cell is None:
        first = int(order[0]) if options.feature is None else options.feature
        cell = first, first if reading.other is None else reading.other
        return with_reading(model, cell=cell)
    places = [_place(order, feature) for feature in reading.cell]
    row, column = ((at + by) % len(order) for at, by in zip(places, (down, right), strict=True))
    return with_reading(model, cell=(int(order[row]), int(order[column])))


def _place(order: np.ndarray, feature: int) -> int:
    """Where a feature stands in W Wᵀ, or the one that is nearest to it by number."""
    return int(np.abs(order - feature).argmin())


def choose_pair(model: Model, feature: int, other: int | None) -> Model:
    """Choose a feature, or two; a feature that is chosen alone already is chosen no longer."""
    if other is None or other == feature:
        again = model.options.feature == feature and model.reading.other is None
        return with_reading(with_options(model, feature=None if again else feature), other=None)
    return with_reading(with_options(model, feature=feature), other=other)


def pin(model: Model) -> Model:
    """Keep the selected feature as the one that others are compared with."""
    feature, reading = model.options.feature, model.reading
    if feature is None:
        return model
    return with_reading(model, other=None if reading.other is not None else feature)


def toggle_order(model: Model) -> Updated:
    """By solids, which may have to be found first; or by number again."""
    return with_reading(model, by_solids=not model.reading.by_solids, solids=None), ()


def _with_solids(model: Model) -> Model:
    """The order by solids is that of the first that are known, and stays while the same instance is shown."""
    reading, known, instance = model.reading, model.solids.solid, model.options.instance
    has = reading.solids is not None and reading.solids.instance == instance
    if not reading.by_solids or has or known is None or known.instance != instance:
        return model
    return with_reading(model, solids=Solids(instance, known.shown.step, known.found))


def settled(model: Model) -> Model:
    """Keep what is read inside the run, and let the pane in focus have its turn."""
    model = _with_solids(model)
    reading, focused = model.reading, model.layout.focused
    if focused in ("features", "ladder") and (reading.upper, reading.lower) != (focused, None):
        model = with_reading(model, upper=focused, lower=None)
    elif focused in ("gram", "numbers") and reading.lower != focused:
        model = with_reading(model, lower=focused)
    n = model.view.experiment.n_features
    named = [*(reading.cell or ()), reading.other]
    if reading.under is not None:
        named += [reading.under.feature, reading.under.other]
    if any(j is not None and j >= n for j in named):
        model = with_reading(model, under=None, cell=None, other=None)
    return model
