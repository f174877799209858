"""The loops of `exact.py`, compiled: the expected squared error of every output, over the sets of active
features.

For output k and active features A, with magnitudes u uniform on (0, 1) and independent, s = b_k + Σ_A u_j
M_jk. Where s has one sign for all u, or there is no ReLU, the error is that of a linear function: mean² +
variance. Where it has both, two expectations of a positive part are needed, E[(z)₊²] and E[u_k (z)₊], z = c +
Σ g_j u_j:

- k is not active: the error is E[(s)₊²].
- k is active: (ReLU(s) − u_k)² = (s − u_k)² − (−s)₊² − 2 u_k (−s)₊, so that of the linear function less both.

The integral over u_j of a function of z is the difference of its antiderivative at u_j = 0 and 1, divided by
g_j, and the antiderivatives of (z)₊^q are (z)₊^(q+1) / (q+1): 2^|A| terms, which are exact. Of small g_j the
differences would cancel. There the function is smooth, and Gauss's two nodes take the place of 0 and 1. So
all that is computed is a sum over 2^|A| nodes, with weights, of powers of (z)₊.

Arrays are float64. Shapes are in comments, since numba reads no annotations: I instances, n features, S sets.
"""

from typing import no_type_check

import numpy as np

from tms_engine.training.numba.cache import compiled

# Antiderivatives are used, the largest |g_j| first, while the product of |g_j| / max |g| is above this. With
# less, the differences lose more digits than Gauss's rule leaves.
_LEAST_PRODUCT = 1e-6
# Half the distance of Gauss's two nodes on (0, 1).
_HALF = 0.5 / np.sqrt(3.0)


@compiled()
@no_type_check
def expected_errors(matrices, biases, rectified, active, probability, errors):
    """Write E[(x̂_k − x_k)²] of each output into `errors` (I, n): x̂ = xM + b, or its ReLU.

    M is `matrices` (I, n, n), b `biases` (I, n); `active` (S, n) are the sets that may be active, bools, and
    `probability` (S) that of each.
    """
    n = matrices.shape[1]
    order, column, g = np.empty(n, np.int64), np.empty(n), np.empty(n)
    nodes = np.empty(1 << n), np.empty(1 << n), np.empty(1 << n), np.empty(1 << n)
    for i in range(matrices.shape[0]):
        for k in range(n):
            _sort(matrices[i, :, k], order, column)
            c, total = biases[i, k], 0.0
            for a in range(active.shape[0]):
                size, own = 0, -1
                low, high, mean, variance = c, c, c, 0.0
                for t in range(n):
                    if active[a, order[t]]:
                        value = column[t]
                        g[size] = value
                        low += min(value, 0.0)
                        high += max(value, 0.0)
                        if order[t] == k:
                            own = size
                            value -= 1.0
                        mean += value / 2
                        variance += value * value / 12
                        size += 1
                if not rectified or low >= 0:
                    error = mean * mean + variance
                elif high <= 0:
                    error = 0.0 if own < 0 else 1 / 3
                elif own < 0:
                    error = _positive_part(c, g, size, own, nodes)
                else:
                    for t in range(size):
                        g[t] = -g[t]
                    error = mean * mean + variance - _positive_part(-c, g, size, own, nodes)
                total += probability[a] * error
            errors[i, k] = total


@compiled()
@no_type_check
def _sort(values, order, column):
    """Write the values (n) into `column` (n), the largest by size first, and their places into `order`
    (n)."""
    for j in range(len(values)):
        here = j
        while here > 0 and abs(values[j]) > abs(column[here - 1]):
            column[here], order[here] = column[here - 1], order[here - 1]
            here -= 1
        column[here], order[here] = values[j], j


@compiled()
@no_type_check
def _positive_part(c, g, size, own, nodes):
    """E[(z)₊²], and with u_own (own not −1) E[(z)₊² + 2 u_own (z)₊], over `size` uniform u.

    g (size) has the largest |g_j| first. `nodes` is room for four numbers a node, each (2^size).
    """
    z, weight, u_own, power = nodes
    z[0], weight[0], u_own[0] = c, 1.0, 0.0
    integrated, by_own = 0, 0.0
    product, exact = 1.0, True
    for t in range(size):
        product *= abs(g[t] / g[0]) * (abs(g[t] / g[0]) if t == own else 1.0)
        exact = exact and product > _LEAST_PRODUCT
        if exact:
            first, second, scale_first, scale_second = 0.0, 1.0, -1 / g[t], 1 / g[t]
            integrated += 1
        else:
            first, second, scale_first, scale_second = 0.5 - _HALF, 0.5 + _HALF, 0.5, 0.5
        n_nodes = 1 << t
        for v in range(n_nodes):
            z[n_nodes + v] = z[v] + second * g[t]
            weight[n_nodes + v] = weight[v] * scale_second
            z[v] += first * g[t]
            weight[v] *= scale_first
        if t == own:
            for v in range(n_nodes):
                u_own[v], u_own[n_nodes + v] = first, second
            if exact:
                by_own = 1 / g[t]  # from integrating u (z)₊ by parts
        elif own >= 0:
            for v in range(n_nodes):
                u_own[n_nodes + v] = u_own[v]
    n_nodes = 1 << size
    factor = 1.0
    for q in range(integrated):
        factor *= q + 2.0
    for v in range(n_nodes):  # (z)₊^(r + 1) / (r + 1)!, of r antiderivatives
        z[v] = max(z[v], 0.0)
        power[v] = z[v] / factor * weight[v]
    for _ in range(integrated):
        for v in range(n_nodes):
            power[v] *= z[v]
    total, last = 0.0, 2 / (integrated + 2.0)
    if own < 0:
        for v in range(n_nodes):
            total += last * z[v] * power[v]
    else:
        for v in range(n_nodes):
            total += power[v] * (last * z[v] * (1 - by_own) + 2 * u_own[v])
    return total
