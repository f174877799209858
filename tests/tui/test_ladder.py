"""The ladder: features at their D, beside the levels of theory, now and over the steps."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.conftest import after, still_model
from tms_engine.analysis.theory import DIMENSIONALITY
from tms_tui import messages as m
from tms_tui.drawing.ladder import (
    LEVELS,
    Ladder,
    LadderColors,
    Lines,
    draw_ladder,
    draw_lines,
    row_at,
    sign_of,
)
from tms_tui.reading import Reading, shown_panes

DARK = (10, 10, 10)
COLORS = LadderColors((255, 184, 76), (90, 90, 90), (200, 200, 200))


def rows(cells) -> list[str]:
    return ["".join(map(chr, row)) for row in cells.glyphs]


def ladder(*values: float, chosen: tuple[int, ...] = ()) -> Ladder:
    n = len(values)
    return Ladder(np.arange(n), np.array(values, float), np.full((n, 3), 0.5, np.float32), chosen)


def test_the_levels_are_those_of_theory_with_their_signs():
    assert set(LEVELS) == set(DIMENSIONALITY.values())
    assert [sign_of(level, "braille") for level in LEVELS] == ["⅓", "⅜", "⅖", "½", "⅔", "¾", "1"]
    assert [sign_of(level, "ascii") for level in LEVELS] == ["1/3", "3/8", "2/5", "1/2", "2/3", "3/4", "1"]


@pytest.mark.parametrize("mode", ["braille", "blocks", "ascii"])
def test_a_feature_on_a_level_stands_on_its_line_and_lights_its_name(mode):
    for level in (1 / 2, 2 / 3, 1.0):
        cells = draw_ladder(ladder(level, 0.0), 3, 60, mode, DARK, COLORS)
        names, first, second = rows(cells)
        sign = sign_of(level, mode)
        first_of = names.rindex(sign)
        at = first_of + (len(sign) - 1) // 2
        assert first[at] == ("*" if mode == "ascii" else "●")
        assert second[at] == (":" if mode == "ascii" else "┊")
        assert tuple(cells.foreground[0, first_of]) == COLORS.line
        assert f"{level:.2f}".removeprefix("0") in first


def test_names_of_levels_never_run_into_each_other():
    for width in range(20, 120):
        names = rows(draw_ladder(ladder(0.4), 3, width, "ascii", DARK, COLORS))[0]
        assert set(names.split()) <= {sign_of(level, "ascii") for level in LEVELS}
        assert {"1/2", "1"} <= set(names.split())


def test_more_features_than_rows_are_counted():
    values = [0.5] * 8 + [0.4] * 4 + [1.0]
    cells = draw_ladder(ladder(*values, chosen=(12,)), 9, 43, "ascii", DARK, COLORS)
    drawn = rows(cells)
    heights = {
        level: sum(row[1 + int(level * 40 + 0.5)] in "#." for row in drawn[1:]) for level in (0.5, 0.4, 1)
    }
    assert heights == {0.5: 8, 0.4: 4, 1: 1}
    assert drawn[0][1 + 40] == "v"
    assert row_at(ladder(*values), 3, 9) is None
    assert row_at(ladder(0.4, 0.5), 2, 9) == 1


@pytest.mark.parametrize("mode", ["braille", "blocks", "ascii"])
def test_a_line_over_steps_is_flat_on_its_level_and_jumps(mode):
    steps = np.arange(1, 200)
    values = np.where(steps < 50, 0.5, 1.0)[:, None]
    lines = Lines(steps, values, np.array([0]), np.array([[1.0, 0.2, 0.2]], np.float32))
    cells = draw_lines(lines, 17, 62, mode, DARK, COLORS)
    own = np.abs(cells.foreground.astype(int) - (255, 51, 51)).sum(-1) < 90
    where = own & (cells.glyphs != ord(" "))
    early, late = np.flatnonzero(where[:16, 20:30].any(1)), np.flatnonzero(where[:16, -4:].any(1))
    assert early.tolist() in ([7], [8])
    assert late.tolist() == [0]
    assert "199" in rows(cells)[-1]
    assert rows(cells)[0][0] == "1"


@settings(deadline=None, max_examples=150)
@given(
    st.integers(0, 40),
    st.integers(0, 30),
    st.integers(0, 70),
    st.sampled_from(["braille", "blocks", "ascii"]),
    st.sampled_from([0.0, 0.4, 1.0, float("nan")]),
    st.integers(0, 3),
)
def test_any_ladder_at_any_size_is_a_picture_of_that_size(n, height, width, mode, value, n_steps):
    chosen = (n - 1,) if n else ()
    shown = ladder(*[value] * n, chosen=chosen)
    over = Lines(np.arange(n_steps), np.full((n_steps, n), value), shown.features, shown.colors, chosen)
    for cells in (
        draw_ladder(shown, height, width, mode, DARK, COLORS),
        draw_lines(over, height, width, mode, DARK, COLORS),
    ):
        assert cells.glyphs.shape == (height, width)
        assert mode != "ascii" or cells.glyphs.max(initial=0) < 128


# Panes that take turns


@pytest.mark.parametrize(
    ("columns", "rows", "keys", "shown"),
    [
        (80, 24, (), ("features",)),
        (80, 24, ("ladder",), ("ladder",)),
        (80, 24, ("ladder", "gram"), ("gram",)),
        (80, 24, ("gram", "space"), ("gram",)),
        (80, 24, ("gram", "features"), ("features",)),
        (80, 24, ("numbers",), ("numbers",)),
        (120, 40, (), ("features", "gram", "numbers")),
        (120, 40, ("ladder", "gram"), ("ladder", "gram", "numbers")),
        (120, 24, ("gram",), ("gram", "numbers")),
        (200, 50, ("ladder",), ("features", "ladder", "gram", "numbers")),
        (200, 24, (), ("features", "ladder")),
    ],
)
def test_panes_take_turns_where_there_is_no_room_for_all(columns, rows, keys, shown):
    model, _ = after(still_model(), *(m.FocusPane(pane) for pane in keys))
    assert shown_panes(model.reading, columns, rows) == shown


def test_a_pane_that_gets_the_focus_by_tab_has_its_turn_too():
    model, _ = after(still_model(), m.LayoutChanged(m.Layout(80, 24, focused="ladder")))
    assert model.reading == Reading(upper="ladder")


# Solids


def test_the_order_of_the_gram_is_that_of_the_solids_first_known_and_is_given_up():
    from tms_engine.analysis.polytopes import polytopes
    from tms_tui.reading import in_order
    from tms_tui.solids import Solid, Solids

    weights = np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -0.5, 0.9], [0, -0.5, -0.9], [0.1, 0, 0]])
    waiting, effects = after(still_model(), m.ToggleOrder())
    assert (waiting.reading.by_solids, waiting.reading.solids, effects) == (True, None, [])

    def named(model, w):
        solid = Solid(model.shown, 0, polytopes(w), None)
        known = dataclasses.replace(model, solids=dataclasses.replace(Solids(), solid=solid))
        return after(known, m.ToggleLog())[0]

    found = named(waiting, weights)
    solids = found.reading.solids
    assert solids.step == found.shown.step
    order = in_order(np.arange(6), True, solids, 0).tolist()
    assert [sorted(order[:3]), sorted(order[3:5]), order[5]] == [[1, 3, 4], [0, 2], 5]
    assert in_order(np.arange(6), True, solids, 1).tolist() == list(range(6))
    assert named(found, weights[::-1]).reading.solids is solids  # it stays as it was found
    again, effects = after(found, m.ToggleOrder())
    assert (again.reading.by_solids, again.reading.solids, effects) == (False, None, [])
