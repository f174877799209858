"""update, of autoplay: the next preset when one has been trained; and who takes over."""

import dataclasses

from tms_tui.autoplay import pace_at
from tms_tui.messages import (
    Command,
    ExportNow,
    FilmNow,
    LookAt,
    LookAtFirst,
    LookBack,
    Message,
    MoveCursor,
    NextInstance,
    OpenExport,
    OpenScreen,
    Toast,
    ToggleReplay,
)
from tms_tui.messages.autoplay import ToggleAutoplay
from tms_tui.messages.copying import OpenCopy
from tms_tui.messages.population import OpenInstance
from tms_tui.messages.space import Compare
from tms_tui.model import Model
from tms_tui.update.dropping import begin_show, drop
from tms_tui.update.parts import Updated

# What takes over, beside what changes the run: to look at one thing longer than a preset lasts.
_TAKES_OVER = (
    LookAt, LookAtFirst, LookBack, MoveCursor, NextInstance, OpenScreen, OpenInstance, ToggleReplay, Compare,
    FilmNow, ExportNow, OpenExport, OpenCopy,
)  # fmt: skip
HOW_TO_GO_ON = "You have taken over. W goes on with the presets."


def toggle_autoplay(model: Model) -> Updated:
    if model.autoplay is None:
        return model, (Toast("tms-tui --autoplay plays the presets, one after the other"),)
    if not model.autoplay.held:
        return taken_over(model)
    return drop(model, ToggleAutoplay())


def takes_over(model: Model, message: Message, changing: tuple[type, ...]) -> bool:
    playing = model.autoplay is not None and not model.autoplay.held
    return playing and isinstance(message, (*changing, *_TAKES_OVER))


def taken_over(model: Model) -> Updated:
    assert model.autoplay is not None
    held = dataclasses.replace(model, autoplay=dataclasses.replace(model.autoplay, held=True))
    return held, (Toast(HOW_TO_GO_ON, seconds=8),)


def play_on(model: Model, seconds: float) -> Updated:
    """Let time pass."""
    autoplay, view = model.autoplay, model.view
    if autoplay is None or autoplay.held or model.layout.screen != model.trail[-1]:
        return model, ()
    is_its_own = view.experiment == autoplay.experiment or view.phase == "failed"
    if not is_its_own or view.phase in ("loading", "compiling"):
        return model, ()
    is_trained = view.phase in ("finished", "diverged", "failed")
    autoplay = autoplay.passed(seconds, is_trained)
    if autoplay.is_over:
        return begin_show(model, autoplay.next())
    pace = pace_at(view.step, view.steps)
    if is_trained or pace == autoplay.pace:
        return dataclasses.replace(model, autoplay=autoplay), ()
    asked = dataclasses.replace(autoplay, pace=pace)
    return dataclasses.replace(model, autoplay=asked), (Command("set_pace", (pace,)),)
