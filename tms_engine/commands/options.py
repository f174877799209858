"""Options that several commands have, and how their values are read. Mistakes raise InputError.

The options of an experiment are made from Experiment's fields, and their values go to it as text, so that one
place knows what is valid.
"""

import argparse
import difflib
import math
import os
import re
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from tms_engine import experiment as rules
from tms_engine.errors import InputError, quoted
from tms_engine.experiment import Experiment, choices, read_fields
from tms_engine.hints import PRESET_NAMES, as_option, hint_for, question
from tms_engine.presets import PRESETS, preset

ENVIRONMENT = {
    "TMS_DEVICE": "the default of --device",
    "TMS_RUNS": "the directory of runs (default: runs, here)",
    "NO_COLOR": "if it is set, nothing is coloured",
    "TMS_IMAGE": "how the app sends images: kitty, iterm2 or sixel",
}

# Seconds for a config file that comes through a pipe, as in --config <(…).
_PIPE_WAIT = 10.0


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises InputError instead of exiting."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.formatter_class, self.allow_abbrev = _Paragraphs, False

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
        self._words = words
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Raise InputError for an option that does not exist, with what it is here, or a similar one."""
        known = [option for action in self._actions for option in action.option_strings]
        word, _, value = unknown[0].partition("=")
        if word in known:
            raise InputError(f"{word} belongs behind the command: {self.prog} {word}")
        hint = hint_for(word) if word.startswith("-") else None
        if hint and (not hint.ours or as_option(hint).split()[0] in known):
            also = question(as_option(hint, value or self._value_of(word)), hint)
        elif near := difflib.get_close_matches(word, known, n=1, cutoff=0.7):
            also = f"did you mean {near[0]}?"
        else:
            also = f"see {self.prog} --help"
        raise InputError(f"{self.prog} does not know {quoted(word)}; {also}")

    def _value_of(self, option: str) -> str | None:
        """What stands behind an option that argparse does not know."""
        place = self._words.index(option) + 1 if option in self._words else len(self._words)
        behind = self._words[place] if place < len(self._words) else "-"
        return None if behind.startswith("-") else behind


class _Paragraphs(argparse.HelpFormatter):
    """Lines of a description or an epilog begin anew where they do in its text; commands have a column."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        def filled(line: str) -> str:
            hang = "  " if re.match(r"[a-z ]+: ", line) else ""
            return textwrap.fill(line, width, initial_indent=indent, subsequent_indent=indent + hang)

        return "\n".join(map(filled, text.splitlines()))

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):  # whose names argparse takes for two shorter
            longest = max(map(len, action.choices))
            self._action_max_length = max(self._action_max_length, longest + 2 * self._indent_increment)


def called_as(name: str, package: str) -> str:
    """How a user calls a program: by its name, or as a module of Python's."""
    is_module = Path(sys.argv[0]).parts[-2:] == (package, "__main__.py")
    return f"python -m {package}" if is_module else name


def environment_text() -> str:
    """The environment variables that matter, a line each, for an epilog."""
    return "\n".join(["environment:", *(f"  {name:10}  {about}" for name, about in ENVIRONMENT.items())])


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


def add_changes(parser: argparse.ArgumentParser) -> None:
    """--change; `changes_from` reads them."""
    parser.add_argument(
        "--change",
        action="append",
        default=[],
        metavar="STEP:FIELD=VALUE",
        help="from this step on, as if changed live: 5000:sparsity=0.8; repeatable",
    )


def changes_from(options: argparse.Namespace) -> list[tuple[int, str, str]]:
    """The planned changes of a command line, (step, field, value) with the value as text."""
    changes = []
    for text in options.change:
        step, colon, change = text.partition(":")
        field, equals, value = change.partition("=")
        if not (colon and equals):
            raise InputError(f"change should be STEP:FIELD=VALUE, as 5000:sparsity=0.8, not {quoted(text)}")
        changes.append((whole_number(step, "the step of change"), field.strip().replace("-", "_"), value))
    return changes


def add_experiment(parser: argparse.ArgumentParser) -> None:
    """--config and an option for every field of Experiment; `experiment_from` reads them."""
    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a .toml or .json file of fields, over the preset; repeatable: later files win, field by field",
    )
    positional = next(action.metavar for action in parser._actions if action.dest == "preset")
    parser.usage = f"%(prog)s [options] [{positional}]"
    fields = parser.add_argument_group(
        "experiment",
        "The defaults are those of gist; another preset has its own. A list, for one value an instance, has "
        "commas: 0.9,0.95. Whole numbers may be written 10000, 10_000 or 1e4.",
    )
    for name in Experiment.model_fields:
        add_field(fields, name, default_told=True)


def add_axes(parser: argparse.ArgumentParser, own: Sequence[str]) -> None:
    """An option for every field of Experiment but `own`, and for density; each takes one value or an axis."""
    fields = parser.add_argument_group(
        "experiment",
        "A field with several values is an axis: a list, 0.5,0.9; a range with both ends, 0:0.99:32; or one "
        "that is even in ratios, log:1:0.01:40. Of importance, a value is a list: 1,1;1,0.5.",
    )
    for name in Experiment.model_fields:
        if name not in own:
            add_field(fields, name, varied=True)
        if name == "sparsity":
            fields.add_argument(
                "--density", default=argparse.SUPPRESS, metavar="X", help="1 − S, in the place of sparsity."
            )


# What an option and its choices may take of a line of help.
_OPTION_COLUMNS = 70


def add_field(group: Any, name: str, default_told: bool = False, varied: bool = False) -> None:
    """The option of a field of Experiment: absent unless given, and not converted.

    With `varied`, it is not said that the value may be a list for the instances.
    """
    field = Experiment.model_fields[name]
    about = str(field.description)
    if default_told and field.default is not None:
        default = {True: "yes", False: "no"}[field.default] if field.annotation is bool else field.default
        about = f"{about.rstrip('.')} (default: {default})"
    option = f"--{name.replace('_', '-')}"
    if varied:
        about = re.sub(r"[;,] one(, or| list, or)? (one )?per instance", "", about)
    if field.annotation is bool and varied:  # also as an axis, --bias no,yes
        group.add_argument(
            option, nargs="?", const=True, default=argparse.SUPPRESS, metavar="no,yes", help=about
        )
        group.add_argument(
            f"--no-{option[2:]}", dest=name, action="store_false", default=argparse.SUPPRESS, help="not so"
        )
        return
    if field.annotation is bool:
        group.add_argument(
            option, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=about
        )
        return
    metavar = "|".join(choices(name)) or ("N" if field.annotation is int else "X")
    if len(metavar) + len(option) > _OPTION_COLUMNS:
        metavar = "NAME"  # which the text about it lists
    group.add_argument(option, default=argparse.SUPPRESS, metavar=_METAVARS.get(name, metavar), help=about)


_METAVARS = {
    "device": "DEVICE",
    "init": "normal|xavier|joint_xavier|K-gon",
    "instances": "I,...",
    "importance": "X,...",
    "relative_density": "X,...",
}


def given_fields(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of an experiment that the command line sets, as text."""
    return {name: value for name, value in vars(options).items() if name in Experiment.model_fields}


def experiment_from(options: argparse.Namespace) -> tuple[Experiment, str]:
    """The experiment of a command line, and a name for it: options over the config files over the preset.

    Of several files the later win, field by field. `options.origins` then says where a field came from.
    """
    start = preset_from(options.preset)
    fields: dict[str, Any] = {}
    options.origins = {}
    if os.environ.get("TMS_DEVICE"):
        fields["device"], options.origins["device"] = os.environ["TMS_DEVICE"], "TMS_DEVICE"
    for path in options.config:
        read = read_fields(path, wait=_PIPE_WAIT)
        fields |= read
        options.origins |= dict.fromkeys(read, str(path))
    given = given_fields(options)
    for name in given:
        options.origins.pop(name, None)
    name = options.config[-1].stem if options.config else options.preset
    return start.replace(**fields | given), name


def told(error: InputError, options: argparse.Namespace | None) -> str:
    """The sentence of a mistake, with where the field at fault was set, if not on the command line."""
    sentence, origins = str(error), getattr(options, "origins", {})
    if error.field:  # it may not go with another field of a file, which the sentence names too
        others = (name for name in origins if name != "device" and re.search(rf"\b{name}\b", sentence))
        named = [error.field, *others]
    else:
        named = sentence.split(" ", 1)[:1]
    given = given_fields(options) if options else {}
    origin = next((origins[name] for name in named if name in origins), "")
    return f"{origin}: {sentence}" if origin and error.field not in given else sentence


def preset_from(name: str) -> Experiment:
    """The experiment of a preset. Raises InputError, which says how to give what is none."""
    path = Path(name)
    if name not in PRESETS:
        if name in PRESET_NAMES:
            raise InputError(f"there is no preset {name!r}; did you mean {PRESET_NAMES[name]}?")
        if os.path.isdir(path):  # and not Path's, which raises for a name that is too long
            raise InputError(
                f"{name} is a directory, not a preset: `tms resume {name}` goes on with a saved run"
                if os.path.isfile(path / "experiment.json")
                else f"{name} is a directory, not a preset, and no saved run"
            )
        if os.path.isfile(path):
            raise InputError(f"{name} is a file, not a preset: give it with --config {name}")
    return preset(name)


def whole_number(text: str, name: str) -> int:
    """Raises InputError, which begins with the name."""
    try:
        return rules.whole_number(text)
    except ValueError as error:
        raise InputError(f"{name} {error}") from None


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
