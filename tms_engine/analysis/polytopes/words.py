"""The words for shapes: of one part, of a whole instance, and with the residual. Loads no numba."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from tms_engine.analysis.polytopes import ideals

# What is said where no feature is represented, and where weights are not finite.
NOTHING, NOT_FINITE = "nothing", "not finite"


class Shape(NamedTuple):
    """What a part is: a kind in ideals.py, the number of its features, and of its dimensions."""

    kind: int
    size: int
    dimension: int


_SIMPLICES = {1: "single", 2: "digon", 3: "triangle", 4: "tetrahedron"}
_POLYGONS = {5: "pentagon", 6: "hexagon", 7: "heptagon", 8: "octagon"}

# The solids of three dimensions that are tegum products, as the names of their factors.
PRODUCTS = {
    ("digon", "digon", "digon"): "octahedron",
    ("triangle", "digon"): "triangular bipyramid",
    ("pentagon", "digon"): "pentagonal bipyramid",
    ("hexagon", "digon"): "hexagonal bipyramid",
    ("heptagon", "digon"): "heptagonal bipyramid",
    ("octagon", "digon"): "octagonal bipyramid",
}

_COUNTS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def part_name(shape: Shape) -> str:
    """The name of one part: "pentagon", "4-simplex", "9-gon", or "8 in 3" where no ideal is near."""
    if shape.kind == ideals.NONE:
        return f"{shape.size} in {shape.dimension}"
    if shape.kind == ideals.SIMPLEX:
        return _SIMPLICES.get(shape.size, f"{shape.dimension}-simplex")
    if shape.kind == ideals.POLYGON:
        return _POLYGONS.get(shape.size, f"{shape.size}-gon")
    return ideals.SOLIDS[shape.kind - ideals.SOLID]


def order_key(shape: Shape) -> tuple[int, bool, Shape]:
    """Sorts parts as they are told: the largest first, those with a name before those without."""
    return -shape.size, shape.kind == ideals.NONE, shape


def whole_name(shapes: Iterable[Shape]) -> str:
    """The name of an instance by the shapes of its parts: "octahedron", or "two digons and a triangle"."""
    names = [part_name(shape) for shape in sorted(shapes, key=order_key)]
    if not names:
        return NOTHING
    if len(names) == 1:
        return names[0]
    known = PRODUCTS.get(tuple(names))
    if known:
        return known
    parts = [_counted(name, count) for name, count in Counter(names).items()]
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]


def _counted(name: str, count: int) -> str:
    """A digon, two digons; what has no name of its own stays as it is: 6 in 3, two 6 in 3."""
    unnamed = name[0].isdigit() and " in " in name
    if count == 1:
        return name if unnamed else f"{_article(name)} {name}"
    number = _COUNTS[count - 2] if count - 2 < len(_COUNTS) else str(count)
    return f"{number} {name}" if unnamed else f"{number} {_plural(name)}"


def _article(name: str) -> str:
    return "an" if name[0] in "aeiou" or name.startswith(("8", "11-", "18-")) else "a"


def _plural(name: str) -> str:
    for ending, plural in {"simplex": "simplices", "tetrahedron": "tetrahedra"}.items():
        if name.endswith(ending):
            return name.removesuffix(ending) + plural
    return f"{name}s"


def title(name: str, residual: float) -> str:
    """A name with how far the model is from it: "square antiprism, 4° off"; the name alone without one.

    `residual` is in degrees. Below one degree it has one decimal.
    """
    if not math.isfinite(residual):
        return name
    return f"{name}, {residual:.0f}° off" if residual >= 0.95 else f"{name}, {residual:.1f}° off"
