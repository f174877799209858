"""Figures as files: their names, what is never overwritten, disks, and settings that are not ours."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from tests.trials.figures import figures_cut_off_by_a_full_disk, figures_under_hostile_settings
from tms_engine import Camera, Experiment, InputError, Run, Trainer, files, save_figures, save_html
from tms_engine.figures.gram import gram_figure

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Run:
    trainer = Trainer(Experiment(n_features=4, n_hidden=2, n_instances=3, steps=40))
    trainer.advance(40)
    return trainer.run()


def saved(run: Run, directory: Path, name: str = "gram", **view) -> str:
    (path,) = save_figures(run, directory, only=[name], dpi=20, **view)
    return path.name


def page(run: Run, directory: Path, **view) -> str:
    (path,) = save_html(run, directory, only=["weights"], **view)
    return path.name


def text_of(path: Path) -> dict[str, str]:
    with Image.open(path) as image:
        return dict(image.text)


# Names -------------------------------------------------------------------------------------------------


def test_instance_and_step_are_in_the_name_where_they_are_not_the_usual_ones(run, tmp_path):
    views = [{}, {"instance": 2}, {"step": 20}, {"instance": 1, "step": 20}, {"step": 40}, {"step": 10**9}]
    names = ["", "-instance-2", "-step-20", "-instance-1-step-20", "", ""]
    assert [saved(run, tmp_path, **view) for view in views] == [f"gram{name}.png" for name in names]
    assert [page(run, tmp_path, **view) for view in views] == [f"weights{name}.html" for name in names]
    assert saved(run, tmp_path, "loss", instance=2) == "loss-instance-2.png"
    assert len(list(tmp_path.iterdir())) == 9
    for name, instance, step in (("gram", 0, 40), ("gram-instance-1-step-20", 1, 20)):
        text = text_of(tmp_path / f"{name}.png")
        assert (text["Instance"], text["Step"]) == (str(instance), str(step))


def test_the_step_in_the_name_is_the_one_that_is_drawn(tmp_path):
    trainer = Trainer(Experiment(steps=40, keep=0))
    trainer.advance(40)
    assert saved(trainer.run(), tmp_path, step=20) == "gram.png"


def test_the_same_figure_again_takes_the_place_of_the_first(run, tmp_path):
    for again in (saved, page):
        first = again(run, tmp_path)
        before = (tmp_path / first).stat().st_ino, (tmp_path / first).read_bytes()
        assert again(run, tmp_path) == first
        assert (tmp_path / first).read_bytes() == before[1]
        assert (tmp_path / first).stat().st_ino != before[0]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_figure_of_other_weights_or_from_another_camera_takes_nobodys_place(run, tmp_path):
    trainer = Trainer.resume(run._replace(experiment=run.experiment.replace(steps=60)))
    trainer.advance(20)
    longer, left = trainer.run(), Camera(yaw=10)
    mine, yours = (Run.from_weights(np.full((4, 2), value)) for value in (0.1, 0.2))
    for again in (saved, page):
        end, taken = (".png", "gram") if again is saved else (".html", "weights")
        names = [again(some, tmp_path) for some in (run, longer, mine, yours, run, longer, mine, yours)]
        expected = [f"{taken}{rest}{end}" for rest in ("", "-step-60", "-step-0", "-step-0-2")]
        assert names == expected * 2
    views = [saved(run, tmp_path, "weights", camera=camera) for camera in (Camera(), left, left, Camera())]
    assert views == ["weights.png", "weights-step-40.png", "weights-step-40.png", "weights.png"]


@pytest.mark.parametrize("ours", [saved, page])
def test_what_is_not_a_figure_of_ours_stays(ours, run, tmp_path):
    name = "gram.png" if ours is saved else "weights.html"
    stem, end = name.split(".")
    there = tmp_path / name
    there.write_text("mine")
    assert ours(run, tmp_path) == f"{stem}-step-40.{end}"
    assert there.read_text() == "mine"
    there.unlink()
    there.mkdir()
    (tmp_path / f"{stem}-step-40.{end}").unlink()
    (tmp_path / f"{stem}-step-40.{end}").symlink_to("nowhere")
    os.mkfifo(tmp_path / f"{stem}-step-40-2.{end}")
    assert ours(run, tmp_path) == f"{stem}-step-40-3.{end}"
    assert (tmp_path / f"{stem}-step-40.{end}").is_symlink()


def test_of_many_who_write_one_new_name_at_once_one_does(tmp_path):
    def write(i: int) -> bool:
        try:
            files.write_new(tmp_path / "name", f"{i}".encode())
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        wrote = list(pool.map(write, range(40)))
    assert wrote.count(True) == 1
    assert (tmp_path / "name").read_text() == str(wrote.index(True))
    assert [path.name for path in tmp_path.iterdir()] == ["name"]


def test_a_new_name_is_written_where_there_are_no_hard_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    files.write_new(tmp_path / "name", b"one")
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / "name", b"two")
    assert (tmp_path / "name").read_text() == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["name"]


# Disks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("save", [save_figures, save_html])
def test_a_disk_that_is_full_leaves_the_whole_files_and_no_part_of_one(save, run, tmp_path, monkeypatch):
    sync, written = os.fsync, []

    def fill(file):
        if stat.S_ISREG(os.fstat(file).st_mode):
            if len(written) == 2:
                raise OSError(28, "No space left on device")
            written.append(os.fstat(file).st_size)
        sync(file)

    monkeypatch.setattr(os, "fsync", fill)
    options = {"dpi": 20} if save is save_figures else {}
    with pytest.raises(InputError, match=r"cannot write .+/n_active\.\w+: no space left on device"):
        save(run, tmp_path / "new", only=["weights", "cloud", "n_active"], **options)
    assert sorted(path.stat().st_size for path in (tmp_path / "new").iterdir()) == sorted(written)


def test_a_file_that_grows_too_large_is_told_in_a_sentence(tmp_path):
    figures_cut_off_by_a_full_disk(tmp_path, 0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere: a plain user runs this")
def test_a_directory_of_others_is_told_before_anything_is_drawn(run, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match=r"cannot write to .+: permission denied"):
        save_figures(run, tmp_path / "figures")
    tmp_path.chmod(0o700)


# Settings ----------------------------------------------------------------------------------------------


def test_no_setting_of_matplotlibs_changes_a_figure_that_is_saved(run, tmp_path):
    (plain,) = save_figures(run, tmp_path / "plain", only=["gram"], dpi=40)
    hostile = {
        "text.usetex": True, "font.family": ["nonsense"], "axes.prop_cycle": mpl.cycler(color=["w"]),
        "figure.dpi": 1, "savefig.format": "pdf", "savefig.transparent": True, "savefig.bbox": "tight",
        "image.cmap": "gray", "image.interpolation": "bicubic", "path.sketch": (5, 100, 2),
        "interactive": True, "axes.formatter.use_locale": True, "axes.unicode_minus": False,
        "figure.constrained_layout.use": False, "figure.autolayout": True, "timezone": "Nowhere",
        "xtick.labelsize": 40, "axes.grid": True, "text.antialiased": False, "lines.antialiased": False,
    }  # fmt: skip
    with mpl.rc_context(hostile):
        before = dict(mpl.rcParams)
        (drawn,) = save_figures(run, tmp_path / "hostile", only=["gram"], dpi=40)
        assert gram_figure(run).dpi == 100
        assert dict(mpl.rcParams) == before
    assert plain.read_bytes() == drawn.read_bytes()


def test_a_matplotlibrc_of_the_users_changes_nothing(tmp_path):
    assert figures_under_hostile_settings(tmp_path, 12).startswith("not utf-8, through the current directory")
