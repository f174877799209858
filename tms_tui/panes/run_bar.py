"""The run bar: how much of the run is done, the step, the loss, the rate, the time left."""

import math
from datetime import timedelta
from typing import Any, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Offset
from textual.strip import Strip

from tms_engine.digits import number
from tms_engine.errors import shortened
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.symbols import symbols
from tms_tui.model import Model
from tms_tui.panes.pointing import Pointing
from tms_tui.reading import Thing
from tms_tui.view import View, loading


class Progress(NamedTuple):
    """What the bar shows."""

    fraction: float  # of the steps, 0 to 1
    bad: bool  # drawn as an error
    parts: tuple[str, ...]  # texts; left out from the end where there is no room


def progress(model: Model) -> Progress:
    """How far the run is, and the batch loss of the instance and step that are shown."""
    view, shown = model.view, model.shown
    if view.phase == "failed":
        return Progress(1.0, True, (view.error, _can_be_done(model)))
    if view.snapshot is None or shown is None:
        return Progress(0.0, False, (loading(view),))
    fraction = view.step / view.steps
    parts = [f"{view.step:,} / {view.steps:,}", f"{100 * fraction:3.0f}%"]
    if model.options.projector:
        return Progress(fraction, view.phase == "diverged", (*parts, str(view.phase)))
    loss = float(shown.losses[model.options.instance])
    if math.isfinite(loss):
        at_step = "" if model.options.step is None else f" at step {shown.step:,}"
        parts.append(f"batch loss {number(loss, 3)}{at_step}")
    if view.following is not None and view.following.trouble:
        parts.append(view.following.trouble)
    if view.phase in ("training", "following"):
        speed = rate(view) or (view.pace if view.following is None else 0.0)
        if speed and math.isfinite(speed):
            parts += [rate_text(speed), time_left(view.steps - view.step, speed)]
    if view.phase == "diverged":
        parts.append("every instance has diverged")
    elif n_diverged := int((view.diverged_at >= 0).sum()):
        parts.append(f"{n_diverged:,} diverged")
    parts.append(_can_be_done(model))
    return Progress(fraction, view.phase == "diverged", tuple(part for part in parts if part))


def _can_be_done(model: Model) -> str:
    """The keys that lead on from where the run is."""
    if model.replay is not None:
        return "w stops, < > speed"
    if model.options.step is not None:
        return "w replays, End is now"
    if model.view.following is not None:
        return ""
    return {
        "finished": "t trains on, r again",
        "diverged": "r again, i another",
        "failed": "r again, i another",
        "paused": "space goes on",
    }.get(model.view.phase, "")


def rate(view: View) -> float:
    """Steps a second: the kernel's, but no more than the pace. 0 before the first step."""
    return view.rate if view.to_end else min(view.rate, view.pace)


def rate_text(steps_a_second: float) -> str:
    """As 812 k/s, 1.2 M/s, 500/s."""
    for size, unit in ((1e6, " M"), (1e4, " k")):
        if steps_a_second >= size:
            scaled = steps_a_second / (1e6 if unit == " M" else 1e3)
            return f"{scaled:.1f}{unit}/s" if scaled < 10 else f"{scaled:.0f}{unit}/s"
    return f"{steps_a_second:,.0f}/s"


def time_left(steps_left: int, steps_a_second: float) -> str:
    """As 0:05:12 left; "" where it is not known."""
    if steps_a_second <= 0 or not math.isfinite(steps_left / steps_a_second):
        return ""
    seconds = min(steps_left / steps_a_second, 359_999)
    return f"{timedelta(seconds=round(seconds))} left"


class RunBar(Pointing):
    """One line: a bar, and texts behind it."""

    DEFAULT_CSS = """
    RunBar { height: 1; padding: 0 1; }
    RunBar > .done { color: $primary; }
    RunBar > .rest { color: $panel; }
    RunBar > .bad { color: $error; }
    """
    COMPONENT_CLASSES = {"done", "rest", "bad"}  # noqa: RUF012 (Textual's own way)

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)
        self.mode = mode
        self._progress = Progress(0.0, False, ())

    def thing_at(self, offset: Offset) -> Thing | None:
        return Thing("timeline")

    def show(self, progress: Progress) -> None:
        if progress != self._progress:
            self._progress = progress
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        fraction, bad, texts = self._progress
        parts = list(texts)
        while len(parts) > 1 and len("   ".join(parts)) + 14 > width:
            parts.pop()
        # Of a sentence with a long path, what is said of it stands at the end.
        text = shortened("   ".join(parts), max(4, width - 2))
        length = max(0, width - len(text) - 2)
        done = round(length * min(max(fraction, 0), 1))
        done_style = self.get_component_rich_style("bad" if bad else "done", partial=True)
        rest_style = self.get_component_rich_style("rest", partial=True)
        signs = symbols(self.mode)
        line = [
            Segment(signs.line * done, done_style),
            Segment(signs.rest * (length - done), rest_style),
            Segment("  " + text, Style()),
        ]
        base = self.visual_style.rich_style
        return Strip(line).apply_style(base).adjust_cell_length(width, base)
