"""Exact losses: against rational arithmetic, closed forms, and rows by the hundred thousand."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from tests.engine.conftest import run_with
from tms_engine import Experiment, Run, Trainer, evaluate, phases, register_law, theory
from tms_engine.analysis import exact
from tms_engine.analysis.evaluation import compare
from tms_engine.data import bernoulli, law_names
from tms_engine.digits import EXACT
from tms_engine.training.state import initial_parameters


def holding(weights, bias=None, **fields) -> Run:
    n, m = np.shape(weights)
    given = {"bias": True} if bias is not None else {}
    biases = None if bias is None else np.array([bias])
    return run_with(Experiment(n_features=n, n_hidden=m, **given, **fields), np.array([weights]), biases)


def positive_part(c: Fraction, g: list[Fraction], own: int | None) -> Fraction:
    """E[ReLU(z)²], and with `own` E[ReLU(z)² − 2 u_own ReLU(z)], z = c + Σ g_j u_j, no g_j being 0.

    ∫ f over the unit cube is the alternating sum, over its corners, of what f is the mixed derivative of; for
    u_own f it is that by parts.
    """
    r, total = len(g), Fraction(0)
    for corner in itertools.product((0, 1), repeat=r):
        z = c + sum(value for value, at in zip(g, corner, strict=True) if at)
        if z <= 0:
            continue
        first, second = z ** (r + 1) / math.factorial(r + 1), z ** (r + 2) / math.factorial(r + 2)
        term = 2 * second
        if own is not None:
            term -= 2 * (corner[own] * first - second / g[own])
        total += (-1) ** (r - sum(corner)) * term
    return total / math.prod(g, start=Fraction(1))


def rational_loss(weights, bias, p: float) -> float:
    """The expected loss of a tied model with a ReLU on Bernoulli data, in rational arithmetic."""
    rows = [[Fraction(float(np.float32(w))) for w in row] for row in weights]
    n, density, total = len(rows), Fraction(p), Fraction(0)
    gram = [[sum((a * b for a, b in zip(x, y, strict=True)), Fraction(0)) for y in rows] for x in rows]
    for active in itertools.product((0, 1), repeat=n):
        probability = density ** sum(active) * (1 - density) ** (n - sum(active))
        for k in range(n):
            c = Fraction(float(np.float32(bias[k])))
            g = {j: gram[j][k] for j in range(n) if active[j] and gram[j][k]}
            own = list(g).index(k) if k in g else None
            error = positive_part(c, list(g.values()), own)
            if active[k]:
                error += Fraction(1, 3)
                if own is None:  # ReLU(z) knows nothing of u_k
                    error -= _mean_relu(c, list(g.values()))
            total += probability * error
    return float(total / n)


def _mean_relu(c: Fraction, g: list[Fraction]) -> Fraction:
    r, total = len(g), Fraction(0)
    for corner in itertools.product((0, 1), repeat=r):
        z = c + sum(value for value, at in zip(g, corner, strict=True) if at)
        total += (-1) ** (r - sum(corner)) * max(z, Fraction(0)) ** (r + 1) / math.factorial(r + 1)
    return total / math.prod(g, start=Fraction(1))


@pytest.mark.parametrize("p", [0.001, 0.05, 0.5])
@pytest.mark.parametrize("spread", [0.0, 2.0, 5.0])  # powers of ten between the sizes of weights
def test_the_loss_is_that_of_rational_arithmetic_to_1e_6_of_itself(p, spread):
    generator = np.random.default_rng(int(100 * p + spread))
    for trial in range(12):
        n, m = int(generator.integers(2, 5)), int(generator.integers(1, 4))
        weights = generator.standard_normal((n, m)) * 10.0 ** -generator.uniform(0, spread, (n, m))
        bias = generator.standard_normal(n) * 10.0 ** -generator.uniform(0, 3, n) * (trial % 3)
        run = holding(weights, bias, sparsity=1 - p)
        true = rational_loss(weights, bias, 1 - (1 - p))
        assert evaluate(run).loss[0] == pytest.approx(true, rel=0.1 * EXACT)


def test_so_it_is_where_a_model_is_nearly_perfect_and_its_loss_tiny():
    generator = np.random.default_rng(3)
    for size in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5):
        weights = np.eye(4) + size * generator.standard_normal((4, 4))
        bias = 0.1 * size * generator.standard_normal(4)
        for some in (bias, np.zeros(4)):
            true = rational_loss(weights, some, 1 - 0.95)
            assert 0 < true < size**2
            assert evaluate(holding(weights, some)).loss[0] == pytest.approx(true, rel=EXACT)


@pytest.mark.parametrize("size", [1e-2, 1e-3, 1e-5, 1e-8])
def test_so_it_is_where_some_features_hardly_count_and_differences_would_cancel(size):
    weights = np.array([[1.0], [0.5], [size], [-size], [1.1 * size]])
    true = rational_loss(weights, np.zeros(5), 0.5)
    assert evaluate(holding(weights, sparsity=0.5)).loss[0] == pytest.approx(true, rel=0.1 * EXACT)


@pytest.mark.slow
def test_so_it_is_for_trained_models_of_eight_features():
    trainer = Trainer(Experiment(n_instances=2, bias=True, steps=2000))
    trainer.advance(2000)
    snapshot = trainer.snapshot()
    for i, loss in enumerate(evaluate(snapshot).loss):
        true = rational_loss(snapshot.weights[i], snapshot.bias[i], 1 - 0.95)
        assert loss == pytest.approx(true, rel=0.1 * EXACT)


@pytest.mark.parametrize("p", [0.001, 0.05, 0.5, 1.0])
def test_closed_forms_are_met(p):
    digon = evaluate(holding([[1.0], [-1.0]], sparsity=1 - p)).loss[0]
    assert digon == pytest.approx(theory.digon_sum(p, 1, 1) / 2, rel=1e-9)
    octahedron = np.concatenate([np.eye(3), -np.eye(3), np.zeros((2, 3))])
    loss = evaluate(holding(octahedron, sparsity=1 - p)).loss[0]
    assert loss == pytest.approx(theory.loss_of_digons(p, 8, 3), rel=1e-8)
    dedicated = np.concatenate([np.eye(3), np.zeros((5, 3))])
    loss = evaluate(holding(dedicated, [0] * 3 + [p / 2] * 5, sparsity=1 - p, importance_decay=0.9)).loss[0]
    assert loss == pytest.approx(theory.loss_of_dedicated(p, 0.9 ** np.arange(8), 3, bias=True), rel=1e-6)


def test_two_features_in_one_dimension_are_those_of_the_phase_diagram():
    generator = np.random.default_rng(0)
    for p in (0.01, 0.2, 0.6):
        weights, bias = generator.standard_normal((20, 2, 1)), 0.3 * generator.standard_normal((20, 2))
        weights, bias = weights.astype(np.float32), bias.astype(np.float32)
        experiment = Experiment(n_features=2, n_hidden=1, n_instances=20, sparsity=1 - p, bias=True)
        losses = evaluate(run_with(experiment.replace(importance=(1, 0.4)), weights, bias)).loss
        assert 2 * losses == pytest.approx(phases.expected_loss(weights[..., 0], bias, p, 0.4), rel=1e-7)


@pytest.mark.parametrize("model", ["tied_relu", "linear", "untied"])
@pytest.mark.parametrize("features", law_names())
def test_rows_by_the_hundred_thousand_say_the_same(model, features):
    experiment = Experiment(
        n_features=6,
        n_instances=8,
        features=features,
        model=model,
        n_active=3,
        set_size=3,
        sparsity=0.8,
        bias=True,
        importance=(1, 2, 0.5, 1, 3, 0),
    )
    parameters = {name: value + np.float32(0.1) for name, value in initial_parameters(experiment).items()}
    run = Run.from_weights(parameters, experiment=experiment)
    truth, drawn = evaluate(run), evaluate(run, 1 << 16)
    assert truth.rows == 0 < drawn.rows
    assert (np.abs(truth.loss - drawn.loss) < 4.5 * drawn.standard_error).all()


@pytest.mark.parametrize(
    "fields",
    [
        {"relative_density": (1, 0.5, 2, 0, 1, 3)},
        {"features": "at_least_one", "relative_density": (1, 0.5, 2, 0, 1, 3)},
        {"relative_density": ((1,) * 6, (2,) * 6, (1, 0.5, 2, 0, 1, 3))},
        {"features": "correlated", "set_size": (1, 2, 3)},
        {"features": "anticorrelated", "set_size": (1, 2, 3)},
        {"features": "hierarchical", "set_size": (1, 2, 3), "follow_probability": 0.3},
    ],
)
def test_so_they_do_where_features_or_sets_differ(fields):
    experiment = Experiment(n_features=6, n_instances=3, sparsity=0.8, **fields)
    run = Run.from_weights(initial_parameters(experiment), experiment=experiment)
    truth, drawn = evaluate(run), evaluate(run, 1 << 16)
    assert truth.rows == 0 < drawn.rows
    assert (np.abs(truth.loss - drawn.loss) < 4.5 * drawn.standard_error).all()


def test_the_sets_that_may_be_active_have_the_probabilities_of_the_law():
    for features in ("bernoulli", "n_active", "correlated", "anticorrelated"):
        experiment = Experiment(n_features=6, features=features, n_active=3, set_size=3, sparsity=0.7)
        active, probability = exact.active_sets(experiment, 0.3)
        assert probability.sum() == pytest.approx(1, abs=1e-9)
        each = {"bernoulli": 0.3, "n_active": 0.5, "correlated": 0.3, "anticorrelated": 0.1}[features]
        assert probability @ active == pytest.approx(np.full(6, each), abs=1e-9)
    rare = exact.active_sets(Experiment(), 0.001)[0]
    assert 4 <= rare.sum(1).max() < 8


def test_a_loss_is_the_same_alone_and_among_others_of_other_densities():
    weights = np.random.default_rng(0).standard_normal((40, 8, 3)).astype(np.float32)
    sparsity = tuple(np.linspace(0.5, 0.9, 40).round(1))
    together = evaluate(run_with(Experiment(n_instances=40, sparsity=sparsity), weights))
    for i in (0, 17, 39):
        alone = evaluate(run_with(Experiment(seed=9, sparsity=sparsity[i]), weights[i : i + 1]))
        assert alone.loss[0] == together.loss[i]
    assert (together.standard_error == 0).all()


def test_differences_of_exact_losses_have_no_error():
    weights = np.random.default_rng(0).standard_normal((3, 8, 3)).astype(np.float32)
    snapshot = run_with(Experiment(n_instances=3), weights).at()
    places = compare(snapshot, evaluate(snapshot))
    assert sorted(places.rank) == [1, 2, 3]
    assert (places.error == 0).all()


def test_what_is_not_known_is_refused_with_a_reason_and_drawn():
    register_law("other_law", bernoulli.sample)
    for fields, reason in (
        ({"n_features": 9}, "more than 8 features"),
        ({"model": "relu_hidden"}, "relu_hidden"),
        ({"features": "other_law"}, "other_law"),
        ({"magnitudes": "constant"}, "magnitudes are not uniform"),
        ({"unit_rows": True}, "magnitudes are not uniform"),
    ):
        experiment = Experiment(**fields)
        assert reason in exact.refusal(experiment)
        assert evaluate(Trainer(experiment).run()).rows > 0
    assert exact.refusal(Experiment()) == ""


def test_weights_beyond_all_bounds_have_no_loss_and_no_warning():
    weights = np.full((8, 3), 1e30)
    weights[0] = np.nan
    assert not np.isfinite(evaluate(holding(weights)).loss[0])
