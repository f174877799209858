import numpy as np
import pytest

from tests.tui.conftest import after, still_app, still_model, still_view
from tests.tui.hosts import press, text
from tms_engine.analysis.projection import Camera
from tms_tui import messages as m
from tms_tui.drawing.cells import BLANK
from tms_tui.drawing.large import as_large_as_fits, bitmap, large_lines
from tms_tui.drawing.scene import Label, Scene, draw_scene
from tms_tui.memo import Memo
from tms_tui.messages.settings import ToggleProjector
from tms_tui.panes.large import large_numbers, large_title

FLAT = Camera(yaw=-90, pitch=90)


def test_letters_differ_and_have_five_rows():
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    drawn = {letter: bitmap(letter) for letter in letters}
    assert {pixels.shape[0] for pixels in drawn.values()} == {5}
    assert len({(pixels.shape, pixels.tobytes()) for pixels in drawn.values()}) == len(letters)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_half_blocks_and_hashes_are_the_same_pixels(scale):
    pixels = bitmap("K7", scale)
    hashes = np.array([[c == "#" for c in line] for line in large_lines("K7", "ascii", scale)])
    assert np.array_equal(hashes, pixels)
    rows = []
    for line in large_lines("K7", "braille", scale):
        rows += [[c in "▀█" for c in line], [c in "▄█" for c in line]]
    assert np.array_equal(np.array(rows)[: len(pixels)], pixels)


def test_a_text_is_as_large_as_there_is_room_for():
    assert [len(as_large_as_fits("12", "blocks", w, 9)) for w in (7, 14, 21)] == [3, 5, 8]
    assert as_large_as_fits("12", "blocks", 5, 9) is None
    assert as_large_as_fits("12", "blocks", 99, 2) is None


@pytest.mark.parametrize(("mode", "rows"), [("braille", 3), ("blocks", 3), ("ascii", 5)])
def test_labels_of_the_space_are_in_large_print_and_never_hide_each_other(mode, rows):
    labels = tuple(Label((x, 0, 0), name, (1, 1, 1)) for x, name in ((0.5, "7"), (0.5, "4"), (-0.5, "1")))
    picture = draw_scene(Scene(labels=labels), FLAT, 1, 30, 60, mode, large=True)
    drawn = picture.glyphs != BLANK
    wanted = sum(sum(c != " " for line in large_lines(name, mode) for c in line) for name in "741")
    assert int(drawn.sum()) == wanted
    assert len(large_lines("7", mode)) == rows


def test_strokes_are_twice_as_thick():
    vector = Scene(
        segments=np.array([[[0, 0, 0], [1, 0, 0]]], np.float32), segment_colors=np.ones((1, 3), np.float32)
    )
    pictures = [draw_scene(vector, FLAT, 1, 20, 40, "braille", large=large) for large in (False, True)]
    seen = [picture.glyphs[picture.glyphs != BLANK] - 0x2800 for picture in pictures]
    thin, thick = (int(np.bitwise_count(glyphs).sum()) for glyphs in seen)
    assert thick == 2 * thin


def test_what_counts_is_said_in_the_room_that_there_is():
    model = still_model()
    lines = [line.strip() for line in large_lines("gist", "braille")]
    assert [line.strip() for line in large_title(model, 70, 3).plain.split("\n")] == lines
    assert large_title(model, 10, 3).plain.strip() == "gist"
    for width, height in ((28, 4), (28, 11), (46, 20), (80, 40)):
        lines = large_numbers(model, Memo(), width, height).plain.rstrip("\n").split("\n")
        assert len(lines) <= height
        assert max(map(len, lines)) <= width
        assert lines[0] == "loss"


def test_a_pane_that_projector_mode_has_not_ends_it():
    model, _ = after(still_model(), ToggleProjector())
    assert model.options.projector
    assert after(model, m.FocusPane("loss"))[0].options.projector
    assert not after(model, m.FocusPane("gram"))[0].options.projector


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_projector_mode_has_the_space_the_loss_and_what_counts(size):
    app = still_app(still_view())
    async with app.run_test(size=size) as pilot:
        await press(pilot, "Z")
        shown = text(app)
        assert ("Features" in shown, "Batch loss" in shown, "sparsity S" in shown) == (False, True, True)
        assert (
            "\n".join(large_lines("GIST", "braille", 2 if size[1] > 30 else 1)).split("\n")[0].strip()
            in shown
        )
        await press(pilot, "Z")
        assert "Features" in text(app)
