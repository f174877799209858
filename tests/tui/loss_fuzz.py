"""Draws thousands of arbitrary loss charts. Run as a module by test_loss_chart.py, in a process that may die.

python -W error -m tests.tui.loss_fuzz SEED CHARTS
"""

import sys
from typing import Any

import numpy as np

from tms_engine.analysis.levels import Level
from tms_engine.training.history import LossCurve
from tms_engine.training.state import Change
from tms_tui.drawing.loss_chart import LossChart, Other, Window, draw_loss, step_at

_AWKWARD = [0, -0.0, -1, 1e-45, 1e-38, 1e-12, 0.004, 1, 1e15, 3.4e38, -3.4e38, np.nan, np.inf, -np.inf]
_SCALES = [0.004, 1.0, 1e-44, 1e37]


def _values(rng: np.random.Generator, buckets: int, instances: int) -> Any:
    """Losses of one temper: smooth, flat, wild, dead or full of holes."""
    shape = (buckets, instances)
    temper = rng.integers(7)
    if temper == 0:
        values = rng.lognormal(0, 1, shape) * rng.choice(_SCALES)
    elif temper == 1:
        values = np.full(shape, rng.choice(_AWKWARD))
    elif temper == 2:
        values = rng.choice(_AWKWARD, shape)
    elif temper == 3:
        values = (10 ** np.linspace(0, rng.uniform(-40, 40), buckets))[:, None] + np.zeros(shape)
    elif temper == 4:
        values = rng.normal(size=shape) * rng.choice(_SCALES)
    elif temper == 5:
        alive = rng.integers(buckets + 1, size=instances)
        values = np.where(np.arange(buckets)[:, None] < alive, 0.1, np.nan)
    else:
        values = np.where(rng.random(shape) < rng.random(), rng.choice(_AWKWARD), rng.random(shape))
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _chart(rng: np.random.Generator) -> LossChart:
    buckets = int(rng.choice([0, 1, 2, 3, rng.integers(4, 60), 200, 1024]))
    instances = int(rng.choice([1, 1, 1, 2, 3, 16]))
    width = int(rng.choice([1, 1, 2, 16, 2**20, 2**50]))
    start = np.arange(buckets, dtype=np.int64) * width
    end = start + width
    if buckets:
        end[-1] = start[-1] + rng.integers(1, width + 1)
    mean = _values(rng, buckets, instances)
    if rng.random() < 0.5:
        low, high = mean, mean
    else:
        low, high = _values(rng, buckets, instances), _values(rng, buckets, instances)
    last = int(end[-1]) if buckets else 0
    anywhere = [-(2**62), -1, 0, 1, last // 2, last, last + 1, 2**62]
    changes = tuple(
        Change(
            int(rng.choice(anywhere)),
            str(rng.choice(["sparsity", "learning_rate", "importance_decay", "steps"])),
            float(rng.choice([0.5, 1e-30, 1e30])) if rng.random() < 0.8 else (0.5,) * instances,
        )
        for _ in range(rng.integers(0, 5))
    )
    return LossChart(
        curve=None if rng.random() < 0.05 else LossCurve(start, end, low, mean, high),
        steps=int(rng.choice([1, 7, 10_000, max(1, last), 2**62])),
        log=bool(rng.integers(2)),
        changes=changes,
        diverged_at=tuple(int(s) for s in rng.choice(anywhere, instances)),
        cursor=None if rng.random() < 0.4 else int(rng.choice(anywhere)),
        instance=int(rng.choice([0, instances - 1, instances, -1])),
        log_steps=bool(rng.integers(2)),
        window=Window(_part(rng, anywhere), _part(rng, [-1.0, 0.0, 1e-30, 0.01, 1.0, 1e30])),
        kept=tuple(sorted({abs(int(s)) for s in rng.choice(anywhere, rng.integers(0, 9))})),
        pointed=None if rng.random() < 0.7 else int(rng.choice(anywhere)),
        every_instance=bool(rng.integers(2)),
        levels=tuple(Level("level", float(loss)) for loss in rng.choice([0.0, 1e-30, 0.01, 1e30], 2)),
        other=None if rng.random() < 0.7 else Other("other", LossCurve(start, end, low, mean, high)),
        plain=bool(rng.integers(2)),
    )


def _part(rng: np.random.Generator, values: list[Any]) -> tuple[float, float] | None:
    low, high = sorted(map(float, rng.choice(values, 2)))
    return (low, high) if low < high and rng.random() < 0.5 else None


def main(seed: int, charts: int) -> None:
    rng = np.random.default_rng(seed)
    for number in range(charts):
        chart = _chart(rng)
        if rng.random() < 0.7:
            rows, columns = int(rng.integers(0, 16)), int(rng.integers(0, 60))
        else:
            rows, columns = int(rng.integers(0, 61)), int(rng.integers(0, 201))
        mode = ("braille", "blocks", "ascii")[number % 3]
        cells = draw_loss(chart, rows, columns, mode)
        assert cells.glyphs.shape == (rows, columns)
        assert cells.foreground.shape == (rows, columns, 3)
        step = step_at(chart, int(rng.integers(-1, 201)), rows, columns, mode)
        assert step is None or step >= 0
        assert (cells.glyphs >= 32).all(), "a control character would move the terminal's cursor"
        assert mode != "ascii" or (cells.glyphs < 127).all()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
