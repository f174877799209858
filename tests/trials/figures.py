"""Figures against settings that are not ours, and against disks that end in the middle of a file."""

import os
import random
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tms_engine import Experiment, Trainer, save_run

NAMES = ("cloud", "dimensionality", "gram", "loss", "n_active", "weights")

# matplotlibrc files, each of which breaks or changes a figure that heeds it.
SETTINGS: dict[str, bytes] = {
    "usetex": b"text.usetex: True\n",
    "no such font": b"font.family: nonsense\nfont.size: 31\n",
    "broken cycle": b"axes.prop_cycle: cycler(\n",
    "other cycle": b"axes.prop_cycle: cycler('color', ['y', 'w'])\n",
    "one dot per inch": b"figure.dpi: 1\nsavefig.dpi: 1\n",
    "pdf": b"savefig.format: pdf\nsavefig.bbox: tight\nsavefig.pad_inches: 5\n",
    "transparent": b"savefig.transparent: True\nsavefig.facecolor: red\n",
    "no such colours": b"image.cmap: nonsense\n",
    "sketch": b"path.sketch: 5, 100, 2\npath.effects: []\n",
    "interactive": b"interactive: True\nbackend: TkAgg\n",
    "dark": b"axes.facecolor: black\nfigure.facecolor: black\ntext.color: white\naxes.edgecolor: white\n",
    "no such setting": b"no.such.setting: 1\nnonsense without a colon\n",
    "not utf-8": b"\xff\xfe\x00axes.grid: True\n",
    "locale": b"axes.formatter.use_locale: True\naxes.unicode_minus: False\naxes.formatter.limits: 0, 0\n",
    "timezone": b"timezone: Nowhere/Nothing\ndate.epoch: 0000-01-01\n",
    "scatter": b"scatter.marker: $x$\nscatter.edgecolors: red\nlines.linewidth: 20\nlines.marker: *\n",
    "grid": b"axes.grid: True\ngrid.color: red\ngrid.linewidth: 9\naxes.axisbelow: False\n",
    "layout": b"figure.constrained_layout.use: False\nfigure.autolayout: True\nfigure.figsize: 1, 1\n",
    "space": b"axes3d.grid: False\naxes3d.depthshade: False\naxes3d.xaxis.panecolor: red\n",
    "ticks": b"xtick.major.size: 40\nxtick.minor.visible: True\nxtick.direction: in\nxtick.labelsize: 40\n",
    "image": b"image.interpolation: bicubic\nimage.origin: lower\nimage.resample: False\nimage.lut: 2\n",
    "legend": b"legend.fontsize: 40\nlegend.loc: center\nlegend.frameon: False\nlegend.numpoints: 7\n",
    "text": b"text.antialiased: False\ntext.hinting: none\nmathtext.fontset: cm\nlines.antialiased: False\n",
    "backend of a notebook": b"backend: module://matplotlib_inline.backend_inline\n",
}
BACKENDS = ("module://matplotlib_inline.backend_inline", "nonsense", "QtAgg", "", "pdf")


def figures_under_hostile_settings(directory: Path, seed: int) -> str:
    """`tms figures` draws the same bytes, and says nothing else, where there is such a matplotlibrc."""
    name = list(SETTINGS)[seed % len(SETTINGS)]
    how = ("current directory", "MATPLOTLIBRC", "MPLCONFIGDIR")[seed // len(SETTINGS) % 3]
    backend = BACKENDS[seed % len(BACKENDS)]
    _save(directory / "run")
    plain = _draw(directory, "plain", {})
    users = directory / "user"
    (users / "stylelib").mkdir(parents=True)
    (users / "matplotlibrc").write_bytes(SETTINGS[name])
    (users / "stylelib" / "mine.mplstyle").write_bytes(SETTINGS[name])
    changes = {
        "MATPLOTLIBRC": {"MATPLOTLIBRC": str(users / "matplotlibrc")},
        "MPLCONFIGDIR": {"MPLCONFIGDIR": str(users)},
    }.get(how, {})
    cwd = users if how == "current directory" else directory
    drawn = _draw(directory, "drawn", {"MPLBACKEND": backend, **changes}, cwd)
    assert drawn == plain
    for figure in NAMES:
        ours, theirs = (directory / out / f"{figure}.png" for out in ("plain", "drawn"))
        assert ours.read_bytes() == theirs.read_bytes(), figure
    return f"{name}, through the {how}, MPLBACKEND={backend}"


def figures_cut_off_by_a_full_disk(directory: Path, seed: int) -> str:
    """A file that cannot be written whole is not there, those before it are, and one sentence says so."""
    _save(directory / "run")
    most = random.Random(seed).randrange(1_000, 60_000)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    done = _run(directory, "out", {}, directory, limit)
    there = sorted(path.name for path in (directory / "out").iterdir())
    assert all(name.endswith(".png") for name in there), there
    for name in there:
        with Image.open(directory / "out" / name) as image:
            image.load()
    if done.returncode:
        assert done.returncode == 2
        assert len(there) < len(NAMES)
        last = done.stderr.splitlines()[-1]
        assert last.startswith(f"tms: cannot write {directory / 'out'}/"), done.stderr
        assert "Traceback" not in done.stderr
    else:
        assert len(there) == len(NAMES)
    return f"{most:,} bytes: {len(there)} of {len(NAMES)} figures"


def _save(run: Path) -> None:
    trainer = Trainer(Experiment(n_features=4, n_hidden=2, n_instances=2, steps=100))
    trainer.advance(100)
    save_run(trainer.run(), run, evaluated=False)


def _draw(directory: Path, out: str, changes: dict[str, str], cwd: Path | None = None) -> str:
    """Draw all figures; what is said on the way."""
    done = _run(directory, out, changes, cwd or directory)
    assert done.returncode == 0, done.stderr
    return done.stderr


def _run(
    directory: Path,
    out: str,
    changes: dict[str, str],
    cwd: Path,
    before: Callable[[], None] | None = None,
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tms_engine", "figures", str(directory / "run")]
    return subprocess.run(
        [*command, "--dpi", "40", "--out", str(directory / out)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent), **changes},
        cwd=cwd,
        preexec_fn=before,
        capture_output=True,
        text=True,
    )
