"""What the autosave writes, what of it is offered again, and what is deleted."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.engine.test_trainer import assert_same_run
from tests.tui.conftest import still_view
from tms_engine import Experiment, InputError, Trainer, load_run
from tms_engine.runs import hold
from tms_tui import autosave
from tms_tui.autosave import Autosave, discard, interrupted, prune
from tms_tui.view import View

SMALL = Experiment(n_features=4, n_hidden=2, batch_size=8, steps=1000)


class Shown:
    """A view that tests set, as a session's."""

    def __init__(self) -> None:
        self.trainer = Trainer(SMALL)
        self.view: View = still_view()
        self.advance(5)

    def advance(self, steps: int, **fields: Any) -> None:
        self.trainer.advance(steps)
        self.view = dataclasses.replace(still_view(), run=self.trainer.run(), **fields)

    def __call__(self) -> View:
        return self.view


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "sessions"


@pytest.fixture
def shown() -> Shown:
    return Shown()


def saved(shown: Shown, base: Path, name: str = "toy") -> Autosave:
    """An autosave that has saved once, without its thread."""
    made = Autosave(shown, name, base=base)
    made._save_newest()
    assert made.error == ""
    return made


def die(*autosaves: Autosave) -> None:
    """As a process does: its locks are free, and what it has written stays."""
    for made in autosaves:
        assert made._lock
        made._lock.release()


def test_what_an_interrupted_app_has_saved_is_offered_to_the_bit(shown, base):
    made = saved(shown, base)
    assert interrupted(base) == []  # it lives
    shown.advance(7)
    made._save_newest()
    die(made)
    (session,) = interrupted(base)
    assert (session.name, session.step, session.steps, session.changes) == ("toy", 12, 1000, 0)
    assert session.about.startswith("4 → 2")
    assert time.time() - session.at < 60
    assert_same_run(load_run(session.run), shown.trainer.run())


def test_an_app_that_ends_in_order_leaves_nothing(shown, base):
    saved(shown, base).close()
    assert list(base.iterdir()) == []


def test_one_that_a_signal_ends_saves_once_more_and_is_offered(shown, base):
    made = saved(shown, base)
    shown.advance(1)
    made.close(keep=True)
    die(made)
    assert interrupted(base)[0].step == 6


def test_nothing_is_written_before_the_first_step_nor_twice_nor_of_another_process(shown, base):
    shown.view = dataclasses.replace(still_view(), run=Trainer(SMALL).run())
    made = Autosave(shown, "toy", base=base)
    made._save_newest()
    shown.advance(1, following="another process")
    made._save_newest()
    assert not base.exists()
    shown.advance(1)
    made._save_newest()
    (state,) = base.rglob("state.safetensors")
    before = state.stat().st_mtime_ns
    made._save_newest()
    assert state.stat().st_mtime_ns == before


def test_the_run_before_a_restart_is_there_until_the_next_is_saved(shown, base):
    made = saved(shown, base)
    first = shown.trainer.run().id
    shown.trainer = Trainer(SMALL.replace(seed=3))
    shown.advance(9)
    assert [path.name for path in base.glob("*/*/")] == [first]
    made._save_newest()
    assert [path.name for path in base.glob("*/*/")] == [shown.trainer.run().id]


def test_a_session_that_is_resumed_stays_until_its_run_is_saved_in_the_new_one(shown, base):
    die(saved(shown, base))
    (session,) = interrupted(base)
    other = Shown()
    made = saved(other, base, "other")
    made.take_up(session)
    with pytest.raises(InputError, match="in use"):
        Autosave(shown, "third", base=base).take_up(session)
    other.advance(1)
    made._save_newest()  # of the run before
    assert session.run.is_dir()
    other.trainer = Trainer.resume(load_run(session.run))
    other.advance(1)
    made._save_newest()
    assert not session.directory.exists()
    die(made)
    assert [found.step for found in interrupted(base)] == [6]


def test_a_session_that_is_gone_is_not_taken_up(shown, base):
    die(saved(shown, base))
    (session,) = interrupted(base)
    discard(session)
    assert not session.directory.exists()
    with pytest.raises(InputError, match="gone"):
        Autosave(shown, "other", base=base).take_up(session)
    assert not session.directory.exists()


def test_a_session_of_a_living_app_is_not_discarded(shown, base):
    made = saved(shown, base)
    assert made._lock
    die(made)
    (session,) = interrupted(base)
    with hold(session.directory, "another app"):
        discard(session)
        assert session.run.is_dir()


def test_a_run_that_was_taken_over_is_saved_to_its_place(shown, base, tmp_path):
    shown.advance(1, place=str(tmp_path / "R"))
    made = saved(shown, base)
    assert load_run(tmp_path / "R").state.step == 6
    die(made)
    assert interrupted(base)[0].run == tmp_path / "R"


def test_a_disk_that_refuses_is_told_and_tried_again(shown, base):
    base.write_text("a file where the directory should be")
    made = Autosave(shown, "toy", base=base)
    made._save_newest()
    assert str(base) in made.error
    base.unlink()
    made._save_newest()
    assert made.error == ""
    assert list(base.rglob("state.safetensors"))


def test_twenty_sessions_and_a_gigabyte_are_kept_the_newest_and_all_that_live(shown, base, monkeypatch):
    monkeypatch.setattr(autosave, "_SESSIONS", 3)
    living = saved(shown, base, "living")
    dead = [saved(shown, base, f"dead {i}") for i in range(5)]
    for i, made in enumerate(dead):
        record = made._lock.directory / "session.json"
        record.write_text(json.dumps(json.loads(record.read_text()) | {"at": 1000.0 + i}))
    die(*dead)
    prune(base)
    assert [session.name for session in interrupted(base)] == ["dead 4", "dead 3", "dead 2"]
    monkeypatch.setattr(autosave, "_BYTES", 1)
    prune(base)
    assert interrupted(base) == []
    die(living)
    assert [session.name for session in interrupted(base)] == ["living"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff", b"[" * 10_000, b'{"run": "../..", "name": "x", "about": "x"}', b"null"],
    ids=["empty", "cut", "list", "no UTF-8", "deep", "elsewhere", "null"],
)
def test_a_damaged_record_is_offered_to_nobody_and_deleted_when_it_is_old(base, content):
    (base / "one").mkdir(parents=True)
    (base / "one" / "session.json").write_bytes(content)
    assert interrupted(base) == []
    prune(base)
    assert (base / "one").is_dir()
    os.utime(base / "one", (0, 0))
    prune(base)
    assert not (base / "one").exists()


def test_a_name_cannot_reach_the_terminal_as_codes(shown, base):
    die(saved(shown, base, "a\x1b[31mb"))
    assert interrupted(base)[0].name == "a?[31mb"


def test_no_more_than_ten_seconds_are_at_risk_unless_a_save_takes_over_two():
    for took in (0.0, 0.01, 0.2, 0.5, 1.0, 2.0):
        wait = max(autosave._EVERY, autosave.wait_after(took))
        assert wait + 2 * took <= 10
        assert wait >= min(20 * took, 4)
    assert autosave.wait_after(9.0) == 27


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_its_session(base):
    script = f"""
import os, signal
from pathlib import Path
from tests.tui.test_autosave import Shown, saved
saved(Shown(), Path({str(base)!r}))
os.kill(os.getpid(), signal.SIGKILL)
"""
    repository = Path(__file__).parent.parent.parent
    ran = subprocess.run([sys.executable, "-c", script], cwd=repository, check=False)
    assert ran.returncode == -9
    assert interrupted(base)[0].step == 5
