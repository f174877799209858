import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tms_engine import Camera
from tms_engine.analysis.polytopes.hull import hull
from tms_engine.analysis.projection import EYE, HOME, rotation
from tms_engine.figures.colors import TABLEAU, feature_colors, mix
from tms_tui.drawing import canvas
from tms_tui.drawing.cells import BLANK, Cells, arranged, blank, paste, write
from tms_tui.drawing.contrast import GAP, LUMA, readable, shade_of, shown
from tms_tui.drawing.scene import (
    AHEAD,
    NEAREST,
    Label,
    Scene,
    at_front,
    axes_scene,
    draw_scene,
    edges_scene,
    flat_camera,
    merge,
    sphere_scene,
    stacked_origins,
    trails_scene,
    weights_scene,
)

MODES = ["braille", "blocks", "ascii"]
FLAT = flat_camera()
RED, GREEN = np.array([[1, 0, 0]], np.float32), np.array([[0, 1, 0]], np.float32)


def points(*positions, color=RED):
    positions = np.array(positions, np.float32).reshape(-1, 3)
    return Scene(points=positions, point_colors=np.repeat(color, len(positions), 0).astype(np.float32))


def lines(*ends, color=RED):
    ends = np.array(ends, np.float32).reshape(-1, 2, 3)
    return Scene(segments=ends, segment_colors=np.repeat(color, len(ends), 0).astype(np.float32))


def text(picture: Cells) -> list[str]:
    return ["".join(map(chr, row)) for row in picture.glyphs]


def dot_plane(picture: Cells) -> np.ndarray:
    """Braille characters back to dots, (4 rows, 2 columns), by Unicode's numbering of dots."""
    rows, columns = picture.glyphs.shape
    plane = np.zeros((rows * 4, columns * 2), bool)
    numbered = {1: (0, 0), 2: (1, 0), 3: (2, 0), 4: (0, 1), 5: (1, 1), 6: (2, 1), 7: (3, 0), 8: (3, 1)}
    for row in range(rows):
        for column in range(columns):
            glyph = int(picture.glyphs[row, column])
            assert glyph == BLANK or 0x2800 < glyph <= 0x28FF
            for dot, (down, across) in numbered.items():
                plane[row * 4 + down, column * 2 + across] = glyph != BLANK and glyph >> (dot - 1) & 1
    return plane


# Cells


def test_text_is_cut_off_at_every_edge():
    picture = blank(2, 4)
    write(picture, 0, -2, "abcd", (1, 2, 3))
    write(picture, 1, 2, "wxyz", (1, 2, 3))
    write(picture, -1, 0, "no", (1, 2, 3))
    write(picture, 2, 0, "no", (1, 2, 3))
    write(picture, 0, 9, "no", (1, 2, 3))
    assert text(picture) == ["cd  ", "  wx"]
    assert picture.foreground[1, 2:].tolist() == [[1, 2, 3]] * 2


def test_text_over_a_picture_with_a_background_stands_on_the_one_given():
    picture = blank(1, 3, (9, 9, 9))
    picture.background[:] = 200
    write(picture, 0, 1, "x", (1, 2, 3), (9, 9, 9))
    assert picture.background[0].tolist() == [[200] * 3, [9] * 3, [200] * 3]


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [
        (3, (20, 120), (1, 3)),
        (3, (60, 40), (3, 1)),
        (2, (20, 46), (1, 2)),
        (2, (40, 40), (2, 1)),
        (6, (40, 120), (2, 3)),
    ],
)
def test_pictures_stand_side_by_side_where_it_is_wide_and_stacked_where_it_is_tall(count, size, expected):
    assert arranged(count, *size) == expected


def test_a_part_is_put_into_a_picture_at_its_place():
    whole, part = blank(2, 4), blank(1, 2)
    part.glyphs[:] = ord("p")
    paste(whole, part, 1, 1)
    assert text(whole) == ["    ", " pp "]


# Colours


@given(
    arrays(np.float32, (5, 3), elements=st.floats(0, 1, width=32)),
    st.tuples(*[st.integers(0, 70)] * 3) | st.tuples(*[st.integers(185, 255)] * 3),
)
def test_every_colour_can_be_told_from_a_dark_or_light_background(colors, background):
    out = readable(colors, background)
    assert ((out > -1e-5) & (out < 1 + 1e-5)).all()
    assert (np.abs(out @ LUMA - LUMA @ np.array(background) / 255) > GAP - 1e-3).all()


def test_tableau_is_readable_on_black_as_it_is():
    assert np.array_equal(readable(TABLEAU, (0, 0, 0)), TABLEAU)


def test_a_dark_colour_gets_brighter_in_its_own_hue():
    dim = TABLEAU * 0.3
    bright = readable(dim, (0, 0, 0))
    assert (bright @ LUMA > dim @ LUMA).all()
    cosine = (bright * TABLEAU).sum(-1) / np.linalg.norm(bright, axis=-1) / np.linalg.norm(TABLEAU, axis=-1)
    assert (cosine > 0.97).all()


def test_colours_fade_towards_the_background_with_distance():
    for background in ((0, 0, 0), (250, 250, 250)):
        gray = np.full((4, 3), 0.5, np.float32)
        depth = np.array([-0.9, -0.4, 0.4, 0.9], np.float32)
        away = np.abs(shown(gray, depth, background)[:, 0].astype(float) - background[0])
        assert (np.diff(away) > 10).all()


def test_what_is_beyond_the_scene_has_the_last_shade():
    assert shade_of(np.array([-9.0, -1.0, 0.999, 1.0, 9.0])).tolist() == [0, 0, 3, 3, 3]


# Points


@pytest.mark.parametrize("mode", MODES)
def test_a_point_falls_where_the_camera_sees_it(mode):
    rows, columns = 10, 30  # the shorter side is the height: 10 rows are as long as 20 columns
    for x, y, row, column in [(0.5, 0.55, 2, 20), (-0.5, -0.55, 7, 10), (0.95, 0.95, 0, 24)]:
        picture = draw_scene(points((x, y, 0)), FLAT, 1, rows, columns, mode)
        assert np.argwhere(picture.glyphs != BLANK).tolist() == [[row, column]]


def test_braille_dots_are_a_quarter_of_a_cell_high_and_half_a_cell_wide():
    corners = [(-0.99, 0.99, 0), (0.99, 0.99, 0), (-0.99, -0.99, 0), (0.99, -0.99, 0), (0.05, 0.05, 0)]
    plane = dot_plane(draw_scene(points(*corners), FLAT, 1, 5, 10, "braille"))
    assert np.argwhere(plane).tolist() == [[0, 0], [0, 19], [9, 10], [19, 0], [19, 19]]


@pytest.mark.parametrize("mode", MODES)
def test_the_nearest_point_gives_the_colour(mode):
    front, back = points((0, 0, 0.9)), points((0, 0, -0.9), color=GREEN)
    for scene in (merge([front, back]), merge([back, front])):
        picture = draw_scene(scene, FLAT, 1, 1, 1, mode)
        r, g, _ = picture.foreground[0, 0].tolist()
        assert r > 200
        assert g < 100


def test_a_half_block_has_a_colour_for_each_half():
    scene = merge([points((0, 0.5, 0.9)), points((0, -0.5, 0.9), color=GREEN)])
    picture = draw_scene(scene, FLAT, 1, 1, 2, "blocks", (9, 9, 9))
    assert text(picture) == [" ▀"]
    assert picture.foreground[0, 1].argmax() == 0
    assert picture.background[0, 1].argmax() == 1
    assert picture.background[0, 0].tolist() == [9, 9, 9]


@pytest.mark.parametrize(("ys", "glyph"), [([0.5], "▀"), ([-0.5], "▄"), ([0.5, -0.5], "█")])
def test_half_blocks_of_one_colour_need_no_background(ys, glyph):
    picture = draw_scene(points(*[(0, y, 0) for y in ys]), FLAT, 1, 1, 2, "blocks", (9, 9, 9))
    assert text(picture) == [f" {glyph}"]
    assert (picture.background == 9).all()


def test_ascii_gets_denser_with_the_number_of_points_and_with_nearness():
    def ink(z, n):
        (row,) = text(draw_scene(points(*[(0, 0, z)] * n), FLAT, 1, 1, 1, "ascii"))
        return ":+*#@".index(row)

    assert ink(-0.9, 1) < ink(-0.9, 10) < ink(-0.9, 1000)
    assert ink(-0.9, 4) < ink(0.9, 4)


def test_points_behind_the_eye_are_not_drawn():
    camera = Camera(yaw=-90, pitch=90, perspective=True)
    assert (
        draw_scene(points((0, 0, EYE), (0, 0, EYE + 1)), camera, 1, 5, 10, "braille").glyphs == BLANK
    ).all()
    assert (draw_scene(points((0, 0, EYE - 1)), camera, 1, 5, 10, "braille").glyphs != BLANK).any()


# Lines


@given(arrays(np.float32, (2, 3), elements=st.floats(-1.5, 1.5, width=32)))
@example(np.array([(0, 1.3125, 0), (1.3125, 0, 0)], np.float32))  # diagonals, from corner to corner
@example(np.array([(-1.5, 1.2568272, 0), (1.2568272, -1.5, 0)], np.float32))
def test_a_line_has_neither_gaps_nor_doubles(ends):
    grid = canvas.grid(20, 40, "braille")
    placed = canvas.on_grid(ends[None], grid)
    marks = canvas.mark_lines(placed, grid)
    assert len({*zip(marks.x.tolist(), marks.y.tolist(), strict=True)}) == len(marks.x)
    if len(marks.x):
        dx, dy = np.abs(np.diff(marks.x)), np.abs(np.diff(marks.y))
        assert (np.maximum(dx, dy) == 1).all()
        run = np.abs(placed[0, 1] - placed[0, 0])
        along, across = ((0, 1), (1, 0))[int(run[1] > run[0])]
        if abs(run[1] - run[0]) > 1e-3:  # else rounding decides which of them is the longer
            assert ((dx, dy)[along] == 1).all()
    if len(marks.x) > 2:
        # But at the ends, a mark's middle is within half a sub-cell of the line.
        middle = np.stack([marks.x, marks.y], 1)[1:-1] + 0.5
        slope = (placed[0, 1] - placed[0, 0]) / (placed[0, 1] - placed[0, 0])[along]
        there = placed[0, 0, across] + (middle[:, along] - placed[0, 0, along]) * slope[across]
        assert (np.abs(middle[:, across] - there) < 0.5 + 1e-3).all()


def apart(ends):
    return np.ptp(ends[:, :2], 0).max() > 1


@given(
    arrays(np.float64, (2, 3), elements=st.floats(-50, 50, width=32)).filter(
        lambda e: np.ptp(e[:, :2], 0).max() > 1
    )
)
def test_clipping_keeps_what_is_on_the_grid(ends):
    grid = canvas.Grid(10, 20, 1, 1)
    kept, source = canvas.clip(ends[None], grid)
    share = np.linspace(0, 1, 500)[:, None]
    along = ends[0] + share * (ends[1] - ends[0])
    inside = (along[:, :2] >= 0).all(1) & (along[:, :2] < [20, 10]).all(1)
    if len(source):
        assert ((kept[0, :, :2] > -1e-9) & (kept[0, :, :2] < np.array([20, 10]) + 1e-9)).all()
        if inside.any():
            step = np.linalg.norm(ends[1] - ends[0]) / 499
            assert np.linalg.norm(kept[0, 0] - along[inside][0]) <= step + 1e-9
            assert np.linalg.norm(kept[0, 1] - along[inside][-1]) <= step + 1e-9
    else:
        assert not inside.any()


@pytest.mark.parametrize("mode", MODES)
def test_a_line_that_leaves_the_picture_is_drawn_to_its_edge(mode):
    picture = draw_scene(lines(((-1e6, 0.02, 0), (1e6, 0.02, 0))), FLAT, 1, 9, 30, mode)
    assert (picture.glyphs[4] != BLANK).all()
    assert (np.delete(picture.glyphs, 4, 0) == BLANK).all()


@pytest.mark.parametrize("mode", ["blocks", "ascii"])
def test_a_vector_no_wider_than_a_point_has_a_gap_beside_it(mode):
    cloud = points(*np.random.default_rng(0).uniform(-1, 1, (9000, 3)) * [1, 1, 0.5], color=GREEN)
    vector = lines(((0.02, -0.9, 0), (0.02, 0.9, 0)))
    row = draw_scene(merge([cloud, vector]), FLAT, 1, 9, 18, mode).glyphs[4]
    assert (row != BLANK).tolist() == [True] * 8 + [False, True, False] + [True] * 7


def test_points_in_two_neighbouring_cells_share_the_nearers_colour():
    near, far = points((-0.9, 0, 0.9)), points((-0.7, 0, -0.9), (-0.5, 0, 0.9), color=GREEN)
    picture = draw_scene(merge([far, near]), FLAT, 1, 5, 10, "braille")
    assert picture.foreground[2, :3].argmax(-1).tolist() == [0, 0, 1]
    assert (picture.foreground[2, 0] == picture.foreground[2, 1]).all()


def test_in_perspective_a_line_goes_on_up_to_the_eye():
    camera = Camera(yaw=-90, pitch=90, perspective=True)
    picture = draw_scene(lines(((0.5, 0.02, 0), (0.5, 0.02, 2 * EYE))), camera, 1, 9, 30, "ascii")
    assert (picture.glyphs[4, 20:] != BLANK).all()
    behind = lines(((0.5, 0, EYE + 1), (-0.5, 0, EYE + 2)))
    assert (draw_scene(behind, camera, 1, 9, 30, "ascii").glyphs == BLANK).all()


@pytest.mark.parametrize(
    ("end", "character"),
    [((1, 0.05, 0), "-"), ((0.7, 0.7, 0), "/"), ((0.02, 1, 0), "|"), ((0.7, -0.7, 0), "\\")],
)
def test_ascii_lines_lean_as_they_run(end, character):
    picture = draw_scene(
        lines(((0, 0, 0), end), ((0, 0, 0), tuple(-c for c in end))), FLAT, 1, 20, 40, "ascii"
    )
    assert {*"".join(text(picture))} == {" ", character}


def test_a_vector_is_thicker_than_a_guide():
    ends = np.array([[[-0.9, 0.03, 0], [0.9, 0.03, 0]]], np.float32)
    vector = dot_plane(draw_scene(lines(ends), FLAT, 1, 10, 20, "braille"))
    guide = dot_plane(draw_scene(Scene(guides=ends), FLAT, 1, 10, 20, "braille"))
    assert vector.any(1).sum() == 2
    assert guide.any(1).sum() == 1
    assert guide.sum() * 4 == pytest.approx(vector.sum(), abs=4)


@pytest.mark.parametrize("mode", MODES)
def test_a_vector_stands_before_points_of_like_depth_and_behind_near_ones(mode):
    vector = lines(((-0.9, 0.01, 0), (0.9, 0.01, 0)))

    def greens(z):
        cloud = points(*[(x, 0.01, z) for x in np.linspace(-0.9, 0.9, 300)], color=GREEN)
        picture = draw_scene(merge([cloud, vector]), FLAT, 1, 9, 18, mode)
        return (picture.foreground[picture.glyphs != BLANK].argmax(-1) == 1).sum()

    assert greens(0.9 * AHEAD) == 0
    assert greens(1.1 * AHEAD) > 10


@pytest.mark.parametrize("mode", MODES)
def test_guides_are_faint_and_behind_everything(mode):
    ends = np.array([[[-0.9, 0.01, 0.9], [0.9, 0.01, 0.9]]], np.float32)
    alone = draw_scene(Scene(guides=ends), FLAT, 1, 9, 18, mode)
    assert 0 < alone.foreground.max() < 128
    # In the same cells, but in another row of dots.
    cloud = points(*[(x, -0.08 if mode == "braille" else 0.01, -0.9) for x in np.linspace(-0.9, 0.9, 300)])
    over = draw_scene(merge([Scene(guides=ends), cloud]), FLAT, 1, 9, 18, mode)
    without = draw_scene(cloud, FLAT, 1, 9, 18, mode)
    assert np.array_equal(over.glyphs[:, 1:-1], without.glyphs[:, 1:-1])


# Labels


def test_a_label_is_written_over_the_picture_in_its_colour():
    cloud = points(*np.random.default_rng(0).uniform(-1, 1, (3000, 3)))
    scene = merge([cloud, Scene(labels=(Label((0, 0, -1), "12", (0, 1, 0)),))])
    picture = draw_scene(scene, FLAT, 1, 9, 19, "braille")
    (row, column), (same, after) = np.argwhere((picture.glyphs > 32) & (picture.glyphs < 127)).tolist()
    assert (row, same, after) == (4, 4, column + 1)
    assert text(picture)[4][column : column + 2] == "12"
    assert picture.foreground[4, column].tolist() == [0, 255, 0]
    # A cell on both sides is kept free of points, so that the text can be read.
    assert picture.glyphs[4, [column - 1, column + 2]].tolist() == [BLANK, BLANK]


def test_of_labels_that_meet_one_moves_and_none_covers_another():
    near, far = Label((0, 0, 0.5), "near", (1, 1, 1)), Label((0.1, 0, -0.5), "far", (1, 1, 1))
    for labels in ((near, far), (far, near)):
        (row,) = text(draw_scene(Scene(labels=labels), FLAT, 1, 1, 40, "ascii"))
        assert sorted(row.split()) == ["far", "near"]
        assert row.index("near") == 19


@pytest.mark.parametrize("size", [(20, 46), (34, 70)])
def test_eight_numbers_are_all_read_wherever_the_camera_is(size):
    tips = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
    scene = weights_scene(tips, feature_colors(8))._replace(segments=np.zeros((0, 2, 3), np.float32))
    for yaw in range(0, 360, 15):
        picture = draw_scene(scene, Camera(yaw=yaw), 2.5, *size, "braille")
        assert sorted("".join(text(picture)).replace(" ", "")) == list("01234567")


def test_a_label_is_clipped_at_the_edges():
    labels = (Label((-1, 0, 0), "left", (1, 1, 1)), Label((1, 0, 0), "right", (1, 1, 1)))
    row = text(draw_scene(Scene(labels=labels), FLAT, 1.001, 20, 20, "ascii"))[10]
    assert row.startswith("eft ")
    assert row.endswith(" rig")


# Scenes


def test_weights_are_lines_from_the_origin_with_numbered_tips():
    tips = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0]], np.float32)
    scene = weights_scene(tips, feature_colors(3))
    assert np.array_equal(scene.segments[:, 1], tips)
    assert not scene.segments[:, 0].any()
    assert [label.text for label in scene.labels] == ["0", "1", "2"]
    assert np.allclose([label.position for label in scene.labels], tips * 1.09)


def test_a_lit_feature_keeps_its_strength_and_the_others_fade():
    tips = np.array([[0.9, 0.02, 0], [-0.9, 0.02, 0]], np.float32)
    white = np.ones((2, 3), np.float32)
    for background in ((0, 0, 0), (255, 255, 255)):
        plain, selected = (
            draw_scene(weights_scene(tips, white, chosen), FLAT, 1, 9, 18, "braille", background)
            for chosen in (None, 0)
        )
        away = np.abs(selected.foreground[4].astype(int) - background)[:, 0]
        assert np.array_equal(selected.foreground[4, 11:15], plain.foreground[4, 11:15])
        assert 0 < away[4] < 0.6 * away[13]


def test_of_many_features_the_nearest_have_numbers_or_the_lit_one():
    n = 400
    tips = np.random.default_rng(0).standard_normal((n, 3)).astype(np.float32)
    assert [label.text for label in weights_scene(tips, feature_colors(n), 7).labels] == ["7"]
    scene = weights_scene(tips, feature_colors(n))
    assert scene.labels == ()
    camera = Camera(yaw=20)
    without_lines = scene._replace(segments=scene.segments[:0])
    words = " ".join(text(draw_scene(without_lines, camera, 5, 40, 100, "ascii"))).split()
    depth = scene.numbers.positions @ rotation(camera)[2]
    assert 4 <= len(words) <= NEAREST
    assert set(map(int, words)) <= set(np.argsort(-depth)[:NEAREST].tolist())


def octahedron_edges() -> Scene:
    tips = np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32)
    return edges_scene(tips, *hull(tips))


def test_of_an_octahedron_the_edges_of_the_four_faces_that_are_seen_are_in_front():
    scene = octahedron_edges()
    assert len(scene.edges) == 12
    for yaw, pitch in ((30, 25), (200, -40), (-75, 10)):
        camera = Camera(yaw=yaw, pitch=pitch)
        front = at_front(scene, camera, 1.0)
        assert front.sum() in (8, 9)  # four faces around a corner, or one with its three neighbours
        assert (scene.edges[~front].mean(1) @ rotation(camera)[2] < 0).all()
        # From nearby less of it is seen, and nothing that is hidden from afar.
        near = at_front(scene, dataclasses.replace(camera, perspective=True), 1.0)
        assert 3 <= near.sum() <= 9
        assert not (near & ~front).any()


@pytest.mark.parametrize("mode", MODES)
def test_edges_at_the_back_have_fewer_marks_than_those_in_front(mode):
    edges = np.array([[[-0.9, 0.02, 0], [0.9, 0.02, 0]]], np.float32)
    drawn = {}
    for side, z in (("front", 1), ("back", -1)):
        normals = np.broadcast_to(np.array([0, 0, z], np.float32), (1, 2, 3))
        drawn[side] = draw_scene(Scene(edges=edges, normals=normals), FLAT, 1, 9, 36, mode)
    count = {side: (picture.glyphs != BLANK).sum() for side, picture in drawn.items()}
    if mode == "braille":
        count = {side: dot_plane(picture).sum() for side, picture in drawn.items()}
    assert 0 < count["back"] <= 0.7 * count["front"]


def test_points_on_their_vector_are_seen_beside_it():
    tips = np.array([[0.9, 0.02, 0]], np.float32)
    on_it = np.linspace(0, 0.9, 40, dtype=np.float32)[:, None] * np.array([[1, 0, 0]], np.float32)
    cloud = Scene(on_it, np.repeat(GREEN, 40, 0).astype(np.float32), beside=np.zeros(40, int))
    scene = merge([cloud, weights_scene(tips, RED)._replace(labels=())])
    for mode in MODES:
        picture = draw_scene(scene, FLAT, 1, 9, 36, mode)
        red, green = picture.foreground[..., 0] > 100, picture.foreground[..., 1] > 100
        seen = picture.glyphs != BLANK
        assert (seen & red & ~green).sum() >= 7, mode
        assert (seen & green & ~red).sum() >= 7, mode


def test_of_a_dense_cloud_the_shade_says_how_many_points_there_are():
    rng = np.random.default_rng(0)
    spread = np.concatenate([0.12 * rng.standard_normal((6000, 3)), rng.uniform(-0.9, 0.9, (2000, 3))])
    white = np.ones((8000, 3), np.float32)
    for background in ((10, 10, 10), (250, 250, 250)):
        picture = draw_scene(Scene(spread.astype(np.float32), white), FLAT, 1, 20, 40, "braille", background)
        apart = np.abs(picture.foreground.astype(int) - background[0]).sum(-1)
        apart[picture.glyphs == BLANK] = 0
        assert apart[8:12, 18:22].mean() > 1.6 * np.median(apart[2:5, 5:35])


def test_a_trail_leads_from_step_to_step_and_gets_stronger():
    tips = np.array([[[-0.5, 0, 0]], [[0, 0.5, 0]], [[0.5, 0, 0]]], np.float32)
    trail = trails_scene(tips, RED)
    assert trail.trails.tolist() == [[[-0.5, 0, 0], [0, 0.5, 0]], [[0, 0.5, 0], [0.5, 0, 0]]]
    assert (np.diff(trail.trail_strengths) > 0).all()
    assert (draw_scene(trail, FLAT, 1, 9, 18, "braille").glyphs != BLANK).any()


def test_a_single_hidden_dimension_is_drawn_with_a_height_for_each_feature():
    origins = stacked_origins(5, 1.2)
    tips = origins + np.array([[0.9, 0, 0]], np.float32) * np.array([[1], [-1], [1], [-1], [1]], np.float32)
    picture = draw_scene(weights_scene(tips, feature_colors(5), None, origins), FLAT, 1, 30, 60, "braille")
    assert (picture.glyphs != BLANK).any(1).sum() >= 5
    assert not stacked_origins(1, 1.0).any()


def test_axes_are_named_at_their_positive_end():
    scene = axes_scene(2, ["h0", "h1"], 2.0)
    assert np.allclose(scene.guides, [[[-2, 0, 0], [2, 0, 0]], [[0, -2, 0], [0, 2, 0]]])
    assert [label.text for label in scene.labels] == ["h0", "h1"]
    assert scene.labels[1].position[1] > 2


@pytest.mark.parametrize(("n_dims", "n_circles"), [(2, 1), (3, 3)])
def test_the_sphere_is_circles_of_radius_one(n_dims, n_circles):
    guides = sphere_scene(n_dims, 72).guides
    assert len(guides) == 72 * n_circles
    assert np.allclose(np.linalg.norm(guides, axis=-1), 1)
    assert np.allclose(
        guides[:, 1], np.roll(guides.reshape(n_circles, 72, 2, 3)[:, :, 0], -1, 1).reshape(-1, 3), atol=1e-6
    )
    assert guides[..., n_dims:].any() == 0


def test_the_sphere_of_one_dimension_is_its_two_ends():
    assert {*sphere_scene(1).guides[..., 0].ravel().tolist()} == {-1, 1}


def test_the_flat_camera_looks_down_z_with_x_right_and_y_up():
    assert np.allclose(rotation(flat_camera(2.0)), np.eye(3))
    assert flat_camera(2.0).zoom == 2


def test_merging_keeps_everything_in_order():
    one = merge([weights_scene(np.eye(3, dtype=np.float32), feature_colors(3), 1), points((0, 0, 0))])
    both = merge([one, one, axes_scene(1, ["x"], 1.0), lines(((0, 0, 0), (1, 1, 1)))])
    assert [len(field) for field in both[:4]] == [2, 2, 7, 7]
    assert len(both.labels) == 7
    assert both.strengths.tolist() == [np.float32(0.45), 1, np.float32(0.45)] * 2 + [1]
    assert len(merge([]).points) == 0


# Any scene, any size

coordinates = st.floats(width=32, allow_nan=True, allow_infinity=True)


@settings(max_examples=150, deadline=None)
@given(
    arrays(np.float32, st.tuples(st.integers(0, 6), st.just(3)), elements=coordinates),
    arrays(np.float32, st.tuples(st.integers(0, 5), st.just(2), st.just(3)), elements=coordinates),
    st.integers(0, 9),
    st.integers(0, 12),
    st.sampled_from(MODES),
    st.builds(
        Camera,
        st.floats(-400, 400),
        st.floats(-400, 400),
        st.floats(-400, 400),
        st.floats(0.01, 100),
        st.booleans(),
    ),
    st.sampled_from([1e-30, 0.0, 0.5, 1e30]),
)
def test_no_scene_raises(positions, ends, rows, columns, mode, camera, radius):
    ink = np.random.default_rng(0).uniform(size=(len(positions) + len(ends), 3)).astype(np.float32)
    labels = tuple(Label(p, "12", (0.5, 0.5, 0.5)) for p in positions)
    n = len(positions)
    scene = Scene(positions, ink[:n], ends, ink[n:], labels, guides=ends)
    picture = draw_scene(scene, camera, radius, rows, columns, mode, (10, 20, 30))
    assert picture.glyphs.shape == (rows, columns)
    if mode == "ascii":
        assert (picture.glyphs < 128).all()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (0, 5), (5, 0), (1, 1), (1, 40), (40, 1)])
def test_the_smallest_pictures_are_drawn(rows, columns, mode):
    scene = merge(
        [
            axes_scene(3, "xyz", 1.0),
            sphere_scene(3),
            weights_scene(np.eye(3, dtype=np.float32), feature_colors(3)),
        ]
    )
    assert draw_scene(scene, HOME, 1, rows, columns, mode).glyphs.shape == (rows, columns)


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_scene_is_blank(mode):
    assert (draw_scene(Scene(), HOME, 1, 5, 9, mode).glyphs == BLANK).all()


def test_what_is_not_finite_changes_nothing():
    rng = np.random.default_rng(1)
    good = points(*rng.uniform(-1, 1, (50, 3)))
    bad = points((np.nan, 0, 0), (0, np.inf, 0), (0, 0, -np.inf), (3e38, 3e38, 3e38))
    lost = lines(((0, 0, 0), (np.nan, 0, 0)), ((0, 0, 0), (np.inf, 0, 0)))
    for mode in MODES:
        one, other = (draw_scene(s, HOME, 1, 9, 20, mode) for s in (good, merge([good, bad, lost])))
        assert np.array_equal(one.glyphs, other.glyphs)
        assert np.array_equal(one.foreground, other.foreground)


@pytest.mark.parametrize("mode", MODES)
def test_the_seeds_darkest_points_can_be_seen(mode):
    x = np.full((1, 8), 1e-3, np.float32)
    for background in ((0, 0, 0), (30, 30, 30), (250, 250, 250)):
        cloud = Scene(np.zeros((1, 3), np.float32), mix(x, feature_colors(8)))
        picture = draw_scene(cloud, HOME, 1, 5, 9, mode, background)
        ink = picture.foreground[picture.glyphs != BLANK] @ LUMA
        assert np.abs(ink - LUMA @ np.array(background, np.float32)).min() > 0.4 * GAP * 255


def test_drawing_imports_neither_textual_nor_rich_nor_torch(repository):
    code = (
        "import sys, tms_tui.drawing.scene, tms_tui.drawing.cells;"
        "print(sorted({'textual', 'rich', 'torch', 'plotext', 'matplotlib'} & sys.modules.keys()))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"
