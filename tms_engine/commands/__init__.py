"""`tms`: the engine on the command line. Data go to stdout, narration to stderr.

One table of commands, and a file a command beside it, with `add_arguments(parser)` and `run(options)`, which
returns the exit code. To add one: its file, one line in the table, its tests. What is slow to import is
imported in `run`, so that help and mistakes are answered at once.
"""

import argparse
import difflib
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from tms_engine import plugins, process
from tms_engine.commands.options import Parser, called_as, environment_text, told
from tms_engine.commands.progress import silence
from tms_engine.errors import InputError, out_of_memory
from tms_engine.presets import PRESETS

COMMANDS = {
    "train": "train an experiment and save the run",
    "sweep": "train many models over a grid of fields and seeds, and write one table of them",
    "paper": "train one of the paper's experiments, and write its table and its figure",
    "resume": "go on with a run that was interrupted, or extend or change one",
    "watch": "how far a run is that another process trains, until it ends",
    "runs": "list the runs and sweeps in a directory, and remove what is of no use there",
    "figures": "draw a run's figures as PNG",
    "film": "how a run has learned, or a sweep fills, as a GIF or MP4",
    "show": "a run's numbers: loss on fresh data, and a table of its features",
    "presets": "list the presets, or print one as TOML",
    "doctor": "what is on this machine and what is used of it, for a bug report",
    "completion": "a script with which a shell completes command lines",
}

# What others call our commands.
_OTHER_NAMES = {
    **dict.fromkeys(("run", "fit", "new", "start"), "train"),
    **dict.fromkeys(("grid", "population", "scan"), "sweep"),
    **dict.fromkeys(("reproduce", "experiments", "replicate"), "paper"),
    **dict.fromkeys(("continue", "restart", "extend"), "resume"),
    **dict.fromkeys(("plot", "plots", "draw", "export"), "figures"),
    **dict.fromkeys(("info", "summary", "eval", "evaluate"), "show"),
    **dict.fromkeys(("preset", "list"), "presets"),
    **dict.fromkeys(("env", "debug", "report", "system"), "doctor"),
    "completions": "completion",
    "version": "--version",
}

EXIT_CODES = (
    "exit codes: 0 done, 1 every instance diverged, 2 bad input, 3 saved elsewhere (watch: ended early), "
    "70 a fault of the program, 130 interrupted, 143 killed, 129 hung up, each saved"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    process.print_what_can_be_shown()
    options: argparse.Namespace | None = None
    program = called_as("tms", "tms_engine")
    try:
        words = _words(sys.argv[1:] if arguments is None else arguments, program)
        options, unknown = _parser(program).parse_known_args(words)
        if unknown:
            options.parser.refuse(unknown)
        plugins.load(getattr(options, "plugin", ()))
        with silence(options.quiet):
            code = int(options.run_command(options))
        sys.stdout.flush()  # where a closed pipe is still caught; at exit Python would complain of it
        return code
    except InputError as error:
        print(f"tms: {told(error, options)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("tms: interrupted", file=sys.stderr)
        return 130
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        print(f"tms: {out_of_memory(error)}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `tms presets | head -1`
        process.discard_stdout()
        return 0


def _words(words: Sequence[str], program: str) -> list[str]:
    """The words of a command line, with `tms` and `tms help X` as `tms --help` and `tms X --help`.

    Raises InputError for a command that there is not.
    """
    if not words or list(words) == ["help"]:
        return ["--help"]
    if words[0] == "help":
        words = [words[1], "--help"]
    command = next((word for word in words if not word.startswith("-")), None)
    if command is not None and command not in COMMANDS:
        raise InputError(_no_command(command, program))
    return list(words)


def _no_command(word: str, program: str) -> str:
    """The sentence for a first word that is no command."""
    meant = ""
    if word in _OTHER_NAMES:
        meant = _OTHER_NAMES[word]
    elif word in PRESETS:
        meant = f"train {word}"
    elif os.path.isfile(Path(word) / "experiment.json"):
        meant = f"show {word}"
    elif Path(word).suffix in (".toml", ".json") and os.path.isfile(word):
        meant = f"train --config {word}"
    elif near := difflib.get_close_matches(word, COMMANDS, n=1):
        meant = near[0]
    elif near := difflib.get_close_matches(word, PRESETS, n=1, cutoff=0.7):
        meant = f"train {near[0]}"
    also = f"did you mean {program} {meant}?" if meant else f"the commands are {', '.join(COMMANDS)}"
    return f"there is no command {word!r}; {also}"


def _parser(program: str = "tms") -> Parser:
    epilog = f"{EXIT_CODES}\n{environment_text()}"
    parser = Parser(
        prog=program,
        description="Toy Models of Superposition: train them, look at them, draw them.",
        epilog=f"`{program} help COMMAND` says more of one.\n{epilog}",
    )
    parser.add_argument("--version", action=Version, nargs=0, help="show the versions, and leave")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for name, about in COMMANDS.items():
        module = import_module(f"tms_engine.commands.{name}")
        command = commands.add_parser(name, help=about, description=about, epilog=epilog)
        module.add_arguments(command)
        command.add_argument("-q", "--quiet", action="store_true", help="nothing on stderr but errors")
        command.set_defaults(run_command=module.run, parser=command, program=parser)
    return parser


class Version(argparse.Action):
    """--version: the program's, Python's and those of the libraries that decide what a run is."""

    def __call__(self, parser: Any, *_: Any) -> None:
        from tms_engine.commands.doctor import versions

        of = versions()
        libraries = ", ".join(f"{name} {of[name]}" for name in ("python", "numpy", "torch", "numba"))
        print(f"{parser.prog} {of['tms-tui']} ({libraries})")
        parser.exit()
