"""The phase diagrams that the screen of phases offers where no sweep is shown, each started by one key."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tms_engine.sweeps.spec import Spec


class Offer(NamedTuple):
    title: str
    about: str
    made: "Callable[[], tuple[str, Spec]]"


def _diagram(n_hidden: int, cells: int, seeds: int, quick: bool) -> "Callable[[], tuple[str, Spec]]":
    """What makes a diagram of n_hidden + 1 features, by density and by importance of the last one."""

    def made() -> "tuple[str, Spec]":
        from tms_engine.experiment import Experiment
        from tms_engine.presets import PRESETS
        from tms_engine.sweeps.spec import make_spec

        # The paper's settings, as a preset has them, but one model.
        fields = {**PRESETS["phase-2-1"].fields, "n_features": n_hidden + 1, "n_hidden": n_hidden}
        fields |= {"n_instances": 1, "sparsity": 0.0, "importance_decay": 1.0}
        fields |= {"batch_size": 128, "steps": 5000} if quick else {}
        of_last = [10 ** (2 * k / (cells - 1) - 1) for k in range(cells)]
        spec = make_spec(
            Experiment(**fields),
            {
                "density": [10 ** (-2 * k / (cells - 1)) for k in range(cells)],
                "importance": [[*[1.0] * n_hidden, ratio] for ratio in of_last],
            },
            seeds=seeds,
            paired=False,
            per_feature=True,
        )
        return f"phases-{n_hidden + 1}-{n_hidden}", spec

    return made


OFFERS = (
    Offer(
        "n = 2, m = 1",
        "14 × 14 cells of 4 models, short training: some seconds",
        _diagram(1, 14, 4, True),
    ),
    Offer(
        "n = 3, m = 2", "14 × 14 cells of 4 models, short training: some seconds", _diagram(2, 14, 4, True)
    ),
    Offer(
        "n = 2, m = 1, as in the paper",
        "40 × 40 cells of 10 models: a minute on two cores",
        _diagram(1, 40, 10, False),
    ),
    Offer(
        "n = 3, m = 2, as in the paper",
        "40 × 40 cells of 10 models: two minutes on two cores",
        _diagram(2, 40, 10, False),
    ),
)
