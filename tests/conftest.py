"""Every test also checks the shapes in the signatures it passes through."""

import os
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

import tests.checks  # noqa: F401  (the hook finds it by name)

# Before anything imports the engine, and for as long as the tests run.
install_import_hook(["tms_engine", "tms_tui"], "tests.checks.check")

from tms_engine import device  # noqa: E402

# Without a GPU, Triton's code runs in its interpreter; it must know before anything imports it (torch may).
if not device._may_have_gpu():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# A gate that answers the same when asked twice. For new examples: pytest --hypothesis-profile=default.
settings.register_profile("gate", derandomize=True)
settings.load_profile("gate")


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parent.parent
