"""The scripts in examples/ run as a newcomer runs them: in a directory of its own, one in a process too."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

pytestmark = pytest.mark.slow

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))

# Of what each prints, the part that shows that it did what its first lines say. Numbers that training ends in
# are left open: they differ from processor to processor.
PRINTS = {
    "early_stop": r"stopped at step \d{1,2},000 of 100,000",
    "figures_in_a_notebook": "saved run.png",
    "own_law": r"feature 7  active in   2\.5% of rows",
    "own_model": r"gains of instance 0 \[.*\]",
    "phase_diagram": r"0\.10  1 1 1 1 .*\n320 models, of which 40 are",
    "sparsities": r"0\.95    [45]\.\d\d of 5",
    "to_torch_and_pandas": "each feature alone, as instance 0 reconstructs it",
}


def assert_did_what_it_says(example, printed, directory):
    assert re.search(PRINTS[example.stem], printed)
    assert [path.name for path in directory.iterdir()] == (["run.png"] if "saved" in printed else [])


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(example, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for registry in ("tms_engine.data._registered", "tms_engine.models._registered"):
        monkeypatch.setattr(registry, {})
    runpy.run_path(str(example), run_name="__main__")
    assert_did_what_it_says(example, capsys.readouterr().out, tmp_path)
    plt.close("all")


def test_an_example_runs_in_a_process_of_its_own(tmp_path):
    (example,) = (path for path in EXAMPLES if path.stem == "figures_in_a_notebook")
    ran = subprocess.run(
        [sys.executable, str(example)], cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    assert "Warning" not in ran.stderr  # matplotlib may say that it builds its font cache
    assert_did_what_it_says(example, ran.stdout, tmp_path)


def test_each_opens_with_what_it_shows():
    for example in EXAMPLES:
        first = example.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith('"""'), example
        assert len(first) > 40, example
