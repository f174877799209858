import numpy as np
import pytest

from tests.engine.test_torch_kernel import assert_same_bits
from tms_engine import Experiment, InputError, Run, Trainer, evaluate, geometry


def trained(experiment: Experiment, *chunks: int) -> Run:
    trainer = Trainer(experiment)
    for n_steps in chunks:
        trainer.advance(n_steps)
    return trainer.run()


def assert_same_run(a: Run, b: Run) -> None:
    assert_same_bits(a.state, b.state)
    assert (a.experiment, a.changes) == (b.experiment, b.changes)
    mine, theirs = a.history.to_arrays(), b.history.to_arrays()
    assert mine.keys() == theirs.keys()
    for name in mine:
        assert np.array_equal(mine[name], theirs[name], equal_nan=True), name


def test_advance_1000_equals_300_and_700_to_the_bit():
    experiment = Experiment(n_instances=3, steps=1000)
    assert_same_run(trained(experiment, 1000), trained(experiment, 300, 700))


def test_resuming_equals_going_on_to_the_bit():
    experiment = Experiment(n_instances=2, bias=True, schedule="linear", steps=900, sparsity=(0.9, 0.8))
    unbroken, first = Trainer(experiment), Trainer(experiment)
    for trainer in (unbroken, first):
        trainer.advance(200)
        trainer.change(sparsity=0.5)
        trainer.advance(133)
    second = Trainer.resume(first.run())
    for trainer in (unbroken, second):
        trainer.advance(300)
        trainer.change(learning_rate=(0.02, 0.001), importance_decay=0.8)
        trainer.advance(50)
    assert_same_run(unbroken.run(), second.run())


def test_going_on_from_a_run_leaves_the_run_as_it_was():
    run = trained(Experiment(steps=2000), 100)
    before = {name: array.copy() for name, array in run.history.to_arrays().items()}
    Trainer.resume(run).advance(100)
    after = run.history.to_arrays()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert len(before) == len(after)
    assert run.state.step == run.history.step == 100


def test_live_changes_are_recorded_and_a_repetition_is_the_same_run():
    trainer = Trainer(Experiment())
    trainer.advance(40)
    trainer.change(sparsity=0.7, learning_rate=0.02)
    trainer.change(sparsity=0.7)  # no change, so nothing to record
    trainer.advance(40)
    run = trainer.run()
    assert [tuple(c) for c in run.changes] == [(40, "sparsity", 0.7), (40, "learning_rate", 0.02)]
    assert run.current == Experiment(sparsity=0.7, learning_rate=0.02)
    assert run.experiment == Experiment()

    again = Trainer(run.experiment)
    for change in run.changes:
        again.advance(change.step - again.step)
        again.change(**{change.field: change.value})
    again.advance(run.state.step - again.step)
    assert_same_run(again.run(), run)
    assert not np.array_equal(run.state.weights, trained(Experiment(), 80).state.weights)


def test_an_invalid_change_changes_nothing():
    trainer = Trainer(Experiment())
    with pytest.raises(InputError, match="n_features cannot be changed"):
        trainer.change(n_features=9)
    with pytest.raises(InputError, match="below 1"):
        trainer.change(learning_rate=0.5, sparsity=1.5)
    assert trainer.current == Experiment()
    assert trainer.run().changes == ()


def test_a_snapshot_is_a_read_only_copy():
    trainer = Trainer(Experiment(bias=True))
    trainer.advance(100)
    snapshot = trainer.snapshot()
    weights = snapshot.weights.copy()
    assert not snapshot.weights.flags.writeable
    assert not snapshot.bias.flags.writeable
    trainer.advance(100)
    assert np.array_equal(snapshot.weights, weights)
    assert (snapshot.step, trainer.step) == (100, 200)
    assert snapshot.rate > 0


def test_a_diverged_instance_is_named_and_left_out_of_means():
    trainer = Trainer(Experiment(n_instances=3, learning_rate=(0.01, 1e15, 0.01)))
    trainer.advance(60)
    snapshot = trainer.snapshot()
    assert snapshot.diverged == (1,)
    assert snapshot.loss == np.float32(snapshot.losses[[0, 2]].mean())
    everyone = Trainer(Experiment(learning_rate=1e15))
    everyone.advance(60)
    assert np.isnan(everyone.snapshot().loss)


def test_weights_are_kept_over_the_whole_run():
    run = trained(Experiment(steps=2000), 700, 1300)
    steps = [s.step for s in run.history.snapshots]
    assert steps[0] == 0
    assert steps[-1] == 2000
    assert len(set(np.diff(steps))) == 1
    assert np.array_equal(run.history.snapshots[-1].weights, run.state.weights)


def test_training_past_the_end_keeps_at_most_512_snapshots():
    run = trained(Experiment(steps=50), 2000)
    assert 200 < len(run.history.snapshots) <= 512
    assert run.history.snapshots[0].step == 0


@pytest.mark.slow
def test_64_seeds_reach_the_reference_loss_with_all_features_represented(seed_run):
    # Reference: 128 seeds, fresh data: .00392 to .00406, median .00396, ΣD about 2.995. Its error: 1.7e-5.
    evaluation = evaluate(seed_run, rows=1 << 19)
    assert evaluation.standard_error.max() < 2e-5
    assert evaluation.loss.min() > 0.00390
    assert evaluation.loss.max() < 0.00408
    assert abs(np.median(evaluation.loss) - 0.00396) < 2e-5
    assert geometry.represented(seed_run.state.weights).all()
    assert abs(geometry.dimensionality(seed_run.state.weights).sum(1).mean() - 2.995) < 0.005


def test_asking_for_a_device_that_is_not_there_says_so(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    with pytest.raises(InputError, match="device cuda asked for, but torch sees no CUDA GPU") as caught:
        Trainer(Experiment(device="cuda"))
    assert caught.value.field == "device"
    with pytest.raises(InputError, match="device mps asked for"):
        Trainer(Experiment(device="mps"))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(InputError, match="cuda:0 to cuda:1"):
        Trainer(Experiment(device="cuda:2"))


@pytest.mark.parametrize("field", ["n_features", "batch_size", "n_instances"])
def test_more_memory_than_the_machine_has_is_refused_before_it_is_taken(field):
    with pytest.raises(InputError, match=rf"{field} \d+.* needs about [\d,]+ GiB"):
        Trainer(Experiment(**{field: 10**11}))
