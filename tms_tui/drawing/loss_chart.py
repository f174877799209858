"""The loss against steps, as characters. The one user of plotext, which sees checked values only.

The axis of steps is linear or logarithmic, and `Window` says which part of both axes is shown. The axis
itself is the timeline: it shows which steps have their weights kept, the live changes, and the cursor, which
is the step that all other panes show. The line is smoothed from the buckets of the history, the same way
whatever the size of the picture; a picture takes of it what it has dots for.

plotext 6 draws axes and lines in a C++ kernel that ends the process on a NaN, raises on values that are not
positive on a log axis, and costs about 14 µs a point. So numpy does everything that depends on the data: it
reduces the curve to two points a column, splits it where it is not finite, takes logarithms, chooses limits
and ticks, and passes positions inside a canvas of known size. The band behind the lines is drawn by numpy
too, since a fill in the kernel costs 8 ms at 100 × 30.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Shaped, UInt8, UInt32

from tms_engine.analysis.smoothing import loss_sums, smoothed
from tms_engine.digits import number
from tms_engine.training.history import LossCurve, recent_buckets
from tms_engine.training.state import DRIFT_EVERY, Change
from tms_tui.compat import plotext_figure
from tms_tui.drawing.ascii import ascii_glyphs
from tms_tui.drawing.canvas import braille_glyphs, pack_dots, quadrant_glyphs
from tms_tui.drawing.cells import BLANK, Cells, blank, code_points, write
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.sgr import split_sgr

if TYPE_CHECKING:
    from tms_engine.analysis.levels import Level

Color = tuple[int, int, int]
Span = tuple[str, Color]  # a piece of text and its colour
# Batch losses that a reading is the mean of, at least: as many as those of a Snapshot.
_READ_STEPS = 100
Tick = tuple[float, str]  # cells from the canvas's left or lower edge, and what is written there


class ChartColors(NamedTuple):
    """RGB, 0 to 255."""

    line: Color = (255, 184, 76)  # the smoothed loss of the selected instance
    raw: Color = (74, 78, 92)  # the band behind it
    mean: Color = (122, 162, 247)  # the mean of all instances
    axis: Color = (120, 126, 140)
    text: Color = (205, 210, 220)
    mark: Color = (247, 118, 142)  # live changes, divergence, gaps
    cursor: Color = (158, 206, 106)
    other: Color = (187, 154, 247)  # another run, and the levels of theory


class Window(NamedTuple):
    """The part of the chart that is shown; None: all of that axis."""

    steps: tuple[float, float] | None = None
    losses: tuple[float, float] | None = None


class Other(NamedTuple):
    """The loss of another run."""

    name: str
    curve: LossCurve


class LossChart(NamedTuple):
    """Everything that the picture depends on."""

    curve: LossCurve | None  # None or empty: axes with nothing on them
    steps: int  # how long the run is meant to last
    log: bool = True
    changes: tuple[Change, ...] = ()
    diverged_at: tuple[int, ...] = ()  # the step at which each instance diverged; −1 if it did not
    cursor: int | None = None  # the step that is looked at; None: the newest
    instance: int = 0
    colors: ChartColors = ChartColors()
    log_steps: bool = False
    window: Window = Window()
    kept: tuple[int, ...] = ()  # steps whose weights are kept, ascending
    pointed: int | None = None  # the step under the mouse, which is read instead of the cursor's
    drift: tuple[int, ...] = ()  # steps of the changes that are parts of a drift
    marks: tuple[tuple[int, str], ...] = ()  # steps, and what is written there
    every_instance: bool = False  # a line of each
    levels: tuple[Level, ...] = ()
    other: Other | None = None
    plain: bool = False  # there are no colours to tell the line from its band


class _Series(NamedTuple):
    """What is drawn, at no more than two points a column. NaN where there is no finite loss."""

    x: Float64[np.ndarray, " points"]  # steps
    line: Float64[np.ndarray, " points"]  # the selected instance, smoothed
    mean: Float64[np.ndarray, " points"] | None  # of the finite instances, smoothed, if there are several
    low: Float64[np.ndarray, " points"]  # the band: least and greatest raw loss of the only instance,
    high: Float64[np.ndarray, " points"]  # or least and greatest smoothed loss of several
    gap: Bool[np.ndarray, " points"]  # a loss of the selected instance was not finite here
    last: Float64[np.ndarray, " instances"]  # the last finite loss of each instance, NaN if none
    each: Float64[np.ndarray, "points some"]  # the smoothed loss of every instance, if that is wanted


class _Span(NamedTuple):
    """The part of the axis of steps that is shown. On a log axis step 0 is where step 1 is."""

    left: float
    right: float
    log: bool

    def fraction(self, steps: Float64[np.ndarray, " points"]) -> Float64[np.ndarray, " points"]:
        """Where steps are: 0 at the left edge, 1 at the right one."""
        left, right, at = (self._scaled(np.asarray(v, np.float64)) for v in (self.left, self.right, steps))
        return np.asarray((at - left) / (right - left))

    def step(self, fraction: float) -> float:
        left, right = (float(self._scaled(np.asarray(v, np.float64))) for v in (self.left, self.right))
        at = left + fraction * (right - left)
        return float(10**at) if self.log else at

    def _scaled(self, steps: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
        return np.asarray(np.log10(np.maximum(steps, 1))) if self.log else steps


class _Frame(NamedTuple):
    """From steps and losses to the canvas, of `rows` × `columns` cells."""

    rows: int
    columns: int
    span: _Span
    low: float  # loss at the lower edge, its log10 on a log axis
    high: float
    log: bool

    def across(self, steps: Float64[np.ndarray, " points"]) -> Float64[np.ndarray, " points"]:
        """Cells from the left edge, kept inside."""
        return np.clip(self.span.fraction(steps), 0, 1 - 1e-9) * self.columns

    def is_inside(self, step: float) -> bool:
        """Whether a step is in the part that is shown."""
        return bool(self.span.left <= max(step, 1 if self.span.log else 0) <= self.span.right)

    def up(self, losses: Float64[np.ndarray, " points"]) -> Float64[np.ndarray, " points"]:
        """Cells from the lower edge, kept inside; NaN stays NaN."""
        scaled = _log10(losses) if self.log else losses
        return np.clip((scaled - self.low) / (self.high - self.low), 0, 1 - 1e-9) * self.rows

    def column(self, step: float) -> int:
        return int(self.across(np.array([step], np.float64))[0])

    def row(self, loss: float) -> int:
        """Counted from the top; the top one for NaN."""
        height = self.up(np.array([loss]))[0]
        return self.rows - 1 - int(height) if np.isfinite(height) else 0


class _Layout(NamedTuple):
    """The parts of the picture: a line of text, the canvas with its axes, and what is drawn there."""

    header: int  # rows above the canvas, 0 or 1
    margin: int  # columns left of the canvas, with the axis; 0 without axes
    frame: _Frame
    series: _Series
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def draw_loss(chart: LossChart, rows: int, columns: int, mode: Mode) -> Cells:
    """The chart as a picture of `rows` × `columns` cells, with the marks that the mode has.

    Whatever the curve holds, this neither raises nor prints. Too small for axes, it is the line alone.
    """
    picture = blank(rows, columns)
    if rows < 1 or columns < 1:
        return picture
    colors = chart.colors
    layout = _layout(chart, rows, columns, mode)
    header, margin, frame, series, *_ = layout
    end = _end(chart.curve)

    changes = _changes(chart, frame, end)
    lines = dict.fromkeys(changes, colors.mark)
    cursor = None if chart.cursor is None else min(max(chart.cursor, 0), end)
    seen = cursor if cursor is not None and frame.is_inside(cursor) else None
    if chart.pointed is not None and frame.is_inside(chart.pointed):
        lines[frame.column(chart.pointed)] = colors.raw
    if seen is not None:
        lines[frame.column(seen)] = colors.cursor
    picture.glyphs[header:], picture.foreground[header:] = _plot(layout, lines, colors, mode)

    inside = slice(header, header + frame.rows), slice(margin, None)
    canvas = Cells(picture.glyphs[inside], picture.foreground[inside], background=None)
    names = _lay_overlays_under(canvas, chart, series, frame, mode)
    _lay_band_under(canvas, series, frame, colors.raw, mode, chart.plain)
    for row, column, name in names:
        _write(canvas, row, column, [(name, colors.other)])
    _write_labels(canvas, 0, changes, colors.mark)
    _write_labels(canvas, 1, _marks(chart, frame), colors.text)
    cross = ord("x" if mode == "ascii" else "✕")
    for place in _crosses(chart, series, frame):
        canvas.glyphs[place], canvas.foreground[place] = cross, colors.mark
    point = _nearest(series, seen)
    if seen is not None and point is not None and np.isfinite(series.line[point]):
        place = frame.row(series.line[point]), frame.column(seen)
        canvas.glyphs[place], canvas.foreground[place] = ord("o" if mode == "ascii" else "●"), colors.cursor
    if margin:
        row = header + frame.rows
        below = slice(row, row + 1), slice(margin, None)
        timeline = Cells(picture.glyphs[below], picture.foreground[below], background=None)
        _draw_timeline(timeline, chart, frame, seen, mode)
        _write(picture, rows - 1, 0, [("step".rjust(margin - 1), colors.axis)])
    if header:
        at = chart.pointed if chart.pointed is not None else end if cursor is None else cursor
        _write(picture, 0, 0, _readout(chart, min(at, end), columns))
    if mode == "ascii":
        picture.glyphs[:] = ascii_glyphs(picture.glyphs)
    return picture


class Place(NamedTuple):
    """What is at a cell of the picture."""

    step: int  # at most the last one that there is
    loss: float
    part: Literal["canvas", "steps", "losses"]  # or an axis; that of the steps is the timeline


def place_at(chart: LossChart, row: int, column: int, rows: int, columns: int, mode: Mode) -> Place | None:
    """The step and the loss at a cell; None outside of the picture and without a curve."""
    end = _end(chart.curve)
    if not (0 <= row < rows and 0 <= column < columns) or end == 0:
        return None
    header, margin, frame, *_ = _layout(chart, rows, columns, mode)
    across = (column - margin + 0.5) / frame.columns
    up = frame.low + (1 - (row - header + 0.5) / frame.rows) * (frame.high - frame.low)
    step = min(end, max(0, int(frame.span.step(min(max(across, 0.0), 1.0)))))
    part: Any = "losses" if column < margin else "steps" if row >= header + frame.rows else "canvas"
    return Place(step, 10**up if chart.log else up, part)


def step_at(chart: LossChart, column: int, rows: int, columns: int, mode: Mode) -> int | None:
    """The step under a column of the picture; None left of the canvas and without a curve."""
    place = place_at(chart, 0, column, rows, columns, mode)
    return None if place is None or place.part == "losses" else place.step


def whole_span(end: int, steps: int, log: bool) -> tuple[float, float]:
    """The first and the last step of the whole axis, of a run that is to have so many steps."""
    return (1.0 if log else 0.0), _round_up(end, steps)


def limits(chart: LossChart) -> tuple[float, float]:
    """Loss at the lower and the upper edge."""
    span = _span(chart)
    low, high = _limits(_series(chart, span, 1 << 10), chart)
    return (10**low, 10**high) if chart.log else (low, high)


def _span(chart: LossChart) -> _Span:
    left, right = chart.window.steps or whole_span(_end(chart.curve), chart.steps, chart.log_steps)
    if chart.log_steps:
        left = max(left, 1.0)
    return _Span(left, max(right, left + 1), chart.log_steps)


def _layout(chart: LossChart, rows: int, columns: int, mode: Mode) -> _Layout:
    axes = rows >= 5 and columns >= 20
    header = int(rows >= 7 and columns >= 20)
    height = rows - header - 2 * axes
    span = _span(chart)
    # The labels of the loss axis take columns from the canvas, but depend on the points: these are
    # reduced for the whole width, a few to spare.
    series = _series(chart, span, columns * _dots(mode)[1])
    low, high = _limits(series, chart)
    y_ticks = _loss_ticks(low, high, chart.log, height) if axes else []
    margin = max([4, *(len(label) for _, label in y_ticks)]) + 1 if axes else 0
    frame = _Frame(height, columns - margin, span, low, high, chart.log)
    return _Layout(header, margin, frame, series, _step_ticks(span, frame.columns) if axes else [], y_ticks)


# The curve, reduced to the points that are drawn.


def _end(curve: LossCurve | None) -> int:
    return int(curve.end[-1]) if curve is not None and len(curve.end) else 0


def _centers(curve: LossCurve, span: _Span) -> Float64[np.ndarray, " buckets"]:
    """The step at which each bucket is drawn."""
    if span.log:
        return np.asarray(np.sqrt(np.maximum(curve.start, 1.0) * curve.end))
    return (curve.start.astype(np.float64) + curve.end) / 2


def _sampled(place: Float64[np.ndarray, " buckets"]) -> tuple[Any, Any]:
    """Of buckets at these places, ascending, those that begin a dot, and the last of each dot.

    Dots are those from 0 on. One bucket more on either side lets the line go on to the edge.
    """
    begins = np.flatnonzero(np.diff(np.floor(place).astype(np.int64), prepend=-(2**40)))
    return begins, np.append(begins[1:], len(place)) - 1


def _bounds(chart: LossChart) -> list[int]:
    """Steps across which nothing is smoothed: those of the changes, but for a drift's, which are small."""
    drift = set(chart.drift)
    return [c.step for c in chart.changes if c.field != "steps" and c.step not in drift]


def _smooth(curve: LossCurve, bounds: list[int], axis: float) -> Float64[np.ndarray, "buckets instances"]:
    """The smoothed loss of each bucket: one value, whatever the picture's width and the part that is seen."""
    return smoothed(curve.start, curve.end, *loss_sums(curve), bounds, axis)


def _series(chart: LossChart, span: _Span, points: int) -> _Series:
    """What is drawn of the curve: up to `points` points in the part that is shown, and one to either side."""
    curve = chart.curve
    if curve is None or not curve.mean.size:
        none = np.zeros(0)
        return _Series(none, none, None, none, none, none.astype(bool), none, np.zeros((0, 0)))
    n_instances = curve.mean.shape[1]
    instance = min(max(chart.instance, 0), n_instances - 1)
    smooth = _smooth(curve, _bounds(chart), _round_up(_end(curve), chart.steps))
    before = len(smooth) - 1 - np.isfinite(smooth[::-1]).argmax(0)
    last = smooth[before, np.arange(n_instances)]
    center = _centers(curve, span)
    at = span.fraction(center)
    seen = np.flatnonzero((at >= 0) & (at <= 1))
    first, stop = (int(seen[0]), int(seen[-1]) + 1) if len(seen) else (int(np.searchsorted(at, 0)),) * 2
    part = slice(max(0, first - 1), min(len(at), stop + 1))
    begins, ends = _sampled(np.clip(at[part], -1.0, 2.0) * points)
    x, mean = center[part][ends], smooth[part][ends]
    gap = np.logical_or.reduceat(~np.isfinite(curve.mean[part, instance]), begins)
    if n_instances == 1:
        low, high = (
            fold.reduceat(np.where(np.isfinite(edge), edge, np.nan)[:, 0].astype(np.float64), begins)
            for fold, edge in ((np.fmin, curve.low[part]), (np.fmax, curve.high[part]))
        )
        average = None
    else:
        low, high = np.fmin.reduce(mean, axis=1), np.fmax.reduce(mean, axis=1)
        known = np.isfinite(mean)
        average = _divide(np.where(known, mean, 0).sum(1), known.sum(1))
    each = mean if chart.every_instance else mean[:, :0]
    return _Series(x, mean[:, instance], average, low, high, gap, last, each)


def _limits(series: _Series, chart: LossChart) -> tuple[float, float]:
    """Loss at the lower and the upper edge (log10 of it, if log): those that were chosen, or all there is."""
    wanted, log = chart.window.losses, chart.log
    if wanted is None or (log and not wanted[0] > 0):
        return _whole_limits(series, chart.levels, log)
    low, high = map(math.log10, wanted) if log else wanted
    return low, max(high, low + max(1e-9, 1e-6 * abs(low)))


def _whole_limits(series: _Series, levels: Sequence[Level], log: bool) -> tuple[float, float]:
    """Loss at the lower and the upper edge (log10 of it, if log).

    The limits are those of the lines. The band of raw losses may widen them a little, not more: single
    batches reach far down, to 0 at high sparsity. The upper limit is at most four decades above the median,
    or an instance that diverges would flatten all others.
    """
    several = series.mean is not None
    seen = np.concatenate([series.line, series.low, series.high] if several else [series.line])
    band = np.concatenate([series.low, series.high])
    seen, band = (v[np.isfinite(v) & ((v > 0) | (not log))] for v in (seen, band))
    if not len(seen):
        return (-2.0, 0.0) if log else (0.0, 1.0)
    low, high = float(seen.min()), float(seen.max())
    # A level of theory below the line is to be seen, however the run fares; one far above tells nothing.
    low = min([low, *(level.loss for level in levels if level.loss > low / 4)])
    far, more = (1e4, 4.0) if log else (50.0, 1.5)
    middle = abs(float(np.median(seen)))
    if middle > 0:
        high = min(high, middle * far)
    if len(band) and not several:
        high = max(high, min(float(np.quantile(band, 0.995)), high * more))
        low = min(low, max(float(np.quantile(band, 0.05)), low / more))
    if log:
        lower, upper = np.log10(max(low, middle / 1e8)), np.log10(high)
        # To a fifth of a decade, so that the axis does not move with every frame.
        lower, upper = np.floor(lower * 5 - 0.05) / 5, np.ceil(upper * 5 + 0.05) / 5
        return float(lower), float(max(upper, lower + 0.4))
    low = min(low, 0.0)
    if high <= low:
        high = low + max(abs(low), 1.0)
    stride = _nice_stride((high - low) / 8)
    return float(np.floor(low / stride) * stride), float(np.ceil(high / stride) * stride)


def _nearest(series: _Series, step: int | None) -> int | None:
    """The point to read at a step, the newest without one; None if there are no points."""
    if not len(series.x):
        return None
    return len(series.x) - 1 if step is None else int(np.abs(series.x - step).argmin())


def _divide(
    total: Float64[np.ndarray, "*shape"], count: Shaped[np.ndarray, "*shape"]
) -> Float64[np.ndarray, "*shape"]:
    """total / count, NaN where there is nothing."""
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _log10(values: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """Of what is not positive: lower than any number. NaN stays NaN."""
    return np.log10(np.where(values <= 0, 1e-320, values))


# Limits and ticks.


def _nice_stride(at_least: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not below."""
    power = 10.0 ** np.floor(np.log10(at_least))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= at_least * (1 - 1e-9)))


def _round_up(step: int, steps: int) -> float:
    """The end of the axis of steps. It grows in leaps, so that the scale does not change with every frame."""
    least = float(max(step, 10))
    power = 10.0 ** np.floor(np.log10(least))
    leap = next(m * power for m in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if m * power >= least)
    return float(steps) if max(step, 10) <= steps < leap else float(leap)


def _step_ticks(span: _Span, columns: int) -> list[Tick]:
    most = max(1, columns // 8)
    if span.log and span.right > 10 * span.left:
        decades = np.arange(np.ceil(np.log10(span.left) - 1e-9), np.log10(span.right) + 1e-9)
        fine = [m for m in ((1, 2, 5), (1, 3), (1,)) if len(m) * len(decades) <= most]
        values = np.outer(10**decades, fine[0] if fine else (1,)).ravel()
        values = values[values <= span.right * (1 + 1e-9)][:: 1 if fine else -(-len(decades) // most)]
    else:
        stride = max(1.0, _nice_stride((span.right - span.left) / most))
        values = (
            np.arange(np.ceil(span.left / stride - 1e-9), span.right / stride + 1e-9) * stride + 0.0
        )  # no −0
    places = np.minimum(span.fraction(values) * columns, columns - 0.5)
    return list(zip(places.tolist(), _step_labels(values.tolist()), strict=True))


def _step_labels(steps: Sequence[float]) -> list[str]:
    """As short as they are told apart: 2k, 2.5k; in a narrow part 12,010."""
    return [_short(step) for step in steps]


def _short(step: float) -> str:
    """500, 2k, 1.5k, 20M."""
    for unit, sign in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if step >= unit:
            return f"{step / unit:g}{sign}"
    return f"{step:g}"


def _loss_ticks(low: float, high: float, log: bool, rows: int) -> list[Tick]:
    """As many tidy losses as there is room for, no two nearer than two rows (three, in a tall picture)."""
    apart = (high - low) / rows * (2 if rows < 12 else 3)
    if log:
        values = _log_ticks(low, high, apart)
        heights = np.log10(values)
    else:
        stride = _nice_stride(apart)
        values = np.arange(np.ceil(low / stride - 1e-9), high / stride + 1e-9) * stride + 0.0  # no −0
        heights = values
    places = np.minimum((heights - low) / (high - low) * rows, rows - 0.5)
    return list(zip(places.tolist(), _labels(values.tolist()), strict=True))


def _log_ticks(low: float, high: float, apart: float) -> Float64[np.ndarray, " ticks"]:
    decades = np.arange(np.floor(low), np.ceil(high) + 1)
    fine: list[tuple[tuple[int, ...], float]] = [
        ((1, 2, 3, 5, 7), 0.146),
        ((1, 2, 5), 0.301),
        ((1, 3), 0.477),
    ]
    multiples = next((multiples for multiples, gap in fine if gap >= apart), (1,))
    if multiples == (1,):
        stride = next((s for s in (1, 2, 3, 5, 10, 20) if s >= apart), 50)
        decades = decades[decades % stride == 0]
    ticks = np.log10(multiples) + decades[:, None]
    return 10 ** ticks[(ticks >= low - 1e-9) & (ticks <= high + 1e-9)]


def _labels(values: Sequence[float]) -> list[str]:
    """All as .05 or all as 5e-2: the axis is narrow, and should not mix them."""
    short = [_positional(v) for v in values]
    return short if max(map(len, short), default=0) <= 5 else [_exponential(v) for v in values]


def _positional(value: float) -> str:
    text = np.format_float_positional(value, 3, fractional=False, trim="-")
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def _exponential(value: float) -> str:
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


# Marks and labels.


def _changes(chart: LossChart, frame: _Frame, end: int) -> dict[int, str]:
    """What was changed, by column, from left to right: the last value of each field there."""
    names = {"sparsity": "S", "learning_rate": "lr", "importance_decay": "I", "importance": "I"}
    at: dict[int, dict[str, str]] = {}
    inner = _inside_drifts(chart.drift)
    for change in sorted((c for c in chart.changes if c.field in names), key=lambda c: c.step):
        if 0 <= change.step <= end and frame.is_inside(change.step) and change.step not in inner:
            value = change.value
            if isinstance(value, tuple) and change.field != "importance":
                value = value[min(max(chart.instance, 0), len(value) - 1)]
            text = "list" if change.field == "importance" else _labels([value])[0]
            label = f"{names[change.field]} {text}"
            at.setdefault(frame.column(change.step), {})[change.field] = label
    return {column: " ".join(labels.values()) for column, labels in at.items()}


def _inside_drifts(drift: Sequence[int]) -> set[int]:
    """Of the changes of drifts, those that are neither the first nor the last of theirs."""
    apart = [after - before <= 2 * DRIFT_EVERY for before, after in itertools.pairwise(drift)]
    return {
        step
        for step, from_one, to_one in zip(drift[1:], apart, apart[1:], strict=False)
        if from_one and to_one
    }


def _marks(chart: LossChart, frame: _Frame) -> dict[int, str]:
    """What is written at steps, by column."""
    at: dict[int, str] = {}
    for step, text in chart.marks:
        if frame.is_inside(step):
            column = frame.column(step)
            at[column] = f"{at[column]} {text}" if column in at else text
    return at


def _draw_timeline(line: Cells, chart: LossChart, frame: _Frame, cursor: int | None, mode: Mode) -> None:
    """The axis of steps: thick where weights are kept, with the live changes, and where one is."""
    kept, change, here = ("=", "^", "O") if mode == "ascii" else ("━", "◆", "●")
    end = _end(chart.curve)

    def put(steps: Sequence[int], glyph: str, color: Color) -> None:
        seen = [frame.column(step) for step in steps if frame.is_inside(step)]
        line.glyphs[0, seen], line.foreground[0, seen] = ord(glyph), color

    if len(chart.kept) > 1:
        at = np.asarray(chart.kept, np.float64)
        inside = (np.maximum(at, frame.span.log) >= frame.span.left) & (at <= frame.span.right)
        columns = np.unique(frame.across(at[inside]).astype(np.int64))
        line.glyphs[0, columns], line.foreground[0, columns] = ord(kept), chart.colors.axis
    put([c.step for c in chart.changes if c.field != "steps" and c.step <= end], change, chart.colors.mark)
    put([step for step, _ in chart.marks], change, chart.colors.text)
    put([] if cursor is None else [cursor], here, chart.colors.cursor)


def _write_labels(canvas: Cells, row: int, labels: dict[int, str], color: Color) -> None:
    """Labels in a row, right of their columns, the newest first; one without room is left out."""
    room = canvas.glyphs.shape[1]
    for column in sorted(labels, reverse=True):
        label = labels[column]
        begin = column + 1
        if begin + len(label) > room and room == canvas.glyphs.shape[1]:
            begin = column - len(label)  # at the right edge: left of its line
        if begin >= 0 and begin + len(label) <= room:
            _write(canvas, row, begin, [(label, color)])
            room = min(begin, column) - 1
        else:
            room = min(room, column)


def _crosses(chart: LossChart, series: _Series, frame: _Frame) -> set[tuple[int, int]]:
    """Cells to be marked: where an instance diverged, and where the selected one has a gap."""
    if not len(series.x):
        return set()
    crosses = {
        (frame.row(loss), frame.column(step))
        for step, loss in zip(chart.diverged_at, series.last, strict=False)
        if step >= 0 and frame.is_inside(step)
    }
    opens = np.flatnonzero(series.gap & ~np.concatenate([[False], series.gap[:-1]]))
    for point in opens:
        before = series.line[: point + 1]
        known = np.flatnonzero(np.isfinite(before))
        loss = before[known[-1]] if len(known) else np.nan
        if not frame.is_inside(series.x[point]):
            continue
        crosses.add((frame.row(loss), frame.column(series.x[point])))
    return crosses


def _readout(chart: LossChart, step: int, columns: int) -> list[Span]:
    """Step and batch losses there, as much as fits: also the key to the colours.

    They are what a Snapshot of that step has as its losses, whatever the width of the picture.
    """
    colors, curve = chart.colors, chart.curve
    if curve is None or not curve.mean.size:
        return [("no loss yet", colors.axis)]
    several = curve.mean.shape[1] > 1
    instance = min(max(chart.instance, 0), curve.mean.shape[1] - 1)
    losses, low, high = _reading(curve, step, _bounds(chart))
    spans: list[list[Span]] = [[("step ", colors.axis), (f"{step:,}", colors.text)]]
    name = f"  #{chart.instance} " if several else "  batch loss "
    diverged = chart.diverged_at[chart.instance] if 0 <= chart.instance < len(chart.diverged_at) else -1
    if np.isfinite(losses[instance]) and not 0 <= diverged < step:
        spans.append([(name + number(float(losses[instance]), 3), colors.line)])
    elif diverged >= 0:
        spans.append([(name if several else "  ", colors.line), (f"diverged at {diverged:,}", colors.mark)])
    else:
        spans.append([(name, colors.line), ("not finite", colors.mark)])
    known = losses[np.isfinite(losses)]
    if several and len(known):
        spans.append([(f"  mean {number(float(known.mean()), 3)}", colors.mean)])
        low, high = float(known.min()), float(known.max())
    if low < high:
        band = f"{number(low, 3)} to {number(high, 3)}"
        spans.append([(f"  {'all' if several else 'raw'} {band}", colors.axis)])
    if chart.other is not None and chart.other.curve.mean.size:
        other = chart.other.curve
        at = min(step, _end(other))
        loss = _reading(other, at, [])[0]
        loss = loss[np.isfinite(loss)]
        if len(loss):
            spans.append([(f"  {chart.other.name} {number(float(loss.mean()), 3)}", colors.other)])
    fitting: list[Span] = []
    for group in spans:
        if sum(len(text) for text, _ in fitting + group) > columns:
            break
        fitting += group
    return fitting


def _reading(
    curve: LossCurve, step: int, changes: Sequence[int]
) -> tuple[Float64[np.ndarray, " instances"], float, float]:
    """Mean batch loss of each instance over about 100 steps up to one, as History.recent_loss has it.

    NaN where none was finite. And the least and the greatest batch loss of all in these steps.
    """
    width = max(1, int(curve.end[0] - curve.start[0]))
    since = max((change for change in changes if change < step), default=0)
    latest = recent_buckets(step, width, _READ_STEPS, since)
    latest = slice(min(latest.start, len(curve.mean) - 1), max(latest.stop, 1))
    mean = curve.mean[latest].astype(np.float64)
    finite = np.isfinite(mean)
    weight = (curve.end[latest] - curve.start[latest])[:, None] * finite
    losses = _divide((np.where(finite, mean, 0) * weight).sum(0), weight.sum(0))
    low, high = (edge[latest][np.isfinite(edge[latest])] for edge in (curve.low, curve.high))
    return losses, float(low.min(initial=np.inf)), float(high.max(initial=-np.inf))


def _write(cells: Cells, row: int, column: int, spans: Sequence[Span]) -> None:
    """Put text into a picture, cut off at its right edge."""
    for text, color in spans:
        write(cells, row, column, text, color)
        column += len(text)


# Drawing.


def _dots(mode: Mode) -> tuple[int, int]:
    """Dots in a cell, down and across."""
    return {"braille": (4, 2), "blocks": (2, 2), "ascii": (1, 1)}[mode]


def _glyphs(
    dots: Bool[np.ndarray, "dot_rows dot_columns"], mode: Mode, ascii: str
) -> UInt32[np.ndarray, "r c"]:
    """The characters that show dots; in ASCII, this one."""
    if mode == "ascii":
        return np.where(dots, ord(ascii), BLANK).astype(np.uint32)
    return braille_glyphs(pack_dots(dots)) if mode == "braille" else quadrant_glyphs(dots)


def _lay_under(canvas: Cells, glyphs: UInt32[np.ndarray, "rows columns"], color: Color) -> None:
    """Put these where nothing is yet."""
    here = (canvas.glyphs == BLANK) & (glyphs != BLANK)
    canvas.glyphs[here], canvas.foreground[here] = glyphs[here], color


def _lay_overlays_under(
    canvas: Cells, chart: LossChart, series: _Series, frame: _Frame, mode: Mode
) -> list[tuple[int, int, str]]:
    """The levels of theory, the loss of another run, and those of the other instances.

    Returns where a level has room for its name, which stands before the band.
    """
    names: list[tuple[int, int, str]] = []
    for level in chart.levels:
        height = float(frame.up(np.array([level.loss]))[0])
        if not math.isfinite(height) or not 0 < height < frame.rows * (1 - 1e-6):
            continue
        row = frame.row(level.loss)
        name = f" {level.name} {number(level.loss, 3)}"
        begin = max(0, frame.columns - len(name))
        here = np.flatnonzero(canvas.glyphs[row, :begin] == BLANK)
        canvas.glyphs[row, here] = ord("-" if mode == "ascii" else "╌")
        canvas.foreground[row, here] = chart.colors.other
        if (canvas.glyphs[row, begin:] == BLANK).all():
            names.append((row, begin, name))
    other = chart.other
    if other is not None and other.curve.mean.size:
        smooth = _smooth(other.curve, [], _round_up(_end(other.curve), 0))
        known = np.isfinite(smooth)
        mean = _divide(np.where(known, smooth, 0).sum(1), known.sum(1))[:, None]
        lines = _lines(_centers(other.curve, frame.span), mean, frame, mode)
        _lay_under(canvas, _glyphs(lines, mode, "~"), chart.colors.other)
    if series.each.size:
        lines = _lines(series.x, series.each, frame, mode)
        _lay_under(canvas, _glyphs(lines, mode, "-"), chart.colors.axis)
    return names


def _lines(
    x: Float64[np.ndarray, " points"], values: Float64[np.ndarray, "points lines"], frame: _Frame, mode: Mode
) -> Bool[np.ndarray, "dot_rows dot_columns"]:
    """The dots of any number of lines: in each column of dots, all from one point to the next."""
    down, across = _dots(mode)
    height, width = frame.rows * down, frame.columns * across
    at = frame.span.fraction(x) * width
    columns = np.arange(width) + 0.5
    begins = np.zeros((height + 1, width), np.int64)
    inside = (columns > at[0] - 1) & (columns < at[-1] + 1) if len(at) else np.zeros(width, bool)
    for line in values.T:
        scaled = _log10(line) if frame.log else line
        y = np.interp(columns, at, (scaled - frame.low) / (frame.high - frame.low) * height)
        good = inside & np.isfinite(y)
        after = np.append(y[1:], y[-1:])
        low, high = np.fmin(y, after)[good], np.fmax(y, after)[good]
        seen = (high >= 0) & (low < height)
        low, high = (np.clip(np.floor(v[seen]), 0, height - 1).astype(np.int64) for v in (low, high))
        where = np.flatnonzero(good)[seen]
        np.add.at(begins, (low, where), 1)
        np.add.at(begins, (high + 1, where), -1)
    filled: Bool[np.ndarray, "dot_rows dot_columns"] = (np.cumsum(begins, 0)[:height] > 0)[::-1]
    return filled


def _lay_band_under(
    canvas: Cells, series: _Series, frame: _Frame, color: Color, mode: Mode, plain: bool
) -> None:
    """Fill between low and high, where nothing else is; `plain`: thinly, as no colour sets off the line."""
    down, across = _dots(mode)
    known = np.isfinite(series.low) & np.isfinite(series.high)
    if not known.any():
        return
    x = frame.span.fraction(series.x) * frame.columns * across
    columns = np.arange(frame.columns * across) + 0.5
    # Half a dot beyond the outermost points, so that a lone point has a band too. NaN makes a gap.
    inside = (columns > x[0] - 1) & (columns < x[-1] + 1)
    low, high = (np.interp(columns, x, frame.up(edge) * down) for edge in (series.low, series.high))
    low[:-1], high[:-1] = np.fmin(low[:-1], high[1:]), np.fmax(high[:-1], low[1:])  # no holes in a zigzag
    level = np.arange(frame.rows * down)[::-1, None]
    with np.errstate(invalid="ignore"):
        filled = inside & (level >= np.floor(low)) & (level <= np.floor(high))
    column = columns.astype(np.int64)
    if mode != "ascii":
        filled &= (level + column) % 2 == 0  # every other dot, so that the lines stand out
    if plain:
        filled &= (level % down == 0) & (column % (2 * across) == 0)
    _lay_under(canvas, _glyphs(filled, mode, "."), color)


def _polyline(
    series: _Series, values: Float64[np.ndarray, " points"], frame: _Frame, mode: Mode
) -> tuple[list[float], list[float], list[int]]:
    """Positions in cells, each in the middle of its dot, and the numbers of those not joined to the last.

    Points inside a level stretch are left out: plotext's time goes by points. What is outside of the canvas
    is cut off where the line leaves it.
    """
    down, across = _dots(mode)
    known = np.flatnonzero(np.isfinite(values))
    scaled = _log10(values[known]) if frame.log else values[known]
    apart = np.diff(known, prepend=-2) > 1
    if series.mean is None or values is series.line:
        apart[1:] |= series.gap[known[1:]] | series.gap[known[:-1]]
    x, y, apart = _cut_to_unit(
        frame.span.fraction(series.x[known]), (scaled - frame.low) / (frame.high - frame.low), apart
    )
    x = (np.floor(np.clip(x, 0, 1 - 1e-9) * frame.columns * across) + 0.5) / across
    y = (np.floor(np.clip(y, 0, 1 - 1e-9) * frame.rows * down) + 0.5) / down
    level = np.zeros(len(x), bool)
    level[1:-1] = (y[1:-1] == y[:-2]) & (y[1:-1] == y[2:]) & ~apart[1:-1] & ~apart[2:]
    return x[~level].tolist(), y[~level].tolist(), np.flatnonzero(apart[~level]).tolist()


def _cut_to_unit(
    x: Float64[np.ndarray, " points"], y: Float64[np.ndarray, " points"], apart: Bool[np.ndarray, " points"]
) -> tuple[Float64[np.ndarray, " kept"], Float64[np.ndarray, " kept"], Bool[np.ndarray, " kept"]]:
    """A line, cut off to the left and the right of the unit square; above and below it runs along its edge.

    The first point within is moved to the edge, along the line from the last one without.
    """
    if not len(x):
        return x, y, apart
    inside = np.flatnonzero((x >= 0) & (x <= 1))
    if len(inside) == len(x):
        return x, y, apart
    first, stop = (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (int((x < 0).sum()),) * 2
    x, y = x.copy(), y.copy()
    keep = np.zeros(len(x), bool)
    keep[first:stop] = True
    for outer, inner, edge in ((first - 1, first, 0.0), (stop, stop - 1, 1.0)):
        joined = max(outer, inner)
        if 0 <= outer < len(x) and 0 <= inner < len(x) and not apart[joined] and x[outer] != x[inner]:
            share = (edge - x[inner]) / (x[outer] - x[inner])
            if len(inside) or inner != stop - 1:
                y[outer], x[outer] = y[inner] + share * (y[outer] - y[inner]), edge
            keep[outer] = True
    return x[keep], y[keep], apart[keep]


def _plot(
    layout: _Layout, lines: dict[int, Color], colors: ChartColors, mode: Mode
) -> tuple[UInt32[np.ndarray, "rows columns"], UInt8[np.ndarray, "rows columns 3"]]:
    """plotext's part, as glyphs and colours: axes with ticks, vertical lines by column, the two curves.

    Each call has a figure of its own: the module's is not safe with threads.
    """
    import plotext as plt

    _, margin, frame, series, x_ticks, y_ticks = layout
    axes = margin > 0
    rows, columns = frame.rows + 2 * axes, frame.columns + margin
    figure = plotext_figure()
    figure.plot_size(columns, rows)
    figure.canvas("default")
    figure.axes(False)
    for axis, size, ticks in ((0, frame.columns, x_ticks), (1, frame.rows, y_ticks)):
        ruler = figure.ruler(axis, 0)
        ruler.lim(0, size).alignment("edge")
        ruler.ticks([place for place, _ in ticks], [label.rjust(axis * (margin - 1)) for _, label in ticks])
        if axes:
            figure.axes(True, pixel=plt.pixel(colors.axis), axis=axis, side=0)
            ruler.pixel(plt.pixel(colors.axis))
    for column, color in lines.items():
        figure.line(column, orientation=1, relative=False, pixel=plt.pixel(color))
    for values, color, glyph in ((series.mean, colors.mean, "-"), (series.line, colors.line, "*")):
        if values is None:
            continue
        x, y, apart = _polyline(series, values, frame, mode)
        if not x:
            continue
        symbol = {"ascii": glyph, "braille": "braille", "blocks": "hd"}[mode]
        marker = plt.marker(symbol, pixel=plt.pixel(color))
        signal = figure.signal(x, y, marker=marker).lines(True)
        for point in apart:
            signal.line(point, False)
        figure.draw(signal)
    return _read(figure.build().string(), rows, columns)


def _read(text: str, rows: int, columns: int) -> tuple[Any, Any]:
    """plotext's coloured text as arrays. Of its codes only the 24-bit foreground matters."""
    pieces = split_sgr(text.replace("\n", ""))
    glyphs = code_points("".join(pieces[::2]))
    lengths = [len(piece) for piece in pieces[::2]]
    color: Color = (0, 0, 0)
    runs = [color]
    for code in pieces[1::2]:
        if code.startswith("38;2;"):
            r, g, b = code[5:].split(";")[:3]
            color = int(r), int(g), int(b)
        runs.append(color)
    foreground = np.repeat(np.array(runs, np.uint8), lengths, axis=0)
    return glyphs.reshape(rows, columns), foreground.reshape(rows, columns, 3)
