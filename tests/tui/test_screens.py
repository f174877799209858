"""The screens that somebody would look at, held to their pictures. Engine, clock and size are fixed.

What has to hold in every state and at every size is in test_screens_properties.py.
"""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from textual.pilot import Pilot

from tests.tui.conftest import still_app, still_view
from tests.tui.hosts import press, settled
from tests.tui.states import STATES
from tests.tui.test_population import counted
from tms_tui.app import TmsApp
from tms_tui.autosave import InterruptedSession
from tms_tui.messages import Quit, SaveFailed, SessionFound
from tms_tui.view_options import ViewOptions as Look

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _a_fixed_date(monkeypatch):
    strftime = time.strftime
    monkeypatch.setattr("time.strftime", lambda form, *at: strftime(form, *at) if at else "20260101-000000")


@pytest.fixture
def looks_as_before(snap_compare) -> Callable[..., bool]:
    """Whether an app, once these keys have been pressed and it has come to rest, is as on its picture."""

    def compare(app: TmsApp, size: tuple[int, int], keys: tuple[str, ...] = ()) -> bool:
        return snap_compare(app, terminal_size=size, run_before=lambda pilot: press(pilot, *keys))

    return compare


@pytest.mark.parametrize("state", STATES)
def test_every_state(looks_as_before, state):
    view, keys = STATES[state]
    assert looks_as_before(still_app(view), (120, 40), keys)


@pytest.mark.parametrize("state", ["paused", "many instances", "help", "experiment", "export", "confirm"])
def test_in_80_by_24(looks_as_before, state):
    view, keys = STATES[state]
    assert looks_as_before(still_app(view), (80, 24), keys)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
def test_a_population(looks_as_before, size):
    view = counted(still_view("training", n_instances=12, diverged=(3,), sparsity=tuple(np.arange(12) / 12)))
    assert looks_as_before(still_app(view, first="population"), size)


SESSION = InterruptedSession(
    Path("s"), Path("s/1"), "a[red]b", "8 → 3, S 0.95, seed 42", 6420, 10_000, 2, 0.0
)
FULL = SaveFailed("cannot write the run to runs/gist-1: no space left on device", "runs/gist-1")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize("message", [SessionFound(SESSION), FULL], ids=["offer", "full disk"])
def test_dialogs_that_no_key_opens(snap_compare, monkeypatch, message, size):
    monkeypatch.setattr("tms_tui.screens.resume.ago", lambda _: "5 s ago")
    view, keys = STATES["confirm"]
    app = still_app(view)
    if size == (120, 40):
        app.theme = "tms-light"

    async def opened(pilot: Pilot[None]) -> None:
        await press(pilot, *keys, "escape")
        app.model = dataclasses.replace(app.model, asked=Quit())
        app.send(message)
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=opened)


def test_in_the_least_size(looks_as_before):
    assert looks_as_before(still_app(), (60, 18))


def test_with_plenty_of_room(looks_as_before):
    view, keys = STATES["many instances"]
    assert looks_as_before(still_app(view), (200, 50), keys)


@pytest.mark.parametrize("state", ["paused", "experiment"])
def test_light(looks_as_before, state):
    view, keys = STATES[state]
    app = still_app(view)
    app.theme = "tms-light"
    assert looks_as_before(app, (120, 40), keys)


def test_ascii(looks_as_before):
    assert looks_as_before(still_app(mode="ascii"), (120, 40))


def test_no_color(looks_as_before, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert looks_as_before(still_app(), (120, 40))


def test_half_blocks(looks_as_before):
    assert looks_as_before(still_app(mode="blocks"), (120, 40))


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
def test_looks(looks_as_before, look, size):
    assert looks_as_before(still_app(look=look), size)


@pytest.mark.parametrize("n_hidden", [1, 2, 6])
def test_other_numbers_of_hidden_dimensions(looks_as_before, n_hidden):
    view = still_view(n_features=12, n_hidden=n_hidden, bias=True)
    assert looks_as_before(still_app(view), (120, 40))


def test_forty_features(looks_as_before):
    view = still_view(n_features=40, n_hidden=10)
    assert looks_as_before(still_app(view), (120, 40))


def test_too_small(looks_as_before):
    assert looks_as_before(still_app(), (50, 20))
