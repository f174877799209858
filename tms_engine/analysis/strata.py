"""The fresh rows that losses are evaluated on, by strata: how many features are active at once.

A loss is an expectation, L = Σ_k P(k units fire) · E[loss | k fire], where the units are features, or sets of
them for the laws of sets. At high sparsity nearly all rows have nothing or one feature active, and the loss
comes from the few in which features collide. A plain sample would hardly meet these, and its standard error
would be wrong. So the probabilities of the strata are exact (binomial); the rows with nothing active are one
row, those with one active feature are integrated by Gauss's rule, and all rows that are drawn are drawn from
the others.

The rows depend neither on the random seed nor on the instance, and those of k units not on the sparsity: all
models of a data law are evaluated on the same ones.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64

from tms_engine import sampling
from tms_engine.arrays import Array, different_rows, library_on, places_of_each
from tms_engine.experiment import Experiment

# Strata that are drawn have at least this share of the rows, or neighbours are put together.
_LEAST_SHARE = 1 / 16
# The rule for one active feature: panels of two nodes each, at most and at least, and entries at most.
_PANELS, _LEAST_PANELS, _NODE_ENTRIES = 64, 8, 1 << 21


class Stratum(NamedTuple):
    """Rows that are alike.

    probability  of a row to be among them
    fired        of each block of its rows, how many units fire; None: as the law has it
    counts       rows of each block
    exact        whether the mean over its rows is the expectation, up to the error of the rule
    """

    probability: float
    fired: tuple[int | None, ...]
    counts: tuple[int, ...]
    exact: bool = False

    @property
    def rows(self) -> int:
        return sum(self.counts)


def by_density(experiment: Experiment) -> list[tuple[float, Int64[np.ndarray, " some"]]]:
    """The densities 1 − S, with the places of the instances that have each, and no other of a feature."""
    if sampling.fires(experiment) == "n_active":
        return [(1.0, np.arange(experiment.n_instances))]
    densities = 1 - experiment.per_instance("sparsity")
    columns = [densities[:, None]]
    if experiment.differs("relative_density"):
        columns.append(np.array(experiment.relative_density, np.float64))
    places = places_of_each(different_rows(np.concatenate(columns, 1))[1])
    return [(float(densities[some[0]]), some) for some in places]


def strata(experiment: Experiment, density: float, rows: int, parts: int) -> list[Stratum]:
    """The strata at a density. Those that are drawn have about `rows` rows, in multiples of `parts`."""
    fires = sampling.fires(experiment)
    if fires == "unknown":
        return [Stratum(1.0, (None,), (_multiple(rows, parts),))]
    if fires == "n_active":
        fired, probability = np.array([experiment.n_active]), np.ones(1)
    else:
        fired, probability = _binomial(sampling.units(experiment), density)
    exact = []
    if fired[0] == 0:
        exact.append(Stratum(float(probability[0]), (0,), (1,), exact=True))
        fired, probability = fired[1:], probability[1:]
    panels = _panels(experiment)
    even = fires in ("features", "n_active") or (
        fires == "one of a set" and isinstance(experiment.set_size, int)
    )
    if len(fired) and fired[0] == 1 and even and panels:  # each feature is as likely to be the only one
        nodes = experiment.n_features * 2 * panels
        exact.append(Stratum(float(probability[0]), (1,), (nodes,), exact=True))
        fired, probability = fired[1:], probability[1:]
    return exact + _drawn(fired, probability, rows, parts)


def _drawn(
    fired: Int64[np.ndarray, " some"], probability: Float64[np.ndarray, " some"], rows: int, parts: int
) -> list[Stratum]:
    """Strata with rows in proportion to the roots of their probabilities.

    Rare strata lose more, and with rows in proportion to the probabilities themselves they would hardly be
    met: where correlated pairs have learned to share, all loss is of two pairs at once. Where all strata lose
    alike, roots cost up to a quarter more variance. Neighbours are put together until they have a share that
    is worth a stratum; within it, rows are in proportion to the probabilities, up to rounding.
    """
    roots, strata = np.sqrt(probability), []
    begin, share = 0, 0.0
    for end in range(1, len(fired) + 1):
        share += roots[end - 1] / roots.sum() if roots.any() else 0
        if share < _LEAST_SHARE and end < len(fired):
            continue
        within = probability[begin:end].sum()
        if within > 0:
            count = _multiple(max(round(rows * share), 1), parts)
            edges = np.round(count * np.cumsum(probability[begin:end]) / within).astype(np.int64)
            counts = np.diff(edges, prepend=0).tolist()
            blocks = [(k, c) for k, c in zip(fired[begin:end].tolist(), counts, strict=True) if c]
            strata.append(Stratum(float(within), tuple(k for k, _ in blocks), tuple(c for _, c in blocks)))
        begin, share = end, 0.0
    return strata


def _multiple(rows: int, parts: int) -> int:
    return -(-rows // parts) * parts


def _binomial(n: int, p: float) -> tuple[Int64[np.ndarray, " some"], Float64[np.ndarray, " some"]]:
    """How many of n fire, and the probabilities of that; what lies 12 deviations away is left out."""
    if p >= 1:
        return np.array([n]), np.ones(1)
    spread = 12 * math.sqrt(n * p * (1 - p)) + 12
    low, high = max(0, math.floor(n * p - spread)), min(n, math.ceil(n * p + spread))
    k = np.arange(low, high + 1)
    ratios = (n - k[:-1]) / (k[:-1] + 1) * (p / (1 - p))
    logs = np.concatenate([[0.0], np.cumsum(np.log(ratios))])
    weights = np.exp(logs - logs.max())
    return k, weights / weights.sum()


def _panels(experiment: Experiment) -> int:
    """Panels of the rule for one active feature; 0 where it does not serve, or for too many features."""
    if experiment.magnitudes == "exponential":  # not smooth at its end
        return 0
    most = _NODE_ENTRIES // (2 * experiment.n_features**2)
    return min(_PANELS, most) if most >= _LEAST_PANELS else 0


def pieces(
    experiment: Experiment, density: float, stratum: Stratum, step: int, device: str, sample: int
) -> Iterator[Float32[Array, "_ features"]]:
    """The rows of a stratum, `step` at a time. `sample` is the number of an independent sample of them."""
    for first in range(0, stratum.rows, step):
        rows = min(step, stratum.rows - first)
        if stratum.exact:
            x = sampling.finished(experiment, _nodes(experiment.n_features, stratum, first, rows))
            yield x if device == "cpu" else library_on(device).tensor(x, device=device)
            continue
        blocks, begin = [], 0
        for fired, count in zip(stratum.fired, stratum.counts, strict=True):
            low, high = max(first - begin, 0), min(first + rows - begin, count)
            if low < high:
                arguments = (experiment, density, fired, low, high - low, device, sample)
                blocks.append(sampling.evaluation_rows(*arguments))
            begin += count
        yield blocks[0] if len(blocks) == 1 else library_on(device).concatenate(blocks)


def _nodes(n: int, stratum: Stratum, first: int, rows: int) -> Float32[np.ndarray, "{rows} {n}"]:
    """Rows with nothing active, or with one feature at the nodes of Gauss's rule, every feature in turn."""
    x = np.zeros((rows, n), np.float32)
    if stratum.fired == (1,):
        panels = stratum.rows // (2 * n)
        node, feature = np.divmod(np.arange(first, first + rows), n)
        panel, side = np.divmod(node, 2)
        x[np.arange(rows), feature] = (panel + 0.5 + (side - 0.5) / math.sqrt(3)) / panels
    return x
