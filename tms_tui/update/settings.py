"""update, of what lasts: a change takes effect at once, and the shell writes it to settings.toml."""

import dataclasses
from typing import Any

from tms_tui.drawing.modes import MODES, Mode
from tms_tui.drawing.palettes import FEATURE_PALETTES
from tms_tui.messages import Command, Effect, Toast
from tms_tui.messages.settings import (
    ChangeSetting,
    ChooseSetting,
    DefaultSetting,
    PointAtSetting,
    SettingsKept,
    TakeTheme,
    ToggleProjector,
)
from tms_tui.model import Model
from tms_tui.settings import Settings
from tms_tui.settings_state import ROWS, SettingsState
from tms_tui.update.parts import Updated, short_toast, with_options, with_settings

SettingsMessage = (
    ChooseSetting | ChangeSetting | DefaultSetting | ToggleProjector | PointAtSetting | SettingsKept
)

# Frames a second that can be chosen; the file may have any from 1 to 120.
FRAMES = (2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0)

_OF_ENVIRONMENT = "colours are the terminal's: TERM, COLORTERM or NO_COLOR sets them before the start"


def with_state(model: Model, **fields: Any) -> Model:
    return dataclasses.replace(model, settings_state=dataclasses.replace(model.settings_state, **fields))


def update_settings(model: Model, message: SettingsMessage) -> Updated:
    state = model.settings_state
    match message:
        case ChooseSetting(direction):
            return with_state(model, row=(state.row + direction) % len(ROWS)), ()
        case PointAtSetting(row, direction):
            if not 0 <= row < len(ROWS):
                return model, ()
            model = with_state(model, row=row)
            return _changed(model, direction) if direction else (model, ())
        case ChangeSetting(direction):
            return _changed(model, direction)
        case DefaultSetting():
            return _defaulted(model)
        case ToggleProjector():
            return with_options(model, projector=not model.options.projector), ()
        case SettingsKept(kept, names, error):
            model = with_state(model, kept=kept, names=state.names | names, trouble=error)
            if not error or error == state.trouble:
                return model, ()
            return model, (Toast(f"{error}; what you chose holds until you leave", severity="error"),)


def _changed(model: Model, direction: int) -> Updated:
    name = model.settings_state.chosen
    if name == "colors":
        return model, (short_toast(_OF_ENVIRONMENT),)
    if name == "pace":  # resolved in the training thread, as the keys for it
        chosen = dataclasses.replace(model, chose_pace=True)
        return _no_longer_given(chosen, name), (Command("change_pace", (direction,)),)
    return take(model, name, _beside(model, name, direction))


def _defaulted(model: Model) -> Updated:
    name = model.settings_state.chosen
    if name == "colors":
        return model, (short_toast(_OF_ENVIRONMENT),)
    return take(model, name, getattr(Settings(), name))


def _beside(model: Model, name: str, direction: int) -> Any:
    """The value after the one in force, or before it; after the last, the first."""
    now = getattr(model.in_force, name)
    if name == "fps":  # it may lie between two
        further = [fps for fps in FRAMES if (fps - now) * direction > 0]
        return (further or [FRAMES[0] if direction > 0 else FRAMES[-1]])[0 if direction > 0 else -1]
    values: tuple[Any, ...] = {
        "theme": model.settings_state.themes,
        "render": ("auto", *MODES, "image"),
        "palette": FEATURE_PALETTES,
    }.get(name, (False, True))
    return values[(values.index(now) + direction) % len(values)] if now in values else values[0]


def take(model: Model, name: str, value: Any) -> Updated:
    """Let a setting have a value from now on."""
    model = _no_longer_given(with_settings(model, **{name: value}), name)
    effects: tuple[Effect, ...] = ()
    match name:
        case "theme":
            effects = (TakeTheme(value),)
        case "render":
            model = dataclasses.replace(model, mode=mode_of(value, model.settings_state))
        case "pace":
            model, effects = dataclasses.replace(model, chose_pace=True), (Command("set_pace", (value,)),)
        case "low_bandwidth":
            model = with_options(model, turning=model.settings.turning and not value)
        case "palette" | "turning" | "sides" | "projector":
            model = with_options(model, **{name: value})
    return model, effects


def mode_of(render: str, state: SettingsState) -> Mode:
    """The characters that a setting stands for here."""
    if state.only_ascii:
        return "ascii"
    return next((mode for mode in MODES if mode == render), state.auto.mode)


def _no_longer_given(model: Model, name: str) -> Model:
    return dataclasses.replace(model, settings_state=model.settings_state.no_longer_given(name))
