"""Watching: something outside the app that is looked at again and again by a thread, so that no frame waits.

The disk may be a file server that takes seconds to answer. Only the latest answer is kept.
"""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from tms_engine.errors import InputError, visible

Answer = TypeVar("Answer")

# Seconds from one look to the next, and so many times as long as the look took.
_EVERY, _TIMES = 0.5, 3.0


class Watch(Generic[Answer]):
    """Looks until it is stopped, or a look raises an error. No method waits."""

    def __init__(
        self, look: Callable[[], Answer | None], *, every: float = _EVERY, times: float = _TIMES
    ) -> None:
        """`look` is called in the thread after `every` seconds, or `times` as long as it took, if more.
        It gives None where there is nothing new.
        """
        self._look, self._every, self._times = look, every, times
        self._lock = threading.Lock()
        self._slot: tuple[Answer | None, str] | None = None  # under the lock: an answer comes only once
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="watch", daemon=True)
        self._thread.start()

    def take(self) -> tuple[Answer | None, str] | None:
        """The latest answer and "", or None and why there will be none any more; None: nothing is new."""
        with self._lock:
            found, self._slot = self._slot, None
        return found

    def stop(self) -> None:
        self._over.set()

    def _work(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            try:
                answer = self._look()
            except InputError as error:
                self._put(None, str(error))
                return
            except Exception as error:  # nothing may be lost in a thread
                self._put(None, visible(" ".join(f"{type(error).__name__}: {error}".split())))
                return
            if answer is not None:
                self._put(answer, "")
            self._over.wait(max(self._every, self._times * (time.monotonic() - began)))

    def _put(self, answer: Answer | None, error: str) -> None:
        with self._lock:
            self._slot = answer, error
