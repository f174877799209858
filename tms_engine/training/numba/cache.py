"""How our compiled functions are made, and kept on disk. All that leans on private parts of numba.

Seen in numba 0.68: `numba.core.caching.FunctionCache` with `load_overload`, `save_overload` and `flush`, the
stamp and the `_index_path` of its `_cache_file`, and the `_cache` of a dispatcher. Where these are gone,
tests/engine/test_numba_cache.py fails with a clear word.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
from numba.core.caching import FunctionCache


class ForgivingCache(FunctionCache):
    """numba's cache on disk, to which a file that is damaged and a disk that is full are no errors.

    What was compiled is made anew when its file has changed, as numba's, and also when one of those has that
    its functions and constants are imported from: both are compiled into it.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        files = sorted({Path(module.__file__ or "") for module in _imported(vars(_module(function)))})
        stamps = [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]
        self._cache_file._source_stamp = (self._cache_file._source_stamp, *stamps)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # whatever unpickling half a file may raise
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        with suppress(OSError):
            super().save_overload(sig, data)


def _module(function: Callable[..., Any]) -> ModuleType:
    return sys.modules[function.__module__]


def _imported(names: dict[str, Any]) -> Iterator[ModuleType]:
    """Our modules that names in a module come from: modules, and those of compiled functions with theirs."""
    for value in names.values():
        if isinstance(value, ModuleType) and value.__name__.startswith("tms_engine."):
            yield value
        elif (
            isinstance(value, numba.core.dispatcher.Dispatcher) and vars(_module(value.py_func)) is not names
        ):
            yield _module(value.py_func)
            yield from _imported(vars(_module(value.py_func)))


# Modules with compiled functions, and where those of each are kept.
_kept: list[tuple[str, Path]] = []


def compiled(parallel: bool = False) -> Callable[[Any], Any]:
    """A decorator: compiled without the GIL, and kept on disk if a directory for that can be written."""
    # Sums may be split and products fused, the same for all who run this code; NaN and infinity stay.
    options: dict[str, Any] = {
        "nogil": True,
        "parallel": parallel,
        "error_model": "numpy",
        "fastmath": {"reassoc", "contract", "nsz"},
    }

    def decorate(function: Any) -> Any:
        dispatcher = numba.njit(function, **options)
        with suppress(RuntimeError, OSError):  # no directory that can be written, no files of ours
            dispatcher._cache = ForgivingCache(function)
            kept = (function.__module__.rpartition(".")[2], Path(dispatcher._cache.cache_path))
            if kept not in _kept:
                _kept.append(kept)
        return dispatcher

    return decorate


def is_kept(dispatcher: Any) -> bool:
    """Whether something compiled of it is on disk; also where nothing can be kept there."""
    cache = dispatcher._cache
    return not isinstance(cache, ForgivingCache) or Path(cache._cache_file._index_path).exists()


def on_disk() -> tuple[Path | None, int, int]:
    """Where what is compiled is kept, how many files there are of it for this Python, and their bytes.

    None where no directory can be written, and where nothing that is to be compiled has been imported.
    """
    this = f"py{sys.version_info.major}{sys.version_info.minor}"
    files = {path for name, path in _kept for path in path.glob(f"{name}.*.{this}*.nb?") if path.is_file()}
    return (_kept[0][1] if _kept else None), len(files), sum(path.stat().st_size for path in files)
