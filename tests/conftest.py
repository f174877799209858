"""Every test also checks the shapes in the signatures it passes through."""

from pathlib import Path

import pytest
from jaxtyping import install_import_hook

import tests.checks  # noqa: F401  (the hook finds it by name)

# Before anything imports the engine, and for as long as the tests run.
install_import_hook(["tms_engine", "tms_tui"], "tests.checks.check")


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parent.parent
