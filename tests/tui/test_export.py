import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.engine.test_trainer import assert_same_run
from tests.environment import waited_for_a_processor
from tms_engine import Camera, Experiment, Run, Trainer, load_run, runs, save_figures
from tms_engine.figures import chosen_figures, html_figures
from tms_tui import child as child_module
from tms_tui import export as export_module
from tms_tui.child import Child
from tms_tui.export import Export, ExportProgress, start_export

pytestmark = pytest.mark.slow

CAMERA = Camera(yaw=12, pitch=70, roll=5, zoom=1.2, perspective=True)
NAMES = {f"{name}.png" for name in chosen_figures(None, 1)}
HTML = {f"{name}.html" for name in html_figures(None, 1)}


@pytest.fixture(scope="module")
def run() -> Run:
    trainer = Trainer(Experiment(n_features=5, n_hidden=3, batch_size=8, steps=60, bias=True))
    trainer.advance(30)
    trainer.change(sparsity=0.8)
    trainer.advance(30)
    return trainer.run()


def export(run: Run, directory: Path, **options) -> Export:
    return start_export(
        run, directory, **{"camera": CAMERA, "instance": 0, "axes": None, "dpi": 30, **options}
    )


def shell(path: Path, script: str) -> Path:
    """A program, to be put in the place of Python."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def ended(export: Export) -> ExportProgress:
    assert export.wait(300)
    progress = export.poll()
    assert progress.finished
    return progress


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def process_of(export: Export) -> Child:
    end = time.monotonic() + 120
    while export._process is None:
        assert time.monotonic() < end
        time.sleep(0.005)
    return export._process


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory) -> tuple[Path, ExportProgress, list[ExportProgress]]:
    """A whole export: where, how it ended, and how far it was each time it was asked."""
    directory = tmp_path_factory.mktemp("export") / "new" / "run"
    under_way, seen = export(run, directory), []
    while not seen or not seen[-1].finished:
        time.sleep(0.01)
        seen.append(under_way.poll())
    return directory, ended(under_way), seen


def test_an_export_is_the_run_and_its_figures(exported, run):
    directory, progress, _ = exported
    assert (progress.error, progress.note) == ("", "")
    assert {path.name for path in (directory / "figures").iterdir()} == NAMES | HTML
    assert set(progress.done) == set((directory / "figures").iterdir())
    assert len(progress.done) == progress.total == len(NAMES | HTML)
    assert_same_run(load_run(directory), run)


def test_progress_grows_file_by_file(exported):
    counts = [len(progress.done) for progress in exported[2]]
    assert counts == sorted(counts)
    assert len(set(counts)) > 4
    assert all(progress.total == len(NAMES | HTML) for progress in exported[2])


def test_the_figures_are_seen_from_the_camera_at_the_dpi_asked_for(exported, run, tmp_path):
    save_figures(run, tmp_path, dpi=30, camera=CAMERA, only=("weights", "cloud", "loss"))
    for name in ("weights.png", "cloud.png", "loss.png"):
        with Image.open(exported[0] / "figures" / name) as ours, Image.open(tmp_path / name) as theirs:
            assert np.array_equal(np.asarray(ours), np.asarray(theirs)), name
            assert ours.text == theirs.text
    save_figures(run, tmp_path / "home", dpi=30, only=["weights"])
    assert (tmp_path / "home" / "weights.png").read_bytes() != (tmp_path / "weights.png").read_bytes()


def test_neither_call_waits_for_the_saving(run, tmp_path, monkeypatch):
    may_save, save = threading.Event(), runs.save_run

    def wait_and_save(*arguments):
        assert may_save.wait(120)
        save(*arguments)

    monkeypatch.setattr("tms_engine.runs.save_run", wait_and_save)
    under_way = export(run, tmp_path / "run", formats=())  # these return although nothing can be saved yet
    assert not under_way.poll().finished
    may_save.set()
    assert ended(under_way).error == ""


@pytest.fixture
def _nothing_to_collect() -> Iterator[None]:
    """As in the app, garbage collections do not walk over what is loaded: .2 s where all tests are."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_nothing_to_collect")
def test_the_caller_is_free_while_a_large_run_is_saved(tmp_path):
    """Python goes on while it is: how late a 200 Hz loop is, for an interpreter kept by the saving thread.

    What else the machine does is left out: of the time that passes it counts no more than this process had on
    a processor, and no more than this thread did not wait for one.
    """
    trainer = Trainer(Experiment(n_features=200, n_hidden=40, batch_size=8, steps=400, sparsity=0.99))
    trainer.advance(400)
    run = trainer.run()  # 400 snapshots: 13 MB
    under_way = export(run, tmp_path / "run", formats=())
    late = []
    while not under_way.poll().finished:
        began = time.process_time(), time.monotonic() - waited_for_a_processor("thread-self")
        time.sleep(0.005)
        ended_at = time.process_time(), time.monotonic() - waited_for_a_processor("thread-self")
        late.append(min(end - start for start, end in zip(began, ended_at, strict=True)))
    assert max(late) < 0.1
    assert ended(under_way).error == ""
    assert not (tmp_path / "run" / "figures").exists()


def test_where_the_screen_has_gone_back_those_weights_are_drawn_and_the_whole_run_is_saved(run, tmp_path):
    assert ended(export(run, tmp_path / "run", step=20, formats=("png",))).error == ""
    assert_same_run(load_run(tmp_path / "run"), run)
    drawn = {path.name for path in (tmp_path / "run" / "figures").iterdir()}
    assert drawn == {f"{figure}-step-20.png" for figure in chosen_figures(None, 1)}
    save_figures(run, tmp_path / "figures", step=20, dpi=30, camera=CAMERA, only=("weights", "gram", "loss"))
    for here in (tmp_path / "figures").iterdir():
        assert here.read_bytes() == (tmp_path / "run" / "figures" / here.name).read_bytes(), here.name
    with Image.open(tmp_path / "run" / "figures" / "weights-step-20.png") as image:
        assert (image.text["Step"], image.text["Changes"]) == ("20", "[]")


ARGUMENTS = 'shift 3; for word in "$@"; do echo "$word" >> "$0.arguments"; done'


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["--instance=0", "--dpi=30", "--camera=12,70,5,1.2", "--perspective", "--html"]),
        (
            {"step": 20, "axes": (0, 2), "instance": 3, "camera": Camera(yaw=-30.0), "formats": ("html",)},
            ["--instance=3", "--dpi=30", "--camera=-30.0,30.0,0.0,1.0", "--step=20", "--axes=0,2", "--html",
             "--no-png"],
        ),
        ({"formats": ("png",)}, ["--instance=0", "--dpi=30", "--camera=12,70,5,1.2", "--perspective"]),
    ],
)  # fmt: skip
def test_what_the_screen_shows_is_asked_of_the_command_line(options, expected, run, tmp_path, monkeypatch):
    python = shell(tmp_path / "python", ARGUMENTS)
    monkeypatch.setattr(child_module.sys, "executable", str(python))
    assert ended(export(run, tmp_path / "run", **options)).error == ""
    directory, *found = (tmp_path / "python.arguments").read_text().splitlines()
    assert (directory, found) == (str(tmp_path / "run"), expected)


def test_the_plugins_that_are_loaded_here_are_loaded_there(run, tmp_path, monkeypatch):
    (tmp_path / "mylaw.py").write_text("print('plugin', __file__)")
    monkeypatch.setattr("tms_engine.plugins._loaded", ["mylaw"])
    monkeypatch.chdir(tmp_path)
    under_way = export(run, tmp_path / "run", formats=("png",))
    while not under_way.poll().done:
        assert not under_way.poll().finished
        time.sleep(0.005)
    under_way.cancel()
    assert under_way.wait(120)
    assert str(under_way.poll().done[0]) == f"plugin {tmp_path / 'mylaw.py'}"


def test_without_plotly_html_is_left_out_and_said_so(run, tmp_path, monkeypatch):
    monkeypatch.setattr(export_module.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(child_module.sys, "executable", str(shell(tmp_path / "python", "exit 0")))
    progress = ended(export(run, tmp_path / "run"))
    assert (progress.total, progress.error) == (len(chosen_figures(None, 1)), "")
    assert "need plotly" in progress.note
    only = ended(export(run, tmp_path / "only", formats=("html",)))
    assert "need plotly" in only.error


def test_a_file_in_the_way_is_told_in_one_sentence(run, tmp_path):
    (tmp_path / "file").write_text("mine")
    for target in (tmp_path / "file", tmp_path / "file" / "inside"):
        error = ended(export(run, target)).error
        assert error.startswith(f"cannot write to {target}: ")
        assert "\n" not in error
    assert (tmp_path / "file").read_text() == "mine"


def test_a_directory_that_holds_something_is_left_as_it_is(run, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    progress = ended(export(run, tmp_path))
    assert "is not empty: choose a new directory" in progress.error
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_directory_will_do(run, tmp_path):
    assert ended(export(run, tmp_path, formats=())).error == ""
    assert_same_run(load_run(tmp_path), run)


def test_what_the_engine_refuses_is_told_in_its_words(run, tmp_path):
    assert ended(export(run, tmp_path / "run", dpi=1)).error == "dpi should be from 10 to 600, not 1"


def test_a_disk_that_is_full_is_told(run, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tms_engine.runs.save.write_durably", full)
    error = ended(export(run, tmp_path / "run")).error
    assert error == f"cannot write the run to {tmp_path / 'run'}: no space left on device"


def test_cancelling_ends_the_process_and_leaves_only_whole_files(run, tmp_path):
    under_way = export(run, tmp_path / "run", dpi=300)
    process = process_of(under_way)
    end = time.monotonic() + 120
    while not under_way.poll().done:
        assert time.monotonic() < end
        time.sleep(0.005)
    under_way.cancel()
    assert under_way.wait(120)
    assert not is_running(process.pid)
    progress = under_way.poll()
    assert (progress.finished, progress.error) == (True, "the export was cancelled")
    found = list((tmp_path / "run" / "figures").iterdir())
    assert 0 < len(found) < len(NAMES | HTML)
    for path in found:
        with Image.open(path) as image:
            image.load()
    assert_same_run(load_run(tmp_path / "run"), run)


def test_cancelling_at_once_draws_nothing(run, tmp_path):
    under_way = export(run, tmp_path / "run")
    under_way.cancel()
    assert under_way.wait(120)
    assert under_way.poll().finished
    assert not (tmp_path / "run" / "figures").exists()


def test_if_the_process_dies_the_error_says_why(run, tmp_path):
    under_way = export(run, tmp_path / "killed")
    os.kill(process_of(under_way).pid, signal.SIGKILL)
    assert ended(under_way).error == "the process of the figures was ended by signal 9"


def test_if_the_process_breaks_its_last_words_are_the_error_and_no_half_file_is_left(
    run, tmp_path, monkeypatch
):
    breaks = """
    figures=$4/figures
    mkdir "$figures"
    touch "$figures/weights.png" "$figures/cloud.png.part"
    echo Traceback >&2
    echo 'ImportError: libfreetype is broken' >&2
    exit 1
    """
    monkeypatch.setattr(child_module.sys, "executable", str(shell(tmp_path / "python", breaks)))
    assert ended(export(run, tmp_path / "run")).error == "ImportError: libfreetype is broken"
    assert [path.name for path in (tmp_path / "run" / "figures").iterdir()] == ["weights.png"]


def test_no_thread_is_left_behind(exported):
    assert exported[1].finished
    assert "export" not in {thread.name for thread in threading.enumerate()}


def test_a_name_that_was_taken_meanwhile_gives_the_next_one(run, tmp_path):
    (tmp_path / "gist").mkdir()
    under_way = export(run, tmp_path / "gist", formats=(), take_next=True)
    assert ended(under_way).error == ""
    assert under_way.directory == tmp_path / "gist-2"
    assert_same_run(load_run(tmp_path / "gist-2"), run)
    assert list((tmp_path / "gist").iterdir()) == []


def test_the_export_is_imported_without_torch_matplotlib_or_textual():
    script = """
import sys, tms_tui.export
print([m for m in ("torch", "matplotlib", "plotly", "textual", "rich") if m in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
