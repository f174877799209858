"""The scripts in examples/ run as a newcomer runs them: each in a process and a directory of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))

# Of what each prints, the part that shows that it did what its first lines say.
PRINTS = {
    "early_stop": "stopped at step 3,000 of 100,000",
    "figures_in_a_notebook": "saved run.png",
    "own_law": "feature 7  active in   2.5% of rows",
    "own_model": "gains of instance 0",
    "sparsities": "0.95    4.88 of 5",
    "to_torch_and_pandas": "each feature alone, as instance 0 reconstructs it",
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(example, tmp_path):
    ran = subprocess.run(
        [sys.executable, str(example)], cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=120
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert PRINTS[example.stem] in ran.stdout
    assert [path.name for path in tmp_path.iterdir()] == (["run.png"] if "saved" in ran.stdout else [])


def test_each_opens_with_what_it_shows():
    for example in EXAMPLES:
        first = example.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith('"""'), example
        assert len(first) > 40, example
