import math

import pytest

from tms_engine.analysis.polytopes.ideals import NONE, POLYGON, SIMPLEX, SOLID, SOLIDS
from tms_engine.analysis.polytopes.words import Shape, part_name, title, whole_name

SINGLE, DIGON, TRIANGLE = Shape(SIMPLEX, 1, 1), Shape(SIMPLEX, 2, 1), Shape(SIMPLEX, 3, 2)
TETRAHEDRON, PENTAGON = Shape(SIMPLEX, 4, 3), Shape(POLYGON, 5, 2)
OCTAGON, UNNAMED = Shape(POLYGON, 8, 2), Shape(NONE, 6, 3)


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        (SINGLE, "single"),
        (TETRAHEDRON, "tetrahedron"),
        (Shape(SIMPLEX, 5, 4), "4-simplex"),
        (Shape(POLYGON, 6, 2), "hexagon"),
        (Shape(POLYGON, 9, 2), "9-gon"),
        (UNNAMED, "6 in 3"),
        *((Shape(SOLID + place, 8, 3), name) for place, name in enumerate(SOLIDS)),
    ],
)
def test_the_name_of_a_part(shape, name):
    assert part_name(shape) == whole_name([shape]) == name


@pytest.mark.parametrize(
    ("shapes", "name"),
    [
        ([], "nothing"),
        ([DIGON, DIGON], "two digons"),
        ([DIGON] * 3, "octahedron"),
        ([DIGON] * 4, "four digons"),
        ([DIGON, TRIANGLE], "triangular bipyramid"),
        ([PENTAGON, DIGON], "pentagonal bipyramid"),
        ([TRIANGLE, DIGON, DIGON], "a triangle and two digons"),
        ([SINGLE, DIGON, PENTAGON, DIGON], "a pentagon, two digons and a single"),
        ([TETRAHEDRON, TETRAHEDRON], "two tetrahedra"),
        ([Shape(SIMPLEX, 5, 4)] * 2, "two 4-simplices"),
        ([OCTAGON, SINGLE], "an octagon and a single"),
        ([SINGLE] * 14, "14 singles"),
        ([UNNAMED, DIGON], "6 in 3 and a digon"),
        ([UNNAMED, UNNAMED], "two 6 in 3"),
    ],
)
def test_the_name_of_the_whole_whatever_the_order(shapes, name):
    assert whole_name(shapes) == whole_name(reversed(shapes)) == name


@pytest.mark.parametrize(
    ("residual", "said"),
    [
        (4.2, "cube, 4° off"),
        (12.7, "cube, 13° off"),
        (0.96, "cube, 1° off"),
        (0.94, "cube, 0.9° off"),
        (0.0, "cube, 0.0° off"),
        (math.nan, "cube"),
    ],
)
def test_the_residual_is_beside_the_name(residual, said):
    assert title("cube", residual) == said
