"""Sweeps: a grid over the fields of an experiment, trained in shards that may be anywhere, with one table.

    spec.py       what a sweep is, checked: base, axes, seeds; text and JSON
    grid.py       rows, families that may share a batch, shards: all worked out from row numbers
    shards.py     a shard: trained, measured, as the bytes of one file
    executors.py  what carries shards: processes, GPUs, Dask, anything with `submit`
    directory.py  the files of a sweep, and which process may train which of its shards
    table.py      a row a model: polars, Parquet, CSV
    sweep.py      Sweep: trains what is missing, selects rows, gives models back as runs
    live.py       a sweep that another process trains, live
    listing.py    the sweeps in a directory, and their removal

The names below are loaded when they are first used: to follow a sweep loads no torch, no numba and no
polars.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tms_engine.sweeps.executors import Dask, Workers, dask, devices, processes
    from tms_engine.sweeps.live import Followed, Follower, follow
    from tms_engine.sweeps.sweep import Progress, Sweep, load_sweep, merge

_HOMES = {
    "Dask": "executors",
    "Workers": "executors",
    "dask": "executors",
    "devices": "executors",
    "processes": "executors",
    "Followed": "live",
    "Follower": "live",
    "follow": "live",
    "Progress": "sweep",
    "Sweep": "sweep",
    "load_sweep": "sweep",
    "merge": "sweep",
}

__all__ = [
    "Dask",
    "Followed",
    "Follower",
    "Progress",
    "Sweep",
    "Workers",
    "dask",
    "devices",
    "follow",
    "load_sweep",
    "merge",
    "processes",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in _HOMES:
            return getattr(import_module(f"tms_engine.sweeps.{_HOMES[name]}"), name)
        raise AttributeError(f"module 'tms_engine.sweeps' has no attribute {name!r}")
