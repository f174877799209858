"""`tms show`: the ranked table, the names, one instance, JSON and CSV."""

import csv
import io
import json
import re

import numpy as np
import pytest

from tms_engine import Experiment, Run, evaluate, save_run
from tms_engine.analysis.evaluation import feature_losses
from tms_engine.commands import main


def polygon(k: int, radius: float = 1.0) -> np.ndarray:
    angles = 2 * np.pi * np.arange(k) / k
    return radius * np.stack([np.cos(angles), np.sin(angles)], 1)


def five_to_two() -> np.ndarray:
    """Pentagons of several sizes, a square, two of a triangle and two, and digons."""
    dropped = np.zeros((1, 2))
    return np.stack(
        [
            polygon(5, 0.9),
            np.concatenate([polygon(4), dropped]),
            polygon(5),
            polygon(5, 0.95),
            np.concatenate([polygon(3), dropped, dropped]),
            np.concatenate([polygon(4, 1.1), dropped]),
        ]
    ).astype(np.float32)


def saved(directory, weights=None, **fields) -> Run:
    weights = five_to_two() if weights is None else weights
    n_instances, n, m = weights.shape
    experiment = Experiment(n_features=n, n_hidden=m, n_instances=n_instances, keep=0, **fields)
    run = Run.from_weights(weights, experiment=experiment, step=10_000)
    save_run(run, directory / "run")
    return run


@pytest.fixture
def show(tmp_path, capsys):
    def shown(*words, code=0):
        capsys.readouterr()
        assert main(["show", str(tmp_path / "run"), *map(str, words)]) == code
        captured = capsys.readouterr()
        return captured.err if code else captured.out

    return shown


AT_120_COLUMNS = """\
5 → 2, bernoulli, S 0.95, 6 instances, seed 42
step 10,000 of 10,000

loss on fresh data  0.004119 mean, 0.003145 to 0.006857 (exact to 1e-6)
represented         3 to 5 of 5 features
ΣD                  2.000 of 2 dimensions

name        instances   share  least loss    median  greatest   off
pentagon            3  50.0 %    0.003145  0.003211  0.003637  0.0°
two digons          2  33.3 %    0.003667  0.003932  0.004198  0.0°
triangle            1  16.7 %    0.006857  0.006857  0.006857  0.0°

place  instance        loss   to the best  represented     ΣD  name         off
    1         0  0.00314541          best            5  2.000  pentagon    0.0°
    2         3  0.00321103    +6.5616e-5            5  2.000  pentagon    0.0°
    3         2  0.00363740  +0.000491982            5  2.000  pentagon    0.0°
    4         1  0.00366667  +0.000521254            4  2.000  two digons  0.0°
    5         5  0.00419762  +0.001052204            4  2.000  two digons  0.0°
    6         4  0.00685729  +0.003711879            3  2.000  triangle    0.0°
"""

AT_80_COLUMNS = """\
5 → 2, bernoulli, S 0.9 to 0.95, 6 instances, seed 42
step 10,000 of 10,000

loss on fresh data  0.003145 to 0.01411, of several tasks (exact to 1e-6)
represented         3 to 5 of 5 features
ΣD                  2.000 of 2 dimensions
places              among the same sparsity and importances

name        instances   share  least loss    median  greatest   off
pentagon            3  50.0 %    0.003145  0.003637  0.007259  0.0°
two digons          2  33.3 %    0.008000  0.008474  0.008948  0.0°
triangle            1  16.7 %     0.01411   0.01411   0.01411  0.0°

 place  instance     S  rate        loss   to the best     ΣD  name         off
1 of 4         3   0.9  0.01  0.00725911          best  2.000  pentagon    0.0°
2 of 4         1   0.9  0.02  0.00800000  +0.000740888  2.000  two digons  0.0°
3 of 4         5   0.9  0.01  0.00894780  +0.001688689  2.000  two digons  0.0°
4 of 4         4   0.9  0.01   0.0141083  +0.006849222  2.000  triangle    0.0°
1 of 2         0  0.95  0.01  0.00314541          best  2.000  pentagon    0.0°
2 of 2         2  0.95  0.01  0.00363740  +0.000491982  2.000  pentagon    0.0°
No room for represented: --csv has all columns
"""


def test_the_table_at_120_columns(show, tmp_path, monkeypatch):
    saved(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    assert show() == AT_120_COLUMNS


def test_the_table_at_80_columns(show, tmp_path, monkeypatch):
    rates = (0.01, 0.02, 0.01, 0.01, 0.01, 0.01)
    saved(tmp_path, sparsity=(0.95, 0.9, 0.95, 0.9, 0.9, 0.9), learning_rate=rates)
    monkeypatch.setenv("COLUMNS", "80")
    text = show()
    assert max(map(len, text.splitlines())) <= 80
    assert text == AT_80_COLUMNS


def test_a_model_of_more_features_has_errors_beside_its_losses_and_its_differences(show, tmp_path):
    weights = np.random.default_rng(0).standard_normal((3, 12, 3)).astype(np.float32)
    saved(tmp_path, weights)
    text = show()
    assert re.search(r"\([0-9,]+ rows drawn, the same for all\)", text)
    header = text.split("\n\n")[-1].splitlines()[0]
    assert "loss  " in header
    assert header.count("±") == 2
    assert "± of it" in header


def test_the_table_can_be_sorted_and_cut(show, tmp_path):
    saved(tmp_path)

    def instances(*words):
        return [int(row["instance"]) for row in csv.DictReader(io.StringIO(show("--csv", *words)))]

    losses = evaluate(saved(tmp_path / "other")).loss
    assert instances() == np.argsort(losses).tolist()
    assert instances("--sort=-loss", "--top", 2) == np.argsort(-losses)[:2].tolist()
    assert instances("--sort", "instance") == [0, 1, 2, 3, 4, 5]
    assert instances("--sort", "place", "--top", "1") == [int(losses.argmin())]
    assert "there is no column 'speed' to sort by" in show("--sort", "speed", code=2)
    assert "top should be at least 1, not 0" in show("--top", 0, code=2)
    assert "choose --json or --csv" in show("--json", "--csv", code=2)
    assert "leave out --instance" in show("--instance", 1, "--top", 3, code=2)


def test_csv_and_json_have_all_digits_and_the_same(show, tmp_path):
    run = saved(tmp_path)
    losses = evaluate(run).loss
    content = json.loads(show("--json", "--sort", "instance"))
    assert content["evaluation"] == "exact to 1e-6"
    assert [row["loss"] for row in content["instances"]] == losses.tolist()
    table = list(csv.DictReader(io.StringIO(show("--csv", "--sort", "instance"))))
    assert [float(row["loss"]) for row in table] == losses.tolist()
    assert [row["name"] for row in table] == [row["name"] for row in content["instances"]]
    assert table[0]["name"] == "pentagon"
    features = list(csv.DictReader(io.StringIO(show("--csv", "--instance", 2))))
    assert [int(row["feature"]) for row in features] == [0, 1, 2, 3, 4]
    assert np.mean([float(row["loss"]) for row in features]) == pytest.approx(losses[2], rel=1e-12)


def test_one_instance_has_its_place_its_name_and_its_features(show, tmp_path):
    run = saved(tmp_path)
    text = show("--instance", 2)
    head, features = text.split("\n\n")
    assert "instance            2, number 2" in head
    assert "exact to 1e-6" in head
    assert "of 6" in head
    assert "geometry            pentagon" in head
    assert features.splitlines()[0].split() == ["feature", "loss", "‖W‖", "D", "interference", "represented"]
    content = json.loads(show("--instance", 2, "--json"))
    assert content["instance"] == 2
    assert content["geometry"]["parts"][0]["name"] == "pentagon"
    assert sorted(content["geometry"]["parts"][0]["features"]) == [0, 1, 2, 3, 4]
    assert [row["loss"] for row in content["features"]] == feature_losses(run, 2).loss.tolist()


@pytest.mark.parametrize("n", [5, 12])
def test_the_losses_of_features_have_the_loss_as_their_mean(n):
    weights = np.random.default_rng(0).standard_normal((2, n, 2)).astype(np.float32)
    experiment = Experiment(
        n_features=n, n_hidden=2, n_instances=2, sparsity=(0.9, 0.95), importance_decay=0.8
    )
    run = Run.from_weights(weights, experiment=experiment)
    whole = evaluate(run)
    for i in range(2):
        features = feature_losses(run, i)
        assert features.rows == whole.rows or features.rows > 0
        assert features.loss.mean() == pytest.approx(whole.loss[i], rel=1e-6)
        assert (features.standard_error > 0).all() == (n > 8)


def test_a_long_table_says_how_much_more_there_is(show, tmp_path, monkeypatch):
    weights = np.random.default_rng(0).standard_normal((50, 3, 2)).astype(np.float32)
    saved(tmp_path, weights)
    monkeypatch.setenv("COLUMNS", "40")
    text = show()
    assert "… and 30 more: --top 50, or --csv" in text
    assert "No room for represented, ΣD, off" in text
    assert len(show("--top", 50).split("\n\n")[-1].splitlines()) >= 51
