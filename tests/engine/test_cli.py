"""`tms` as a user has it: a process with its exit code, stdout and stderr."""

import contextlib
import io
import itertools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import pexpect
import pytest

from tms_engine import Camera, Experiment, Trainer, load_run, plugins, preset, save_figures
from tms_engine.commands import COMMANDS, main
from tms_engine.commands.figures import add_arguments, camera_options, read_camera
from tms_engine.commands.options import Parser
from tms_engine.commands.text import headline, some
from tms_engine.runs import status_of

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


def tms_script(*arguments, cwd) -> subprocess.CompletedProcess:
    """The same as the installed program `tms`, which does not look for modules in the current directory."""
    start = (
        "import sys; sys.path[:] = filter(None, sys.path); "
        "from tms_engine.commands import main; sys.exit(main())"
    )
    return subprocess.run(
        [sys.executable, "-c", start, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
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

    drawn = tms("figures", tmp_path / "A", "--dpi", 30, "--html", "--only", "weights,loss,gram")
    assert drawn.returncode == 0, drawn.stderr
    paths = drawn.stdout.splitlines()
    names = [os.path.basename(path) for path in paths]
    assert names == ["weights.png", "loss.png", "gram.png", "weights.html"]
    assert all(os.path.getsize(path) > 1000 for path in paths)

    shown = tms("show", tmp_path / "A")
    assert shown.returncode == 0
    assert re.search(r"loss on fresh data +0\.00\d+ \(exact to 1e-6\)", shown.stdout)
    assert re.search(r"represented +[678] of 8 features", shown.stdout)
    assert re.search(r"ΣD +2\.\d+ of 3 dimensions", shown.stdout)
    table = shown.stdout.split("\n\n")[-1].splitlines()
    assert table[0].split() == ["feature", "loss", "‖W‖", "D", "interference", "represented"]
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

        def fails(*_, error=error):
            raise error

        monkeypatch.setattr("tms_engine.training.trainer.Trainer.__init__", fails)
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
    assert shown.split("\n\n")[-1].splitlines()[0].split()[:3] == ["instance", "S", "loss"]
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
        (["train", "--device", "tpu"], "device should be auto, cpu, cuda, cuda:N or mps, not 'tpu'"),
        (["train", "--device", "cuda:7"], "torch sees"),
        (["train", "--kernel", "nmba"], "'lanes', 'numba' or 'triton', not 'nmba'"),
        (["train", "--kernel", "triton", "--device", "cpu"], "kernel triton cannot train this on cpu"),
        (["train", "--out", "/proc/x"], "cannot write to /proc/x"),
        (["train", "--n-features", "10000000000"], "n_features 10,000,000,000"),
        (["resume", "/nope"], "there is no run directory /nope"),
        (["show", "/"], "/ is not a run"),
        (["presets", "nope"], "the presets are gist"),
        (["frobnicate"], "frobnicate"),
        (["trian"], "there is no command 'trian'; did you mean tms train?"),
        (["help", "trian"], "did you mean tms train?"),
        (["gist"], "did you mean tms train gist?"),
        (["plot", "runs/a"], "did you mean tms figures?"),
        (["--quiet", "train"], "--quiet belongs behind the command: tms train --quiet"),
        (["train", "pentagon"], "there is no preset 'pentagon'; did you mean paper-5-2?"),
        (["train", "/"], "/ is a directory, not a preset, and no saved run"),
        (["train", __file__], f"is a file, not a preset: give it with --config {__file__}"),
        (["train", "--steps", "1.5"], "steps should be a whole number, not '1.5'"),
        (["train", "--steps", "10,000"], "steps should be a whole number, not '10,000'; write 10000"),
        (["train", "--seed", "1e400"], "seed should be below 1e30, not '1e400'"),
        (["train", "--device", "cuda:99999999999999999999"], "torch sees"),
        (["train", "--device", "gpu"], "did you mean cuda?"),
        (["train", "--device", "cuda1"], "did you mean cuda:1?"),
        (["train", "--device", "xpu"], "should be auto, cpu, cuda, cuda:N or mps, not 'xpu'"),
        (["train", "--plugin", "mine.py"], "--plugin takes a module's name, such as mine, not a file's"),
        (["completion", "sh"], "shell should be bash, zsh,"),
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
        (["figures", "--axes", "0,x"], "axes should be a whole number, not 'x'"),
        (["figures", "--step", "late"], "step should be a whole number, not 'late'"),
        (["figures", "--camera", "30"], "camera should be YAW,PITCH or"),
        (["figures", "--camera", "-30,nan"], "camera should be numbers with commas between, not '-30,nan'"),
        (["figures", "--camera", "0,0,0,0"], "the zoom of a camera should be from 0.01 to 100, not 0"),
        (["figures", "--only", "wieghts"], "there is no figure 'wieghts'; did you mean weights?"),
        (["figures", "--no-png"], "--no-png leaves nothing to draw: give --html too"),
        (["figures", "--out", ""], "--out should be a directory, not ''"),
        (["figures", "--dpi", "0"], "dpi should be from 10 to 600, not 0"),
        (["figures", "--instance", "1"], "instance should be from 0 to 0, not 1"),
        (["figures", "--only", ""], "there is no figure ''; the figures are weights, cloud"),
        (["figures", "--html", "--only", "gram"], "of gram there is no HTML, only of weights"),
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])  # 130, 143, 129
def test_interrupting_saves_and_says_how_to_resume(tmp_path, number):
    out = tmp_path / "run"
    arguments = ["train", "--kernel", "numba", "--out", out, "--steps", 10**9]
    process = subprocess.Popen(
        [sys.executable, "-m", "tms_engine", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    while not (out / "progress.json").exists() or not status_of(out).step:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 128 + number
    assert stdout == ""
    assert f"go on with: tms resume {shlex.quote(str(out))}" in stderr
    assert "Traceback" not in stderr
    stopped = load_run(out).state.step
    assert 0 < stopped < 10**9
    if number == signal.SIGINT:
        assert tms("resume", out, "--steps", stopped + 100).returncode == 0
        whole = Trainer(Experiment(kernel="numba", steps=stopped + 100))
        whole.advance(stopped + 100)
        assert load_run(out).weights.tobytes() == whole.run().weights.tobytes()


def test_verbose_says_which_kernel_trains_and_why(tmp_path):
    done = tms("train", "--steps", 5, "--kernel", "torch", "-v", "--out", tmp_path / "run")
    assert "torch: autograd, for any model on any device, as asked for" in done.stderr.splitlines()
    again = tms("resume", tmp_path / "run", "--steps", 10, "--verbose")
    assert "it has trained this run so far" in again.stderr
    assert "autograd" not in tms("train", "--steps", 5, "--out", tmp_path / "quiet").stderr


def test_the_headline_names_what_is_not_the_seeds():
    assert headline(Experiment()) == "8 → 3, bernoulli, S 0.95, seed 42"
    several = Experiment(n_instances=2, sparsity=(0.5, 0.99), model="linear", seed=1)
    assert headline(several) == "8 → 3, linear, bernoulli, S 0.5 to 0.99, 2 instances, seed 1"
    assert headline(Experiment(features="n_active", n_active=1)) == "8 → 3, exactly 1 active, seed 42"


def test_show_reads_the_summary_and_makes_one_where_it_is_not_of_this_step(tmp_path, capsys, monkeypatch):
    out = tmp_path / "run"
    assert main(["train", "--steps", "20", "--out", str(out)]) == 0
    text = (out / "summary.json").read_text()
    (out / "summary.json").write_text(text.replace('"evaluation_rows": ', '"evaluation_rows": 7'))
    capsys.readouterr()
    assert main(["show", str(out)]) == 0
    assert "(70 rows drawn)" in capsys.readouterr().out
    (out / "summary.json").write_text(text.replace('"step": 20', '"step": 19'))
    assert main(["show", str(out)]) == 0
    assert "(exact to 1e-6)" in capsys.readouterr().out
    of_an_earlier_version = text.replace('"evaluation_method": 3', '"evaluation_method": 2')
    (out / "summary.json").write_text(of_an_earlier_version.replace('"loss": 0', '"loss": 9'))
    assert main(["show", str(out)]) == 0
    assert "loss on fresh data  0." in capsys.readouterr().out


def test_of_many_instances_that_diverged_ten_are_named():
    assert some([3, 4]) == "3, 4"
    assert some(range(1200)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1,190 more"


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
    child.expect(r"\d+% \|.*\| [\d,]+/100,000,000 +batch loss 0\.\d+ +[\d,]+ steps/s +[\d:]+ left")
    child.sendintr()
    child.expect("interrupted at step [0-9,]+ and saved; go on with: tms resume")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


def test_each_command_is_a_file_and_a_line_in_the_table(repository):
    files = {path.stem for path in (repository / "tms_engine" / "commands").glob("*.py")}
    assert files - {"__init__", "options", "text", "progress", "spelled"} == set(COMMANDS)
    words = " ".join(tms("--help").stdout.split())
    for name, about in COMMANDS.items():
        assert f"{name} {about}" in words
        assert about in " ".join(tms(name, "--help").stdout.split())


PLUGIN = """
import sys
from tms_engine import register_law
from tms_engine.data.bernoulli import sample

print("a law is registered", file=sys.stderr)
register_law("half", lambda word, parameters: 0.5 * sample(word, parameters))
"""


def test_a_plugin_is_a_module_in_the_current_directory_and_registers_a_law(tmp_path, monkeypatch):
    (tmp_path / "laws.py").write_text(PLUGIN)
    (tmp_path / "safetensors.py").write_text("raise RuntimeError('this is no library')")
    plugin = ["--plugin", "laws", "--plugin", "laws"]
    done = tms_script("train", "--features", "half", "--steps", "5", "--out", "run", *plugin, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("a law is registered") == 1
    # The other commands in this process, as new to each as it is to one of their own.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plugins, "_loaded", [])
    for command, is_loaded in itertools.product(
        (
            ["resume", "run", "--steps", "6"],
            ["show", "run"],
            ["figures", "run", "--dpi", "10", "--only", "gram"],
        ),
        (True, False),
    ):
        monkeypatch.setattr("tms_engine.data._registered", {})
        monkeypatch.setattr(sys, "path", list(sys.path))
        sys.modules.pop("laws", None)
        done = tms(*command, *plugin * is_loaded)
        assert done.stderr.count("a law is registered") == is_loaded
        if is_loaded:
            assert done.returncode == 0, done.stderr
        else:
            assert done.returncode == 2
            assert done.stderr.startswith(f"tms: {os.path.join('run', 'state.safetensors')}: ")
            assert "'half'" in done.stderr
            assert done.stderr.count("\n") == 1


def test_the_plugins_that_were_loaded_are_known_once_each(tmp_path, monkeypatch):
    (tmp_path / "my_plugin_of_laws.py").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(plugins, "_loaded", [])
    plugins.load(["my_plugin_of_laws", "json", "my_plugin_of_laws"])
    assert plugins.loaded() == ("my_plugin_of_laws", "json")


@pytest.mark.parametrize(
    "content", [None, "1 /", "import nowhere", "raise SystemExit(3)", "raise ValueError('a\\nb')"]
)
def test_a_plugin_that_cannot_be_imported_is_one_sentence(content, tmp_path):
    if content is not None:
        (tmp_path / "mine.py").write_text(content)
    done = tms_script("train", "--plugin", "mine", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("tms: cannot import plugin mine: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_no_code_is_imported_because_a_file_names_it(tmp_path):
    (tmp_path / "evil.py").write_text("open('imported', 'w')")
    for field in ("plugin", "features"):
        (tmp_path / "c.toml").write_text(f'{field} = "evil"\n')
        assert tms_script("train", "--config", "c.toml", cwd=tmp_path).returncode == 2
    assert not (tmp_path / "imported").exists()


def test_figures_of_a_past_step_from_a_camera_are_those_of_a_script(trained, tmp_path):
    done = tms(
        "figures", trained, "--step", 100, "--camera", "-20,40,10,1.5", "--perspective", "--axes", "0,1,2",
        "--only", "loss,weights", "--dpi", 30, "--out", tmp_path / "a",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "drawing step 100 at 30 dpi\n" in done.stderr
    assert [os.path.basename(path) for path in done.stdout.splitlines()] == [
        "weights-step-100.png", "loss-step-100.png",
    ]  # fmt: skip
    camera = Camera(yaw=-20, pitch=40, roll=10, zoom=1.5, perspective=True)
    save_figures(load_run(trained), tmp_path / "b", step=100, camera=camera, axes=(0, 1, 2), dpi=30)
    for name in ("weights", "loss"):
        a, b = ((tmp_path / way / f"{name}-step-100.png").read_bytes() for way in "ab")
        assert a == b


def test_the_options_of_a_camera_are_read_as_that_camera():
    for camera in (Camera(), Camera(yaw=-1 / 3, pitch=0.1, roll=1e-7, zoom=3.3, perspective=True)):
        parser = Parser()
        add_arguments(parser)
        options = parser.parse_args(["RUN", *camera_options(camera)])
        assert read_camera(options.camera, options.perspective) == camera


@pytest.mark.parametrize("words", [["--camera", "-60,30"], ["--camera=-60,30"]])
def test_a_value_may_begin_with_a_minus(words):
    parser = Parser()
    add_arguments(parser)
    options, unknown = parser.parse_known_args(["RUN", *words, "--perspective"])
    assert (options.camera, options.perspective, unknown) == ("-60,30", True, [])


def test_numbers_of_instances_say_how_many_there_are(tmp_path):
    (tmp_path / "pair.toml").write_text("instances = [5, 5]\nlearning_rate = [0.01, 0.02]\n")
    pair = ["--config", tmp_path / "pair.toml"]
    for words, numbers in ((["--instances", "7,3,10:12"], [7, 3, 10, 11]), (pair, [5, 5])):
        out = tmp_path / words[0]
        done = tms("train", "--steps", 20, *words, "--out", out)
        assert done.returncode == 0, done.stderr
        assert load_run(out).experiment.numbers().tolist() == numbers
    shown = tms("show", out).stdout
    assert re.search(r"instance +number", shown)


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


def test_the_scripts_in_the_readme_run_as_shown(repository, tmp_path, monkeypatch, capsys):
    readme = (repository / "README.md").read_text("utf-8")
    run, sweep = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert "```py\n" not in readme  # a script that no test would find
    monkeypatch.chdir(tmp_path)
    assert len(run.strip().splitlines()) <= 12
    exec(run, {"__name__": "__main__"})
    assert "loss on fresh data [0.00" in capsys.readouterr().out
    assert (tmp_path / "runs" / "mine" / "figures" / "n_active.png").exists()
    exec(sweep, {"__name__": "__main__"})
    sparsity, *name, loss = capsys.readouterr().out.split()
    assert float(sparsity) == 0.99  # the loss of the sparsest is least
    assert name
    assert 0.05 < float(loss) < 0.2  # 8 dense features in 3 dimensions
    best = load_run(tmp_path / "runs" / "best")
    assert (best.state.step, float(best.experiment.per_instance("sparsity")[0])) == (10_000, 0.99)
