"""Parts of the Model with other values, which all of update shares."""

import dataclasses
from typing import Any

from tms_tui.messages import Effect, ScreenName, Toast
from tms_tui.model import Model

Updated = tuple[Model, tuple[Effect, ...]]


def with_options(model: Model, **fields: Any) -> Model:
    return dataclasses.replace(model, options=dataclasses.replace(model.options, **fields))


def with_camera(model: Model, **fields: Any) -> Model:
    return with_options(model, camera=dataclasses.replace(model.options.camera, **fields))


def with_settings(model: Model, **fields: Any) -> Model:
    return dataclasses.replace(model, settings=dataclasses.replace(model.settings, **fields))


def laid_out(model: Model, **fields: Any) -> Model:
    return dataclasses.replace(model, layout=model.layout._replace(**fields))


def on_screen(model: Model, screen: ScreenName) -> Model:
    return laid_out(model, screen=screen)


def under_dialogs(model: Model) -> Model:
    """A dialog was closed: the keys go to the full screen again."""
    return on_screen(model, model.trail[-1])


def short_toast(text: str) -> Toast:
    return Toast(text, seconds=2, alone=True)
