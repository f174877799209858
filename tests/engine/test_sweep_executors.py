"""What carries the shards of a sweep beyond this process: processes, one a device, a Dask cluster."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, Executor, Future

import pytest

from tests.trials.sweeps import interrupt_sweep, kill_sweep
from tms_engine import Experiment, InputError, Sweep, process, sweeps
from tms_engine.sweeps import executors
from tms_engine.sweeps import sweep as sweep_module

pytestmark = pytest.mark.slow

BASE = Experiment(n_features=3, n_hidden=2, steps=300, device="cpu")


def small() -> Sweep:
    return Sweep(BASE, {"sparsity": [0, 0.9], "n_hidden": [1, 2]}, seeds=12, shard_models=4)


@pytest.fixture(scope="module", autouse=True)
def own_environment():
    """Dask writes OMP_NUM_THREADS and others into this process's environment, for its workers."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def alone():
    return small().train()


def test_processes_of_this_machine_one_for_each_device(alone) -> None:
    """Two fake devices: each process has one of them."""
    with sweeps.devices(["cpu", "cpu:0"]) as pool:
        assert {future.result() for future in [pool.submit(slowly_named) for _ in range(2)]} == {
            "cpu",
            "cpu:0",
        }
    with sweeps.processes(2) as pool:
        assert small().train(executor=pool).equals(alone)


def slowly_named() -> str | None:
    time.sleep(1.5)
    return process.worker_device()


def test_a_worker_that_ends_is_no_matter_for_what_was_cancelled(monkeypatch) -> None:
    """As when Ctrl-C reaches workers too."""
    failed: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    with sweeps.processes(1) as pool:
        pid = pool.submit(os.getpid).result()
        futures = [pool.submit(time.sleep, 1000) for _ in range(6)]
        assert futures[-1].cancel()
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(BrokenExecutor):
            futures[0].result(60)
    assert futures[-1].cancelled()
    assert failed == []


def test_workers_end_with_the_process_that_has_started_them() -> None:
    script = (
        "import os, time\n"
        "from tms_engine import sweeps\n"
        "if __name__ == '__main__':\n"
        "    pool = sweeps.processes(2)\n"
        "    print(pool.submit(os.getpid).result(), flush=True)\n"
        "    time.sleep(1000)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, encoding="utf-8")
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    until = time.monotonic() + 60
    while time.monotonic() < until and is_running(worker):
        time.sleep(0.05)
    assert not is_running(worker)


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_dask_worker_that_is_killed_half_way_costs_nothing(alone, monkeypatch) -> None:
    """Complete, nothing twice, the same bits as in one process."""
    distributed = pytest.importorskip("distributed")
    written: list[int] = []
    keep = sweep_module._keep
    monkeypatch.setattr(sweep_module, "_keep", lambda *args: (written.append(args[2]), keep(*args)))
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as cluster,
        sweeps.dask(cluster.scheduler_address) as pool,
    ):
        pids = [worker.pid for worker in cluster.workers.values()]

        def kill(progress: sweeps.Progress) -> None:
            if progress.n_finished >= 16 and len(pids) == 2:
                os.kill(pids.pop(), signal.SIGKILL)

        assert small().train(executor=pool, on_progress=kill).equals(alone)
    assert len(pids) == 1
    assert sorted(written) == list(range(12))


def test_no_scheduler_no_workers_no_plugin_are_one_sentence(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(executors, "_PATIENCE", 1)
    with pytest.raises(InputError, match="no Dask scheduler answers at"):
        sweeps.dask("tcp://127.0.0.1:9")
    with pytest.raises(InputError, match="no Dask scheduler answers at 'nonsense://x'"):
        sweeps.dask("nonsense://x")
    with pytest.raises(InputError, match="workers should be at least 1"):
        sweeps.processes(0)
    with pytest.raises(InputError, match="torch sees no CUDA GPU here"):
        sweeps.devices(["cuda:7"])
    (tmp_path / "only_here.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tms_engine.plugins._loaded", ["only_here"])
    monkeypatch.setattr(sys, "path", [*sys.path])
    with sweeps.processes(1) as pool:
        monkeypatch.setattr("tms_engine.plugins._loaded", ["nowhere"])
        with pytest.raises(
            InputError, match=r"a worker cannot train shard [0-9]+: cannot import plugin nowhere"
        ):
            small().train(executor=pool)
        monkeypatch.setattr("tms_engine.plugins._loaded", ["only_here"])
        small().train(executor=pool)


class Failing(Executor):
    """Fails as executors do."""

    at_once = 1

    def __init__(self, error: BaseException | None) -> None:
        self.error = error

    def submit(self, fn, /, *args, **kwargs):
        future: Future[bytes] = Future()
        if self.error is None:
            future.cancel()
            future.set_running_or_notify_cancel()
        else:
            future.set_exception(self.error)
        return future


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (executors.BrokenExecutor(), "a worker process has ended before its shard"),
        (ModuleNotFoundError("No module named 'tms_engine'"), "No module named 'tms_engine'"),
        (
            OSError("the comm is closed\nand more"),
            "shard 0 failed in its worker: OSError: the comm is closed",
        ),
        (InputError("kernel triton cannot"), "a worker cannot train shard 0: kernel triton cannot"),
        (None, "shard 0 was cancelled"),
    ],
    ids=str,
)
def test_what_fails_in_an_executor_is_one_sentence_and_nothing_is_lost(
    tmp_path, alone, error, sentence
) -> None:
    out, done = tmp_path / "out", []
    small().train(out, should_stop=lambda: len(done) > 2, on_progress=lambda p: done.append(p))
    with pytest.raises(InputError, match=sentence) as told:
        small().train(out, executor=Failing(error))
    assert "\n" not in str(told.value)
    assert small().train(out).equals(alone)


def test_a_sweep_is_killed(tmp_path) -> None:
    kill_sweep(tmp_path, 0)


def test_a_sweep_is_interrupted(tmp_path) -> None:
    interrupt_sweep(tmp_path, 1)
