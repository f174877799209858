"""Films: which steps are shown, what is drawn of them, and the files."""

import itertools
import os
import stat

import numpy as np
import pytest
from PIL import Image

from tms_engine import Experiment, InputError, Trainer, save_run
from tms_engine.analysis.changes import evenly_changing, path_length
from tms_engine.commands import main


@pytest.fixture(scope="module")
def folded():
    """A run that folds at once, and then rests."""
    trainer = Trainer(Experiment(n_features=4, n_hidden=2, steps=600, n_instances=2, keep=64))
    trainer.advance(300)
    trainer.change(sparsity=0.5)
    trainer.advance(300)
    return trainer.run()


def test_a_way_is_the_sum_of_what_the_weights_have_moved():
    weights = [np.zeros((2, 2)), np.array([[3.0, 4.0], [0, 0]]), np.array([[3.0, 4.0], [0, 1]])]
    assert path_length(weights).tolist() == [0, 5, 6]


def test_steps_are_dense_where_the_weights_move():
    # Moves from step 100 to 110, and rests before and after.
    steps = list(range(1000))
    weights = [np.full((1, 1), float(np.clip(step - 100, 0, 10))) for step in steps]
    shown = evenly_changing(steps, weights, 40)
    assert shown[0] == 0
    assert shown[-1] == 999
    assert (np.diff(shown) >= 0).all()
    assert 25 <= ((shown >= 100) & (shown <= 110)).sum() <= 32  # three quarters, but there are eleven


def test_weights_that_never_move_are_shown_all_the_same():
    shown = evenly_changing([0, 10, 20], [np.ones((2, 2))] * 3, 3)
    assert shown[0] == 0
    assert shown[-1] == 2


def test_a_film_is_drawn_from_the_first_step_to_the_last(folded):
    from tms_engine.figures.film import film

    pictures = list(film(folded, 1, frames=4, size=(400, 240)))
    assert [picture.shape for picture in pictures] == [(240, 400, 3)] * 4
    assert all((first != second).any() for first, second in itertools.pairwise(pictures))
    with pytest.raises(InputError, match="a film needs two"):
        next(film(folded, first=600))
    with pytest.raises(InputError, match="instance"):
        next(film(folded, 7))


@pytest.mark.parametrize(("n", "m"), [(2, 1), (8, 3), (6, 5), (60, 3)])
def test_models_of_all_sizes_are_filmed(n, m):
    from tms_engine.figures.film import film

    trainer = Trainer(Experiment(n_features=n, n_hidden=m, steps=3))
    trainer.advance(3)
    assert len(list(film(trainer.run(), frames=2, size=(240, 200)))) == 2


@pytest.mark.slow
def test_the_command_writes_a_gif_that_lasts_as_long_as_it_says(folded, tmp_path, capsys):
    save_run(folded, tmp_path / "run")
    path = tmp_path / "fold.gif"
    said = ["film", str(tmp_path / "run"), "--seconds=1", "--fps=5", "--size=240x200", f"--out={path}"]
    assert main(said) == 0
    assert capsys.readouterr().out.strip() == str(path)
    with Image.open(path) as film:
        assert (film.size, film.n_frames) == ((240, 200), 5)
        durations = []
        for k in range(5):
            film.seek(k)
            durations.append(film.info["duration"])
    assert durations == [200, 200, 200, 200, 1700]


def test_an_mp4_is_made_by_ffmpeg_or_refused(folded, tmp_path, monkeypatch):
    from tms_engine.figures.film import save_film

    monkeypatch.setenv("PATH", str(tmp_path))
    view = {"frames": 2, "size": (240, 200)}
    with pytest.raises(InputError, match="needs the program ffmpeg"):
        save_film(folded, tmp_path / "fold.mp4", **view)
    fake = tmp_path / "ffmpeg"
    fake.write_text('#!/bin/sh\nfor last; do :; done\n/usr/bin/wc -c > "$last"\n')
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    save_film(folded, tmp_path / "fold.mp4", fps=4, **view)
    assert int((tmp_path / "fold.mp4").read_text()) == (2 + 6) * 240 * 200 * 3  # the last stays for 1.5 s
    fake.write_text("#!/bin/sh\necho no such codec >&2\nexit 1\n")
    with pytest.raises(InputError, match="could not make the film: no such codec"):
        save_film(folded, tmp_path / "other.mp4", **view)
    assert not (tmp_path / "other.mp4").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--out=film.webm"], "a film should be a .gif or .mp4, not 'film.webm'"),
        (["--size=10x10"], "size should be of even numbers from 200 to 4000"),
        (["--size=big"], "size should be WIDTHxHEIGHT"),
        (["--fps=0"], "fps should be from 1 to 60"),
        (["--seconds=-1"], "seconds should be above 0"),
        (["--seconds=600"], "a film should have 2 to 3,000 pictures, not 9,000"),
        (["--instance=5"], "instance"),
        (["--first=9000"], "a film needs two"),
    ],
)
def test_mistakes_are_told_in_a_sentence(folded, tmp_path, monkeypatch, capsys, words, sentence):
    monkeypatch.chdir(tmp_path)
    save_run(folded, tmp_path / "run")
    assert main(["film", "run", *words]) == 2
    assert sentence in capsys.readouterr().err
    assert sorted(os.listdir(tmp_path)) == ["run"]


def test_at_least_two_losses_are_written_at_their_axis_whatever_its_range():
    from tms_engine.figures.film import loss_ticks

    assert loss_ticks(0.0005, 0.2) == [0.001, 0.01, 0.1]
    assert loss_ticks(0.0039, 0.0062) == [0.004, 0.005, 0.006]
    assert loss_ticks(0.0039, 0.0041) == [0.0039, 0.004, 0.0041]
    rng = np.random.default_rng(0)
    for _ in range(2000):
        low = 10 ** rng.uniform(-9, 3)
        high = low * (1 + 10 ** rng.uniform(-3, 6))
        ticks = loss_ticks(low, high)
        assert 2 <= len({f"{tick:.6g}" for tick in ticks}) == len(ticks) <= 6
        assert low <= min(ticks) < max(ticks) <= high


def test_a_loss_that_hardly_falls_has_two_values_at_its_axis(folded):
    from tms_engine.figures import film

    stage = film._Stage(folded, 0, film._reel(folded, 0, 2, 0, None, film.HOME, 0), (400, 240))
    loss = stage._figure.axes[1]
    low, high = loss.get_ylim()
    inside = [text for tick, text in zip(loss.get_yticks(), loss.get_yticklabels(), strict=True)
              if low <= tick <= high and text.get_text()]  # fmt: skip
    assert len(inside) >= 2


def test_a_film_goes_over_no_file(folded, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save_run(folded, tmp_path / "run")
    (tmp_path / "mine.gif").write_text("mine")
    assert main(["film", "run", "--out=mine.gif"]) == 2
    assert "mine.gif is there already: choose another name" in capsys.readouterr().err
    assert main(["film", "run", "--out=nowhere/mine.gif"]) == 2
    assert "its directory is not there" in capsys.readouterr().err
    assert (tmp_path / "mine.gif").read_text() == "mine"
    (tmp_path / "run" / "film.gif").write_text("mine")
    assert main(["film", "run", "--seconds=.2", "--fps=10", "--size=200x200"]) == 0
    assert capsys.readouterr().out == f"{os.path.join('run', 'film-2.gif')}\n"
    assert (tmp_path / "run" / "film.gif").read_text() == "mine"
