"""`tms figures`: draw a run's figures. The app's exports are drawn by it too.

An instance other than 0 and an earlier step are in the names of the files, and nothing is replaced but the
same figure of the same weights: figures/saving.py has the names.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tms_engine import process
from tms_engine.commands import options as common
from tms_engine.commands.progress import say
from tms_engine.errors import InputError
from tms_engine.figures import FIGURES, check_names, chosen_figures, html_figures
from tms_engine.files import cannot

if TYPE_CHECKING:
    from tms_engine.analysis.projection import Camera


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_run(parser)
    parser.add_argument("--dpi", default="300", metavar="N", help="dots per inch (default: 300)")
    parser.add_argument("--html", action="store_true", help="interactive twins too (needs the extra html)")
    parser.add_argument("--no-png", action="store_true", help="only the interactive twins")
    parser.add_argument("--only", metavar="NAME,...", help=f"only these of {', '.join(FIGURES)}")
    parser.add_argument(
        "--step", metavar="N", help="the kept step nearest to this (default: the last), as NAME-step-N.png"
    )
    parser.add_argument(
        "--instance", default="0", metavar="I", help="which instance (default: 0), as NAME-instance-I.png"
    )
    parser.add_argument(
        "--camera",
        metavar="YAW,PITCH[,ROLL[,ZOOM]]",
        help="where hidden space is seen from: degrees, and a factor (default: -60,30,0,1)",
    )
    parser.add_argument("--perspective", action="store_true", help="draw what is near larger")
    parser.add_argument("--axes", metavar="A,B,C", help="hidden dimensions to draw (default: all 3, or PCA)")
    parser.add_argument("--out", metavar="DIR", help="where to (default: RUN/figures)")
    common.add_plugins(parser)


def run(options: argparse.Namespace) -> int:
    camera = read_camera(options.camera, options.perspective)
    view: dict[str, Any] = {
        "instance": common.whole_number(options.instance, "instance"),
        "step": None if options.step is None else common.whole_number(options.step, "step"),
        "camera": camera,
        "axes": None if options.axes is None else common.whole_numbers(options.axes, "axes"),
        "only": None if options.only is None else options.only.split(","),
        "on_saved": _tell,
    }
    dpi = common.whole_number(options.dpi, "dpi")
    if options.no_png and not options.html:
        raise InputError("--no-png leaves nothing to draw: give --html too")
    if options.out == "":
        raise InputError("--out should be a directory, not ''")
    check_names(view["only"] or ())

    from tms_engine.runs import load_run

    run = load_run(options.run)
    chosen_figures(view["only"], run.experiment.n_instances)
    if options.html:
        html_figures(view["only"], run.experiment.n_instances)
    directory = Path(options.out) if options.out else options.run / "figures"
    try:
        process.import_matplotlib_as_shipped()
    except Exception as error:  # a library or a cache that it needs may be broken
        raise cannot("import matplotlib, which draws", error) from None

    from tms_engine.figures.saving import check, save_figures, save_html

    check(run, view["instance"], view["axes"], dpi)
    shown = run.at(view["step"]).step
    nearest = "" if view["step"] in (None, shown) else f", the kept step nearest to {view['step']:,}"
    say(f"drawing step {shown:,}{nearest}" + ("" if options.no_png else f" at {dpi} dpi"))
    if not options.no_png:
        save_figures(run, directory, dpi=dpi, **view)
    if options.html:
        save_html(run, directory, **view)
    return 0


def read_camera(text: str | None, perspective: bool) -> "Camera":
    """The camera of the options --camera and --perspective. Raises InputError."""
    from tms_engine.analysis.projection import HOME, Camera

    values = common.numbers(text, "camera") if text else (HOME.yaw, HOME.pitch)
    if not 2 <= len(values) <= 4:
        raise InputError(f"camera should be YAW,PITCH or YAW,PITCH,ROLL or YAW,PITCH,ROLL,ZOOM, not {text!r}")
    yaw, pitch, roll, zoom = (*values, *(HOME.roll, HOME.zoom)[len(values) - 2 :])
    if not 0.01 <= zoom <= 100:
        raise InputError(f"the zoom of a camera should be from 0.01 to 100, not {zoom:g}")
    return Camera(yaw, pitch, roll, zoom, perspective)


def camera_options(camera: "Camera") -> list[str]:
    """The options that stand for a camera."""
    numbers = (camera.yaw, camera.pitch, camera.roll, camera.zoom)
    return [f"--camera={','.join(map(repr, numbers))}", *(["--perspective"] if camera.perspective else [])]


def _tell(path: Path) -> None:
    print(path, flush=True)
