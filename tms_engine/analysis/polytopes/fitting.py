"""The compiled fit of an ideal shape to directions: matched vertex by vertex, then turned by Procrustes.

Shapes are in comments, since numba reads no annotations: k features of a part, m hidden dimensions, d of the
ideal. U (k, m) are directions, V (k, d) the ideal's vertices in the same order. All are float64.

Simplices need no matching: all their permutations are rotations. Polygons are matched by the features' order
around the best plane. Solids are matched by branch and bound over all permutations, exactly, by the least sum
of squared differences between the two Gram matrices; the symmetries of a solid only repeat the same minimum.
"""

import math
from typing import no_type_check

import numpy as np

from tms_engine.analysis.polytopes import ideals
from tms_engine.training.numba.cache import compiled

# A part has a name if the root-mean-square angle of its features to the ideal is at most this, in radians. Of
# directions drawn at random, eight in three dimensions, one in 300 comes as near to one of the solids; of 256
# trained models of the seed, all do: the furthest is at 8.5°.
NAMED = math.radians(15)

_SOLIDS = np.stack([ideals.solid(place) for place in range(len(ideals.SOLIDS))])
_GRAMS = _SOLIDS @ np.swapaxes(_SOLIDS, 1, 2)
_PAIRS = np.triu_indices(ideals.SOLID_VERTICES, 1)
_SORTED = np.sort(_GRAMS[:, _PAIRS[0], _PAIRS[1]], axis=1)
# One vertex of each kind: all others are images of these under the solid's symmetries.
_FIRST = np.array([[0, 0], [0, 0], [0, 4]])
# Squared differences of Gram matrices, summed over pairs, beyond which a solid is no candidate: of 6,000
# solids disturbed at random, none that is within NAMED of its ideal exceeds 2.6.
_FURTHEST = 3.5
# A solid whose Gram matrix is so many times further away than that of another is not nearer by its angles.
_WORSE = 3.0

_NONE, _SIMPLEX, _POLYGON, _SOLID = ideals.NONE, ideals.SIMPLEX, ideals.POLYGON, ideals.SOLID
_EIGHT = ideals.SOLID_VERTICES


@compiled()
@no_type_check
def eigen(a, vectors):
    """Eigenvalues of a symmetric matrix a, which is overwritten, by Jacobi; and its vectors, as columns."""
    size = len(a)
    for i in range(size):
        for j in range(size):
            vectors[i, j] = 1.0 if i == j else 0.0
    scale = 0.0
    for i in range(size):
        scale = max(scale, abs(a[i, i]))
    for _ in range(60):
        off = 0.0
        for i in range(size):
            for j in range(i):
                off = max(off, abs(a[i, j]))
        if off <= 1e-15 * scale:
            break
        for p in range(size):
            for q in range(p + 1, size):
                if abs(a[p, q]) <= 1e-16 * scale:
                    continue
                ratio = (a[q, q] - a[p, p]) / (2 * a[p, q])
                t = 1 / (abs(ratio) + math.sqrt(ratio * ratio + 1))
                if ratio < 0:
                    t = -t
                c = 1 / math.sqrt(t * t + 1)
                s = t * c
                for i in range(size):
                    x, y = a[i, p], a[i, q]
                    a[i, p], a[i, q] = c * x - s * y, s * x + c * y
                for i in range(size):
                    x, y = a[p, i], a[q, i]
                    a[p, i], a[q, i] = c * x - s * y, s * x + c * y
                for i in range(size):
                    x, y = vectors[i, p], vectors[i, q]
                    vectors[i, p], vectors[i, q] = c * x - s * y, s * x + c * y
    values = np.empty(size)
    for i in range(size):
        values[i] = a[i, i]
    return values


@compiled()
@no_type_check
def squared_angles(u, v, angles):
    """The squared angles (k) between the features and the ideal's vertices, after the best rotation.

    The rotation takes the ideal's d dimensions into the features' m: the polar factor Q = M (MᵀM)^{−½} of
    M = UᵀV (m, d). Where d exceeds m, what does not fit is orthogonal to all features.
    """
    k, m = u.shape
    d = v.shape[1]
    product = np.zeros((m, d))
    for j in range(k):
        for a in range(m):
            for b in range(d):
                product[a, b] += u[j, a] * v[j, b]
    inner = np.zeros((d, d))
    for a in range(m):
        for b in range(d):
            for c in range(d):
                inner[b, c] += product[a, b] * product[a, c]
    axes = np.empty((d, d))
    values = eigen(inner, axes)
    largest = 0.0
    for value in values:
        largest = max(largest, value)
    total = 0.0
    turned, along = np.empty(m), np.empty(d)
    for j in range(k):
        for b in range(d):
            along[b] = 0.0
        for c in range(d):
            if values[c] > 1e-14 * largest:
                part = 0.0
                for b in range(d):
                    part += v[j, b] * axes[b, c]
                part /= math.sqrt(values[c])
                for b in range(d):
                    along[b] += part * axes[b, c]
        chord, length = 0.0, 0.0
        for a in range(m):
            turned[a] = 0
            for b in range(d):
                turned[a] += product[a, b] * along[b]
            chord += (u[j, a] - turned[a]) ** 2
            length += turned[a] ** 2
        chord += max(1 - length, 0.0)
        angles[j] = (2 * math.asin(min(math.sqrt(chord) / 2, 1.0))) ** 2
        total += angles[j]
    return total


@compiled()
@no_type_check
def _gram(u):
    k, m = u.shape
    gram = np.zeros((k, k))
    for i in range(k):
        for j in range(k):
            for a in range(m):
                gram[i, j] += u[i, a] * u[j, a]
    return gram


@compiled()
@no_type_check
def moments(u):
    """U Uᵀ (k, k) or Uᵀ U (m, m), whichever is smaller: they have the same values, but for zeros."""
    return _gram(u) if len(u) < u.shape[1] else _gram(u.T.copy())


@compiled()
@no_type_check
def ascend(values):
    """Sort a few numbers in place."""
    for i in range(1, len(values)):
        value, slot = values[i], i
        while slot > 0 and values[slot - 1] > value:
            values[slot] = values[slot - 1]
            slot -= 1
        values[slot] = value


@compiled()
@no_type_check
def simplex(k):
    """ideals.simplex, compiled."""
    if k == 1:
        return np.ones((1, 1))
    v = np.zeros((k, k - 1))
    scale = math.sqrt(k / (k - 1))
    for axis in range(k - 1):
        after = k - 1 - axis
        v[axis, axis] = scale * math.sqrt(after / (after + 1))
        for j in range(axis + 1, k):
            v[j, axis] = -v[axis, axis] / after
    return v


@compiled()
@no_type_check
def _around(u, places):
    """Fill the places (k) of the features in their order around the plane that holds most of them."""
    k, m = u.shape
    axes = np.empty((min(k, m), min(k, m)))
    values = eigen(moments(u), axes)
    one = other = -1
    for axis in range(len(values)):
        if one < 0 or values[axis] > values[one]:
            one, other = axis, one
        elif other < 0 or values[axis] > values[other]:
            other = axis
    turns = np.empty(k)
    for j in range(k):
        if m > k:
            # Coordinates are these, times the root of each value; in a polygon the two are nearly equal.
            x, y = axes[j, one], axes[j, other]
        else:
            x, y = 0.0, 0.0
            for a in range(m):
                x += u[j, a] * axes[a, one]
                y += u[j, a] * axes[a, other]
        turns[j] = math.atan2(y, x)
    for i in range(k):
        places[i] = 0
        for j in range(k):
            if turns[j] < turns[i] or (turns[j] == turns[i] and j < i):
                places[i] += 1


@compiled()
@no_type_check
def _match(gram, which, limit, places):
    """Fill `places` (k): the solid's vertex for each feature; the sum of squared differences of the Grams.

    Features are placed one after the other, and a branch ends when its sum reaches the best, or `limit`: that
    of the features that are placed, and of each other one beside these, on the best vertex that is left.
    """
    best, depth = limit, 0
    sums, costs = np.zeros(_EIGHT), np.zeros((_EIGHT, _EIGHT, _EIGHT))  # costs: of depth, feature, vertex
    here, tried = np.zeros(_EIGHT, np.int64), np.zeros(_EIGHT, np.int64)
    while depth >= 0:
        vertex = tried[depth]
        tried[depth] += 1
        if vertex == _EIGHT or (depth == 0 and vertex > _FIRST[which, 1]):
            depth -= 1
            continue
        total = sums[depth] + costs[depth, depth, vertex]
        if total >= best or (depth == 0 and vertex != _FIRST[which, 0] and vertex != _FIRST[which, 1]):
            continue
        here[depth] = vertex
        if depth == _EIGHT - 1:
            best = total
            for j in range(_EIGHT):
                places[j] = here[j]
            continue
        bound = total
        for j in range(depth + 1, _EIGHT):
            least = np.inf
            for other in range(_EIGHT):
                cost = costs[depth, j, other] + (gram[j, depth] - _GRAMS[which, other, vertex]) ** 2
                if other == vertex:
                    cost = np.inf  # and so it stays in all that follow
                costs[depth + 1, j, other] = cost
                least = min(least, cost)
            bound += least
            if bound >= best:
                break
        if bound < best:
            depth += 1
            sums[depth], tried[depth] = total, 0
    return best


@compiled()
@no_type_check
def vertices(kind, places):
    """The ideal's vertices (k, d) in the order of the features that are placed on them."""
    k = len(places)
    if kind == _SIMPLEX:
        return simplex(k)
    if kind == _POLYGON:
        v = np.empty((k, 2))
        for j in range(k):
            turn = 2 * math.pi * places[j] / k
            v[j, 0], v[j, 1] = math.cos(turn), math.sin(turn)
        return v
    v = np.empty((k, 3))
    for j in range(k):
        for a in range(3):
            v[j, a] = _SOLIDS[kind - _SOLID, places[j], a]
    return v


@compiled()
@no_type_check
def place(kind, u, places):
    """Fill `places` (k) with the vertex of a kind of shape that each feature is nearest to."""
    if kind == _SIMPLEX:
        for j in range(len(u)):
            places[j] = j
    elif kind == _POLYGON:
        _around(u, places)
    else:
        _match(_gram(u), kind - _SOLID, np.inf, places)


@compiled()
@no_type_check
def _nearest_solid(u, places):
    """The solid that is nearest to eight directions, and the sum of squared angles; or NONE and infinity."""
    gram = _gram(u)
    pairs = np.empty(_SORTED.shape[1])
    for slot in range(len(pairs)):
        pairs[slot] = gram[_PAIRS[0][slot], _PAIRS[1][slot]]
    ascend(pairs)
    # However they are matched, pairs differ at least as much as they do in order of size.
    bounds = np.zeros(_SOLIDS.shape[0])
    for which in range(len(bounds)):
        for slot in range(len(pairs)):
            bounds[which] += (pairs[slot] - _SORTED[which, slot]) ** 2
    kind, least, furthest = _NONE, np.inf, _FURTHEST
    tried, angles = np.empty(_EIGHT, np.int64), np.empty(_EIGHT)
    for _ in range(len(bounds)):
        which = 0
        for other in range(len(bounds)):
            if bounds[other] < bounds[which]:
                which = other
        if bounds[which] >= furthest:
            break
        # A low limit ends most branches early; it rises until there is a match below it.
        limit = min(max(1.5 * bounds[which], 0.25), furthest)
        distance = _match(gram, which, limit, tried)
        while distance >= limit and limit < furthest:
            limit = min(3 * limit, furthest)
            distance = _match(gram, which, limit, tried)
        bounds[which] = np.inf
        if distance < limit:
            furthest = min(furthest, _WORSE * distance)
            total = squared_angles(u, vertices(_SOLID + which, tried), angles)
            if total < least:
                kind, least = _SOLID + which, total
                for j in range(_EIGHT):
                    places[j] = tried[j]
    return kind, least


@compiled()
@no_type_check
def nearest(u, spread, places):
    """The kind of shape that is nearest to k directions, and the sum of squared angles.

    NONE, and NAMED for each feature, where none is as near.

    `spread` is the sum of squares of all k² cosines: k²/d where the features share d dimensions evenly.
    `places` (k) is filled with the vertex of each feature.
    """
    k, m = u.shape
    kind, least = _NONE, k * NAMED**2
    angles, tried = np.empty(k), np.empty(k, np.int64)
    # Features within NAMED of d dimensions have at least this spread, divided by d.
    whole = (k * (1 - NAMED**2)) ** 2
    for candidate in range(_SIMPLEX, _SOLID + 1):
        total, found = np.inf, candidate
        if candidate == _SOLID:
            if k == _EIGHT and m >= 3 and spread >= whole / 3:
                found, total = _nearest_solid(u, tried)
        elif (candidate == _SIMPLEX and k <= m + 1) or (
            candidate == _POLYGON and k >= 5 and m >= 2 and spread >= whole / 2
        ):
            place(candidate, u, tried)
            total = squared_angles(u, vertices(candidate, tried), angles)
        if total <= least:
            kind, least = found, total
            for j in range(k):
                places[j] = tried[j]
    return kind, least
