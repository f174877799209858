import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tms_engine import InputError, files


class Crash(BaseException):
    """The process dies here."""


def names(directory):
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("failure", [Crash(), OSError(28, "No space left on device")])
def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(tmp_path, monkeypatch, call, failure):
    path = tmp_path / "a.txt"
    files.write_atomically(path, b"old")

    def fails(*_):
        raise failure

    monkeypatch.setattr(os, call, fails)
    with pytest.raises(type(failure)):
        files.write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.txt"]


def test_two_writers_of_one_file_never_mix_their_contents(tmp_path):
    path = tmp_path / "a"
    contents = [bytes([65 + i]) * 200_000 for i in range(4)]
    seen, done = set(), threading.Event()
    files.write_atomically(path, contents[0])

    def read():
        while not done.is_set():
            seen.add(path.read_bytes())

    def write(content):
        for _ in range(15):
            files.write_atomically(path, content)

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(content,)) for content in contents]
    reader.start()
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert seen <= set(contents)
    assert names(tmp_path) == ["a"]


def test_a_file_keeps_the_permissions_that_the_umask_gives(tmp_path):
    before = os.umask(0o022)
    try:
        files.write_atomically(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_a_free_name_counts_on_from_what_is_there(tmp_path):
    assert files.free_name(tmp_path, "gist") == tmp_path / "gist"
    assert names(tmp_path) == []
    (tmp_path / "gist").mkdir()
    (tmp_path / "gist-2").symlink_to("nowhere")
    assert files.free_name(tmp_path, "gist") == tmp_path / "gist-3"


def test_what_a_killed_writer_has_left_is_known_and_removed_and_a_living_ones_is_not(tmp_path):
    script = f"""
import os
from pathlib import Path
from tms_engine import InputError, files
os.replace = lambda *_: os.kill(os.getpid(), 9)
files.write_atomically(Path({str(tmp_path / "a")!r}), b"half")
"""
    subprocess.run([sys.executable, "-c", script])
    (dead,) = tmp_path.iterdir()
    assert files.is_dead_part(dead)
    mine = dead.with_name(re.sub(r"[.][0-9]+-", f".{os.getpid()}-", dead.name))
    elsewhere = dead.with_name(re.sub(r"-[0-9a-f]{8}-", "-00000000-", dead.name))
    others = tmp_path / "thesis.part"
    for path in (mine, elsewhere, others):
        path.touch()
    files.remove_dead_parts(tmp_path)
    assert set(tmp_path.iterdir()) == {mine, elsewhere, others}
    os.utime(elsewhere, (1, 1))  # a day is long gone
    os.utime(others, (1, 1))
    files.remove_dead_parts(tmp_path)
    assert set(tmp_path.iterdir()) == {mine, others}


@pytest.mark.parametrize("kind", ["pipe", "device", "directory", "long"])
def test_what_is_no_small_file_is_refused_at_once(tmp_path, kind):
    path = tmp_path / "a"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "directory":
        path.mkdir()
    else:
        path.write_bytes(bytes(101))
    with pytest.raises((OSError, ValueError)):
        files.read_some(path, 100)
    path.rename(tmp_path / "b")
    path.write_bytes(b"x" * 100)
    assert files.read_some(path, 100) == b"x" * 100


def test_what_the_system_refuses_is_one_sentence():
    assert str(files.cannot("read X", OSError(2, "No such file or directory"))) == (
        "cannot read X: no such file or directory"
    )
    assert files.reason(ValueError("A is not B")) == "a is not B"
    assert files.reason(KeyError("W")) == "it has no W"


def test_a_regular_file_is_read_up_to_its_limit_and_a_pipe_where_it_is_waited_for(tmp_path):
    path, pipe = tmp_path / "a.txt", tmp_path / "pipe"
    path.write_bytes(b"x" * 100)
    assert files.read_small(path, 100) == b"x" * 100
    with pytest.raises(InputError, match=r"a.txt is too large: at most 99 bytes are read"):
        files.read_small(path, 99)
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"y" * 200_000,))
    writer.start()
    assert files.read_small(pipe, 200_000, wait=60) == b"y" * 200_000
    writer.join()


@pytest.mark.parametrize(
    ("make", "wait", "sentence"),
    [
        (os.mkfifo, 0, "it is a pipe, not a file"),
        (os.mkfifo, 0.01, "nothing came through this pipe for 0.01 s"),
        (os.mkdir, 0, "it is a directory"),
        (lambda path: os.symlink("/dev/zero", path), 5, "it is a device, not a file"),
        (lambda path: os.symlink(path, path), 0, "cannot read"),
        (lambda path: None, 0, "no such file"),
    ],
)
def test_what_is_no_file_is_one_sentence_and_never_waited_for(tmp_path, make, wait, sentence):
    make(tmp_path / "a.toml")
    with pytest.raises(InputError, match=sentence):
        files.read_small(tmp_path / "a.toml", 1000, wait)


def test_a_name_with_a_zero_byte_cannot_be_read():
    with pytest.raises(InputError, match="cannot read"):
        files.read_small(Path("a\0b"), 1000)
