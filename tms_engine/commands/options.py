"""Options that several commands have, and how their values are read. Mistakes raise InputError.

The options of an experiment are made from Experiment's fields, and their values go to it as text, so that one
place knows what is valid.
"""

import argparse
import difflib
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from tms_engine.errors import InputError
from tms_engine.experiment import Experiment, choices, read_fields
from tms_engine.presets import preset

# Seconds for a config file that comes through a pipe, as in --config <(…).
_PIPE_WAIT = 10.0


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises InputError instead of exiting."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """As ArgumentParser, which takes the value in "--camera -60,30" for an option."""
        words: list[str] = []
        for word in sys.argv[1:] if args is None else args:
            if words and re.fullmatch(r"--[a-z-]+", words[-1]) and re.match(r"-\.?\d", word):
                words[-1] += f"={word}"
            else:
                words.append(word)
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Raise InputError for an option that does not exist, with a similar one that does."""
        known = [option for action in self._actions for option in action.option_strings]
        word = unknown[0].split("=")[0]
        near = difflib.get_close_matches(word, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"see {self.prog} --help"
        raise InputError(f"{self.prog} does not know {word!r}; {hint}")


def add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="the run's directory")


def add_plugins(parser: argparse.ArgumentParser) -> None:
    """--plugin; main loads the modules before the command runs."""
    parser.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="MODULE",
        help="import a module that registers data laws or models, from here or installed; repeatable",
    )


def add_experiment(parser: argparse.ArgumentParser) -> None:
    """--config and an option for every field of Experiment; `experiment_from` reads them."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="a .toml or .json file of fields, over the preset"
    )
    fields = parser.add_argument_group(
        "experiment", "A list, for one value an instance, has commas: 0.9,0.95"
    )
    for name in Experiment.model_fields:
        add_field(fields, name)


def add_field(group: Any, name: str) -> None:
    """The option of a field of Experiment: absent unless given, and not converted."""
    field = Experiment.model_fields[name]
    default = "" if field.default is None else f" (default: {field.default})"
    option, about = f"--{name.replace('_', '-')}", f"{field.description}{default}"
    if field.annotation is bool:
        group.add_argument(
            option, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=about
        )
        return
    metavar = "|".join(choices(name)) or ("N" if field.annotation is int else "X")
    group.add_argument(option, default=argparse.SUPPRESS, metavar=metavar, help=about)


def given_fields(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of an experiment that the command line sets, as text."""
    return {name: value for name, value in vars(options).items() if name in Experiment.model_fields}


def experiment_from(options: argparse.Namespace) -> tuple[Experiment, str]:
    """The experiment of a command line, and a name for it: options over the config file over the preset."""
    start = preset(options.preset)
    fields = read_fields(options.config, wait=_PIPE_WAIT) if options.config else {}
    fields |= given_fields(options)
    try:
        experiment = start.replace(**fields)
    except InputError as error:
        if options.config and error.field not in vars(options):
            raise InputError(f"{options.config}: {error}") from None
        raise
    return experiment, Path(options.config).stem if options.config else options.preset


def whole_number(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{name} should be a whole number, not {text!r}") from None


def whole_numbers(text: str, name: str) -> tuple[int, ...]:
    return tuple(whole_number(part, name) for part in text.split(","))


def numbers(text: str, name: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = (math.nan,)
    if not all(map(math.isfinite, values)):
        raise InputError(f"{name} should be numbers with commas between, not {text!r}")
    return values
