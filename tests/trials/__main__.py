"""python -m tests.trials [NAME ...] [--count N] [--seed S]: run trials, and say how often each held."""

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from tests.environment import hear_signals

# trial -> module of this package with a function of that name: (directory, seed) -> what was tried, in words
TRIALS: dict[str, str] = {
    "names": "names",
    "settings": "settings",
    "sizes": "sizes",
    "terminals": "terminals",
    "kill_app": "app_safe",
    "two_apps": "app_safe",
    "full_disk_app": "app_safe",
    "kill_train": "safe",
    "kill_large_train": "safe",
    "race_out": "safe",
    "race_resume": "safe",
    "full_disk": "safe",
    "damage": "safe",
    "kill_sweep": "sweeps",
    "interrupt_sweep": "sweeps",
    "figures_under_hostile_settings": "figures",
    "figures_cut_off_by_a_full_disk": "figures",
    "closed_terminal": "end",
    "signals": "end",
    "nowhere_to_save": "end",
    "stop_and_continue": "end",
    "suspended": "end",
    "early_interrupt": "end",
    "closed_streams": "end",
    "hostile_bytes": "raw_input",
    "raw_bytes": "raw_input",
    "any_input": "raw_input",
    "soak": "raw_input",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.trials", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(TRIALS)} (default: all)")
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the first; the next has the next")
    options = parser.parse_args()
    hear_signals()
    failed = 0
    for name in options.names or TRIALS:
        failed += _run(name, options.count, options.seed)
    return 1 if failed else 0


def _run(name: str, count: int, first: int) -> int:
    trial: Callable[[Path, int], str] = getattr(import_module(f"tests.trials.{TRIALS[name]}"), name)
    began, failed = time.monotonic(), 0
    for seed in range(first, first + count):
        with tempfile.TemporaryDirectory(prefix="trial-", ignore_cleanup_errors=True) as directory:
            try:
                tried = trial(Path(directory), seed)
                print(f"{name} {seed}: held ({tried})", flush=True)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                failed += 1
                print(f"{name} {seed}: FAILED", flush=True)
                traceback.print_exc()
    print(f"{name}: {count - failed} of {count} held, {time.monotonic() - began:.0f} s", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
