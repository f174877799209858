"""How far a run is: a bar, the step, the loss, the rate, the time left."""

import math
from datetime import timedelta
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tms_tui.drawing.modes import Mode
from tms_tui.drawing.symbols import symbols


def rate_text(steps_a_second: float) -> str:
    """812 k/s, 1.2 M/s, 500/s."""
    for size, unit in ((1e6, " M"), (1e4, " k")):
        if steps_a_second >= size:
            scaled = steps_a_second / (1e6 if unit == " M" else 1e3)
            return f"{scaled:.1f}{unit}/s" if scaled < 10 else f"{scaled:.0f}{unit}/s"
    return f"{steps_a_second:,.0f}/s"


def time_left(steps_left: int, steps_a_second: float) -> str:
    """h:mm:ss, or nothing where it cannot be known."""
    if steps_a_second <= 0 or not math.isfinite(steps_left / steps_a_second):
        return ""
    seconds = min(steps_left / steps_a_second, 359_999)
    return f"{timedelta(seconds=round(seconds))} left"


class RunBar(Widget):
    """One line. `show` takes how much is done (0 to 1), whether it counts as an error, and what to say."""

    DEFAULT_CSS = """
    RunBar { height: 1; padding: 0 1; }
    RunBar > .done { color: $primary; }
    RunBar > .rest { color: $panel; }
    RunBar > .bad { color: $error; }
    """
    COMPONENT_CLASSES = {"done", "rest", "bad"}  # noqa: RUF012 (Textual's own way)

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)
        self._symbols = symbols(mode)
        self._fraction, self._bad = 0.0, False
        self._parts: tuple[str, ...] = ()

    def show(self, fraction: float, bad: bool, parts: tuple[str, ...]) -> None:
        """`parts` are left out from the end where there is no room."""
        if (fraction, bad, parts) != (self._fraction, self._bad, self._parts):
            self._fraction, self._bad, self._parts = fraction, bad, parts
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        parts = list(self._parts)
        while len(parts) > 1 and len("   ".join(parts)) + 14 > width:
            parts.pop()
        text = "   ".join(parts)
        length = max(0, width - len(text) - 2)
        done = round(length * min(max(self._fraction, 0), 1))
        state = "bad" if self._bad else "done"
        line = [
            Segment(self._symbols.line * done, self.get_component_rich_style(state, partial=True)),
            Segment(
                self._symbols.rest * (length - done), self.get_component_rich_style("rest", partial=True)
            ),
            Segment("  " + text, Style()),
        ]
        base = self.visual_style.rich_style
        return Strip(line).apply_style(base).adjust_cell_length(width, base)
