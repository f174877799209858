"""update, of time: the step that is looked at, replay, films.

There is one cursor. Where it is, the geometry is: `options.step`, a step of which the weights are kept.
"""

import dataclasses

from tms_engine import digits
from tms_tui.messages import Command, Effect, FilmMoved, StartFilm, Toast
from tms_tui.model import Model
from tms_tui.replay import LENGTH, Replay, began, evenly, last_change, moved, next_speed
from tms_tui.update.parts import Updated, short_toast, with_options
from tms_tui.view_options import TURN_SPEED

# Looks that go through a run with a key: between two of them about as much changes.
_LOOKS = 40


def _pause(model: Model) -> tuple[Effect, ...]:
    """What looks back pauses the run, so that it is not trained unseen; one that is followed goes on."""
    follows = model.view.following is not None
    return () if follows or model.options.step is not None else (Command("pause"),)


def look_at(model: Model, step: int | None) -> Updated:
    """Look at a step, and not at a replay; from the newest one on, at what is trained."""
    effects = _pause(model) if step is not None else ()
    return dataclasses.replace(with_options(model, step=step), replay=None), effects


def look_near(model: Model, step: int) -> Updated:
    """The kept step nearest to one, or the newest."""
    view = model.view
    if not view.kept_steps:
        return model, ()
    nearest = min((*view.kept_steps, view.step), key=lambda kept: abs(kept - step))
    return look_at(model, None if nearest >= view.step else nearest)


def look_back(model: Model, direction: int) -> Updated:
    """To where about as much has changed as between all looks; past the newest it is the newest again."""
    run, at = model.view.run, model.options.step
    if run is None or not model.view.kept_steps or (at is None and direction > 0):
        return model, ()
    return _beside(model, evenly(run, model.options.instance, 0, _LOOKS), direction)


def move_cursor(model: Model, direction: int) -> Updated:
    """To the kept step beside the one that is looked at."""
    if not model.view.kept_steps or (model.options.step is None and direction > 0):
        return model, ()
    return _beside(model, model.view.kept_steps, direction)


def _beside(model: Model, steps: tuple[int, ...], direction: int) -> Updated:
    at = model.view.step if model.options.step is None else model.options.step
    if direction < 0:
        return look_at(model, max((step for step in steps if step < at), default=model.view.kept_steps[0]))
    later = min((step for step in steps if step > at), default=model.view.step)
    return look_at(model, None if later >= model.view.step else later)


# Replay.


def toggle_replay(model: Model) -> Updated:
    """From the step that is looked at, or from the last live change on; or stop where it is."""
    if model.replay is not None:
        return dataclasses.replace(model, replay=None), ()
    replay = _replay_from_here(model)
    if replay is None:
        return model, (short_toast("there is nothing to replay yet"),)
    shown, effects = look_at(model, replay.step)
    return dataclasses.replace(shown, replay=replay), effects


def _replay_from_here(model: Model) -> Replay | None:
    run, step = model.view.run, model.options.step
    if run is None:
        return None
    return began(run, model.options.instance, last_change(run) if step is None else step)


def change_speed(model: Model, replay: Replay, direction: int) -> Updated:
    faster = dataclasses.replace(replay, speed=next_speed(replay.speed, direction))
    said = short_toast(f"replay {model.symbols.times} {faster.speed:g}")
    return dataclasses.replace(model, replay=faster), (said,)


def let_replay_go_on(model: Model, seconds: float) -> Model:
    """The Model so many seconds later."""
    replay, run = model.replay, model.view.run
    if replay is None or run is None:
        return model if replay is None else dataclasses.replace(model, replay=None)
    later = moved(replay, seconds, run, model.options.instance)
    return dataclasses.replace(with_options(model, step=later.step), replay=later)


# Films.


def film(model: Model) -> Updated:
    """Of what replay shows, or would."""
    if model.film is not None:
        return model, (Toast("a film is being made", severity="warning"),)
    replay = model.replay or _replay_from_here(model)
    if replay is None:
        return model, (short_toast("there is nothing to film yet"),)
    seconds = LENGTH / replay.speed
    turns = model.options.turning and model.view.experiment.n_hidden > 2
    return model, (
        StartFilm(
            model.run_name,
            model.options,
            replay.first,
            model.view.step,
            seconds,
            TURN_SPEED * seconds if turns else 0.0,
        ),
    )


def follow_film(model: Model, message: FilmMoved) -> Updated:
    progress = message.progress
    if not progress.finished:
        return model if progress == model.film else dataclasses.replace(model, film=progress), ()
    ended = dataclasses.replace(model, film=None)
    if progress.error:
        return ended, (Toast(progress.error, "Film failed", "error", seconds=10),)
    return ended, (Toast(" and ".join(progress.files), "Filmed to", seconds=8),)


def drift_told(model: Model) -> str:
    """What the sparsity does, in the words of a toast."""
    view = model.view
    value = view.experiment.of_instance(
        "sparsity", min(model.options.instance, view.experiment.n_instances - 1)
    )
    doing = {1: "drifts up from", -1: "drifts down from", 0: "stays at"}[view.drift]
    return f"S {doing} {digits.sparsity(value)}"
