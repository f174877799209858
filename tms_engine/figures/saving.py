"""Writes figures as files: PNGs, and their twins for a browser.

A figure of instance 0, or of all, at the run's last step is NAME.png; another instance, and an earlier step,
are added: NAME-instance-3-step-500.png. A file that is there is replaced only if it is the same figure of the
same weights from the same camera, as its metadata say. Anything else stays, and the new figure has the step
in its name, or a number: NAME-step-20000.png, NAME-step-20000-2.png.
"""

import contextlib
import hashlib
import html
import io
import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tms_engine.analysis.evaluation import check_instance
from tms_engine.analysis.projection import HOME, Camera, axes_basis
from tms_engine.figures import FIGURES, check_dpi, chosen_figures, figure_function, html_figures
from tms_engine.figures.browser import page
from tms_engine.figures.captions import describe
from tms_engine.figures.panels import own_style
from tms_engine.files import cannot, make_writable, remove_dead_parts, write_atomically, write_new
from tms_engine.training.run import Run
from tms_engine.training.state import Snapshot

# What tells whether two files show the same.
_IDENTITY = ("Title", "Software", "Experiment", "Changes", "Weights", "Step", "Instance", "Camera", "Axes")
# A page's metadata are before plotly's own text, within so many bytes.
_HEAD_BYTES = 1 << 24


def check(run: Run, instance: int, axes: Sequence[int] | None = None, dpi: int = 300) -> None:
    """Raise InputError for an instance or dimensions that the run has not, and for a dpi out of range."""
    check_dpi(dpi)
    check_instance(run, instance)
    if axes is not None:
        axes_basis(run.experiment.n_hidden, axes)


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
    take some seconds together; `on_saved` is told the path of each as it is there. An instance other than 0
    and an earlier step are in the names (NAME-instance-3-step-500.png), and nothing is replaced but the same
    figure of the same weights. Raises InputError for an instance that is not there or a directory that cannot
    be written.
    """
    chosen = chosen_figures(only, run.experiment.n_instances)
    check(run, instance, axes, dpi)
    saving = _Saving(run, directory, instance, step, camera, axes, on_saved)
    for name in chosen:
        figure = saving.draw(name)
        content = io.BytesIO()
        with own_style():
            figure.savefig(content, format="png", dpi=dpi, metadata=saving.metadata(name))
        saving.put(name, ".png", content.getvalue())
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

    The arguments and names are those of `save_figures`. Raises InputError as it does, and without plotly (the
    extra `html`).
    """
    chosen = html_figures(only, run.experiment.n_instances)
    saving = _Saving(run, directory, instance, step, camera, axes, on_saved)
    for name in chosen:
        figure = saving.draw(name, "html")
        saving.put(name, ".html", page(figure, name, saving.metadata(name)).encode())
    return saving.paths


class _Saving:
    """Draws one view of a run, figure by figure, and writes them into a directory."""

    def __init__(
        self,
        run: Run,
        directory: str | Path,
        instance: int,
        step: int | None,
        camera: Camera,
        axes: Sequence[int] | None,
        on_saved: Callable[[Path], None] | None,
    ) -> None:
        """Raises InputError for a view that there is not, and for a directory that cannot be written to."""
        check(run, instance, axes)
        self.paths: list[Path] = []
        self._run, self._shown, self._on_saved = run, run.at(step), on_saved
        self._instance, self._camera, self._axes = instance, camera, axes
        self._weights = _digest(self._shown)
        self._directory = Path(directory)
        make_writable(self._directory)
        remove_dead_parts(self._directory)

    def draw(self, name: str, suffix: str = "figure") -> Any:
        view: dict[str, Any] = {"step": self._shown.step}
        if not FIGURES[name].population:
            view["instance"] = self._instance
        if FIGURES[name].spatial:
            view |= {"camera": self._camera, "axes": self._axes}
        return figure_function(name, suffix)(self._run, **view)

    def metadata(self, name: str) -> dict[str, str]:
        """Text by which a figure can be traced to its run, and drawn again."""
        camera, step = self._camera, self._shown.step
        return {
            "Title": f"{describe(self._shown)} {name}",
            "Software": "tms_engine",
            "Experiment": self._run.experiment.to_json(),
            "Changes": json.dumps([change for change in self._run.changes if change.step <= step]),
            "Weights": self._weights,
            "Step": str(step),
            "Instance": "all" if FIGURES[name].population else str(self._instance),
            "Camera": f"{camera.yaw:g},{camera.pitch:g},{camera.roll:g},{camera.zoom:g}"
            + (" perspective" if camera.perspective else ""),
            "Axes": "" if self._axes is None else ",".join(map(str, self._axes)),
        }

    def put(self, name: str, suffix: str, content: bytes) -> None:
        """Raises InputError if it cannot be written; then there is no part of it."""
        wanted, path = self.metadata(name), self._directory / (name + suffix)
        try:
            for path in self._names(name, suffix):
                if path.is_file() and _shows(path) == wanted:
                    write_atomically(path, content)
                    break
                with contextlib.suppress(FileExistsError):
                    write_new(path, content)
                    break
        except OSError as error:
            raise cannot(f"write {path}", error) from None
        self.paths.append(path)
        if self._on_saved:
            self._on_saved(path)

    def _names(self, name: str, suffix: str) -> Iterator[Path]:
        """The names for a figure, the best first, without end."""
        last = self._shown.step == self._run.state.step
        of_one = self._instance and not FIGURES[name].population
        stem = f"{name}-instance-{self._instance}" if of_one else name
        long = f"{stem}-step-{self._shown.step}"
        if last:
            yield self._directory / (stem + suffix)
        yield self._directory / (long + suffix)
        for number in itertools.count(2):
            yield self._directory / f"{long}-{number}{suffix}"


def _digest(snapshot: Snapshot) -> str:
    """Tells weights apart: a run of one's own weights has no other sign of them."""
    digest = hashlib.sha256()
    for name in sorted(snapshot.parameters):
        digest.update(name.encode())
        digest.update(snapshot.parameters[name].tobytes())
    return digest.hexdigest()[:16]


def _shows(path: Path) -> dict[str, str]:
    """The metadata of a figure of ours; of any other file, whatever is found."""
    if path.suffix == ".html":
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES).partition(b"</head>")[0].decode(errors="replace")
        pairs = re.findall(r'<meta name="([^"]*)" content="([^"]*)">', head)
        found = {html.unescape(key): html.unescape(value) for key, value in pairs}
    else:
        from PIL import Image

        try:
            with Image.open(path) as image:  # reads what stands before the pixels
                found = {str(key): str(value) for key, value in image.info.items()}
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            found = {}
    return {key: found[key] for key in _IDENTITY if key in found}
