"""The phase diagram in characters: where cells are, which colours they have, and the borders over them."""

import numpy as np
import pytest

from tms_tui.drawing.modes import MODES
from tms_tui.drawing.phase_map import (
    Curve,
    PhaseMap,
    Side,
    boundaries,
    cell_at,
    draw_phase_map,
    draw_strip,
    frame,
    middle_of,
)

GROUND, TEXT, MARK = (15, 17, 23), (200, 200, 200), (255, 184, 76)


def chart(rows: int, columns: int, **fields) -> PhaseMap:
    colors = np.random.default_rng(0).uniform(size=(rows, columns, 3))
    made = PhaseMap(
        colors,
        np.full((rows, columns), ord("a")),
        Side("density", tuple(f"{k / 10:.3g}" for k in range(rows))),
        Side("importance", tuple(map(str, range(columns)))),
        None,
        None,
        (rows // 2, columns // 2),
    )
    return made._replace(**fields)


def text(cells) -> list[str]:
    return ["".join(map(chr, row)) for row in cells.glyphs.tolist()]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(1, 1), (4, 7), (14, 14), (40, 40), (100, 300)])
@pytest.mark.parametrize("room", [(0, 0), (2, 4), (5, 12), (20, 48), (36, 82), (47, 150)])
def test_it_fits_and_a_click_on_the_middle_of_a_cell_is_that_cell(mode, size, room) -> None:
    made = chart(*size)
    drawn = draw_phase_map(made, *room, mode, GROUND, TEXT, MARK)
    assert drawn.glyphs.shape == room
    at = frame(made, *room, mode)
    if not (at.tall and at.wide):
        return
    for row in range(size[0]):
        for column in range(size[1]):
            y, x = middle_of(made, at, row, column)
            found = cell_at(made, at.left + x, at.top + y, *room, mode)
            assert found is not None
            assert abs(found[0] - row) <= (at.tall == 1)  # two half characters are one to the mouse
            assert found[1] == column


def test_every_cell_has_its_colour() -> None:
    made = chart(14, 14, cursor=(0, 0))
    drawn = draw_phase_map(made, 36, 82, "braille", GROUND, TEXT, MARK)
    at = frame(made, 36, 82, "braille")
    assert (at.tall, at.wide) == (4, 5)
    for row in range(14):
        for column in range(14):
            y, x = at.top + row * at.tall // 2, at.left + column * at.wide
            wanted = np.round(made.colors[row, column] * 255)
            block = drawn.background[y : y + at.tall // 2, x : x + at.wide]
            assert (np.abs(block - wanted) <= 1).all()


def test_two_rows_share_a_character_where_there_is_no_more_room() -> None:
    made = chart(40, 40, cursor=(39, 39))
    drawn = draw_phase_map(made, 23, 50, "braille", GROUND, TEXT, MARK)
    at = frame(made, 23, 50, "braille")
    assert (at.tall, at.wide, at.rows) == (1, 1, 20)
    upper = np.round(made.colors[0, 0] * 255)
    lower = np.round(made.colors[1, 0] * 255)
    assert np.abs(drawn.foreground[at.top, at.left] - upper).max() <= 1
    assert np.abs(drawn.background[at.top, at.left] - lower).max() <= 1
    assert chr(drawn.glyphs[at.top, at.left]) == "▀"


def test_what_is_not_known_is_all_but_the_background() -> None:
    made = chart(4, 4, colors=np.full((4, 4, 3), np.nan), letters=np.full((4, 4), 32))
    drawn = draw_phase_map(made, 12, 30, "braille", GROUND, TEXT, MARK)
    assert np.abs(drawn.background.astype(int) - GROUND).max() < 30
    ascii_drawn = draw_phase_map(made, 12, 30, "ascii", GROUND, TEXT, MARK)
    assert "a" not in "".join(text(ascii_drawn)[1:9])
    assert all(line.isascii() for line in text(ascii_drawn))


def test_a_border_runs_between_cells_that_differ_and_nowhere_else() -> None:
    states = np.zeros((5, 6), int)
    states[:, 3:] = 1
    found = boundaries(states)
    assert (found[..., 0] == 3.0).all()  # between the centres of columns 2 and 3
    assert sorted(np.unique(found[..., 1]).tolist()) == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert len(boundaries(np.zeros((5, 6), int))) == 0
    states[2:] = -1  # not known: no border to it
    assert boundaries(states)[..., 1].max() == 1.5
    one = np.zeros((5, 5), int)
    one[2, 2] = 2
    ring = boundaries(one)
    assert len(ring) == 4
    assert np.abs(ring - 2.5).sum(-1).max() == 0.5  # a diamond about the centre of that cell
    saddle = np.array([[1, 0], [0, 1]])
    assert len(boundaries(saddle)) == 2


@pytest.mark.parametrize("mode", MODES)
def test_borders_are_drawn_over_the_cells_solid_and_dashed(mode) -> None:
    states = np.zeros((10, 10), int)
    states[:, 5:] = 1
    plain = draw_phase_map(chart(10, 10), 30, 60, mode, GROUND, TEXT, MARK)
    solid = draw_phase_map(chart(10, 10, solid=boundaries(states)), 30, 60, mode, GROUND, TEXT, MARK)
    dashed = draw_phase_map(chart(10, 10, dashed=boundaries(states)), 30, 60, mode, GROUND, TEXT, MARK)
    changed = plain.glyphs != solid.glyphs
    columns = np.flatnonzero(changed.any(0))
    at = frame(chart(10, 10), 30, 60, mode)
    assert set(columns) <= {at.left + 5 * at.wide - 1, at.left + 5 * at.wide}
    assert changed.sum() > 15
    if mode == "braille":
        dots = [sum(bin(g - 0x2800).count("1") for g in drawn.glyphs[:, columns].ravel() if g >= 0x2800)
                for drawn in (solid, dashed)]  # fmt: skip
        assert dots[0] > 2 * dots[1] > 0
    if plain.background is not None:
        assert (plain.background == solid.background).all()


@pytest.mark.parametrize("mode", MODES)
def test_a_strip_has_curves_below_whose_ends_are_told(mode) -> None:
    values = np.array([1.0, 2.0, np.nan, 4.0, 3.0])
    curves = (Curve("loss", values, MARK, "1", "4"), Curve("none", np.full(5, np.nan), MARK, "", ""))
    made = chart(1, 5, down=Side("", (" " * 7,)), cursor=(0, 2))
    drawn = draw_strip(made, curves, 30, 70, mode, GROUND, TEXT, MARK)
    lines = text(drawn)
    assert any("loss" in line for line in lines)
    assert any("none" in line for line in lines)
    assert any(line.strip().startswith("4 ") for line in lines)
    if mode == "ascii":
        assert all(line.isascii() for line in lines)
    for room in ((1, 1), (3, 9), (8, 20)):
        assert draw_strip(made, curves, *room, mode, GROUND, TEXT, MARK).glyphs.shape == room
