"""What a frame of the space view costs: from arrays to strips in milliseconds, and on the wire in bytes.

    OPENBLAS_NUM_THREADS=1 python benchmarks/frames.py

One thread for NumPy's products is what the app gives itself. Bytes are those of a truecolor terminal, of the
seed's experiment trained for 3,000 steps and its Bernoulli cloud, turning; Textual writes the whole of a view
that changed. Each strip is rendered once, as in the app.
"""

import io
import statistics
import time
from typing import get_args

from rich.color import Color
from rich.console import Console
from rich.style import Style

from tms_engine import Camera, Experiment, Trainer
from tms_engine.analysis.clouds import cloud_sample, project
from tms_engine.analysis.projection import identity_basis
from tms_engine.figures.colors import feature_colors, mix
from tms_tui.drawing.cells import RGB
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.scene import Scene, axes_scene, draw_scene, merge, weights_scene
from tms_tui.panes.cells_to_strips import cells_to_strips

BACKGROUND: RGB = (18, 18, 18)
BASE = Style(bgcolor=Color.from_rgb(*BACKGROUND))
REPEATS = 41


def scene_of(n_points: int, n_active: int | None = None, n_steps: int = 3000) -> Scene:
    """The seed's experiment after some steps: axes, vectors and a cloud."""
    experiment = Experiment()
    trainer = Trainer(experiment)
    trainer.advance(n_steps)
    snapshot = trainer.snapshot()
    x = cloud_sample(experiment, 0, n_points, "cpu", n_active)
    colors = feature_colors(experiment.n_features)
    cloud = Scene(project(x, snapshot, 0, identity_basis(3)), mix(x, colors))
    return merge([axes_scene(3, ["x", "y", "z"], 1.0), weights_scene(snapshot.weights[0], colors), cloud])


def median_ms(scene: Scene, rows: int, columns: int, mode: Mode) -> tuple[float, float, float]:
    """Medians over the frames of a turning camera: to draw, to make strips, and both."""
    times = []
    for i in range(REPEATS):
        began = time.perf_counter()
        cells = draw_scene(scene, Camera(yaw=-60 + 3.0 * i), 1.15, rows, columns, mode, BACKGROUND)
        drawn = time.perf_counter()
        cells_to_strips(cells, BASE)
        done = time.perf_counter()
        times.append((drawn - began, done - drawn, done - began))
    drawing, making, together = (statistics.median(column) * 1e3 for column in zip(*times, strict=True))
    return drawing, making, together


def median_bytes(scene: Scene, rows: int, columns: int, mode: Mode, base: Style) -> float:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")
    sizes = []
    for i in range(REPEATS):
        cells = draw_scene(scene, Camera(yaw=-60 + 3.0 * i), 1.15, rows, columns, mode, BACKGROUND)
        sizes.append(len("".join(strip.render(console) for strip in cells_to_strips(cells, base)).encode()))
    return statistics.median(sizes)


def main() -> None:
    heads = f"{'draw ms':>9}{'strips ms':>11}{'together':>10}"
    print(f"{'points':>8}{'cells':>9}  {'cloud':<12}{'mode':<9}{heads}")
    for n_points, rows, columns in ((4_000, 34, 70), (20_000, 40, 120), (100_000, 48, 160)):
        for name, n_active in (("Bernoulli", None), ("2 active", 2)):
            scene = scene_of(n_points, n_active)
            for mode in get_args(Mode):
                drawing, making, together = median_ms(scene, rows, columns, mode)
                print(
                    f"{n_points:>8,}{f'{columns}×{rows}':>9}  {name:<12}{mode:<9}"
                    f"{drawing:>9.2f}{making:>11.2f}{together:>10.2f}"
                )
    print(f"\n{'bytes a frame, 4,000 points, 64×34':<38}{'own background':>16}{'without':>10}")
    for name, n_active in (("Bernoulli", None), ("1 active", 1), ("2 active", 2), ("3 active", 3)):
        scene = scene_of(4_000, n_active)
        for mode in get_args(Mode):
            with_base, without = (median_bytes(scene, 34, 64, mode, base) for base in (BASE, Style()))
            print(f"{name:<12}{mode:<26}{with_base:>16,.0f}{without:>10,.0f}")


if __name__ == "__main__":
    main()
