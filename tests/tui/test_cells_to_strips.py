import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color
from rich.console import Console
from rich.style import Style

from tms_engine import Camera
from tms_engine.figures.colors import feature_colors
from tms_tui.drawing.cells import Cells, blank
from tms_tui.drawing.scene import Scene, draw_scene, merge, weights_scene
from tms_tui.panes.cells_to_strips import cells_to_strips

OWN = (18, 18, 18)
BASE = Style(color=Color.from_rgb(200, 200, 200), bgcolor=Color.from_rgb(*OWN))


def cells(rows: list[str], colors=None, background=None) -> Cells:
    glyphs = np.array([[ord(c) for c in row] for row in rows], np.uint32)
    foreground = np.zeros((*glyphs.shape, 3), np.uint8) if colors is None else np.array(colors, np.uint8)
    return Cells(glyphs, foreground, None if background is None else np.array(background, np.uint8))


def colors_of(strip) -> list[tuple]:
    """Per cell: character, colour, background."""
    return [(c, tuple(s.style.color.triplet), tuple(s.style.bgcolor.triplet)) for s in strip for c in s.text]


@given(st.integers(1, 5), st.integers(1, 12), st.integers(0, 999), st.booleans())
def test_every_cell_has_its_character_and_colours(rows, columns, seed, has_background):
    rng = np.random.default_rng(seed)
    palette = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 1]], np.uint8)
    grounds = np.array([OWN, (90, 0, 0)], np.uint8)
    picture = Cells(
        rng.choice(np.array([32, ord("x"), 0x28FF], np.uint32), (rows, columns)),
        palette[rng.integers(0, 3, (rows, columns))],
        grounds[rng.integers(0, 2, (rows, columns))] if has_background else None,
    )
    made = cells_to_strips(picture, BASE)
    assert len(made) == rows
    for row, strip in enumerate(made):
        assert strip.cell_length == columns
        assert sum(segment.cell_length for segment in strip) == columns
        for column, (character, color, ground) in enumerate(colors_of(strip)):
            assert ord(character) == picture.glyphs[row, column]
            assert ground == (OWN if picture.background is None else tuple(picture.background[row, column]))
            if character != " ":
                assert color == tuple(picture.foreground[row, column])


def test_neighbours_of_one_colour_and_blanks_between_are_one_segment():
    red, blue = [255, 0, 0], [0, 0, 255]
    (strip,) = cells_to_strips(
        cells(["  ab  c d "], [[blue, blue, red, red, blue, blue, red, blue, blue, blue]]), BASE
    )
    assert [segment.text for segment in strip] == ["  ab  c ", "d "]


def test_a_blank_row_is_one_segment_in_the_widgets_own_style():
    (strip,) = cells_to_strips(blank(1, 7), BASE)
    assert [(segment.text, segment.style) for segment in strip] == [(" " * 7, BASE)]


def test_a_picture_without_a_background_has_the_widgets():
    (own,), (bare,) = (cells_to_strips(cells(["a"]), base) for base in (BASE, Style()))
    assert next(iter(own)).style.bgcolor == BASE.bgcolor
    assert next(iter(bare)).style.bgcolor is None


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (0, 3), (2, 0)])
def test_pictures_without_cells_have_strips_without_text(rows, columns):
    made = cells_to_strips(blank(rows, columns), BASE)
    assert [strip.cell_length for strip in made] == [columns] * rows


def test_a_turning_cloud_fits_an_ssh_line():
    """16 kB a frame of a 120×40 screen, whose space is 64×34, with 4,000 points at the seed's sparsity."""
    rng = np.random.default_rng(0)
    tips = rng.normal(size=(8, 3)).astype(np.float32)
    tips *= 0.9 / np.linalg.norm(tips, axis=1, keepdims=True)
    x = rng.uniform(size=(4000, 8)) * (rng.uniform(size=(4000, 8)) < 0.05)
    cloud = Scene((x @ tips).astype(np.float32), np.minimum(x @ feature_colors(8), 1).astype(np.float32))
    scene = merge([cloud, weights_scene(tips, feature_colors(8))])
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for yaw in range(0, 360, 30):
        made = cells_to_strips(draw_scene(scene, Camera(yaw), 1.15, 34, 64, "braille", OWN), BASE)
        assert len("".join(strip.render(console) for strip in made).encode()) < 16_000
