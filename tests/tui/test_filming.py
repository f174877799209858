"""Films of what replay shows: a cast and a GIF, in another process."""

import json
import time

import pyte
import pytest
from PIL import Image

from tms_engine import Experiment, InputError, Trainer
from tms_tui.cast import CAST_FPS, frames, save_cast
from tms_tui.filming import start_film
from tms_tui.messages import StartFilm
from tms_tui.view_options import ViewOptions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run():
    trainer = Trainer(Experiment(n_features=5, n_hidden=2, steps=300))
    trainer.advance(300)
    return trainer.run()


def test_a_cast_is_what_a_terminal_plays_from_the_first_step_to_the_last(run, tmp_path):
    path = save_cast(run, tmp_path / "mine.cast", seconds=1.0, size=(60, 20))
    header, *events = map(json.loads, path.read_text().splitlines())
    assert (header["version"], header["width"], header["height"]) == (2, 60, 20)
    times = [at for at, _, _ in events]
    assert times == sorted(times)
    screen = pyte.Screen(60, 20)
    stream = pyte.Stream(screen)
    seen = []
    for _, kind, text in events:
        assert kind == "o"
        stream.feed(text)
        seen.append(screen.display[0].split("S")[0].strip())
    assert (seen[1], seen[-1]) == ("step 0", "step 300")
    assert len(events) == frames(1.0, CAST_FPS) + 2
    assert sum(not row.isspace() for row in screen.display) > 10


def test_a_run_without_a_past_is_no_film(tmp_path):
    still = Trainer(Experiment(keep=0)).run()
    with pytest.raises(InputError, match="fewer than two are kept"):
        save_cast(still, tmp_path / "mine.cast")
    assert not (tmp_path / "mine.cast").exists()


def test_the_app_films_in_another_process(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    film = start_film(run, StartFilm("mine", ViewOptions(), 0, 300, 0.4, 10.0), (60, 20), "braille")
    until = time.monotonic() + 240
    while not film.poll().finished:
        assert time.monotonic() < until
        time.sleep(0.05)
    progress = film.poll()
    assert (progress.error, progress.done) == ("", progress.total)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".cast", ".gif"]
    with Image.open(next(tmp_path.glob("*.gif"))) as image:
        assert image.n_frames > 1
