"""The space as an image over the cells, where that was asked for and the terminal can show one.

Where a dialog or a toast lies over it, on a slow line, and on screens without a space, it is characters.
"""

import time
from typing import Any

from tms_tui import compat
from tms_tui.drawing.images import Picture, encoded, removed
from tms_tui.memo import same
from tms_tui.model import Model
from tms_tui.panes.space_view import SpaceView
from tms_tui.space_scene import space_pixels

# So many times as long as a picture takes, there is none: keys and training come first.
_REST = 2.0
# Seconds without pictures when the line was found to be slow; and seconds for which they are then tried, for
# of a line over which nothing is sent nobody knows that it is fast again.
_SLOW, _TRIED = 30.0, 2.0
# Pixels of a cell for terminals that do not say, and that fit a picture to cells.
_CELL = (10, 20)


class SpacePicture:
    """The picture that is shown, of which view of which screen; and when the next one may be."""

    def __init__(self) -> None:
        self._view: SpaceView | None = None
        self._of: tuple[object, ...] | None = None
        self._due = float("-inf")
        self._slow_until = self._tried_until = float("-inf")

    def follow(self, app: Any, model: Model, now: float) -> None:
        """Show what the space shows now; or nothing."""
        view = _wanted(app, model)
        if view is not None and now >= self._tried_until and compat.is_too_slow_for_pictures(app):
            self._slow_until = now + _SLOW
            self._tried_until = self._slow_until + _TRIED
        if now < self._slow_until:
            view = None
        if view is not self._view:
            if self._view is not None:
                self._view.cover(False)
                compat.show_picture(app, None)
            self._view, self._of, self._due = view, None, float("-inf")
        if view is None or view.scene is None:
            return
        scene, camera, large = view.scene
        region, ground = view.content_region, view.background_colors[1].rgb
        place = (region.x, region.y, region.width, region.height)
        protocol, cell = model.settings_state.images.protocol, compat.cell_pixels(app)
        if cell is None and protocol == "sixel":
            return  # it is as large as its pixels are: of the wrong size it would lie over other panes
        cell = cell or _CELL
        of = (scene, camera, large, place, cell, ground)
        if (self._of is not None and all(map(same, of, self._of))) or now < self._due or compat.is_busy(app):
            return
        began = time.thread_time()
        assert protocol is not None
        view.cover(True)
        pixels = space_pixels(scene, camera, region.height, region.width, cell, ground, large)
        data = encoded(pixels, region.width, region.height, protocol)
        compat.show_picture(app, Picture(*place, data, removed(protocol)))
        self._of, self._due = of, now + _REST * (time.thread_time() - began)


def _wanted(app: Any, model: Model) -> SpaceView | None:
    """The view that an image is to lie over, if there is one."""
    in_force = model.in_force
    if in_force.render != "image" or in_force.low_bandwidth or model.settings_state.images.protocol is None:
        return None
    if not compat.shows_pictures(app) or app.screen is not app.full_screen or compat.toasts(app):
        return None
    for view in app.full_screen.query(SpaceView):
        region = view.content_region
        if (
            view.display
            and view.scene is not None
            and region.area
            and app.screen.region.contains_region(region)
        ):
            return view
    return None
