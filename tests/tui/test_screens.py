"""Every screen and state, held to its picture. Engine, clock and size are fixed (see conftest.py)."""

import dataclasses

import pytest

from tests.tui.conftest import still_app, still_view
from tms_engine.training.state import Change
from tms_tui.look import Look

SIZES = [(60, 18), (80, 24), (120, 40), (200, 50)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_dashboard(snap_compare, size):
    assert snap_compare(still_app(), terminal_size=size)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
def test_ascii(snap_compare, size):
    assert snap_compare(still_app(mode="ascii"), terminal_size=size)


def test_half_blocks(snap_compare):
    assert snap_compare(still_app(mode="blocks"), terminal_size=(120, 40))


def test_light(snap_compare):
    app = still_app()
    app.theme = "tms-light"
    assert snap_compare(app, terminal_size=(120, 40))


def test_no_color(snap_compare, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(still_app(), terminal_size=(120, 40))


@pytest.mark.parametrize("phase", ["loading", "training", "finished"])
def test_phases(snap_compare, phase):
    step = 10_000 if phase == "finished" else 4210
    assert snap_compare(still_app(still_view(phase, step)), terminal_size=(80, 24))


def test_failed(snap_compare):
    view = still_view("loading")
    error = "device cuda asked for, but torch sees no CUDA GPU here: use cpu"
    view = dataclasses.replace(view, phase="failed", error=error)
    assert snap_compare(still_app(view), terminal_size=(80, 24))


def test_all_diverged(snap_compare):
    assert snap_compare(still_app(still_view("diverged", diverged=(0,))), terminal_size=(80, 24))


def test_many_instances_one_diverged_after_live_changes(snap_compare):
    changes = (Change(1000, "sparsity", 0.8), Change(3000, "learning_rate", 0.02))
    view = still_view("training", n_instances=5, diverged=(3,), changes=changes)
    assert snap_compare(still_app(view, look=Look(turning=False, instance=2)), terminal_size=(120, 40))


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


@pytest.mark.parametrize("keys", [["2", "m"], ["1", "m"]], ids=["loss", "space"])
def test_maximised(snap_compare, keys):
    assert snap_compare(still_app(), press=keys, terminal_size=(80, 24))


@pytest.mark.parametrize("size", SIZES[1:3], ids=str)
@pytest.mark.parametrize("key", ["question_mark", "i", "x"])
def test_dialogs(snap_compare, key, size, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda _: "20260101-000000")
    assert snap_compare(still_app(), press=[key], terminal_size=size)


def test_help_in_ascii(snap_compare):
    assert snap_compare(still_app(mode="ascii"), press=["question_mark"], terminal_size=(80, 24))


def test_quitting_asks_if_live_changes_would_be_lost(snap_compare):
    view = still_view(changes=(Change(1000, "sparsity", 0.8),))
    assert snap_compare(still_app(view), press=["q"], terminal_size=(80, 24))
