"""Is a sweep safe? Killed and interrupted at any moment, and started again."""

import os
import random
import signal
import time
from pathlib import Path

import polars as pl

from tests.trials.safe import ended, start
from tms_engine import load_sweep
from tms_engine.sweeps import follow

AXES = ["--n-features", 3, "--n-hidden", "1,2", "--sparsity", "0:0.9:4", "--seeds", 8, "--shard-models", 4]
SHARDS = 16


def kill_sweep(directory: Path, seed: int) -> str:
    """kill -9 at random moments until it is done: each row is there once, with the bits of an undisturbed
    sweep, and no finished shard was trained again."""
    rng = random.Random(seed)
    out, undisturbed = directory / "out", directory / "undisturbed"
    words = ["sweep", *AXES, "--seed", seed, "--steps", 3000, "--device", "cpu", "--weights"]
    if seed % 3 == 2:
        words += ["--workers", 2]
    kills, finished = 0, dict[str, int]()
    while True:
        process = start(*words, "--out", out)
        process_ended = _ended_within(process, rng.uniform(0.3, 6) if kills < 6 else 300)
        if process_ended:
            break
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
        now = _written(out)
        assert finished.items() <= now.items(), "a finished shard was written again, or is gone"
        finished = now
        if (out / "sweep.json").exists():
            follow(out).poll()
    code, stderr = ended(process)
    assert code == 0, stderr
    assert finished.items() <= _written(out).items()
    code, stderr = ended(start(*words, "--out", undisturbed))
    assert code == 0, stderr
    ours, theirs = pl.read_parquet(out / "table.parquet"), pl.read_parquet(undisturbed / "table.parquet")
    assert ours["row"].to_list() == list(range(64))
    assert ours.equals(theirs)
    one = load_sweep(out).run(range(32)).weights
    assert (one == load_sweep(undisturbed).run(range(32)).weights).all()
    left = {path.name for path in [*out.iterdir(), *(out / "shards").iterdir()]} - set(_written(out))
    assert left == {"sweep.json", "shards", "jobs", "table.parquet"}, left
    return f"killed {kills} times, with {len(finished)} of {SHARDS} shards finished at the last"


def interrupt_sweep(directory: Path, seed: int) -> str:
    """Ctrl-C, a kill or a lost connection: the process and its workers end soon, and it goes on."""
    rng = random.Random(seed)
    out = directory / "out"
    words = ["sweep", *AXES, "--seed", seed, "--steps", 200_000, "--device", "cpu", "--out", out]
    if seed % 2:
        words += ["--workers", 2]
    number = rng.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    process = start(*words)
    until = time.monotonic() + 120
    while not (out / "jobs" / "1-of-1" / ".lock").exists() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(rng.uniform(0, 4))
    workers = _children(process.pid)
    asked = time.monotonic()
    process.send_signal(number)
    code, stderr = ended(process)
    took = time.monotonic() - asked
    assert code == 128 + number, (code, stderr)
    assert "what is finished is kept; go on with: tms sweep" in stderr, stderr
    assert took < 30, took
    while any(os.path.exists(f"/proc/{pid}") for pid in workers) and time.monotonic() < asked + 30:
        time.sleep(0.05)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in workers)
    now = follow(out).poll()
    assert not now.is_running
    return f"{number.name}: ended in {took:.1f} s, with {len(workers)} workers"


def _ended_within(process, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            return True
        time.sleep(0.01)
    return False


def _written(out: Path) -> dict[str, int]:
    """Finished shards, and which file each is."""
    found = {}
    for path in sorted((out / "shards").glob("*.safetensors")):
        found[path.name] = path.stat().st_mtime_ns
    return found


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
