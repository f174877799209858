"""`tms` as a user has it: a process with its exit code, stdout and stderr."""

import contextlib
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys

import pexpect
import pytest

from tms_engine import Experiment, load_run, preset
from tms_engine.commands import main

pytestmark = pytest.mark.slow


def process(*arguments, cwd=None, **environment) -> subprocess.CompletedProcess:
    """`tms` in a process of its own, which takes up to two seconds to import."""
    return subprocess.run(
        [sys.executable, "-m", "tms_engine", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


def tms(*arguments) -> subprocess.CompletedProcess:
    """`tms` in this process, with the streams of one that has no terminal."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            code = main(list(map(str, arguments)))
        except SystemExit as exit:  # --help
            code = exit.code or 0
    return subprocess.CompletedProcess(arguments, code, stdout.getvalue(), stderr.getvalue())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "A"
    done = tms("train", "--steps", 500, "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def test_the_seeds_experiment_end_to_end(tmp_path):
    done = process("train", "--steps", 300, "--out", tmp_path / "A", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["step"] == 300
    assert summary["loss"] < 0.0167
    assert "step 300 of 300" in done.stderr  # plain lines, as there is no terminal
    assert "steps/s" in done.stderr
    assert load_run(tmp_path / "A").experiment == Experiment(steps=300)

    drawn = tms("figures", tmp_path / "A", "--dpi", 30, "--html")
    assert drawn.returncode == 0, drawn.stderr
    paths = drawn.stdout.splitlines()
    assert len(paths) == 9
    assert all(os.path.getsize(path) > 1000 for path in paths)

    shown = tms("show", tmp_path / "A")
    assert shown.returncode == 0
    assert re.search(r"loss on fresh data +0\.00\d+ ± \S+ \(131,072 rows\)", shown.stdout)
    assert re.search(r"represented +[678] of 8 features", shown.stdout)
    assert re.search(r"ΣD +2\.\d+ of 3 dimensions", shown.stdout)
    table = shown.stdout.split("\n\n")[-1].splitlines()
    assert table[0].split() == ["feature", "‖W‖", "D", "interference", "represented"]
    assert len(table) == 9
    assert shown.stderr == ""


def test_without_out_a_run_goes_to_a_directory_of_its_own(tmp_path):
    done = process("train", "--steps", 20, cwd=tmp_path)
    (out,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"gist-\d{8}-\d{6}", out.name)
    assert f"saved to runs/{out.name}" in done.stderr


def test_runs_that_begin_in_the_same_second_get_a_directory_each(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda _: "NOW")
    assert [main(["train", "--steps", "5"]) for _ in range(3)] == [0, 0, 0]
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"gist-NOW", "gist-NOW-2", "gist-NOW-3"}


def test_memory_that_runs_out_is_one_sentence(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    for error in (MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")):
        monkeypatch.setattr("tms_engine.runs.Trainer", lambda _, error=error: (_ for _ in ()).throw(error))
        assert main(["train"]) == 2
        assert capsys.readouterr().err == "tms: not enough memory for this experiment: make it smaller\n"


def test_options_go_over_the_config_and_that_over_the_preset(tmp_path):
    config = tmp_path / "mine.toml"
    config.write_text("n_features = 6\nsteps = 30\n")
    out = tmp_path / "run"
    done = tms(
        "train", "paper-5-2", "--config", config, "--steps=20", "--n-instances", 2, "--sparsity", ".5,.9",
        "--no-bias", "--out", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = preset("paper-5-2").replace(
        n_features=6, steps=20, n_instances=2, sparsity=(0.5, 0.9), bias=False
    )
    assert load_run(out).experiment == expected
    shown = tms("show", out).stdout
    assert shown.split("\n\n")[-1].splitlines()[0].split()[:3] == ["instance", "loss", "±"]
    features = json.loads(tms("show", out, "--instance", 1, "--json").stdout)["features"]
    assert [row["feature"] for row in features] == list(range(6))


def test_every_field_is_an_option():
    words = tms("train", "--help").stdout
    for name, field in Experiment.model_fields.items():
        assert f"--{name.replace('_', '-')}" in words
        assert field.description.split()[0] in words


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "--n-feature", "3"], "did you mean --n-features?"),
        (["train", "--zzz"], "does not know '--zzz'"),
        (["train", "--sparsity", "1.5"], "sparsity should be at least 0 and below 1, not 1.5"),
        (["train", "--sparsity", ".1,.2"], "sparsity has 2 values but n_instances is 1"),
        (["train", "--n-hidden", "0"], "n_hidden should be greater than or equal to 1"),
        (["train", "--batch-size", "-3"], "batch_size should be greater than or equal to 1"),
        (["train", "--steps"], "--steps"),
        (["train", "gits"], "did you mean gist?"),
        (["train", "--config", "/nope.toml"], "cannot read /nope.toml"),
        (["train", "--config", __file__], "is not valid TOML"),
        (["train", "--device", "tpu"], "device should be auto, cpu"),
        (["train", "--device", "cuda:7"], "torch sees"),
        (["train", "--kernel", "nmba"], "kernel should be 'auto', 'torch', 'numba' or 'triton', not 'nmba'"),
        (["train", "--kernel", "triton", "--device", "cpu"], "kernel triton cannot train this on cpu"),
        (["train", "--out", "/proc/x"], "cannot write to /proc/x"),
        (["train", "--n-features", "10000000000"], "n_features 10000000000"),
        (["resume", "/nope"], "there is no run directory /nope"),
        (["show", "/"], "/ is not a run"),
        (["presets", "nope"], "the presets are gist"),
        (["frobnicate"], "frobnicate"),
        ([], "COMMAND"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert sentence in told.err
    assert told.err.startswith("tms: ")
    assert told.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["resume"], "has taken all its 500 steps: give it more with --steps 1000"),
        (["resume", "--steps", "0"], "steps should be greater"),
        (["show", "--instance", "1"], "instance should be from 0 to 0, not 1"),
        (["figures", "--dpi", "many"], "dpi should be a whole number, not 'many'"),
        (["figures", "--axes", "0,7"], "hidden dimensions from 0 to 2"),
        (["train", "--out"], "is not empty"),
    ],
)
def test_bad_input_about_a_run_leaves_it_alone(arguments, sentence, trained, capsys):
    before = {p: p.read_bytes() for p in trained.rglob("*") if p.is_file()}
    command, *rest = arguments
    assert main([command, *rest, str(trained)] if rest == ["--out"] else [command, str(trained), *rest]) == 2
    told = capsys.readouterr().err
    assert sentence in told
    assert "Traceback" not in told
    assert {p: p.read_bytes() for p in trained.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupting_saves_and_says_how_to_resume(tmp_path, number):
    out = tmp_path / "run"
    arguments = ["train", "--kernel", "torch", "--out", out, "--steps", 25_000]  # it tells when it has 2,500
    process = subprocess.Popen(
        [sys.executable, "-m", "tms_engine", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    for line in process.stderr:
        if line.startswith("step "):
            break
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 130
    assert stdout == ""
    assert f"go on with: tms resume {shlex.quote(str(out))}" in stderr
    assert "Traceback" not in stderr
    stopped = load_run(out).state.step
    assert 0 < stopped < 25_000
    if number == signal.SIGINT:
        assert tms("resume", out, "--steps", stopped + 100).returncode == 0
        whole = tms("train", "--kernel", "torch", "--steps", stopped + 100, "--out", tmp_path / "whole")
        assert whole.returncode == 0
        assert load_run(out).state.weights.tobytes() == load_run(tmp_path / "whole").state.weights.tobytes()


def test_verbose_says_which_kernel_trains_and_why(tmp_path):
    done = tms("train", "--steps", 5, "--kernel", "torch", "-v", "--out", tmp_path / "run")
    assert "torch: autograd, for any model on any device, as asked for" in done.stderr.splitlines()
    again = tms("resume", tmp_path / "run", "--steps", 10, "--verbose")
    assert "it has trained this run so far" in again.stderr
    assert "autograd" not in tms("train", "--steps", 5, "--out", tmp_path / "quiet").stderr


def test_resume_extends_and_changes_a_finished_run(tmp_path):
    out = tmp_path / "run"
    assert tms("train", "--steps", 50, "--out", out).returncode == 0
    done = tms("resume", out, "--steps", 80, "--sparsity", 0.5)
    assert done.returncode == 0, done.stderr
    run = load_run(out)
    assert run.state.step == 80
    assert {(c.step, c.field, c.value) for c in run.changes} == {(50, "steps", 80), (50, "sparsity", 0.5)}
    assert "changed             sparsity to 0.5 at step 50" in done.stdout


def test_a_run_whose_instances_all_diverge_has_failed(tmp_path):
    done = tms("train", "--learning-rate", 1e15, "--out", tmp_path / "run")
    assert done.returncode == 1
    assert "diverged" in done.stderr
    assert "instance 0" in done.stderr
    two = ["--n-instances", 2, "--learning-rate", "1e15,.01", "--steps", 50]
    some = tms("train", *two, "--out", tmp_path / "2", "--json")
    assert some.returncode == 0
    assert json.loads(some.stdout)["diverged"] == [0]


def test_on_a_terminal_a_bar_shows_rate_loss_and_time_left(tmp_path):
    command = [
        "-m",
        "tms_engine",
        "train",
        "--kernel",
        "torch",
        "--steps",
        "100000000",
        "--out",
        str(tmp_path / "run"),
    ]
    child = pexpect.spawn(sys.executable, command, encoding="utf-8", dimensions=(24, 100), timeout=300)
    child.expect(r"\d+% \|.*\| [\d,]+/100,000,000 +loss 0\.\d+ +[\d,]+ steps/s +[\d:]+ left")
    child.sendintr()
    child.expect("interrupted at step [0-9,]+ and saved; go on with: tms resume")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


def test_presets_are_listed_and_one_is_a_config_file(tmp_path):
    listed = tms("presets").stdout.splitlines()
    assert listed[0].startswith("gist ")
    (tmp_path / "p.toml").write_text(tms("presets", "paper-20-5").stdout)
    assert Experiment.from_file(tmp_path / "p.toml") == preset("paper-20-5")


def test_an_ascii_terminal_and_a_closed_pipe_are_no_errors(trained):
    shown = process("show", trained, PYTHONIOENCODING="ascii")
    assert shown.returncode == 0
    assert "loss on fresh data" in shown.stdout
    piped = subprocess.run(
        f"{shlex.quote(sys.executable)} -m tms_engine presets | true",
        shell=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert piped.stderr == ""


def test_help_and_import_load_neither_torch_nor_numpy():
    script = """
import sys
import tms_engine
assert "numpy" not in sys.modules and "torch" not in sys.modules
import tms_engine.commands
try:
    tms_engine.commands.main(["--help"])
except SystemExit:
    pass
heavy = {"numpy", "torch", "matplotlib", "plotly", "tqdm", "numba"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)


def test_the_public_names_are_there():
    import tms_engine

    for name in tms_engine.__all__:
        assert getattr(tms_engine, name) is not None
    assert set(dir(tms_engine)) == set(tms_engine.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = tms_engine.nope


def test_the_script_in_the_readme_runs_as_shown(repository, tmp_path):
    (script,) = re.findall(r"```python\n(.*?)```", (repository / "README.md").read_text("utf-8"), re.DOTALL)
    assert len(script.strip().splitlines()) <= 12
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "mine" / "figures" / "n_active.png").exists()
