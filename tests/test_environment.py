"""Tests and the processes that they start have the environment of `environment.py`, and not the user's."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.environment import SETTINGS, environment_for_tests

NASTY = {
    "LC_ALL": "C", "LC_CTYPE": "POSIX", "LANG": "de_DE@euro", "TERM": "dumb", "COLORTERM": "",
    "COLUMNS": "20", "LINES": "5", "NO_COLOR": "1", "FORCE_COLOR": "1", "TEXTUAL_THEME": "nord",
    "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "PYTHONUNBUFFERED": "1", "CI": "true",
    "MPLBACKEND": "TkAgg", "MPLCONFIGDIR": "/nowhere", "XDG_CONFIG_HOME": "/nowhere", "HOME": "/nowhere",
    "OMP_NUM_THREADS": "1", "NUMBA_DISABLE_JIT": "1",
}  # fmt: skip
MACHINE = {"PATH": "/opt/bin:/bin", "TMPDIR": "/a/long place", "PYTEST_XDIST_WORKER": "gw3"}


def test_what_says_where_things_are_is_kept_and_nothing_else():
    assert environment_for_tests({**NASTY, **MACHINE}, "/home") == {**MACHINE, **SETTINGS, "HOME": "/home"}


def test_without_any_environment_there_is_one():
    assert environment_for_tests({}, "/home") == {"PATH": os.defpath, **SETTINGS, "HOME": "/home"}


def test_the_processes_that_tests_start_have_it_too():
    script = "import json, os, sys; print(json.dumps([dict(os.environ), sys.stdout.encoding]))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    environment, encoding = json.loads(found.stdout)
    assert {name: environment[name] for name in SETTINGS} == SETTINGS
    assert (NASTY.keys() - SETTINGS.keys() - {"HOME"}) & environment.keys() == set()
    assert encoding == "utf-8"


def test_what_nohup_and_background_jobs_ignore_is_heard():
    script = """
import signal, subprocess, sys
for name in ("SIGINT", "SIGHUP", "SIGQUIT"):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
from tests.environment import hear_signals
hear_signals()
ask = "import signal; print([signal.getsignal(s) is signal.SIG_IGN for s in (1, 2, 3)])"
subprocess.run([sys.executable, "-c", ask], check=True)
"""
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, cwd=Path(__file__).parent.parent
    )
    assert found.stdout.strip() == b"[False, False, False]"
