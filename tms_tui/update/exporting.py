"""update, of the export of the run and its figures."""

import dataclasses

from tms_tui.export import Format
from tms_tui.messages import ExportChoice, ExportMoved, StartExport, Toast
from tms_tui.model import NOTHING_SAVED, Model
from tms_tui.space_scene import axes_of
from tms_tui.update.parts import Updated

_DPI = 300


def export(model: Model, choice: ExportChoice | None) -> Updated:
    if model.saves is not None:
        return model, (Toast("an export is under way", severity="warning"),)
    png, html = (choice.png, choice.html) if choice else (True, True)
    wanted: tuple[tuple[Format, bool], ...] = (("png", png), ("html", html))
    options = model.options
    start = StartExport(
        model.run_name,
        choice.directory if choice else None,
        choice.dpi if choice else _DPI,
        tuple(kind for kind, is_wanted in wanted if is_wanted),
        options.camera,
        options.instance,
        axes_of(options, model.view.experiment.n_hidden),
        options.step,
    )
    return model, (start,)


def follow_export(model: Model, moved: ExportMoved) -> Updated:
    progress = moved.progress
    if not progress.finished:
        return model if progress is model.export else dataclasses.replace(model, export=progress), ()
    ended = dataclasses.replace(model, export=None, saves=None)
    if progress.error:
        return ended, (Toast(progress.error, "Export failed", "error", seconds=10),)
    effects = [Toast(str(moved.directory), "Exported the run and its figures to", seconds=8)]
    if progress.note:
        effects.append(Toast(progress.note, severity="warning", seconds=8))
    saved = model.saves._replace(where=str(moved.directory)) if model.saves else model.saved
    return dataclasses.replace(ended, saved=saved if model.saves != NOTHING_SAVED else model.saved), tuple(
        effects
    )
