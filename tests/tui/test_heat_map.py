import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tms_tui.drawing.cells import BLANK
from tms_tui.drawing.few_colors import of_16
from tms_tui.drawing.heat_map import draw_heat_map, plan, strongest, written
from tms_tui.panes.run_bar import rate_text, time_left

DARK = (10, 10, 10)


def test_positive_is_red_negative_blue_and_zero_the_ground():
    cells = draw_heat_map(np.array([[1.0, -1.0], [0.0, 1.0]]), 1, 2, "blocks", DARK)
    upper, lower = cells.foreground[0].astype(int), cells.background[0].astype(int)
    assert upper[0, 0] > upper[0, 2] + 50  # the pixel of (0, 0), red
    assert upper[1, 2] > upper[1, 0] + 50  # of (0, 1), blue
    assert np.abs(lower[0] - DARK).max() < 12  # of (1, 0), the ground
    assert lower[1, 0] > lower[1, 2] + 50


def text_of(cells) -> list[str]:
    return ["".join(map(chr, row)) for row in cells.glyphs]


def test_values_are_written_where_they_are_square_and_there_is_room():
    cells = draw_heat_map(np.array([[0.78, -0.5], [0.0, 12.0]]), 4, 10, "braille", DARK)
    text = text_of(cells)
    assert ".78" in text[0]
    assert "-.50" in text[0]
    assert "12" in text[2]
    assert draw_heat_map(np.eye(8), 8, 16, "braille", DARK).glyphs.max() == ord("▀")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.784, ".78"),
        (-0.5, "-.50"),
        (1.25, "1.25"),
        (-1.25, "-1.2"),
        (0.001, "0"),
        (1e5, ""),
        (123.4, "123"),
    ],
)
def test_no_number_is_cut(value, text):
    assert written(value, 4) == text


def test_a_matrix_larger_than_the_picture_keeps_its_strongest_values():
    values = np.zeros((100, 100))
    values[37, 81], values[90, 5] = 1, -1
    cells = draw_heat_map(values, 5, 10, "ascii", DARK)
    shown = {chr(g) for g in cells.glyphs.ravel()} - {" "}
    assert shown == {"#", "%"}
    assert chr(cells.glyphs[1, 8]) == "#"
    assert chr(cells.glyphs[4, 0]) == "%"


def test_values_are_square_and_the_map_is_in_the_middle():
    cells = draw_heat_map(np.ones((6, 6)), 9, 22, "blocks", DARK)
    rows, columns = np.nonzero(cells.glyphs == ord("▀"))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert 2 * height == width == 12
    assert abs(columns.min() - 2 - (22 - 1 - columns.max())) <= 1  # beside two columns of names


def test_a_chosen_feature_is_marked_at_both_edges_where_there_is_no_room_for_names():
    plain = draw_heat_map(np.eye(4), 4, 9, "ascii", DARK)
    selected = draw_heat_map(np.eye(4), 4, 9, "ascii", DARK, chosen=[2])
    text = "".join(map(chr, selected.glyphs.ravel()))
    assert text.count("v") == text.count(">") == 1
    assert "v" not in "".join(map(chr, plain.glyphs.ravel()))


def test_rows_and_columns_have_names_and_the_colours_a_scale():
    names = ["7", "3", "5"]
    cells = draw_heat_map(np.eye(3), 12, 30, "blocks", DARK, chosen=[1], names=names)
    text = text_of(cells)
    assert text[next(i for i, row in enumerate(text) if row.strip())].split() == names
    marked = next(row for row in text if "▸" in row)
    assert marked.split("▸")[0].strip() == "3"
    assert [row.strip()[0] for row in text if row.strip()[:1] in names[:1] + names[2:]][1:] == ["7", "5"]
    scale = next(row for row in text if "█" in row)
    assert scale.split() == ["-1", "██████", "0", "██████", "1"]
    larger = text_of(draw_heat_map(1.62 * np.eye(3), 12, 30, "ascii", DARK))
    assert any(row.split()[:1] == ["-1.62"] and row.split()[-1] == "1.62" for row in larger)


@pytest.mark.parametrize("mode", ["blocks", "ascii"])
@pytest.mark.parametrize("n", [1, 3, 8, 20, 47, 100])
def test_what_is_under_a_cell_is_what_is_drawn_there(mode, n):
    placed = plan(n, 16, 40, mode, 2)
    rows, columns = set(), set()
    for y in range(16):
        for x in range(40):
            found = placed.at(y, x)
            if found is not None:
                rows |= set(range(*found[0]))
                columns |= set(range(*found[1]))
    assert rows == columns == set(range(n))
    values = np.zeros((n, n))
    j, k = n // 2, n // 3
    values[j, k] = -1
    cells = draw_heat_map(values, 16, 40, mode, DARK, names=["00"] * n)
    red, blue = cells.foreground[..., 0].astype(int), cells.foreground[..., 2].astype(int)
    if placed.numbers and cells.background is not None:
        red, blue = (cells.background[..., channel].astype(int) for channel in (0, 2))
    elif cells.background is not None:
        red = np.minimum(red, cells.background[..., 0])
        blue = np.maximum(blue, cells.background[..., 2])
    drawn = (cells.glyphs != BLANK) & (blue > red + 50)
    inside = [(y, x) for y, x in np.argwhere(drawn).tolist() if placed.at(y, x) is not None]
    assert inside
    for y, x in inside:
        assert strongest(values, *placed.at(y, x)) == (j, k)


def test_a_cell_of_many_says_of_how_many():
    assert plan(8, 12, 20, "blocks").patch == (1, 1)
    assert plan(80, 16, 46, "blocks", 2).patch == (6, 3)
    assert plan(80, 16, 46, "ascii", 2).patch[0] > 1


def test_the_cursor_has_brackets_around_its_value():
    cells = draw_heat_map(np.eye(8), 12, 30, "blocks", DARK, cursor=(2, 5))
    (row,) = [i for i, text in enumerate(text_of(cells)) if "[" in text]
    at = text_of(cells)[row].index("[")
    placed = plan(8, 12, 30, "blocks")
    assert placed.at(row, at) == placed.at(row, at + 1) == ((2, 3), (5, 6))
    assert text_of(cells)[row][at + 1] == "]"


@settings(deadline=None, max_examples=200)
@given(
    st.integers(0, 30),
    st.integers(0, 40),
    st.integers(0, 60),
    st.sampled_from(["braille", "blocks", "ascii"]),
    st.sampled_from([0.0, 1.0, -1e30, math.nan, math.inf]),
    st.booleans(),
)
def test_any_matrix_at_any_size_is_a_picture_of_that_size(n, height, width, mode, value, selected):
    values = np.full((n, n), value)
    cells = draw_heat_map(
        values,
        height,
        width,
        mode,
        DARK,
        chosen=[n - 1] if selected and n else [],
        cursor=(0, n - 1) if selected and n else None,
    )
    assert cells.glyphs.shape == (height, width)
    assert mode != "ascii" or cells.glyphs.max(initial=0) < 128


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0.5, "0/s"), (500, "500/s"), (9999, "9,999/s"), (812_345, "812 k/s"), (1.25e6, "1.2 M/s")],
)
def test_rates_are_short(rate, text):
    assert rate_text(rate) == text


def test_the_time_left_is_told_where_it_can_be_known():
    assert time_left(1000, 500) == "0:00:02 left"
    assert time_left(7_200_000, 1000) == "2:00:00 left"
    assert time_left(10, 0) == ""


@pytest.mark.parametrize("n_colors", [16, 8])
def test_with_few_colours_the_diagonal_differs_from_what_interferes_and_that_from_nothing(n_colors):
    gram = np.array([[0.9, 0.3, 0.0], [0.3, 0.8, -0.2], [0.0, -0.2, -0.9]])
    cells = draw_heat_map(gram, 2, 3, "blocks", DARK, n_colors=n_colors)
    sent = within_16(cells)
    much, some, nothing, less, least = (sent[at] for at in ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2)))
    assert len({tuple(color) for color in (much, some, nothing, less, least)}) == 5
    assert tuple(sent[0, 0]) == tuple(sent[1, 1])


def within_16(cells):
    """The colours of the values of a picture of half blocks, as a terminal of 16 gets them."""
    rows = np.stack([cells.foreground, cells.background], 1).reshape(-1, cells.glyphs.shape[1], 3)
    return of_16(rows)
