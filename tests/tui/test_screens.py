"""The screens that somebody would look at, held to their pictures. Engine, clock and size are fixed.

What has to hold in every state and at every size is in test_screens_properties.py.
"""

import dataclasses
import itertools
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
from tms_engine import Experiment
from tms_engine.commands.runs import Row
from tms_engine.runs.listing import Listed
from tms_engine.sweeps.diagram import Points, Seen, Theory, axes_of, point_places, theory_of
from tms_engine.sweeps.grid import make_grid
from tms_engine.sweeps.spec import make_spec
from tms_tui.app import TmsApp
from tms_tui.autosave import InterruptedSession
from tms_tui.messages import Message, Quit, SaveFailed, SessionFound
from tms_tui.messages.phases import SweepSeen, TheorySeen
from tms_tui.messages.runs import PreviewSeen, RunsSeen
from tms_tui.phases_state import SweepShape
from tms_tui.runs_state import Preview, RunLine
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


@pytest.mark.parametrize(
    "keys",
    [("Z",), ("M",), ("J",), ("ctrl+p", *"spars")],
    ids=["projector", "settings", "letters to jump to", "what is found"],
)
def test_what_a_key_opens(looks_as_before, keys):
    assert looks_as_before(still_app(), (120, 40), keys)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
def test_a_population(looks_as_before, size):
    view = counted(still_view("training", n_instances=12, diverged=(3,), sparsity=tuple(np.arange(12) / 12)))
    assert looks_as_before(still_app(view, first="population"), size)


PHASES = Path("sweeps/phases")


def a_sweep() -> tuple[SweepSeen, TheorySeen]:
    """Ten densities by ten importances, three quarters of them trained: what each became is by formula."""
    importances = [[1.0, 10 ** (2 * k / 9 - 1)] for k in range(10)]
    axes = {"density": [10 ** (-2 * k / 9) for k in range(10)], "importance": importances}
    grid = make_grid(make_spec(Experiment(n_features=2, n_hidden=1, bias=True), axes, seeds=10))
    places = point_places(grid)
    sparse, equal = places[0], -np.abs(places[1] - 4.5)
    phase = np.where(sparse + equal > 2, 2, np.where(places[1] < 5, 0, 1))
    there = np.arange(100) < 75
    loss = np.where(there, 0.08 * 10 ** (-2 * sparse / 9) * (1 + 0.05 * places[1]), np.nan)
    whole = np.where(there, 1.0, np.nan)
    points = Points(
        *(
            np.where(there, 10, 0).astype(np.int32),
            np.zeros(100, np.int32),
            np.where(there, np.arange(100) * 10, -1),
        ),
        *(loss, 0 * loss, np.where(phase == 2, 2, 1) * whole, whole, np.where(there, 0.4, np.nan)),
        np.where(there, np.where(phase == 2, 0, 1), -1),
        *(None, None, None, None),
    )
    seen = Seen(1000, 750, True, 65.0, None, False, points, ("digon", "single feature"))
    shape = SweepShape(grid, axes_of(grid.spec), places, theory_of(grid.spec))
    table = np.where(
        np.arange(10)[:, None] + -np.abs(np.arange(10) - 4.5) > 2, 1, np.where(np.arange(10) < 5, 0, 2)
    )
    return SweepSeen(PHASES, shape, seen), TheorySeen(PHASES, Theory(table, np.roll(table, 1, 0)))


def some_runs() -> tuple[RunsSeen, PreviewSeen]:
    rows = [
        Row(
            "gist-3",
            "8 → 3, bernoulli, S 0.95, seed 42",
            "4,210 of 10,000",
            "0.00398",
            "< 1 min",
            "1.1 MB",
            "running",
        ),
        Row(
            "pentagons",
            "5 → 2, bernoulli, S 0 to 0.95, 10 instances, seed 7",
            "10,000 of 10,000",
            "0.00247",
            "2 h",
            "4.2 MB",
            "finished",
        ),
        Row("phases", "sweep of 2 → 1, density × importance", "750 of 1,000", "", "3 h", "310 kB", "stopped"),
        Row(
            "large",
            "400 → 30, bernoulli, S 0.99, seed 1",
            "31,000 of 50,000",
            "0.00102",
            "4 d",
            "1.2 GB",
            "died",
        ),
    ]
    lines = [
        RunLine(
            Listed(Path("runs") / row.name, None, None, 9.0 - k, 1, ""), row, row.name == "phases", row.state
        )
        for k, row in enumerate(rows)
    ]
    preview = Preview(Path("runs/gist-3"), still_view().snapshot)
    return RunsSeen(Path("runs"), tuple(lines), True), PreviewSeen(preview)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
@pytest.mark.parametrize("screen", ["runs", "phases"])
def test_what_is_on_disk(snap_compare, monkeypatch, screen, size):
    monkeypatch.setattr("tms_tui.looking.Looking.follow", lambda *_: iter(()))
    moving = itertools.count(0.0, 1.0)  # or what is drawn at every frame is not drawn again
    shows = Path("runs") if screen == "runs" else PHASES
    app = still_app(first=screen, shows=shows, clock=lambda: next(moving))
    seen: tuple[Message, ...] = some_runs() if screen == "runs" else a_sweep()

    async def looked(pilot: Pilot[None]) -> None:
        await settled(pilot)
        for message in seen:
            app.send(message)
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=looked)


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
