import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from textual.color import Color
from textual.geometry import Region

from tests.trials.terminal import Terminal
from tests.tui.conftest import still_model
from tests.tui.decoded_images import iterm2_image, kitty_images, sixel_image
from tms_engine.analysis.projection import HOME
from tms_tui import picture as pictures
from tms_tui.abilities import images_of
from tms_tui.drawing.images import encoded, removed
from tms_tui.drawing.pixels import draw_pixels
from tms_tui.drawing.scene import NEUTRAL, Label, Scene, flat_camera
from tms_tui.memo import Memo
from tms_tui.panes.space_view import scene_of
from tms_tui.picture import SpacePicture
from tms_tui.space_scene import space_pixels
from tms_tui.terminal.cell_buffer import CellBuffer, Shown, Styles

CELL, GROUND = (10, 20), (15, 17, 23)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    scene = scene_of(still_model(), Memo())
    return space_pixels(scene, HOME, 12, 30, CELL, GROUND)


def test_a_picture_has_the_pixels_of_its_cells(picture):
    assert picture.shape == (240, 300, 3)
    assert (picture != GROUND).any(-1).mean() > 0.01


def test_kitty_is_sent_what_is_drawn_above_the_background_and_below_text(picture):
    ((keys, pixels),) = kitty_images(encoded(picture, 30, 12, "kitty"))
    assert np.array_equal(pixels, picture)
    assert {key: keys[key] for key in "acrqz"} == {"a": "T", "c": "30", "r": "12", "q": "2", "z": "-1"}
    assert keys["i"].encode() in removed("kitty")


def test_iterm2_is_sent_what_is_drawn(picture):
    keys, pixels = iterm2_image(encoded(picture, 30, 12, "iterm2"))
    assert np.array_equal(pixels, picture)
    assert (keys["inline"], keys["width"], keys["height"]) == ("1", "30", "12")


def test_sixels_are_what_is_drawn_in_64_colours(picture):
    pixels = sixel_image(encoded(picture, 30, 12, "sixel"))
    assert pixels.shape == picture.shape
    off = np.abs(pixels.astype(int) - picture).max(-1)
    assert np.quantile(off, 0.99) < 40
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) <= 64


def test_sixels_never_leave_their_cells():
    pixels = np.full((20, 7, 3), 200, np.uint8)
    assert sixel_image(encoded(pixels, 1, 1, "sixel")).shape == (18, 7, 3)


def test_vectors_points_and_labels_are_where_their_characters_are():
    red, green = np.array([[1, 0.2, 0.2]], np.float32), np.array([[0.2, 1, 0.2]], np.float32)
    scene = Scene(
        points=np.array([[-0.5, 0.5, 0]], np.float32),
        point_colors=green,
        segments=np.array([[[0, 0, 0], [0.8, 0, 0]]], np.float32),
        segment_colors=red,
        labels=(Label((0, -0.6, 0), "8", NEUTRAL),),
    )
    pixels = draw_pixels(scene, flat_camera(), 1, (10, 20), CELL, GROUND).astype(int)
    assert pixels.shape == (200, 200, 3)
    is_red, is_green = pixels[..., 0] - pixels[..., 1] > 60, pixels[..., 1] - pixels[..., 0] > 60
    rows, columns = np.nonzero(is_red)
    assert (columns.min(), columns.max()) == (pytest.approx(100, abs=2), pytest.approx(180, abs=2))
    assert np.abs(rows - 100).max() <= 3
    assert np.nonzero(is_green)[0].mean() == pytest.approx(50, abs=1.5)
    assert np.nonzero(is_green)[1].mean() == pytest.approx(50, abs=1.5)
    below = (pixels[130:190] != GROUND).any(-1)
    assert np.nonzero(below)[1].mean() == pytest.approx(100, abs=3)


def test_what_is_not_finite_or_behind_the_eye_is_not_drawn():
    wrong = np.array([[[np.nan, 0, 0], [np.inf, 1, 1]]], np.float32)
    scene = Scene(wrong[0], np.ones((2, 3), np.float32), wrong, np.ones((1, 3), np.float32))
    assert (draw_pixels(scene, HOME, 1, (4, 8), CELL, GROUND) == GROUND).all()
    empty = draw_pixels(Scene(), HOME, 1, (4, 8), CELL, GROUND)
    assert (empty == GROUND).all()


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "iterm2"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm2"),
        ({"TERM": "foot-extra"}, "sixel"),
        ({"TERM": "footloose"}, None),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/s,1,0"}, None),
        ({"TERM": "xterm-256color", "TMS_IMAGE": "sixel"}, "sixel"),
        ({"TERM": "xterm-256color", "TMS_IMAGE": "holograms"}, None),
    ],
)
def test_the_environment_says_how_pictures_are_sent(environment, protocol):
    assert images_of(environment).protocol == protocol


def test_cells_that_a_picture_has_covered_are_sent_again():
    styles = Styles()
    wanted, shown = CellBuffer(6, 3, styles), Shown(6, 3, styles, is_clear=True)
    wanted.write("\x1b[1;1Habcdef\x1b[2;1Hghijkl")
    shown.follow(wanted)
    assert shown.follow(wanted).data == ""
    shown.forget(2, 1, 3, 2)
    assert shown.follow(wanted).data.split("H")[1].startswith("ijk")
    assert shown.follow(wanted).data == ""


def test_nothing_of_it_is_imported_unless_it_is_asked_for():
    script = "import sys, tms_tui.app, tms_tui.terminal.driver, tms_tui.panes.space_view as _\n"
    script += "names = ('PIL', 'tms_tui.picture', 'tms_tui.drawing.images', 'tms_tui.drawing.pixels')\n"
    script += "print([name for name in names if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_terminal_that_can_is_sent_the_space_and_it_is_gone_under_a_dialog_and_at_the_end(tmp_path):
    app = Terminal(tmp_path, "--render", "image", "--no-train", TMS_IMAGE="kitty")
    try:
        app.wait_until(lambda: b"m=0;" in app.written)
        app.press("a")  # stand still
        app.wait(2)
        shown = kitty_images(app.written[: app.written.rindex(b"\x1b\\") + 2])
        pixels = shown[-1][1]
        assert (pixels != pixels[0, 0]).any(-1).mean() > 0.01
        # On a machine so busy that the line seems slow, characters stand in for half a minute.
        app.wait_until(
            lambda: not any(c >= "\u2801" for line in app.screen.display[3:35] for c in line[1:60])
        )
        n = len(app.written)
        app.press("?")
        app.wait_until(lambda: removed("kitty") in app.written[n:])
        n = len(app.written)
        app.press("\x1b")
        app.wait_until(lambda: b"m=0;" in app.written[n:])
        n = len(app.written)
        app.press("q")
        assert app.end() == 0
        assert removed("kitty") in app.written[n:]
        app.assert_restored()
    finally:
        app.process.close(force=True)


@pytest.fixture
def followed(monkeypatch):
    """What a SpacePicture needs of an app: whether the line is slow, what is shown, the size of a cell."""
    is_slow, sent, cell = [True], [], [(8, 16)]
    model = still_model()
    scene = scene_of(model, Memo())
    size = Region(0, 0, 20, 10)
    ground = (None, Color(0, 0, 0))
    view = SimpleNamespace(
        scene=(scene, HOME, False), content_region=size, background_colors=ground, cover=lambda on: None
    )
    monkeypatch.setattr(pictures, "_wanted", lambda app, model: view)
    for name, value in {
        "is_too_slow_for_pictures": lambda app: is_slow[0],
        "show_picture": lambda app, shown: sent.append(shown),
        "cell_pixels": lambda app: cell[0],
        "is_busy": lambda app: False,
    }.items():
        monkeypatch.setattr(pictures.compat, name, value)
    return is_slow, sent, cell


def following(sent, protocol="kitty"):
    """Whether a picture is shown at a time."""
    follows, model = SpacePicture(), SimpleNamespace(images=SimpleNamespace(protocol=protocol))

    def shown_at(now: float) -> bool:
        follows.follow(None, SimpleNamespace(settings_state=model), now)
        return bool(sent) and sent[-1] is not None

    return shown_at


def test_sixels_wait_for_the_size_of_a_cell_and_others_do_not(followed):
    """Of cells of 9 × 18 pixels that were taken for 10 × 20, the picture lay over the panes beside it."""
    is_slow, sent, cell = followed
    is_slow[0], cell[0] = False, None
    shown_at = following(sent, "sixel")
    assert [shown_at(0), shown_at(1)] == [False, False]
    cell[0] = (9, 18)
    assert shown_at(2)
    width, height = re.search(rb'"1;1;(\d+);(\d+)', sent[-1].data).groups()
    assert (int(width), int(height)) == (20 * 9, 10 * 18)
    sent.clear()
    cell[0] = None
    assert following(sent, "iterm2")(0)


def test_after_a_slow_line_pictures_are_tried_again(followed):
    """Over a line that rests nothing tells that it is fast again: they stayed away for good."""
    is_slow, sent, _ = followed
    shown_at = following(sent)
    assert [shown_at(now) for now in (0, 10, 29.9)] == [False] * 3
    assert shown_at(30.1)
    assert not shown_at(32.5)  # it is slow still
    assert not shown_at(61)
    is_slow[0] = False
    assert shown_at(63)
    assert shown_at(1000)
