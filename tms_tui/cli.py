"""`tms-tui`: the app on the command line.

Help, and errors that need no app (bad options, no terminal), come before Textual and numpy are imported.
Nothing here imports torch or matplotlib, so the first paint does not wait for them.
"""

if __name__ == "__main__":  # before anything else is imported: see there
    from tms_engine.entry import run

    run("tms-tui", "tms_tui.cli")

import argparse
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from tms_engine import plugins, process
from tms_engine.commands import COMMANDS, Version
from tms_engine.commands.completion import script
from tms_engine.commands.options import (
    Parser,
    add_experiment,
    add_plugins,
    called_as,
    environment_text,
    experiment_from,
    given_fields,
    told,
)
from tms_engine.errors import InputError
from tms_engine.experiment import Experiment
from tms_engine.presets import PRESETS
from tms_tui import abilities
from tms_tui.drawing.modes import MODES

if TYPE_CHECKING:
    from tms_tui.app import TmsApp
    from tms_tui.autosave import InterruptedSession
    from tms_tui.messages import FullScreenName, Saved

RENDER = ("auto", *MODES, "image")

# Variables for those who develop with Textual, which may end an app with a traceback, or at once.
_TEXTUALS_DEVELOPERS = {"TEXTUAL"} | {
    f"TEXTUAL_{name}"
    for name in (
        "DEBUG", "DEVTOOLS_HOST", "DEVTOOLS_PORT", "DRIVER", "LOG", "PRESS", "SCREENSHOT",
        "SCREENSHOT_FILENAME", "SCREENSHOT_LOCATION", "SHOW_RETURN", "SLOW_THRESHOLD", "SMOOTH_SCROLL",
    )
}  # fmt: skip
COLOR_SYSTEMS = ("auto", "standard", "256", "truecolor")

# The size of --once where there is no terminal to ask, in cells.
_ONCE_SIZE = (120, 40)


EXIT_CODES = (
    "exit codes: 0 left, 2 bad input or no terminal, 70 a fault of the program, 130 Ctrl-C, "
    "143 killed, 129 hung up"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the app; returns the exit code."""
    process.collect_no_garbage()  # the session turns this on again
    process.keep_openblas_to_one_thread()
    options: argparse.Namespace | None = None
    try:
        parser = _parser(called_as("tms-tui", "tms_tui"))
        options, unknown = parser.parse_known_args(arguments)
        if unknown:
            parser.refuse(unknown)
        if options.completion:
            print(script(parser, "tms-tui", options.completion))
            return 0
        plugins.load(options.plugin)
        shown = _on_disk(options)
        source, name, interrupted = _source(options)
        app = _app(options, source, name, interrupted, shown)
        if options.once:
            return _once(app, train=not options.no_train)
        with process.on_signals(process.APP_SIGNALS, app.on_signal):
            app.run()
        if app.last_words:
            print(f"tms-tui: {app.last_words}", file=sys.stderr)
        if app.crashed is not None:
            raise app.crashed
        if not app.session.stop():
            # The thread cannot be stopped within a library, which may be importing torch: do not wait for it.
            sys.stdout.flush()
            os._exit(app.return_code or 0)
        return app.return_code or 0
    except InputError as error:
        print(f"tms-tui: {told(error, options)}", file=sys.stderr)
        return 2
    finally:
        process.collect_garbage()


def _parser(program: str = "tms-tui") -> Parser:
    parser = Parser(
        prog=program,
        description="Toy Models of Superposition, live in the terminal.",
        epilog=f"In the app: ? for the keys, q to leave.\n{EXIT_CODES}\n{environment_text()}",
    )
    parser.add_argument("--version", action=Version, nargs=0, help="show the versions, and leave")
    parser.add_argument("--completion", metavar="SHELL", help=f"{COMMANDS['completion']}, and leave")
    parser.add_argument(
        "preset",
        nargs="?",
        metavar="PRESET|DIR",
        help="a preset (default: gist); a run's directory, followed while another process trains it; "
        "a sweep's, or one that has runs",
    )
    parser.add_argument(
        "--pace",
        metavar="N|max",
        help="steps a second, for this start (default: the settings; 500, the seed's run in 20 s)",
    )
    parser.add_argument(
        "--render",
        metavar="|".join(RENDER),
        help="what to draw with, for this start (default: the settings; auto is braille where terminal and "
        "locale have it, image is for kitty, iTerm2 and sixel)",
    )
    parser.add_argument(
        "--fps", metavar="N", help="frames a second at most, for this start (default: the settings; 30)"
    )
    parser.add_argument(
        "--low-bandwidth",
        action="store_true",
        help="for slow lines, for this start: 256 colours, 5 frames a second at most, no turning until you "
        "press a",
    )
    parser.add_argument("--no-train", action="store_true", help="start paused")
    parser.add_argument(
        "--resume", action="store_true", help="go on with what was running when tms-tui was last interrupted"
    )
    parser.add_argument(
        "--autoplay",
        action="store_true",
        help="for an open day: presets one after the other, for ever; a key that changes something takes "
        "over, W goes on; nothing is saved by itself",
    )
    parser.add_argument("--projector", action="store_true", help="large print, for this start")
    parser.add_argument(
        "--once", action="store_true", help="train (unless --no-train), print one frame as text, and leave"
    )
    add_plugins(parser)
    add_experiment(parser)
    return parser


class OnDisk(NamedTuple):
    """What the app shows at first in the place of a run: a sweep, or a directory of runs."""

    screen: Literal["phases", "runs"]
    path: Path


def _on_disk(options: argparse.Namespace) -> OnDisk | None:
    """The sweep or the directory of runs that was named, if it was one. Raises InputError for another
    directory.
    """
    given = options.preset
    if not given or given in PRESETS or not os.path.isdir(given):
        return None
    from tms_engine.runs.listing import is_runs
    from tms_engine.sweeps.directory import is_sweep

    path = Path(given)
    if is_sweep(path):
        screen: Literal["phases", "runs"] = "phases"
    elif is_runs(path):
        return None
    else:
        _check_has_runs(path)
        screen = "runs"
    if given_fields(options) or options.config:
        raise InputError("fields and --config are those of a run: give them with a preset")
    options.preset = None  # the run beneath is the usual one, and waits
    options.no_train = True
    return OnDisk(screen, path)


def _check_has_runs(path: Path) -> None:
    """Raise InputError for a directory that has other things than runs and sweeps, or cannot be read."""
    from tms_engine.runs.listing import directories, is_runs
    from tms_engine.sweeps.directory import is_sweep

    has_any = any(is_runs(one) or is_sweep(one) for one in directories(path))
    if not has_any and any(not entry.name.startswith(".") for entry in path.iterdir()):
        raise InputError(f"{path} is neither a run nor a sweep, and has none in it")


def _source(options: argparse.Namespace) -> "tuple[Experiment | Path, str, InterruptedSession | None]":
    """What to show (an experiment, or a run's directory), its name, and the session that it goes on with."""
    given = bool(given_fields(options) or options.config)
    if options.autoplay:
        _check_autoplay(options, given)
    if options.resume:
        if options.preset or given:
            raise InputError("--resume goes on with what was running: give no preset, run, field or --config")
        session = _newest_session()
        return session.run, session.name, session
    preset = options.preset = options.preset or "gist"
    if preset not in PRESETS and (os.sep in preset or os.path.isdir(preset)):
        path = Path(preset)
        if not os.path.isfile(path / "experiment.json"):
            raise InputError(f"{path} is not a run: it has no experiment.json")
        if given:
            raise InputError("a saved run has its own experiment: give fields or --config with a preset")
        return path, Path(os.path.abspath(path)).name or "run", None  # of "." and "..", too
    if preset in COMMANDS and preset not in PRESETS:
        raise InputError(f"{preset} is a command of tms: did you mean tms {preset}?")
    experiment, name = experiment_from(options)
    return experiment, name if not given_fields(options) or options.config else f"{name}-changed", None


def _check_autoplay(options: argparse.Namespace, given: bool) -> None:
    from tms_tui.autoplay import SHOWS

    if options.resume or options.once or options.no_train or given:
        raise InputError(
            "--autoplay plays presets as they are: give no field, --config, --resume, --once or --no-train"
        )
    if (options.preset or "gist") not in SHOWS:
        raise InputError(f"--autoplay begins with one of {', '.join(SHOWS)}, not {options.preset!r}")


def _newest_session() -> "InterruptedSession":
    from tms_tui.autosave import interrupted, sessions_directory

    found = interrupted(sessions_directory())
    if not found:
        raise InputError("there is no interrupted session to resume")
    return found[0]


def _app(
    options: argparse.Namespace,
    source: Experiment | Path,
    name: str,
    interrupted: "InterruptedSession | None" = None,
    shown: OnDisk | None = None,
) -> "TmsApp":
    pace, fps = _pace(options.pace), _fps(options.fps)
    if options.render not in (None, *RENDER):
        raise InputError(f"render should be {', '.join(RENDER)}, not {options.render!r}")
    # Textual itself would go on without a terminal, and write its escapes to stderr.
    if not options.once and not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise InputError(
            "no terminal to draw in here; `tms train` trains without one, --once prints one frame"
        )

    if not options.once and abilities.cannot_be_drawn_on(os.environ):
        raise InputError(
            f"TERM is {os.environ['TERM']}, a terminal that cannot place characters: --once prints one frame"
        )
    process.forget_variables(_of_no_use(os.environ))
    colors = abilities.TRUECOLOR if options.once else abilities.colors_of(os.environ)
    known_colors = abilities.known_colors(os.environ)
    process.choose_color_system(abilities.COLOR_SYSTEMS.get(colors, "standard"))

    from tms_tui import settings as stored
    from tms_tui.app import TmsApp
    from tms_tui.autoplay import SHOWS, Autoplay
    from tms_tui.autosave import Autosave
    from tms_tui.model import NOTHING_SAVED
    from tms_tui.session import Session
    from tms_tui.settings_state import SettingsState
    from tms_tui.update.settings import mode_of

    settings, warning, names = stored.load()
    given = {
        "render": options.render,
        "pace": pace,
        "fps": fps,
        "low_bandwidth": options.low_bandwidth or None,
        "projector": options.projector or None,
    }
    path = stored.settings_path()
    encoding = (sys.stdout if options.once else sys.stderr).encoding
    state = SettingsState(
        kept=settings,
        names=names,
        given=tuple((name, value) for name, value in given.items() if value is not None),
        path=str(path) if path else "",
        auto=abilities.characters_of(os.environ, abilities.environment_at_start()),
        only_ascii=not abilities.can_encode(encoding),
        images=abilities.images_of(os.environ),
        colors=f"{known_colors.because[:1].upper()}{known_colors.because[1:]}.",
    )
    mode = mode_of(options.render or settings.render, state)
    session = Session(source, settings.pace if pace is None else pace, paused=options.no_train)
    saved = _saved(source) if isinstance(source, Path) and interrupted is None else NOTHING_SAVED
    autoplay = Autoplay(tuple(SHOWS).index(name)) if options.autoplay else None
    autosave = (
        None if options.once or options.autoplay else Autosave(session.view, name, offer=interrupted is None)
    )
    if autosave is not None and interrupted is not None:
        autosave.take_up(interrupted)
        if interrupted.run.parent != interrupted.directory:  # a run that it had taken over
            session.open(interrupted.run, hold=True)
    first: FullScreenName = "population" if session.view().experiment.n_instances > 1 else "dashboard"
    if shown is not None:
        first = shown.screen
    return TmsApp(
        session,
        name=name,
        mode=mode,
        colors=colors,
        settings=settings,
        settings_state=state,
        warning=warning,
        saved=saved,
        autosave=autosave,
        first=first,
        shows=shown.path if shown else None,
        autoplay=autoplay,
    )


def _of_no_use(environment: Mapping[str, str]) -> list[str]:
    """Textual's variables that name a driver, a key or a colour system, which need not be there."""
    colors = environment.get("TEXTUAL_COLOR_SYSTEM", "auto") in COLOR_SYSTEMS
    forgotten = _TEXTUALS_DEVELOPERS | (set() if colors else {"TEXTUAL_COLOR_SYSTEM"})
    return [name for name in environment if name in forgotten]


def _saved(run: Path) -> "Saved":
    """How much of a run is saved, from the header of its state: the rest is read later, in the thread."""
    from tms_engine.runs import peek
    from tms_tui.messages import Saved
    from tms_tui.model import NOTHING_SAVED

    try:
        found = peek(run)
    except InputError:
        return NOTHING_SAVED
    return Saved(found.step, found.n_changes, str(run))


def _pace(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        pace = math.inf if text == "max" else float(text)
    except ValueError:
        pace = math.nan
    if not pace >= 1:
        raise InputError(f"pace should be steps a second, 1 or more, or max, not {text!r}")
    return pace


def _fps(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        fps = float(text)
    except ValueError:
        fps = math.nan
    if not 1 <= fps <= 120:
        raise InputError(f"fps should be from 1 to 120, not {text!r}")
    return fps


def _once(app: "TmsApp", train: bool) -> int:
    """Train to the end without a screen, or only open the run, then print the dashboard as plain text."""
    import asyncio

    size = os.get_terminal_size() if sys.stdout.isatty() else os.terminal_size(_ONCE_SIZE)
    frame, error = asyncio.run(app.one_frame((size.columns, size.lines), train))
    app.session.stop()
    if error:
        raise InputError(error)
    process.print_what_can_be_shown()
    try:
        print(frame, flush=True)
    except BrokenPipeError:  # `tms-tui --once | head -5`
        process.discard_stdout()
    return 0
