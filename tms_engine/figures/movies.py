"""Pictures as a film: GIF by Pillow, or MP4 by ffmpeg where that is installed."""

import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure
from PIL import Image

from tms_engine.errors import InputError
from tms_engine.figures.panels import new_figure
from tms_engine.files import cannot, write_new

Picture: TypeAlias = UInt8[np.ndarray, "height width 3"]

# A film that is shorter or longer is a mistake, and so is one that fills a disk.
MOST_FRAMES = 3_000
# Seconds for which the last picture stays.
_LAST = 1.5
_DPI = 100


def movie_figure(size: tuple[int, int]) -> Figure:
    """An empty figure of (width, height) pixels, in which everything stays where it is put."""
    figure = new_figure(size[0] / _DPI, size[1] / _DPI)
    figure.set_layout_engine("none")
    figure.set_dpi(_DPI)
    return figure


def picture_of(figure: Figure) -> Picture:
    """A figure as it is now, as RGB."""
    figure.canvas.draw()
    pixels: Any = figure.canvas
    return np.asarray(pixels.buffer_rgba())[..., :3].copy()


def check_movie(path: str | Path, frames: int, fps: int) -> None:
    """Raise InputError for a film that cannot be made, before anything is drawn for it."""
    suffix = Path(path).suffix.lower()
    if suffix not in (".gif", ".mp4"):
        raise InputError(f"a film should be a .gif or .mp4, not {Path(path).name!r}")
    if not 2 <= frames <= MOST_FRAMES:
        raise InputError(f"a film should have 2 to {MOST_FRAMES:,} pictures, not {frames:,}")
    if not 1 <= fps <= 60:
        raise InputError(f"fps should be from 1 to 60, not {fps}")
    if suffix == ".mp4" and shutil.which("ffmpeg") is None:
        raise InputError("an .mp4 needs the program ffmpeg, which is not installed here: make a .gif")
    if not Path(path).absolute().parent.is_dir():
        raise InputError(f"cannot write {path}: its directory is not there")
    if os.path.lexists(path):
        raise _taken(path)


def save_movie(
    pictures: Iterator[Picture],
    path: str | Path,
    frames: int,
    fps: int,
    on_frame: Callable[[int, int], None] | None = None,
) -> Path:
    """Write pictures, `frames` of them, as `check_movie` allows; the last one stays for a while.

    `on_frame` is told how many of how many are drawn. Raises InputError where the file cannot be written, or
    with what ffmpeg says; then there is no part of it.
    """
    path = Path(path)

    def told() -> Iterator[Picture]:
        for k, picture in enumerate(pictures):
            if on_frame is not None:
                on_frame(k + 1, frames)
            yield picture

    content = _gif(told(), fps) if path.suffix.lower() == ".gif" else _mp4(told(), fps)
    try:
        write_new(path, content)
    except FileExistsError:
        raise _taken(path) from None
    except OSError as error:
        raise cannot(f"write {path}", error) from None
    return path


def _taken(path: str | Path) -> InputError:
    return InputError(f"{path} is there already: choose another name")


def _gif(pictures: Iterator[Picture], fps: int) -> bytes:
    """Each picture has the colours that suit it best; the format counts time in hundredths of a second."""
    images = [Image.fromarray(picture).quantize(128, dither=Image.Dither.NONE) for picture in pictures]
    duration = [max(2, round(100 / fps)) * 10] * len(images)
    duration[-1] += round(1000 * _LAST)
    content = io.BytesIO()
    images[0].save(
        content, "GIF", save_all=True, append_images=images[1:], duration=duration, loop=0, optimize=True
    )
    return content.getvalue()


def _mp4(pictures: Iterator[Picture], fps: int) -> bytes:
    program = shutil.which("ffmpeg") or "ffmpeg"
    first = next(pictures)
    height, width, _ = first.shape
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory) / "film.mp4"
        command = [
            program, "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}",
            "-r", str(fps), "-i", "-", "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(target),
        ]  # fmt: skip
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            try:
                picture = first
                process.stdin.write(first.tobytes())
                for picture in pictures:
                    process.stdin.write(picture.tobytes())
                for _ in range(round(_LAST * fps)):
                    process.stdin.write(picture.tobytes())
                process.stdin.close()
            except BrokenPipeError:  # its own sentence follows
                pass
            said = process.stderr.read().decode(errors="replace").strip()
        if process.returncode != 0:
            raise InputError(
                f"ffmpeg could not make the film: {said.splitlines()[-1] if said else 'it failed'}"
            )
        return target.read_bytes()
