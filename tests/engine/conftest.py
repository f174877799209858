import numpy as np
import pytest
import torch

from tms_engine import Experiment, Run, Trainer


def run_with(experiment: Experiment, weights, bias=None) -> Run:
    """A run at step 0 whose weights are these (instances, features, hidden)."""
    run = Trainer(experiment).run()
    parameters = {"W": np.asarray(weights, np.float32)}
    if experiment.bias:
        parameters["b"] = np.asarray(bias, np.float32)
    return run._replace(state=run.state._replace(parameters=parameters))


@pytest.fixture(scope="session")
def seed_run() -> Run:
    """64 instances of the seed's experiment, trained to the end by the kernel for CPUs."""
    trainer = Trainer(Experiment(n_instances=64, kernel="numba"))
    trainer.advance(10_000)
    return trainer.run()


@pytest.fixture(scope="session")
def short_run() -> Run:
    """One instance of the seed's experiment, 300 steps of 600."""
    trainer = Trainer(Experiment(steps=600))
    trainer.advance(300)
    return trainer.run()


@pytest.fixture
def two_threads():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def few_points(monkeypatch):
    """Clouds that are drawn in no time."""
    for module in ("cloud", "n_active"):
        monkeypatch.setattr(f"tms_engine.figures.{module}.ROWS", 200)
