"""update, of finding: what becomes of what was found."""

import dataclasses

from tms_tui.keys import ALONE
from tms_tui.messages import Focus
from tms_tui.messages.finding import (
    ChooseTheme,
    Find,
    GoToCell,
    GoToFeature,
    GoToInstance,
    GoToNumber,
    GoToRun,
    OpenFinder,
    OpenJumps,
    ShowJumps,
)
from tms_tui.messages.runs import OpenChosen
from tms_tui.model import Model
from tms_tui.update.parts import Updated, laid_out, on_screen, with_options
from tms_tui.update.reading import with_reading
from tms_tui.update.runs import update_runs
from tms_tui.update.screens import open_screen
from tms_tui.update.settings import take

FindingMessage = (
    OpenFinder | OpenJumps | GoToFeature | GoToCell | GoToNumber | GoToInstance | GoToRun | ChooseTheme
)


def update_finding(model: Model, message: FindingMessage) -> Updated:
    match message:
        case OpenFinder(aim):
            return on_screen(model, "finder"), (Find(aim),)
        case OpenJumps():
            return on_screen(model, "jump"), (ShowJumps(),)
        case GoToFeature(feature):
            if model.trail[-1] != "dashboard":
                model = open_screen(model, "dashboard")
            return with_reading(with_options(model, feature=feature), other=None), ()
        case GoToCell(feature, other):
            model = with_reading(model, cell=(feature, other), under=None)
            return laid_out(model, focused="gram"), (Focus("gram"),)
        case GoToNumber(row):
            model = with_reading(model, row=row, under=None)
            return laid_out(model, focused="numbers"), (Focus("numbers"),)
        case GoToInstance(instance):
            if model.trail[-1] in ALONE:
                model = open_screen(model, "dashboard")
            return with_options(model, instance=instance), ()
        case GoToRun(path, opens):
            chosen = dataclasses.replace(model, runs=dataclasses.replace(model.runs, chosen=path))
            if opens:
                return update_runs(chosen, OpenChosen())
            return (chosen if chosen.trail[-1] == "runs" else open_screen(chosen, "runs")), ()
        case ChooseTheme(theme):
            return take(model, "theme", theme)
