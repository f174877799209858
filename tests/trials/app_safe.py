"""What the app has trained is safe: from kill -9, from a second app, from a full disk."""

import contextlib
import hashlib
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.trials.terminal import PATIENCE, Terminal
from tms_engine import Experiment, Trainer, load_run, save_run
from tms_engine.training.run import Run
from tms_tui.autosave import InterruptedSession, interrupted

# What may be at risk of a kill, in seconds.
AT_RISK = 10.0
TMS = (sys.executable, "-m", "tms_engine")
ENDLESS = ("--steps", "1000000000")


def kill_app(directory: Path, seed: int, *options: str) -> str:
    """Kill -9 at a random moment: at most ten seconds are lost, and one key resumes, to the bit."""
    draw = random.Random(seed)
    pace = draw.choice(["500", "5000", "20000"])
    app = Terminal(directory, *ENDLESS, "--pace", pace, *options)
    try:
        app.see(r"[1-9][\d,]* / 1,000,000,000")
        began, until = time.time(), time.monotonic() + draw.uniform(1, 14)
        while time.monotonic() < until:
            assert app.read(0.05)
            if draw.random() < 0.02:
                app.press("]")
        shown = step_of(app)
        killed = time.time()
        app.process.kill(signal.SIGKILL)
        app.end()
    finally:
        app.process.close(force=True)

    found = sessions(directory)
    if not found:
        assert killed - began < AT_RISK, f"nothing is saved of {killed - began:.1f} s"
        return f"killed after {killed - began:.1f} s: nothing saved yet"
    (session,) = found
    assert killed - session.at < AT_RISK, f"{killed - session.at:.1f} s are lost"
    saved = load_run(session.run)
    # What is said of the run is written after it: of one that was killed between, it may be a save older.
    assert saved.state.step >= session.step
    assert len(saved.changes) >= session.changes
    assert_same_bits(saved)

    again = Terminal(directory, "--pace", pace)
    try:
        again.see("Interrupted")
        again.see(rf"step {session.step:,} of 1,000,000,000")
        again.press("\r")
        again.see(r"[\d,]+ / 1,000,000,000")
        again.see("● training")
        sparsity = sparsity_of(again)
        again.press("[")  # a change, so that quitting asks; after many ], S may be at its highest
        again.see_change(sparsity_of, sparsity)
        again.press("q")
        again.see("not saved")
        again.press("s")
        assert again.end() == 0
    finally:
        again.process.close(force=True)
    (run,) = (directory / "runs").iterdir()
    resumed = load_run(run)
    assert resumed.id == saved.id
    assert resumed.state.step > saved.state.step
    assert_same_bits(resumed)
    assert sessions(directory) == []
    assert list((directory / "state" / "tms-tui" / "sessions").iterdir()) == []
    return f"pace {pace}, killed at step {shown:,}, {killed - session.at:.1f} s lost, resumed to the bit"


def two_apps(directory: Path, seed: int) -> str:
    """Two apps at once, in one second: on one name, on one run, or taking over one run. Nothing is lost."""
    kind = ("one name", "one run", "one takes over")[seed % 3]
    arguments = [*ENDLESS, "--pace", "2000"]
    before = ""
    if kind != "one name":
        saved_run(directory / "R")
        before = content(directory / "R")
        arguments = ["R", "--pace", "2000"]
    if kind == "one takes over":
        return one_takes_over(directory, seed)
    apps = [Terminal(directory, *arguments) for _ in range(2)]
    try:
        steps = []
        for app in apps:
            app.see(r"[1-9][\d,]* / 1,000,000,000")
            app.press("]")
        for app in apps:
            app.see("learning rate|S 0?\\.9[67]")
            steps.append(step_of(app))
        for app in apps:
            app.process.kill(signal.SIGTERM)
        for app in apps:
            app.end()
            app.assert_restored()
    finally:
        for app in apps:
            app.process.close(force=True)
    runs = [load_run(path) for path in (directory / "runs").iterdir()]
    assert len(runs) == 2, "each has a directory of its own"
    assert (len({run.id for run in runs}) == 2) == (kind == "one name")
    for run in runs:
        assert run.changes
        assert_same_bits(run)
    assert sum(run.state.step for run in runs) >= sum(steps)
    if before:
        assert content(directory / "R") == before, "the run that was opened is touched"
    assert sessions(directory) == []
    return kind


def one_takes_over(directory: Path, seed: int) -> str:
    """A run whose process has died is taken over by one of two apps that follow it, and only one."""
    directory = directory.resolve()
    job = subprocess.Popen(
        [*TMS, "train", "--out", "job", *ENDLESS],
        cwd=directory,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    apps: list[Terminal] = []
    try:
        until(lambda: (directory / "job" / "state.safetensors").exists())
        apps = [Terminal(directory, "job") for _ in range(2)]
        for app in apps:
            app.see("● following")
        job.kill()
        job.wait()
        for app in apps:
            app.see("died")
        last = load_run(directory / "job")
        for app in apps:
            app.press("t")
        until_either(apps, "● training")
        until_either(apps, "in use|● following")
        for app in apps:
            app.process.kill(signal.SIGTERM)
        for app in apps:
            app.end()
    finally:
        job.kill()
        job.wait()
        for app in apps:
            app.process.close(force=True)
    run = load_run(directory / "job")
    assert run.id == last.id
    assert run.state.step > last.state.step
    assert_same_bits(run)
    assert not (directory / "runs").exists()
    return "one takes over"


def full_disk_app(directory: Path, seed: int) -> str:
    """A disk that fills up while the app trains: the run goes on, and at the end finds a place."""
    how = ("another directory", "room again", "SIGTERM")[seed % 3]
    small = directory / "small"
    with small_disk(small):
        app = Terminal(
            directory,
            *ENDLESS,
            "--pace",
            "1000",
            cwd=small,
            XDG_STATE_HOME=str(small / "state"),
            TMPDIR=str(small),
        )
        try:
            app.see(r"[1-9][\d,]* / 1,000,000,000")
            app.press("]")
            fill(small)
            app.see("no space left", 60)
            first = step_of(app)
            app.see_change(lambda terminal: str(step_of(terminal)), str(first))
            if how == "SIGTERM":
                app.process.kill(signal.SIGTERM)
                app.end(10)
                app.assert_restored()
                told = " ".join(app.written.decode(errors="replace").split())
                (place,) = re.findall(r"saved in (.+?) instead", told)
            else:
                app.press("q")
                app.see("not saved")
                app.press("s")
                app.see("Not saved")
                place = "elsewhere"
                if how == "room again":
                    (small / "filler").unlink()
                    app.see(r"runs/gist-changed-[\d-]+")
                    place = str(small / re.findall(r"(runs/gist-changed-[\d-]+)", app.text())[0])
                else:
                    place = str(directory / "elsewhere")
                    app.press("\x15")  # ctrl+u: the line is empty
                    app.see(r"directory +│")
                    app.press(place)
                    app.see("elsewhere")
                app.press("\r")
                assert app.end() == 0
        finally:
            app.process.close(force=True)
        run = load_run(place)
        assert run.state.step >= first
        assert run.changes
        assert_same_bits(run)
        assert not list(small.rglob("*.part"))
    return how


# What they share


def step_of(app: Terminal) -> int:
    return int(app.see(r"([\d,]+) / [\d,]+ ")[1].replace(",", ""))


def sparsity_of(app: Terminal) -> str:
    return app.see(r"· S ([\d.]+)")[1]


def sessions(directory: Path) -> list[InterruptedSession]:
    return interrupted(directory / "state" / "tms-tui" / "sessions")


def assert_same_bits(run: Run) -> None:
    """The run is what its experiment and its live changes make when nothing interrupts it."""
    trainer = Trainer(run.experiment)
    for change in run.changes:
        trainer.advance(change.step - trainer.step)
        trainer.change(**{change.field: change.value})
    trainer.advance(run.state.step - trainer.step)
    state = trainer.run().state
    for one, other in zip(state[1:4], run.state[1:4], strict=True):
        assert {name: value.tobytes() for name, value in one.items()} == {
            name: value.tobytes() for name, value in other.items()
        }


def content(run: Path) -> str:
    files = sorted(path for path in run.rglob("*") if path.is_file() and path.name != ".lock")
    return "".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)


def saved_run(path: Path) -> None:
    trainer = Trainer(Experiment(steps=10**9))
    trainer.advance(1000)
    save_run(trainer.run(), path)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def until_either(apps: list[Terminal], pattern: str) -> None:
    """Until one of them shows this."""

    def shows() -> bool:
        for app in apps:
            app.read(0.05)
        return any(re.search(pattern, app.text()) for app in apps)

    until(shows)


@contextlib.contextmanager
def small_disk(directory: Path) -> Iterator[None]:
    """A file system of 2 MB at this place. Only root may make one."""
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(directory)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def fill(directory: Path) -> None:
    with contextlib.suppress(OSError), open(directory / "filler", "ab", buffering=0) as file:
        for size in (1 << 16, 1 << 8, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
