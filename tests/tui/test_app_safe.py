"""The trials of what the app has trained, once each: `python -m tests.trials kill_app` does more."""

import subprocess
from pathlib import Path

import pytest

from tests.trials import app_safe

pytestmark = pytest.mark.slow


def may_mount(directory: Path) -> bool:
    try:
        with app_safe.small_disk(directory):
            return True
    except (subprocess.CalledProcessError, OSError):
        return False


def test_kill_9_loses_ten_seconds_at_most_and_one_key_resumes_to_the_bit(tmp_path):
    app_safe.kill_app(tmp_path, 17, "--fps", "5")  # after 6.4 s: it has saved by then


@pytest.mark.parametrize("seed", [0, 2], ids=["one name", "one takes over"])
def test_two_apps_at_once_lose_nothing(tmp_path, seed):
    app_safe.two_apps(tmp_path, seed)


def test_a_full_disk_stops_nothing_and_at_the_end_another_directory_takes_the_run(tmp_path):
    if not may_mount(tmp_path / "probe"):
        pytest.skip("only root may mount a small disk; test_update has its failures without")
    app_safe.full_disk_app(tmp_path, 0)
