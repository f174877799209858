"""The compiled search for orthogonal parts, and for the name of each. Shapes as in fitting.py; n features.

Which cosine counts as orthogonal differs from model to model: 1/5 is an edge of a simplex in five dimensions,
and the noise between two digons. So there is no threshold. Features are joined one pair of groups at a time,
the largest |cosine| first: a tree, in which every set of groups that some threshold would leave is a set of
branches. From the leaves up, each branch is either one part or the parts of its two branches, whichever needs
the smaller sum of squared angles to become ideal:

- one part: the angles of its features to the nearest shape; NAMED for each feature where no shape is as near;
- two: the sum of both, and the angles that make them orthogonal. To first order these are, with B the cosines
  between the two and α = ‖cosines within‖² / features of each, ‖B‖² / (α_1 + α_2). For two digons that are δ
  off a right angle it is δ²: each of four features turns by δ/2.

Groups whose dimensions together exceed the hidden dimensions stay one part. Two groups without a name are two
parts if they are within ORTHOGONAL of being orthogonal, as a root-mean-square angle. So trained parts that
are a few degrees off come apart, and what is further from orthogonal than its best single shape stays one.
"""

import math
from typing import no_type_check

import numpy as np

from tms_engine.analysis.geometry import REPRESENTED_NORM
from tms_engine.analysis.polytopes import ideals
from tms_engine.analysis.polytopes.fitting import (
    ascend,
    eigen,
    moments,
    nearest,
    squared_angles,
    vertices,
)
from tms_engine.training.numba.cache import compiled

ORTHOGONAL = math.radians(5)
# The dimension of a part without a name is the least that holds its features to this root-mean-square angle.
FLAT = math.radians(5)
# With more represented features than this no parts are sought: the search takes a second there.
MOST = 512

_BASE = 1 << 20

_NONE, _SIMPLEX, _POLYGON = ideals.NONE, ideals.SIMPLEX, ideals.POLYGON


@compiled()
@no_type_check
def code_of(kind, size, dimension):
    """A shape as one integer above 0."""
    return (kind * _BASE + size) * _BASE + dimension


@compiled()
@no_type_check
def shape_of(code):
    """Kind, size and dimension."""
    return code // _BASE // _BASE, code // _BASE % _BASE, code % _BASE


@compiled()
@no_type_check
def ideal_dimension(kind, size):
    if kind == _SIMPLEX:
        return max(1, size - 1)
    return 2 if kind == _POLYGON else 3


@compiled()
@no_type_check
def flat_dimension(u):
    """The least number of dimensions that holds the directions u (k, m) to FLAT."""
    values = eigen(moments(u), np.empty((min(u.shape), min(u.shape))))
    ascend(values)
    left, dimension = 0.0, len(values)
    for value in values:
        left += value
        if left > len(u) * math.sin(FLAT) ** 2 or dimension == 1:
            break
        dimension -= 1
    return dimension


@compiled()
@no_type_check
def _tree(u):
    """Features joined, the largest |cosine| first: their order (k), children (k − 1, 2) and sizes (2k − 1).

    Nodes 0 … k − 1 are the features. In the order, the features of each node stand side by side.
    """
    k, m = u.shape
    # Prim's algorithm: the edges of a maximum spanning tree.
    ends, strengths = np.zeros((k - 1, 2), np.int64), np.zeros(k - 1)
    link, strength, inside = np.zeros(k, np.int64), np.full(k, -1.0), np.zeros(k, np.bool_)
    last = 0
    for edge in range(k - 1):
        inside[last] = True
        best = -1
        for j in range(k):
            if inside[j]:
                continue
            along = 0.0
            for a in range(m):
                along += u[last, a] * u[j, a]
            if abs(along) > strength[j]:
                strength[j], link[j] = abs(along), last
            if best < 0 or strength[j] > strength[best]:
                best = j
        ends[edge, 0], ends[edge, 1], strengths[edge] = link[best], best, strength[best]
        last = best
    # Kruskal's: groups as lists, and the node that each group is.
    children, sizes = np.zeros((k - 1, 2), np.int64), np.ones(2 * k - 1, np.int64)
    group, after, tail, node = np.arange(k), np.full(k, -1), np.arange(k), np.arange(k)
    for joined in range(k - 1):
        edge = 0
        for candidate in range(k - 1):
            if strengths[candidate] > strengths[edge]:
                edge = candidate
        strengths[edge] = -1.0
        one, other = group[ends[edge, 0]], group[ends[edge, 1]]
        children[joined, 0], children[joined, 1] = node[one], node[other]
        sizes[k + joined] = sizes[node[one]] + sizes[node[other]]
        node[one] = k + joined
        after[tail[one]] = other
        tail[one] = tail[other]
        while other >= 0:
            group[other] = one
            other = after[other]
    order, feature = np.empty(k, np.int64), group[0]
    for position in range(k):
        order[position] = feature
        feature = after[feature]
    return order, children, sizes


@compiled()
@no_type_check
def _search(u, part, shape, places):
    """Fill the part of each of k directions, its shape, and its vertex there; parts are numbered from 0."""
    k, m = u.shape
    order, children, sizes = _tree(u)
    ordered = np.empty((k, m))
    first, spread = np.zeros(2 * k - 1, np.int64), np.ones(2 * k - 1)
    cost, dimensions = np.zeros(2 * k - 1), np.ones(2 * k - 1, np.int64)
    # Of positions in the order: the node that is their part, its kind, and their vertex.
    chosen, kinds = np.empty(k, np.int64), np.full(k, _SIMPLEX)
    vertex, tried = np.zeros(k, np.int64), np.empty(k, np.int64)
    for position in range(k):
        first[order[position]] = position
        chosen[position] = order[position]
        for a in range(m):
            ordered[position, a] = u[order[position], a]
    for joined in range(k - 1):
        here, one, other = k + joined, children[joined, 0], children[joined, 1]
        begin, middle = first[one], first[other]
        size = sizes[here]
        first[here], end = begin, begin + size
        between = 0.0
        for i in range(begin, middle):
            for j in range(middle, end):
                along = 0.0
                for a in range(m):
                    along += ordered[i, a] * ordered[j, a]
                between += along * along
        spread[here] = spread[one] + spread[other] + 2 * between
        kind, whole = nearest(ordered[begin:end], spread[here], tried[:size])
        turn = between / (spread[one] / sizes[one] + spread[other] / sizes[other])
        split = cost[one] + cost[other] + turn
        fits = dimensions[one] + dimensions[other] <= m
        orthogonal = kind == _NONE and turn <= size * ORTHOGONAL**2
        if fits and (split <= whole or orthogonal):
            cost[here], dimensions[here] = split, dimensions[one] + dimensions[other]
            continue
        flat = flat_dimension(ordered[begin:end]) if kind == _NONE else ideal_dimension(kind, size)
        cost[here], dimensions[here] = whole, flat
        for position in range(begin, end):
            chosen[position], kinds[position], vertex[position] = here, kind, tried[position - begin]
    begin, count = 0, 0
    while begin < k:
        end = begin + sizes[chosen[begin]]
        kind, dimension = kinds[begin], dimensions[chosen[begin]]
        for position in range(begin, end):
            feature = order[position]
            part[feature], places[feature] = count, vertex[position]
            shape[feature] = code_of(kind, end - begin, dimension)
        begin, count = end, count + 1


@compiled()
@no_type_check
def misfit(u, part, shape, places):
    """The squared angles of directions in named parts, after one rotation of all: their sum and number."""
    k, m = u.shape
    sizes, widths = np.zeros(k, np.int64), np.zeros(k, np.int64)
    named, width = 0, 0
    for j in range(k):
        kind, size, dimension = shape_of(shape[j])
        if kind != _NONE:
            named += 1
            width += dimension if sizes[part[j]] == 0 else 0
            sizes[part[j]], widths[part[j]] = size, dimension
    if named == 0:
        return 0.0, 0
    kept, ideal = np.empty((named, m)), np.zeros((named, width))
    row, column = 0, 0
    for number in range(k):
        where, begin, kind = np.empty(sizes[number], np.int64), row, _NONE + 0
        for j in range(k):
            if part[j] == number and sizes[number] > 0:
                where[row - begin] = places[j]
                kind = shape_of(shape[j])[0]
                for a in range(m):
                    kept[row, a] = u[j, a]
                row += 1
        if row > begin:
            corners = vertices(kind, where)
            for j in range(begin, row):
                for a in range(widths[number]):
                    ideal[j, column + a] = corners[j - begin, a]
            column += widths[number]
    return squared_angles(kept, ideal, np.empty(named)), named


@compiled()
@no_type_check
def parts_of(w, part, shape, places):
    """The parts of one instance's weights w (n, m), and their misfit.

    Fills, for each feature, the number of its part (−1: not represented), the shape, and the vertex there.
    The result is as in `misfit`.
    """
    n, m = w.shape
    lengths, k = np.empty(n), 0
    for j in range(n):
        part[j], shape[j], places[j] = -1, 0, 0
        squared = 0.0
        for a in range(m):
            squared += w[j, a] * w[j, a]
        lengths[j] = math.sqrt(squared)
        k += lengths[j] > REPRESENTED_NORM
    if k == 0:
        return 0.0, 0
    u, features, row = np.empty((k, m)), np.empty(k, np.int64), 0
    for j in range(n):
        if lengths[j] > REPRESENTED_NORM:
            features[row] = j
            for a in range(m):
                u[row, a] = w[j, a] / lengths[j]
            row += 1
    some, shapes, vertex = np.zeros(k, np.int64), np.zeros(k, np.int64), np.zeros(k, np.int64)
    if k > MOST:
        for row in range(k):
            shapes[row] = code_of(_NONE, k, min(k, m))
    else:
        _search(u, some, shapes, vertex)
    for row in range(k):
        part[features[row]], shape[features[row]] = some[row], shapes[row]
        places[features[row]] = vertex[row]
    return misfit(u, some, shapes, vertex)


@compiled()
@no_type_check
def name_all(weights, codes, residual):
    """Of finite weights (instances, n, m): codes (instances, n) of their parts, negative and sorted, then 0.

    And residuals (instances), in radians.
    """
    n = weights.shape[1]
    part, shape, places = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    for i in range(len(weights)):
        total, named = parts_of(weights[i], part, shape, places)
        residual[i] = math.sqrt(total / named) if named > 0 else np.nan
        for j in range(n):
            codes[i, j] = 0
        for j in range(n):
            if part[j] >= 0:
                codes[i, part[j]] = -shape[j]
        ascend(codes[i])
