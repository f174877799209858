"""`tms watch`: how far a run is that another process trains, as lines, until it ends."""

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING

from tms_engine.commands import options as common
from tms_engine.digits import number

if TYPE_CHECKING:
    from tms_engine.runs import Status

# Exit code of a run that ended before its last step.
ENDED_EARLY = 3

# Seconds between two looks, between two lines on a terminal or elsewhere, and after which a process on
# another host that shows no sign of life is no longer waited for.
_LOOK_EVERY, _LINE_EVERY, _LONG_LINE_EVERY, _GIVE_UP_AFTER = 1.0, 1.0, 10.0, 300.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_run(parser)
    parser.add_argument("--json", action="store_true", help="a line of JSON each time")


def run(options: argparse.Namespace) -> int:
    from tms_engine.runs import Follower

    every = _LINE_EVERY if sys.stdout.isatty() else _LONG_LINE_EVERY
    follower, told, told_at, silent_since = Follower(options.run), None, 0.0, 0.0
    while True:
        status, now = follower.status(), time.monotonic()
        if status.state != "silent":
            silent_since = now
        key = (status.state, status.holder, status.trouble)
        if key != told or now - told_at >= every:
            print(_as_json(status) if options.json else line(status, whole=key != told), flush=True)
            told, told_at = key, now
        if not status.is_running or now - silent_since > _GIVE_UP_AFTER:
            return {"finished": 0, "diverged": 1}.get(status.state, ENDED_EARLY)
        time.sleep(_LOOK_EVERY)


def line(status: "Status", whole: bool = True) -> str:
    """A status as a line of text; `whole`: with who trains it."""
    words = [f"step {status.step:,} of {status.steps:,}"]
    if status.loss is not None:
        words.append(f"batch loss {number(status.loss)}")
    if status.state == "running" and status.rate:
        words.append(f"{status.rate:,.0f} steps/s")
    if status.time_left is not None:
        words.append(f"{status.time_left:,.0f} s left")
    words.append(str(status) if whole else status.state)
    if status.trouble and whole:
        words.append(f"not saved since step {status.saved:,}: {status.trouble}")
    return "  ".join(words)


def _as_json(status: "Status") -> str:
    holder = status.holder._asdict() if status.holder else None
    return json.dumps({**status._asdict(), "holder": holder, "time_left": status.time_left})
