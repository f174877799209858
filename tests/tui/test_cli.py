import os
import shlex
import subprocess
import sys

import pytest

from tms_tui.cli import main

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("end", ["head -1", "true"])
def test_once_into_a_pipe_that_closes_is_no_error(end):
    once = f"{shlex.quote(sys.executable)} -m tms_tui.cli --once --steps 5 --render braille | {end}"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(once, shell=True, env=environment, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--render", "holograms"], "render should be auto, braille, blocks, ascii, image, not 'holograms'"),
        (
            ["--plugin", "nowhere_to_be_found"],
            "cannot import plugin nowhere_to_be_found: ModuleNotFoundError",
        ),
        (["--renderer", "ascii"], "did you mean --render?"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, sentence, capsys):
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert told.startswith("tms-tui: ")
    assert sentence in told
    assert told.count("\n") == 1
