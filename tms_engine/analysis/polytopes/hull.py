"""The edges of the convex hull of a few points, in any number of dimensions, for drawings.

Every d points in d dimensions span a plane, and it holds a facet if all other points are on one side. For the
some ten features that can be drawn this takes a millisecond. (qhull is faster from 50 points on, but numba
loads SciPy wherever it is installed, and that is 60 ms of every start.)
"""

from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int64

# Of the largest distance from the centre: what is flatter than this is flat, and what is nearer coincides.
_FLAT = 1e-6
# A point so near to a plane is on it.
_TOUCHES = 10 * _FLAT
# Planes that are tried, at most: those of 50 points in three dimensions, or of 21 in five.
_MOST = 20_000


class Hull(NamedTuple):
    """A convex hull, as places in its points.

    edges   the ends of each, (j, k) with j < k, in order
    sides   the two facets that meet in each edge; none unless the hull has three dimensions
    facets  three corners of each that do not lie on a line
    """

    edges: Int64[np.ndarray, "edges 2"]
    sides: Int64[np.ndarray, "sided 2"]
    facets: Int64[np.ndarray, "facets 3"]


_NO_EDGES, _NO_FACETS = np.empty((0, 2), np.int64), np.empty((0, 3), np.int64)


def hull_edges(points: Float[np.ndarray, "points dimension"]) -> Int64[np.ndarray, "edges 2"]:
    """The edges of the convex hull: places in `points` of their ends, (j, k) with j < k, in order.

    As in `hull`.
    """
    return hull(points).edges


def hull(points: Float[np.ndarray, "points dimension"]) -> Hull:
    """The edges of the convex hull and, in three dimensions, its facets.

    Points may lie in fewer dimensions than they have coordinates: on a line there is one edge, in a plane
    there are the sides of a polygon. Points within the hull or within an edge have none, and of points that
    coincide only the first can have one. Facets in one plane are one: a cube has 12 edges, no diagonals.
    Without a hull (fewer than two different points, or coordinates that are not finite) there are no edges,
    and none are sought of more than 50 points in three dimensions, or 21 in five.
    """
    flat, places = _within_their_space(points)
    if len(places) < 2:
        return Hull(_NO_EDGES, _NO_EDGES, _NO_FACETS)
    if flat.shape[1] == 1:
        ends = np.sort(places[[[flat[:, 0].argmin(), flat[:, 0].argmax()]]], axis=1)
        return Hull(ends, _NO_EDGES, _NO_FACETS)
    found = _hull(flat)
    order = np.lexsort(places[found.edges].T[::-1])
    sides = found.sides[order] if len(found.sides) else found.sides
    return Hull(places[found.edges[order]], sides, places[found.facets])


def _within_their_space(
    points: Float[np.ndarray, "points dimension"],
) -> tuple[Float64[np.ndarray, "different flat"], Int64[np.ndarray, " different"]]:
    """Coordinates of the different points in the dimensions that they span, and their places."""
    doubles = points.astype(np.float64)
    none = np.zeros((0, 1)), np.zeros(0, np.int64)
    if not len(doubles) or not np.isfinite(doubles).all():
        return none
    doubles /= max(np.abs(doubles).max(), np.finfo(float).tiny)
    centred = doubles - doubles.mean(0)
    size = np.sqrt(np.square(centred).sum(-1).max())
    if size <= _FLAT:
        return none
    centred /= size
    places = np.sort(np.unique(np.round(centred / _FLAT), axis=0, return_index=True)[1])
    _, values, axes = np.linalg.svd(centred, full_matrices=False)
    flat = centred[places] @ axes[: int((values > _FLAT).sum())].T
    return flat, places.astype(np.int64)


def _hull(flat: Float64[np.ndarray, "points dimension"]) -> Hull:
    """A face of the hull has the points that are on all of some planes: one is a corner, two an edge."""
    n, dimension = flat.shape
    if comb(n, dimension) > _MOST:
        return Hull(_NO_EDGES, _NO_EDGES, _NO_FACETS)
    chosen = np.array(list(combinations(range(n), dimension)))
    spanned = flat[chosen]
    values, axes = np.linalg.svd(spanned[:, 1:] - spanned[:, :1])[1:]
    is_plane = values[:, -1] > _FLAT
    normals = axes[is_plane, -1]
    sides = flat @ normals.T - np.einsum("pd,pd->p", normals, spanned[is_plane, 0])  # (points, planes)
    holds = (sides < _TOUCHES).all(0) | (sides > -_TOUCHES).all(0)
    on, first = np.unique(np.abs(sides[:, holds]) < _TOUCHES, axis=1, return_index=True)
    corners = [j for j in range(n) if on[:, on[j]].all(1).sum() == 1]
    faces = {pair: on[corners][:, on[pair[0]] & on[pair[1]]].all(1) for pair in combinations(corners, 2)}
    edges = np.array([pair for pair, face in faces.items() if face.sum() == 2], np.int64).reshape(-1, 2)
    if dimension != 3:
        return Hull(edges, _NO_EDGES, _NO_FACETS)
    meet = np.array([np.flatnonzero(on[j] & on[k])[:2] for j, k in edges], np.int64).reshape(-1, 2)
    return Hull(edges, meet, chosen[is_plane][holds][first].astype(np.int64))
