"""The states in which the app is shown to tests: a View, and the keys that lead there from it."""

import dataclasses

from tests.tui.conftest import still_view
from tms_engine.runs import Holder, Status
from tms_engine.training.state import Change

# The least size, the usual one, a comfortable one, a large one: columns × rows.
SIZES = [(60, 18), (80, 24), (120, 40), (200, 50)]

_FAILED = dataclasses.replace(
    still_view("loading"),
    phase="failed",
    error="device cuda asked for, but torch sees no CUDA GPU here: use cpu",
)
_CHANGED = still_view(changes=(Change(1000, "sparsity", 0.8),))
_MANY = still_view(
    "training",
    n_instances=5,
    diverged=(3,),
    changes=(Change(1000, "sparsity", 0.8), Change(3000, "learning_rate", 0.02)),
)
_STATUS = Status(
    state="running",
    holder=Holder(4711, "gpu-box", 0.0, "tms train"),
    step=4_500,
    steps=10_000,
    loss=0.004,
    rate=812.0,
    saved=4_210,
    seen=0.0,
    trouble="",
)
_FOLLOWED = dataclasses.replace(
    still_view("following"), following=_STATUS, kernel="numba", device="", rate=812.0
)
_ENDED = dataclasses.replace(
    _FOLLOWED, phase="ended", following=_STATUS._replace(state="died", seen=50_000.0)
)
STATES = {
    "paused": (still_view(), ()),
    "loading": (still_view("loading"), ()),
    "training": (still_view("training"), ()),
    "finished": (still_view("finished", 10_000), ()),
    "failed": (_FAILED, ()),
    "all diverged": (still_view("diverged", diverged=(0,)), ()),
    "many instances": (_MANY, ("n", "n")),
    "help": (still_view(), ("question_mark",)),
    "experiment": (still_view(), ("i",)),
    "export": (still_view(), ("x",)),
    "confirm": (_CHANGED, ("q",)),
    "followed": (_FOLLOWED, ()),
    "ended": (_ENDED, ()),
    "space alone": (still_view(), ("1", "m")),
    "loss alone": (still_view(), ("2", "m")),
}
# Those with a dialog over the dashboard, and those in which one pane has the screen.
DIALOGS = ("help", "experiment", "export", "confirm")
ALONE = {"space alone": "space", "loss alone": "loss"}
