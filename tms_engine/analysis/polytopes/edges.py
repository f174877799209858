"""The edges of the solid that the represented features of one instance make, as it is named.

The hull of vectors that are learned has no face with more than three corners: the square of an antiprism that
is 4° off is two triangles, and along which diagonal changes from step to step. So where every part has a
name, the edges are those of the ideal, between the features that stand for its vertices: an antiprism has 16,
a cube 12. Where a part has none, they are those of the vectors themselves.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int64

from tms_engine.analysis.geometry import represented
from tms_engine.analysis.polytopes import ideals
from tms_engine.analysis.polytopes.hull import Hull, hull
from tms_engine.analysis.polytopes.naming import Part, Polytopes

# Features without an ideal of which a hull is sought, for every step that is seen anew.
_MOST = 24


class SolidEdges(NamedTuple):
    """Edges between features.

    edges   the features at the ends of each
    sides   the two facets that meet in each; none unless it is one solid in three dimensions
    facets  three features of each that do not lie on a line
    """

    edges: Int64[np.ndarray, "edges 2"]
    sides: Int64[np.ndarray, "sided 2"]
    facets: Int64[np.ndarray, "facets 3"]


_NONE = SolidEdges(np.empty((0, 2), np.int64), np.empty((0, 2), np.int64), np.empty((0, 3), np.int64))


def solid_edges(weights: Float[np.ndarray, "features hidden"], found: Polytopes) -> SolidEdges:
    """The edges of the solid of one instance, of which `found` is what `polytopes` said.

    In up to three hidden dimensions those of the convex hull of all represented features. In more, where a
    hull of all would join nearly each with each, those of each part by itself, and none of parts without a
    name. None where the weights are not finite, or more than 24 features have no name.
    """
    m = weights.shape[1]
    named = [part for part in found.parts if part.shape.kind != ideals.NONE]
    if m > 3:
        pairs = [np.array(part.features)[hull(_ideal(part)).edges] for part in named]
        return SolidEdges(np.concatenate([_NONE.edges, *pairs]), _NONE.sides, _NONE.facets)
    if named and len(named) == len(found.parts) and sum(part.dimension for part in named) <= m:
        features = np.concatenate([part.features for part in named]).astype(np.int64)
        return _between(hull(_product(named)), features)
    if not np.isfinite(weights).all():
        return _NONE
    features = np.flatnonzero(represented(weights[None])[0])
    return _between(hull(weights[features]), features) if len(features) <= _MOST else _NONE


def _between(found: Hull, features: Int64[np.ndarray, " some"]) -> SolidEdges:
    return SolidEdges(features[found.edges], found.sides, features[found.facets])


def _ideal(part: Part) -> Float64[np.ndarray, "features dimension"]:
    return ideals.vertices_of(part.shape.kind, part.shape.size)


def _product(parts: list[Part]) -> Float64[np.ndarray, "features dimension"]:
    """The vertices of the tegum product of the parts' ideals, each part in dimensions of its own."""
    whole = np.zeros((sum(len(part.features) for part in parts), sum(part.dimension for part in parts)))
    row, column = 0, 0
    for part in parts:
        here = slice(row, row + len(part.features)), slice(column, column + part.dimension)
        whole[here] = _ideal(part)
        row, column = here[0].stop, here[1].stop
    return whole
