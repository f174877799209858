"""The space: weight vectors and activation clouds in 3D, turned by keys, dragging and the wheel."""

import textwrap
from dataclasses import dataclass
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip

from tms_engine.analysis.projection import HOME, Camera, pca_features
from tms_tui.drawing.cells import RGB, Cells
from tms_tui.drawing.modes import Mode
from tms_tui.memo import Memo
from tms_tui.messages.finding import GoToFeature
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.cells_widget import CellsWidget
from tms_tui.panes.comparison import places
from tms_tui.panes.jumps import Jump
from tms_tui.panes.measures import of_all
from tms_tui.panes.pointing import Chosen, Pointing
from tms_tui.reading import Thing
from tms_tui.solids import trail_of
from tms_tui.space_scene import (
    SpaceScene,
    Trail,
    axes_of,
    cloud_rows,
    compared_scenes,
    draw_space,
    n_vectors,
    space_scene,
    thing_at,
    tips_of,
)
from tms_tui.view import loading


def space_title(model: Model) -> str:
    """Which vectors, which cloud and which axes are shown."""
    experiment, options = model.experiment, model.options
    n, m = experiment.n_features, experiment.n_hidden
    named = name_of(model)
    title = f"Space {model.symbols.dash} " + (f"{named} {model.symbols.dash} " if named else "")
    title += f"weights{of_all(n_vectors(n, m), n)}"
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


def name_of(model: Model) -> str:
    """The name of the solid that is shown, or which of two models are."""
    solids = model.solids
    if solids.compares:
        return "A and B" if solids.showing == "both" else "A"
    pinned = "B, " if solids.before is not None else ""
    solid = solids.solid
    if solid is None or model.shown is None or solid.instance != model.options.instance:
        return pinned.removesuffix(", ")
    same_size = solid.shown.weights.shape == model.shown.weights.shape
    return pinned + solid.found.title if same_size else pinned.removesuffix(", ")


def scene_of(model: Model, memo: Memo) -> SpaceScene | None:
    """The scene at the step that is shown, or of two models; None before there are weights."""
    shown, options, solids = model.shown, model.options, model.solids
    if shown is None:
        return None
    device, solid = model.view.device or "cpu", solids.solid
    size = shown.weights.shape
    known = solid is not None and solid.instance == options.instance and solid.shown.weights.shape == size
    edges = solid.edges if solid is not None and known and options.edges else None
    trail = trail_shown(model, memo)
    compared = solids.compared
    if solids.showing == "now" or compared is None or compared.before is not solids.before:
        return space_scene(shown, options, device, memo, edges, trail)
    before, seen = compared.before, compared.seen
    now = shown, options.instance, edges, trail
    if compared.instance != options.instance or seen.turn.shape[1] != size[2]:
        now = compared.shown, compared.instance, None, None
    then = before.shown, before.instance, seen, compared.solid.edges if options.edges else None
    a, b = places(compared, model.run_name)
    titles = f"A {a}", f"B {b}"
    both = compared_scenes(then, now, titles, options, device, memo)
    if solids.showing == "both":
        return both
    return memo(_first_half, both)


def _first_half(scene: SpaceScene) -> SpaceScene:
    return scene._replace(panels=scene.panels[: len(scene.panels) // 2])


def trail_shown(model: Model, memo: Memo) -> Trail | None:
    """Where the tips have been: since the model before, if it is of the same; else since a live change."""
    solids, view, shown, instance = model.solids, model.view, model.shown, model.options.instance
    before = solids.before
    if view.run is None or shown is None:
        return None
    if before is not None and (before.run_id, before.instance) == (view.run.id, instance):
        return memo(trail_of, view.run, shown, instance, before.shown.step)
    if view.changes and (solids.trailing > 0 or model.options.step is not None):
        return memo(trail_of, view.run, shown, instance, None)
    return None


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
        self._dragged = False
        self._selected: int | None = None
        self.is_covered = False  # by an image, which has its place: only its background is drawn

    def cover(self, is_covered: bool) -> None:
        """Draw nothing while an image lies over this."""
        if is_covered != self.is_covered:
            self.is_covered = is_covered
            self._strips_for = None
            self.refresh(Region(0, 0, *self.size))

    @property
    def scene(self) -> tuple[SpaceScene, Camera, bool] | None:
        """What is drawn, from where, and whether in large print; None while it is awaited."""
        if self._content is None or self._content[0] is None:
            return None
        scene, camera, _, large = self._content
        return scene, camera, large

    def title_of(self, model: Model) -> str:
        return "Space" if model.options.projector else space_title(model)

    def show_model(self, model: Model, memo: Memo) -> None:
        self._selected = model.options.feature
        self.show(scene_of(model, memo), model.options.camera, waiting(model), model.options.projector)

    def show(
        self,
        scene: SpaceScene | None,
        camera: Camera = HOME,
        waiting: str = "loading",
        large: bool = False,
    ) -> None:
        """Draw this from now on, perhaps in large print; without a scene, say what is awaited."""
        if scene is None:
            self._set_content(None, HOME, waiting, large)
        else:
            self._set_content(scene, scene.camera(camera), "", large)

    def _draw_strips(self, base: Style) -> list[Strip]:
        assert self._content is not None
        scene, _, waiting, _ = self._content
        width, height = self.size
        if scene is None:
            said = textwrap.wrap(waiting, max(1, width - 4))[:height]
            above = (height - len(said)) // 2
            text = [""] * above + said + [""] * (height - above - len(said))
            return [Strip([Segment(line.center(width), base)]) for line in text]
        if self.is_covered:
            return [Strip.blank(width, base) for _ in range(height)]
        return super()._draw_strips(base)

    def draw(self, height: int, width: int, ground: RGB) -> Cells:
        assert self._content is not None
        scene, camera, _, large = self._content
        return draw_space(scene, camera, height, width, self.mode, ground, self.n_colors > 2, large)

    def thing_at(self, offset: Offset) -> Thing | None:
        scene, camera = self._content[:2] if self._content else (None, HOME)
        if scene is None:
            return Thing("space")
        height, width = self.size.height, self.size.width
        return thing_at(scene, camera, offset.y, offset.x, height, width, self.n_colors > 2)

    def jumps(self) -> list[Jump]:
        scene, camera = self._content[:2] if self._content else (None, HOME)
        if scene is None:
            return []
        height, width = self.size.height, self.size.width
        tips = tips_of(scene, camera, height, width, self.n_colors > 2)
        return [Jump(column, row, GoToFeature(feature)) for feature, row, column in tips]

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.capture_mouse()
        # From positions, because the deltas of events are not reliable: a pilot sends none.
        self._dragged_from, self._dragged = (event.screen_x, event.screen_y), False

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged_from:
            x, y = self._dragged_from
            self._dragged_from = (event.screen_x, event.screen_y)
            if (event.screen_x, event.screen_y) != (x, y):
                self._dragged = True
                self.post_message(self.Turned(event.screen_x - x, event.screen_y - y))

    def on_mouse_up(self, _: events.MouseUp) -> None:
        self.release_mouse()
        self._dragged_from = None

    def on_click(self, event: events.Click) -> None:
        """At a tip or a trail: choose its feature, with shift as the second one; at an edge: its two."""
        offset = None if self._dragged or event.chain > 1 else event.get_content_offset(self)
        thing = None if offset is None else self.thing_at(offset)
        if thing is None or thing.feature is None:
            return
        if event.shift and self._selected is not None:
            self.post_message(Chosen(self._selected, thing.feature))
        else:
            self.post_message(Chosen(thing.feature, thing.other))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.post_message(self.Zoomed(1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.post_message(self.Zoomed(-1))


PANE = SpaceView
