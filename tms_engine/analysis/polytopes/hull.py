"""The edges of the convex hull of points, in any number of dimensions, for drawings. By qhull, through scipy."""

import numpy as np
from jaxtyping import Float, Float64, Int64

# Of the largest distance from the centre: what is flatter than this is flat, and what is nearer coincides.
_FLAT = 1e-6


def hull_edges(points: Float[np.ndarray, "points dimension"]) -> Int64[np.ndarray, "edges 2"]:
    """The edges of the convex hull: places in `points` of their ends, (j, k) with j < k, in order.

    Points may lie in fewer dimensions than they have coordinates. On a line there is one edge, in a plane there
    are the sides of a polygon. Points within the hull have no edge, and of points that coincide only the first
    can have one. Facets that lie in one plane are one: a cube has 12 edges, no diagonals. Without a hull (fewer
    than two different points, or coordinates that are not finite) there are no edges.

    Costs grow steeply with the dimension: 100 points in 6 take about a second.
    """
    flat, places = _within_their_space(points)
    if len(places) < 2:
        return np.empty((0, 2), np.int64)
    if flat.shape[1] == 1:
        edges = np.array([[flat[:, 0].argmin(), flat[:, 0].argmax()]])
    else:
        edges = _edges(flat)
    return np.unique(np.sort(places[edges], axis=1), axis=0).astype(np.int64)


def _within_their_space(
    points: Float[np.ndarray, "points dimension"],
) -> tuple[Float64[np.ndarray, "different flat"], Int64[np.ndarray, " different"]]:
    """Coordinates of the different points in the dimensions that they span, in units of their size; their places."""
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


def _edges(flat: Float64[np.ndarray, "points dimension"]) -> Int64[np.ndarray, "edges 2"]:
    """Two vertices are joined by an edge if no third one is on all the facets that they share."""
    from scipy.spatial import ConvexHull

    hull = ConvexHull(flat)
    dimension = flat.shape[1]
    planes = np.unique(np.round(hull.equations / _FLAT / 10), axis=0, return_index=True)[1]
    normals = hull.equations[planes]
    on = np.abs(flat @ normals[:, :-1].T + normals[:, -1]) < 10 * _FLAT  # (points, planes)
    first, second = np.triu_indices(dimension, 1)
    pairs = np.unique(
        np.sort(np.stack([hull.simplices[:, first], hull.simplices[:, second]], -1).reshape(-1, 2)), axis=0
    )
    kept = []
    for one, other in pairs:
        shared = on[one] & on[other]
        common = on[:, shared].all(1)
        common[[one, other]] = False
        if shared.sum() >= dimension - 1 and not common.any():
            kept.append((one, other))
    return np.array(kept, np.int64).reshape(-1, 2)
