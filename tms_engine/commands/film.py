"""`tms film`: how a model has learned, or how a sweep fills, as a GIF or MP4."""

import argparse
import os
from pathlib import Path
from typing import Any

from tms_engine import process
from tms_engine.commands import options as common
from tms_engine.commands.figures import read_camera
from tms_engine.commands.progress import counted, say, warn
from tms_engine.errors import InputError
from tms_engine.files import cannot, names

# Options of a film of one model, and of one of a sweep.
_OF_A_RUN = ("instance", "first", "last", "camera", "perspective", "turn")
_OF_A_SWEEP = ("over", "color", "at")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN|SWEEP", help="the directory of a run, or of a sweep")
    parser.add_argument("--seconds", default="8", metavar="T", help="how long it runs (default: 8)")
    parser.add_argument("--fps", default="15", metavar="N", help="pictures a second (default: 15)")
    parser.add_argument("--size", default="960x540", metavar="WxH", help="in pixels (default: 960x540)")
    parser.add_argument(
        "--out", metavar="FILE", help="a new .gif, or .mp4 with ffmpeg (default: film.gif in its directory)"
    )
    common.add_plugins(parser)
    run = parser.add_argument_group("of a run")
    run.add_argument("--instance", metavar="I", help="which instance (default: 0)")
    run.add_argument("--first", metavar="STEP", help="where it begins (default: 0)")
    run.add_argument("--last", metavar="STEP", help="where it ends (default: the run's last step)")
    run.add_argument(
        "--camera",
        metavar="YAW,PITCH[,ROLL[,ZOOM]]",
        help="where hidden space is seen from at first (default: -60,30,0,1)",
    )
    run.add_argument("--perspective", action="store_true", help="draw what is near larger")
    run.add_argument("--turn", metavar="DEGREES", help="how far it turns (default: 120)")
    sweep = parser.add_argument_group("of a sweep, with one axis or two")
    sweep.add_argument(
        "--over",
        choices=("steps", "shards"),
        help="steps: a sweep keeps no history, so its models are trained again, to the same bits; shards: as "
        "they were finished (default: steps, if that takes two minutes at most)",
    )
    sweep.add_argument(
        "--color",
        metavar="name|J",
        help="by the name of the best model, or by feature J's norm and interference (default: name, but the "
        "last feature for models of up to 3)",
    )
    sweep.add_argument(
        "--at",
        action="append",
        default=[],
        metavar="AXIS=VALUE",
        help="only models with this value; repeatable",
    )


def run(options: argparse.Namespace) -> int:
    from tms_engine.sweeps.directory import is_sweep

    of_sweep = is_sweep(options.run)
    for name in _OF_A_RUN if of_sweep else _OF_A_SWEEP:
        if getattr(options, name) not in (None, False, []):
            kind = "a run, and this is a sweep" if of_sweep else "a sweep, and this is none"
            raise InputError(f"--{name} is for a film of {kind}: {options.run}")
    fps = common.whole_number(options.fps, "fps")
    seconds = _one_number(options.seconds, "seconds")
    if not 0 < seconds <= 3600:
        raise InputError(f"seconds should be above 0, and at most 3,600, not {options.seconds}")
    frames, size = max(2, round(fps * seconds)), _size(options.size)
    view = _sweep_view(options) if of_sweep else _run_view(options)
    from tms_engine.runs import load_run

    loaded = None if of_sweep else load_run(options.run)
    path = Path(options.out) if options.out else _new_name(options.run)
    try:
        process.import_matplotlib_as_shipped()
        from tms_engine.figures.film import save_film
        from tms_engine.figures.movies import check_movie
        from tms_engine.figures.sweep_film import save_sweep_film, sweep_reel
    except Exception as error:  # a library or a cache that it needs may be broken
        raise cannot("import matplotlib, which draws", error) from None
    check_movie(path, frames, fps)
    reel: Any = None if loaded else _reel(options.run, frames, view, sweep_reel)
    say(f"drawing {frames} pictures")
    with counted(frames, "pictures") as show:
        if loaded:
            save_film(loaded, path, fps=fps, frames=frames, on_frame=show, size=size, **view)
        else:
            save_sweep_film(reel, path, fps=fps, size=size, on_frame=show)
    print(path)
    return 0


def _new_name(directory: Path) -> Path:
    """film.gif in a directory, or film-2.gif …"""
    taken = (path.with_name(f"{path.name}.gif") for path in names(directory, "film"))
    return next(path for path in taken if not os.path.lexists(path))


def _run_view(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "instance": common.whole_number(options.instance or "0", "instance"),
        "first": common.whole_number(options.first or "0", "first"),
        "last": None if options.last is None else common.whole_number(options.last, "last"),
        "camera": read_camera(options.camera, options.perspective),
        "turn": _one_number(options.turn or "120", "turn"),
    }


def _sweep_view(options: argparse.Namespace) -> dict[str, Any]:
    from tms_engine.sweeps.spec import axis_values

    at: dict[str, Any] = {}
    for text in options.at:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise InputError(f"at should be AXIS=VALUE, as n_hidden=2, not {text!r}")
        at[name] = common.whole_number(value, name) if name == "number" else axis_values(name, value)
    color: Any = options.color
    if color not in (None, "name"):
        try:
            color = common.whole_number(color, "color")
        except InputError:
            raise InputError(f"color should be name, or the number of a feature, not {color!r}") from None
    return {"over": options.over, "color": color, "at": at}


def _reel(path: Path, frames: int, view: dict[str, Any], make: Any) -> Any:
    """What a film of a sweep shows, with a word on where it comes from."""
    from tms_engine.sweeps import follow

    now = follow(path).poll()
    if now.n_finished < now.n_models:
        say(f"{now.n_finished:,} of {now.n_models:,} models are finished, and shown")
    with counted(now.n_models, "models trained again") as show:
        reel = make(path, frames=frames, on_trained=show, **view)
    if reel.over == "shards" and view["over"] is None:
        say(
            "a sweep keeps no history, and training it again takes over two minutes: it is shown as it was "
            "finished; --over steps shows how it learns"
        )
    if reel.differing:
        warn(
            f"{reel.differing:,} models have not ended as in the table, on another device or with other "
            "versions of libraries: they are shown as they are trained here"
        )
    return reel


def _one_number(text: str, name: str) -> float:
    values = common.numbers(text, name)
    if len(values) != 1:
        raise InputError(f"{name} should be one number, not {text!r}")
    return values[0]


def _size(text: str) -> tuple[int, int]:
    width, cross, height = text.partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise InputError(f"size should be WIDTHxHEIGHT, as 960x540, not {text!r}")
    size = int(width), int(height)
    if not all(200 <= side <= 4000 and side % 2 == 0 for side in size):
        raise InputError(f"size should be of even numbers from 200 to 4000, not {text!r}")
    return size
