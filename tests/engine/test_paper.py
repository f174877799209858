"""The paper's experiments: what is trained, kept and gone on with; their tables and figures."""

import re

import numpy as np
import polars as pl
import pytest

from tms_engine import InputError, Sweep, theory, train
from tms_engine.analysis import extra
from tms_engine.commands import main
from tms_engine.figures import colors
from tms_engine.models import Sizes
from tms_engine.models.layers import regular_polygon
from tms_engine.paper import EXPERIMENTS, experiment, kgons, phases, polygons, superposition, uniform
from tms_engine.paper.frames import features_frame, weights_of
from tms_engine.paper.plan import Plan, Trained, notebook
from tms_engine.paper.reproduce import reproduce
from tms_engine.sweeps.grid import seconds_of


def tiny(quick: bool) -> Plan:
    """Two densities of 5 → 2, and a run."""
    base = notebook(n_features=5, n_hidden=2, n_instances=10, batch_size=8, steps=40)
    sweep = Sweep(base, {"density": [1.0, 0.1]}, seeds=2, weights=True, shard_models=2)
    return Plan({"5-2": sweep}, {"alone": base.replace(n_instances=1, keep=8)})


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(polygons, "plan", tiny)


def cost(plan: Plan) -> float:
    return sum(sum(seconds_of(sweep.grid)) for sweep in plan.sweeps.values())


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_each_experiment_is_a_file_and_a_line_in_the_table(name):
    module = experiment(name)
    for text in (module.PAPER, module.DEPARTS, module.QUICK, EXPERIMENTS[name].help):
        assert text == text.strip()
        assert "\n" not in text
    assert re.fullmatch("[a-z_]+", name)
    plan, quick = module.plan(False), module.plan(True)
    assert cost(quick) <= cost(plan)
    assert EXPERIMENTS[name].quick <= EXPERIMENTS[name].minutes
    for names in (plan.sweeps, plan.runs):
        assert all(re.fullmatch(r"[\w.-]+", directory) for directory in names)


def test_an_experiment_writes_its_table_and_figure_and_goes_on_where_it_was(tmp_path, small):
    told = []
    first = reproduce("polygons", tmp_path / "out", on_progress=told.append)
    assert [path.name for path in first.paths] == ["table.parquet", "table.csv", "polygons.png"]
    assert all(path.is_file() for path in first.paths)
    assert pl.read_parquet(first.paths[0]).equals(first.table)
    assert told[0].n_models == told[-1].n_models == 5
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)

    shards = list(tmp_path.rglob("*.safetensors"))
    before = {path: path.stat().st_mtime_ns for path in shards}
    again = reproduce("polygons", tmp_path / "out")
    assert {path: path.stat().st_mtime_ns for path in shards} == before
    assert again.table.equals(first.table)


def test_what_is_interrupted_has_the_same_bits_in_the_end(tmp_path, small):
    def interrupt_in_the_run(progress):
        if progress.n_finished >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reproduce("polygons", tmp_path / "cut", on_progress=interrupt_in_the_run)
    cut = reproduce("polygons", tmp_path / "cut")
    whole = reproduce("polygons", tmp_path / "whole")
    assert cut.table.equals(whole.table)
    states = [tmp_path / name / "models/alone/state.safetensors" for name in ("cut", "whole")]
    assert all(path.is_file() for path in states)


def test_a_directory_of_something_else_is_left_alone(tmp_path, small):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty, and has no experiment of the paper"):
        reproduce("polygons", tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    reproduce("polygons", tmp_path / "out", quick=True)
    with pytest.raises(InputError, match="has polygons --quick, not polygons: choose a new directory"):
        reproduce("polygons", tmp_path / "out")
    with pytest.raises(InputError, match="has polygons --quick, not uniform --quick"):
        reproduce("uniform", tmp_path / "out", quick=True)
    (tmp_path / "out/paper.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        reproduce("polygons", tmp_path / "out", quick=True)


def test_a_table_of_features_has_the_weights(tmp_path):
    sweep = tiny(True).sweeps["5-2"]
    sweep.train(tmp_path / "sweep")
    table = features_frame(sweep)
    assert len(table) == 4 * 5
    weights = sweep.weights()
    for row in range(4):
        model = table.filter(row=row)
        assert weights_of(model) == pytest.approx(weights[row])
        assert model["norm"].to_numpy() == pytest.approx(np.linalg.norm(weights[row], axis=-1))
        assert model["density"].n_unique() == 1


# The command.


def test_the_list_has_every_experiment_and_how_long_it_takes(capsys):
    assert main(["paper", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(EXPERIMENTS)
    assert all(re.search(r"\d (s|min|h)  ", line) for line in lines[1:])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["paper"], "say which experiment of the paper: polygons"),
        (["paper", "polygon"], "did you mean polygons?"),
        (["paper", "polygons", "--list"], "not both"),
    ],
)
def test_mistakes_are_told_in_a_sentence(words, sentence, capsys):
    assert main(words) == 2
    assert sentence in capsys.readouterr().err


def test_the_command_says_what_the_paper_shows_and_where_ours_departs(tmp_path, small, capsys):
    assert main(["paper", "polygons", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "pentagon" in said.out
    assert "departs" in said.out
    assert str(tmp_path / "out" / "polygons.png") in said.out.replace("\n", "")
    assert "on two cores" in said.err
    assert "took" in said.err


# The experiments, by numbers that are known.


def features(weights: np.ndarray, **columns) -> pl.DataFrame:
    """A table of the features of one model."""
    from tms_engine.analysis import geometry

    n, m = weights.shape
    found = {"feature": np.arange(n), **{name: [value] * n for name, value in columns.items()}}
    found |= {name: getattr(geometry, of)(weights[None])[0]
              for name, of in (("norm", "norms"), ("dimensionality", "dimensionality"),
                               ("interference", "interference"))}  # fmt: skip
    return pl.DataFrame(found | {f"w_{k}": weights[:, k] for k in range(m)})


def test_polygons_draws_the_model_of_least_loss_of_each_density():
    pentagon = regular_polygon(5, Sizes(5, 2, True, 0.0)).astype(np.float64)
    square = regular_polygon(4, Sizes(5, 2, True, 0.0)).astype(np.float64)
    table = pl.concat(
        [
            features(square, row=0, density=0.5, loss=0.01),
            features(square, row=1, density=0.05, loss=0.003),
            features(pentagon, row=2, density=0.05, loss=0.001),
        ]
    )
    panels = polygons.figure(table).axes
    assert [panel.get_title() for panel in panels] == ["1 − S = 0.5", "1 − S = 0.05"]
    assert np.asarray(panels[1].collections[0].get_offsets()) == pytest.approx(pentagon)


def test_superposition_counts_what_is_represented():
    weights = np.zeros((20, 5))
    weights[:5] = np.eye(5)
    common = {"n_features": 20, "n_hidden": 5}
    linear = features(weights, row=0, density=1.0, model="linear", **common)
    weights[5:10] = -np.eye(5)
    pairs = features(weights, row=0, density=0.1, model="tied_relu", **common)
    figure = superposition.figure(pl.concat([linear, pairs]))
    titles = [panel.get_title() for panel in figure.axes if panel.get_title()]
    assert titles == ["linear", "S = 0.9"]
    assert [panel.get_xlabel() for panel in figure.axes if panel.get_xlabel()] == [
        "‖Wⱼ‖, 5 above ½",
        "‖Wⱼ‖, 10 above ½",
    ]


def test_pairs_take_half_a_dimension_each_and_pentagons_two_fifths(tmp_path):
    pairs = np.concatenate([np.eye(2), -np.eye(2)])
    common = {"row": 0, "n_hidden": 2, "dimensions_per_feature": 2 / np.square(pairs).sum()}
    table = features(pairs, density=0.3, n_features=4, **common)
    assert table["dimensionality"].to_list() == pytest.approx([theory.DIMENSIONALITY["digon"]] * 4)
    above, below = uniform.figure(table).axes
    assert np.asarray(above.lines[0].get_ydata()) == pytest.approx(np.array([0.5]))
    assert np.asarray(below.collections[0].get_offsets())[:, 1] == pytest.approx(np.full(4, 0.5))


def test_the_pure_strategies_of_a_phase_diagram_are_those_of_the_theory():
    names = {"dedicate first": "not represented", "dedicate second": "dedicated",
             "antipodal": "in superposition"}  # fmt: skip
    ratio = np.array([0.12, 0.5, 0.9, 2.1, 8.0])
    for p in (0.02, 0.3, 0.5, 0.9):
        expected = [names[theory.best_pure_strategy(p, r)] for r in ratio]
        assert extra.pure_states(1, p, ratio).tolist() == expected


def test_three_features_in_two_dimensions_drop_pair_or_dedicate_the_last():
    # Dropping it costs r (p/3 − p²/4), pairing it (1 + r) p²/6, and pairing the others 2 p²/6.
    p, ratio = 0.2, np.array([0.05, 0.5, 3.0])
    states = ["not represented", "in superposition", "dedicated"]
    assert extra.pure_states(2, p, ratio).tolist() == states
    loss, found = extra.optimal_states(2, p, ratio)
    assert found.tolist() == states
    pure = [0.05 * theory.loss_of_best_constant(p), theory.digon_sum(p, 1, 0.5), theory.digon_sum(p, 1, 1)]
    assert (loss <= np.array(pure) + 1e-9).all()
    assert loss == pytest.approx(pure, rel=0.2)


def test_cells_are_white_blue_or_red():
    white, blue, red = colors.phase_colors([0, 1, 1], [1, 0, 1])
    assert white.tolist() == [1, 1, 1]
    assert blue[2] > blue[0] + 0.3
    assert red[0] > red[2] + 0.3


@pytest.mark.slow
def test_trained_phases_are_those_of_the_optimum(tmp_path):
    densities, ratios = [0.9, 0.1], [0.15, 0.7, 6.0]
    base = notebook(n_features=2, n_hidden=1, init="xavier", batch_size=128, steps=5000)
    importance = [[1.0, r] for r in ratios]
    sweep = Sweep(base, {"density": densities, "importance": importance}, seeds=8, paired=False, weights=True)
    sweep.train(tmp_path)
    table = phases._cells(sweep)
    assert table["state"].to_list() == table["optimum_state"].to_list()
    assert set(table["state"]) == {"not represented", "in superposition", "dedicated"}
    assert (table["loss"] / table["optimum_loss"]).to_numpy() == pytest.approx(np.ones(6), rel=0.01)


def test_levels_of_k_gons():
    levels = kgons.k_gons(6, None).unique(["corners", "shared"])
    level = levels.filter(shared=False).sort("corners")
    assert level["name"].to_list() == ["digon + 4", "triangle + 3", "square + 2", "pentagon + 1", "hexagon"]
    assert level["loss"].to_numpy()[-2:] == pytest.approx([0.010300, 0.008032], abs=1e-6)
    assert level["minimum"].to_numpy()[-2:] == pytest.approx([0.010300, 0.008032], abs=1e-6)
    assert level["minimum"][1] is None  # a triangle with three features dropped is a saddle
    shared = levels.filter(shared=True, corners=5)
    assert 0.0103 < shared["loss"][0] < level["loss"][2]


@pytest.mark.slow
def test_training_from_a_hexagon_ends_on_its_level(tmp_path):
    base = notebook(n_features=6, n_hidden=2, features="n_active", n_active=1, batch_size=128)
    run = base.replace(init="6-gon", learning_rate=0.01, schedule="linear", steps=3000, keep=4)
    curve = kgons._curves(train(run), 6).sort("step")
    assert curve["loss"][-1] == pytest.approx(0.008032, abs=2e-5)
    assert curve["step"][-1] == 3000


def test_the_table_of_uniform_has_the_dimensions_per_feature_of_each_model(tmp_path):
    sweep = Sweep(
        notebook(n_features=6, n_hidden=2, batch_size=8, steps=20), {"density": [1.0, 0.2]}, weights=True
    )
    sweep.train(tmp_path)
    table = uniform.table(Trained({"6-2": sweep}, {}, True))
    squared = np.square(sweep.weights()).sum((1, 2))
    for row in range(2):
        assert table.filter(row=row)["dimensions_per_feature"].to_numpy() == pytest.approx(
            np.full(6, 2 / squared[row])
        )
