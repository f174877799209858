"""`tms film`: how a model has learned, as a GIF or MP4."""

import argparse
from pathlib import Path
from typing import Any

from tms_engine import process
from tms_engine.commands import options as common
from tms_engine.commands.figures import read_camera
from tms_engine.commands.progress import counted, say
from tms_engine.errors import InputError
from tms_engine.files import cannot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_run(parser)
    parser.add_argument("--instance", default="0", metavar="I", help="which instance (default: 0)")
    parser.add_argument("--seconds", default="8", metavar="T", help="how long it runs (default: 8)")
    parser.add_argument("--fps", default="15", metavar="N", help="pictures a second (default: 15)")
    parser.add_argument("--first", default="0", metavar="STEP", help="where it begins (default: 0)")
    parser.add_argument("--last", metavar="STEP", help="where it ends (default: the run's last step)")
    parser.add_argument(
        "--camera",
        metavar="YAW,PITCH[,ROLL[,ZOOM]]",
        help="where hidden space is seen from at first (default: -60,30,0,1)",
    )
    parser.add_argument("--perspective", action="store_true", help="draw what is near larger")
    parser.add_argument("--turn", default="120", metavar="DEGREES", help="how far it turns (default: 120)")
    parser.add_argument("--size", default="960x540", metavar="WxH", help="in pixels (default: 960x540)")
    parser.add_argument("--out", metavar="FILE", help=".gif, or .mp4 with ffmpeg (default: RUN/film.gif)")
    common.add_plugins(parser)


def run(options: argparse.Namespace) -> int:
    fps = common.whole_number(options.fps, "fps")
    seconds, turn = (_one_number(getattr(options, name), name) for name in ("seconds", "turn"))
    view: dict[str, Any] = {
        "first": common.whole_number(options.first, "first"),
        "last": None if options.last is None else common.whole_number(options.last, "last"),
        "camera": read_camera(options.camera, options.perspective),
        "turn": turn,
        "size": _size(options.size),
    }
    instance = common.whole_number(options.instance, "instance")
    if not 0 < seconds <= 3600:
        raise InputError(f"seconds should be above 0, and at most 3,600, not {options.seconds}")
    frames = max(2, round(fps * seconds))
    path = Path(options.out) if options.out else options.run / "film.gif"

    from tms_engine.runs import load_run

    loaded = load_run(options.run)
    try:
        process.import_matplotlib_as_shipped()
        from tms_engine.figures.film import save_film
    except Exception as error:  # a library or a cache that it needs may be broken
        raise cannot("import matplotlib, which draws", error) from None

    say(f"drawing {frames} pictures")
    with counted(frames, "pictures") as show:
        save_film(loaded, path, instance, fps=fps, frames=frames, on_frame=show, **view)
    print(path)
    return 0


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
