"""What a user installs: the wheel holds both packages whole, and the files that name a version agree."""

import re
import subprocess
import sys
import tomllib
import zipfile

import pytest


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_both_packages(repository, tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=repository, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    there = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = [path for package in ("tms_engine", "tms_tui") for path in (repository / package).rglob("*")]
    wanted = {
        path.relative_to(repository).as_posix() for path in files if path.suffix in (".py", ".tcss", ".typed")
    }
    assert there == wanted
    assert {"tms_tui/tms_tui.tcss", "tms_tui/py.typed", "tms_engine/py.typed"} <= there


def test_the_citation_has_the_version_of_the_package(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (repository / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [project["version"]]
