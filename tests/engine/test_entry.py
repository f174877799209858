"""How programs end: what nobody has foreseen, and streams that are closed or full."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.trials.end import closed_streams, early_interrupt
from tms_engine import crash

pytestmark = pytest.mark.slow

FAULT = """
import sys
from tms_engine import entry
sys.modules["faulty"] = type(sys)("faulty")
def main():
    raise ValueError("of a kind\\nthat nobody has foreseen")
sys.modules["faulty"].main = main
entry.run("tms", "faulty")
"""


def test_what_nobody_has_foreseen_is_one_line_and_a_file_with_the_traceback(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FAULT],
        capture_output=True,
        text=True,
        env={"XDG_STATE_HOME": str(tmp_path), "PATH": ""},
        timeout=60,
    )
    assert done.returncode == 70
    (line,) = done.stderr.splitlines()
    (path,) = (tmp_path / "tms-tui" / "crashes").iterdir()
    assert "ValueError: of a kind that nobody has foreseen" in line
    assert f"report it with {path}" in line
    assert "Traceback" in path.read_text()


def test_the_files_are_bounded_in_number_and_may_lie_in_the_temporary_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    directory = tmp_path / "tms-tui" / "crashes"
    directory.mkdir(parents=True)
    for number in range(30):
        (directory / f"tms-{number}.txt").write_text("")
    crash.report("tms", ValueError())
    assert len(list(directory.iterdir())) == 10
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    said = crash.report("tms", ValueError("x"))
    assert Path(said.split("report it with ")[1].split(",")[0]).is_file()
    assert str(tmp_path / "temporary") in said


@pytest.mark.parametrize("seed", [1, 3, 5, 6, 9, 18])
def test_a_closed_or_full_stream_is_a_sentence_or_no_matter(tmp_path, seed):
    closed_streams(tmp_path, seed)


@pytest.mark.parametrize("seed", [0, 1])
def test_ctrl_c_while_all_is_imported_is_a_clean_end(tmp_path, seed):
    early_interrupt(tmp_path, seed)
