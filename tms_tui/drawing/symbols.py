"""The few characters beyond ASCII that the screens use, and their stand-ins in plain ASCII."""

from typing import NamedTuple

from tms_tui.drawing.modes import Mode


class Symbols(NamedTuple):
    arrow: str
    norm: str
    sigma: str
    plus_minus: str
    dot: str
    bar: str
    line: str
    rest: str
    gram: str
    dash: str
    squared: str
    times: str
    check: str
    separator: str
    ellipsis: str
    pointer: str
    mark: str  # of a feature that others are compared with
    beyond: str  # at the end of a bar that is longer than it can be drawn


UNICODE = Symbols(
    "→", "‖W‖", "Σ", "±", "●", "▇", "━", "─", "W Wᵀ", "─", "²", "×", "✓", " · ", " …", "▸", "▸", "▸"
)
ASCII = Symbols(
    "->", "|W|", "sum ", "+-", "*", "#", "=", "-", "W W'", "-", "^2", "x", "y", " | ", " ...", ">", ">", ">"
)


def symbols(mode: Mode) -> Symbols:
    return ASCII if mode == "ascii" else UNICODE
