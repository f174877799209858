"""The scripts of `tms completion` complete: bash, zsh and fish themselves are asked, where they are there."""

import os
import shutil
import subprocess

import pytest
import shtab

from tms_engine import PRESETS, InputError
from tms_engine.commands import COMMANDS, _parser
from tms_engine.commands.completion import script
from tms_engine.figures import FIGURES
from tms_tui.cli import _parser as app_parser

pytestmark = pytest.mark.slow

ASK_BASH = """
source ./script
compopt() { :; }
while IFS= read -r line; do
  IFS='|' read -ra COMP_WORDS <<< "$line."
  COMP_WORDS[-1]="${COMP_WORDS[-1]%.}"
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  $1
  (IFS='|'; echo "${COMPREPLY[*]}")
done
"""


def bash_completes(program, lines, directory):
    """What bash offers for the last word of each line, whose words have | between."""
    parser = _parser() if program == "tms" else app_parser()
    (directory / "script").write_text(script(parser, program, "bash"))
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK_BASH, "bash", f"_shtab_{program.replace('-', '_')}"],
        cwd=directory,
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return [sorted(filter(None, line.split("|"))) for line in done.stdout.splitlines()]


@pytest.mark.skipif(shutil.which("bash") is None, reason="it is bash that completes here")
def test_bash_completes_commands_options_presets_choices_and_directories(tmp_path):
    (tmp_path / "runs" / "my run").mkdir(parents=True)
    (tmp_path / "mine.toml").touch()
    asked = {
        "tms|": sorted(COMMANDS),
        "tms|tr": ["train"],
        "tms|train|": sorted(PRESETS),
        "tms|train|paper-2": ["paper-20-5"],
        "tms|train|--learn": ["--learning-rate"],
        "tms|train|gist|--model|": ["absolute_value", "linear", "relu_hidden", "tied_relu", "untied"],
        "tms|train|--schedule|c": ["constant", "cosine"],
        "tms|train|--no-b": ["--no-bias"],
        "tms|train|--quiet|--config|m": ["mine.toml"],
        "tms|train|--device|c": ["cpu", "cuda"],
        "tms|show|r": ["runs"],
        "tms|resume|runs/": ["runs/my run"],
        "tms|resume|runs/my r": ["runs/my run"],
        "tms|figures|runs|--only|": sorted(FIGURES),
        "tms|completion|f": ["fish"],
        "tms|presets|gi": ["gist"],
    }
    assert dict(zip(asked, bash_completes("tms", asked, tmp_path), strict=True)) == asked
    app = {"tms-tui|": sorted([*PRESETS, "runs"]), "tms-tui|--render|b": ["blocks", "braille"]}
    assert dict(zip(app, bash_completes("tms-tui", app, tmp_path), strict=True)) == app


@pytest.mark.parametrize("shell", shtab.SUPPORTED_SHELLS)
def test_each_shell_takes_its_script(shell, tmp_path):
    for program, parser in (("tms", _parser()), ("tms-tui", app_parser())):
        text = script(parser, program, shell)
        assert "paper-400-30" in text
        check = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}.get(shell)
        if check and shutil.which(check[0]):
            (tmp_path / "script").write_text(text)
            environment = {**os.environ, "HOME": str(tmp_path)}
            done = subprocess.run(
                [*check, "script"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
            )
            assert (done.returncode, done.stderr) == (0, "")


def test_however_it_is_called_the_program_is_completed():
    text = script(_parser("python -m tms_engine"), "tms", "bash")
    assert text.endswith("-F _shtab_tms tms")
    assert "python" not in text


def test_another_shell_is_a_sentence():
    with pytest.raises(InputError, match=r"shell should be bash, zsh, .*, not 'sh'"):
        script(_parser(), "tms", "sh")
