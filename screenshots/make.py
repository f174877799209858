"""Make the pictures in this folder from the real app on real runs: `make screenshots`.

SVGs need nothing else; PNGs are made of them where Chromium (or Chrome) is installed.
"""

import asyncio
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tms_engine import Experiment, Run, Trainer, save_figures
from tms_engine.presets import PRESETS
from tms_tui.app import TmsApp
from tms_tui.drawing.modes import Mode
from tms_tui.session import Session
from tms_tui.settings import Settings
from tms_tui.view_options import ViewOptions

HERE = Path(__file__).parent
SIZE, NARROW, LARGE = (120, 40), (80, 24), (200, 50)
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
