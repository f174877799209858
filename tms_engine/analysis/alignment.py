"""Two models laid over each other: the best rotation of one, and which feature stands for which.

The loss of a tied model does not change with a rotation or a mirroring of hidden space, nor, where features
are equally important, with a permutation of features. Two models that have learned the same look different
until one is turned. The rotation for a given matching is Procrustes' (Schönemann 1966), the matching for a
given rotation is the assignment problem (Kuhn 1955), here by shortest augmenting paths (Jonker and Volgenant
1987; a few features need no SciPy, which numba would load at every start). Each in turn comes to rest in a
local minimum, so it begins from many rotations, and the best end is taken.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int64

# Features of which a matching is sought; with more, feature j stands for feature j.
MOST_MATCHED = 64
# Rotations that a search begins from, at most, and rounds of matching and turning, in which it comes to rest.
_STARTS, _ROUNDS = 48, 30


class Alignment(NamedTuple):
    """How a model is laid over another.

    turn      float64 (hidden of it, hidden of the other): its rows are orthonormal, or its columns where
              those are fewer; W @ turn is the model as the other's hidden space has it
    partner   int64 (features): for each of its features that of the other for which it stands; −1: none
    distance  root-mean-square length of the differences between vectors and their partners' after the turn
    mirrored  whether the turn is also a mirroring
    """

    turn: Float64[np.ndarray, "hidden other_hidden"]
    partner: Int64[np.ndarray, " features"]
    distance: float
    mirrored: bool


def align(
    weights: Float[np.ndarray, "features hidden"],
    onto: Float[np.ndarray, "other_features other_hidden"],
    matched: bool,
    before: Alignment | None = None,
) -> Alignment:
    """Lay a model over another by the best rotation, and with `matched` by the best matching of features.

    Without it feature j stands for feature j, as in two steps of one run, or where importances differ. With
    more than MOST_MATCHED features it is so, too. With `before`, an alignment of nearly the same weights, the
    search begins from there alone and takes a moment. Weights that are not finite count as 0.
    """
    a, b = (np.nan_to_num(w.astype(np.float64), posinf=0.0, neginf=0.0) for w in (weights, onto))
    by_number = np.where(np.arange(len(a)) < len(b), np.arange(len(a)), -1)
    if not matched or max(len(a), len(b)) > MOST_MATCHED:
        return _alignment(a, b, by_number)
    if before is not None and before.turn.shape == (a.shape[1], b.shape[1]):
        return _alignment(a, b, _at_rest(a, b, before.turn))
    starts = [_turn(a, b, by_number), *_rotations(a.shape[1], b.shape[1])]
    ends = {_at_rest(a, b, turn).tobytes() for turn in starts}
    found = [_alignment(a, b, np.frombuffer(end, np.int64)) for end in sorted(ends)]
    return min(found, key=lambda alignment: round(alignment.distance, 9))


def assignment(costs: Float[np.ndarray, "rows columns"]) -> Int64[np.ndarray, " rows"]:
    """For each row a column of its own, at the least sum of costs; there may be no more rows than columns.

    By shortest augmenting paths: rows² · columns operations.
    """
    n, m = costs.shape
    of_row, of_column = np.zeros(n + 1), np.zeros(m + 1)
    row_at, came_from = np.zeros(m + 1, np.int64), np.zeros(m + 1, np.int64)  # rows from 1, 0: none
    for row in range(1, n + 1):
        row_at[0], column = row, 0
        nearest, done = np.full(m + 1, math.inf), np.zeros(m + 1, bool)
        while row_at[column]:
            done[column] = True
            here = row_at[column]
            reduced = costs[here - 1] - of_row[here] - of_column[1:]
            closer = ~done[1:] & (reduced < nearest[1:])
            nearest[1:][closer], came_from[1:][closer] = reduced[closer], column
            column_next = 1 + int(np.where(done[1:], math.inf, nearest[1:]).argmin())
            step = nearest[column_next]
            of_row[row_at[done]] += step
            of_column[done] -= step
            nearest[~done] -= step
            column = column_next
        while column:
            row_at[column] = row_at[came_from[column]]
            column = int(came_from[column])
    chosen = np.empty(n, np.int64)
    for column in range(1, m + 1):
        if row_at[column]:
            chosen[row_at[column] - 1] = column - 1
    return chosen


def _matching(
    a: Float64[np.ndarray, "features hidden"], b: Float64[np.ndarray, "other_features hidden"]
) -> Int64[np.ndarray, " features"]:
    """The partner of each feature of a, −1 for none, by the least sum of squared differences."""
    if len(a) <= len(b):
        return assignment(_squared_differences(a, b))
    partner = np.full(len(a), -1, np.int64)
    partner[assignment(_squared_differences(b, a))] = np.arange(len(b))
    return partner


def _squared_differences(
    a: Float64[np.ndarray, "features hidden"], b: Float64[np.ndarray, "other_features hidden"]
) -> Float64[np.ndarray, "features other_features"]:
    return np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2 * a @ b.T


def _turn(
    a: Float64[np.ndarray, "features hidden"],
    b: Float64[np.ndarray, "other_features other_hidden"],
    partner: Int64[np.ndarray, " features"],
) -> Float64[np.ndarray, "hidden other_hidden"]:
    """The rotation, or mirroring, that takes the vectors of a nearest to their partners in b."""
    has = partner >= 0
    left, _, right = np.linalg.svd(a[has].T @ b[partner[has]], full_matrices=False)
    return left @ right


def _at_rest(
    a: Float64[np.ndarray, "features hidden"],
    b: Float64[np.ndarray, "other_features other_hidden"],
    turn: Float64[np.ndarray, "hidden other_hidden"],
) -> Int64[np.ndarray, " features"]:
    """The matching at which matching and turning change nothing any more, from a first turn."""
    partner = _matching(a @ turn, b)
    for _ in range(_ROUNDS):
        after = _matching(a @ _turn(a, b, partner), b)
        if (after == partner).all():
            break
        partner = after
    return partner


def _rotations(m: int, other_m: int) -> list[Float64[np.ndarray, "hidden other_hidden"]]:
    """Rotations and mirrorings to begin from, always the same."""
    count = {1: 2, 2: 24}.get(max(m, other_m), _STARTS)
    wide = max(m, other_m)
    drawn = np.random.default_rng(0).standard_normal((count, wide, wide))
    return [np.linalg.qr(matrix)[0][:m, :other_m] for matrix in drawn]


def _alignment(
    a: Float64[np.ndarray, "features hidden"],
    b: Float64[np.ndarray, "other_features other_hidden"],
    partner: Int64[np.ndarray, " features"],
) -> Alignment:
    turn = _turn(a, b, partner)
    has = partner >= 0
    apart = np.square(a[has] @ turn - b[partner[has]]).sum(-1)
    square = turn.shape[0] == turn.shape[1]
    return Alignment(
        turn,
        partner,
        float(np.sqrt(apart.mean())) if has.any() else math.nan,
        bool(square and np.linalg.det(turn) < 0),
    )
