"""D over the steps whose weights are kept."""

import numpy as np

from tms_engine import Experiment, geometry, train
from tms_engine.analysis.over_steps import over_steps


def test_D_over_the_steps_is_that_of_the_weights_that_are_kept():
    run = train(Experiment(n_features=5, n_hidden=2, steps=300, n_instances=2))
    found = over_steps(run, 1, (0, 3), 1000)
    assert found.steps.tolist() == sorted({*run.history.steps, 300})
    for step, values in zip(found.steps.tolist(), found.dimensionality, strict=True):
        expected = geometry.dimensionality(run.at(step).weights)[1, [0, 3]]
        assert np.allclose(values, expected)
    few = over_steps(run, 1, (0, 3), 20)
    assert len(few.steps) <= 21
    assert few.steps[-1] == 300
    assert set(few.steps.tolist()) < set(found.steps.tolist())
