"""Make the pictures in this folder from the real app on real runs: `make screenshots`.

SVGs need nothing else; PNGs are made of them where Chromium (or Chrome) is installed.
"""

import asyncio
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

from PIL import Image
from textual.pilot import Pilot

from tms_engine import Experiment, Run, Trainer, save_figures
from tms_engine.presets import PRESETS
from tms_tui.app import TmsApp
from tms_tui.drawing.modes import Mode
from tms_tui.messages import Drag
from tms_tui.messages.time import LookAt
from tms_tui.replay import evenly
from tms_tui.session import Session
from tms_tui.settings import Settings
from tms_tui.view_options import ViewOptions

HERE = Path(__file__).parent
SIZE, NARROW, LARGE = (120, 40), (80, 24), (200, 50)
Shoot: TypeAlias = Callable[[str], Awaitable[None]]
CLOUDS = ViewOptions(turning=False, data="1, 2, 3 active")


def seed_runs() -> dict[int, Run]:
    """The seed's run at steps 0, 500 and 10,000."""
    trainer, runs = Trainer(Experiment()), {}
    for step in (0, 500, 10_000):
        trainer.advance(step - trainer.step)
        runs[step] = trainer.run()
    return runs


async def shoot(
    run: Run,
    name: str,
    theme: str,
    size: tuple[int, int],
    options: ViewOptions,
    mode: Mode,
    keys: tuple[str, ...] = (),
) -> Path:
    """One picture of the app after these keys, as SVG."""
    session = Session(run, 500.0, paused=True)
    app = TmsApp(session, mode=mode, options=options, settings=Settings(theme=theme))
    async with app.run_test(size=size) as pilot:
        while session.view().evaluation is None:
            await asyncio.sleep(0.05)
        await pilot.pause(0.3)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.3)
        path = HERE / f"{name}.svg"
        path.write_text(app.export_screenshot(title="tms-tui"), encoding="utf-8")
    session.stop()
    return path


async def shoot_population(run: Run, name: str, theme: str, size: tuple[int, int], keys: str) -> Path:
    """One picture of a population once these keys have been pressed, as SVG."""
    session = Session(run, 500.0, paused=True)
    still = ViewOptions(turning=False)
    app = TmsApp(session, name=name, options=still, settings=Settings(theme=theme), first="population")
    async with app.run_test(size=size) as pilot:
        while (view := session.view()).evaluation is None or view.census is None:
            await asyncio.sleep(0.05)
        for key in keys.split():
            await pilot.press(key)
            await pilot.pause(0.3)
        await pilot.pause(0.5)
        path = HERE / f"{name}-{theme.removeprefix('tms-')}.svg"
        path.write_text(app.export_screenshot(title="tms-tui"), encoding="utf-8")
    session.stop()
    return path


# The film of the seed's fold: pictures; cells of a turn from one to the next; seconds of one, and of the last
# before it begins anew; pixels; colours.
PICTURES, TURN, SHOWN, RESTS, WIDTH, COLORS = 48, 2, 0.14, 2.5, 820, 64


async def shoot_film(run: Run, directory: Path) -> list[Path]:
    """The app as it looks back over a run, a picture each time that as much has changed, as SVGs."""
    session, svgs = Session(run, 500.0, paused=True), []
    still = ViewOptions(turning=False, edges=True)
    app = TmsApp(session, options=still, settings=Settings(theme="tms-dark"))
    async with app.run_test(size=(110, 36)) as pilot:
        while session.view().evaluation is None:
            await asyncio.sleep(0.05)
        await pilot.press("T")  # the fold is in the first twentieth of the steps
        for step in evenly(run, 0, 0, PICTURES):
            app.send(LookAt(step))
            app.send(Drag(TURN, 0))
            await pilot.pause(0.1)
            while not app.is_named():
                await pilot.pause(0.1)
            svgs.append(directory / f"{step:06}.svg")
            svgs[-1].write_text(app.export_screenshot(title="tms-tui"), encoding="utf-8")
    session.stop()
    return svgs


def to_gif(pngs: list[Path], path: Path) -> None:
    """Pictures as a film that goes round, in few colours that are the same in all of them."""
    pictures = []
    for png in pngs:
        with Image.open(png) as picture:
            height = round(picture.height * WIDTH / picture.width)
            pictures.append(picture.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS))
    some = Image.new("RGB", (WIDTH, 4 * height))
    for k in range(4):
        some.paste(pictures[(k + 1) * len(pictures) // 4 - 1], (0, k * height))
    palette = some.quantize(COLORS, method=Image.Quantize.FASTOCTREE)
    frames = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in pictures]
    milliseconds = [round(1000 * SHOWN)] * (len(frames) - 1) + [round(1000 * RESTS)]
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=milliseconds, loop=0, optimize=True
    )


def film() -> None:
    """The fold of the seed."""
    run = seed_runs()[10_000]
    with tempfile.TemporaryDirectory() as directory:
        svgs = asyncio.run(shoot_film(run, Path(directory)))
        for svg in svgs:
            to_png(svg)
        pngs = [svg.with_suffix(".png") for svg in svgs]
        if all(png.exists() for png in pngs):
            to_gif(pngs, HERE / "fold.gif")
            print(HERE / "fold.gif")


def populations() -> dict[str, tuple[Run, tuple[int, int], str]]:
    """Pictures of populations: the run, the size, and the keys.

    The pentagons of the paper's ten sparsities; 64 seeds on a wall; the best and the worst of 256.
    """
    paper, many = Trainer(PRESETS["paper-5-2"].experiment), Trainer(Experiment(n_instances=256))
    few = Trainer(Experiment(n_instances=64))
    for trainer in (paper, many, few):
        trainer.advance(trainer.current.steps)
    return {
        "pentagons": (paper.run(), SIZE, "slash p enter"),
        "pentagons-narrow": (paper.run(), NARROW, "slash p enter"),
        "wall": (few.run(), LARGE, ""),
        "best": (many.run(), SIZE, "asterisk"),
        "worst": (many.run(), SIZE, "exclamation_mark"),
    }


async def until(holds: Callable[[], object]) -> None:
    while not holds():
        await asyncio.sleep(0.05)


async def shoot_journeys(directory: Path) -> list[Path]:
    """What a new user comes to, from a fresh start, in as many keys as stand in the names of the pictures."""
    taken: list[Path] = []
    still = ViewOptions(turning=False)

    async def journey(then: Callable[[TmsApp, Pilot[None], Shoot], Awaitable[None]]) -> None:
        session = Session(Experiment(), math.inf)
        app = TmsApp(session, options=still, settings=Settings(theme="tms-dark"))

        async def shot(name: str) -> None:
            await pilot.pause(0.6)
            taken.append(HERE / f"{name}.svg")
            taken[-1].write_text(app.export_screenshot(title="tms-tui"), encoding="utf-8")

        async with app.run_test(size=SIZE) as pilot:
            await until(lambda: session.view().phase == "finished" and session.view().evaluation)
            await then(app, pilot, shot)
        app.session.stop()

    async def phases(app: TmsApp, pilot: Pilot[None], shot: Shoot) -> None:
        await pilot.press("V", "down", "down", "enter")
        await until(lambda: (seen := app.model.phases.seen) and 2 * seen.n_finished > seen.n_models)
        await shot("phases-filling-4-keys")
        await pilot.press("right", "enter")
        await until(lambda: app.model.trail[-1] == "dashboard" and app.model.view.evaluation)
        await shot("cell-opened-6-keys")
        for sweep in app._sweeps.values():
            sweep.stop()

    async def before_and_after(app: TmsApp, pilot: Pilot[None], shot: Shoot) -> None:
        await pilot.press("b", "left_square_bracket")
        await until(lambda: app.model.view.changes and app.model.view.phase == "finished")
        await pilot.press("b")
        await until(lambda: app.model.solids.compared)
        await shot("before-and-after-3-keys")

    async def replayed(app: TmsApp, pilot: Pilot[None], shot: Shoot) -> None:
        await pilot.press("w")
        await until(lambda: app.model.shown and app.model.shown.step > 200)
        await shot("fold-replayed-1-key")

    async def followed(app: TmsApp, pilot: Pilot[None], shot: Shoot) -> None:
        command = [sys.executable, "-m", "tms_engine", "train", "--steps", "1e9", "-q"]
        with subprocess.Popen([*command, "--out", str(directory / "job")]) as job:
            try:
                await pilot.press("o")
                await until(lambda: app.model.runs.line and app.model.runs.line.state == "running")
                await pilot.press("enter")
                await until(lambda: app.model.view.phase == "following" and app.model.view.step > 10**5)
                await shot("job-followed-2-keys")
            finally:
                job.terminate()

    for then in (before_and_after, replayed, followed, phases):
        await journey(then)
    return taken


def to_png(svg: Path) -> None:
    """The same picture as PNG, if there is a browser to make it."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg.read_text(encoding="utf-8"))
    if browser is None or found is None:
        return
    width, height = (int(float(number)) + 1 for number in found.groups())
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-background-networking", f"--user-data-dir={profile}", "--hide-scrollbars",
                f"--window-size={width},{height}", f"--screenshot={svg.with_suffix('.png')}", svg.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )  # fmt: skip


def main() -> None:
    film()
    runs = seed_runs()
    still = ViewOptions(turning=False)
    for shade in ("dark", "light"):
        shots: list[tuple[str, int, tuple[int, int], ViewOptions, Mode]] = [
            ("step-0", 0, SIZE, still, "braille"),
            ("step-500", 500, SIZE, still, "braille"),
            ("step-10000", 10_000, SIZE, still, "braille"),
            ("clouds", 10_000, SIZE, CLOUDS, "braille"),
            ("narrow", 10_000, NARROW, still, "braille"),
            ("ascii", 10_000, NARROW, still, "ascii"),
        ]
        for name, step, size, options, mode in shots:
            svg = asyncio.run(shoot(runs[step], f"{name}-{shade}", f"tms-{shade}", size, options, mode))
            to_png(svg)
            print(svg)
    for name, (run, size, keys) in populations().items():
        for shade in ("dark", "light"):
            svg = asyncio.run(shoot_population(run, name, f"tms-{shade}", size, keys))
            to_png(svg)
            print(svg)
    with tempfile.TemporaryDirectory() as runs_directory:
        os.environ["TMS_RUNS"] = runs_directory
        for svg in asyncio.run(shoot_journeys(Path(runs_directory))):
            to_png(svg)
            print(svg)
    # What D means, from a fresh start in two keys; and how it came to be.
    for name, size, keys in (
        ("what-D-means", NARROW, ("3", "question_mark")),
        ("D-ladder", SIZE, ("6", "right")),
    ):
        svg = asyncio.run(shoot(runs[10_000], name, "tms-dark", size, still, "braille", keys))
        to_png(svg)
        print(svg)
    with tempfile.TemporaryDirectory() as figures:
        save_figures(runs[10_000], figures, dpi=100, only=["n_active"])
        shutil.copy(Path(figures) / "n_active.png", HERE / "n_active.png")


if __name__ == "__main__":
    main()
