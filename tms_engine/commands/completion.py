"""`tms completion`: a script for a shell, made by shtab from the parsers.

What stands behind an option is known by its metavar: RUN and DIR are directories, FILE is a file,
"adam|adamw" is one of these words.
"""

import argparse
import re
from typing import Any

from tms_engine.errors import InputError, quoted
from tms_engine.figures import FIGURES
from tms_engine.presets import PRESETS

_EPILOG = """To have it in each new shell:
  bash  echo 'eval "$(tms completion bash)"' >> ~/.bashrc
  zsh   echo 'eval "$(tms completion zsh)"' >> ~/.zshrc, below compinit
  fish  tms completion fish > ~/.config/fish/completions/tms.fish
For the app: `tms-tui --completion SHELL`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", help="bash, zsh, fish or tcsh")
    parser.epilog = f"{_EPILOG}\n\n{parser.epilog}"


def run(options: argparse.Namespace) -> int:
    print(script(options.program, "tms", options.shell))
    return 0


def script(parser: argparse.ArgumentParser, program: str, shell: str) -> str:
    """The script that completes the command lines of a program; its parser can parse nothing then.

    Raises InputError for a shell that shtab lacks.
    """
    import shtab

    if shell not in shtab.SUPPORTED_SHELLS:
        raise InputError(f"shell should be {', '.join(shtab.SUPPORTED_SHELLS)}, not {quoted(shell)}")
    parser.prog = program  # whatever it was called by
    _say_what_completes(parser)
    text = shtab.complete(parser, shell=shell)
    # As shtab 1.13 has it, a directory with a blank in its name is two.
    return re.sub(r"compgen -([df]) -- \$1\b", r'compgen -\1 -- "$1"', text)


def _say_what_completes(parser: argparse.ArgumentParser) -> None:
    """Give the actions of a parser the choices from which shtab completes."""
    from shtab import Choice

    known: dict[str, list[Any]] = {
        "RUN": [Choice("directory")],
        "DIR": [Choice("directory")],
        "FILE": [Choice("file")],
        "PRESET": list(PRESETS),
        "PRESET|DIR": [*PRESETS, Choice("directory")],
        "NAME,...": list(FIGURES),
        "DEVICE": ["auto", "cpu", "cuda", "mps"],
        "SHELL": ["bash", "zsh", "fish", "tcsh"],
    }
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _say_what_completes(command)
        elif action.metavar in known:
            action.choices = known[str(action.metavar)]
        elif re.fullmatch(r"[a-z_]+(\|[a-z_]+)+", str(action.metavar)):
            action.choices = str(action.metavar).split("|")
