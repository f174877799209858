"""What users write passes mypy and pyright in their strict modes, without a plugin or a setting for us.

basedpyright, a build of pyright that needs nothing but its wheel, stands for pyright: in its mode "strict" it
has pyright's rules.
"""

import json
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

# What the documentation promises, with the types that it says.
USE = """
from typing import Any, Sequence, assert_type

import numpy as np

import tms_engine
from tms_engine import Change, Evaluation, Experiment, InputError, PRESETS, Run, Trainer
from tms_engine import Sweep, load_sweep, sweeps
from tms_engine import evaluate, geometry, load_run, preset, save_run, summarize, train

Array = np.ndarray[tuple[Any, ...], np.dtype[Any]]

Experiment(sparsity=[0.9, 0.95], n_instances=2)
Experiment(sparsity=np.linspace(0, 0.9, 3).tolist(), learning_rate=(0.1, 0.01, 0.01), n_instances=3)
Experiment(n_features=3, importance=[1, 0.5, 0.25], instances=range(4))
Experiment(n_features=2, importance=[[1, 0.5], [1, 2]], n_instances=2, instances=[7, 7])
experiment = preset("gist").replace(steps=100).alone(0)
assert_type(experiment, Experiment)
assert_type(experiment.sparsity, float | Sequence[float])
assert_type(experiment.n_features, int)
assert_type(PRESETS["gist"].experiment, Experiment)

run = train(experiment)
assert_type(run, Run)
assert_type(run.state.parameters, dict[str, Array])
assert_type(run.weights, Array)
assert_type(run.at(50).weights, Array)
assert_type(run.at().bias, Array | None)
assert_type(run.changes, tuple[Change, ...])
assert_type(run.history.loss_curve().mean, Array)
assert_type(evaluate(run), Evaluation)
assert_type(evaluate(run).loss, Array)
assert_type(summarize(run), dict[str, Any])
assert_type(geometry.gram(run.weights), Array)
for loss in evaluate(run).loss:
    print(float(loss))

trainer = Trainer(experiment)
trainer.advance(10)
trainer.change(sparsity=0.8)
assert_type(trainer.snapshot().losses, Array)
assert_type(trainer.snapshot().loss, float)
assert_type(Run.from_weights(run.weights, step=3), Run)
save_run(trainer.run(), "out")
assert_type(load_run("out"), Run)


def stop(trainer: Trainer) -> bool:
    return trainer.snapshot().loss < 0.005


train(experiment, "out", callback=stop, every=100)
sweep = Sweep("gist", {"sparsity": "0:0.9:4", "n_hidden": [2, 3]}, seeds=2)
table = sweep.train("sweep", executor=sweeps.processes(2))
assert_type(table.height, int)
assert_type(load_sweep("sweep").select(sparsity=0.9).height, int)
assert_type(sweep.run(table.row(0, named=True)), Run)
assert_type(sweep.weights([1, 2]), Array)
assert_type(sweeps.follow("sweep").poll().fraction, float)
try:
    tms_engine.Experiment.from_file("mine.toml")
except InputError as error:
    assert_type(error.field, str | None)
assert_type(tms_engine.__version__, str)
"""


@pytest.fixture(scope="module")
def user(tmp_path_factory, repository):
    """A directory with the README's script, the examples and `USE`, and one script with a misspelt name."""
    directory = tmp_path_factory.mktemp("user")
    readme = (repository / "README.md").read_text(encoding="utf-8")
    scripts = {
        f"readme_{i}": text for i, text in enumerate(re.findall(r"```python\n(.*?)```", readme, re.DOTALL))
    }
    assert scripts
    scripts |= {
        path.stem: path.read_text(encoding="utf-8") for path in (repository / "examples").glob("*.py")
    }
    scripts |= {"use": USE, "misspelt": "from tms_engine import evalute\n\nprint(evalute)\n"}
    for name, text in scripts.items():
        (directory / f"{name}.py").write_text(text, encoding="utf-8")
    return directory


# torch's own source takes mypy four times as long as all else. pyright, below, has the one script that uses
# torch with its types.
SKIP_TORCH = "[mypy]\n[mypy-torch.*]\nfollow_imports = skip\n"


def test_mypy_strict(user):
    (user / "skip_torch.ini").write_text(SKIP_TORCH)
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=skip_torch.ini", "--cache-dir=.cache", "."],
        cwd=user, capture_output=True, encoding="utf-8", timeout=300,
    )  # fmt: skip
    (only,) = [line for line in ran.stdout.splitlines() if ": error: " in line]
    assert only.startswith('misspelt.py:1: error: Module "tms_engine" has no attribute "evalute"')
    assert ran.stderr == ""


def test_pyright_strict(user):
    (user / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict", "include": ["*.py"]}))
    ran = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable],
        cwd=user, capture_output=True, encoding="utf-8", timeout=300,
    )  # fmt: skip
    found = json.loads(ran.stdout)
    problems = [
        (problem["file"].split("/")[-1], problem["message"]) for problem in found["generalDiagnostics"]
    ]
    assert problems[0] == ("misspelt.py", '"evalute" is unknown import symbol')
    assert {file for file, _ in problems} == {"misspelt.py"}
    assert found["summary"]["filesAnalyzed"] == len(list(user.glob("*.py")))
