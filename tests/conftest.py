"""Every test has one environment, and also checks the shapes in the signatures it passes through."""

import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.environment import environment_for_tests, hear_signals

# A home of the tests' own, shared with the workers, and removed by the process that made it.
_is_worker = "PYTEST_XDIST_WORKER" in os.environ
_home = os.environ["HOME"] if _is_worker else tempfile.mkdtemp(prefix="tms-home-")
_environment = environment_for_tests(os.environ, _home)
os.environ.clear()
os.environ.update(_environment)
hear_signals()
for _name in ("COLUMNS", "LINES"):  # set by GNU readline, which pytest imports, unseen by Python
    os.unsetenv(_name)
if "textual.constants" in sys.modules:  # a plugin of pytest has imported it, and it has read the user's
    importlib.reload(sys.modules["textual.constants"])

import jaxtyping  # noqa: E402
import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

from tests import checks  # noqa: E402

# Before anything imports the engine, and for as long as the tests run.
jaxtyping.jaxtyped = checks.jaxtyped
jaxtyping.install_import_hook(["tms_engine", "tms_tui"], "tests.checks.check")

from tms_engine import device  # noqa: E402

# Without a GPU, Triton's code runs in its interpreter; it must know before anything imports it (torch may).
if not device._may_have_gpu():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# A gate that answers the same when asked twice. For new examples: pytest --hypothesis-profile=default.
settings.register_profile("gate", derandomize=True, deadline=None, max_examples=30)
settings.load_profile("gate")


@pytest.fixture(autouse=True)
def _signatures_are_checked_anew() -> None:
    checks.begin()


@pytest.fixture(autouse=True)
def _variables_as_before() -> Iterator[None]:
    """Our programs, where a test calls them in this process, set some as if it were theirs alone."""
    ours = ("TEXTUAL", "MPLBACKEND", "MATPLOTLIBRC")
    before = {name: value for name, value in os.environ.items() if name.startswith(ours)}
    yield
    for name in [name for name in os.environ if name.startswith(ours)]:
        del os.environ[name]
    os.environ.update(before)


def pytest_unconfigure() -> None:
    if not _is_worker:
        shutil.rmtree(_home, ignore_errors=True)


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parent.parent
