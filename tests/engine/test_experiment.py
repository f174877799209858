import json
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tms_engine import PRESETS, Experiment, InputError, preset


def test_the_defaults_are_the_seeds():
    seed = Experiment()
    assert (seed.n_features, seed.n_hidden, seed.n_instances, seed.sparsity) == (8, 3, 1, 0.95)
    assert (seed.batch_size, seed.steps, seed.seed) == (32, 10_000, 42)
    assert (seed.optimizer, seed.learning_rate, seed.weight_decay, seed.schedule) == (
        "adam",
        0.01,
        0,
        "constant",
    )
    assert (seed.init, seed.bias, seed.importance_decay, seed.features) == ("normal", False, 1.0, "bernoulli")


def test_every_field_has_a_line_of_help():
    for name, field in Experiment.model_fields.items():
        assert field.description, name
        assert "\n" not in field.description


@st.composite
def fields_of_experiments(draw):
    n_instances = draw(st.integers(1, 5))

    def per_instance(numbers):
        return st.one_of(numbers, st.lists(numbers, min_size=n_instances, max_size=n_instances).map(tuple))

    positive = st.floats(1e-12, 1e6)
    set_size = draw(st.integers(1, 4))
    n_features = set_size * draw(st.integers(1, 100))
    return {
        "n_features": n_features,
        "n_hidden": draw(st.integers(1, 50)),
        "n_instances": n_instances,
        "features": draw(st.sampled_from(["bernoulli", "n_active", "correlated", "anticorrelated"])),
        "sparsity": draw(per_instance(st.floats(0, 1, exclude_max=True))),
        "n_active": draw(st.integers(0, n_features)),
        "set_size": set_size,
        "importance_decay": draw(per_instance(positive)),
        "bias": draw(st.booleans()),
        "init": draw(st.sampled_from(["normal", "xavier", "joint_xavier"])),
        "batch_size": draw(st.integers(1, 5000)),
        "steps": draw(st.integers(1, 10**9)),
        "optimizer": draw(st.sampled_from(["adam", "adamw"])),
        "learning_rate": draw(per_instance(positive)),
        "weight_decay": draw(st.floats(0, 10)),
        "schedule": draw(st.sampled_from(["constant", "linear", "cosine", "quarter_cosine"])),
        "seed": draw(st.integers(0, 2**63 - 1)),
        "device": draw(st.sampled_from(["auto", "cpu", "cuda", "cuda:3", "mps"])),
    }


@given(fields_of_experiments())
def test_toml_and_json_lose_nothing(fields):
    experiment = Experiment(**fields)
    assert Experiment(**tomllib.loads(experiment.to_toml())) == experiment
    assert Experiment(**json.loads(experiment.to_json())) == experiment


def test_a_file_sets_fields_and_leaves_the_others(tmp_path):
    (tmp_path / "a.toml").write_text("n_features = 20\nsparsity = [0.9, 0.99]\nn_instances = 2\n")
    (tmp_path / "a.json").write_text('{"n_features": 20, "sparsity": [0.9, 0.99], "n_instances": 2}')
    expected = Experiment(n_features=20, sparsity=(0.9, 0.99), n_instances=2)
    assert Experiment.from_file(tmp_path / "a.toml") == expected
    assert Experiment.from_file(tmp_path / "a.json") == expected


@pytest.mark.parametrize(
    ("fields", "named", "right"),
    [
        ({"n_feature": 3}, "n_feature", "did you mean n_features?"),
        ({"zzz": 3}, "zzz", "the fields are n_features, n_hidden"),
        ({"sparsity": 1.0}, "sparsity", "at least 0 and below 1"),
        ({"sparsity": -0.1}, "sparsity", "at least 0 and below 1"),
        ({"sparsity": float("nan")}, "sparsity", "finite number"),
        ({"sparsity": "lots"}, "sparsity", "a number or a list of numbers"),
        ({"sparsity": [0.1, 0.2]}, "sparsity", "2 values but n_instances is 1"),
        ({"sparsity": []}, "sparsity", "0 values but n_instances is 1"),
        ({"n_instances": 3, "learning_rate": (0.1, 0.2)}, "learning_rate", "2 values but n_instances is 3"),
        ({"learning_rate": 0}, "learning_rate", "above 0"),
        ({"importance_decay": float("inf")}, "importance_decay", "finite number"),
        ({"n_features": 0}, "n_features", "greater than or equal to 1"),
        ({"n_hidden": -3}, "n_hidden", "greater than or equal to 1"),
        ({"batch_size": 0}, "batch_size", "greater than or equal to 1"),
        ({"steps": "many"}, "steps", "a whole number, not 'many'"),
        ({"n_instances": 1.5}, "n_instances", "a whole number, not 1.5"),
        ({"n_active": 9, "features": "n_active"}, "n_active", "only 8 features"),
        ({"set_size": 3, "features": "correlated"}, "set_size", "does not divide n_features 8"),
        ({"features": "gaussian"}, "features", "bernoulli, at_least_one, n_active"),
        ({"optimizer": "sgd"}, "optimizer", "'adam' or 'adamw'"),
        ({"weight_decay": -1}, "weight_decay", "greater than or equal to 0"),
        ({"seed": -1}, "seed", "greater than or equal to 0"),
        ({"device": "tpu"}, "device", "auto, cpu, cuda, cuda:N or mps"),
        ({"kernel": "cobol"}, "kernel", "auto"),
    ],
)
def test_bad_input_gets_one_sentence_that_names_the_field(fields, named, right):
    with pytest.raises(InputError) as caught:
        Experiment(**fields)
    sentence = str(caught.value)
    assert named in sentence
    assert right in sentence
    assert "\n" not in sentence
    assert caught.value.field == named


def test_a_file_at_fault_is_named(tmp_path):
    bad = tmp_path / "bad.toml"
    for content, reason in [
        ("n_features = ", "not valid TOML"),
        ("n_featurs = 3", "did you mean n_features"),
        ("sparsity = 2.0", "at least 0 and below 1"),
    ]:
        bad.write_text(content)
        with pytest.raises(InputError, match=reason) as caught:
            Experiment.from_file(bad)
        assert str(bad) in str(caught.value)
    (tmp_path / "bad.json").write_text("[1, 2]")
    with pytest.raises(InputError, match="not a list"):
        Experiment.from_file(tmp_path / "bad.json")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        Experiment.from_file(tmp_path / "bytes.toml")
    with pytest.raises(InputError, match="no such file"):
        Experiment.from_file(tmp_path / "none.toml")


def test_an_experiment_is_frozen_and_replace_validates_the_whole():
    with pytest.raises(Exception, match="frozen"):
        Experiment().n_features = 3
    assert Experiment().replace(n_features=20).n_features == 20
    with pytest.raises(InputError, match="n_active is 2 but there are only 1"):
        Experiment(n_features=8, features="n_active").replace(n_features=1)


def test_presets_start_with_the_seed_and_hold_the_papers_settings():
    assert next(iter(PRESETS)) == "gist"
    assert preset("gist") == Experiment()
    shapes = {(p.experiment.n_features, p.experiment.n_hidden) for p in PRESETS.values()}
    assert shapes >= {(5, 2), (20, 5), (80, 20), (400, 30), (2, 1)}
    assert preset("paper-20-5").importance_decay == 0.7
    assert preset("paper-80-20").importance_decay == 0.9
    for name, entry in PRESETS.items():
        assert entry.description, name
        if name != "gist":
            paper = entry.experiment
            assert (paper.optimizer, paper.learning_rate, paper.batch_size) == ("adamw", 1e-3, 1024)
            assert (paper.init, paper.bias, paper.weight_decay) == ("xavier", True, 0.01)
    with pytest.raises(InputError, match="did you mean gist"):
        preset("gits")


def test_importance_is_decay_to_the_j_and_per_instance_spreads():
    experiment = Experiment(n_features=3, n_instances=2, importance_decay=(1, 0.5), learning_rate=0.1)
    assert experiment.feature_importance().tolist() == [[1, 1, 1], [1, 0.5, 0.25]]
    assert experiment.per_instance("learning_rate").tolist() == [0.1, 0.1]
    alone = Experiment(n_features=3, importance_decay=(0.5,), learning_rate=0.1, instances=[1])
    assert experiment.alone(1) == alone


def test_importance_may_be_a_list_and_one_for_each_instance():
    one = Experiment(n_features=3, n_instances=2, importance=[1, 0.5, 0], importance_decay=(1, 0.5))
    assert one.feature_importance().tolist() == [[1, 0.5, 0], [1, 0.25, 0]]
    each = Experiment(n_features=2, n_instances=2, importance=[[1, 2], [3, 4]])
    assert each.feature_importance().tolist() == [[1, 2], [3, 4]]
    assert each.alone(1).feature_importance().tolist() == [[3, 4]]
    assert Experiment(n_features=2, n_instances=2, importance="1,2;3,4") == each
    assert Experiment(**json.loads(each.to_json())) == each
    with pytest.raises(InputError, match="importance should be 8 numbers"):
        Experiment(importance=[1, 2])
    with pytest.raises(InputError, match="importance should be at least 0"):
        Experiment(n_features=2, importance=[1, -2])
    assert Experiment(importance="", instances="") == Experiment()
    for nothing in ([], [[]]):
        with pytest.raises(InputError, match="importance"):
            Experiment(importance=nothing)


def test_instances_have_numbers_and_a_slice_of_them_is_a_shard():
    whole = Experiment(n_instances=6, sparsity=(0, 0.1, 0.2, 0.3, 0.4, 0.5))
    assert whole.numbers().tolist() == [0, 1, 2, 3, 4, 5]
    shard = whole.select(range(2, 5))
    assert (shard.n_instances, shard.instances, shard.sparsity) == (3, (2, 3, 4), (0.2, 0.3, 0.4))
    assert shard.alone(1).numbers().tolist() == [3]
    assert whole.select(range(6)) == whole
    assert Experiment(instances=range(6)) == Experiment(instances="0:6") == Experiment(n_instances=6)
    assert Experiment(instances="7,3,7,10:12").instances == (7, 3, 7, 10, 11)
    assert Experiment(instances=[4, 4]).replace(instances=[1, 2, 3]).n_instances == 3
    for wrong in ([-1], "a", [1.5], [], "3:1"):
        with pytest.raises(InputError, match="instances"):
            Experiment(instances=wrong)
    with pytest.raises(InputError, match="2 numbers but n_instances is 3"):
        Experiment(instances=[1, 2], n_instances=3)


def test_input_error_is_a_value_error():
    with pytest.raises(ValueError, match="sparsity should be"):
        Experiment(sparsity=2)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1e4", 10_000),
        ("10_000", 10_000),
        ("1.5e3", 1500),
        (" 7 ", 7),
        ("7.0", 7),
        (7.0, 7),
        ("1e12", 10**12),
        ("999999999999", 999_999_999_999),
        ("9.99999999999e11", 999_999_999_999),
    ],
)
def test_whole_numbers_may_have_an_exponent_and_are_exact(written, number):
    assert Experiment(steps=written).steps == number


def test_a_seed_is_exact_to_its_last_digit():
    assert Experiment(seed="9.223372036854775807e18").seed == 2**63 - 1
    assert Experiment(seed=str(2**63 - 1)).seed == 2**63 - 1
    with pytest.raises(InputError, match="seed should be less than 9223372036854775808"):
        Experiment(seed="9.223372036854775808e18")


@pytest.mark.parametrize(
    "wrong",
    [
        "1.5",
        "1e-1",
        "ten",
        "",
        "nan",
        "inf",
        "10,00",
        "0x10",
        1.5,
        True,
        None,
        [1],
        "1e99999999999",
        10**40,
    ],
)
def test_what_is_no_whole_number_is_a_short_sentence(wrong):
    for name in ("steps", "n_features", "seed"):
        with pytest.raises(InputError, match=f"{name} should be") as caught:
            Experiment(**{name: wrong})
        assert len(str(caught.value)) < 200


def test_a_number_that_python_does_not_write_out_is_a_sentence_too():
    with pytest.raises(InputError, match="steps should be below 1e30, not a int that is too large"):
        Experiment(steps=10**4500)


def test_true_is_no_number():
    for name in ("learning_rate", "sparsity", "importance_decay", "weight_decay", "batch_size"):
        with pytest.raises(InputError, match=f"{name} should be"):
            Experiment(**{name: True})
    with pytest.raises(InputError, match="importance should be"):
        Experiment(importance=[True] * 8)


def test_no_one_means_a_trillion_instances():
    assert Experiment(instances="0:1e3").n_instances == 1000
    with pytest.raises(InputError, match="at most 1,000,000"):
        Experiment(instances="0:1e12")


@pytest.mark.parametrize("weight", [1e300, 1e-300, 5e-324])
def test_importance_is_infinite_where_it_is_too_large_and_zero_stays_zero(weight):
    decayed = Experiment(n_features=3, importance_decay=weight, importance=[0, 1, 1]).feature_importance()[0]
    assert decayed[0] == 0
    assert decayed[1] == weight
    assert decayed[2] == (float("inf") if weight > 1 else 0)


def test_an_empty_text_is_no_value_where_there_need_be_none():
    optional = [name for name, field in Experiment.model_fields.items() if field.default is None]
    assert "init_std" in optional
    assert Experiment(**dict.fromkeys(optional, "")) == Experiment()
    with pytest.raises(InputError, match="init_std should be greater than 0"):
        Experiment(init_std="0")


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([*Experiment.model_fields, "lr", "density", "no such field"])


@given(st.dictionaries(NAMES, ANY_JSON, max_size=4))
@settings(max_examples=300)
def test_any_json_is_an_experiment_or_one_sentence(fields):
    sentence = ""
    try:
        experiment = Experiment(**fields)
    except InputError as error:
        sentence = str(error)
    if sentence:
        assert "\n" not in sentence
        assert len(sentence) < 1000
    else:
        assert Experiment(**json.loads(experiment.to_json())) == experiment
