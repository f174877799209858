"""The environment that every test has, whatever the user's is.

`conftest.py` puts it in the place of the user's own before anything else is imported, so tests, workers of
pytest-xdist and the processes that tests start all have it. A test about a variable sets it itself.
"""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

# What tells where things are on this machine. All else is the user's taste, and is left out.
PLACES = (
    "PATH", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE",
    "CC", "CUDA_HOME", "CUDA_VISIBLE_DEVICES", "TRITON_INTERPRET", "TRITON_LIBCUDA_PATH",
)  # fmt: skip
# What a test runner tells its own workers.
RUNNERS = ("PYTEST_", "TEXTUAL_SNAPSHOT_", "COV_CORE_", "COVERAGE_")

SETTINGS = {
    "LANG": "C.UTF-8",
    "TERM": "xterm-256color",
    "TZ": "UTC",
    "TEXTUAL_ANIMATIONS": "none",
}


def environment_for_tests(users: Mapping[str, str], home: str) -> dict[str, str]:
    """What the user's environment says of the machine, fixed settings, and a home of the tests' own."""
    kept = {name: value for name, value in users.items() if name in PLACES or name.startswith(RUNNERS)}
    return {"PATH": os.defpath, **kept, **SETTINGS, "HOME": home}


def hear_signals() -> None:
    """Let signals do here, and in all processes that are started, what they do in a terminal.

    nohup and shells' background jobs have some ignored, and so would the processes that tests send them to.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGHUP", "SIGQUIT", "SIGTERM", "SIGTSTP", "SIGUSR1", "SIGALRM"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def waited_for_a_processor(task: str) -> float:
    """Seconds for which a task of /proc was ready to run and the machine ran others; 0 where nobody tells."""
    try:
        return int(Path(f"/proc/{task}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0
