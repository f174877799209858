"""What all commands share: help, versions, --quiet, environment variables, config files over each other."""

import io
import json
import re
import shlex
import subprocess
import sys

import pytest

from tms_engine import Experiment, InputError, load_run
from tms_engine.commands import _OTHER_NAMES, COMMANDS, EXIT_CODES, _parser, main
from tms_engine.commands.options import ENVIRONMENT, changes_from, experiment_from, told
from tms_engine.commands.spelled import train_command
from tms_engine.presets import PRESETS
from tms_engine.training.run import planned_changes
from tms_tui.cli import EXIT_CODES as APP_EXIT_CODES
from tms_tui.cli import main as app_main

pytestmark = pytest.mark.slow


def help_of(words, capsys, monkeypatch, run=main):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as end:
        run(words)
    assert not end.value.code
    return capsys.readouterr().out


def experiment(*words):
    """What `tms train WORDS` would train, and the options."""
    options, unknown = _parser().parse_known_args(["train", *map(str, words)])
    assert not unknown
    return experiment_from(options)[0], options


def test_alone_and_with_help_it_prints_help(capsys, monkeypatch):
    texts = {help_of(words, capsys, monkeypatch) for words in ([], ["help"], ["--help"], ["-h"])}
    assert len(texts) == 1
    for command in COMMANDS:
        text = help_of(["help", command], capsys, monkeypatch)
        assert text == help_of([command, "--help"], capsys, monkeypatch)
        assert text.startswith(f"usage: tms {command} ")


def test_each_help_fits_80_columns_and_tells_exit_codes_and_variables(capsys, monkeypatch):
    texts = [help_of([command, "--help"], capsys, monkeypatch) for command in COMMANDS]
    texts.append(help_of(["--help"], capsys, monkeypatch))
    app = help_of(["--help"], capsys, monkeypatch, app_main)
    for text in [*texts, app]:
        assert max(map(len, text.splitlines())) <= 80
        codes = APP_EXIT_CODES if text is app else EXIT_CODES
        assert codes in " ".join(text.split())
        for name, about in ENVIRONMENT.items():
            assert re.search(rf"^  {name} +{re.escape(about)}$", text, re.M)


def test_the_readme_has_the_same_exit_codes_and_variables(repository):
    text = " ".join((repository / "README.md").read_text("utf-8").split())
    assert EXIT_CODES[1:] in text
    for name in ENVIRONMENT:
        assert f"| `{name}` |" in text


def test_only_where_a_preset_is_the_start_are_defaults_told(capsys, monkeypatch):
    assert "(default: 0.95)" in help_of(["train", "--help"], capsys, monkeypatch)
    assert "(default: 0.95)" not in help_of(["resume", "--help"], capsys, monkeypatch)


@pytest.mark.parametrize(
    ("run", "called", "program"),
    [
        (main, "/usr/bin/tms", "tms"),
        (main, "/lib/tms_engine/__main__.py", "python -m tms_engine"),
        (main, "/lib/pytest/__main__.py", "tms"),
        (app_main, "/usr/bin/tms-tui", "tms-tui"),
        (app_main, "/lib/tms_tui/__main__.py", "python -m tms_tui"),
    ],
)
def test_usage_and_hints_name_the_program_as_it_was_called(run, called, program, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", [called])
    assert help_of(["--help"], capsys, monkeypatch, run).startswith(f"usage: {program} ")
    assert re.match(rf"{program} \d+\.\d+\S* \(python ", help_of(["--version"], capsys, monkeypatch, run))
    run(["train", "--zzz"] if run is main else ["--zzz"])
    assert f"see {program}" in capsys.readouterr().err


def test_both_packages_are_programs():
    for package, program in (("tms_engine", "python -m tms_engine"), ("tms_tui", "python -m tms_tui")):
        command = [sys.executable, "-m", package, "--help"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.stdout.startswith(f"usage: {program} ")


def test_other_names_of_commands_lead_to_commands(capsys):
    for name, ours in _OTHER_NAMES.items():
        assert name not in COMMANDS
        assert ours in COMMANDS or ours == "--version"
        assert main([name]) == 2
        assert f"did you mean tms {ours}?" in capsys.readouterr().err


def test_the_app_knows_commands_from_presets(capsys):
    assert app_main(["train"]) == 2
    assert "train is a command of tms: did you mean tms train?" in capsys.readouterr().err


def test_a_run_or_a_config_file_as_a_command_is_understood(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "experiment.json").touch()
    (tmp_path / "mine.toml").touch()
    for words, meant in (
        (["run"], "tms train"),  # a command of others
        (["./run"], "tms show ./run"),
        (["mine.toml"], "tms train --config mine.toml"),
        (["train", "./run"], "tms resume ./run"),
    ):
        assert main(words) == 2
        assert meant in capsys.readouterr().err


# --quiet


def test_quiet_leaves_data_on_stdout_and_nothing_on_stderr(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TMS_RUNS", str(tmp_path / "of mine"))
    assert main(["train", "--steps", "20", "--quiet", "--json"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    run = json.loads(told.out)["run"]
    assert run.startswith(str(tmp_path / "of mine"))
    for words in (
        ["resume", run, "--steps", "30"],
        ["figures", run, "--dpi", "10", "--only", "gram"],
        ["show", run],
    ):
        assert main([*words, "-q"]) == 0
        told = capsys.readouterr()
        assert told.err == ""
        assert told.out
    assert main(["figures", run, "--dpi", "10", "--only", "gram"]) == 0
    assert "drawing step 30" in capsys.readouterr().err


def test_quiet_shows_no_bar_on_a_terminal_and_keeps_errors(tmp_path, capsys, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert main(["train", "--steps", "20", "-q", "--out", str(tmp_path / "a")]) == 0
    assert sys.stderr.getvalue() == ""
    assert main(["train", "--steps", "20", "-q", "--out", str(tmp_path / "a")]) == 2
    assert "tms: " in sys.stderr.getvalue()


def test_quiet_or_not_divergence_is_told(tmp_path, capsys):
    assert (
        main(["train", "--learning-rate", "1e15", "--steps", "50", "-q", "--out", str(tmp_path / "a")]) == 1
    )
    assert capsys.readouterr().err.startswith("diverged, ")


# Variables and files


def test_tms_device_is_the_default_of_device(monkeypatch, tmp_path):
    (tmp_path / "c.toml").write_text('device = "mps"\n')
    monkeypatch.setenv("TMS_DEVICE", "cpu")
    assert experiment()[0].device == "cpu"
    assert experiment("--device", "cuda:1")[0].device == "cuda:1"
    assert experiment("--config", tmp_path / "c.toml")[0].device == "mps"
    monkeypatch.setenv("TMS_DEVICE", "")
    assert experiment()[0].device == "auto"


@pytest.mark.parametrize("value", ["gpu", "cuda:99999999999999999999", "\x1b[31m"])
def test_a_device_that_is_wrong_names_the_variable(value, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMS_DEVICE", value)
    for run in (main, app_main):
        words = ["train"] if run is main else ["--once"]
        assert run(words) == 2
        told = capsys.readouterr().err
        assert told.partition(": ")[2].startswith("TMS_DEVICE: device ") or run is app_main
        assert told.count("\n") == 1
    assert main(["train", "--device", "gpu"]) == 2
    assert "TMS_DEVICE" not in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_of_several_config_files_the_later_win_field_by_field(tmp_path):
    (tmp_path / "a.toml").write_text("n_features = 6\nsparsity = 0.5\nsteps = 7\n")
    (tmp_path / "b.json").write_text('{"sparsity": 0.25, "seed": 3}')
    files = ("--config", tmp_path / "a.toml", "--config", tmp_path / "b.json")
    found, options = experiment(*files, "--steps", 9)
    assert found == Experiment(n_features=6, sparsity=0.25, seed=3, steps=9)
    assert experiment(*files[2:], *files[:2])[0].sparsity == 0.5
    assert options.origins["sparsity"] == str(tmp_path / "b.json")
    assert "steps" not in options.origins


def test_the_file_that_is_wrong_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.toml").write_text('n_features = 7\nfeatures = "correlated"\nbatch_size = 0\n')
    (tmp_path / "b.toml").write_text("sparsity = 2\n")
    (tmp_path / "c.toml").write_text("batch_size = 1\nlr = 1\n")

    def sentence(*words):
        assert main(["train", *words]) == 2
        return capsys.readouterr().err

    files = {name: ("--config", f"{name}.toml") for name in "abc"}
    assert sentence(*files["a"], *files["b"]).startswith(
        ("tms: b.toml: sparsity ", "tms: a.toml: batch_size ")
    )
    assert sentence(*files["b"], *files["a"], "--batch-size", "1").startswith("tms: b.toml: sparsity ")
    assert sentence(*files["b"], "--sparsity", "3").startswith("tms: sparsity should")
    assert sentence(*files["a"], *files["c"]).startswith("tms: c.toml: an experiment has no field 'lr'; ")
    # where what is given on the command line does not go with what a file says, the file is named
    assert sentence(*files["a"], "--batch-size", "1").startswith("tms: a.toml: set_size 2 does not divide")
    (tmp_path / "d.toml").write_text("n_features = 10000000000\n")
    assert sentence(*files["a"][:1], "d.toml").startswith("tms: d.toml: n_features 10,000,000,000,")
    assert list(tmp_path.glob("runs")) == []


def test_only_a_sentence_about_a_field_names_where_it_came_from(monkeypatch):
    monkeypatch.setenv("TMS_DEVICE", "cpu")
    _, options = experiment()
    assert told(InputError("cannot write: no space left on device"), options).startswith("cannot")
    assert told(InputError("device cuda:9 asked for"), options) == "TMS_DEVICE: device cuda:9 asked for"
    assert told(InputError("too much for a device", "n_features"), options).startswith("too")


def test_an_error_without_options_is_told_as_it_is():
    assert told(InputError("no", "seed"), None) == "no"


def test_whole_numbers_of_options_that_are_no_fields(tmp_path, capsys):
    assert main(["train", "--steps", "2e1", "--seed", "1e3", "--out", str(tmp_path / "a")]) == 0
    made = load_run(tmp_path / "a")
    assert (made.experiment.seed, made.state.step) == (1000, 20)
    words = [
        "figures",
        str(tmp_path / "a"),
        "--dpi",
        "1e1",
        "--step",
        "2e1",
        "--instance",
        "0",
        "--only",
        "gram",
    ]
    assert main(words) == 0
    assert "drawing step 20 at 10 dpi" in capsys.readouterr().err
    assert main(["show", str(tmp_path / "a"), "--instance", "1.5"]) == 2
    assert "instance should be a whole number, not '1.5'" in capsys.readouterr().err


ODD = [
    Experiment(bias=True, n_features=4, n_hidden=2, importance=(1, 1, 0.5, 0.25), seed=7),
    Experiment(n_instances=3, sparsity=(0.5, 0.9, 0.1 + 0.2), instances=(4, 9, 2), init_std=1e-7),
    Experiment(features="hierarchical", set_size=(3, 2, 3), learning_rate=1e-3, schedule="cosine"),
    Experiment(n_instances=2, n_features=2, n_hidden=1, importance=((1, 0.1), (1, 10)), weight_decay=1e-5),
]


@pytest.mark.parametrize("wanted", [*(preset.experiment for preset in PRESETS.values()), *ODD])
def test_the_command_of_a_run_trains_it_anew(wanted):
    changes = [(100, "sparsity", 0.123456789), (100, "steps", 20_000), (300, "importance_decay", 1.0)]
    words = shlex.split(train_command(wanted, changes))
    assert words[:2] == ["tms", "train"]
    read, options = experiment(*words[2:])
    assert read == wanted
    planned = planned_changes(read.replace(steps=10_000), changes_from(options))
    assert [tuple(change) for change in planned] == changes


def test_the_command_of_the_seed_is_short_and_one_that_no_shell_takes_is_refused():
    assert train_command(Experiment()) == "tms train"
    assert train_command(Experiment(sparsity=0.9)) == "tms train --sparsity=0.9"
    many = Experiment(n_instances=2000, sparsity=tuple(i / 2001 for i in range(2000)))
    with pytest.raises(InputError, match=r"experiment\.json has it all"):
        train_command(many)


@pytest.mark.parametrize("text", ["200", "200:sparsity", "sparsity=0.3", "x:sparsity=0.3", ""])
def test_a_change_that_is_none_is_refused(text, capsys):
    assert main(["train", "--change", text]) == 2
    assert "change" in capsys.readouterr().err
