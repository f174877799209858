"""The space as an asciinema cast (version 2): a film in characters, which any terminal plays.

A script makes one with `save_cast`. As a program, `python -m tms_tui.cast RUN WANTED`, it writes a GIF and a
cast of a saved run, and a line on stdout for each picture: so the app films in another process.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tms_engine import digits
from tms_engine.analysis.projection import Camera
from tms_engine.errors import InputError
from tms_engine.files import cannot, write_atomically
from tms_tui.drawing.cells import BLANK, Cells, blank, write
from tms_tui.drawing.modes import Mode
from tms_tui.memo import Memo
from tms_tui.replay import REST, evenly
from tms_tui.space_scene import draw_space, space_scene
from tms_tui.view_options import ViewOptions

if TYPE_CHECKING:
    from tms_engine.training.run import Run

# Pictures a second of a cast, and of a GIF; the background that is drawn on, as the app's dark one is.
CAST_FPS, GIF_FPS = 20, 15
_GROUND, _TEXT = (20, 22, 28), (205, 210, 220)
_LEAST = (20, 6)


def save_cast(
    run: "Run",
    path: str | Path,
    *,
    options: ViewOptions | None = None,
    first: int = 0,
    last: int | None = None,
    seconds: float = 8.0,
    turn: float = 0.0,
    size: tuple[int, int] = (80, 24),
    mode: Mode = "braille",
    on_frame: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a cast of how a run has learned, from step `first` to `last`, as `options` look at it.

    `size` is in columns and rows; the space turns by `turn` degrees on the whole. `on_frame` is told how many
    pictures of how many are drawn. Raises InputError if fewer than two steps are kept there, or the file
    cannot be written.
    """
    options = options or ViewOptions()
    columns, rows = (max(n, least) for n, least in zip(size, _LEAST, strict=True))
    count = frames(seconds, CAST_FPS)
    steps = _steps(run, options.instance, first, last, count)
    header = {"version": 2, "width": columns, "height": rows, "env": {"TERM": "xterm-256color"}}
    lines = [json.dumps(header), json.dumps([0.0, "o", "\x1b[?25l\x1b[2J"])]
    shown: list[str] = [""] * rows
    for k, picture in enumerate(_pictures(run, steps, options, turn, (columns, rows), mode)):
        drawn = _rows(picture)
        changed = "".join(f"\x1b[{y + 1}H{row}" for y, row in enumerate(drawn) if row != shown[y])
        shown = drawn
        lines.append(json.dumps([round(k / CAST_FPS, 3), "o", changed]))
        if on_frame is not None:
            on_frame(k + 1, count)
    lines.append(json.dumps([round(len(steps) / CAST_FPS + REST, 3), "o", "\x1b[0m\x1b[?25h"]))
    path = Path(path)
    try:
        write_atomically(path, ("\n".join(lines) + "\n").encode())
    except OSError as error:
        raise cannot(f"write {path}", error) from None
    return path


def frames(seconds: float, fps: int) -> int:
    return max(2, round(seconds * fps))


def _steps(run: "Run", instance: int, first: int, last: int | None, count: int) -> tuple[int, ...]:
    end = run.state.step if last is None else last
    steps = [step for step in evenly(run, instance, first, count) if step <= end]
    if len(set(steps)) < 2:
        raise InputError(f"of steps {first:,} to {end:,} fewer than two are kept, and a film needs two")
    return tuple(steps[k * len(steps) // count] for k in range(count))


def _pictures(
    run: "Run", steps: tuple[int, ...], options: ViewOptions, turn: float, size: tuple[int, int], mode: Mode
) -> Iterator[Cells]:
    from dataclasses import replace

    memo, (columns, rows) = Memo(), size
    for k, step in enumerate(steps):
        shown = run.at(step)
        scene = space_scene(shown, options, "cpu", memo)
        camera = scene.camera(
            replace(options.camera, yaw=options.camera.yaw + turn * k / max(1, len(steps) - 1))
        )
        space = draw_space(scene, camera, rows - 1, columns, mode, _GROUND)
        picture = blank(rows, columns, None if space.background is None else _GROUND)
        picture.glyphs[1:], picture.foreground[1:] = space.glyphs, space.foreground
        if picture.background is not None and space.background is not None:
            picture.background[1:] = space.background
        about = (
            f"step {step:,}   S {digits.sparsity(shown.experiment.of_instance('sparsity', options.instance))}"
        )
        write(picture, 0, 1, about, _TEXT, _GROUND)
        yield picture


def _rows(picture: Cells) -> list[str]:
    """Each row as text with its colours; blanks take the colour before them."""
    found = []
    for y in range(len(picture.glyphs)):
        parts, style = ["\x1b[0m"], ""
        for x, glyph in enumerate(picture.glyphs[y].tolist()):
            codes = "" if glyph == BLANK and picture.background is None else _codes(picture, y, x)
            if codes and codes != style:
                parts.append(f"\x1b[{codes}m")
                style = codes
            parts.append(chr(glyph))
        found.append("".join(parts).rstrip(" "))
    return [f"{row}\x1b[0m\x1b[K" for row in found]


def _codes(picture: Cells, y: int, x: int) -> str:
    front = "38;2;{};{};{}".format(*picture.foreground[y, x].tolist())
    if picture.background is None:
        return front
    return front + ";48;2;{};{};{}".format(*picture.background[y, x].tolist())


# In another process.


def options_to_text(options: ViewOptions) -> dict[str, Any]:
    """View options as what JSON can hold; what is no text, number or truth is left at its default."""
    plain = (str, int, float, bool, type(None))
    kept = {f.name: getattr(options, f.name) for f in fields(options)}
    kept = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in kept.items()
        if isinstance(value, plain) or (isinstance(value, tuple) and all(isinstance(v, plain) for v in value))
    }
    return kept | {"camera": {f.name: getattr(options.camera, f.name) for f in fields(options.camera)}}


def options_from_text(text: dict[str, Any]) -> ViewOptions:
    """The inverse."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in text.items()
    }
    values["camera"] = Camera(**text["camera"])
    return ViewOptions(**values)


def main(arguments: list[str]) -> int:
    """RUN and WANTED, a JSON object. Prints `DONE TOTAL` for each picture, and what is wrong on stderr."""
    from tms_engine import plugins, process
    from tms_engine.runs import load_run

    directory, wanted = Path(arguments[0]), json.loads(arguments[1])
    try:
        plugins.load(wanted["plugins"])
        run, options = load_run(directory), options_from_text(wanted["options"])
        process.import_matplotlib_as_shipped()
        from tms_engine.figures.film import save_film

        part: dict[str, Any] = {name: wanted[name] for name in ("first", "last", "turn")}
        gif, cast = (frames(wanted["seconds"], fps) for fps in (GIF_FPS, CAST_FPS))

        def told(before: int) -> Callable[[int, int], None]:
            return lambda done, _: print(before + done, gif + cast, flush=True)

        seconds, size = wanted["seconds"], tuple(wanted["size"])
        save_cast(
            run, wanted["cast"], options=options, seconds=seconds, size=(size[0], size[1]),
            mode=wanted["mode"], on_frame=told(0), **part,
        )  # fmt: skip
        save_film(
            run, wanted["gif"], options.instance, fps=GIF_FPS, frames=gif, camera=options.camera,
            on_frame=told(cast), **part,
        )  # fmt: skip
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
