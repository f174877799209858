import os
import re
import signal
import subprocess
import sys
import time

import numba
import pytest
import torch

from tms_engine import process

pytestmark = pytest.mark.slow

# What changes the state of a process, as it is written in Python.
CHANGES = re.compile(
    r"os\.environ\[.*\] = |os\.environ\.(setdefault|update|pop)|os\.(putenv|unsetenv|nice|umask|chdir|dup2)\("
    r"|\bgc\.|setswitchinterval|set_num_threads|signal\.signal\(|\.reconfigure\(|sys\.path\."
)


def test_nothing_else_changes_the_process(repository):
    found = {
        f"{path.relative_to(repository)}:{number}: {line.strip()}"
        for package in ("tms_engine", "tms_tui")
        for path in (repository / package).rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if CHANGES.search(line) and path.name not in ("process.py", "entry.py")
    }
    assert found == set()


SCRIPT = """
import gc, os, signal, sys
def state():
    return (
        dict(os.environ), gc.isenabled(), gc.get_freeze_count(), sys.getswitchinterval(), list(sys.path),
        [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)], sys.stdout.errors, os.nice(0),
    )
before = state()
import tms_engine
assert state() == before
import torch, numba
numba.set_num_threads(1)
torch.set_num_threads(2)
for kernel in ("torch", "numba"):
    tms_engine.train(tms_engine.Experiment(n_features=64, n_hidden=32, batch_size=64, steps=3, kernel=kernel))
assert (numba.get_num_threads(), torch.get_num_threads()) == (1, 2)
environment, *rest = state()
assert rest == list(before[1:])
print(sorted(set(environment) - set(before[0])))
"""


def test_importing_the_engine_changes_nothing_and_training_two_variables():
    environment = {k: v for k, v in os.environ.items() if k not in ("MKL_CBWR", "GOMP_SPINCOUNT")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = set(re.findall(r"\w+", done.stdout))
    assert found >= {"MKL_CBWR", "GOMP_SPINCOUNT"}
    assert all(name.startswith(("KMP_", "TORCH")) for name in found - {"MKL_CBWR", "GOMP_SPINCOUNT"})


def test_a_variable_that_the_user_has_set_is_left(monkeypatch):
    for name, change in [
        ("MKL_CBWR", process.make_mkl_reproducible),
        ("GOMP_SPINCOUNT", process.make_openmp_sleep),
        ("OPENBLAS_NUM_THREADS", process.keep_openblas_to_one_thread),
    ]:
        monkeypatch.setenv(name, "mine")
        change()
        assert os.environ[name] == "mine"
        monkeypatch.delenv(name)
        change()
        assert os.environ[name] != "mine"
        monkeypatch.delenv(name)


def test_threads_are_as_they_were_afterwards():
    before = process.kernel_threads(), numba.get_num_threads(), torch.get_num_threads()
    with process.threads(1), process.numba_threads(), process.one_torch_thread():
        assert (process.kernel_threads(), numba.get_num_threads(), torch.get_num_threads()) == (1, 1, 1)
    assert (process.kernel_threads(), numba.get_num_threads(), torch.get_num_threads()) == before


def test_one_core_is_left_to_the_screen_once(monkeypatch):
    for cores, kept in [(1, 1), (2, 1), (8, 7)]:
        monkeypatch.setattr(process, "_cores", lambda cores=cores: cores)
        monkeypatch.setattr(process, "_threads", cores)
        process.leave_a_core()
        process.leave_a_core()
        assert process.kernel_threads() == kept


def test_what_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with process.stop_on_signals(print) as stopped, process.on_signals([signal.SIGHUP], print):
            signal.raise_signal(signal.SIGHUP)
            assert not stopped()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("last", ["print('last', flush=True)", "1 / 0"])
def test_a_process_ends_in_time_whatever_it_does(last):
    script = "import time; from tms_engine import process; "
    script += f"process.end_within(0.6, lambda: {last}, 9); time.sleep(60)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50)
    assert done.returncode == 9
    assert done.stdout == ("last\n" if "print" in last else "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_asks_to_stop_and_handlers_are_as_before_afterwards(number, code):
    before = [signal.getsignal(number) for number in (signal.SIGINT, *process.END_SIGNALS)]
    said = []
    with process.stop_on_signals(said.append) as stop:
        assert not stop()
        signal.raise_signal(number)
        assert stop()
        assert stop.exit_code == code
        with pytest.raises(KeyboardInterrupt), stop.at_once("bye"):
            pytest.fail("there is nothing to lose, and it was asked to stop")
    assert [signal.getsignal(number) for number in (signal.SIGINT, *process.END_SIGNALS)] == before
    assert said == []


def test_while_there_is_nothing_to_lose_a_signal_interrupts():
    with process.stop_on_signals(print) as stop:
        with pytest.raises(KeyboardInterrupt), stop.at_once("bye"):
            signal.raise_signal(signal.SIGTERM)
        assert stop()


def test_a_compiler_is_not_interrupted_but_who_has_called_it():
    """LLVM's objects were freed twice: "malloc_consolidate(): unaligned fastbin chunk detected"."""
    compiler = {"__name__": "llvmlite.binding.ffi", "signal": signal, "time": time, "went_on": []}
    exec(
        "def compile():\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "    until = time.monotonic() + 0.3\n"
        "    while time.monotonic() < until: pass\n"
        "    went_on.append(True)\n",
        compiler,
    )
    with process.stop_on_signals(print) as stop:
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt), stop.at_once("bye"):
            [compiler["compile"](), time.sleep(30)]
        assert compiler["went_on"]
        assert time.monotonic() - began < 1
        time.sleep(
            0.2
        )  # the second one that Ctrl-C would be, had our own been taken for it, ends the process
        assert stop.exit_code == 130


DEAF = """
import contextlib, hashlib
from tms_engine import process
with process.stop_on_signals(lambda sentence: print(sentence, flush=True)) as stop:
    with stop.at_once("bye") if WITH_NOTHING_TO_LOSE else contextlib.nullcontext():
        print("ready", flush=True)
        hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)  # minutes, in C: no handler of Python's runs
print("went on")
"""


@pytest.mark.parametrize(
    ("nothing_to_lose", "signals", "code"),
    [
        (True, [signal.SIGINT], 130),
        (True, [signal.SIGHUP], 129),
        (False, [signal.SIGINT, signal.SIGINT], 130),
        (False, [signal.SIGTERM, signal.SIGINT], 130),
    ],
)
def test_a_library_that_hears_nothing_does_not_keep_the_process(nothing_to_lose, signals, code):
    child = subprocess.Popen(
        [sys.executable, "-c", DEAF.replace("WITH_NOTHING_TO_LOSE", str(nothing_to_lose))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "ready\n"
    for number in signals:
        time.sleep(0.2)
        child.send_signal(number)
    out, err = child.communicate(timeout=50)
    assert child.returncode == code
    assert "went on" not in out
    assert "Traceback" not in err
