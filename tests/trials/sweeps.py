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
# So many that each shard takes some tenths of a second.
STEPS = 60_000


def kill_sweep(directory: Path, seed: int) -> str:
    """kill -9 again and again, when a few more shards are finished: no finished shard is trained again, each
    row is there once, and all has the bits of an undisturbed sweep."""
    rng = random.Random(seed)
    out, undisturbed = directory / "out", directory / "undisturbed"
    words = ["sweep", *AXES, "--seed", seed, "--steps", STEPS, "--device", "cpu", "--weights"]
    if seed % 3 == 2:
        words += ["--workers", 2]
    finished, at_kills = _written(out), list[int]()
    while True:
        process = start(*words, "--out", out)
        wanted = len(finished) + rng.randint(1, 5)
        while process.poll() is None and len(_written(out)) < wanted:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        if process.wait(60) == 0:  # before the kill
            break
        assert process.returncode == -signal.SIGKILL, process.communicate()
        process.communicate()
        now = _written(out)
        assert len(now) >= wanted, "it ended before it was killed"
        assert finished.items() <= now.items(), "a finished shard was written again, or is gone"
        finished = now
        at_kills.append(len(now))
        assert follow(out).poll().n_finished == 4 * len(now)
    _, stderr = process.communicate()
    assert "Traceback" not in stderr, stderr
    assert finished.items() <= _written(out).items(), "a finished shard was written again, or is gone"
    assert any(0 < n < SHARDS for n in at_kills), "it was never killed half way"
    code, stderr = ended(start(*words, "--out", undisturbed))
    assert code == 0, stderr
    ours, theirs = pl.read_parquet(out / "table.parquet"), pl.read_parquet(undisturbed / "table.parquet")
    assert ours["row"].to_list() == list(range(64))
    assert ours.equals(theirs)
    for rows in (range(32), range(32, 64)):  # of one n_hidden each
        one, other = (load_sweep(place).run(rows).state for place in (out, undisturbed))
        for here, there in zip(one[1:4], other[1:4], strict=True):
            assert all((here[name] == there[name]).all() for name in there)
    left = {path.name for path in [*out.iterdir(), *(out / "shards").iterdir()]} - set(_written(out))
    assert left == {"sweep.json", "shards", "jobs", "table.parquet"}, left
    return f"killed with {', '.join(map(str, at_kills))} of {SHARDS} shards finished"


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
    if f"saved to {out}" in stderr:  # it came when all was done
        assert code in (0, -number), (code, stderr)
        return f"{number.name}: finished in {took:.1f} s"
    assert code == 128 + number, (code, stderr)
    assert "what is finished is kept; go on with: tms sweep" in stderr, stderr
    assert took < 30, took
    while any(os.path.exists(f"/proc/{pid}") for pid in workers) and time.monotonic() < asked + 30:
        time.sleep(0.05)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in workers)
    now = follow(out).poll()
    assert not now.is_running
    return f"{number.name}: ended in {took:.1f} s, with {len(workers)} workers"


def _written(out: Path) -> dict[str, tuple[int, int]]:
    """Finished shards, and which file each is."""
    found = {}
    for path in sorted((out / "shards").glob("*.safetensors")):
        of = path.stat()
        found[path.name] = of.st_ino, of.st_mtime_ns
    return found


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
