"""Stop training early: as soon as the loss has fallen by less than 2 % within 1,000 steps.

`train` calls a function of yours with the Trainer every so many steps, and stops where it returns True.
"""

from tms_engine import Experiment, Trainer, train

losses: list[float] = []


def no_longer_falls(trainer: Trainer) -> bool:
    """Whether to stop. A snapshot's loss is the mean batch loss of the last 100 steps or so."""
    if trainer.step == 0:
        return False
    losses.append(trainer.snapshot().loss)
    print(f"step {trainer.step:6,}  loss {losses[-1]:.5f}")
    return len(losses) > 1 and losses[-1] > 0.98 * losses[-2]


experiment = Experiment(n_instances=64, steps=100_000)
run = train(experiment, callback=no_longer_falls, every=1000)
print(f"stopped at step {run.state.step:,} of {experiment.steps:,}")
