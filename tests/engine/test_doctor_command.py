"""`tms doctor` says what there is, keeps what is the user's own, and never fails."""

import getpass
import json
import os
import platform
import pty
import re
import subprocess
import sys

import pytest

from tms_engine.commands import doctor, main

pytestmark = pytest.mark.slow

SECTIONS = ["versions", "machine", "training", "terminal", "app", "places", "environment"]


def test_it_says_what_there_is(capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    assert main(["doctor", "--json"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    found = json.loads(told.out)
    assert list(found) == SECTIONS
    assert found["versions"]["python"] == platform.python_version()
    assert re.match(r"\d+\.\d+", found["versions"]["textual"])
    assert found["training"]["device"].startswith("auto is ")
    assert "for the seed, " in found["training"]["kernel"]
    assert (
        "can be written" in found["training"]["numba_cache"] or "nowhere" in found["training"]["numba_cache"]
    )
    assert found["app"]["characters"] == "auto takes ascii, for LC_ALL is C"
    assert found["environment"]["LC_ALL"] == "C"
    assert "not known" not in told.out


def test_as_text_there_is_a_line_for_each_thing():
    text = doctor.as_text({"versions": {"python": "3", "tms-tui": "1"}, "app": "not known", "none": {}})
    assert text == "versions\n  python   3\n  tms-tui  1\n\napp\n  not known\n\nnone\n  nothing"


def test_it_tells_no_secrets(tmp_path, monkeypatch):
    home = tmp_path / "home of" / "somebody"
    home.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LOGNAME", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("SSH_CONNECTION", "10.1.2.3 5 10.1.2.4 22")
    monkeypatch.setenv("TMS_RUNS", str(home / "runs"))
    monkeypatch.setenv("TMPDIR", "/scratch/somebody/tmp")
    monkeypatch.setenv("TERM", "xterm\x1b[31m")
    monkeypatch.setattr(platform, "node", lambda: "secret-host")
    monkeypatch.setenv("TERM_PROGRAM", "a on secret-host")
    monkeypatch.chdir(home)
    assert getpass.getuser() == "somebody"
    text = doctor.as_text(doctor.report("nothing"))
    for secret in ("hunter2", "AWS", "somebody", "10.1.2", "secret-host", "\x1b", str(home)):
        assert secret not in text
    assert re.search(r"TMS_RUNS +~/runs", text)
    assert re.search(r"TMPDIR +/scratch/USER/tmp", text)
    assert re.search(r"SSH_CONNECTION +set", text)
    assert re.search(r"here +~ \(can be written", text)


def test_a_name_that_begins_like_home_is_not_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/a")
    monkeypatch.setenv("LOGNAME", "a")
    hide = doctor._hider()
    assert hide("/home/a /home/a/x /home/ab /srv/a/b /srv/ab") == "~ ~/x /home/ab /srv/USER/b /srv/ab"


def test_a_probe_that_fails_says_so_and_the_others_go_on(monkeypatch, tmp_path, capsys):
    def fails(*_, **__):
        raise RuntimeError("the driver\nis on fire")

    for name in (
        "_system",
        "_cores",
        "_gpu_driver",
        "_device",
        "_kernel",
        "_numba_cache",
        "_size",
        "_of_the_app",
    ):
        monkeypatch.setattr(doctor, name, fails)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert text.count("not known: RuntimeError: the driver is on fire") == 8
    assert re.search(r"here +not known: FileNotFoundError", text)
    assert re.search(r"temporary .*free", text)


def test_without_the_app_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert main(["doctor"]) == 0
    assert re.search(r"app\n +not known: FileNotFoundError", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"\x1b[?1u\x1b[?62;4c", "has kitty's keyboard protocol; attributes 62;4"),
        (b"\x1b[?62;22c", "does not have kitty's keyboard protocol; attributes 62;22"),
        (b"", "no answer in 1 s"),
    ],
)
def test_the_terminal_is_asked_and_left_as_it_was(answer, found):
    script = """
import termios, os
from tms_engine.commands.doctor import _answers
before = termios.tcgetattr(0)
print(_answers() + ("." if termios.tcgetattr(0) == before else " changed"), end="!", flush=True)
"""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", script])
    told = b""
    while b"!" not in told:
        told += os.read(terminal, 1000)
        if b"\x1b[c" in told and answer:
            os.write(terminal, answer)
            answer = b""
    os.waitpid(child, 0)
    os.close(terminal)
    assert f"{found}.!".encode() in told


def test_without_a_terminal_it_is_not_asked():
    done = subprocess.run(
        [sys.executable, "-c", "from tms_engine.commands.doctor import _answers; print(_answers())"],
        start_new_session=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "not asked: there is no terminal\n"
