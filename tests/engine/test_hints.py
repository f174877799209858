"""Names of other tools lead to ours, and what is suggested can be given."""

import re
import shlex
import tomllib

import pytest

from tms_engine import PRESETS, Experiment, InputError, preset
from tms_engine.commands import COMMANDS, _parser, main
from tms_engine.commands.options import experiment_from
from tms_engine.hints import HINTS, PRESET_NAMES, as_field, hint_for, squeezed
from tms_tui.cli import _parser as _app_parser

# What users of other tools give, by the field that it is here.
THEIRS = {
    "n_features": "5", "n_hidden": "2", "n_instances": "2", "sparsity": "0.05",
    "importance": "1,1,1,1,1,1,1,.5", "importance_decay": "0.7", "batch_size": "1024", "steps": "2000",
    "learning_rate": "1e-3", "weight_decay": "0.01", "optimizer": "Adam", "schedule": "cosine", "seed": "7",
    "device": "0", "model": "relu", "features": "1", "n_active": "3", "set_size": "2", "init": "xavier",
    "bias": "true", "keep": "10", "kernel": "inductor", "relative_density": "1,1,1,1,1,1,1,.5",
    "magnitudes": "constant", "dataset_rows": "100", "unit_rows": "true",
}  # fmt: skip

FIELDS = [name for name, hint in HINTS.items() if hint.ours in Experiment.model_fields]


def test_the_table_has_no_name_twice_and_none_of_ours():
    keys = [squeezed(name) for name in HINTS]
    assert len(set(keys)) == len(keys)
    assert not set(keys) & {squeezed(name) for name in Experiment.model_fields}
    assert len(FIELDS) > 100


@pytest.mark.parametrize("name", FIELDS)
def test_each_name_leads_to_an_option_and_a_field_that_can_be_given(name, capsys):
    field = HINTS[name].ours
    value = "gpu" if name == "accelerator" else THEIRS[field]
    option = f"--{name.replace('_', '-')}"
    assert main(["train", option, value]) == 2
    sentence = capsys.readouterr().err
    assert sentence.startswith(f"tms: tms train does not know {option!r}; did you mean --")
    suggested = re.search(r"did you mean (--[^?]+)\?", sentence)[1]
    words = shlex.split(suggested)
    if len(words) == 1 and field not in ("bias", "unit_rows"):  # the value is the user's to find
        words.append(THEIRS[field] if field != "features" else "correlated")
    options, unknown = _parser().parse_known_args(["train", *words])
    assert not unknown
    assert field in vars(options)
    if field != "kernel" and name not in ("arch", "architecture", "model_type", "model_name"):
        experiment_from(options)

    with pytest.raises(InputError, match="did you mean") as caught:
        Experiment(**{name: value})
    assert caught.value.field == name
    suggested = re.search(r"did you mean ([^?]+)\?", str(caught.value))[1]
    if " = " in suggested:
        Experiment(**tomllib.loads(suggested))
    assert suggested.split(" = ")[0] == field


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["--density", "0.05"], "--sparsity 0.95? (sparsity is 1 − density)"),
        (["--feature-probability=.05,.001"], "--sparsity 0.95,0.999?"),
        (["--p", "1"], "--sparsity 0?"),
        (["--density", "5"], "--sparsity? (sparsity is 1 − density)"),
        (["--density"], "--sparsity?"),
        (["--prob", "--bias"], "--sparsity?"),
        (["--lr", "0.01"], "--learning-rate 0.01?"),
        (["--LR", "0.01"], "--learning-rate 0.01?"),
        (["--num_epochs", "100"], "--steps 100? (a step is one update by the optimiser)"),
        (["--gpu"], "--device cuda?"),
        (["--gpu", "1"], "--device cuda:1?"),
        (["--tied", "false"], "--model untied?"),
        (["--act-fn", "relu"], "--model tied_relu? (the activation is the model's)"),
        (["--optim", "AdamW"], "--optimizer adamw?"),
        (["--use-bias", "0"], "--no-bias?"),
        (["--output-dir", "a"], "--out a?"),
        (["-o", "a"], "--out a?"),
        (["--steps=5", "--step-size", "1"], "--learning-rate 1?"),
    ],
)
def test_the_value_is_converted_where_the_meaning_differs(words, meant, capsys):
    assert main(["train", *words]) == 2
    assert f"did you mean {meant}" in capsys.readouterr().err


def test_what_there_is_not_is_said(capsys):
    for name in (name for name, hint in HINTS.items() if not hint.ours):
        assert main(["train", f"--{name}", "1"]) == 2
        assert capsys.readouterr().err.rstrip().endswith(f"does not know '--{name}'; {HINTS[name].note}")
        with pytest.raises(InputError, match=f"has no field {name!r}; "):
            Experiment(**{name: 1})


def test_options_that_are_no_fields_are_those_of_some_command():
    parsers = [*_parser()._subparsers._group_actions[0].choices.values(), _app_parser()]
    known = {option for parser in parsers for action in parser._actions for option in action.option_strings}
    for hint in HINTS.values():
        if hint.ours and hint.ours not in Experiment.model_fields:
            assert f"--{hint.ours}" in known


def test_a_command_hints_only_at_options_that_it_has(capsys):
    assert main(["presets", "--lr", "1"]) == 2
    assert "see tms presets --help" in capsys.readouterr().err


def test_a_config_file_and_a_live_change_have_the_same_hints(tmp_path, capsys):
    config = tmp_path / "theirs.toml"
    config.write_text("feature_probability = [0.05, 0.1]\n")
    assert main(["train", "--config", str(config)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"tms: {config}: an experiment has no field 'feature_probability'; ")
    assert "did you mean sparsity = [0.95, 0.9]?" in told
    with pytest.raises(InputError, match="did you mean learning_rate"):
        preset("gist").replace(lr=0.1)


def test_numpys_and_tuples_are_converted_too():
    np = pytest.importorskip("numpy")
    for value in ((0.5, 0.25), [0.5, 0.25], np.array([0.5, 0.25])):
        assert as_field(hint_for("density"), value) == "sparsity = [0.5, 0.75]"
    assert as_field(hint_for("importances"), [1, 0.5]) == "importance = [1, 0.5]"
    assert as_field(hint_for("importances"), [1] * 100) == "importance"
    assert as_field(hint_for("lr"), "a" * 100) == "learning_rate"


def test_presets_of_other_names_are_presets():
    assert set(PRESET_NAMES.values()) <= set(PRESETS)
    assert not set(PRESET_NAMES) & (set(PRESETS) | set(COMMANDS))
