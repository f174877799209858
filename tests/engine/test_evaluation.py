"""Losses on fresh data: their errors tell the truth, and every model is evaluated on the same rows."""

import functools
import math

import numpy as np
import pytest

from tests.engine.conftest import run_with
from tms_engine import Experiment, Run, Trainer, evaluate, register_law, summarize, theory
from tms_engine.analysis.evaluation import compare, default_rows, evaluating
from tms_engine.analysis.strata import strata
from tms_engine.data import bernoulli, law
from tms_engine.training.state import initial_parameters

DIGON = np.array([[1.0], [-1.0]])
PENTAGON = np.stack([np.cos(0.4 * np.pi * np.arange(5)), np.sin(0.4 * np.pi * np.arange(5))], 1)


def holding(weights, **fields) -> Run:
    n, m = weights.shape
    return run_with(Experiment(n_features=n, n_hidden=m, **fields), weights[None])


@functools.cache
def pentagon_losses() -> list[float]:
    """Of 0 to 5 active features: of one in closed form, of two by a fine grid, of more by many rows."""
    generator, losses = np.random.default_rng(0), [0.0, theory.one_active_loss(PENTAGON)]
    u = (np.arange(400) + 0.5) / 400
    two = np.zeros((2, 400, 400, 5))
    two[..., 0], two[0, ..., 1], two[1, ..., 2] = u[:, None], u, u
    rows = generator.random((100_000, 5))
    more = [rows * (generator.random(rows.shape).argsort(1) < k) for k in (3, 4, 5)]
    return losses + [((np.maximum(x @ PENTAGON @ PENTAGON.T, 0) - x) ** 2).mean() for x in (two, *more)]


def pentagon_loss(p: float) -> float:
    return sum(math.comb(5, k) * p**k * (1 - p) ** (5 - k) * loss for k, loss in enumerate(pentagon_losses()))


@pytest.mark.parametrize("p", [0.003, 0.01, 0.05])
@pytest.mark.parametrize("solid", ["digon", "pentagon"])
def test_twice_the_standard_error_covers_the_true_loss_95_times_in_100(solid, p):
    run = holding(DIGON if solid == "digon" else PENTAGON, sparsity=1 - p)
    true = theory.digon_sum(p, 1, 1) / 2 if solid == "digon" else pentagon_loss(p)
    evaluations = [evaluate(run, 512, sample=k) for k in range(200)]
    off = np.array([(e.loss[0] - true) / e.standard_error[0] for e in evaluations])
    assert 0.91 <= (np.abs(off) < 2).mean() <= 0.99
    assert abs(off.mean()) < 0.25


@pytest.mark.parametrize("features", ["n_active", "correlated", "anticorrelated"])
def test_so_it_does_for_the_other_laws(features):
    weights = np.random.default_rng(1).standard_normal((6, 2)) * 0.7
    run = holding(weights, features=features, sparsity=0.9)
    true = evaluate(run, 1 << 18, sample=1000)
    off = [
        (e.loss[0] - true.loss[0]) / e.standard_error[0]
        for e in (evaluate(run, 1024, sample=k) for k in range(200))
    ]
    assert 0.91 <= (np.abs(off) < 2).mean() <= 0.99


@pytest.mark.parametrize("features", ["bernoulli", "n_active", "correlated", "anticorrelated"])
@pytest.mark.parametrize("model", ["tied_relu", "linear", "untied", "relu_hidden"])
def test_a_loss_is_that_of_the_batches_that_training_draws(features, model):
    experiment = Experiment(
        n_features=6,
        features=features,
        model=model,
        n_active=3,
        set_size=3,
        sparsity=0.7,
        bias=True,
        importance=(1, 2, 0.5, 1, 3, 0),
        batch_size=200_000,
        kernel="torch",
    )
    parameters = {name: value + np.float32(0.1) for name, value in initial_parameters(experiment).items()}
    evaluation = evaluate(Run.from_weights(parameters, experiment=experiment), 1 << 16)
    trainer = Trainer.resume(Run.from_weights(parameters, experiment=experiment))
    trainer.advance(1)
    batch = float(trainer.snapshot().losses[0])
    assert 0 < evaluation.standard_error[0] < 0.01 * evaluation.loss[0]
    assert batch == pytest.approx(evaluation.loss[0], rel=0.02)  # the batch has an error of its own


def test_a_law_of_a_script_is_sampled_as_it_is():
    register_law("plain", bernoulli.sample)
    weights = np.random.default_rng(1).standard_normal((5, 2))
    plain = evaluate(holding(weights, features="plain", sparsity=0.8), 1 << 17)
    theirs = evaluate(holding(weights, sparsity=0.8))
    errors = float(np.hypot(plain.standard_error[0], theirs.standard_error[0]))
    assert abs(plain.loss[0] - theirs.loss[0]) < 4 * errors
    assert theirs.standard_error[0] < 4 * plain.standard_error[0]  # with a sixteenth of the rows


def test_a_loss_of_nothing_or_one_active_feature_is_exact():
    weights = np.random.default_rng(0).standard_normal((8, 3)) * 0.6
    evaluation = evaluate(holding(weights, features="n_active", n_active=1))
    assert evaluation.loss[0] == pytest.approx(theory.one_active_loss(weights), rel=1e-6)
    assert evaluation.standard_error[0] < 1e-12
    assert evaluation.rows == 0
    nothing = evaluate(holding(weights, features="n_active", n_active=0))
    assert nothing.loss[0] == nothing.standard_error[0] == 0


def test_the_probabilities_of_the_strata_are_those_of_the_law():
    for experiment, density in [
        (Experiment(n_features=400, n_hidden=3), 0.3),
        (Experiment(n_features=8), 0.05),
        (Experiment(n_features=8), 1.0),
        (Experiment(n_features=8, features="correlated"), 0.4),
        (Experiment(n_features=5000), 0.001),
    ]:
        layers = strata(experiment, density, 8192, 64)
        assert sum(stratum.probability for stratum in layers) == pytest.approx(1, rel=1e-9)
        fired = sum(
            stratum.probability * np.dot(stratum.fired, stratum.counts) / stratum.rows for stratum in layers
        )
        units = experiment.n_features // (2 if experiment.features == "correlated" else 1)
        assert fired == pytest.approx(units * density, rel=2e-3)
        assert all(stratum.rows % 64 == 0 for stratum in layers if not stratum.exact)
        assert 8192 <= sum(stratum.rows for stratum in layers if not stratum.exact) < 1.2 * 8192


def test_the_loss_of_a_model_is_the_same_number_alone_among_others_and_for_any_random_seed():
    weights = np.random.default_rng(0).standard_normal((6, 8, 3)).astype(np.float32)
    sparsity = (0.9, 0.95, 0.95, 0.99, 0.95, 0.9)
    together = evaluate(run_with(Experiment(n_instances=6, sparsity=sparsity), weights))
    for i in range(6):
        alone = evaluate(run_with(Experiment(seed=7 + i, sparsity=sparsity[i]), weights[i : i + 1]))
        assert alone.loss[0] == pytest.approx(together.loss[i], rel=1e-6)
        assert alone.standard_error[0] == pytest.approx(together.standard_error[i], rel=1e-3)


def test_equal_models_have_equal_losses_and_near_ones_a_small_error_of_their_difference():
    weights = np.repeat(np.random.default_rng(0).standard_normal((1, 8, 3)), 3, axis=0).astype(np.float32)
    weights[2] *= 1.01
    snapshot = run_with(Experiment(n_instances=3), weights).at()
    evaluation = evaluate(snapshot, 8192)
    assert evaluation.loss[0] == evaluation.loss[1]
    places = compare(snapshot, evaluation)
    worst = evaluation.loss.argmax()
    assert places.rank[worst] in (1, 3)
    assert 0 < places.error.max() < 0.1 * evaluation.standard_error.min()
    off = []
    for k in range(150):
        one = evaluate(snapshot, 256, sample=k)
        two = compare(snapshot, one)
        at = int(two.to_best.argmax())
        off.append((two.to_best[at] - places.to_best.max()) / two.error[at])
    assert 0.90 <= (np.abs(off) < 2).mean() <= 0.99


def test_only_the_same_task_is_ranked():
    weights = np.random.default_rng(0).standard_normal((5, 8, 3)).astype(np.float32)

    def ranks(**fields):
        snapshot = run_with(Experiment(n_instances=5, **fields), weights).at()
        return compare(snapshot, evaluate(snapshot))

    assert sorted(ranks().rank) == [1, 2, 3, 4, 5]
    assert sorted(ranks(learning_rate=(1, 2, 3, 4, 5)).rank) == [1, 2, 3, 4, 5]
    two_sparsities = ranks(sparsity=(0.9, 0.99, 0.9, 0.9, 0.99))
    assert two_sparsities.among.tolist() == [3, 2, 3, 3, 2]
    assert sorted(two_sparsities.rank[[0, 2, 3]]) == [1, 2, 3]
    assert ranks(importance_decay=(0.5, 0.6, 0.7, 0.8, 0.9)).among.tolist() == [1] * 5
    listed = ranks(importance=((1,) * 8, (1,) * 8, (2,) * 8, (2,) * 8, (3,) * 8))
    assert listed.among.tolist() == [2, 2, 2, 2, 1]
    assert ranks(features="n_active", sparsity=(0.5, 0.6, 0.7, 0.8, 0.9)).among.tolist() == [5] * 5


def test_an_instance_that_diverged_has_no_place():
    experiment = Experiment(n_instances=3, learning_rate=(0.01, 1e30, 0.01), steps=50)
    trainer = Trainer(experiment)
    trainer.advance(50)
    summary = summarize(trainer.run())
    assert summary["diverged"] == [1]
    assert [row["rank"] for row in summary["instances"]][1] is None
    assert sorted(row["rank"] for row in summary["instances"] if row["rank"]) == [1, 2]


def test_the_number_of_rows_depends_on_the_sizes_of_the_model_alone():
    assert default_rows(Experiment()) == default_rows(Experiment(n_instances=1000)) == 8192
    assert 128 <= default_rows(Experiment(n_features=20_000, n_hidden=3)) < 8192
    assert default_rows(Experiment(n_features=10**6)) == 128


def test_an_evaluation_in_pieces_is_the_evaluation():
    for run, rows in ((holding(PENTAGON), 8192), (Trainer(Experiment(n_instances=20)).run(), None)):
        *pieces, last = evaluating(run, rows)
        assert len(pieces) > 2
        assert set(pieces) == {None}
        assert np.array_equal(last.loss, evaluate(run, rows).loss)


def test_laws_say_what_fires():
    assert [law(name).fires for name in ("bernoulli", "n_active", "correlated", "anticorrelated")] == [
        "features",
        "n_active",
        "whole sets",
        "one of a set",
    ]
