"""What carries the shards of a sweep: anything with `submit`, as in concurrent.futures.

Here are three: processes of this machine, one process for each of its GPUs, and the workers of a Dask
cluster. A worker is told what to train as text, and answers with the content of a shard's file, which the
process that has asked writes: a worker needs no common disk.
"""

import contextlib
import math
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    InvalidStateError,
    ProcessPoolExecutor,
)
from typing import Any

from tms_engine import process
from tms_engine.device import resolve_device
from tms_engine.errors import InputError, quoted, visible

# Shards that are given to each worker at once, so that none waits for the next.
_AHEAD = 2
# Seconds for the scheduler's answer, and between two looks at how many workers it has.
_PATIENCE, _ASK_EVERY = 10, 3.0


class Workers(Executor):
    """Processes of this machine that end with this one, however it ends.

    at_once   how many shards should be given to it at once
    threads   of a core, that a kernel may use in a worker; None: as the worker itself has it
    """

    threads: int | None = None

    def __init__(self, n: int, devices: Sequence[str] | None = None) -> None:
        context = multiprocessing.get_context("spawn")  # threads of kernels do not survive a fork
        reading, self._end = context.Pipe(duplex=False)
        queue = None
        if devices is not None:
            queue = context.SimpleQueue()
            for device in devices:
                queue.put(device)
        self.at_once = _AHEAD * n
        self._pool = ProcessPoolExecutor(
            n, mp_context=context, initializer=process.become_worker, initargs=(reading, n, queue)
        )

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future = self._pool.submit(fn, *args, **kwargs)

        def set_exception(exception: BaseException | None) -> None:
            with contextlib.suppress(InvalidStateError):
                Future.set_exception(future, exception)

        # Before Python 3.12 a pool whose worker has ended fails at futures that were cancelled, with a
        # traceback on stderr and its other workers left running.
        future.set_exception = set_exception  # type: ignore[method-assign]
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """With `cancel_futures`, also what is under way is ended."""
        if cancel_futures:
            self._end.close()
        self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)
        self._end.close()


def processes(n: int | None = None) -> Workers:
    """N processes of this machine (default: one a core), which share its cores.

    A script that uses it begins its work under `if __name__ == "__main__":`, for each process imports the
    script. Raises InputError for a number below 1.
    """
    n = process.kernel_threads() if n is None else n
    if n < 1:
        raise InputError(f"workers should be at least 1, not {n}")
    return Workers(n)


def devices(names: Sequence[str] = ("all",)) -> Workers:
    """One process for each of these devices: "cuda:0", "cuda:1" …, or "all" GPUs of this machine.

    Raises InputError for a device that is not here.
    """
    found = _all_gpus() if tuple(names) == ("all",) else [resolve_device(name) for name in names]
    if not found:
        raise InputError("no device is named: --devices takes cuda:0,cuda:1 or all")
    return Workers(len(found), found)


def _all_gpus() -> list[str]:
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        raise InputError("--devices all: torch sees no CUDA GPU here", "device")
    return [f"cuda:{number}" for number in range(count)]


class Dask(Executor):
    """The workers of a Dask cluster, whatever runs there: a task whose worker is lost goes to another one."""

    threads: int | None = 1  # a worker's own threads take other shards

    def __init__(self, client: Any) -> None:
        self._client, self._address = client, client.scheduler.address
        self._tasks = client.get_executor(pure=False)
        self._at_once, self._asked_at = 1, -math.inf

    @property
    def at_once(self) -> int:
        """How many shards it should be given at once: it changes as workers come and go.

        Raises InputError if the scheduler is gone.
        """
        now = time.monotonic()
        try:
            if self._client.status in ("closing", "closed"):
                raise OSError("its connection was lost")
            if now - self._asked_at > _ASK_EVERY:
                self._at_once = _AHEAD * max(1, sum(self._client.nthreads().values()))
                self._asked_at = now
        except OSError as error:
            raise InputError(
                f"the Dask scheduler at {self._address} answers no more: {_first_line(error)}; what was "
                "finished is kept"
            ) from None
        return self._at_once

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        return self._tasks.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._tasks.shutdown(wait=wait and not cancel_futures)
        self._client.close()


def dask(address: str) -> Dask:
    """The workers of the Dask scheduler at this address, as "tcp://10.0.0.1:8786".

    Raises InputError if Dask is not installed, or if no scheduler with a worker answers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--scheduler needs Dask: pip install 'tms-tui[cluster]'") from None
    process.silence_log("distributed")
    try:
        client: Any = Client(address, timeout=_PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise InputError(f"no Dask scheduler answers at {quoted(address)}: {_first_line(error)}") from None
    return Dask(client)


def at_once(executor: Executor) -> int:
    """How many shards an executor should be given at once."""
    return int(getattr(executor, "at_once", _AHEAD * process.kernel_threads()))


def threads_of(executor: Executor) -> int | None:
    """Threads that a kernel may use in a worker; one, in those of an executor that we do not know."""
    return getattr(executor, "threads", 1)


@contextlib.contextmanager
def told_in_one_sentence(shard: int) -> Iterator[None]:
    """What goes wrong with a worker as an InputError."""
    try:
        yield
    except InputError as error:
        raise InputError(f"a worker cannot train shard {shard}: {error}", error.field) from None
    except BrokenExecutor:
        raise InputError(
            "a worker process has ended before its shard: ended by the system, as for want of memory; or the "
            'script does not begin its work under if __name__ == "__main__"'
        ) from None
    except CancelledError:
        raise InputError(
            f"shard {shard} was cancelled: its scheduler is gone, or somebody has cancelled it; what was "
            "finished is kept"
        ) from None
    except MemoryError:
        raise
    except Exception as error:  # whatever the executor, or a worker, raises
        raise InputError(f"shard {shard} failed in its worker: {_first_line(error)}") from None


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return visible(f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__)
