"""A scene as a picture of pixels: the same points, vectors, guides and labels as its characters have.

pillow draws it, and is imported only here and when a picture is asked for.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, UInt8

from tms_engine.analysis.projection import Camera, view
from tms_tui.drawing import canvas
from tms_tui.drawing.canvas import Grid
from tms_tui.drawing.cells import RGB
from tms_tui.drawing.contrast import GAP, TEXT_GAP, as_bytes, guide_colors, legible, shown
from tms_tui.drawing.scene import GUIDE, Scene, at_front, seen_lines

Pixels = UInt8[np.ndarray, "height width 3"]

# The colours of lines, by depths and numbers.
_Ink = Callable[[np.ndarray, np.ndarray], UInt8[np.ndarray, "lines 3"]]

# Pixels are drawn twice as fine, and averaged.
_FINE = 2
# Widths of strokes, in cells, and the radius of a point.
_VECTOR, _THIN, _POINT = 0.32, 0.12, 0.13
_EDGE, _FRONT, _BACK = (0.62, 0.62, 0.62), 0.8, 0.5
_LABEL, _LARGE = 0.95, 2.4  # heights of labels, in cells


def draw_pixels(
    scene: Scene,
    camera: Camera,
    radius: float,
    size: tuple[int, int],
    cell: tuple[int, int],
    background: RGB = (0, 0, 0),
    large: bool = False,
) -> Pixels:
    """The scene as the camera sees it, in so many rows and columns of cells of a width and height in pixels.

    What has a coordinate that is not finite is not drawn.
    """
    from PIL import Image, ImageDraw

    (rows, columns), (across, down) = size, cell
    grid = Grid(rows, columns, down=down * _FINE, across=across * _FINE)
    pixels = np.full((grid.height, grid.width, 3), background, np.uint8)
    unit = across * _FINE * (2 if large else 1)  # of widths
    with np.errstate(all="ignore"):
        points = canvas.on_grid(view(scene.points, camera, radius), grid)
        _splat(pixels, points, scene.point_colors, background, max(1, round(_POINT * unit)))
        image = Image.fromarray(pixels)
        draw = ImageDraw.Draw(image)

        def lines(segments: Float32[np.ndarray, "segments 2 3"], ink: _Ink, width: float) -> None:
            ends, source = canvas.clip(seen_lines(segments, camera, radius, grid), grid)
            depth = ends[..., 2].mean(1).astype(np.float32)
            inks = ink(depth, source).tolist()
            thick = max(1, round(width * unit))
            for k in np.argsort(depth, kind="stable").tolist():
                draw.line([tuple(end) for end in ends[k, :, :2].tolist()], tuple(inks[k]), thick)

        def faint(share: float) -> _Ink:
            return lambda depth, _: guide_colors(depth, background, np.full(len(depth), share, np.float32))

        def own(colors: Float32[np.ndarray, "lines 3"], shares: Float32[np.ndarray, " lines"]) -> _Ink:
            return lambda depth, source: shown(colors[source], depth, background, GAP, shares[source])

        lines(scene.guides, faint(GUIDE["braille"]), _THIN)
        if len(scene.edges):
            front = at_front(scene, camera, radius)
            lines(scene.edges[~front], faint(_BACK), _THIN)
            gray = np.tile(np.array(_EDGE, np.float32), (int(front.sum()), 1))
            lines(scene.edges[front], own(gray, np.full(len(gray), _FRONT, np.float32)), _THIN)
        lines(scene.trails, own(scene.trail_colors, scene.trail_strengths), _THIN)
        strengths = scene.strengths
        if strengths is None:
            strengths = np.ones(len(scene.segments), np.float32)
        lines(scene.segments, own(scene.segment_colors, strengths), _VECTOR)
        _write_labels(draw, scene, camera, radius, grid, background, large)
    return np.asarray(image.reduce(_FINE))


def _splat(
    pixels: Pixels,
    placed: Float[np.ndarray, "points 3"],
    colors: Float32[np.ndarray, "points 3"],
    background: RGB,
    reach: int,
) -> None:
    """Points as discs, the nearest above."""
    marks = canvas.mark_points(placed, Grid(pixels.shape[0], pixels.shape[1], 1, 1))
    order = np.argsort(marks.depth, kind="stable")
    x, y = marks.x[order], marks.y[order]
    inks = shown(colors[marks.source[order]], marks.depth[order], background, GAP)
    height, width = pixels.shape[:2]
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            if down * down + right * right <= reach * reach + 1:
                at = np.clip(y + down, 0, height - 1), np.clip(x + right, 0, width - 1)
                pixels[at] = inks


def _write_labels(
    draw: Any, scene: Scene, camera: Camera, radius: float, grid: Grid, background: RGB, large: bool
) -> None:
    from PIL import ImageFont

    font: Any = ImageFont.load_default(size=max(8, round((_LARGE if large else _LABEL) * grid.down)))
    if not scene.labels:
        return
    positions = np.array([label.position for label in scene.labels], np.float32)
    placed = canvas.on_grid(view(positions, camera, radius), grid)
    colors = np.array([label.color for label in scene.labels], np.float32)
    strengths = np.array([label.strength for label in scene.labels], np.float32)
    faded = shown(colors, np.ones(len(colors), np.float32), background, TEXT_GAP, strengths)
    inks = as_bytes(legible(faded / 255, background))
    for k in np.argsort(placed[:, 2], kind="stable").tolist():
        x, y = placed[k, :2].tolist()
        if 0 <= x < grid.width and 0 <= y < grid.height:
            draw.text((x, y), scene.labels[k].text, tuple(inks[k].tolist()), font, anchor="mm")
