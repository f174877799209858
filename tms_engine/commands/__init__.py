"""`tms`: the engine on the command line. Data go to stdout, narration to stderr.

Exit codes: 0 done; 1 the run failed (every instance diverged); 2 bad input; 3 the run could not be saved
where it was to be (`train`, `resume`), or ended before its last step (`watch`); 130 interrupted, 143 killed,
129 connection lost, and saved.

One table of commands, and a file a command beside it, with `add_arguments(parser)` and `run(options)`, which
returns the exit code. To add one: its file, one line in the table, its tests. What is slow to import is
imported in `run`, so that help and mistakes are answered at once.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

from tms_engine import plugins, process
from tms_engine.commands.options import Parser
from tms_engine.errors import InputError, out_of_memory

COMMANDS = {
    "train": "train an experiment and save the run",
    "resume": "go on with a run that was interrupted, or extend or change one",
    "watch": "how far a run is that another process trains, until it ends",
    "runs": "list the runs in a directory, and remove what is of no use there",
    "figures": "draw a run's figures as PNG",
    "show": "a run's numbers: loss on fresh data, and a table of its features",
    "presets": "list the presets, or print one as TOML",
}

EXIT_CODES = (
    "exit codes: 0 done, 1 every instance diverged, 2 bad input, 3 saved elsewhere (watch: ended early), "
    "130 interrupted and saved"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    process.print_what_can_be_shown()
    try:
        options, unknown = _parser().parse_known_args(arguments)
        if unknown:
            options.parser.refuse(unknown)
        plugins.load(getattr(options, "plugin", ()))
        code = int(options.run_command(options))
        sys.stdout.flush()  # where a closed pipe is still caught; at exit Python would complain of it
        return code
    except InputError as error:
        print(f"tms: {error}", file=sys.stderr)
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


def _parser() -> Parser:
    parser = Parser(
        prog="tms",
        description="Toy Models of Superposition: train them, look at them, draw them.",
        epilog=EXIT_CODES,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('tms-tui')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for name, about in COMMANDS.items():
        module = import_module(f"tms_engine.commands.{name}")
        command = commands.add_parser(
            name, help=about, description=about, epilog=EXIT_CODES, allow_abbrev=False
        )
        module.add_arguments(command)
        command.set_defaults(run_command=module.run, parser=command)
    return parser
