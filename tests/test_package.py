"""What a user installs: the wheel holds both packages whole, and the files that name a version agree."""

import re
import subprocess
import sys
import tomllib
import zipfile

import pytest

import tms_engine


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


def test_public_names_and_their_methods_have_docstrings():
    named = {name: getattr(tms_engine, name) for name in tms_engine.__all__}
    del named["PRESETS"], named["__version__"]
    for name, thing in list(named.items()):
        if isinstance(thing, type):
            members = {n: getattr(thing, n) for n in vars(thing) if not n.startswith(("_", "model_"))}
            named |= {f"{name}.{n}": m for n, m in members.items() if callable(m) or isinstance(m, property)}
    assert [name for name, thing in named.items() if not thing.__doc__] == []
