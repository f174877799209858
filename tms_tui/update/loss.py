"""update, of the loss: which part of it is shown, and what is drawn over it."""

import dataclasses
import math

from tms_tui.drawing.loss_chart import Window, limits, whole_span
from tms_tui.loss_look import Overlay
from tms_tui.loss_scene import loss_scene
from tms_tui.memo import Memo
from tms_tui.messages import Effect, FindLevels, LevelsFound, PanLoss, RunToOverlay, ZoomLoss
from tms_tui.model import Model
from tms_tui.update.parts import Updated, short_toast

# How much nearer one zoom is, how near it goes (part of the whole axis), and the part that a key moves by.
_ZOOM, _NEAREST, PART = 1.5, 1e-3, 0.125


def with_look(model: Model, **fields: object) -> Model:
    return dataclasses.replace(model, loss=dataclasses.replace(model.loss, **fields))  # type: ignore[arg-type]


def zoom(model: Model, message: ZoomLoss) -> Updated:
    """Show a smaller or a larger part of an axis."""
    window, factor = model.loss.window, _ZOOM**-message.direction
    if message.axis == "steps":
        at = model.view.step if model.options.step is None else model.options.step
        whole = _to_axis(_whole_steps(model), model.loss.log_steps)
        now = whole if window.steps is None else _to_axis(window.steps, model.loss.log_steps)
        fixed = message.step if message.step is not None else at
        (place,) = _to_axis((fixed,), model.loss.log_steps)
        steps = _scaled((now[0], now[1]), min(max(place, now[0]), now[1]), factor, (whole[0], whole[1]))
        chosen = None if steps is None else _from_axis(steps, model.loss.log_steps)
        return with_look(model, window=window._replace(steps=chosen)), ()
    found = _losses(model)
    if found is None:
        return model, ()
    now, log = _to_axis(found, model.options.log), model.options.log
    place = sum(now) / 2 if message.loss is None else _to_axis((message.loss,), log)[0]
    losses = _scaled((now[0], now[1]), place, factor, None)
    assert losses is not None
    return with_look(model, window=window._replace(losses=_from_axis(losses, log))), ()


def pan(model: Model, message: PanLoss) -> Updated:
    """Move what is shown; an axis that is shown whole stays."""
    window = model.loss.window
    if window.steps is not None and message.right:
        log = model.loss.log_steps
        (left, right), (first, last) = _to_axis(window.steps, log), _to_axis(_whole_steps(model), log)
        by = min(max(message.right * (right - left), first - left), last - right)
        window = window._replace(steps=_from_axis((left + by, right + by), log))
    if message.up and (window.losses is not None or window.steps is not None):
        found = _losses(model)
        if found is not None:
            log = model.options.log
            low, high = _to_axis(found, log)
            by = message.up * (high - low)
            window = window._replace(losses=_from_axis((low + by, high + by), log))
    return with_look(model, window=window), ()


def _whole_steps(model: Model) -> tuple[float, float]:
    return whole_span(model.view.step, model.view.steps, model.loss.log_steps)


def _losses(model: Model) -> tuple[float, float] | None:
    """Those at the lower and the upper edge."""
    chart = loss_scene(model, Memo())
    if chart is None:
        return None
    low, high = limits(chart)
    return (low, high) if low > 0 or not model.options.log else None


def _to_axis(values: tuple[float, ...], log: bool) -> tuple[float, ...]:
    return tuple(math.log10(max(value, 1e-300)) for value in values) if log else values


def _from_axis(values: tuple[float, float], log: bool) -> tuple[float, float]:
    return (10 ** values[0], 10 ** values[1]) if log else values


def _scaled(
    now: tuple[float, float], fixed: float, factor: float, whole: tuple[float, float] | None
) -> tuple[float, float] | None:
    """A part of an axis made larger or smaller, with a place that stays; None: it is the whole."""
    low, high = fixed + factor * (now[0] - fixed), fixed + factor * (now[1] - fixed)
    if whole is None:
        return (low, high) if high - low > 1e-9 * max(abs(low), abs(high), 1e-12) else now
    size = whole[1] - whole[0]
    if high - low >= size * (1 - 1e-9):
        return None
    if high - low < size * _NEAREST:
        return now
    low = min(max(low, whole[0]), whole[1] - (high - low))
    return low, low + min(high - low, factor * (now[1] - now[0]))


def toggle_log_steps(model: Model) -> Updated:
    return with_look(model, log_steps=not model.loss.log_steps), ()


# What is drawn over it.


def next_overlay(model: Model) -> Updated:
    look, several = model.loss, model.view.experiment.n_instances > 1
    there: list[Overlay] = ["nothing", *(["instances"] if several else []), "theory"]  # type: ignore[list-item]
    there += ["run"] if look.other is not None else []
    chosen = there[(there.index(look.overlay) + 1) % len(there)] if look.overlay in there else "nothing"
    said = {
        "nothing": "nothing over the loss",
        "instances": "the loss of each instance",
        "theory": "levels that theory knows",
        "run": f"the loss of {look.other.name}" if look.other else "",
    }[chosen]
    model = with_look(model, overlay=chosen)
    model, effects = levels_wanted(model)
    return model, (short_toast(said), *effects)


def levels_wanted(model: Model) -> tuple[Model, tuple[Effect, ...]]:
    """Ask for the levels of what is shown, if they are shown and are others than those that are known."""
    look, wanted = model.loss, (model.experiment, model.options.instance)
    if look.overlay != "theory" or look.asked is not None or look.levels_of == wanted:
        return model, ()
    return with_look(model, asked=wanted), (FindLevels(*wanted),)


def levels_found(model: Model, message: LevelsFound) -> Updated:
    of = (message.experiment, message.instance)
    told = message.why_none and model.loss.overlay == "theory" and model.loss.levels_of is None
    model = with_look(model, levels=message.levels, levels_of=of, asked=None)
    return model, (short_toast(message.why_none),) if told else ()


def run_to_overlay(model: Model, message: RunToOverlay) -> Updated:
    said = short_toast(f"the loss of {message.other.name} over this one")
    return with_look(model, other=message.other, overlay="run"), (said,)


def begun_anew(model: Model) -> Model:
    """Another run: all of its loss is shown."""
    return with_look(model, window=Window())
