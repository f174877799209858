import dataclasses
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tms_engine.errors import InputError
from tms_tui import settings
from tms_tui.settings import Settings

OTHERS = Settings(theme="nord", render="blocks", palette="safe", pace=math.inf, fps=12, low_bandwidth=True)


def loaded() -> tuple[Settings, str]:
    return settings.load()[:2]


@pytest.fixture
def path(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "tms-tui" / "settings.toml"


def test_without_a_file_the_defaults_hold_and_nothing_is_said(path):
    assert loaded() == (Settings(), "")
    assert not path.exists()


@pytest.mark.parametrize("chosen", [OTHERS, Settings(), Settings(pace=0.5)])
def test_what_is_saved_is_loaded(path, chosen):
    settings.save(chosen)
    assert loaded() == (chosen, "")
    assert [p.name for p in path.parent.iterdir()] == ["settings.toml"]


def test_the_seeds_run_lasts_20_seconds_at_the_default_pace():
    assert 10_000 / Settings().pace == 20


def test_without_xdg_config_home_it_is_under_the_home_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for elsewhere in (None, "", "relative/path"):
        monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
        if elsewhere is not None:
            monkeypatch.setenv("XDG_CONFIG_HOME", elsewhere)
        assert settings.settings_path() == tmp_path / ".config" / "tms-tui" / "settings.toml"


def test_a_user_without_a_home_has_the_defaults_and_saves_nothing(monkeypatch):
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert loaded() == (Settings(), "")
    with pytest.raises(InputError, match="cannot keep the settings"):
        settings.save(OTHERS)


@pytest.mark.parametrize(
    ("content", "warning"),
    [
        (b"theme = ", "is not valid TOML"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"[editor]\nfont = 'x'\n", "editor is none"),
        (b"render = 'holograms'\n", "render should be 'auto', 'braille', 'blocks', 'ascii' or 'image'"),
        (b"pace = 0\n", "pace should be greater than 0"),
        (b"pace = nan\n", "pace should be greater than 0"),
        (b"pace = 'fast'\n", "pace should be a valid number"),
        (b"fps = 0.1\n", "fps should be greater than or equal to 1"),
        (b"theme = 3\n", "theme should be a valid string"),
        (b"turning = 'perhaps'\n", "turning should be a valid boolean"),
        (b"a = " + b"[" * 5000, "is not valid TOML"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else "",
)
def test_a_broken_or_foreign_file_gives_the_defaults_a_sentence_and_is_kept(path, content, warning):
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    found, sentence = loaded()
    assert found == Settings()
    assert warning in sentence
    assert str(path) in sentence
    assert "\n" not in sentence
    assert path.read_bytes() == content
    settings.save(OTHERS)
    assert path.with_name("settings.toml.broken").read_bytes() == content
    assert loaded() == (OTHERS, "")


HAND_WRITTEN = """# of our lecture hall
theme = 'nord' # the dark one

  "pace"=250#slow
fps = 12\r
"""


def test_lines_and_comments_of_the_users_stay_as_they_are(path):
    path.parent.mkdir(parents=True)
    path.write_bytes(HAND_WRITTEN.encode())
    settings.save(Settings(theme="dracula", pace=math.inf, render="ascii"), ("theme", "pace", "render"))
    wanted = HAND_WRITTEN.replace("'nord'", '"dracula"').replace("250", "inf") + 'render = "ascii"\n'
    assert path.read_bytes() == wanted.encode()
    found = settings.load()
    assert found.settings == Settings(theme="dracula", pace=math.inf, render="ascii", fps=12)
    assert found.names == {"theme", "pace", "fps", "render"}


def test_only_what_has_changed_is_written(path):
    settings.save(OTHERS, ("palette",))
    assert path.read_text() == 'palette = "safe"\n'


def test_what_cannot_be_edited_line_by_line_is_put_aside(path):
    path.parent.mkdir(parents=True)
    written = "theme = '''\nnord''' # by hand\nfps = 12"
    path.write_text(written)
    settings.save(Settings(theme="dracula"), ("theme",))
    assert loaded() == (Settings(theme="dracula", fps=12), "")
    assert path.with_name("settings.toml.old").read_text() == written


def test_a_second_broken_file_does_not_take_the_place_of_the_first(path):
    path.parent.mkdir(parents=True)
    for content in ("first = ", "second = "):
        path.write_text(content)
        settings.save(OTHERS)
    kept = {p.name: p.read_text() for p in path.parent.iterdir() if "broken" in p.name}
    assert kept == {"settings.toml.broken": "first = ", "settings.toml.broken-2": "second = "}


def test_a_whole_file_is_not_put_aside(path):
    settings.save(OTHERS)
    settings.save(dataclasses.replace(OTHERS, theme="dracula"))
    assert [p.name for p in path.parent.iterdir()] == ["settings.toml"]


def test_a_whole_number_will_do_for_a_pace(path):
    path.parent.mkdir(parents=True)
    path.write_text("pace = 250\n")
    assert loaded() == (Settings(pace=250), "")


def test_a_directory_in_its_place_gives_the_defaults_and_is_kept(path):
    (path / "inside").mkdir(parents=True)
    found, sentence = loaded()
    assert (found, "cannot read" in sentence) == (Settings(), True)
    settings.save(OTHERS)
    assert (path.with_name("settings.toml.broken") / "inside").is_dir()


def test_a_file_in_the_place_of_the_directory_is_no_error(path):
    path.parent.parent.mkdir(parents=True)
    path.parent.write_text("not a directory")
    assert loaded() == (Settings(), "")
    with pytest.raises(InputError, match="cannot keep the settings"):
        settings.save(OTHERS)
    assert path.parent.read_text() == "not a directory"


@pytest.mark.parametrize("call", ["fsync", "replace", "mkdir"])
def test_where_it_cannot_be_written_the_old_file_stays_and_nothing_is_left(path, monkeypatch, call):
    settings.save(Settings())

    def refuses(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path if call == "mkdir" else os, call, refuses)
    with pytest.raises(InputError, match="cannot keep the settings"):
        settings.save(OTHERS)
    assert loaded() == (Settings(), "")
    assert [p.name for p in path.parent.iterdir()] == ["settings.toml"]


def test_a_linked_file_stays_a_link(path, tmp_path):
    path.parent.mkdir(parents=True)
    (tmp_path / "dotfiles.toml").write_text("theme = 'nord'\n")
    path.symlink_to(tmp_path / "dotfiles.toml")
    assert loaded() == (Settings(theme="nord"), "")
    settings.save(OTHERS)
    assert path.is_symlink()
    assert loaded() == (OTHERS, "")


def test_settings_need_no_torch_textual_or_rich(path):
    script = """
import sys
from tms_engine.errors import InputError
from tms_tui import settings
settings.load()
print([m for m in ("torch", "numpy", "matplotlib", "textual", "rich") if m in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
