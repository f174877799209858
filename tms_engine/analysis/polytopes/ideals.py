"""The ideal shapes: unit vectors from the centre to the vertices, for every shape that is no tegum product.

Simplices of any dimension (a single feature, digon, triangle and tetrahedron are the first), regular polygons
of five and more sides, and three solids of eight vertices.

The cube is regular. A square antiprism and a snub disphenoid may be stretched along their axis and keep their
symmetry; where the literature has several (equal edges, Thomson's electrons, a tight frame) the ideal here is
the one that the loss makes: within the symmetry, the least Σ_{j≠k} max(0, Ŵ_j · Ŵ_k)². That is the
interference which the ReLU lets through when one feature is active (paper, "geometry"; Thomson's antiprism is
.3° from it, the one with equal edges 3°).
"""

import numpy as np
from jaxtyping import Float64

# Kinds of shapes; a solid is SOLID + its place in SOLIDS.
NONE, SIMPLEX, POLYGON, SOLID = range(4)
SOLIDS = ("cube", "square antiprism", "snub disphenoid")
SOLID_VERTICES = 8

# Latitudes in radians of the least interference: of an antiprism's squares, and of a snub disphenoid's
# vertices with four edges and of those with five. tests/engine/test_polytopes.py finds them again.
_ANTIPRISM = 0.5887589
_DISPHENOID = (0.9243248, 0.2778533)


def simplex(vertices: int) -> Float64[np.ndarray, "vertices dimension"]:
    """A regular simplex in one dimension less than it has vertices; a single vertex is a unit vector."""
    if vertices == 1:
        return np.ones((1, 1))
    corners = np.zeros((vertices, vertices - 1))
    for axis in range(vertices - 1):
        after = vertices - 1 - axis  # each vertex turns away from all those after it
        corners[axis, axis] = np.sqrt(after / (after + 1))
        corners[axis + 1 :, axis] = -corners[axis, axis] / after
    return corners * np.sqrt(vertices / (vertices - 1))


def polygon(vertices: int) -> Float64[np.ndarray, "vertices 2"]:
    """A regular polygon, in order."""
    angles = 2 * np.pi * np.arange(vertices) / vertices
    return np.stack([np.cos(angles), np.sin(angles)], -1)


def cube() -> Float64[np.ndarray, "8 3"]:
    signs = [[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    return np.array(signs) / np.sqrt(3)


def square_antiprism(latitude: float = _ANTIPRISM) -> Float64[np.ndarray, "8 3"]:
    """Two squares, half a side's turn from each other, at ± the latitude."""
    around, up = np.pi / 4 * np.arange(8), np.sin(latitude) * np.tile([-1, 1], 4)
    return np.stack([np.cos(latitude) * np.cos(around), np.cos(latitude) * np.sin(around), up], -1)


def snub_disphenoid(latitudes: tuple[float, float] = _DISPHENOID) -> Float64[np.ndarray, "8 3"]:
    """Four vertices with four edges and then four with five, at these latitudes to either side."""
    (c4, c5), (s4, s5) = np.cos(latitudes), np.sin(latitudes)
    fours = [[c4, 0, s4], [-c4, 0, s4], [0, c4, -s4], [0, -c4, -s4]]
    fives = [[0, c5, s5], [0, -c5, s5], [c5, 0, -s5], [-c5, 0, -s5]]
    return np.array(fours + fives)


def solid(place: int) -> Float64[np.ndarray, "8 3"]:
    """The vertices of SOLIDS[place]."""
    return (cube, square_antiprism, snub_disphenoid)[place]()


def vertices_of(kind: int, size: int) -> Float64[np.ndarray, "vertices dimension"]:
    """The vertices of a kind of shape that has so many."""
    if kind == SIMPLEX:
        return simplex(size)
    return polygon(size) if kind == POLYGON else solid(kind - SOLID)
