"""update, of the full screens: which is shown, and where one goes back to."""

import dataclasses
from pathlib import Path

from tms_tui.messages.screens import FullScreenName
from tms_tui.model import Model
from tms_tui.phases_state import PhasesState
from tms_tui.runs_state import RunsState
from tms_tui.update.parts import on_screen
from tms_tui.update.reading import with_reading


def open_screen(model: Model, screen: FullScreenName) -> Model:
    """Show a full screen, from which one can go back to the one that is shown now."""
    if screen == model.trail[-1]:
        return go_back(model)
    return _shown(model, (*(one for one in model.trail if one != screen), screen))


def go_back(model: Model) -> Model:
    """Show the full screen from which this one was opened; from the first one, the dashboard."""
    return _shown(model, model.trail[:-1] or ("dashboard",))


def begin_on(model: Model, screen: FullScreenName) -> Model:
    """Show a full screen, from which one goes back nowhere."""
    return _shown(model, (screen,))


def _shown(model: Model, trail: tuple[FullScreenName, ...]) -> Model:
    model = with_reading(model, under=None)  # what the mouse was over is no longer there
    return on_screen(dataclasses.replace(model, trail=trail), trail[-1])


def beginning(model: Model, screen: FullScreenName, path: Path) -> Model:
    """On a screen that shows a sweep or a directory of runs."""
    if screen == "phases":
        model = dataclasses.replace(model, phases=PhasesState(path=path))
    elif screen == "runs":
        model = dataclasses.replace(model, runs=RunsState(directory=path))
    return begin_on(model, screen)
