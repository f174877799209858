"""Writes figures as files: PNGs, and their twins for a browser."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tms_engine.analysis.evaluation import check_instance
from tms_engine.analysis.projection import HOME, Camera
from tms_engine.errors import InputError
from tms_engine.figures import FIGURES, HTML_FIGURES, chosen_figures, figure_function
from tms_engine.figures.panels import describe, own_style
from tms_engine.files import cannot, write_atomically
from tms_engine.training.run import Run


def save_figures(
    run: Run,
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
    run: Run,
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
    run: Run,
    instance: int,
    step: int | None,
    camera: Camera,
    axes: Sequence[int] | None,
) -> dict[str, Any]:
    """The arguments that this figure takes. Raises InputError for an instance that is not there."""
    check_instance(run, instance)
    view: dict[str, Any] = {"step": step}
    if FIGURES[name].per_instance:
        view["instance"] = instance
    if FIGURES[name].spatial:
        view |= {"camera": camera, "axes": axes}
    return view


def _metadata(
    run: Run, name: str, instance: int, step: int | None, camera: Camera, axes: Sequence[int] | None
) -> dict[str, str]:
    """PNG text chunks by which a figure can be traced to its run, and drawn again."""
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
