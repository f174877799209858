import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tms_engine.analysis.levels import Level
from tms_engine.training.history import LossCurve
from tms_engine.training.state import Change
from tms_tui.compat import plotext_figure
from tms_tui.drawing import loss_chart
from tms_tui.drawing.cells import Cells
from tms_tui.drawing.loss_chart import ChartColors, LossChart, Other, Window, draw_loss, step_at

COLORS = ChartColors()
NAN = float("nan")


def curve(mean: Any, low: Any = None, high: Any = None, width: int = 1) -> LossCurve:
    """(buckets,) or (buckets, instances) of mean losses, each over `width` steps."""
    mean, low, high = (np.asarray(mean if v is None else v, np.float32) for v in (mean, low, high))
    mean, low, high = (v if v.ndim == 2 else v[:, None] for v in (mean, low, high))
    start = np.arange(len(mean), dtype=np.int64) * width
    return LossCurve(start, start + width, low, mean, high)


def chart(mean: Any, width: int = 1, low: Any = None, high: Any = None, **fields: Any) -> LossChart:
    drawn = curve(mean, low, high, width)
    return LossChart(curve=drawn, steps=len(drawn.start) * width, **fields)


def text(cells: Cells) -> list[str]:
    return ["".join(map(chr, row)) for row in cells.glyphs]


def where(cells: Cells, color: tuple[int, int, int], glyph: str | None = None) -> list[tuple[int, int]]:
    """Rows and columns of what is drawn in a colour below the line of text."""
    seen = (cells.foreground == color).all(-1) & (cells.glyphs != 32)
    if glyph is not None:
        seen &= cells.glyphs == ord(glyph)
    return [(int(r), int(c)) for r, c in np.argwhere(seen) if r > 0]


def line(cells: Cells) -> list[tuple[int, int]]:
    return where(cells, COLORS.line)


def test_a_falling_loss_falls() -> None:
    rows = {}
    for row, column in line(draw_loss(chart(np.geomspace(1, 0.001, 200)), 15, 60, "braille")):
        rows.setdefault(column, []).append(row)
    heights = [np.mean(rows[column]) for column in sorted(rows)]
    assert len(heights) > 50
    assert (np.diff(heights) >= 0).all()


def test_decades_are_equally_far_apart_on_a_log_axis() -> None:
    cells = draw_loss(chart([1] * 200 + [0.1] * 200 + [0.01] * 200, changes=_CUTS), 30, 60, "ascii")
    rows = [row for row, column in line(cells) if column in (14, 34, 54)]
    assert len(rows) == 3
    assert abs((rows[2] - rows[1]) - (rows[1] - rows[0])) <= 1


# Learning rates that change nothing: the smoothing stops at them, so that steps stay steps.
_CUTS = tuple(Change(step, "learning_rate", 0.01) for step in (200, 400))


def test_equal_differences_are_equally_far_apart_on_a_linear_axis() -> None:
    cells = draw_loss(chart([3] * 200 + [2] * 200 + [1] * 200, changes=_CUTS, log=False), 30, 60, "ascii")
    rows = [row for row, column in line(cells) if column in (14, 34, 54)]
    assert len(rows) == 3
    assert abs((rows[2] - rows[1]) - (rows[1] - rows[0])) <= 1


def test_axes_have_tidy_labels() -> None:
    lines = text(draw_loss(chart(np.geomspace(1, 0.001, 1000), 10), 14, 50, "braille"))
    assert lines[-1].split() == ["step", "0", "2k", "4k", "6k", "8k", "10k"]
    assert loss_labels(lines) == ["1", ".1", ".01", ".001"]
    lines = text(draw_loss(chart(np.linspace(0.09, 0.01, 1000), log=False), 14, 50, "braille"))
    assert loss_labels(lines) == [".1", ".08", ".06", ".04", ".02", "0"]


def loss_labels(lines: list[str]) -> list[str]:
    labels = [row[:5].strip(" │┤└") for row in lines[1:-2]]
    return [label for label in labels if label]


def test_the_axis_of_steps_stands_still_while_the_run_grows_into_it() -> None:
    ends = []
    for steps in range(810, 1000, 10):
        cells = draw_loss(LossChart(curve([0.1] * steps), steps=10_000), 14, 60, "ascii")
        ends.append(text(cells)[-1].split()[-1])
    assert set(ends) == {"1k"}


def test_the_axis_of_steps_ends_with_the_run() -> None:
    cells = draw_loss(LossChart(curve([0.1] * 90, width=100), steps=9_100), 14, 60, "ascii")
    assert max(column for _, column in line(cells)) >= 58


@pytest.mark.parametrize("mode", ["braille", "blocks", "ascii"])
def test_a_lone_point_shows(mode: Any) -> None:
    assert len(line(draw_loss(chart([0.01]), 12, 40, mode))) == 1
    assert len(line(draw_loss(chart([NAN, 0.01, NAN]), 12, 40, mode))) == 1


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("loss", [0.0, 0.004, 3e38, -1.0])
def test_a_flat_loss_is_a_level_line(loss: float, log: bool) -> None:
    rows = {row for row, _ in line(draw_loss(chart([loss] * 50, log=log), 12, 40, "braille"))}
    assert len(rows) == 1


@pytest.mark.parametrize("hole", [NAN, float("inf"), -float("inf")])
def test_what_is_not_finite_is_a_gap_with_a_mark(hole: float) -> None:
    losses = np.full(100, 0.1)
    losses[40:60] = hole
    cells = draw_loss(chart(losses), 14, 60, "braille")
    drawn = {column for _, column in line(cells)}
    begin, end = 5 + int(0.4 * 55), 5 + int(0.6 * 55)
    assert not drawn & set(range(begin + 1, end))
    assert drawn & set(range(begin)) and drawn & set(range(end + 1, 60))  # noqa: PT018
    assert [column for _, column in where(cells, COLORS.mark, "✕")] == [begin]


def test_one_bad_bucket_among_many_is_marked() -> None:
    losses = np.full(1024, 0.1)
    losses[512] = NAN
    assert len(where(draw_loss(chart(losses, 16), 9, 38, "braille"), COLORS.mark, "✕")) == 1


def test_a_diverged_instance_is_marked_at_its_step_and_named() -> None:
    losses = np.full((100, 2), 0.1)
    losses[50:, 1] = NAN
    lost = chart(losses, diverged_at=(-1, 50), instance=1)
    cells = draw_loss(lost, 14, 65, "ascii")
    assert [column for _, column in where(cells, COLORS.mark, "x")] == [5 + 30]
    assert text(cells)[0].startswith("step 100  #1 diverged at 50  mean 0.100")
    other = draw_loss(lost._replace(instance=0), 14, 65, "ascii")
    assert [column for _, column in where(other, COLORS.mark, "x")] == [5 + 30]
    assert text(other)[0].startswith("step 100  #0 0.100  mean 0.100")


def test_a_list_of_importances_is_marked_without_its_numbers() -> None:
    changes = (Change(50, "importance", (1.0, 0.5)),)
    assert "I list" in text(draw_loss(chart([0.1] * 100, changes=changes), 14, 65, "braille"))[1]


def test_live_changes_are_lines_with_labels() -> None:
    changes = (Change(50, "sparsity", 0.5), Change(75, "learning_rate", (0.003, 0.1)))
    cells = draw_loss(chart([0.1] * 100, changes=changes), 14, 65, "braille")
    columns = {column for _, column in where(cells, COLORS.mark, "│")}
    assert columns == {5 + 30, 5 + 45}
    assert text(cells)[1][35:].split("│") == ["", "S .5".ljust(14), "lr .003".ljust(14)]


def test_a_label_without_room_is_left_out_and_the_newest_stays() -> None:
    changes = tuple(Change(step, "sparsity", step / 100) for step in (50, 52, 54))
    cells = draw_loss(chart([0.1] * 100, changes=changes), 14, 65, "braille")
    assert "S .54" in text(cells)[1]
    assert "S .5 " not in text(cells)[1]
    assert "S .52" not in text(cells)[1]


def test_smoothing_does_not_reach_across_a_change() -> None:
    losses = [1.0] * 500 + [0.001] * 500
    change = (Change(500, "sparsity", 0.5),)
    for step, loss in ((490, "1.00"), (510, "0.00100")):
        assert (
            f"loss {loss}" in text(draw_loss(chart(losses, changes=change, cursor=step), 9, 60, "ascii"))[0]
        )


def test_what_a_stretch_with_a_change_in_it_holds_is_not_seen_before_it() -> None:
    losses = np.concatenate([np.full(1500, 0.001), [5.0], np.full(1500, 10.0)])
    change = (Change(1500 * 16 + 8, "sparsity", 0.5),)
    drawn = chart(losses, width=16, changes=change)
    for cursor, loss in ((23_000, "0.00100"), (25_000, "10.0")):
        assert f"loss {loss}" in text(draw_loss(drawn._replace(cursor=cursor), 9, 60, "ascii"))[0]


def test_a_loss_of_1e30_leaves_a_small_one_as_it_is() -> None:
    losses = [1e30] * 10 + [0.004] * 500
    assert "loss 0.00400" in text(draw_loss(chart(losses), 9, 60, "ascii"))[0]


def test_the_band_of_one_instance_holds_its_raw_losses() -> None:
    n = 400
    cells = draw_loss(chart([0.01] * n, low=[0.003] * n, high=[0.03] * n), 20, 60, "braille")
    rows = {row for row, _ in where(cells, COLORS.raw)}
    (middle,) = {row for row, _ in line(cells)}
    assert min(rows) < middle - 2
    assert max(rows) > middle + 2


def test_with_several_instances_the_band_holds_all_and_the_mean_those_that_are_finite() -> None:
    losses = np.full((100, 4), [0.2, 0.01, 0.03, NAN])
    cells = draw_loss(chart(losses, instance=2), 20, 80, "braille")
    assert text(cells)[0].rstrip() == "step 100  #2 0.0300  mean 0.0800  all 0.0100 to 0.200"
    band = {row for row, _ in where(cells, COLORS.raw)}
    (mean,) = {row for row, _ in where(cells, COLORS.mean)}
    (selected,) = {row for row, _ in line(cells)}
    assert min(band) < mean < selected < max(band)


def test_the_cursor_reads_its_step() -> None:
    losses = np.concatenate([np.full(500, 0.1), np.full(500, 0.01)])
    cells = draw_loss(chart(losses, cursor=250), 14, 65, "braille")
    assert text(cells)[0].startswith("step 250  batch loss 0.100")
    assert {column for _, column in where(cells, COLORS.cursor)} == {5 + 15}
    assert [row for row, _ in where(cells, COLORS.cursor, "●")] == [2, 12]  # on the line, on the timeline
    assert text(draw_loss(chart(losses), 14, 65, "braille"))[0].startswith("step 1,000  batch loss 0.0100")


def test_the_step_under_a_column_puts_the_cursor_there() -> None:
    drawn = chart(np.geomspace(1, 0.01, 1000), 10)
    for column in range(5, 65):
        step = step_at(drawn, column, 14, 65, "braille")
        cells = draw_loss(drawn._replace(cursor=step), 14, 65, "braille")
        assert {c for _, c in where(cells, COLORS.cursor)} == {column}
    assert step_at(drawn, 3, 14, 65, "braille") is None


def test_ascii_is_ascii() -> None:
    changes = (Change(50, "sparsity", 0.5),)
    drawn = chart([0.1] * 80 + [NAN] * 20, changes=changes, cursor=20, diverged_at=(80,))
    assert (draw_loss(drawn, 14, 65, "ascii").glyphs < 127).all()


def test_without_a_loss_there_are_axes_and_a_word() -> None:
    for empty in (None, curve(np.zeros((0, 1)))):
        lines = text(draw_loss(LossChart(empty, steps=100), 9, 40, "braille"))
        assert lines[0].startswith("no loss yet")
        assert lines[-1].startswith("step 0")


def test_too_small_for_axes_it_is_the_line_alone() -> None:
    cells = draw_loss(chart(np.geomspace(1, 0.01, 100)), 3, 12, "braille")
    assert len(cells.glyphs[cells.glyphs != 32]) >= 12
    assert (cells.glyphs[cells.glyphs != 32] > 0x2800).all()


def test_plotext_sees_at_most_two_finite_points_a_column(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[float], list[float]]] = []
    figure = type(plotext_figure())
    signal = figure.signal

    def spy(self: Any, x: list[float], y: list[float], **options: Any) -> Any:
        seen.append((x, y))
        return signal(self, x, y, **options)

    monkeypatch.setattr(figure, "signal", spy)
    losses = np.random.default_rng(0).lognormal(size=(1024, 3))
    losses[::7] = NAN
    draw_loss(chart(losses, 16), 15, 60, "braille")
    assert len(seen) == 2
    for x, y in seen:
        assert 0 < len(x) <= 2 * 60
        assert np.isfinite([x, y]).all()
        assert min(x + y) >= 0


def test_charts_drawn_in_threads_are_those_drawn_alone() -> None:
    charts = [chart(np.random.default_rng(i).lognormal(size=300)) for i in range(8)] * 6
    alone = [text(draw_loss(one, 15, 60, "braille")) for one in charts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda one: text(draw_loss(one, 15, 60, "braille")), charts))
    assert together == alone


def test_the_module_loads_neither_plotext_nor_textual_nor_torch(repository: Path) -> None:
    program = """
import sys, tms_tui.drawing.loss_chart
print({"plotext", "textual", "rich", "torch", "matplotlib"} & set(sys.modules))"""
    out = subprocess.run([sys.executable, "-c", program], cwd=repository, capture_output=True, text=True)
    assert out.stdout == "set()\n", out.stderr


@pytest.mark.slow
def test_no_series_whatever_ends_the_process_or_writes_to_the_terminal(repository: Path) -> None:
    fuzz = [sys.executable, "-W", "error", "-m", "tests.tui.loss_fuzz", "0", "300"]
    out = subprocess.run(fuzz, cwd=repository, capture_output=True, text=True)
    assert (out.returncode, out.stdout, out.stderr) == (0, "", "")


def test_the_smoothed_loss_is_the_same_whatever_the_width_and_the_part_that_is_shown() -> None:
    rng = np.random.default_rng(0)
    drawn = chart(np.geomspace(1, 0.01, 1000) * rng.uniform(0.5, 1.5, 1000), 8)
    whole = dict(zip(*_drawn(drawn, 2_000), strict=True))
    for part, points in ((drawn, 37), (drawn._replace(window=Window((2_000, 3_000))), 200)):
        x, line = _drawn(part, points)
        assert len(x) > 30
        assert all(whole[step] == loss for step, loss in zip(x, line, strict=True))


def _drawn(drawn: LossChart, points: int) -> tuple[list[float], list[float]]:
    series = loss_chart._series(drawn, loss_chart._span(drawn), points)
    return series.x.tolist(), series.line.tolist()


def test_a_change_is_not_seen_before_it_is_made_at_any_zoom() -> None:
    losses = [1.0] * 500 + [0.01] * 500
    drawn = chart(losses, 8, changes=(Change(4_000, "sparsity", 0.5),))
    for window in (Window(), Window((3_900, 4_100))):
        x, line = map(np.array, _drawn(drawn._replace(window=window), 300))
        assert (line[x < 4_000] == 1).all()
        assert np.allclose(line[x > 4_000], 0.01)


def test_a_part_is_shown_from_edge_to_edge_and_nothing_else() -> None:
    drawn = chart(np.geomspace(1, 0.001, 1000), 10, window=Window((2_000, 4_000)))
    cells = draw_loss(drawn, 15, 60, "braille")
    columns = {column for _, column in line(cells)}
    assert (min(columns), max(columns)) == (5, 59)
    assert text(cells)[-1].split() == ["step", "2k", "2.5k", "3k", "3.5k", "4k"]
    outside = draw_loss(drawn._replace(cursor=100), 15, 60, "braille")
    assert not where(outside, COLORS.cursor)


def test_on_a_log_axis_of_steps_decades_are_equally_far_apart() -> None:
    cells = draw_loss(chart([0.1] * 1000, 10, log_steps=True), 14, 66, "ascii")
    ticks = text(cells)[-1]
    places = [ticks.index(f" {label} ") + 1 + len(label) / 2 for label in ("10", "100", "1k")]
    assert abs((places[2] - places[1]) - (places[1] - places[0])) <= 1.5


def test_the_axis_is_a_timeline() -> None:
    changes = (Change(500, "sparsity", 0.5),)
    drawn = chart([0.1] * 100, 10, kept=(0, 10, 20, 300), changes=changes, cursor=300)
    axis = text(draw_loss(drawn, 14, 66, "ascii"))[-2]
    at = [axis.index(glyph) for glyph in "=O^"]
    assert at == [5, 5 + int(0.3 * 61), 5 + int(0.5 * 61)]
    assert axis.count("=") == 2


def test_a_drift_has_one_line_at_each_end() -> None:
    steps = range(1_000, 2_001, 100)
    changes = tuple(Change(step, "sparsity", 0.9) for step in steps)
    drawn = chart([0.1] * 400, 10, changes=changes, drift=tuple(steps), marks=((1_500, "+3"),))
    cells = draw_loss(drawn, 20, 105, "braille")
    assert len({column for row, column in where(cells, COLORS.mark, "│") if row > 3}) == 2
    assert "+3" in text(cells)[2]


@pytest.mark.parametrize("mode", ["braille", "blocks"])
def test_without_colours_the_line_is_told_from_its_band(mode: Any) -> None:
    band = {"low": [0.01] * 200, "high": [1.0] * 200}
    cells = draw_loss(chart([0.1] * 200, plain=True, **band), 15, 60, mode)
    (row,) = {row for row, _ in line(cells)}
    filled = [(cells.glyphs[r, 6:] != 32).mean() for r in range(1, 13) if r != row]
    assert (cells.glyphs[row, 6:] != 32).all()
    assert 0 < max(filled) <= 0.6


def test_blocks_are_drawn_in_blocks() -> None:
    losses = np.geomspace(1, 0.01, 200)
    cells = draw_loss(chart(losses, low=0.5 * losses, high=2 * losses), 15, 60, "blocks")
    drawn = "".join(text(cells)[1:13])
    assert not any(0x2800 <= ord(c) < 0x2900 for c in drawn)
    assert any(c in drawn for c in "▀▄▚▞▛▜▙▟")


def test_levels_and_other_runs_are_laid_under_the_line() -> None:
    other = Other("before", curve([0.02] * 100))
    levels = (Level("digons", 0.05), Level("far above", 1e6))
    cells = draw_loss(chart([0.1] * 100, levels=levels, other=other), 20, 80, "braille")
    assert any("digons 0.0500" in row for row in text(cells))
    assert "before 0.0200" in text(cells)[0]
    assert not any("far above" in row for row in text(cells))
    assert line(cells)
