"""What is said of the things on the screen: the table of terms, and the numbers of each sentence."""

import dataclasses
import re

import numpy as np
import pytest
from rich.cells import cell_len

from tests.tui.conftest import after, still_model, still_view
from tms_engine import geometry
from tms_engine.analysis.theory import DIMENSIONALITY
from tms_engine.digits import short
from tms_tui import messages as m
from tms_tui.drawing.ascii import ascii_text
from tms_tui.explain import OF_PANE, TERMS, fitting
from tms_tui.keys import PANES_OF
from tms_tui.memo import Memo
from tms_tui.model import Model
from tms_tui.panes import PANES
from tms_tui.panes.explain_bar import explanation
from tms_tui.panes.explained import explained
from tms_tui.panes.measures import measures
from tms_tui.panes.numbers import number_rows
from tms_tui.reading import Thing
from tms_tui.space_scene import Trail
from tms_tui.view_options import COLORINGS


def holding(weights: np.ndarray, bias: np.ndarray | None = None, **fields) -> Model:
    """A model of the screen that shows one instance with these weights."""
    n, hidden = weights.shape
    view = still_view(n_features=n, n_hidden=hidden, bias=bias is not None, **fields)
    parameters = {"W": weights[None].astype(np.float32)}
    if bias is not None:
        parameters["b"] = bias[None].astype(np.float32)
    snapshot = dataclasses.replace(view.snapshot, parameters=parameters)
    return still_model(dataclasses.replace(view, snapshot=snapshot))


def said(model: Model, *messages: m.Message) -> str:
    return "".join(explained(after(model, *messages)[0], Memo()))


def polygon(n: int, length: float = 1.0) -> np.ndarray:
    angles = 2 * np.pi * np.arange(n) / n
    return length * np.stack([np.cos(angles), np.sin(angles)], -1)


# The table


def test_every_pane_and_every_colouring_has_a_term_and_every_term_words():
    panes = {pane for of_screen in PANES_OF.values() for pane in of_screen}
    assert set(OF_PANE) == panes >= set(PANES)
    assert {OF_PANE[pane] for pane in panes} <= set(TERMS)
    for pane in panes:  # the mouse too
        assert any(term.sign == "mouse" for term in TERMS.values() if term.pane == pane), pane
    assert set(COLORINGS) | set(OF_PANE.values()) <= set(TERMS)
    for name, term in TERMS.items():
        assert term.pane in (*panes, ""), name
        assert term.short, name
        assert len(term.text) > 20, name
        assert ascii_text(term.text + term.sign + term.sentence + term.section).count("?") == 0, name
        assert all(cell_len(c) == 1 for c in term.text + term.sign + term.sentence), name


def test_every_row_of_the_numbers_has_a_term():
    views = [still_view(), still_view("training", n_instances=3, importance_decay=0.7)]
    for view in views:
        model = still_model(view, instance=len(view.snapshot.losses) - 1)
        rows = number_rows(model, measures(model, Memo()))
        assert {row.term for row in rows} <= set(TERMS)
        assert {TERMS[row.term].pane for row in rows} == {"numbers"}


def test_the_fractions_in_the_words_on_D_are_those_of_theory():
    fractions = {"1": 1.0, "¾": 3 / 4, "⅔": 2 / 3, "½": 1 / 2, "⅖": 2 / 5, "⅜": 3 / 8, "⅓": 1 / 3}
    words = re.findall(r"([1¾⅔½⅖⅜⅓]) \(([a-z ,]+)\)", TERMS["ladder"].text)
    told = {name: fractions[sign] for sign, names in words for name in names.split(", ")}
    assert told.pop("cube") == DIMENSIONALITY["square antiprism"]
    assert told.pop("octahedron") == DIMENSIONALITY["digon"]
    assert told == DIMENSIONALITY
    for solid in ("triangle", "digon", "pentagon"):
        assert (
            re.search(rf"([⅔½⅖]) in a {solid}", TERMS["D"].text)[1]
            == {2 / 3: "⅔", 0.5: "½", 0.4: "⅖"}[DIMENSIONALITY[solid]]
        )


# A feature


def test_a_feature_of_a_pentagon_shares_with_one_and_a_half_others():
    model = holding(polygon(5, 0.9))
    j = geometry.feature(polygon(5, 0.9), 1)
    assert said(model, m.FocusPane("features"), m.NextFeature(1), m.NextFeature(1)) == (
        "feature 1: ‖W‖ .90, D .40: shares its dimensions with 1.5 others; "
        f"strongest interference with {j.rival}, −.66"
    )
    assert short(0.81 * np.cos(np.pi / 5)) == ".66"


def test_a_feature_of_a_digon_shares_with_one_other():
    model = holding(np.array([[1.0, 0], [-1, 0], [0, 1]]))
    assert said(model, m.PointedAt(Thing("norm", 1))) == (
        "feature 1: ‖W‖ 1.00, D .50: shares its dimensions with 1 other; strongest interference with 0, −1.00"
    )
    assert said(model, m.PointedAt(Thing("norm", 2))) == (
        "feature 2: ‖W‖ 1.00, D 1.00: has its dimension to itself; no interference"
    )


def test_a_feature_that_is_ignored_is_said_to_be_and_importance_where_it_differs():
    model = holding(np.array([[1.0, 0], [0, 0.2], [0, 0]]), importance_decay=0.5)
    assert said(model, m.PointedAt(Thing("norm", 1))) == (
        "feature 1: ‖W‖ .20, not represented (½ and below); no interference; importance .50"
    )
    assert "‖W‖ 0, not represented" in said(model, m.PointedAt(Thing("norm", 2)))


# Two features


def test_two_features_have_their_angle_cosine_and_what_one_adds_to_the_other():
    model = holding(np.array([[1.0, 0], [-0.5, 0.5], [0, 1]]))
    assert said(model, m.ChoosePair(0, 1)) == (
        "0 and 1: 135°, cosine −.71, W ⋅ W −.50; 0, active at 1, adds −.50 to 1 before the ReLU, "
        "which removes it where 1 is 0"
    )
    assert said(model, m.ChoosePair(0, 2)) == (
        "0 and 2: 90°, cosine 0, W ⋅ W 0; 0, active at 1, adds 0 to 2 before the ReLU"
    )


def test_the_relu_removes_nothing_where_there_is_none_or_the_bias_lifts_it():
    weights = np.array([[1.0, 0], [-0.5, 0.5]])
    lifted = holding(weights, bias=np.array([0, 0.1]))
    assert said(lifted, m.ChoosePair(0, 1)).endswith("adds −.50 to 1 before the ReLU")
    linear = holding(weights, model="linear")
    assert said(linear, m.ChoosePair(0, 1)).endswith("adds −.50 to 1")


def test_a_feature_is_kept_and_others_are_compared_with_it():
    model = holding(polygon(4))
    keys = m.FocusPane("features"), m.NextFeature(1), m.PinFeature()
    assert said(model, *keys).endswith("; select another one to compare it with")
    assert said(model, *keys, m.NextFeature(1)).startswith("1 and 0: 90°")
    assert said(model, *keys, m.NextFeature(1), m.NextFeature(1)).startswith("2 and 0: 180°, cosine −1.00")
    assert said(model, *keys, m.NextFeature(1), m.PinFeature()).startswith("feature 1:")
    assert said(model, *keys, m.Clear()).startswith("D: ")


def test_the_cursor_of_the_gram_reads_a_cell_and_enter_chooses_it():
    model = holding(polygon(5))
    moved, _ = after(model, m.FocusPane("gram"), m.MoveCell(0, 1), m.MoveCell(0, 1))
    assert "".join(explained(moved, Memo())).startswith("0 and 1: 72°, cosine .31, W ⋅ W .31")
    chosen, _ = after(moved, m.MoveCell(-1, 0), m.ChooseCell())
    assert (chosen.options.feature, chosen.reading.other) == (4, 1)
    assert "".join(explained(after(chosen, m.FocusPane("space"))[0], Memo())).startswith("4 and 1: 144°")


def test_a_cell_that_stands_for_many_says_so():
    model = holding(polygon(5))
    assert said(model, m.PointedAt(Thing("interference", 0, 1, (2, 3)))).startswith(
        "strongest of 2 × 3: 0 and 1"
    )


def test_an_edge_has_its_angle_and_length_and_a_click_chooses_its_two_features():
    model = holding(polygon(5))
    edge = Thing("edges", 0, 1)
    told = said(model, m.PointedAt(edge))
    assert told.startswith("edge, 0 and 1: 72°, cosine .31, W ⋅ W .31; 1.18 long; 0, active at 1, adds .31")
    assert said(model, m.ChoosePair(0, 1)).startswith("0 and 1: 72°")


def test_a_trail_says_how_far_its_tip_has_come(monkeypatch):
    model, before = holding(polygon(4)), 2 * polygon(4)[[1, 0, 2, 3]].astype(np.float32)
    monkeypatch.setattr("tms_tui.panes.explained.trail_shown", lambda *_: Trail((before,), 1200))
    pointed = m.PointedAt(Thing("trails", 0))
    assert said(model, pointed) == "trail of 0: since step 1,200 turned by 90°, ‖W‖ 2.00 → 1.00"
    monkeypatch.setattr("tms_tui.panes.explained.trail_shown", lambda *_: None)
    assert said(model, pointed).startswith("trails: ")


# Panes and numbers


def test_the_numbers_are_read_row_by_row():
    model = still_model()
    rows = number_rows(model, measures(model, Memo()))
    focused, _ = after(model, m.FocusPane("numbers"))
    for row in rows:
        sentence = "".join(explained(focused, Memo()))
        assert sentence.startswith(f"{row.name.strip() or TERMS[row.term].sign} {row.value}: ")
        assert sentence.endswith(TERMS[row.term].sentence)
        focused, _ = after(focused, m.MoveNumber(1))


def test_the_ladder_names_the_levels_of_the_loss_near_by():
    sentence = said(still_model(), m.FocusPane("ladder"))
    assert sentence.endswith("; loss 0.00398, below the level of octahedron at 0.00448")
    assert said(still_model(), m.FocusPane("ladder"), m.NextLadder()).startswith("energy levels: ")


def test_the_mouse_goes_before_the_focus_until_a_key_moves_on():
    model = still_model()
    pointed, _ = after(model, m.PointedAt(Thing("loss")))
    assert said(pointed).startswith("batch loss 0.00398: ")
    assert said(pointed, m.TogglePause()).startswith("batch loss")
    assert said(pointed, m.FocusPane("features")).startswith("D: ")


def test_a_pane_that_tells_late_that_the_mouse_has_left_it_takes_nothing_from_the_next_one():
    one, other = Thing("norm", 1), Thing("loss")
    moved, _ = after(still_model(), m.PointedAt(one), m.PointedAt(other), m.PointedAt(None, one))
    assert moved.reading.under == other
    assert after(moved, m.PointedAt(None, other))[0].reading.under is None


def test_before_there_are_weights_nothing_is_said():
    assert said(still_model(still_view("loading")), m.FocusPane("features")) == ""


# The line


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
@pytest.mark.parametrize("mode", ["braille", "ascii"])
def test_the_line_is_as_long_as_the_terminal_and_cuts_no_value(columns, mode):
    things = [Thing(name) for name in TERMS] + [Thing("norm", 3), Thing("interference", 3, 6)]
    model = dataclasses.replace(still_model(), mode=mode)
    model, _ = after(model, m.LayoutChanged(m.Layout(columns, 40)))
    for thing in things:
        shown, _ = after(model, m.PointedAt(thing))
        line = explanation(shown, Memo()).plain
        assert cell_len(line) == columns - 2, thing
        assert line.endswith("? more")
        assert mode != "ascii" or line.isascii()
        sentence, whole = line.removesuffix("? more").rstrip(), "".join(explained(shown, Memo()))
        if mode != "ascii" and not sentence.endswith("…"):
            assert whole.startswith(sentence)
            assert whole[len(sentence) : len(sentence) + 1] in ("", ";", ":", ",")


def test_at_80_columns_every_term_has_a_whole_clause():
    for name, term in TERMS.items():
        assert len(f"{term.sign}: {term.short[0]}") <= 70, name


def test_clauses_are_left_out_from_the_end_and_the_first_is_cut_at_a_word():
    assert fitting(("a b", ": c", "; d"), 8) == "a b: c"
    assert fitting(("a b", ": c", "; d"), 5) == "a b"
    assert fitting(("one two three",), 9) == "one two …"
    assert fitting(("one",), 2) == ""
    assert fitting((), 9) == ""
