"""Presets end as their descriptions say, over a few of the random seeds that these were counted over."""

import numpy as np
import pytest

from tms_engine import Trainer, geometry, preset
from tms_engine.presets import PRESETS


def trained(name: str, seeds: int, places: list[int], steps: int = 10_000):
    """(seeds, places, ...) weights of some instances of a preset, of several numbers each."""
    experiment = preset(name).select(places)
    varied = {
        field: getattr(experiment, field) * seeds
        for field in ("sparsity", "importance_decay")
        if isinstance(getattr(experiment, field), tuple)
    }
    numbers = tuple(range(seeds * len(places)))
    trainer = Trainer(experiment.replace(instances=numbers, keep=0, **varied))
    trainer.advance(steps)
    weights = trainer.snapshot().weights
    return weights.reshape(seeds, len(places), *weights.shape[1:])


def partners(weights):
    """Cosines of features 0 and 1, and of 2 and 3."""
    return geometry.cosines(weights[:, 0])[:, [0, 2], [1, 3]]


@pytest.mark.slow
def test_correlated_partners_become_orthogonal():
    cosines = partners(trained("correlated", 12, [0]))
    assert (np.abs(cosines) < 0.1).all(1).sum() >= 9


@pytest.mark.slow
def test_anticorrelated_partners_become_antipodal_or_orthogonal():
    cosines = partners(trained("anticorrelated", 24, [0]))
    antipodal, orthogonal = (cosines < -0.95).all(1), (np.abs(cosines) < 0.1).all(1)
    assert antipodal[0]
    assert (antipodal | orthogonal).all()
    assert 3 <= antipodal.sum() <= 16


@pytest.mark.slow
def test_five_sparse_features_in_two_dimensions_mostly_become_a_pentagon():
    weights = trained("paper-5-2", 12, [9], steps=8000)[:, 0]
    pentagon = np.sort(np.cos(0.4 * np.pi * np.arange(5)))
    cosines = np.sort(geometry.cosines(weights), -1)
    assert 6 <= (np.abs(cosines - pentagon).max((1, 2)) < 0.1).sum() <= 12


def test_descriptions_are_one_line_each():
    assert all("\n" not in entry.description and len(entry.description) < 200 for entry in PRESETS.values())
