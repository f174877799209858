"""The paper's experiments on sets, a pentagon and dynamics: what their tables measure, and their figures."""

import numpy as np
import polars as pl
import pytest

from tms_engine.analysis.exact import expected_losses
from tms_engine.paper import correlation, dynamics, local_structure, nonuniform
from tms_engine.paper.plan import Trained
from tms_engine.sweeps.sweep import Sweep
from tms_engine.training.run import Run
from tms_engine.training.trainer import Trainer

MODULES = (correlation, local_structure, nonuniform, dynamics)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rsplit(".", 1)[-1])
def test_the_full_plan_has_the_notebooks_settings_and_quick_is_smaller(module):
    full, quick = module.plan(False), module.plan(True)
    assert full.sweeps.keys() == quick.sweeps.keys()
    assert full.runs.keys() == quick.runs.keys()
    bases = [sweep.grid.spec.base for sweep in full.sweeps.values()] + list(full.runs.values())
    for base in bases:
        assert (base.optimizer, base.learning_rate, base.weight_decay) == ("adamw", 1e-3, 0.01)
        assert (base.batch_size, base.bias) == (1024, True)
        assert base.steps >= 10_000
    assert cost(quick) < cost(full) / 2


def cost(plan) -> float:
    """Model-steps."""
    return sum(s.n_models * s.grid.spec.base.steps for s in plan.sweeps.values()) + sum(
        run.n_instances * run.steps for run in plan.runs.values()
    )


def unit(*degrees: float) -> np.ndarray:
    angles = np.deg2rad(np.array(degrees))
    return np.stack([np.cos(angles), np.sin(angles)], -1)


@pytest.mark.parametrize(
    ("name", "weights", "is_so"),
    [
        ("correlated-4-2", unit(0, 90, 180, 270), True),
        ("correlated-4-2", unit(0, 180, 90, 270), False),
        ("anticorrelated-4-2", unit(0, 180, 90, 270), True),
        ("anticorrelated-4-2", unit(0, 90, 180, 270), False),
        ("correlated-6-2", unit(0, 60, 120, 180, 240, 300), True),
        ("correlated-6-2", unit(0, 180, 60, 240, 120, 300), False),
        ("anticorrelated-6-2", unit(0, 180, 60, 240, 120, 300), True),
        ("correlated-6-3", unit(0, 180, 60, 240, 120, 300), True),
        ("correlated-6-3", unit(0, 180, 60, 240, 120, 300) * [[1], [1], [0], [1], [1], [1]], False),
    ],
)
def test_what_is_counted_of_sets_in_a_plane(name, weights, is_so):
    setting = correlation.SETTINGS[name]
    number = np.arange(setting.n_features) // setting.set_size
    directions = weights / np.maximum(np.linalg.norm(weights, axis=1, keepdims=True), 1e-9)
    within = (number[:, None] == number) & ~np.eye(len(weights), dtype=bool)
    mean = (directions @ directions.T * within).sum(1) / within.sum(1)
    assert correlation.arranged(setting, weights, mean) == is_so


def test_a_set_on_its_component_is_parallel_and_a_spread_one_is_not():
    one_way, spread = unit(20, 20, 200) * [[1], [0.4], [2]], unit(0, 120, 240)
    found = local_structure.parallel(np.concatenate([one_way, spread])[None])
    assert found == pytest.approx(np.array([[1, 0.5]]))
    assert (local_structure.parallel(np.zeros((1, 6, 2))) == 0).all()


def test_cosines_within_a_half_and_across():
    within, across = local_structure.model_cosines(unit(0, 90, 45, 135))
    assert (within, across) == pytest.approx((0, 0.5**0.5))


def test_the_loss_of_two_digons_is_the_exact_one():
    ratio = 0.4
    sweep = nonuniform.plan(False).sweeps["5-2"]
    base = sweep.grid.spec.base.replace(relative_density=(ratio, 1, 1, 1, 1), n_instances=1)
    weights = np.concatenate([np.zeros((1, 2)), unit(0, 180, 90, 270)])
    bias = np.array([ratio * 0.05 / 2, 0, 0, 0, 0])
    snapshot = Run.from_weights(weights, bias, base).at()
    losses = np.empty((1, 5))
    for _ in expected_losses(snapshot, 0.05, np.array([0]), np.ones((1, 5)), losses):
        pass
    assert losses.mean() == pytest.approx(nonuniform.loss_of_two_digons(ratio), rel=1e-5)


def test_solutions_of_the_pentagon_are_told_apart():
    pentagon = unit(0, 72, 144, 216, 288)
    digons = np.concatenate([np.zeros((1, 2)), unit(0, 180, 90, 270)])
    lost_another = digons[[1, 0, 2, 3, 4]]
    frame = pl.concat(
        pl.DataFrame(
            {
                "row": [k] * 5, "feature": range(5), "norm": np.linalg.norm(w, axis=1),
                "represented": [5 if k == 0 else 4] * 5, "relative_density": ["0.5,1,1,1,1"] * 5,
                "loss": [1e-3] * 5, "w_0": w[:, 0], "w_1": w[:, 1],
            }
        )
        for k, w in enumerate((pentagon, digons, lost_another))
    )  # fmt: skip
    found = nonuniform.with_solutions(frame)
    assert found.unique("row").sort("row")["solution"].to_list() == ["pentagon", "digons", "other"]
    assert set(found["ratio"]) == {0.5}
    assert len(nonuniform.figure(found).subfigs) == 2


def trained_runs(**changes) -> Trained:
    """The runs of dynamics, of a few steps."""
    runs = {}
    for name, experiment in dynamics.plan(True).runs.items():
        trainer = Trainer(experiment.replace(steps=40, keep=16, batch_size=32, **changes))
        trainer.advance(40)
        runs[name] = trainer.run()
    return Trained({}, runs, quick=True)


def test_the_table_of_dynamics_has_every_kept_step_and_its_figure_is_of_it_alone():
    table = dynamics.table(trained_runs())
    own = table.filter((pl.col("run") == "octahedron") & pl.col("feature").is_not_null())
    assert own["step"].min() == 0
    assert own["step"].max() == 40
    assert (own.group_by("step").len()["len"] == 6).all()
    norm = (own["w_0"] ** 2 + own["w_1"] ** 2 + own["w_2"] ** 2).sqrt()
    assert np.allclose(norm, own["norm"])
    assert (table.filter(pl.col("loss").is_not_null())["step"] < 40).all()
    assert len(dynamics.figure(table).subfigs) == 2


def test_digons_that_grow_stay_at_one_half():
    run = Run.from_weights(np.concatenate([np.eye(3), -np.eye(3)]))
    found = dynamics._features("octahedron", run)
    assert found["dimensionality"].to_list() == [0.5] * 6


def test_moments_are_those_at_shares_of_the_way():
    paths = np.zeros((11, 6, 3))
    paths[:, 0, 0] = np.arange(11) ** 2  # the way is 100 long
    assert dynamics.moments_of(paths) == [round((100 * share) ** 0.5) for share in (0, 0.25, 0.45, 0.62, 1)]
    assert dynamics.moments_of(paths * 0) == [0] * 5


def test_tables_and_figures_of_untrained_sets(tmp_path, monkeypatch):
    name, setting = "anticorrelated-4-2", correlation.SETTINGS["anticorrelated-4-2"]
    monkeypatch.setattr(correlation, "SETTINGS", {name: setting})
    for module, names in ((correlation, [name]), (local_structure, ["6-2", "20-10"])):
        sweeps = {}
        for planned in names:
            base = module.plan(True).sweeps[planned].grid.spec.base
            base = base.replace(steps=2, batch_size=8, n_instances=1)
            sweeps[planned] = Sweep(base, {"density": [0.3]}, seeds=2, weights=True)
            sweeps[planned].train(tmp_path / planned)
        table = module.table(Trained(sweeps, {}, quick=True))
        assert set(table["set"]) == {0, 1}
        assert module.figure(table) is not None
