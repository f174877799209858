"""The figures: one table, and a file a figure beside it. `save_figures` and `save_html` write them.

To add one: a file NAME.py with `NAME_figure`, one line in the table, its tests. `NAME_figure(run, ...)`
returns a matplotlib Figure, and `NAME_html`, where there is a twin for a browser, a plotly Figure. Both take
`step`, the kept step to draw (None: the run's last), and `instance`, `camera` and `axes` as the table says; a
figure of one panel also takes `ax`, to draw into an Axes of yours.

Only matplotlib's object interface and Agg are used, never pyplot's state, so figures can be made in any
thread or script, and they do not depend on the user's matplotlib settings. Importing this package loads
neither matplotlib nor plotly.
"""

import difflib
import io
import json
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tms_engine.analysis.projection import HOME, Camera
from tms_engine.errors import InputError
from tms_engine.files import cannot, write_atomically

if TYPE_CHECKING:
    from tms_engine.training.run import Run


class Entry(NamedTuple):
    """What is known of a figure before it is loaded."""

    help: str  # one line
    html: bool = False  # whether it has a twin for a browser
    spatial: bool = False  # whether it is a view of hidden space, from a camera
    per_instance: bool = True  # whether it shows one instance, not all


FIGURES: dict[str, Entry] = {
    "weights": Entry("the weight vectors, from the origin", html=True, spatial=True),
    "cloud": Entry("the hidden activations of 100,000 inputs", html=True, spatial=True),
    "n_active": Entry("the clouds for exactly 1, 2 and 3 active features", html=True, spatial=True),
    "loss": Entry("batch loss against steps, of all instances", per_instance=False),
    "gram": Entry("W Wᵀ as a heat map"),
    "dimensionality": Entry("each feature's D, beside those of the uniform solids"),
}
HTML_FIGURES = tuple(name for name, entry in FIGURES.items() if entry.html)


def figure_function(name: str, suffix: str = "figure") -> Callable[..., Any]:
    """The function that draws a figure of the table, or with the suffix "html" its twin."""
    function: Callable[..., Any] = getattr(import_module(f"tms_engine.figures.{name}"), f"{name}_{suffix}")
    return function


def chosen_figures(names: Sequence[str] | None) -> tuple[str, ...]:
    """These figures in the order of the table; None: all. Raises InputError for an unknown name."""
    for name in names or ():
        if name not in FIGURES:
            near = difflib.get_close_matches(name, FIGURES, n=1)
            hint = f"did you mean {near[0]}?" if near else "the figures are " + ", ".join(FIGURES)
            raise InputError(f"there is no figure {name!r}; {hint}")
    return tuple(name for name in FIGURES if names is None or name in names)


def save_figures(
    run: "Run",
    directory: str | Path,
    *,
    instance: int = 0,
    step: int | None = None,
    dpi: int = 300,
    camera: Camera = HOME,
    axes: Sequence[int] | None = None,
    only: Sequence[str] | None = None,
    on_saved: Callable[[Path], None] | None = None,
) -> list[Path]:
    """Write the figures as PNGs, each with the experiment, the step and the view as text metadata.

    They show the kept step nearest to `step` (None: the run's last). `only` names those that are wanted. They
    take some seconds together; `on_saved` is told the path of each as it is there.
    Raises InputError for an instance that is not there or a directory that cannot be written.
    """
    from tms_engine.figures.panels import own_style

    chosen = chosen_figures(only)
    if not 10 <= dpi <= 2400:
        raise InputError(f"dpi should be from 10 to 2400, not {dpi}")
    saving = _Saving(Path(directory), ".png", on_saved)
    for name in chosen:
        figure = figure_function(name)(run, **_view(name, run, instance, step, camera, axes))
        content = io.BytesIO()
        with own_style():
            metadata = _metadata(run, name, instance, step, camera, axes)
            figure.savefig(content, format="png", dpi=dpi, metadata=metadata)
        saving.put(name, content.getvalue())
    return saving.paths


def save_html(
    run: "Run",
    directory: str | Path,
    *,
    instance: int = 0,
    step: int | None = None,
    camera: Camera = HOME,
    axes: Sequence[int] | None = None,
    only: Sequence[str] | None = None,
    on_saved: Callable[[Path], None] | None = None,
) -> list[Path]:
    """Write the interactive twins of those figures that have one, each an HTML file that opens offline.

    The arguments are those of `save_figures`. Raises InputError as it does, and without plotly (the extra
    `html`).
    """
    chosen = [name for name in chosen_figures(only) if FIGURES[name].html]
    if not chosen:
        raise InputError(f"of {', '.join(only or ())} there is no HTML, only of {', '.join(HTML_FIGURES)}")
    saving = _Saving(Path(directory), ".html", on_saved)
    for name in chosen:
        figure = figure_function(name, "html")(run, **_view(name, run, instance, step, camera, axes))
        saving.put(name, figure.to_html(include_plotlyjs=True).encode())
    return saving.paths


class _Saving:
    """Writes one figure after the other into a directory."""

    def __init__(self, directory: Path, suffix: str, on_saved: Callable[[Path], None] | None) -> None:
        self.paths: list[Path] = []
        self._directory, self._suffix, self._on_saved = directory, suffix, on_saved

    def put(self, name: str, content: bytes) -> None:
        """Raises InputError if it cannot be written."""
        path = self._directory / (name + self._suffix)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
        except OSError as error:
            raise cannot(f"write {path}", error) from None
        self.paths.append(path)
        if self._on_saved:
            self._on_saved(path)


def _view(
    name: str,
    run: "Run",
    instance: int,
    step: int | None,
    camera: Camera,
    axes: Sequence[int] | None,
) -> dict[str, Any]:
    """The arguments that this figure takes. Raises InputError for an instance that is not there."""
    from tms_engine.analysis.evaluation import check_instance

    check_instance(run, instance)
    view: dict[str, Any] = {"step": step}
    if FIGURES[name].per_instance:
        view["instance"] = instance
    if FIGURES[name].spatial:
        view |= {"camera": camera, "axes": axes}
    return view


def _metadata(
    run: "Run", name: str, instance: int, step: int | None, camera: Camera, axes: Sequence[int] | None
) -> dict[str, str]:
    """PNG text chunks by which a figure can be traced to its run, and drawn again."""
    from tms_engine.figures.panels import describe

    shown = run.at(step)
    return {
        "Title": f"{describe(shown)} {name}",
        "Software": "tms_engine",
        "Experiment": run.experiment.to_json(),
        "Changes": json.dumps([change for change in run.changes if change.step <= shown.step]),
        "Step": str(shown.step),
        "Instance": str(instance),
        "Camera": f"{camera.yaw:g},{camera.pitch:g},{camera.roll:g},{camera.zoom:g}"
        + (" perspective" if camera.perspective else ""),
        "Axes": "" if axes is None else ",".join(map(str, axes)),
    }
