"""update, of the population: its rows and their order, moving in it, sorting, searching."""

import dataclasses
from typing import Any, assert_never

import numpy as np

from tms_engine import digits
from tms_tui.messages import Command, Effect, Focus
from tms_tui.messages.population import (
    GoTo,
    MoveName,
    MoveOnWall,
    MovePage,
    MoveRow,
    MoveToEnd,
    OpenInstance,
    PopulationMessage,
    Reverse,
    Search,
    SearchEnded,
    SearchTyped,
    SelectInstance,
    SortBy,
    SortNext,
)
from tms_tui.model import Model
from tms_tui.population import Rows, found, in_order, make_rows, rivals
from tms_tui.update.parts import Updated, laid_out, short_toast, with_options
from tms_tui.update.screens import open_screen


def refreshed(model: Model) -> Model:
    """With the rows and the order of now, where the population is on the screen."""
    if model.trail[-1] != "population" or model.shown is None:
        return model
    view, state, shown = model.view, model.population, model.shown
    # Losses of batches are other ones at each look; those on fresh data, and names, are kept for a while.
    batch = None if view.evaluation is not None and model.options.step is None else shown
    made_of = (view.census, view.evaluation, batch, model.options.step)
    sorted_by = (state.sort, state.backwards)
    seen = (*made_of, shown.experiment, len(shown.diverged), *sorted_by)
    same = len(seen) == len(state.seen) and all(
        a is b or (isinstance(a, str | int) and a == b) for a, b in zip(seen, state.seen, strict=True)
    )
    if same and state.rows is not None:
        return model
    rows = make_rows(view, shown, model.options.step is None)
    sort = state.sort if state.sort in rows.columns else "number"
    order = in_order(rows, sort, state.backwards)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return with_population(model, rows=rows, order=order, place=place, sort=sort, seen=seen)


def watched(model: Model) -> Updated:
    """Ask the training thread for names while they are on the screen, or may be searched for."""
    shows = model.trail[-1] == "population" or model.layout.screen == "finder"
    wanted = (True, model.options.step) if shows else (False, None)
    if wanted == model.population.watched:
        return model, ()
    effects: tuple[Effect, ...] = (Command("watch", wanted),)
    return with_population(model, watched=wanted), effects


def with_population(model: Model, **fields: Any) -> Model:
    return dataclasses.replace(model, population=dataclasses.replace(model.population, **fields))


def on_population(model: Model, message: PopulationMessage) -> Updated:
    """The Model after a message of the population, and what is to be done."""
    state, rows = model.population, model.population.rows
    match message:
        case OpenInstance():
            return open_screen(model, "dashboard"), ()
        case SortBy(column):
            same = column == state.sort
            return with_population(model, sort=column, backwards=same and not state.backwards), ()
        case Reverse():
            return with_population(model, backwards=not state.backwards), ()
        case SelectInstance(instance):
            return with_options(model, instance=instance), ()
        case SearchEnded(accepted):
            ended = with_population(model, search=None)
            back = laid_out(ended, focused=state.searched_in)
            focus = (Focus(state.searched_in),)
            return (back if accepted else with_options(back, instance=state.came_from)), focus
    if rows is None or state.order is None or state.place is None:
        return model, ()
    match message:
        case MoveOnWall(right, down):
            return moved(model, right + down * model.layout.across), ()
        case MoveRow(down):
            return moved(model, down), ()
        case MovePage(down):
            return moved(model, down * model.layout.page), ()
        case MoveToEnd(direction):
            return moved(model, direction * len(state.order)), ()
        case MoveName(down):
            return _name_moved(model, rows, down), ()
        case GoTo("same name"):
            return _next_of_name(model, rows)
        case GoTo(goal):
            return _best_or_worst(model, rows, goal == "best")
        case SortNext(direction):
            at = (rows.columns.index(state.sort) + direction) % len(rows.columns)
            return with_population(model, sort=rows.columns[at], backwards=False), ()
        case Search():
            instance, pane = model.options.instance, model.layout.focused or "wall"
            begun = with_population(model, search="", came_from=instance, searched_in=pane)
            return laid_out(begun, focused="search"), (Focus("search"),)
        case SearchTyped(text):
            searched = with_population(model, search=text)
            hit = found(rows, state.order, text, state.came_from)
            return with_options(searched, instance=state.came_from if hit is None else hit), ()
        case _:
            assert_never(message)


def moved(model: Model, places: int) -> Model:
    """So many places on in the order, as far as it goes."""
    order, place = model.population.order, model.population.place
    if order is None or place is None:
        return model
    at = int(place[model.options.instance]) + places
    return with_options(model, instance=int(order[min(max(at, 0), len(order) - 1)]))


def _best_or_worst(model: Model, rows: Rows, best: bool) -> Updated:
    """The instance with the least or the greatest loss of the same task, and a word on it."""
    among = rivals(rows, model.options.instance)
    alive = among[np.isfinite(rows.loss[among])]
    if not len(alive):
        return model, (short_toast("no losses are known"),)
    chosen = int(alive[(np.argmin if best else np.argmax)(rows.loss[alive])])
    what = "loss" if rows.is_fresh else "batch loss"
    said = (
        f"the {'best' if best else 'worst'} of {len(alive):,}: {what} {digits.number(rows.loss[chosen], 4)}"
    )
    name = rows.name(chosen)
    return with_options(model, instance=chosen), (short_toast(f"{said}, {name}" if name else said),)


def _next_of_name(model: Model, rows: Rows) -> Updated:
    """The next instance in the order, round and round, that has the name of the selected one."""
    order, place, instance = model.population.order, model.population.place, model.options.instance
    assert order is not None
    assert place is not None
    if rows.which[instance] < 0:
        return model, (short_toast("its name is not known yet"),)
    places = np.flatnonzero((rows.which == rows.which[instance])[order])
    if len(places) == 1:
        return model, (short_toast(f"the only {rows.name(instance)}"),)
    later = places[places > place[instance]]
    return with_options(model, instance=int(order[later[0] if len(later) else places[0]])), ()


def _name_moved(model: Model, rows: Rows, down: int) -> Model:
    """The best instance of the next name of the histogram, or of the one above."""
    if not rows.names:
        return model
    at = int(rows.which[model.options.instance]) + down
    of_name = np.flatnonzero(rows.which == min(max(at, 0), len(rows.names) - 1))
    losses = rows.loss[of_name]
    best = int(np.nanargmin(losses)) if np.isfinite(losses).any() else 0
    return with_options(model, instance=int(of_name[best]))
