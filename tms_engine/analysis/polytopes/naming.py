"""Names of instances by their weights: of one, with its parts, and of a population."""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from tms_engine import process
from tms_engine.analysis.geometry import REPRESENTED_NORM, norms, represented
from tms_engine.analysis.polytopes import ideals
from tms_engine.analysis.polytopes.words import NOT_FINITE, Shape, order_key, part_name, title, whole_name
from tms_engine.arrays import different_rows

# Entries of the weights that are named at once, in double precision.
_ENTRIES = 1 << 20
# Degrees by which another name has to be nearer to take the place of the one before.
MARGIN = 2.0


class Names(NamedTuple):
    """What the instances of a population are.

    names        the names that occur, the most frequent first: "square antiprism", "a pentagon and a single"
    which        int64 (instances,): the place of each instance's name in `names`
    residual     float64 (instances,): degrees, the root-mean-square angle between the represented features
                 and the ideal, after the best rotation; only features of parts that have an ideal count, and
                 it is NaN where none has
    represented  int64 (instances,): features with ‖W_j‖ above one half
    """

    names: tuple[str, ...]
    which: Int64[np.ndarray, " instances"]
    residual: Float64[np.ndarray, " instances"]
    represented: Int64[np.ndarray, " instances"]

    def of(self, instance: int) -> str:
        """The name of one instance."""
        return self.names[self.which[instance]]

    def title(self, instance: int) -> str:
        """The name of one instance with its residual: "square antiprism, 4° off"."""
        return title(self.of(instance), float(self.residual[instance]))

    def counts(self) -> Int64[np.ndarray, " names"]:
        """How many instances have each of the names."""
        return np.bincount(self.which, minlength=len(self.names))


class Part(NamedTuple):
    """A tegum factor: features whose directions span a space that is orthogonal to all others'.

    name       "digon", "pentagon", "square antiprism", or "8 in 3" where no ideal is near
    features   in the order of the ideal's vertices; without an ideal in their own
    dimension  of the ideal; without one the least that holds the features to 5°
    residual   degrees, root-mean-square, after the part's own best rotation; NaN without an ideal
    shape      the same as numbers
    """

    name: str
    features: tuple[int, ...]
    dimension: int
    residual: float
    shape: Shape


class Polytopes(NamedTuple):
    """What one instance is: its name and residual as in `Names`, and its parts, the largest first."""

    name: str
    residual: float
    parts: tuple[Part, ...]

    @property
    def title(self) -> str:
        """The name with the residual: "square antiprism, 4° off"."""
        return title(self.name, self.residual)


def is_compiled() -> bool:
    """Whether names need no compiler: it takes half a minute, and holds up others who need it too."""
    from tms_engine.analysis.polytopes.parting import name_all
    from tms_engine.training.numba.cache import is_kept

    return is_kept(name_all)


def name_instances(weights: Float[np.ndarray, "instances features hidden"]) -> Names:
    """Name every instance of a population: the parts that it is made of, and how far it is from ideal.

    Costs about 20 µs of one core an instance of 8 features, 60 where that is near a solid without being one,
    besides the compilation of the search at its first use on a machine. Many instances are shared among
    threads. Instances with more than 512 represented features are one part without an ideal.
    """
    from tms_engine.analysis.polytopes.parting import shape_of

    n_instances, n, m = weights.shape
    names: dict[str, int] = {}
    which, residual = np.empty(n_instances, np.int64), np.full(n_instances, np.nan)
    some = max(1, _ENTRIES // max(1, n * m))
    starts = range(0, n_instances, some)
    with ThreadPoolExecutor(process.kernel_threads()) as pool:
        found = pool.map(lambda first: _search(weights[first : first + some]), starts)
        for first, (codes, row, degrees, finite) in zip(starts, found, strict=True):
            said = [whole_name(Shape(*shape_of(-code)) for code in part if code) for part in codes.tolist()]
            places = np.array([names.setdefault(name, len(names)) for name in said], np.int64)
            here = slice(first, first + len(row))
            which[here], residual[here] = places[row], degrees
            if not finite.all():
                which[here][~finite] = names.setdefault(NOT_FINITE, len(names))
    counts = np.bincount(which, minlength=len(names))
    by_count = sorted(names, key=lambda name: (-counts[names[name]], name))
    by_count = [name for name in by_count if counts[names[name]]]
    renumbered = np.zeros(len(names), np.int64)
    renumbered[[names[name] for name in by_count]] = np.arange(len(by_count))
    return Names(tuple(by_count), renumbered[which], residual, represented(weights).sum(-1))


class _Found(NamedTuple):
    """Parts of a block of instances, as codes: those that occur, and which of them each instance has."""

    codes: Int64[np.ndarray, "different features"]
    row: Int64[np.ndarray, " instances"]
    degrees: Float64[np.ndarray, " instances"]
    finite: Bool[np.ndarray, " instances"]


def _search(weights: Float[np.ndarray, "instances features hidden"]) -> _Found:
    """What is not finite is searched as zeros. Runs without the GIL for the most part."""
    from tms_engine.analysis.polytopes.parting import name_all

    block = np.ascontiguousarray(weights, np.float64)
    finite = np.asarray(np.isfinite(block).all((1, 2)))
    codes, radians = np.zeros(block.shape[:2], np.int64), np.empty(len(block))
    name_all(np.where(finite[:, None, None], block, 0), codes, radians)
    different, row = different_rows(codes)
    return _Found(different, row, np.degrees(radians), finite)


def polytopes(
    weights: Float[np.ndarray, "features hidden"], before: Polytopes | None = None, margin: float = MARGIN
) -> Polytopes:
    """The parts of one instance, and its name.

    With `before`, what was found at an earlier step, the parts and the name of then are kept, their residuals
    being those of now, until others are nearer by `margin` degrees or other features are represented. So a
    name that is shown live is steady.
    """
    from tms_engine.analysis.polytopes.parting import parts_of, shape_of

    w = np.ascontiguousarray(weights, np.float64)
    if not np.isfinite(w).all():
        return Polytopes(NOT_FINITE, math.nan, ())
    number, code, place = (np.empty(len(w), np.int64) for _ in range(3))
    total, named = parts_of(w, number, code, place)
    groups = [np.flatnonzero(number == part) for part in range(number.max(initial=-1) + 1)]
    found = _described(
        w, [(Shape(*shape_of(int(code[group[0]]))), group, place[group]) for group in groups], total, named
    )
    kept = None if before is None else _as_before(w, before)
    return kept if kept is not None and _badness(kept) <= _badness(found) + margin else found


# A part: its shape, its features, and the vertex of each.
_Placed = tuple[Shape, Int64[np.ndarray, " _"], Int64[np.ndarray, " _"]]


def _described(
    w: Float64[np.ndarray, "features hidden"], placed: list[_Placed], total: float, named: int
) -> Polytopes:
    """The parts in order, from their shapes, features and places, and the squared angles of all together."""
    from tms_engine.analysis.polytopes.fitting import squared_angles, vertices

    parts = []
    for shape, features, place in placed:
        residual = math.nan
        if shape.kind != ideals.NONE:
            squared = squared_angles(
                _directions(w[features]), vertices(shape.kind, place), np.empty(shape.size)
            )
            residual = math.degrees(math.sqrt(squared / shape.size))
            features = features[np.argsort(place)]
        parts.append(Part(part_name(shape), tuple(features.tolist()), shape.dimension, residual, shape))
    parts.sort(key=lambda part: (order_key(part.shape), part.features))
    residual = math.degrees(math.sqrt(total / named)) if named else math.nan
    return Polytopes(whole_name(part.shape for part in parts), residual, tuple(parts))


def _as_before(w: Float64[np.ndarray, "features hidden"], before: Polytopes) -> Polytopes | None:
    """The parts of before, fitted to the weights of now; None where they are no parts of these."""
    from tms_engine.analysis.polytopes import fitting, parting

    features = np.flatnonzero(norms(w[None])[0] > REPRESENTED_NORM)
    if sorted(j for part in before.parts for j in part.features) != features.tolist():
        return None
    placed: list[_Placed] = []
    number, code, vertex = (np.zeros(len(w), np.int64) for _ in range(3))
    for order, part in enumerate(before.parts):
        of_part = np.array(part.features, np.int64)
        u, place = _directions(w[of_part]), np.zeros(len(of_part), np.int64)
        if part.shape.kind != ideals.NONE:
            fitting.place(part.shape.kind, u, place)
        elif parting.flat_dimension(u) != part.dimension:
            return None
        placed.append((part.shape, of_part, place))
        number[of_part], code[of_part], vertex[of_part] = order, parting.code_of(*part.shape), place
    u = _directions(w[features])
    total, named = parting.misfit(u, number[features], code[features], vertex[features])
    return _described(w, placed, total, named)


def _badness(found: Polytopes) -> float:
    """Degrees, root-mean-square; a feature whose part has no name counts as one that just gets none."""
    from tms_engine.analysis.polytopes.fitting import NAMED

    sizes = [(part.shape.size, part.shape.kind == ideals.NONE) for part in found.parts]
    unnamed = sum(size for size, none in sizes if none)
    named = sum(size for size, _ in sizes) - unnamed
    squared = unnamed * math.degrees(NAMED) ** 2 + (named * found.residual**2 if named else 0)
    return math.sqrt(squared / max(1, named + unnamed))


def _directions(w: Float64[np.ndarray, "some hidden"]) -> Float64[np.ndarray, "some hidden"]:
    return w / np.linalg.norm(w, axis=-1, keepdims=True)
