"""Is a run safe? Killed at any moment, raced for, on a full disk, damaged."""

import errno
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tms_engine import Experiment, InputError, Run, Trainer, files, load_run, save_run
from tms_engine.runs import list_runs, load_summary, peek, prunable, status_of

TMS = (sys.executable, "-m", "tms_engine")
PATIENCE = 300.0


def start(*arguments: object, cwd: Path | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*TMS, *map(str, arguments)],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, stderr = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in stderr, stderr
    return process.returncode, stderr


def kill_train(directory: Path, seed: int) -> str:
    """kill -9 at a random moment: at most 10 s are lost, and it goes on as if it had not been killed."""
    rng = random.Random(seed)
    out = directory / "run"
    fields = ["--n-instances", 3, "--seed", seed, "--steps", 10**9]
    process = start("train", *fields, "--out", out)
    while not (out / "state.safetensors").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    time.sleep(rng.uniform(0, 6))
    killed_at = time.time()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    saved_at = (out / "state.safetensors").stat().st_mtime
    assert killed_at - saved_at < 10, f"{killed_at - saved_at:.1f} s are lost"
    status = status_of(out)
    assert status.state in ("died", "stopped"), status  # stopped: it had not yet said that it trains
    step = load_run(out).state.step
    assert peek(out).step == step
    code, stderr = ended(start("resume", out, "--steps", step + 200))
    assert code == 0, stderr
    resumed = load_run(out)
    whole = Trainer(Experiment(n_instances=3, seed=seed, steps=step + 200))
    whole.advance(step + 200)
    assert_same_bits(resumed, whole.run())
    assert leftovers(out) == []
    return f"killed at step {step:,}, {killed_at - saved_at:.1f} s after a save"


def kill_large_train(directory: Path, seed: int) -> str:
    """kill -9 of a run of 100 to 300 MB, every other time in the middle of a save: it goes on as above."""
    rng = random.Random(seed)
    out = directory / "run"
    fields = ["--n-features", 1000, "--n-hidden", 100, "--keep", 500, "--seed", seed, "--steps", 10**9]
    process = start("train", *fields, "--out", out)
    while not (out / "state.safetensors").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    until, wants_a_save = time.monotonic() + rng.uniform(10, 25), seed % 2 == 0
    while time.monotonic() < until or (wants_a_save and not leftovers(out)):
        time.sleep(0.01)
    if wants_a_save:
        time.sleep(rng.uniform(0, 0.2))
    in_a_save = bool(leftovers(out))
    killed_at = time.time()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    lost = killed_at - (out / "state.safetensors").stat().st_mtime
    size = sum(path.stat().st_size for path in out.iterdir()) / 1e6
    assert lost < 10, f"{lost:.1f} s are lost"
    step = load_run(out).state.step
    assert peek(out).step == step
    code, stderr = ended(start("resume", out, "--steps", step + 5))
    assert code == 0, stderr
    assert load_run(out).state.step == step + 5
    assert leftovers(out) == []
    when = "in the middle of a save" if in_a_save else f"{lost:.1f} s after a save"
    return f"{size:.0f} MB, killed at step {step:,}, {when}"


def race_out(directory: Path, seed: int) -> str:
    """Two `tms train --out R` at once, and two with the default name: each has a directory, or is refused."""
    rng = random.Random(seed)
    same = ["train", "--steps", 30, "--out", directory / "R"]
    default = ["train", "--steps", 30]
    processes = []
    for words in (same, default, same, default):
        processes.append(start(*words, "--seed", len(processes), cwd=directory))
        time.sleep(rng.choice([0, 0, rng.uniform(0, 0.3)]))
    results = [ended(process) for process in processes]
    codes = [code for code, _ in results]
    assert sorted((codes[0], codes[2])) == [0, 2], results
    refused = results[0 if codes[0] else 2][1]
    assert "in use: tms train" in refused or "is not empty" in refused, refused
    assert (codes[1], codes[3]) == (0, 0), results
    assert load_run(directory / "R").experiment.seed == (2 if codes[0] else 0)
    for number in (1, 3):
        said = re.search(r"saved to (.+?);", results[number][1])
        assert said, results[number]
        assert load_run(directory / said[1]).experiment.seed == number
    assert len(list_runs(directory / "runs")) == 2
    return "one refused" if "in use" in refused else "one came later"


def race_resume(directory: Path, seed: int) -> str:
    """Two `tms resume R` at once: one trains, the other is told who holds it, or comes after it has ended."""
    rng = random.Random(seed)
    out = directory / "R"
    trainer = Trainer(Experiment(steps=1000, seed=seed))
    save_run(trainer.run(), out, evaluated=False)
    first = start("resume", out, "--steps", 400_000)
    time.sleep(rng.uniform(0, 1.5))
    second = start("resume", out, "--steps", 400_000)
    results = [ended(process) for process in (first, second)]
    assert sorted(code for code, _ in results) == [0, 2], results
    refused = next(stderr for code, stderr in results if code == 2)
    assert "is in use: tms resume, process" in refused or "has taken all its 400,000 steps" in refused, (
        refused
    )
    run = load_run(out)
    assert run.state.step == 400_000
    assert [tuple(change) for change in run.changes] == [(0, "steps", 400_000)]
    return "refused" if "in use" in refused else "came later"


def full_disk(directory: Path, seed: int) -> str:
    """Each call that writes a save fails as on a full disk, once or from then on: the old save or the new."""
    code = [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS][seed % 4]
    for_good = seed % 2 == 1
    old = Trainer(Experiment(seed=seed, n_instances=2))
    old.advance(5)
    new = Trainer.resume(old.run())
    new.advance(5)
    for point in range(1000):
        out = directory / str(point)
        save_run(old.run(), out, evaluated=False)
        refused = ""
        with failing_call(point, code, for_good) as made:
            try:
                save_run(new.run(), out, evaluated=False)
            except InputError as error:
                refused = str(error)
        assert refused == "" or re.match(r"cannot write (the run )?to ", refused), refused
        found = load_run(out)
        assert_same_bits(found, old.run() if found.state.step == 5 else new.run())
        assert refused or found.state.step == 10
        assert for_good or leftovers(out) == [] or found.state.step == 10, leftovers(out)
        save_run(new.run(), out, evaluated=False)
        assert_same_bits(load_run(out), new.run())
        # What could not even be removed is, once this process has ended.
        assert [name for name in leftovers(out) if not (for_good and name.endswith(".part"))] == []
        if len(made) <= point:
            return f"{point} points, {errno.errorcode[code]}{' from there on' if for_good else ''}"
        assert refused or made[point] in ("unlink", "rmdir"), made[point]
    raise AssertionError("a save makes no thousand calls")


def damage(directory: Path, seed: int) -> str:
    """A run directory with one thing wrong: a sentence, or a run that can be used; never anything else."""
    rng = random.Random(seed)
    trainer = Trainer(Experiment(n_instances=2, n_features=4, n_hidden=2, bias=True, steps=40))
    trainer.advance(10)
    trainer.change(sparsity=0.5)
    trainer.advance(10)
    out, other = directory / "runs" / "R", directory / "runs" / "other"
    save_run(trainer.run(), out, evaluated=False)
    save_run(Trainer(Experiment(n_instances=2, n_features=4, n_hidden=2, bias=True)).run(), other)
    said = _damage(rng, out, other)
    before = _bytes(out)
    began = time.monotonic()
    try:
        run = load_run(out)
        Trainer.resume(run).advance(1)
        run.at(5)
        verdict = "loaded"
    except InputError as error:
        verdict = one_sentence(error)
    load_summary(out)
    listed = list_runs(directory / "runs")
    assert len(listed) >= 1
    prunable(directory / "runs")
    for look in (peek, status_of):
        try:
            look(out)
        except InputError as error:
            one_sentence(error)
    assert time.monotonic() - began < 60
    assert _bytes(out) == before
    return f"{said}: {verdict}"


def one_sentence(error: InputError) -> str:
    sentence = str(error)
    assert sentence.isprintable(), sentence
    assert len(sentence) < 2000, sentence
    return "refused"


def _damage(rng: random.Random, out: Path, other: Path) -> str:
    path = out / rng.choice(
        [
            "experiment.json",
            "state.safetensors",
            "history.safetensors",
            "summary.json",
            "progress.json",
            ".lock",
        ]
    )
    content = path.read_bytes() if path.exists() else b"{}"
    kind = rng.choice(["cut", "flip", "flip", "swap", "json", "json", "header", "node", "gone", "bytes"])
    if kind == "cut":
        path.write_bytes(content[: rng.randrange(len(content) + 1)])
    elif kind == "flip":
        flipped = bytearray(content or b"x")
        for _ in range(rng.choice([1, 1, 3, 50])):
            # Half of them in the header, where they may mean anything.
            place = rng.randrange(min(len(flipped), rng.choice([600, 10**9])))
            flipped[place] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
    elif kind == "swap":
        theirs = other / path.name
        path.write_bytes(theirs.read_bytes() if theirs.exists() else b"")
    elif kind == "json":
        path = out / rng.choice(["experiment.json", "summary.json", "progress.json"])
        path.write_text(_some_json(rng, path.read_text() if path.exists() else "{}"))
    elif kind == "header":
        path = out / rng.choice(["state.safetensors", "history.safetensors"])
        _change_header(rng, path)
    elif kind == "node":
        path.unlink(missing_ok=True)
        _another_node(rng, path)
    elif kind == "gone":
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(rng.randbytes(rng.choice([0, 1, 8, 9, 1000])))
    return f"{kind} {path.name}"


WILD = [
    "null", "true", "-1", "1e400", "NaN", "Infinity", "9" * 5000, '"text"', '""', "[]", "{}", "[" * 10_000,
    "[" * 10_000 + "]" * 10_000, '{"a":' * 5000 + "1" + "}" * 5000, "1.5", "4611686018427387904", '"\\ud800"',
    "0", "1000000000000", '"0:1000000000"', "[1,2,3]", "[[1,2],[3]]", '"\\u001b[31m"',
]  # fmt: skip


def _some_json(rng: random.Random, text: str) -> str:
    """One value of a file replaced by a wild one, or the whole."""
    try:
        record = json.loads(text)
    except ValueError:
        record = {}
    if not record or rng.random() < 0.2:
        return rng.choice(WILD)
    name = rng.choice([*record, "unknown"])
    record[name] = "WILD"
    return json.dumps(record).replace('"WILD"', rng.choice(WILD), 1)


def _change_header(rng: random.Random, path: Path) -> None:
    """A file whose header says something else, and is a header still."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    name = rng.choice(list(header))
    wild = "WILD"
    if name == "__metadata__":
        header[name][rng.choice([*header[name], "unknown"])] = rng.choice(WILD)
    else:
        header[name][rng.choice(list(header[name]))] = rng.choice(
            [wild, "BF16", "F8_E4M3", "F64", [0, 0], [2**62, 2**63], [-8, 0], [10**9, 10**9], [1] * 100]
        )
    text = json.dumps(header).replace('"WILD"', rng.choice(WILD), 1).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


def _another_node(rng: random.Random, path: Path) -> None:
    """Something in the place of a file that is none, or is too much."""
    kind = rng.choice(["pipe", "directory", "loop", "zero", "nowhere", "sparse", "closed"])
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "zero":
        path.symlink_to("/dev/zero")
    elif kind == "nowhere":
        path.symlink_to("/nowhere/at/all")
    elif kind == "sparse":
        with open(path, "wb") as file:
            file.truncate(1 << 40)
    else:
        path.write_bytes(b"{}")
        path.chmod(0)


def _bytes(directory: Path) -> dict[str, bytes | int]:
    """What is in the files of a directory, as far as that can be read."""
    found: dict[str, bytes | int] = {}
    for path in sorted(directory.iterdir()):
        status = path.lstat()
        is_small = path.is_file() and not path.is_symlink() and status.st_size < 1 << 24
        found[path.name] = path.read_bytes() if is_small and os.access(path, os.R_OK) else status.st_ino
    return found


def leftovers(directory: Path) -> list[str]:
    """Files in a run directory that belong to a write under way."""
    return sorted(path.name for path in directory.iterdir() if path.suffix in (".next", ".part", ".lock"))


def assert_same_bits(a: Run, b: Run) -> None:
    assert a.state.step == b.state.step
    for mine, theirs in zip(a.state[1:], b.state[1:], strict=True):
        if isinstance(mine, dict):
            assert mine.keys() == theirs.keys()
            assert all(mine[name].tobytes() == theirs[name].tobytes() for name in mine)
        else:
            assert mine.tobytes() == theirs.tobytes()
    mine, theirs = a.history.to_arrays(), b.history.to_arrays()
    assert all(np.array_equal(mine[name], theirs[name], equal_nan=True) for name in mine)


@contextmanager
def failing_call(number: int, code: int, for_good: bool) -> Iterator[list[str]]:
    """The call of this number (from 0) of those that write fails with this error; `for_good`, all later too.

    Gives the names of the calls. What is written when one fails is written in part.
    """
    made: list[str] = []
    patches = pytest.MonkeyPatch()

    def patch(owner: object, name: str) -> None:
        original = getattr(owner, name)

        def call(*arguments: object, **named: object) -> object:
            if name == "open" and not int(arguments[1]) & (os.O_WRONLY | os.O_RDWR):  # type: ignore[call-overload]
                return original(*arguments, **named)
            made.append(name)
            if len(made) - 1 == number or (for_good and len(made) > number):
                if name == "_put":
                    file, content, *_ = arguments
                    whole = b"".join(content)  # type: ignore[arg-type]
                    file.write(whole[: len(whole) // 2])  # type: ignore[attr-defined]
                raise OSError(code, os.strerror(code))
            return original(*arguments, **named)

        patches.setattr(owner, name, call)

    try:
        for owner, name in [
            (files, "_put"),
            *((os, n) for n in ("open", "fsync", "replace", "unlink", "rmdir")),
        ]:
            patch(owner, name)
        yield made
    finally:
        patches.undo()
