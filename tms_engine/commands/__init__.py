"""`tms`: the engine on the command line. Data go to stdout, narration to stderr.

Exit codes: 0 done; 1 the run failed (every instance diverged); 2 bad input; 130 interrupted, and saved.

The options of `tms train` are made from Experiment's fields, and their values go to it as text: one
place knows what is valid, and says so in one sentence, wherever a value comes from. That is why this is
argparse. What is slow to import is imported where it is used, so that help and mistakes answer at once.
"""

import argparse
import contextlib
import difflib
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args, get_origin

from tms_engine.errors import InputError
from tms_engine.experiment import LIVE_FIELDS, PRESETS, Experiment, preset, read_fields

if TYPE_CHECKING:
    from tms_engine.training.trainer import Run, Trainer

EXIT_CODES = "exit codes: 0 done, 1 every instance diverged, 2 bad input, 130 interrupted and saved"

# Seconds between two lines of progress where there is no terminal.
_LINE_EVERY = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # a captured stream, in tests
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # ‖W‖ on an ASCII terminal
    try:
        options = _parse(arguments)
        code = int(options.command(options))
        sys.stdout.flush()  # where a closed pipe is still caught; at exit Python would complain of it
        return code
    except InputError as error:
        print(f"tms: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("tms: interrupted", file=sys.stderr)
        return 130
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):  # torch's own out-of-memory
            raise
        print("tms: not enough memory for this experiment: make it smaller", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `tms presets | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _train(options: argparse.Namespace) -> int:
    experiment, name = experiment_from(options)
    out = options.out or _new_directory(f"{name}-{time.strftime('%Y%m%d-%H%M%S')}")

    from tms_engine.runs import start

    return _train_to_the_end(start(experiment, out), out, options)


def experiment_from(options: argparse.Namespace) -> tuple[Experiment, str]:
    """The experiment of a command line, and what to call it: options over the config file over the preset."""
    fields = preset(options.preset).model_dump()
    if options.config:
        fields |= read_fields(options.config)
    fields |= given_fields(options)
    try:
        experiment = Experiment(**fields)
    except InputError as error:
        if options.config and error.field not in vars(options):
            raise InputError(f"{options.config}: {error}") from None
        raise
    return experiment, Path(options.config).stem if options.config else options.preset


def given_fields(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of an experiment that the command line sets, as text."""
    return {name: value for name, value in vars(options).items() if name in Experiment.model_fields}


def _new_directory(name: str) -> Path:
    """runs/NAME, or runs/NAME-2 and so on where another run has begun in the same second."""
    path, count = Path("runs") / name, 1
    while path.exists():
        count += 1
        path = path.with_name(f"{name}-{count}")
    return path


def _resume(options: argparse.Namespace) -> int:
    from tms_engine.runs import load_run
    from tms_engine.training.trainer import Trainer

    trainer = Trainer.resume(load_run(options.run), options.device)
    trainer.change(**{name: value for name, value in vars(options).items() if name in LIVE_FIELDS})
    if trainer.finished:
        raise InputError(
            f"{options.run} has taken all its {trainer.step:,} steps: "
            f"give it more with --steps {2 * trainer.step}"
        )
    return _train_to_the_end(trainer, options.run, options)


def _train_to_the_end(trainer: "Trainer", out: Path, options: argparse.Namespace) -> int:
    from tms_engine.analysis.evaluation import summarize
    from tms_engine.runs import train_on

    experiment = trainer.current
    _say(
        f"training {_headline(experiment)}: step {trainer.step:,} to {experiment.steps:,} "
        f"on {trainer.device}, {trainer.kernel} kernel"
    )
    if options.verbose:
        _say(trainer.reason)
    with _stop_on_signals() as stopped, _progress(trainer) as show:
        run = train_on(trainer, out, on_progress=show, should_stop=stopped)
    diverged = trainer.snapshot().diverged
    if diverged:
        _say("diverged, and stopped at its last finite weights: instance " + ", ".join(map(str, diverged)))
    if stopped() and not trainer.finished:
        _say(f"interrupted at step {trainer.step:,} and saved; go on with: tms resume {_quoted(out)}")
        return 130
    if options.json:
        print(json.dumps({"run": str(out), **summarize(run)}, indent=2))
    else:
        print(_summary_text(summarize(run), run))
    _say(f"saved to {out}; see it with: tms show {_quoted(out)}, tms figures {_quoted(out)}")
    return 1 if len(diverged) == experiment.n_instances else 0


def _figures(options: argparse.Namespace) -> int:
    from tms_engine.runs import load_run

    run = load_run(options.run)
    directory = options.out or options.run / "figures"
    axes = _whole_numbers(options.axes) if options.axes else None
    _say(f"drawing step {run.state.step:,} at {options.dpi} dpi")

    from tms_engine.figures import save_figures

    instance, dpi = _whole_number(options.instance, "instance"), _whole_number(options.dpi, "dpi")
    save_figures(run, directory, instance=instance, dpi=dpi, axes=axes, on_saved=_tell)
    if options.html:
        from tms_engine.figures.html import save_html

        save_html(run, directory, instance=instance, axes=axes, on_saved=_tell)
    return 0


def _show(options: argparse.Namespace) -> int:
    from tms_engine.analysis.evaluation import features_of, summarize
    from tms_engine.runs import load_run

    run = load_run(options.run)
    instance = 0 if options.instance is None else _whole_number(options.instance, "instance")
    rows = features_of(run, instance)
    summary = summarize(run)
    if options.json:
        experiment = run.experiment.model_dump(mode="json")
        print(json.dumps({"experiment": experiment, **summary, "features": rows}, indent=2))
        return 0
    print(_summary_text(summary, run))
    if run.experiment.n_instances > 1 and options.instance is None:
        print("\n" + _table(_instance_rows(summary)))
    else:
        print("\n" + _table(rows))
    return 0


def _presets(options: argparse.Namespace) -> int:
    if options.preset:
        print(preset(options.preset).to_toml(), end="")
        return 0
    width = max(map(len, PRESETS))
    for name, entry in PRESETS.items():
        print(f"{name:{width}}  {entry.description}")
    return 0


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _tell(path: Path) -> None:
    print(path, flush=True)


def _headline(experiment: Experiment) -> str:
    sparsity = experiment.sparsity
    if isinstance(sparsity, tuple):
        sparsity_text = f"{min(sparsity):.3g} to {max(sparsity):.3g}"
    else:
        sparsity_text = f"{sparsity:.4g}"
    several = f", {experiment.n_instances} instances" if experiment.n_instances > 1 else ""
    kind = (
        experiment.features if experiment.features != "n_active" else f"exactly {experiment.n_active} active"
    )
    data = kind if experiment.features == "n_active" else f"{kind}, S {sparsity_text}"
    return f"{experiment.n_features} → {experiment.n_hidden}, {data}{several}, seed {experiment.seed}"


def _summary_text(summary: dict[str, Any], run: "Run") -> str:
    instances = summary["instances"]
    n, m = run.experiment.n_features, run.experiment.n_hidden
    lines = [_headline(run.current), f"step {summary['step']:,} of {summary['steps']:,}", ""]
    if len(instances) == 1:
        only = instances[0]
        lines += [
            f"loss on fresh data  {_number(only['loss'])} ± {_number(only['standard_error'])} "
            f"({summary['evaluation_rows']:,} rows)",
            f"represented         {only['represented']} of {n} features",
            f"ΣD                  {only['total_dimensionality']:.3f} of {m} dimensions",
            f"Σ‖W‖²               {only['total_squared_norm']:.3f}",
        ]
    else:
        losses = sorted(i["loss"] for i in instances if i["loss"] is not None and i["diverged_at"] is None)
        span = f"{_number(losses[0])} to {_number(losses[-1])}" if losses else "none"
        lines += [
            f"loss on fresh data  {_number(summary['loss'])} mean, {span} "
            f"({summary['evaluation_rows']:,} rows each)",
            f"represented         {_span(instances, 'represented', 'd')} of {n} features",
            f"ΣD                  {_span(instances, 'total_dimensionality', '.3f')} of {m} dimensions",
        ]
    if summary["diverged"]:
        lines.append(f"diverged            instance {', '.join(map(str, summary['diverged']))}")
    for change in summary["changes"]:
        lines.append(f"changed             {change['field']} to {change['value']} at step {change['step']:,}")
    return "\n".join(lines)


def _span(instances: list[dict[str, Any]], name: str, form: str) -> str:
    values = [i[name] for i in instances if i[name] is not None]
    return f"{min(values):{form}} to {max(values):{form}}" if values else "none"


def _number(value: float | None) -> str:
    return (
        "not finite" if value is None else f"{value:.6f}" if value >= 1e-4 or value == 0 else f"{value:.2e}"
    )


def _instance_rows(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """The table of instances, the columns that a screen has room for."""
    columns = ("loss", "standard_error", "represented", "total_dimensionality", "diverged_at")
    return [
        {"instance": i, **{c: row[c] for c in columns if c != "diverged_at" or summary["diverged"]}}
        for i, row in enumerate(summary["instances"])
    ]


def _table(rows: list[dict[str, Any]]) -> str:
    """Rows with the same keys as right-aligned columns under their names."""

    def text(value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, float):
            return f"{value:.3f}" if abs(value) >= 0.01 or value == 0 else f"{value:.2e}"
        return "" if value is None else str(value)

    names = {"norm": "‖W‖", "dimensionality": "D", "total_dimensionality": "ΣD", "standard_error": "±"}
    columns = [
        [
            names.get(key, key),
            *((_number if key in ("loss", "standard_error") else text)(row[key]) for row in rows),
        ]
        for key in rows[0]
    ]
    widths = [max(map(len, column)) for column in columns]
    return "\n".join(
        "  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True))
        for line in zip(*columns, strict=True)
    )


@contextlib.contextmanager
def _stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Ctrl-C, a kill or a lost connection ask the run to stop and save; a second Ctrl-C does not wait."""
    caught: list[int] = []

    def stop(number: int, _frame: Any) -> None:
        caught.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield lambda: bool(caught)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _progress(trainer: "Trainer") -> Iterator[Callable[["Trainer"], None]]:
    """A live bar on a terminal, else a line now and then. Before it shows steps, the kernel is compiled."""
    steps = trainer.current.steps

    def now() -> str:
        snapshot = trainer.snapshot()
        return f"loss {_number(snapshot.loss)}  {snapshot.rate:,.0f} steps/s"

    if sys.stdout.isatty() and sys.stderr.isatty():
        from tqdm import tqdm

        form = "{percentage:3.0f}% |{bar}| {n:,}/{total:,}  {desc}  {remaining} left"
        with tqdm(total=steps, initial=trainer.step, file=sys.stderr, bar_format=form, leave=True) as bar:
            if trainer.compiles:
                bar.set_description_str("compiling")
                trainer.prepare()

            def show(trainer: "Trainer") -> None:
                bar.set_description_str(now(), refresh=False)
                bar.update(trainer.step - bar.n)

            yield show
            bar.refresh()
        return

    if trainer.compiles:
        _say(f"compiling the {trainer.kernel} kernel, unless that was done before")
        trainer.prepare()
    began, first = time.monotonic(), trainer.step
    told, tenth = began, 10 * first // steps

    def line(trainer: "Trainer") -> None:
        nonlocal told, tenth
        if 10 * trainer.step // steps > tenth or time.monotonic() - told > _LINE_EVERY:
            told, tenth = time.monotonic(), 10 * trainer.step // steps
            left = (told - began) / (trainer.step - first) * (steps - trainer.step)
            _say(f"step {trainer.step:,} of {steps:,}  {now()}  {left:.0f} s left")

    yield line


def _whole_number(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{name} should be a whole number, not {text!r}") from None


def _whole_numbers(text: str) -> list[int]:
    return [_whole_number(part, "axes") for part in text.split(",")]


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose mistakes are one sentence, an InputError."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")

    def refuse(self, unknown: list[str]) -> NoReturn:
        """Say that there is no such option, and which one may have been meant."""
        known = [option for action in self._actions for option in action.option_strings]
        word = unknown[0].split("=")[0]
        near = difflib.get_close_matches(word, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"see {self.prog} --help"
        raise InputError(f"{self.prog} does not know {word!r}; {hint}")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options, unknown = _parser().parse_known_args(arguments)
    if unknown:
        options.parser.refuse(unknown)
    return options


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="tms",
        description="Toy Models of Superposition: train them, look at them, draw them.",
        epilog=EXIT_CODES,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('tms-tui')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)

    def command(name: str, run: Callable[[argparse.Namespace], int], about: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = commands.add_parser(
            name, help=about, description=about, epilog=EXIT_CODES, allow_abbrev=False
        )
        added.set_defaults(command=run, parser=added)
        return added

    train = command("train", _train, "train an experiment and save the run")
    train.add_argument(
        "preset", nargs="?", default="gist", metavar="PRESET", help="where to start from (default: gist)"
    )
    train.add_argument("--out", type=Path, metavar="DIR", help="a new directory (default: runs/PRESET-TIME)")
    _add_output_arguments(train)
    add_experiment_arguments(train)

    resume = command("resume", _resume, "go on with a run that was interrupted, or extend or change one")
    resume.add_argument("run", type=Path, metavar="RUN", help="the run's directory")
    resume.add_argument("--device", metavar="DEVICE", help="train on another device than before")
    _add_output_arguments(resume)
    changes = resume.add_argument_group("changes, from this step on")
    for name in LIVE_FIELDS:
        _add_field(changes, name)

    figures = command("figures", _figures, "draw a run's figures as PNG")
    figures.add_argument("run", type=Path, metavar="RUN", help="the run's directory")
    figures.add_argument("--dpi", default="300", metavar="N", help="dots per inch (default: 300)")
    figures.add_argument("--html", action="store_true", help="interactive twins too (needs the extra html)")
    figures.add_argument("--instance", default="0", metavar="I", help="which instance (default: 0)")
    figures.add_argument("--axes", metavar="A,B,C", help="hidden dimensions to draw (default: all 3, or PCA)")
    figures.add_argument("--out", type=Path, metavar="DIR", help="where to (default: RUN/figures)")

    show = command("show", _show, "a run's numbers: loss on fresh data, and a table of its features")
    show.add_argument("run", type=Path, metavar="RUN", help="the run's directory")
    show.add_argument("--instance", metavar="I", help="features of this instance (default: a table of all)")
    show.add_argument("--json", action="store_true", help="as JSON")

    presets = command("presets", _presets, "list the presets, or print one as TOML")
    presets.add_argument("preset", nargs="?", metavar="PRESET", help="print this one's fields")
    return parser


def _add_output_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="the summary as JSON on stdout")
    parser.add_argument("-v", "--verbose", action="store_true", help="say which kernel trains, and why it")


def add_experiment_arguments(parser: argparse.ArgumentParser) -> None:
    """--config and an option for every field of Experiment; `experiment_from` reads them."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="a .toml or .json file of fields, over the preset"
    )
    fields = parser.add_argument_group(
        "experiment", "A list, for one value an instance, has commas: 0.9,0.95"
    )
    for name in Experiment.model_fields:
        _add_field(fields, name)


def _add_field(group: Any, name: str) -> None:
    """The option of a field of Experiment: absent unless given, and not converted."""
    field = Experiment.model_fields[name]
    option, about = f"--{name.replace('_', '-')}", f"{field.description} (gist: {field.default})"
    if field.annotation is bool:
        group.add_argument(
            option, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=about
        )
        return
    literal = get_origin(field.annotation) is Literal
    metavar = "|".join(get_args(field.annotation)) if literal else "X" if name in _LISTS else "N"
    group.add_argument(option, default=argparse.SUPPRESS, metavar=metavar, help=about)


_LISTS = ("sparsity", "importance_decay", "learning_rate", "weight_decay", "device")
