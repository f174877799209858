"""Every screen and state, held to its picture. Engine, clock and size are fixed (see conftest.py)."""

import dataclasses

import pytest

from tests.tui.conftest import still_app, still_view
from tms_engine.training.state import Change
from tms_tui.view_options import ViewOptions as Look

SIZES = [(60, 18), (80, 24), (120, 40), (200, 50)]


# Views, and the keys that lead to a state from there.
FAILED = dataclasses.replace(
    still_view("loading"),
    phase="failed",
    error="device cuda asked for, but torch sees no CUDA GPU here: use cpu",
)
CHANGED = still_view(changes=(Change(1000, "sparsity", 0.8),))
MANY = still_view(
    "training",
    n_instances=5,
    diverged=(3,),
    changes=(Change(1000, "sparsity", 0.8), Change(3000, "learning_rate", 0.02)),
)
STATES = {
    "paused": (still_view(), ()),
    "loading": (still_view("loading"), ()),
    "training": (still_view("training"), ()),
    "finished": (still_view("finished", 10_000), ()),
    "failed": (FAILED, ()),
    "all diverged": (still_view("diverged", diverged=(0,)), ()),
    "many instances": (MANY, ("n", "n")),
    "help": (still_view(), ("question_mark",)),
    "experiment": (still_view(), ("i",)),
    "export": (still_view(), ("x",)),
    "quit": (CHANGED, ("q",)),
    "space alone": (still_view(), ("1", "m")),
    "loss alone": (still_view(), ("2", "m")),
}
# What everybody meets, in the looks that change every cell.
COMMON = ("paused", "help", "experiment", "export", "quit")


@pytest.fixture(autouse=True)
def _a_fixed_date(monkeypatch):
    monkeypatch.setattr("time.strftime", lambda _: "20260101-000000")


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("state", STATES)
def test_states(snap_compare, state, size):
    view, keys = STATES[state]
    assert snap_compare(still_app(view), press=keys, terminal_size=size)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("state", COMMON)
def test_ascii(snap_compare, state, size):
    view, keys = STATES[state]
    assert snap_compare(still_app(view, mode="ascii"), press=keys, terminal_size=size)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("state", COMMON)
def test_no_color(snap_compare, state, size, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    view, keys = STATES[state]
    assert snap_compare(still_app(view), press=keys, terminal_size=size)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("state", COMMON)
def test_light(snap_compare, state, size):
    view, keys = STATES[state]
    app = still_app(view)
    app.theme = "tms-light"
    assert snap_compare(app, press=keys, terminal_size=size)


def test_half_blocks(snap_compare):
    assert snap_compare(still_app(mode="blocks"), terminal_size=(120, 40))


@pytest.mark.parametrize(
    ("look", "size"),
    [
        (Look(turning=False, data="1, 2, 3 active"), (120, 40)),
        (
            Look(turning=False, data="3 active", coloring="strongest feature", guides="axes and sphere"),
            (80, 24),
        ),
        (Look(turning=False, data="2 active", coloring="one feature", feature=5), (120, 40)),
        (Look(turning=False, data="2 active", coloring="error", palette="safe"), (80, 24)),
        (Look(turning=False, data="none", guides="nothing", log=False), (80, 24)),
        (Look(turning=False, step=300), (120, 40)),
    ],
    ids=["three clouds", "strongest", "one feature", "error", "bare", "looking back"],
)
def test_looks(snap_compare, look, size):
    assert snap_compare(still_app(look=look), terminal_size=size)


@pytest.mark.parametrize("n_hidden", [1, 2, 6])
def test_other_numbers_of_hidden_dimensions(snap_compare, n_hidden):
    view = still_view(n_features=12, n_hidden=n_hidden, bias=True)
    assert snap_compare(still_app(view), terminal_size=(120, 40))


def test_forty_features(snap_compare):
    view = still_view(n_features=40, n_hidden=10)
    assert snap_compare(still_app(view), terminal_size=(120, 40))


@pytest.mark.parametrize("size", [(50, 20), (70, 12)], ids=str)
def test_too_small(snap_compare, size):
    assert snap_compare(still_app(), terminal_size=size)
