"""The chosen run: its space, or of a sweep its diagram; and below, what it is."""

import textwrap
from typing import Any

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.strip import Strip

from tms_engine.analysis.projection import HOME
from tms_tui.drawing.ascii import ascii_text
from tms_tui.drawing.cells import RGB, Cells, blank
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.phase_map import PhaseMap, draw_phase_map
from tms_tui.drawing.scene import draw_scene
from tms_tui.memo import Memo
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.cells_widget import CellsWidget
from tms_tui.panes.phase_map import phase_map
from tms_tui.panes.text import Text
from tms_tui.runs_state import Preview
from tms_tui.space_scene import SpaceScene, space_scene
from tms_tui.view_options import ViewOptions


def preview_of(model: Model) -> Preview | None:
    """The preview of the chosen run; None while it is not there yet."""
    found, line = model.runs.preview, model.runs.line
    return found if found is not None and line is not None and found.path == line.path else None


class RunPreview(Pane, CellsWidget, can_focus=False):
    """Shows the weights of the best instance, or a sweep's cells."""

    def title_of(self, model: Model) -> str:
        preview = preview_of(model)
        if preview is None or preview.snapshot is None:
            return "Preview"
        several = preview.snapshot.experiment.n_instances > 1
        of = f", instance {preview.instance}" if several else ""
        return f"Step {preview.snapshot.step:,}{of}"

    def show_model(self, model: Model, memo: Memo) -> None:
        preview = preview_of(model)
        scene: SpaceScene | PhaseMap | None = None
        said = ""
        if preview is None:
            said = "" if model.runs.line is None or model.runs.line.state == "damaged" else "looking"
        elif preview.snapshot is not None:
            look = ViewOptions(data="none", instance=preview.instance, palette=model.options.palette)
            scene = space_scene(preview.snapshot, look, "cpu", memo)
        elif preview.phases is not None:
            scene = memo(phase_map, preview.phases, model.colors)
        else:
            said = preview.error
        self._set_content(scene, said, model.chart_colors)

    def _draw_strips(self, base: Style) -> list[Strip]:
        assert self._content is not None
        scene, said, _ = self._content
        width, height = self.size
        if scene is not None:
            return super()._draw_strips(base)
        lines = textwrap.wrap(said, max(width - 2, 1))[:height]
        lines += [""] * (height - len(lines))
        return [Strip([Segment(f" {line}".ljust(width)[:width], base)]) for line in lines]

    def draw(self, height: int, width: int, ground: RGB) -> Cells:
        assert self._content is not None
        scene, _, colors = self._content
        mode: Mode = self.mode if self.n_colors >= 8 else "ascii"
        if isinstance(scene, PhaseMap):
            return draw_phase_map(scene, height, width, mode, ground, colors.text, colors.line)
        if not isinstance(scene, SpaceScene):
            return blank(height, width)
        (panel,) = scene.panels
        return draw_scene(panel.scene, scene.camera(HOME), scene.radius, height, width, self.mode, ground)


class RunAbout(Pane, Text, can_focus=False):
    """What the chosen run is, in words."""

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)

    def title_of(self, model: Model) -> str:
        line = model.runs.line
        return "" if line is None else line.row.name

    def show_model(self, model: Model, memo: Memo) -> None:
        self.show(memo(_about, model.runs.line, preview_of(model), model.runs.opening, model.mode))


def _about(line: Any, preview: Preview | None, opening: str, mode: Mode) -> Content:
    if line is None:
        return Content("")
    row = line.row
    parts = [row.experiment, row.state]
    if row.step:
        parts.append(
            f"{'models' if line.is_sweep else 'step'} {row.step}" + (f", loss {row.loss}" if row.loss else "")
        )
    parts.append(f"{row.age} old, {row.size}")
    if preview is not None and preview.phases is not None and preview.phases.seen is not None:
        seen = preview.phases.seen
        counts = np.bincount(seen.points.name[seen.points.name >= 0], minlength=len(seen.names))
        most = [f"{seen.names[k]} {counts[k]:,}" for k in np.argsort(-counts, kind="stable")[:4] if counts[k]]
        parts.append(", ".join(most))
    if opening:
        parts.append(f"opening {opening}")
    text = "\n".join(filter(None, parts))
    return Content(ascii_text(text) if mode == "ascii" else text)


PANE = RunPreview
