"""Run directories: train into one, save, load, follow, list; one process at a time writes one.

    RUN/experiment.json       the experiment as it was started
    RUN/state.safetensors     parameters by name, Adam's moments, step; as metadata the run's id, the
    experiment,
                              the changes, the kernel
    RUN/history.safetensors   loss envelope, and parameters at earlier steps
    RUN/summary.json          the run in numbers
    RUN/progress.json         the heartbeat: who trains it, how far it is, what became of it
    RUN/.lock                 while a process holds it
    RUN/figures/              what `tms figures` draws

Nothing here loads torch or numba, and the names below are loaded when they are first used: to follow or to
list runs loads no trainer.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tms_engine.runs.beacon import Beacon
    from tms_engine.runs.follow import Followed, Follower, Status, status_of
    from tms_engine.runs.listing import Listed, Prunable, list_runs, prunable, prune, remove_run
    from tms_engine.runs.load import Peek, load_run, load_summary, peek
    from tms_engine.runs.lock import Holder, InUse, RunLock, claim, claim_new, hold
    from tms_engine.runs.places import runs_directory, state_directory
    from tms_engine.runs.save import save_run, save_somewhere, save_summary
    from tms_engine.runs.training import Keeper, start, take_steps, train, train_on

_HOMES = {
    "Beacon": "beacon",
    "Followed": "follow",
    "Follower": "follow",
    "Status": "follow",
    "status_of": "follow",
    "Listed": "listing",
    "Prunable": "listing",
    "list_runs": "listing",
    "prunable": "listing",
    "prune": "listing",
    "remove_run": "listing",
    "Peek": "load",
    "load_run": "load",
    "load_summary": "load",
    "peek": "load",
    "Holder": "lock",
    "InUse": "lock",
    "RunLock": "lock",
    "claim": "lock",
    "claim_new": "lock",
    "hold": "lock",
    "runs_directory": "places",
    "state_directory": "places",
    "save_run": "save",
    "save_somewhere": "save",
    "save_summary": "save",
    "Keeper": "training",
    "start": "training",
    "take_steps": "training",
    "train": "training",
    "train_on": "training",
}

__all__ = [
    "Beacon",
    "Followed",
    "Follower",
    "Holder",
    "InUse",
    "Keeper",
    "Listed",
    "Peek",
    "Prunable",
    "RunLock",
    "Status",
    "claim",
    "claim_new",
    "hold",
    "list_runs",
    "load_run",
    "load_summary",
    "peek",
    "prunable",
    "prune",
    "remove_run",
    "runs_directory",
    "save_run",
    "save_somewhere",
    "save_summary",
    "start",
    "state_directory",
    "status_of",
    "take_steps",
    "train",
    "train_on",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in _HOMES:
            return getattr(import_module(f"tms_engine.runs.{_HOMES[name]}"), name)
        raise AttributeError(f"module 'tms_engine.runs' has no attribute {name!r}")
