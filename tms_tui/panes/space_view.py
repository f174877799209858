"""The space: weight vectors and activation clouds in 3D, turned by keys, dragging and the wheel."""

import textwrap
from dataclasses import dataclass
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Offset
from textual.message import Message
from textual.strip import Strip

from tms_engine.analysis.projection import HOME, Camera, pca_features
from tms_tui.drawing.cells import RGB, Cells, hstack
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.scene import draw_scene
from tms_tui.memo import Memo
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.cells_widget import CellsWidget
from tms_tui.panes.measures import of_all
from tms_tui.panes.pointing import Pointing
from tms_tui.reading import Thing
from tms_tui.space_scene import SpaceScene, axes_of, cloud_rows, n_vectors, space_scene
from tms_tui.view import loading


def space_title(model: Model) -> str:
    """Which vectors, which cloud and which axes are shown."""
    experiment, options = model.experiment, model.options
    n, m = experiment.n_features, experiment.n_hidden
    title = f"Space {model.symbols.dash} weights{of_all(n_vectors(n, m), n)}"
    if options.data != "none" and model.shown and not cloud_rows(experiment, options):
        title += ", too large for a cloud"
    elif options.data == "trained":
        kinds = {"n_active": f"exactly {experiment.n_active} active", "bernoulli": "Bernoulli"}
        title += " + activations, " + kinds.get(experiment.features, experiment.features)
    elif options.data != "none":
        title += f" + exactly {options.data}"
    if options.data != "none" and options.coloring != "all magnitudes":
        one = options.coloring == "one feature"
        title += f", by {f'feature {options.feature or 0}' if one else options.coloring}"
    if experiment.n_hidden > 3:
        axes = axes_of(options, experiment.n_hidden)
        of_some = of_all(pca_features(n, m), n) if options.projection == "PCA" else ""
        title += ", " + ("dims " + ", ".join(map(str, axes)) if axes else options.projection) + of_some
    return title


def scene_of(model: Model, memo: Memo) -> SpaceScene | None:
    """The scene at the step that is shown; None before there are weights."""
    if model.shown is None:
        return None
    return space_scene(model.shown, model.options, model.view.device or "cpu", memo)


def waiting(model: Model) -> str:
    """What to say in the place of a scene."""
    return model.view.error or loading(model.view) + model.symbols.ellipsis


class SpaceView(Pane, Pointing, CellsWidget, can_focus=True):
    """Shows a SpaceScene from a camera; reports how a mouse turns and zooms it."""

    DEFAULT_CSS = "SpaceView { min-width: 10; min-height: 4; }"

    @dataclass
    class Turned(Message):
        """The mouse dragged by so many cells."""

        right: int
        down: int

    @dataclass
    class Zoomed(Message):
        """The wheel turned: 1 is nearer, −1 farther."""

        direction: int

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(mode, **options)
        self._dragged_from: tuple[int, int] | None = None

    def title_of(self, model: Model) -> str:
        return space_title(model)

    def show_model(self, model: Model, memo: Memo) -> None:
        self.show(scene_of(model, memo), model.options.camera, waiting(model))

    def show(self, scene: SpaceScene | None, camera: Camera = HOME, waiting: str = "loading") -> None:
        """Draw this from now on; without a scene, say what is awaited."""
        if scene is None:
            self._set_content(None, HOME, waiting)
        else:
            self._set_content(scene, scene.camera(camera), "")

    def _draw_strips(self, base: Style) -> list[Strip]:
        assert self._content is not None
        scene, _, waiting = self._content
        width, height = self.size
        if scene is None:
            said = textwrap.wrap(waiting, max(1, width - 4))[:height]
            above = (height - len(said)) // 2
            text = [""] * above + said + [""] * (height - above - len(said))
            return [Strip([Segment(line.center(width), base)]) for line in text]
        strips = super()._draw_strips(base)
        if len(scene.panels) > 1 and height:
            titles = " ".join(
                panel.title.center(columns)[:columns]
                for panel, columns in zip(scene.panels, _columns(scene, width), strict=True)
            )
            strips[0] = Strip([Segment(titles.ljust(width), base + Style(bold=True))])
        return strips

    def draw(self, height: int, width: int, ground: RGB) -> Cells:
        assert self._content is not None
        scene, camera, _ = self._content
        panels = [
            draw_scene(panel.scene, camera, scene.radius, height, columns, self.mode, ground)
            for panel, columns in zip(scene.panels, _columns(scene, width), strict=True)
        ]
        return hstack(panels, ground)

    def thing_at(self, offset: Offset) -> Thing | None:
        return Thing("space")

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.capture_mouse()
        # From positions, because the deltas of events are not reliable: a pilot sends none.
        self._dragged_from = (event.screen_x, event.screen_y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged_from:
            x, y = self._dragged_from
            self._dragged_from = (event.screen_x, event.screen_y)
            if (event.screen_x, event.screen_y) != (x, y):
                self.post_message(self.Turned(event.screen_x - x, event.screen_y - y))

    def on_mouse_up(self, _: events.MouseUp) -> None:
        self.release_mouse()
        self._dragged_from = None

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.post_message(self.Zoomed(1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.post_message(self.Zoomed(-1))


PANE = SpaceView


def _columns(scene: SpaceScene, width: int) -> list[int]:
    """The width of each panel, with a blank column between two."""
    count = len(scene.panels)
    return [(width - (count - 1) + i) // count for i in range(count)]
